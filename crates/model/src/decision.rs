//! How a host ends a message: with a decision, not only a text.

use std::time::Duration;

use crate::{Event, MessageBody};

/// A message that a process sends on.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// The item it is for.
    pub target: String,
    /// A new payload; none to send the request's own body on, which is then not stored again.
    pub body: Option<MessageBody>,
    /// Why it goes there, as in the rule's name; shown as the header's description.
    pub description: String,
}

impl Outgoing {
    /// Sends the request's own body to `target`.
    pub fn same_body(target: impl Into<String>, description: impl Into<String>) -> Self {
        Outgoing { target: target.into(), body: None, description: description.into() }
    }
}

/// How a host ends a message. The engine does what follows from it.
#[derive(Debug)]
pub enum Decision {
    /// Done. Completing the request and creating what it caused is one change of the ledger.
    Completed {
        /// What is sent on.
        sends: Vec<Outgoing>,
        /// What is said about it.
        events: Vec<Event>,
    },
    /// Set aside on purpose, with the reason.
    Discarded(String),
    /// Not now: the message stays first in its queue until the item's `failure_timeout`.
    Retry {
        /// Why.
        reason: String,
        /// When to try again; none for the item's `retry_interval`.
        after: Option<Duration>,
    },
    /// Parked for a person, with the reason.
    Suspend(String),
    /// Failed for good: status Error, with the reason. `sends` may carry it to a handler.
    Reject {
        /// Why; ids and positions only.
        reason: String,
        /// What is sent on all the same, such as the body to a bad message handler.
        sends: Vec<Outgoing>,
    },
    /// The item itself cannot go on: it stops and says why; the message stays in its queue.
    Fatal(String),
}

impl Decision {
    /// Done, with nothing to send on.
    pub fn completed() -> Self {
        Decision::Completed { sends: Vec::new(), events: Vec::new() }
    }

    /// Done, with these sent on.
    pub fn send(sends: Vec<Outgoing>) -> Self {
        Decision::Completed { sends, events: Vec::new() }
    }

    /// Not now, because of `reason`; again after the item's `retry_interval`.
    pub fn retry(reason: impl Into<String>) -> Self {
        Decision::Retry { reason: reason.into(), after: None }
    }

    /// Whether the messages behind it have to wait.
    pub fn holds_queue(&self) -> bool {
        matches!(self, Decision::Retry { .. } | Decision::Fatal(_))
    }
}

/// Why a service ended, or could not take something in.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// May pass by itself: the engine starts the host again after a pause.
    #[error("{0}")]
    Temporary(String),
    /// Will not pass by itself: the item stops and says why.
    #[error("{0}")]
    Fatal(String),
    /// The engine is stopping; nothing more is taken in.
    #[error("the engine is stopping")]
    Stopping,
}
