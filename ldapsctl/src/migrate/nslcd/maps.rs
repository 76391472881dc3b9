//! `map passwd ...` and `map group ...`: names, homes, shells, full names.
#![forbid(unsafe_code)]

use super::super::entries::{Entry, Section};
use super::super::plan::Plan;
use super::super::templates;
use super::expressions::{self, Piece};
use ldaps_core::config::HomeTemplate;

/// Plans, and gives the attribute that people are called by.
pub(super) fn plan(conf: &mut Section, plan: &mut Plan) -> String {
    let name = conf.take("map passwd uid");
    if !name.as_ref().is_some_and(|entry| entry.value.eq_ignore_ascii_case("sAMAccountName")) {
        plan.leave_key(
            "map passwd uid",
            "people are called by their sAMAccountName here",
            "`--prove` names those whose two names differ; mend crontabs and sudoers that name them",
        );
    }
    if let Some(entry) = conf.take("map group cn")
        && !entry.value.eq_ignore_ascii_case("sAMAccountName")
    {
        plan.leave(
            &entry,
            "groups are called by their sAMAccountName here",
            "mend what names groups otherwise: sudoers, sshd_config",
        );
    }
    let name = name.map_or_else(|| "uid".to_owned(), |entry| entry.value.to_string());
    home(conf.take("map passwd homedirectory"), &name, plan);
    shell(conf.take("map passwd loginshell"), plan);
    match conf.take("map passwd gecos") {
        Some(entry) => match expressions::parse(&entry.value).as_deref() {
            Some([Piece::Attribute(attribute, _)]) => {
                plan.set("users", "gecos", attribute.as_str(), &entry.key);
            }
            _ => plan.leave(
                &entry,
                "one attribute gives the full name",
                "`gecos` under [users] names it",
            ),
        },
        None => plan.set("users", "gecos", "gecos", "nslcd reads it by default"),
    }
    name
}

fn home(entry: Option<Entry>, name: &str, plan: &mut Plan) {
    let Some(entry) = entry else {
        templates::attribute(plan, "home_attribute", "homeDirectory", "nslcd reads it by default");
        return;
    };
    let pieces = expressions::parse(&entry.value);
    let (attribute, template) = match pieces.as_deref() {
        Some([Piece::Attribute(attribute, None)]) => (attribute.as_str(), None),
        Some([Piece::Attribute(attribute, Some(word))]) => {
            (attribute.as_str(), template(word, name))
        }
        Some(pieces) => ("", template(pieces, name)),
        None => ("", None),
    };
    if attribute.is_empty() && template.is_none() {
        plan.leave(
            &entry,
            "such an expression has no counterpart",
            "write `home` and `home_attribute` under [users] by hand; `--prove` shows whose homes differ",
        );
        return;
    }
    if attribute.is_empty() {
        plan.set("users", "home_attribute", "", &entry.key);
    } else {
        templates::attribute(plan, "home_attribute", attribute, &entry.key);
    }
    if let Some(template) = template {
        plan.set("users", "home", template, &entry.key);
    }
}

/// The pieces as a template of ours, where they are made of the name and the uid.
fn template(pieces: &[Piece], name: &str) -> Option<String> {
    let mut template = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => template += &text.replace('%', "%%"),
            Piece::Attribute(attribute, None) if attribute.eq_ignore_ascii_case(name) => {
                template += "%u"
            }
            Piece::Attribute(attribute, None) if attribute.eq_ignore_ascii_case("uid") => {
                template += "%u"
            }
            Piece::Attribute(attribute, None) if attribute.eq_ignore_ascii_case("uidNumber") => {
                template += "%U";
            }
            Piece::Attribute(..) => return None,
        }
    }
    HomeTemplate::parse(&template).ok().map(|_| template)
}

fn shell(entry: Option<Entry>, plan: &mut Plan) {
    let Some(entry) = entry else {
        templates::attribute(plan, "shell_attribute", "loginShell", "nslcd reads it by default");
        return;
    };
    let pieces = expressions::parse(&entry.value);
    match pieces.as_deref() {
        Some([Piece::Text(shell)]) => {
            plan.set("users", "shell", shell.as_str(), &entry.key);
            plan.set("users", "shell_attribute", "", &entry.key);
        }
        Some([Piece::Attribute(attribute, default)]) => {
            templates::attribute(plan, "shell_attribute", attribute, &entry.key);
            if let Some([Piece::Text(shell)]) = default.as_deref() {
                plan.set("users", "shell", shell.as_str(), &entry.key);
            }
        }
        _ => plan.leave(
            &entry,
            "such an expression has no counterpart",
            "write `shell` and `shell_attribute` under [users] by hand; `--prove` shows whose differ",
        ),
    }
}
