//! When a change is durable, told before the change has its number.
//!
//! Messages are put on queues while the ledger's lock is held; the ledger says the change's number only
//! when that is done. A ticket stands for the number until then.

use std::sync::{Arc, OnceLock};

use store::{Ledger, Seq, StoreError};

/// Stands for one change of the ledger.
#[derive(Clone, Default)]
pub(crate) struct Ticket(Arc<OnceLock<Seq>>);

impl Ticket {
    /// The change has that number.
    pub(crate) fn set(&self, seq: Seq) {
        // Set once, by who submitted the change.
        let _set_before = self.0.set(seq);
    }

    /// Whether the change is committed and synced.
    pub(crate) fn is_durable(&self, ledger: &Ledger) -> bool {
        self.0.get().is_some_and(|seq| ledger.is_durable(*seq))
    }

    /// Returns when the change is committed and synced.
    pub(crate) async fn durable(&self, ledger: &Ledger) -> Result<(), StoreError> {
        loop {
            if let Some(seq) = self.0.get() {
                return ledger.durable(*seq).await;
            }
            // Between the queue's push and the return of `submit`: some microseconds.
            tokio::task::yield_now().await;
        }
    }
}
