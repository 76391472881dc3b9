//! Homes, shells, full names, and what accounts are called.
#![forbid(unsafe_code)]

use super::super::entries::{Entry, Section};
use super::super::plan::{Plan, Value};
use super::super::templates;
use super::{Sssd, is_ad_schema};

pub(super) fn plan(sssd: &mut Sssd, main: &mut Section, plan: &mut Plan) {
    let schema = sssd.domain.take("ldap_schema");
    let is_ad = is_ad_schema(schema.as_ref().map(|entry| entry.value.as_str()), &sssd.provider);
    homes(sssd, is_ad, plan);
    shells(sssd, plan);
    full_names(sssd, is_ad, plan);
    names(sssd, main, schema.as_ref(), is_ad, plan);
}

/// What is said of the domain goes before what is said of all.
fn take(sssd: &mut Sssd, key: &str) -> Option<Entry> {
    let of_all = sssd.nss.take(key);
    sssd.domain.take(key).or(of_all)
}

/// sssd reads homes and shells from the directory, also where it makes the ids itself.
fn homes(sssd: &mut Sssd, is_ad: bool, plan: &mut Plan) {
    let named = sssd.domain.take("ldap_user_home_directory");
    let usual = if is_ad { "unixHomeDirectory" } else { "homeDirectory" };
    let attribute = named.as_ref().map_or(usual, |entry| entry.value.as_str()).to_owned();
    let from = named.map_or_else(|| "sssd reads it by default".to_owned(), |entry| entry.key);
    let overriding = take(sssd, "override_homedir");
    let fallback = take(sssd, "fallback_homedir");
    match overriding {
        // %o is the directory's own.
        Some(entry) if entry.value.as_str() == "%o" => plan.needless.push(entry.key),
        Some(entry) if templates::home(plan, &entry, templates::SSSD) => {
            plan.set("users", "home_attribute", "", &entry.key);
            return;
        }
        Some(_) | None => {}
    }
    templates::attribute(plan, "home_attribute", &attribute, &from);
    match fallback {
        Some(entry) => {
            templates::home(plan, &entry, templates::SSSD);
        }
        None => plan.leave_key(
            "fallback_homedir",
            "without it, people whom the directory gives no home directory have none with sssd; here they \
             get /home/%u",
            "nothing, or another `home` under [users]",
        ),
    }
}

fn shells(sssd: &mut Sssd, plan: &mut Plan) {
    let named = sssd.domain.take("ldap_user_shell");
    let attribute = named.as_ref().map_or("loginShell", |entry| entry.value.as_str()).to_owned();
    let overriding = take(sssd, "override_shell");
    let default = take(sssd, "default_shell");
    let fallback = take(sssd, "shell_fallback");
    let allowed = take(sssd, "allowed_shells");
    if let Some(entry) = overriding {
        templates::shell(plan, &entry);
        plan.set("users", "shell_attribute", "", &entry.key);
        let needless = [default, fallback, allowed].into_iter().flatten();
        plan.needless.extend(needless.map(|entry| entry.key));
        return;
    }
    let from = named.map_or_else(|| "sssd reads it by default".to_owned(), |entry| entry.key);
    templates::attribute(plan, "shell_attribute", &attribute, &from);
    match &default {
        Some(entry) => templates::shell(plan, entry),
        // An empty shell is /bin/sh (passwd(5)).
        None => plan.set(
            "users",
            "shell",
            "/bin/sh",
            "without default_shell the field is empty, which means this",
        ),
    }
    if let Some(entry) = allowed {
        allowed_shells(&entry, plan);
    }
    let chosen = default.map(|entry| entry.value.to_string());
    if let Some(entry) = fallback.filter(|entry| Some(entry.value.to_string()) != chosen) {
        plan.leave(
            &entry,
            "whoever has a shell that is not allowed gets the same as whoever has none: `shell`",
            "nothing, or another `shell` under [users]",
        );
    }
}

fn allowed_shells(entry: &Entry, plan: &mut Plan) {
    let shells = entry.list();
    if shells.iter().any(|shell| shell == "*") {
        plan.leave(
            entry,
            "\"*\" gives whoever has a shell that is not installed another; here it is shown as it is",
            "list the shells in `allowed_shells` under [users]",
        );
        return;
    }
    plan.set("users", "allowed_shells", Value::Texts(shells), &entry.key);
    plan.leave(
        entry,
        "sssd gives /sbin/nologin to whoever has a shell that is neither allowed nor in /etc/shells; \
         here they get `shell`",
        "`--prove` names them; [users.override] gives single ones another",
    );
}

/// sssd shows the attribute gecos, and the full name of whoever has none.
fn full_names(sssd: &mut Sssd, is_ad: bool, plan: &mut Plan) {
    let gecos = sssd.domain.take("ldap_user_gecos");
    let full = sssd.domain.take("ldap_user_fullname");
    let usual = if is_ad { "name" } else { "cn" };
    match gecos.or(full) {
        Some(entry) => plan.set("users", "gecos", entry.value.as_str(), &entry.key),
        None => {
            plan.set("users", "gecos", usual, "sssd shows it where the attribute gecos is empty")
        }
    }
}

fn names(
    sssd: &mut Sssd,
    main: &mut Section,
    schema: Option<&Entry>,
    is_ad: bool,
    plan: &mut Plan,
) {
    let of_user = sssd.domain.take("ldap_user_name");
    match &of_user {
        Some(entry) if !entry.value.eq_ignore_ascii_case("sAMAccountName") => plan.leave(
            entry,
            "people are called by their sAMAccountName here",
            "`at` under [users.login] lets people type another attribute's value that has an @ in it; \
             crontabs and sudoers have to name the sAMAccountName",
        ),
        None if !is_ad => plan.leave_key(
            &schema.map_or_else(|| "ldap_schema".to_owned(), Entry::told),
            "with this schema, people are called by the attribute uid; here by their sAMAccountName",
            "`--prove` names those whose two names differ",
        ),
        _ => {}
    }
    if let Some(entry) =
        sssd.domain.take("use_fully_qualified_names").filter(|e| e.flag() == Some(true))
    {
        plan.leave(
            &entry,
            "`id` shows alice, and no longer alice@domain (which can still be typed where it is the \
             userPrincipalName)",
            "rename crontabs (/var/spool/cron/crontabs), and mend names in sudoers, sshd_config, \
             subuid and limits.conf; files belong to numbers, and stay",
        );
    }
    let format = sssd.domain.take("full_name_format").or_else(|| main.take("full_name_format"));
    if let Some(entry) = format {
        let remedy = "mend what names accounts in another form: crontabs, sudoers, sshd_config";
        plan.leave(&entry, "names are shown alone, in lower case", remedy);
    }
    match sssd.domain.take("case_sensitive") {
        Some(entry) if entry.flag() == Some(false) => plan.needless.push(entry.key),
        Some(entry) => plan.leave(&entry, CASE.0, CASE.1),
        None if sssd.provider == "ldap" => {
            plan.leave_key("case_sensitive (true by default)", CASE.0, CASE.1);
        }
        None => {}
    }
    if let Some(entry) = main.take("override_space") {
        let remedy = "mend what names groups with it: sudoers, sshd_config";
        plan.leave(&entry, "spaces in names are shown as spaces", remedy);
    }
}

const CASE: (&str, &str) = (
    "names are shown in lower case, whatever the directory has, and any spelling finds them",
    "mend crontabs and sudoers that name accounts with capitals",
);
