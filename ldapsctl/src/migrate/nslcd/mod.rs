//! nslcd.conf.
#![forbid(unsafe_code)]

mod access;
mod expressions;
mod fates;
mod file;
mod ids;
mod maps;

pub use file::parse;

use super::Given;
use super::entries::{Entry, Section, account_for_rest};
use super::filters;
use super::plan::Plan;
use super::servers;
use zeroize::Zeroizing;

/// Plans from what the file says.
///
/// # Errors
/// None today; a sentence, where nothing could be moved.
pub fn plan(mut conf: Section, given: &Given) -> Result<Plan, String> {
    let mut plan = Plan::default();
    directory(&mut conf, given, &mut plan);
    let named = maps::plan(&mut conf, &mut plan);
    ids::plan(&mut conf, &mut plan);
    searches(&mut conf, &mut plan);
    access::plan(&mut conf, &named, &mut plan);
    nested(&mut conf, &mut plan);
    listing(&mut conf, &mut plan);
    account_for_rest(conf, fates::ALL, &mut plan);
    Ok(plan)
}

fn directory(conf: &mut Section, given: &Given, plan: &mut Plan) {
    let uris = conf.take_all("uri");
    let mut proposed = Vec::new();
    let mut domain = given.domain.clone();
    for entry in &uris {
        let words: Vec<String> = entry.value.split_whitespace().map(str::to_owned).collect();
        let named = words.iter().find_map(|word| {
            word.split_once(':').filter(|(dns, _)| dns.eq_ignore_ascii_case("dns"))
        });
        domain = named.map(|(_, name)| name.to_lowercase()).or(domain);
        proposed.extend(servers::propose(entry, &words, plan));
    }
    let base = conf.take_all("base");
    domain = domain.or_else(|| base.first().and_then(|entry| domain_of(&entry.value)));
    servers::write(plan, proposed, domain.as_deref(), "uri");
    match base.as_slice() {
        [] => {}
        [one] => plan.set("directory", "base", one.value.as_str(), "base"),
        [first, ..] => {
            plan.leave(first, "it names several bases", "write one that is above all of them")
        }
    }
    let bind_dn = conf.take("binddn");
    servers::bind_dn(plan, bind_dn.as_ref(), given.bind_dn.as_deref(), domain.as_deref());
    plan.secret = conf.take("bindpw").map(|entry| Zeroizing::new(entry.value.to_string()));
    let (file, dir) = (conf.take("tls_cacertfile"), conf.take("tls_cacertdir"));
    servers::ca(plan, file.as_ref(), dir.as_ref(), given.ca.as_deref());
    servers::verification(plan, conf.take("tls_reqcert"));
    for (key, section, ours) in
        [("tls_crlfile", "tls", "crl"), ("tls_crlcheck", "tls", "crl_check")]
    {
        if let Some(entry) = conf.take(key) {
            plan.set(section, ours, entry.value.as_str(), key);
        }
    }
    for (key, ours) in [("bind_timelimit", "connect_timeout"), ("timelimit", "operation_timeout")] {
        // 0 is "as long as it takes", and that is not to be had.
        if let Some(entry) = conf.take(key).filter(|entry| entry.value.as_str() != "0")
            && let Some(time) = servers::seconds(&entry, 30)
        {
            plan.set("directory", ours, time, key);
        }
    }
    if let Some(entry) =
        conf.take("ssl").filter(|entry| entry.value.eq_ignore_ascii_case("start_tls"))
    {
        plan.leave(
            &entry,
            "LDAPS is spoken in the place of STARTTLS",
            "port 636 has to be reachable",
        );
    }
}

/// `DC=corp,DC=example` is corp.example.
fn domain_of(base: &str) -> Option<String> {
    let parts = base.split(',').filter_map(|part| {
        part.trim().split_once('=').filter(|(key, _)| key.eq_ignore_ascii_case("dc"))
    });
    let labels: Vec<String> = parts.map(|(_, label)| label.to_lowercase()).collect();
    (labels.len() > 1).then(|| labels.join("."))
}

/// `base MAP`, `scope MAP` and `filter MAP`. A filter of users that gets lost would let people in.
fn searches(conf: &mut Section, plan: &mut Plan) {
    for (map, section) in [("passwd", "users"), ("group", "groups")] {
        if let Some(entry) = conf.take(&format!("base {map}")) {
            plan.set(section, "base", entry.value.as_str(), &entry.key);
        }
        let Some(entry) = conf.take(&format!("filter {map}")) else { continue };
        match (filters::usable(&entry.value), section) {
            (Ok(filter), "users") if is_all_users(&filter) => plan.needless.push(entry.key),
            (Ok(filter), "groups") if filter.eq_ignore_ascii_case("(objectClass=group)") => {
                groups_of_mail(&entry, plan);
            }
            (Ok(filter), _) => plan.set(section, "filter", filter, &entry.key),
            (Err(why), "groups") => {
                plan.leave(&entry, why, "write `filter` under [groups] by hand")
            }
            (Err(why), _) => {
                let remedy = "write `filter` under [users] by hand, then who may log in";
                plan.close(&entry.told(), why, remedy);
            }
        }
    }
}

/// The filter of nslcd's manual for AD: people, and no computers, as the default here.
fn is_all_users(filter: &str) -> bool {
    let filter: String = filter.to_lowercase().split_whitespace().collect();
    filter == "(&(objectclass=user)(!(objectclass=computer)))"
}

fn groups_of_mail(entry: &Entry, plan: &mut Plan) {
    plan.leave(
        entry,
        "it matches distribution groups (mailing lists) too; security groups alone are served here",
        "`--prove` shows whose membership in such a group is missed",
    );
}

fn nested(conf: &mut Section, plan: &mut Plan) {
    match conf.take("nss_nested_groups") {
        Some(entry) if entry.flag() == Some(true) => plan.needless.push(entry.key),
        _ => plan.leave_key(
            "nss_nested_groups (off)",
            "groups in groups count here",
            "people may be in more groups than before; `--prove` shows which",
        ),
    }
}

/// nslcd lists the directory unless it is told not to.
fn listing(conf: &mut Section, plan: &mut Plan) {
    match conf.take("nss_disable_enumeration") {
        Some(entry) if entry.flag() == Some(true) => plan.needless.push(entry.key),
        _ => plan.leave_key(
            "nss_disable_enumeration (off)",
            "`getent passwd` listed the whole directory; here it does not by default",
            "enumerate = true under [nss] lets it, where a program needs that",
        ),
    }
}
