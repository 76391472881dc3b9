//! `pam_authz_search`: who may log in. A rule that cannot be carried over lets nobody in.
#![forbid(unsafe_code)]

use super::super::entries::Section;
use super::super::filters;
use super::super::plan::{Plan, Value};

pub(super) fn plan(conf: &mut Section, _name: &str, plan: &mut Plan) {
    plan.set(
        "access",
        "allow",
        Value::Texts(vec!["*".to_owned()]),
        "nslcd lets everybody in who is found",
    );
    let mut filters_of_all = Vec::new();
    for entry in conf.take_all("pam_authz_search") {
        let usable = filters::without_the_person(&entry.value)
            .ok_or_else(|| "it is no rule about the account that logs in alone".to_owned())
            .and_then(
                |filter| if filter.is_empty() { Ok(filter) } else { filters::usable(&filter) },
            );
        match usable {
            Ok(filter) => filters_of_all.push(filter),
            Err(why) => {
                let remedy = "write under [access] who may log in: `allow`, or a `filter`";
                plan.close(&entry.told(), why, remedy);
            }
        }
    }
    filters_of_all.retain(|filter| !filter.is_empty());
    match filters_of_all.as_slice() {
        [] => {}
        [one] => plan.set("access", "filter", one.as_str(), "pam_authz_search"),
        several => {
            plan.set("access", "filter", format!("(&{})", several.concat()), "pam_authz_search")
        }
    }
}
