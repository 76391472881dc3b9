//! Whatever stands in the files, reading them ends with a configuration or with errors.

use super::super::{AttributeName, HomeTemplate, LdapFilter, Position, Subject};
use super::{DIRECTORY, Host};
use proptest::prelude::*;

/// Text made of what the readers look for, which arbitrary letters hardly ever hit.
fn near_filters() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "(", ")", "&", "|", "!", "=", "*", "\\", "\\2a", ":", ":=", ":dn:", ">=", "~", "a", "ü",
        "1.2", ";", " ", "%u", "",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn near_toml() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "[access]\n",
        "[users.login]\n",
        "[tls]\n",
        "[[users]]\n",
        "allow = ",
        "at = ",
        "ca = ",
        "\"*\"",
        "[\"@a\", 5]",
        "{ a = 1 }",
        "\"\\u0000\"",
        "\n",
        "= =",
        "'",
        "\"\"\"",
        "1979-05-27",
        "0x_",
        "é",
        "access.sshd.deny = \"*\"\n",
        "\"\" = \"\"\n",
    ]);
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_filter_that_is_accepted_is_accepted_again_inside_another(text in near_filters()) {
        if let Ok(filter) = LdapFilter::parse(&text) {
            let both = filter.and(&LdapFilter::default_users());
            prop_assert_eq!(LdapFilter::parse(both.as_str()).unwrap(), both);
        }
    }

    #[test]
    fn arbitrary_values_are_judged_without_a_panic(text in any::<String>()) {
        let _ = LdapFilter::parse(&text);
        let _ = AttributeName::parse(&text);
        if let Ok(subject) = Subject::parse(&text) {
            prop_assert_eq!(Subject::parse(&subject.to_string()), Ok(subject));
        }
        if let Ok(home) = HomeTemplate::parse(&text) {
            let homes = ["alice", "bob"].map(|name| home.expand(name, name.len() as u32, "x"));
            prop_assert!(homes[0] != homes[1] && homes[0].starts_with('/'));
        }
    }

    #[test]
    fn any_pair_of_files_ends_in_a_configuration_or_in_errors_with_places(
        toml in near_toml(), conf in any::<String>()
    ) {
        let toml = format!("{DIRECTORY}{toml}");
        if let Err(errors) = Host::new().load(&toml, &conf) {
            prop_assert!(!errors.errors().is_empty());
            for error in errors.errors() {
                prop_assert!(!error.remedy.is_empty());
            }
        }
    }

    #[test]
    fn a_position_points_at_the_character_it_was_made_from(text in "[aü\n]{0,40}", at in 0..80_usize) {
        let Position { line, column } = Position::of(&text, at);
        let mut end = at.min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let before: Vec<&str> = text.split('\n').collect();
        let rebuilt: usize = before[..line - 1].iter().map(|line| line.len() + 1).sum::<usize>()
            + before[line - 1].chars().take(column - 1).map(char::len_utf8).sum::<usize>();
        prop_assert_eq!(rebuilt, end);
    }
}
