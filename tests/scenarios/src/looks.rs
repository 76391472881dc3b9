//! How people look on a host: homes, shells, ids, their own groups, and the host's groups that
//! they are given. Seen from inside of a session, where it counts.

#![forbid(unsafe_code)]

use crate::attempt::{Way, gets_in, stays_out};
use crate::dc::PASSWORD;
use crate::host::Host;
use crate::outcome::{Check, ensure};
use crate::product::{self, Configuration};
use crate::scenario::{Scenario, Stage};

/// The rows of this file.
pub const SCENARIOS: &[Scenario] = &[
    Scenario { name: "homes-and-shells", shows: (3, 1), disturbs: true, run: homes_and_shells },
    Scenario { name: "the-administrators-word", shows: (3, 1), disturbs: true, run: overrides },
    Scenario { name: "a-group-of-ones-own", shows: (3, 1), disturbs: true, run: private_groups },
    Scenario { name: "local-group-by-ad-group", shows: (3, 1), disturbs: true, run: local_groups },
    Scenario { name: "one-id-for-two-is-nobodys", shows: (3, 1), disturbs: true, run: twins },
];

/// The host, with these further sections in its configuration.
fn with<'s>(stage: &'s Stage<'_>, more: &'static str) -> Check<&'s Host<'s>> {
    let host = stage.host()?;
    product::write_configuration(host, &stage.dc, &Configuration { more, ..Default::default() })?;
    product::restart_until_it_answers(host)?;
    Ok(host)
}

/// What a command prints in a session of this user, who logs in by ssh with the password.
fn inside(host: &Host<'_>, user: &str, command: &str) -> Check<String> {
    let environment = [format!("SSHPASS={PASSWORD}")];
    let ssh = ["timeout", "-k", "1", "60", "sshpass", "-e", "ssh", "-o", "PubkeyAuthentication=no"];
    let words = [&ssh[..], &["-l", user, "127.0.0.1", command]].concat();
    let output = host.exec(&environment, &words, "")?;
    ensure(output.ok(), || format!("'{command}' in {user}'s session: {}", output.evidence()))?;
    Ok(output.out.trim().to_owned())
}

/// One question and its one right answer.
fn says(what: &str, found: &str, wanted: &str) -> Check {
    ensure(found == wanted, || format!("{what} is '{found}', wanted '{wanted}'"))
}

const BY_ATTRIBUTE: &str = "[users]\nhome = \"/home/%d/%u\"\nhome_attribute = \"unixHomeDirectory\"\n\
     shell_attribute = \"loginShell\"\nallowed_shells = [\"/bin/bash\", \"/bin/sh\"]\n";

/// Who, the home directory, the shell of the entry, and the program that runs.
const HOMES: &[(&str, &str, &str, &str)] = &[
    // Nothing in AD: the templates.
    ("devy", "/home/corp.example/devy", "/bin/bash", "bash"),
    ("homey", "/srv/people/homey", "/bin/sh", "sh"),
    // A shell that is not allowed, and a home that leads elsewhere.
    ("fallback", "/home/corp.example/fallback", "/bin/bash", "bash"),
];

fn homes_and_shells(stage: &Stage<'_>) -> Check<String> {
    let mark = stage.host()?.journal_mark()?;
    let host = with(stage, BY_ATTRIBUTE)?;
    for (user, home, shell, runs) in HOMES {
        let entry = host.must(&format!("getent passwd {user} | cut -d: -f6,7"))?;
        says(&format!("{user}'s entry"), &entry, &format!("{home}:{shell}"))?;
        let seen = inside(host, user, "echo $(pwd) $HOME $(ps -o comm= -p $$)")?;
        says(&format!("{user}'s session"), &seen, &format!("{home} {home} {runs}"))?;
        let owner = host.must(&format!("stat -c %U '{home}'"))?;
        says(&format!("the owner of {home}"), &owner, user)?;
    }
    host.must("systemctl reload ldapsd; getent passwd fallback; getent passwd FALLBACK")?;
    let journal = host.journal_since(&mark)?;
    let told = journal.matches("the shell \"/usr/bin/tcsh\" of CN=Shell Not Allowed").count();
    // Once for each configuration in force: the restart's and the reload's.
    ensure((1..=2).contains(&told), || format!("the journal tells {told} times of the shell"))?;
    host.journal_line(&mark, &["/home/../root", "the template"])?;
    // Whom AD gives no shell is not given one by the list.
    let entry = host.must("getent passwd noshell | cut -d: -f7")?;
    says("noshell's shell", &entry, "/usr/sbin/nologin")?;
    stays_out(host, Way::SshPassword, "noshell", PASSWORD)?;
    Ok("templates, attributes, a shell that is not allowed, no shell".to_owned())
}

