//! Runs a production: director, hosts, queues, pools, supervision and shutdown.
//!
//! A [`Director`] opens the ledger, gives every process and operation a queue and workers, and every
//! service a task. Whatever a host decides becomes one change of the ledger, and what it sends on is put
//! on queues while that change gets its place: so a queue's order is the order of ids and of commits.
//! This crate names no concrete component; it is handed definitions.

mod activity;
mod answers;
mod batch;
mod budget;
mod clock;
pub mod control;
mod director;
mod durable;
mod engine;
mod host_port;
mod intake;
mod lots;
mod minder;
mod patience;
mod queue;
mod readers;
mod refill;
mod repeats;
mod service;
mod settle;
mod shutdown;
mod slot;
mod status;
mod supervise;
mod worker;

pub use clock::SystemClock;
pub use director::{Director, EngineOptions, SendError, StartError};
pub use engine::ItemFailure;
pub use queue::QueueWindow;
pub use shutdown::{Abandoned, Left, StopReport};
pub use status::{ItemState, ItemStatus, ProductionStatus};
pub use supervise::keep_panic_texts_out;
