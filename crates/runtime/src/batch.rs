//! How many messages a worker takes at once.
//!
//! Many while they are done quickly: then the ledger is handed few large changes. Few when each takes
//! long: what is in hand is what stopping waits for, and what other workers of the item cannot have.

use std::time::Duration;

/// The most that one worker takes.
const MOST: usize = 1_024;
/// The most that one of several workers takes.
const MOST_OF_SEVERAL: usize = 32;
/// What a worker begins with.
const FIRST: usize = 4;
/// A batch quicker than this may be followed by a larger one, one slower than ten times this by a smaller.
/// What is in hand when the process is killed is done again, so a batch that goes out is kept short: one
/// lock-step receiver takes some 250 messages in this time.
const QUICK: Duration = Duration::from_millis(10);

/// How many messages a worker takes at once.
pub(crate) struct BatchSize {
    now: usize,
    most: usize,
    workers: usize,
    singly: usize,
}

impl BatchSize {
    pub(crate) fn new(pool_size: usize, throttled: bool) -> Self {
        let workers = pool_size.max(1);
        let most = match (throttled, workers) {
            (true, _) => 1,
            (false, 1) => MOST,
            (false, _) => MOST_OF_SEVERAL,
        };
        BatchSize { now: FIRST.min(most), most, workers, singly: 0 }
    }

    /// The most to take when `depth` messages wait: the other workers get their share.
    pub(crate) fn next(&self, depth: u64) -> usize {
        if self.singly > 0 {
            return 1;
        }
        let share = usize::try_from(depth).unwrap_or(usize::MAX).div_ceil(self.workers);
        self.now.min(share).max(1)
    }

    /// A batch of `count` took that long.
    pub(crate) fn took(&mut self, count: usize, time: Duration) {
        self.singly = self.singly.saturating_sub(count);
        if time > QUICK * 10 {
            self.now = (self.now / 2).max(1);
        } else if time < QUICK && count >= self.now {
            self.now = (self.now * 2).min(self.most);
        }
    }

    /// The next `count` are taken one at a time.
    pub(crate) fn singly(&mut self, count: usize) {
        self.singly = count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_while_it_is_quick_and_shrinks_when_it_is_slow() {
        let mut size = BatchSize::new(1, false);
        for _ in 0..12 {
            size.took(size.next(9999), Duration::ZERO);
        }
        assert_eq!(size.next(9999), MOST);
        for _ in 0..12 {
            size.took(size.next(9999), Duration::from_secs(1));
        }
        assert_eq!(size.next(9999), 1);
    }

    #[test]
    fn workers_share_what_waits() {
        let mut size = BatchSize::new(4, false);
        assert_eq!(size.next(5), 2);
        size.singly(2);
        assert_eq!(size.next(5), 1);
        size.took(1, Duration::ZERO);
        size.took(1, Duration::ZERO);
        assert_eq!(size.next(5), 2);
        assert_eq!(BatchSize::new(4, true).next(99), 1);
    }
}
