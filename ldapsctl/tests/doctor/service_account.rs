use crate::host::Host;
use crate::{Row, each};
use test_directory::SERVICE_PASSWORD;

const SERVICE: &str = "svc-linux";

fn refuse(host: &Host, code: Option<u32>) {
    host.server.edit(|directory| directory.refuse_with(SERVICE, code)).unwrap();
}

fn take_again(host: &Host) {
    refuse(host, None);
}

#[test]
fn what_ad_says_of_the_service_account_is_not_told() {
    each(&[
        Row {
            what: "a wrong password",
            break_it: |host| host.write("secret", "Another.Pass.1"),
            found: &[("service account", "wrong-password")],
            remedy: "data 52e for the service account",
            mend: |host| host.write("secret", SERVICE_PASSWORD),
        },
        Row {
            what: "a wrong name",
            break_it: |host| host.configure("bind_dn = \"svc-lunix@corp.example\"", "", ""),
            found: &[("service account", "wrong-password")],
            remedy: "there is no such name",
            mend: |host| host.configure("", "", ""),
        },
        Row {
            what: "disabled",
            break_it: |host| host.server.edit(|directory| directory.disable(SERVICE)).unwrap(),
            found: &[("service account", "disabled")],
            remedy: "Enable-ADAccount",
            mend: |host| host.server.edit(|directory| directory.enable(SERVICE)).unwrap(),
        },
        Row {
            what: "locked",
            break_it: |host| refuse(host, Some(0x775)),
            found: &[("service account", "locked")],
            remedy: "Unlock-ADAccount",
            mend: take_again,
        },
        Row {
            what: "an expired password",
            break_it: |host| refuse(host, Some(0x532)),
            found: &[("service account", "password-expired")],
            remedy: "-PasswordNeverExpires",
            mend: take_again,
        },
        Row {
            what: "a password to be changed",
            break_it: |host| refuse(host, Some(0x773)),
            found: &[("service account", "password-expired")],
            remedy: "a new password",
            mend: take_again,
        },
        Row {
            what: "an expired account",
            break_it: |host| refuse(host, Some(0x701)),
            found: &[("service account", "account-expired")],
            remedy: "Clear-ADAccountExpiration",
            mend: take_again,
        },
        Row {
            what: "an empty secret",
            break_it: |host| host.write("secret", "\n"),
            found: &[("service account", "secret")],
            remedy: "write it there, and nothing else",
            mend: |host| host.write("secret", SERVICE_PASSWORD),
        },
        Row {
            what: "a base that is not there",
            break_it: |host| host.configure("base = \"OU=Gone,DC=corp,DC=example\"", "", ""),
            found: &[("service account", "search")],
            remedy: "Leave it out",
            mend: |host| host.configure("", "", ""),
        },
        Row {
            what: "a filter that finds nobody",
            break_it: |host| {
                host.configure("", "", "[users]\ncondition = \"(department=Nowhere)\"")
            },
            found: &[("service account", "no-users")],
            remedy: "`condition` under [users]",
            mend: |host| host.configure("", "", ""),
        },
        Row {
            what: "userAccountControl withheld",
            break_it: |host| {
                host.server
                    .edit(|directory| directory.withhold("alice", "userAccountControl"))
                    .unwrap()
            },
            found: &[("service account", "unreadable")],
            remedy: "svc-linux:RP;userAccountControl;user",
            mend: |host| {
                host.server
                    .edit(|directory| directory.grant("alice", "userAccountControl"))
                    .unwrap()
            },
        },
    ]);
}

#[test]
fn a_password_is_sent_twice_or_to_a_server_that_is_not_trusted() {
    let host = Host::new();
    host.findings();
    assert_eq!(host.server.total_binds(), 1);
    host.trust(&[&crate::maker::Request::ca("Other CA").self_signed()]);
    host.findings();
    assert_eq!(host.server.total_binds(), 1);
}
