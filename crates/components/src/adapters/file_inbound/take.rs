//! Reads files and makes groups of arrivals of them, on a thread that may wait for the disk.
//!
//! Small files are read whole, many to a group; a big one is streamed and makes many groups. A group
//! is what one change of the ledger takes in.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use hl7::split::{Piece, PieceKind, Splitter};
use model::{Arrival, Fate, IntakeSession, Room, fault};

use super::archive;
use super::rows::{Progress, Taken};
use super::scan::Candidate;
use super::taking::{Reading, Taking, open, read_rest};
use crate::adapters::disk;
use crate::hl7::batch::{BatchHandling, Placing};

/// The most files, messages and bytes of one group.
const MOST_FILES: usize = 256;
const MOST_MESSAGES: usize = 1_024;
const MOST_BYTES: usize = 4 << 20;
/// How much of a file is read at a time; what is not longer is read whole.
const CHUNK: u64 = 1 << 20;

/// What one change of the ledger takes in.
#[derive(Debug, Default)]
pub(crate) struct Group {
    /// The messages and what else the files held, in order.
    pub(crate) arrivals: Vec<Arrival>,
    /// The files that have been read to their end.
    pub(crate) taken: Vec<Taken>,
    /// The file that goes on in the next group.
    pub(crate) part: Option<Taken>,
    /// Whether the group goes on in the file in which the one before ended, so that "the same session
    /// as the arrival before" reaches back into it.
    pub(crate) continues: bool,
    /// Files that could not be read, with the reason; nothing of them has been taken.
    pub(crate) unreadable: Vec<(PathBuf, String)>,
    /// What has to be said.
    pub(crate) errors: Vec<String>,
    /// Why reading ended in the midst of a file.
    pub(crate) broken: Option<String>,
    /// The room that it was read into.
    pub(crate) room: Room,
    bytes: usize,
    /// What was read since the group before it, in it or not yet.
    held: usize,
}

impl Group {
    fn is_empty(&self) -> bool {
        self.arrivals.is_empty()
            && self.taken.is_empty()
            && self.part.is_none()
            && self.unreadable.is_empty()
            && self.broken.is_none()
    }
}

/// Nobody takes the groups any more.
pub(crate) struct Abandoned;

/// Who takes what is read.
pub(crate) trait Takes {
    /// Takes the next group.
    ///
    /// # Errors
    /// When nobody takes any more.
    fn take(&mut self, group: Group) -> Result<(), Abandoned>;

    /// Makes room for so many bytes in all before they are read, waiting for it.
    ///
    /// # Errors
    /// When nobody takes any more.
    fn make_room(&mut self, _room: &mut Room, _bytes: usize) -> Result<(), Abandoned> {
        Ok(())
    }
}

impl<F: FnMut(Group) -> Result<(), Abandoned>> Takes for F {
    fn take(&mut self, group: Group) -> Result<(), Abandoned> {
        self(group)
    }
}

/// Reads files one after the other and hands over the groups.
pub(crate) struct Reader<T> {
    reading: Arc<Reading>,
    taker: T,
    group: Group,
}

impl<T: Takes> Reader<T> {
    /// Hands groups to `taker`.
    pub(crate) fn new(reading: Arc<Reading>, taker: T) -> Self {
        Reader { reading, taker, group: Group::default() }
    }

    /// Reads them all, or until nobody takes the groups any more.
    pub(crate) fn read(mut self, files: Vec<Candidate>) -> Result<(), Abandoned> {
        for file in files {
            self.read_file(file)?;
            if self.group.broken.is_some() {
                break;
            }
            if self.group.taken.len() >= MOST_FILES || self.is_full() {
                self.hand_over()?;
            }
        }
        self.hand_over()
    }

    fn is_full(&self) -> bool {
        self.group.arrivals.len() >= MOST_MESSAGES || self.group.bytes >= MOST_BYTES
    }

    fn hand_over(&mut self) -> Result<(), Abandoned> {
        if self.group.is_empty() {
            return Ok(());
        }
        self.taker.take(std::mem::take(&mut self.group))
    }

    /// Makes room for what is read next. The first chunk of a group needs none.
    fn make_room(&mut self, bytes: u64) -> Result<(), Abandoned> {
        let Group { held, room, .. } = &mut self.group;
        *held = held.saturating_add(usize::try_from(bytes).unwrap_or(usize::MAX));
        match *held as u64 > CHUNK {
            true => self.taker.make_room(room, *held),
            false => Ok(()),
        }
    }

