//! The keys of a production file that belong to no component.

use model::{BusinessType, ByteSize, Span, Timeout};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One of the three maps of items.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Section {
    pub(crate) key: &'static str,
    pub(crate) business_type: BusinessType,
    /// One of its items, in a sentence.
    pub(crate) one: &'static str,
    pub(crate) meaning: &'static str,
}

/// The three maps of items, in the order in which messages pass them.
pub(crate) const SECTIONS: [Section; 3] = [
    Section {
        key: "services",
        business_type: BusinessType::BusinessService,
        one: "a service",
        meaning: "business services by name: they take messages in",
    },
    Section {
        key: "processes",
        business_type: BusinessType::BusinessProcess,
        one: "a process",
        meaning: "business processes by name: they decide what becomes of messages",
    },
    Section {
        key: "operations",
        business_type: BusinessType::BusinessOperation,
        one: "an operation",
        meaning: "business operations by name: they send messages out",
    },
];

/// The map of custom schemas, and what it is.
pub(crate) const SCHEMAS: (&str, &str) =
    ("schemas", "schemas of the production by name: a base, as in 2.5.1, and what is different");

/// The map of lookup tables, and what it is.
pub(crate) const TABLES: (&str, &str) =
    ("lookup_tables", "lookup tables of the production by name: texts by texts, here or in files");

/// The map of schedules, and what it is.
pub(crate) const SCHEDULES: (&str, &str) = (
    "schedules",
    "schedules of the production by name: hours on days and dates, which conditions ask for by schedule(\"name\")",
);

/// The map of transforms, and what it is.
pub(crate) const TRANSFORMS: (&str, &str) =
    ("transforms", "transforms of the production by name: a message made of another one, step by step");

/// The map of databases, and what it is.
pub(crate) const CONNECTIONS: (&str, &str) =
    ("connections", "databases of the production by name, which steps of flows may read");

/// The map of sets of rules, and what it is.
pub(crate) const RULES: (&str, &str) =
    ("rules", "sets of rules by name, which the rules of routers may delegate to");

/// The maps of what a production defines beside its items.
pub(crate) const DEFINITIONS: [&str; 6] =
    [SCHEMAS.0, TABLES.0, SCHEDULES.0, CONNECTIONS.0, TRANSFORMS.0, RULES.0];

/// All maps in which something stands by its name: the sections of items, and the definitions.
pub(crate) fn maps_by_name() -> Vec<&'static str> {
    SECTIONS.iter().map(|section| section.key).chain(DEFINITIONS).collect()
}

/// Known words of a production that this version does not act on.
pub(crate) const PRODUCTION_LATER: [&str; 4] = ["credentials", "alerts", "portal", "store"];

/// Known words of an item that this version does not act on.
pub(crate) const ITEM_LATER: [&str; 7] = [
    "schedule",
    "alert_on_error",
    "alert_groups",
    "queue_count_alert",
    "queue_wait_alert",
    "inactivity_timeout",
    "log_trace_events",
];

/// The most workers of one item, or of the actor pool.
pub(crate) const MOST_WORKERS: u64 = 100;

/// What a production says about itself.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProductionKeys {
    /// The name of the production.
    pub(crate) production: String,
    /// What the production is for.
    #[serde(default)]
    pub(crate) description: String,
    /// Workers shared by the processes whose pool size is 0.
    #[serde(default = "two")]
    #[schemars(range(min = 0, max = MOST_WORKERS))]
    pub(crate) actor_pool_size: u64,
    /// How long stopping waits for what is in hand.
    #[serde(default = "half_a_minute")]
    pub(crate) grace_period: Span,
    /// What the production may take of the machine.
    #[serde(default)]
    pub(crate) limits: Limits,
}

/// What a production may take of the machine.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Limits {
    /// How much all services together may hold in memory of messages that the store has not taken, from
    /// 1MiB to 1024GiB. Past it they read nothing more until there is room; a longer message passes alone.
    pub(crate) intake_memory: ByteSize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { intake_memory: ByteSize::mib(64) }
    }
}

impl ProductionKeys {
    /// What a production says about itself that says no more than its name.
    pub(crate) fn named(name: &str) -> Self {
        ProductionKeys {
            production: name.to_owned(),
            description: String::new(),
            actor_pool_size: two(),
            grace_period: half_a_minute(),
            limits: Limits::default(),
        }
    }
}

/// What every item may say, whatever its component.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ItemKeys {
    /// Whether the item runs.
    pub(crate) enabled: bool,
    /// How many messages it works on at once; 1 keeps strict order, 0 lets a process share the actor pool.
    #[schemars(range(min = 0, max = MOST_WORKERS))]
    pub(crate) pool_size: u64,
    /// The items that its messages go to.
    pub(crate) targets: Vec<String>,
    /// A word to group items by.
    pub(crate) category: String,
    /// What the item is for.
    pub(crate) comment: String,
    /// The pause before a message is tried again.
    pub(crate) retry_interval: Span,
    /// How long a message is tried before it is given up: suspended, where its settings say nothing else.
    pub(crate) failure_timeout: Timeout,
    /// The least time between two messages.
    pub(crate) throttle: Option<Span>,
    /// The path of a value, as in `PID-3.1` or `PATIENT.PID-3.1`: of all messages with the same one,
    /// several workers keep the order. A message without it is ordered against all.
    pub(crate) order_by: Option<String>,
}

impl Default for ItemKeys {
    fn default() -> Self {
        ItemKeys {
            enabled: true,
            pool_size: 1,
            targets: Vec::new(),
            category: String::new(),
            comment: String::new(),
            retry_interval: Span::secs(5),
            failure_timeout: Timeout(None),
            throttle: None,
            order_by: None,
        }
    }
}

fn two() -> u64 {
    2
}

fn half_a_minute() -> Span {
    Span::secs(30)
}

/// The schema of a type, draft 7, with nothing left to look up.
pub(crate) fn schema_of<T: JsonSchema>() -> serde_json::Value {
    let settings = schemars::generate::SchemaSettings::draft07().with(|s| s.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<T>().to_value()
}
