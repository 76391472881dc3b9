//! This host's clock against the domain controller's.
#![forbid(unsafe_code)]

use super::report::{Report, Severity::Warning};
use ldaps_directory::Seen;

const AREA: &str = "clock";
/// What AD itself bears with (the default of "Maximum tolerance for computer clock synchronization").
const TOLERANCE: u64 = 300;

/// Compares them.
pub fn look(seen: Option<&Seen>, report: &mut Report) {
    let Some(ahead) = seen.and_then(|seen| seen.clock_ahead) else {
        let what = "not compared with the domain controller's, which could not be asked";
        return report.unseen(AREA, "compared", what, "mend that first; meanwhile: timedatectl");
    };
    if ahead.unsigned_abs() <= TOLERANCE {
        return report.fine(
            AREA,
            "compared",
            format!("{} s from the domain controller's", ahead.abs()),
        );
    }
    let side = if ahead > 0 { "behind" } else { "ahead of" };
    report.add(
        Warning,
        AREA,
        "off",
        format!("this host's clock is {} {side} the domain controller's", spoken(ahead.unsigned_abs())),
        "the dates of certificates, accounts and passwords, and the hours in which people may log in, are \
         judged by this one",
        "sudo timedatectl set-ntp true; timedatectl; if it is this clock that is right: the domain controller's",
    );
}

fn spoken(seconds: u64) -> String {
    match seconds {
        0..7_200 => format!("{} minutes", seconds / 60),
        7_200..172_800 => format!("{} hours", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}
