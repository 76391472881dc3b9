//! The profile for applications: who is told it, and what of AD's attributes is in it.

use ldaps_core::protocol::admin::{AdminReply, AdminRequest, Profile, ProfileReport, ProfileValue};
use ldaps_core::protocol::client::{NSS_DEADLINE, Socket, ask};
use test_directory::Fault;

use crate::asking::{FIRST_ID, as_uid};
use crate::logins::RULES;
use crate::stage::{Extra, Stage};

/// Debian's uid of www-data, and of daemon.
const WWW_DATA: u32 = 33;
const DAEMON: u32 = 1;
const ALICE: u32 = FIRST_ID + 1107;
const BOB: u32 = FIRST_ID + 1108;
const NOBODY: u32 = 65_534;

fn stage(profile: &str) -> Stage {
    let sections = format!("{}[profile]\n{profile}\n", RULES.sections);
    let directory = "operation_timeout = \"300ms\"\n";
    Stage::new(Extra { directory, sections: &sections })
}

fn request(name: &str) -> AdminRequest {
    AdminRequest::Profile(name.to_owned())
}

fn report(answer: AdminReply) -> ProfileReport {
    match answer {
        AdminReply::Profile(report) => *report,
        other => panic!("{other:?}"),
    }
}

/// The profile as root is told it, or as the tests' own user that is a reader.
fn profile(stage: &Stage, name: &str) -> Profile {
    report(stage.admin(&request(name))).profile.unwrap()
}

/// Readers that the tests themselves are among, as whoever they run.
fn readers() -> String {
    let me = rustix::process::geteuid().as_raw();
    let passwd = std::path::Path::new(ldaps_core::local::PASSWD_FILE);
    let names = ldaps_core::local::names_and_ids(passwd).unwrap();
    let me = names.into_iter().find(|(_, uid)| *uid == me).map(|(name, _)| name);
    format!(
        "readers = {:?}",
        [Some("www-data".to_owned()), me].into_iter().flatten().collect::<Vec<_>>()
    )
}

fn texts(values: &[&str]) -> Vec<ProfileValue> {
    values.iter().map(|value| ProfileValue::Text((*value).to_owned())).collect()
}

fn standing(texts: [Option<&str>; 4]) -> [Option<String>; 4] {
    texts.map(|text| text.map(str::to_owned))
}

#[test]
fn somebody_is_told_the_profile_of_another() {
    let stage = stage("readers = [\"www-data\"]");
    let run_dir = stage.run_dir();
    let told = |uid| {
        as_uid(uid, || {
            ask::<_, AdminReply>(&run_dir, Socket::Admin, &request("alice"), NSS_DEADLINE)
        })
        .map(|answer| report(answer.unwrap()))
    };
    for (uid, may) in
        [(0, true), (WWW_DATA, true), (ALICE, true), (DAEMON, false), (BOB, false), (NOBODY, false)]
    {
        let Some(ProfileReport { user, profile }) = told(uid) else { return };
        assert_eq!((user.entry.name.as_str(), user.entry.uid), ("alice", ALICE), "{uid}");
        match profile {
            Ok(profile) => {
                assert!(may, "{uid} was told");
                assert_eq!(profile.standing[3].as_deref(), Some("alice.archer@corp.example"));
            }
            Err(why) => {
                assert!(!may, "{uid}: {why}");
                assert!(why.contains("[profile] readers"), "{why}");
            }
        }
    }
    stage.configure(RULES);
    assert!(told(WWW_DATA).unwrap().profile.is_err(), "named in no configuration any more");
}

#[test]
fn a_value_is_lost_or_one_is_told_that_nobody_configured() {
    let stage = stage(&format!(
        "attributes = [\"department\", \"proxyAddresses\", \"info\", \"objectGUID\"]\n{}",
        readers()
    ));
    let alice = profile(&stage, "alice");
    let names =
        [Some("Alice Archer"), Some("Alice"), Some("Archer"), Some("alice.archer@corp.example")];
    assert_eq!(alice.standing, standing(names));
    let names: Vec<&str> = alice.more.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["department", "proxyAddresses", "info", "objectGUID"]);
    let [(_, department), _, _, (_, guid)] = alice.more.as_slice() else { panic!() };
    assert_eq!(department, &[]);
    assert!(matches!(guid.as_slice(), [ProfileValue::Bytes(guid)] if guid.len() == 16), "{guid:?}");

    stage
        .server
        .edit(|data| {
            data.set_attribute("alice", "proxyAddresses", &["SMTP:a@x.y", "smtp:b@x.y"])?;
            data.set_bytes("alice", "info", &["two\nlines".as_bytes(), b"n\0l", b"\xff\xfe"])?;
            data.set_bytes("alice", "givenName", &[b"\xff"])?;
            data.set_attribute("alice", "department", &["IT"])?;
            data.withhold("alice", "mail")?;
            data.withhold("alice", "department")
        })
        .unwrap();
    for name in ["alice", "ALICE@corp.example", "CORP\\alice"] {
        let alice = profile(&stage, name);
        let what = standing([Some("Alice Archer"), None, Some("Archer"), None]);
        assert_eq!(alice.standing, what, "{name}");
        let [(_, department), (_, addresses), (_, info), _] = alice.more.as_slice() else {
            panic!()
        };
        assert_eq!(department, &[], "withheld");
        assert_eq!(addresses, &texts(&["SMTP:a@x.y", "smtp:b@x.y"]));
        let odd = [b"n\0l".to_vec(), b"\xff\xfe".to_vec()].map(ProfileValue::Bytes);
        assert_eq!(info, &[texts(&["two\nlines"]), odd.to_vec()].concat());
    }
}

#[test]
fn the_profile_of_nobody_or_of_yesterday_is_told() {
    let stage = stage(&readers());
    for (name, words) in
        [("root", "a user of this host itself"), ("zz-nobody", "no user"), ("a:b", "contains ':'")]
    {
        match stage.admin(&request(name)) {
            AdminReply::NoSuchUser(why) => assert!(why.contains(words), "{name}: {why}"),
            other => panic!("{name}: {other:?}"),
        }
    }
    assert!(profile(&stage, "alice").standing[3].is_some());
    stage.server.edit(|data| data.set_attribute("alice", "mail", &["new@x.y"])).unwrap();
    assert_eq!(profile(&stage, "alice").standing[3].as_deref(), Some("new@x.y"));
    stage.server.fault(Fault::Silence);
    let silent = stage.admin(&request("alice"));
    assert!(matches!(silent, AdminReply::Unavailable(_)), "{silent:?}");
}

/// The last line of defence is the configuration: no attribute that it takes is a secret.
#[test]
fn a_secret_can_be_configured() {
    let stage = stage(&readers());
    let sections = format!("{}[profile]\nattributes = [\"unicodePwd\"]\n", RULES.sections);
    let toml = stage.files.toml(&stage.server, Extra { directory: "", sections: &sections });
    stage.files.write("ldaps.toml", &toml);
    stage.daemon.signal(rustix::process::Signal::HUP);
    let refused = || stage.daemon.log().contains("unicodePwd holds a secret");
    stage.daemon.wait_for("the refusal", refused);
    assert_eq!(profile(&stage, "alice").more, []);
}
