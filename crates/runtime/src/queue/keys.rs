//! Order by key: several workers at once, and still one after the other what has the same key.
//!
//! A key is busy while a message with it is in the hands of a worker, also while it is held to be tried
//! again. Whoever takes passes over busy keys, and over a key that it has passed over before: so the order
//! of a key is that of its arrival. A message without a key is ordered against all: nothing passes it, and
//! it is worked on alone.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use model::{Message, MessageBody, MessageId};

use super::{Lanes, Queue};

/// How far whoever takes looks, in each lane: a key that is stuck, with this many behind it, stops the rest.
const STRETCH: usize = 1_024;
/// How many keys are worked out at once.
const LEARN: usize = 128;

/// What a message is ordered by; none where it is ordered against all.
pub(crate) type KeyOf = Box<dyn Fn(&MessageBody) -> Option<u64> + Send + Sync>;

/// A message's key, worked out when somebody first comes across it, outside of all locks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    Unknown,
    /// It is ordered against all.
    All,
    Of(u64),
}

/// Who may take what.
pub(super) struct Order {
    key_of: KeyOf,
    /// Locked within the lanes' lock, or alone.
    hands: Mutex<Hands>,
}

/// What workers have in hand.
#[derive(Default)]
struct Hands {
    messages: HashMap<MessageId, Key>,
    /// How many messages of each key.
    busy: HashMap<u64, usize>,
    /// Whether one of them is ordered against all.
    alone: bool,
}

impl Hands {
    fn take(&mut self, message: MessageId, key: Key) {
        self.messages.insert(message, key);
        match key {
            Key::Of(key) => *self.busy.entry(key).or_default() += 1,
            Key::All | Key::Unknown => self.alone = true,
        }
    }

    /// The key of a message that is in hand no more.
    fn release(&mut self, message: MessageId) -> Key {
        let Some(key) = self.messages.remove(&message) else { return Key::Unknown };
        match key {
            Key::Of(key) => {
                if let Some(count) = self.busy.get_mut(&key) {
                    *count -= 1;
                    if *count == 0 {
                        self.busy.remove(&key);
                    }
                }
            }
            Key::All | Key::Unknown => self.alone = false,
        }
        key
    }
}

/// Lane and place of a message.
pub(super) type Spot = (usize, usize);

/// What a look over the lanes came to.
enum Look {
    /// What can be taken, in order.
    Found(Vec<Spot>),
    /// The key of this one has to be known first.
    Unknown(Spot),
}

impl Order {
    pub(super) fn by(key_of: KeyOf) -> Self {
        Order { key_of, hands: Mutex::default() }
    }

    fn hands(&self) -> MutexGuard<'_, Hands> {
        self.hands.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks for up to `most` messages that may be taken, as far as they are `ready`.
    fn look<T>(&self, lanes: &Lanes<T>, most: usize, ready: impl Fn(&T) -> bool) -> Look {
        let hands = self.hands();
        let (mut found, mut passed) = (Vec::new(), HashSet::new());
        for (at, lane) in lanes.iter().enumerate().take_while(|_| !hands.alone) {
            for (place, entry) in lane.waiting.iter().enumerate() {
                let is_ready = entry.seq.as_ref().is_none_or(&ready);
                if found.len() == most || place == STRETCH || !is_ready {
                    return Look::Found(found);
                }
                match entry.key {
                    Key::Unknown => return Look::Unknown((at, place)),
                    Key::Of(key) if passed.contains(&key) => {}
                    Key::Of(key) if hands.busy.contains_key(&key) => {
                        passed.insert(key);
                    }
                    Key::Of(_) => found.push((at, place)),
                    Key::All => {
                        // Nothing passes it, and it passes nothing.
                        if hands.messages.is_empty() && found.is_empty() && passed.is_empty() {
                            found.push((at, place));
                        }
                        return Look::Found(found);
                    }
                }
            }
            // What this lane has on disk comes before what the next one has in memory.
            if lane.spill.is_some() {
                break;
            }
        }
        Look::Found(found)
    }

    /// Takes what was found.
    pub(super) fn pull<T>(&self, lanes: &mut Lanes<T>, found: Vec<Spot>) -> Vec<Message> {
        let mut hands = self.hands();
        let mut taken = Vec::with_capacity(found.len());
        for lot in found.chunk_by(|one, next| one.0 == next.0) {
            let lane = &mut lanes[lot[0].0];
            let last = lot[lot.len() - 1].1;
            let mut wanted = lot.iter().map(|(_, place)| *place).peekable();
            let mut passed = Vec::new();
            for place in 0..=last {
                let Some(entry) = lane.pop() else { break };
                if wanted.next_if_eq(&place).is_some() {
                    hands.take(entry.message.header.id, entry.key);
                    taken.push(entry.message);
                } else {
                    passed.push(entry);
                }
            }
            passed.into_iter().rev().for_each(|entry| lane.put_first(entry));
        }
        taken
    }

    /// These are in hand no more. Says their keys.
    pub(super) fn release(&self, messages: impl Iterator<Item = MessageId>) -> Vec<Key> {
        let mut hands = self.hands();
        messages.map(|message| hands.release(message)).collect()
    }
}

impl<T: Clone> Queue<T> {
    /// The lanes, with up to `most` messages in them that may be taken, as far as they are `ready`.
    pub(super) fn find(
        &self,
        order: &Order,
        most: usize,
        ready: impl Fn(&T) -> bool,
    ) -> (MutexGuard<'_, Lanes<T>>, Vec<Spot>) {
        loop {
            let lanes = self.lanes();
            let (lane, place) = match order.look(&lanes, most, &ready) {
                Look::Found(found) => return (lanes, found),
                Look::Unknown(spot) => spot,
            };
            let unknown = lanes[lane].waiting.range(place..).filter(|entry| entry.key == Key::Unknown);
            let unknown = unknown.take(LEARN).map(|entry| &entry.message);
            let bodies: Vec<_> = unknown.map(|message| (message.header.id, message.body.clone())).collect();
            drop(lanes);
            self.learn(order, lane, bodies);
        }
    }

    /// Works out keys and notes them, wherever the messages stand by now.
    fn learn(&self, order: &Order, lane: usize, bodies: Vec<(MessageId, MessageBody)>) {
        let known =
            bodies.into_iter().map(|(id, body)| (id, (order.key_of)(&body).map_or(Key::All, Key::Of)));
        let known: Vec<_> = known.collect();
        let waiting = &mut self.lanes()[lane].waiting;
        for (id, key) in known {
            // Others may have taken it meanwhile.
            if let Ok(place) = waiting.binary_search_by_key(&id, |entry| entry.message.header.id) {
                waiting[place].key = key;
            }
        }
    }

    /// Messages that were taken are done: their keys are free.
    pub(crate) fn done(&self, messages: &[MessageId]) {
        if let Some(order) = &self.order
            && !messages.is_empty()
        {
            order.release(messages.iter().copied());
            self.arrived.notify_one();
        }
    }

    /// Whether it keeps account of what is in hand, and so has to be told what is done.
    pub(crate) fn is_ordered(&self) -> bool {
        self.order.is_some()
    }
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
