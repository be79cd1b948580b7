//! The separators, as each message declares them in MSH-1 and MSH-2 (HL7 v2.5.1 §2.5.4).

use crate::ReadError;

/// The standard encoding characters, in the order of their roles.
const STANDARD: &[u8; 4] = b"^~\\&";

/// The characters that take a message apart. All are ASCII punctuation and differ from each other.
///
/// A message may leave out those it does not use, from the last one on; those are none, and the
/// characters that usually play the role are then plain text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Separators {
    /// Between fields, MSH-1.
    pub field: u8,
    /// Between the components of a field.
    pub component: u8,
    /// Between the repetitions of a field.
    pub repetition: Option<u8>,
    /// Around an escape sequence.
    pub escape: Option<u8>,
    /// Between the subcomponents of a component.
    pub subcomponent: Option<u8>,
    /// Marks truncated text, from version 2.7 on; real senders write it in older versions, too.
    pub truncation: Option<u8>,
}

impl Default for Separators {
    /// The standard's own, `|^~\&`.
    fn default() -> Self {
        Separators {
            field: b'|',
            component: b'^',
            repetition: Some(b'~'),
            escape: Some(b'\\'),
            subcomponent: Some(b'&'),
            truncation: None,
        }
    }
}

impl Separators {
    /// Reads the separators of a message that begins at the first byte of `message`.
    ///
    /// # Errors
    /// When there is no MSH, or what follows it cannot take a message apart.
    pub fn read(message: &[u8]) -> Result<Separators, ReadError> {
        let Some(rest) = message.strip_prefix(b"MSH") else {
            return Err(ReadError::new(0, "no segment MSH at the start", "\"MSH\" and a field separator"));
        };
        let Some(&field) = rest.first().filter(|byte| !matches!(byte, b'\r' | b'\n')) else {
            return Err(ReadError::new(3, "segment MSH ends before its field separator", SEPARATOR));
        };
        if !field.is_ascii_punctuation() {
            return Err(ReadError::new(3, format!("field separator is {}", kind_of(field)), SEPARATOR));
        }
        let line = &rest[1..];
        let end = line.iter().position(|byte| *byte == field || matches!(byte, b'\r' | b'\n'));
        let encoding = &line[..end.unwrap_or(line.len())];
        let cut_off = end.is_none_or(|end| line[end] != field);
        Self::check(field, encoding, cut_off)?;
        Ok(Self::assign(field, encoding))
    }

    /// Refuses encoding characters that are missing, cut off, no separators, or not distinct.
    fn check(field: u8, encoding: &[u8], cut_off: bool) -> Result<(), ReadError> {
        if encoding.is_empty() {
            return Err(ReadError::new(4, "MSH-2 is empty", ENCODING));
        }
        // Read as one long word when MSH-1 is missing: `MSH^~\&|LAB`.
        if let Some(at) = encoding.iter().position(|byte| !byte.is_ascii_punctuation()) {
            let what = format!("MSH-2 holds {}", kind_of(encoding[at]));
            return Err(ReadError::new(4 + at, what, ENCODING));
        }
        if cut_off && encoding.len() < STANDARD.len() {
            return Err(ReadError::new(4 + encoding.len(), "segment MSH ends within MSH-2", ENCODING));
        }
        let used = &encoding[..encoding.len().min(5)];
        for (at, byte) in used.iter().enumerate() {
            if *byte == field || used[..at].contains(byte) {
                let what = if at == 3 && *byte == used[2] {
                    "MSH-2 has its escape character twice, as when a program quoted it twice".to_owned()
                } else {
                    format!("two separators in MSH-1 and MSH-2 are \"{}\"", *byte as char)
                };
                return Err(ReadError::new(4 + at, what, "separators that differ"));
            }
        }
        Ok(())
    }

    /// Gives each character its role.
    fn assign(field: u8, encoding: &[u8]) -> Separators {
        // `^~&`: a backslash got lost on the way, as happens to authors of programs. What is left has
        // its usual meaning, and reading it by position would make `&` the escape character. The first
        // character is always taken at its word: all values hang on it.
        let lost_one = encoding.len() < STANDARD.len()
            && encoding[0] == STANDARD[0]
            && !STANDARD.starts_with(encoding)
            && is_subsequence(encoding, STANDARD)
            && !STANDARD.contains(&field);
        let encoding = if lost_one { STANDARD } else { encoding };
        Separators {
            field,
            component: encoding[0],
            repetition: encoding.get(1).copied(),
            escape: encoding.get(2).copied(),
            subcomponent: encoding.get(3).copied(),
            truncation: encoding.get(4).copied(),
        }
    }

