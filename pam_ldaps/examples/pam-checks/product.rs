//! Every kind of password, by every account's state, caller, question and conversation: the whole
//! product, on ldapsd and the test directory, with the binds counted where they arrive.
#![forbid(unsafe_code)]

use std::ffi::{CStr, CString};
use std::process::Command;

use crate::cases::{AUTH_ERR, MAXTRIES, SUCCESS};
use crate::daemon::RIGHT;
use crate::ffi::{Answer, Conversation, Login, as_user};
use crate::oracle::{Caller, Conversing, Outcome, Phase, State, Trial, Typed};
use crate::scripted::said_by_us;
use crate::{Count, Faults, same, write_pam_files};

/// The state, the account that logs in, and the one that changes its password: each caller's
/// tries for one account are counted, and a minute has twelve.
const ACCOUNTS: &[(State, &str, &str)] = &[
    (State::Good, "erin", "ch-good"),
    (State::Disabled, "disabled", "ch-disabled"),
    (State::Expired, "expired", "ch-expired"),
    (State::PasswordExpired, "pwexpired", "ch-pwexpired"),
    (State::MustChange, "mustchange", "ch-mustchange"),
    (State::Locked, "locked", "ch-locked"),
    (State::NoHours, "nohours", "ch-nohours"),
    (State::WrongStation, "wrongstation", "ch-wrongstation"),
    (State::Restricted, "restricted", "ch-restricted"),
    (State::TooManyGroups, "toomany", "ch-toomany"),
    (State::Strange, "strange", "ch-strange"),
    (State::CalledUnknown, "nosuch", "ch-nosuch"),
    (State::Outside, "dave", "ch-outside"),
    (State::Unreadable, "nouac", "ch-nouac"),
];
const TYPED: [Typed; 6] =
    [Typed::Right, Typed::Wrong, Typed::Empty, Typed::Nul, Typed::Long, Typed::NotUtf8];
const CALLERS: [Caller; 3] = [Caller::Root, Caller::Oneself, Caller::Another];
const PHASES: [Phase; 3] = [Phase::Auth, Phase::Account, Phase::Change];
const CONVERSING: [Conversing; 6] = [
    Conversing::Well,
    Conversing::PromptNoReply,
    Conversing::PromptError,
    Conversing::PromptTooFew,
    Conversing::MessageNoReply,
    Conversing::MessageError,
];

/// Who asks about others without being allowed to.
const ANOTHER: &str = "bob";
/// Whose tries are used up.
const TIRELESS: &str = "hashy";
/// Where the test directory writes each bind down, before it answers.
const BINDS: &str = "/run/domain/binds";
/// AD takes it from nobody: too short. So an account's state stays as it is.
const TOO_SHORT: &[u8] = b"Sh0.t";
const WRONG: &[u8] = b"Secret.124";

/// Goes through all of it; a check for each state, question and caller.
pub fn check(count: &mut Count) {
    let mut trials = 0_u32;
    for (state, logs_in, changes) in ACCOUNTS {
        for phase in PHASES {
            let account = if phase == Phase::Change { changes } else { logs_in };
            for caller in CALLERS {
                let what = format!("product: {state:?}, {phase:?}, asked by {caller:?}");
                let mut faults = Faults::new();
                let uid = match caller {
                    Caller::Root => Ok(0),
                    Caller::Oneself => uid_of(account),
                    Caller::Another => uid_of(ANOTHER),
                };
                for typed in TYPED {
                    for conversing in CONVERSING {
                        let trial = Trial { state: *state, typed, caller, phase, conversing };
                        trials += 1;
                        match uid.clone().and_then(|uid| run(account, uid, trial)) {
                            Ok(outcome) => judge(&mut faults, trial, outcome),
                            Err(error) => faults.push(format!("{trial:?}: {error}")),
                        }
                    }
                }
                count.check(&what, &faults);
            }
        }
    }
    println!("        {trials} trials");
    count.check("product: the thirteenth try of a minute", &limit().unwrap_or_else(|e| vec![e]));
}

/// What the oracle says, and what holds of every trial whatever the oracle says.
fn judge(faults: &mut Faults, trial: Trial, outcome: Outcome) {
    let expected = trial.expected();
    if outcome != expected {
        faults.push(format!(
            "{:?}, {:?}: {outcome:?}, wanted {expected:?}",
            trial.typed, trial.conversing
        ));
    }
    let sent_what_must_not_be = !trial.may_be_sent() && outcome.binds > 0;
    let guessed =
        trial.phase != Phase::Account && trial.typed != Typed::Right && outcome.code == SUCCESS;
    if outcome.binds > 1 || sent_what_must_not_be || guessed || outcome.lines > 1 {
        faults.push(format!("{trial:?} must never come to {outcome:?}"));
    }
}

