//! How libnss_ldaps.so.2 is linked.
#![forbid(unsafe_code)]

use std::path::Path;
use std::process::Command;

/// Arguments for the linker, each with its reason.
const LINK_ARGS: [&str; 4] = [
    // The name that glibc looks for: libnss_<service>.so.2.
    "-Wl,-soname,libnss_ldaps.so.2",
    // dlclose must not unmap code that a thread's exit would still call.
    "-Wl,-z,nodelete",
    // Every symbol is found when the module is loaded, or it is not loaded: no surprise in the
    // middle of a login. It makes the relocation table read-only, too.
    "-Wl,-z,now",
    "-Wl,-z,relro",
];

// No version script here: rustc writes one for every cdylib, with exactly the `#[no_mangle]`
// functions of ffi.rs in it, and GNU ld takes no second one. tests/host/module-checks looks at
// what came out.
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for arg in LINK_ARGS {
        println!("cargo::rustc-cdylib-link-arg={arg}");
    }
    bring_the_unwinder();
}

/// Has the unwinder linked in. As a library of its own, libgcc_s.so.1, it takes the loader twice as long
/// as the module itself: `dlopen` took 0.17 ms with it and 0.05 without. No unwinding crosses from one copy to
/// another: no panic leaves this module, and a thread is not cancelled inside (`ldaps_core::sys`).
///
/// Where the compiler does not tell where its static copy is, the shared one is linked.
fn bring_the_unwinder() {
    println!("cargo::rerun-if-env-changed=CC");
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let asked = Command::new(compiler).arg("-print-file-name=libgcc_eh.a").output();
    let told = asked.ok().and_then(|output| String::from_utf8(output.stdout).ok());
    match told.as_deref().map(|path| Path::new(path.trim())).filter(|path| path.is_absolute()) {
        Some(path) => {
            let dir = path.parent().unwrap_or(path).display();
            println!("cargo::rustc-link-search=native={dir}");
            println!("cargo::rustc-link-lib=static:-bundle=gcc_eh");
        }
        None => println!("cargo::warning=no libgcc_eh.a is found: libgcc_s is linked instead"),
    }
}
