//! The line of changes that wait for the writer, and of those who wait for their commit.
//!
//! Everything here is under short locks. There is no timer and no smallest group: the writer takes
//! what waits the moment it is free. Only a line of nothing but lazy changes waits a little.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, oneshot};

use crate::{Change, Ids, Permit, Seq, StoreError};

/// A group's bounds: what one commit holds in memory, and how long it keeps the others waiting.
const GROUP_CHANGES: usize = 4_096;
const GROUP_BYTES: usize = 2 << 20;
/// How long completions and events alone wait for something that has to be committed anyway.
const LAZY_WAIT: Duration = Duration::from_millis(5);
/// What may be on its way to the ledger, in KiB: about a group that is written and one that gathers.
/// More only makes those wait longer who come behind a flood.
const ROOM_KIB: u32 = 8 << 10;

/// A change in the line.
pub(crate) struct Pending {
    pub(crate) seq: u64,
    pub(crate) change: Change,
    pub(crate) permit: Option<Permit>,
    cost: usize,
    lazy: bool,
}

impl Pending {
    /// About what it takes in memory without having asked for room.
    fn unreserved(&self) -> usize {
        if self.permit.is_some() { 0 } else { self.cost + size_of::<Pending>() }
    }
}

/// What the writer is waiting for, so that nobody wakes it for less.
#[derive(Clone, Copy, PartialEq)]
enum Idle {
    No,
    ForAnything,
    ForUrgent,
}

struct Gate {
    ids: Ids,
    /// Bounded by the room that permits stand for, and by [`Gate::unreserved`] as far as who submits looks.
    waiting: VecDeque<Pending>,
    urgent: usize,
    /// About the bytes of what waits and came without a permit.
    unreserved: usize,
    idle: Idle,
    closing: bool,
}

struct Waiters {
    /// One for each task that waits; those that gave up go with the commit.
    by_seq: BTreeMap<u64, Vec<oneshot::Sender<()>>>,
    ended: bool,
}

