use crate::host::SSHD_CONFIG;
use crate::{Row, each};

const FILE: &str = "etc/ssh/sshd_config";
const DROP_IN: &str = "etc/ssh/sshd_config.d/50-cloud.conf";

#[test]
fn an_sshd_that_does_not_ask_is_not_seen() {
    each(&[
        Row {
            what: "no PAM",
            break_it: |host| host.write(FILE, "UsePAM no\n"),
            found: &[("sshd", "no-pam")],
            remedy: "UsePAM yes",
            mend: |host| host.write(FILE, SSHD_CONFIG),
        },
        Row {
            what: "nothing said of PAM, whose default is no",
            break_it: |host| host.write(FILE, "#UsePAM yes\n"),
            found: &[("sshd", "no-pam")],
            remedy: "00-ldaps-login.conf",
            mend: |host| host.write(FILE, SSHD_CONFIG),
        },
        Row {
            what: "no PAM by a drop-in",
            break_it: |host| host.write(DROP_IN, "usepam no\n"),
            found: &[("sshd", "no-pam")],
            remedy: "00-ldaps-login.conf",
            mend: |host| host.write("etc/ssh/sshd_config.d/00-ldaps-login.conf", "UsePAM yes\n"),
        },
        Row {
            what: "no keyboard-interactive",
            break_it: |host| host.write(DROP_IN, "KbdInteractiveAuthentication no\n"),
            found: &[("sshd", "no-keyboard-interactive")],
            remedy: "KbdInteractiveAuthentication yes",
            mend: |host| host.write(DROP_IN, "KbdInteractiveAuthentication yes\n"),
        },
        Row {
            what: "no passwords at all",
            break_it: |host| {
                host.write(DROP_IN, "KbdInteractiveAuthentication no\nPasswordAuthentication no\n")
            },
            found: &[("sshd", "no-passwords")],
            remedy: "KbdInteractiveAuthentication yes",
            mend: |host| host.write(DROP_IN, "KbdInteractiveAuthentication yes\n"),
        },
    ]);
}
