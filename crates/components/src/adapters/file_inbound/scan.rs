//! Finds the files that are to be taken: by listing the folder, or by looking at hinted paths.
//!
//! The listing is the truth. Whatever the size of the folder, at most [`MOST`] files are held in
//! memory: the first ones in the order in which they are to be taken.

use std::collections::{HashMap, HashSet};
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use globset::GlobSet;
use model::{StateChange, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rows::{Part, Taken};
use super::settle::{Look, Pending, Settling, Verdict, still_written};
use super::watch::Hint;
use super::writers::open_for_writing;
use super::{Folders, Identity, Place, nanos};
use crate::adapters::disk;

/// How many files are held in memory at a time.
pub(crate) const MOST: usize = 65_536;
/// The longest pause before a file that cannot be read is tried again.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// Endings under which programs write files that are not complete.
const PARTIAL: [&str; 7] = [".tmp", ".part", ".partial", ".filepart", ".crdownload", ".swp", "~"];

/// In which order files are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// By the time of the last write, then by name.
    #[default]
    Modified,
    /// By name.
    Name,
}

/// Which files are to be taken.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// What the name has to match.
    pub(crate) specs: GlobSet,
    /// The patterns as they were written.
    pub(crate) patterns: Vec<String>,
    /// How many folders deep.
    pub(crate) levels: usize,
    /// In which order.
    pub(crate) order: Order,
    /// When they are complete.
    pub(crate) settling: Settling,
    /// The pause before a file that cannot be read is tried again; it doubles each time.
    pub(crate) first_pause: Duration,
}

impl Wanted {
    /// Whether a file of that name is to be taken. Hidden files never are, partial ones only when a
    /// pattern ends as they do.
    fn accepts(&self, name: &Path) -> bool {
        let bytes = name.as_os_str().as_bytes();
        if bytes.starts_with(b".") || !self.specs.is_match(name) {
            return false;
        }
        let partial = PARTIAL.iter().find(|ending| bytes.ends_with(ending.as_bytes()));
        partial.is_none_or(|ending| self.patterns.iter().any(|pattern| pattern.ends_with(ending)))
    }
}

/// A file that is to be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// Where it lies.
    pub(crate) place: Place,
    /// When it was last written to, in nanoseconds since 1970.
    pub(crate) modified: i64,
    /// Its length in bytes when it was found.
    pub(crate) size: u64,
    /// Whether it was seen coming by rename.
    pub(crate) moved_in: bool,
    /// What it was when it was taken in part, and where to go on.
    pub(crate) resume: Option<(Identity, Part)>,
}

/// What one look brought.
#[derive(Debug, Default)]
pub(crate) struct Haul {
    /// The files to take, in order.
    pub(crate) files: Vec<Candidate>,
    /// Whether there are more than could be held.
    pub(crate) more: bool,
    /// Rows that are no longer needed.
    pub(crate) state: Vec<StateChange>,
    /// What has to be said.
    pub(crate) warnings: Vec<String>,
    settled: HashMap<PathBuf, Look>,
}

struct Pause {
    until: Timestamp,
    length: Duration,
}

/// What is known about files that are not taken (yet).
pub(crate) struct Tracker {
    folders: Folders,
    wanted: Wanted,
    pending: HashMap<PathBuf, Pending>,
    left: HashMap<PathBuf, Taken>,
    pauses: HashMap<PathBuf, Pause>,
    said: HashSet<PathBuf>,
}

impl Tracker {
    /// Knows nothing yet.
    pub(crate) fn new(folders: Folders, wanted: Wanted) -> Self {
        Tracker {
            folders,
            wanted,
            pending: HashMap::new(),
            left: HashMap::new(),
            pauses: HashMap::new(),
            said: HashSet::new(),
        }
    }

    /// A file stays where it is, and is not to be read again as long as it is the same.
    pub(crate) fn leave(&mut self, taken: Taken) {
        self.left.insert(taken.place.came.clone(), taken);
    }

