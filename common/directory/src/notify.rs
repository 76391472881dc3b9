//! Changes as they happen: one search that the server answers whenever an object changes
//! (LDAP_SERVER_NOTIFICATION, MS-ADTS 3.1.1.3.4.1.9), on a connection of its own.
//!
//! AD takes the filter `(objectClass=*)` alone, a whole tree only at the head of a naming context, and
//! five such searches on a connection. Nothing but an error ends one, and silence is no news: so
//! the connection is asked something else now and then, which keeps AD from dropping it for idleness
//! (900 s), too.

use std::time::Duration;

use ldap3_proto::control::LdapControl;
use ldap3_proto::proto::{LdapOp, LdapResult};
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::MissedTickBehavior;

use crate::changes::{Change, OF_CHANGE};
use crate::entry::Entry;
use crate::error::{DirectoryError, words_of};
use crate::filter;
use crate::link::Bound;
use crate::queries::Directory;
use crate::search::{self, Search};

const NOTIFICATION: &str = "1.2.840.113556.1.4.528";
/// How often it is made sure that the server is still there.
const PROBE_EVERY: Duration = Duration::from_secs(30);
const WHAT: &str = "changes as they happen";

/// What the server told.
#[derive(Debug)]
pub enum Told {
    /// From now on changes are told; what changed before may not have been.
    Listening,
    /// An account that has changed.
    Changed(Change),
}

impl Directory {
    /// Hears of changes, and passes them on, until the connection is lost or the server will not
    /// tell.
    ///
    /// # Errors
    /// Why it ended: also where more is told than is taken, for then a poll is the shorter way. It
    /// never ends well, unless nobody takes what is passed on.
    pub async fn listen(&self, to: &Sender<Told>) -> Result<(), DirectoryError> {
        let bound = self.link.another().await?;
        let connection = &bound.connection;
        let attributes: Vec<String> = OF_CHANGE.iter().map(|name| (*name).to_owned()).collect();
        let everything = filter::present("objectClass");
        let search = Search::below(WHAT, &bound.domain.head, everything, OF_CHANGE);
        let control =
            LdapControl::Unknown { oid: NOTIFICATION.to_owned(), criticality: true, value: None };
        let request = search.request(attributes);
        let patience = self.link.patience();
        let mut answers = connection.start(request, vec![control], WHAT, patience).await?;
        let mut probes = tokio::time::interval(PROBE_EVERY);
        probes.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_listening = false;
        loop {
            let message = tokio::select! {
                message = answers.next_whenever() => message?,
                _ = probes.tick() => {
                    self.probe(&bound).await?;
                    // A server that will not tell says so before it answers the next question.
                    let is_first = !std::mem::replace(&mut is_listening, true);
                    match is_first && pass_on(to, Told::Listening)?.is_none() {
                        true => return Ok(()),
                        false => continue,
                    }
                }
            };
            match message.op {
                LdapOp::SearchResultEntry(entry) => {
                    if let Some(change) = Change::of(&Entry::new(entry))
                        && pass_on(to, Told::Changed(change))?.is_none()
                    {
                        return Ok(());
                    }
                }
                LdapOp::SearchResultDone(result) => return Err(refused(&bound, &result)),
                _ => {}
            }
        }
    }

    /// Makes sure that the server answers, and is the one that everything else is asked of.
    async fn probe(&self, bound: &Bound) -> Result<(), DirectoryError> {
        let (connection, patience) = (&bound.connection, self.link.patience());
        let root = Search::of_object(WHAT, "", &["highestCommittedUSN"]);
        search::few(connection, &root, patience).await?;
        let in_use = self.link.status().connected;
        match in_use.is_none_or(|in_use| in_use == *connection.server()) {
            true => Ok(()),
            false => Err(DirectoryError::Closed {
                server: connection.server().clone(),
                why: "another server is asked now".to_owned(),
            }),
        }
    }
}

/// None: nobody takes it any more.
fn pass_on(to: &Sender<Told>, told: Told) -> Result<Option<()>, DirectoryError> {
    match to.try_send(told) {
        Ok(()) => Ok(Some(())),
        Err(TrySendError::Closed(_)) => Ok(None),
        Err(TrySendError::Full(_)) => Err(DirectoryError::Unusable {
            what: WHAT,
            problem: "more is told than can be taken in".to_owned(),
        }),
    }
}

fn refused(bound: &Bound, result: &LdapResult) -> DirectoryError {
    DirectoryError::Refused {
        server: bound.connection.server().clone(),
        what: WHAT,
        answer: words_of(result),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_and_not_taken_grows_for_ever_or_is_lost_unseen() {
        let (to, taken) = tokio::sync::mpsc::channel(1);
        assert!(matches!(pass_on(&to, Told::Listening), Ok(Some(()))));
        let full = pass_on(&to, Told::Listening).unwrap_err();
        assert!(full.to_string().contains("more is told than can be taken in"), "{full}");
        drop(taken);
        assert!(matches!(pass_on(&to, Told::Listening), Ok(None)));
    }
}
