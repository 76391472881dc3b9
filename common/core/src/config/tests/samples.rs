//! The samples in etc/ and the reference in docs/ say what the code does: no key more, none less.

use super::super::document::Document;
use super::super::errors::Report;
use super::super::{Config, Loaded, Sources, read_document};
use super::{Host, loaded};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const SAMPLE: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../etc/ldaps/ldaps.toml"));
const LDAP_CONF: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../etc/ldap/ldap.conf"));
const REFERENCE: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/ldaps.toml.md"));

/// Sections that the administrator names.
const OWN_WORDS: [&str; 4] =
    ["access.SERVICE", "users.override.NAME", "users.of_group.GROUP", "groups.override.NAME"];

/// Loads a variant of the sample on a host that has the files it names.
fn load_on_host(toml: &str) -> Loaded {
    let host = Host::new();
    let toml = toml.replace("/etc/ldaps/", "@@/");
    let sources = Sources { credentials: None, ..host.sources() };
    host.write("ldaps.toml", host.here(&toml), 0o644);
    host.write("ldap.conf", "", 0o644);
    let mut loaded = super::load(&sources).unwrap_or_else(|errors| panic!("{errors}"));
    let dir = format!("{}/", host.dir.path().display());
    loaded.config = with_paths_in_etc(loaded.config, &dir);
    loaded
}

/// Temporary directories differ; what is compared must not.
fn with_paths_in_etc(mut config: Config, dir: &str) -> Config {
    let back = |path: &mut PathBuf| {
        *path = path.display().to_string().replace(dir, "/etc/ldaps/").into();
    };
    back(&mut config.directory.bind_secret);
    config.tls.ca_file.as_mut().into_iter().for_each(back);
    config
}

/// The sample with the lines `#key = ...` (defaults) or also `#   key = ...` (examples) in force.
fn uncommented(examples_too: bool) -> String {
    let uncomment = |line: &str| {
        let default = line.strip_prefix('#').filter(|rest| starts_with_key(rest));
        let example =
            line.strip_prefix("#   ").filter(|rest| examples_too && starts_with_key(rest));
        default.or(example).unwrap_or(line).to_owned() + "\n"
    };
    SAMPLE.lines().map(uncomment).collect()
}

fn starts_with_key(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase() || c == '"') && text.contains(" = ")
}

/// Every key the code asks for, except those under the administrator's own words.
fn known_keys() -> BTreeSet<String> {
    let report = Report::default();
    let file = Path::new("ldaps.toml");
    let text = OWN_WORDS.map(|section| format!("[{section}]\n")).concat();
    let document = Document::parse(file, &text, &report).unwrap();
    let _incomplete = read_document(&document, &Sources::default(), &Default::default(), &report);
    let mut known = document.known_keys();
    known.extend(OWN_WORDS.map(str::to_owned));
    known
}

/// The keys of a text with `[section]` headers, by how its lines begin.
fn keys<'t>(text: &'t str, key_of: impl Fn(&'t str) -> Option<&'t str>) -> BTreeSet<String> {
    let mut section = String::new();
    let mut keys = BTreeSet::new();
    for line in text.lines() {
        let header = line.trim_start_matches('#').trim_start().strip_prefix('[');
        if let Some((name, _)) = header.and_then(|rest| rest.split_once(']')) {
            if line.starts_with(['[', '#']) && !name.contains(' ') {
                section = name.to_owned();
                let parts: Vec<&str> = name.split('.').collect();
                keys.extend((1..=parts.len()).map(|n| parts[..n].join(".")));
            }
        } else if let Some(key) = key_of(line) {
            keys.insert(format!("{section}.{key}"));
        }
    }
    keys
}

#[test]
fn the_sample_loads_as_it_stands() {
    let Loaded { config, warnings, .. } = load_on_host(SAMPLE);
    assert_eq!(warnings, []);
    assert_eq!(config.directory.bind_secret, Path::new("/etc/ldaps/secret"));
}

#[test]
fn the_defaults_in_the_sample_are_the_defaults() {
    assert_ne!(uncommented(false), SAMPLE);
    assert_eq!(load_on_host(&uncommented(false)).config, load_on_host(SAMPLE).config);
}

#[test]
fn the_examples_in_the_sample_are_right() {
    // One of the two ways to name servers, and one header for a section used twice.
    let all = uncommented(true).replace("domain = \"corp.example\"\n", "\n");
    assert_ne!(load_on_host(&all).config, load_on_host(SAMPLE).config);
}

#[test]
fn the_sample_has_every_key_and_no_other() {
    let everything = uncommented(true);
    let in_sample = keys(&everything, |line| {
        Some(line.split_once(" = ")?.0).filter(|_| !line.starts_with('#'))
    });
    let own_words = ["pam.callers.", "local_groups."];
    let mut in_sample: BTreeSet<String> = in_sample
        .into_iter()
        .filter(|key| !key.contains('"') && !own_words.iter().any(|own| key.starts_with(own)))
        .map(|key| key.replace("access.sudo", "access.SERVICE"))
        .map(|key| key.replace("users.override.alice", "users.override.NAME"))
        .map(|key| key.replace("users.of_group.developers", "users.of_group.GROUP"))
        .map(|key| key.replace("groups.override.linux-users", "groups.override.NAME"))
        .collect();
    // What stands in one line: `alice = { uid = 1, ... }`.
    for section in ["users.override.NAME", "users.of_group.GROUP", "groups.override.NAME"] {
        let header = section.rsplit_once('.').unwrap().0;
        let line = everything.split_once(&format!("[{header}]\n")).unwrap().1;
        let (_, inline) = line.lines().next().unwrap().split_once("{ ").unwrap();
        let keys = inline.split(", ").map(|pair| pair.split_once(" = ").unwrap().0);
        in_sample.extend(keys.map(|key| format!("{section}.{key}")));
    }
    assert_eq!(in_sample, known_keys());
}

#[test]
fn the_reference_has_every_key_and_no_other() {
    let in_reference = keys(REFERENCE, |line| Some(line.strip_prefix("| `")?.split_once('`')?.0));
    assert_eq!(in_reference, known_keys());
}

#[test]
fn the_sample_of_ldap_conf_loads_with_and_without_its_comments() {
    let toml = "[directory]\nbind_dn = \"s@x.y\"\n[access]\nallow = [\"*\"]\n";
    let on_test_host = LDAP_CONF
        .replace("/etc/ssl/certs/ca-certificates.crt", "@@/ca.pem")
        .replace("/etc/ssl/certs", "@@/ca.d")
        .replace("/etc/ldaps/", "@@/");
    let all = on_test_host.replace("\n#T", "\nT").replace("\n#N", "\nN");
    assert_ne!(all, on_test_host);
    for conf in [on_test_host, all] {
        let Loaded { config, warnings, .. } = loaded(toml, &conf);
        assert_eq!(warnings, [], "{conf}");
        assert_eq!(config.directory.base.as_deref(), Some("DC=corp,DC=example"));
    }
}
