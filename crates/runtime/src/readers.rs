//! Reads of the store, off the async threads, with a few readers that are kept open.

use std::sync::{Mutex, PoisonError};

use store::{Ledger, Reader, StoreError};

/// Readers that are kept when nobody reads.
const KEPT: usize = 4;

/// The store's readers.
pub(crate) struct Readers {
    ledger: Ledger,
    idle: Mutex<Vec<Reader>>,
}

impl Readers {
    pub(crate) fn new(ledger: Ledger) -> Self {
        Readers { ledger, idle: Mutex::new(Vec::new()) }
    }

    /// What `read` finds; blocks this thread.
    pub(crate) fn read_now<T>(
        &self,
        read: impl FnOnce(&mut Reader) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut reader = match idle {
            Some(reader) => reader,
            None => self.ledger.reader()?,
        };
        // A reader that failed is not kept: what is wrong may be the reader.
        let found = read(&mut reader)?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT {
            idle.push(reader);
        }
        Ok(found)
    }
}
