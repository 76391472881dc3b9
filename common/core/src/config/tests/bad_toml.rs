//! One row per mistake in ldaps.toml: what was written, where the error must point, what it must say.

use super::{DIRECTORY, assert_one, errors};

/// Rows that stand behind the three lines of [`DIRECTORY`]; the first line of a row is line 4.
const BEHIND_DIRECTORY: &[(&str, &str, &[&str])] = &[
    // Keys that do not exist.
    ("bass = \"DC=x\"", "4:1", &["no key \"bass\" in [directory]", "did you mean \"base\"?"]),
    ("[user]", "4:2", &["\"user\"", "did you mean \"users\"?"]),
    ("[users]\nfiltre = \"(a=b)\"", "5:1", &["did you mean \"filter\"?"]),
    ("[users.login]\nbar = \"mail\"", "5:1", &["did you mean \"bare\"?"]),
    ("min_id = 5000", "4:1", &["it belongs into [ids]"]),
    ("[users]\nenumerate = true", "5:1", &["it belongs into [nss]"]),
    ("[users]\nbind_dm = \"x\"", "5:1", &["did you mean \"bind_dn\" in [directory]?"]),
    ("[nss]\nwhatever = 1", "5:1", &["what may stand here: enumerate"]),
    ("bind_password = \"x\"", "4:1", &["leave passwords out", "bind_secret", "0640 root:ldapsd"]),
    ("bindpw = \"x\"", "4:1", &["leave passwords out"]),
    ("[tls]\nreqcert = \"never\"", "5:1", &["always verified", "ca or ca_dir in [tls]"]),
    ("follow_referrals = true", "4:1", &["referrals never followed"]),
    ("[access]\nalow = [\"*\"]", "5:1", &["did you mean \"allow\"?"]),
    ("[access.sshd]\nalow = [\"*\"]", "5:1", &["[access.sshd]", "did you mean \"allow\"?"]),
    ("[cache]\n\"spaced key\" = 1", "5:1", &["spaced key"]),
    // Types.
    ("base = 5", "4:8", &["directory.base must be text, not a number"]),
    // What is proposed is taken.
    ("connect_timeout = 5", "4:19", &["must be text", "connect_timeout = \"5s\""]),
    ("[cache]\npoll = 10", "5:8", &["must be text", "poll = \"10s\""]),
    ("[pam]\noffline_days = \"14\"", "5:16", &["a whole number", "offline_days = 14"]),
    ("[pam]\noffline_days = true", "5:16", &["a whole number", "offline_days = 14"]),
    ("[nss]\nenumerate = \"yes\"", "5:13", &["nss.enumerate must be true or false, not text"]),
    ("[ids]\nmin_id = \"2000\"", "5:10", &["must be a whole number, not text"]),
    ("[ids]\nmin_id = 2000.5", "5:10", &["must be a whole number"]),
    ("[ids]\nmin_id = -5", "5:10", &["-5 is out of range"]),
    ("[ids]\nmin_id = 5000000000", "5:10", &["5000000000 is out of range"]),
    ("[access]\nallow = [1]", "5:10", &["must be a list of texts, not a number"]),
    ("[access]\nallow = true", "5:9", &["must be a list of texts, not true or false"]),
    ("[pam]\ncallers = [\"x\"]", "5:11", &["pam.callers must be a section"]),
    ("address = \"10.0.0.5\"", "4:11", &["directory.address must be a section, not text"]),
    // [directory]
    ("domain = \"corp.example\"", "4:10", &["uri and directory.domain are both given"]),
    ("base = \"corp.example\"", "4:8", &["no distinguished name", "\"corp.example\" has no '='"]),
    ("base = \"DC=corp,example\"", "4:8", &["\"example\" has no '='"]),
    ("base = \"DC=corp,DC=\"", "4:8", &["\"DC\" has no value"]),
    ("base = \"\"", "4:8", &["no distinguished name"]),
    ("connect_timeout = \"5\"", "4:19", &["no length of time", "\"10s\""]),
    ("connect_timeout = \"5 years\"", "4:19", &["no length of time"]),
    ("connect_timeout = \"0s\"", "4:19", &["too short or too long", "\"30s\""]),
    ("operation_timeout = \"1h\"", "4:21", &["too short or too long"]),
    ("[directory.address]\n\"dc1.corp.example\" = \"dc1\"", "5:22", &["\"dc1\" is no IP address"]),
    (
        "[directory.address]\n\"dc7.corp.example\" = \"10.0.0.5\"",
        "5:1",
        &["no URI names", "(dc1.corp.example)"],
    ),
    // A backslash in double quotes.
    ("bind_dn2 = \"CORP\\svc\"", "4:18", &["in single quotes", "'CORP\\svc-linux'"]),
    ("base = \"CORP\\xvc\"", "4:15", &["or double the backslash: \"CORP\\\\svc-linux\""]),
    ("base = \"CORP\\uvc\"", "4:15", &["in single quotes"]),
    // [tls]
    ("[tls]\nca = \"ca.pem\"", "5:6", &["no absolute path"]),
    ("[tls]\nca = \"@@/none.pem\"", "5:6", &["none.pem cannot be read: it does not exist"]),
    ("[tls]\nca = \"@@/secret\"", "5:6", &["contains no \"-----BEGIN CERTIFICATE-----\""]),
    ("[tls]\nca = \"@@/ca.d\"", "5:6", &["ca.d cannot be read"]),
    (
        "[tls]\nca_dir = \"@@/credentials\"",
        "5:10",
        &["no file with a hashed name", "openssl rehash"],
    ),
    ("[tls]\nca_dir = [\"@@/ca.d\",\n\"@@/none\"]", "6:1", &["none cannot be read"]),
    ("[tls]\ncrl = \"@@/ca.pem\"", "5:7", &["contains no \"-----BEGIN X509 CRL-----\""]),
    ("[tls]\ncrl_check = \"peer\"", "5:13", &["there is no revocation list"]),
    ("[tls]\ncrl_check = \"some\"", "5:13", &["\"peer\" (the server's certificate)"]),
    ("[tls]\nminimum = \"1.1\"", "5:11", &["no TLS version that is good enough"]),
    ("[tls]\nverify = false", "5:1", &["no key \"verify\" in [tls]", "always verified"]),
    // [ids]
    ("[ids]\nmapping = \"rid\"", "5:11", &["\"sid\"", "\"posix\""]),
    ("[ids]\nmin_id = 999", "5:10", &["ids under 1000 belong to the host", "1000 or more"]),
    ("[ids]\nrange_min = 500", "5:13", &["ids under 1000"]),
    ("[ids]\nrange_size = 0", "5:14", &["no slice of 0 ids fits"]),
    ("[ids]\ncollision = \"merge\"", "5:13", &["\"merge\" is not known", "\"shift\""]),
    (
        "[ids]\nmapping = \"posix\"\ncollision = \"shift\"",
        "6:13",
        &["ids.collision has no meaning"],
    ),
    ("[ids]\nrange_max = 300000", "5:13", &["no slice of 200000 ids fits"]),
    ("[ids]\nmin_id = 3000000000", "5:10", &["above the mapped range"]),
    (
        "[ids]\nmapping = \"posix\"\nrange_size = 5",
        "6:14",
        &["no meaning with mapping = \"posix\""],
    ),
    // [users] and [groups]
    ("[users]\nfilter = \"objectClass=user\"", "5:10", &["character 1", "'(' is wanted"]),
    ("[users]\nfilter = \"(a=b\"", "5:10", &["character 5", "the text ends"]),
    ("[users]\nfilter = \"(a=b))\"", "5:10", &["character 6", "behind the closing parenthesis"]),
    ("[users]\nfilter = \"(&)\"", "5:10", &["character 3"]),
    ("[users]\nfilter = \"(a=)\"", "5:10", &["the value is empty"]),
    ("[users]\nfilter = \"(=b)\"", "5:10", &["\"\" is no attribute name"]),
    ("[users]\nfilter = '(a=\\zz)'", "5:10", &["two hexadecimal digits"]),
    ("[users]\nfilter = '(a=\\+f)'", "5:10", &["two hexadecimal digits"]),
    ("[users]\nfilter = '(a=\\ff)'", "5:10", &["not UTF-8"]),
    ("[users]\nfilter = '(a=x**y)'", "5:10", &["character 6", "two stars"]),
    ("[users]\nfilter = '(a=**)'", "5:10", &["two stars"]),
    ("[users]\nfilter = '(a>=x*)'", "5:10", &["'*' has a meaning behind '=' only"]),
    ("[users]\nfilter = '(a:rule=b)'", "5:10", &["must end with \":=\""]),
    ("[users]\nfilter = '(a:=b'", "5:10", &["character"]),
    (
        "[users]\nfilter = \"(&(objectClass=user)(mail=%u))\"",
        "5:10",
        &["contains %u", "at = [\"mail\"]"],
    ),
    ("[users]\nfilter = \"(info=linux)\"", "5:10", &["people may write info on themselves"]),
    ("[users]\ncondition = \"(!(mobile=1))\"", "5:13", &["people may write mobile on themselves"]),
    (
        "[ssh]\nattribute = \"info\"",
        "5:13",
        &["ssh.attribute", "people may write info on themselves", "true under [ssh]"],
    ),
    ("[ssh]\nattribute = \"ssh key\"", "5:13", &["\"ssh key\" is no attribute name"]),
    (
        "[users.login]\nbare = \"ipPhone\"",
        "5:8",
        &["users.login.bare", "allow_self_writable = true"],
    ),
    ("[users.login]\nat = [\"mail\", \"Info\"]", "5:15", &["users.login.at", "Info"]),
    ("[users.login]\nat = \"(mail=x)\"", "5:6", &["no attribute name"]),
    ("[users]\nbase = \"People\"", "5:8", &["no distinguished name"]),
    ("[users]\nhome = \"/home\"", "5:8", &["all users one home directory"]),
    ("[users]\nhome = \"/home/%n\"", "5:8", &["\"%n\"", "stands for nothing"]),
    ("[users]\nhome = \"/home/%u%\"", "5:8", &["\"%\"", "stands for nothing"]),
    ("[users]\nhome = \"home/%u\"", "5:8", &["no absolute path"]),
    ("[users]\nhome = \"/home/../%u\"", "5:8", &["no absolute path"]),
    ("[users]\nhome = \"/home/%u:x\"", "5:8", &["end a passwd field"]),
    ("[users]\nshell = \"bash\"", "5:9", &["no absolute path"]),
    ("[users]\ngecos = \"full name\"", "5:9", &["no attribute name"]),
    ("[users]\nhome_attribute = \"a b\"", "5:18", &["no attribute name"]),
    (
        "[users]\nhome_attribute = \"info\"",
        "5:18",
        &["users.home_attribute", "people may write info on themselves"],
    ),
    (
        "[users]\nshell_attribute = \"wWWHomePage\"",
        "5:19",
        &["users.shell_attribute", "true under [users]"],
    ),
    ("[users]\nallowed_shells = [\"/bin/sh\", \"sh\"]", "5:30", &["no absolute path"]),
    ("[users]\nprimary_group = \"own\"", "5:17", &["\"domain\"", "\"private\""]),
    // [users.override], [users.of_group], [groups.override]
    ("[users.override.alice]\nuidd = 300000", "5:1", &["did you mean \"uid\"?"]),
    ("[users.override]\nalice = 300000", "5:1", &["no key \"alice\" in [users.override]"]),
    ("[users.override.alice]\nuid = 0", "5:7", &["users.override.alice.uid", "the host's own"]),
    ("[users.override.alice]\nuid = 999", "5:7", &["999 is an id of the host's own"]),
    ("[users.override.alice]\ngid = 65534", "5:7", &["or reserved"]),
    ("[users.override.alice]\nuid = 4294967295", "5:7", &["or reserved"]),
    ("[users.override.alice]\nuid = 5000", "5:7", &["below ids.min_id, which is 200000"]),
    ("[users.override.alice]\nhome = \"home\"", "5:8", &["no absolute path"]),
    ("[users.override.alice]\nhome = \"/home/%x\"", "5:8", &["\"%x\"", "stands for nothing"]),
    ("[users.override.alice]\nshell = \"sh\"", "5:9", &["no absolute path"]),
    ("[users.override.alice]\ngecos = \"a:b\"", "5:9", &["end a passwd field"]),
    ("[users.override.\"@devs\"]\ngid = 300000", "4:17", &["[users.of_group.\"devs\"]"]),
    ("[users.override.\"*\"]\ngid = 300000", "4:17", &["everybody", "under [users]"]),
    ("[users.override.\"a@corp.example\"]", "4:17", &["user principal name"]),
    ("[users.of_group.\"a:b\"]\ngid = 300000", "4:17", &["contains ':'"]),
    ("[users.of_group.devs]\nhome = \"/srv\"", "5:8", &["all users one home directory"]),
    ("[users.of_group.devs]\nuid = 300000", "5:1", &["no key \"uid\" in [users.of_group.devs]"]),
    ("[groups.override.devs]\ngid = 27", "5:7", &["27 is an id of the host's own"]),
    (
        "[users.override]\nalice = { uid = 300000 }\nbob = { uid = 300000 }",
        "6:15",
        &["the id 300000 of the user \"bob\" is that of the user \"alice\" already"],
    ),
    (
        "[groups.override]\na = { gid = 300000 }\nb = { gid = 300000 }",
        "6:13",
        &["group \"b\"", "group \"a\""],
    ),
    (
        "[users]\nprimary_group = \"private\"\n[users.override.alice]\nuid = 300000\n\
         [groups.override.devs]\ngid = 300000",
        "9:7",
        &["the group \"devs\" is that of the user \"alice\""],
    ),
    (
        "[users.override.alice]\nuid = 300000\n[users.override.ALICE]\nuid = 300001",
        "6:17",
        &["\"alice\" has a section of this kind already"],
    ),
    // [local_groups]
    ("[local_groups]\nroot = \"@admins\"", "5:1", &["group root is granted to nobody"]),
    ("[local_groups]\n\"a b\" = \"@admins\"", "5:1", &["no name of a local group"]),
    ("[local_groups]\nadm = \"alice\"", "5:7", &["no group of the directory", "\"@\" before it"]),
    ("[local_groups]\nadm = \"*\"", "5:7", &["no group of the directory"]),
    ("[local_groups]\nadm = ['@CORP\\admins']", "5:8", &["names a domain"]),
    ("[groups]\nfilter = \"(a=b)(c=d)\"", "5:10", &["character 6"]),
    ("[groups]\nbase = \"OU=\"", "5:8", &["\"OU\" has no value"]),
    // [access]
    ("[access]\nallow = [\"\"]", "5:10", &["names nobody"]),
    ("[access]\nallow = [\"@\"]", "5:10", &["names nobody"]),
    ("[access]\nallow = [\"%wheel\"]", "5:10", &["write \"@wheel\""]),
    ("[access]\nallow = ['CORP\\alice']", "5:10", &["names a domain", "\"alice\""]),
    ("[access]\nallow = ['@CORP\\admins']", "5:10", &["names a domain", "\"@admins\""]),
    ("[access]\nallow = [\"alice@corp.example\"]", "5:10", &["user principal name", "\"alice\""]),
    ("[access]\nallow = [\"CN=A,DC=x\"]", "5:10", &["a distinguished name"]),
    ("[access]\nallow = [\"alice,bob\"]", "5:10", &["more than one name"]),
    ("[access]\nallow = [\"@a,@b\"]", "5:10", &["more than one name"]),
    ("[access]\nallow = [\"linux-*\"]", "5:10", &["a pattern"]),
    ("[access]\ndeny = [\"1000\"]", "5:9", &["all digits"]),
    ("[access]\nallow = [\"*\", \"a:b\"]", "5:15", &["contains ':'"]),
    ("[access.\"no service\"]\nallow = [\"*\"]", "4:9", &["no PAM service"]),
    ("[access.systemd-user]\nallow = [\"*\"]", "4:9", &["follows the account's state alone"]),
    ("[access]\nfilter = \"department=IT\"", "5:10", &["character 1", "'(' is wanted"]),
    (
        "[access]\nfilter = \"(&(department=IT)(info=linux))\"",
        "5:10",
        &["access.filter", "people may write info on themselves", "true under [access]"],
    ),
    (
        "[access.sudo]\nfilter = \"(mobile=*)\"",
        "5:10",
        &["access.sudo.filter", "people may write mobile on themselves", "true under [access]"],
    ),
    // [pam]
    ("[pam]\noffline_days = 91", "5:16", &["pam.offline_days is 91", "write 90 days at most"]),
    ("[pam]\nworkstations = \"yes\"", "5:16", &["\"yes\" is not known", "\"enforce\""]),
    ("[pam]\nworkstation_name = \"A,B\"", "5:20", &["no name of one computer"]),
    // [pam.callers]
    ("[pam.callers]\nwww-data = [\"../sudo\"]", "5:13", &["no PAM service"]),
    ("[pam.callers]\n\"a b\" = [\"django\"]", "5:1", &["no name of a local user"]),
    // [profile]
    ("[profile]\nattributes = [\"title\", \"unicodePwd\"]", "5:24", &["unicodePwd holds a secret"]),
    ("[profile]\nattributes = \"MSLAPS-password\"", "5:14", &["holds a secret", "take it out"]),
    (
        "[profile]\nattributes = \"1.2.840.113556.1.4.90\"",
        "5:14",
        &["an attribute's number", "display name"],
    ),
    ("[profile]\nattributes = [\"phone number\"]", "5:15", &["no attribute name"]),
    ("[profile]\nreaders = [\"www data\"]", "5:12", &["\"www data\" is no local user"]),
    ("[profile]\nreaders = [\"nobody\"]", "5:12", &["\"nobody\" is no local user who"]),
    // [cache]
    ("[cache]\npositive = \"2d\"", "5:12", &["no length of time"]),
    ("[cache]\nnegative = \"48h\"", "5:12", &["too long"]),
    ("[cache]\npoll = \"500ms\"", "5:8", &["between 1 s and 60 s"]),
    ("[cache]\npoll = \"2min\"", "5:8", &["between 1 s and 60 s"]),
    ("[cache]\nnotify = true\npoll = \"2h\"", "6:8", &["between 1 s and 3600 s"]),
    ("[cache]\nnotify = \"yes\"", "5:10", &["must be true or false"]),
    ("[cache]\nsync = \"everybody\"", "5:8", &["\"everybody\" is not known", "\"all\""]),
    ("[cache]\nsync = true", "5:8", &["must be text"]),
    ("[cache]\nnegative_max = \"many\"", "5:16", &["must be a whole number"]),
    // Syntax.
    ("base = DC=x", "4:8", &["this is not TOML"]),
    ("base = \"DC=x", "4:13", &["this is not TOML"]),
    ("bind_dn = \"again@corp.example\"", "4:1", &["this is not TOML", "duplicate key"]),
];

