//! The .deb under test.

#![forbid(unsafe_code)]

use crate::engine::Engine;
use crate::options::Options;
use crate::outcome::{Check, Failure, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A copy of the package, removed when it is dropped: while scenarios run, somebody may build
/// the package anew in its place.
pub struct Package {
    path: PathBuf,
}

impl Package {
    /// The one that the options name, or the one that packaging/build makes (or finds made).
    ///
    /// # Errors
    /// When there is none and none can be made.
    pub fn of(options: &Options, engine: &Engine) -> Check<Self> {
        let original = match &options.deb {
            Some(deb) => deb.clone(),
            None => built()?,
        };
        let path = std::env::temp_dir().join(format!("{}.deb", engine.name("package")));
        std::fs::copy(&original, &path).map_err(|error| {
            Failure::new(format!("the package {} cannot be copied: {error}", original.display()))
        })?;
        println!("package: {}", original.display());
        Ok(Self { path })
    }

    /// Where the copy is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Package {
    fn drop(&mut self) {
        // Left behind, it is one file in the temporary directory.
        let _ = std::fs::remove_file(&self.path);
    }
}

fn built() -> Check<PathBuf> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/build");
    let output = Command::new(&script)
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|error| Failure::new(format!("cannot run {}: {error}", script.display())))?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let path = printed.lines().last().map(PathBuf::from).unwrap_or_default();
    ensure(output.status.success() && path.is_file(), || {
        format!("packaging/build made no package:\n{printed}")
    })?;
    Ok(path)
}
