//! `/etc/ldap/ldap.conf`, the file of every LDAP client on the host, read as ldap.conf(5) says.
//!
//! It is not ours: a mistake in it is a warning as long as nothing that is needed hangs on it. No
//! environment variable and no file of a user is looked at.
#![forbid(unsafe_code)]

use super::errors::{At, Place, Position, Report};
use super::types::{CrlCheck, ServerUri, TlsVersion};
use super::values;
use std::path::Path;
use std::time::Duration;

/// What the file says of the things that matter here; the text of each value is not checked yet.
#[derive(Debug, Default)]
pub(super) struct LdapConf {
    pub uri: Option<At<String>>,
    pub base: Option<At<String>>,
    pub ca_file: Option<At<String>>,
    pub ca_dirs: Option<At<String>>,
    pub crl_file: Option<At<String>>,
    crl_check: Option<At<String>>,
    protocol_min: Option<At<String>>,
    network_timeout: Option<At<String>>,
    timeout: Option<At<String>>,
    reqcert: Option<At<String>>,
    reqsan: Option<At<String>>,
}

/// Keywords that are obeyed or answered, and where they are kept. All others are left alone.
type Slot = fn(&mut LdapConf) -> &mut Option<At<String>>;
const KEYWORDS: &[(&str, Slot)] = &[
    ("URI", |conf| &mut conf.uri),
    ("BASE", |conf| &mut conf.base),
    ("TLS_CACERT", |conf| &mut conf.ca_file),
    ("TLS_CACERTDIR", |conf| &mut conf.ca_dirs),
    ("TLS_CRLFILE", |conf| &mut conf.crl_file),
    ("TLS_CRLCHECK", |conf| &mut conf.crl_check),
    ("TLS_PROTOCOL_MIN", |conf| &mut conf.protocol_min),
    ("NETWORK_TIMEOUT", |conf| &mut conf.network_timeout),
    ("TIMEOUT", |conf| &mut conf.timeout),
    ("TLS_REQCERT", |conf| &mut conf.reqcert),
    ("TLS_REQSAN", |conf| &mut conf.reqsan),
];

/// Reads the text: keywords in any case, a comment only where `#` is the first character of the
/// line, the value to the end of the line, the last occurrence holds.
pub(super) fn parse(file: &Path, text: &str) -> LdapConf {
    let mut conf = LdapConf::default();
    for (index, line) in text.lines().enumerate() {
        if line.starts_with('#') {
            continue;
        }
        let trimmed = line.trim();
        let Some((keyword, value)) = trimmed.split_once(char::is_whitespace) else {
            continue;
        };
        let value = value.trim();
        let slot = KEYWORDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(keyword));
        let Some((_, slot)) = slot else { continue };
        let column = line.find(value).map_or(0, |byte| line[..byte].chars().count());
        *slot(&mut conf) = Some(At {
            value: value.to_owned(),
            place: Place {
                file: file.to_owned(),
                position: Some(Position { line: index + 1, column: column + 1 }),
            },
        });
    }
    conf
}

impl LdapConf {
    /// Reports what the file asks for and does not get: less than full verification.
    pub(super) fn report_disobeyed(&self, report: &Report) {
        if let Some(At { value, place }) = &self.reqcert {
            let strict = ["demand", "hard"];
            if !strict.iter().any(|word| value.eq_ignore_ascii_case(word)) {
                report.warning(
                    place,
                    format!(
                        "TLS_REQCERT {value} is not obeyed: the server's certificate and name are \
                         always verified here"
                    ),
                    "write \"TLS_REQCERT demand\", unless other programs on this host need it so",
                );
            }
        }
        if let Some(At { value, place }) = &self.reqsan {
            let strict = ["demand", "hard"];
            if !strict.iter().any(|word| value.eq_ignore_ascii_case(word)) {
                report.warning(
                    place,
                    format!(
                        "TLS_REQSAN {value} is not obeyed: the server's name must be among the \
                         certificate's alternative names"
                    ),
                    "write \"TLS_REQSAN demand\", unless other programs on this host need it so",
                );
            }
        }
    }

