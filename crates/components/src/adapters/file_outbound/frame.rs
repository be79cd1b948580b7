//! The headers and trailers around the messages of a file (HL7 v2.5.1 §2.10.3 and §2.15.2 to §2.15.7).

use hl7::Separators;
use model::Timestamp;

use super::Job;

/// What stands before the first message of a file.
pub(super) fn head(first: &Job) -> String {
    let time = jiff::Timestamp::from_millisecond(Timestamp(first.created).0).unwrap_or_default();
    let time = time.strftime("%Y%m%d%H%M%S+0000");
    let name = hl7::escape::encode(&first.name, &Separators::default()).into_owned();
    format!("FHS|^~\\&|||||{time}||{name}\rBHS|^~\\&|||||{time}\r")
}

/// What stands behind the last one.
pub(super) fn tail(messages: u64) -> String {
    format!("BTS|{messages}\rFTS|1\r")
}

/// Whether this is what [`tail`] makes of some number, or its beginning.
pub(super) fn is_tail(text: &[u8]) -> bool {
    let Some(rest) = text.strip_prefix(b"BTS|") else { return b"BTS|".starts_with(text) };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    b"\rFTS|1\r".starts_with(&rest[digits..])
}

/// The number of messages in a batch that ends in these bytes; none when it does not end in a [`tail`].
pub(super) fn counted_by(end: &[u8]) -> Option<u64> {
    let at = end.windows(4).rposition(|four| four == b"BTS|")?;
    let digits = end[at + 4..].split(|byte| *byte == b'\r').next()?;
    let messages = std::str::from_utf8(digits).ok()?.parse().ok()?;
    end.ends_with(tail(messages).as_bytes()).then_some(messages)
}

/// What stands behind each message of a file, unless the message itself ends so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Separator<'a> {
    /// A line end: the next message begins a line.
    Line,
    /// These bytes.
    Bytes(&'a [u8]),
}

impl Separator<'_> {
    /// How many bytes it is long.
    pub(super) fn len(&self) -> usize {
        self.bytes().len()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Separator::Line => b"\r",
            Separator::Bytes(bytes) => bytes,
        }
    }

    /// Whether a text that ends in these bytes needs none.
    pub(super) fn ends(&self, text: &[u8]) -> bool {
        text.ends_with(self.bytes()) || (*self == Separator::Line && text.ends_with(b"\n"))
    }
}

/// A message's bytes as they came, and what stands behind them.
pub(super) fn push_message(text: &mut Vec<u8>, message: &[u8], separator: Separator<'_>) {
    text.extend_from_slice(message);
    if !separator.ends(message) {
        text.extend_from_slice(separator.bytes());
    }
}
