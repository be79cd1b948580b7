//! The ledger on a real SQLite, in temporary folders.

mod support;

mod groups;
mod headers;
mod lists;
mod model_based;
mod owners;
mod search;
mod sql;
mod trouble;