/// The line between all who submit and the one writer.
pub(crate) struct Line {
    gate: Mutex<Gate>,
    work: Condvar,
    durable: AtomicU64,
    waiters: Mutex<Waiters>,
    room: Arc<Semaphore>,
    trouble: Mutex<Option<String>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Line {
    pub(crate) fn new(ids: Ids) -> Self {
        Line {
            gate: Mutex::new(Gate {
                ids,
                waiting: VecDeque::new(),
                urgent: 0,
                unreserved: 0,
                idle: Idle::No,
                closing: false,
            }),
            work: Condvar::new(),
            durable: AtomicU64::new(0),
            waiters: Mutex::new(Waiters { by_seq: BTreeMap::new(), ended: false }),
            room: Arc::new(Semaphore::new(ROOM_KIB as usize)),
            trouble: Mutex::new(None),
        }
    }

    /// Room for a change of that many bytes; a giant one takes all there is and goes alone.
    pub(crate) async fn reserve(&self, bytes: usize) -> Permit {
        let kib = u32::try_from(bytes >> 10).unwrap_or(ROOM_KIB).saturating_add(1).min(ROOM_KIB);
        // Fails only when the line has ended; then nothing waits for room any more.
        Permit(self.room.clone().acquire_many_owned(kib).await.ok())
    }

    pub(crate) fn submit<R>(
        &self,
        permit: Option<Permit>,
        build: impl FnOnce(&mut Ids) -> (Change, R),
    ) -> (Seq, R) {
        let mut gate = lock(&self.gate);
        gate.ids.seq += 1;
        let seq = gate.ids.seq();
        let (change, result) = build(&mut gate.ids);
        if gate.closing {
            return (seq, result);
        }
        let lazy = change.is_lazy();
        gate.urgent += usize::from(!lazy);
        let pending = Pending { seq: seq.0, cost: change.cost(), change, permit, lazy };
        gate.unreserved += pending.unreserved();
        gate.waiting.push_back(pending);
        let wake = match gate.idle {
            Idle::No => false,
            Idle::ForAnything => true,
            Idle::ForUrgent => !lazy || gate.waiting.len() >= GROUP_CHANGES,
        };
        if wake {
            gate.idle = Idle::No;
            drop(gate);
            self.work.notify_one();
        }
        (seq, result)
    }

    /// The next group, in order; none when the line is closing and empty.
    pub(crate) fn take(&self) -> Option<Vec<Pending>> {
        let mut gate = lock(&self.gate);
        // Not at once asleep for good: what comes next is most often a completion of what was just
        // committed, and to be woken for that alone costs more than it is worth.
        let mut lazy_until = Some(Instant::now() + LAZY_WAIT);
        while gate.urgent == 0 && gate.waiting.len() < GROUP_CHANGES && !gate.closing {
            let left = lazy_until.map(|until| until.saturating_duration_since(Instant::now()));
            gate = match left {
                Some(left) if !left.is_zero() => {
                    gate.idle = Idle::ForUrgent;
                    self.work.wait_timeout(gate, left).unwrap_or_else(PoisonError::into_inner).0
                }
                Some(_) if !gate.waiting.is_empty() => break,
                _ => {
                    gate.idle = Idle::ForAnything;
                    let gate = self.work.wait(gate).unwrap_or_else(PoisonError::into_inner);
                    lazy_until = Some(Instant::now() + LAZY_WAIT);
                    gate
                }
            };
        }
        if gate.waiting.is_empty() {
            return None;
        }
        gate.idle = Idle::No;
        Some(cut(&mut gate))
    }

    /// Waits before the next try of a group that could not be committed; less when closing.
    pub(crate) fn pause(&self, pause: Duration) {
        let gate = lock(&self.gate);
        if !gate.closing {
            // Woken early by `close` only: `idle` is not set, so submitting wakes nobody.
            drop(self.work.wait_timeout(gate, pause).unwrap_or_else(PoisonError::into_inner));
        }
    }

    pub(crate) fn is_closing(&self) -> bool {
        lock(&self.gate).closing
    }

    pub(crate) fn waiting(&self) -> usize {
        lock(&self.gate).waiting.len()
    }

    /// About the bytes of what waits and came without a permit.
    pub(crate) fn unreserved(&self) -> usize {
        lock(&self.gate).unreserved
    }

    pub(crate) fn close(&self) {
        lock(&self.gate).closing = true;
        self.work.notify_all();
    }

    /// Everything up to this is committed and synced.
    pub(crate) fn publish(&self, seq: u64) {
        self.durable.store(seq, Ordering::Release);
        let done = {
            let mut waiters = lock(&self.waiters);
            let later = waiters.by_seq.split_off(&(seq + 1));
            std::mem::replace(&mut waiters.by_seq, later)
        };
        for waiter in done.into_values().flatten() {
            // One that does not wait any more need not know.
            let _gone = waiter.send(());
        }
    }

    /// Nothing more will be committed.
    pub(crate) fn end(&self) {
        self.close();
        lock(&self.gate).waiting.clear();
        let mut waiters = lock(&self.waiters);
        waiters.ended = true;
        waiters.by_seq.clear();
        self.room.close();
    }

    pub(crate) fn is_durable(&self, seq: Seq) -> bool {
        seq.0 <= self.durable.load(Ordering::Acquire)
    }

    pub(crate) fn newest_durable(&self) -> Seq {
        Seq(self.durable.load(Ordering::Acquire))
    }

    pub(crate) async fn durable(&self, seq: Seq) -> Result<(), StoreError> {
        let waiter = {
            let mut waiters = lock(&self.waiters);
            // Looked at under the lock: `publish` stores first and takes the lock then.
            if self.is_durable(seq) {
                return Ok(());
            }
            if waiters.ended {
                return Err(self.closed());
            }
            let (done, waiter) = oneshot::channel();
            waiters.by_seq.entry(seq.0).or_default().push(done);
            waiter
        };
        waiter.await.map_err(|_| self.closed())
    }

    pub(crate) fn closed(&self) -> StoreError {
        StoreError::Closed { reason: self.trouble() }
    }

    pub(crate) fn trouble(&self) -> Option<String> {
        lock(&self.trouble).clone()
    }

    pub(crate) fn set_trouble(&self, trouble: Option<String>) {
        *lock(&self.trouble) = trouble;
    }
}

/// Takes from the front as much as one group may hold, one change at least.
fn cut(gate: &mut Gate) -> Vec<Pending> {
    let mut bytes = 0;
    let mut count = 0;
    for pending in gate.waiting.iter().take(GROUP_CHANGES) {
        bytes += pending.cost;
        if count > 0 && bytes > GROUP_BYTES {
            break;
        }
        count += 1;
    }
    let group: Vec<Pending> = gate.waiting.drain(..count).collect();
    gate.unreserved -= group.iter().map(Pending::unreserved).sum::<usize>();
    gate.urgent -= group.iter().filter(|pending| !pending.lazy).count();
    group
}
