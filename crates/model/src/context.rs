//! What the engine gives to a host. A host reaches the world and the ledger through this alone.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::future::Future;
use std::ops::Deref;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use crate::{
    Clock, Event, Failure, Message, MessageBody, MessageId, Room, SessionId, SocketId, SocketSession,
};

/// Which session an arrival belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntakeSession {
    /// It opens one.
    New,
    /// That of the arrival before it in the same intake.
    SameAsPrevious,
    /// This one, opened earlier.
    Of(SessionId),
}

/// What becomes of an arrival.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It goes to every target of the service.
    Deliver,
    /// It goes nowhere, for this reason; its bytes are kept, its header has status Error.
    Refuse(String),
    /// It goes nowhere and is no failure, such as a batch's header segment: it is kept for the
    /// trace with this description, its header has status Completed.
    Keep(String),
}

/// One thing that a service takes in.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// The payload.
    pub body: MessageBody,
    /// The session it belongs to.
    pub session: IntakeSession,
    /// What becomes of it.
    pub fate: Fate,
    /// Whether the service waits for what becomes of it: then the first target answers.
    pub wants_reply: bool,
}

impl Arrival {
    /// `body` for every target of the service, in a session of its own.
    pub fn new(body: MessageBody) -> Self {
        Arrival { body, session: IntakeSession::New, fate: Fate::Deliver, wants_reply: false }
    }
}

/// What became of a message whose service waited for it.
#[derive(Debug, Clone)]
pub struct Reply {
    /// What the target answered; none when it answered no more than that it is done.
    pub body: Option<MessageBody>,
    /// Why it failed, was suspended or set aside; none when it is done. Never message content.
    pub error: Option<String>,
}

/// Done when the answer is there and durable.
pub type ReplyFuture = Pin<Box<dyn Future<Output = Result<Reply, Failure>> + Send>>;

/// A change of what an item remembers, kept in the ledger; none forgets the key.
#[derive(Clone, PartialEq, Eq)]
pub struct StateChange {
    /// The key, unique within the item.
    pub key: String,
    /// The new value; none to forget it.
    pub value: Option<Vec<u8>>,
}

impl std::fmt::Debug for StateChange {
    /// Shows the key and the size: what a process remembers of a message is content.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = self.value.as_ref().map(Vec::len);
        f.debug_struct("StateChange").field("key", &self.key).field("bytes", &bytes).finish()
    }
}

/// What a service hands to the ledger as one change: all of it is durable, or none.
#[derive(Debug, Default)]
pub struct Intake {
    /// What came.
    pub arrivals: Vec<Arrival>,
    /// What the service remembers about it, such as what it has taken from which file.
    pub state: Vec<StateChange>,
    /// What is said about it.
    pub events: Vec<Event>,
    /// Who sent it, such as an address: like events about one sender are counted together. Empty where
    /// nobody is known.
    pub sender: String,
    /// The room that it was read into; given back when the ledger has taken it.
    pub room: Room,
}

/// The engine's promise about an intake.
pub struct Receipt {
    /// The session of each arrival, in order.
    pub sessions: Vec<SessionId>,
    /// The answer to each arrival that wants one, in order. One that is dropped is waited for no more.
    pub replies: Vec<ReplyFuture>,
    durable: Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>,
}

impl Receipt {
    /// A receipt whose intake is durable when `durable` is done.
    pub fn new(
        sessions: Vec<SessionId>,
        durable: impl Future<Output = Result<(), Failure>> + Send + 'static,
    ) -> Self {
        Receipt { sessions, replies: Vec::new(), durable: Box::pin(durable) }
    }

    /// The same receipt with the answers that are waited for.
    #[must_use]
    pub fn with_replies(mut self, replies: Vec<ReplyFuture>) -> Self {
        self.replies = replies;
        self
    }

    /// Returns when the intake is committed and synced: only now may its source be acknowledged.
    ///
    /// # Errors
    /// When the engine stops before that; nothing of the intake is then known to be stored.
    pub async fn durable(self) -> Result<(), Failure> {
        self.durable.await
    }
}

