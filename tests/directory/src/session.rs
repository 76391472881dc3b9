//! One client's conversation: requests in, messages out. No sockets here.
#![forbid(unsafe_code)]

use std::io::Write;
use std::sync::Arc;

use ldap3_proto::proto::{
    LdapBindCred, LdapBindRequest, LdapBindResponse, LdapCompareRequest, LdapExtendedRequest,
    LdapExtendedResponse, LdapMsg, LdapOp, LdapResult, LdapResultCode, LdapSearchScope, OID_WHOAMI,
};

use crate::answer;
use crate::bind;
use crate::codec::Request;
use crate::dn::Dn;
use crate::faults::On;
use crate::filter::Filter;
use crate::matching::Matcher;
use crate::modify;
use crate::notify;
use crate::object::ObjectId;
use crate::search;
use crate::shared::Shared;
use crate::tally::{BindSeen, SearchSeen};

const OID_START_TLS: &str = "1.3.6.1.4.1.1466.20037";

/// The state of one connection.
pub(crate) struct Session {
    shared: Arc<Shared>,
    connection: u64,
    /// Who the connection is; `None` is anonymous.
    account: Option<ObjectId>,
    /// How many searches tell of changes.
    watching: usize,
}

/// Which kind of request this is, for faults.
pub(crate) fn kind_of(message: &LdapMsg) -> On {
    match &message.op {
        LdapOp::BindRequest(_) => On::Binds,
        LdapOp::SearchRequest(request) if search::is_rootdse(request) => On::Searches,
        LdapOp::SearchRequest(request) if request.scope == LdapSearchScope::Base => On::Objects,
        LdapOp::SearchRequest(_) => On::SearchesBelowRoot,
        LdapOp::ModifyRequest(_) => On::Modifies,
        _ => On::Everything,
    }
}

impl Session {
    pub(crate) fn new(shared: Arc<Shared>, connection: u64) -> Self {
        Self { shared, connection, account: None, watching: 0 }
    }

    /// Whether changes are to be told of from now on, for a request that wants that: else, why not.
    pub(crate) fn watch(&mut self, request: &Request) -> Option<Result<(), LdapMsg>> {
        let search = notify::wanted(request)?;
        let everything = Filter::Present("objectClass".into());
        let filter = request.filter.as_ref();
        self.log_search(&search.base, &search.scope, filter.unwrap_or(&everything), &search.attrs);
        let refused = self
            .bound()
            .or_else(|| notify::refusal(&self.shared.directory(), search, filter, self.watching));
        Some(match refused {
            None => {
                self.watching += 1;
                Ok(())
            }
            Some(refused) => Err(LdapMsg {
                msgid: request.message.msgid,
                op: LdapOp::SearchResultDone(refused),
                ctrl: Vec::new(),
            }),
        })
    }

    /// The messages that answer a request; none for requests that have no answer.
    pub(crate) fn answer(&mut self, request: Request) -> Vec<LdapMsg> {
        let Request { message: LdapMsg { msgid, op, ctrl }, filter } = request;
        let one = |op| vec![LdapMsg { msgid, op, ctrl: Vec::new() }];
        match op {
            LdapOp::BindRequest(request) => {
                let res = self.bind(&request);
                one(LdapOp::BindResponse(LdapBindResponse { res, saslcreds: None }))
            }
            LdapOp::SearchRequest(request) => {
                let filter = filter.unwrap_or_else(|| Filter::Present("objectClass".into()));
                self.log_search(&request.base, &request.scope, &filter, &request.attrs);
                let (bound, references) = (self.account.is_some(), self.shared.references);
                let found = search::search(
                    &self.shared.directory(),
                    &request,
                    &filter,
                    &ctrl,
                    bound,
                    references,
                );
                let mut messages: Vec<_> = found.parts.into_iter().flat_map(one).collect();
                messages.push(LdapMsg {
                    msgid,
                    op: LdapOp::SearchResultDone(found.result),
                    ctrl: found.controls,
                });
                messages
            }
            LdapOp::ModifyRequest(request) => {
                self.shared.tally().modifies += 1;
                let result = self.bound().unwrap_or_else(|| {
                    let directory = &mut self.shared.directory();
                    match directory.read_only {
                        // A read-only DC changes nothing and refers to a writable one.
                        true => answer::elsewhere(&directory.dns_domain, &request.dn),
                        false => modify::modify(directory, &request),
                    }
                });
                self.shared.changed.send_replace(());
                one(LdapOp::ModifyResponse(result))
            }
            LdapOp::CompareRequest(request) => one(LdapOp::CompareResult(self.compare(&request))),
            LdapOp::ExtendedRequest(request) => {
                one(LdapOp::ExtendedResponse(self.extended(&request)))
            }
            LdapOp::AddRequest(_) => one(LdapOp::AddResponse(self.refuse_write())),
            LdapOp::DelRequest(_) => one(LdapOp::DelResponse(self.refuse_write())),
            LdapOp::ModifyDNRequest(_) => one(LdapOp::ModifyDNResponse(self.refuse_write())),
            LdapOp::AbandonRequest(_) => {
                self.shared.tally().abandons += 1;
                Vec::new()
            }
            // An unbind is the caller's to see; the rest are answers, which no client sends.
            _ => Vec::new(),
        }
    }

