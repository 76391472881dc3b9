//! A search that is answered whenever something changes (LDAP_SERVER_NOTIFICATION, MS-ADTS 3.1.1.3.4.1.9).
#![forbid(unsafe_code)]

use std::sync::Arc;

use ldap3_proto::control::LdapControl;
use ldap3_proto::proto::{LdapMsg, LdapOp, LdapResult, LdapSearchRequest, LdapSearchScope};
use tokio::sync::mpsc::UnboundedSender;

use crate::answer;
use crate::codec::{self, Request};
use crate::data::Directory;
use crate::dn::Dn;
use crate::entry;
use crate::faults::Delivery;
use crate::filter::Filter;
use crate::search::Scope;
use crate::shared::Shared;

pub(crate) const NOTIFICATION: &str = "1.2.840.113556.1.4.528";
/// Such searches on one connection: AD's MaxNotificationPerConn.
pub(crate) const MOST: usize = 5;

/// The search in a request that wants to be told.
pub(crate) fn wanted(request: &Request) -> Option<&LdapSearchRequest> {
    let asks = |control: &LdapControl| matches!(control, LdapControl::Unknown { oid, .. } if oid == NOTIFICATION);
    match &request.message.op {
        LdapOp::SearchRequest(search) if request.message.ctrl.iter().any(asks) => Some(search),
        _ => None,
    }
}

/// Why AD would not tell: it takes one filter, and a whole tree only from the head of a naming context.
pub(crate) fn refusal(
    directory: &Directory,
    request: &LdapSearchRequest,
    filter: Option<&Filter>,
    running: usize,
) -> Option<LdapResult> {
    let is_everything =
        matches!(filter, Some(Filter::Present(name)) if name.eq_ignore_ascii_case("objectClass"));
    let is_head = Dn::parse(&request.base).is_some_and(|dn| dn == directory.base);
    let is_small = matches!(request.scope, LdapSearchScope::Base | LdapSearchScope::OneLevel);
    match is_everything && (is_head || is_small) {
        // ERROR_INVALID_PARAMETER, ERROR_DS_ADMIN_LIMIT_EXCEEDED.
        false => Some(answer::unwilling(0x57)),
        true => (running >= MOST).then(|| answer::unwilling(0x2024)),
    }
}

/// Tells of every change from now on, for as long as the client is there.
pub(crate) async fn tell(
    shared: Arc<Shared>,
    id: i32,
    request: LdapSearchRequest,
    out: UnboundedSender<Delivery>,
) {
    let mut changed = shared.changed.subscribe();
    let mut seen = shared.directory().highest_usn();
    loop {
        tokio::select! {
            moved = changed.changed() => if moved.is_err() { return },
            () = out.closed() => return,
        }
        let messages = {
            let directory = shared.directory();
            let since = std::mem::replace(&mut seen, directory.highest_usn());
            news(&directory, &request, since)
        };
        for op in messages {
            let message = LdapMsg { msgid: id, op, ctrl: Vec::new() };
            if out.send(Delivery::Plain(codec::encode(message))).is_err() {
                return;
            }
        }
    }
}

fn news(directory: &Directory, request: &LdapSearchRequest, since: i64) -> Vec<LdapOp> {
    let Some(base) = Dn::parse(&request.base) else { return Vec::new() };
    let scope = Scope::new(directory, &base, &request.scope);
    let objects = directory.objects_after(None).filter(|(_, object)| {
        object.integer("uSNChanged").is_some_and(|usn| usn > since) && scope.holds(object)
    });
    let show = |id| entry::render(directory, id, &request.attrs, request.typesonly);
    objects.map(|(id, _)| LdapOp::SearchResultEntry(show(id))).collect()
}
