use crate::maker::{Request, pfx};
use crate::rig::{DC, Rig};
use std::os::unix::fs::PermissionsExt;

#[test]
fn what_is_written_has_another_mode_or_lacks_something() {
    let rig = Rig::new();
    let ran = rig.set_up(&["--offline-days=14"]);
    for word in ["Corp Root CA", &rig.ca.sha256(), "@linux-users may log in: ", " people"] {
        assert!(ran.out.contains(word), "{word:?} in\n{}", ran.out);
    }
    let mode = |name: &str| {
        let metadata = std::fs::metadata(rig.path(name)).unwrap();
        metadata.permissions().mode() & 0o7777
    };
    assert_eq!(mode("root/etc/ldaps/secret"), 0o640);
    assert_eq!(mode("root/etc/ldaps/ldaps.toml"), 0o644);
    assert_eq!(mode("root/var/lib/ldaps/setup"), 0o700);
    assert_eq!(mode("root/var/lib/ldaps/setup/manifest.json"), 0o600);
    let toml = rig.toml();
    for line in [
        format!("uri = [\"ldaps://{DC}:{}\"]", rig.server.port()),
        "bind_dn = \"svc-linux@corp.example\"".to_owned(),
        format!("\"{DC}\" = \"127.0.0.1\""),
        "allow = [\"@linux-users\"]".to_owned(),
        "offline_days = 14".to_owned(),
    ] {
        assert!(toml.lines().any(|it| it == line), "{line} in\n{toml}");
    }
    assert_eq!(
        rig.read("root/etc/nsswitch.conf"),
        "passwd: files ldaps # x\ngroup: files ldaps\nshadow: files\n"
    );
    let bundle = rig.read("root/etc/ssl/certs/ca-certificates.crt");
    assert!(bundle.contains(std::str::from_utf8(&rig.ca.pem()).unwrap()));
}

#[test]
fn a_second_run_changes_something_or_asks_for_what_it_knows() {
    let rig = Rig::new();
    rig.set_up(&[]);
    let before = rig.snapshot();
    // Everything but whether to do it is known now.
    for ran in [rig.with(&[]), rig.ran(&["--yes"]), rig.ran::<&str>(&[])] {
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        assert!(ran.out.contains("Nothing is left to do"), "{}", ran.out);
    }
    assert_eq!(rig.snapshot(), before);
}

#[test]
fn only_showing_it_changes_something() {
    let rig = Rig::new();
    let before = rig.snapshot();
    let ran = rig.set_up(&["--yes=", "--dry-run"]);
    assert!(ran.out.contains("+ allow = [\"@linux-users\"]"), "{}", ran.out);
    assert_eq!(rig.snapshot(), before);
}

#[test]
fn people_are_counted_twice_or_left_out() {
    let rig = Rig::new();
    let count = |allow: &[&str]| {
        let options = [&["--yes=", "--dry-run"], allow].concat();
        let out = rig.set_up(&options).out;
        let (_, count) = out.split_once(" may log in: ").unwrap();
        count.lines().next().unwrap().to_owned()
    };
    // frank is in it by primaryGroupID, which `member` does not show.
    assert_eq!(count(&["--allow=@primary-team"]), "1 person");
    assert_eq!(count(&["--allow=alice", "--allow=@linux-admins"]), "2 people");
    let users = count(&["--allow=@linux-users"]);
    assert_eq!(count(&["--allow=alice", "--allow=@linux-users"]), users);
    let empty = rig.set_up(&["--yes=", "--dry-run", "--allow=@empty"]).out;
    assert!(empty.contains("@empty: nobody is in it"), "{empty}");
}

#[test]
fn what_changes_is_more_than_what_was_asked() {
    let rig = Rig::new();
    rig.set_up(&[]);
    let mut toml = rig.toml();
    toml += "\n[users]\nshell = \"/bin/sh\" # mine\n";
    rig.write("root/etc/ldaps/ldaps.toml", toml.as_bytes());
    let before = rig.snapshot();
    let ran = rig.ran(&["--yes", "--allow=alice", "--allow=@linux-admins"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let changed = rig.toml();
    assert_eq!(changed, toml.replace("[\"@linux-users\"]", "[\"alice\", \"@linux-admins\"]"));
    let same = |it: &(&std::path::PathBuf, &String)| {
        !it.0.ends_with("ldaps.toml") && !it.0.to_str().unwrap().contains("/ldaps/setup")
    };
    let after = rig.snapshot();
    assert!(before.iter().filter(same).eq(after.iter().filter(same)));
}

#[test]
fn an_ldap_conf_that_says_it_all_is_not_respected() {
    let rig = Rig::new();
    let ca = rig.write("corp-ca.pem", &rig.ca.pem());
    // There is no address in it: the name is this machine's own.
    let own = Request::server("localhost").signed_by(&rig.ca);
    let identity = test_directory::Identity::new(own.x509.clone(), own.key.clone(), Vec::new());
    rig.server.present(&identity).unwrap();
    let conf = format!(
        "URI ldaps://localhost:{}\nBASE OU=People,DC=corp,DC=example\nTLS_CACERT {}\nSASL_NOCANON on\n",
        rig.server.port(),
        ca.display()
    );
    rig.write("root/etc/ldap/ldap.conf", conf.as_bytes());
    let ran = rig.set_up(&["--uri=", "--address=", "--ca=", "--allow=alice"]);
    assert!(ran.out.contains("from OU=People,DC=corp,DC=example"), "{}", ran.out);
    let toml = rig.toml();
    for key in ["uri =", "domain =", "base =", "ca ="] {
        assert!(!toml.lines().any(|line| line.starts_with(key)), "{key} in\n{toml}");
    }
    assert_eq!(rig.read("root/etc/ldap/ldap.conf"), conf);
}

#[test]
fn a_ca_of_ldapsds_own_is_trusted_by_the_whole_host() {
    let rig = Rig::new();
    let bundle = rig.read("root/etc/ssl/certs/ca-certificates.crt");
    rig.set_up(&["--ca-private"]);
    let file = rig.path("root/etc/ldaps/ca.pem");
    assert_eq!(std::fs::read(&file).unwrap(), rig.ca.pem());
    assert!(rig.toml().contains(&format!("ca = {:?}", file.display().to_string())));
    assert_eq!(rig.read("root/etc/ssl/certs/ca-certificates.crt"), bundle);
    let before = rig.snapshot();
    assert!(rig.set_up(&["--ca-private"]).out.contains("Nothing is left to do"));
    assert_eq!(rig.snapshot(), before);
}

#[test]
fn a_pfx_is_not_opened_or_its_leaf_is_trusted() {
    let rig = Rig::new();
    let server = Request::server("elsewhere.corp.example").signed_by(&rig.ca);
    let file = rig.write("ca.pfx", &pfx(&server, &[&rig.ca], "Export.Pass.1", None));
    let ca = format!("--ca={}", file.display());
    let refused = rig.with(&[&ca]);
    assert_eq!(refused.code, 1, "{}", refused.out);
    assert!(refused.err.contains("password is needed"), "{}", refused.err);
    let password = rig.write("password", b"Export.Pass.1\n");
    let ran = rig.set_up(&[&ca, &format!("--ca-password-file={}", password.display())]);
    assert!(ran.out.contains("Not taken: \"elsewhere.corp.example\""), "{}", ran.out);
    let taken = std::fs::read_dir(rig.path("root/usr/local/share/ca-certificates")).unwrap();
    assert_eq!(taken.count(), 1);
}
