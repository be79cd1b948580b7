//! Which files a process on this machine holds open for writing.
//!
//! A producer that pauses longer than the settle time looks like one that has finished. On Linux
//! `/proc` tells them apart, as far as this user may look; elsewhere nothing is known, and the settle
//! time alone decides.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Files below `folder` that are open for writing.
pub(super) fn open_for_writing(folder: &Path) -> HashSet<PathBuf> {
    let mut found = HashSet::new();
    // Links in /proc show where a file really lies.
    let Ok(real) = folder.canonicalize() else { return found };
    for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
        if !process.file_name().as_encoded_bytes().first().is_some_and(u8::is_ascii_digit) {
            continue;
        }
        let Ok(files) = fs::read_dir(process.path().join("fd")) else { continue };
        for file in files.flatten() {
            let Ok(target) = fs::read_link(file.path()) else { continue };
            if let Ok(below) = target.strip_prefix(&real)
                && writes(&process.path().join("fdinfo").join(file.file_name()))
            {
                found.insert(folder.join(below));
            }
        }
    }
    found
}

/// Whether the open file was opened for writing: the last octal digit of its flags is not 0.
fn writes(info: &Path) -> bool {
    let text = fs::read_to_string(info).unwrap_or_default();
    let flags = text.lines().find_map(|line| line.strip_prefix("flags:")).unwrap_or_default();
    let mode = flags.trim().bytes().last().map_or(0, |digit| digit.wrapping_sub(b'0') & 0o3);
    mode != 0
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn a_file_is_found_for_as_long_as_it_is_open_for_writing() {
        let data = testkit::data_dir();
        let [written, read] = ["written", "read"].map(|name| data.path().join(name));
        let writer = File::create(&written).unwrap();
        drop(File::create(&read).unwrap());
        let reader = File::open(&read).unwrap();
        assert_eq!(open_for_writing(data.path()), HashSet::from([written]));
        drop((writer, reader));
        assert_eq!(open_for_writing(data.path()), HashSet::new());
    }
}