/// Rows that are the whole file.
const WHOLE: &[(&str, &str, &[&str])] = &[
    ("[directory]\nuri = \"ldaps://dc1\"", "1:1", &["directory.bind_dn is missing"]),
    ("[directory]\nbind_dn = \"s@x.y\"", "1:1", &["no server is named", "uri = [\"ldaps://"]),
    ("[directory]\nbind_dn = \"s@x.y\"\nuri = []", "1:1", &["an empty list"]),
    ("[directory]\nbind_dn = \"svc\"\nuri = \"ldaps://dc1\"", "2:11", &["which account in which"]),
    ("[directory]\nbind_dn = \"CN=svc,corp\"\nuri = \"ldaps://dc1\"", "2:11", &["has no '='"]),
];

/// Values of `uri`, whose error must point at the text.
const URIS: &[(&str, &[&str])] = &[
    ("ldap://dc1.corp.example", &["only LDAPS is spoken", "write \"ldaps://dc1.corp.example\""]),
    ("ldap://dc1.corp.example:389/", &["write \"ldaps://dc1.corp.example\""]),
    ("ldapi:///", &["\"ldapi\" is not known"]),
    ("dc1.corp.example", &["is no URI", "write \"ldaps://\""]),
    ("ldaps://dc1 ldaps://dc2", &["more than one URI", "write a list"]),
    ("ldaps://dc1:389", &["port 389", "636"]),
    ("ldaps://dc1:3269", &["Global Catalog"]),
    ("ldaps://dc1:0", &["is no port"]),
    ("ldaps://dc1:99999", &["is no port"]),
    ("ldaps://dc1/DC=corp,DC=example", &["more than a host and a port"]),
    ("ldaps://user@dc1", &["more than a host and a port"]),
    ("ldaps://", &["neither a host name nor an IP address"]),
    ("ldaps://dc 1", &["more than one URI"]),
    ("ldaps://-dc1", &["neither a host name"]),
    ("ldaps://fe80::zz", &["neither a host name"]),
];

