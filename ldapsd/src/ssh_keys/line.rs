//! One line of an authorized_keys file, made anew from what a directory holds: a type that sshd
//! knows, a key of that very type, a harmless comment; no options, which could forward a port, run a
//! command or let somebody else in.

/// Longest key that is given out: RSA with 16384 bits needs 2800 characters.
const KEY_MAX: usize = 8192;
/// Longest comment that is given out.
const COMMENT_MAX: usize = 200;

/// A type of key, and the fields behind it in the key itself.
struct Kind {
    name: &'static str,
    /// The text that the first field must be, where it is the name of a curve.
    curve: Option<&'static str>,
    /// How many fields follow (RFC 4253 6.6, RFC 5656 3.1, RFC 8709 4, OpenSSH's PROTOCOL.u2f).
    fields: usize,
}

const KINDS: &[Kind] = &[
    Kind { name: "ssh-ed25519", curve: None, fields: 1 },
    Kind { name: "ecdsa-sha2-nistp256", curve: Some("nistp256"), fields: 1 },
    Kind { name: "ecdsa-sha2-nistp384", curve: Some("nistp384"), fields: 1 },
    Kind { name: "ecdsa-sha2-nistp521", curve: Some("nistp521"), fields: 1 },
    Kind { name: "ssh-rsa", curve: None, fields: 2 },
    Kind { name: "sk-ssh-ed25519@openssh.com", curve: None, fields: 2 },
    Kind { name: "sk-ecdsa-sha2-nistp256@openssh.com", curve: Some("nistp256"), fields: 2 },
];

/// The line, if the text is a type, a key and perhaps a comment.
///
/// # Errors
/// What is wrong with it, without repeating it.
pub(super) fn parse(text: &str) -> Result<String, &'static str> {
    let mut words = text.split_ascii_whitespace();
    let name = words.next().ok_or("it is empty")?;
    let kind = KINDS.iter().find(|kind| kind.name == name);
    let kind = kind.ok_or("it does not begin with a type of key that is known")?;
    let encoded = words.next().ok_or("there is no key behind its type")?;
    if encoded.len() > KEY_MAX {
        return Err("the key is too long");
    }
    let key = base64(encoded).ok_or("the key is not in base64")?;
    check(kind, &key).ok_or("the key is not of the type that is written before it")?;
    let comment: String = words.collect::<Vec<_>>().join(" ");
    let comment = harmless(&comment);
    Ok(match comment.is_empty() {
        true => format!("{name} {encoded}"),
        false => format!("{name} {encoded} {comment}"),
    })
}

/// The key is its type, its fields, and nothing else.
fn check(kind: &Kind, key: &[u8]) -> Option<()> {
    let (inner, mut rest) = field(key)?;
    (inner == kind.name.as_bytes()).then_some(())?;
    if let Some(curve) = kind.curve {
        let (inner, behind) = field(rest)?;
        (inner == curve.as_bytes()).then_some(())?;
        rest = behind;
    }
    for _ in 0..kind.fields {
        let (content, behind) = field(rest)?;
        (!content.is_empty()).then_some(())?;
        rest = behind;
    }
    rest.is_empty().then_some(())
}

/// A field of a key (RFC 4251 5, `string`): its length in four bytes, and its content.
fn field(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

/// Base64 (RFC 4648 4), as strict as it can be: whole groups, padding at the end alone, and no bits
/// that mean nothing.
fn base64(text: &str) -> Option<Vec<u8>> {
    let unpadded = text.trim_end_matches('=');
    let padding = text.len() - unpadded.len();
    if text.is_empty() || !text.len().is_multiple_of(4) || padding > 2 {
        return None;
    }
    let (mut bits, mut held, mut bytes) = (0_u32, 0, Vec::new());
    for digit in unpadded.bytes() {
        bits = (bits << 6) | u32::from(value(digit)?);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xff).ok()?);
            bits &= (1 << held) - 1;
        }
    }
    (bits == 0).then_some(bytes)
}

