//! What an import changes, and what it leaves alone.

use crate::maker::{Pair, Request, p7b, pfx};
use crate::rig::{Rig, Store, names_in, says};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::Duration;

fn stage() -> (Rig, Store, Pair, Pair) {
    let rig = Rig::new();
    let shipped = Request::ca("Shipped CA").self_signed();
    let store = rig.trust_store(&shipped.pem());
    (rig, store, shipped, Request::ca("Corp Root CA").self_signed())
}

fn pem_of(pair: &Pair) -> String {
    String::from_utf8(pair.pem()).unwrap()
}

#[test]
fn a_ca_in_any_form_does_not_reach_the_systems_store() {
    for form in ["pem", "der", "p7b", "pfx"] {
        let (rig, store, shipped, root) = stage();
        let issuing = Request::ca("Corp Issuing CA").signed_by(&root);
        let server = Request::server("dc1.corp.example").signed_by(&issuing);
        rig.file("password", b"Pfx.Pass.1\n");
        let content = match form {
            "pem" => [root.pem(), issuing.pem(), server.pem()].concat(),
            "der" => [root.der(), issuing.der()].concat(),
            "p7b" => p7b(&[&server, &root, &issuing]).to_der().unwrap(),
            _ => pfx(&server, &[&root, &issuing], "Pfx.Pass.1", None),
        };
        rig.file("from-it", &content);
        let words = ["import", "from-it", "--root", "root", "--yes", "--password-file", "password"];
        let (code, out, err) = rig.cert(&words);
        assert_eq!((code, err.as_str()), (0, ""), "{form}: {out}");
        says(
            &out,
            &[
                "This will be done:",
                "run   update-ca-certificates",
                "Trusted now: 2",
                &root.sha256(),
            ],
        );
        let bundle = store.read();
        for (pair, wanted) in [(&root, true), (&issuing, true), (&shipped, true), (&server, false)]
        {
            assert_eq!(bundle.contains(&pem_of(pair)), wanted, "{form}");
        }
        let files = store.local();
        assert_eq!(files.len(), 2, "{files:?}");
        assert!(files[1].starts_with("corp-root-ca-") && files[1].ends_with(".crt"), "{files:?}");
        if form != "der" {
            says(&out, &["Not taken: \"dc1.corp.example\" is no CA", "CN=Corp Issuing CA"]);
        }
        if form == "pfx" {
            says(&out, &["holds a private key"]);
            let all = store.local().into_iter().map(|name| {
                fs::read_to_string(store.root.join("usr/local/share/ca-certificates").join(name))
                    .unwrap()
            });
            assert!(all.into_iter().all(|text| !text.contains("PRIVATE KEY")));
        }
        let mode = fs::metadata(store.root.join("usr/local/share/ca-certificates").join(&files[0]));
        assert_eq!(mode.unwrap().permissions().mode() & 0o777, 0o644);
        // Again: nothing to do.
        let (code, out, _) = rig.cert(&words);
        assert_eq!(code, 0);
        says(&out, &["Nothing is left to do"]);
        assert_eq!(store.read(), bundle);
    }
}

#[test]
fn something_is_changed_before_anybody_has_agreed() {
    let (rig, store, _, root) = stage();
    rig.file("ca.cer", &root.der());
    let before = (store.read(), names_in(&store.root.join("etc/ssl/certs")));
    for (more, code) in [(&[][..], 1), (&["--dry-run"], 0)] {
        let (ran, out, err) = rig.cert(&[&["import", "ca.cer", "--root", "root"], more].concat());
        assert_eq!(ran, code, "{err}");
        says(&(out + &err), &["corp-root-ca-", "update-ca-certificates", "Nothing was changed"]);
        assert_eq!(store.local(), [""; 0]);
        assert_eq!((store.read(), names_in(&store.root.join("etc/ssl/certs"))), before);
    }
}