/// Values of `domain`.
const DOMAINS: &[&str] = &["CORP", "ldaps://corp.example", "10.0.0.5", "corp..example", ""];

#[test]
fn every_mistake_is_named_once_with_its_place_and_remedy() {
    for (row, place, words) in BEHIND_DIRECTORY {
        let toml = format!("{DIRECTORY}{row}\n");
        assert_one(&errors(&toml, ""), &format!("ldaps.toml:{place}"), words, &toml);
    }
}

#[test]
fn a_file_without_what_is_needed_says_what_is_missing() {
    for (toml, place, words) in WHOLE {
        assert_one(&errors(toml, ""), &format!("ldaps.toml:{place}"), words, toml);
    }
}

#[test]
fn a_server_that_cannot_be_trusted_or_reached_is_refused() {
    for (uri, words) in URIS {
        let toml = format!("[directory]\nbind_dn = \"svc@corp.example\"\nuri = [\"{uri}\"]");
        assert_one(&errors(&toml, ""), "ldaps.toml:3:8", words, &toml);
    }
}

#[test]
fn what_is_no_dns_domain_is_not_looked_up() {
    for domain in DOMAINS {
        let toml = format!("[directory]\nbind_dn = \"svc@corp.example\"\ndomain = \"{domain}\"");
        assert_one(&errors(&toml, ""), "ldaps.toml:3:10", &["is no DNS domain"], &toml);
    }
}

