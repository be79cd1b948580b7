//! Segment ERR: what was wrong with a message and where, in the form of the message's own version.

use crate::{Index, Path, Separators, escape};

/// What is wrong, HL7 table 0357.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// 100: segments are missing or not in order.
    SegmentSequence,
    /// 101.
    RequiredFieldMissing,
    /// 102.
    DataType,
    /// 103.
    TableValueNotFound,
    /// 200.
    UnsupportedMessageType,
    /// 201.
    UnsupportedEventCode,
    /// 202.
    UnsupportedProcessingId,
    /// 203.
    UnsupportedVersionId,
    /// 204.
    UnknownKey,
    /// 205.
    DuplicateKey,
    /// 206.
    RecordLocked,
    /// 207: anything else.
    Internal,
}

impl ErrorCode {
    /// All of them.
    pub const ALL: [ErrorCode; 12] = [
        ErrorCode::SegmentSequence,
        ErrorCode::RequiredFieldMissing,
        ErrorCode::DataType,
        ErrorCode::TableValueNotFound,
        ErrorCode::UnsupportedMessageType,
        ErrorCode::UnsupportedEventCode,
        ErrorCode::UnsupportedProcessingId,
        ErrorCode::UnsupportedVersionId,
        ErrorCode::UnknownKey,
        ErrorCode::DuplicateKey,
        ErrorCode::RecordLocked,
        ErrorCode::Internal,
    ];

    /// The code and its meaning.
    pub fn entry(self) -> (&'static str, &'static str) {
        match self {
            ErrorCode::SegmentSequence => ("100", "Segment sequence error"),
            ErrorCode::RequiredFieldMissing => ("101", "Required field missing"),
            ErrorCode::DataType => ("102", "Data type error"),
            ErrorCode::TableValueNotFound => ("103", "Table value not found"),
            ErrorCode::UnsupportedMessageType => ("200", "Unsupported message type"),
            ErrorCode::UnsupportedEventCode => ("201", "Unsupported event code"),
            ErrorCode::UnsupportedProcessingId => ("202", "Unsupported processing id"),
            ErrorCode::UnsupportedVersionId => ("203", "Unsupported version id"),
            ErrorCode::UnknownKey => ("204", "Unknown key identifier"),
            ErrorCode::DuplicateKey => ("205", "Duplicate key identifier"),
            ErrorCode::RecordLocked => ("206", "Application record locked"),
            ErrorCode::Internal => ("207", "Application internal error"),
        }
    }
}

/// How bad it is, ERR-4, HL7 table 0516.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Severity {
    /// `E`: the message was not processed.
    Error,
    /// `W`: it was, but something is to be looked at.
    Warning,
    /// `I`.
    Information,
}

impl Severity {
    fn code(self) -> &'static str {
        match self {
            Severity::Error => "E",
            Severity::Warning => "W",
            Severity::Information => "I",
        }
    }
}

/// What a segment ERR says. Its texts go to the sender: they must hold nothing of the message's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrSegment {
    /// Where in the message.
    pub location: Option<Path>,
    /// What.
    pub code: ErrorCode,
    /// How bad it is.
    pub severity: Severity,
    /// For the engineer, ERR-7.
    pub diagnostic: String,
    /// For the user, ERR-8.
    pub user_message: String,
}

impl ErrSegment {
    /// Appends the segment and its line end. Before 2.5, ERR-1 says where and what, and there is no text.
    pub(super) fn write(&self, since_2_5: bool, separators: &Separators, into: &mut String) {
        let (code, meaning) = self.code.entry();
        let (field, component) = (separators.field as char, separators.component as char);
        let location = self.location.map(|path| location(&path)).unwrap_or_default();
        into.push_str("ERR");
        into.push(field);
        if since_2_5 {
            into.push(field);
            let used = location.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
            push_all(&location[..used], component, into);
            into.push(field);
            push_all(&[Some(code), Some(meaning), Some("HL70357")], component, into);
            into.push(field);
            into.push_str(self.severity.code());
            let texts = [&self.diagnostic, &self.user_message].map(|text| escape::encode(text, separators));
            if texts.iter().any(|text| !text.is_empty()) {
                into.extend([field, field, field]);
                into.push_str(&texts[0]);
            }
            if !texts[1].is_empty() {
                into.push(field);
                into.push_str(&texts[1]);
            }
        } else {
            push_all(&location[..3], component, into);
            into.push(component);
            // Without subcomponents, the code alone.
            match separators.subcomponent {
                Some(sub) => push_all(&[Some(code), Some(meaning), Some("HL70357")], sub as char, into),
                None => into.push_str(code),
            }
        }
        into.push('\r');
    }
}

/// Segment, its occurrence, field, repetition, component, subcomponent.
fn location(path: &Path) -> [Option<String>; 6] {
    let index = |index: Option<Index>| match index {
        Some(Index::Nth(number)) => number.to_string(),
        _ => "1".to_owned(),
    };
    let number = |number: u16| (number > 0).then(|| number.to_string());
    let field = number(path.field);
    let repetition = field.as_ref().map(|_| index(path.repetition));
    let occurrence = Some(index(path.occurrence));
    let segment = Some(path.segment().to_owned());
    [segment, occurrence, field, repetition, number(path.component), number(path.subcomponent)]
}

fn push_all(values: &[Option<impl AsRef<str>>], between: char, into: &mut String) {
    for (at, value) in values.iter().enumerate() {
        if at > 0 {
            into.push(between);
        }
        into.push_str(value.as_ref().map_or("", AsRef::as_ref));
    }
}
