//! The names of framings.

use super::{END, Framing, Mark, START};

/// Why a text names no framing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("framing is \"{found}\"; expected {wanted}")]
pub struct FramingError {
    /// The text.
    pub found: String,
    /// What was wanted.
    pub wanted: &'static str,
}

const NAMES: &str = "one of flexible, mllp, mllp11/28, ascii_lf, ascii_cr, ascii_crlf, ascii28, ascii11/28, none \
                     (11 and 28 stand for any bytes)";
const BYTES: &str = "numbers of bytes from 0 to 255, at most three with commas between them at each side of the \
                     \"/\", as in \"mllp11/28\"";
const CLASH: &str = "different bytes before and after a message";

const LF: Framing = Framing::Ended(Mark::new(b"\n"));
const CR: Framing = Framing::Ended(Mark::new(b"\r"));
const CRLF: Framing = Framing::Ended(Mark::new(b"\r\n"));

impl std::str::FromStr for Framing {
    type Err = FramingError;

    fn from_str(text: &str) -> Result<Self, FramingError> {
        let error = |wanted| FramingError { found: text.to_owned(), wanted };
        let (marks, cr) = match text {
            "flexible" => return Ok(Framing::Flexible),
            "none" => return Ok(Framing::None),
            "mllp" => return Ok(Framing::MLLP),
            "ascii_lf" => return Ok(LF),
            "ascii_cr" => return Ok(CR),
            "ascii_crlf" => return Ok(CRLF),
            _ => match (text.strip_prefix("mllp"), text.strip_prefix("ascii")) {
                (Some(marks), _) => (marks, true),
                (_, Some(marks)) => (marks, false),
                _ => return Err(error(NAMES)),
            },
        };
        if !marks.starts_with(|char: char| char.is_ascii_digit()) {
            return Err(error(NAMES));
        }
        let Some((start, end)) = marks.split_once('/') else {
            return match bytes(marks) {
                Some(end) if !cr => Ok(Framing::Ended(Mark::new(&end))),
                _ => Err(error(BYTES)),
            };
        };
        let (Some(start), Some(mut end)) = (bytes(start), bytes(end)) else { return Err(error(BYTES)) };
        if start == end {
            return Err(error(CLASH));
        }
        if cr {
            end.push(b'\r');
        }
        Ok(Framing::Block { start: Mark::new(&start), end: Mark::new(&end) })
    }
}

/// One to three numbers of bytes.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let bytes: Option<Vec<u8>> = text.split(',').map(|number| number.trim().parse().ok()).collect();
    bytes.filter(|bytes| bytes.len() < Mark::LONGEST)
}

impl std::fmt::Display for Framing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let list = |bytes: &[u8]| bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(",");
        match self {
            Framing::Flexible => f.write_str("flexible"),
            Framing::None => f.write_str("none"),
            framing if *framing == Framing::MLLP => f.write_str("mllp"),
            framing if *framing == LF => f.write_str("ascii_lf"),
            framing if *framing == CR => f.write_str("ascii_cr"),
            framing if *framing == CRLF => f.write_str("ascii_crlf"),
            Framing::Ended(end) => write!(f, "ascii{}", list(end.bytes())),
            Framing::Block { start, end } => match end.bytes().split_last() {
                Some((b'\r', end)) if !end.is_empty() => {
                    write!(f, "mllp{}/{}", list(start.bytes()), list(end))
                }
                _ => write!(f, "ascii{}/{}", list(start.bytes()), list(end.bytes())),
            },
        }
    }
}

impl Framing {
    /// The marks that are written around a message.
    pub(super) fn written(&self) -> (Mark, Mark) {
        match self {
            Framing::Block { start, end } => (*start, *end),
            Framing::Ended(end) => (Mark::new(&[]), *end),
            Framing::None => (Mark::new(&[]), Mark::new(&[])),
            Framing::Flexible => (Mark::new(&[START]), Mark::new(&[END, b'\r'])),
        }
    }
}
