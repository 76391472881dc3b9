//! How many searches a question costs, counted at the directory: each is a round trip that somebody
//! waits for.

use ldaps_core::protocol::admin::AdminRequest;
use ldaps_core::protocol::messages::NssReply;
use ldaps_core::protocol::messages::NssRequest::{self, GroupsOf, UserById, UserByName};
use ldaps_core::protocol::messages::Verdict::{Granted, NotOurs, Refused};
use ldaps_core::refusal::Refusal::{AccountDisabled, NotAllowed};
use test_directory::{SearchSeen, USER_PASSWORD};

use crate::asking::FIRST_ID;
use crate::logins::RULES;
use crate::stage::{EVERYBODY, Extra, Stage};

const RIGHT: &[u8] = USER_PASSWORD.as_bytes();
const ALICE: u32 = FIRST_ID + 1107;
const POSIX: Extra<'static> =
    Extra { directory: "", sections: "[ids]\nmapping = \"posix\"\n[access]\nallow = [\"*\"]\n" };

impl Stage {
    /// What is searched for while something is done, without probes of connections, and what looks
    /// for changes every few seconds.
    fn searches_of(&self, act: impl FnOnce()) -> Vec<SearchSeen> {
        self.server.forget_searches();
        act();
        let of_change = |search: &SearchSeen| {
            search.filter.contains("uSNChanged")
                || search.attributes.iter().any(|name| name == "invocationId")
        };
        let mut seen = self.server.search_log();
        seen.retain(|search| !search.base.is_empty() && !of_change(search));
        seen
    }
}

fn asks_for_the_password(search: &SearchSeen) -> bool {
    search.attributes.iter().any(|name| name.ends_with("Computed"))
}

fn name(name: &str) -> NssRequest {
    UserByName(name.to_owned())
}

fn groups(name: &str) -> NssRequest {
    GroupsOf(name.to_owned())
}

#[test]
fn a_look_up_costs_more_searches_than_it_must() {
    let by_sid = vec![
        ("a name", name("u0001"), 1),
        ("the name again", name("u0001"), 0),
        ("the uid of the name", UserById(FIRST_ID + 10_001), 0),
        ("a uid", UserById(FIRST_ID + 10_002), 1),
        ("the groups of somebody new", groups("u0003"), 2),
        ("the groups of somebody known", groups("u0001"), 1),
        ("nobody", name("zz-nobody"), 1),
        ("nobody again", name("zz-nobody"), 0),
    ];
    // Whose number was not asked for is searched for by that, too: nobody else may have it.
    let by_number = vec![
        ("a name", name("alice"), 2),
        ("the name again", name("alice"), 0),
        ("a uid", UserById(20110), 1),
        ("the groups of somebody known", groups("alice"), 3),
    ];
    for (extra, rows) in [(EVERYBODY, by_sid), (POSIX, by_number)] {
        let stage = Stage::new(extra);
        // Which groups of the directory have names of this host is asked once for all.
        stage.gids("bob").unwrap();
        stage.server.edit(|data| {
            for (attribute, value) in [("uidNumber", "20110"), ("gidNumber", "20000")] {
                data.set_attribute("dave", attribute, &[value]).unwrap();
            }
            data.set_attribute("linux-users", "gidNumber", &["20001"]).unwrap();
        });
        for (what, question, count) in rows {
            let searches = stage.searches_of(|| drop(stage.nss(&question)));
            assert_eq!(searches.len(), count, "{}: {what}: {searches:#?}", extra.sections);
            assert!(!searches.iter().any(asks_for_the_password), "{what}: {searches:#?}");
        }
    }
}

