//! An LDAPS server shaped like Active Directory, for tests and for the demo.
//!
//! ```no_run
//! use test_directory::{Fault, TestDirectory};
//!
//! let server = TestDirectory::corp_example()?; // 127.0.0.1, a port of the system's choice, a CA of its own
//! println!("{} is at 127.0.0.1, trust {:?}", server.url(), server.ca_pem()?);
//! server.edit(|directory| directory.disable("alice"))?;
//! server.fault(Fault::Silence);
//! assert_eq!(server.binds("alice"), 0);
//! # Ok::<(), test_directory::Error>(())
//! ```
//!
//! It is an oracle beside the product: it shares no code with `ldaps-core` or `ldaps-directory`, so that one
//! mistake is not made on both sides. Samba AD stays the judge of what AD does.
#![forbid(unsafe_code)]

mod account;
mod answer;
mod bind;
mod clock;
mod codec;
mod connection;
mod data;
mod dn;
mod edits;
mod entry;
mod error;
mod faults;
mod filter;
mod fold;
mod frame;
mod matching;
mod modify;
mod notify;
mod object;
mod pki;
mod population;
mod rootdse;
mod schema;
mod search;
mod server;
mod session;
mod shared;
mod sid;
mod tally;
mod wordings;

pub use data::Directory;
pub use edits::{GroupKind, USER_PASSWORD};
pub use entry::MAX_VALUES;
pub use error::Error;
pub use faults::{Fault, On};
pub use filter::{Filter, Substring};
pub use object::ObjectId;
pub use openssl::ssl::SslVersion;
pub use pki::{Identity, Pki};
pub use population::{BIG_GROUP_SIZE, SERVICE_ACCOUNT, SERVICE_PASSWORD};
pub use search::MAX_PAGE;
pub use server::{Options, TestDirectory};
pub use sid::Sid;
pub use tally::{BindSeen, SearchSeen};
