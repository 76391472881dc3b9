use crate::host::{Host, MKHOMEDIR, NSSWITCH};
use crate::{Row, each};

fn with(host: &Host, from: &str, to: &str) {
    assert!(NSSWITCH.contains(from));
    host.write("etc/nsswitch.conf", &NSSWITCH.replace(from, to));
}

fn again(host: &Host) {
    host.write("etc/nsswitch.conf", NSSWITCH);
}

#[test]
fn why_glibc_does_not_ask_is_not_named() {
    each(&[
        Row {
            what: "not on the passwd line",
            break_it: |host| {
                with(host, "passwd:         files systemd ldaps", "passwd: files systemd")
            },
            found: &[("NSS", "not-asked")],
            remedy: "sed -i -E '/^passwd:/s/[[:space:]]*(#|$)/ ldaps \\1/'",
            mend: again,
        },
        Row {
            what: "not on the group line",
            break_it: |host| {
                with(host, "group:          files systemd ldaps", "group: files systemd # ldaps")
            },
            found: &[("NSS", "not-asked")],
            remedy: "/^group:/",
            mend: again,
        },
        Row {
            what: "no group line",
            break_it: |host| with(host, "group:          files systemd ldaps\n", ""),
            found: &[("NSS", "not-asked")],
            remedy: "echo 'group: files ldaps' | sudo tee -a ",
            mend: again,
        },
        Row {
            what: "an end before us",
            break_it: |host| {
                with(
                    host,
                    "passwd:         files systemd ldaps",
                    "passwd: files [NOTFOUND=return] ldaps",
                )
            },
            found: &[("NSS", "stopped-before")],
            remedy: "take [NOTFOUND=return] out",
            mend: again,
        },
        Row {
            what: "an end before us, written otherwise",
            break_it: |host| {
                with(
                    host,
                    "group:          files systemd ldaps",
                    "group: files systemd [ !UNAVAIL=return ] ldaps",
                )
            },
            found: &[("NSS", "stopped-before")],
            remedy: "take [ !UNAVAIL=return ] out",
            mend: again,
        },
        Row {
            what: "we are first",
            break_it: |host| {
                with(host, "passwd:         files systemd ldaps", "passwd: ldaps files")
            },
            found: &[("NSS", "not-local-first")],
            remedy: "passwd: files ... ldaps",
            mend: again,
        },
        Row {
            what: "sssd is first",
            break_it: |host| {
                with(host, "passwd:         files systemd ldaps", "passwd: files sss ldaps")
            },
            found: &[("NSS", "another-directory")],
            remedy: "take sss out",
            mend: again,
        },
        Row {
            what: "an initgroups line without us",
            break_it: |host| with(host, "shadow: files", "shadow: files\ninitgroups: files"),
            found: &[("NSS", "initgroups")],
            remedy: "take that line out",
            mend: again,
        },
        Row {
            what: "no module",
            break_it: |host| host.remove("usr/lib/x86_64-linux-gnu/libnss_ldaps.so.2"),
            found: &[("NSS", "module-missing")],
            remedy: "--reinstall ldaps-login",
            mend: |host| host.write("usr/lib/x86_64-linux-gnu/libnss_ldaps.so.2", ""),
        },
        Row {
            what: "nscd",
            break_it: |host| host.write("run/nscd/socket", ""),
            found: &[("NSS", "nscd")],
            remedy: "enable-cache passwd no",
            mend: |host| {
                host.write("etc/nscd.conf", "enable-cache passwd no\nenable-cache  group  no\n")
            },
        },
        Row {
            what: "no home directories",
            break_it: |host| {
                host.write("etc/pam.d/common-session", "#session optional pam_mkhomedir.so\n")
            },
            found: &[("home directories", "not-made")],
            remedy: "pam-auth-update --enable mkhomedir",
            mend: |host| host.write("etc/pam.d/common-session", MKHOMEDIR),
        },
    ]);
}