    /// Whether the character plays any role.
    pub(crate) fn has(&self, byte: u8) -> bool {
        byte == self.field || self.encoding().contains(&Some(byte))
    }

    /// `MSH` with MSH-1 and MSH-2, as a message with these separators begins.
    pub(crate) fn header(&self) -> String {
        let mut header = format!("MSH{}", self.field as char);
        header.extend(self.encoding().into_iter().map_while(|role| role.map(char::from)));
        header
    }

    /// The roles below a field that a character plays, in the order of MSH-2.
    pub(crate) fn encoding(&self) -> [Option<u8>; 5] {
        [Some(self.component), self.repetition, self.escape, self.subcomponent, self.truncation]
    }
}

const SEPARATOR: &str = "a punctuation character as in \"MSH|\"";
const ENCODING: &str = "encoding characters as in \"MSH|^~\\&|\"";

/// What a byte is that should be punctuation. Never the byte itself: it may be content.
fn kind_of(byte: u8) -> &'static str {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' => "a letter",
        b'0'..=b'9' => "a digit",
        b' ' | b'\t' => "a blank",
        0x80.. => "no ASCII character",
        _ => "a control character",
    }
}

fn is_subsequence(part: &[u8], whole: &[u8]) -> bool {
    let mut rest = whole.iter();
    part.iter().all(|byte| rest.any(|other| other == byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles(start: &str) -> Result<String, String> {
        let separators = Separators::read(start.as_bytes()).map_err(|error| error.to_string())?;
        let shown = separators.encoding().map(|role| role.map_or(' ', |byte| byte as char));
        Ok(format!("{}{}", separators.field as char, shown.iter().collect::<String>()))
    }

    #[test]
    fn each_character_has_its_role() {
        for (start, expected) in [
            ("MSH|^~\\&|LAB", "|^~\\& "),
            ("MSH|^~\\&#|LAB", "|^~\\&#"),
            ("MSH!@*%$!LAB", "!@*%$ "),
            ("MSH|^~\\&", "|^~\\& "),
            ("MSH|^~\\&\rPID|", "|^~\\& "),
            // left out because they are not used
            ("MSH|^|LAB", "|^    "),
            ("MSH|^~|LAB", "|^~   "),
            ("MSH|^~\\|LAB", "|^~\\  "),
            // lost on the way
            ("MSH|^~&|LAB", "|^~\\& "),
            ("MSH|^\\&|LAB", "|^~\\& "),
            // short, but neither: by position
            ("MSH|@*%|LAB", "|@*%  "),
            ("MSH|~\\&|LAB", "|~\\&  "),
            // more than there are roles
            ("MSH|^~\\&#!|LAB", "|^~\\&#"),
        ] {
            assert_eq!(roles(start).as_deref(), Ok(expected), "{start}");
        }
    }

    #[test]
    fn what_cannot_take_a_message_apart_is_refused_with_its_place() {
        for (start, expected) in [
            ("", "no segment MSH at the start at byte 0"),
            ("msh|^~\\&|", "no segment MSH at the start at byte 0"),
            ("MSH", "segment MSH ends before its field separator at byte 3"),
            ("MSH\rPID", "segment MSH ends before its field separator at byte 3"),
            ("MSHA^~\\&A", "field separator is a letter at byte 3"),
            ("MSH7^~\\&7", "field separator is a digit at byte 3"),
            ("MSH    ", "field separator is a blank at byte 3"),
            ("MSH\0^~\\&", "field separator is a control character at byte 3"),
            ("MSH||LAB", "MSH-2 is empty at byte 4"),
            ("MSH^~\\&|LAB^", "MSH-2 holds a letter at byte 8"),
            ("MSH|^~", "segment MSH ends within MSH-2 at byte 6"),
            ("MSH|^~\\\rPID|", "segment MSH ends within MSH-2 at byte 7"),
            ("MSH|^^\\&|", "two separators in MSH-1 and MSH-2 are \"^\" at byte 5"),
            ("MSH|????|", "two separators in MSH-1 and MSH-2 are \"?\" at byte 5"),
            (
                "MSH|^~\\\\&|",
                "MSH-2 has its escape character twice, as when a program quoted it twice at byte 7",
            ),
            ("MSH|é~\\&|", "MSH-2 holds no ASCII character at byte 4"),
        ] {
            let error = roles(start).unwrap_err();
            assert!(error.starts_with(expected), "{start}: {error}");
        }
    }
}
