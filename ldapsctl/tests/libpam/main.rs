//! How `doctor` plays a PAM stack, held against libpam itself: the same files, the same answers of
//! the modules (pam_debug.so gives whatever it is told to), the same end.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the functions beside the tests are tests too"
)]
#![allow(dead_code, reason = "the tool does more with a stack")]

#[path = "../../src/doctor/pam/control.rs"]
mod control;
mod ffi;
#[path = "../../src/doctor/pam/modules.rs"]
mod modules;
#[path = "../../src/doctor/pam/play.rs"]
mod play;
#[path = "../../src/doctor/pam/stack.rs"]
mod stack;

use modules::{Case, Daemon, Person};
use proptest::prelude::*;
use stack::{Phase, Stack};
use std::ffi::CString;
use std::fmt::Write as _;
use std::fs;

/// Every code that a module may give, by its name in pam.conf(5); not the two that suspend a login.
const CODES: &[&str] = &[
    "success",
    "open_err",
    "symbol_err",
    "service_err",
    "system_err",
    "buf_err",
    "perm_denied",
    "auth_err",
    "cred_insufficient",
    "authinfo_unavail",
    "user_unknown",
    "maxtries",
    "new_authtok_reqd",
    "acct_expired",
    "session_err",
    "cred_unavail",
    "cred_expired",
    "cred_err",
    "no_module_data",
    "conv_err",
    "authtok_err",
    "authtok_recover_err",
    "authtok_lock_busy",
    "authtok_disable_aging",
    "try_again",
    "ignore",
    "abort",
    "authtok_expired",
    "module_unknown",
    "bad_item",
];

/// Stands before the name of a file that is included. libpam 1.5 looks for such a name in /etc/pam.d,
/// wherever the service's own file is; a whole path it takes as it stands.
const HERE: &str = "HERE/";

/// The files of one pam.d, each by its name.
type Files = Vec<(String, String)>;

/// What both make of the service `login`: let in or not, in auth and in account.
struct Both {
    played: Result<(bool, bool), String>,
    libpam: (i32, i32),
}

fn both(files: &Files) -> Both {
    let root = tempfile::tempdir().unwrap();
    let (directory, modules) = (root.path().join("etc/pam.d"), root.path().join("lib/security"));
    let theirs = root.path().join("libpam");
    for directory in [&directory, &modules, &theirs] {
        fs::create_dir_all(directory).unwrap();
    }
    for module in ["pam_debug.so", "pam_permit.so", "pam_deny.so"] {
        fs::write(modules.join(module), "").unwrap();
    }
    for (name, content) in files {
        fs::write(directory.join(name), content.replace(HERE, "")).unwrap();
        let whole = format!("{}/", theirs.display());
        fs::write(theirs.join(name), content.replace(HERE, &whole)).unwrap();
    }
    let played = Stack::read(root.path(), "login").map(|stack| {
        let case = Case::right(Person::Local, Daemon::Up);
        let play = |phase| play::play(&stack, phase, &case).granted;
        (play(Phase::Auth), play(Phase::Account))
    });
    let theirs = CString::new(theirs.to_str().unwrap()).unwrap();
    Both { played, libpam: ffi::codes(&theirs, c"login") }
}

/// A stack that we cannot read is one by which libpam lets nobody in.
fn agree(files: &Files) -> Result<(), String> {
    let Both { played, libpam } = both(files);
    let let_in = (libpam.0 == 0, libpam.1 == 0);
    match played {
        Ok(granted) if granted == let_in => Ok(()),
        Err(_) if let_in == (false, false) => Ok(()),
        played => {
            let mut text = format!("played: {played:?}; libpam: {libpam:?}\n");
            for (name, content) in files {
                let _ = write!(text, "--- {name}\n{content}");
            }
            Err(text)
        }
    }
}

fn code() -> impl Strategy<Value = &'static str> {
    // What decides most often comes most often.
    prop_oneof![
        4 => Just("success"),
        3 => Just("ignore"),
        3 => Just("auth_err"),
        1 => Just("new_authtok_reqd"),
        2 => prop::sample::select(CODES),
    ]
}

