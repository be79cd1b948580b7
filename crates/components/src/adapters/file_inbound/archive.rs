//! Puts files away whose messages are durable: into the archive, into the error folder, or out of
//! the world.
//!
//! A file is first moved and then looked at: if a producer has put another one in its place in the
//! meantime, that one is put back and taken as any other. Nothing in the archive is ever overwritten.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use model::{StateChange, Timestamp, fault};

use super::rows::{Progress, Taken};
use super::{Folders, Identity};
use crate::adapters::disk;
use crate::adapters::file_name::{Facts, NameTemplate, safe};

/// How files are put away.
#[derive(Debug, Clone)]
pub(crate) struct PuttingAway {
    /// Where they lie and where they go.
    pub(crate) folders: Folders,
    /// What names in the archive are made of; none to keep the name.
    pub(crate) stamp: Option<NameTemplate>,
}

/// What became of some files.
#[derive(Debug, Default)]
pub(crate) struct Away {
    /// The rows that are no longer needed, and those that are now others.
    pub(crate) state: Vec<StateChange>,
    /// Files that stay where they are.
    pub(crate) left: Vec<Taken>,
    /// What has to be said as an error.
    pub(crate) errors: Vec<String>,
    /// What has to be said as a warning.
    pub(crate) warnings: Vec<String>,
    /// Whether other files lie in the places of some, and wait to be taken.
    pub(crate) again: bool,
    touched: BTreeSet<PathBuf>,
}

/// What was found where a file was moved to.
enum Found {
    Same,
    Grown(u64),
    Other,
}

impl PuttingAway {
    /// Puts them away, and makes it outlive the power. After an error the rest lies where it lay.
    pub(crate) fn put_away(&self, files: &[Taken], now: Timestamp) -> Result<Away, String> {
        let mut away = Away::default();
        for taken in files {
            let path = self.folders.path(&taken.place);
            match self.put_one(&mut away, taken, &path, now) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::NotFound && !path.exists() => {
                    away.warnings.push(format!(
                        "file \"{}\" was gone before it could be put away; its messages have been taken",
                        path.display()
                    ));
                    away.state.push(taken.forget());
                }
                Err(error) => {
                    return Err(format!(
                        "file \"{}\" cannot be put away: {}; its messages have been taken, and nothing more is \
                         taken until it can be",
                        path.display(),
                        disk::reason(&error)
                    ));
                }
            }
        }
        for folder in &away.touched {
            disk::sync_folder(folder).map_err(|error| {
                format!("folder \"{}\" cannot be synced: {}", folder.display(), disk::reason(&error))
            })?;
        }
        Ok(away)
    }

    fn put_one(&self, away: &mut Away, taken: &Taken, path: &Path, now: Timestamp) -> io::Result<()> {
        match (&taken.progress, &self.folders.error, &self.folders.archive) {
            (Progress::Left(_), ..) | (Progress::Refused(_), None, _) => {
                away.left.push(taken.clone());
                return Ok(());
            }
            (Progress::Refused(reason), Some(error), _) => {
                let to = self.move_into(away, taken, path, error, None)?;
                let text = format!(
                    "{}\nrefused at {} UTC, session and bytes are in the store\n",
                    reason,
                    now.to_utc()
                );
                fs::write(reason_path(&to), text)?;
            }
            (_, _, Some(archive)) => {
                self.move_into(away, taken, path, archive, self.stamped(taken, now))?;
            }
            (_, _, None) => self.remove(away, taken, path)?,
        }
        fault::point("file.archived");
        away.state.push(taken.forget());
        Ok(())
    }

    fn stamped(&self, taken: &Taken, now: Timestamp) -> Option<String> {
        let name = taken.place.name();
        let facts = Facts { source: &name, time: now, id: 0, session: 0, doc_type: "", message: None };
        self.stamp.as_ref().map(|stamp| stamp.render(&facts))
    }

    /// Moves a file into a folder, under the folders it came in, and looks whether it is the one.
    fn move_into(
        &self,
        away: &mut Away,
        taken: &Taken,
        path: &Path,
        folder: &Path,
        name: Option<String>,
    ) -> io::Result<PathBuf> {
        let below = taken.place.came.parent().unwrap_or(Path::new(""));
        let (root, folder) = (folder, folder.join(below));
        let name = name.as_deref().map(OsStr::new).unwrap_or(taken.place.file_name());
        let to = match move_under_new_name(path, &folder, name, taken.identity.modified) {
            // The folder for a subfolder's files is made when the first one comes.
            Err(error) if error.kind() == ErrorKind::NotFound && path.exists() && root.is_dir() => {
                fs::create_dir_all(&folder)?;
                away.touched.extend(
                    folder.ancestors().skip(1).take_while(|new| new.starts_with(root)).map(Path::to_owned),
                );
                move_under_new_name(path, &folder, name, taken.identity.modified)?
            }
            moved => moved?,
        };
        match self.look(taken, &to)? {
            Found::Same => {}
            Found::Grown(size) => away.errors.push(grown(taken, path, size, &to)),
            Found::Other => put_back(away, &to, path)?,
        }
        away.touched.extend(path.parent().map(Path::to_owned));
        away.touched.insert(folder);
        Ok(to)
    }

    /// Removes a file. One that has grown is not removed: it goes to the error folder or stays.
    fn remove(&self, away: &mut Away, taken: &Taken, path: &Path) -> io::Result<()> {
        let aside = aside(path, taken);
        fs::rename(path, &aside)?;
        away.touched.extend(path.parent().map(Path::to_owned));
        match self.look(taken, &aside)? {
            Found::Same => fs::remove_file(&aside),
            Found::Other => put_back(away, &aside, path),
            Found::Grown(size) => {
                let mut kept = path.to_owned();
                match &self.folders.error {
                    Some(error) => {
                        let name = taken.place.file_name();
                        kept = move_under_new_name(&aside, error, name, taken.identity.modified)?;
                        away.touched.insert(error.clone());
                    }
                    None => {
                        put_back(away, &aside, path)?;
                        let identity = Identity::of(&fs::symlink_metadata(path)?);
                        let left = Progress::Left("it has grown after it was taken".into());
                        let left = Taken { identity, progress: left, ..taken.clone() };
                        away.state.push(left.remember());
                        away.left.push(left);
                    }
                }
                away.errors.push(grown(taken, path, size, &kept));
                Ok(())
            }
        }
    }

    fn look(&self, taken: &Taken, at: &Path) -> io::Result<Found> {
        let found = fs::symlink_metadata(at)?;
        let (was, is) = (taken.identity, Identity::of(&found));
        let same_content = (was.size, was.modified) == (is.size, is.modified);
        Ok(match was.inode == is.inode {
            true if same_content => Found::Same,
            true if is.size > was.size || taken.place.claimed.is_some() => Found::Grown(is.size),
            // A copy on another file system has another number, but the same length and time.
            false if same_content && self.crosses(&found) => Found::Same,
            _ => Found::Other,
        })
    }

    fn crosses(&self, found: &fs::Metadata) -> bool {
        let from = self.folders.work.as_ref().unwrap_or(&self.folders.inbox);
        fs::metadata(from).is_ok_and(|from| from.dev() != found.dev())
    }
}