/// As `id` and `groups` ask.
#[test]
fn the_groups_of_a_user_are_named_one_after_another_or_otherwise_than_alone() {
    let (Some(stage), Some(other)) = (Stage::for_logins(RULES), Stage::for_logins(RULES)) else {
        return;
    };
    let named = |stage: &Stage, gid: u32| match stage.nss(&NssRequest::GroupById(gid)) {
        NssReply::Group(group) => group,
        reply => panic!("{gid}: {reply:?}"),
    };
    let gids = stage.gids("alice").expect("her groups");
    let [first, others @ ..] = gids.as_slice() else { panic!("{gids:?}") };
    assert!(others.len() > 3, "{gids:?}");
    let of_all = |search: &SearchSeen| search.filter.matches("memberOf").count() >= others.len();
    named(&stage, *first);
    stage.daemon.wait_for("one search for the members of all", || {
        stage.server.search_log().iter().any(of_all)
    });
    std::thread::sleep(std::time::Duration::from_millis(300));
    let answers = |stage: &Stage| others.iter().map(|gid| named(stage, *gid)).collect::<Vec<_>>();
    let mut together = Vec::new();
    let searches = stage.searches_of(|| together = answers(&stage));
    assert_eq!(searches, [], "they were not known");

    // Nobody has asked for all groups of anybody there.
    assert_eq!(together, answers(&other));
    assert!(!other.server.search_log().iter().any(of_all), "not alone");
    assert!(together.iter().any(|group| group.members.len() > 1), "{together:?}");
}

#[test]
fn a_login_again_costs_more_than_one_search_and_the_bind() {
    let Some(stage) = Stage::for_logins(RULES) else { return };
    // The groups that the rules name are asked for once, and when the password expires.
    let first = stage.searches_of(|| logs_in(&stage));
    assert!(first.iter().any(asks_for_the_password), "{first:#?}");

    let binds = stage.server.binds("alice");
    let again = stage.searches_of(|| logs_in(&stage));
    assert_eq!(stage.server.binds("alice"), binds + 1);
    let [search] = again.as_slice() else { panic!("{again:#?}") };
    assert_eq!(search.base, format!("<SID=S-1-5-21-123-456-789-{}>", ALICE - FIRST_ID));
    assert!(search.attributes.iter().any(|name| name == "tokenGroups"), "{search:?}");
    assert!(!asks_for_the_password(search), "before the bind nothing is computed: {search:?}");

    // An administrator has everything forgotten: that, too.
    stage.admin(&AdminRequest::Flush { anyway: false });
    let anew = stage.searches_of(|| logs_in(&stage));
    assert!(anew.iter().any(asks_for_the_password), "{anew:#?}");
}

#[test]
fn a_password_is_kept_by_what_was_read_before_ad_took_it() {
    let sections = "[pam]\noffline_days = 14\n[access]\nallow = [\"@linux-users\"]\n";
    let Some(stage) = Stage::for_logins(Extra { sections, ..RULES }) else { return };
    logs_in(&stage);
    let again = stage.searches_of(|| logs_in(&stage));
    assert!(again.iter().any(asks_for_the_password), "{again:#?}");
}

fn logs_in(stage: &Stage) {
    assert_eq!(stage.auth("alice", "sshd", RIGHT).verdict, Granted);
    // The account phase is asked at once, and waits for what is being read.
    assert_eq!(stage.account_after_auth("alice", "sshd").verdict, Granted);
}

#[test]
fn a_login_with_a_key_costs_more_than_one_search() {
    let Some(stage) = Stage::for_logins(RULES) else { return };
    assert_eq!(stage.account("alice", "sshd").verdict, Granted);
    // Of who is known, one search.
    let account = stage.searches_of(|| {
        assert_eq!(stage.account("alice", "sshd").verdict, Granted);
    });
    assert_eq!(account.len(), 1, "{account:#?}");
    assert!(asks_for_the_password(&account[0]), "{account:#?}");
    let of_new = stage.searches_of(|| {
        assert_eq!(stage.account_as("erin", FIRST_ID + 1111, "sshd").verdict, Granted);
    });
    assert_eq!(of_new.len(), 2, "{of_new:#?}");
}

#[test]
fn an_account_phase_is_judged_by_what_was_read_for_another_login() {
    let Some(stage) = Stage::for_logins(RULES) else { return };
    let disabled = |phase: &dyn Fn() -> crate::asking::Answer| {
        stage.server.edit(|data| data.enable("alice")).unwrap();
        assert_eq!(stage.auth("alice", "sshd", RIGHT).verdict, Granted);
        stage.server.edit(|data| data.disable("alice")).unwrap();
        phase().verdict
    };
    // Another service, somebody who has not typed the password, and after another try.
    assert_eq!(disabled(&|| stage.account_after_auth("alice", "su")), Refused(AccountDisabled));
    assert_eq!(disabled(&|| stage.account("alice", "sshd")), Refused(AccountDisabled));
    assert_eq!(
        disabled(&|| {
            assert_eq!(stage.auth("alice", "sshd", RIGHT).verdict, Refused(AccountDisabled));
            stage.account_after_auth("alice", "sshd")
        }),
        Refused(AccountDisabled)
    );
    // It is used once, and then by who comes again no more.
    let twice = || {
        stage.account_after_auth("alice", "sshd");
        stage.account_after_auth("alice", "sshd")
    };
    assert_eq!(disabled(&twice), Refused(AccountDisabled));
}

