use crate::maker::Request;
use crate::rig::Rig;
use std::fs;

#[test]
fn what_is_undone_is_not_as_it_was() {
    let rig = Rig::new();
    let before = rig.snapshot();
    rig.set_up(&[]);
    assert_ne!(rig.snapshot(), before);
    let ran = rig.undo();
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert_eq!(rig.snapshot(), before);
    let again = rig.undo();
    assert!(again.code == 0 && again.out.contains("nothing to take back"), "{}", again.out);
    assert_eq!(rig.snapshot(), before);
}

#[test]
fn two_runs_are_undone_by_half() {
    let rig = Rig::new();
    rig.write("root/etc/ldaps/ldaps.toml", b"# mine\n[users]\nshell = \"/bin/sh\"\n");
    let before = rig.snapshot();
    rig.set_up(&[]);
    rig.set_up(&["--allow=alice", "--offline-days=3"]);
    assert_eq!(rig.undo().code, 0);
    assert_eq!(rig.snapshot(), before);
}

#[test]
fn what_somebody_has_changed_since_is_overwritten() {
    let rig = Rig::new();
    let before = rig.snapshot();
    rig.set_up(&[]);
    let theirs = rig.toml() + "# theirs\n";
    rig.write("root/etc/ldaps/ldaps.toml", theirs.as_bytes());
    let ran = rig.undo();
    assert_eq!(ran.code, 1, "{}", ran.out);
    assert!(ran.out.contains("KEEP") && ran.out.contains("ldaps.toml"), "{}", ran.out);
    assert!(ran.err.contains("All else was taken back"), "{}", ran.err);
    assert_eq!(rig.toml(), theirs);
    assert!(!rig.path("root/etc/ldaps/secret").exists());
    fs::remove_file(rig.path("root/etc/ldaps/ldaps.toml")).unwrap();
    assert_eq!(rig.undo().code, 0);
    fs::remove_dir(rig.path("root/etc/ldaps")).ok();
    assert_eq!(rig.snapshot(), before);
}

#[test]
fn what_somebody_has_changed_between_two_runs_is_lost() {
    let rig = Rig::new();
    rig.set_up(&[]);
    let theirs = rig.toml() + "# theirs\n";
    rig.write("root/etc/ldaps/ldaps.toml", theirs.as_bytes());
    rig.set_up(&["--allow=alice"]);
    assert!(rig.toml().contains("# theirs") && rig.toml().contains("[\"alice\"]"));
    let ran = rig.undo();
    assert!(ran.out.contains("as somebody had left it"), "{}", ran.out);
    assert_eq!(rig.toml(), theirs);
}

#[test]
fn a_ca_that_was_pasted_into_the_bundle_is_lost() {
    let rig = Rig::new();
    let pasted = Request::ca("Pasted CA").self_signed();
    let name = "root/etc/ssl/certs/ca-certificates.crt";
    let pem = String::from_utf8(pasted.pem()).unwrap();
    rig.write(name, (rig.read(name) + &pem).as_bytes());
    let before = rig.snapshot();
    rig.set_up(&[]);
    rig.update_trust();
    assert!(rig.read(name).contains(&pem), "lost by the set-up");
    assert_eq!(rig.undo().code, 0);
    assert_eq!(rig.snapshot(), before);

    // Where the bundle was made of more since, what it is made of has to stay.
    rig.set_up(&[]);
    let another = Request::ca("Another CA").self_signed();
    rig.write("root/usr/local/share/ca-certificates/another.crt", &another.pem());
    rig.update_trust();
    assert_eq!(rig.undo().code, 0);
    rig.update_trust();
    let bundle = rig.read(name);
    assert!(bundle.contains(&pem) && bundle.contains(std::str::from_utf8(&another.pem()).unwrap()));
    assert!(!bundle.contains(std::str::from_utf8(&rig.ca.pem()).unwrap()));
}

#[test]
fn a_directory_of_copies_that_is_damaged_is_taken_for_nothing() {
    let rig = Rig::new();
    rig.set_up(&[]);
    rig.write("root/var/lib/ldaps/setup/manifest.json", b"{");
    let before = rig.snapshot();
    let ran = rig.undo();
    assert_eq!(ran.code, 1, "{}", ran.out);
    assert!(ran.err.contains("manifest.json is damaged"), "{}", ran.err);
    assert_eq!(rig.snapshot(), before);
}

#[test]
fn two_at_once_mix_their_changes() {
    let rig = Rig::new();
    rig.set_up(&[]);
    let dir = fs::File::open(rig.path("root/var/lib/ldaps/setup")).unwrap();
    rustix::fs::flock(&dir, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let ran = rig.undo();
    assert_eq!(ran.code, 1, "{}", ran.out);
    assert!(ran.err.contains("Another ldapsctl setup is at work"), "{}", ran.err);
}
