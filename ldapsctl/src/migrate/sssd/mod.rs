//! sssd.conf, with conf.d behind it: one domain of the providers `ad` and `ldap`.
#![forbid(unsafe_code)]

mod access;
mod directory;
mod fates;
mod ids;
mod looks;
mod rest;

use super::Given;
use super::entries::{Section, account_for_rest};
use super::ini::take_section;
use super::plan::Plan;
use super::subjects::Domain;

/// One domain of sssd, and what is said about all.
struct Sssd {
    domain: Section,
    nss: Section,
    pam: Section,
    /// `ad` or `ldap`.
    provider: String,
    /// The DNS name.
    dns: Option<String>,
    /// What it is called in names of users.
    names: Domain,
}

/// Whether `ldap_schema` is AD's, in which people are called by their sAMAccountName.
fn is_ad_schema(schema: Option<&str>, provider: &str) -> bool {
    schema.map_or(provider == "ad", |schema| schema.eq_ignore_ascii_case("ad"))
}

/// Plans from what the files say.
///
/// # Errors
/// A sentence, where there is no domain that could be served.
pub fn plan(mut sections: Vec<Section>, given: &Given) -> Result<Plan, String> {
    let mut plan = Plan::default();
    let mut main = take_section(&mut sections, "sssd");
    let (name, mut domain) = choose(&mut main, &mut sections, given.domain.as_deref(), &mut plan)?;
    let provider = domain.take("id_provider").map(|entry| entry.value.to_lowercase());
    let provider = provider.unwrap_or_default();
    if !["ad", "ldap"].contains(&provider.as_str()) {
        return Err(format!(
            "the domain {name} of sssd has id_provider = {provider:?}: only ad and ldap can move to \
             ldaps-login. Name another with --domain."
        ));
    }
    let dns = domain.take("ad_domain").map(|entry| entry.value.to_lowercase());
    let dns = dns.or_else(|| name.contains('.').then(|| name.to_lowercase()));
    let mut names = Domain { names: vec![name.clone()] };
    names.names.extend(dns.clone());
    names.names.extend(dns.as_deref().and_then(|dns| dns.split('.').next()).map(str::to_owned));
    plan.names.clone_from(&names.names);
    let (nss, pam) = (take_section(&mut sections, "nss"), take_section(&mut sections, "pam"));
    let mut sssd = Sssd { domain, nss, pam, provider, dns, names };
    directory::plan(&mut sssd, given, &mut plan);
    ids::plan(&mut sssd, &mut plan);
    looks::plan(&mut sssd, &mut main, &mut plan);
    access::plan(&mut sssd, &mut plan);
    rest::plan(&mut sssd, &mut main, &mut plan);
    account_for_rest(main, fates::MAIN, &mut plan);
    account_for_rest(sssd.domain, fates::DOMAIN, &mut plan);
    account_for_rest(sssd.nss, fates::NSS, &mut plan);
    account_for_rest(sssd.pam, fates::PAM, &mut plan);
    rest::other_sections(sections, &mut plan);
    Ok(plan)
}

/// The domain that is moved: the named one, or the first that is in force.
fn choose(
    main: &mut Section,
    sections: &mut Vec<Section>,
    wanted: Option<&str>,
    plan: &mut Plan,
) -> Result<(String, Section), String> {
    let listed = main.take("domains").map(|entry| entry.list()).unwrap_or_default();
    let all: Vec<String> = sections
        .iter()
        .filter_map(|section| section.name.strip_prefix("domain/"))
        .filter(|name| !name.contains('/'))
        .map(str::to_owned)
        .collect();
    let in_force: Vec<&String> =
        if listed.is_empty() { all.iter().collect() } else { listed.iter().collect() };
    let name = match wanted {
        Some(wanted) => in_force.into_iter().find(|name| name.eq_ignore_ascii_case(wanted)),
        None => in_force.into_iter().next(),
    };
    let Some(name) = name.cloned() else {
        return Err(match wanted {
            Some(wanted) => {
                format!("sssd has no domain {wanted} in force. Its domains: {}.", all.join(", "))
            }
            None => "sssd has no domain in force: there is nothing to move.".to_owned(),
        });
    };
    for other in all.iter().filter(|other| !other.eq_ignore_ascii_case(&name)) {
        let _other = take_section(sections, &format!("domain/{other}"));
        plan.leave_key(
            &format!("[domain/{other}]"),
            "accounts of one domain are served",
            format!("`ldapsctl migrate --domain {other}` plans for that one instead"),
        );
    }
    Ok((name.clone(), take_section(sections, &format!("domain/{name}"))))
}
