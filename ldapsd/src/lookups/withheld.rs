//! Why an account of the directory is not shown on this host.

use std::fmt;

use ldaps_core::entries::EntryError;
use ldaps_core::idmap::IdMapError;
use ldaps_core::names::NameError;
use ldaps_core::sid::Sid;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Withheld {
    /// Its name cannot be one of a Linux account.
    Name(String, NameError),
    /// The host has a user or group of that name.
    LocalName(String),
    /// The host has a user or group with that id.
    LocalId(u32),
    /// The id is lower than the configuration allows.
    BelowMinimum(u32),
    /// The SID has no id.
    NoId(IdMapError),
    /// AD shows no such attribute, and without it there is no entry.
    Missing(&'static str),
    /// A field could not stand in a passwd or group line.
    Entry(EntryError),
    /// The id is another account's too: which DNs have it.
    Twice(u32, Vec<String>),
    /// The id was given to the account with this SID before.
    Given(u32, Sid),
}

impl fmt::Display for Withheld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name, error) => {
                write!(f, "{name:?} cannot be the name of an account here: {error}")
            }
            Self::LocalName(name) => write!(f, "this host has its own {name:?}, which goes first"),
            Self::LocalId(id) => write!(f, "the id {id} belongs to a local account"),
            Self::BelowMinimum(id) => {
                write!(f, "its id {id} is below `min_id`, where the host's own accounts are")
            }
            Self::NoId(error) => write!(f, "{error}"),
            Self::Missing(attribute) => {
                write!(f, "it has no {attribute}, or the service account may not read it")
            }
            Self::Entry(error) => write!(f, "{error}"),
            Self::Twice(id, holders) => write!(
                f,
                "the id {id} came out twice, for {}, and none of them gets it; give each an id of \
                 its own",
                holders.join(" and for ")
            ),
            Self::Given(id, owner) => write!(
                f,
                "its id {id} was given to {owner} on this host before, whose files would become \
                 this account's; give it another, or, if it is to have those files, stop ldapsd, \
                 remove the line of {id} from /var/lib/ldapsd/ids, and start it"
            ),
        }
    }
}
