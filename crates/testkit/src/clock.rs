//! A clock that stands still until a test moves it, and the machine's.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use model::{Clock, Timestamp};
use tokio::sync::watch;

/// Where every fake clock begins: 2023-11-14 22:13:20 UTC.
const BEGIN: Timestamp = Timestamp(1_700_000_000_000);

/// A clock that a test moves. Clones show the same time.
#[derive(Clone)]
pub struct FakeClock {
    now: Arc<watch::Sender<Timestamp>>,
    sleepers: Arc<watch::Sender<usize>>,
    slept: Arc<AtomicUsize>,
}

impl Default for FakeClock {
    fn default() -> Self {
        Self::new()
    }
}

impl FakeClock {
    /// A clock that stands at 2023-11-14 22:13:20 UTC.
    pub fn new() -> Self {
        FakeClock {
            now: Arc::new(watch::Sender::new(BEGIN)),
            sleepers: Arc::new(watch::Sender::new(0)),
            slept: Arc::default(),
        }
    }

    /// Moves the clock on and wakes whoever slept up to then.
    pub fn advance(&self, by: Duration) {
        self.now.send_modify(|now| now.0 += by.as_millis() as i64);
    }

    /// How many wait for a later time right now.
    pub fn sleepers(&self) -> usize {
        *self.sleepers.borrow()
    }

    /// How many sleeps were begun so far.
    pub fn sleeps(&self) -> usize {
        self.slept.load(Ordering::SeqCst)
    }

    /// Returns when at least `count` wait for a later time, so that [`FakeClock::advance`] meets them.
    pub async fn until_sleeping(&self, count: usize) {
        let mut sleepers = self.sleepers.subscribe();
        // The sender lives as long as `self`, so this ends with the count alone.
        let _count = sleepers.wait_for(|now| *now >= count).await;
    }
}

/// Counts one sleeper for as long as it lives: a sleep may be given up at any time.
struct Asleep<'a>(&'a watch::Sender<usize>);

impl<'a> Asleep<'a> {
    fn begin(sleepers: &'a watch::Sender<usize>) -> Self {
        sleepers.send_modify(|count| *count += 1);
        Asleep(sleepers)
    }
}

impl Drop for Asleep<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

#[async_trait]
impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    async fn sleep(&self, duration: Duration) {
        let mut now = self.now.subscribe();
        let until = now.borrow().0 + duration.as_millis() as i64;
        self.slept.fetch_add(1, Ordering::SeqCst);
        let _asleep = Asleep::begin(&self.sleepers);
        let _reached = now.wait_for(|now| now.0 >= until).await;
    }
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RealClock;

#[async_trait]
impl Clock for RealClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_system(SystemTime::now())
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sleeper_wakes_when_its_time_has_come_and_not_before() {
        let clock = FakeClock::new();
        let begin = clock.now();
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move {
                clock.sleep(Duration::from_secs(5)).await;
                clock.now()
            }
        });
        clock.until_sleeping(1).await;
        clock.advance(Duration::from_secs(4));
        assert_eq!(clock.sleepers(), 1);
        clock.advance(Duration::from_secs(2));
        assert_eq!(sleeper.await.unwrap().since(begin), Duration::from_secs(6));
        assert_eq!(clock.sleepers(), 0);
    }

    #[tokio::test]
    async fn a_sleep_that_is_given_up_is_no_longer_counted() {
        let clock = FakeClock::new();
        let sleeping = clock.clone();
        let task = tokio::spawn(async move { sleeping.sleep(Duration::from_secs(1)).await });
        clock.until_sleeping(1).await;
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!((clock.sleepers(), clock.sleeps()), (0, 1));
    }
}
