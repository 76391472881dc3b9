use crate::host::Host;
use crate::{Row, each};
use test_directory::{GroupKind, SERVICE_PASSWORD};

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
        Row {
            what: "pwdLastSet withheld",
            break_it: |host| {
                host.server.edit(|directory| directory.withhold("alice", "pwdLastSet")).unwrap()
            },
            found: &[("service account", "unreadable")],
            remedy: "CORP\\svc-linux:RP;pwdLastSet;user",
            mend: |host| {
                host.server.edit(|directory| directory.grant("alice", "pwdLastSet")).unwrap()
            },
        },
        Row {
            what: "tokenGroups withheld",
            break_it: |host| {
                // Hers may not be read; she is the only one here.
                host.configure("", "", "[users]\ncondition = \"(sAMAccountName=notokens)\"")
            },
            found: &[("service account", "unreadable")],
            remedy: "svc-linux:RP;tokenGroups;user\"; or add the account to \"Windows Authorization Access Group\"",
            mend: |host| {
                host.server.edit(|directory| directory.grant("notokens", "tokenGroups")).unwrap()
            },
        },
        Row {
            what: "a password of its own that ends soon",
            break_it: |host| {
                // Without the flag by which it never ends.
                set(host, "userAccountControl", 512);
                set(host, "pwdLastSet", filetime_in_days(-40));
            },
            found: &[("service account", "password-ends")],
            remedy: "-PasswordNeverExpires",
            mend: |host| set(host, "pwdLastSet", filetime_in_days(-2)),
        },
        Row {
            what: "an account of its own that ends soon",
            break_it: |host| set(host, "accountExpires", filetime_in_days(5)),
            found: &[("service account", "account-ends")],
            remedy: "Clear-ADAccountExpiration",
            mend: |host| set(host, "accountExpires", i64::MAX),
        },
        Row {
            what: "a base in another domain, where a referral leads away",
            break_it: |host| host.configure("base = \"DC=other,DC=example\"", "", ""),
            found: &[("service account", "referral")],
            remedy: "is in another domain than these domain controllers' own. Leave it out",
            mend: |host| host.configure("", "", ""),
        },
        Row {
            what: "a member of Protected Users",
            break_it: |host| {
                host.server
                    .edit(|directory| {
                        directory.add_group("Protected Users", 525, GroupKind::Global)?;
                        directory.add_to_group(SERVICE, "Protected Users")
                    })
                    .unwrap()
            },
            found: &[("service account", "protected")],
            remedy: "Remove-ADGroupMember \"Protected Users\", svc-linux@corp.example",
            mend: |host| {
                host.server
                    .edit(|directory| directory.remove_from_group(SERVICE, "Protected Users"))
                    .unwrap()
            },
        },
        Row {
            what: "password settings that may not be read",
            // Any object does that shows no length: what is hidden is not there.
            break_it: |host| {
                host.server
                    .edit(|directory| {
                        let pso = directory.dn_of("bob")?;
                        directory.set_attribute("alice", "msDS-PSOApplied", &[&pso])
                    })
                    .unwrap()
            },
            found: &[("service account", "pso-unreadable")],
            remedy: "dsacls \"CN=Bob Baker,OU=People,DC=corp,DC=example\" /G \"CORP\\svc-linux:GR\"",
            mend: |host| {
                let set = |directory: &mut test_directory::Directory| {
                    directory.set_attribute("bob", "msDS-MinimumPasswordLength", &["12"])
                };
                host.server.edit(set).unwrap()
            },
        },
        Row {
            what: "a clock that is behind",
            break_it: |host| host.server.edit(|directory| directory.set_clock_ahead(400)),
            found: &[("clock", "off")],
            remedy: "timedatectl",
            mend: |host| host.server.edit(|directory| directory.set_clock_ahead(200)),
        },
        Row {
            what: "a clock that is days ahead",
            break_it: |host| host.server.edit(|directory| directory.set_clock_ahead(-400_000)),
            found: &[("clock", "off")],
            remedy: "set-ntp",
            mend: |host| host.server.edit(|directory| directory.set_clock_ahead(0)),
        },
    ]);
}

fn set(host: &Host, attribute: &str, value: i64) {
    let value = value.to_string();
    host.server.edit(|directory| directory.set_attribute(SERVICE, attribute, &[&value])).unwrap();
}

/// A moment as AD counts: tenths of a microsecond since 1601.
fn filetime_in_days(days: i64) -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    (i64::try_from(now.as_secs()).unwrap() + days * 86_400 + 11_644_473_600) * 10_000_000
}

#[test]
fn where_a_referral_leads_to_is_taken_for_a_fault_of_the_server() {
    let host = Host::new();
    host.configure("base = \"DC=other,DC=example\"", "", "");
    let findings = host.findings();
    let [one] = findings.as_slice() else { panic!("{findings:?}") };
    let words = "is on other servers, and referrals are never followed; correct `base`";
    assert!(one.what.contains(words), "{}", one.what);
}

#[test]
fn an_account_that_does_not_show_itself_is_taken_for_one_that_never_ends() {
    let host = Host::new();
    for name in ["sAMAccountName", "userPrincipalName"] {
        host.server.edit(|directory| directory.withhold(SERVICE, name)).unwrap();
    }
    let (_, out) = host.ran(&["--json"]);
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    let all = report["findings"].as_array().unwrap();
    let own = all.iter().find(|it| it["id"] == "own-expiry").expect("it is told");
    assert_eq!(own["severity"], "unseen");
    assert!(own["remedy"].as_str().unwrap().contains("let SELF read it"), "{own}");
}

#[test]
fn how_many_are_found_is_not_counted() {
    let host = Host::new();
    host.configure("base = \"DC=corp,DC=example\"", "", "");
    let (_, out) = host.ran(&[]);
    let line = out.lines().find(|line| line.contains("may bind")).unwrap();
    let words: Vec<&str> = line.split(' ').collect();
    let at = words.iter().position(|word| *word == "users").unwrap();
    // The 3,000 of all-staff are three pages.
    assert!(words[at - 1].parse::<u32>().unwrap() > 3000, "{line}");
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
