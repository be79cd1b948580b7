//! The director: starts and stops a production.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use config::{ItemDef, ProductionDef};
use model::{
    Arrival, BuildError, Built, BusinessType, Clock, Event, EventKind, Intake, Library, MessageBody,
    MessageId, SessionId,
};
use store::{Change, Extractor, Ledger, QueueRow, StoreError};

use crate::control;
use crate::engine::{Engine, Item, ItemFailure, ItemQueue, Parts, workers};
use crate::host_port::Port;
use crate::intake::{Source, admit};
use crate::lots::Route;
use crate::minder::mind;
use crate::queue::{KeyOf, QueueWindow};
use crate::readers::Readers;
use crate::refill::{keep_filled, recover};
use crate::service::serve;
use crate::shutdown::{StopReport, Tasks, stop};
use crate::status::ProductionStatus;
use crate::supervise::Handler;
use crate::worker::Worker;

/// The name under which messages come that were sent by hand.
const BY_HAND: &str = "orris send";

/// How long the director waits for items to get past their start; those that have not go on with it.
const START_PATIENCE: Duration = Duration::from_secs(5);

/// What a production runs with.
#[derive(Clone)]
pub struct EngineOptions {
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// What messages are searched by; none for no search.
    pub extractor: Option<Extractor>,
}

impl EngineOptions {
    /// On the machine's clock, without search.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        EngineOptions { data_dir: data_dir.into(), clock: Arc::new(crate::SystemClock), extractor: None }
    }
}

/// Why a production cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory cannot be made.
    #[error("data directory \"{}\" cannot be made: {reason}", path.display())]
    DataDir {
        /// Where it was to be.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The store cannot be opened, or belongs to another engine.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An item's host cannot be built from its settings.
    #[error("item \"{item}\": {error}")]
    Build {
        /// The item.
        item: Arc<str>,
        /// What is wrong.
        error: BuildError,
    },
    /// An item sends to something that takes no messages.
    #[error("item \"{item}\": target \"{target}\" is no process or operation of this production")]
    Target {
        /// The item.
        item: Arc<str>,
        /// What it names.
        target: Arc<str>,
    },
}

/// Why a message cannot be sent by hand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// There is no such item.
    #[error("\"{0}\" is no item of this production")]
    NoItem(String),
    /// It is a service without a target.
    #[error("item \"{0}\" is a service without targets; send to the process or operation itself")]
    NoTarget(String),
    /// It could not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A running production.
pub struct Director {
    engine: Arc<Engine>,
    tasks: Tasks,
    grace: Duration,
    control: control::Asked,
}

impl Director {
    /// Starts a production: opens its store, puts what is queued there on the queues, then starts
    /// operations, processes and services. Returns when each of them works, has failed or waits for a
    /// reason that its status says, and after 5 s in any case.
    ///
    /// # Errors
    /// Why it cannot be started; then nothing of it runs.
    pub async fn start(def: ProductionDef, options: EngineOptions) -> Result<Director, StartError> {
        Self::start_with(def, options, QueueWindow::default()).await
    }

    /// The same, with other windows of the queues.
    ///
    /// # Errors
    /// As [`Director::start`].
    pub async fn start_with(
        def: ProductionDef,
        options: EngineOptions,
        window: QueueWindow,
    ) -> Result<Director, StartError> {
        let grace = def.grace_period;
        let hosts =
            def.items.iter().map(|item| build_hosts(item, &def.library)).collect::<Result<Vec<_>, _>>()?;
        check_targets(&def)?;
        let engine = Arc::new(open(def, options, window)?);
        recover_queues(&engine).await?;
        let text = format!("production \"{}\" starts with {} items", engine.production, engine.items.len());
        engine.say(Event::new(EventKind::Info, "", text));

        let mut tasks = Tasks::default();
        for queue in engine.items.iter().filter_map(|item| item.queue.as_ref()) {
            tasks.helpers.spawn(keep_filled(engine.clone(), queue.clone()));
        }
        tasks.helpers.spawn(engine.durable.tell());
        tasks.helpers.spawn(mind(engine.clone()));
        // Items stand in the order services, processes, operations: from the back, whoever is sent to
        // is there before who sends.
        for (item, hosts) in engine.items.iter().zip(hosts).rev() {
            if item.def.enabled {
                run(&engine, item, hosts, &mut tasks);
            }
        }
        let control = control::serve(&engine, &mut tasks.helpers);
        engine.past_start(START_PATIENCE).await;
        Ok(Director { engine, tasks, grace, control })
    }

