//! One file in the hands of the reader: how it is opened, and what its pieces become.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use bytes::Bytes;
use model::{Fate, IntakeSession, MessageBody, SessionId};
use rustix::fs::{Mode, OFlags};

use super::rows::{Part, Progress, Taken};
use super::scan::Candidate;
use super::{Folders, Identity};
use crate::hl7::batch::{BatchHandling, Placing};
use crate::hl7::doc_type::{self, DocTypes};

/// How files are read.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    /// Where they lie.
    pub(crate) folders: Folders,
    /// What a batch becomes.
    pub(crate) handling: BatchHandling,
    /// The charset set from outside; empty when it is for MSH-18 to say.
    pub(crate) charset: String,
    /// Finds out of what type messages are.
    pub(crate) types: DocTypes,
    /// The longest message, or file taken whole, in bytes.
    pub(crate) longest: usize,
}

/// A file in the hands of the reader.
pub(super) struct Taking {
    pub(super) taken: Taken,
    pub(super) part: Part,
    /// Why something in it was refused, first of all.
    pub(super) reason: Option<String>,
    /// All of it, when it is small.
    pub(super) content: Bytes,
}

impl Taking {
    pub(super) fn begin(file: Candidate, found: Identity) -> Self {
        let (identity, part) = file.resume.unwrap_or((found, Part::default()));
        let taken = Taken { place: file.place, identity, progress: Progress::Part(part) };
        Taking { taken, part, reason: None, content: Bytes::new() }
    }

    /// How much is still to be read. What was added since it was first looked at is not.
    pub(super) fn rest(&self) -> u64 {
        self.taken.identity.size.saturating_sub(self.part.offset)
    }

    pub(super) fn placing(&mut self, handling: BatchHandling) -> Placing {
        // Begun in an earlier life, which ended before the session's id could be noted.
        self.part.position.begun &= self.part.offset == 0 || self.part.session.is_some();
        Placing::new(handling, self.part.position)
    }

    /// The first arrival of a file that was begun in an earlier life goes on in its session.
    pub(super) fn session(&mut self, session: IntakeSession) -> IntakeSession {
        match (session, self.part.session.take()) {
            (IntakeSession::SameAsPrevious, Some(known)) => IntakeSession::Of(SessionId(known)),
            (session, _) => session,
        }
    }
}

/// Opens a file; what is none, and what a link leads to, is not opened.
pub(super) fn open(path: &Path) -> io::Result<(File, Identity)> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    let found = file.metadata()?;
    match found.is_file() {
        true => Ok((file, Identity::of(&found))),
        false => Err(ErrorKind::NotFound.into()),
    }
}

pub(super) fn read_rest(mut open: File, taking: &Taking, length: u64) -> io::Result<Bytes> {
    if taking.part.offset > 0 {
        open.seek(SeekFrom::Start(taking.part.offset))?;
    }
    let mut bytes = Vec::with_capacity(length as usize);
    open.take(length).read_to_end(&mut bytes)?;
    Ok(bytes.into())
}

/// A body of these bytes. A message is parsed at once, since its type is shown in every listing; who
/// reads it next finds the parse done.
pub(super) fn body(reading: &Reading, bytes: Bytes, fate: &Fate, name: String) -> MessageBody {
    let charset = reading.charset.clone();
    match fate {
        Fate::Deliver => {
            let read = hl7::Message::read(bytes.clone(), &charset);
            reading.types.body(bytes, read, charset, name)
        }
        Fate::Keep(_) => doc_type::batch_part(bytes, charset, name),
        Fate::Refuse(_) => doc_type::refused(bytes, charset, name),
    }
}
