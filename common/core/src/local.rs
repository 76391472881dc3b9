//! The host's own names, read from the files themselves: no NSS, so that the modules and the
//! daemon can ask without asking each other.
#![forbid(unsafe_code)]

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

/// Where the host's own users are.
pub const PASSWD_FILE: &str = "/etc/passwd";
/// Where the host's own groups are.
pub const GROUP_FILE: &str = "/etc/group";

/// Whether /etc/passwd has a user of exactly this name.
///
/// # Errors
/// The error of opening or reading the file; the caller decides what is safe then.
pub fn is_local_user(name: &[u8]) -> io::Result<bool> {
    file_names(Path::new(PASSWD_FILE), name)
}

/// Whether /etc/group has a group of exactly this name.
///
/// # Errors
/// The error of opening or reading the file; the caller decides what is safe then.
pub fn is_local_group(name: &[u8]) -> io::Result<bool> {
    file_names(Path::new(GROUP_FILE), name)
}

/// Whether a file of passwd(5) or group(5) form has a line for this name. The file is opened
/// close-on-exec (as std always does) and read to the name, no further.
///
/// # Errors
/// The error of opening or reading the file.
pub fn file_names(file: &Path, name: &[u8]) -> io::Result<bool> {
    let mut lines = BufReader::new(File::open(file)?);
    let mut line = Vec::with_capacity(256);
    while lines.read_until(b'\n', &mut line)? > 0 {
        if line.strip_prefix(name).is_some_and(|rest| rest.first() == Some(&b':')) {
            return Ok(true);
        }
        line.clear();
    }
    Ok(false)
}

/// Every name of a file of passwd(5) or group(5) form with its id, for the daemon's copy.
///
/// # Errors
/// The error of opening or reading the file.
pub fn names_and_ids(file: &Path) -> io::Result<Vec<(String, u32)>> {
    let mut found = Vec::new();
    for line in BufReader::new(File::open(file)?).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        let mut fields = line.split(':');
        if let (Some(name), Some(_), Some(id)) = (fields.next(), fields.next(), fields.next())
            && let Ok(id) = id.parse()
        {
            found.push((name.to_owned(), id));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn passwd() -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"root:x:0:0:root:/root:/bin/bash\nbob:x:1000:1000::/home/bob:/bin/sh\n+\nlast:x:7:7::/:/bin/sh")
            .unwrap();
        file
    }

    #[test]
    fn a_local_name_is_missed_or_half_a_name_found() {
        let file = passwd();
        for (name, local) in [
            ("root", true),
            ("bob", true),
            ("last", true),
            ("bo", false),
            ("bobby", false),
            ("x", false),
            ("", false),
        ] {
            assert_eq!(file_names(file.path(), name.as_bytes()).unwrap(), local, "{name:?}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_looks_like_one_without_the_name() {
        assert!(file_names(Path::new("/nonexistent/passwd"), b"root").is_err());
    }

    #[test]
    fn odd_lines_keep_the_names_after_them_from_being_known() {
        let names = names_and_ids(passwd().path()).unwrap();
        assert_eq!(names, [("root".into(), 0), ("bob".into(), 1000), ("last".into(), 7)]);
    }
}