/// What the engine does for one host. Components use it through [`HostContext`].
#[async_trait]
pub trait HostPort: Send + Sync {
    /// The item's config name.
    fn name(&self) -> &Arc<str>;
    /// Where a service's messages go.
    fn targets(&self) -> &[Arc<str>];
    /// The production's data directory; relative paths of settings are relative to it.
    fn data_dir(&self) -> &Path;
    /// The clock.
    fn clock(&self) -> &dyn Clock;
    /// What hosts of one production share with each other.
    fn shared(&self) -> &Shared;
    /// Whether the host has been asked to stop.
    fn is_stopping(&self) -> bool;
    /// Returns when the host has been asked to stop.
    async fn stopping(&self);

    /// A service says that it is set up and takes in from now on. The engine is ready when all have.
    fn started(&self);

    /// Makes `room` one for `bytes` in all, waiting while all services together hold as much as they may:
    /// whoever waits reads nothing more. Who waits longest is next, and one at a time may go beyond, so
    /// that nobody waits for good. May be given up; then the room is what it was.
    async fn make_room(&self, _room: &mut Room, _bytes: usize) {}

    /// Hands an intake to the ledger, waiting while too much is on its way there. When it returns,
    /// the place in every queue is settled; durability is the receipt's.
    ///
    /// # Errors
    /// [`Failure::Stopping`] when nothing more is taken in.
    async fn submit(&self, intake: Intake) -> Result<Receipt, Failure>;

    /// What the item remembers under keys that begin with `prefix`, in the order of the keys.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn remembered(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, Failure>;

    /// A stored message, as far as the item's own changes go: one that it has not been handed may not be
    /// there yet.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn stored(&self, _id: MessageId) -> Result<Option<Message>, Failure> {
        Ok(None)
    }

    /// Changes what the item remembers, some time soon, without waiting; in order with all else.
    fn remember(&self, changes: Vec<StateChange>);

    /// Writes an event, some time soon, without waiting.
    fn event(&self, event: Event);

    /// Stores a new socket session and waits until it is durable. `session.id` is ignored.
    ///
    /// # Errors
    /// [`Failure::Stopping`] when nothing more is taken in.
    async fn open_socket(&self, session: SocketSession) -> Result<SocketId, Failure>;

    /// Stores a changed socket session (user, subscription), some time soon.
    fn change_socket(&self, session: SocketSession);

    /// Deletes socket sessions with the events that say so, some time soon.
    fn delete_sockets(&self, ids: Vec<SocketId>, events: Vec<Event>);

    /// The socket sessions that the ledger holds for this item, such as those a crash left.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn stored_sockets(&self) -> Result<Vec<SocketSession>, Failure>;

    /// The messages that item `target` completed after `since`, oldest first, at most `limit`.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn completed_since(
        &self,
        target: &str,
        since: MessageId,
        limit: usize,
    ) -> Result<Vec<Message>, Failure>;
}

/// A host's door to the engine. Cheap to clone.
#[derive(Clone)]
pub struct HostContext(Arc<dyn HostPort>);

impl HostContext {
    /// The context that speaks to `port`.
    pub fn new(port: Arc<dyn HostPort>) -> Self {
        HostContext(port)
    }
}

impl Deref for HostContext {
    type Target = dyn HostPort;
    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

/// What hosts of one production share, by type and name: such as the open sockets of one server,
/// which the server keeps and a process writes to. Names come from settings, so there are as many
/// things as the production has items.
#[derive(Default)]
pub struct Shared(Mutex<HashMap<(TypeId, String), Arc<dyn Any + Send + Sync>>>);

impl Shared {
    /// The shared `T` of that name, made on first use.
    pub fn get<T: Any + Send + Sync + Default>(&self, name: &str) -> Arc<T> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let made =
            all.entry((TypeId::of::<T>(), name.to_owned())).or_insert_with(|| Arc::new(T::default())).clone();
        made.downcast().unwrap_or_else(|_| Arc::new(T::default()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn what_is_shared_is_one_thing_per_type_and_name() {
        let shared = Shared::default();
        shared.get::<AtomicU32>("a").store(7, Ordering::Relaxed);
        assert_eq!(shared.get::<AtomicU32>("a").load(Ordering::Relaxed), 7);
        assert_eq!(shared.get::<AtomicU32>("b").load(Ordering::Relaxed), 0);
    }
}
