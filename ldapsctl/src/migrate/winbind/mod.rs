//! smb.conf with winbind, and pam_winbind.conf beside it.
#![forbid(unsafe_code)]

mod access;
mod fates;
mod ids;

use super::Given;
use super::entries::{Section, account_for_rest};
use super::ini::take_section;
use super::plan::Plan;
use super::servers;
use super::subjects::Domain;
use super::templates;

/// Plans from what the files say; `pam` is pam_winbind.conf, where there is one.
///
/// # Errors
/// A sentence, where winbind serves nobody here.
pub fn plan(mut smb: Vec<Section>, mut pam: Vec<Section>, given: &Given) -> Result<Plan, String> {
    let mut plan = Plan::default();
    let mut global = take_section(&mut smb, "global");
    let realm = global.take("realm").map(|entry| entry.value.to_lowercase());
    let Some(workgroup) = global.take("workgroup").map(|entry| entry.value.to_string()) else {
        return Err("smb.conf names no workgroup: winbind serves no domain here.".to_owned());
    };
    let names = Domain { names: realm.iter().cloned().chain([workgroup.clone()]).collect() };
    plan.names.clone_from(&names.names);
    let realm = given.domain.clone().or(realm);
    directory(&mut global, realm.as_deref(), given, &mut plan);
    let with_look = ids::plan(&mut global, &workgroup, &mut plan);
    looks(&mut global, &workgroup, with_look, &mut plan);
    spelling(&mut global, &workgroup, &mut plan);
    access::plan(&mut take_section(&mut pam, "global"), &names, &mut plan);
    if let Some(entry) =
        global.take("winbind enum users").filter(|entry| entry.flag() == Some(true))
    {
        plan.set("nss", "enumerate", true, &entry.key);
    }
    account_for_rest(global, fates::GLOBAL, &mut plan);
    Ok(plan)
}

fn directory(global: &mut Section, realm: Option<&str>, given: &Given, plan: &mut Plan) {
    let mut proposed = Vec::new();
    if let Some(entry) = global.take("password server") {
        let words = entry.value.split([',', ' ']).filter(|word| !word.is_empty() && *word != "*");
        let words: Vec<String> = words.map(str::to_owned).collect();
        proposed = servers::propose(&entry, &words, plan);
    }
    servers::write(plan, proposed, realm, "realm, password server");
    servers::bind_dn(plan, None, given.bind_dn.as_deref(), realm);
    servers::ca(plan, None, None, given.ca.as_deref());
    if given.ca.is_none() {
        plan.leave_key(
            "the domain controllers' CA",
            "winbind trusts by Kerberos and needs none",
            "where it is not in the system's store, get it (`ldapsctl cert fetch`), and name it with --ca",
        );
    }
}

/// smb.conf(5): %D is the domain's NetBIOS name, %U the user's.
fn looks(global: &mut Section, workgroup: &str, with_look: bool, plan: &mut Plan) {
    let home = global.take("template homedir");
    let letters = [('U', "%u"), ('u', "%u"), ('D', workgroup), ('%', "%%")];
    match &home {
        Some(entry) => {
            templates::home(plan, entry, &letters);
        }
        None => {
            let usual = format!("/home/{workgroup}/%u");
            plan.set("users", "home", usual, "template homedir is /home/%D/%U by default");
        }
    }
    match global.take("template shell") {
        Some(entry) => templates::shell(plan, &entry),
        None => plan.set("users", "shell", "/bin/false", "template shell is that by default"),
    }
    let info = global.take("winbind nss info").map(|entry| entry.value.to_lowercase());
    let with_look = with_look || info.as_deref().is_some_and(|info| !info.starts_with("template"));
    let (home, shell) = if with_look { ("unixHomeDirectory", "loginShell") } else { ("", "") };
    let from =
        if with_look { "the directory's word, by nss info" } else { "the templates hold for all" };
    plan.set("users", "home_attribute", home, from);
    plan.set("users", "shell_attribute", shell, from);
}

fn spelling(global: &mut Section, workgroup: &str, plan: &mut Plan) {
    plan.needless.extend(global.take("winbind separator").map(|entry| entry.key));
    let bare =
        global.take("winbind use default domain").and_then(|entry| entry.flag()) == Some(true);
    if !bare {
        plan.leave_key(
            "winbind use default domain (no)",
            format!("`id` shows alice, and no longer {workgroup}\\alice (which can still be typed)"),
            "rename crontabs, and mend names in sudoers, sshd_config and limits.conf; files belong to \
             numbers, and stay",
        );
    }
}