    fn read_file(&mut self, mut file: Candidate) -> Result<(), Abandoned> {
        if let Err(error) = self.claim(&mut file) {
            self.not_opened(file, &error);
            return Ok(());
        }
        let opened = open(&self.reading.folders.path(&file.place));
        let (open, identity) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                self.not_opened(file, &error);
                return Ok(());
            }
        };
        if file.resume.is_some() && !self.group.arrivals.is_empty() {
            self.hand_over()?;
        }
        let taking = Taking::begin(file, identity);
        fault::point("file.read");
        match self.reading.content.handling() {
            BatchHandling::Whole => self.read_as_one(open, taking),
            handling if taking.rest() <= CHUNK => self.read_small(open, taking, handling),
            handling => self.read_big(open, taking, handling),
        }
    }

    /// Moves the file into the work folder, where nobody else takes it.
    fn claim(&self, file: &mut Candidate) -> io::Result<()> {
        if let Some(work) = &self.reading.folders.work
            && file.place.claimed.is_none()
        {
            let from = self.reading.folders.path(&file.place);
            let claimed = archive::move_under_new_name(&from, work, file.place.file_name(), file.modified);
            let to = claimed.map_err(|error| match error.kind() {
                ErrorKind::NotFound if !work.is_dir() => {
                    io::Error::other(format!("work_path \"{}\" is no longer there", work.display()))
                }
                _ => error,
            })?;
            file.place.claimed = to.file_name().map(ToOwned::to_owned);
            fault::point("file.claimed");
        }
        Ok(())
    }

    fn not_opened(&mut self, file: Candidate, error: &io::Error) {
        match error.kind() {
            // Somebody else was faster, or took it back.
            ErrorKind::NotFound => {}
            _ if file.resume.is_some() || file.place.claimed.is_some() => {
                self.group.broken = Some(self.cannot_read(&file.place, error));
            }
            _ => self.group.unreadable.push((file.place.came, disk::reason(error))),
        }
    }

    fn cannot_read(&self, place: &super::Place, error: &io::Error) -> String {
        let path = self.reading.folders.path(place);
        format!("file \"{}\" cannot be read: {}", path.display(), disk::reason(error))
    }

    fn read_small(
        &mut self,
        open: File,
        mut taking: Taking,
        handling: BatchHandling,
    ) -> Result<(), Abandoned> {
        let length = taking.rest();
        self.make_room(length)?;
        let bytes = match read_rest(open, &taking, length) {
            Ok(bytes) => bytes,
            Err(error) => return self.break_off(&taking, &error),
        };
        taking.content = bytes.clone();
        let mut splitter = Splitter::new(self.reading.longest);
        let mut placing = taking.placing(handling);
        splitter.push(bytes);
        splitter.finish();
        self.arrive_all(&mut taking, &mut placing, &mut splitter)?;
        self.end(taking);
        Ok(())
    }

    fn read_big(
        &mut self,
        mut open: File,
        mut taking: Taking,
        handling: BatchHandling,
    ) -> Result<(), Abandoned> {
        let mut splitter = Splitter::new(self.reading.longest);
        let mut placing = taking.placing(handling);
        if let Err(error) = open.seek(SeekFrom::Start(taking.part.offset)) {
            return self.break_off(&taking, &error);
        }
        let mut rest = open.take(taking.rest());
        loop {
            self.make_room(rest.limit().min(CHUNK))?;
            let mut chunk = Vec::with_capacity(CHUNK as usize);
            if let Err(error) = rest.by_ref().take(CHUNK).read_to_end(&mut chunk) {
                return self.break_off(&taking, &error);
            }
            let ended = chunk.is_empty();
            match ended {
                true => splitter.finish(),
                false => splitter.push(chunk.into()),
            }
            self.arrive_all(&mut taking, &mut placing, &mut splitter)?;
            if ended {
                self.end(taking);
                return Ok(());
            }
        }
    }

    /// Takes the whole file as one body, whatever it holds.
    fn read_as_one(&mut self, open: File, mut taking: Taking) -> Result<(), Abandoned> {
        let size = taking.taken.identity.size;
        if size > self.reading.longest as u64 {
            let reason = format!("the file has {size} bytes; expected at most {}", self.reading.longest);
            self.refuse(&mut taking, reason);
            self.end(taking);
            return Ok(());
        }
        self.make_room(size)?;
        let bytes = match read_rest(open, &taking, size) {
            Ok(bytes) => bytes,
            Err(error) => return self.break_off(&taking, &error),
        };
        taking.content = bytes.clone();
        let (readable, reason) = self.reading.content.look(&bytes, self.reading.longest);
        taking.part.readable = readable;
        match (readable, reason) {
            (true, _) => self.add(&taking, bytes, IntakeSession::New, Fate::Deliver),
            (false, Some(reason)) => self.refuse(&mut taking, reason),
            (false, None) => {}
        }
        self.end(taking);
        Ok(())
    }

    /// A file of which nothing can be read.
    fn refuse(&mut self, taking: &mut Taking, reason: String) {
        let path = self.reading.folders.path(&taking.taken.place);
        self.group.errors.push(format!("file \"{}\" is refused: {reason}", path.display()));
        self.add(taking, taking.content.clone(), IntakeSession::New, Fate::Refuse(reason.clone()));
        taking.reason = Some(reason);
    }

    fn end(&mut self, mut taking: Taking) {
        if !taking.part.readable && taking.reason.is_none() {
            let reason = match taking.taken.identity.size {
                0 => "the file is empty; expected an HL7 message",
                _ => "the file has white space alone; expected an HL7 message",
            };
            self.refuse(&mut taking, reason.to_owned());
        }
        taking.taken.progress = match (taking.part.readable, taking.reason) {
            (false, Some(reason)) if self.reading.folders.error.is_some() => Progress::Refused(reason),
            (false, Some(reason)) => Progress::Left(reason),
            _ => Progress::Done,
        };
        self.group.taken.push(taking.taken);
    }

    fn break_off(&mut self, taking: &Taking, error: &io::Error) -> Result<(), Abandoned> {
        self.group.broken = Some(self.cannot_read(&taking.taken.place, error));
        Ok(())
    }

    fn hand_over_part(&mut self, taking: &Taking) -> Result<(), Abandoned> {
        let mut taken = taking.taken.clone();
        taken.progress = Progress::Part(taking.part);
        self.group.part = Some(taken);
        self.hand_over()?;
        self.group.continues = true;
        Ok(())
    }

    fn arrive_all(
        &mut self,
        taking: &mut Taking,
        placing: &mut Placing,
        splitter: &mut Splitter,
    ) -> Result<(), Abandoned> {
        for piece in splitter {
            self.arrive(taking, placing, piece);
            if self.is_full() {
                self.hand_over_part(taking)?;
            }
        }
        Ok(())
    }

    /// Takes the next piece of a file.
    fn arrive(&mut self, taking: &mut Taking, placing: &mut Placing, piece: Piece) {
        let offset = taking.part.offset;
        taking.part.offset += piece.bytes.len() as u64;
        taking.part.readable |= !matches!(piece.kind, PieceKind::Unreadable(_) | PieceKind::Framing);
        let place = placing.next(&piece.kind);
        taking.part.position = placing.position();
        let Some((session, fate)) = place else { return };
        let session = taking.session(session);
        if let Fate::Refuse(reason) = &fate {
            let path = self.reading.folders.path(&taking.taken.place);
            self.group.errors.push(format!(
                "file \"{}\": bytes {offset} to {} are refused: {reason}",
                path.display(),
                taking.part.offset
            ));
            taking.reason.get_or_insert_with(|| reason.clone());
        }
        self.add(taking, piece.bytes, session, fate);
    }

    fn add(&mut self, taking: &Taking, bytes: Bytes, session: IntakeSession, fate: Fate) {
        self.group.bytes += bytes.len();
        // A message that waits in a queue must not hold the whole chunk that it came in.
        let alone = bytes.len() as u64 * 4 >= taking.taken.identity.size.min(CHUNK);
        let bytes = if alone { bytes } else { Bytes::copy_from_slice(&bytes) };
        let body = self.reading.content.body(bytes, &fate, taking.taken.place.name());
        self.group.arrivals.push(Arrival { session, fate, ..Arrival::new(body) });
    }
}

#[cfg(test)]
#[path = "tests/take.rs"]
mod tests;
