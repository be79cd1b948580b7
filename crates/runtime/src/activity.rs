//! What an item does, in numbers that cost little to count.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use model::Timestamp;

use crate::status::ItemState;

/// What an item does.
pub(crate) struct Activity {
    pub(crate) taken: AtomicU64,
    pub(crate) completed: AtomicU64,
    pub(crate) errors: AtomicU64,
    pub(crate) in_hand: AtomicU64,
    /// Messages that it goes on with later.
    pub(crate) deferred: AtomicU64,
    last: AtomicI64,
    /// What `taken` was when the rate was last worked out, and the rate in messages per 1000 s.
    before: AtomicU64,
    rate: AtomicU64,
    standing: Mutex<Standing>,
}

/// Where the item stands, and why.
#[derive(Clone)]
struct Standing {
    state: ItemState,
    reason: Option<String>,
}

impl Activity {
    pub(crate) fn new(state: ItemState) -> Self {
        Activity {
            taken: AtomicU64::new(0),
            completed: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            in_hand: AtomicU64::new(0),
            deferred: AtomicU64::new(0),
            last: AtomicI64::new(0),
            before: AtomicU64::new(0),
            rate: AtomicU64::new(0),
            standing: Mutex::new(Standing { state, reason: None }),
        }
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts messages that were taken.
    pub(crate) fn took(&self, count: usize, now: Timestamp) {
        self.taken.fetch_add(count as u64, Relaxed);
        self.last.store(now.0, Relaxed);
    }

    /// Takes messages back out of the count: they were not looked at.
    pub(crate) fn untook(&self, count: usize) {
        self.taken.fetch_sub(count as u64, Relaxed);
    }

    /// Counts messages that were ended.
    pub(crate) fn ended(&self, completed: u64, errors: u64, now: Timestamp) {
        self.completed.fetch_add(completed, Relaxed);
        self.errors.fetch_add(errors, Relaxed);
        self.last.store(now.0, Relaxed);
    }

    /// Counts a message that it goes on with later.
    pub(crate) fn deferred(&self) {
        self.deferred.fetch_add(1, Relaxed);
    }

    /// Counts the end of one.
    pub(crate) fn went_on(&self) {
        // There is none where the ledger knew none: never below 0.
        let left = |count: u64| count.checked_sub(1);
        let _none_left = self.deferred.fetch_update(Relaxed, Relaxed, left);
    }

    /// When something was last taken or ended.
    pub(crate) fn last(&self) -> Option<Timestamp> {
        Some(self.last.load(Relaxed)).filter(|last| *last != 0).map(Timestamp)
    }

    /// Works out the rate; called once for every `millis`.
    pub(crate) fn measure(&self, millis: u64) {
        let taken = self.taken.load(Relaxed);
        let since = taken.saturating_sub(self.before.swap(taken, Relaxed));
        self.rate.store(since * 1_000_000 / millis.max(1), Relaxed);
    }

    /// Messages per second.
    pub(crate) fn rate(&self) -> f64 {
        self.rate.load(Relaxed) as f64 / 1000.0
    }

    /// Where the item stands, and why.
    pub(crate) fn state(&self) -> (ItemState, Option<String>) {
        let standing = self.standing().clone();
        (standing.state, standing.reason)
    }

    /// Moves the item to `state`. A failure stays: what comes after it does not hide it.
    pub(crate) fn set(&self, state: ItemState, reason: Option<String>) {
        let mut standing = self.standing();
        if standing.state != ItemState::Failed {
            *standing = Standing { state, reason };
        }
    }

    /// The item cannot go on. False when it failed before.
    pub(crate) fn fail(&self, reason: &str) -> bool {
        let mut standing = self.standing();
        let first = standing.state != ItemState::Failed;
        if first {
            *standing = Standing { state: ItemState::Failed, reason: Some(reason.to_owned()) };
        }
        first
    }

    /// The item goes on after it was started or waited; true when it waited.
    pub(crate) fn goes_on(&self) -> bool {
        let mut standing = self.standing();
        let before = standing.state;
        if matches!(before, ItemState::Waiting | ItemState::Starting) {
            *standing = Standing { state: ItemState::Running, reason: None };
        }
        before == ItemState::Waiting
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_measure() {
        let activity = Activity::new(ItemState::Running);
        activity.took(30, Timestamp(5));
        activity.measure(500);
        assert_eq!((activity.rate(), activity.last()), (60.0, Some(Timestamp(5))));
        activity.measure(1000);
        assert_eq!(activity.rate(), 0.0);
    }

    #[test]
    fn a_failure_is_not_hidden_by_what_comes_after() {
        let activity = Activity::new(ItemState::Running);
        assert!(activity.fail("no licence"));
        assert!(!activity.fail("something else"));
        activity.set(ItemState::Stopped, None);
        assert_eq!(activity.state(), (ItemState::Failed, Some("no licence".to_owned())));
    }
}
