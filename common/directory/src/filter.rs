//! Filters as they are sent. A value is put into its place as it is and encoded in BER, never
//! pasted into text that somebody parses: there is nothing that a value could break out of.

use ldap3_proto::proto::{LdapFilter, LdapMatchingRuleAssertion, LdapSubstringFilter};
use ldaps_core::config::{self, FilterNode};
use ldaps_core::sid::Sid;

/// A value to compare an attribute with. It only comes from types that were checked, or from the
/// directory itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FilterValue(String);

impl FilterValue {
    /// A name, a DN, a number: text that holds no NUL.
    pub(crate) fn text(value: &str) -> Self {
        Self(value.to_owned())
    }

    /// A SID, in the text form that AD takes in filters (MS-ADTS 3.1.1.3.1.3.1).
    pub(crate) fn sid(sid: Sid) -> Self {
        Self(sid.to_string())
    }

    /// A number.
    pub(crate) fn number(value: u32) -> Self {
        Self(value.to_string())
    }
}

/// `(attribute=value)`
pub(crate) fn equals(attribute: &str, value: FilterValue) -> LdapFilter {
    LdapFilter::Equality(attribute.to_owned(), value.0)
}

/// `(|(attribute=value)(attribute=value)...)`
pub(crate) fn any_of(attribute: &str, values: impl Iterator<Item = FilterValue>) -> LdapFilter {
    LdapFilter::Or(values.map(|value| equals(attribute, value)).collect())
}

/// `(&...)`
pub(crate) fn both(one: LdapFilter, other: LdapFilter) -> LdapFilter {
    LdapFilter::And(vec![one, other])
}

/// `(attribute=*)`
pub(crate) fn present(attribute: &str) -> LdapFilter {
    LdapFilter::Present(attribute.to_owned())
}

/// A filter from the configuration.
pub(crate) fn configured(filter: &config::LdapFilter) -> LdapFilter {
    from_node(filter.node())
}

fn from_node(node: &FilterNode) -> LdapFilter {
    let all = |nodes: &[FilterNode]| nodes.iter().map(from_node).collect();
    match node.clone() {
        FilterNode::And(nodes) => LdapFilter::And(all(&nodes)),
        FilterNode::Or(nodes) => LdapFilter::Or(all(&nodes)),
        FilterNode::Not(node) => LdapFilter::Not(Box::new(from_node(&node))),
        FilterNode::Present(attribute) => LdapFilter::Present(attribute),
        FilterNode::Equal(attribute, value) => LdapFilter::Equality(attribute, value),
        FilterNode::AtLeast(attribute, value) => LdapFilter::GreaterOrEqual(attribute, value),
        FilterNode::AtMost(attribute, value) => LdapFilter::LessOrEqual(attribute, value),
        FilterNode::Approximate(attribute, value) => LdapFilter::Approx(attribute, value),
        FilterNode::Substring(attribute, pieces) => {
            LdapFilter::Substring(attribute, substring(pieces))
        }
        FilterNode::Extensible { attribute, rule, dn, value } => {
            LdapFilter::Extensible(LdapMatchingRuleAssertion {
                matching_rule: rule,
                type_: Some(attribute),
                match_value: value,
                dn_attributes: dn,
            })
        }
    }
}

fn substring(mut pieces: Vec<String>) -> LdapSubstringFilter {
    let some = |piece: String| (!piece.is_empty()).then_some(piece);
    let last = pieces.pop().and_then(some);
    let initial = match pieces.is_empty() {
        true => None,
        false => some(pieces.remove(0)),
    };
    LdapSubstringFilter { initial, any: pieces, final_: last }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_of_the_configuration_is_sent_as_another() {
        let equal = |a: &str, v: &str| LdapFilter::Equality(a.into(), v.into());
        let substring = |initial: Option<&str>, any: &[&str], last: Option<&str>| {
            LdapFilter::Substring(
                "cn".into(),
                LdapSubstringFilter {
                    initial: initial.map(Into::into),
                    any: any.iter().map(|piece| (*piece).into()).collect(),
                    final_: last.map(Into::into),
                },
            )
        };
        let table = [
            ("(mail=a b)", equal("mail", "a b")),
            ("(memberOf=CN=x\\2c y,DC=z)", equal("memberOf", "CN=x, y,DC=z")),
            ("(cn=*)", LdapFilter::Present("cn".into())),
            ("(cn=a*)", substring(Some("a"), &[], None)),
            ("(cn=*a)", substring(None, &[], Some("a"))),
            ("(cn=a*b*c*d)", substring(Some("a"), &["b", "c"], Some("d"))),
            ("(!(cn=x))", LdapFilter::Not(Box::new(equal("cn", "x")))),
            ("(|(a=1)(b=2))", LdapFilter::Or(vec![equal("a", "1"), equal("b", "2")])),
            (
                "(groupType:1.2.840.113556.1.4.803:=2147483648)",
                LdapFilter::Extensible(LdapMatchingRuleAssertion {
                    matching_rule: Some("1.2.840.113556.1.4.803".into()),
                    type_: Some("groupType".into()),
                    match_value: "2147483648".into(),
                    dn_attributes: false,
                }),
            ),
        ];
        for (text, expected) in table {
            assert_eq!(configured(&config::LdapFilter::parse(text).unwrap()), expected, "{text}");
        }
    }
}
