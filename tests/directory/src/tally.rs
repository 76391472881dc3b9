//! What the server has seen, for tests to look at. No passwords are kept.
#![forbid(unsafe_code)]

use std::collections::HashMap;

use crate::object::ObjectId;

/// One bind request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindSeen {
    /// The name as sent.
    pub name: String,
    /// How many bytes the password had.
    pub password_length: usize,
    /// The sub-code of the refusal; `None` for success.
    pub sub_code: Option<u32>,
    /// Which connection it came on, numbered from 1.
    pub connection: u64,
}

/// One search request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchSeen {
    /// The base as sent.
    pub base: String,
    /// 0 base, 1 one level, 2 subtree.
    pub scope: u8,
    /// The filter in RFC 4515 text.
    pub filter: String,
    /// The attributes asked for.
    pub attributes: Vec<String>,
    /// Which connection it came on, numbered from 1.
    pub connection: u64,
}

/// How much the logs hold: a benchmark's millions of searches are counted and not kept.
const LOG_LENGTH: usize = 100_000;

/// The counters.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    pub(crate) by_account: HashMap<ObjectId, u64>,
    /// Binds with a name and no password, which AD takes for anonymous ones.
    pub(crate) unauthenticated: u64,
    /// Binds with neither.
    pub(crate) anonymous: u64,
    /// Binds with a password.
    pub(crate) bind_count: u64,
    /// The first of them, in order.
    pub(crate) binds: Vec<BindSeen>,
    pub(crate) search_count: u64,
    /// The first of them, in order.
    pub(crate) searches: Vec<SearchSeen>,
    pub(crate) modifies: u64,
    pub(crate) abandons: u64,
    pub(crate) open_connections: u64,
    pub(crate) connections: u64,
}

impl Tally {
    pub(crate) fn saw_bind(&mut self, bind: BindSeen) {
        self.bind_count += 1;
        if self.binds.len() < LOG_LENGTH {
            self.binds.push(bind);
        }
    }

    /// Counts a search; what it was is asked for only while there is room for it.
    pub(crate) fn saw_search(&mut self, search: impl FnOnce() -> SearchSeen) {
        self.search_count += 1;
        if self.searches.len() < LOG_LENGTH {
            self.searches.push(search());
        }
    }
}
