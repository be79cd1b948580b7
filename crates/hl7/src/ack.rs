//! Acknowledgements: building one, reading one, and which ones a message asks for
//! (HL7 v2.5.1 §2.9 and §2.14.8 and the tables 0008 and 0155).

mod build;
mod error;
mod version;
mod wanted;

pub use build::{AckText, build};
pub use error::{ErrSegment, ErrorCode, Severity};
pub use wanted::{Wanted, When, wanted};

use std::borrow::Cow;

use crate::{Message, Path};

/// When a sender is answered, and by whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AckMode {
    /// Never.
    Never,
    /// As soon as the message is safe.
    Immediate,
    /// With the answer of the message's target.
    Application,
    /// As the message itself asks in MSH-15 and MSH-16.
    MshDetermined,
    /// With one byte as soon as the message is safe: 0x06, or 0x15 when it is refused.
    Byte,
}

/// What an acknowledgement says, MSA-1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AckCode {
    /// Application accept.
    AA,
    /// Application error.
    AE,
    /// Application reject.
    AR,
    /// Commit accept.
    CA,
    /// Commit error.
    CE,
    /// Commit reject.
    CR,
}

const CODES: [(&str, AckCode); 6] = [
    ("AA", AckCode::AA),
    ("AE", AckCode::AE),
    ("AR", AckCode::AR),
    ("CA", AckCode::CA),
    ("CE", AckCode::CE),
    ("CR", AckCode::CR),
];

impl AckCode {
    /// `AA` and `CA`.
    pub fn is_positive(self) -> bool {
        matches!(self, AckCode::AA | AckCode::CA)
    }

    /// `AE` and `CE`.
    pub fn is_error(self) -> bool {
        matches!(self, AckCode::AE | AckCode::CE)
    }

    /// The code that says the same about taking the message.
    pub fn to_commit(self) -> AckCode {
        match self {
            AckCode::AA | AckCode::CA => AckCode::CA,
            AckCode::AE | AckCode::CE => AckCode::CE,
            AckCode::AR | AckCode::CR => AckCode::CR,
        }
    }

    /// As in `AA`.
    pub fn as_str(self) -> &'static str {
        CODES[self as usize].0
    }
}

impl std::str::FromStr for AckCode {
    type Err = AckCodeError;
    fn from_str(text: &str) -> Result<Self, AckCodeError> {
        let known = CODES.iter().find(|(name, _)| *name == text);
        known.map(|(_, code)| *code).ok_or_else(|| AckCodeError(text.into()))
    }
}

impl std::fmt::Display for AckCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that is no code of table 0008.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("ack code is \"{0}\"; expected one of AA, AE, AR, CA, CE, CR")]
pub struct AckCodeError(String);

/// An acknowledgement as it was received. Escape sequences are replaced.
#[derive(Clone, PartialEq, Eq)]
pub struct Ack {
    /// What it says; none if MSA-1 is no code of table 0008.
    pub code: Option<AckCode>,
    /// MSA-1 as it stands there, without white space around it.
    pub code_text: String,
    /// MSA-2, the control id of the message that it answers.
    pub control_id: String,
    /// MSA-3; else what the first ERR says in ERR-8 or ERR-7. May hold content.
    pub text: String,
}

impl Ack {
    /// What the first segment MSA says; none if there is none.
    ///
    /// Case does not count in the code, nor does white space around values.
    pub fn read(message: &Message) -> Option<Ack> {
        message.get(&Path::of(b"MSA", 0))?;
        let value = |segment, field| {
            let value = message.value(&Path::of(segment, field)).unwrap_or_default();
            value.trim().to_owned()
        };
        let code_text = value(b"MSA", 1);
        let mut text = value(b"MSA", 3);
        for field in [8, 7] {
            if text.is_empty() {
                text = value(b"ERR", field);
            }
        }
        let code = code_text.to_ascii_uppercase().parse().ok();
        Some(Ack { code, code_text, control_id: value(b"MSA", 2), text })
    }

    /// Whether it answers that message: MSA-2 is its MSH-10.
    pub fn answers(&self, request: &Message) -> bool {
        control_id(request) == self.control_id
    }
}

/// The control id of a message, MSH-10, as MSA-2 is compared with it: escape sequences replaced, without
/// white space around it. Empty where there is none.
pub fn control_id(message: &Message) -> Cow<'_, str> {
    match message.value(&Path::of(b"MSH", 10)).unwrap_or_default() {
        Cow::Borrowed(id) => id.trim().into(),
        Cow::Owned(id) => id.trim().to_owned().into(),
    }
}

impl std::fmt::Debug for Ack {
    /// Shows the code if it is one, never what else is said.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ack").field("code", &self.code).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
