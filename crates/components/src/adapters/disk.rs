//! What both file components ask of the disk: folders that are there, renames that never overwrite,
//! and changes that outlive the power.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, RenameFlags, renameat, renameat_with, statat};
use rustix::io::Errno;

/// Runs blocking work away from the workers that serve everybody.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // The pool no longer takes work: the process is ending, and nobody waits for an answer.
        Err(_) => std::future::pending().await,
    }
}

/// The folder that a setting names: a relative one lies in the data directory and is made when it is
/// missing, an absolute one has to be there.
///
/// The answer says whether it was made.
pub(crate) fn folder(data_dir: &Path, setting: &str, value: &str) -> Result<(PathBuf, bool), String> {
    let path = data_dir.join(value);
    match fs::metadata(&path) {
        Ok(found) if found.is_dir() => Ok((path, false)),
        Ok(_) => Err(format!("{setting} \"{}\" is no folder; expected a folder", path.display())),
        Err(error) if error.kind() == ErrorKind::NotFound && Path::new(value).is_relative() => {
            fs::create_dir_all(&path).map_err(|error| {
                format!("{setting} \"{}\" cannot be made: {}", path.display(), reason(&error))
            })?;
            Ok((path, true))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Err(format!(
            "{setting} \"{}\" does not exist; make it, or give a path relative to the data directory",
            path.display()
        )),
        Err(error) => Err(format!("{setting} \"{}\" cannot be used: {}", path.display(), reason(&error))),
    }
}

/// An error of the system in the words of this house: lower case, no number.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// Makes renames and removals in this folder outlive the power.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Renames, but never over something else: false when `to` is taken. Relative names lie in `dir`.
pub(crate) fn rename_new(dir: impl AsFd, from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<bool> {
    let (dir, from, to) = (dir.as_fd(), from.as_ref(), to.as_ref());
    match renameat_with(dir, from, dir, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(true),
        Err(Errno::EXIST) => Ok(false),
        // Some network file systems cannot; there the look and the rename are two steps.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            match statat(dir, to, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(_) => Ok(false),
                Err(Errno::NOENT) => Ok(renameat(dir, from, dir, to).map(|()| true)?),
                Err(error) => Err(error.into()),
            }
        }
        Err(error) => Err(error.into()),
    }
}

/// Moves a file, over the border of a file system too, but never over something else.
pub(crate) fn move_new(from: &Path, to: &Path) -> io::Result<bool> {
    match rename_new(CWD, from, to) {
        Err(error) if error.kind() == ErrorKind::CrossesDevices => {}
        other => return other,
    }
    if fs::symlink_metadata(to).is_ok() {
        return Ok(false);
    }
    let mut source = File::open(from)?;
    // Without the file's own name, which may be as long as names can be.
    let aside = to.with_file_name(format!(".{:x}.tmp", source.metadata()?.ino()));
    remove_if_there(&aside)?;
    let mut copy = OpenOptions::new().write(true).create_new(true).open(&aside)?;
    io::copy(&mut source, &mut copy)?;
    copy.set_modified(source.metadata()?.modified()?)?;
    copy.sync_all()?;
    if !rename_new(CWD, &aside, to)? {
        fs::remove_file(&aside)?;
        return Ok(false);
    }
    fs::remove_file(from)?;
    Ok(true)
}

/// Removes a file; it is no matter when it is not there.
pub(crate) fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_folder_is_made_and_an_absolute_one_has_to_be_there() {
        let data = testkit::data_dir();
        let made = folder(data.path(), "file_path", "a/b").unwrap();
        assert_eq!(made, (data.path().join("a/b"), true));
        assert_eq!(folder(data.path(), "file_path", "a/b").unwrap(), (data.path().join("a/b"), false));
        let absent = data.path().join("c").display().to_string();
        let error = folder(data.path(), "file_path", &absent).unwrap_err();
        assert_eq!(
            error,
            format!(
                "file_path \"{absent}\" does not exist; make it, or give a path relative to the data directory"
            )
        );
        fs::write(data.path().join("f"), "").unwrap();
        assert!(folder(data.path(), "file_path", "f").unwrap_err().contains("is no folder"));
    }

    #[test]
    fn a_rename_never_overwrites() {
        let data = testkit::data_dir();
        let [from, to] = ["from", "to"].map(|name| data.path().join(name));
        fs::write(&from, "1").unwrap();
        fs::write(&to, "2").unwrap();
        assert!(!move_new(&from, &to).unwrap());
        assert_eq!(fs::read(&to).unwrap(), b"2");
        fs::remove_file(&to).unwrap();
        assert!(move_new(&from, &to).unwrap());
        assert_eq!((fs::read(&to).unwrap(), from.exists()), (b"1".to_vec(), false));
        assert_eq!(rename_new(CWD, &from, &to).unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[test]
    fn an_error_of_the_system_has_the_form_of_the_house() {
        assert_eq!(reason(&io::Error::from_raw_os_error(13)), "permission denied");
    }
}
