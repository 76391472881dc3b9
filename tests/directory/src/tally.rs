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

/// The counters.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    pub(crate) by_account: HashMap<ObjectId, u64>,
    /// Binds with a name and no password, which AD takes for anonymous ones.
    pub(crate) unauthenticated: u64,
    /// Binds with neither.
    pub(crate) anonymous: u64,
    /// Binds with a password, in order.
    pub(crate) binds: Vec<BindSeen>,
    pub(crate) searches: Vec<SearchSeen>,
    pub(crate) modifies: u64,
    pub(crate) abandons: u64,
    pub(crate) open_connections: u64,
    pub(crate) connections: u64,
}
