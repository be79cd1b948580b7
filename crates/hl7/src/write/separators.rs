//! The same message with other separators.

use super::WriteError;
use crate::{Message, Segment, Separators, escape};

/// The same message with other separators: what stood between them stands there still, and every text
/// means what it meant. `\F\` and its like become the character they stand for, escaped anew if it is a
/// separator now; other escape sequences stay, around them the new escape character.
///
/// # Errors
/// When the separators cannot take a message apart, or lack one that the message needs.
pub fn with_separators(message: &Message, separators: &Separators) -> Result<Message, WriteError> {
    let header = separators.header();
    let same = Separators::read(format!("{header}{}", separators.field as char).as_bytes());
    match same {
        Ok(read) if read == *separators => {}
        Ok(_) => {
            let what = "the new separators have one that is missing before one that is there";
            return Err(WriteError::at(message, 0, what, "none missing, or only the last ones"));
        }
        Err(error) => {
            let what = format!("the new separators: {}", error.what);
            return Err(WriteError::at(message, 0, what, error.wanted));
        }
    }
    if message.separators() == *separators {
        return Ok(message.clone());
    }
    let mut writer = Writer {
        message,
        old: message.separators(),
        new: *separators,
        text: String::with_capacity(message.text().len() + 64),
    };
    let mut lines = Vec::with_capacity(message.segments().len());
    let mut copied = 0;
    for segment in message.segments() {
        writer.text.push_str(&message.text()[copied..segment.offset()]);
        let start = writer.text.len() as u32;
        writer.segment(&segment, &header)?;
        lines.push((start, writer.text.len() as u32));
        copied = segment.offset() + segment.raw().len();
    }
    writer.text.push_str(&message.text()[copied..]);
    Ok(Message::of_parts(writer.text, lines, *separators, message.charset()))
}

struct Writer<'a> {
    message: &'a Message,
    old: Separators,
    new: Separators,
    text: String,
}

impl Writer<'_> {
    fn segment(&mut self, segment: &Segment<'_>, header: &str) -> Result<(), WriteError> {
        let (raw, mut at) = (segment.raw(), 0);
        if segment.is_header() {
            self.text.push_str(header);
            at = 4 + segment.field(2).map_or(0, str::len);
        }
        // Each text up to the next separator, and the separator.
        while let Some(length) = raw[at..].bytes().position(|byte| self.replacement(byte).is_some()) {
            let separator = at + length;
            self.value(&raw[at..separator], segment.offset() + at)?;
            match self.replacement(raw.as_bytes()[separator]) {
                Some(Some(new)) => self.text.push(new as char),
                _ => {
                    let what = "a separator stands here for which there is no new one";
                    return Err(self.error(segment.offset() + separator, what));
                }
            }
            at = separator + 1;
        }
        self.value(&raw[at..], segment.offset() + at)
    }

    fn error(&self, offset: usize, what: &str) -> WriteError {
        WriteError::at(self.message, offset, what, "separators that can hold the message")
    }

    /// What stands for a separator from now on; none if it is none.
    fn replacement(&self, byte: u8) -> Option<Option<u8>> {
        let (old, new) = (&self.old, &self.new);
        match Some(byte) {
            found if found == Some(old.field) => Some(Some(new.field)),
            found if found == Some(old.component) => Some(Some(new.component)),
            found if found == old.repetition => Some(new.repetition),
            found if found == old.subcomponent => Some(new.subcomponent),
            _ => None,
        }
    }

    /// A text between separators, which stands at `offset` in the old message.
    fn value(&mut self, value: &str, offset: usize) -> Result<(), WriteError> {
        for (at, part) in escape::parts(value, &self.old) {
            match part {
                escape::Part::Text(text) => self.plain(text, offset + at)?,
                escape::Part::Separator(byte) => {
                    self.plain((byte as char).encode_utf8(&mut [0]), offset + at)?
                }
                escape::Part::Sequence(body) => {
                    let Some(escape) = self.new.escape else {
                        return Err(self.error(offset + at, "an escape sequence needs an escape character"));
                    };
                    if body.bytes().any(|byte| self.new.has(byte)) {
                        return Err(self.error(offset + at, "an escape sequence holds a new separator"));
                    }
                    self.text.extend([escape as char]);
                    self.text.push_str(body);
                    self.text.push(escape as char);
                }
            }
        }
        Ok(())
    }

    /// Plain text. Control characters in it stay as they are: they stood there before.
    fn plain(&mut self, text: &str, offset: usize) -> Result<(), WriteError> {
        for (at, char) in text.char_indices() {
            match u8::try_from(char).ok().filter(|byte| self.new.has(*byte)) {
                None => self.text.push(char),
                Some(_) if self.new.escape.is_none() => {
                    return Err(self.error(offset + at, "a new separator stands in the text"));
                }
                Some(_) => self.text.push_str(&escape::encode(&text[at..at + 1], &self.new)),
            }
        }
        Ok(())
    }
}
