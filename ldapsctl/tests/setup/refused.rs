use crate::maker::{Request, p7b};
use crate::rig::Rig;
use test_directory::{Fault, SERVICE_PASSWORD};

/// One way of being refused.
struct Row {
    what: &'static str,
    prepare: fn(&Rig),
    /// Options instead of the usual ones; `ROOT` and `PORT` stand for the rig's.
    options: &'static [&'static str],
    code: i32,
    says: &'static [&'static str],
    /// How many binds were sent by then.
    binds: u64,
}

const ROWS: &[Row] = &[
    Row {
        what: "a wrong secret",
        prepare: |rig| drop(rig.write("secret", b"Another.Pass.1\n")),
        options: &[],
        code: 1,
        says: &["refuses svc-linux@corp.example", "data 52e", "Nothing was changed"],
        binds: 1,
    },
    Row {
        what: "a locked service account",
        prepare: |rig| rig.server.edit(|it| it.refuse_with("svc-linux", Some(0x775))).unwrap(),
        options: &[],
        code: 1,
        says: &["Unlock-ADAccount"],
        binds: 1,
    },
    Row {
        what: "an empty secret",
        prepare: |rig| drop(rig.write("secret", b"\n")),
        options: &[],
        code: 1,
        says: &["secret cannot be the service account's password", "empty"],
        binds: 0,
    },
    Row {
        what: "a second line below the secret, with which the daemon would not start",
        prepare: |rig| drop(rig.write("secret", b"Another.Pass.1\nof svc-linux\n")),
        options: &[],
        code: 1,
        says: &["secret cannot be the service account's password", "more than one line"],
        binds: 0,
    },
    Row {
        what: "a secret's file that is not there",
        prepare: |rig| std::fs::remove_file(rig.path("secret")).unwrap(),
        options: &[],
        code: 1,
        says: &["secret cannot be read"],
        binds: 0,
    },
    Row {
        what: "a certificate that is not trusted, and no CA",
        prepare: |_| {},
        options: &["--ca="],
        code: 1,
        says: &["CN=Corp Root CA has", "Add --ca FILE"],
        binds: 0,
    },
    Row {
        what: "a leaf in the place of the CA",
        prepare: |rig| drop(rig.write("ca.cer", &rig.own.der())),
        options: &[],
        code: 1,
        says: &["Not taken: \"dc1.corp.example\" is no CA", "holds no CA", "Nothing was changed"],
        binds: 0,
    },
    Row {
        what: "another CA than the one that is wanted",
        prepare: |rig| drop(rig.write("ca.cer", &Request::ca("Other CA").self_signed().pem())),
        options: &[],
        code: 1,
        says: &["is of \"Other CA\"", "issued by another: CN=Corp Root CA"],
        binds: 0,
    },
    Row {
        what: "a file that is no certificate",
        prepare: |rig| drop(rig.write("ca.cer", b"hello")),
        options: &[],
        code: 1,
        says: &["ca.cer", "Nothing was changed"],
        binds: 0,
    },
    Row {
        what: "a certificate for another name",
        prepare: |_| {},
        options: &[
            "--uri=ldaps://ldap-x.corp.example:PORT",
            "--address=ldap-x.corp.example=127.0.0.1",
            "--ca=ROOT/../both.p7b",
        ],
        code: 1,
        says: &[
            "another name (dc1.corp.example)",
            "--uri ldaps://dc1.corp.example:",
            "--address dc1.corp.example=127.0.0.1",
        ],
        binds: 0,
    },
    Row {
        what: "a group that is none",
        prepare: |_| {},
        options: &["--allow=@linux-usres"],
        code: 1,
        says: &["There is no group \"linux-usres\" in corp.example", "Nothing was changed"],
        binds: 1,
    },
    Row {
        what: "a user that is none",
        prepare: |_| {},
        options: &["--allow=linux-users"],
        code: 1,
        says: &["There is no user \"linux-users\" (a group has an @ before its name)"],
        binds: 1,
    },
    Row {
        what: "nobody who may log in",
        prepare: |_| {},
        options: &["--allow="],
        code: 1,
        says: &["Add --allow @linux-users"],
        binds: 1,
    },
    Row {
        what: "no service account",
        prepare: |_| {},
        options: &["--bind-dn="],
        code: 1,
        says: &["Add --bind-dn"],
        binds: 0,
    },
    Row {
        what: "neither domain nor server",
        prepare: |_| {},
        options: &["--uri=", "--address="],
        code: 1,
        says: &["Add --domain corp.example"],
        binds: 0,
    },
    Row {
        what: "a domain that DNS does not know",
        prepare: |_| {},
        options: &["--uri=", "--address=", "--domain=no-such-domain.invalid"],
        code: 3,
        says: &["DNS names no domain controller of no-such-domain.invalid", "Name one: --uri"],
        binds: 0,
    },
    Row {
        what: "a port where nobody listens",
        prepare: |_| {},
        options: &["--uri=ldaps://dc1.corp.example:1"],
        code: 3,
        says: &["dc1.corp.example:1", "cannot be reached", "Nothing was changed"],
        binds: 0,
    },
    Row {
        what: "a server that says nothing",
        prepare: |rig| rig.server.fault(Fault::SilenceBeforeTls),
        options: &[],
        code: 3,
        says: &["did not answer within", "Nothing was changed"],
        binds: 0,
    },
    Row {
        what: "a base that is not there",
        prepare: |_| {},
        options: &["--base=OU=Gone,DC=corp,DC=example"],
        code: 3,
        says: &["OU=Gone", "Nothing was changed"],
        binds: 1,
    },
    Row {
        what: "an address that no server has",
        prepare: |_| {},
        options: &["--address=dc1.corp.example=127.0.0.1", "--address=dc2.corp.example=127.0.0.2"],
        code: 1,
        says: &["\"dc2.corp.example\", which no URI names", "Nothing was changed"],
        binds: 1,
    },
    Row {
        what: "a configuration with a mistake",
        prepare: |rig| {
            drop(rig.write(
                "root/etc/ldaps/ldaps.toml",
                b"[directory]\nuri = \"ldaps://dc1.corp.example\"\nbidn_dn = \"x@y\"\n",
            ))
        },
        options: &[],
        code: 1,
        says: &["/etc/ldaps/ldaps.toml:3:1", "bidn_dn", "move it away"],
        binds: 0,
    },
    Row {
        what: "a configuration that is not TOML",
        prepare: |rig| drop(rig.write("root/etc/ldaps/ldaps.toml", b"[directory\n")),
        options: &[],
        code: 1,
        says: &["ldaps.toml is not TOML"],
        binds: 0,
    },
    Row {
        what: "nobody to ask, and no --yes",
        prepare: |_| {},
        options: &["--yes="],
        code: 1,
        says: &["This will be done:", "Add --yes to do it"],
        binds: 1,
    },
];

