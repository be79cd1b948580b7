//! The lazy view of one message: its text and where its segments are.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use bytestring::ByteString;

use crate::schema::StructureMap;
use crate::schema::map::Plan;
use crate::{Charset, Decoded, Path, Scope, Segment, Separators, Why, charset, lines};

/// The longest message. A text is at most three times as long as its bytes, so that all places in it
/// are numbers of 32 bits.
pub(crate) const LONGEST: usize = 1 << 30;

/// One message. Cheap to clone; shared freely between threads.
#[derive(Clone)]
pub struct Message(Arc<Inner>, Option<Arc<Scope>>);

struct Inner {
    text: ByteString,
    lines: Vec<(u32, u32)>,
    separators: Separators,
    charset: Decoded,
    /// The form that the parser of the tree takes; made when a tree is asked for.
    normal: OnceLock<String>,
    /// The map of its structure; made when one is asked for, and kept for that structure.
    map: OnceLock<(Arc<Plan>, Arc<StructureMap>)>,
}

/// Why bytes are no message. Holds no content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {offset}; expected {wanted}")]
pub struct ReadError {
    /// The byte, counted from 0.
    pub offset: usize,
    /// What was found.
    pub what: Cow<'static, str>,
    /// What was wanted.
    pub wanted: &'static str,
}

impl ReadError {
    pub(crate) fn new(offset: usize, what: impl Into<Cow<'static, str>>, wanted: &'static str) -> Self {
        ReadError { offset, what: what.into(), wanted }
    }
}

impl Message {
    /// Reads the bytes of one message, as they came: with a byte order mark, the bytes of an MLLP frame
    /// or white space around them, and lines ended by CR, LF, CR LF or a mixture.
    ///
    /// `charset` is the name of the charset they are in; empty for MSH-18 to say.
    ///
    /// # Errors
    /// When they do not begin with a segment MSH that says how to take the message apart.
    pub fn read(bytes: Bytes, charset: &str) -> Result<Message, ReadError> {
        let (start, end) = frame(&bytes);
        if end - start > LONGEST {
            return Err(ReadError::new(start + LONGEST, "message is too long", "at most 1 GiB"));
        }
        let message = bytes.slice(start..end);
        let separators = Separators::read(&message)
            .map_err(|error| ReadError { offset: start + error.offset, ..error })?;
        let (text, charset) = charset::decode(&message, charset, &separators);
        let mut found = Vec::with_capacity(8 + text.len() / 128);
        lines::all(text.as_bytes(), |start, end| found.push((start as u32, end as u32)));
        Ok(Message(
            Arc::new(Inner {
                text,
                lines: found,
                separators,
                charset,
                normal: OnceLock::new(),
                map: OnceLock::new(),
            }),
            None,
        ))
    }

    /// A message of a text that is known to be one, with the places of its segments.
    pub(crate) fn of_parts(
        text: impl Into<ByteString>,
        lines: Vec<(u32, u32)>,
        separators: Separators,
        charset: Decoded,
    ) -> Message {
        Message(
            Arc::new(Inner {
                text: text.into(),
                lines,
                separators,
                charset,
                normal: OnceLock::new(),
                map: OnceLock::new(),
            }),
            None,
        )
    }

    /// The same message, in which paths without a number mean what the scope says. Copies nothing.
    pub fn within(&self, scope: Arc<Scope>) -> Message {
        Message(self.0.clone(), Some(scope))
    }

    pub(crate) fn scope(&self) -> Option<&Scope> {
        self.1.as_deref()
    }

    /// The same message, to be written in another charset.
    pub(crate) fn in_charset(self, charset: Charset) -> Message {
        let Inner { text, lines, separators, .. } = &*self.0;
        let charset = Decoded::as_said(charset, Why::Declared);
        Message::of_parts(text.clone(), lines.clone(), *separators, charset)
    }

    pub(crate) fn shared_text(&self) -> ByteString {
        self.0.text.clone()
    }

    pub(crate) fn lines(&self) -> &[(u32, u32)] {
        &self.0.lines
    }

    /// The text, from MSH on; the bytes themselves where they were ASCII or UTF-8.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// Which charset it was read in, and why.
    pub fn charset(&self) -> Decoded {
        self.0.charset
    }

    /// What takes it apart.
    pub fn separators(&self) -> Separators {
        self.0.separators
    }

    pub(crate) fn separators_ref(&self) -> &Separators {
        &self.0.separators
    }

    pub(crate) fn normal(&self, make: impl FnOnce() -> String) -> &str {
        self.0.normal.get_or_init(make)
    }

    /// Its map by a structure. It is made once where everybody asks for the same structure.
    pub(crate) fn map(&self, plan: &Arc<Plan>) -> Arc<StructureMap> {
        let make = || Arc::new(StructureMap::by(self, plan));
        let (known, map) = self.0.map.get_or_init(|| (plan.clone(), make()));
        if Arc::ptr_eq(known, plan) { map.clone() } else { make() }
    }

