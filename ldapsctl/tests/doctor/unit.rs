use crate::host::Host;
use crate::{Row, each};
use std::os::unix::fs::symlink;

const SHIPPED: &str = "usr/lib/systemd/system/ldapsd.service";
const DROP_IN: &str = "etc/systemd/system/ldapsd.service.d/override.conf";
const WANTED: &str = "etc/systemd/system/multi-user.target.wants/ldapsd.service";
const RUNTIME: &str = "run/systemd/system/ldapsd.service.d/x.conf";
const OWN: &str = "etc/systemd/system/ldapsd.service";

fn enabled(host: &Host) {
    host.write(SHIPPED, include_str!("../../../packaging/ldapsd.service"));
    host.write(WANTED, "");
}

#[test]
fn a_unit_that_is_not_as_it_was_shipped_is_not_seen() {
    each(&[
        Row {
            what: "not enabled",
            break_it: |host| host.write(SHIPPED, ""),
            found: &[("systemd", "not-enabled")],
            remedy: "systemctl enable ldapsd",
            mend: enabled,
        },
        Row {
            what: "masked",
            break_it: |host| {
                enabled(host);
                symlink("/dev/null", host.path(OWN)).unwrap();
            },
            found: &[("systemd", "masked")],
            remedy: "systemctl unmask ldapsd",
            mend: |host| host.remove(OWN),
        },
        Row {
            what: "run as root by a drop-in",
            break_it: |host| {
                enabled(host);
                host.write(DROP_IN, "[Service]\nUser = root\n");
            },
            found: &[("systemd", "loosened")],
            remedy: "sudo systemctl daemon-reload; sudo systemctl restart ldapsd",
            mend: |host| host.write(DROP_IN, "[Service]\nNice=5\n"),
        },
        Row {
            what: "masked until the next boot",
            break_it: |host| {
                enabled(host);
                std::fs::create_dir_all(host.path("run/systemd/system")).unwrap();
                symlink("/dev/null", host.path("run/systemd/system/ldapsd.service")).unwrap();
            },
            found: &[("systemd", "masked")],
            remedy: "unmask --runtime ldapsd",
            mend: |host| host.remove("run/systemd/system/ldapsd.service"),
        },
        Row {
            what: "system calls given by a drop-in that is gone at the next boot",
            break_it: |host| {
                enabled(host);
                host.write(RUNTIME, "[Service]\nSystemCallFilter=@privileged\nPrivateTmp=no\n");
            },
            found: &[("systemd", "loosened")],
            remedy: "run/systemd/system/ldapsd.service.d/x.conf, and take that line out",
            mend: |host| {
                host.write(RUNTIME, "[Service]\nSystemCallFilter=~@mount\nPrivateTmp=on\n")
            },
        },
        Row {
            what: "a unit of its own without a sandbox",
            break_it: |host| {
                enabled(host);
                host.write(OWN, "[Service]\nExecStart=/usr/sbin/ldapsd\n");
            },
            found: &[("systemd", "loosened")],
            remedy: "sudo systemctl edit ldapsd",
            mend: |host| host.write(OWN, include_str!("../../../packaging/ldapsd.service")),
        },
        Row {
            what: "a capability given in a unit of its own",
            break_it: |host| {
                enabled(host);
                host.write(OWN, "[Service]\nCapabilityBoundingSet=CAP_SYS_ADMIN\n");
            },
            found: &[("systemd", "loosened")],
            remedy: "take that line out",
            mend: |host| host.remove(OWN),
        },
    ]);
}
