//! What a map may give in the place of an attribute: `"/home/$uid"`, `"${loginShell:-/bin/bash}"`.
#![forbid(unsafe_code)]

/// A piece of such an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// As it stands.
    Text(String),
    /// An attribute's value, and what stands for it where there is none.
    Attribute(String, Option<Vec<Piece>>),
}

/// Reads the value of a map: an attribute's name alone, or an expression in quotes. None: it has
/// parts (`${a:+b}`, `${a#b}`, several) that have no counterpart.
pub fn parse(value: &str) -> Option<Vec<Piece>> {
    match value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) => pieces(inner),
        None => Some(vec![Piece::Attribute(value.to_owned(), None)]),
    }
}

fn pieces(text: &str) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let behind = rest.get(character.len_utf8()..)?;
        match character {
            '$' => {
                if !literal.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut literal)));
                }
                let (piece, left) = attribute(behind)?;
                pieces.push(piece);
                rest = left;
            }
            '\\' => {
                let escaped = behind.chars().next()?;
                literal.push(escaped);
                rest = behind.get(escaped.len_utf8()..)?;
            }
            other => {
                literal.push(other);
                rest = behind;
            }
        }
    }
    if !literal.is_empty() {
        pieces.push(Piece::Text(literal));
    }
    Some(pieces)
}

/// An attribute behind `$`, with or without braces, and what stands behind it.
fn attribute(text: &str) -> Option<(Piece, &str)> {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == ';';
    let Some(braced) = text.strip_prefix('{') else {
        let end = text.find(|c| !is_of_name(c)).unwrap_or(text.len());
        let (name, rest) = text.split_at_checked(end)?;
        return (!name.is_empty()).then(|| (Piece::Attribute(name.to_owned(), None), rest));
    };
    let end = closing(braced)?;
    let (inner, rest) = (braced.get(..end)?, braced.get(end + 1..)?);
    let piece = match inner.split_once(":-") {
        Some((name, word)) if name.chars().all(is_of_name) => {
            Piece::Attribute(name.to_owned(), Some(pieces(word)?))
        }
        None if inner.chars().all(is_of_name) => Piece::Attribute(inner.to_owned(), None),
        _ => return None,
    };
    Some((piece, rest))
}

/// Where the brace closes that was opened before the text.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, character) in text.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_taken_apart_wrongly() {
        let attribute = |name: &str| Piece::Attribute(name.to_owned(), None);
        let text = |text: &str| Piece::Text(text.to_owned());
        let or = |name: &str, word: Vec<Piece>| Piece::Attribute(name.to_owned(), Some(word));
        for (value, wanted) in [
            ("homeDirectory", Some(vec![attribute("homeDirectory")])),
            ("\"/bin/bash\"", Some(vec![text("/bin/bash")])),
            ("\"/home/$uid\"", Some(vec![text("/home/"), attribute("uid")])),
            ("\"${uid}x\"", Some(vec![attribute("uid"), text("x")])),
            ("\"${a:-/home/$uid}\"", Some(vec![or("a", vec![text("/home/"), attribute("uid")])])),
            ("\"${a:-${b:-c}}\"", Some(vec![or("a", vec![or("b", vec![text("c")])])])),
            ("\"\\$x\"", Some(vec![text("$x")])),
            ("\"${a:+b}\"", None),
            ("\"${a#b}\"", None),
            ("\"${a\"", None),
            ("\"$\"", None),
        ] {
            assert_eq!(parse(value), wanted, "{value}");
        }
    }
}
