//! The service account: its password, what AD says of it, what it finds, what it may not read.
#![forbid(unsafe_code)]

use super::SOON_DAYS;
use super::configuration::Known;
use super::report::{
    Report,
    Severity::{Fault, Warning},
};
use crate::cert::words;
use ldaps_core::config::Config;
use ldaps_core::refusal::Refusal;
use ldaps_core::secret::Password;
use ldaps_core::secret_file::password_in;
use ldaps_directory::{DirectoryError, PasswordState, Seen, Settings, Survey, Tls, Unreadable};
use std::io::ErrorKind;
use std::time::{SystemTime, UNIX_EPOCH};
use zeroize::Zeroizing;

const AREA: &str = "service account";
const NOBODY: &str = "without it nobody from the directory is known here, and nobody can log in";

/// Binds once, and counts; what else is asked, is asked over the same connection. Where no server can be
/// trusted, nothing is sent.
pub fn look(known: &Known, trusted: bool, report: &mut Report) -> Option<Survey> {
    let Some(config) = &known.config else {
        let what = "not tried: the configuration has mistakes";
        report.unseen(AREA, "bind", what, "mend those first");
        return None;
    };
    if !trusted {
        let what = "not tried: no server can be reached and trusted";
        report.unseen(AREA, "bind", what, "mend that first");
        return None;
    }
    let secret = secret(config, report)?;
    let tls = Tls::new(&config.tls).ok()?;
    let settings = Settings { directory: config.directory.clone(), tls, secret };
    match Survey::open(settings, config.users.clone(), config.groups.clone()) {
        Ok(survey) => {
            let seen = survey.seen();
            found(config, seen, report);
            own(config, seen, report);
            rights(config, seen, report);
            return Some(survey);
        }
        Err(DirectoryError::ServiceAccount { refusal, server, bind_dn }) => {
            let what = format!("{server} refuses {bind_dn:?}: {refusal}");
            report.add(Fault, AREA, id_of(refusal), what, NOBODY, remedy(refusal, config));
        }
        Err(error) if error.is_referral() => {
            let remedy = "that `base` is in another domain than these domain controllers' own. Leave it out: the \
                          directory's own is taken then; or name that domain's servers, and an account of it";
            report.add(Fault, AREA, "referral", error.to_string(), NOBODY, remedy);
        }
        Err(error) => {
            let remedy =
                "is `base` in this domain? Leave it out: the directory's own is taken then";
            report.add(Fault, AREA, "search", error.to_string(), NOBODY, remedy);
        }
    }
    None
}

fn secret(config: &Config, report: &mut Report) -> Option<Password> {
    let path = &config.directory.bind_secret;
    let shown = path.display();
    let content = match std::fs::read(path) {
        Ok(content) => Zeroizing::new(content),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            report.unseen(
                AREA,
                "secret",
                format!("{shown} may not be read by you"),
                "sudo ldapsctl doctor",
            );
            return None;
        }
        Err(error) => {
            report.add(
                Fault,
                AREA,
                "secret",
                format!("{shown} cannot be read: {error}"),
                NOBODY,
                format!("sudoedit {shown}"),
            );
            return None;
        }
    };
    match password_in(&content) {
        Ok(password) => Some(password),
        Err(error) => {
            let what = format!("the password in {shown} cannot be used: {error}");
            report.add(
                Fault,
                AREA,
                "secret",
                what,
                NOBODY,
                format!("write it there, and nothing else: sudoedit {shown}"),
            );
            None
        }
    }
}

fn id_of(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::WrongPassword => "wrong-password",
        Refusal::NoSuchUser => "no-such-account",
        Refusal::AccountDisabled => "disabled",
        Refusal::LockedOut => "locked",
        Refusal::PasswordExpired | Refusal::PasswordMustChange => "password-expired",
        Refusal::AccountExpired => "account-expired",
        _ => "refused",
    }
}

/// What AD's sub-code asks for; to be done by whoever runs AD, or here.
fn remedy(refusal: Refusal, config: &Config) -> String {
    let (dn, file) = (&config.directory.bind_dn, config.directory.bind_secret.display());
    match refusal {
        Refusal::WrongPassword => format!(
            "data 52e for the service account, and not for a person: the password in {file} is not the one of \
             {dn}, or there is no such name (AD does not tell which). Write the password anew: sudoedit {file}; \
             then: sudo systemctl reload ldapsd; if it is right, correct `bind_dn`: a DN, name@domain or \
             DOMAIN\\name"
        ),
        Refusal::NoSuchUser => {
            format!("correct `bind_dn` ({dn}): a DN, name@domain or DOMAIN\\name")
        }
        Refusal::AccountDisabled => format!("in AD: Enable-ADAccount, for {dn}"),
        Refusal::LockedOut => format!(
            "in AD: Unlock-ADAccount, for {dn}; then find who uses the old password: an other host's daemon?"
        ),
        Refusal::PasswordExpired | Refusal::PasswordMustChange => format!(
            "in AD, give it a new password that does not expire (Set-ADUser -PasswordNeverExpires $true), \
             and write that into {file}"
        ),
        Refusal::AccountExpired => format!("in AD: Clear-ADAccountExpiration, for {dn}"),
        _ => {
            format!("in AD: look at the account {dn}: logon hours, \"Log On To\", Protected Users")
        }
    }
}