    /// TLS_CRLCHECK; a word that is none of its three is reported, and the strictest taken.
    pub(super) fn crl_check(&self, report: &Report) -> Option<CrlCheck> {
        let At { value, place } = self.crl_check.as_ref()?;
        Some(match value.to_ascii_lowercase().as_str() {
            "none" => CrlCheck::None,
            "peer" => CrlCheck::Peer,
            "all" => CrlCheck::All,
            _ => {
                report.warning(
                    place,
                    format!("TLS_CRLCHECK {value} is not known and taken for \"all\""),
                    "write none, peer or all",
                );
                CrlCheck::All
            }
        })
    }

    /// TLS_PROTOCOL_MIN: `3.3` is TLS 1.2, `3.4` TLS 1.3 (the numbers of the wire format).
    pub(super) fn protocol_min(&self, report: &Report) -> Option<TlsVersion> {
        let At { value, place } = self.protocol_min.as_ref()?;
        match value.as_str() {
            "3.3" => Some(TlsVersion::V1_2),
            "3.4" => Some(TlsVersion::V1_3),
            _ => {
                report.warning(
                    place,
                    format!(
                        "TLS_PROTOCOL_MIN {value} is not obeyed: TLS 1.2 is the least spoken here"
                    ),
                    "write 3.3 (TLS 1.2) or 3.4 (TLS 1.3)",
                );
                None
            }
        }
    }

    /// NETWORK_TIMEOUT, in seconds.
    pub(super) fn network_timeout(&self, report: &Report, longest: Duration) -> Option<Duration> {
        let value = self.network_timeout.as_ref()?;
        seconds("NETWORK_TIMEOUT", value, longest, report)
    }

    /// TIMEOUT, in seconds.
    pub(super) fn timeout(&self, report: &Report, longest: Duration) -> Option<Duration> {
        seconds("TIMEOUT", self.timeout.as_ref()?, longest, report)
    }

    /// The URIs that are LDAPS; others are reported. None: no URI is named. Empty: none can be used,
    /// which has been reported.
    pub(super) fn servers(&self, report: &Report) -> Option<Vec<At<ServerUri>>> {
        let At { value, place } = self.uri.as_ref()?;
        let mut servers = Vec::new();
        let mut faults = Vec::new();
        for uri in value.split([' ', '\t', ',']).filter(|uri| !uri.is_empty()) {
            match values::server_uri(uri) {
                Ok(value) => servers.push(At { value, place: place.clone() }),
                Err(fault) => faults.push(fault),
            }
        }
        let none_is_named = servers.is_empty() && faults.is_empty();
        for fault in faults {
            if servers.is_empty() {
                report.fault(place, "URI", fault);
            } else {
                let problem = format!("URI: {} (left out)", fault.problem);
                report.warning(place, problem, fault.remedy);
            }
        }
        (!none_is_named).then_some(servers)
    }
}

/// A time in whole seconds. libldap takes 0 and less for "for ever", which nothing here waits.
fn seconds(
    keyword: &str,
    At { value, place }: &At<String>,
    longest: Duration,
    report: &Report,
) -> Option<Duration> {
    let disobeyed = |taken: &str| {
        report.warning(
            place,
            format!("{keyword} {value} is not obeyed: {taken}"),
            format!("write a number of seconds from 1 to {}", longest.as_secs()),
        );
    };
    match value.parse::<i64>().ok().and_then(|n| u64::try_from(n).ok()) {
        None | Some(0) => {
            disobeyed("nothing waits for ever here, and the default is taken");
            None
        }
        Some(n) if Duration::from_secs(n) > longest => {
            disobeyed(&format!("{} s is taken, the longest wait here", longest.as_secs()));
            Some(longest)
        }
        Some(n) => Some(Duration::from_secs(n)),
    }
}