fn action() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => prop::sample::select(vec!["ok", "done", "bad", "die", "ignore", "reset"])
            .prop_map(str::to_owned),
        3 => (1usize..5).prop_map(|count| count.to_string()),
    ]
}

fn control() -> impl Strategy<Value = String> {
    let pairs = prop::collection::vec((code(), action()), 0..4);
    let listed = (pairs, prop::option::of(action())).prop_map(|(pairs, default)| {
        let mut words: Vec<String> =
            pairs.iter().map(|(code, action)| format!("{code}={action}")).collect();
        words.extend(default.map(|action| format!("default={action}")));
        format!("[{}]", words.join(" "))
    });
    prop_oneof![
        3 => prop::sample::select(vec!["required", "requisite", "sufficient", "optional"])
            .prop_map(str::to_owned),
        4 => listed,
    ]
}

fn line(file: usize, files: usize) -> impl Strategy<Value = String> {
    let kind =
        prop::sample::select(vec!["auth", "auth", "account", "account", "-auth", "-account"]);
    let module = prop_oneof![
        8 => code().prop_map(|code| format!("pam_debug.so auth={code} acct={code}")),
        1 => Just("pam_permit.so".to_owned()),
        1 => Just("pam_deny.so".to_owned()),
        1 => Just("pam_not_there.so".to_owned()),
    ];
    let named = (kind.clone(), control(), module)
        .prop_map(|(kind, control, module)| format!("{kind}\t{control}\t{module}\n"));
    if file + 1 >= files {
        return named.boxed();
    }
    // Only files further on: none includes itself.
    let deeper =
        (kind, prop::sample::select(vec!["include", "substack", "@include"]), file + 1..files)
            .prop_map(|(kind, how, target)| match how {
                "@include" => format!("@include {HERE}f{target}\n"),
                how => format!("{kind} {how} {HERE}f{target}\n"),
            });
    prop_oneof![5 => named, 1 => deeper].boxed()
}

