use crate::host::{DC, Host, NSSWITCH};
use crate::maker::Request;
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// What `--fix` mends, and how one sees it besides by looking again.
struct Mended {
    what: &'static str,
    break_it: fn(&Host),
    /// What is shown before it is done.
    shown: &'static str,
    /// What it has come to.
    holds: fn(&Host) -> bool,
}

fn mode(host: &Host, name: &str) -> u32 {
    fs::metadata(host.path(name)).unwrap().permissions().mode() & 0o7777
}

fn copies(host: &Host, dir: &str) -> usize {
    let names = fs::read_dir(host.path(dir)).unwrap().flatten().map(|entry| entry.file_name());
    names.filter(|name| name.to_string_lossy().contains(".before-")).count()
}

const ROWS: &[Mended] = &[
    Mended {
        what: "a secret that all may read",
        break_it: |host| host.mode("secret", 0o644),
        shown: "chmod 0640",
        holds: |host| mode(host, "secret") == 0o640,
    },
    Mended {
        what: "a configuration that others may change",
        break_it: |host| host.mode("ldaps.toml", 0o666),
        shown: "chmod 0644",
        holds: |host| mode(host, "ldaps.toml") == 0o644,
    },
    Mended {
        what: "a directory in which anybody may replace the configuration",
        break_it: |host| host.mode("", 0o2777),
        shown: "chmod go-w",
        holds: |host| mode(host, "") == 0o2755,
    },
    Mended {
        what: "a configuration that root alone reads",
        break_it: |host| {
            daemon_is_somebody(host);
            host.mode("ldaps.toml", 0o600);
        },
        shown: "chmod 0644",
        holds: |host| mode(host, "ldaps.toml") == 0o644,
    },
    Mended {
        what: "a directory of the configuration that root alone enters",
        break_it: |host| {
            daemon_is_somebody(host);
            host.mode("", 0o700);
        },
        shown: "chmod 0755",
        holds: |host| mode(host, "") == 0o755,
    },
    Mended {
        what: "a secret that root alone reads",
        break_it: |host| {
            daemon_is_somebody(host);
            host.mode("secret", 0o600);
        },
        shown: "chmod 0640",
        holds: |host| mode(host, "secret") == 0o640,
    },
    Mended {
        what: "not on the lines of nsswitch.conf",
        break_it: |host| host.write("etc/nsswitch.conf", &NSSWITCH.replace(" ldaps", "")),
        shown: "put ldaps on the line group:",
        holds: |host| {
            fs::read_to_string(host.path("etc/nsswitch.conf")).unwrap() == NSSWITCH
                && copies(host, "etc") > 0
        },
    },
    Mended {
        what: "a CA pasted into the bundle",
        break_it: |host| {
            for dir in ["usr/share/ca-certificates", "etc/ca-certificates/update.d"] {
                fs::create_dir_all(host.path(dir)).unwrap();
            }
            host.write("etc/ca-certificates.conf", "");
            let ca = String::from_utf8(Request::ca("Pasted CA").self_signed().pem()).unwrap();
            host.write("etc/ssl/certs/ca-certificates.crt", &ca);
        },
        shown: "/usr/local/share/ca-certificates",
        holds: |host| {
            let mut files = fs::read_dir(host.path("usr/local/share/ca-certificates")).unwrap();
            files.any(|it| it.unwrap().file_name().to_string_lossy().starts_with("pasted-ca-"))
                && copies(host, "etc/ssl/certs") == 1
        },
    },
];

/// The host has the daemon's user, whose group is that of root: what is for the daemon's group is whoever's
/// who runs the tests.
fn daemon_is_somebody(host: &Host) {
    host.write("etc/passwd", "ldapsd:x:64998:0::/:/usr/sbin/nologin\n");
    host.write("etc/group", "ldapsd:x:0:\n");
    host.mode("", 0o755);
    host.mode("secret", 0o640);
}

#[test]
fn what_the_tool_mends_itself_is_not_mended_or_not_shown_or_mended_again() {
    for Mended { what, break_it, shown, holds } in ROWS {
        let host = Host::new();
        break_it(&host);
        assert!(!host.found().is_empty(), "{what}: it is not broken");
        let before = host.found();
        let (_, out) = host.ran(&["--fix"]);
        assert!(out.contains(shown) && out.contains("Nothing was changed"), "{what}:\n{out}");
        assert_eq!(host.found(), before, "{what}: changed without being asked");
        let (_, out) = host.ran(&["--fix", "--yes"]);
        assert!(out.contains(shown), "{what}:\n{out}");
        assert!(holds(&host), "{what}:\n{out}");
        assert!(host.found().is_empty(), "{what}: {:?}\n{out}", host.found());
        let (_, out) = host.ran(&["--fix", "--yes"]);
        assert!(!out.contains(shown), "{what}: done again:\n{out}");
    }
}

#[test]
fn a_masked_unit_is_to_be_enabled_first() {
    let host = Host::new();
    fs::create_dir_all(host.path("etc/systemd/system")).unwrap();
    let unit = host.path("etc/systemd/system/ldapsd.service");
    std::os::unix::fs::symlink("/dev/null", unit).unwrap();
    let (_, out) = host.ran(&[]);
    assert!(out.contains("Mend this first: systemd: ldapsd.service is masked"), "{out}");
}

#[test]
fn a_host_that_is_closed_for_all_is_not_seen() {
    let host = Host::new();
    host.write("etc/nologin", "back at noon\n");
    let (_, out) = host.ran(&["--user", "alice"]);
    assert!(out.contains("/etc/nologin is there"), "{out}");
}

#[test]
fn what_is_not_the_tools_to_mend_is_changed() {
    let host = Host::new();
    host.present(&Request::server(DC).self_signed(), &[]);
    host.write("etc/ssh/sshd_config", "UsePAM no\n");
    host.write("etc/pam.d/common-auth", "auth required pam_deny.so\n");
    let before = host.found();
    host.ran(&["--fix", "--yes"]);
    assert_eq!(host.found(), before);
    assert_eq!(
        fs::read_to_string(host.path("etc/pam.d/common-auth")).unwrap(),
        "auth required pam_deny.so\n"
    );
}
