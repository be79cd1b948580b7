//! What a start finds of files that an earlier life had in hand.

use std::collections::HashSet;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use model::StateChange;

use super::archive::remove_aside;
use super::rows::{Progress, Taken};
use super::scan::Candidate;
use super::{Folders, Identity, Place};

/// What is to be done about them.
#[derive(Debug, Default)]
pub(crate) struct Recovered {
    /// To be read, from the beginning or from where it was left.
    pub(crate) read: Vec<Candidate>,
    /// To be put away: all of it has been taken.
    pub(crate) put_away: Vec<Taken>,
    /// To stay where it is.
    pub(crate) left: Vec<Taken>,
    /// Rows that are no longer needed.
    pub(crate) state: Vec<StateChange>,
    /// What has to be said.
    pub(crate) warnings: Vec<String>,
}

/// Looks for the files of the rows, and for claimed files that have none.
pub(crate) fn recover(folders: &Folders, rows: Vec<Taken>) -> io::Result<Recovered> {
    let mut recovered = Recovered::default();
    let mut known = HashSet::new();
    for row in rows {
        recover_one(folders, &mut recovered, row.clone())?;
        known.extend(row.place.claimed);
    }
    let Some(work) = &folders.work else { return Ok(recovered) };
    for entry in fs::read_dir(work)? {
        let entry = entry?;
        let name = entry.file_name();
        if !entry.file_type()?.is_file() || name.as_bytes().starts_with(b".") || known.contains(&name) {
            continue;
        }
        let Identity { modified, size, .. } = Identity::of(&entry.metadata()?);
        let place = Place { came: PathBuf::from(&name), claimed: Some(name) };
        recovered.read.push(Candidate { place, modified, size, moved_in: false, resume: None });
    }
    Ok(recovered)
}

fn recover_one(folders: &Folders, recovered: &mut Recovered, mut row: Taken) -> io::Result<()> {
    let mut found = find(folders, &row)?;
    if found.is_none() && row.place.claimed.is_some() {
        // The power may have failed before the claim was on the disk.
        row.place.claimed = None;
        found = find(folders, &row)?;
    }
    let Some(found) = found else {
        remove_aside(&folders.path(&row.place), &row)?;
        if let Progress::Part(part) = &row.progress {
            recovered.warnings.push(format!(
                "file \"{}\" is gone; {} of its {} bytes had been taken",
                folders.path(&row.place).display(),
                part.offset,
                row.identity.size
            ));
        }
        recovered.state.push(row.forget());
        return Ok(());
    };
    match &row.progress {
        Progress::Part(part) if found.size >= part.offset => recovered.read.push(Candidate {
            resume: Some((row.identity, *part)),
            modified: row.identity.modified,
            size: found.size,
            moved_in: false,
            place: row.place,
        }),
        Progress::Left(reason) if found == row.identity => match folders.error {
            Some(_) => {
                let progress = Progress::Refused(reason.clone());
                recovered.put_away.push(Taken { progress, ..row });
            }
            None => recovered.left.push(row),
        },
        // It was written anew: another file.
        Progress::Part(_) | Progress::Left(_) => recovered.state.push(row.forget()),
        Progress::Done | Progress::Refused(_) => recovered.put_away.push(row),
    }
    Ok(())
}

/// The row's file, where it should be; none when it is gone or another file is there.
fn find(folders: &Folders, row: &Taken) -> io::Result<Option<Identity>> {
    match fs::symlink_metadata(folders.path(&row.place)) {
        Ok(found) => Ok(Some(Identity::of(&found)).filter(|found| found.inode == row.identity.inode)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
#[path = "tests/recover.rs"]
mod tests;
