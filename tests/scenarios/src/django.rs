//! examples/django with real Django: a web application, no user of root's, whose people log in with
//! their passwords in AD through PAM, and are who `ldapsctl user` says they are.

#![forbid(unsafe_code)]

use crate::dc::PASSWORD;
use crate::host::Host;
use crate::images;
use crate::outcome::{Check, ensure};
use crate::product::{self, Configuration};
use crate::scenario::{Scenario, Stage};
use std::time::Duration;

/// The rows of this file.
pub const SCENARIOS: &[Scenario] = &[
    Scenario { name: "django-people-log-in", shows: (3, 1), disturbs: false, run: people },
    Scenario { name: "django-refuses", shows: (3, 1), disturbs: false, run: refusals },
    Scenario { name: "django-staff-by-group", shows: (3, 1), disturbs: false, run: staff },
];

/// What the example's README tells an administrator to write.
const SECTIONS: &str = "[pam.callers]\nwww-data = [\"django\"]\n\n[profile]\nreaders = [\"www-data\"]\nattributes = [\"department\"]\n";
/// What a person who is refused reads, whatever the reason.
const REFUSED: &str = "This name and password do not open this site.";
/// As the site's own user, in its directory.
const AS_SITE: &str = "cd /srv/django && SITE_SECRET_KEY=x SITE_DATABASE=/var/lib/site/db.sqlite3 PYTHONDONTWRITEBYTECODE=1 setpriv --reuid www-data --regid www-data --clear-groups";

fn site<'stage>(stage: &'stage Stage<'_>) -> Check<&'stage Host<'stage>> {
    stage.web_host(|host, stage| {
        let of_repository = |path: &str| images::containers_dir().join("../..").join(path);
        host.copy_in(&of_repository("etc/pam.d/django"), "/etc/pam.d/django")?;
        host.copy_in(&of_repository("examples/django"), "/srv/django")?;
        let configuration = Configuration { more: SECTIONS, ..Configuration::default() };
        product::write_configuration(host, &stage.dc, &configuration)?;
        product::restart_until_it_answers(host)?;
        host.must("chown -R root:root /srv/django /etc/pam.d/django; install -d -o www-data /var/lib/site")?;
        for command in ["check --fail-level WARNING", "migrate --verbosity 0"] {
            host.must(&format!("{AS_SITE} python3 manage.py {command}"))?;
        }
        host.must("systemd-run --quiet --unit=site --uid=www-data -p WorkingDirectory=/srv/django -E SITE_SECRET_KEY=x \
                   -E SITE_DATABASE=/var/lib/site/db.sqlite3 -E SITE_TRY_WITHOUT_HTTPS=1 gunicorn --workers 2 mysite.wsgi")?;
        host.wait_for("the site", Duration::from_secs(20), |host| {
            Ok(host.sh("curl -fsS http://localhost:8000/login/")?.ok())
        })
    })
}

/// What somebody saw who tried to log in with a browser of their own.
struct Visit {
    /// The page behind the login form, or the form again.
    page: String,
    /// What the start page gives afterwards: its HTTP status.
    start: String,
    /// The administration, wherever that leads.
    admin: String,
    /// Is there a cookie of a session?
    session: bool,
}

fn visit(host: &Host<'_>, user: &str, password: &str) -> Check<Visit> {
    let script = r#"set -e; jar=$(mktemp); site=http://localhost:8000
        get() { curl -sS -b "$jar" -c "$jar" "$@"; }
        token=$(get "$site/login/" | sed -n 's/.*csrfmiddlewaretoken" value="\([^"]*\)".*/\1/p')
        get -L --data-urlencode "csrfmiddlewaretoken=$token" --data-urlencode "username=$USERNAME" --data-urlencode "password=$PASS" "$site/login/"
        echo ---8---; get -o /dev/null -w '%{http_code}' "$site/"
        echo ---8---; get -L "$site/admin/"
        echo ---8---; grep -c sessionid "$jar" || true"#;
    let environment = [format!("USERNAME={user}"), format!("PASS={password}")];
    let output = host.exec(&environment, &["timeout", "60", "sh", "-c", script], "")?;
    let parts: Vec<&str> = output.out.split("---8---").map(str::trim).collect();
    let [page, start, admin, session] = parts.as_slice() else {
        return Err(crate::outcome::Failure::new(output.evidence()));
    };
    Ok(Visit {
        page: (*page).to_owned(),
        start: (*start).to_owned(),
        admin: (*admin).to_owned(),
        session: *session != "0",
    })
}

impl Visit {
    /// In, as this person.
    fn is_in(&self, name: &str, line: &str) -> Check {
        let shows = self.page.contains(&format!("<h1>{name}</h1>")) && self.page.contains(line);
        ensure(shows && self.start == "200" && self.session, || {
            format!(
                "not in as {name}, '{line}'; the start page gives {}:\n{}",
                self.start, self.page
            )
        })
    }

    fn is_staff(&self) -> bool {
        self.admin.contains("Site administration")
    }

