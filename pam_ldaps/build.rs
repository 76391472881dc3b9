//! How the module is linked. It stays mapped once loaded (`nodelete`): libpam unloads its modules
//! at `pam_end`, while the C library may still hold destructors of ours for a thread. All symbols
//! are bound when it is loaded (`now`), so that a missing one is seen at once and not in the
//! middle of a login, and the tables are then made read-only (`relro`).
//!
//! Which symbols it exports needs no word here: rustc exports from a cdylib what is `no_mangle`,
//! the six `pam_sm_*`, and nothing else; `./check` looks at the packaged file.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=LDAPS_RUN_DIR");
    for option in ["nodelete", "now", "relro"] {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,{option}");
    }
}