fn run(account: &str, uid: u32, trial: Trial) -> Result<Outcome, String> {
    let prompt = match trial.conversing {
        Conversing::Well | Conversing::MessageNoReply | Conversing::MessageError => {
            Answer::Bytes(match trial.typed {
                Typed::Right => RIGHT.to_vec(),
                Typed::Wrong => WRONG.to_vec(),
                Typed::Empty => Vec::new(),
                Typed::Nul => [b"\0", RIGHT].concat(),
                Typed::Long => vec![b'x'; 4096],
                Typed::NotUtf8 => b"Secret\xff123".to_vec(),
            })
        }
        Conversing::PromptNoReply => Answer::NoReply,
        Conversing::PromptError => Answer::Failure,
        Conversing::PromptTooFew => Answer::Nothing,
    };
    let to_messages = match trial.conversing {
        Conversing::MessageNoReply => Answer::NoReply,
        Conversing::MessageError => Answer::Failure,
        Conversing::Well
        | Conversing::PromptNoReply
        | Conversing::PromptError
        | Conversing::PromptTooFew => Answer::Nothing,
    };
    let to_prompts = vec![prompt, Answer::Bytes(TOO_SHORT.to_vec())];
    let conversation = Conversation { to_prompts, to_messages, ..Conversation::typing(b"") };
    ask(account, uid, trial.phase, conversation)
}

/// One question of libpam's, asked by a process of this uid.
fn ask(
    account: &str,
    uid: u32,
    phase: Phase,
    conversation: Conversation,
) -> Result<Outcome, String> {
    let files = write_pam_files("").map_err(|error| error.to_string())?;
    let user = CString::new(account).map_err(|error| error.to_string())?;
    let before = binds_of_people()?;
    let said = as_user(uid, || said_in_a_line(&user, files, phase, conversation));
    let said = said.ok_or("the process that asks has ended badly")?;
    let numbers: Vec<usize> = said.split(' ').filter_map(|word| word.parse().ok()).collect();
    let [code, prompts, lines] = numbers[..] else { return Err(said) };
    let code = i32::try_from(code).map_err(|error| error.to_string())?;
    Ok(Outcome { code, prompts, lines, binds: binds_of_people()? - before })
}

/// Code, prompts and lines, as one line for the process that waits for it.
fn said_in_a_line(
    user: &CStr,
    files: &'static CStr,
    phase: Phase,
    conversation: Conversation,
) -> String {
    let login = Login::start("ldaps-module", user, Some(files), conversation);
    let mut login = match login {
        Ok(login) => login.without_delay(),
        Err(code) => return format!("pam_start gives {code}"),
    };
    let code = match phase {
        Phase::Auth => login.authenticate(0),
        Phase::Account => login.account(0),
        Phase::Change => login.change_password(0),
    };
    let seen = login.seen();
    let lines = seen.messages.iter().filter(|line| said_by_us(line)).count();
    format!("{code} {} {lines}", seen.prompts)
}

/// Twelve tries a minute are taken, the thirteenth is answered here: whoever sits at a locked
/// screen cannot guess on.
fn limit() -> Result<Faults, String> {
    let mut faults = Faults::new();
    let uid = uid_of(TIRELESS)?;
    for number in 1..=13 {
        let outcome = ask(TIRELESS, uid, Phase::Auth, Conversation::typing(WRONG))?;
        let (code, lines, binds) = if number < 13 { (AUTH_ERR, 0, 1) } else { (MAXTRIES, 1, 0) };
        let expected = Outcome { code, prompts: 1, lines, binds };
        same(&mut faults, &format!("try {number}"), &outcome, &expected);
    }
    Ok(faults)
}

/// How many binds have arrived for anybody but the service account, empty ones too.
pub fn binds_of_people() -> Result<u64, String> {
    let log = std::fs::read_to_string(BINDS).map_err(|error| format!("{BINDS}: {error}"))?;
    let of_people = log.lines().filter(|line| !line.starts_with("svc-linux "));
    u64::try_from(of_people.count()).map_err(|error| error.to_string())
}

fn uid_of(account: &str) -> Result<u32, String> {
    let output = Command::new("id").args(["-u", "--", account]).output();
    let output = output.map_err(|error| format!("id: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().map_err(|_| format!("{account} has no uid here"))
}
