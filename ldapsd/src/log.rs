//! Where the log goes: the journal, syslog where there is none, standard error when asked to.
//!
//! Every event is a whole sentence: `journalctl` shows the message and hides all other fields.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use syslog::{Facility, Formatter3164, Logger, LoggerBackend};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// Where systemd-journald listens for its own protocol.
const JOURNAL_SOCKET: &str = "/run/systemd/journal/socket";

/// Starts the log. Without any place for it the daemon runs all the same, silently.
pub(crate) fn start(foreground: bool, level: Level) {
    // Only our own words: a library's trace of the wire could hold anything.
    let ours = Targets::new().with_target("ldapsd", level).with_target("ldaps_directory", level);
    let log = tracing_subscriber::registry();
    let started = if foreground {
        let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
        log.with(lines.with_target(false).with_filter(ours)).try_init()
    } else if let Some(journal) = journal() {
        log.with(journal.with_filter(ours)).try_init()
    } else if let Some(syslog) = Syslog::connect() {
        log.with(syslog.with_filter(ours)).try_init()
    } else {
        return;
    };
    // Only a second start in one process fails.
    let _ = started;
}

fn journal() -> Option<tracing_journald::Layer> {
    if !Path::new(JOURNAL_SOCKET).exists() {
        return None;
    }
    let layer = tracing_journald::layer().ok()?;
    Some(layer.with_syslog_identifier("ldapsd".to_owned()))
}

/// syslog(3), for hosts without systemd: facility AUTHPRIV, where pam_unix logs too.
struct Syslog(Mutex<Logger<LoggerBackend, Formatter3164>>);

impl Syslog {
    fn connect() -> Option<Self> {
        let formatter = Formatter3164 {
            facility: Facility::LOG_AUTHPRIV,
            hostname: None,
            process: "ldapsd".to_owned(),
            pid: std::process::id(),
        };
        syslog::unix(formatter).ok().map(|logger| Self(Mutex::new(logger)))
    }
}

impl<S: Subscriber> Layer<S> for Syslog {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        let mut logger = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A syslog that is away is no reason to stop.
        let _ = match *event.metadata().level() {
            Level::ERROR => logger.err(line.0),
            Level::WARN => logger.warning(line.0),
            Level::INFO => logger.info(line.0),
            Level::DEBUG | Level::TRACE => logger.debug(line.0),
        };
    }
}

/// The message of an event.
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            let _ = write!(self.0, "{value:?}");
        }
    }
}
