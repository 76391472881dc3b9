//! What a right configuration means.

use super::super::*;
use super::{DIRECTORY, Host, loaded};
use std::time::Duration;

#[test]
fn three_lines_are_a_configuration_with_every_default() {
    let Loaded { config, warnings, .. } = loaded(DIRECTORY, "");
    let uri = ServerUri { host: "dc1.corp.example".to_owned(), port: 636 };
    assert_eq!(config.directory.servers, Servers::Uris(vec![uri]));
    assert_eq!(config.directory.bind_dn, "svc@corp.example");
    assert_eq!(config.directory.base, None);
    assert_eq!(config.directory.connect_timeout, Duration::from_secs(3));
    assert_eq!(config.directory.operation_timeout, Duration::from_secs(4));
    assert_eq!(config.tls, Tls::default());
    assert_eq!(config.ids, Ids::defaults(IdMapping::Sid));
    assert_eq!(config.ids.min_id, 200_000);
    assert_eq!(config.users.filter.as_str(), "(sAMAccountType=805306368)");
    assert_eq!(config.users.home.expand("alice", 5, "corp.example"), "/home/alice");
    assert!(!config.nss.enumerate);
    assert_eq!(config.access, Access::default());
    let [warning] = warnings.as_slice() else { panic!("{warnings:?}") };
    assert!(warning.problem.contains("nobody may log in"), "{warning}");
}

#[test]
fn the_secret_is_in_its_usual_place_unless_another_is_named() {
    let host = Host::new();
    host.write("ldaps.toml", DIRECTORY, 0o644);
    let sources = Sources { credentials: None, ..host.sources() };
    // On a host that has ldaps-login, that file may exist, and be right or wrong.
    match load(&sources) {
        Ok(loaded) => {
            let secret = loaded.config.directory.bind_secret;
            assert_eq!(secret, std::path::Path::new("/etc/ldaps/secret"));
        }
        Err(errors) => assert!(errors.to_string().contains("/etc/ldaps/secret"), "{errors}"),
    }
}

#[test]
fn the_filter_this_project_began_with_can_be_said() {
    let toml = format!(
        "{DIRECTORY}[users]\nfilter = \"(objectClass=user)\"\n[users.login]\nat = [\"mail\"]\n"
    );
    let users = loaded(&toml, "").config.users;
    assert_eq!(users.complete_filter().as_str(), "(objectClass=user)");
    assert_eq!(users.login.at, [AttributeName::parse("mail").unwrap()]);
    assert_eq!(users.login.bare.as_str(), "sAMAccountName");
}

#[test]
fn a_condition_is_added_to_the_filter() {
    let users =
        loaded(&format!("{DIRECTORY}[users]\ncondition = \"(department=IT)\"\n"), "").config.users;
    let expected = "(&(sAMAccountType=805306368)(department=IT))";
    assert_eq!(users.complete_filter().as_str(), expected);
    assert!(LdapFilter::parse(expected).is_ok());
}

#[test]
fn what_people_write_on_themselves_is_taken_where_it_is_forced() {
    let toml = format!(
        "{DIRECTORY}[users]\nallow_self_writable = true\nfilter = \"(info=linux)\"\n\
         [users.login]\nbare = \"ipPhone\"\n\
         [ssh]\nallow_self_writable = true\nattribute = \"info\"\n\
         [access]\nallow_self_writable = true\nfilter = \"(info=a)\"\n\
         [access.sudo]\nfilter = \"(mobile=1)\"\n"
    );
    let Loaded { config, self_writable, .. } = loaded(&toml, "");
    let told: Vec<_> = self_writable.iter().filter_map(|it| it.problem.split(':').next()).collect();
    let expected = [
        "users.filter",
        "users.login.bare",
        "ssh.attribute",
        "access.filter",
        "access.sudo.filter",
    ];
    assert_eq!(told, expected);
    let filter = config.access.filter_for("sudo").unwrap();
    assert_eq!(filter.as_str(), "(&(info=a)(mobile=1))");
    assert_eq!(config.ssh.attribute.as_str(), "info");
    let users = config.users;
    assert_eq!(users.filter.as_str(), "(info=linux)");
    assert_eq!(users.login.bare.as_str(), "ipPhone");
}

