//! PAM: the stacks of the services people log in by, played through for root, a local user and a
//! user of the directory, with the daemon up, down, and our module gone; so that a lock-out is found
//! before it happens.
#![forbid(unsafe_code)]

mod control;
mod modules;
mod play;
mod stack;

use super::Doctor;
use super::report::{Fix, Report, Severity::Fault};
use control::Action;
use modules::{Case, Daemon, Person};
use play::Outcome;
use stack::{Line, Phase, Stack};

const AREA: &str = "PAM";
const SERVICES: [&str; 4] = ["sshd", "login", "su", "sudo"];
/// Root and a local user, with the daemon up, down, and our module gone.
const EVERY_CASE: usize = 6;
/// Without `sudo`, which asks the stacks that are to be mended.
const MANAGED: &str = "in a root shell: pam-auth-update --enable ldaps; if it says that the files were changed by \
                       hand: pam-auth-update --force --enable ldaps (which forgets those changes)";

/// Plays every service through.
pub fn look(doctor: &Doctor, report: &mut Report) {
    let (mut troubles, mut fine) = (Vec::new(), Vec::new());
    for service in SERVICES {
        let path = doctor.path(&format!("/etc/pam.d/{service}"));
        if !path.exists() {
            continue;
        }
        match Stack::read(&doctor.root, service) {
            Ok(stack) => {
                broken(service, &stack, &mut troubles);
                if look_at(service, &stack, &mut troubles, report) {
                    fine.push(service);
                }
            }
            Err(problem) => report.add(
Fault,
                AREA,
                "stack-broken",
                format!("{service}: {problem}"),
                "libpam refuses everybody by this service, root too",
                "put the file back, in a root shell: apt-get install --reinstall PACKAGE-OF-THAT-FILE; those that \
                 begin with common-: cp /usr/share/pam/common-* /etc/pam.d && pam-auth-update --force",
            ),
        }
    }
    if !fine.is_empty() {
        let what = format!(
            "{}: root and local users get in with the daemon up, down and the module gone; users of the \
             directory while it is up; a wrong password and a disabled account never",
            fine.join(", ")
        );
        report.fine(AREA, "stack", what);
    }
    for trouble in merged(troubles) {
        let who = match trouble.who.len() {
            EVERY_CASE => "root and local users, whatever the daemon does".to_owned(),
            _ => trouble.who.join("; "),
        };
        let who = format!("{}: {who}", trouble.services.join(", "));
        report.add(
            Fault,
            AREA,
            trouble.id,
            format!("{who}: {}", trouble.end),
            trouble.why,
            trouble.remedy,
        );
        if trouble.id == "not-asked" {
            // It leaves files alone that somebody has edited, and says so.
            report.mended_by(Fix::run(&["pam-auth-update --package --enable ldaps"]));
        }
    }
}

/// One line's fault, for everybody whom it hits: most stand in a file that all services include.
#[derive(Clone)]
struct Trouble {
    id: &'static str,
    services: Vec<String>,
    who: Vec<String>,
    end: String,
    why: &'static str,
    remedy: String,
}

fn merged(troubles: Vec<Trouble>) -> Vec<Trouble> {
    let mut merged: Vec<Trouble> = Vec::new();
    for trouble in troubles {
        let same = |it: &&mut Trouble| (it.id, &it.end) == (trouble.id, &trouble.end);
        let Some(first) = merged.iter_mut().find(same) else {
            merged.push(trouble);
            continue;
        };
        for (to, from) in [(&mut first.services, &trouble.services), (&mut first.who, &trouble.who)]
        {
            let new: Vec<String> = from.iter().filter(|it| !to.contains(it)).cloned().collect();
            to.extend(new);
        }
    }
    merged
}

