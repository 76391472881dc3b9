//! The domain controllers' certificate: who issued it, whether it is trusted here, and the CA that is
//! missing, in whatever form it came.
#![forbid(unsafe_code)]

use super::ask::Asker;
use super::host::Host;
use super::known::{Known, Trial, is_same};
use super::servers::{self, Found};
use super::{Failure, PATIENCE, Setup};
use crate::cert::plan::{Plan, Target, Write, choose};
use crate::cert::store::TrustStore;
use crate::cert::{Opening, files, words};
use crate::output::{print, say};
use crate::terminal::{Paint, line};
use ldaps_core::config;
use ldaps_directory::certificates::{self, Certificate, Sent};
use ldaps_directory::{DirectoryError, Server, Tls, TlsFault, TlsReason};
use std::path::{Path, PathBuf};

/// So many servers are looked at: enough to see whether one CA is behind all.
const LOOKED_AT: usize = 8;
/// Whom ldapsd trusts where the rest of the host shall not.
const PRIVATE: &str = "/etc/ldaps/ca.pem";
const MISSING: &str = "Add --ca FILE with that CA's certificate, in any form (PEM, DER, P7B, PFX).";

/// Whom to trust.
pub struct Trust {
    /// For the questions that are put now.
    pub tls: Tls,
    /// `ca` under `[tls]`, where it has to be written.
    pub ca: Option<PathBuf>,
    /// Files of certificates to write.
    pub writes: Vec<Write>,
    /// Whether they are of the system's store, which has to be made anew then.
    pub is_system: bool,
}

/// One server that sends a certificate.
struct Reached {
    server: Server,
    sent: Sent,
}

/// Looks at every server, and settles by whom they are trusted.
///
/// # Errors
/// When none can be reached, or none can be trusted.
pub fn settle(
    setup: &Setup,
    host: &Host,
    asker: &Asker,
    known: &Known,
    found: &mut Found,
    trial: &Trial,
) -> Result<Trust, Failure> {
    let store = TrustStore::at(host.root());
    let now = trusted_now(known, &store);
    let reached = reach(found)?;
    if let ([one], 1) = (reached.as_slice(), found.list.len())
        && let Some(own) = one.sent.certificates.first()
        && !bears(own, &one.server.name)
    {
        let at = one.sent.address.ip();
        servers::rename(found, asker, &one.server, at, own).map_err(|told| {
            let names = own.facts().names.join(", ");
            format!(
                "The certificate of {} is for another name ({names}), so it cannot be verified.\n{told}\nNothing was changed.",
                one.server
            )
        })?;
        return settle(setup, host, asker, known, found, trial);
    }
    let tls = Tls::new(&now).ok();
    let faults = match &tls {
        Some(tls) => untrusted(tls, &reached)?,
        None => Vec::new(),
    };
    if let (Some(tls), true) = (&tls, faults.len() < reached.len()) {
        for (_, fault) in &faults {
            line(Paint::Yellow, &format!("Not used as long as this is so: {fault}"));
        }
        if !setup.ca.is_empty() {
            say("Its CA is trusted here already, so --ca changes nothing.\n");
        }
        return Ok(Trust { tls: tls.clone(), ca: None, writes: Vec::new(), is_system: false });
    }
    let Some(first) = reached.first() else { return Err(Failure::from("There is no server.")) };
    if let Some((_, fault)) = faults.first().filter(|(_, it)| it.reason() != TlsReason::Untrusted) {
        return Err(Failure::from(format!("{fault}\nNothing was changed.")));
    }
    say(&format!(
        "Nobody who is trusted on this host has issued that certificate: {} has.\n",
        issuer(first)
    ));
    with_ca(setup, &store, host, asker, known, trial, (&now, &reached))
}

/// As the configuration has it; the system's own store where that says nothing.
fn trusted_now(known: &Known, store: &TrustStore) -> config::Tls {
    let mut tls = known.config.tls.clone();
    if tls.ca_file.is_none() && tls.ca_dirs.is_empty() {
        tls.ca_file = Some(store.bundle());
    }
    tls
}

/// Shows what each server sends.
fn reach(found: &Found) -> Result<Vec<Reached>, Failure> {
    let mut reached = Vec::new();
    let mut first_error = None;
    for server in found.list.iter().take(LOOKED_AT) {
        match certificates::as_sent(server, PATIENCE) {
            Ok(sent) => {
                let one = Reached { server: server.clone(), sent };
                if let Some(own) = one.sent.certificates.first().map(Certificate::facts) {
                    say(&format!(
                        "{server} answers at {}; its certificate was issued by {} ({})\n",
                        one.sent.address,
                        own.issuer,
                        words::left(own, words::now())
                    ));
                }
                reached.push(one);
            }
            Err(error) => {
                line(Paint::Yellow, &format!("{error}"));
                first_error.get_or_insert(error);
            }
        }
    }
    match (reached.is_empty(), first_error) {
        (true, Some(_)) => Err(Failure::unknown(
            "No domain controller can be reached, so nothing can be set up yet. Nothing was changed.",
        )),
        _ => Ok(reached),
    }
}

/// Whether a certificate is for this name: what TLS verifies later is asked about in advance.
fn bears(certificate: &Certificate, name: &str) -> bool {
    let same = |pattern: &String| match pattern.strip_prefix("*.") {
        Some(parent) => {
            name.split_once('.').is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(parent))
        }
        None => pattern.eq_ignore_ascii_case(name),
    };
    certificate.facts().names.iter().any(same)
}

