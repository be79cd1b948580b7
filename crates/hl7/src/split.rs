//! Cutting an input into its messages, while it comes in.
//!
//! A file may hold one message or thousands, with the headers and trailers of batches (HL7 v2.5.1
//! §2.10.3), a byte order
//! mark, frames of MLLP, and things that are no HL7 at all. [`Splitter`] takes it in chunks and gives
//! pieces. Nothing is lost: **the pieces one after the other are the input, byte for byte**, and they
//! do not depend on how the input was cut into chunks.
//!
//! Where a message lies within one chunk, its piece is a slice of that chunk and nothing is copied.
//! At most `max_message` bytes and a little more are ever held.

mod scan;

use bytes::Bytes;

use crate::Separators;
use crate::cut::Cut;
use scan::{Scan, Step};

/// What a piece is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PieceKind {
    /// One message, with the blank lines after it.
    Message,
    /// A segment FHS.
    FileHeader,
    /// A segment BHS.
    BatchHeader,
    /// A segment BTS.
    BatchTrailer,
    /// A segment FTS.
    FileTrailer,
    /// Byte order marks, start and end bytes of MLLP, and white space outside of messages.
    Framing,
    /// Anything else, and why it is no message. The reason holds no content.
    Unreadable(String),
}

/// A part of the input.
#[derive(Clone, PartialEq, Eq)]
pub struct Piece {
    /// What it is.
    pub kind: PieceKind,
    /// Its bytes, exactly as they came.
    pub bytes: Bytes,
    /// Where it begins in the input.
    pub offset: u64,
}

impl std::fmt::Debug for Piece {
    /// Shows what and where the piece is, never what it says.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Piece { kind, bytes, offset } = self;
        f.debug_struct("Piece")
            .field("kind", kind)
            .field("offset", offset)
            .field("len", &bytes.len())
            .finish()
    }
}

/// Cuts an input into pieces: push chunks, take pieces, finish, take the last ones.
///
/// ```
/// # use orris_hl7 as hl7;
/// let mut splitter = hl7::Splitter::new(1 << 20);
/// splitter.push("MSH|^~\\&|A\rPID|1\rMSH|^~\\".into());
/// assert_eq!(splitter.by_ref().count(), 1);
/// splitter.push("&|B\r".into());
/// splitter.finish();
/// assert_eq!(splitter.next().unwrap().bytes, "MSH|^~\\&|B\r");
/// assert!(splitter.next().is_none());
/// ```
pub struct Splitter {
    max_message: usize,
    cut: Cut,
    scan: Scan,
    offset: u64,
}

impl Splitter {
    /// A splitter for one input, in which no message is longer than `max_message` bytes.
    pub fn new(max_message: usize) -> Self {
        Splitter { max_message: max_message.max(1), cut: Cut::default(), scan: Scan::default(), offset: 0 }
    }

    /// Adds the next bytes of the input. What was pushed is held until its pieces are taken.
    pub fn push(&mut self, bytes: Bytes) {
        self.cut.push(bytes);
    }

    /// Says that the input is complete.
    pub fn finish(&mut self) {
        self.cut.set_last(true);
    }

    fn piece(&mut self, kind: PieceKind, bytes: Bytes) -> Piece {
        let offset = self.offset;
        self.offset += bytes.len() as u64;
        let kind = match kind {
            PieceKind::Message => match Separators::read(&bytes) {
                Ok(_) => PieceKind::Message,
                Err(error) => PieceKind::Unreadable(error.to_string()),
            },
            other => other,
        };
        Piece { kind, bytes, offset }
    }
}

impl Iterator for Splitter {
    type Item = Piece;

    /// The next piece; none until more is pushed, and for good once the input is finished.
    fn next(&mut self) -> Option<Piece> {
        let (kind, bytes) =
            self.cut.next(|window, last| match self.scan.step(window, last, self.max_message) {
                Step::Piece(kind, length) => Some((kind, length)),
                Step::More => None,
            })?;
        Some(self.piece(kind, bytes))
    }
}

/// All pieces of an input that is there as a whole.
pub fn all(input: Bytes, max_message: usize) -> impl Iterator<Item = Piece> {
    let mut splitter = Splitter::new(max_message);
    splitter.push(input);
    splitter.finish();
    splitter
}