    /// What is shown of the production right now.
    pub fn status(&self) -> ProductionStatus {
        self.engine.status()
    }

    /// Where everything is kept.
    pub fn data_dir(&self) -> &Path {
        &self.engine.data_dir
    }

    /// Sets a bound for the store's file, in bytes; none for no bound. A store that has reached it takes
    /// nothing, as on a full disk: intake waits, nothing is lost.
    pub fn limit_store(&self, max_bytes: Option<u64>) {
        self.engine.ledger.limit(max_bytes);
    }

    /// Puts a message into an item by hand and returns when it is stored: on the queue of a process or
    /// operation, to all targets of a service.
    ///
    /// # Errors
    /// When there is no such item, or it takes no messages.
    pub async fn send(&self, item: &str, body: MessageBody) -> Result<SessionId, SendError> {
        send(&self.engine, item, body).await
    }

    /// Returns when an item has ended because it cannot go on; each is told once.
    pub async fn failed(&self) -> ItemFailure {
        loop {
            let told = self.engine.failures.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            match told {
                Some(failure) => return failure,
                None => self.engine.failed.notified().await,
            }
        }
    }

    /// Returns when somebody has asked over the control socket that the production be stopped.
    pub async fn stop_requested(&self) {
        self.control.stop().await;
    }

    /// Stops the production: intake first, then what is in hand, within the grace period. What is
    /// queued goes on at the next start.
    pub async fn stop(self) -> StopReport {
        stop(self.engine, self.tasks, self.grace).await
    }
}

/// As many hosts as the item has workers, or one.
fn build_hosts(def: &ItemDef, library: &Library) -> Result<Vec<Built>, StartError> {
    let count = if def.business_type() == BusinessType::BusinessService { 1 } else { workers(def) };
    let build = |_| {
        let built = def.component.build(def.settings.clone(), library);
        built.map_err(|error| StartError::Build { item: def.name.clone(), error })
    };
    (0..count).map(build).collect()
}

fn check_targets(def: &ProductionDef) -> Result<(), StartError> {
    let takes = |item: &&ItemDef| item.business_type() != BusinessType::BusinessService;
    let takers: HashSet<_> = def.items.iter().filter(takes).map(|item| &item.name).collect();
    for item in &def.items {
        if let Some(target) = item.targets.iter().find(|target| !takers.contains(target)) {
            return Err(StartError::Target { item: item.name.clone(), target: target.clone() });
        }
    }
    Ok(())
}

/// Opens the store and makes the queues, which know what the store holds of them.
fn open(def: ProductionDef, options: EngineOptions, window: QueueWindow) -> Result<Engine, StartError> {
    let data_dir = options.data_dir;
    std::fs::create_dir_all(&data_dir)
        .map_err(|error| StartError::DataDir { path: data_dir.clone(), reason: error.to_string() })?;
    let ledger = Ledger::open(&data_dir, options.extractor)?;
    let readers = Arc::new(Readers::new(ledger.clone()));
    let (stored, deferred) = readers.read_now(|reader| Ok((reader.queues()?, reader.deferred()?)))?;
    // No message that is stored has a larger id than this.
    let (_, last) = ledger.submit(None, |ids| (Change::default(), ids.newest_message()));

    let items = def.items.into_iter().map(|def| {
        let takes = def.business_type() != BusinessType::BusinessService;
        let queue = takes.then(|| Arc::new(queue(&def, window, last, &stored)));
        let waits = deferred.iter().find(|(name, _)| *name == *def.name).map_or(0, |(_, count)| *count);
        let item = Item::new(def, queue);
        item.activity.deferred.store(waits, std::sync::atomic::Ordering::Relaxed);
        Arc::new(item)
    });
    let engine = Engine::new(Parts {
        production: def.name,
        actor_pool_size: def.actor_pool_size,
        intake_memory: def.intake_memory,
        library: def.library.clone(),
        data_dir,
        clock: options.clock,
        ledger,
        readers,
        items: items.collect(),
    });
    warn_of_orphans(&engine, &stored);
    Ok(engine)
}

