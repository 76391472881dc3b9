//! The state of an account, read from what AD shows.

use super::*;

/// Monday, 23 November 2026, 15:30 UTC.
const NOW: u64 = 1_795_447_800;

fn filetime(unix: u64) -> i64 {
    i64::try_from((unix + EPOCH_GAP) * TICKS).unwrap()
}

fn state() -> AccountState {
    AccountState {
        user_account_control: Some(0x200),
        computed: computed(0, Some(NEVER)),
        account_expires: Some(NEVER),
        logon_hours: None,
        password_last_set: Some(filetime(NOW - 3600)),
        wrong_passwords: Some(0),
        wrong_password_at: None,
        workstations: None,
    }
}

fn computed(control: u32, password_expires: Option<i64>) -> Option<Computed> {
    Some(Computed { control: Some(control), password_expires })
}

fn hours(open: u64) -> Option<Vec<u8>> {
    let mut hours = vec![0; 21];
    hours[usize::try_from(open / 8).unwrap()] |= 1 << (open % 8);
    Some(hours)
}

#[test]
fn an_account_that_ad_keeps_out_is_let_in_or_the_other_way_round() {
    let closed = Judgement::Closed;
    let monday_15 = 24 + 15;
    let table: &[(fn(&mut AccountState), Judgement)] = &[
        (|_| {}, Judgement::Open),
        (|s| s.user_account_control = None, Judgement::Unreadable("userAccountControl")),
        (|s| s.user_account_control = Some(0x202), closed(Refusal::AccountDisabled)),
        (|s| s.user_account_control = Some(0x10200), Judgement::Open),
        (|s| s.account_expires = None, Judgement::Open),
        (|s| s.account_expires = Some(0), Judgement::Open),
        (|s| s.account_expires = Some(-1), Judgement::Open),
        (|s| s.account_expires = Some(filetime(NOW - 1)), closed(Refusal::AccountExpired)),
        (|s| s.account_expires = Some(filetime(NOW + 1)), Judgement::Open),
        (|s| s.logon_hours = Some(vec![0; 21]), closed(Refusal::LogonHours)),
        (|s| s.logon_hours = Some(vec![0xff; 21]), Judgement::Open),
        (|s| s.logon_hours = Some(vec![0; 3]), Judgement::Open),
    ];
    let now = UNIX_EPOCH + Duration::from_secs(NOW);
    for (at, (spoil, judgement)) in table.iter().enumerate() {
        let mut state = state();
        spoil(&mut state);
        assert_eq!(state.judge(now), *judgement, "row {at}");
    }
    let only = |hour| AccountState { logon_hours: hours(hour), ..state() }.judge(now);
    assert_eq!(only(monday_15), Judgement::Open);
    assert_eq!(only(monday_15 - 1), closed(Refusal::LogonHours));
    assert_eq!(only(monday_15 + 1), closed(Refusal::LogonHours));
}

#[test]
fn a_password_that_must_be_changed_is_good_or_the_other_way_round() {
    let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
    let table = [
        (Some(NEVER), 0, PasswordState::Good(None)),
        (Some(filetime(NOW + 60)), 0, PasswordState::Good(Some(at(NOW + 60)))),
        (Some(filetime(NOW - 60)), 0, PasswordState::Expired),
        (Some(0), 0, PasswordState::MustChange),
        (Some(0), PASSWORD_EXPIRED, PasswordState::MustChange),
        (None, PASSWORD_EXPIRED, PasswordState::Expired),
        (Some(filetime(NOW + 60)), PASSWORD_EXPIRED, PasswordState::Expired),
        (None, 0, PasswordState::Good(None)),
    ];
    for (expires, control, expected) in table {
        let state = AccountState { computed: computed(control, expires), ..state() };
        assert_eq!(state.password(at(NOW)), expected, "{expires:?} {control:x}");
    }
    let not_asked = AccountState { computed: None, ..state() };
    assert_eq!(not_asked.password(at(NOW)), PasswordState::NotRead);
    assert_eq!(state().password_last_set(), Some(at(NOW - 3600)));
    let never = AccountState { password_last_set: Some(0), ..state() };
    assert_eq!(never.password_last_set(), None);
}

#[test]
fn wrong_passwords_of_long_ago_count() {
    let window = Duration::from_secs(600);
    let count = |ago: u64| {
        let wrong_password_at = Some(filetime(NOW - ago));
        let state = AccountState { wrong_passwords: Some(4), wrong_password_at, ..state() };
        state.wrong_passwords(window, UNIX_EPOCH + Duration::from_secs(NOW))
    };
    assert_eq!((count(1), count(599), count(601)), (4, 4, 0));
}

#[test]
fn one_objection_hides_the_next_or_a_list_of_computers_is_misread() {
    let now = UNIX_EPOCH + Duration::from_secs(NOW);
    let state = AccountState {
        user_account_control: Some(0x4_0202),
        account_expires: Some(filetime(NOW - 1)),
        logon_hours: Some(vec![0; 21]),
        workstations: Some("PC-ONE, dc1,,".to_owned()),
        ..state()
    };
    let all = vec![Refusal::AccountDisabled, Refusal::AccountExpired, Refusal::LogonHours];
    assert_eq!(state.objections(now), Ok(all));
    assert_eq!(state.workstations(), ["PC-ONE", "dc1"]);
    assert!(state.is_smartcard_only());
    assert!(!super::tests::state().is_smartcard_only());
    assert!(super::tests::state().workstations().is_empty());
}

#[test]
fn a_lockout_is_read_from_the_attribute_that_does_not_show_it() {
    let control = AccountState { user_account_control: Some(0x210), ..state() };
    let computed = AccountState { computed: computed(LOCKED_OUT, None), ..state() };
    assert!(!control.is_locked_out());
    assert!(computed.is_locked_out());
}

#[test]
fn a_password_of_before_passes_for_the_new_one_or_is_forgotten_by_a_look_up() {
    let earlier = AccountState { computed: computed(0, Some(0)), ..state() };
    let looked_up = || AccountState { computed: None, ..state() };
    let mut same = looked_up();
    assert!(same.remember_password(&earlier));
    assert_eq!(same, earlier);
    let changed: [fn(&mut AccountState); 2] =
        [|s| s.password_last_set = Some(1), |s| s.user_account_control = Some(0x10200)];
    for change in changed {
        let mut new = looked_up();
        change(&mut new);
        assert!(!new.remember_password(&earlier));
        assert_eq!(new.computed, None);
    }
    let mut asked = state();
    assert!(!asked.remember_password(&earlier), "what was asked for is not overwritten");
    assert_eq!(asked, state());
}
