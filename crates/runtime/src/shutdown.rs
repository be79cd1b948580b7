//! Stopping: intake first, then what is in hand, within the grace period; what is left is named.

use std::sync::Arc;
use std::time::Duration;

use model::{Event, EventKind, Span, Timestamp, fault};
use serde::Serialize;
use store::StoreError;
use tokio::task::JoinSet;

use crate::control;
use crate::engine::{Engine, Item};
use crate::status::ItemState;

/// How often it is said who still works.
const SAY_EVERY: Duration = Duration::from_secs(3);

/// How a production stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StopReport {
    /// Items with messages on their queues, which go on at the next start.
    pub left: Vec<Left>,
    /// Items that still worked when the grace period was over.
    pub abandoned: Vec<Abandoned>,
    /// How long it took.
    pub took: Duration,
    /// Why the store could not be closed properly; what was not committed was not acknowledged.
    pub store: Option<String>,
}

/// Messages that wait for the next start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Left {
    /// The item.
    pub item: Arc<str>,
    /// Messages on its queue.
    pub count: u64,
}

/// An item that did not end in time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Abandoned {
    /// The item.
    pub item: Arc<str>,
    /// Messages it had in hand; they are handed over again at the next start.
    pub in_hand: u64,
}

/// The tasks of a running production.
#[derive(Default)]
pub(crate) struct Tasks {
    pub(crate) services: JoinSet<()>,
    pub(crate) workers: JoinSet<()>,
    /// What ends with the production and is waited for by nobody.
    pub(crate) helpers: JoinSet<()>,
}

/// Stops a production.
pub(crate) async fn stop(engine: Arc<Engine>, mut tasks: Tasks, grace: Duration) -> StopReport {
    fault::point("shutdown.begun");
    let begun = engine.clock.now();
    engine.say(Event::new(EventKind::Info, "", format!("production \"{}\" stops", engine.production)));
    let stopping = Stopping { engine: &engine, begun, grace };
    // Services that hang may not use up the time of those who come after them.
    let for_services = grace - grace / 4;

    let (services, others): (Vec<_>, Vec<_>) = engine.items.iter().partition(|item| item.is_service());
    stopping.stop(&services, &mut tasks.services, for_services).await;
    engine.close();
    stopping.stop(&others, &mut tasks.workers, grace).await;

    tasks.services.abort_all();
    tasks.workers.abort_all();
    tasks.helpers.abort_all();
    let abandoned = abandoned(&engine.items);
    let left = left(&engine.items);
    for Abandoned { item, in_hand } in &abandoned {
        let text = format!(
            "still works at the end of grace_period {} and is abandoned; {in_hand} messages in hand are handed over again at the next start",
            Span(grace)
        );
        engine.say(Event::new(EventKind::Warning, item, text));
    }
    for Left { item, count } in &left {
        let text = format!("{count} messages are left on its queue; they go on at the next start");
        engine.say(Event::new(EventKind::Info, item, text));
    }
    engine.tell_counted(true);
    engine.tell_left_out();
    let took = engine.clock.now().since(begun);
    engine.say(Event::new(EventKind::Info, "", format!("production \"{}\" is stopped", engine.production)));
    // Before the store is given free: the next engine's socket is not ours to remove.
    control::close(&engine.data_dir);
    StopReport { left, abandoned, took, store: close(&engine).await.err().map(|error| error.to_string()) }
}

/// Commits everything that was submitted.
async fn close(engine: &Engine) -> Result<(), StoreError> {
    let ledger = engine.ledger.clone();
    match tokio::task::spawn_blocking(move || ledger.close()).await {
        Ok(closed) => closed,
        Err(_) => Err(StoreError::Closed { reason: Some("closing it was given up".to_owned()) }),
    }
}

struct Stopping<'a> {
    engine: &'a Engine,
    begun: Timestamp,
    grace: Duration,
}

impl Stopping<'_> {
    /// Asks the items to stop and waits for their tasks, until `within` is over since the beginning.
    async fn stop(&self, items: &[&Arc<Item>], tasks: &mut JoinSet<()>, within: Duration) {
        for item in items.iter().filter(|item| item.def.enabled) {
            item.activity.set(ItemState::Stopping, None);
            item.stop();
        }
        let clock = &self.engine.clock;
        loop {
            let left = within.saturating_sub(clock.now().since(self.begun));
            tokio::select! {
                biased;
                () = all(tasks) => break,
                () = clock.sleep(left.min(SAY_EVERY)) => {}
            }
            if clock.now().since(self.begun) >= within {
                break;
            }
            self.say_who_works(items);
        }
        for item in items.iter().filter(|item| item.def.enabled && !item.is_working()) {
            item.activity.set(ItemState::Stopped, None);
        }
    }

    fn say_who_works(&self, items: &[&Arc<Item>]) {
        let left = self.grace.saturating_sub(self.engine.clock.now().since(self.begun)).as_secs();
        for item in items.iter().filter(|item| item.is_working()) {
            let (name, in_hand) = (item.name(), item.in_hand());
            tracing::info!(
                item = &**name,
                "item \"{name}\": still works on {in_hand} messages; abandoned in {}",
                Span::secs(left)
            );
        }
    }
}

async fn all(tasks: &mut JoinSet<()>) {
    while tasks.join_next().await.is_some() {}
}

fn abandoned(items: &[Arc<Item>]) -> Vec<Abandoned> {
    let working = items.iter().filter(|item| item.is_working());
    working.map(|item| Abandoned { item: item.name().clone(), in_hand: item.in_hand() }).collect()
}

fn left(items: &[Arc<Item>]) -> Vec<Left> {
    let queues = items.iter().filter_map(|item| item.queue.as_ref());
    let waiting = queues.map(|queue| Left { item: queue.name.clone(), count: queue.depth() });
    waiting.filter(|left| left.count > 0).collect()
}