    /// A file cannot be read; true when that is news.
    pub(crate) fn pause(&mut self, came: &Path, now: Timestamp) -> bool {
        let news = !self.pauses.contains_key(came);
        let pause = self
            .pauses
            .entry(came.to_owned())
            .or_insert(Pause { until: now, length: self.wanted.first_pause / 2 });
        pause.length = (pause.length * 2).min(LONGEST_PAUSE);
        pause.until = Timestamp(now.0 + pause.length.as_millis() as i64);
        news
    }

    /// When the next file may have settled.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.pending.values().filter_map(|pending| self.wanted.settling.due(pending)).min()
    }

    /// The files that may have settled by now.
    pub(crate) fn due(&self, now: Timestamp) -> Vec<Hint> {
        let due = |pending: &Pending| self.wanted.settling.due(pending).is_some_and(|due| due <= now);
        let settled = self.pending.iter().filter(|(_, pending)| due(pending));
        settled.map(|(came, _)| Hint { path: self.folders.inbox.join(came), moved_in: false }).collect()
    }

    /// Lists the folder.
    pub(crate) fn list(&mut self, now: Timestamp) -> io::Result<Haul> {
        let mut haul = Haul::default();
        let mut seen = HashSet::new();
        let mut folders = vec![(PathBuf::new(), 0)];
        while let Some((below, depth)) = folders.pop() {
            let listing = match fs::read_dir(self.folders.inbox.join(&below)) {
                Ok(listing) => listing,
                Err(error) if depth == 0 => return Err(error),
                Err(error) => {
                    self.say(&mut haul, below, |path| {
                        format!("folder \"{path}\" cannot be listed: {}", disk::reason(&error))
                    });
                    continue;
                }
            };
            for entry in listing {
                let entry = entry?;
                let came = below.join(entry.file_name());
                let Some(kind) = there(entry.file_type())? else { continue };
                if kind.is_dir() {
                    if depth < self.wanted.levels && self.enters(&came) {
                        folders.push((came, depth + 1));
                    }
                } else if kind.is_file() && self.wanted.accepts(Path::new(&entry.file_name())) {
                    let Some(found) = there(entry.metadata())? else { continue };
                    self.consider(&mut haul, &came, &found, false, now);
                    if self.knows(&came) {
                        seen.insert(came);
                    }
                } else if kind.is_symlink() && self.wanted.accepts(Path::new(&entry.file_name())) {
                    self.say(&mut haul, came, |path| {
                        format!("\"{path}\" is a symbolic link and is not taken; expected a file")
                    });
                }
            }
        }
        self.forget_unseen(&mut haul, &seen);
        Ok(self.finish(haul, now))
    }

    /// Looks at the files that were hinted at.
    pub(crate) fn look(&mut self, hints: Vec<Hint>, now: Timestamp) -> Haul {
        let mut haul = Haul::default();
        for hint in hints {
            let Ok(came) = hint.path.strip_prefix(&self.folders.inbox).map(Path::to_owned) else { continue };
            let depth = came.components().count();
            let named = came.file_name().is_some_and(|name| self.wanted.accepts(Path::new(name)));
            let reached = came.parent().is_none_or(|parent| parent == Path::new("") || self.enters(parent));
            if depth == 0 || depth > self.wanted.levels + 1 || !named || !reached {
                continue;
            }
            match fs::symlink_metadata(&hint.path) {
                Ok(found) if found.is_file() => {
                    self.consider(&mut haul, &came, &found, hint.moved_in, now);
                }
                // Gone again, or no file: the listing will say whatever is to be said.
                _ => {
                    self.pending.remove(&came);
                }
            }
        }
        self.finish(haul, now)
    }

    fn enters(&self, came: &Path) -> bool {
        let hidden = came.components().any(|part| part.as_os_str().as_bytes().starts_with(b"."));
        !hidden && !self.folders.is_own(&self.folders.inbox.join(came))
    }

    fn knows(&self, came: &Path) -> bool {
        self.pending.contains_key(came) || self.left.contains_key(came) || self.pauses.contains_key(came)
    }

    fn say(&mut self, haul: &mut Haul, came: PathBuf, text: impl FnOnce(std::path::Display<'_>) -> String) {
        if self.said.len() < MOST && !self.said.contains(&came) {
            haul.warnings.push(text(self.folders.inbox.join(&came).display()));
            self.said.insert(came);
        }
    }

    fn consider(&mut self, haul: &mut Haul, came: &Path, found: &Metadata, moved_in: bool, now: Timestamp) {
        let identity = Identity::of(found);
        let left = self.left.get(came);
        if self.pauses.get(came).is_some_and(|pause| pause.until > now)
            || left.is_some_and(|left| left.identity == identity)
        {
            // Nothing is due for it any more.
            self.pending.remove(came);
            return;
        }
        if let Some(left) = left {
            haul.state.push(left.forget());
            self.left.remove(came);
        }
        let changed = nanos(found.ctime(), found.ctime_nsec());
        let look = Look { size: identity.size, modified: identity.modified, changed, moved_in };
        match self.wanted.settling.judge(&look, self.pending.get(came), now) {
            Verdict::Wait(pending) => {
                // What is not remembered now will be found by a later listing.
                if self.pending.len() < MOST || self.pending.contains_key(came) {
                    self.pending.insert(came.to_owned(), pending);
                }
                return;
            }
            Verdict::Settled => {
                haul.settled.insert(came.to_owned(), look);
            }
            Verdict::Complete => {}
        }
        haul.files.push(Candidate {
            place: Place { came: came.to_owned(), claimed: None },
            modified: identity.modified,
            size: identity.size,
            moved_in,
            resume: None,
        });
        if haul.files.len() >= 2 * MOST {
            self.keep_first(haul);
        }
    }

    /// Keeps the first ones in order; the others are found again when these are done.
    fn keep_first(&self, haul: &mut Haul) {
        if haul.files.len() > MOST {
            let order = self.wanted.order;
            haul.files.select_nth_unstable_by(MOST, |a, b| compare(order, a, b));
            haul.files.truncate(MOST);
            haul.more = true;
        }
    }

    /// Drops what is still being written, and puts the rest in order.
    fn finish(&mut self, mut haul: Haul, now: Timestamp) -> Haul {
        if !haul.settled.is_empty() {
            let open = open_for_writing(&self.folders.inbox);
            let settled = std::mem::take(&mut haul.settled);
            haul.files.retain(|file| match settled.get(&file.place.came) {
                Some(look) if open.contains(&self.folders.path(&file.place)) => {
                    self.pending.insert(file.place.came.clone(), still_written(look, now));
                    false
                }
                _ => true,
            });
        }
        self.keep_first(&mut haul);
        sort(self.wanted.order, &mut haul.files);
        // A file can have been hinted at more than once.
        haul.files.dedup_by(|a, b| {
            let same = a.place == b.place;
            b.moved_in |= same && a.moved_in;
            same
        });
        for file in &haul.files {
            self.pending.remove(&file.place.came);
        }
        haul
    }

    /// Forgets what is no longer there.
    fn forget_unseen(&mut self, haul: &mut Haul, seen: &HashSet<PathBuf>) {
        self.pending.retain(|came, _| seen.contains(came));
        self.pauses.retain(|came, _| seen.contains(came));
        self.left.retain(|came, left| {
            let there = seen.contains(came);
            if !there {
                haul.state.push(left.forget());
            }
            there
        });
    }

    /// A file could be read (again).
    pub(crate) fn readable(&mut self, came: &Path) {
        if !self.pauses.is_empty() {
            self.pauses.remove(came);
        }
    }
}

/// What was there a moment ago; none when it is gone.
fn there<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

fn compare(order: Order, a: &Candidate, b: &Candidate) -> std::cmp::Ordering {
    let by_name = || a.place.came.as_os_str().as_bytes().cmp(b.place.came.as_os_str().as_bytes());
    match order {
        Order::Modified => a.modified.cmp(&b.modified).then_with(by_name),
        Order::Name => by_name(),
    }
}

/// Puts files into the order in which they are taken.
pub(crate) fn sort(order: Order, files: &mut [Candidate]) {
    files.sort_unstable_by(|a, b| compare(order, a, b));
}

#[cfg(test)]
#[path = "tests/scan.rs"]
mod tests;
