//! "Did you mean": the known key nearest to one that is not known.
#![forbid(unsafe_code)]

use super::errors::Fault;
use std::collections::BTreeSet;

/// What to say about `path` (such as `users.filtre`), given all keys that exist.
pub(super) fn unknown_key(path: &str, known: &BTreeSet<String>) -> Fault {
    let (section, name) = split(path);
    let problem = match section {
        "" => format!("there is no key or section named {name:?}"),
        _ => format!("there is no key {name:?} in [{section}]"),
    };
    Fault::new(problem, remedy(section, name, known))
}

fn remedy(section: &str, name: &str, known: &BTreeSet<String>) -> String {
    if let Some(remedy) = answer_to_habit(name) {
        return remedy.to_owned();
    }
    let in_section = || known.iter().filter(|key| split(key).0 == section);
    if let Some(key) = nearest(name, in_section()) {
        return format!("did you mean {:?}?", split(key).1);
    }
    if let Some(key) = known.iter().find(|key| split(key).1 == name) {
        let (right_section, _) = split(key);
        return match right_section {
            "" => format!("it is a section of its own: [{name}]"),
            _ => format!("it belongs into [{right_section}]"),
        };
    }
    if let Some(key) = nearest(name, known.iter()) {
        let (right_section, right_name) = split(key);
        return match right_section {
            "" => format!("did you mean the section [{right_name}]?"),
            _ => format!("did you mean {right_name:?} in [{right_section}]?"),
        };
    }
    let names: Vec<&str> = in_section().map(|key| split(key).1).collect();
    match names.as_slice() {
        [] => "remove it".to_owned(),
        names => format!("remove it; what may stand here: {}", names.join(", ")),
    }
}

/// Keys that other programs have and this one will not: (a part of the name, what to do instead).
const HABITS: &[(&[&str], &str)] = &[
    (
        &["password", "passwd", "bindpw", "bind_pw", "authtok"],
        "leave passwords out of this file: put the service account's into a file of its own \
         (0640 root:ldapsd) and name it with bind_secret in [directory]",
    ),
    (
        &["verify", "reqcert", "insecure", "skip", "checkpeer", "check_peer"],
        "remove it: the server's certificate and name are always verified; whom to trust is said by \
         ca or ca_dir in [tls], and a server with another address than its name by [directory.address]",
    ),
    (
        &["referral", "starttls", "start_tls", "nested", "krb5", "sasl", "gssapi"],
        "remove it: there is nothing to choose (LDAPS only, referrals never followed, nested groups \
         always complete, no Kerberos)",
    ),
];

fn answer_to_habit(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let is_meant = |words: &&[&str]| words.iter().any(|word| name.contains(word));
    HABITS.iter().find(|(words, _)| is_meant(words)).map(|(_, remedy)| *remedy)
}

/// `users.login.at` is `at` in `users.login`.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('.').unwrap_or(("", path))
}

/// The nearest of `names`, if it is near: a third of the letters may differ. For the names of accounts,
/// too.
#[must_use]
pub fn nearest_name<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    near(name, names.map(|it| (it, it)))
}

fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a String>) -> Option<&'a String> {
    near(name, candidates.map(|key| (split(key).1, key)))
}

/// The thing whose name is nearest.
fn near<'a, T: Ord>(name: &str, named: impl Iterator<Item = (&'a str, T)>) -> Option<T> {
    let name = name.to_ascii_lowercase();
    let limit = (name.chars().count() / 3).max(1);
    named
        .map(|(other, it)| (distance(&name, other), it))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, it)| it)
}

/// How many letters must be added, removed, replaced or exchanged with their neighbour to make one word of
/// the other (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or_default();
    let (mut two_above, mut above): (Vec<usize>, Vec<usize>) =
        (Vec::new(), (0..=b.len()).collect());
    let mut last = None;
    for (i, from) in a.chars().enumerate() {
        let mut row = vec![i + 1];
        let mut left = None;
        for (j, to) in b.iter().enumerate() {
            let replaced = at(&above, j) + usize::from(from != *to);
            let mut least = replaced.min(at(&above, j + 1) + 1).min(at(&row, j) + 1);
            if j > 0 && last == Some(*to) && left == Some(from) {
                least = least.min(at(&two_above, j - 1) + 1);
            }
            row.push(least);
            left = Some(*to);
        }
        last = Some(from);
        two_above = std::mem::replace(&mut above, row);
    }
    above.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_single_letter_edits_and_exchanges() {
        for (a, b, expected) in [
            ("alcie", "alice", 1),
            ("ab", "ba", 1),
            ("abc", "cab", 2),
            ("ca", "abc", 3),
            ("", "", 0),
            ("abc", "", 3),
            ("", "abc", 3),
            ("allow", "alow", 1),
            ("kitten", "sitting", 3),
            ("binddn", "bind_dn", 1),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }
}