const OVERRIDES: &str = "[ids]\nmin_id = 1000\n\
     [users.override]\n\
     bob = { uid = 7001, gid = 7002, home = \"/srv/%d/bob\", shell = \"/bin/sh\", gecos = \"Bob, by hand\" }\n\
     [users.of_group.developers]\n\
     gid = 7003\nhome = \"/srv/dev/%u\"\nshell = \"/bin/sh\"\ngecos = \"Developer of ours\"\n\
     [groups.override]\n\
     linux-users = { gid = 7004 }\ndevelopers = { gid = 7003 }\n";

fn overrides(stage: &Stage<'_>) -> Check<String> {
    let before =
        stage.host()?.must("id -u bob; id -u devy; getent group linux-users | cut -d: -f3")?;
    let natural: Vec<&str> = before.lines().collect();
    let &[bob, devy, linux_users] = natural.as_slice() else {
        return Err(crate::outcome::Failure::new(format!("the ids before are {before}")));
    };
    let host = with(stage, OVERRIDES)?;
    let bobs = "bob:*:7001:7002:Bob, by hand:/srv/corp.example/bob:/bin/sh".to_owned();
    let devys = format!("devy:*:{devy}:7003:Developer of ours:/srv/dev/devy:/bin/sh");
    for (key, wanted) in [("bob", &bobs), ("7001", &bobs), ("devy", &devys), (devy, &devys)] {
        says(key, &host.must(&format!("getent passwd {key}"))?, wanted)?;
    }
    for (key, wanted) in
        [("7004", "linux-users"), ("7003", "developers"), ("linux-users", "linux-users")]
    {
        let found = host.must(&format!("getent group {key} | cut -d: -f1"))?;
        says(&format!("group {key}"), &found, wanted)?;
    }
    for gone in [format!("passwd {bob}"), format!("group {linux_users}"), "passwd 7004".to_owned()]
    {
        let found = host.sh(&format!("getent {gone}"))?;
        ensure(found.code == 2, || format!("'getent {gone}' found {}", found.out.trim()))?;
    }
    says("devy's groups", &host.must("id -gn devy; id -Gn devy")?, &{
        let all = host.must("id -Gn devy")?;
        ensure(all.contains("linux-users"), || format!("devy lost linux-users: {all}"))?;
        format!("developers\n{all}")
    })?;
    let seen = inside(host, "bob", "touch mine; stat -c '%u %g' mine; pwd; ps -o comm= -p $$")?;
    says("bob's session", &seen, "7001 7002\n/srv/corp.example/bob\nsh")?;
    let seen = inside(host, "devy", "touch mine; stat -c '%u %G' mine; pwd")?;
    says("devy's session", &seen, &format!("{devy} developers\n/srv/dev/devy"))?;
    // sudo goes by linux-users, whose gid is another now.
    gets_in(host, Way::Sudo, "bob", PASSWORD)?;
    Ok(format!("{bobs}; {devys}"))
}

fn private_groups(stage: &Stage<'_>) -> Check<String> {
    let host = with(stage, "[users]\nprimary_group = \"private\"\n")?;
    for user in ["alice", "jo smith"] {
        let uid = host.must(&format!("id -u '{user}'"))?;
        let wanted = format!("{user}:*:{uid}:");
        for key in [user, uid.as_str()] {
            says(key, &host.must(&format!("getent group '{key}'"))?, &wanted)?;
        }
        says("the primary group", &host.must(&format!("id -gn '{user}'"))?, user)?;
        let all = host.must(&format!("id -Gn '{user}'"))?;
        ensure(all.contains("domain users") && all.contains("linux-users"), || {
            format!("{user} lost groups: {all}")
        })?;
        let seen = inside(
            host,
            user,
            "rm -f mine; touch mine; stat -c '%U:%G' mine; chgrp 'domain users' mine && stat -c %G mine",
        )?;
        says(&format!("{user}'s file"), &seen, &format!("{user}:{user}\ndomain users"))?;
    }
    let root = host.must("id root; id localbob; getent group localbob | cut -d: -f1")?;
    ensure(root.starts_with("uid=0(root) gid=0(root)") && root.ends_with("localbob"), || {
        root.clone()
    })?;
    Ok("alice:alice, jo smith:jo smith; domain users besides".to_owned())
}