#[test]
fn an_attribute_of_the_profile_is_asked_for_twice() {
    let toml = format!(
        "{DIRECTORY}[profile]\nattributes = [\"department\", \"MAIL\", \"Department\", \"mobile\"]\n\
         readers = \"www-data\"\n"
    );
    let profile = loaded(&toml, "").config.profile;
    let attributes: Vec<&str> = profile.attributes.iter().map(|name| name.as_str()).collect();
    assert_eq!(attributes, ["department", "mobile"]);
    assert_eq!(profile.readers, ["www-data"]);
}

#[test]
fn server_names_ports_and_addresses_are_read_as_written() {
    for (uri, host, port, shown) in [
        ("ldaps://DC1.Corp.Example", "dc1.corp.example", 636, "ldaps://dc1.corp.example"),
        ("LDAPS://dc1:6636/", "dc1", 6636, "ldaps://dc1:6636"),
        ("ldaps://10.0.0.5", "10.0.0.5", 636, "ldaps://10.0.0.5"),
        ("ldaps://[2001:DB8::5]:1636", "2001:db8::5", 1636, "ldaps://[2001:db8::5]:1636"),
        ("ldaps://[2001:db8::5]", "2001:db8::5", 636, "ldaps://[2001:db8::5]"),
    ] {
        let toml = format!("[directory]\nbind_dn = \"s@x.y\"\nuri = \"{uri}\"\n");
        let Servers::Uris(uris) = loaded(&toml, "").config.directory.servers else {
            panic!("{uri}");
        };
        assert_eq!(uris, [ServerUri { host: host.to_owned(), port }], "{uri}");
        assert_eq!(uris[0].to_string(), shown);
    }
}

#[test]
fn a_server_named_by_its_address_is_a_warning_with_the_way_out() {
    let toml =
        "[directory]\nbind_dn = \"s@x.y\"\nuri = \"ldaps://10.0.0.5\"\n[access]\nallow=\"*\"";
    let warnings = loaded(toml, "").warnings;
    let [warning] = warnings.as_slice() else { panic!("{warnings:?}") };
    assert!(warning.to_string().contains("[directory.address]"), "{warning}");
}

#[test]
fn an_address_is_kept_for_the_lower_case_name() {
    let toml = format!("{DIRECTORY}[directory.address]\n\"DC1.corp.example\" = \"10.0.0.5\"\n");
    let address = loaded(&toml, "").config.directory.address;
    assert_eq!(address.get("dc1.corp.example"), Some(&"10.0.0.5".parse().unwrap()));
}

#[test]
fn a_domain_stands_for_its_servers_and_may_have_addresses() {
    let toml = "[directory]\ndomain = \"Corp.Example.\"\nbind_dn = 'CORP\\svc'\n[directory.address]\n\
                \"dc9.corp.example\" = \"2001:db8::9\"\n";
    let directory = loaded(toml, "URI ldaps://ignored").config.directory;
    assert_eq!(directory.servers, Servers::Domain("corp.example".to_owned()));
    assert_eq!(directory.bind_dn, "CORP\\svc");
    assert_eq!(directory.address.len(), 1);
}

#[test]
fn the_lowest_id_follows_the_mapping_and_its_range() {
    for (ids, expected) in [
        ("", 200_000),
        ("mapping = \"posix\"", 1000),
        ("mapping = \"posix\"\nmin_id = 5000", 5000),
        ("range_min = 400000", 400_000),
        ("min_id = 300000", 300_000),
    ] {
        let config = loaded(&format!("{DIRECTORY}[ids]\n{ids}\n"), "").config;
        assert_eq!(config.ids.min_id, expected, "{ids}");
    }
}

#[test]
fn a_revocation_list_is_used_once_it_is_named() {
    for (tls, expected) in [
        ("crl = \"@@/ca.crl.pem\"", CrlCheck::Peer),
        ("crl = \"@@/ca.crl.pem\"\ncrl_check = \"all\"", CrlCheck::All),
        ("crl = \"@@/ca.crl.pem\"\ncrl_check = \"none\"", CrlCheck::None),
        ("ca_dir = \"@@/ca.d\"\ncrl_check = \"peer\"", CrlCheck::Peer),
        ("ca_dir = \"@@/ca.d\"", CrlCheck::None),
    ] {
        let config = loaded(&format!("{DIRECTORY}[tls]\n{tls}\n"), "").config;
        assert_eq!(config.tls.crl_check, expected, "{tls}");
    }
}

