//! The images: the distribution's own (pulled, or made by debootstrap where there is no
//! registry) and, on top of them, the domain controller's, the host's and sssd's.

#![forbid(unsafe_code)]

use crate::engine::Engine;
use crate::outcome::{Check, Failure, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How many users besides the named ones the domain has: as many as the big group has members.
const PLAIN_USERS: &str = "3000";

/// A base to try by `pull`, and the Debian release that stands in for it.
const BASES: &[(&str, &str)] = &[("ubuntu:24.04", "trixie"), ("ubuntu:22.04", "bookworm")];

/// Ubuntu's release with OpenSSH 10.2.
const UBUNTU_26_04: &str = "ubuntu:26.04";

/// A distribution that the scenarios run on.
#[derive(Debug, Clone)]
pub struct Base {
    /// The image's name.
    pub image: String,
    /// Short, for names of containers and for lines of output.
    pub short: String,
}

/// The directory `tests/containers` of this workspace.
#[must_use]
pub fn containers_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../containers")
}

/// The bases to run on. Prints which.
///
/// # Errors
/// When an image can neither be pulled nor made.
pub fn bases(engine: &Engine) -> Check<Vec<Base>> {
    BASES.iter().map(|(wanted, release)| base(engine, wanted, release)).collect()
}

fn base(engine: &Engine, wanted: &str, release: &str) -> Check<Base> {
    let short = |image: &str| image.replace([':', '/'], "-");
    if has(engine, wanted)? || engine.run(&["pull", "-q", wanted])?.ok() {
        println!("base image: {wanted}");
        return Ok(Base { image: wanted.to_owned(), short: short(wanted) });
    }
    let made = format!("ldaps-test-base:{release}");
    if !has(engine, &made)? {
        println!("base image: {wanted} cannot be pulled; making Debian {release} by debootstrap");
        debootstrap(engine, release, &made)?;
    }
    println!("base image: Debian {release}, standing in for {wanted}");
    Ok(Base { image: made, short: format!("debian-{release}") })
}

