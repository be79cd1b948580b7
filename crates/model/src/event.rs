//! The event log: what the engine says.

use serde::{Deserialize, Serialize};

use crate::{MessageId, SessionId};

/// The kind of an event. Numbers and names are those that users of such engines know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum EventKind {
    /// Something that cannot be was.
    Assert = 1,
    /// Something failed.
    Error = 2,
    /// Something is not as it should be.
    Warning = 3,
    /// Something worth knowing happened.
    Info = 4,
    /// A step, for those who look closely.
    Trace = 5,
    /// Somebody should look.
    Alert = 6,
}

impl EventKind {
    /// All kinds, in the order of their numbers.
    pub const ALL: [EventKind; 6] = {
        use EventKind::*;
        [Assert, Error, Warning, Info, Trace, Alert]
    };

    /// The kind with that number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == number)
    }

    /// The name shown to people.
    pub fn name(self) -> &'static str {
        use EventKind::*;
        match self {
            Assert => "Assert",
            Error => "Error",
            Warning => "Warning",
            Info => "Info",
            Trace => "Trace",
            Alert => "Alert",
        }
    }
}

impl std::fmt::Display for EventKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// One line of the event log, without the time, which the ledger's submitter adds.
///
/// `text` is lower case, without a final stop, and never holds patient data: ids and positions only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What kind of event this is.
    pub kind: EventKind,
    /// The item that says it; empty for the engine itself.
    pub item: String,
    /// What happened, with the place, the value found, the value wanted and the next step.
    pub text: String,
    /// The session it belongs to.
    pub session: Option<SessionId>,
    /// The message it belongs to.
    pub message: Option<MessageId>,
}

impl Event {
    /// An event that belongs to no message.
    pub fn new(kind: EventKind, item: &str, text: impl Into<String>) -> Self {
        Event { kind, item: item.to_owned(), text: text.into(), session: None, message: None }
    }

    /// The same event, about this message.
    pub fn about(mut self, message: MessageId, session: SessionId) -> Self {
        self.message = Some(message);
        self.session = Some(session);
        self
    }
}