    /// Out, by one sentence and without a session.
    fn is_out(&self) -> Check {
        let told = self.page.matches("role=\"alert\"").count() == 1 && self.page.contains(REFUSED);
        let out = self.start == "302" && !self.session && !self.is_staff();
        ensure(told && out, || {
            format!(
                "session: {}, the start page gives {}:\n{}",
                self.session, self.start, self.page
            )
        })
    }
}

fn people(stage: &Stage<'_>) -> Check<String> {
    let host = site(stage)?;
    let before = stage.dc.binds_for("bob")?;
    for name in ["bob", "BOB@corp.example", "CORP\\bob"] {
        let bob = visit(host, name, PASSWORD)?;
        bob.is_in("Bob Example", "bob, bob.example@corp.example")?;
        ensure(bob.is_staff(), || format!("{name}, of linux-admins, is no staff:\n{}", bob.admin))?;
    }
    let binds = stage.dc.binds_for("bob")? - before;
    ensure(binds == 3, || format!("three logins of bob sent {binds} binds"))?;
    let alice = visit(host, "alice", PASSWORD)?;
    alice.is_in("Alice Example", "alice, alice.example@corp.example")?;
    ensure(!alice.is_staff() && alice.admin.contains("not authorized"), || alice.admin.clone())?;
    visit(host, "zoë", PASSWORD)?.is_in("Zoë Größe", "zoë, ")?;
    let accounts = "from django.contrib.auth.models import User as U; print(*sorted(f'{u.username}:{u.has_usable_password()}:{u.is_superuser}' for u in U.objects.all()))";
    let accounts = host.must(&format!("{AS_SITE} python3 manage.py shell -c \"{accounts}\""))?;
    let wanted = "alice:False:False bob:False:False zoë:False:False";
    ensure(accounts.ends_with(wanted), || format!("Django's accounts are {accounts}"))?;
    profile_is_for_readers(host)?;
    Ok(format!("bob by three names, {binds} binds; {accounts}"))
}

/// The site's user is told what is configured, and another of the host's users is not.
fn profile_is_for_readers(host: &Host<'_>) -> Check {
    let asked = |who: &str| {
        host.must(&format!("setpriv --reuid {who} --clear-groups ldapsctl user --json -- bob 2>&1"))
    };
    let (told, not_told) = (asked("www-data")?, asked("daemon")?);
    let department = "\"department\": [\n      \"Printing\"\n    ]";
    ensure(told.contains(department) && told.contains("bob.example@"), || told.clone())?;
    let noted = not_told.contains("note: the profile is not shown: only root");
    let hidden = not_told.contains("\"profile\": null") && !not_told.contains("bob.example@");
    ensure(noted && hidden, || not_told.clone())
}

/// Who, with what, and how many binds that costs.
const REFUSALS: &[(&str, &str, u32)] = &[
    ("bob", "Wrong.Pass.1", 1),
    ("mallory", PASSWORD, 0),
    ("disabled1", PASSWORD, 1),
    ("mustchange", PASSWORD, 1),
    // An account of Django's own has her name.
    ("dora", PASSWORD, 1),
    ("nobody-of-this-name", PASSWORD, 0),
    ("--help", PASSWORD, 0),
    // The host's own, whose passwords these are.
    ("localbob", "Local.Pass.1", 0),
    ("root", "Root.Pass.1", 0),
];

fn refusals(stage: &Stage<'_>) -> Check<String> {
    let host = site(stage)?;
    let own = "from django.contrib.auth.models import User as U; U.objects.create_superuser('dora', password='Django.Pass.1')";
    host.must(&format!("{AS_SITE} python3 manage.py shell -c \"{own}\""))?;
    let mark = host.journal_mark()?;
    let mut sent = Vec::new();
    for (user, password, binds) in REFUSALS {
        let before = stage.dc.binds_of_people()?;
        let refused = visit(host, user, password)?;
        refused.is_out().or_else(|failure| ensure(false, || format!("{user}: {failure}")))?;
        let after = stage.dc.binds_of_people()? - before;
        ensure(after == *binds, || format!("{user} cost {after} binds instead of {binds}"))?;
        sent.push(format!("{user} {after}"));
    }
    let line = host.journal_line(&mark, &["disabled1", "service=django", "disabled"])?;
    let journal = host.journal_since(&mark)?;
    for (_, secret, _) in REFUSALS {
        ensure(!journal.contains(secret), || format!("{secret} is in the journal"))?;
    }
    Ok(format!("'{REFUSED}' {}; {line}", sent.join(", ")))
}

fn staff(stage: &Stage<'_>) -> Check<String> {
    let host = site(stage)?;
    let with_bob = |verb| stage.dc.samba_tool(&["group", verb, "linux-admins", "bob"]);
    let before = visit(host, "bob", PASSWORD)?;
    ensure(before.is_staff(), || before.admin.clone())?;
    with_bob("removemembers")?;
    let without = visit(host, "bob", PASSWORD);
    with_bob("addmembers")?;
    let without = without?;
    without.is_in("Bob Example", "bob,")?;
    ensure(!without.is_staff(), || "bob is staff, and no longer in linux-admins".to_owned())?;
    let again = visit(host, "bob", PASSWORD)?;
    ensure(again.is_staff(), || again.admin.clone())?;
    Ok("bob: staff, out of linux-admins no staff, back in it staff".to_owned())
}
