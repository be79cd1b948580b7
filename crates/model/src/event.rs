//! The event log: what the engine says.

use crate::{MessageId, SessionId};

named_number!(
    /// The kind of an event. Numbers and names are those that users of such engines know.
    #[serde(rename_all = "lowercase")]
    EventKind {
        /// Something that cannot be was.
        Assert = 1 => "Assert",
        /// Something failed.
        Error = 2 => "Error",
        /// Something is not as it should be.
        Warning = 3 => "Warning",
        /// Something worth knowing happened.
        Info = 4 => "Info",
        /// A step, for those who look closely.
        Trace = 5 => "Trace",
        /// Somebody should look.
        Alert = 6 => "Alert",
    }
);

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
