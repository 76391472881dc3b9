//! What each module answers, for whom. Those that are not known are taken as having no say.
#![forbid(unsafe_code)]

use super::stack::{Line, Phase};

/// Our own.
pub const OURS: &str = "pam_ldaps.so";

/// Who logs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Person {
    /// Root.
    Root,
    /// Somebody in /etc/passwd.
    Local,
    /// Somebody from the directory.
    Directory,
}

impl Person {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Person::Root => "root",
            Person::Local => "a local user",
            Person::Directory => "a user of the directory",
        }
    }

    fn uid(self) -> u64 {
        match self {
            Person::Root => 0,
            Person::Local => 1000,
            Person::Directory => 1_000_000_000,
        }
    }
}

/// How we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Daemon {
    /// It answers.
    Up,
    /// It does not.
    Down,
    /// Our PAM module cannot be loaded.
    ModuleGone,
}

impl Daemon {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Daemon::Up => "the daemon up",
            Daemon::Down => "the daemon down",
            Daemon::ModuleGone => "pam_ldaps.so gone",
        }
    }
}

/// One login.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// Who.
    pub person: Person,
    /// How we are.
    pub daemon: Daemon,
    right_password: bool,
    disabled: bool,
}

impl Case {
    /// With the right password.
    pub fn right(person: Person, daemon: Daemon) -> Case {
        Case { person, daemon, right_password: true, disabled: false }
    }

    /// With another.
    pub fn with_wrong_password(self) -> Case {
        Case { right_password: false, ..self }
    }

    /// Of an account that AD has disabled.
    pub fn disabled(self) -> Case {
        Case { disabled: true, ..self }
    }
}

/// Everything that a module may answer (pam.conf(5); security/_pam_types.h).
pub const ANSWERS: &[&str] = &[
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
    "conv_again",
    "incomplete",
];

/// Modules that never have a say here: they set something up, or look for what is not the matter.
const SILENT: &[&str] = &[
    "pam_env.so",
    "pam_faildelay.so",
    "pam_group.so",
    "pam_cap.so",
    "pam_nologin.so",
    "pam_securetty.so",
    "pam_limits.so",
    "pam_motd.so",
    "pam_mail.so",
    "pam_issue.so",
    "pam_shells.so",
    "pam_ecryptfs.so",
    "pam_gnome_keyring.so",
    "pam_kwallet5.so",
    "pam_warn.so",
    "pam_echo.so",
    "pam_mkhomedir.so",
];
/// Other sources of people: they know neither ours nor the host's.
const OTHERS: &[&str] =
    &["pam_sss.so", "pam_winbind.so", "pam_ldap.so", "pam_krb5.so", "pam_systemd_home.so"];

/// Whether the answer is known.
pub fn is_known(module: &str) -> bool {
    const PLAYED: &[&str] = &[
        OURS,
        "pam_unix.so",
        "pam_permit.so",
        "pam_deny.so",
        "pam_rootok.so",
        "pam_localuser.so",
        "pam_succeed_if.so",
        "pam_faillock.so",
        "pam_debug.so",
    ];
    PLAYED.contains(&module) || SILENT.contains(&module) || OTHERS.contains(&module)
}

/// What a module answers, by the names of pam.conf(5).
pub fn answer(line: &Line, phase: Phase, case: &Case) -> &'static str {
    if line.broken {
        return "perm_denied";
    }
    if !line.installed || (line.module == OURS && case.daemon == Daemon::ModuleGone) {
        return "module_unknown";
    }
    match line.module.as_str() {
        OURS => ours(phase, case),
        "pam_unix.so" => unix(phase, case),
        "pam_permit.so" => "success",
        "pam_deny.so" => "auth_err",
        // The caller is no root here.
        "pam_rootok.so" => "auth_err",
        "pam_localuser.so" => match case.person {
            Person::Root | Person::Local => "success",
            Person::Directory => "perm_denied",
        },
        "pam_succeed_if.so" => succeed_if(&line.arguments, case.person),
        "pam_faillock.so" => match line.arguments.iter().any(|it| it == "authfail") {
            true => "auth_err",
            false if line.arguments.iter().any(|it| it == "authsucc") => "success",
            false => "ignore",
        },
        "pam_debug.so" => as_told(&line.arguments, phase),
        module if OTHERS.contains(&module) => "user_unknown",
        _ => "ignore",
    }
}

/// pam_debug(8): success, or what it is told to say.
fn as_told(arguments: &[String], phase: Phase) -> &'static str {
    let key = match phase {
        Phase::Auth => "auth=",
        Phase::Account => "acct=",
    };
    let told = arguments.iter().find_map(|argument| argument.strip_prefix(key));
    let known = |told| ANSWERS.iter().find(|answer| **answer == told).copied();
    told.and_then(known).unwrap_or("success")
}

fn ours(phase: Phase, case: &Case) -> &'static str {
    match (case.person, phase) {
        (Person::Root | Person::Local, _) => "ignore",
        (Person::Directory, _) if case.daemon != Daemon::Up => "authinfo_unavail",
        (Person::Directory, Phase::Auth) if !case.right_password => "auth_err",
        (Person::Directory, Phase::Account) if case.disabled => "acct_expired",
        (Person::Directory, Phase::Auth | Phase::Account) => "success",
    }
}

/// It says success to the account of everybody whom NSS knows and /etc/shadow does not.
fn unix(phase: Phase, case: &Case) -> &'static str {
    match (case.person, phase) {
        (Person::Root | Person::Local, Phase::Auth) if !case.right_password => "auth_err",
        (Person::Root | Person::Local, _) => "success",
        (Person::Directory, Phase::Auth) => "auth_err",
        (Person::Directory, Phase::Account) => "success",
    }
}

/// `uid >= 1000`, `user != root`; other conditions hold.
fn succeed_if(arguments: &[String], person: Person) -> &'static str {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let holds = words.windows(3).all(|three| {
        let [what, operator, value] = three else { return true };
        match *what {
            "uid" => {
                value.parse().map_or(true, |value: u64| compare(person.uid(), operator, value))
            }
            "user" if *value == "root" => match *operator {
                "=" | "eq" => person == Person::Root,
                "!=" | "ne" => person != Person::Root,
                _ => true,
            },
            _ => true,
        }
    });
    if holds { "success" } else { "auth_err" }
}

fn compare(uid: u64, operator: &str, value: u64) -> bool {
    match operator {
        "lt" | "<" => uid < value,
        "le" | "<=" => uid <= value,
        "eq" | "=" => uid == value,
        "ge" | ">=" => uid >= value,
        "gt" | ">" => uid > value,
        "ne" | "!=" => uid != value,
        _ => true,
    }
}
