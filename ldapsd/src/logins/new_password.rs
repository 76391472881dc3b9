//! Why AD does not take a new password. It says one thing (0000052D) for four: too short, too
//! simple, used before, changed too soon. The rules say which it is.

use std::fmt::Write as _;
use std::time::SystemTime;

use jiff::{Timestamp, Zoned, tz::TimeZone};
use ldaps_core::secret::Password;
use ldaps_directory::{PasswordPolicy, PolicyOfAccount};
use zeroize::Zeroizing;

/// Shortest part of a name that a password must not contain (MS-SAMR 3.1.1.7.2).
const NAME_PART_MIN: usize = 3;
/// Kinds of characters that complexity wants (MS-SAMR 3.1.1.7.2).
const KINDS_WANTED: usize = 3;

/// One line for the person.
pub(crate) fn explain(
    policy: &PolicyOfAccount,
    new: &Password,
    name: &str,
    last_set: Option<SystemTime>,
    now: SystemTime,
) -> String {
    let PolicyOfAccount::Known(policy) = policy else {
        return "The new password was not accepted. Rules of its own hold for your account, and \
                they cannot be read here; please ask your administrator for them."
            .to_owned();
    };
    let text = std::str::from_utf8(new.expose()).unwrap_or_default();
    too_short(policy, text)
        .or_else(|| too_soon(policy, last_set, now))
        .or_else(|| too_simple(policy, text, name))
        .unwrap_or_else(|| used_before(policy))
}

/// AD counts UTF-16 units; so does a person, but for what no keyboard has.
fn too_short(policy: &PasswordPolicy, text: &str) -> Option<String> {
    let (wanted, has) = (policy.minimum_length, text.encode_utf16().count());
    let short = usize::try_from(wanted).is_ok_and(|wanted| has < wanted);
    let line =
        || format!("The new password needs at least {wanted} characters; this one has {has}.");
    short.then(line)
}

fn too_soon(
    policy: &PasswordPolicy,
    last_set: Option<SystemTime>,
    now: SystemTime,
) -> Option<String> {
    let again = last_set?.checked_add(policy.minimum_age)?;
    (again > now).then(|| {
        let mut line = "Your password was changed too recently".to_owned();
        if let Some(moment) = moment(again, now) {
            let _ = write!(line, "; it may be changed again {moment}");
        }
        line + "."
    })
}

fn too_simple(policy: &PasswordPolicy, text: &str, name: &str) -> Option<String> {
    if !policy.complexity {
        return None;
    }
    if name.chars().count() >= NAME_PART_MIN && Zeroizing::new(text.to_lowercase()).contains(name) {
        return Some("The new password must not contain your user name.".to_owned());
    }
    let kinds: [fn(char) -> bool; 4] = [
        char::is_uppercase,
        char::is_lowercase,
        |c| c.is_numeric(),
        |c| !c.is_alphanumeric() && !c.is_control(),
    ];
    let has = kinds.iter().filter(|kind| text.chars().any(**kind)).count();
    (has < KINDS_WANTED).then(|| {
        "The new password needs three of these: capital letters, small letters, digits, other \
         characters."
            .to_owned()
    })
}

fn used_before(policy: &PasswordPolicy) -> String {
    match policy.history {
        0 => "The new password was not accepted by the rules of your organisation.".to_owned(),
        history => format!(
            "The new password was not accepted: most likely it is one of your last {history}, or \
             contains part of your full name."
        ),
    }
}

/// "today at 14:05", "tomorrow at 14:05", "on 3 December at 14:05", by this host's clock.
fn moment(moment: SystemTime, now: SystemTime) -> Option<String> {
    let local = |time| -> Option<Zoned> {
        Some(Timestamp::try_from(time).ok()?.to_zoned(TimeZone::system()))
    };
    let (moment, now) = (local(moment)?, local(now)?);
    let day = match moment.date() {
        date if date == now.date() => "today".to_owned(),
        date if Some(date) == now.date().tomorrow().ok() => "tomorrow".to_owned(),
        date => date.strftime("on %-d %B").to_string(),
    };
    Some(format!("{day} at {}", moment.strftime("%H:%M")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    const DAY: Duration = Duration::from_secs(24 * 3600);
    /// Monday, 23 November 2026, 12:00 UTC.
    const NOW: Duration = Duration::from_secs(1_795_435_200);

    fn why(policy: PasswordPolicy, new: &str, set_ago: Option<Duration>) -> String {
        let now = UNIX_EPOCH + NOW;
        let new = Password::parse(new.as_bytes()).unwrap();
        let last_set = set_ago.map(|ago| now - ago);
        explain(&PolicyOfAccount::Known(policy), &new, "alice", last_set, now)
    }

    #[test]
    fn a_refusal_names_another_rule_than_the_one_that_was_broken() {
        let rules =
            PasswordPolicy { minimum_length: 12, minimum_age: DAY, history: 24, complexity: true };
        let long_ago = Some(30 * DAY);
        let table = [
            ("Short.12", long_ago, "at least 12 characters; this one has 8"),
            ("Grüße.Ü.1€", long_ago, "this one has 10"),
            ("Long.Enough.12", Some(DAY / 2), "too recently; it may be changed again"),
            ("Long.Enough.12", Some(DAY - Duration::from_secs(60)), "again today at"),
            ("Long.Alice.12", long_ago, "must not contain your user name"),
            ("onlysmallletters", long_ago, "three of these"),
            ("only small ones", long_ago, "three of these"),
            ("Long.Enough.12", long_ago, "one of your last 24"),
            ("Long.Enough.12", None, "one of your last 24"),
        ];
        for (new, set_ago, words) in table {
            let line = why(rules, new, set_ago);
            assert!(line.contains(words), "{new}: {line}");
            assert!(!line.contains(new), "the password is in the line: {line}");
        }
    }

    #[test]
    fn the_domains_rules_are_quoted_where_they_do_not_hold() {
        let new = Password::parse(b"x").unwrap();
        let line = explain(&PolicyOfAccount::HiddenPso, &new, "alice", None, UNIX_EPOCH);
        assert!(line.contains("cannot be read here") && !line.contains("characters"), "{line}");
    }

    #[test]
    fn a_rule_that_is_switched_off_is_quoted() {
        let line = why(PasswordPolicy::default(), "x", Some(Duration::ZERO));
        assert_eq!(line, "The new password was not accepted by the rules of your organisation.");
    }
}
