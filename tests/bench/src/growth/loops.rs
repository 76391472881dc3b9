//! The C program `loops/many.c`: names asked for as programs ask for them.

#![forbid(unsafe_code)]

use super::failed;
use super::place::name;
use crate::numbers::Samples;
use scenarios::outcome::{Check, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How often is asked.
#[derive(Debug, Clone, Copy)]
pub struct Often {
    /// Calls in one sample.
    pub batch: usize,
    /// Calls before the first sample.
    pub skip: usize,
    /// Samples.
    pub samples: usize,
}

/// The program, and a directory for lists of names.
pub struct Loops {
    dir: PathBuf,
}

impl Loops {
    /// Compiles it.
    ///
    /// # Errors
    /// When it does not compile.
    pub fn compile() -> Check<Self> {
        let dir = std::env::temp_dir().join(format!("ldaps-growth-{}", std::process::id()));
        fs::create_dir_all(&dir).map_err(failed("make a directory for the loops"))?;
        let loops = Self { dir };
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("loops/many.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-O2", "-Wall", "-Wextra", "-Werror", "-o"]).arg(loops.dir.join("many"));
        let output = compiler.arg(source).output().map_err(failed("run cc"))?;
        let said = || format!("many.c: {}", String::from_utf8_lossy(&output.stderr));
        ensure(output.status.success(), said)?;
        Ok(loops)
    }

    /// Writes a list of users down.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn list(&self, numbers: &[u32]) -> Check<PathBuf> {
        let text: String = numbers.iter().map(|number| format!("{}\n", name(*number))).collect();
        self.list_of(&text)
    }

    /// Writes a list of names down, one a line.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn list_of(&self, names: &str) -> Check<PathBuf> {
        let path = self.dir.join("names");
        fs::write(&path, names).map_err(failed("write the list of names"))?;
        Ok(path)
    }

    /// Asks for the names of a list.
    ///
    /// # Errors
    /// When an answer is not the expected one.
    pub fn ask(&self, kind: &str, list: &Path, often: Often) -> Check<Samples> {
        let list = list.to_string_lossy();
        let numbers = [often.batch, often.skip, often.samples].map(|number| number.to_string());
        self.run(&[&[kind, &list][..], &numbers.each_ref().map(String::as_str)].concat())
    }

    /// The time of one read of memory in a new file of this length in that directory, in random order.
    ///
    /// # Errors
    /// When there is no room for it.
    pub fn read_memory(&self, dir: &Path, bytes: usize) -> Check<Samples> {
        let file = dir.join("growth-memory");
        self.run(&["memory", &file.to_string_lossy(), &bytes.to_string()])
    }

    fn run(&self, words: &[&str]) -> Check<Samples> {
        let mut command = Command::new(self.dir.join("many"));
        let output = command.args(words).output().map_err(failed("run many"))?;
        let said = || String::from_utf8_lossy(&output.stderr).into_owned();
        ensure(output.status.success(), said)?;
        Samples::read(&String::from_utf8_lossy(&output.stdout))
    }
}

impl Drop for Loops {
    fn drop(&mut self) {
        // Left behind, it is a program and a list in the temporary directory.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// This machine's own names: what does not compile or time is found without a sandbox.
    #[test]
    fn the_loops_take_a_wrong_answer_for_a_right_one() {
        let loops = Loops::compile().unwrap_or_else(|failure| panic!("{failure}"));
        let often = Often { batch: 3, skip: 2, samples: 5 };
        let good = loops.list_of("root\ndaemon\n").expect("a list");
        for kind in ["user", "group", "first"] {
            let asked = loops.ask(kind, &good, often);
            let asked = asked.unwrap_or_else(|failure| panic!("{kind}: {failure}"));
            assert!(asked.min() > 0.0, "{kind}");
        }
        let bad = loops.list_of("root\nzz-nobody\n").expect("a list");
        for kind in ["user", "group", "other"] {
            assert!(loops.ask(kind, &bad, often).is_err(), "{kind}");
        }
        assert!(loops.read_memory(&loops.dir, 1 << 20).is_ok_and(|read| read.min() > 0.0));
        assert!(loops.read_memory(Path::new("/nowhere"), 1 << 20).is_err());
    }
}