    /// The refusal of what wants a bind first; `None` when there was one.
    fn bound(&self) -> Option<LdapResult> {
        self.account.is_none().then(answer::bind_first)
    }

    /// A service account can only read.
    fn refuse_write(&self) -> LdapResult {
        self.bound().unwrap_or_else(answer::access_denied)
    }

    fn bind(&mut self, request: &LdapBindRequest) -> LdapResult {
        // RFC 4511, 4.2.1: until a bind succeeds, the connection is anonymous.
        self.account = None;
        if request.version != 3 {
            return answer::protocol_error("LDAP version is not supported");
        }
        let LdapBindCred::Simple(password) = &request.cred else {
            let words = "00002027: LdapErr: DSID-0C090595, comment: Invalid Authentication method, data 0, v4563";
            return answer::result(LdapResultCode::AuthMethodNotSupported, words);
        };
        if password.is_empty() {
            let mut tally = self.shared.tally();
            *(if request.dn.is_empty() {
                &mut tally.anonymous
            } else {
                &mut tally.unauthenticated
            }) += 1;
            drop(tally);
            self.log_bind(None, 0, None);
            return answer::success();
        }
        let outcome = bind::attempt(&mut self.shared.directory(), &request.dn, password);
        let mut tally = self.shared.tally();
        if let Some(account) = outcome.account {
            *tally.by_account.entry(account).or_default() += 1;
        }
        tally.saw_bind(BindSeen {
            name: request.dn.clone(),
            password_length: password.len(),
            sub_code: outcome.sub_code,
            connection: self.connection,
        });
        drop(tally);
        self.log_bind(outcome.account, password.len(), outcome.sub_code);
        self.account = outcome.account.filter(|_| outcome.sub_code.is_none());
        outcome.result()
    }

    fn log_bind(&self, account: Option<ObjectId>, length: usize, sub_code: Option<u32>) {
        let name = |id| self.shared.directory().get(id)?.text("sAMAccountName").map(str::to_owned);
        let account = account.and_then(name);
        let came_to = sub_code.map_or("ok".to_owned(), |code| format!("{code:x}"));
        // One write: whoever reads sees whole lines. A full disk shows as binds that are missing.
        let line = format!("{} {length} {came_to}\n", account.as_deref().unwrap_or("-"));
        if let Some(file) = &mut *self.shared.bind_log() {
            let _ = file.write_all(line.as_bytes());
        }
    }

    fn log_search(
        &self,
        base: &str,
        scope: &LdapSearchScope,
        filter: &Filter,
        attributes: &[String],
    ) {
        self.shared.tally().saw_search(|| SearchSeen {
            base: base.to_owned(),
            scope: match scope {
                LdapSearchScope::Base => 0,
                LdapSearchScope::OneLevel => 1,
                LdapSearchScope::Subtree => 2,
                LdapSearchScope::Children => 3,
            },
            filter: filter.to_string(),
            attributes: attributes.to_vec(),
            connection: self.connection,
        });
    }

    fn compare(&self, request: &LdapCompareRequest) -> LdapResult {
        if let Some(refused) = self.bound() {
            return refused;
        }
        let directory = self.shared.directory();
        let Some(id) = Dn::parse(&request.dn).and_then(|dn| directory.id_of_dn(&dn)) else {
            return answer::no_such_object(&directory.base_dn());
        };
        let matcher =
            Matcher::new(&directory, &Filter::Equal(request.atype.clone(), request.val.clone()));
        match directory.get(id).and_then(|object| matcher.matches(id, object)) {
            Some(true) => answer::result(LdapResultCode::CompareTrue, ""),
            Some(false) => answer::result(LdapResultCode::CompareFalse, ""),
            None => answer::result(LdapResultCode::NoSuchAttribute, ""),
        }
    }

    fn extended(&self, request: &LdapExtendedRequest) -> LdapExtendedResponse {
        let reply = |res, value| LdapExtendedResponse { res, name: None, value };
        match request.name.as_str() {
            OID_WHOAMI => reply(answer::success(), Some(self.who_am_i().into_bytes())),
            OID_START_TLS => {
                let words = "00000000: LdapErr: DSID-0C090E17, comment: TLS or SSL already in effect, data 0, v4563";
                reply(answer::result(LdapResultCode::OperationsError, words), None)
            }
            _ => reply(answer::protocol_error("Unknown extended request OID"), None),
        }
    }

    /// `u:CORP\alice`, or nothing for anonymous.
    fn who_am_i(&self) -> String {
        let directory = self.shared.directory();
        let account = self
            .account
            .and_then(|id| directory.get(id))
            .and_then(|object| object.text("sAMAccountName"));
        account.map_or(String::new(), |name| format!("u:{}\\{name}", directory.netbios))
    }
}
