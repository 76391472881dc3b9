//! May this person in? Our rules first, then one bind, then what AD says of the account.

mod account;
pub(crate) mod attempts;
mod authenticate;
mod callers;
pub(crate) mod expiries;
mod foresee;
mod hopeless;
mod identity;
pub(crate) mod lockout;
pub(crate) mod names;
mod new_password;
mod offline;
mod password;
pub(crate) mod readings;
pub(crate) mod recent;
mod report;
mod rules;
mod stop;
mod trace;
pub(crate) mod why;
mod workstation;

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ldaps_core::names::UserName;
use ldaps_core::protocol::messages::{Login, PamReply, PamRequest, Verdict};
use ldaps_core::protocol::tools::Decided;
use ldaps_core::refusal::Refusal;
use ldaps_core::secret::Password;
use ldaps_directory::{BindOutcome, DirectoryError, Unbound};
use tracing::Instrument as _;

use self::stop::Stop;
use crate::budget::Place;
use crate::host::Host;
use crate::lookups::memory::{KnownUser, Sids};
use crate::peer::Peer;
use crate::status::Numbers;

/// What stands for every service without rules of its own; no PAM service has a space in its name.
const ANY_OTHER_SERVICE: &str = "any other";

/// A decision, and the words for the journal that say why.
#[derive(Debug)]
struct Decision {
    verdict: Verdict,
    why: String,
    /// One plain line for the person, where there is more to say than the verdict does.
    notice: Option<String>,
}

impl Decision {
    fn granted(why: impl Into<String>) -> Self {
        Self { verdict: Verdict::Granted, why: why.into(), notice: None }
    }

    fn refused(refusal: Refusal) -> Self {
        Self::refused_because(refusal, refusal.to_string())
    }

    /// Refused, with more to say than the reason itself.
    fn refused_because(refusal: Refusal, why: String) -> Self {
        Self { verdict: Verdict::Refused(refusal), why, notice: None }
    }

    fn unavailable(error: &DirectoryError) -> Self {
        Self { verdict: Verdict::Unavailable, why: error.to_string(), notice: None }
    }

    fn not_ours(why: &str) -> Self {
        Self { verdict: Verdict::NotOurs, why: why.to_owned(), notice: None }
    }

    /// With a line for the person.
    fn telling(self, notice: impl Into<String>) -> Self {
        Self { notice: Some(notice.into()), ..self }
    }
}

/// Decides one request of the PAM module and reports it, in one line of the journal.
pub(crate) async fn decide(
    host: &Arc<Host>,
    numbers: &Numbers,
    peer: Peer,
    request: PamRequest<'_>,
) -> PamReply {
    let start = Instant::now();
    let id = numbers.login_names.of(peer, &request);
    let (login, phase) = (request.login(), phase(&request));
    let decision = async {
        match checked_caller(host, peer, &login) {
            Err(decision) => decision,
            Ok(name) => answer(host, numbers, peer, &name, request).await,
        }
    };
    // Whatever else is logged on the way bears the login's name, too: as a field of the journal.
    let span = tracing::error_span!("login", request = %id);
    let (decision, steps) = trace::of(decision).instrument(span).await;
    numbers.count(decision.verdict);
    let dc = host.directory.status().connected.map(|server| server.name);
    let took = start.elapsed();
    numbers.logins.decision(phase.label(), decision.verdict, took);
    let line = report::report(phase.words(), &login, peer, &decision, dc.as_deref(), id, took);
    let us = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    numbers.recent.keep(Decided {
        number: 0,
        request: id,
        at_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
        phase: phase.words().to_owned(),
        user: login.user.to_owned(),
        service: login.service.to_owned(),
        pid: peer.pid,
        verdict: decision.verdict,
        why: decision.why,
        dc,
        took_us: us(took),
        steps: steps.into_iter().map(|(what, took)| (what, took.map(us))).collect(),
        line,
    });
    PamReply { verdict: decision.verdict, request: id, notice: decision.notice }
}

/// Which of PAM's questions a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Auth,
    Account,
    OldPassword,
    PasswordChange,
}

impl Phase {
    /// For the journal.
    fn words(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Account => "account",
            Self::OldPassword => "old password",
            Self::PasswordChange => "password change",
        }
    }

    /// As the value of a label.
    fn label(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Account => "account",
            Self::OldPassword => "old_password",
            Self::PasswordChange => "password_change",
        }
    }
}

