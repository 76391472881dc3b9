//! `ldapsctl ssh-keys NAME`: what sshd reads.
#![forbid(unsafe_code)]

/// The keys, one a line. They come as valid lines; one that is not is left out all the same, since
/// a line feed here would be a key of somebody else's choice.
#[must_use]
pub fn lines(keys: &[String]) -> String {
    let one_line = |key: &&String| !key.is_empty() && !key.contains(char::is_control);
    keys.iter().filter(one_line).map(|key| format!("{key}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_key_becomes_two_lines() {
        let keys = ["ssh-ed25519 AAAA a", "ssh-rsa AAAA\nssh-rsa BBBB", ""].map(str::to_owned);
        assert_eq!(lines(&keys), "ssh-ed25519 AAAA a\n");
        assert_eq!(lines(&[]), "");
    }
}
