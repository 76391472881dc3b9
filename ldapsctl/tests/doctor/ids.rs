use crate::{Row, each};

#[test]
fn an_id_that_two_have_is_not_seen() {
    each(&[
        Row {
            what: "a local user with an id of the domain's",
            break_it: |host| {
                host.write("etc/passwd", "root:x:0:0::/:/bin/sh\nold:x:1842601107:100::/:/bin/sh\n")
            },
            found: &[("ids", "taken")],
            remedy: "sudo usermod -u ID old",
            mend: |host| {
                host.write("etc/passwd", "root:x:0:0::/:/bin/sh\nold:x:1107:100::/:/bin/sh\n")
            },
        },
        Row {
            what: "a local group with the domain's last id",
            break_it: |host| host.write("etc/group", "root:x:0:\nold:x:1842799999:\n"),
            found: &[("ids", "taken")],
            remedy: "sudo groupmod -g ID old",
            mend: |host| host.write("etc/group", "root:x:0:\nold:x:1842800000:\n"),
        },
        Row {
            what: "a range for containers that ends in the domain's",
            break_it: |host| host.write("etc/subuid", "bob:1842534465:65536\n"),
            found: &[("ids", "containers")],
            remedy: "usermod --del-subuids 1842534465-1842600000",
            mend: |host| host.write("etc/subuid", "bob:1842534464:65536\n"),
        },
        Row {
            what: "a range of groups around the domain's",
            break_it: |host| host.write("etc/subgid", "bob:100000:4000000000\n"),
            found: &[("ids", "containers")],
            remedy: "--add-subgids",
            mend: |host| host.write("etc/subgid", "bob:100000:65536\n"),
        },
        Row {
            what: "useradd that goes up to everything",
            break_it: |host| host.write("etc/login.defs", "UID_MIN 1000\nUID_MAX\t2000000000\n"),
            found: &[("ids", "given-twice")],
            remedy: "sudo sed -i -E 's/^(UID_MAX)[[:space:]].*/\\1 60000/' /etc/login.defs",
            mend: |host| host.write("etc/login.defs", "UID_MIN 1000\nUID_MAX\t60000\n"),
        },
    ]);
}
