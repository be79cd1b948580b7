//! New messages on their way to queues, gathered so that each queue is locked once.

use std::sync::Arc;
use std::time::Duration;

use model::{BusinessType, Message};
use store::Seq;

use crate::engine::{Engine, ItemQueue};
use crate::queue::Entry;

/// An item that takes messages, and where they are put.
#[derive(Clone)]
pub(crate) struct Route {
    pub(crate) name: Arc<str>,
    pub(crate) kind: BusinessType,
    pub(crate) queue: Arc<ItemQueue>,
}

impl Route {
    /// The way to the item of that name; none when it is no item, or is a service.
    pub(crate) fn to(engine: &Engine, name: &str) -> Option<Route> {
        let item = engine.item(name)?;
        let queue = item.queue.clone()?;
        Some(Route { name: item.name().clone(), kind: item.def.business_type(), queue })
    }
}

/// How long one batch waits at most for its targets to have room.
const PATIENCE: Duration = Duration::from_millis(100);

/// Gives those who work on full queues their turn, before more is sent there.
pub(crate) async fn pace(routes: &[Route]) {
    for route in routes {
        route.queue.pace(PATIENCE).await;
    }
}

/// New messages by queue.
#[derive(Default)]
pub(crate) struct Lots(Vec<(Arc<ItemQueue>, Vec<Entry<Seq>>)>);

impl Lots {
    /// Adds a message behind those that were added before it.
    pub(crate) fn add(&mut self, queue: &Arc<ItemQueue>, message: Message, seq: Seq) {
        let entry = Entry::new(message, Some(seq));
        // A handful of queues at most: looking through them beats hashing.
        match self.0.iter_mut().find(|(known, _)| Arc::ptr_eq(known, queue)) {
            Some((_, lot)) => lot.push(entry),
            None => self.0.push((queue.clone(), vec![entry])),
        }
    }

    /// Puts everything on its queue; called while the ledger gives out ids, so that orders agree.
    pub(crate) fn push(self) {
        for (queue, lot) in self.0 {
            queue.push(lot);
        }
    }
}
