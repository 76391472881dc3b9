//! How libnss_ldaps.so.2 is linked.
#![forbid(unsafe_code)]

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
}
