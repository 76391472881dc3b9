//! What an import will do, decided and shown before any of it is done.
#![forbid(unsafe_code)]

use super::store::TrustStore;
use super::{files, words};
use ldaps_directory::certificates::{self, Certificate, Role};
use std::path::{Path, PathBuf};

/// Where certificates go.
pub enum Target {
    /// The system's store.
    System(TrustStore),
    /// A PEM file of their own.
    File(PathBuf),
}

/// One file that will be written.
#[derive(Debug, PartialEq)]
pub struct Write {
    /// The file.
    pub path: PathBuf,
    /// Its new content.
    pub content: Vec<u8>,
    /// Why, where it is not what was asked for.
    pub why: Option<String>,
}

/// Everything that will be done.
#[derive(Default)]
pub struct Plan {
    /// The certificates that will be trusted.
    pub taken: Vec<Certificate>,
    /// What somebody has pasted into the store, and would lose by this.
    pub rescued: Vec<Certificate>,
    /// Sentences about those that will not, and about what is odd.
    pub remarks: Vec<String>,
    /// The files.
    pub writes: Vec<Write>,
    /// Those of `taken` that are trusted already.
    pub known: Vec<String>,
}

/// Sorts what the files held: a sentence for each that is left out.
pub fn choose(found: &[Certificate], leaves_too: bool, now: i64) -> Plan {
    let mut plan = Plan::default();
    for certificate in found {
        let facts = certificate.facts();
        let name = words::common_name(facts);
        match facts.role {
            _ if plan.taken.contains(certificate) => continue,
            Role::Leaf | Role::SelfSignedLeaf if !leaves_too => {
                plan.remarks.push(left_out(certificate));
                continue;
            }
            _ if facts.has_expired(now) => {
                let remark = format!(
                    "Not taken: {name:?} has expired on {}. Ask for the one that has replaced it.",
                    words::day(facts.not_after)
                );
                plan.remarks.push(remark);
                continue;
            }
            Role::RootCa | Role::IntermediateCa | Role::Leaf | Role::SelfSignedLeaf => {}
        }
        if facts.is_not_yet_valid(now) {
            plan.remarks.push(format!(
                "{name:?} is not valid before {}: until then nothing is trusted by it. Is the clock of \
                 this host right?",
                words::day(facts.not_before)
            ));
        }
        for weakness in &facts.weaknesses {
            plan.remarks.push(format!("{name:?} may be refused all the same: {weakness}."));
        }
        plan.taken.push(certificate.clone());
    }
    plan
}

fn left_out(certificate: &Certificate) -> String {
    let facts = certificate.facts();
    let name = words::common_name(facts);
    match facts.role {
        Role::SelfSignedLeaf => format!(
            "Not taken: {name:?} is no CA, but a server that has signed its certificate itself. Have \
             it get one from the organisation's CA; or, to trust this one server until its \
             certificate is renewed, add --leaf."
        ),
        Role::Leaf | Role::RootCa | Role::IntermediateCa => format!(
            "Not taken: {name:?} is no CA, but a server or a person. What is wanted is its issuer's: {}.",
            facts.issuer
        ),
    }
}

impl Plan {
    /// Decides which files are to be written.
    ///
    /// # Errors
    /// A sentence about what stands in the way.
    pub fn aim(&mut self, target: &Target) -> Result<(), String> {
        match target {
            Target::System(store) => self.aim_at_system(store),
            Target::File(path) => self.aim_at_file(path),
        }
    }

    fn aim_at_system(&mut self, store: &TrustStore) -> Result<(), String> {
        if !store.bundle().exists() {
            return Err(format!(
                "{} does not exist: this host has no trust store. Run: apt-get install ca-certificates",
                store.bundle().display()
            ));
        }
        let (local, trusted, pasted) = (store.local(), store.trusted(), store.pasted());
        for certificate in &self.taken {
            let name = words::common_name(certificate.facts()).to_owned();
            if let Some((path, _)) = local.iter().find(|(_, it)| it == certificate) {
                self.known.push(format!("{name:?} is in {} already.", path.display()));
            } else if trusted.contains(certificate) && !pasted.contains(certificate) {
                self.known.push(format!("{name:?} comes with the distribution's ca-certificates."));
            } else {
                self.writes.push(one_file(store, certificate, None));
            }
        }
        for certificate in pasted.iter().filter(|it| !self.taken.contains(it)) {
            let why = format!(
                "somebody has pasted it into {}, where this update would remove it",
                store.bundle().display()
            );
            self.writes.push(one_file(store, certificate, Some(why)));
            self.rescued.push(certificate.clone());
        }
        Ok(())
    }

    fn aim_at_file(&mut self, path: &Path) -> Result<(), String> {
        if path.ends_with("etc/ssl/certs/ca-certificates.crt") {
            return Err(format!(
                "{} is made by update-ca-certificates, and what is written into it is gone with its \
                 next run. Leave out --into: the certificate goes where it stays.",
                path.display()
            ));
        }
        let mut content = Vec::new();
        let mut there = Vec::new();
        if path.exists() {
            content = files::bytes(path)?.to_vec();
            let read = certificates::read(&content, None);
            there = read.map_err(|problem| format!("{} {problem}.", path.display()))?.certificates;
            if !content.ends_with(b"\n") {
                content.push(b'\n');
            }
        }
        let (known, new): (Vec<_>, Vec<_>) = self.taken.iter().partition(|it| there.contains(it));
        for certificate in known {
            let name = words::common_name(certificate.facts());
            self.known.push(format!("{name:?} is in {} already.", path.display()));
        }
        for certificate in &new {
            content.extend_from_slice(certificate.pem().as_slice());
        }
        if !new.is_empty() {
            self.writes.push(Write { path: path.to_owned(), content, why: None });
        }
        Ok(())
    }

    /// All of it, for the administrator to look at.
    pub fn describe(&self, target: &Target, now: i64) -> String {
        let mut text: String =
            self.taken.iter().map(|it| words::describe("", it.facts(), now) + "\n").collect();
        for remark in self.remarks.iter().chain(&self.known) {
            text += &format!("{remark}\n");
        }
        if self.writes.is_empty() {
            return text;
        }
        text += "This will be done:\n";
        for write in &self.writes {
            let verb = if write.path.exists() { "add to (a copy is kept)" } else { "write" };
            let why = write.why.as_deref().map(|why| format!("   ({why})")).unwrap_or_default();
            text += &format!("  {verb} {}{why}\n", write.path.display());
        }
        if let Target::System(store) = target {
            text += &format!("  run   {}\n", store.update_command().join(" "));
        }
        text
    }
}

fn one_file(store: &TrustStore, certificate: &Certificate, why: Option<String>) -> Write {
    // update-ca-certificates takes files that end in .crt, and one certificate in each.
    let name = format!("{}.crt", words::file_stem(certificate.facts()));
    Write { path: store.local_dir().join(name), content: certificate.pem(), why }
}
