//! `ldaps` at the end of the passwd, group and initgroups lines, by the rules of the package's postinst.
#![forbid(unsafe_code)]

/// Where it stands.
pub const FILE: &str = "/etc/nsswitch.conf";
const SERVICE: &str = "ldaps";

/// The text with the service in it; the same where it is.
pub fn with_ldaps(before: &str) -> String {
    let mut lines: Vec<String> = before.split_inclusive('\n').map(str::to_owned).collect();
    for database in ["passwd", "group", "initgroups"] {
        // glibc obeys the last line for a database.
        match lines.iter().rposition(|line| name_of(line) == Some(database)) {
            Some(at) => {
                if let Some(line) = lines.get_mut(at) {
                    *line = added(line);
                }
            }
            // glibc falls back to "files", and from group for initgroups.
            None if database == "initgroups" => {}
            None => {
                if let Some(last) = lines.last_mut().filter(|line| !line.ends_with('\n')) {
                    last.push('\n');
                }
                lines.push(format!("{database}: files {SERVICE}\n"));
            }
        }
    }
    lines.concat()
}

fn name_of(line: &str) -> Option<&str> {
    let (name, _) = line.split('#').next()?.split_once(':')?;
    Some(name.trim())
}

fn added(line: &str) -> String {
    let content = line.trim_end_matches('\n');
    let end = content.find('#').unwrap_or(content.len());
    let services = content.get(..end).unwrap_or_default().trim_end();
    let tail = line.get(services.len()..).unwrap_or_default();
    if outside_brackets(services).split([' ', '\t', ':']).any(|word| word == SERVICE) {
        return line.to_owned();
    }
    // An action at the very end decides nothing; behind it we could never be reached, so it stays last.
    let mut before = services;
    while before.ends_with(']') {
        let Some(open) = before.rfind('[') else { break };
        before = before.get(..open).unwrap_or_default().trim_end();
    }
    let actions = services.get(before.len()..).unwrap_or_default();
    format!("{before} {SERVICE}{actions}{tail}")
}

fn outside_brackets(text: &str) -> String {
    let mut depth = 0;
    let mut kept = String::new();
    for c in text.chars() {
        match c {
            '[' => depth += 1,
            ']' => {
                depth -= 1;
                kept.push(' ');
            }
            c if depth == 0 => kept.push(c),
            _ => {}
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_changed_otherwise_than_the_package_changes_it() {
        for (before, after) in [
            ("passwd: files systemd\n", "passwd: files systemd ldaps\ngroup: files ldaps\n"),
            ("passwd:files#x\ngroup: files ldaps\n", "passwd:files ldaps#x\ngroup: files ldaps\n"),
            (
                "passwd: files [NOTFOUND=return]\ngroup:\tfiles  # c\n",
                "passwd: files ldaps [NOTFOUND=return]\ngroup:\tfiles ldaps  # c\n",
            ),
            (
                "passwd: x\npasswd: files\ngroup: files\ninitgroups: files",
                "passwd: x\npasswd: files ldaps\ngroup: files ldaps\ninitgroups: files ldaps",
            ),
            ("", "passwd: files ldaps\ngroup: files ldaps\n"),
        ] {
            assert_eq!(with_ldaps(before), after, "{before:?}");
            assert_eq!(with_ldaps(after), after, "a second time: {before:?}");
        }
    }
}
