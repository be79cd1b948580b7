//! Files as a source: found, claimed, read, and put away when their messages are durable.
//!
//! The order of things for one file, and what a kill in between finds:
//!
//! 1. it is found complete ([`scan`], [`settle`]; [`watch`] only shortens the wait);
//! 2. with a work folder it is claimed by a rename: it is found again there;
//! 3. it is read and split ([`take`], [`crate::hl7::batch`]); its messages are handed to the ledger together with
//!    a row that says what has been taken of it ([`rows`]): either both are there or none is;
//! 4. when that is durable it is archived or removed ([`archive`]): until then the row says that
//!    nothing more is to be read of it;
//! 5. the row is forgotten: until then it is found again and leads to nothing.

pub(crate) mod archive;
mod finish;
pub(crate) mod intake;
pub(crate) mod recover;
pub(crate) mod rows;
pub(crate) mod scan;
pub(crate) mod settings;
pub(crate) mod settle;
pub(crate) mod take;
pub(crate) mod taking;
mod values;
pub(crate) mod watch;
mod writers;

use std::ffi::{OsStr, OsString};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What tells one file from another that comes under the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    /// Its number in the file system.
    pub(crate) inode: u64,
    /// Its length in bytes.
    pub(crate) size: u64,
    /// When it was last written to, in nanoseconds since 1970.
    pub(crate) modified: i64,
}

impl Identity {
    /// Of a file that was looked at.
    pub(crate) fn of(found: &Metadata) -> Self {
        Identity {
            inode: found.ino(),
            size: found.size(),
            modified: nanos(found.mtime(), found.mtime_nsec()),
        }
    }
}

/// Nanoseconds since 1970, of seconds and a rest.
fn nanos(seconds: i64, rest: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(rest)
}

/// Where a file lies, and where it came.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    /// Where it came, as a path below the inbox.
    pub(crate) came: PathBuf,
    /// Its name in the work folder, once it has been claimed.
    pub(crate) claimed: Option<OsString>,
}

impl Place {
    /// The file's own name, as it came.
    pub(crate) fn file_name(&self) -> &OsStr {
        self.came.file_name().unwrap_or_default()
    }

    /// The same, as text.
    pub(crate) fn name(&self) -> String {
        self.file_name().to_string_lossy().into_owned()
    }
}

/// The folders of one service.
#[derive(Debug, Clone)]
pub(crate) struct Folders {
    /// Where files come.
    pub(crate) inbox: PathBuf,
    /// Where they are claimed into; none to read them where they are.
    pub(crate) work: Option<PathBuf>,
    /// Where they are kept; none to remove them.
    pub(crate) archive: Option<PathBuf>,
    /// Where files go of which nothing could be read; none to leave them where they are.
    pub(crate) error: Option<PathBuf>,
}

impl Folders {
    /// The path at which a file lies now.
    pub(crate) fn path(&self, place: &Place) -> PathBuf {
        match (&place.claimed, &self.work) {
            (Some(name), Some(work)) => work.join(name),
            _ => self.inbox.join(&place.came),
        }
    }

    /// Whether a path lies in a folder of the service's own, where nothing is to be found.
    pub(crate) fn is_own(&self, path: &Path) -> bool {
        [&self.work, &self.archive, &self.error].into_iter().flatten().any(|own| path.starts_with(own))
    }
}
