//! One item's queue: a bounded window in memory, the rest on disk alone.
//!
//! Messages are pushed while the ledger's lock is held, so a lane's order is the order of ids and of
//! commits. When the window is full, messages are left to the disk and the lane is *spilled*: from then
//! on nothing enters it by a push, until it was read back up to the last message it left out. What has
//! been in the window is never read back, since reading begins behind the last one that was.

mod keys;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::{Message, MessageId, Priority};
use tokio::sync::Notify;

use keys::{Key, Order};

pub(crate) use keys::KeyOf;

/// How much of a queue is held in memory.
#[derive(Debug, Clone, Copy)]
pub struct QueueWindow {
    /// Messages, of each priority.
    pub count: usize,
    /// Bytes of their bodies, of each priority; one message may be larger.
    pub bytes: usize,
}

impl Default for QueueWindow {
    fn default() -> Self {
        QueueWindow { count: 16_384, bytes: 12 << 20 }
    }
}

/// A message on its queue. `T` is the place of the change that created it: a [`store::Seq`].
pub(crate) struct Entry<T> {
    pub(crate) message: Message,
    /// The change that created it; none when that is known to be durable.
    pub(crate) seq: Option<T>,
    /// What it is ordered by, where the queue is.
    key: Key,
}

impl<T> Entry<T> {
    /// A message, with the change that created it where that may not be durable.
    pub(crate) fn new(message: Message, seq: Option<T>) -> Self {
        Entry { message, seq, key: Key::Unknown }
    }
}

/// What a lane left to the disk.
struct Spill<T> {
    /// The last message left out.
    last: MessageId,
    /// The change that created it; none when that is known to be durable.
    seq: Option<T>,
}

/// The messages of one priority, in the order of their arrival.
struct Lane<T> {
    waiting: VecDeque<Entry<T>>,
    bytes: usize,
    /// The last message that was ever in the window.
    last: MessageId,
    spill: Option<Spill<T>>,
}

impl<T> Lane<T> {
    fn has_room(&self, window: QueueWindow) -> bool {
        self.waiting.is_empty() || (self.waiting.len() < window.count && self.bytes < window.bytes)
    }

    fn append(&mut self, entry: Entry<T>) {
        self.last = entry.message.header.id;
        self.bytes += size(&entry);
        self.waiting.push_back(entry);
    }

    fn pop(&mut self) -> Option<Entry<T>> {
        let entry = self.waiting.pop_front()?;
        self.bytes -= size(&entry);
        Some(entry)
    }

    fn put_first(&mut self, entry: Entry<T>) {
        self.bytes += size(&entry);
        self.waiting.push_front(entry);
    }
}

fn size<T>(entry: &Entry<T>) -> usize {
    entry.message.body.content().len()
}

/// A stretch of a lane that has to be read back from the store.
pub(crate) struct Gap<T> {
    pub(crate) priority: Priority,
    /// Everything behind this one is on disk alone.
    pub(crate) after: MessageId,
    /// The last one that was left out when the gap was looked at.
    last: MessageId,
    /// When all of the gap is committed; none when it is.
    pub(crate) seq: Option<T>,
    /// How many to read.
    pub(crate) count: usize,
    /// How many bytes to read.
    pub(crate) bytes: usize,
}

/// One lane for each priority, in the order in which they are served.
type Lanes<T> = [Lane<T>; Priority::ALL.len()];

/// One item's queue.
pub(crate) struct Queue<T> {
    pub(crate) name: Arc<str>,
    window: QueueWindow,
    /// By what several workers keep the order; none where there is one, or no order.
    order: Option<Order>,
    lanes: Mutex<Lanes<T>>,
    /// Messages that wait, in memory and on disk.
    depth: AtomicU64,
    /// Messages that a worker holds, to try them again: the first of the queue.
    held: AtomicU64,
    arrived: Notify,
    low: Notify,
    /// Whether those who send wait for room no more, since nobody makes any.
    hopeless: AtomicBool,
    roomy: Notify,
}

impl<T: Clone> Queue<T> {
    /// A queue with nothing in memory. What the store holds of it up to and including `last` is yet to
    /// be read back; it holds `stored` messages.
    pub(crate) fn new(name: Arc<str>, window: QueueWindow, last: MessageId, stored: u64) -> Self {
        let lane = || Lane {
            waiting: VecDeque::new(),
            bytes: 0,
            last: MessageId(0),
            spill: Some(Spill { last, seq: None }),
        };
        Queue {
            name,
            window,
            order: None,
            lanes: Mutex::new(std::array::from_fn(|_| lane())),
            depth: AtomicU64::new(stored),
            held: AtomicU64::new(0),
            arrived: Notify::new(),
            low: Notify::new(),
            hopeless: AtomicBool::new(false),
            roomy: Notify::new(),
        }
    }

