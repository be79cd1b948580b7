//! Search: which bodies have a value in a field, such as a control id or a patient id.
//!
//! It lives in a file of its own, `search.db`, filled behind the writer: random values cost the
//! ledger nothing. All of it is derived from the ledger, so it is not synced at each commit, and is
//! made anew when it is missing, damaged, or another store's. What is not indexed yet is looked
//! through body by body, so a search never misses a message.

mod feed;
mod index;
pub(crate) mod indexer;
mod read;
mod token;

pub(crate) use feed::Feed;
pub(crate) use read::{IndexHandle, IndexReader};
