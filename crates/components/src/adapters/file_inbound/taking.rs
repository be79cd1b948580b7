//! One file in the hands of the reader: how it is opened, and what its pieces become.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use bytes::Bytes;
use hl7::charset;
use hl7::split::PieceKind;
use model::{BodyClass, Fate, IntakeSession, MessageBody, SessionId};
use rustix::fs::{Mode, OFlags};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// What is read out of them.
    pub(crate) content: Content,
    /// The longest message, or file taken whole, in bytes.
    pub(crate) longest: usize,
}

/// What files hold.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    /// HL7 messages, and batches of them.
    Messages(Messages),
    /// One body each.
    Bodies(Bodies),
}

/// How HL7 messages are read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Messages {
    /// What a batch becomes.
    pub(crate) handling: BatchHandling,
    /// The charset set from outside; empty when it is for MSH-18 to say.
    pub(crate) charset: String,
    /// Finds out of what type messages are.
    pub(crate) types: DocTypes,
}

/// How bodies are read of which nothing is known.
#[derive(Debug, Clone)]
pub(crate) struct Bodies {
    /// What they are taken for.
    pub(crate) class: TakenFor,
    /// The name of the charset of those that are text.
    pub(crate) charset: String,
}

/// What a body is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TakenFor {
    /// Text where all of it is text of `charset`, else bytes.
    #[default]
    Detect,
    /// Text; a file that is no text of `charset` is refused.
    Text,
    /// Bytes, whatever it holds.
    Bytes,
}

impl Content {
    /// What a batch becomes.
    pub(super) fn handling(&self) -> BatchHandling {
        match self {
            Content::Messages(messages) => messages.handling,
            Content::Bodies(_) => BatchHandling::Whole,
        }
    }

    /// Whether something can be read in a file that is taken as one body; where it cannot, why.
    pub(super) fn look(&self, bytes: &Bytes, longest: usize) -> (bool, Option<String>) {
        match self {
            Content::Messages(_) => look_for_message(bytes, longest),
            Content::Bodies(bodies) => match bodies.class == TakenFor::Text && !bodies.is_text(bytes) {
                true => (false, Some(format!("the file is no text of the charset {}", bodies.charset))),
                false => (true, None),
            },
        }
    }

    /// A body of these bytes.
    pub(super) fn body(&self, bytes: Bytes, fate: &Fate, name: String) -> MessageBody {
        match self {
            Content::Messages(messages) => messages.body(bytes, fate, name),
            Content::Bodies(bodies) => bodies.body(bytes, fate, name),
        }
    }
}

fn look_for_message(bytes: &Bytes, longest: usize) -> (bool, Option<String>) {
    let (mut readable, mut reason) = (false, None);
    for piece in hl7::split::all(bytes.clone(), longest) {
        match piece.kind {
            PieceKind::Framing => {}
            PieceKind::Unreadable(why) => reason = reason.or(Some(why)),
            _ => readable = true,
        }
    }
    (readable, reason)
}

impl Messages {
    /// A message is parsed at once, since its type is shown in every listing; who reads it next finds
    /// the parse done.
    fn body(&self, bytes: Bytes, fate: &Fate, name: String) -> MessageBody {
        let charset = self.charset.clone();
        match fate {
            Fate::Deliver => {
                let read = hl7::Message::read(bytes.clone(), &charset);
                self.types.body(bytes, read, charset, name)
            }
            Fate::Keep(_) => doc_type::batch_part(bytes, charset, name),
            Fate::Refuse(_) => doc_type::refused(bytes, charset, name),
        }
    }
}

impl Bodies {
    /// No text of these charsets holds a zero byte, though most of them have a meaning for it.
    fn is_text(&self, bytes: &[u8]) -> bool {
        !bytes.contains(&0) && charset::by_name(&self.charset).is_some_and(|charset| charset.takes(bytes))
    }

    fn body(&self, bytes: Bytes, fate: &Fate, name: String) -> MessageBody {
        let text = *fate == Fate::Deliver && self.class != TakenFor::Bytes && self.is_text(&bytes);
        let (class, charset) = match text {
            true => (BodyClass::TEXT, self.charset.clone()),
            false => (BodyClass::BYTES, String::new()),
        };
        MessageBody::described(class, bytes, String::new(), charset, name)
    }
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