#[test]
fn all_mistakes_of_a_file_are_reported_in_one_run_in_the_order_of_the_lines() {
    let toml = format!(
        "{DIRECTORY}bass = 1\nconnect_timeout = \"1\"\n[users]\nfilter = \"x\"\n[access]\nallow = \
         [\"%a\", \"b@c\"]\n[acess]\n"
    );
    let places: Vec<String> = errors(&toml, "TLS_CACERT /does/not/exist")
        .iter()
        .map(|error| error.split(": ").next().unwrap().to_owned())
        .collect();
    let expected = [
        "ldap.conf:1:12",
        "ldaps.toml:4:1",
        "ldaps.toml:5:19",
        "ldaps.toml:7:10",
        "ldaps.toml:9:10",
        "ldaps.toml:9:16",
        "ldaps.toml:10:2",
    ];
    assert_eq!(places, expected);
}

#[test]
fn columns_count_characters_and_not_bytes() {
    let toml = format!("{DIRECTORY}\"Größe\" = 1\n[users]\ngecos = \"näme\" # ä\n");
    let errors = errors(&toml, "");
    assert!(errors[0].starts_with("ldaps.toml:4:1: "), "{errors:?}");
    let toml = format!("{DIRECTORY}[access]\nallow = [\"größe\", \"a:b\"]\n");
    assert_one(&super::errors(&toml, ""), "ldaps.toml:5:19", &["a:b"], &toml);
}
