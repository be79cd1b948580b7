//! One file that messages are appended to, each exactly once.
//!
//! After each group the operation remembers how long the file is and which messages made it so long.
//! That note and the messages' completion reach the ledger in this order, though not in one
//! transaction, so a start may find three things:
//!
//! - neither: the file is longer than the note says, by bytes that are the messages to be repeated.
//!   They are cut off and written again;
//! - the note alone: a message that comes again and is named in it is not written again;
//! - both: nothing is to be done.
//!
//! Notes are kept of so many files and no more. A plain file whose note is gone is simply added to; a
//! batch is gone on with when it is whole.
//!
//! Bytes that are not the engine's own are never cut off: somebody else's lines stay, and the next
//! message follows them.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use model::{StateChange, Timestamp, fault};
use rustix::fs::{CWD, Mode, OFlags, openat};
use serde::{Deserialize, Serialize};

use super::frame::Separator;
use super::{Job, Written, frame};
use crate::adapters::disk;

/// What the keys of these notes begin with.
pub(crate) const PREFIX: &str = "append/";
/// Notes that are kept: a name may hold a date, and every day would leave one.
const MOST_NOTES: usize = 64;

/// What is known about one file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    inode: u64,
    /// The bytes up to the trailer.
    length: u64,
    /// The messages among them.
    messages: u64,
    /// The headers of the last group, those among them that were there before included.
    last: Vec<u64>,
    /// Made by an earlier life, which may have written more than it noted.
    #[serde(skip)]
    old: bool,
    #[serde(skip)]
    used: u64,
}

/// The files that one item appends to.
#[derive(Debug, Default)]
pub(crate) struct Appending {
    notes: HashMap<String, Note>,
    loaded: bool,
    groups: u64,
}

/// How messages are appended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way<'a> {
    /// Whether the file is a batch, with its headers and trailers.
    pub(crate) wrap: bool,
    /// What stands behind each message.
    pub(crate) separator: Separator<'a>,
    /// Whether what is appended is durable when it counts as written.
    pub(crate) sync: bool,
}

impl Appending {
    /// Whether the notes of an earlier life have been read.
    pub(crate) fn is_loaded(&self) -> bool {
        self.loaded
    }

    /// Reads the notes of an earlier life.
    pub(crate) fn load(&mut self, rows: Vec<(String, Vec<u8>)>) {
        for (key, value) in rows {
            if let (Some(name), Ok(note)) = (key.strip_prefix(PREFIX), serde_json::from_slice::<Note>(&value))
            {
                self.notes.insert(name.to_owned(), Note { old: true, ..note });
            }
        }
        self.loaded = true;
    }

    /// Appends a group, and says what is to be remembered of it.
    pub(crate) fn append(
        &mut self,
        folder: &Path,
        jobs: &[Job],
        way: Way<'_>,
    ) -> (Written, Vec<StateChange>) {
        self.groups += 1;
        let mut written = Written::default();
        let mut state: HashMap<&str, StateChange> = HashMap::new();
        for run in jobs.chunk_by(|a, b| a.name == b.name) {
            let name = run[0].name.as_str();
            match self.append_run(folder, run, way) {
                Ok(note) => {
                    let value = serde_json::to_vec(&note).expect("plain data becomes JSON");
                    let key = format!("{PREFIX}{name}");
                    state.insert(name, StateChange { key, value: Some(value) });
                    self.notes.insert(name.to_owned(), note);
                    written.count += run.len();
                }
                Err(reason) => {
                    written.failure = Some(format!("{} cannot be written: {reason}", run[0].place(folder)));
                    break;
                }
            }
        }
        let mut state: Vec<_> = state.into_values().collect();
        state.extend(self.forget_oldest());
        (written, state)
    }

    /// Forgets the files that have not been written to for the longest time. What was written to them
    /// was completed long ago.
    fn forget_oldest(&mut self) -> Vec<StateChange> {
        let mut forgotten = Vec::new();
        while self.notes.len() > MOST_NOTES {
            let oldest = self.notes.iter().filter(|(_, note)| note.used < self.groups);
            let Some(name) = oldest.min_by_key(|(_, note)| note.used).map(|(name, _)| name.clone()) else {
                break;
            };
            self.notes.remove(&name);
            forgotten.push(StateChange { key: format!("{PREFIX}{name}"), value: None });
        }
        forgotten
    }

