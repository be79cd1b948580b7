//! Writing a message: its bytes, and the same message with other separators, in another charset, with
//! other line ends.
//!
//! A character that the charset does not have is an error that says where it stands. It is not written
//! as `\X..\`: what the digits stand for depends on who reads them, and a name must not change on its
//! way without anybody knowing.

mod encode;
mod separators;

use bytes::Bytes;

use crate::edit::Editor;
use crate::{Charset, Message, Path, charset};

pub use separators::with_separators;

/// Why a message cannot be written like this. Holds no content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("segment {segment} at byte {offset}: {what}; expected {wanted}")]
pub struct WriteError {
    /// The segment, counted from 1.
    pub segment: usize,
    /// The byte in the message's text, counted from 0.
    pub offset: usize,
    /// What was found.
    pub what: String,
    /// What was wanted.
    pub wanted: String,
}

impl WriteError {
    fn at(message: &Message, offset: usize, what: impl Into<String>, wanted: impl Into<String>) -> Self {
        let segment = message.segments().take_while(|segment| segment.offset() <= offset).count();
        WriteError { segment: segment.max(1), offset, what: what.into(), wanted: wanted.into() }
    }
}

/// The line ends of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LineEnd {
    /// What HL7 wants.
    Cr,
    /// As many editors write.
    Lf,
    /// Both.
    CrLf,
}

impl LineEnd {
    /// The bytes.
    pub fn as_str(self) -> &'static str {
        match self {
            LineEnd::Cr => "\r",
            LineEnd::Lf => "\n",
            LineEnd::CrLf => "\r\n",
        }
    }
}

/// The text in the message's charset: from MSH on, byte for byte what was read if nothing was changed
/// and every byte had a meaning. Line ends behind the last segment are not part of a message; see
/// [`with_line_end`].
///
/// # Errors
/// When a character is not in that charset.
pub fn to_bytes(message: &Message) -> Result<Bytes, WriteError> {
    let charset = message.charset().charset;
    charset.encode(message.shared_text()).map_err(|offset| not_in(message, charset, offset))
}

/// The text in the message's charset, with a line end behind the last segment as behind the first one, or
/// CR: what a message that was changed is sent as, since receivers look for it.
///
/// # Errors
/// When a character is not in that charset.
pub fn to_ended_bytes(message: &Message) -> Result<Bytes, WriteError> {
    let text = message.text();
    let mut segments = message.segments();
    let end = segments.next().map_or(text.len(), |first| first.offset() + first.raw().len());
    let last = segments.last().map_or(end, |last| last.offset() + last.raw().len());
    if last < text.len() {
        return to_bytes(message);
    }
    let end = match &text.as_bytes()[end..] {
        [b'\r', b'\n', ..] => "\r\n",
        [b'\n', ..] => "\n",
        _ => "\r",
    };
    // A line end is one byte for each of its characters in every charset.
    Ok([&to_bytes(message)?, end.as_bytes()].concat().into())
}

fn not_in(message: &Message, charset: Charset, offset: usize) -> WriteError {
    let what = format!("a character is not in the charset {}", charset.name());
    WriteError::at(message, offset, what, "another charset, as UNICODE UTF-8, or another character")
}

/// The same message in another charset, with its name in MSH-18: in the first repetition, with no other
/// behind it.
///
/// # Errors
/// When no charset of that name is known, or a character is not in it.
pub fn with_charset(message: &Message, name: &str) -> Result<Message, WriteError> {
    let wanted = "a name of HL7 table 0211, as 8859/1 or UNICODE UTF-8";
    let Some(charset) = charset::by_name(name) else {
        return Err(WriteError::at(message, 0, format!("charset \"{name}\" is not known"), wanted));
    };
    let mut editor = Editor::of(message);
    let set = editor.set(&Path::of(b"MSH", 18), name);
    set.map_err(|error| WriteError::at(message, 0, error.to_string(), wanted))?;
    let changed = editor.finish().in_charset(charset);
    to_bytes(&changed)?;
    Ok(changed)
}

/// The same message with this line end behind every segment, the last one included, and without blank
/// lines and indentation.
pub fn with_line_end(message: &Message, end: LineEnd) -> Message {
    let mut text = String::with_capacity(message.text().len() + 2 * message.segments().len());
    let mut lines = Vec::with_capacity(message.segments().len());
    for segment in message.segments() {
        let start = text.len() as u32;
        text.push_str(segment.raw());
        lines.push((start, text.len() as u32));
        text.push_str(end.as_str());
    }
    Message::of_parts(text, lines, message.separators(), message.charset())
}

#[cfg(test)]
mod tests;
