//! What is handed to the ledger, and what comes back for it.

use std::sync::Arc;

use model::{
    BodyId, Event, MessageBody, MessageHeader, MessageId, MessageStatus, SocketId, SocketSession,
    StateChange, Timestamp,
};
use tokio::sync::OwnedSemaphorePermit;

/// The place of a change in the one order of all changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Seq(pub(crate) u64);

/// Gives out ids, within [`Ledger::submit`](crate::Ledger::submit) only: so their order is the order
/// of the changes and of the commits.
#[derive(Debug, Default)]
pub struct Ids {
    pub(crate) message: u64,
    pub(crate) body: u64,
    pub(crate) socket: u64,
    pub(crate) seq: u64,
}

impl Ids {
    /// The place of the change that is being made, so that what is done while it is can wait for it.
    pub fn seq(&self) -> Seq {
        Seq(self.seq)
    }

    /// The next message's id.
    pub fn message(&mut self) -> MessageId {
        self.message += 1;
        MessageId(self.message)
    }

    /// The newest message there is; 0 when there is none yet.
    pub fn newest_message(&self) -> MessageId {
        MessageId(self.message)
    }

    /// The next body's id.
    pub fn body(&mut self) -> BodyId {
        self.body += 1;
        BodyId(self.body)
    }

    /// The next stored socket's id.
    pub fn socket(&mut self) -> SocketId {
        self.socket += 1;
        SocketId(self.socket)
    }
}

/// Room on the way to the ledger; given back when the change it came with is committed, or when
/// it is dropped unused.
#[derive(Debug)]
pub struct Permit(#[allow(dead_code, reason = "held for its drop")] pub(crate) Option<OwnedSemaphorePermit>);

/// Everything that becomes durable together: all of it, or nothing.
///
/// Ids in it were given out by the [`Ids`] of the same `submit` (or are those of known rows). A body
/// is found by a search under the first header that was created with it in the same change.
#[derive(Debug, Default)]
pub struct Change {
    /// New payloads.
    pub bodies: Vec<(BodyId, MessageBody)>,
    /// New headers.
    pub created: Vec<MessageHeader>,
    /// Headers that stand elsewhere now.
    pub updated: Vec<HeaderUpdate>,
    /// What is said about it.
    pub events: Vec<(Timestamp, Event)>,
    /// What items remember.
    pub state: Vec<(Arc<str>, StateChange)>,
    /// New socket sessions.
    pub sockets_opened: Vec<SocketSession>,
    /// Socket sessions with a new user or subscription; of one that is gone, nothing is kept.
    pub sockets_changed: Vec<SocketSession>,
    /// Socket sessions that are gone.
    pub sockets_deleted: Vec<SocketId>,
}

impl Change {
    /// Whether it may wait a few milliseconds for company: only `updated` and `events`.
    pub(crate) fn is_lazy(&self) -> bool {
        self.bodies.is_empty()
            && self.created.is_empty()
            && self.state.is_empty()
            && self.sockets_opened.is_empty()
            && self.sockets_changed.is_empty()
            && self.sockets_deleted.is_empty()
    }

    /// About how many bytes it moves; bounds a group.
    pub(crate) fn cost(&self) -> usize {
        let bodies: usize = self.bodies.iter().map(|(_, body)| body.content().len()).sum();
        let rows = self.bodies.len() + self.created.len() + self.updated.len() + self.events.len();
        let state: usize =
            self.state.iter().map(|(_, change)| change.value.as_ref().map_or(64, |v| v.len() + 64)).sum();
        let events: usize = self.events.iter().map(|(_, event)| event.text.len()).sum();
        let sockets = self.sockets_opened.iter().chain(&self.sockets_changed);
        let sockets: usize = sockets.map(|socket| socket.subscription.len() + 256).sum();
        bodies + state + events + sockets + 8 * self.sockets_deleted.len() + 128 * rows
    }
}

/// Where a header stands now. All of it is written as it is here, `time_processed: None` too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderUpdate {
    /// The header.
    pub id: MessageId,
    /// Where it stands.
    pub status: MessageStatus,
    /// Whether it ended, or is, an error.
    pub is_error: bool,
    /// Why, when `is_error`; never message content.
    pub error_status: String,
    /// When its target was done with it.
    pub time_processed: Option<Timestamp>,
}
