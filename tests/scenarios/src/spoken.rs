//! What AD says that Samba cannot be made to say, through the same programs: the test directory is
//! the domain controller then, on the host itself.

#![forbid(unsafe_code)]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::attempt::Way;
use crate::host::Host;
use crate::outcome::{Check, Failure, ensure};
use crate::product::{self, Configuration};
use crate::scenario::{Scenario, Stage};
use crate::words::{self, DOORS, Row, row, silent};

/// The rows of this file.
pub const SCENARIOS: &[Scenario] = &[Scenario {
    name: "every-sub-code-in-plain-words",
    shows: (3, 1),
    disturbs: true,
    run: every_sub_code,
}];

/// Where the test directory is on the host, and its port.
const DIR: &str = "/run/test-directory";
const PORT: &str = "6636";

const WRONG_WORDS: &str = "wrong password (AD: data 52e)";
const ASK: &str = "Your account may not log in now. Please ask your administrator.";
const DISABLED: &str = "Your account is disabled. Please ask your administrator.";
const EXPIRED: &str = "Your account has expired. Please ask your administrator.";
const HOURS: &str = "Your account may not log in at this hour.";
const STATION: &str = "Your account may not log in on this computer.";
const LOCKED: &str =
    "Your account is locked after too many wrong passwords. Please try again later.";
const UNREADABLE: &str = "Your account cannot be checked here. Please ask your administrator.";
const GROUPS: &str = "Your account is in too many groups. Please ask your administrator.";

/// The accounts are those of tests/directory/src/population.rs, and so are AD's very words.
const ROWS: &[Row] = &[
    silent("alice", "Wrong.Pass.1", WRONG_WORDS),
    silent("nosuch", crate::dc::PASSWORD, "AD knows no such user (data 525)"),
    row("restricted", "an account restriction forbids it (AD: data 52f)", ASK),
    row("nohours", "outside of the account's logon hours (AD: data 530)", HOURS),
    row("wrongstation", "the account's \"Log On To\" list forbids it (AD: data 531)", STATION),
    row("disabled", "the account is disabled (AD: data 533)", DISABLED),
    row("toomany", "the account is in more groups than a token holds (AD: data 568)", GROUPS),
    row("expired", "the account has expired (AD: data 701)", EXPIRED),
    row("locked", "the account is locked out (AD: data 775)", LOCKED),
    row("strange", "AD refused with an unknown reason (data 5ff)", ASK),
    // The same in other words.
    row("says-no-nul", "the account is disabled (AD: data 533)", DISABLED),
    row("says-v2580", "the account has expired (AD: data 701)", EXPIRED),
    row("says-v3839", "outside of the account's logon hours (AD: data 530)", HOURS),
    row("says-v4563", "the account is locked out (AD: data 775)", LOCKED),
    row("says-upper", "an account restriction forbids it (AD: data 52f)", ASK),
    row("says-german", "the account's \"Log On To\" list forbids it (AD: data 531)", STATION),
    // Without a code, all that is known is that the credentials are invalid.
    silent("says-nothing", crate::dc::PASSWORD, WRONG_WORDS),
    silent("says-words", crate::dc::PASSWORD, WRONG_WORDS),
    silent("says-too-much", crate::dc::PASSWORD, WRONG_WORDS),
    // Rights that were taken away.
    row(
        "nouac",
        "the service account may not read userAccountControl of CN=No Control Readable,OU=People,\
         DC=corp,DC=example; grant it \"Read Account Restrictions\" there",
        UNREADABLE,
    ),
];
/// Without groups nobody is in sudoers either, so sudo asks for nothing.
const WITHOUT_GROUPS: &[Row] = &[row(
    "notokens",
    "the service account may not read tokenGroups of CN=No Tokens Readable,OU=People,DC=corp,\
         DC=example; grant it \"Read Token Groups\" (group \"Windows Authorization Access Group\") \
         there",
    UNREADABLE,
)];
const NOT_BY_SUDO: &[Way] = &[Way::Login, Way::Su, Way::SshKeyboard, Way::SshPassword];
/// Who of them is judged without a bind.
const WITHOUT_BIND: &[&str] = &["nouac", "notokens"];

fn every_sub_code(stage: &Stage<'_>) -> Check<String> {
    let host = stage.host()?;
    start(host)?;
    let configuration = Configuration {
        servers: Some("uri = [\"ldaps://dc1.corp.example:6636\"]"),
        address: Some("127.0.0.1".to_owned()),
        ca_file: Some(format!("{DIR}/ca.pem")),
        ..Configuration::default()
    };
    let compared = product::write_configuration(host, &stage.dc, &configuration)
        // What AD says is said by sudo too, once our own rules for it are out of the way.
        .and_then(|()| host.must("sed -i '/^.access.sudo/,$d' /etc/ldaps/ldaps.toml").map(drop))
        .and_then(|()| product::restart_until_it_answers(host))
        .and_then(|()| words::compare(host, ROWS, DOORS, words::refused, "auth refused"))
        .and_then(|seen| {
            let (rows, doors) = (WITHOUT_GROUPS, NOT_BY_SUDO);
            words::compare(host, rows, doors, words::refused, "auth refused").map(|_| seen)
        })
        .and_then(|seen| binds(host).map(|()| seen));
    host.sh("systemctl stop test-directory")?;
    compared
}

/// One for each row and door, where the directory has written it down; none of them empty.
fn binds(host: &Host<'_>) -> Check {
    let log = host.must(&format!("cat {DIR}/binds"))?;
    for Row { user, .. } in ROWS.iter().chain(WITHOUT_GROUPS) {
        let sent = log.lines().filter(|line| line.starts_with(&format!("{user} "))).count();
        let wanted = if WITHOUT_BIND.contains(user) { 0 } else { DOORS.len() };
        ensure(sent == wanted, || format!("{user} cost {sent} binds, not {wanted}"))?;
    }
    let empty = log.lines().filter(|line| line.starts_with("- 0 ")).count();
    ensure(empty == 0, || format!("{empty} binds had no password"))
}

/// Puts the test directory on the host and starts it there.
fn start(host: &Host<'_>) -> Check {
    host.must(&format!("install -d {DIR}"))?;
    host.copy_in(&built()?, "/usr/local/bin/test-directory")?;
    host.must(&format!(
        "systemd-run --unit test-directory /usr/local/bin/test-directory --dir {DIR} --port {PORT}"
    ))?;
    host.wait_for("the test directory", Duration::from_secs(20), |host| {
        Ok(host.sh("journalctl -u test-directory | grep 'ready: '")?.ok())
    })
}

/// The test directory's program, as the host sandbox uses it.
fn built() -> Check<std::path::PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--quiet", "--release", "--package", "test-directory"]).current_dir(&root);
    let output =
        cargo.output().map_err(|error| Failure::new(format!("cannot run cargo: {error}")))?;
    ensure(output.status.success(), || String::from_utf8_lossy(&output.stderr).into_owned())?;
    Ok(root.join("target/release/test-directory"))
}