    /// The same queue, ordered by a key.
    pub(crate) fn ordered_by(mut self, key_of: Option<KeyOf>) -> Self {
        self.order = key_of.map(Order::by);
        self
    }

    fn lanes(&self) -> MutexGuard<'_, Lanes<T>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many messages wait: in memory, on disk, and held to be tried again.
    pub(crate) fn depth(&self) -> u64 {
        self.depth.load(Ordering::Relaxed) + self.held.load(Ordering::Relaxed)
    }

    /// A worker holds a message that it took, to try it again: it still waits.
    pub(crate) fn hold(&self) {
        self.held.fetch_add(1, Ordering::Relaxed);
    }

    /// A worker holds a message no more.
    pub(crate) fn release(&self) {
        self.held.fetch_sub(1, Ordering::Relaxed);
    }

    /// Waits a moment while the window is more than half full, so that what comes goes through memory
    /// and not over the disk. Bounded by `patience`, and given up until the queue is short again once it
    /// was in vain: a slow target slows nobody.
    pub(crate) async fn pace(&self, patience: Duration) {
        if self.is_short() {
            self.hopeless.store(false, Ordering::Relaxed);
        } else if !self.hopeless.load(Ordering::Relaxed) {
            let short = async {
                loop {
                    let roomy = self.roomy.notified();
                    if self.is_short() {
                        break;
                    }
                    roomy.await;
                }
            };
            if tokio::time::timeout(patience, short).await.is_err() {
                self.hopeless.store(true, Ordering::Relaxed);
            }
        }
    }

    /// Whether at most half of the window is taken, and nothing is on disk alone.
    fn is_short(&self) -> bool {
        self.lanes().iter().all(|lane| {
            lane.spill.is_none()
                && lane.waiting.len() <= self.window.count / 2
                && lane.bytes <= self.window.bytes / 2
        })
    }

    /// Puts new messages at the end. Their ids are larger than any before.
    pub(crate) fn push(&self, entries: Vec<Entry<T>>) {
        let count = entries.len() as u64;
        let mut lanes = self.lanes();
        for entry in entries {
            let lane = &mut lanes[lane_of(entry.message.header.priority)];
            if lane.spill.is_none() && lane.has_room(self.window) {
                lane.append(entry);
            } else {
                lane.spill = Some(Spill { last: entry.message.header.id, seq: entry.seq });
            }
        }
        self.depth.fetch_add(count, Ordering::Relaxed);
        drop(lanes);
        self.arrived.notify_one();
    }

    /// Puts messages back that were taken, each at its old place.
    pub(crate) fn give_back(&self, messages: impl DoubleEndedIterator<Item = Message>) {
        let messages: Vec<Message> = messages.rev().collect();
        let ids = messages.iter().map(|message| message.header.id);
        let mut lanes = self.lanes();
        let mut keys = self.order.as_ref().map(|order| order.release(ids)).into_iter().flatten();
        let count = messages.len() as u64;
        for message in messages {
            let key = keys.next().unwrap_or(Key::Unknown);
            let lane = &mut lanes[lane_of(message.header.priority)];
            let id = message.header.id;
            let place = lane.waiting.partition_point(|other| other.message.header.id < id);
            let entry = Entry { message, seq: None, key };
            lane.bytes += size(&entry);
            lane.waiting.insert(place, entry);
        }
        self.depth.fetch_add(count, Ordering::Relaxed);
        drop(lanes);
        if count > 0 {
            self.arrived.notify_one();
        }
    }

    /// Takes up to `most` messages from the front, as far as they are `ready`.
    pub(crate) fn take(&self, most: usize, ready: impl Fn(&T) -> bool) -> Vec<Message> {
        let (lanes, taken) = match &self.order {
            None => {
                let mut lanes = self.lanes();
                let taken = from_front(&mut lanes, most, ready);
                (lanes, taken)
            }
            Some(order) => {
                let (mut lanes, found) = self.find(order, most, ready);
                let taken = order.pull(&mut lanes, found);
                (lanes, taken)
            }
        };
        self.depth.fetch_sub(taken.len() as u64, Ordering::Relaxed);
        let low = lanes.iter().any(|lane| self.is_low(lane));
        let more = lanes.iter().any(|lane| !lane.waiting.is_empty());
        drop(lanes);
        if low {
            self.low.notify_one();
        }
        if !taken.is_empty() {
            self.roomy.notify_waiters();
        }
        // One wake-up was for all that arrived; other workers of the item hear of the rest.
        if more && !taken.is_empty() {
            self.arrived.notify_one();
        }
        taken
    }

