use crate::host::Host;
use crate::{Row, each};

/// The rules of [access] and its sections.
fn rules(host: &Host, rules: &str) {
    host.configure("", "", rules);
}

fn again(host: &Host) {
    host.configure("", "", "");
}

#[test]
fn a_name_that_the_directory_does_not_have_is_not_named() {
    each(&[
        Row {
            what: "the only group misspelt",
            break_it: |host| rules(host, "allow = [\"@linux-usres\"]"),
            found: &[("access", "nobody-allowed")],
            remedy: "there is \"@linux-users\" (ldapsctl group linux-users)",
            mend: again,
        },
        Row {
            what: "one group of two misspelt",
            break_it: |host| rules(host, "allow = [\"@linux-users\", \"@linux-admin\"]"),
            found: &[("access", "unknown-name")],
            remedy: "in [access] allow",
            mend: again,
        },
        Row {
            what: "a user and a group whom nobody is like",
            break_it: |host| rules(host, "allow = [\"zebedee\", \"@zoo\"]"),
            found: &[("access", "nobody-allowed")],
            remedy: "ldapsctl user NAME",
            mend: again,
        },
        Row {
            what: "a user misspelt",
            break_it: |host| rules(host, "allow = [\"@linux-users\", \"alcie\"]"),
            found: &[("access", "unknown-name")],
            remedy: "there is \"alice\" (ldapsctl user alice)",
            mend: |host| rules(host, "allow = [\"@linux-users\", \"alice\"]"),
        },
        Row {
            what: "a group without its sign",
            break_it: |host| rules(host, "allow = [\"linux-users\"]"),
            found: &[("access", "nobody-allowed")],
            remedy: "there is \"@linux-users\"",
            mend: again,
        },
        Row {
            what: "whom nobody is kept out by",
            break_it: |host| rules(host, "deny = [\"@laevers\"]"),
            found: &[("access", "unknown-name")],
            remedy: "[access] deny",
            mend: again,
        },
        Row {
            what: "the only group of a service",
            break_it: |host| {
                rules(host, "[access.sudo]\nallow = [\"@linux-admns\"]\ndeny = [\"bbo\"]")
            },
            found: &[("access", "nobody-allowed"), ("access", "unknown-name")],
            remedy: "in [access.sudo] allow",
            mend: |host| rules(host, "[access.sudo]\nallow = [\"*\"]\ndeny = [\"bob\"]"),
        },
        Row {
            what: "a group outside of where groups are looked for",
            break_it: |host| {
                let rule = "allow = [\"@domain users\", \"@linux-users\"]";
                rules(host, rule);
            },
            found: &[("access", "unknown-name")],
            remedy: "as ldapsctl group NAME would show it",
            mend: again,
        },
    ]);
}

#[test]
fn the_section_and_the_name_are_not_told_or_a_service_takes_the_others_fault() {
    let host = Host::new();
    rules(&host, "allow = [\"*\"]\n[access.sudo]\nallow = [\"@nope\"]\n[access.su]\nallow = []");
    let findings = host.findings();
    let [one] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!(one.severity, "fault");
    assert!(one.what.contains("[access.sudo] allow: there is no group \"nope\""), "{}", one.what);
    assert!(one.why.contains("log in by sudo"), "{}", one.why);
    rules(&host, "allow = [\"*\", \"@nope\"]");
    assert_eq!(host.findings()[0].severity, "warning");
}
