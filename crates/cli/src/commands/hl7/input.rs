//! What the tools read: a file or standard input, cut into its messages and what lies between them.

use std::io::Read;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use hl7::{Message, Piece, PieceKind, split};

use crate::output::{Exit, count, failed, print_note};

/// The longest message: more, no HL7 text may have.
const LONGEST: usize = 1 << 30;

/// How the tools read messages.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Reading {
    /// Only the message of this number in each file, counted from 1
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) message: Option<u32>,
    /// The charset of the files, whatever MSH-18 says, as in "ISO-8859-1"
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    pub(super) charset: String,
}

impl Reading {
    /// All messages, in a charset.
    pub(super) fn of(charset: &str) -> Reading {
        Reading { message: None, charset: charset.to_owned() }
    }
}

/// One input, as a whole.
pub(super) struct Input {
    /// What people call it: the file as it was given, or `standard input`.
    pub(super) label: String,
    /// All its bytes, in pieces.
    pub(super) pieces: Vec<Piece>,
}

/// One message of an input.
pub(super) struct Found {
    /// Which one of the input's messages, counted from 1.
    pub(super) number: usize,
    /// How many there are.
    pub(super) of: usize,
    /// The line it begins on, counted from 1.
    pub(super) line: usize,
    /// The piece it is.
    pub(super) piece: usize,
    /// Itself.
    pub(super) message: Message,
}

impl Input {
    /// Reads a file, or standard input where it is `-`.
    pub(super) fn read(path: &Path) -> Result<Input, Exit> {
        let standard = path == Path::new("-");
        let label = if standard { "standard input".to_owned() } else { path.display().to_string() };
        let mut bytes = Vec::new();
        let read = match standard {
            true => std::io::stdin().lock().read_to_end(&mut bytes).map(|_| ()),
            false => std::fs::read(path).map(|content| bytes = content),
        };
        read.map_err(|error| Exit::Failed(format!("\"{label}\" cannot be read: {error}")))?;
        Ok(Input { label, pieces: split::all(Bytes::from(bytes), LONGEST).collect() })
    }

    /// Its messages. What is no message is told on standard error: nothing is left out in silence.
    ///
    /// # Errors
    /// When there is none, or none of the number that was asked for.
    pub(super) fn messages(&self, reading: &Reading) -> Result<Vec<Found>, Exit> {
        let found = self.find(reading)?;
        for (line, piece, reason) in self.unreadable() {
            print_note(&format!(
                "{}:{line}: left out {} that are no message: {reason} (byte {} of the file)",
                self.label,
                count(piece.bytes.len(), "byte"),
                piece.offset
            ));
        }
        Ok(found)
    }

    /// The same, for who tells himself what is no message.
    pub(super) fn find(&self, reading: &Reading) -> Result<Vec<Found>, Exit> {
        check_charset(&reading.charset)?;
        let of = self.pieces.iter().filter(|piece| piece.kind == PieceKind::Message).count();
        let mut found = Vec::with_capacity(of);
        for (at, line, piece) in self.lined().filter(|(_, _, piece)| piece.kind == PieceKind::Message) {
            let message = Message::read(piece.bytes.clone(), &reading.charset).map_err(failed)?;
            found.push(Found { number: found.len() + 1, of, line, piece: at, message });
        }
        if found.is_empty() {
            return Err(Exit::Failed(self.no_message()));
        }
        self.chosen(found, reading.message)
    }

    /// The pieces with their numbers, counted from 0, and the lines they begin on.
    pub(super) fn lined(&self) -> impl Iterator<Item = (usize, usize, &Piece)> {
        let mut lines = Lines::default();
        self.pieces.iter().enumerate().map(move |(at, piece)| {
            let line = lines.number();
            lines.pass(&piece.bytes);
            (at, line, piece)
        })
    }

    /// What is no message: the line it begins on, itself, and why.
    pub(super) fn unreadable(&self) -> impl Iterator<Item = (usize, &Piece, &str)> {
        self.lined().filter_map(|(_, line, piece)| match &piece.kind {
            PieceKind::Unreadable(reason) => Some((line, piece, reason.as_str())),
            _ => None,
        })
    }

    fn chosen(&self, mut found: Vec<Found>, number: Option<u32>) -> Result<Vec<Found>, Exit> {
        let Some(number) = number else { return Ok(found) };
        let all = found.len();
        found.retain(|found| found.number == number as usize);
        if found.is_empty() {
            return Err(Exit::Usage(format!(
                "--message is {number}, but \"{}\" has {}; expected 1 to {all}",
                self.label,
                count(all, "message")
            )));
        }
        Ok(found)
    }

    /// Why there is none.
    fn no_message(&self) -> String {
        let reason = self.unreadable().next().map_or("there is nothing in it", |(_, _, reason)| reason);
        let label = &self.label;
        format!("\"{label}\" holds no HL7 message: {reason}; orris hl7 split shows what is in it")
    }
}

fn check_charset(name: &str) -> Result<(), Exit> {
    if name.is_empty() || hl7::charset::by_name(name).is_some() {
        return Ok(());
    }
    Err(Exit::Usage(format!(
        "--charset is \"{name}\", which is not known; expected a name as in \"UTF-8\", \"8859/1\" or \"windows-1252\""
    )))
}

/// All messages of several files, each with its file's name.
pub(super) fn each(files: &[PathBuf], reading: &Reading) -> Result<Vec<(String, Found)>, Exit> {
    let mut all = Vec::new();
    for file in files {
        let input = Input::read(file)?;
        all.extend(input.messages(reading)?.into_iter().map(|found| (input.label.clone(), found)));
    }
    Ok(all)
}

/// Counts lines that end in CR, LF or CR LF.
#[derive(Default)]
pub(super) struct Lines {
    ended: usize,
    after_cr: bool,
}

impl Lines {
    pub(super) fn number(&self) -> usize {
        self.ended + 1
    }

    pub(super) fn pass(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.ended += usize::from(*byte == b'\r' || (*byte == b'\n' && !self.after_cr));
            self.after_cr = *byte == b'\r';
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_whatever_ends_them() {
        for (text, expected) in [("", 1), ("a\rb\nc\r\nd", 4), ("a\r\n\r\n", 3), ("a\n\nb", 3)] {
            let mut lines = Lines::default();
            text.as_bytes().chunks(1).for_each(|chunk| lines.pass(chunk));
            assert_eq!(lines.number(), expected, "{text:?}");
        }
    }
}
