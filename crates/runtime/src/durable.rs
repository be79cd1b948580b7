//! Waiting for commits, many at a time.
//!
//! The ledger's writer is a thread of its own: to wake a task from there costs a call of the system, and
//! more when those who were woken sleep again before the next one is. With many connections that was
//! most of what a commit had to do. So it wakes one task, which wakes all others from within the runtime.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use store::{Ledger, Seq, StoreError};
use tokio::sync::oneshot;

/// Those who wait for commits. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Durable {
    ledger: Ledger,
    waiting: Arc<Mutex<Waiting>>,
}

#[derive(Default)]
struct Waiting {
    /// One for each task that waits; those that gave up go with the commit.
    by_seq: BTreeMap<Seq, Vec<oneshot::Sender<()>>>,
    /// Whether somebody tells them.
    told: bool,
}

impl Durable {
    pub(crate) fn new(ledger: Ledger) -> Self {
        Durable { ledger, waiting: Arc::default() }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns when the change is committed and synced.
    ///
    /// # Errors
    /// When the ledger was closed before it could be.
    pub(crate) async fn wait(&self, seq: Seq) -> Result<(), StoreError> {
        let waiter = {
            let mut waiting = self.waiting();
            // Looked at under the lock: who tells looks how far it is, and takes the lock then.
            if self.ledger.is_durable(seq) {
                return Ok(());
            }
            waiting.told.then(|| {
                let (tell, waiter) = oneshot::channel();
                waiting.by_seq.entry(seq).or_default().push(tell);
                waiter
            })
        };
        if let Some(waiter) = waiter
            && waiter.await.is_ok()
        {
            return Ok(());
        }
        // Nobody tells, or no more: the ledger knows.
        self.ledger.durable(seq).await
    }

    /// Tells those who wait, until the ledger is closed.
    pub(crate) fn tell(&self) -> impl Future<Output = ()> + use<> {
        self.waiting().told = true;
        let telling = Telling(self.clone());
        async move {
            let mut done = Seq::default();
            while let Ok(seq) = telling.0.ledger.durable_beyond(done).await {
                telling.0.committed(seq);
                done = seq;
            }
        }
    }

    fn committed(&self, seq: Seq) {
        let mut waiting = self.waiting();
        let mut done = Vec::new();
        while let Some(first) = waiting.by_seq.first_entry().filter(|first| *first.key() <= seq) {
            done.extend(first.remove());
        }
        drop(waiting);
        // The last one that is woken runs first. Who handed a change in waits for it before anybody waits
        // to work on it, so the source's acknowledgement goes out first.
        for waiter in done.into_iter().rev() {
            // One that does not wait any more need not know.
            let _gone = waiter.send(());
        }
    }
}

/// Held by who tells: without it, everybody asks the ledger.
struct Telling(Durable);

impl Drop for Telling {
    fn drop(&mut self) {
        let mut waiting = self.0.waiting();
        waiting.told = false;
        waiting.by_seq.clear();
    }
}

#[cfg(test)]
mod tests {
    use store::Change;

    use super::*;

    #[tokio::test]
    async fn who_waits_is_told_or_asks_the_ledger_when_nobody_tells() {
        let dir = testkit::data_dir();
        let ledger = Ledger::open(dir.path(), None).unwrap();
        let durable = Durable::new(ledger.clone());
        let submit = || ledger.submit(None, |ids| (Change::default(), ids.seq())).0;
        assert!(durable.wait(submit()).await.is_ok());
        let telling = tokio::spawn(durable.tell());
        for _ in 0..50 {
            let waits: Vec<_> = (0..20).map(|_| submit()).map(|seq| durable.wait(seq)).collect();
            assert!(futures_util::future::join_all(waits).await.iter().all(Result::is_ok));
        }
        assert!(durable.waiting().by_seq.is_empty());
        telling.abort();
        assert!(telling.await.unwrap_err().is_cancelled());
        assert!(durable.wait(submit()).await.is_ok());

        let telling = tokio::spawn(durable.tell());
        ledger.close().unwrap();
        telling.await.unwrap();
        assert!(durable.wait(submit()).await.is_err(), "nothing is committed any more");
    }
}