impl std::fmt::Debug for Splitter {
    /// Shows how far it is, never what it holds.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Splitter").field("offset", &self.offset).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pieces as one letter and the text, the same for the whole input and byte by byte.
    fn pieces(input: &str, max: usize) -> Vec<String> {
        let whole: Vec<Piece> = all(Bytes::copy_from_slice(input.as_bytes()), max).collect();
        for size in [1, 2, 3, 7] {
            let mut splitter = Splitter::new(max);
            let mut found = vec![];
            for chunk in input.as_bytes().chunks(size) {
                splitter.push(Bytes::copy_from_slice(chunk));
                found.extend(splitter.by_ref());
            }
            splitter.finish();
            found.extend(splitter);
            assert_eq!(found, whole, "{input:?} by {size}");
        }
        let mut offset = 0;
        for piece in &whole {
            assert_eq!(piece.offset, offset);
            offset += piece.bytes.len() as u64;
        }
        let letter = |kind: &PieceKind| match kind {
            PieceKind::Message => 'M',
            PieceKind::FileHeader => 'f',
            PieceKind::BatchHeader => 'b',
            PieceKind::BatchTrailer => 'B',
            PieceKind::FileTrailer => 'F',
            PieceKind::Framing => '.',
            PieceKind::Unreadable(_) => 'U',
        };
        let text = |piece: &Piece| String::from_utf8_lossy(&piece.bytes).into_owned();
        whole.iter().map(|piece| format!("{}{}", letter(&piece.kind), text(piece))).collect()
    }

    #[test]
    fn an_input_is_cut_where_messages_begin() {
        const A: &str = "MSH|^~\\&|A\rPID|1\r";
        for (input, expected) in [
            ("", vec![]),
            (A, vec!["MMSH|^~\\&|A\rPID|1\r"]),
            ("MSH|^~\\&|A\r\rMSH|^~\\&|B", vec!["MMSH|^~\\&|A\r\r", "MMSH|^~\\&|B"]),
            ("MSH|^~\\&|A\nMSH#$%*@#B\n", vec!["MMSH|^~\\&|A\n", "MMSH#$%*@#B\n"]),
            (
                "FHS|^~\\&\rBHS|^~\\&\r\rMSH|^~\\&|A\rBTS|1\rFTS|1\r\n",
                vec!["fFHS|^~\\&\r", "bBHS|^~\\&\r\r", "MMSH|^~\\&|A\r", "BBTS|1\r", "FFTS|1\r\n"],
            ),
            ("BTS\rFTS", vec!["BBTS\r", "FFTS"]),
            ("BHS|^~\\&\rDSC|1\rMSH|^~\\&|A", vec!["bBHS|^~\\&\r", "UDSC|1\r", "MMSH|^~\\&|A"]),
            ("\u{feff}MSH|^~\\&|A\r", vec![".\u{feff}", "MMSH|^~\\&|A\r"]),
            ("MSH|^~\\&|A\r\u{feff}MSH|^~\\&|B", vec!["MMSH|^~\\&|A\r", ".\u{feff}", "MMSH|^~\\&|B"]),
            (
                "\u{b}MSH|^~\\&|A\r\u{1c}\r\u{b}MSH|^~\\&|B\u{1c}\r\n",
                vec![".\u{b}", "MMSH|^~\\&|A\r", ".\u{1c}\r\u{b}", "MMSH|^~\\&|B", ".\u{1c}\r\n"],
            ),
            ("MSH|^~\\&|A\u{1c}\u{b}MSH|^~\\&|B", vec!["MMSH|^~\\&|A", ".\u{1c}\u{b}", "MMSH|^~\\&|B"]),
            ("\u{b}MSH|^~\\&|A\u{1c}", vec![".\u{b}", "MMSH|^~\\&|A", ".\u{1c}"]),
            // control characters within a field frame nothing
            ("MSH|^~\\&|A\u{1c}B\u{b}C\r", vec!["MMSH|^~\\&|A\u{1c}B\u{b}C\r"]),
            ("  \r\n\tMSH|^~\\&|A\r  PID|1\r", vec![".  \r\n\t", "MMSH|^~\\&|A\r  PID|1\r"]),
            ("MSH|^~\\&|A\r  MSH|^~\\&|B", vec!["MMSH|^~\\&|A\r  ", "MMSH|^~\\&|B"]),
            // within a line, or with a longer name, nothing begins
            ("MSH|^~\\&|MSH|A\rPID|MSH|\rMSHX|\rFT1|\r", vec!["MMSH|^~\\&|MSH|A\rPID|MSH|\rMSHX|\rFT1|\r"]),
            ("PID|1\rMSH|^~\\&|A", vec!["UPID|1\r", "MMSH|^~\\&|A"]),
            ("MSH|^~\\&|A\rMSH\rPID|1", vec!["MMSH|^~\\&|A\r", "UMSH\rPID|1"]),
            ("MSH||A\rPID|1", vec!["UMSH||A\rPID|1"]),
            ("MSHA^~\\&A", vec!["UMSHA^~\\&A"]),
            ("msh|^~\\&|A", vec!["Umsh|^~\\&|A"]),
            ("\0\0", vec!["U\0\0"]),
            ("   ", vec![".   "]),
            ("M", vec!["UM"]),
            ("MSH", vec!["UMSH"]),
        ] {
            assert_eq!(pieces(input, 1 << 20), expected, "{input:?}");
        }
    }

