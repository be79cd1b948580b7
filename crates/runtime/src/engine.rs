//! What the parts of one running production share: the ledger, the clock, the items and their queues.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use config::ItemDef;
use model::{
    BusinessType, Clock, Event, EventKind, Library, MessageHeader, MessageId, SessionId, Shared, Timestamp,
};
use store::{Change, Ledger, Seq};
use tokio::sync::{Notify, Semaphore, watch};

use crate::activity::Activity;
use crate::answers::Waiters;
use crate::budget::Budget;
use crate::durable::Durable;
use crate::queue::Queue;
use crate::readers::Readers;
use crate::repeats::Repeats;
use crate::slot::Slot;
use crate::status::ItemState;
use crate::supervise::{Panicked, caught};

/// What may wait for the store without having asked for room, in bytes: events and changes of sockets,
/// which others may cause without end while the store takes nothing.
const MOST_UNRESERVED: usize = 16 << 20;

/// A queue whose messages tell by the change that created them whether they are durable.
pub(crate) type ItemQueue = Queue<Seq>;

/// One item of the running production.
pub(crate) struct Item {
    pub(crate) def: ItemDef,
    /// A process or operation has one.
    pub(crate) queue: Option<Arc<ItemQueue>>,
    pub(crate) activity: Activity,
    /// Events about what came in.
    pub(crate) repeats: Repeats,
    /// What each worker has in hand.
    pub(crate) slots: Vec<Arc<Slot>>,
    stop: watch::Sender<bool>,
    /// The last change of what the item remembers, for reads that come behind it.
    remembered: Mutex<Option<Seq>>,
    /// Tasks that have not ended.
    working: AtomicU32,
}

/// How many workers take messages of a process or operation: one of the shared pool counts as one.
pub(crate) fn workers(def: &ItemDef) -> usize {
    if def.component.one_worker { 1 } else { def.pool_size.max(1) }
}

impl Item {
    pub(crate) fn new(def: ItemDef, queue: Option<Arc<ItemQueue>>) -> Self {
        let state = if def.enabled { ItemState::Starting } else { ItemState::Disabled };
        let workers = if def.business_type() == BusinessType::BusinessService { 0 } else { workers(&def) };
        Item {
            queue,
            activity: Activity::new(state),
            repeats: Repeats::default(),
            slots: (0..workers).map(|_| Arc::default()).collect(),
            stop: watch::Sender::new(false),
            remembered: Mutex::new(None),
            working: AtomicU32::new(0),
            def,
        }
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.def.name
    }

    pub(crate) fn is_service(&self) -> bool {
        self.def.business_type() == BusinessType::BusinessService
    }

    /// Counts one task of the item, until what it returns is dropped.
    pub(crate) fn working(self: &Arc<Self>) -> Working {
        self.working.fetch_add(1, Ordering::Relaxed);
        Working(self.clone())
    }

    /// Whether a task of the item has not ended.
    pub(crate) fn is_working(&self) -> bool {
        self.working.load(Ordering::Relaxed) > 0
    }

    /// Messages that it works on.
    pub(crate) fn in_hand(&self) -> u64 {
        self.activity.in_hand.load(Ordering::Relaxed)
    }

