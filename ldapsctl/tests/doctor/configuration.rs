use crate::{Row, each};
use test_directory::SERVICE_PASSWORD;

const ERROR: (&str, &str) = ("configuration", "configuration-error");

#[test]
fn a_mistake_in_the_configuration_is_not_named() {
    each(&[
        Row {
            what: "no configuration",
            break_it: |host| host.remove("ldaps.toml"),
            found: &[("configuration", "unconfigured")],
            remedy: "examples/ldaps.toml",
            mend: |host| host.configure("", "", ""),
        },
        Row {
            what: "no TOML",
            break_it: |host| host.configure("base = DC=corp", "", ""),
            found: &[ERROR],
            remedy: "",
            mend: |host| host.configure("", "", ""),
        },
        Row {
            what: "a key that is none",
            break_it: |host| host.configure("", "", "[users]\nhom = \"/home/%u\""),
            found: &[ERROR],
            remedy: "home",
            mend: |host| host.configure("", "", ""),
        },
        Row {
            what: "a secret that all may read",
            break_it: |host| host.mode("secret", 0o644),
            found: &[ERROR],
            remedy: "chmod 0640",
            mend: |host| host.mode("secret", 0o640),
        },
        Row {
            what: "no secret",
            break_it: |host| host.remove("secret"),
            found: &[ERROR],
            remedy: "write the service account's password into it",
            mend: |host| host.write("secret", SERVICE_PASSWORD),
        },
        Row {
            what: "a configuration that others may change",
            break_it: |host| host.mode("ldaps.toml", 0o666),
            found: &[ERROR],
            remedy: "chmod go-w",
            mend: |host| host.mode("ldaps.toml", 0o644),
        },
        Row {
            what: "a directory in which anybody may replace the configuration",
            break_it: |host| host.mode("", 0o777),
            found: &[("configuration", "directory-writable")],
            remedy: "sudo chmod go-w /",
            mend: |host| host.mode("", 0o755),
        },
        Row {
            what: "a directory above the secret's that anybody may write to",
            break_it: |host| {
                host.write("kept/in/secret", SERVICE_PASSWORD);
                host.mode("kept", 0o757);
                let toml = std::fs::read_to_string(host.path("ldaps.toml")).unwrap();
                let (old, new) = (host.path("secret"), host.path("kept/in/secret"));
                host.write(
                    "ldaps.toml",
                    &toml.replace(old.to_str().unwrap(), new.to_str().unwrap()),
                );
            },
            found: &[("configuration", "directory-writable")],
            remedy: "/kept; look whether",
            // Where the sticky bit is, files are their owners' to replace.
            mend: |host| host.mode("kept", 0o1777),
        },
        Row {
            what: "a backslash in double quotes",
            break_it: |host| host.configure("bind_dn = \"CORP\\svc-linux\"", "", ""),
            found: &[ERROR],
            remedy: "in single quotes, as in 'CORP\\svc-linux'",
            mend: |host| host.configure("bind_dn = 'CORP\\svc-linux'", "", ""),
        },
        Row {
            what: "verification switched off",
            break_it: |host| host.write("ldap.conf", "TLS_REQCERT never\n"),
            found: &[("configuration", "configuration-warning")],
            remedy: "",
            mend: |host| host.write("ldap.conf", ""),
        },
        Row {
            what: "a login name that people write on themselves",
            break_it: |host| {
                let sections =
                    "[users]\nallow_self_writable = true\nlogin = { bare = \"ipPhone\" }";
                host.configure("", "", sections);
            },
            found: &[("configuration", "self-writable")],
            remedy: "take an attribute that only administrators write",
            mend: |host| {
                let sections =
                    "[users]\nallow_self_writable = true\nlogin = { bare = \"sAMAccountName\" }";
                host.configure("", "", sections);
            },
        },
        Row {
            what: "a rule by what people write on themselves",
            break_it: |host| {
                let rule = "allow_self_writable = true\nfilter = \"(info=staff)\"";
                host.configure("", "", rule);
            },
            found: &[("configuration", "self-writable")],
            remedy: "allow_self_writable out of [access]",
            mend: |host| host.configure("", "", ""),
        },
    ]);
}

#[test]
fn nothing_is_looked_at_when_the_configuration_does_not_parse() {
    let host = crate::Host::new();
    host.configure("base = DC=corp", "", "");
    let (code, out) = host.ran(&[]);
    assert_eq!(code, 1);
    assert!(
        out.contains("answers at 127.0.0.1") && out.contains("is trusted by \"Corp Root CA\""),
        "{out}"
    );
    assert!(out.contains("unseen  service account: not tried"), "{out}");
    assert_eq!(host.server.total_binds(), 0);
}
