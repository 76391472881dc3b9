//! What the modules, the tool and the daemon say to each other: one request and one reply on one
//! connection, so that no fork, thread or upgrade can mix up two conversations.
#![forbid(unsafe_code)]

pub mod admin;
pub mod client;
pub mod frame;
pub mod messages;
pub mod request_id;
pub mod tools;
