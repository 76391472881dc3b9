use crate::host::{COMMON_ACCOUNT, COMMON_AUTH, Host};
use crate::{Row, each};

fn auth(host: &Host, from: &str, to: &str) {
    assert!(COMMON_AUTH.contains(from), "{from}");
    host.write("etc/pam.d/common-auth", &COMMON_AUTH.replace(from, to));
}

fn account(host: &Host, from: &str, to: &str) {
    assert!(COMMON_ACCOUNT.contains(from), "{from}");
    host.write("etc/pam.d/common-account", &COMMON_ACCOUNT.replace(from, to));
}

fn again(host: &Host) {
    host.write("etc/pam.d/common-auth", COMMON_AUTH);
    host.write("etc/pam.d/common-account", COMMON_ACCOUNT);
    host.write("etc/pam.d/sudo", "@include common-auth\n@include common-account\n");
}

const OURS_IN_AUTH: &str = "auth\t[success=1 default=ignore]\tpam_ldaps.so use_first_pass\n";
const LOCAL_FIRST: &str = "account\t[success=1 default=ignore]\tpam_localuser.so\n";
const OURS_IN_ACCOUNT: &str = "account\t[success=ok new_authtok_reqd=ok ignore=ignore user_unknown=ignore default=bad]\tpam_ldaps.so\n";

