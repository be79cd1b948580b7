//! How a host ends a message: with a decision, not only a text.

use std::time::Duration;

use crate::{Event, MessageBody, Step};

/// A message that a process sends on.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// The item it is for.
    pub target: String,
    /// A new payload; none to send the request's own body on, which is then not stored again.
    pub body: Option<MessageBody>,
    /// Why it goes there, as in the rule's name; shown as the header's description.
    pub description: String,
    /// Whether what that target answers is the answer to the request itself. Of several, the first
    /// answer is.
    pub answers: bool,
}

impl Outgoing {
    /// Sends the request's own body to `target`.
    pub fn same_body(target: impl Into<String>, description: impl Into<String>) -> Self {
        Outgoing { target: target.into(), body: None, description: description.into(), answers: false }
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
        /// What is answered, such as an acknowledgement that came back. None where a target was asked
        /// to answer, or where nothing but that it is done is to be told.
        response: Option<MessageBody>,
    },
    /// Set aside on purpose, with the reason.
    Discarded(String),
    /// Not now: the message stays first in its queue until the item's `failure_timeout`.
    Retry {
        /// Why.
        reason: String,
        /// When to try again; none for the item's `retry_interval`.
        after: Option<Duration>,
        /// What becomes of it when the time is up.
        then: AfterRetries,
        /// Whether the time from now to the next try counts towards `failure_timeout`. Not where nothing
        /// can be said of the message, since nobody is there to be asked.
        counts: bool,
    },
    /// Parked for a person.
    Suspend {
        /// Why; ids and positions only.
        reason: String,
        /// What is answered, such as the refusal that came back.
        response: Option<MessageBody>,
    },
    /// Failed for good: status Error, with the reason. `sends` may carry it to a handler.
    Reject {
        /// Why; ids and positions only.
        reason: String,
        /// What is sent on all the same, such as the body to a bad message handler.
        sends: Vec<Outgoing>,
        /// What is answered, such as the refusal that came back.
        response: Option<MessageBody>,
    },
    /// The item itself cannot go on: it stops and says why; the message stays in its queue.
    Fatal(String),
    /// Done with this message, but not with what it is about: an instance of a process went a step on.
    Step(Box<Step>),
}

impl Decision {
    /// Done, with nothing to send on.
    pub fn completed() -> Self {
        Self::send(Vec::new())
    }

    /// Done, with these sent on.
    pub fn send(sends: Vec<Outgoing>) -> Self {
        Decision::Completed { sends, events: Vec::new(), response: None }
    }

    /// Done, and this is the answer.
    pub fn answer(response: MessageBody) -> Self {
        Decision::Completed { sends: Vec::new(), events: Vec::new(), response: Some(response) }
    }

    /// Parked for a person, because of `reason`.
    pub fn suspend(reason: impl Into<String>) -> Self {
        Decision::Suspend { reason: reason.into(), response: None }
    }

    /// Failed for good, because of `reason`.
    pub fn reject(reason: impl Into<String>, sends: Vec<Outgoing>) -> Self {
        Decision::Reject { reason: reason.into(), sends, response: None }
    }

    /// Not now, because of `reason`; again after the item's `retry_interval`.
    pub fn retry(reason: impl Into<String>) -> Self {
        Self::retry_after(reason, None)
    }

    /// Not now, because of `reason`; again after that long, or else after the item's `retry_interval`.
    pub fn retry_after(reason: impl Into<String>, after: Option<Duration>) -> Self {
        Decision::Retry { reason: reason.into(), after, then: AfterRetries::default(), counts: true }
    }

    /// Whether the messages behind it have to wait.
    pub fn holds_queue(&self) -> bool {
        matches!(self, Decision::Retry { .. } | Decision::Fatal(_))
    }
}

/// What becomes of a message that was tried in vain until its `failure_timeout`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AfterRetries {
    /// It is parked for a person.
    #[default]
    Suspend,
    /// It fails: its status is Error.
    Fail,
    /// It is done all the same, with a warning.
    Complete,
    /// The item stops, with the message first in its queue.
    Disable,
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
