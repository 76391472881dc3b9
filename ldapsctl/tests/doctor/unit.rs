use crate::host::Host;
use crate::{Row, each};
use std::os::unix::fs::symlink;

const SHIPPED: &str = "usr/lib/systemd/system/ldapsd.service";
const DROP_IN: &str = "etc/systemd/system/ldapsd.service.d/override.conf";
const WANTED: &str = "etc/systemd/system/multi-user.target.wants/ldapsd.service";
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