/// What is wrong with each server that is not trusted.
fn untrusted<'r>(
    tls: &Tls,
    reached: &'r [Reached],
) -> Result<Vec<(&'r Reached, TlsFault)>, Failure> {
    let mut faults = Vec::new();
    for one in reached {
        match certificates::as_accepted(&one.server, tls, PATIENCE) {
            Ok(accepted) => {
                let by = accepted.chain.last().map(|it| words::common_name(it.facts()).to_owned());
                let by = by.unwrap_or_default();
                line(Paint::Green, &format!("{} is trusted, by {by:?}", one.server));
            }
            Err(DirectoryError::Tls(fault)) => faults.push((one, *fault)),
            Err(error) => return Err(Failure::unknown(error)),
        }
    }
    Ok(faults)
}

fn issuer(reached: &Reached) -> String {
    let last = reached.sent.certificates.last().map(|it| it.facts().issuer.clone());
    last.unwrap_or_default()
}

/// Takes the CA from its files, and tries it before anything is changed.
fn with_ca(
    setup: &Setup,
    store: &TrustStore,
    host: &Host,
    asker: &Asker,
    known: &Known,
    trial: &Trial,
    (now, reached): (&config::Tls, &[Reached]),
) -> Result<Trust, Failure> {
    let mut given = setup.ca.clone();
    loop {
        if given.is_empty() {
            let question = "File with the certificate of that CA (PEM, DER, P7B or PFX), as in /root/corp-ca.cer";
            given = vec![PathBuf::from(asker.text(question, None, MISSING)?)];
        }
        match tried(setup, &given, store, host, known, trial, (now, reached)) {
            Ok(trust) => return Ok(trust),
            Err(problem) if asker.can_ask() => {
                line(Paint::Yellow, &problem);
                given.clear();
            }
            Err(problem) => return Err(Failure::from(format!("{problem}\nNothing was changed."))),
        }
    }
}

fn tried(
    setup: &Setup,
    given: &[PathBuf],
    store: &TrustStore,
    host: &Host,
    known: &Known,
    trial: &Trial,
    (now, reached): (&config::Tls, &[Reached]),
) -> Result<Trust, String> {
    let opening = Opening { password_file: setup.ca_password_file.clone() };
    let mut found = Vec::new();
    for path in given {
        found.extend(files::read(path, &opening)?.certificates);
    }
    let time = words::now();
    let mut plan = choose(&found, false, time);
    for remark in &plan.remarks {
        // What is an option of `cert import` is none here.
        let remark = remark.replace("add --leaf", "ldapsctl cert import --leaf FILE");
        say(&format!("{remark}\n"));
    }
    if plan.taken.is_empty() {
        return Err(format!("{} holds no CA that can be taken.", shown(given)));
    }
    let target = target(setup, store, host, known, now);
    plan.aim(&target)?;
    let pem = complete(&plan, &target, store)?;
    let mut trying = now.clone();
    trying.ca_file = Some(trial.ca_file(&pem)?);
    trying.ca_dirs.clear();
    let tls = Tls::new(&trying)?;
    let faults = untrusted(&tls, reached).map_err(|failure| failure.text)?;
    if let (true, Some((one, fault))) = (faults.len() == reached.len(), faults.first()) {
        return Err(match fault.reason() {
            TlsReason::Untrusted => format!(
                "{} is of {}, and the certificate of {} was issued by another: {}",
                shown(given),
                plan.taken
                    .iter()
                    .map(|it| format!("{:?}", words::common_name(it.facts())))
                    .collect::<Vec<_>>()
                    .join(", "),
                one.server,
                issuer(one)
            ),
            _ => fault.to_string(),
        });
    }
    for certificate in &plan.taken {
        print(&words::describe("", certificate.facts(), time));
    }
    say("Compare that fingerprint with the CA's own, by another channel than this network.\n");
    let ca = match &target {
        Target::File(path)
            if known.config.tls.ca_file.as_ref().is_none_or(|ca| !is_same(ca, path)) =>
        {
            Some(path.clone())
        }
        Target::File(_) | Target::System(_) => None,
    };
    let is_system = matches!(target, Target::System(_));
    Ok(Trust { tls, ca, writes: plan.writes, is_system })
}

/// The system's store; a file of its own where that is wanted, or where the configuration reads none of
/// the system's.
fn target(
    setup: &Setup,
    store: &TrustStore,
    host: &Host,
    known: &Known,
    now: &config::Tls,
) -> Target {
    let system = now.ca_file.as_ref().is_some_and(|file| is_same(file, &store.bundle()));
    match (&known.stated.ca, system && !setup.ca_private) {
        (_, true) => Target::System(TrustStore::at(host.root())),
        (Some(ours), false) if !is_same(ours, &store.bundle()) => Target::File(ours.clone()),
        (_, false) => Target::File(host.path(PRIVATE)),
    }
}

/// All that will be trusted then.
fn complete(plan: &Plan, target: &Target, store: &TrustStore) -> Result<Vec<u8>, String> {
    let file: &Path = match target {
        Target::System(_) => &store.bundle(),
        Target::File(path) => path,
    };
    let mut pem = if file.exists() { files::bytes(file)?.to_vec() } else { Vec::new() };
    pem.push(b'\n');
    plan.taken.iter().for_each(|it| pem.extend(it.pem()));
    Ok(pem)
}

fn shown(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}
