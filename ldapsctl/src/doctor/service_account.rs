//! The service account: its password, what AD says of it, what it finds, what it may not read.
#![forbid(unsafe_code)]

use super::configuration::Known;
use super::report::{Report, Severity::Fault};
use ldaps_core::config::Config;
use ldaps_core::refusal::Refusal;
use ldaps_core::secret::Password;
use ldaps_directory::{DirectoryError, Seen, Settings, Tls, inspect};
use std::io::ErrorKind;
use zeroize::Zeroizing;

const AREA: &str = "service account";
const NOBODY: &str = "without it nobody from the directory is known here, and nobody can log in";

/// Binds once, and counts. Where no server can be trusted, nothing is sent.
pub fn look(known: &Known, trusted: bool, report: &mut Report) {
    let Some(config) = &known.config else {
        let what = "not tried: the configuration has mistakes";
        return report.unseen(AREA, "bind", what, "mend those first");
    };
    if !trusted {
        let what = "not tried: no server can be reached and trusted";
        return report.unseen(AREA, "bind", what, "mend that first");
    }
    let Some(secret) = secret(config, report) else { return };
    let Ok(tls) = Tls::new(&config.tls) else { return };
    let settings = Settings { directory: config.directory.clone(), tls, secret };
    match inspect(settings, config.users.clone(), config.groups.clone()) {
        Ok(seen) => found(config, &seen, report),
        Err(DirectoryError::ServiceAccount { refusal, server, bind_dn }) => {
            let what = format!("{server} refuses {bind_dn:?}: {refusal}");
            report.add(Fault, AREA, id_of(refusal), what, NOBODY, remedy(refusal, config));
        }
        Err(error) => {
            let remedy =
                "is `base` in this domain? Leave it out: the directory's own is taken then";
            report.add(Fault, AREA, "search", error.to_string(), NOBODY, remedy);
        }
    }
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
    let line = content.strip_suffix(b"\n").unwrap_or(&content);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match Password::parse(line) {
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
            "data 52e for the service account: the password in {file} is not the one of {dn}, or there is no \
             such name (AD does not tell which). Look that the name is a DN, name@domain or DOMAIN\\name; \
             write the password anew: sudoedit {file}; then: sudo systemctl reload ldapsd"
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
    for (attribute, dn) in &seen.unreadable {
        // BUILTIN\Windows Authorization Access Group may read tokenGroups (MS-ADTS 7.1.3).
        let account = config.directory.bind_dn.split('@').next().unwrap_or_default();
        let remedy = format!(
            "in AD: dsacls \"{}\" /I:S /G \"{account}:RP;{attribute};user\"; for tokenGroups, too: add the \
             account to \"Windows Authorization Access Group\"",
            domain.head
        );
        let what = format!("{attribute} of {dn} is not shown to the service account");
        report.add(
            Fault,
            AREA,
            "unreadable",
            what,
            "whose state cannot be read does not get in",
            remedy,
        );
    }
}