#[test]
fn what_was_read_in_auth_outlives_the_news_of_a_change() {
    let often = Extra {
        sections: "[access]\nallow = [\"*\"]\n[cache]\npoll = \"1s\"\n",
        ..Extra::default()
    };
    let Some(stage) = Stage::for_logins(often) else { return };
    assert_eq!(stage.auth("alice", "sshd", RIGHT).verdict, Granted);
    stage.server.edit(|data| data.disable("alice")).unwrap();
    // The news doubt what is known of alice, and a look-up asks once more.
    stage.daemon.wait_for("the news", || {
        let asked = stage.searches_of(|| drop(stage.user("alice")));
        asked.iter().any(|search| search.filter.contains("sAMAccountName=alice"))
    });
    // That look-up has read the account, and not the groups, of which the news speak, too.
    assert_eq!(stage.account_after_auth("alice", "sshd").verdict, Refused(AccountDisabled));
}

#[test]
fn what_was_read_in_auth_outlives_a_change_that_others_have_read_meanwhile() {
    let sections = "[access]\nallow = [\"@linux-users\"]\n[cache]\npoll = \"1s\"\n";
    let Some(stage) = Stage::for_logins(Extra { directory: "", sections }) else { return };
    logs_in(&stage);
    assert_eq!(stage.auth("alice", "sshd", RIGHT).verdict, Granted);
    let before = stage.gids("alice").expect("her groups");
    stage.server.edit(|data| data.remove_from_group("alice", "linux-users")).unwrap();
    // Look-ups have read her anew, so nothing is doubted any more.
    stage.daemon.wait_for("the news", || {
        drop(stage.user("alice"));
        stage.gids("alice").is_some_and(|gids| gids.len() < before.len())
    });
    assert_eq!(stage.account_after_auth("alice", "sshd").verdict, Refused(NotAllowed));
}

/// The name that was somebody's, after a change; by a search for it nobody or another would be found.
#[test]
fn a_name_stays_with_the_account_that_had_it_before() {
    let sections = "[users]\nbase = \"OU=People,DC=corp,DC=example\"\n\
                    condition = \"(mail=*@corp.example)\"\n[access]\nallow = [\"*\"]\n";
    let Some(stage) = Stage::for_logins(Extra { sections, ..Extra::default() }) else { return };
    let account = |name| stage.account_as(name, ALICE, "sshd").verdict;
    let rename = |from: &str, to: &str| {
        stage.server.edit(|data| data.set_attribute(from, "sAMAccountName", &[to])).unwrap();
    };
    assert_eq!(account("alice"), Granted);

    rename("alice", "alice.new");
    assert_eq!(account("alice"), NotOurs, "renamed");
    assert_eq!(account("alice.new"), Granted);
    rename("bob", "alice");
    assert_eq!(account("alice"), NotOurs, "another has the name");
    rename("alice", "bob");
    rename("alice.new", "alice");
    assert_eq!(account("alice"), Granted);

    let home = "CN=Alice Archer,OU=People,DC=corp,DC=example";
    stage.server.edit(|data| data.move_to("alice", "CN=Alice,DC=corp,DC=example")).unwrap();
    assert_eq!(account("alice"), NotOurs, "moved out of the base");
    stage.server.edit(|data| data.move_to("alice", home)).unwrap();
    assert_eq!(account("alice"), Granted);

    let mail = |value: &str| {
        stage.server.edit(|data| data.set_attribute("alice", "mail", &[value])).unwrap();
    };
    mail("alice@example.org");
    assert_eq!(account("alice"), NotOurs, "no longer of those whom the configuration serves");
    mail("alice@corp.example");
    assert_eq!(account("alice"), Granted);
    let access = "[access]\nallow = [\"bob\"]\n";
    stage.configure(Extra { sections: access, ..Extra::default() });
    assert_eq!(account("alice"), Refused(NotAllowed));
}
