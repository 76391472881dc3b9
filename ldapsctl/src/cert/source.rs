//! `FILE` or `ldaps://HOST`.
#![forbid(unsafe_code)]

use super::Place;
use ldaps_core::config::{Config, server_uri};
use ldaps_directory::Server;
use std::path::PathBuf;

/// Where certificates are to come from.
pub enum Source {
    /// A file.
    File(PathBuf),
    /// A server.
    Server(Server),
}

/// Tells a server from a file. The address is the one on the command line, or the configuration's.
///
/// # Errors
/// A sentence about what is no `ldaps://`.
pub fn parse(text: &str, place: &Place, config: Option<&Config>) -> Result<Source, String> {
    match text.contains("://") {
        true => server(text, place, config).map(Source::Server),
        false => Ok(Source::File(PathBuf::from(text))),
    }
}

/// A server, by its URI.
///
/// # Errors
/// A sentence about what is no `ldaps://`.
pub fn server(text: &str, place: &Place, config: Option<&Config>) -> Result<Server, String> {
    let uri = server_uri(text).map_err(|fault| format!("{}: {}.", fault.problem, fault.remedy))?;
    let configured = config.and_then(|config| config.directory.address.get(&uri.host)).copied();
    Ok(Server { name: uri.host, port: uri.port, address: place.address.or(configured) })
}
