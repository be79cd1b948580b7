//! The queue against a model: whatever the order of pushes, commits, reads and takes, every message
//! is taken exactly once, and in order.

use std::collections::BTreeMap;

use model::{BodyClass, BodyId, BusinessType, MessageBody, MessageHeader, Timestamp};
use proptest::prelude::*;

use super::*;

pub(super) fn message(id: u64, priority: Priority, bytes: usize) -> Message {
    let (name, kind) = (Arc::from("Item"), BusinessType::BusinessOperation);
    let body = Some(BodyId(id));
    let mut header =
        MessageHeader::request(MessageId(id), None, &name, kind, &name, kind, body, Timestamp(0));
    header.priority = priority;
    Message { header, body: MessageBody::new(BodyClass::TEXT, vec![b'x'; bytes]) }
}

/// A store of which a part is committed, and a queue in front of it.
struct World {
    queue: Queue<u64>,
    next: u64,
    committed: u64,
    /// What is not completed.
    stored: BTreeMap<(Priority, MessageId), Message>,
    /// What a read sees: completions may reach the disk late, or, as here, never.
    disk: BTreeMap<(Priority, MessageId), Message>,
    in_hand: Vec<Message>,
    /// What is being read, and whether all of it was committed when that began.
    reading: Option<(Gap<u64>, bool)>,
    /// Ids that were completed, in order.
    done: Vec<(Priority, MessageId)>,
}

impl World {
    fn new(window: QueueWindow, stored: u64) -> Self {
        let messages = (1..=stored).map(|id| message(id, Priority::Async, 10));
        let messages: BTreeMap<_, _> = messages.map(|m| ((m.header.priority, m.header.id), m)).collect();
        World {
            queue: Queue::new(Arc::from("Item"), window, MessageId(stored), stored),
            next: stored,
            committed: stored,
            stored: messages.clone(),
            disk: messages,
            in_hand: Vec::new(),
            reading: None,
            done: Vec::new(),
        }
    }

    fn push(&mut self, count: usize, priority: Priority, bytes: usize) {
        let entries = (0..count).map(|_| {
            self.next += 1;
            let message = message(self.next, priority, bytes);
            self.stored.insert((priority, message.header.id), message.clone());
            self.disk.insert((priority, message.header.id), message.clone());
            Entry::new(message, Some(self.next))
        });
        let entries = entries.collect();
        self.queue.push(entries);
    }

    fn commit(&mut self, count: u64) {
        self.committed = (self.committed + count).min(self.next);
    }

    fn take(&mut self, most: usize) {
        let committed = self.committed;
        if self.in_hand.is_empty() {
            self.in_hand = self.queue.take(most, |seq| *seq <= committed);
        }
    }

    /// Completes the first `count` in hand, and gives the rest back.
    fn settle(&mut self, count: usize) {
        let rest = self.in_hand.split_off(count.min(self.in_hand.len()));
        for message in self.in_hand.drain(..) {
            let key = (message.header.priority, message.header.id);
            assert!(self.stored.remove(&key).is_some(), "message {} was taken twice", key.1);
            self.done.push(key);
        }
        self.queue.give_back(rest.into_iter());
    }

    fn begin_reading(&mut self) {
        if self.reading.is_none() {
            let committed = |gap: &Gap<u64>| gap.seq.is_none_or(|seq| seq <= self.committed);
            self.reading = self.queue.gap().map(|gap| {
                let committed = committed(&gap);
                (gap, committed)
            });
        }
    }

    fn end_reading(&mut self) {
        let Some((gap, was_committed)) = self.reading.take() else { return };
        let mut bytes = 0;
        let behind = self.disk.range((gap.priority, MessageId(gap.after.0 + 1))..);
        let found = behind
            .map(|(_, message)| message)
            .filter(|message| message.header.id.0 <= self.committed)
            .take_while(|message| message.header.priority == gap.priority)
            .take(gap.count)
            .take_while(|message| {
                let first = bytes == 0;
                bytes += message.body.content().len();
                first || bytes <= gap.bytes
            });
        let found: Vec<_> = found.cloned().collect();
        if !found.is_empty() || was_committed {
            self.queue.fill(&gap, found);
        }
    }

