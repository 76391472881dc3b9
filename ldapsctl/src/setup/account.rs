//! The service account: its name, its password, one bind, and what it sees.
#![forbid(unsafe_code)]

use super::ask::Asker;
use super::host::Host;
use super::known::Known;
use super::servers::Found;
use super::{Failure, PATIENCE, Setup};
use crate::output::say;
use crate::terminal::{Paint, line};
use ldaps_core::refusal::Refusal;
use ldaps_core::secret::Password;
use ldaps_core::secret_file::password_in;
use ldaps_directory::{DirectoryError, Settings, Survey, Tls, Unreadable};
use std::fs::File;
use std::io::{self, BufRead, ErrorKind, Read};
use std::path::Path;
use std::time::Duration;
use zeroize::Zeroizing;

/// So often a name and a password are asked for: each try counts towards the account's lockout.
const TRIES: usize = 3;
/// No secret is longer ([`ldaps_core::secret::PASSWORD_MAX`]), and no line of one.
const SECRET_MAX: u64 = 4096;
/// For one page of users, or the members of a group, of a server that has much to do.
const COUNTING: Duration = Duration::from_secs(30);
const NO_NAME: &str = "No service account is named. Add --bind-dn svc-linux@corp.example (a DN, or DOMAIN\\name, does as well).";
const NO_SECRET: &str = "The service account's password is missing. Add --bind-secret-file FILE, or - for standard input.";

/// The service account.
pub struct Account {
    /// As it binds.
    pub bind_dn: String,
    /// Its password.
    pub secret: Password,
    /// A connection as this account.
    pub survey: Survey,
}

/// Asks, as far as need be, and binds.
///
/// # Errors
/// When AD refuses the account and nobody can be asked again, or does not answer.
pub fn bind(
    setup: &Setup,
    host: &Host,
    asker: &Asker,
    known: &Known,
    found: &Found,
    tls: &Tls,
) -> Result<Account, Failure> {
    let mut given = given(setup, host, known)?;
    let mut name = setup.bind_dn.clone().or(known.stated.bind_dn.clone());
    let mut confirmed = name.is_some();
    for attempt in 1..=TRIES {
        let bind_dn = match (&name, confirmed) {
            (Some(name), true) => name.clone(),
            _ => {
                let question =
                    "Service account that may read users and groups, as in svc-linux@corp.example";
                asker.text(question, name.as_deref(), NO_NAME)?
            }
        };
        if let Err(problem) = bind_name(&bind_dn) {
            if !asker.can_ask() || attempt == TRIES {
                return Err(Failure::from(format!("{problem}\nNothing was changed.")));
            }
            line(Paint::Yellow, &problem);
            (name, confirmed) = (None, false);
            continue;
        }
        let secret = match given.take() {
            Some(secret) => secret,
            None => asker.password(&format!("Password of {bind_dn}"), NO_SECRET)?,
        };
        say(&format!("Binding as {bind_dn}, and counting whom it finds ...\n"));
        match survey(setup, known, found, tls, &bind_dn, &secret) {
            Ok(survey) => {
                tell(&survey);
                return Ok(Account { bind_dn, secret, survey });
            }
            Err(DirectoryError::ServiceAccount { refusal, server, .. }) => {
                let told = format!("{server} refuses {bind_dn}: {}", words(refusal));
                if !asker.can_ask() || attempt == TRIES {
                    return Err(Failure::from(format!("{told}\nNothing was changed.")));
                }
                line(Paint::Yellow, &told);
                (name, confirmed) = (Some(bind_dn), false);
            }
            Err(error) => return Err(Failure::unknown(format!("{error}.\nNothing was changed."))),
        }
    }
    Err(Failure::from(NO_NAME))
}

/// A name in a form that ldaps.toml takes: a bind under any other would be wasted.
fn bind_name(text: &str) -> Result<(), String> {
    match text.contains(['=', '@', '\\']) {
        true => Ok(()),
        false => Err(format!(
            "{text:?} is not the whole name: write {text}@corp.example, CORP\\{text}, or the DN."
        )),
    }
}

