//! What the host itself has to do for it: ask us for names and logins, make home directories, let sshd
//! talk; and offline logins.
#![forbid(unsafe_code)]

use super::ask::Asker;
use super::carry_out::service_now;
use super::files;
use super::host::Host;
use super::known::Known;
use super::plan::FileChange;
use super::{Setup, nsswitch, pam, sshd};
use crate::terminal::{Paint, line};
use zeroize::Zeroizing;

/// What is to be done.
pub struct Extras {
    /// nsswitch.conf
    pub nsswitch: Option<FileChange>,
    /// PAM profiles to switch on.
    pub profiles: Vec<&'static str>,
    /// sshd's file.
    pub sshd: Option<FileChange>,
    /// `offline_days`, if not as it is.
    pub offline_days: Option<u32>,
    /// The daemon does not run, or would not at the next boot.
    pub start: bool,
}

/// Looks, and asks what is a matter of taste.
///
/// # Errors
/// When a file cannot be read, or the terminal is gone.
pub fn settle(setup: &Setup, host: &Host, asker: &Asker, known: &Known) -> Result<Extras, String> {
    let path = host.path(nsswitch::FILE);
    let text = Zeroizing::new(nsswitch::with_ldaps(&files::text(&path)?).into_bytes());
    let service = host.has_systemd().then(|| service_now(host));
    Ok(Extras {
        nsswitch: FileChange::new(host, path, text, None)?,
        profiles: profiles(setup, host, asker)?,
        sshd: for_sshd(setup, host, asker)?,
        offline_days: offline(setup, asker, known)?,
        start: service.is_some_and(|now| !now.was_active || !now.was_enabled),
    })
}

fn profiles(setup: &Setup, host: &Host, asker: &Asker) -> Result<Vec<&'static str>, String> {
    let mut profiles = Vec::new();
    // pam-auth-update of older releases knows no other root.
    if !host.is_this_one() {
        return Ok(profiles);
    }
    if !pam::is_on(host, pam::LDAPS)? {
        profiles.push(pam::LDAPS);
    }
    if setup.no_mkhomedir || pam::is_on(host, pam::MKHOMEDIR)? {
        return Ok(profiles);
    }
    if !pam::is_there(host, pam::MKHOMEDIR) {
        line(
            Paint::Yellow,
            "There is no PAM profile mkhomedir on this host (apt-get install libpam-modules), so whoever logs in for the first time has no home directory.",
        );
    } else if setup.enable_mkhomedir
        || asker.yes("Make home directories at the first login?", true)?
    {
        profiles.push(pam::MKHOMEDIR);
    }
    Ok(profiles)
}

fn for_sshd(setup: &Setup, host: &Host, asker: &Asker) -> Result<Option<FileChange>, String> {
    if setup.no_sshd {
        return Ok(None);
    }
    let Some(lacks) = sshd::lacks(host).filter(|lacks| !lacks.nothing()) else { return Ok(None) };
    let what = match lacks.pam {
        true => "sshd asks PAM for nothing (UsePAM no), so nobody from the directory gets in by it",
        false => {
            "sshd lets PAM say nothing to people (KbdInteractiveAuthentication no), so no password that has expired can be changed"
        }
    };
    line(Paint::Yellow, what);
    let wanted =
        setup.sshd || asker.yes(&format!("Change that, by {}?", sshd::DROP_IN), asker.can_ask())?;
    if !wanted {
        line(Paint::Yellow, "It is left so; --sshd changes it.");
        return Ok(None);
    }
    let text = Zeroizing::new(lacks.drop_in().into_bytes());
    FileChange::new(host, host.path(sshd::DROP_IN), text, None)
}

fn offline(setup: &Setup, asker: &Asker, known: &Known) -> Result<Option<u32>, String> {
    if setup.offline_days.is_some() || known.stated.offline_days.is_some() || !asker.can_ask() {
        return Ok(setup.offline_days);
    }
    let question = "For how many days may people who have logged in before do so while no domain controller answers, as in 14 for a laptop; 0 for no";
    loop {
        let answer = asker.text(question, Some("0"), "")?;
        match answer.parse::<u32>() {
            Ok(0) => return Ok(None),
            Ok(days) if days <= 90 => return Ok(Some(days)),
            Ok(_) | Err(_) => line(Paint::Yellow, "A number from 0 to 90."),
        }
    }
}