    fn finish(&mut self) {
        for _ in 0..10_000 {
            if self.stored.is_empty() {
                break;
            }
            self.commit(u64::MAX / 2);
            self.begin_reading();
            self.end_reading();
            self.take(7);
            self.settle(7);
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Push(usize, Priority, usize),
    Commit(u64),
    Take(usize),
    Settle(usize),
    BeginReading,
    EndReading,
}

fn step() -> impl Strategy<Value = Step> {
    let priority =
        prop_oneof![5 => Just(Priority::Async), 1 => Just(Priority::HighSync), 1 => Just(Priority::Sync)];
    prop_oneof![
        3 => (1usize..12, priority, 1usize..60).prop_map(|(n, p, bytes)| Step::Push(n, p, bytes)),
        2 => (1u64..15).prop_map(Step::Commit),
        3 => (1usize..9).prop_map(Step::Take),
        3 => (0usize..9).prop_map(Step::Settle),
        2 => Just(Step::BeginReading),
        2 => Just(Step::EndReading),
    ]
}

proptest! {
    #[test]
    fn every_message_is_taken_once_and_in_order(
        stored in 0u64..30,
        count in 1usize..8,
        bytes in 20usize..200,
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut world = World::new(QueueWindow { count, bytes }, stored);
        for step in steps {
            match step {
                Step::Push(count, priority, bytes) => world.push(count, priority, bytes),
                Step::Commit(count) => world.commit(count),
                Step::Take(most) => world.take(most),
                Step::Settle(count) => world.settle(count),
                Step::BeginReading => world.begin_reading(),
                Step::EndReading => world.end_reading(),
            }
            prop_assert_eq!(world.queue.depth() as usize, world.stored.len() - world.in_hand.len());
            let lanes = world.queue.lanes();
            for lane in lanes.iter() {
                // Given-back messages come on top: at most one batch.
                prop_assert!(lane.waiting.len() <= count + 9);
            }
        }
        world.settle(0);
        world.finish();
        prop_assert!(world.stored.is_empty(), "left: {:?}", world.stored.keys());
        prop_assert_eq!(world.queue.depth(), 0);
        for priority in Priority::ALL {
            let ids: Vec<_> = world.done.iter().filter(|(p, _)| *p == priority).map(|(_, id)| *id).collect();
            prop_assert!(ids.is_sorted(), "{priority}: {ids:?}");
        }
        prop_assert_eq!(world.done.len() as u64, world.next);
    }
}

#[test]
fn what_is_served_first_overtakes_what_waits() {
    let mut world = World::new(QueueWindow::default(), 0);
    world.begin_reading();
    for _ in Priority::ALL {
        world.end_reading();
        world.begin_reading();
    }
    world.push(3, Priority::Async, 1);
    world.push(2, Priority::HighSync, 1);
    world.commit(9);
    world.take(9);
    let ids: Vec<u64> = world.in_hand.iter().map(|message| message.header.id.0).collect();
    assert_eq!(ids, [4, 5, 1, 2, 3]);
}

#[test]
fn what_is_not_durable_is_not_taken_when_it_has_to_be() {
    let mut world = World::new(QueueWindow::default(), 0);
    for _ in Priority::ALL {
        world.begin_reading();
        world.end_reading();
    }
    world.push(5, Priority::Async, 1);
    world.commit(2);
    assert_eq!(world.queue.front(), Some(Some(1)));
    world.take(9);
    assert_eq!(world.in_hand.len(), 2);
    assert_eq!(world.queue.front(), Some(Some(3)));
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_room_goes_on_when_the_last_of_the_disk_is_read_back() {
    let window = QueueWindow { count: 4, bytes: 1_000 };
    let queue: Queue<u64> = Queue::new(Arc::from("Item"), window, MessageId(0), 0);
    while let Some(gap) = queue.gap() {
        queue.fill(&gap, Vec::new());
    }
    let entry = |id| Entry::new(message(id, Priority::Async, 10), None);
    queue.push((1..=5).map(entry).collect());
    assert_eq!(queue.take(4, |_| true).len(), 4);
    let gap = queue.gap().expect("the fifth is on disk alone");
    let reading = async {
        tokio::task::yield_now().await;
        queue.fill(&gap, vec![message(5, Priority::Async, 10)]);
    };
    tokio::join!(queue.pace(Duration::from_secs(1)), reading);
    assert!(!queue.hopeless.load(Ordering::Relaxed), "it waited in vain");
}