fn survey(
    setup: &Setup,
    known: &Known,
    found: &Found,
    tls: &Tls,
    bind_dn: &str,
    secret: &Password,
) -> Result<Survey, DirectoryError> {
    let mut directory = found.directory(known);
    directory.bind_dn = bind_dn.to_owned();
    // Nobody waits at a login here, and a page of a thousand users is more than a look-up.
    directory.connect_timeout = PATIENCE;
    directory.operation_timeout = COUNTING;
    directory.base = setup.base.clone().or(directory.base);
    let secret = Password::parse(secret.expose()).map_err(|error| DirectoryError::Unusable {
        what: "the service account's password",
        problem: error.to_string(),
    })?;
    let settings = Settings { directory, tls: tls.clone(), secret };
    Survey::open(settings, known.config.users.clone(), known.config.groups.clone())
}

fn tell(survey: &Survey) {
    let seen = survey.seen();
    let more = if seen.more { " or more" } else { "" };
    line(
        Paint::Green,
        &format!(
            "It may. The domain is {}; from {} it finds {} users and {} groups{more}",
            seen.domain.dns_name, seen.domain.base, seen.users, seen.groups
        ),
    );
    for Unreadable { attribute, dn, .. } in seen.unreadable.iter().filter(|found| found.decides) {
        line(
            Paint::Yellow,
            &format!(
                "But {attribute} of {dn} is not shown to it, and whose state cannot be read does not get \
                 in. `sudo ldapsctl doctor` says afterwards which right mends that."
            ),
        );
    }
}

/// The password that need not be asked for: from the file that is named, or the one that is in use.
fn given(setup: &Setup, host: &Host, known: &Known) -> Result<Option<Password>, Failure> {
    match &setup.bind_secret_file {
        Some(path) if path == Path::new("-") => {
            // One line, as it is typed there.
            let mut line = buffer();
            let read = io::stdin().lock().take(SECRET_MAX).read_until(b'\n', &mut line);
            checked(read, &line, "standard input")
        }
        Some(path) => {
            let shown = path.display().to_string();
            let file = File::open(path).map_err(|error| {
                format!(
                    "{shown} cannot be read: {error}. It is to hold the service account's password."
                )
            })?;
            all_of(file, &shown)
        }
        None => {
            let path = known.secret(host);
            match File::open(&path) {
                Ok(file) => all_of(file, &path.display().to_string()),
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
                Err(error) => Err(format!("{} cannot be read: {error}.", path.display())),
            }
        }
    }
    .map(Some)
    .map_err(Failure::from)
}

fn all_of(file: File, shown: &str) -> Result<Password, String> {
    let mut content = buffer();
    checked(file.take(SECRET_MAX).read_to_end(&mut content), &content, shown)
}

/// As large as it will be: a buffer that grows leaves copies.
fn buffer() -> Zeroizing<Vec<u8>> {
    Zeroizing::new(Vec::with_capacity(SECRET_MAX as usize + 1))
}

fn checked(read: io::Result<usize>, content: &[u8], shown: &str) -> Result<Password, String> {
    read.map_err(|error| format!("{shown} cannot be read: {error}."))?;
    password_in(content).map_err(|problem| {
        format!("What is in {shown} cannot be the service account's password: {problem}.")
    })
}

/// AD's sub-code in words, and what mends it.
fn words(refusal: Refusal) -> String {
    let remedy = match refusal {
        Refusal::WrongPassword => {
            "or there is no such name: AD does not tell which. Is the name a DN, name@domain or \
             DOMAIN\\name?"
        }
        Refusal::NoSuchUser => "write it as a DN, name@domain or DOMAIN\\name",
        Refusal::AccountDisabled => "in AD: Enable-ADAccount",
        Refusal::LockedOut => "in AD: Unlock-ADAccount; then find who uses an old password of it",
        Refusal::PasswordExpired | Refusal::PasswordMustChange => {
            "in AD, give it a new password that does not expire (Set-ADUser -PasswordNeverExpires $true)"
        }
        Refusal::AccountExpired => "in AD: Clear-ADAccountExpiration",
        _ => "in AD, look at its logon hours, \"Log On To\", and Protected Users",
    };
    format!("{refusal}; {remedy}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_name_is_bound_with() {
        for (name, taken) in [
            ("svc-linux", false),
            ("svc-linux@corp.example", true),
            ("CORP\\svc-linux", true),
            ("CN=svc-linux,DC=corp,DC=example", true),
        ] {
            assert_eq!(bind_name(name).is_ok(), taken, "{name}");
        }
    }
}
