//! Packing at every size of buffer and every alignment.

#[cfg(test)]
mod support;

use std::mem::MaybeUninit;

use ldaps_core::entries::{GroupEntry, PasswdEntry};
use nss_ldaps::pack::{TooSmall, pack_group, pack_passwd};
use proptest::prelude::*;
use support::ffi;

/// What a directory may hold in a text: anything but control characters and ':'.
fn text() -> impl Strategy<Value = String> {
    "[^\\p{Cc}:]{0,12}"
}

proptest! {
    #[test]
    fn a_user_is_cut_short_or_refused_for_want_of_space_that_is_there(
        name in text(), gecos in text(), home in text(), shell in text(), uid: u32, gid: u32,
    ) {
        let user = PasswdEntry { name, uid, gid, gecos, home, shell };
        let needed = [&user.name, "*", &user.gecos, &user.home, &user.shell]
            .iter().map(|text| text.len() + 1).sum::<usize>();
        for room in 0..needed {
            let mut buffer = vec![MaybeUninit::new(0xAA); room];
            prop_assert_eq!(pack_passwd(&user, &mut buffer), Err(TooSmall));
            prop_assert!(ffi::is_untouched(&buffer), "{} of {} bytes", room, needed);
        }
        for room in [needed, needed + 1, needed + 100] {
            prop_assert_eq!(ffi::user(room, &|mut slot| slot.put_user(&user)), Ok(user.clone()));
        }
    }

    #[test]
    fn a_groups_members_are_cut_short_misaligned_or_written_beyond_the_buffer(
        name in text(), gid: u32, members in prop::collection::vec(text(), 0..6), skew in 0_usize..8,
    ) {
        let group = GroupEntry { name, gid, members };
        let padding = (8 - skew) % 8;
        let texts = group.name.len() + 1 + 2 + group.members.iter().map(|m| m.len() + 1).sum::<usize>();
        let needed = padding + 8 * (group.members.len() + 1) + texts;
        for room in 0..needed {
            let packed = ffi::group(room, skew, &|slot| {
                let packed = pack_group(&group, slot.buffer);
                assert!(ffi::is_untouched(slot.buffer), "{room} of {needed} bytes");
                packed.map(|_| ()).map_err(Into::into)
            });
            prop_assert_eq!(packed, Err(nss_ldaps::status::Miss::ShortBuffer));
        }
        for room in [needed, needed + 1, needed + 100] {
            prop_assert_eq!(ffi::group(room, skew, &|mut slot| slot.put_group(&group)), Ok(group.clone()));
        }
    }
}
