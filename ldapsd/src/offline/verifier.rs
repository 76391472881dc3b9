//! The hash that a password is compared with while no domain controller answers: Argon2id (RFC
//! 9106), in the text form of the Password Hashing Competition, which carries its own costs.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use ldaps_core::secret::Password;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

/// Memory in KiB, rounds and lanes: RFC 9106 section 4, the second choice, but for the lanes: there
/// is one thread for it.
const COSTS: (u32, u32, u32) = (64 * 1024, 3, 1);
/// The part of the stack below a call that Argon2 may have written parts of a password to: its own
/// frames take a few pages.
const STACK: usize = 64 * 1024;

/// A password on its way to the thread that hashes; wiped when dropped.
pub(super) struct Copy(Zeroizing<Vec<u8>>);

impl Copy {
    pub(super) fn of(password: &Password) -> Self {
        Self(Zeroizing::new(password.expose().to_vec()))
    }
}

/// The hash of a password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Verifier(String);

impl Verifier {
    /// # Errors
    /// In words, where there is no memory or no randomness.
    pub(super) fn of(password: &Copy) -> Result<Self, String> {
        let hash = argon2().and_then(|argon2| {
            let hash: PasswordHash =
                argon2.hash_password(&password.0).map_err(|error| error.to_string())?;
            Ok(Self(hash.to_string()))
        });
        wipe_stack();
        hash
    }

    /// Whether it was made of this password. A text that is no hash was made of none.
    pub(super) fn matches(&self, password: &Copy) -> bool {
        let matches = PasswordHash::new(&self.0).is_ok_and(|hash| {
            // The costs are those in the text.
            Argon2::default().verify_password(&password.0, &hash).is_ok()
        });
        wipe_stack();
        matches
    }
}

fn argon2() -> Result<Argon2<'static>, String> {
    let (memory, rounds, lanes) = COSTS;
    let params = Params::new(memory, rounds, lanes, None).map_err(|error| error.to_string())?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// BLAKE2b, which Argon2 begins with, takes the password into a block on the stack. That is wiped by
/// itself; copies that the compiler made in passing are not.
#[inline(never)]
fn wipe_stack() {
    let mut below = [0_u8; STACK];
    below.zeroize();
    std::hint::black_box(&below);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy(text: &str) -> Copy {
        Copy::of(&Password::parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn a_password_opens_the_hash_of_another_or_not_its_own() {
        let verifier = Verifier::of(&copy("Grüße.世界")).unwrap();
        assert!(verifier.0.starts_with("$argon2id$v=19$m=65536,t=3,p=1$"), "{verifier:?}");
        assert!(verifier.matches(&copy("Grüße.世界")));
        assert!(!verifier.matches(&copy("Grüße.世界 ")));
        assert_ne!(
            verifier,
            Verifier::of(&copy("Grüße.世界")).unwrap(),
            "the salt is always the same"
        );
    }

    #[test]
    fn a_damaged_hash_opens() {
        let good = Verifier::of(&copy("x")).unwrap().0;
        for text in ["", "x", "$argon2id$", &good[..good.len() - 1], &good.replace("t=3", "t=4")] {
            assert!(!Verifier(text.to_owned()).matches(&copy("x")), "{text}");
        }
    }
}