const GRANTED: &str = "[local_groups]\ndocker = \"@linux-docker\"\n\
     scenario-gone = [\"@linux-docker\", \"@linux-admins\"]\n";

fn local_groups(stage: &Stage<'_>) -> Check<String> {
    let host = stage.host()?;
    host.must("getent group scenario-gone >/dev/null || groupadd scenario-gone")?;
    let host = with(stage, GRANTED)?;
    let gid = host.must("grep ^docker: /etc/group | cut -d: -f3")?;
    host.must(
        "install -m 0640 -g docker /dev/null /var/tmp/of-docker && echo cargo >/var/tmp/of-docker",
    )?;
    let seen =
        inside(host, "dockhand", "cat /var/tmp/of-docker; id -Gn | tr ' ' '\\n' | grep -x docker")?;
    says("dockhand's session", &seen, "cargo\ndocker")?;
    let groups = host.must("id -G dockhand")?;
    ensure(groups.split(' ').any(|one| one == gid), || format!("no {gid} in {groups}"))?;
    // alice is in AD's group of the name docker, and bob in a group that grants another.
    for (user, wanted) in
        [("alice", ""), ("bob", "scenario-gone"), ("dockhand", "docker scenario-gone")]
    {
        let found = host.must(&format!(
            "id -Gn {user} | tr ' ' '\\n' | grep -x -e docker -e scenario-gone | sort | tr '\\n' ' '"
        ))?;
        says(&format!("what {user} is given"), found.trim(), wanted)?;
    }
    let denied = inside(host, "alice", "cat /var/tmp/of-docker 2>&1 || true")?;
    ensure(denied.contains("Permission denied"), || format!("alice reads it: {denied}"))?;
    let local = host.must("id -Gn root; id -Gn localbob")?;
    says("the groups of root and localbob", &local, "root\nlocalbob")?;
    // A group of the host that goes is given to nobody, at once.
    let mark = host.journal_mark()?;
    host.must("groupdel scenario-gone")?;
    let found = host.must("id bob")?;
    ensure(!found.contains("scenario-gone"), || found.clone())?;
    let line = host.journal_line(&mark, &["scenario-gone", "no such group"])?;
    Ok(format!("docker ({gid}) for dockhand alone; {line}"))
}

const POSIX: &str = "[ids]\nmapping = \"posix\"\n";
const PARTED: &str = "[ids]\nmapping = \"posix\"\n[users.override]\ntwin2 = { uid = 30002 }\n\
     [groups.override]\ntwins-b = { gid = 30901 }\n";

fn twins(stage: &Stage<'_>) -> Check<String> {
    let mark = stage.host()?.journal_mark()?;
    let host = with(stage, POSIX)?;
    let nobody = [
        "passwd twin1",
        "passwd twin2",
        "passwd 30001",
        "group twins-a",
        "group twins-b",
        "group 30900",
    ];
    for key in nobody.iter().chain(nobody.iter().rev()) {
        let found = host.sh(&format!("getent {key}"))?;
        ensure(found.code == 2, || format!("'getent {key}' found {}", found.out.trim()))?;
    }
    says("alice's groups", &host.must("id -G alice")?, "30500")?;
    let before = stage.dc.binds_of_people()?;
    for user in ["twin1", "twin2"] {
        stays_out(host, Way::SshPassword, user, PASSWORD)?;
    }
    let binds = stage.dc.binds_of_people()? - before;
    ensure(binds == 0, || format!("the twins cost {binds} binds"))?;
    let line = host.journal_line(&mark, &["30001 came out twice", "CN=Twin One", "CN=Twin Two"])?;
    host.journal_line(&mark, &["30900 came out twice", "CN=Twins A", "CN=Twins B"])?;
    gets_in(host, Way::SshPassword, "alice", PASSWORD)?;
    // A word of the administrator's parts them.
    let host = with(stage, PARTED)?;
    for (key, wanted) in
        [("passwd 30001", "twin1"), ("passwd 30002", "twin2"), ("group 30901", "twins-b")]
    {
        says(key, &host.must(&format!("getent {key} | cut -d: -f1"))?, wanted)?;
    }
    says("alice's groups", &host.must("id -G alice")?, "30500 30900")?;
    gets_in(host, Way::SshPassword, "twin2", PASSWORD)?;
    Ok(line)
}