    /// Its segments, and the lines that are none; blank lines are passed over.
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = Segment<'_>> + ExactSizeIterator + Clone {
        let Inner { text, lines, separators, .. } = &*self.0;
        lines.iter().map(move |(start, end)| {
            let (start, end) = (*start as usize, *end as usize);
            Segment { text: &text[start..end], offset: start, separators }
        })
    }

    /// A segment by its number, counted from 0.
    pub(crate) fn segment_at(&self, number: usize) -> Option<Segment<'_>> {
        let Inner { text, lines, separators, .. } = &*self.0;
        let (start, end) = *lines.get(number)?;
        let (start, end) = (start as usize, end as usize);
        Some(Segment { text: &text[start..end], offset: start, separators })
    }

    /// What kind of document it is: MSH-9.3, or `ADT_A01` made of MSH-9.1 and MSH-9.2, or MSH-9.1.
    pub fn doc_type(&self) -> String {
        let part = |component| {
            let path = Path {
                segment: *b"MSH",
                occurrence: None,
                field: 9,
                repetition: None,
                component,
                subcomponent: 0,
            };
            self.get(&path).unwrap_or_default()
        };
        match (part(1), part(2), part(3)) {
            (code, "", "") => code.to_owned(),
            (code, trigger, "") => format!("{code}_{trigger}"),
            (_, _, structure) => structure.to_owned(),
        }
    }
}

impl std::fmt::Debug for Message {
    /// Shows how long the message is, never what it says.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Inner { text, lines, .. } = &*self.0;
        f.debug_struct("Message")
            .field("bytes", &text.len())
            .field("segments", &lines.len())
            .finish_non_exhaustive()
    }
}

/// Where the message itself begins and ends among bytes that may be framed.
fn frame(bytes: &[u8]) -> (usize, usize) {
    let mut start = 0;
    loop {
        match &bytes[start..] {
            [0xEF, 0xBB, 0xBF, ..] => start += 3,
            [b' ' | b'\t' | b'\r' | b'\n' | 0x0B, ..] => start += 1,
            _ => break,
        }
    }
    let mut end = bytes.len();
    while end > start && matches!(bytes[end - 1], b'\r' | b'\n' | 0x1C) {
        end -= 1;
    }
    (start, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_found_in_whatever_is_around_it() {
        for (bytes, ids) in [
            ("MSH|^~\\&|A\rPID|1", "MSH PID"),
            ("MSH|^~\\&|A\rPID|1\r", "MSH PID"),
            ("MSH|^~\\&|A\nPID|1\n", "MSH PID"),
            ("MSH|^~\\&|A\r\nPID|1\r\nPV1|1\nZZ1\r\r\r", "MSH PID PV1 ZZ1"),
            ("MSH|^~\\&|A\n\rPID|1\n\r", "MSH PID"),
            ("\u{feff}MSH|^~\\&|A\rPID|1", "MSH PID"),
            ("\u{b}MSH|^~\\&|A\rPID|1\r\u{1c}\r", "MSH PID"),
            ("\u{b}MSH|^~\\&|A\rPID|1\u{1c}\r\n", "MSH PID"),
            (" \r\n\t\u{feff} MSH|^~\\&|A\r\r   \rPID|1", "MSH PID"),
            ("MSH|^~\\&|A\r   PID|1\r\tPV1|1", "MSH PID PV1"),
        ] {
            let message = Message::read(bytes.into(), "").unwrap();
            let found: Vec<_> = message.segments().map(|segment| segment.id()).collect();
            assert_eq!(found.join(" "), ids, "{bytes:?}");
            assert_eq!(message.faults(), [], "{bytes:?}");
        }
    }

    #[test]
    fn what_is_no_message_is_refused_at_its_place() {
        for (bytes, expected) in [
            ("", "no segment MSH at the start at byte 0; expected \"MSH\" and a field separator"),
            (
                "\u{b}\u{1c}\r",
                "no segment MSH at the start at byte 1; expected \"MSH\" and a field separator",
            ),
            (" MSH||A", "MSH-2 is empty at byte 5; expected encoding characters as in \"MSH|^~\\&|\""),
        ] {
            assert_eq!(Message::read(bytes.into(), "").unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn text_is_not_copied_where_the_bytes_are_text() {
        let bytes = Bytes::from("MSH|^~\\&|Müller\rPID|1");
        let message = Message::read(bytes.clone(), "").unwrap();
        assert_eq!(message.text().as_ptr(), bytes.as_ptr());
    }

    #[test]
    fn the_document_type_is_made_of_what_is_there() {
        for (field, expected) in [
            ("ADT^A01^ADT_A01", "ADT_A01"),
            ("ADT^A04", "ADT_A04"),
            ("ACK", "ACK"),
            ("", ""),
            ("^A01", "_A01"),
        ] {
            let message = Message::read(format!("MSH|^~\\&|||||||{field}").into(), "").unwrap();
            assert_eq!(message.doc_type(), expected, "{field}");
        }
    }

    #[test]
    fn debug_never_shows_content() {
        let message = Message::read("MSH|^~\\&|Mustermann".into(), "").unwrap();
        let segment = message.segments().next().unwrap();
        assert!(!format!("{message:?} {segment:?}").contains("Mustermann"));
    }
}
