//! Writing an input back with some of its messages changed: all other bytes are as they came.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::Path;

use hl7::{Charset, Piece};

use super::input::{Found, Input};
use crate::output::{Exit, Screen};

/// An input with the new bytes of some of its messages.
pub(super) struct Rewritten<'a> {
    input: &'a Input,
    changed: BTreeMap<usize, Vec<u8>>,
}

impl<'a> Rewritten<'a> {
    pub(super) fn of(input: &'a Input) -> Self {
        Rewritten { input, changed: BTreeMap::new() }
    }

    /// Lays a changed text, to be written in that charset, in the place of the message that was found there.
    ///
    /// # Errors
    /// When its bytes could not be written back as they are, so that more would change than was asked.
    pub(super) fn put(&mut self, found: &Found, changed: &str, charset: Charset) -> Result<(), Exit> {
        let piece = &self.input.pieces[found.piece].bytes;
        let place = self.place(found)?;
        let bytes = charset.encode(changed.to_owned()).map_err(|offset| {
            self.refused(found, &format!(
                "the character at byte {offset} of its new text is not in {}; another charset in MSH-18, as in \
                 MSH-18=\"UNICODE UTF-8\", has it", charset.name()))
        })?;
        self.changed.insert(found.piece, [&piece[..place.start], &bytes, &piece[place.end..]].concat());
        Ok(())
    }

    /// Where the message itself lies in its piece, without what is around it.
    fn place(&self, found: &Found) -> Result<Range<usize>, Exit> {
        let Piece { bytes, .. } = &self.input.pieces[found.piece];
        let start = bytes.windows(3).position(|window| window == b"MSH").unwrap_or(0);
        let end = bytes
            .iter()
            .rposition(|byte| !matches!(byte, b'\r' | b'\n' | 0x1C))
            .map_or(start, |last| last + 1);
        match found.message.charset().charset.encode(found.message.text().to_owned()) {
            Ok(same) if same == bytes[start..end] => Ok(start..end),
            _ => {
                let charset = found.message.charset().name();
                Err(self
                    .refused(found, &format!("its bytes are not {charset}; --charset says what they are")))
            }
        }
    }

    fn refused(&self, found: &Found, reason: &str) -> Exit {
        let Found { number, line, .. } = found;
        Exit::Failed(format!(
            "message {number} of \"{}\" (line {line}) cannot be written back: {reason}",
            self.input.label
        ))
    }

    /// All bytes, with the changed messages in their places.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (at, piece) in self.input.pieces.iter().enumerate() {
            bytes.extend_from_slice(self.changed.get(&at).map_or(&piece.bytes, Vec::as_slice));
        }
        bytes
    }
}

/// Writes to a file, or to standard output where there is none: there with lines, if it is a terminal.
///
/// A file is written aside and then put in its place: whoever reads it finds the old or the new.
pub(super) fn write(screen: &Screen, file: Option<&Path>, bytes: &[u8]) -> Result<(), Exit> {
    let Some(file) = file else {
        return screen.message(bytes);
    };
    let failed = |error| Exit::Failed(format!("\"{}\" cannot be written: {error}", file.display()));
    // What a link points to is written, and what is no plain file, as /dev/null, is not replaced.
    let file = &fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    if fs::metadata(file).is_ok_and(|found| !found.is_file()) {
        return fs::write(file, bytes).map_err(failed);
    }
    let mut name = std::ffi::OsString::from(".");
    name.push(file.file_name().unwrap_or_default());
    name.push(".part");
    let aside = file.with_file_name(name);
    let written = fs::write(&aside, bytes).and_then(|()| {
        if let Ok(old) = fs::metadata(file) {
            fs::set_permissions(&aside, old.permissions())?;
        }
        fs::rename(&aside, file)
    });
    written.inspect_err(|_| drop(fs::remove_file(&aside))).map_err(failed)
}
