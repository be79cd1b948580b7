//! The ledger: everything that is known about messages, in one SQLite file, `<data-dir>/store.db`.
//!
//! A [`Ledger`] takes [`Change`]s in one order, gives out the ids in that same order, and commits
//! them in groups: one writer thread takes whatever has gathered, writes it in one transaction and
//! syncs once. What users search by is indexed behind the writer, in a second file that can be made
//! anew at any time. A [`Reader`] looks at the same files, with or without an engine.
//!
//! This is the only crate with SQL. No code outside it knows a table's name; people know the views
//! (`MessageHeader`, `MessageBody`, `EventLog`, `Queue`, `WebSocketSession`).

mod block;
mod change;
mod error;
mod ledger;
mod line;
mod lock;
mod plan;
mod reader;
mod row;
mod schema;
mod search;
mod terms;
mod views;
mod write;
mod writer;

pub use change::{Change, HeaderUpdate, Ids, Permit, Seq};
pub use error::StoreError;
pub use ledger::{Extractor, Ledger, LedgerStats, Options};
pub use reader::{EventFilter, EventRow, Hit, MessageFilter, QueueRow, Reader, SqlTable, SqlValue};

/// The ledger's file below the data directory.
pub const STORE_FILE: &str = "store.db";
/// The search index below the data directory: derived, may be deleted while no engine runs.
pub const SEARCH_FILE: &str = "search.db";
/// The file below the data directory that the engine holds locked, with its process id.
pub const LOCK_FILE: &str = "store.lock";