#[test]
fn a_stack_that_locks_out_or_lets_in_is_not_seen() {
    each(&[
        Row {
            what: "not in auth, its line taken out and the jump forgotten",
            break_it: |host| auth(host, OURS_IN_AUTH, ""),
            // The jump over it lands on nothing, and pam_permit is passed over.
            found: &[("PAM", "not-asked"), ("PAM", "lock-out")],
            remedy: "pam-auth-update --enable ldaps",
            mend: again,
        },
        Row {
            what: "not in account",
            break_it: |host| account(host, OURS_IN_ACCOUNT, ""),
            // And the jump of the line before it has nowhere to land.
            found: &[("PAM", "not-asked"), ("PAM", "lock-out")],
            remedy: "pam-auth-update --enable ldaps",
            mend: again,
        },
        Row {
            what: "neither of the two lines in account",
            break_it: |host| account(host, &format!("{LOCAL_FIRST}{OURS_IN_ACCOUNT}"), ""),
            found: &[("PAM", "not-asked")],
            remedy: "pam-auth-update --enable ldaps",
            mend: again,
        },
        Row {
            what: "the jump over our line not counted",
            break_it: |host| {
                auth(
                    host,
                    "[success=2 default=ignore]\tpam_unix.so",
                    "[success=1 default=ignore]\tpam_unix.so",
                )
            },
            // A right password of root's jumps onto our line, which ignores it, and then onto pam_deny.
            found: &[("PAM", "lock-out")],
            remedy: "count its jumps",
            mend: again,
        },
        Row {
            what: "a jump too far",
            break_it: |host| {
                auth(
                    host,
                    "[success=2 default=ignore]\tpam_unix.so",
                    "[success=4 default=ignore]\tpam_unix.so",
                )
            },
            found: &[("PAM", "lock-out")],
            remedy: "count its jumps",
            mend: again,
        },
        Row {
            what: "our jump onto pam_deny",
            break_it: |host| {
                auth(
                    host,
                    "[success=1 default=ignore]\tpam_ldaps.so",
                    "[success=ok default=ignore]\tpam_ldaps.so",
                )
            },
            found: &[("PAM", "directory-refused")],
            remedy: "count its jumps",
            mend: again,
        },
        Row {
            what: "local users not before us in account",
            break_it: |host| account(host, LOCAL_FIRST, ""),
            // Well until the day on which the module cannot be loaded.
            found: &[("PAM", "lock-out")],
            remedy: "common-account",
            mend: again,
        },
        Row {
            what: "required in auth",
            break_it: |host| {
                auth(host, "[success=1 default=ignore]\tpam_ldaps.so", "required\tpam_ldaps.so")
            },
            found: &[("PAM", "directory-refused")],
            remedy: "pam-auth-update",
            mend: again,
        },
        Row {
            what: "required in auth, before all others",
            break_it: |host| {
                auth(host, "auth\t[success=2", "auth required pam_ldaps.so\nauth\t[success=2")
            },
            found: &[("PAM", "lock-out")],
            remedy: "pam-auth-update",
            mend: again,
        },
        Row {
            what: "pam_unix requisite before us",
            break_it: |host| {
                auth(
                    host,
                    "[success=2 default=ignore]\tpam_unix.so",
                    "[success=2 default=die]\tpam_unix.so",
                )
            },
            found: &[("PAM", "directory-refused")],
            remedy: "common-auth",
            mend: again,
        },
        Row {
            what: "behind pam_unix's jump in account",
            break_it: |host| {
                host.write("etc/pam.d/common-account", "account [success=2 new_authtok_reqd=done default=ignore] pam_unix.so\n\
                    account [success=1 default=ignore] pam_ldaps.so\naccount requisite pam_deny.so\naccount required pam_permit.so\n");
            },
            found: &[("PAM", "open")],
            remedy: "pam-auth-update",
            mend: again,
        },
        Row {
            what: "sufficient pam_unix before us in account",
            break_it: |host| {
                account(
                    host,
                    "[success=1 new_authtok_reqd=done default=ignore]\tpam_unix.so",
                    "sufficient pam_unix.so",
                )
            },
            found: &[("PAM", "open")],
            remedy: "pam-auth-update",
            mend: again,
        },
        Row {
            what: "unavailable ignored in account",
            break_it: |host| {
                account(
                    host,
                    "user_unknown=ignore default=bad",
                    "user_unknown=ignore authinfo_unavail=ignore default=bad",
                )
            },
            found: &[("PAM", "open")],
            remedy: "pam-auth-update",
            mend: again,
        },
        Row {
            what: "pam_permit in place of pam_deny",
            break_it: |host| {
                auth(host, "auth\trequisite\t\t\tpam_deny.so", "auth\trequisite\t\t\tpam_permit.so")
            },
            found: &[("PAM", "open")],
            remedy: "pam-auth-update",
            mend: again,
        },
        Row {
            what: "a line that libpam cannot read",
            break_it: |host| {
                let sudo = "auth required\n@include common-auth\n@include common-account\n";
                host.write("etc/pam.d/sudo", sudo);
            },
            found: &[("PAM", "line-broken"), ("PAM", "lock-out"), ("PAM", "directory-refused")],
            remedy: "sudo:1 (pam.d(5))",
            mend: again,
        },
        Row {
            what: "an include that is not there",
            break_it: |host| {
                host.write("etc/pam.d/sudo", "@include common-autn\n@include common-account\n")
            },
            found: &[("PAM", "stack-broken")],
            remedy: "put the file back",
            mend: again,
        },
        Row {
            what: "an include of itself",
            break_it: |host| {
                host.write("etc/pam.d/sudo", "auth include sudo\n@include common-account\n")
            },
            found: &[("PAM", "stack-broken")],
            remedy: "put the file back",
            mend: again,
        },
        Row {
            what: "pam_unix is not installed",
            break_it: |host| host.remove("usr/lib/x86_64-linux-gnu/security/pam_unix.so"),
            found: &[("PAM", "module-missing")],
            remedy: "--reinstall libpam-modules",
            mend: |host| host.write("usr/lib/x86_64-linux-gnu/security/pam_unix.so", ""),
        },
        Row {
            what: "pam_ldaps is not installed",
            break_it: |host| host.remove("usr/lib/x86_64-linux-gnu/security/pam_ldaps.so"),
            found: &[("PAM", "module-missing")],
            remedy: "--reinstall ldaps-login",
            mend: |host| host.write("usr/lib/x86_64-linux-gnu/security/pam_ldaps.so", ""),
        },
        Row {
            what: "pam_ldaps misspelt",
            break_it: |host| auth(host, "pam_ldaps.so", "pam_ldap.so"),
            found: &[("PAM", "module-missing")],
            remedy: "did you mean pam_ldaps.so? Correct /etc/pam.d/common-auth:",
            mend: again,
        },
        Row {
            what: "sshd has lines of its own",
            break_it: |host| {
                host.write(
                    "etc/pam.d/sshd",
                    "auth required pam_unix.so\n@include common-account\n",
                );
            },
            found: &[("PAM", "not-included")],
            remedy: "put \"@include common-auth\"",
            mend: |host| {
                host.write("etc/pam.d/sshd", "@include common-auth\n@include common-account\n");
            },
        },
        Row {
            what: "system users alone",
            break_it: |host| {
                auth(
                    host,
                    "auth\t[success=2",
                    "auth requisite pam_succeed_if.so uid < 1000 quiet\nauth\t[success=2",
                )
            },
            found: &[("PAM", "lock-out"), ("PAM", "directory-refused")],
            remedy: "common-auth:",
            mend: again,
        },
    ]);
}