    /// Asks the item to stop.
    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }

    /// Returns when the item has been asked to stop.
    pub(crate) async fn stopping(&self) {
        let mut stop = self.stop.subscribe();
        // The sender lives as long as the item.
        let _asked = stop.wait_for(|asked| *asked).await;
    }

    /// Remembers that `seq` changes what the item remembers.
    pub(crate) fn changed(&self, seq: Seq) {
        let mut last = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        // Tasks of the item may come here in another order than to the ledger.
        *last = (*last).max(Some(seq));
    }

    pub(crate) fn last_change(&self) -> Option<Seq> {
        *self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One task of an item that has not ended.
pub(crate) struct Working(Arc<Item>);

impl Working {
    /// Counts the task for as long as `work` lasts. Hosts that panic are caught within; a panic of the
    /// work itself is a defect, and stops the item rather than leaving it dead without a word.
    pub(crate) async fn during(self, engine: Arc<Engine>, work: impl Future<Output = ()>) {
        if let Err(Panicked { place }) = caught(work).await {
            engine.fail(&self.0, &format!("the engine panicked{place}; this is a defect of it"));
        }
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.0.working.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An item that ended because it cannot go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemFailure {
    /// The item.
    pub item: Arc<str>,
    /// Why.
    pub reason: String,
}

/// What the parts of one running production share.
pub(crate) struct Engine {
    pub(crate) production: String,
    pub(crate) data_dir: PathBuf,
    pub(crate) started: Timestamp,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ledger: Ledger,
    /// For waiting until what was handed to the ledger is committed.
    pub(crate) durable: Durable,
    pub(crate) shared: Shared,
    /// What services may hold of what the ledger has not taken.
    pub(crate) budget: Budget,
    pub(crate) library: Library,
    pub(crate) readers: Arc<Readers>,
    /// Services that wait for an answer.
    pub(crate) waiters: Arc<Waiters>,
    /// Services, processes, operations, each in the order written.
    pub(crate) items: Vec<Arc<Item>>,
    by_name: HashMap<Arc<str>, usize>,
    /// Workers that the processes of pool size 0 share.
    pub(crate) actors: Arc<Semaphore>,
    closed: AtomicBool,
    /// Changes that were not stored since too much waited for the store, and nobody was told of yet.
    left_out: AtomicU64,
    /// What nobody was told of yet: at most one for each item.
    pub(crate) failures: Mutex<VecDeque<ItemFailure>>,
    pub(crate) failed: Notify,
    /// An item got past its start, or will not for now; the director alone waits for it.
    pub(crate) moved: Notify,
}

/// What an engine begins with.
pub(crate) struct Parts {
    pub(crate) production: String,
    pub(crate) actor_pool_size: usize,
    pub(crate) intake_memory: usize,
    pub(crate) library: Library,
    pub(crate) data_dir: PathBuf,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ledger: Ledger,
    pub(crate) readers: Arc<Readers>,
    pub(crate) items: Vec<Arc<Item>>,
}

impl Engine {
    pub(crate) fn new(parts: Parts) -> Self {
        let names = parts.items.iter().enumerate();
        Engine {
            started: parts.clock.now(),
            production: parts.production,
            data_dir: parts.data_dir,
            clock: parts.clock,
            durable: Durable::new(parts.ledger.clone()),
            ledger: parts.ledger,
            shared: Shared::default(),
            budget: Budget::new(parts.intake_memory),
            library: parts.library,
            readers: parts.readers,
            waiters: Arc::default(),
            by_name: names.map(|(index, item)| (item.name().clone(), index)).collect(),
            items: parts.items,
            actors: Arc::new(Semaphore::new(parts.actor_pool_size)),
            closed: AtomicBool::new(false),
            left_out: AtomicU64::new(0),
            failures: Mutex::default(),
            failed: Notify::new(),
            moved: Notify::new(),
        }
    }

    pub(crate) fn item(&self, name: &str) -> Option<&Arc<Item>> {
        self.by_name.get(name).map(|index| &self.items[*index])
    }

    /// Whether nothing more is taken in.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Nothing more is taken in, and nobody waits for answers.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        self.waiters.close();
    }

    /// Hands a change to the ledger that needs no ids and waits for no room.
    pub(crate) fn change(&self, change: Change) -> Seq {
        self.ledger.submit(None, |_| (change, ())).0
    }

    /// Hands over what others may cause without end, unless too much waits for the store already: then
    /// it is counted, and [`Engine::tell_left_out`] says so.
    pub(crate) fn offer(&self, change: Change) -> Option<Seq> {
        if self.ledger.unreserved() >= MOST_UNRESERVED {
            self.left_out.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        Some(self.change(change))
    }

    /// Says how much was left out, once the store has caught up.
    pub(crate) fn tell_left_out(&self) {
        if self.left_out.load(Ordering::Relaxed) > 0 && self.ledger.unreserved() < MOST_UNRESERVED / 2 {
            let count = self.left_out.swap(0, Ordering::Relaxed);
            let text = format!(
                "{count} events and changes of sockets were not stored, since too many waited for the store; the events are in the log"
            );
            self.say(Event::new(EventKind::Warning, "", text));
        }
    }

    /// Says how many events were only counted: of those whose time is up, or of all.
    pub(crate) fn tell_counted(&self, all: bool) {
        let now = self.clock.now();
        for item in self.items.iter().filter(|item| item.is_service()) {
            item.repeats.counted(item.name(), now, all).into_iter().for_each(|event| self.say(event));
        }
    }

    /// Logs an event and stores it, some time soon.
    pub(crate) fn say(&self, event: Event) {
        log(&event);
        let now = self.clock.now();
        self.offer(Change { events: vec![(now, event)], ..Change::default() });
    }

    /// An item goes on after it was started or waited; true when it waited.
    pub(crate) fn goes_on(&self, item: &Item) -> bool {
        let waited = item.activity.goes_on();
        self.moved.notify_one();
        waited
    }

    /// Returns when every item has got past its start or has a reason not to, or after `patience`.
    pub(crate) async fn past_start(&self, patience: Duration) {
        let all = async {
            while self.items.iter().any(|item| item.activity.state().0 == ItemState::Starting) {
                self.moved.notified().await;
            }
        };
        tokio::select! {
            () = all => {}
            () = self.clock.sleep(patience) => {}
        }
    }

    /// Stops an item that cannot go on, and says why.
    pub(crate) fn fail(&self, item: &Item, reason: &str) {
        item.stop();
        if !item.activity.fail(reason) {
            return;
        }
        let waits = item.queue.as_ref().map_or(String::new(), |_| {
            "; its messages stay on its queue; start the engine again once this is settled".to_owned()
        });
        self.say(Event::new(EventKind::Error, item.name(), format!("{reason}; the item is stopped{waits}")));
        let failure = ItemFailure { item: item.name().clone(), reason: reason.to_owned() };
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).push_back(failure);
        self.failed.notify_one();
        self.moved.notify_one();
    }

    /// Waits on the clock; false when the item was asked to stop before the time was up.
    pub(crate) async fn sleep_unless_stopping(&self, item: &Item, time: Duration) -> bool {
        tokio::select! {
            biased;
            () = item.stopping() => false,
            () = self.clock.sleep(time) => true,
        }
    }
}

/// Logs an event. It never holds message content, and so neither does the log.
pub(crate) fn log(event: &Event) {
    let item = event.item.as_str();
    let place = if item.is_empty() { String::new() } else { format!("item \"{item}\": ") };
    let text = &event.text;
    let (session, message) =
        (event.session.map(|id: SessionId| id.0), event.message.map(|id: MessageId| id.0));
    match event.kind {
        EventKind::Assert | EventKind::Error | EventKind::Alert => {
            tracing::error!(item, session, message_id = message, "{place}{text}");
        }
        EventKind::Warning => tracing::warn!(item, session, message_id = message, "{place}{text}"),
        EventKind::Info => tracing::info!(item, session, message_id = message, "{place}{text}"),
        EventKind::Trace => tracing::debug!(item, session, message_id = message, "{place}{text}"),
    }
}

/// An event about the message of that header.
pub(crate) fn about(header: &MessageHeader, kind: EventKind, item: &str, text: impl Into<String>) -> Event {
    Event::new(kind, item, text).about(header.id, header.session)
}
