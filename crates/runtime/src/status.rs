//! What is shown of a running production.

use std::sync::atomic::Ordering;

use model::{BusinessType, Timestamp};
use serde::{Deserialize, Serialize};

use crate::engine::{Engine, Item};

/// A running production, as it was when it was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProductionStatus {
    /// The production's name.
    pub production: String,
    /// The engine's process.
    pub process: u32,
    /// When it was started.
    pub started: Timestamp,
    /// Why the store takes nothing right now, such as a full disk; none when it does.
    pub trouble: Option<String>,
    /// Its items: services, processes, operations, each in the order written.
    pub items: Vec<ItemStatus>,
}

impl ProductionStatus {
    /// The item of that name.
    pub fn item(&self, name: &str) -> Option<&ItemStatus> {
        self.items.iter().find(|item| item.name == name)
    }
}

/// Where an item stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ItemState {
    /// Switched off: its queue takes messages, nothing works on them.
    Disabled,
    /// Made, not ready yet.
    Starting,
    /// Works, or is ready to.
    Running,
    /// Waits for something that has a reason: see [`ItemStatus::waiting`].
    Waiting,
    /// Was asked to stop and still works.
    Stopping,
    /// Stopped because it was asked to.
    Stopped,
    /// Stopped because it cannot go on: see [`ItemStatus::waiting`].
    Failed,
}

impl ItemState {
    /// The name shown to people.
    pub fn name(self) -> &'static str {
        match self {
            ItemState::Disabled => "disabled",
            ItemState::Starting => "starting",
            ItemState::Running => "running",
            ItemState::Waiting => "waiting",
            ItemState::Stopping => "stopping",
            ItemState::Stopped => "stopped",
            ItemState::Failed => "failed",
        }
    }
}

impl std::fmt::Display for ItemState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// One item of a running production.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ItemStatus {
    /// Its config name.
    pub name: String,
    /// What kind of host it is.
    pub business_type: BusinessType,
    /// The type of its component.
    pub component: String,
    /// Where it stands.
    pub state: ItemState,
    /// Why it waits or has failed.
    pub waiting: Option<String>,
    /// Its workers; 0 is the actor pool.
    pub pool_size: usize,
    /// Messages on its queue, in memory and on disk.
    pub queue: u64,
    /// Messages that it works on.
    pub in_hand: u64,
    /// Messages that it goes on with later: instances of a flow that wait.
    #[serde(default)]
    pub deferred: u64,
    /// Messages that it took since the start.
    pub taken: u64,
    /// Messages that it ended well since the start.
    pub completed: u64,
    /// Messages that it ended otherwise since the start: refused, failed, suspended.
    pub errors: u64,
    /// Messages that it took in the last second.
    pub rate: f64,
    /// When it last took or ended a message.
    pub last_activity: Option<Timestamp>,
}

impl Engine {
    /// What is shown of the production right now.
    pub(crate) fn status(&self) -> ProductionStatus {
        ProductionStatus {
            production: self.production.clone(),
            process: std::process::id(),
            started: self.started,
            trouble: self.ledger.trouble(),
            items: self.items.iter().map(|item| item.status()).collect(),
        }
    }
}

impl Item {
    fn status(&self) -> ItemStatus {
        let (state, waiting) = self.activity.state();
        ItemStatus {
            name: self.name().to_string(),
            business_type: self.def.business_type(),
            component: self.def.component.type_name.to_owned(),
            state,
            waiting,
            pool_size: self.def.pool_size,
            queue: self.queue.as_ref().map_or(0, |queue| queue.depth()),
            in_hand: self.in_hand(),
            deferred: self.activity.deferred.load(Ordering::Relaxed),
            taken: self.activity.taken.load(Ordering::Relaxed),
            completed: self.activity.completed.load(Ordering::Relaxed),
            errors: self.activity.errors.load(Ordering::Relaxed),
            rate: self.activity.rate(),
            last_activity: self.activity.last(),
        }
    }
}