#[test]
fn what_is_no_ca_is_trusted() {
    let (rig, store, _, root) = stage();
    let server = Request::server("dc1.corp.example");
    for (what, pair, words) in [
        ("leaf", server.signed_by(&root), &["is no CA", "its issuer's: CN=Corp Root CA"][..]),
        ("self", server.self_signed(), &["signed its certificate itself", "--leaf"]),
        (
            "expired",
            Request { from_days: -9, to_days: -1, ..Request::ca("Old") }.self_signed(),
            &["has expired on"],
        ),
    ] {
        rig.file("it.pem", &pair.pem());
        let (code, out, err) = rig.cert(&["import", "it.pem", "--root", "root", "--yes"]);
        assert_eq!((code, out.as_str()), (1, ""), "{what}");
        says(&err, words);
        says(&err, &["There is nothing to import"]);
        assert_eq!(store.local(), [""; 0], "{what}");
    }
    rig.file("it.pem", &server.self_signed().pem());
    let (code, _, err) = rig.cert(&["import", "it.pem", "--root", "root", "--yes", "--leaf"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(store.local().len(), 1);
}

#[test]
fn what_somebody_pasted_into_the_bundle_is_lost_or_not_told() {
    let (rig, store, _, root) = stage();
    let pasted = Request::ca("Pasted CA").self_signed();
    let by_hand = store.read() + &pem_of(&pasted);
    fs::write(store.bundle(), &by_hand).unwrap();
    let (_, _, err) = rig.cert(&["check", "--root", "root"]);
    says(&err, &["\"Pasted CA\" was pasted into", "ca-certificates.crt"]);

    rig.file("ca.cer", &root.der());
    let (code, out, err) = rig.cert(&["import", "ca.cer", "--root", "root", "--yes"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    says(&out, &["pasted-ca-", "somebody has pasted it into", "is kept as"]);
    assert!(store.read().contains(&pem_of(&pasted)));
    assert_eq!(store.local().len(), 2);
    let kept = names_in(&store.root.join("etc/ssl/certs"));
    let copy = kept.iter().find(|name| name.contains(".before-")).unwrap();
    assert_eq!(fs::read_to_string(store.bundle().with_file_name(copy)).unwrap(), by_hand);
    // It stays over the next run of the distribution's program.
    store.update();
    assert!(store.read().contains(&pem_of(&pasted)) && store.read().contains(&pem_of(&root)));
    assert!(!rig.cert(&["check", "--root", "root"]).2.contains("pasted"));
}

#[test]
fn a_file_of_its_own_loses_what_it_held_or_the_bundle_is_edited() {
    let (rig, store, shipped, root) = stage();
    rig.file("ca.cer", &root.der());
    let (code, out, err) = rig.cert(&["import", "ca.cer", "--into", "own.pem", "--yes"]);
    assert_eq!((code, err.as_str()), (0, ""));
    says(&out, &["write own.pem", "ca = \"own.pem\" under [tls]"]);
    assert_eq!(fs::read(rig.path("own.pem")).unwrap(), root.pem());

    rig.file("other.pem", &shipped.pem());
    let (code, out, _) = rig.cert(&["import", "other.pem", "ca.cer", "--into", "own.pem", "--yes"]);
    assert_eq!(code, 0);
    says(
        &out,
        &[
            "add to (a copy is kept) own.pem",
            "\"Corp Root CA\" is in own.pem already",
            "is kept as own.pem.before-",
        ],
    );
    assert_eq!(fs::read(rig.path("own.pem")).unwrap(), [root.pem(), shipped.pem()].concat());

    let bundle = store.bundle();
    let (code, _, err) =
        rig.cert(&["import", "ca.cer", "--into", bundle.to_str().unwrap(), "--yes"]);
    assert_eq!(code, 1);
    says(&err, &["is made by update-ca-certificates", "Leave out --into"]);
    assert!(!store.read().contains(&pem_of(&root)));

    rig.file("notes.txt", b"not a certificate");
    let (code, _, err) = rig.cert(&["import", "ca.cer", "--into", "notes.txt", "--yes"]);
    assert_eq!(code, 1);
    says(&err, &["notes.txt holds no certificate"]);
    assert_eq!(fs::read(rig.path("notes.txt")).unwrap(), b"not a certificate");
}

#[test]
fn a_failed_update_leaves_a_ca_behind() {
    let (rig, store, _, root) = stage();
    rig.file("ca.cer", &root.der());
    // The program cannot make its new bundle: a directory is in the way.
    fs::create_dir(store.root.join("etc/ssl/certs/ca-certificates.crt.new")).unwrap();
    let before = store.read();
    let (code, _, err) = rig.cert(&["import", "ca.cer", "--root", "root", "--yes"]);
    assert_eq!(code, 1);
    says(&err, &["Nothing is trusted that was not before"]);
    assert_eq!(store.local(), [""; 0]);
    assert_eq!(store.read(), before);
    let (code, _, err) = rig.cert(&["import", "ca.cer", "--root", "nowhere", "--yes"]);
    assert_eq!(code, 1);
    says(&err, &["apt-get install ca-certificates"]);
}

/// The password of a PFX comes from the terminal, and is not seen there.
#[test]
fn a_password_is_shown_as_it_is_typed() {
    let (rig, store, _, root) = stage();
    rig.file(
        "from-it.pfx",
        &pfx(&Request::server("dc1").signed_by(&root), &[&root], "Pfx.Pass.1", None),
    );
    let run = |password: &str, agreed: &str| {
        let command = rig.command(&["import", "from-it.pfx", "--root", "root"]);
        let words: Vec<_> =
            std::iter::once(command.get_program()).chain(command.get_args()).collect();
        let line = words.iter().map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join(" ");
        // script(1) gives it a terminal.
        let mut script = Command::new("script");
        script.args(["-qec", &line, "/dev/null"]).current_dir(rig.path("."));
        let mut child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (mut keys, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut seen = String::new();
        for (prompt, answer) in [("from-it.pfx: ", password), ("[y/N] ", agreed)] {
            let mut byte = [0];
            while !seen.ends_with(prompt) && screen.read(&mut byte).unwrap() == 1 {
                seen.push(char::from(byte[0]));
            }
            if seen.ends_with(prompt) {
                // As a person would: once the terminal has been told not to echo.
                std::thread::sleep(Duration::from_millis(300));
                keys.write_all(format!("{answer}\n").as_bytes()).unwrap();
            }
        }
        screen.read_to_string(&mut seen).unwrap();
        (child.wait().unwrap().code().unwrap(), seen)
    };
    let (code, seen) = run("Pfx.Pass.2", "y");
    assert_eq!(code, 1, "{seen}");
    says(&seen, &["this is not its password"]);
    let (code, seen) = run("Pfx.Pass.1", "n");
    assert_eq!(code, 1, "{seen}");
    says(&seen, &["Nothing was changed."]);
    assert_eq!(store.local(), [""; 0]);
    let (code, seen) = run("Pfx.Pass.1", "y");
    assert_eq!(code, 0, "{seen}");
    assert!(!seen.contains("Pfx.Pass"), "{seen}");
    assert!(store.read().contains(&pem_of(&root)));
}
