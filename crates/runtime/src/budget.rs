//! What all services together may hold in memory of messages that the ledger has not taken yet.
//!
//! Who needs more than there is waits its turn, and reads nothing meanwhile: its peer is slowed down,
//! and nothing is lost. Nobody says beforehand how long a message is, so many that are half read could
//! take all of it and wait for each other. Therefore one at a time may go beyond: it is read to its end,
//! goes to the ledger, and gives back what it held. So the bound is the budget and one message.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use model::{ByteSize, Room, Timestamp};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long after it was said that services wait it is said again.
const AGAIN: Duration = Duration::from_secs(60);

/// The room of all services.
pub(crate) struct Budget {
    bytes: usize,
    kib: u32,
    /// In KiB. Those who wait are served in the order in which they came.
    free: Arc<Semaphore>,
    /// Whether somebody may go beyond.
    beyond: Arc<Semaphore>,
    told: Mutex<Option<Timestamp>>,
}

impl Budget {
    pub(crate) fn new(bytes: usize) -> Self {
        let kib = u32::try_from(bytes >> 10).unwrap_or(u32::MAX);
        let most = Semaphore::MAX_PERMITS.min(kib as usize);
        let (free, beyond) = (Arc::new(Semaphore::new(most)), Arc::new(Semaphore::new(1)));
        Budget { bytes, kib, free, beyond, told: Mutex::default() }
    }

    /// What `room` needs more than it has, in KiB.
    fn wanted(room: &Room, bytes: usize) -> u32 {
        u32::try_from(bytes.saturating_sub(room.bytes()).div_ceil(1 << 10)).unwrap_or(u32::MAX)
    }

    /// Makes room where there is some.
    pub(crate) fn try_make(&self, room: &mut Room, bytes: usize) -> bool {
        let wanted = Self::wanted(room, bytes);
        if wanted > 0 {
            let Ok(permit) = self.free.clone().try_acquire_many_owned(wanted) else { return false };
            give(room, wanted, permit);
        }
        true
    }

    /// Makes room, waiting for it.
    pub(crate) async fn make(&self, room: &mut Room, bytes: usize) {
        let wanted = Self::wanted(room, bytes);
        let free = async {
            // What is more than there ever is has to go beyond.
            match wanted <= self.kib {
                true => self.free.clone().acquire_many_owned(wanted).await,
                false => std::future::pending().await,
            }
        };
        // Neither is ever closed.
        tokio::select! {
            biased;
            Ok(permit) = free => give(room, wanted, permit),
            Ok(permit) = self.beyond.clone().acquire_owned() => room.go_beyond(permit),
        }
    }

    /// What is to be said of a service that waits; none where it was said a while ago.
    pub(crate) fn waits(&self, now: Timestamp) -> Option<String> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_some_and(|at| now.since(at) < AGAIN) {
            return None;
        }
        *told = Some(now);
        let bytes = ByteSize(self.bytes as u64);
        Some(format!(
            "reads no more for now: services hold {bytes} that the store has not taken, which is all that limits.intake_memory allows; nothing is lost, senders wait"
        ))
    }
}

fn give(room: &mut Room, kib: u32, permit: OwnedSemaphorePermit) {
    room.add((kib as usize) << 10, permit);
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    const MIB: usize = 1 << 20;

    #[tokio::test]
    async fn who_needs_more_than_there_is_waits_and_one_at_a_time_goes_beyond() {
        let budget = Budget::new(4 * MIB);
        let (mut first, mut second, mut third) = (Room::default(), Room::default(), Room::default());
        assert!(budget.try_make(&mut first, 3 * MIB));
        assert!(budget.try_make(&mut first, 2 * MIB), "it has it already");
        assert!(!budget.try_make(&mut second, 2 * MIB));
        budget.make(&mut second, 2 * MIB).await;
        assert!(second.is_beyond() && budget.try_make(&mut second, 100 * MIB));
        {
            let mut waiting = Box::pin(budget.make(&mut third, 2 * MIB));
            assert!(waiting.as_mut().now_or_never().is_none());
            drop(first);
            assert!(waiting.now_or_never().is_some());
        }
        assert_eq!((third.bytes(), third.is_beyond()), (2 * MIB, false));
        drop((second, third));
        assert_eq!((budget.free.available_permits(), budget.beyond.available_permits()), (4 << 10, 1));
    }

    #[tokio::test]
    async fn what_is_larger_than_the_budget_passes_alone() {
        let budget = Budget::new(MIB);
        let (mut large, mut other, mut small) = (Room::default(), Room::default(), Room::default());
        budget.make(&mut large, 9 * MIB).await;
        assert!(large.is_beyond());
        assert!(budget.try_make(&mut small, MIB), "others go on beside it");
        let mut waiting = Box::pin(budget.make(&mut other, 9 * MIB));
        assert!(waiting.as_mut().now_or_never().is_none());
        drop(large);
        assert!(waiting.now_or_never().is_some());
    }

    #[tokio::test]
    async fn those_who_wait_are_served_in_the_order_in_which_they_came() {
        let budget = Arc::new(Budget::new(MIB));
        let (mut all, mut beyond) = (Room::default(), Room::default());
        budget.make(&mut all, MIB).await;
        budget.make(&mut beyond, MIB).await;
        let (told, mut order) = tokio::sync::mpsc::unbounded_channel();
        for (number, bytes) in [(0, MIB), (1, 1), (2, MIB / 2)] {
            let (budget, told) = (budget.clone(), told.clone());
            tokio::spawn(async move {
                let mut room = Room::default();
                budget.make(&mut room, bytes).await;
                told.send(number).expect("somebody listens");
            });
            tokio::task::yield_now().await;
        }
        let mut late = Room::default();
        assert!(!budget.try_make(&mut late, 1), "nobody overtakes");
        drop(all);
        for expected in 0..3 {
            assert_eq!(order.recv().await, Some(expected));
        }
    }

    #[test]
    fn that_services_wait_is_said_once_a_minute() {
        let budget = Budget::new(64 * MIB);
        let said = [0, 1, 59_999, 60_000, 60_001].map(|at| budget.waits(Timestamp(at)).is_some());
        assert_eq!(said, [true, false, false, true, false]);
        assert!(budget.waits(Timestamp(120_000)).unwrap().contains("hold 64MiB that"));
    }
}
