//! Frames: where a message begins and ends in a stream of bytes (MLLP, and what else senders use).
//!
//! [`Deframer`] takes the stream in chunks, as they come from a socket, and gives frames. Nothing is lost:
//! **the frames' bytes one after the other are the stream, byte for byte**, and they do not depend on
//! how it was cut into chunks. A message that lies within one chunk is a slice of it.
//!
//! What is in a frame is not looked at: it may be a batch, or no HL7 at all. That is for
//! [`crate::split`] and [`crate::Message::read`] to say.
//!
//! | framing | a message is |
//! |---|---|
//! | `mllp` | between 0x0B and 0x1C 0x0D; a 0x1C without 0x0D belongs to it |
//! | `mllp11/28` | the same with other bytes, up to three at each side, as in `mllp2/3` or `mllp1,2/3` |
//! | `ascii11/28` | between two bytes, without a CR at the end |
//! | `ascii_lf`, `ascii_cr`, `ascii_crlf`, `ascii28` | what ends with LF, CR, CR LF or that byte |
//! | `none` | what begins with a line `MSH`, `BHS` or `FHS`, up to the next such line or a pause |
//! | `flexible` | as in `mllp`, with or without the CR; outside of such frames as in `none` |

mod name;
mod scan;
mod wrap;

use bytes::Bytes;

use crate::cut::Cut;
use scan::Scan;

pub use name::FramingError;
pub use wrap::WrapError;

/// How messages are told apart in a stream. Written as in the table above.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Framing {
    /// Marks before and after each message.
    Block {
        /// What stands before it, as 0x0B.
        start: Mark,
        /// What stands after it, as 0x1C 0x0D.
        end: Mark,
    },
    /// A mark after each message.
    Ended(Mark),
    /// Nothing but the name of a message's first segment.
    None,
    /// As in MLLP or without any frame, as the sender likes.
    Flexible,
}

impl Framing {
    /// Between 0x0B and 0x1C 0x0D.
    pub const MLLP: Framing = Framing::Block { start: Mark::new(&[START]), end: Mark::new(&[END, b'\r']) };
}

const START: u8 = 0x0B;
const END: u8 = 0x1C;

/// A few bytes that frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mark {
    bytes: [u8; Mark::LONGEST],
    length: u8,
}

impl Mark {
    /// Up to three of the user's own and a CR.
    const LONGEST: usize = 4;

    const fn new(bytes: &[u8]) -> Mark {
        let mut mark = Mark { bytes: [0; Mark::LONGEST], length: bytes.len() as u8 };
        let mut at = 0;
        while at < bytes.len() {
            mark.bytes[at] = bytes[at];
            at += 1;
        }
        mark
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length as usize]
    }
}

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameKind {
    /// What stands within a frame: a message, or whatever the sender took for one.
    Message,
    /// The marks themselves, and white space outside of frames.
    Framing,
    /// What stands in no frame, or in one that cannot be taken.
    Junk(Junk),
}

/// Why bytes of a stream are no message. Its text holds no content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Junk {
    /// Something else than the start of a frame.
    #[error("bytes stand outside of a frame; expected the start of one")]
    Outside,
    /// Nothing stands between start and end.
    #[error("frame is empty; expected a message in it")]
    Empty,
    /// The first part of a message that is too long: so many bytes as it may have.
    #[error("message is longer than {0} bytes, the limit for one message")]
    TooLong(usize),
    /// Another part of a message that is too long.
    #[error("continues a message that is too long")]
    TooLongRest,
    /// The stream ended before the frame did.
    #[error("stream ends within a frame; expected its end")]
    CutOff,
}

/// A part of a stream.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    /// What it is.
    pub kind: FrameKind,
    /// Its bytes, exactly as they came. Those of a message are without the marks around it.
    pub bytes: Bytes,
    /// Where it begins in the stream.
    pub offset: u64,
}

impl std::fmt::Debug for Frame {
    /// Shows what and where it is, never what it says.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Frame { kind, bytes, offset } = self;
        f.debug_struct("Frame")
            .field("kind", kind)
            .field("offset", offset)
            .field("len", &bytes.len())
            .finish()
    }
}

/// Cuts a stream into frames: push chunks and take frames, finish, take the last ones.
///
/// At most `max_message_size` bytes and a little more are ever held, besides what was pushed and not
/// looked at yet. A message that is longer comes as junk, in parts.
///
/// ```
/// # use orris_hl7 as hl7;
/// use hl7::{Deframer, FrameKind, Framing};
/// let mut deframer = Deframer::new(Framing::MLLP, 1 << 20);
/// deframer.push("\x0BMSH|^~\\&|A\r\x1C\r\x0BMSH|".into());
/// let message = deframer.find(|frame| frame.kind == FrameKind::Message).unwrap();
/// assert_eq!(message.bytes, "MSH|^~\\&|A\r");
/// assert!(deframer.find(|frame| frame.kind == FrameKind::Message).is_none());
/// ```
pub struct Deframer {
    cut: Cut,
    scan: Scan,
    offset: u64,
}

impl Deframer {
    /// A deframer for one stream, in which no message is longer than `max_message_size` bytes.
    pub fn new(framing: Framing, max_message_size: usize) -> Self {
        Deframer { cut: Cut::default(), scan: Scan::new(framing, max_message_size.max(1)), offset: 0 }
    }

    /// Adds the next bytes of the stream. What was pushed is held until its frames are taken.
    pub fn push(&mut self, bytes: Bytes) {
        self.cut.push(bytes);
        self.cut.set_last(self.scan.finished);
    }

    /// Says that the stream is complete. What then lies there of a frame is junk.
    pub fn finish(&mut self) {
        self.scan.finished = true;
        self.cut.set_last(true);
    }

    /// Says that the sender has been silent for a while, so that a message whose end nothing marks is
    /// taken to be complete. Only needed where [`needs_pause`](Self::needs_pause); otherwise it does
    /// nothing.
    pub fn pause(&mut self) {
        self.cut.set_last(true);
    }

    /// Whether something lies there that may be a whole message, which only a pause can tell: one
    /// without a frame, or one with an end of a frame but not the CR behind it.
    ///
    /// Holds once `next` has given none.
    pub fn needs_pause(&self) -> bool {
        self.scan.needs_pause
    }

    /// Whether part of a frame lies there. Holds once `next` has given none.
    pub fn is_within(&self) -> bool {
        self.scan.is_within()
    }

    /// Whether bytes lie there that stand in no frame: they come as junk, once a frame begins or the
    /// stream ends. Holds once `next` has given none.
    pub fn is_outside(&self) -> bool {
        self.scan.is_outside()
    }
}

impl Iterator for Deframer {
    type Item = Frame;

    /// The next frame; none until more is pushed, and for good once the stream is finished.
    fn next(&mut self) -> Option<Frame> {
        let (kind, bytes) = self.cut.next(|window, last| self.scan.step(window, last))?;
        let offset = self.offset;
        self.offset += bytes.len() as u64;
        Some(Frame { kind, bytes, offset })
    }
}

impl std::fmt::Debug for Deframer {
    /// Shows how far it is, never what it holds.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deframer").field("offset", &self.offset).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