fn value(digit: u8) -> Option<u8> {
    Some(match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

/// A comment goes into logs and onto terminals: printable ASCII, and not much of it.
fn harmless(comment: &str) -> String {
    let shown = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
    comment.chars().take(COMMENT_MAX).map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(bytes: &[u8]) -> String {
        const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut text = String::new();
        for chunk in bytes.chunks(3) {
            let group = chunk.iter().fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte));
            let group = group << (8 * (3 - chunk.len()));
            for at in 0..4 {
                let digit = usize::try_from(group >> (18 - 6 * at) & 63).unwrap();
                text.push(if at > chunk.len() { '=' } else { char::from(DIGITS[digit]) });
            }
        }
        text
    }

    /// A key of these fields, in base64.
    fn key(fields: &[&[u8]]) -> String {
        let field = |content: &&[u8]| {
            [&u32::try_from(content.len()).unwrap().to_be_bytes(), *content].concat()
        };
        encode(&fields.iter().flat_map(field).collect::<Vec<u8>>())
    }

    /// Made by ssh-keygen of OpenSSH, their private halves thrown away.
    const OF_OPENSSH: &[&str] = &[
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEW1r/sq15w9nxwtDdCd++fW3HaLv/ECb6n2MCmntK+ \
         alice@work",
        "ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBAD0d0Di\
         9kBM7dvlwGwB6I4iGW3XW8xls2/ORaUdib8+/XElIJoqC7jAF5jNcxDLkkZD33auCf53dYTU6olM34p0\
         kABoGdYrYuVVrSxw/4J0KZ9/g3iWJpAlg65f+EcSYNUPxtwwRJVvPHB6mdrgFJA9P0REf6avO+khCk9p\
         SRr2I6/Neg==",
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDQi/A3UNiLsLhvw1dkneDlbpNNThHDa49oh97J8ePO\
         76QqFvBmp5RrCmVLVIi+tObvWttLKch/BcOw3x9MnQRCU5xLnigERT/3fJRa76vbjWLL0nd8tuqxParx\
         ov1xvSu73nCuRXNSm6uqWLodjmbW+9APPD3kNHsZBcZUbKH/icxnIZVS/ITFbY22gM+IuY6WQQiWdaER\
         bgYHE/5P/zniSV/gqwJg7n+hQKjCvdX9VWLT+rtjYLbZxYUeI7GFRfZswQsuC2V/oDN3tQXNDWxKgdJ5\
         BIjOqoGh/DAniJtTnoG00iHUC1XmCK70804f4iZHh9Vjb4gtu1LyI0EvFStJ r",
    ];

    #[test]
    fn a_key_that_openssh_made_is_left_out() {
        for key in OF_OPENSSH {
            assert_eq!(parse(key).as_deref(), Ok(*key));
        }
    }

    #[test]
    fn a_key_of_a_known_type_is_left_out() {
        let sk = "sk-ecdsa-sha2-nistp256@openssh.com";
        let table = [
            ("ssh-ed25519", key(&[b"ssh-ed25519", &[7; 32]])),
            ("ecdsa-sha2-nistp256", key(&[b"ecdsa-sha2-nistp256", b"nistp256", &[4; 65]])),
            ("ecdsa-sha2-nistp384", key(&[b"ecdsa-sha2-nistp384", b"nistp384", &[4; 97]])),
            ("ecdsa-sha2-nistp521", key(&[b"ecdsa-sha2-nistp521", b"nistp521", &[4; 133]])),
            ("ssh-rsa", key(&[b"ssh-rsa", &[1, 0, 1], &[9; 257]])),
            (
                "sk-ssh-ed25519@openssh.com",
                key(&[b"sk-ssh-ed25519@openssh.com", &[7; 32], b"ssh:"]),
            ),
            (sk, key(&[sk.as_bytes(), b"nistp256", &[4; 65], b"ssh:"])),
        ];
        for (name, key) in table {
            let line = format!("{name} {key}");
            assert_eq!(parse(&line), Ok(line.clone()), "{name}");
            assert_eq!(parse(&format!("  {line}\r\n")), Ok(line.clone()), "{name}");
            assert_eq!(parse(&format!("{line} a  b")), Ok(format!("{line} a b")), "{name}");
        }
    }

    #[test]
    fn what_is_no_key_comes_out_as_a_line_for_sshd() {
        let good = key(&[b"ssh-ed25519", &[7; 32]]);
        let rsa = key(&[b"ssh-rsa", &[1, 0, 1], &[9; 257]]);
        let long = key(&[b"ssh-rsa", &[1, 0, 1], &[9; KEY_MAX]]);
        let wrong = [
            String::new(),
            "ssh-ed25519".to_owned(),
            format!("ssh-ed25519 {rsa}"),
            format!("ssh-rsa {good}"),
            format!("ssh-dss {}", key(&[b"ssh-dss", b"a", b"b", b"c", b"d"])),
            format!("SSH-ED25519 {good}"),
            format!("command=\"/bin/sh\" ssh-ed25519 {good}"),
            format!("cert-authority ssh-ed25519 {good}"),
            format!("# ssh-ed25519 {good}"),
            format!("ssh-ed25519 {}", &good[..good.len() - 4]),
            format!("ssh-ed25519 {}", &good[..good.len() - 1]),
            format!("ssh-ed25519 {good}AAAA"),
            format!("ssh-ed25519 ===={good}"),
            format!("ssh-ed25519 {}", good.replace('A', "*")),
            format!("ssh-ed25519 {}", key(&[b"ssh-ed25519", b""])),
            format!("ssh-ed25519 {}", key(&[b"ssh-ed25519", &[7; 32], b"more"])),
            format!("ecdsa-sha2-nistp256 {}", key(&[b"ecdsa-sha2-nistp256", b"nistp384", b"p"])),
            format!("ssh-rsa {long}"),
        ];
        for text in wrong {
            assert!(parse(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_comment_begins_a_line_of_its_own_or_commands_a_terminal() {
        let good = format!("ssh-ed25519 {}", key(&[b"ssh-ed25519", &[7; 32]]));
        let line = parse(&format!("{good} a\nssh-rsa AAAA\u{1b}[2J\u{85}é")).unwrap();
        assert_eq!(line, format!("{good} a ssh-rsa AAAA?[2J??"));
        let long = parse(&format!("{good} {}", "x".repeat(5000))).unwrap();
        assert_eq!(long.len(), good.len() + 1 + COMMENT_MAX);
    }

    #[test]
    fn base64_is_read_otherwise_than_it_is_written() {
        for (text, bytes) in [("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYg==", "foob")]
        {
            assert_eq!(base64(text).as_deref(), Some(bytes.as_bytes()), "{text}");
            assert_eq!(encode(bytes.as_bytes()), text);
        }
        for text in ["", "Z", "Zg", "Zg=", "Zh==", "Zg===", "====", "Zg==Zg==", "Zm9 ", "Zm9-"] {
            assert_eq!(base64(text), None, "{text}");
        }
    }
}
