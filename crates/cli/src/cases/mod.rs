//! Cases of a production, run in this process: the real processes, rules, transforms and flows, on a
//! clock that goes only when nothing else is left to do, in a store that goes away, with nothing outside.
//!
//! A production is [staged](stage) before it is handed to the director: its services become doors that
//! messages are put in by, its operations write down what would go out and answer as the case says, its
//! processes are the real ones, watched. Everything else, queues, retries, timeouts, is the engine's own.

mod clock;
mod fakes;
mod run;
mod settle;
mod stage;
mod verdict;
mod zone;

pub(crate) use run::{Played, play};
pub(crate) use stage::Output;
pub(crate) use verdict::{Failed, idle_edges, judge, said};
pub(crate) use zone::in_utc;
