//! A production with its edges replaced, and what the replacements share with the case.
//!
//! A replacement is an ordinary component, whose settings are the name of the item it stands for. It
//! finds the rest here, through the production's library.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use components::rehearsal::{Browser, Ear, Entrance, Hearing};
use config::{EdgeDef, ItemDef, ProductionDef};
use model::{BusinessType, ComponentSpec, Failure, HostContext, MessageBody, MessageId, Timestamp};
use serde_json::{Value, json};
use tokio::sync::{Mutex as AsyncMutex, mpsc, oneshot};

use super::clock::CaseClock;
use super::fakes::{FakeOperation, FakeService, WatchedProcess};

/// What comes to a service.
pub(super) struct Delivery {
    pub(super) content: Bytes,
    pub(super) name: String,
    /// Told when it is stored.
    pub(super) stored: oneshot::Sender<Result<Hearing, Failure>>,
}

/// What would have gone out.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    pub(crate) operation: String,
    pub(crate) message: MessageId,
    /// Why it was sent there, as in the rule's name.
    pub(crate) rule: String,
    pub(crate) body: MessageBody,
}

/// What an item really is.
#[derive(Clone)]
pub(super) struct Real {
    pub(super) component: &'static ComponentSpec,
    pub(super) settings: Value,
    pub(super) edge: EdgeDef,
}

/// The way into a service.
struct Door {
    put: mpsc::UnboundedSender<Delivery>,
    take: Arc<AsyncMutex<mpsc::UnboundedReceiver<Delivery>>>,
}

/// What the replacements of one case share.
#[derive(Clone, Default)]
pub(super) struct Stage(Arc<Inner>);

#[derive(Default)]
struct Inner {
    clock: CaseClock,
    items: HashMap<String, Real>,
    doors: HashMap<String, Door>,
    seen: Mutex<Seen>,
    /// Messages that an operation takes its time with.
    delayed: AtomicUsize,
    /// Calls of processes that have not returned.
    busy: AtomicUsize,
}

#[derive(Default)]
pub(super) struct Seen {
    pub(super) outputs: Vec<Output>,
    pub(super) ears: HashMap<String, Arc<Ear>>,
    /// The way into each websocket service.
    pub(super) entrances: HashMap<String, Entrance>,
    /// The connections of each browser, in their order.
    pub(super) browsers: BTreeMap<String, Vec<Browser>>,
    /// When each worker of a process wants to be woken.
    pub(super) wakes: Vec<Option<Timestamp>>,
    /// A way to the ledger.
    pub(super) host: Option<HostContext>,
    /// How often each operation sent something.
    pub(super) sent: HashMap<String, usize>,
    /// How many answers each operation got.
    pub(super) answers: HashMap<String, usize>,
}

impl Stage {
    /// The production as it is played in a case, and what its parts share.
    pub(super) fn set(
        def: &ProductionDef,
        edges: &[(String, EdgeDef)],
        clock: &CaseClock,
    ) -> (ProductionDef, Stage) {
        let mut inner = Inner { clock: clock.clone(), ..Inner::default() };
        for item in &def.items {
            let name = item.name.to_string();
            let edge = edges.iter().find(|(edge, _)| *edge == name).map(|(_, edge)| edge.clone());
            let (component, settings) = (item.component, item.settings.clone());
            inner.items.insert(name.clone(), Real { component, settings, edge: edge.unwrap_or_default() });
            if item.business_type() == BusinessType::BusinessService {
                let (put, take) = mpsc::unbounded_channel();
                inner.doors.insert(name, Door { put, take: Arc::new(AsyncMutex::new(take)) });
            }
        }
        let stage = Stage(Arc::new(inner));
        let mut played = def.clone();
        played.library = played.library.with(stage.clone());
        played.items = def.items.iter().map(replaced).collect();
        (played, stage)
    }

    pub(super) fn clock(&self) -> &CaseClock {
        &self.0.clock
    }

    pub(super) fn real(&self, item: &str) -> Option<&Real> {
        self.0.items.get(item)
    }

    /// What a service takes from.
    pub(super) fn door(&self, service: &str) -> Option<Arc<AsyncMutex<mpsc::UnboundedReceiver<Delivery>>>> {
        self.0.doors.get(service).map(|door| door.take.clone())
    }

    /// Puts a message into a service; false where there is none of that name.
    pub(super) fn deliver(&self, service: &str, delivery: Delivery) -> bool {
        self.0.doors.get(service).is_some_and(|door| door.put.send(delivery).is_ok())
    }

    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection of the browser of that name, where it has one or had.
    pub(super) fn browser(&self, name: &str) -> Option<Browser> {
        self.seen().browsers.get(name).and_then(|all| all.last().cloned())
    }

    /// Counts a message that an operation takes its time with, until what it returns is dropped.
    pub(super) fn delay(&self) -> Counted<'_> {
        Counted::new(&self.0.delayed)
    }

    /// Counts a call of a process, until what it returns is dropped.
    pub(super) fn call(&self) -> Counted<'_> {
        Counted::new(&self.0.busy)
    }

    pub(super) fn delayed(&self) -> usize {
        self.0.delayed.load(Ordering::SeqCst)
    }

    pub(super) fn calls(&self) -> usize {
        self.0.busy.load(Ordering::SeqCst)
    }
}

/// One that is counted for as long as it lives.
pub(super) struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Counted(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The item with its component replaced. What it is called, and how it is treated, stays.
fn replaced(item: &ItemDef) -> ItemDef {
    let mut spec = match item.business_type() {
        BusinessType::BusinessService => ComponentSpec::of::<FakeService>(),
        BusinessType::BusinessOperation => ComponentSpec::of::<FakeOperation>(),
        _ => ComponentSpec::of::<WatchedProcess>(),
    };
    let real = item.component;
    (spec.type_name, spec.outside_effects, spec.one_worker) =
        (real.type_name, real.outside_effects, real.one_worker);
    ItemDef {
        // A definition refers to its component for ever; a case has few, and the command ends soon.
        component: Box::leak(Box::new(spec)),
        settings: json!({ "item": &*item.name }),
        // Nothing is spared by going slowly, and it would look like a queue that waits for something.
        throttle: None,
        ..item.clone()
    }
}