fn found(config: &Config, seen: &Seen, report: &mut Report) {
    let more = if seen.more { " or more" } else { "" };
    let domain = &seen.domain;
    let what = format!(
        "{:?} may bind ({} ms); under {} it finds {} users and {} groups{more}",
        config.directory.bind_dn,
        seen.bound_in.as_millis(),
        domain.base,
        seen.users,
        seen.groups
    );
    report.fine(AREA, "bind", what);
    if seen.users == 0 {
        report.add(
Fault,
            AREA,
            "no-users",
            format!("the filter {} finds nobody under {}", config.users.complete_filter(), domain.base),
            "nobody from the directory is known here",
            "correct `base`, or `filter` and `condition` under [users]; or the service account may not list \
             that part of the directory",
        );
    }
}

/// The account's own end, which comes for everybody at once.
fn own(config: &Config, seen: &Seen, report: &mut Report) {
    let (dn, file) = (&config.directory.bind_dn, config.directory.bind_secret.display());
    let Some(own) = &seen.own else {
        let what = format!("{dn} does not show its own object, and so not when its password ends");
        return report.unseen(AREA, "own-expiry", what, "in AD: let SELF read it, as is usual");
    };
    let at_once = "from that moment on nobody from the directory can log in with a password here";
    if let PasswordState::Good(Some(ends)) = own.password {
        let remedy = format!(
            "in AD: Set-ADUser -PasswordNeverExpires $true, for {dn}; or give it a new password before that day, \
             and write that into {file}"
        );
        ending("the password of", "password-ends", ends, (dn, at_once, remedy), report);
    }
    if let Some(ends) = own.expires {
        let remedy = format!("in AD: Clear-ADAccountExpiration, for {dn}");
        ending("the account", "account-ends", ends, (dn, at_once, remedy), report);
    }
    if own.protected {
        report.add(
            Warning,
            AREA,
            "protected",
            format!("{dn} is a member of Protected Users"),
            "that group is for people who log on with Kerberos: it refuses other ways of logging on, and may \
             come to refuse this one",
            format!("in AD: Remove-ADGroupMember \"Protected Users\", {dn}"),
        );
    }
}

fn ending(
    whose: &str,
    id: &'static str,
    ends: SystemTime,
    (dn, why, remedy): (&str, &str, String),
    report: &mut Report,
) {
    let seconds = ends.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    let days = seconds.saturating_sub(words::now()).div_euclid(86_400);
    let what = format!("{whose} {dn} ends on {}: {days} days left", words::day(seconds));
    match days < SOON_DAYS {
        true => report.add(Warning, AREA, id, what, why, remedy),
        false => report.fine(AREA, id, what),
    }
}

/// What it may not read, with the line that lets it.
fn rights(config: &Config, seen: &Seen, report: &mut Report) {
    let account = trustee(config, seen);
    let head = &seen.domain.head;
    for Unreadable { attribute, dn, decides } in &seen.unreadable {
        // AD computes what is of an account's state from these, and shows it with them.
        let granted = match *attribute {
            "msDS-User-Account-Control-Computed" => "userAccountControl",
            other => other,
        };
        // BUILTIN\Windows Authorization Access Group may read tokenGroups (MS-ADTS 7.1.3).
        let group = match granted {
            "tokenGroups" => "; or add the account to \"Windows Authorization Access Group\"",
            _ => "",
        };
        let remedy =
            format!("in AD: dsacls \"{head}\" /I:S /G \"{account}:RP;{granted};user\"{group}");
        let what = format!("{attribute} of {dn} is not shown to the service account");
        match decides {
            true => {
                let why = "whose state cannot be read does not get in";
                report.add(Fault, AREA, "unreadable", what, why, remedy);
            }
            false => {
                let why = "without it nobody is told that their password ends or that they are locked, and \
                           their password is not kept for logins offline";
                report.add(Warning, AREA, "unreadable", what, why, remedy);
            }
        }
    }
    if let Some(pso) = &seen.hidden_pso {
        report.add(
            Warning,
            AREA,
            "pso-unreadable",
            format!("there are password settings of their own for some people, {pso}, which the service account may not read"),
            "when AD does not take a new password of theirs, nobody is told which rule it broke",
            format!("in AD: dsacls \"{pso}\" /G \"{account}:GR\""),
        );
    }
}

/// The account as dsacls wants it: `DOMAIN\name`.
fn trustee(config: &Config, seen: &Seen) -> String {
    let bind_dn = config.directory.bind_dn.as_str();
    let name = bind_dn.split_once('@').map_or(bind_dn, |(name, _)| name);
    match &seen.domain.netbios {
        Some(netbios) if !name.contains(['\\', '=']) => {
            format!("{}\\{name}", netbios.to_uppercase())
        }
        _ => name.to_owned(),
    }
}
