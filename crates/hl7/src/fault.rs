//! What is not HL7 about a message that could be read all the same.

use crate::{Message, Segment};

/// One thing that is not as HL7 wants it. Says where, and never what stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What kind of thing.
    pub kind: FaultKind,
    /// The segment, counted from 1.
    pub segment: usize,
    /// The byte in the message's text, counted from 0.
    pub offset: usize,
    /// What was found and what was wanted.
    pub text: &'static str,
}

/// The kinds of faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// A line does not begin with three capital letters or digits and a field separator.
    NotASegment,
    /// A segment that begins another message or belongs to a batch stands inside.
    Misplaced,
    /// MSH-2 has not four or five characters.
    Separators,
    /// The bytes are not in the charset that was declared, or that one is not known.
    Charset,
    /// A control character stands in the text.
    ControlCharacter,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "segment {} at byte {}: {}", self.segment, self.offset, self.text)
    }
}

impl Message {
    /// Everything that is not HL7 about the message, in the order of its segments; empty if all is well.
    ///
    /// Whether a message may have faults is for the production to decide. The charset is among them
    /// when it is doubtful, since a name could be wrong without anybody seeing it.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = vec![];
        let fault = |kind, segment, offset, text| Fault { kind, segment, offset, text };
        if let Some(doubt) = self.charset().doubt() {
            faults.push(fault(FaultKind::Charset, 1, 0, doubt));
        }
        for (at, segment) in self.segments().enumerate() {
            if let Some((kind, text)) = form(at, &segment) {
                faults.push(fault(kind, at + 1, segment.offset(), text));
            }
            if let Some(inside) = segment.raw().bytes().position(is_control) {
                let text = "found a control character, expected printable text";
                faults.push(fault(FaultKind::ControlCharacter, at + 1, segment.offset() + inside, text));
            }
        }
        faults
    }
}

/// An escape is among them: it is left in the text when ISO 2022 was used and not declared.
fn is_control(byte: u8) -> bool {
    byte.is_ascii_control() && byte != b'\t'
}

fn form(at: usize, segment: &Segment<'_>) -> Option<(FaultKind, &'static str)> {
    if at == 0 {
        let length = segment.field(2).unwrap_or_default().len();
        let text = "MSH-2 is too short or too long, expected four or five characters";
        return (!matches!(length, 4 | 5)).then_some((FaultKind::Separators, text));
    }
    if !segment.is_well_formed() {
        let text = "found no segment, expected three capital letters or digits and a field separator";
        return Some((FaultKind::NotASegment, text));
    }
    match segment.id() {
        "MSH" => Some((FaultKind::Misplaced, "found a second MSH, expected one message")),
        "FHS" | "BHS" | "BTS" | "FTS" => {
            Some((FaultKind::Misplaced, "found a segment of a batch, expected one message"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(rest: &str) -> Vec<(FaultKind, usize)> {
        let bytes = format!("MSH|^~\\&|LAB\r{rest}");
        let message = Message::read(bytes.into(), "").unwrap();
        message.faults().iter().map(|fault| (fault.kind, fault.segment)).collect()
    }

    #[test]
    fn what_is_no_segment_is_a_fault() {
        use FaultKind::*;
        assert_eq!(faults("PID|1\r\r  ZZ1\rPV1"), []);
        for line in ["free text", "PI|1", "PIDX|1", "1PI|1", "pid|1", "PID^1", "|1", "é"] {
            assert_eq!(faults(&format!("PID|1\r{line}\rPV1|1")), [(NotASegment, 3)], "{line}");
        }
        assert_eq!(faults("PID|1\0\rMSH|^~\\&|"), [(ControlCharacter, 2), (Misplaced, 3)]);
        assert_eq!(faults("BTS|1"), [(Misplaced, 2)]);
        assert_eq!(faults("NTE|1||a\tb"), []);
        assert_eq!(faults("PID|1|\u{1b}$B;3ED\u{1b}(B"), [(ControlCharacter, 2)]);
    }

    #[test]
    fn doubtful_charsets_and_separators_are_faults() {
        let read = |text: &str| Message::read(text.to_owned().into(), "").unwrap().faults();
        assert_eq!(read("MSH|^~&|LAB")[0].kind, FaultKind::Separators);
        assert_eq!(read("MSH|^~\\&#!|LAB")[0].kind, FaultKind::Separators);
        assert_eq!(read("MSH|^~\\&#|LAB"), []);
        let doubtful = read("MSH|^~\\&||||||||||||||||ASCII\rPID|1||é");
        assert_eq!(doubtful[0].to_string(), "segment 1 at byte 0: the bytes are not in the declared charset");
    }
}