/// Lines that libpam cannot read: each is a no to everybody.
fn broken(service: &str, stack: &Stack, troubles: &mut Vec<Trouble>) {
    for line in stack.broken_lines() {
        troubles.push(Trouble {
            id: "line-broken",
            services: vec![service.to_owned()],
            who: vec!["everybody".to_owned()],
            end: format!(
                "{}:{} is not a line that libpam can read, or includes what is not there",
                line.file, line.number
            ),
            why: "libpam takes such a line for a refusal, and root is locked out, too",
            remedy: format!("correct {}:{} (pam.d(5)){}", line.file, line.number, anew(&line.file)),
        });
    }
}

/// Plays one service through; true where all of it is as it should be.
fn look_at(service: &str, stack: &Stack, troubles: &mut Vec<Trouble>, report: &mut Report) -> bool {
    let before = troubles.len();
    for daemon in [Daemon::Up, Daemon::Down, Daemon::ModuleGone] {
        for person in [Person::Root, Person::Local] {
            host_people(service, stack, Case::right(person, daemon), troubles);
        }
    }
    directory_people(service, stack, troubles);
    let is_fine = troubles.len() == before;
    if !is_fine {
        instead_the_absent(service, stack, before, troubles);
    }
    let unknown = stack.unknown_modules();
    if !unknown.is_empty() {
        let unknown = unknown.join(", ");
        report.fine(AREA, "assumed", format!("{service}: taken as having no say: {unknown}"));
    }
    is_fine
}

/// Where a module that is named is not installed, that is the cause, and what was found its
/// consequence.
fn instead_the_absent(service: &str, stack: &Stack, before: usize, troubles: &mut Vec<Trouble>) {
    // One with a dash is to be missing now and then; it is the cause only where that is a no.
    let refuses = |line: &Line| matches!(line.action("module_unknown"), Action::Bad | Action::Die);
    let is_cause = |line: &&Line| !line.installed && (!line.unlogged || refuses(line));
    let absent: Vec<&Line> = stack.lines().iter().filter(is_cause).collect();
    if absent.is_empty() {
        return;
    }
    troubles.truncate(before);
    for line in absent {
        let package = if line.module == modules::OURS { "ldaps-login" } else { "libpam-modules" };
        troubles.push(Trouble {
            id: "module-missing",
            services: vec![service.to_owned()],
            who: vec!["everybody".to_owned()],
            end: format!("{}:{} names {}, which is not installed", line.file, line.number, line.module),
            why: "libpam takes it for a refusal, and people are locked out",
            remedy: match line.module.starts_with("pam_lda") && line.module != modules::OURS {
                true => {
                    format!("did you mean {}? Correct {}:{}", modules::OURS, line.file, line.number)
                }
                false => format!(
                    "sudo apt-get install --reinstall {package}; or, where that is not its package, \
                     take the line out and count the jumps over it"
                ),
            },
        });
    }
}

/// Root and local users: in with the right password, out with a wrong one, whatever we are up to.
fn host_people(service: &str, stack: &Stack, case: Case, troubles: &mut Vec<Trouble>) {
    let who = format!("{} with {}", case.person.words(), case.daemon.words());
    for phase in [Phase::Auth, Phase::Account] {
        let outcome = play::play(stack, phase, &case);
        if !outcome.granted {
            troubles.push(Trouble {
                id: "lock-out",
                services: vec![service.to_owned()],
                who: vec![who.clone()],
                end: format!("refused in {}, {}", phase.words(), outcome.because(stack)),
                why: "root and local users are locked out; keep a root shell open until it is mended",
                remedy: mend(&outcome, stack),
            });
        }
    }
    let outcome = play::play(stack, Phase::Auth, &case.with_wrong_password());
    if outcome.granted {
        troubles.push(Trouble {
            id: "open",
            services: vec![service.to_owned()],
            who: vec![who],
            end: format!("let in with a WRONG password, {}", outcome.because(stack)),
            why: "anybody gets in",
            remedy: mend(&outcome, stack),
        });
    }
}

