//! Which acknowledgements a message asks for, MSH-15 and MSH-16 (HL7 v2.5.1 §2.9.2, table 0155).

use super::{AckCode, AckMode};
use crate::{Message, Path};

/// In which case an acknowledgement is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum When {
    /// `AL`: in any.
    Always,
    /// `NE`: in none.
    Never,
    /// `ER`: when the message is refused.
    Error,
    /// `SU`: when it is accepted.
    Success,
}

impl When {
    /// Whether an acknowledgement with this code is wanted.
    pub fn wants(self, code: AckCode) -> bool {
        match self {
            When::Always => true,
            When::Never => false,
            When::Error => !code.is_positive(),
            When::Success => code.is_positive(),
        }
    }

    /// What a field of table 0155 says; none if it is empty. A code that is not known is taken for `AL`:
    /// a sender is better answered once too often than left waiting.
    fn read(code: &str) -> Option<When> {
        match code.trim() {
            "" | "\"\"" => None,
            "NE" => Some(When::Never),
            "ER" => Some(When::Error),
            "SU" => Some(When::Success),
            _ => Some(When::Always),
        }
    }
}

/// Which acknowledgements a sender waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// One that says that the message was taken.
    pub accept: When,
    /// One that says what became of it.
    pub application: When,
}

/// Which acknowledgements the sender of the message waits for.
///
/// With `msh_determined`, a message with neither MSH-15 nor MSH-16 is in the original mode: its sender
/// waits for the application. Where only one of them is there, the other counts as `NE`.
pub fn wanted(mode: AckMode, message: &Message) -> Wanted {
    let (accept, application) = match mode {
        AckMode::Never => (When::Never, When::Never),
        AckMode::Immediate | AckMode::Byte => (When::Always, When::Never),
        AckMode::Application => (When::Never, When::Always),
        AckMode::MshDetermined => {
            let says = |field| When::read(message.get(&Path::of(b"MSH", field)).unwrap_or_default());
            match (says(15), says(16)) {
                (None, None) => (When::Never, When::Always),
                (accept, application) => (accept.unwrap_or(When::Never), application.unwrap_or(When::Never)),
            }
        }
    };
    Wanted { accept, application }
}
