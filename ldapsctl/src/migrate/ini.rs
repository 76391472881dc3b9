//! Files with `[section]` and `key = value`: sssd.conf, smb.conf, pam_winbind.conf.
#![forbid(unsafe_code)]

use super::entries::{Entry, Section};
use zeroize::Zeroizing;

/// Reads a file; `name` is what notes call it. Sections of one name become one, upper and lower case
/// are one in keys and headers.
///
/// # Errors
/// A sentence with the line that is neither a header, a key with a value, nor a comment.
pub fn parse(name: &str, text: &str) -> Result<Vec<Section>, String> {
    let mut sections: Vec<Section> = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let place = format!("{name}:{}", index + 1);
        let mut line = Zeroizing::new(line.trim().to_owned());
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(header) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let header = header.trim();
            if !sections.iter().any(|section| section.name.eq_ignore_ascii_case(header)) {
                sections.push(Section::new(header));
            }
            // The last in the list is the one that is filled.
            let at = sections.iter().position(|one| one.name.eq_ignore_ascii_case(header));
            if let Some(at) = at {
                let section = sections.remove(at);
                sections.push(section);
            }
            continue;
        }
        // smb.conf goes on in the next line behind a backslash.
        while let Some(more) = line.strip_suffix('\\').map(str::to_owned) {
            let next = lines.next().map(|(_, next)| next.trim()).unwrap_or_default();
            line = Zeroizing::new(more + next);
        }
        let (Some((key, value)), Some(section)) = (line.split_once('='), sections.last_mut())
        else {
            return Err(format!(
                "{place} is neither a [section] nor a key with a value under one. Mend it there first."
            ));
        };
        section.add(Entry {
            key: normal(key),
            value: Zeroizing::new(value.trim().to_owned()),
            place,
        });
    }
    Ok(sections)
}

/// Lower case, single spaces: `idmap config  CORP:range` is `idmap config corp : range`.
fn normal(key: &str) -> String {
    let key = key.to_lowercase().replace(':', " : ");
    key.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The section of this name, out of the list; an empty one where there is none.
pub fn take_section(sections: &mut Vec<Section>, name: &str) -> Section {
    match sections.iter().position(|section| section.name.eq_ignore_ascii_case(name)) {
        Some(at) => sections.remove(at),
        None => Section::new(name),
    }
}