#[test]
fn a_shell_that_is_not_there_is_a_warning() {
    let toml = format!("{DIRECTORY}[users]\nshell = \"/bin/none\"\n[access]\nallow = [\"*\"]\n");
    let warnings = loaded(&toml, "").warnings;
    let [warning] = warnings.as_slice() else { panic!("{warnings:?}") };
    assert!(warning.problem.contains("/bin/none"), "{warning}");
}

#[test]
fn filters_of_rfc_4515_are_accepted_and_their_attributes_known() {
    for (filter, attributes) in [
        ("(a=b)", &["a"][..]),
        ("(a=*)", &["a"]),
        ("(a=x*y*)", &["a"]),
        ("(a>=5)", &["a"]),
        ("(a~=b)", &["a"]),
        ("(&(a=b)(|(c=d)(!(e<=f))))", &["a", "c", "e"]),
        ("(a;lang-de=b)", &["a"]),
        ("(1.2.840.113556.1.4.221=b)", &["1.2.840.113556.1.4.221"]),
        ("(userAccountControl:1.2.840.113556.1.4.803:=2)", &["userAccountControl"]),
        ("(ou:dn:=People)", &["ou"]),
        ("(memberOf:1.2.840.113556.1.4.1941:=CN=L\\28x\\29,DC=corp)", &["memberOf"]),
        ("(cn=Größe)", &["cn"]),
        ("(a=*x)", &["a"]),
    ] {
        let parsed = LdapFilter::parse(filter).unwrap_or_else(|fault| panic!("{fault}"));
        assert_eq!(parsed.attributes(), attributes, "{filter}");
        assert_eq!(parsed.as_str(), filter);
    }
    for default in [LdapFilter::default_users(), LdapFilter::default_groups()] {
        assert_eq!(LdapFilter::parse(default.as_str()).unwrap(), default);
    }
}

#[test]
fn filters_are_taken_apart_as_rfc_4515_says() {
    use FilterNode::{And, Approximate, AtLeast, AtMost, Equal, Not, Or, Present, Substring};
    let text = str::to_owned;
    let equal = |a, b| Equal(text(a), text(b));
    let rule = |rule: Option<&str>, dn| FilterNode::Extensible {
        attribute: text("a"),
        rule: rule.map(text),
        dn,
        value: text("b"),
    };
    let table = [
        ("(a=b)", equal("a", "b")),
        ("(a= b )", equal("a", " b ")),
        ("(a=*)", Present(text("a"))),
        ("(a=x*)", Substring(text("a"), vec![text("x"), text("")])),
        ("(a=*x*y*)", Substring(text("a"), ["", "x", "y", ""].map(text).to_vec())),
        ("(a>=b)", AtLeast(text("a"), text("b"))),
        ("(a<=b)", AtMost(text("a"), text("b"))),
        ("(a~=b)", Approximate(text("a"), text("b"))),
        ("(a:1.2.3:=b)", rule(Some("1.2.3"), false)),
        ("(a:dn:1.2.3:=b)", rule(Some("1.2.3"), true)),
        ("(a:dn:=b)", rule(None, true)),
        ("(a=\\28\\2A\\29)", equal("a", "(*)")),
        ("(a=\\c3\\bc)", equal("a", "ü")),
        ("(!(a=b))", Not(Box::new(equal("a", "b")))),
        ("(|(a=b)(c=d))", Or(vec![equal("a", "b"), equal("c", "d")])),
        ("(&(a=b))", And(vec![equal("a", "b")])),
    ];
    for (filter, node) in table {
        let parsed = LdapFilter::parse(filter).unwrap_or_else(|fault| panic!("{fault}"));
        assert_eq!(*parsed.node(), node, "{filter}");
    }
}

#[test]
fn home_directories_are_made_from_name_uid_and_domain() {
    for (template, expected) in [
        ("/home/%u", "/home/alice"),
        ("/home/%d/%u", "/home/corp.example/alice"),
        ("/srv/%U", "/srv/1842601107"),
        ("/100%%/%u", "/100%/alice"),
    ] {
        let template = HomeTemplate::parse(template).unwrap();
        assert_eq!(template.expand("alice", 1_842_601_107, "corp.example"), expected);
    }
}

#[test]
fn a_file_with_crlf_line_ends_reads_like_any_other() {
    let unix = format!("{DIRECTORY}[access]\nallow = [\"alice\"]\n");
    let host = Host::new();
    let expected = host.load(&unix, "BASE DC=x\n").unwrap();
    let dos = host.load(&unix.replace('\n', "\r\n"), "BASE DC=x\r\n").unwrap();
    assert_eq!(dos, expected);
}
