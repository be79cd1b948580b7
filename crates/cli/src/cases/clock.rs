//! The clock of a case: it stands still, and is moved to the next time that somebody waits for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use model::{Clock, Timestamp};
use tokio::sync::watch;

/// Where the clock of a case begins that says nothing else: 2026-01-01 12:00:00 UTC, a Thursday.
const BEGIN: Timestamp = Timestamp(1_767_268_800_000);

/// The clock of one case. Clones show the same time.
#[derive(Clone)]
pub(super) struct CaseClock {
    begin: Timestamp,
    now: Arc<watch::Sender<Timestamp>>,
    sleepers: Arc<Mutex<Sleepers>>,
}

impl Default for CaseClock {
    fn default() -> Self {
        CaseClock::new(None)
    }
}

/// Who waits until when.
#[derive(Default)]
struct Sleepers {
    next: u64,
    due: BTreeMap<u64, Timestamp>,
}

impl CaseClock {
    /// One that begins at that time.
    pub(super) fn new(begin: Option<Timestamp>) -> Self {
        let begin = begin.unwrap_or(BEGIN);
        CaseClock { begin, now: Arc::new(watch::Sender::new(begin)), sleepers: Arc::default() }
    }

    /// How long it has gone.
    pub(super) fn elapsed(&self) -> Duration {
        self.now().since(self.begin)
    }

    /// The time after that much of the case.
    pub(super) fn at(&self, elapsed: Duration) -> Timestamp {
        let millis = i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX);
        Timestamp(self.begin.0.saturating_add(millis))
    }

    /// Moves it on; it never goes back.
    pub(super) fn go_to(&self, time: Timestamp) {
        self.now.send_modify(|now| *now = time.max(*now));
    }

    /// The next time that somebody waits for; none where nobody does.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.lock().due.values().min().copied()
    }

    fn lock(&self) -> MutexGuard<'_, Sleepers> {
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One who waits, until the wait is over or given up.
struct Asleep<'a>(&'a CaseClock, u64);

impl<'a> Asleep<'a> {
    fn until(clock: &'a CaseClock, due: Timestamp) -> Self {
        let mut sleepers = clock.lock();
        sleepers.next += 1;
        let id = sleepers.next;
        sleepers.due.insert(id, due);
        Asleep(clock, id)
    }
}

impl Drop for Asleep<'_> {
    fn drop(&mut self) {
        self.0.lock().due.remove(&self.1);
    }
}

#[async_trait]
impl Clock for CaseClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    async fn sleep(&self, duration: Duration) {
        let mut now = self.now.subscribe();
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        let due = Timestamp(now.borrow().0.saturating_add(millis));
        let _asleep = Asleep::until(self, due);
        // The sender lives as long as `self`.
        let _reached = now.wait_for(|now| *now >= due).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_goes_to_the_next_time_that_somebody_waits_for() {
        let clock = CaseClock::default();
        assert_eq!(clock.now().to_utc(), "2026-01-01 12:00:00.000");
        let (slow, quick) = (clock.clone(), clock.clone());
        let slow = tokio::spawn(async move { slow.sleep(Duration::from_secs(9)).await });
        let quick = tokio::spawn(async move { quick.sleep(Duration::from_secs(5)).await });
        tokio::task::yield_now().await;
        assert_eq!(clock.next_due(), Some(clock.at(Duration::from_secs(5))));
        clock.go_to(clock.at(Duration::from_secs(6)));
        assert!(quick.await.is_ok());
        assert_eq!(clock.next_due(), Some(clock.at(Duration::from_secs(9))));
        slow.abort();
        assert!(slow.await.is_err());
        assert_eq!((clock.next_due(), clock.elapsed()), (None, Duration::from_secs(6)));
        assert_eq!(CaseClock::new(Some(Timestamp(0))).now(), Timestamp(0));
    }
}