    /// The change of the first message that can be taken; none when none can be yet.
    pub(crate) fn front(&self) -> Option<Option<T>> {
        if let Some(order) = &self.order {
            let (lanes, found) = self.find(order, 1, |_| true);
            let (lane, place) = *found.first()?;
            return lanes[lane].waiting.get(place).map(|entry| entry.seq.clone());
        }
        let lanes = self.lanes();
        for lane in lanes.iter() {
            if let Some(entry) = lane.waiting.front() {
                return Some(entry.seq.clone());
            }
            if lane.spill.is_some() {
                return None;
            }
        }
        None
    }

    /// The newest message that was put there with that priority.
    pub(crate) fn newest(&self, priority: Priority) -> MessageId {
        let lane = &self.lanes()[lane_of(priority)];
        lane.spill.as_ref().map_or(lane.last, |spill| spill.last.max(lane.last))
    }

    /// Whether all messages of that priority have been taken, up to and including this one.
    pub(crate) fn is_past(&self, priority: Priority, id: MessageId) -> bool {
        let lane = &self.lanes()[lane_of(priority)];
        match lane.waiting.front() {
            Some(first) => first.message.header.id > id,
            None => lane.spill.is_none() || lane.last >= id,
        }
    }

    /// Returns when something may have arrived.
    pub(crate) async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// Returns when there may be room for what is on disk.
    pub(crate) async fn low(&self) {
        self.low.notified().await;
    }

    fn is_low(&self, lane: &Lane<T>) -> bool {
        lane.spill.is_some()
            && lane.waiting.len() <= self.window.count / 2
            && lane.bytes <= self.window.bytes / 2
    }

    /// The first stretch that has to be read back and has room.
    pub(crate) fn gap(&self) -> Option<Gap<T>> {
        let lanes = self.lanes();
        let (lane, priority) = lanes.iter().zip(Priority::ALL).find(|(lane, _)| self.is_low(lane))?;
        let spill = lane.spill.as_ref()?;
        Some(Gap {
            priority,
            after: lane.last,
            last: spill.last,
            seq: spill.seq.clone(),
            count: (self.window.count - lane.waiting.len().min(self.window.count)).max(1),
            bytes: (self.window.bytes - lane.bytes.min(self.window.bytes)).max(1),
        })
    }

    /// Puts in what was read for `gap`: it begins behind [`Gap::after`] and leaves none out between, but
    /// may end early. Nothing at all may only be put in when the gap's change was durable before it was
    /// read. There is one reader of gaps.
    pub(crate) fn fill(&self, gap: &Gap<T>, found: Vec<Message>) {
        let mut lanes = self.lanes();
        let lane = &mut lanes[lane_of(gap.priority)];
        let nothing = found.is_empty();
        for message in found {
            lane.append(Entry::new(message, None));
        }
        let Some(spill) = &lane.spill else { return };
        // Nothing behind `after` although all of it was durable: what was left out has been taken
        // care of otherwise, unless more was left out since.
        if lane.last >= spill.last || (nothing && spill.last == gap.last) {
            lane.spill = None;
        }
        if lanes.iter().all(|lane| lane.spill.is_none()) {
            let waiting: usize = lanes.iter().map(|lane| lane.waiting.len()).sum();
            self.depth.store(waiting as u64, Ordering::Relaxed);
        }
        let more = lanes.iter().any(|lane| self.is_low(lane));
        drop(lanes);
        if more {
            self.low.notify_one();
        }
        self.roomy.notify_waiters();
        if !nothing || !more {
            self.arrived.notify_one();
        }
    }
}

/// Takes up to `most` messages from the front, as far as they are `ready`.
fn from_front<T>(lanes: &mut Lanes<T>, most: usize, ready: impl Fn(&T) -> bool) -> Vec<Message> {
    let mut taken = Vec::new();
    for lane in lanes.iter_mut() {
        while taken.len() < most
            && lane.waiting.front().is_some_and(|entry| entry.seq.as_ref().is_none_or(&ready))
            && let Some(entry) = lane.pop()
        {
            taken.push(entry.message);
        }
        // What this lane has on disk comes before what the next one has in memory.
        if !lane.waiting.is_empty() || lane.spill.is_some() {
            break;
        }
    }
    taken
}

fn lane_of(priority: Priority) -> usize {
    match priority {
        Priority::HighSync => 0,
        Priority::Sync => 1,
        Priority::SimSync => 2,
        Priority::Async => 3,
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
