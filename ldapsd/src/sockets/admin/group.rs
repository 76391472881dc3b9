//! A group, for the administrator: as this host shows it, and what the directory has around it.

use ldaps_core::names::GroupName;
use ldaps_core::protocol::admin::AdminReply;
use ldaps_core::protocol::tools::GroupReport;
use ldaps_directory::{DirectoryError, GroupRecord};

use crate::host::Host;
use crate::lookups::memory::KnownGroup;

/// Asks the directory about a group.
///
/// # Errors
/// [`DirectoryError`].
pub(super) async fn group(host: &Host, name: &str) -> Result<AdminReply, DirectoryError> {
    let parsed = match GroupName::parse(name.as_bytes()) {
        Ok(parsed) => parsed,
        Err(error) => return Ok(AdminReply::NoSuchGroup(format!("{name:?}: {error}"))),
    };
    if host.lookups.local_names()?.has_group(parsed.as_str()) {
        let why = format!("{name:?} is a group of this host itself, and ldapsd leaves it alone");
        return Ok(AdminReply::NoSuchGroup(why));
    }
    match host.lookups.group_now(&parsed).await? {
        Some(group) => Ok(AdminReply::Group(Box::new(report(host, &group, &parsed).await?))),
        None => Ok(AdminReply::NoSuchGroup(host.lookups.why_no_group(&parsed).await?)),
    }
}

async fn report(
    host: &Host,
    group: &KnownGroup,
    name: &GroupName,
) -> Result<GroupReport, DirectoryError> {
    let mut report = GroupReport {
        entry: group.entry(),
        dn: None,
        sid: group.sid.map(|sid| sid.to_string()),
        groups_in_it: Vec::new(),
        in_groups: Vec::new(),
    };
    let directory = &host.directory;
    let Some(record) = directory.group_by_name(name).await?.filter(|_| group.sid.is_some()) else {
        return Ok(report);
    };
    report.groups_in_it = names(directory.groups_in(&record.dn).await?);
    let above = directory.groups_above(&record.dn).await?;
    report.in_groups = names(directory.groups_by_sid(&above).await?);
    report.dn = Some(record.dn);
    Ok(report)
}

fn names(groups: Vec<GroupRecord>) -> Vec<String> {
    let name = |group: GroupRecord| ldaps_core::names::fold(&group.sam_account_name);
    let mut names: Vec<String> = groups.into_iter().map(name).collect();
    names.sort_unstable();
    names
}