fn grown(taken: &Taken, path: &Path, size: u64, kept: &Path) -> String {
    format!(
        "file \"{}\" was changed after it had been taken: bytes 0 to {} were taken, it now has {size}; all of it is \
         kept as \"{}\"",
        path.display(),
        taken.identity.size,
        kept.display()
    )
}

/// The name under which a file is for the moment between being taken out of sight and being removed.
fn aside(path: &Path, taken: &Taken) -> PathBuf {
    // Without the file's own name, which may be as long as names can be.
    path.with_file_name(format!(".{:x}.{:x}.taken", taken.identity.inode, taken.identity.modified))
}

/// Removes what a crash left between taking a file out of sight and removing it.
pub(crate) fn remove_aside(path: &Path, taken: &Taken) -> io::Result<()> {
    disk::remove_if_there(&aside(path, taken))
}

/// Puts back a file that is not the one that was meant.
fn put_back(away: &mut Away, from: &Path, to: &Path) -> io::Result<()> {
    away.again = true;
    if !disk::move_new(from, to)? {
        let folder = to.parent().unwrap_or(Path::new("/"));
        move_under_new_name(from, folder, to.file_name().unwrap_or_default(), 0)?;
    }
    Ok(())
}

/// `NAME.reason` beside a file; NAME is cut where both together would be too long.
fn reason_path(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(safe::with_ending(&name, ".reason"))
}

/// Moves a file into a folder under `name`, or, when that is taken, under one that has the file's time
/// and then a number added. Returns where it is.
pub(crate) fn move_under_new_name(
    from: &Path,
    folder: &Path,
    name: &OsStr,
    modified: i64,
) -> io::Result<PathBuf> {
    let to = folder.join(name);
    if disk::move_new(from, &to)? {
        return Ok(to);
    }
    let stamp: NameTemplate = "_%Q".parse().expect("a good template");
    let time = Timestamp(modified.div_euclid(1_000_000));
    let stamp = stamp.render(&Facts { source: "", time, id: 0, session: 0, doc_type: "", message: None });
    let name = name.to_string_lossy();
    for number in 1_u64.. {
        let suffix = if number == 1 { stamp.clone() } else { format!("{stamp}_{number}") };
        let to = folder.join(safe::with_suffix(&name, &suffix));
        if disk::move_new(from, &to)? {
            return Ok(to);
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
#[path = "tests/archive.rs"]
mod tests;