    /// Appends messages to one file.
    fn append_run(&mut self, folder: &Path, run: &[Job], way: Way<'_>) -> Result<Note, String> {
        let system = |error: io::Error| disk::reason(&error);
        let (file, found) = open(&folder.join(&run[0].name)).map_err(system)?;
        // An empty file is a new one, even if it has the number of one that is gone.
        let known = self.notes.get(&run[0].name).filter(|note| note.inode == found.ino() && found.len() > 0);
        let note = match known {
            Some(note) => note.clone(),
            None => unknown(&file, &found, run[0].created, way).map_err(system)?,
        };
        let new: Vec<_> = run.iter().filter(|job| !note.last.contains(&job.id)).collect();
        let Some(first) = new.first() else { return Ok(Note { used: self.groups, ..note }) };
        let mut text = Vec::new();
        if way.wrap && note.length == 0 {
            text.extend_from_slice(frame::head(first).as_bytes());
        }
        new.iter().for_each(|job| frame::push_message(&mut text, &job.bytes, way.separator));
        let mut note = self.begin(&file, &found, note, &text, way)?;
        let before = (note.length, tail(&note, way));
        note.length += text.len() as u64;
        note.messages += new.len() as u64;
        text.extend_from_slice(&tail(&note, way));
        if let Err(error) = put(&file, before.0, &text, way.sync) {
            // As it was before; where even that fails, the next try finds what this one left.
            let _put_back = put(&file, before.0, &before.1, false);
            if let Some(known) = self.notes.get_mut(&run[0].name) {
                known.old = true;
            }
            return Err(disk::reason(&error));
        }
        if way.sync && before.0 == 0 {
            disk::sync_folder(folder).map_err(system)?;
        }
        fault::point("operation.written_aside");
        // Messages of one group may come to a file in several runs, with other files between them.
        if note.used != self.groups {
            note.last.clear();
        }
        note.last.extend(run.iter().map(|job| job.id));
        (note.old, note.used) = (false, self.groups);
        Ok(note)
    }

    /// Finds where to go on: behind what is noted, or behind what somebody else has added.
    fn begin(
        &self,
        file: &File,
        found: &Metadata,
        mut note: Note,
        text: &[u8],
        way: Way<'_>,
    ) -> Result<Note, String> {
        let old_tail = tail(&note, way);
        let most = text.len() + old_tail.len() + 1;
        let mut excess = vec![0; (found.len().saturating_sub(note.length) as usize).min(most)];
        file.read_exact_at(&mut excess, note.length).map_err(|error| disk::reason(&error))?;
        let whole = found.len() >= note.length && excess == old_tail;
        if whole || (note.old && found.len() >= note.length && is_own(&excess, text, &old_tail, way)) {
            return Ok(note);
        }
        if way.wrap {
            return Err("it holds what this item has not written; move it away".into());
        }
        let separator = way.separator;
        let mut last = vec![0; separator.len().min(found.len() as usize)];
        let place = found.len() - last.len() as u64;
        file.read_exact_at(&mut last, place).map_err(|error| disk::reason(&error))?;
        note.length = found.len();
        if !last.is_empty() && !separator.ends(&last) {
            file.write_all_at(separator.bytes(), note.length).map_err(|error| disk::reason(&error))?;
            note.length += separator.len() as u64;
        }
        Ok(note)
    }
}

/// What is to be said of a file that nothing is noted of.
fn unknown(file: &File, found: &Metadata, created: i64, way: Way<'_>) -> io::Result<Note> {
    // An earlier life may have begun it with this very message.
    let old = born_after(found, created);
    let mut note = Note { inode: found.ino(), old, ..Note::default() };
    if way.wrap && !old {
        // A whole batch whose note was forgotten over others is gone on with.
        let mut begin = [0; 4];
        let mut end = vec![0; found.len().min(64) as usize];
        file.read_exact_at(&mut begin[..end.len().min(4)], 0)?;
        let place = found.len() - end.len() as u64;
        file.read_exact_at(&mut end, place)?;
        if let (b"FHS|", Some(messages)) = (&begin, frame::counted_by(&end)) {
            note.messages = messages;
            note.length = found.len() - frame::tail(messages).len() as u64;
        }
    }
    Ok(note)
}

fn tail(note: &Note, way: Way<'_>) -> Vec<u8> {
    match way.wrap && note.messages > 0 {
        true => frame::tail(note.messages).into_bytes(),
        false => Vec::new(),
    }
}

/// Whether a file was made after a message was; the system's clock for files is a little slow.
fn born_after(found: &Metadata, created: i64) -> bool {
    const SLOW: i64 = 100;
    let born = found.created().or_else(|_| found.modified());
    born.is_ok_and(|born| Timestamp::from_system(born).0 + SLOW >= created)
}

/// Whether bytes behind the noted length are what is to be written there, as far as it got, with what
/// is left of the trailer that stood there before, or with its own trailer.
fn is_own(excess: &[u8], text: &[u8], old_tail: &[u8], way: Way<'_>) -> bool {
    let common = excess.iter().zip(text).take_while(|(a, b)| a == b).count();
    let rest = &excess[common..];
    common == text.len()
        || rest.is_empty()
        || old_tail.get(common..).is_some_and(|tail| tail == rest)
        || way.wrap && frame::is_tail(rest)
}

fn open(path: &Path) -> io::Result<(File, Metadata)> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(openat(CWD, path, flags, Mode::from_raw_mode(0o666))?);
    let found = file.metadata()?;
    match found.is_file() {
        true => Ok((file, found)),
        false => Err(io::Error::other("it is no file")),
    }
}

/// Writes `text` at `place` and cuts off what is behind it.
fn put(file: &File, place: u64, text: &[u8], sync: bool) -> io::Result<()> {
    file.write_all_at(text, place)?;
    file.set_len(place + text.len() as u64)?;
    if sync {
        file.sync_data()?;
    }
    Ok(())
}

#[cfg(test)]
#[path = "tests/append.rs"]
mod tests;