fn queue(def: &ItemDef, window: QueueWindow, last: MessageId, stored: &[QueueRow]) -> ItemQueue {
    let count = stored.iter().find(|row| row.name == *def.name).map_or(0, |row| row.count);
    // One worker keeps the order of all.
    let order = def.order_by.clone().filter(|_| def.pool_size > 1);
    let key_of = order.map(|order| -> KeyOf { Box::new(move |body| order.key(body)) });
    ItemQueue::new(def.name.clone(), window, last, count).ordered_by(key_of)
}

/// Names messages that wait for items which this production does not have.
fn warn_of_orphans(engine: &Engine, stored: &[QueueRow]) {
    for QueueRow { name, count, oldest } in stored {
        if engine.item(name).is_none_or(|item| item.queue.is_none()) {
            let text = format!(
                "{count} messages wait for \"{name}\", which is no process or operation of this production, the oldest since {oldest}; they stay queued until it is one again"
            );
            engine.say(Event::new(EventKind::Warning, name, text));
        }
    }
}

/// Fills every queue's window from the store, before anything new is taken in.
async fn recover_queues(engine: &Engine) -> Result<(), StartError> {
    for queue in engine.items.iter().filter_map(|item| item.queue.as_ref()) {
        recover(engine, queue).await?;
        if queue.depth() > 0 {
            let text = format!("{} messages are queued from before; they go on", queue.depth());
            engine.say(Event::new(EventKind::Info, &queue.name, text));
        }
    }
    Ok(())
}

/// Starts the tasks of one item.
fn run(engine: &Arc<Engine>, item: &Arc<Item>, hosts: Vec<Built>, tasks: &mut Tasks) {
    let context = Port::context(engine, item);
    let mut slots = item.slots.iter();
    for host in hosts {
        let working = item.working();
        match host {
            Built::Service(service) => {
                let serving = serve(engine.clone(), item.clone(), context.clone(), service);
                tasks.services.spawn(working.during(engine.clone(), serving));
            }
            host => {
                let (Some(handler), Some(queue), Some(slot)) = (Handler::of(host), &item.queue, slots.next())
                else {
                    continue;
                };
                let worker = Worker::new(engine, item, queue, slot, &context);
                tasks.workers.spawn(working.during(engine.clone(), worker.run(handler)));
            }
        }
    }
}

/// Puts a message into an item by hand.
pub(crate) async fn send(engine: &Engine, name: &str, body: MessageBody) -> Result<SessionId, SendError> {
    let item = engine.item(name).ok_or_else(|| SendError::NoItem(name.to_owned()))?;
    let targets = if item.is_service() { item.def.targets.clone() } else { vec![item.name().clone()] };
    let routes: Vec<Route> = targets.iter().filter_map(|target| Route::to(engine, target)).collect();
    if routes.is_empty() {
        return Err(SendError::NoTarget(name.to_owned()));
    }
    let by_hand: Arc<str> = Arc::from(BY_HAND);
    let source =
        Source { name: if item.is_service() { item.name() } else { &by_hand }, item: None, routes: &routes };
    let arrival = Arrival::new(body);
    let admitted = admit(engine, source, Intake { arrivals: vec![arrival], ..Intake::default() }).await;
    engine.ledger.durable(admitted.seq).await?;
    admitted.sessions.first().copied().ok_or_else(|| SendError::NoTarget(name.to_owned()))
}