    #[test]
    fn what_is_too_long_comes_in_parts_and_the_next_message_is_found() {
        let expected = ["MMSH|^~\\&|A\r", "UMSH|^~\\&|BBBBB", "UBBBBB\r", "MMSH|^~\\&|C"];
        assert_eq!(pieces("MSH|^~\\&|A\rMSH|^~\\&|BBBBBBBBBB\rMSH|^~\\&|C", 14), expected);
        assert_eq!(pieces("MSH|^~\\&|ABCDEF", 15), ["MMSH|^~\\&|ABCDEF"]);
        assert_eq!(pieces("MSH|^~\\&|ABCDEF", 14), ["UMSH|^~\\&|ABCDE", "UF"]);
        assert_eq!(pieces("no HL7 at all", 4), ["Uno H", "UL7 a", "Ut al", "Ul"]);
        assert_eq!(pieces("      MSH|^~\\&|A", 10), [".      ", "MMSH|^~\\&|A"]);
        assert_eq!(pieces("      MSH|^~\\&", 4), [".    ", ".  ", "UMSH|", "U^~\\&"]);
    }

    #[test]
    fn the_reason_says_what_was_found() {
        let reason = |input: &[u8]| {
            let piece = all(Bytes::copy_from_slice(input), 100).next().unwrap();
            let PieceKind::Unreadable(reason) = piece.kind else { panic!("{piece:?}") };
            reason
        };
        for (input, expected) in [
            (b"PID|1" as &[u8], "does not begin with a segment MSH"),
            (b"msh|^~\\&|", "segment id \"msh\" is in lower case"),
            (b"MSHA^~\\&A", "field separator is a letter"),
            (b"MSH|^^\\&|", "two separators in MSH-1 and MSH-2 are \"^\""),
            (b"\xFF\xFEM\0S\0H\0", "is in UTF-16"),
            (b"\0M\0S\0H\0|", "is in UTF-16"),
            (b"\x1F\x8B\x08", "does not begin with a segment MSH"),
            (&[b'x'; 101], "does not begin with a segment MSH"),
            (&[b"MSH|^~\\&|" as &[u8], &[b'x'; 100]].concat(), "message is longer than 100 bytes"),
        ] {
            let reason = reason(input);
            assert!(reason.starts_with(expected), "{reason}");
        }
    }

    #[test]
    fn a_message_within_one_chunk_is_not_copied() {
        let input = Bytes::from("MSH|^~\\&|A\rMSH|^~\\&|B\rMSH|^~\\&|C");
        let mut splitter = Splitter::new(100);
        splitter.push(Bytes::from("MSH|^~\\&|Z\r"));
        splitter.push(input.clone());
        splitter.finish();
        let places: Vec<_> = splitter.map(|piece| piece.bytes.as_ptr()).collect();
        assert_eq!(places[1..], [0, 11, 22].map(|at| input[at..].as_ptr()));
    }

    #[test]
    fn after_a_message_across_chunks_slices_are_taken_again() {
        // The first chunk ends within the "MSH" of the second message.
        let chunk = Bytes::from(format!("H|^~\\&|B\r{}", "MSH|^~\\&|C\r".repeat(1000)));
        let mut splitter = Splitter::new(100);
        splitter.push(Bytes::from("MSH|^~\\&|A\rMS"));
        assert_eq!(splitter.by_ref().count(), 0);
        splitter.push(chunk.clone());
        splitter.finish();
        let within = chunk.as_ptr_range();
        let sliced = splitter.filter(|piece| within.contains(&piece.bytes.as_ptr())).count();
        assert_eq!(sliced, 1000);
    }

    #[test]
    fn no_more_is_held_than_one_message() {
        let mut splitter = Splitter::new(1000);
        let mut longest = 0;
        for _ in 0..100 {
            splitter.push(Bytes::from(vec![b'x'; 999]));
            while splitter.next().is_some() {}
            longest = longest.max(splitter.cut.held());
        }
        assert!(longest <= 1000, "{longest}");
    }
}