fn files() -> impl Strategy<Value = Files> {
    const FILES: usize = 4;
    let contents: Vec<_> = (0..FILES)
        .map(|file| prop::collection::vec(line(file, FILES), 0..7).prop_map(|lines| lines.concat()))
        .collect();
    let other = prop::option::of(prop::collection::vec(line(FILES, FILES), 0..4));
    (contents, other).prop_map(|(contents, other)| {
        let name = |index: usize| if index == 0 { "login".to_owned() } else { format!("f{index}") };
        let mut files: Files =
            contents.into_iter().enumerate().map(|(index, text)| (name(index), text)).collect();
        files.extend(other.map(|lines| ("other".to_owned(), lines.concat())));
        files
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_stack_ends_otherwise_than_libpam_ends_it(files in files()) {
        if let Err(difference) = agree(&files) {
            prop_assert!(false, "{difference}");
        }
    }
}

/// Two lines of which the first does everything there is to do with every code, and all that pam.conf(5)
/// leaves open or forbids: each by itself, so that a difference names its cause.
#[test]
fn a_line_is_read_otherwise_than_libpam_reads_it() {
    let mut lines: Vec<String> = Vec::new();
    for code in ["success", "new_authtok_reqd", "ignore", "auth_err", "authinfo_unavail"] {
        let module = format!("pam_debug.so auth={code} acct={code}");
        for control in [
            "required",
            "REQUISITE",
            "Sufficient",
            "optional",
            "binding",
            "",
            "[]",
            "[default=ok]",
            "[ default=ok ]",
            "[default=bad default=ok]",
            "[default=ok success=bad]",
            "[success=bad success=ok]",
            "[success=ok success=bad]",
            "[success = ok default = bad]",
            "[Success=ok default=bad]",
            "[success=OK default=bad]",
            "[success=0 default=bad]",
            "[success=-1 default=ok]",
            "[success=1x default=ok]",
            "[success=1 default=ok",
            "[succes=ok default=ok]",
            "[success=okay default=ok]",
            "[success=1 default=ignore]",
            "[success=2 default=ignore]",
            "[success=3 default=ignore]",
            "[ignore=ok default=ignore]",
            "[ignore=done default=ok]",
            "[ignore=bad default=ok]",
            "[ignore=reset success=ok default=reset]",
            "[success\\]=ok default=ok]",
        ] {
            lines.push(format!("auth {control} {module}\naccount {control} {module}\n"));
        }
    }
    let plain = "pam_debug.so auth=success acct=success";
    for odd in [
        format!("AUTH required {plain}\nAccount required {plain}\n"),
        format!("auth required {plain} # auth=auth_err\naccount required {plain}#\n"),
        format!("auth required \\\n {plain}\naccount \\\nrequired {plain}\n"),
        format!("auth required # \\\n{plain}\naccount required {plain}\n"),
        format!("auth [success=ok # x\\\n default=bad] {plain}\n"),
        format!("auht required {plain}\nauth required {plain}\naccount required {plain}\n"),
        "auth required\naccount required pam_permit.so\n".to_owned(),
        "auth\naccount required pam_permit.so\n".to_owned(),
        // Not "auth include" and "@include" without a file: libpam 1.5.2 dies of those.
        "auth required pam_permit.so\n@include HERE/nowhere\naccount required pam_permit.so\n"
            .to_owned(),
        "auth include HERE/nowhere\naccount required pam_permit.so\n".to_owned(),
        "-auth include HERE/nowhere\naccount required pam_permit.so\n".to_owned(),
        "auth substack HERE/nowhere\nauth required pam_permit.so\naccount required pam_permit.so\n"
            .to_owned(),
        "  auth   required\tpam_permit.so  \n\n\taccount required pam_permit.so".to_owned(),
        "auth required pam_permit.so\r\naccount required pam_permit.so\r\n".to_owned(),
        "auth required [pam_permit.so]\naccount required pam_permit.so\n".to_owned(),
        "session required pam_permit.so\n".to_owned(),
        String::new(),
    ] {
        lines.push(odd);
    }
    let mut differences = String::new();
    for text in lines {
        for behind in [
            "",
            "auth required pam_permit.so\naccount required pam_permit.so\n",
            "auth requisite pam_deny.so\nauth required pam_permit.so\n\
             account requisite pam_deny.so\naccount required pam_permit.so\n",
        ] {
            let login = format!("{text}{behind}");
            for other in [None, Some("auth required pam_permit.so\naccount required pam_deny.so\n")]
            {
                let mut files = vec![("login".to_owned(), login.clone())];
                files.extend(other.map(|other| ("other".to_owned(), other.to_owned())));
                if let Err(difference) = agree(&files) {
                    differences += &format!("{difference}\n");
                }
            }
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

#[test]
fn the_files_that_we_install_end_otherwise_than_libpam_ends_them() {
    // pam_unix and our own module are played by pam_debug here, with every pair of answers.
    let auth = include_str!("../../../etc/pam.d/common-auth");
    let account = include_str!("../../../etc/pam.d/common-account");
    for unix in ["success", "new_authtok_reqd", "ignore", "auth_err", "user_unknown"] {
        for ours in CODES {
            let as_told = |text: &str| {
                let unix = format!("pam_debug.so auth={unix} acct={unix} #");
                let ours = format!("pam_debug.so auth={ours} acct={ours} #");
                let local = format!("pam_debug.so acct={}", "perm_denied");
                text.replace("pam_unix.so", &unix)
                    .replace("pam_ldaps.so", &ours)
                    .replace("pam_localuser.so", &local)
            };
            let files = vec![
                (
                    "login".to_owned(),
                    format!("@include {HERE}common-auth\n@include {HERE}common-account\n"),
                ),
                ("common-auth".to_owned(), as_told(auth)),
                ("common-account".to_owned(), as_told(account)),
            ];
            if let Err(difference) = agree(&files) {
                panic!("{difference}");
            }
        }
    }
}
