//! Finding where the current piece ends. Knows how far it has looked, so that no byte is looked at twice.

use super::PieceKind;
use crate::lines::is_blank;

const START: u8 = 0x0B;
const END: u8 = 0x1C;
const BOM: &[u8; 3] = b"\xEF\xBB\xBF";

/// How far the current piece has been looked at.
#[derive(Default)]
pub(super) struct Scan {
    /// What the piece is; none until its first bytes were seen.
    kind: Option<PieceKind>,
    /// The piece does not end before this byte.
    at: usize,
    /// Whether a line begins at `at`, or blanks have only been passed since one began.
    line_start: bool,
    /// Whether the piece is one line and the blank lines after it.
    one_line: bool,
}

pub(super) enum Step {
    /// A piece of that length.
    Piece(PieceKind, usize),
    /// Where the piece ends is not seen yet.
    More,
}

/// What stands at the beginning of a line.
enum Mark {
    Begins(PieceKind),
    Framing,
    /// The line goes on with whatever began before.
    Other,
    /// Too little is seen to say.
    Unclear,
}

impl Scan {
    /// Looks at `window`, the current piece as far as it has come in, with what may come after it.
    pub(super) fn step(&mut self, window: &[u8], last: bool, max: usize) -> Step {
        if self.kind.is_none() && !self.begin(window, last) {
            return Step::More;
        }
        let framing = self.kind == Some(PieceKind::Framing);
        let end = if framing { self.end_of_framing(window, last) } else { self.end_of_lines(window, last) };
        // Known as soon as it cannot end in time: a piece never depends on what is held besides it.
        if self.at > max {
            return self.too_long(max);
        }
        match end {
            true => {
                let length = self.at;
                let kind = self.kind.take().unwrap_or(PieceKind::Framing);
                *self = Scan::default();
                Step::Piece(kind, length)
            }
            false => Step::More,
        }
    }

    /// Finds out what the piece is.
    fn begin(&mut self, window: &[u8], last: bool) -> bool {
        let kind = match mark(window, last) {
            Mark::Unclear => return false,
            Mark::Framing => PieceKind::Framing,
            Mark::Begins(kind) => kind,
            Mark::Other if matches!(window.first(), Some(b' ' | b'\t' | b'\r' | b'\n')) => PieceKind::Framing,
            // Eight bytes tell what it is that is no HL7; see `reason`.
            Mark::Other if window.len() < 8 && !last => return false,
            Mark::Other => PieceKind::Unreadable(reason(window)),
        };
        use PieceKind::{BatchHeader, BatchTrailer, FileHeader, FileTrailer};
        self.one_line = matches!(kind, FileHeader | BatchHeader | BatchTrailer | FileTrailer);
        // The first line is known to begin here: it is not to be taken for the next piece.
        self.line_start = false;
        self.kind = Some(kind);
        true
    }

    /// Looks for the first byte that frames nothing.
    fn end_of_framing(&mut self, window: &[u8], last: bool) -> bool {
        loop {
            match &window[self.at..] {
                [] => return last,
                [b' ' | b'\t' | b'\r' | b'\n' | START | END, ..] => self.at += 1,
                rest if rest.starts_with(BOM) => self.at += BOM.len(),
                rest => return last || !BOM.starts_with(rest),
            }
        }
    }

    /// Looks for the beginning of something else at the beginning of a line, or for the end of a frame.
    fn end_of_lines(&mut self, window: &[u8], last: bool) -> bool {
        loop {
            if self.line_start {
                self.at += window[self.at..].iter().take_while(|byte| is_blank(**byte)).count();
                match mark(&window[self.at..], last) {
                    Mark::Unclear => return false,
                    Mark::Begins(_) | Mark::Framing => return true,
                    Mark::Other => {}
                }
                let ends_line = matches!(window.get(self.at), None | Some(b'\r' | b'\n'));
                if self.one_line && !ends_line {
                    return true;
                }
                self.line_start = false;
            }
            match memchr::memchr3(b'\r', b'\n', END, &window[self.at..]) {
                None => {
                    self.at = window.len();
                    return last;
                }
                Some(found) => self.at += found,
            }
            if window[self.at] != END {
                self.at += 1;
                self.line_start = true;
                continue;
            }
            match window.get(self.at + 1) {
                None => return last,
                Some(b'\r' | b'\n' | &START) => return true,
                // Part of a field.
                Some(_) => self.at += 1,
            }
        }
    }

    /// Gives the piece in parts of `max` bytes, none of which is a message.
    fn too_long(&mut self, max: usize) -> Step {
        let part = match &self.kind {
            Some(kind @ (PieceKind::Framing | PieceKind::Unreadable(_))) => kind.clone(),
            _ => PieceKind::Unreadable(format!(
                "message is longer than {max} bytes, the limit for one message"
            )),
        };
        self.at -= max;
        self.kind = Some(match &part {
            PieceKind::Framing => PieceKind::Framing,
            _ => PieceKind::Unreadable("continues what is unreadable before it".to_owned()),
        });
        Step::Piece(part, max)
    }
}

/// What the line that begins with `rest` begins.
fn mark(rest: &[u8], last: bool) -> Mark {
    let unclear = if last { Mark::Other } else { Mark::Unclear };
    let Some(first) = rest.first() else { return unclear };
    let kind = match first {
        b'M' | b'F' | b'B' => match &rest[..rest.len().min(3)] {
            b"MSH" => PieceKind::Message,
            b"FHS" => PieceKind::FileHeader,
            b"BHS" => PieceKind::BatchHeader,
            b"BTS" => PieceKind::BatchTrailer,
            b"FTS" => PieceKind::FileTrailer,
            short if short.len() < 3 => return unclear,
            _ => return Mark::Other,
        },
        &START | &END => return Mark::Framing,
        0xEF if rest.starts_with(BOM) => return Mark::Framing,
        0xEF if BOM.starts_with(rest) => return unclear,
        _ => return Mark::Other,
    };
    match rest.get(3) {
        // A bare name at the end of its line: what it begins is broken, but it begins.
        None if last => Mark::Begins(kind),
        None => Mark::Unclear,
        Some(b'\r' | b'\n' | &END) => Mark::Begins(kind),
        Some(separator) if separator.is_ascii_punctuation() => Mark::Begins(kind),
        Some(_) => Mark::Other,
    }
}

/// Why something that begins like this is no message.
fn reason(start: &[u8]) -> String {
    let utf16 = [b"\xFF\xFE" as &[u8], b"\xFE\xFF", b"M\0S\0", b"\0M\0S"];
    let what = match start {
        _ if utf16.iter().any(|mark| start.starts_with(mark)) => "is in UTF-16",
        [b'M', b'S', b'H', next, ..] if next.is_ascii_alphabetic() => "field separator is a letter",
        [b'M', b'S', b'H', next, ..] if next.is_ascii_digit() => "field separator is a digit",
        [b'M', b'S', b'H', ..] => "field separator is no punctuation character",
        [m, s, h, ..] if [*m, *s, *h].eq_ignore_ascii_case(b"msh") => "segment id \"msh\" is in lower case",
        _ => "does not begin with a segment MSH",
    };
    format!("{what}; expected \"MSH\" and a field separator, in a charset that holds ASCII")
}