/// Users of the directory: in while the daemon is up, and nothing wrong ever.
fn directory_people(service: &str, stack: &Stack, troubles: &mut Vec<Trouble>) {
    let up = Case::right(Person::Directory, Daemon::Up);
    for (phase, why) in [
        (Phase::Auth, "nobody from the directory gets in with a password"),
        (Phase::Account, "whoever is disabled in AD or not allowed here gets in by an SSH key"),
    ] {
        let services = vec![service.to_owned()];
        let phase_words = phase.words();
        let common = format!("common-{phase_words}");
        let includes = stack.lines().iter().any(|line| line.file.ends_with(&common));
        if !stack.asks(phase, modules::OURS) && !includes {
            troubles.push(Trouble {
                id: "not-included",
                services,
                who: vec!["users of the directory".to_owned()],
                end: format!("/etc/pam.d/{service} does not include {common}, where pam_ldaps.so stands"),
                why,
                // pam-auth-update never touches a service's own file.
                remedy: format!(
                    "sudoedit /etc/pam.d/{service}: put \"@include {common}\" in the place of its own lines \
                     for {phase_words}"
                ),
            });
            continue;
        }
        if !stack.asks(phase, modules::OURS) {
            troubles.push(Trouble {
                id: "not-asked",
                services,
                who: vec!["users of the directory".to_owned()],
                end: format!("pam_ldaps.so is not in the {phase_words} stack (/etc/pam.d/common-{phase_words})"),
                why,
                remedy: MANAGED.to_owned(),
            });
            continue;
        }
        let outcome = play::play(stack, phase, &up);
        if !outcome.granted {
            troubles.push(Trouble {
                id: "directory-refused",
                services,
                who: vec!["users of the directory with the right password".to_owned()],
                end: format!("refused in {phase_words}, {}", outcome.because(stack)),
                why: "nobody from the directory gets in",
                remedy: mend(&outcome, stack),
            });
        }
    }
    closed(service, stack, up, troubles);
}

fn closed(service: &str, stack: &Stack, up: Case, troubles: &mut Vec<Trouble>) {
    let down = Case::right(Person::Directory, Daemon::Down);
    for (who, phase, case, why) in [
        (
            "a wrong password of the directory",
            Phase::Auth,
            up.with_wrong_password(),
            "anybody gets in as anybody of the directory",
        ),
        (
            "an account that AD has disabled",
            Phase::Account,
            up.disabled(),
            "who has left gets in by an SSH key",
        ),
        (
            "a user of the directory with the daemon down",
            Phase::Account,
            down,
            "whom nobody has judged gets in by an SSH key",
        ),
    ] {
        let outcome = play::play(stack, phase, &case);
        if outcome.granted && stack.asks(phase, modules::OURS) {
            troubles.push(Trouble {
                id: "open",
                services: vec![service.to_owned()],
                who: vec![who.to_owned()],
                end: format!("passes {}, {}", phase.words(), outcome.because(stack)),
                why,
                remedy: mend(&outcome, stack),
            });
        }
    }
}

fn mend(outcome: &Outcome, stack: &Stack) -> String {
    match outcome.decided_by.and_then(|index| stack.lines().get(index)) {
        Some(line) => {
            format!("look at {}:{} and count its jumps{}", line.file, line.number, anew(&line.file))
        }
        None => MANAGED.to_owned(),
    }
}

/// How a file that pam-auth-update writes is made anew; another has to be corrected. By itself it keeps
/// what was changed in front of its own blocks and behind them, with --force, too.
fn anew(file: &str) -> String {
    let Some((_, name)) = file.rsplit_once('/').filter(|(_, name)| name.starts_with("common-"))
    else {
        return String::new();
    };
    format!(
        "; or make the file anew, in a root shell: cp /usr/share/pam/{name} {file} && pam-auth-update --force \
         --enable ldaps (which forgets what was changed there by hand)"
    )
}
