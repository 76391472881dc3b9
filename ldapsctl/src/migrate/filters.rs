//! Filters of the old configurations: whether they can stand in ldaps.toml, and what names had to be
//! cut out of them.
#![forbid(unsafe_code)]

use ldaps_core::config::{LdapFilter, is_self_writable};

/// A filter as ldaps.toml takes it.
///
/// # Errors
/// Why it cannot stand there.
pub fn usable(text: &str) -> Result<String, String> {
    let text = text.trim();
    // nslcd and old sssd take a filter without its outer parentheses.
    let text = if text.starts_with('(') { text.to_owned() } else { format!("({text})") };
    let filter = LdapFilter::parse(&text).map_err(|fault| fault.problem)?;
    let own = filter.attributes().into_iter().find(|attribute| is_self_writable(attribute));
    match own {
        Some(attribute) => Err(format!(
            "people may write the attribute {attribute} on themselves in Active Directory, and so \
             choose whether they match"
        )),
        None => Ok(text),
    }
}

/// Takes the parts out of a filter that say "and it is this person": `(sAMAccountName=$username)`.
/// None: it says so nowhere, or a `$` is left that stands for something else.
pub fn without_the_person(text: &str) -> Option<String> {
    let text = text.trim();
    let inner = text.strip_prefix("(&").and_then(|rest| rest.strip_suffix(')'));
    let parts = match inner {
        Some(inner) => parts(inner)?,
        None => vec![text],
    };
    let is_the_person = |part: &&str| {
        let value = part.trim_end_matches(')').split_once('=').map(|(_, value)| value);
        matches!(value, Some("$username" | "${username}" | "$uid" | "${uid}" | "$dn" | "${dn}"))
            && part.matches('(').count() == 1
    };
    let (of_the_person, others): (Vec<&str>, Vec<&str>) =
        parts.into_iter().partition(is_the_person);
    if of_the_person.is_empty() || others.iter().any(|part| part.contains('$')) {
        return None;
    }
    match others.as_slice() {
        [] => Some(String::new()),
        [one] => Some((*one).to_owned()),
        several => Some(format!("(&{})", several.concat())),
    }
}

/// The parts of `(a=b)(c=d)`; None where parentheses do not close.
fn parts(text: &str) -> Option<Vec<&str>> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_usize, 0);
    for (at, character) in text.char_indices() {
        match character {
            '(' => {
                if depth == 0 {
                    start = at;
                }
                depth += 1;
            }
            ')' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    parts.push(text.get(start..=at)?);
                }
            }
            _ => {}
        }
    }
    (depth == 0).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_names_the_person_keeps_the_name_or_loses_the_rule() {
        for (filter, wanted) in [
            ("(&(sAMAccountName=$username)(memberOf=CN=a,DC=b))", Some("(memberOf=CN=a,DC=b)")),
            ("(&(uid=$username)(a=b)(|(c=d)(e=f)))", Some("(&(a=b)(|(c=d)(e=f)))")),
            ("(sAMAccountName=$username)", Some("")),
            // Not about this person at all, or about something else besides.
            ("(&(objectClass=user)(a=b))", None),
            ("(&(sAMAccountName=$username)(host=$hostname))", None),
            ("(|(sAMAccountName=$username)(a=b))", None),
            ("(&(!(sAMAccountName=$username))(a=b))", None),
            ("(&(sAMAccountName=$username)(a=b)", None),
        ] {
            assert_eq!(without_the_person(filter).as_deref(), wanted, "{filter}");
        }
    }
}
