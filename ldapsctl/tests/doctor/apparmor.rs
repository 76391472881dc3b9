use crate::host::Host;
use crate::{Row, each};

const SNIPPET: &str = "  @{run}/ldapsd/nss.sock rw,\n";

/// A host with AppArmor, all of it in order.
fn confined(host: &Host) {
    host.write("sys/module/apparmor/parameters/enabled", "Y\n");
    for name in ["nameservice", "authentication"] {
        let include = format!("  include if exists <abstractions/{name}.d>\n");
        host.write(&format!("etc/apparmor.d/abstractions/{name}"), &include);
        host.write(&format!("etc/apparmor.d/abstractions/{name}.d/ldaps-login"), SNIPPET);
    }
}

#[test]
fn a_confined_program_that_cannot_ask_is_not_seen() {
    each(&[
        Row {
            what: "a snippet gone",
            break_it: |host| {
                confined(host);
                host.remove("etc/apparmor.d/abstractions/nameservice.d/ldaps-login");
            },
            found: &[("AppArmor", "snippet-missing")],
            remedy: "--force-confmiss",
            mend: confined,
        },
        Row {
            what: "a snippet emptied",
            break_it: |host| {
                confined(host);
                host.write("etc/apparmor.d/abstractions/authentication.d/ldaps-login", "# no\n");
            },
            found: &[("AppArmor", "snippet-missing")],
            remedy: "reload apparmor",
            mend: confined,
        },
        Row {
            what: "snippets that nothing reads",
            break_it: |host| {
                confined(host);
                host.write("etc/apparmor.d/abstractions/nameservice", "  /etc/passwd r,\n");
            },
            found: &[("AppArmor", "snippet-unread")],
            remedy: "include if exists <abstractions/nameservice.d>",
            mend: confined,
        },
    ]);
}