fn phase(request: &PamRequest<'_>) -> Phase {
    match request {
        PamRequest::Authenticate { .. } => Phase::Auth,
        PamRequest::Account { .. } => Phase::Account,
        PamRequest::CheckOldPassword { .. } => Phase::OldPassword,
        PamRequest::ChangePassword { .. } => Phase::PasswordChange,
    }
}

async fn answer(
    host: &Arc<Host>,
    numbers: &Numbers,
    peer: Peer,
    name: &UserName,
    request: PamRequest<'_>,
) -> Decision {
    let login = request.login();
    let usable = |password: &[u8]| match host.attempts.allow(peer.uid, login.uid) {
        false => Err(Decision::refused(Refusal::TooManyAttempts)),
        true => Password::parse(password).map_err(|error| {
            Decision::refused_because(Refusal::UnusablePassword, error.to_string())
        }),
    };
    let decided = async {
        Ok(match request {
            PamRequest::Authenticate { password, .. } => {
                let password = usable(password)?;
                authenticate::decide(host, numbers, peer, &login, name, &password).await
            }
            PamRequest::Account { authenticated, .. } => {
                // Whatever is asked, it is used once.
                let reading = host.readings.take(peer, &login).filter(|_| authenticated);
                account::decide(host, &login, name, authenticated, reading).await
            }
            PamRequest::CheckOldPassword { old, .. } => {
                password::check_old(host, numbers, &login, name, &usable(old)?).await
            }
            PamRequest::ChangePassword { old, new, .. } => {
                let (old, new) = (usable(old)?, usable(new)?);
                password::change(host, &login, name, &old, &new).await
            }
        })
    };
    decided.await.unwrap_or_else(|decision: Decision| decision)
}

/// The turn of this user to have a password sent, unless that could be the one that has AD lock the
/// account.
///
/// # Errors
/// No password is to be sent.
async fn turn_to_bind(host: &Host, user: &KnownUser) -> Result<Place, Stop> {
    let turn = host.bind_turns.place(user.entry.uid).await;
    may_be_tried(host, user).await?;
    Ok(turn)
}

/// One bind as this user, whose turn it is.
///
/// # Errors
/// Nobody answered.
async fn bind(
    host: &Host,
    numbers: &Numbers,
    user: &KnownUser,
    password: &Password,
    unbound: Unbound,
) -> Result<BindOutcome, Stop> {
    numbers.count_bind();
    let began = Instant::now();
    let bind = host.directory.bind(unbound, &user.record.dn, password);
    let outcome = trace::step("one bind with the password", bind).await;
    numbers.logins.bind(outcome.as_ref().ok().copied(), began.elapsed());
    let outcome = outcome?;
    host.wrong_passwords.count(user.record.sid, outcome);
    Ok(outcome)
}

/// Whether one more password of this user leaves AD's own count far enough from its end.
///
/// # Errors
/// It does not, or AD's rule is not known.
async fn may_be_tried(host: &Host, user: &KnownUser) -> Result<(), Stop> {
    let lockout = host.directory.domain().await?.lockout;
    Ok(host.wrong_passwords.check(user, lockout)?)
}

/// The name, if this caller may ask about it.
fn checked_caller(host: &Host, peer: Peer, login: &Login<'_>) -> Result<UserName, Decision> {
    let name = UserName::parse(login.user.as_bytes())
        .map_err(|error| Decision::not_ours(&error.to_string()))?;
    let local = host.lookups.local_names().map_err(|error| Decision::unavailable(&error))?;
    if !callers::may_ask(peer.uid, login, &local, &host.config.pam) {
        let why = format!(
            "uid {} may not ask about others; only root may, and who is named for this service \
             under [pam.callers]",
            peer.uid
        );
        return Err(Decision::refused_because(Refusal::CallerNotPermitted, why));
    }
    Ok(name)
}

/// For each service with rules of its own, and any other: whether they let the user in.
///
/// # Errors
/// [`DirectoryError`], where a group that a rule names cannot be looked up, or a filter be asked.
pub(crate) async fn access_table(
    host: &Host,
    user: &KnownUser,
    groups: &Sids,
) -> Result<Vec<(String, bool)>, DirectoryError> {
    let access = &host.config.access;
    let services = access.services.keys().map(String::as_str).chain([ANY_OTHER_SERVICE]);
    let mut table = Vec::new();
    for service in services {
        let word = rules::Word::NowOrEarlier;
        let ruling = rules::rule(access, &host.lookups, service, user, groups, word).await?;
        table.push((service.to_owned(), matches!(ruling, rules::Ruling::Allowed(_))));
    }
    Ok(table)
}
