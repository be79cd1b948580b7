//! A production as it was checked: what the runtime builds from.

use std::sync::Arc;
use std::time::Duration;

use model::{BusinessType, ComponentSpec, Library};
use serde_json::Value;

use crate::OrderBy;

/// A checked production.
#[derive(Debug, Clone)]
pub struct ProductionDef {
    /// Its name, as in `Test.Production`.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Workers shared by the processes whose pool size is 0.
    pub actor_pool_size: usize,
    /// What all services together may hold of messages that the store has not taken, in bytes.
    pub intake_memory: usize,
    /// How long stopping may take.
    pub grace_period: Duration,
    /// What it defines beside its items.
    pub library: Library,
    /// Services, then processes, then operations, each in the order written.
    pub items: Vec<ItemDef>,
    /// The merged, resolved form as YAML, without secrets.
    pub resolved: String,
}

impl ProductionDef {
    /// The item of that name.
    pub fn item(&self, name: &str) -> Option<&ItemDef> {
        self.items.iter().find(|item| &*item.name == name)
    }
}

/// A checked item.
#[derive(Clone)]
pub struct ItemDef {
    /// Its config name.
    pub name: Arc<str>,
    /// The component it uses.
    pub component: &'static ComponentSpec,
    /// Whether it runs.
    pub enabled: bool,
    /// Its workers; 1 keeps strict order, 0 is the actor pool.
    pub pool_size: usize,
    /// Where its messages go, by the key `targets`.
    pub targets: Vec<Arc<str>>,
    /// Everything that it may send to: `targets`, and what its settings name.
    pub sends_to: Vec<Arc<str>>,
    /// A word to group items by.
    pub category: String,
    /// What it is for.
    pub comment: String,
    /// The pause between tries.
    pub retry_interval: Duration,
    /// When to give up; none is never.
    pub failure_timeout: Option<Duration>,
    /// The least time between two messages.
    pub throttle: Option<Duration>,
    /// What several workers keep the order by; none where one does, or no order is kept.
    pub order_by: Option<OrderBy>,
    /// What belongs to the component, checked by it. May hold secrets.
    pub settings: Value,
}

impl ItemDef {
    /// What kind of host it is.
    pub fn business_type(&self) -> BusinessType {
        self.component.business_type
    }
}

impl std::fmt::Debug for ItemDef {
    /// Shows no settings: they may hold secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ItemDef")
            .field("name", &self.name)
            .field("component", &self.component)
            .field("sends_to", &self.sends_to)
            .finish_non_exhaustive()
    }
}
