//! The little Markdown of the manual's sources as man(7): headings, paragraphs, tables of which the
//! first column is a term, lists, blocks of code, `code`, *words*.
#![forbid(unsafe_code)]

/// A page; the first line is `# NAME SECTION "name - what it is"`.
pub fn page(source: &str, version: &str) -> String {
    let (title, body) = source.split_once('\n').unwrap_or((source, ""));
    let mut words = title.trim_start_matches("# ").splitn(3, ' ');
    let (name, section) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let about = words.next().unwrap_or_default().trim_matches('"');
    let (own, what) = about.split_once(" - ").unwrap_or((about, ""));
    let mut roff = format!(
        ".TH {name} {section} \"\" \"ldaps-login {version}\" \"ldaps-login\"\n.SH NAME\n{} \\- {}\n",
        escaped(own),
        escaped(what)
    );
    let mut lines = body.lines().peekable();
    let mut paragraph: Vec<&str> = Vec::new();
    while let Some(line) = lines.next() {
        let begins =
            line.starts_with(['#', '|', '-']) || line.starts_with("```") || line.is_empty();
        if begins {
            end(&mut paragraph, &mut roff);
        }
        if let Some(heading) = line.strip_prefix("## ") {
            roff += &format!(".SH {}\n", quoted(&heading.to_uppercase()));
        } else if line.starts_with("###") {
            roff += &format!(".SS {}\n", quoted(line.trim_start_matches('#').trim()));
        } else if line.starts_with("```") {
            roff += ".PP\n.RS 4\n.nf\n";
            for code in lines.by_ref().take_while(|code| !code.starts_with("```")) {
                roff += &format!("{}\n", guarded(&escaped(code)));
            }
            roff += ".fi\n.RE\n";
        } else if line.starts_with('|') {
            let heads = cells(line);
            // The line of dashes below the heads.
            let _rule = lines.next_if(|next| next.starts_with("|-"));
            while let Some(row) = lines.next_if(|next| next.starts_with('|')) {
                roff += &term(&heads, &cells(row));
            }
        } else if let Some(item) = line.strip_prefix("- ") {
            let mut item = item.to_owned();
            while let Some(more) = lines.next_if(|next| next.starts_with("  ")) {
                item += &format!(" {}", more.trim());
            }
            roff += &format!(".IP \\(bu 2\n{}\n", guarded(&inline(&item)));
        } else if !line.is_empty() {
            paragraph.push(line);
        }
    }
    end(&mut paragraph, &mut roff);
    roff
}

fn end(paragraph: &mut Vec<&str>, roff: &mut String) {
    if !paragraph.is_empty() {
        *roff += &format!(".PP\n{}\n", guarded(&inline(&paragraph.join(" "))));
        paragraph.clear();
    }
}

/// One row: the first cell is the term; a third, where there is one, is told by its head.
fn term(heads: &[String], row: &[String]) -> String {
    let [name, meaning, rest @ ..] = row else { return String::new() };
    let mut roff = format!(".TP\n{}\n{}\n", guarded(&inline(name)), guarded(&inline(meaning)));
    for (head, cell) in heads.iter().skip(2).zip(rest).filter(|(_, cell)| !cell.is_empty()) {
        let mut head = head.clone();
        if let Some(first) = head.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        roff += &format!("{head}: {}.\n", inline(cell.trim_end_matches('.')));
    }
    roff
}

/// The cells of `| a | b |`; a bar in one is written `\|`, or stands in code.
fn cells(line: &str) -> Vec<String> {
    let mut cells = Vec::new();
    let (mut cell, mut in_code, mut escaped) = (String::new(), false, false);
    for character in line.trim().trim_start_matches('|').chars() {
        match character {
            '\\' if !escaped && !in_code => escaped = true,
            '|' if !escaped && !in_code => cells.push(std::mem::take(&mut cell).trim().to_owned()),
            other => {
                if escaped && other != '|' {
                    cell.push('\\');
                }
                in_code ^= other == '`';
                escaped = false;
                cell.push(other);
            }
        }
    }
    cells
}

/// Code in bold, words between stars in italics, between two in bold, and a link as its words.
fn inline(text: &str) -> String {
    let mut roff = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['`', '*', '[']) {
        let (before, marked) = rest.split_at(at);
        roff += &escaped(before);
        let link = marked.strip_prefix('[').and_then(|link| link.split_once("]("));
        let (piece, behind) = if let Some((words, target)) =
            link.filter(|(words, _)| !words.contains('['))
        {
            (escaped(words), target.split_once(')').map_or("", |(_, behind)| behind))
        } else if let Some((words, behind)) = between(marked, "`").or_else(|| between(marked, "**"))
        {
            (format!("\\fB{}\\fR", escaped(words)), behind)
        } else if let Some((words, behind)) =
            between(marked, "*").filter(|(words, _)| !words.starts_with(' '))
        {
            (format!("\\fI{}\\fR", escaped(words)), behind)
        } else {
            let (sign, behind) = marked.split_at(1);
            (escaped(sign), behind)
        };
        roff += &piece;
        rest = behind;
    }
    roff + &escaped(rest)
}

fn between<'t>(text: &'t str, mark: &str) -> Option<(&'t str, &'t str)> {
    text.strip_prefix(mark)?.split_once(mark).filter(|(words, _)| !words.is_empty())
}

/// Characters that mean something to roff, as themselves.
fn escaped(text: &str) -> String {
    let mut roff = String::new();
    for character in text.chars() {
        match character {
            '\\' => roff += "\\e",
            '-' => roff += "\\-",
            '\'' => roff += "\\(aq",
            '`' => roff += "\\(ga",
            '^' => roff += "\\(ha",
            '~' => roff += "\\(ti",
            other => roff.push(other),
        }
    }
    roff
}

/// A line that begins with a dot is a request.
fn guarded(line: &str) -> String {
    if line.starts_with('.') { format!("\\&{line}") } else { line.to_owned() }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text).replace('"', "\\(dq"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_of_markdown_comes_out_wrong() {
        let source = "# NAME 8 \"name - what - it is\"\n\nOne `a-b`\nand *c*, **d**, [e](f.md), x * y.\n\n## Head\n\
                      - item\n  goes on\n\n| key | meaning | default |\n|---|---|---|\n| `k` | m \\| n | `\"a|b\"`. |\n| `l` | m | |\n\n\
                      ```toml\n.x = 'y\\z'\n```\n### [sub]\n.hidden\n";
        let wanted = ".TH NAME 8 \"\" \"ldaps-login 1\" \"ldaps-login\"\n.SH NAME\nname \\- what \\- it is\n\
                      .PP\nOne \\fBa\\-b\\fR and \\fIc\\fR, \\fBd\\fR, e, x * y.\n.SH \"HEAD\"\n.IP \\(bu 2\nitem goes on\n\
                      .TP\n\\fBk\\fR\nm | n\nDefault: \\fB\"a|b\"\\fR.\n.TP\n\\fBl\\fR\nm\n\
                      .PP\n.RS 4\n.nf\n\\&.x = \\(aqy\\ez\\(aq\n.fi\n.RE\n.SS \"[sub]\"\n.PP\n\\&.hidden\n";
        assert_eq!(page(source, "1"), wanted);
    }
}
