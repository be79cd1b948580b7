//! A host's context that is watched: it records what the host did instead of doing it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::{
    Arrival, Clock, Event, Failure, Fate, HostContext, Intake, Message, Reply, SessionId, Shared, SocketId,
    SocketSession,
};
use tempfile::TempDir;
use tokio::sync::watch;

use crate::clock::RealClock;

/// A host's context for tests of one component.
///
/// Clones are the same host. By default: a data directory of its own, the real clock, no targets, and
/// every intake durable and answered as done at once.
#[derive(Clone)]
pub struct TestHost(pub(crate) Arc<Inner>);

#[derive(Clone)]
pub(crate) struct Inner {
    pub(crate) name: Arc<str>,
    pub(crate) targets: Vec<Arc<str>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) data_dir: PathBuf,
    /// Kept so that the directory lives as long as the host.
    _owned_dir: Option<Arc<TempDir>>,
    pub(crate) stopping: Arc<watch::Sender<bool>>,
    pub(crate) durable: Arc<watch::Sender<Durable>>,
    /// Whether answers are held back.
    pub(crate) unanswered: Arc<watch::Sender<bool>>,
    /// Whether room is to be had.
    pub(crate) rooms: Arc<watch::Sender<Rooms>>,
    pub(crate) seen: Arc<Mutex<Seen>>,
}

/// What becomes of those who want room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rooms {
    Enough,
    None,
    Beyond,
}

/// What becomes of the durability of intakes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Durable {
    AtOnce,
    Held,
    Failing,
}

/// What is answered to an arrival that wants a reply.
pub(crate) type Answer = Box<dyn FnMut(&Arrival) -> Reply + Send>;

/// What the host did.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) next_id: u64,
    pub(crate) started: bool,
    pub(crate) intakes: Vec<Intake>,
    pub(crate) sessions: Vec<SessionId>,
    pub(crate) refuse: Option<Failure>,
    pub(crate) answer: Option<Answer>,
    pub(crate) events: Vec<Event>,
    pub(crate) state: BTreeMap<String, Vec<u8>>,
    pub(crate) sockets: BTreeMap<SocketId, SocketSession>,
    pub(crate) completed: BTreeMap<String, Vec<Message>>,
}

impl TestHost {
    /// A host of that config name.
    ///
    /// # Panics
    /// When the machine gives no temporary directory.
    pub fn new(name: &str) -> Self {
        let dir = Arc::new(crate::data_dir());
        TestHost(Arc::new(Inner {
            name: Arc::from(name),
            targets: Vec::new(),
            clock: Arc::new(RealClock),
            shared: Arc::default(),
            data_dir: dir.path().to_owned(),
            _owned_dir: Some(dir),
            stopping: Arc::new(watch::Sender::new(false)),
            durable: Arc::new(watch::Sender::new(Durable::AtOnce)),
            unanswered: Arc::new(watch::Sender::new(false)),
            rooms: Arc::new(watch::Sender::new(Rooms::Enough)),
            seen: Arc::default(),
        }))
    }