/// Ubuntu 26.04, for what its OpenSSH alone does: pulled, or made by debootstrap, whose own
/// mirror for Ubuntu is used. The keys for that are in a package of Debian's.
///
/// # Errors
/// When it can neither be pulled nor made.
pub fn ubuntu_26_04(engine: &Engine) -> Check<Base> {
    let short = UBUNTU_26_04.replace(':', "-");
    if has(engine, UBUNTU_26_04)? || engine.run(&["pull", "-q", UBUNTU_26_04])?.ok() {
        return Ok(Base { image: UBUNTU_26_04.to_owned(), short });
    }
    let made = "ldaps-test-base:resolute".to_owned();
    if !has(engine, &made)? {
        let (_, release) = BASES.first().ok_or_else(|| Failure::new("no base image"))?;
        let debian = format!("ldaps-test-base:{release}");
        println!("base image: {UBUNTU_26_04} cannot be pulled; making it by debootstrap");
        let script = r#"set -e
            dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
            "$1" run --rm "$2" sh -c 'cd /tmp && apt-get update >/dev/null && apt-get download ubuntu-keyring >/dev/null &&
                dpkg-deb -x ubuntu-keyring_*.deb x && cat x/usr/share/keyrings/ubuntu-archive-keyring.gpg' >"$dir/keys.gpg"
            cp -r /usr/share/debootstrap "$dir/debootstrap"
            [ -e "$dir/debootstrap/scripts/resolute" ] || ln -s gutsy "$dir/debootstrap/scripts/resolute"
            DEBOOTSTRAP_DIR="$dir/debootstrap" debootstrap --variant=minbase --components=main,universe --keyring="$dir/keys.gpg" resolute "$dir/root"
            rm -rf "$dir"/root/var/cache/apt/archives/*.deb "$dir"/root/var/lib/apt/lists/*
            tar -C "$dir/root" -c . | "$1" import - "$3""#;
        shell("Ubuntu 26.04", script, &[engine.program(), &debian, &made])?;
    }
    Ok(Base { image: made, short })
}

fn has(engine: &Engine, image: &str) -> Check<bool> {
    Ok(engine.run(&["image", "inspect", "--format", "ok", image])?.ok())
}

/// debootstrap's own mirror and keys are used; it needs root.
fn debootstrap(engine: &Engine, release: &str, image: &str) -> Check {
    let engine_name = engine.program();
    let script = r#"set -e
        [ "$(id -u)" = 0 ] || { echo "debootstrap needs root: run this as root, or let the engine reach a registry"; exit 1; }
        command -v debootstrap >/dev/null || apt-get install -y -q debootstrap
        dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
        debootstrap --variant=minbase "$1" "$dir"
        rm -rf "$dir"/var/cache/apt/archives/*.deb "$dir"/var/lib/apt/lists/*
        tar -C "$dir" -c . | "$2" import - "$3""#;
    shell(&format!("Debian {release}"), script, &[release, engine_name, image])
}

fn shell(what: &str, script: &str, arguments: &[&str]) -> Check {
    let output = Command::new("sh")
        .args(["-c", script, "debootstrap"])
        .args(arguments)
        .output()
        .map_err(|error| Failure::new(format!("cannot run sh: {error}")))?;
    ensure(output.status.success(), || {
        format!(
            "{what} could not be made by debootstrap:\n{}{}",
            tail(&output.stdout),
            tail(&output.stderr)
        )
    })
}

fn tail(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(10)..].join("\n")
}

/// The image with OpenSSH, su, sudo, login and cron on this base.
///
/// # Errors
/// When it cannot be built.
pub fn host(engine: &Engine, base: &Base) -> Check<String> {
    layer(engine, base, "host", &["host"])
}

/// The image of a host with Django on it, on top of a host's image.
///
/// # Errors
/// When it cannot be built.
pub fn django(engine: &Engine, host: &Base) -> Check<String> {
    layer(engine, host, "django", &[])
}

/// The image with sssd on this base.
///
/// # Errors
/// When it cannot be built.
pub fn sssd(engine: &Engine, base: &Base) -> Check<String> {
    layer(engine, base, "sssd", &["sssd", "host"])
}

/// The image with sssd and nslcd on this base, to be measured beside the product.
///
/// # Errors
/// When it cannot be built.
pub fn peers(engine: &Engine, base: &Base) -> Check<String> {
    layer(engine, base, "peers", &["peers"])
}

/// The image of the provisioned and populated domain controller.
///
/// # Errors
/// When it cannot be built, or the domain cannot be provisioned.
pub fn domain_controller(engine: &Engine, base: &Base) -> Check<String> {
    let empty = layer(engine, base, "dc", &["dc"])?;
    let filled = format!("{empty}-filled-{PLAIN_USERS}");
    if has(engine, &filled)? {
        return Ok(filled);
    }
    println!("image: provisioning corp.example with {PLAIN_USERS} users (about a minute, once)");
    let name = engine.name("provision");
    let label = engine.label();
    // CAP_SYS_ADMIN: samba keeps NT ACLs in security.* extended attributes.
    engine.must(&[
        "run",
        "-d",
        "--name",
        &name,
        "--label",
        &label,
        "--hostname",
        "dc1",
        "--cap-add",
        "SYS_ADMIN",
        &empty,
        "sleep",
        "infinity",
    ])?;
    engine.must(&["exec", &name, "/opt/dc/provision", PLAIN_USERS])?;
    engine.must(&["exec", &name, "sh", "-c", "rm -rf /var/log/samba/*"])?;
    engine.must(&["commit", "-c", r#"CMD ["/opt/dc/run"]"#, &name, &filled])?;
    engine.must(&["rm", "-f", &name])?;
    Ok(filled)
}

/// Builds `Dockerfile.KIND` on a base, unless an image of exactly these files is there: its
/// tag carries a hash of the Dockerfile and of the directories it copies.
fn layer(engine: &Engine, base: &Base, kind: &str, copied: &[&str]) -> Check<String> {
    let dir = containers_dir();
    let dockerfile = dir.join(format!("Dockerfile.{kind}"));
    let mut files = vec![dockerfile.clone()];
    for name in copied {
        files.extend(files_in(&dir.join(name))?);
    }
    let base_id = engine.must(&["image", "inspect", "--format", "{{.Id}}", &base.image])?;
    let tag = format!("ldaps-test-{kind}:{}-{:016x}", base.short, hash(&files, &base_id)?);
    if !has(engine, &tag)? {
        println!("image: building {tag}");
        let base_arg = format!("BASE={}", base.image);
        engine.must(&[
            "build",
            "-q",
            "-f",
            &dockerfile.to_string_lossy(),
            "--build-arg",
            &base_arg,
            "-t",
            &tag,
            &dir.to_string_lossy(),
        ])?;
    }
    Ok(tag)
}

fn files_in(dir: &Path) -> Check<Vec<PathBuf>> {
    let unreadable = |error| Failure::new(format!("cannot read {}: {error}", dir.display()));
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(dir).map_err(unreadable)? {
        files.push(entry.map_err(unreadable)?.path());
    }
    files.sort();
    Ok(files)
}

/// FNV-1a, 64 bits (draft-eastlake-fnv): stable over Rust versions, which std's hasher is not.
fn hash(files: &[PathBuf], seed: &str) -> Check<u64> {
    let mut state: u64 = 0xcbf2_9ce4_8422_2325;
    let mut eat = |bytes: &[u8]| {
        for byte in bytes {
            state = (state ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    eat(seed.as_bytes());
    for file in files {
        let content = fs::read(file)
            .map_err(|error| Failure::new(format!("cannot read {}: {error}", file.display())))?;
        eat(&content);
    }
    Ok(state)
}
