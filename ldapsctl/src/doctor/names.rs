//! NSS: whether glibc asks us, in which order, and who answers in our place.
#![forbid(unsafe_code)]

use super::report::{
    Fix, Report,
    Severity::{Fault, Warning},
};
use super::{Doctor, text};

const AREA: &str = "NSS";
const SERVICE: &str = "ldaps";

/// Looks at nsswitch.conf, the module, nscd, and the ids of containers.
pub fn look(doctor: &Doctor, report: &mut Report) {
    let path = doctor.path("/etc/nsswitch.conf");
    let shown = path.display().to_string();
    let Some(content) = text(&path) else {
        report.add(
            Fault,
            AREA,
            "nsswitch-missing",
            format!("{shown} cannot be read"),
            "glibc asks files alone",
            "sudo apt-get install --reinstall libc-bin",
        );
        return;
    };
    for database in ["passwd", "group"] {
        look_at(&shown, database, &line_of(&content, database), report);
    }
    initgroups(&shown, &content, report);
    module(doctor, report);
    nscd(doctor, report);
}

/// The words behind `passwd:`; glibc takes the last such line.
fn line_of(content: &str, database: &str) -> Option<Vec<String>> {
    let lines = content.lines().map(|line| line.split('#').next().unwrap_or_default());
    let found = lines
        .filter_map(|line| line.trim().strip_prefix(database)?.trim_start().strip_prefix(':'))
        .next_back();
    // "[NOTFOUND=return]" may have blanks inside.
    let joined = found?.replace('[', " [").replace(']', "] ");
    let mut words: Vec<String> = Vec::new();
    for word in joined.split_whitespace() {
        match words.last_mut() {
            Some(open) if open.starts_with('[') && !open.ends_with(']') => {
                open.push(' ');
                open.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
    }
    Some(words)
}

fn look_at(shown: &str, database: &'static str, words: &Option<Vec<String>>, report: &mut Report) {
    let Some(words) = words else {
        let why = "glibc asks files alone, and nobody from the directory is known";
        let what = format!("{shown} has no line {database}:");
        report.add(
            Fault,
            AREA,
            "not-asked",
            what,
            why,
            format!("echo '{database}: files {SERVICE}' | sudo tee -a {shown}"),
        );
        return report.mended_by(Fix::Nsswitch(database));
    };
    let line = words.join(" ");
    let at = |service: &str| words.iter().position(|word| word == service);
    let Some(ours) = at(SERVICE) else {
        let what = format!("{shown}: {SERVICE} is not on the line \"{database}: {line}\"");
        let why = "nobody from the directory is known on this host, whatever the daemon knows";
        let remedy = format!(
            "sudo sed -i -E '/^{database}:/s/[[:space:]]*(#|$)/ {SERVICE} \\1/' {shown}; or: sudo dpkg-reconfigure ldaps-login"
        );
        report.add(Fault, AREA, "not-asked", what, why, remedy);
        return report.mended_by(Fix::Nsswitch(database));
    };
    let before = words.get(..ours).unwrap_or_default();
    if let Some(stop) = before.iter().find(|word| ends_search(word)) {
        report.add(
            Fault,
            AREA,
            "stopped-before",
            format!("{shown}: {stop} stands before {SERVICE} on the line {database}:"),
            "glibc ends the search there and never asks for people from the directory",
            format!("take {stop} out, or put it behind {SERVICE}"),
        );
    }
    if !before.iter().any(|word| word == "files" || word == "compat") {
        report.add(
            Fault,
            AREA,
            "not-local-first",
            format!("{shown}: files does not stand before {SERVICE} on the line {database}:"),
            "local names are to be found first, and without the daemon",
            format!("write: {database}: files ... {SERVICE}"),
        );
    }
    for other in
        before.iter().filter(|word| ["sss", "winbind", "ldap", "nis"].contains(&word.as_str()))
    {
        report.add(
            Warning,
            AREA,
            "another-directory",
            format!("{shown}: {other} stands before {SERVICE} on the line {database}:"),
            "whom it knows, it answers for: with its own ids and its own state of the account",
            format!("once everybody is known by {SERVICE}, take {other} out"),
        );
    }
    report.fine(AREA, "asked", format!("{database}: {line}"));
}

/// Whether an action ends the search for a name that has not been found yet.
fn ends_search(word: &str) -> bool {
    let Some(inside) = word.strip_prefix('[').and_then(|word| word.strip_suffix(']')) else {
        return false;
    };
    inside.split_whitespace().any(|action| {
        let action = action.to_lowercase();
        let Some((status, what)) = action.split_once('=') else { return false };
        let negated = status.strip_prefix('!');
        let hits = match negated {
            Some(status) => status != "notfound",
            None => status == "notfound",
        };
        hits && what == "return"
    })
}

fn initgroups(shown: &str, content: &str, report: &mut Report) {
    if let Some(words) = line_of(content, "initgroups")
        && !words.iter().any(|word| word == SERVICE)
    {
        report.add(
            Fault,
            AREA,
            "initgroups",
            format!("{shown}: {SERVICE} is not on the line \"initgroups: {}\"", words.join(" ")),
            "people log in without the groups of the directory",
            "take that line out (the line group: is used then), or add ldaps to it",
        );
    }
}

fn module(doctor: &Doctor, report: &mut Report) {
    let places = ["/usr/lib", "/lib"].map(|dir| doctor.path(dir));
    let file = "libnss_ldaps.so.2";
    let in_triplet = |dir: &std::path::PathBuf| {
        let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
        let inside = entries.map(|entry| entry.path()).filter(|path| path.is_dir());
        inside.map(|dir| dir.join(file)).any(|path| path.exists())
    };
    match places.iter().any(|dir| dir.join(file).exists() || in_triplet(dir)) {
        true => report.fine(AREA, "module", format!("{file} is installed")),
        false => report.add(
            Fault,
            AREA,
            "module-missing",
            format!("{file} is in no directory of libraries"),
            "glibc passes over a service without its module, and says nothing",
            "sudo apt-get install --reinstall ldaps-login",
        ),
    }
}

fn nscd(doctor: &Doctor, report: &mut Report) {
    if !doctor.path("/run/nscd/socket").exists() {
        return;
    }
    let content = text(&doctor.path("/etc/nscd.conf")).unwrap_or_default();
    let enabled = |database: &str| {
        let lines = content.lines().filter(|line| !line.trim_start().starts_with('#'));
        let mut said = lines.filter_map(|line| {
            let mut words = line.split_whitespace();
            (words.next()? == "enable-cache" && words.next()? == database)
                .then(|| words.next() != Some("no"))
        });
        said.next_back().unwrap_or(true)
    };
    let cached: Vec<&str> = ["passwd", "group"].into_iter().filter(|it| enabled(it)).collect();
    if !cached.is_empty() {
        report.add(
Warning,
            AREA,
            "nscd",
            format!("nscd runs and keeps answers about {}", cached.join(" and ")),
            "it shows people and groups as they were up to an hour ago, \"not found\" too",
            "sudo systemctl disable --now nscd; or, in /etc/nscd.conf: enable-cache passwd no, enable-cache group no",
        );
        report.mended_by(Fix::run(&["nscd -i passwd", "nscd -i group"]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_that_ends_the_search_is_not_seen() {
        for (word, ends) in [
            ("[NOTFOUND=return]", true),
            ("[ notfound=RETURN ]", true),
            ("[SUCCESS=return]", false),
            ("[UNAVAIL=return]", false),
            ("[!UNAVAIL=return]", true),
            ("[!NOTFOUND=return]", false),
            ("[NOTFOUND=continue]", false),
            ("[UNAVAIL=return NOTFOUND=return]", true),
            ("files", false),
        ] {
            assert_eq!(ends_search(word), ends, "{word}");
        }
    }

    #[test]
    fn a_line_is_read_otherwise_than_glibc_reads_it() {
        let content =
            "passwd: compat\npasswd:  files[ NOTFOUND=return ]ldaps # ldaps2\ngroup :files\n";
        assert_eq!(line_of(content, "passwd").unwrap(), ["files", "[ NOTFOUND=return ]", "ldaps"]);
        assert_eq!(line_of(content, "group").unwrap(), ["files"]);
        assert_eq!(line_of(content, "shadow"), None);
    }
}