    fn with(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// The same host with these targets.
    #[must_use]
    pub fn targets<T: AsRef<str>>(self, targets: impl IntoIterator<Item = T>) -> Self {
        self.with(|host| host.targets = targets.into_iter().map(|name| Arc::from(name.as_ref())).collect())
    }

    /// The same host on that clock.
    #[must_use]
    pub fn clock(self, clock: impl Clock + 'static) -> Self {
        self.with(|host| host.clock = Arc::new(clock))
    }

    /// The same host with that data directory.
    #[must_use]
    pub fn data_dir(self, dir: &Path) -> Self {
        self.with(|host| host.data_dir = dir.to_owned())
    }

    /// The same host, sharing with `other` as hosts of one production do.
    #[must_use]
    pub fn beside(self, other: &TestHost) -> Self {
        self.with(|host| host.shared = other.0.shared.clone())
    }

    /// What a component is handed.
    pub fn context(&self) -> HostContext {
        HostContext::new(Arc::new(self.clone()))
    }

    /// The data directory.
    pub fn dir(&self) -> &Path {
        &self.0.data_dir
    }

    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the service has said that it takes in.
    pub fn has_started(&self) -> bool {
        self.seen().started
    }

    /// What was handed in, in order.
    pub fn intakes(&self) -> Vec<Intake> {
        self.seen().intakes.iter().map(copy).collect()
    }

    /// For how many bytes each intake had room, in order.
    pub fn rooms(&self) -> Vec<usize> {
        self.seen().intakes.iter().map(|intake| intake.room.bytes()).collect()
    }

    /// What came, of all intakes, in order.
    pub fn arrivals(&self) -> Vec<Arrival> {
        self.seen().intakes.iter().flat_map(|intake| intake.arrivals.clone()).collect()
    }

    /// What came, as fate (`deliver`, `refuse`, `keep`) and text, in order.
    pub fn taken(&self) -> Vec<(&'static str, String)> {
        let fate = |fate: &Fate| match fate {
            Fate::Deliver => "deliver",
            Fate::Refuse(_) => "refuse",
            Fate::Keep(_) => "keep",
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        self.arrivals().iter().map(|arrival| (fate(&arrival.fate), text(arrival.body.content()))).collect()
    }

    /// The session of every arrival, in order.
    pub fn sessions(&self) -> Vec<SessionId> {
        self.seen().sessions.clone()
    }

    /// What was said, by itself or with an intake, in order.
    pub fn events(&self) -> Vec<Event> {
        self.seen().events.clone()
    }

    /// What the item remembers.
    pub fn state(&self) -> BTreeMap<String, Vec<u8>> {
        self.seen().state.clone()
    }

    /// Makes the item remember this from before.
    pub fn set_state(&self, key: &str, value: impl Into<Vec<u8>>) {
        self.seen().state.insert(key.to_owned(), value.into());
    }

    /// The stored socket sessions.
    pub fn sockets(&self) -> Vec<SocketSession> {
        self.seen().sockets.values().cloned().collect()
    }

    /// Stores a socket session, as a crash would have left it; returns its id.
    pub fn leave_socket(&self, mut session: SocketSession) -> SocketId {
        let mut seen = self.seen();
        seen.next_id += 1;
        session.id = SocketId(seen.next_id);
        let id = session.id;
        seen.sockets.insert(id, session);
        id
    }

    /// What the item `target` has completed, oldest first, as the host will be told.
    pub fn set_completed(&self, target: &str, messages: Vec<Message>) {
        self.seen().completed.insert(target.to_owned(), messages);
    }

    /// Refuses the next intake with this failure.
    pub fn refuse_next_intake(&self, failure: Failure) {
        self.seen().refuse = Some(failure);
    }

    /// Answers what is taken in from now on like this, where a reply is wanted; before, the target
    /// answers no more than that it is done. Called when the intake is handed in, in the order of its
    /// arrivals; not for those that are refused or kept, which the engine answers.
    pub fn answer_with(&self, answer: impl FnMut(&Arrival) -> Reply + Send + 'static) {
        self.seen().answer = Some(Box::new(answer));
    }

    /// From now on answers are held back, until [`TestHost::release_replies`].
    pub fn hold_replies(&self) {
        self.0.unanswered.send_replace(true);
    }

    /// Gives every answer that is held back, and those to come.
    pub fn release_replies(&self) {
        self.0.unanswered.send_replace(false);
    }

    /// From now on there is no room for large messages.
    pub fn hold_room(&self) {
        self.0.rooms.send_replace(Rooms::None);
    }

    /// Gives room to all who wait for it, and to those to come.
    pub fn release_room(&self) {
        self.0.rooms.send_replace(Rooms::Enough);
    }

    /// Lets those who wait for room, and those to come, go beyond what there is.
    pub fn lend_room(&self) {
        self.0.rooms.send_replace(Rooms::Beyond);
    }

    /// How many wait for room.
    pub fn waiting_for_room(&self) -> usize {
        self.0.rooms.receiver_count()
    }

    /// Asks the host to stop.
    pub fn stop(&self) {
        self.0.stopping.send_replace(true);
    }

    /// From now on intakes wait to be durable, until [`TestHost::release_durability`].
    pub fn hold_durability(&self) {
        self.0.durable.send_replace(Durable::Held);
    }

    /// Makes every intake durable that waits for it, and those to come.
    pub fn release_durability(&self) {
        self.0.durable.send_replace(Durable::AtOnce);
    }

    /// Fails the durability of every intake that waits for it, and of those to come, as an engine
    /// that stops does.
    pub fn fail_durability(&self) {
        self.0.durable.send_replace(Durable::Failing);
    }
}

fn copy(intake: &Intake) -> Intake {
    let (state, events) = (intake.state.clone(), intake.events.clone());
    Intake { arrivals: intake.arrivals.clone(), state, events, ..Intake::default() }
}
