//! One segment: its fields are found by scanning, each time they are asked for.

use crate::Separators;

/// A segment of a message, as it stands there.
#[derive(Clone, Copy)]
pub struct Segment<'a> {
    pub(crate) text: &'a str,
    pub(crate) offset: usize,
    pub(crate) separators: &'a Separators,
}

impl<'a> Segment<'a> {
    /// What stands before the first field separator, as in `PID`.
    pub fn id(&self) -> &'a str {
        &self.text[..self.next_separator(0)]
    }

    /// The whole segment, without its line end and indentation.
    pub fn raw(&self) -> &'a str {
        self.text
    }

    /// Where it begins in the message's text.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Field `number` by HL7's counting, raw; none if the segment is shorter.
    ///
    /// MSH-1 is the field separator and MSH-2 the encoding characters.
    pub fn field(&self, number: usize) -> Option<&'a str> {
        let mut wanted = number;
        if self.is_header() {
            match number {
                1 => return self.text.get(3..4),
                _ => wanted = number.checked_sub(1)?,
            }
        }
        if wanted == 0 {
            return None;
        }
        let mut ends = memchr::memchr_iter(self.separators.field, self.text.as_bytes());
        let start = ends.nth(wanted - 1)? + 1;
        let end = ends.next().unwrap_or(self.text.len());
        Some(&self.text[start..end])
    }

    /// How many fields there are, empty ones included: 3 for `PID|1||`, 0 for a bare `ZZ1`.
    pub fn field_count(&self) -> usize {
        let separators = memchr::memchr_iter(self.separators.field, self.text.as_bytes()).count();
        separators + usize::from(self.is_header())
    }

    /// All fields in their order, raw.
    pub fn fields(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let header = self.is_header().then(|| &self.text[3..4]);
        let rest = self.text.split(self.separators.field as char).skip(1);
        header.into_iter().chain(rest)
    }

    /// Whether the id is three capital letters or digits, the first a letter.
    pub fn is_well_formed(&self) -> bool {
        let id = self.id().as_bytes();
        id.len() == 3
            && id[0].is_ascii_uppercase()
            && id.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    }

    pub(crate) fn has_id(&self, id: &[u8; 3]) -> bool {
        let bytes = self.text.as_bytes();
        bytes.starts_with(id) && bytes.get(3).is_none_or(|byte| *byte == self.separators.field)
    }

    /// Whether fields are counted from the separator itself.
    pub(crate) fn is_header(&self) -> bool {
        self.has_id(b"MSH") && self.text.len() > 3
    }

    fn next_separator(&self, from: usize) -> usize {
        let rest = &self.text.as_bytes()[from..];
        memchr::memchr(self.separators.field, rest).map_or(self.text.len(), |at| from + at)
    }
}

impl std::fmt::Debug for Segment<'_> {
    /// Shows where the segment is, never what it says.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Segment").field("offset", &self.offset).field("bytes", &self.text.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(text: &str) -> Segment<'_> {
        static STANDARD: std::sync::LazyLock<Separators> = std::sync::LazyLock::new(Separators::default);
        Segment { text, offset: 0, separators: &STANDARD }
    }

    #[test]
    fn fields_are_counted_as_hl7_counts_them() {
        for (text, id, fields) in [
            ("PID|1||", "PID", vec!["1", "", ""]),
            ("PID|1||A^B~C", "PID", vec!["1", "", "A^B~C"]),
            ("ZZ1", "ZZ1", vec![]),
            ("ZZ1|", "ZZ1", vec![""]),
            ("MSH|^~\\&|A", "MSH", vec!["|", "^~\\&", "A"]),
            ("MSH|^~\\&", "MSH", vec!["|", "^~\\&"]),
            ("not a segment", "not a segment", vec![]),
            ("MSHX|1", "MSHX", vec!["1"]),
        ] {
            let segment = segment(text);
            assert_eq!(segment.id(), id);
            assert_eq!(segment.field_count(), fields.len(), "{text}");
            assert_eq!(segment.fields().collect::<Vec<_>>(), fields);
            for (at, field) in fields.iter().enumerate() {
                assert_eq!(segment.field(at + 1), Some(*field), "{text} {at}");
            }
            assert_eq!(segment.field(fields.len() + 1), None);
            assert_eq!(segment.field(0), None);
        }
    }
}
