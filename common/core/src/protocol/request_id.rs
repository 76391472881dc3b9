//! The name of one login in the logs: what stands as `request=` in the daemon's lines and in those
//! of the PAM module, so that one word finds all of them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Crockford's base 32: no i, l, o or u, so that it can be read out over a telephone.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Digits of a name.
const LENGTH: usize = 8;
const BITS_OF_A_DIGIT: u32 = 5;
/// The bits of a name.
const MASK: u64 = (1 << 40) - 1;

/// The name of one login. It travels as the number that earlier versions counted up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RequestId(u64);

impl RequestId {
    /// A name of random bits, of which 40 are taken: two of a thousand logins have the same name
    /// once in two million times.
    #[must_use]
    pub fn from_random(bits: u64) -> Self {
        Self(bits & MASK)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = (0..LENGTH).rev().map(|place| BITS_OF_A_DIGIT * place as u32);
        let digit = |shift: u32| DIGITS[(self.0 >> shift & 31) as usize];
        let text: String = places.map(|shift| char::from(digit(shift))).collect();
        f.write_str(&text)
    }
}

/// What is no name of a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoRequestId;

impl fmt::Display for NoRequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a login's name is the eight letters and digits behind \"request=\" in its lines, such \
             as 7kq2m9xa",
        )
    }
}

impl std::error::Error for NoRequestId {}

impl FromStr for RequestId {
    type Err = NoRequestId;

    /// Reads a name as somebody may have typed it. A module of an earlier version that is still
    /// loaded writes it as a decimal number, which is longer or shorter than a name.
    fn from_str(text: &str) -> Result<Self, NoRequestId> {
        if text.len() != LENGTH {
            let number: u64 = text.parse().map_err(|_| NoRequestId)?;
            return if number <= MASK { Ok(Self(number)) } else { Err(NoRequestId) };
        }
        let mut value = 0;
        for byte in text.bytes() {
            let byte = match byte.to_ascii_lowercase() {
                b'o' => b'0',
                b'i' | b'l' => b'1',
                other => other,
            };
            let digit = DIGITS.iter().position(|known| *known == byte).ok_or(NoRequestId)?;
            value = value << BITS_OF_A_DIGIT | digit as u64;
        }
        Ok(Self(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_another_logins() {
        for bits in [0, 1, 31, 32, 0x12_3456_789a, MASK, u64::MAX] {
            let id = RequestId::from_random(bits);
            let text = id.to_string();
            assert_eq!(text.len(), LENGTH, "{text}");
            assert_eq!(text.parse(), Ok(id), "{text}");
            assert_eq!(text.to_uppercase().parse(), Ok(id), "{text}");
        }
        assert_eq!(RequestId::from_random(7).to_string(), "00000007");
        assert_eq!("OI0l0007".parse(), "01010007".parse::<RequestId>());
        assert_eq!("123456789012".parse(), Ok(RequestId(123_456_789_012)));
        for wrong in ["", "alice", "7kq2m9x", "7kq2m9x!", "7kq2m9xu", "99999999999999", "-1"] {
            assert_eq!(wrong.parse::<RequestId>(), Err(NoRequestId), "{wrong}");
        }
    }
}
