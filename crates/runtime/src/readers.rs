//! Reads of the store, off the async threads, with a few readers that are kept open.

use std::sync::{Arc, Mutex, PoisonError};

use store::{Ledger, Reader, StoreError};
use tokio::sync::Semaphore;

/// Readers that are kept when nobody reads.
const KEPT: usize = 4;
/// Reads at once for hosts. When a network comes back, a thousand clients ask at once for what they
/// missed: a thread, a reader with its cache and its open files for each would be too much.
const AT_ONCE: usize = 4;

/// The store's readers.
pub(crate) struct Readers {
    ledger: Ledger,
    idle: Mutex<Vec<Reader>>,
    turns: Arc<Semaphore>,
}

impl Readers {
    pub(crate) fn new(ledger: Ledger) -> Self {
        Readers { ledger, idle: Mutex::new(Vec::new()), turns: Arc::new(Semaphore::new(AT_ONCE)) }
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

    /// What `read` finds, off this thread and at once. For the engine itself: each queue has one read
    /// at a time, and does not wait for those of hosts.
    pub(crate) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        read: impl FnOnce(&mut Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let readers = self.clone();
        match tokio::task::spawn_blocking(move || readers.read_now(read)).await {
            Ok(found) => found,
            // A defect of one read is no end of the store: who reads again and again goes on.
            Err(ended) if ended.is_panic() => Err(StoreError::Sqlite("a read ended by a defect".to_owned())),
            Err(_) => Err(StoreError::Closed { reason: Some("a read was given up".to_owned()) }),
        }
    }

    /// The same for hosts: a few at once, in the order in which they ask.
    pub(crate) async fn read_in_turn<T: Send + 'static>(
        self: &Arc<Self>,
        read: impl FnOnce(&mut Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        // Never closed. The read has it: who asked may go away before it is done.
        let turn = self.turns.clone().acquire_owned().await;
        self.read(move |reader| {
            let _turn = turn;
            read(reader)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use futures_util::future::join_all;

    use super::*;

    fn readers() -> (testkit::TempDir, Arc<Readers>) {
        let dir = testkit::data_dir();
        let ledger = Ledger::open(dir.path(), None).unwrap();
        (dir, Arc::new(Readers::new(ledger)))
    }

    #[tokio::test]
    async fn a_read_that_panics_is_no_closed_store() {
        let (_dir, readers) = readers();
        let read: Result<(), _> = readers.read(|_| panic!("a defect")).await;
        assert!(matches!(read, Err(StoreError::Sqlite(_))), "{read:?}");
        assert_eq!(readers.read(|reader| reader.queues()).await, Ok(Vec::new()));
    }

    #[tokio::test]
    async fn hosts_read_a_few_at_once_and_the_engine_does_not_wait_for_them() {
        let (_dir, readers) = readers();
        let met = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0), Barrier::new(AT_ONCE + 1)));
        let read = |_| {
            let met = met.clone();
            readers.read_in_turn(move |_| {
                let (now, most, all) = &*met;
                most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
                all.wait();
                now.fetch_sub(1, SeqCst);
                Ok(())
            })
        };
        let hosts = join_all((0..3 * AT_ONCE).map(read));
        // Each lot of hosts waits until the engine has read: so it cannot have waited for them.
        let engine = async {
            for _ in 0..3 {
                let met = met.clone();
                let read = readers.read(move |_| Ok(met.2.wait().is_leader())).await;
                assert!(read.is_ok());
            }
        };
        let (read, ()) = tokio::join!(hosts, engine);
        assert!(read.iter().all(Result::is_ok));
        assert!(met.1.load(SeqCst) <= AT_ONCE, "{} at once", met.1.load(SeqCst));
    }
}