#[test]
fn a_refusal_is_not_told_or_something_was_changed_by_then() {
    let wrong: Vec<String> = ROWS.iter().filter_map(|row| played(row).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

fn played(row: &Row) -> Result<(), String> {
    let rig = Rig::new();
    rig.write("both.p7b", &p7b(&[&rig.own, &rig.ca]).to_der().unwrap());
    (row.prepare)(&rig);
    let before = rig.snapshot();
    let root = rig.root().display().to_string();
    let port = rig.server.port().to_string();
    let options: Vec<String> =
        row.options.iter().map(|it| it.replace("ROOT", &root).replace("PORT", &port)).collect();
    let ran = rig.with(&options.iter().map(String::as_str).collect::<Vec<_>>());
    let said = format!("{}{}", ran.out, ran.err);
    let wrong = |what: String| Err(format!("{}: {what}:\n{said}", row.what));
    if ran.code != row.code {
        return wrong(format!("it ended with {}", ran.code));
    }
    if let Some(word) = row.says.iter().find(|word| !said.contains(**word)) {
        return wrong(format!("it does not say {word:?}"));
    }
    if rig.snapshot() != before {
        return wrong("it changed something".to_owned());
    }
    match rig.server.total_binds() {
        binds if binds == row.binds => Ok(()),
        binds => wrong(format!("{binds} binds were sent")),
    }
}

#[test]
fn a_secret_stands_on_the_command_line_or_is_not_read_from_standard_input() {
    let rig = Rig::new();
    let mut words = rig.usual();
    words.retain(|word| !word.starts_with("--bind-secret-file"));
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ldapsctl"));
    command.arg("setup").arg("--root").arg(rig.root()).args(words);
    command.arg("--bind-secret-file=-").stdin(std::process::Stdio::piped());
    command.stdout(std::process::Stdio::null());
    let mut child = command.spawn().unwrap();
    let line = format!("{SERVICE_PASSWORD}\r\nand more\n");
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), line.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(rig.read("root/etc/ldaps/secret"), format!("{SERVICE_PASSWORD}\n"));
}
