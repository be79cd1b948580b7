//! Several workers on one queue with keys, against what is promised: for each key and priority the order
//! of arrival, a message without a key alone, each message once.

use std::collections::{BTreeMap, BTreeSet};

use model::Priority;
use proptest::prelude::*;

use super::super::{Entry, QueueWindow, tests::message};
use super::*;

/// The key is the length of the body; 1 is none.
fn key_of(message: &Message) -> Option<usize> {
    Some(message.body.content().len()).filter(|length| *length > 1)
}

struct World {
    queue: Queue<u64>,
    next: u64,
    /// What is not done, by priority and id.
    open: BTreeMap<(Priority, MessageId), Message>,
    hands: Vec<Vec<Message>>,
    done: u64,
    most_at_once: usize,
}

impl World {
    fn new(window: QueueWindow, workers: usize) -> Self {
        let key_of: KeyOf = Box::new(|body| Some(body.content().len() as u64).filter(|length| *length > 1));
        let queue =
            Queue::new(std::sync::Arc::from("Item"), window, MessageId(0), 0).ordered_by(Some(key_of));
        World {
            queue,
            next: 0,
            open: BTreeMap::new(),
            hands: vec![Vec::new(); workers],
            done: 0,
            most_at_once: 0,
        }
    }

    fn push(&mut self, keys: &[usize], priority: Priority) {
        let mut entries = Vec::new();
        for key in keys {
            self.next += 1;
            let message = message(self.next, priority, *key);
            self.open.insert((priority, message.header.id), message.clone());
            entries.push(Entry::new(message, None));
        }
        self.queue.push(entries);
    }

    /// Everything is on disk at once.
    fn refill(&mut self) {
        while let Some(gap) = self.queue.gap() {
            let behind = self.open.range((gap.priority, MessageId(gap.after.0 + 1))..);
            let of_lane = behind.map(|(_, message)| message);
            let of_lane = of_lane.take_while(|message| message.header.priority == gap.priority);
            let found = of_lane.take(gap.count).cloned().collect();
            self.queue.fill(&gap, found);
        }
    }

    fn take(&mut self, worker: usize, most: usize) {
        if !self.hands[worker].is_empty() {
            return;
        }
        let promised = self.queue.front().is_some();
        let taken = self.queue.take(most, |_| true);
        assert_eq!(promised, !taken.is_empty(), "what can be taken is taken, and nothing else is promised");
        let in_hand: Vec<Message> = self.hands.iter().flatten().cloned().collect();
        let mine: BTreeSet<MessageId> = taken.iter().map(|message| message.header.id).collect();
        for message in &taken {
            let (priority, id, key) = (message.header.priority, message.header.id, key_of(message));
            let before = self.open.range(..(priority, id)).map(|(_, message)| message);
            for other in before.filter(|other| !mine.contains(&other.header.id)) {
                let other_key = key_of(other);
                assert!(key.is_some() && other_key.is_some() && key != other_key, "{id} passed another");
            }
            assert!(
                in_hand.iter().all(|other| key.is_some() && key_of(other).is_some() && key_of(other) != key)
            );
            assert!(key.is_some() || taken.len() == 1, "{id} is not alone");
        }
        for priority in Priority::ALL {
            let ids = taken.iter().filter(|message| message.header.priority == priority);
            assert!(ids.map(|message| message.header.id).is_sorted(), "a batch is in order");
        }
        self.hands[worker] = taken;
        self.most_at_once = self.most_at_once.max(self.hands.iter().filter(|hand| !hand.is_empty()).count());
    }

    /// Ends the first `count` of a worker, holds the next one if asked to, and gives the rest back.
    fn settle(&mut self, worker: usize, count: usize, hold: bool) {
        let mut hand = std::mem::take(&mut self.hands[worker]);
        let mut rest = hand.split_off(count.min(hand.len()));
        let done: Vec<MessageId> = hand.iter().map(|message| message.header.id).collect();
        for message in hand {
            let known = self.open.remove(&(message.header.priority, message.header.id));
            assert!(known.is_some(), "{} was taken twice", message.header.id);
            self.done += 1;
        }
        if hold && !rest.is_empty() {
            self.hands[worker].push(rest.remove(0));
        }
        self.queue.give_back(rest.into_iter());
        self.queue.done(&done);
    }
}

#[derive(Debug, Clone)]
enum Step {
    Push(Vec<usize>, Priority),
    Take(usize, usize),
    Settle(usize, usize, bool),
    Refill,
}

fn step() -> impl Strategy<Value = Step> {
    let priority = prop_oneof![6 => Just(Priority::Async), 1 => Just(Priority::HighSync)];
    let key = prop_oneof![9 => 2usize..8, 1 => Just(1usize)];
    prop_oneof![
        3 => (prop::collection::vec(key, 1..10), priority).prop_map(|(keys, p)| Step::Push(keys, p)),
        4 => (0usize..4, 1usize..5).prop_map(|(worker, most)| Step::Take(worker, most)),
        3 => (0usize..4, 0usize..5, any::<bool>()).prop_map(|(w, count, hold)| Step::Settle(w, count, hold)),
        2 => Just(Step::Refill),
    ]
}

proptest! {
    #[test]
    fn several_workers_keep_the_order_of_each_key(
        count in 2usize..30,
        steps in prop::collection::vec(step(), 1..150),
    ) {
        let mut world = World::new(QueueWindow { count, bytes: 10_000 }, 4);
        world.refill();
        for step in steps {
            match step {
                Step::Push(keys, priority) => world.push(&keys, priority),
                Step::Take(worker, most) => world.take(worker, most),
                Step::Settle(worker, count, hold) => world.settle(worker, count, hold),
                Step::Refill => world.refill(),
            }
            let in_hand: usize = world.hands.iter().map(Vec::len).sum();
            prop_assert_eq!(world.queue.depth() as usize, world.open.len() - in_hand);
        }
        for _ in 0..10_000 {
            world.refill();
            for worker in 0..4 {
                world.take(worker, 3);
                world.settle(worker, 3, false);
            }
            if world.open.is_empty() {
                break;
            }
        }
        prop_assert!(world.open.is_empty(), "left: {:?}", world.open.keys());
        prop_assert_eq!((world.done, world.queue.depth()), (world.next, 0));
        let order = world.queue.order.as_ref().expect("an order");
        prop_assert!(order.hands().messages.is_empty() && order.hands().busy.is_empty());
    }
}

#[test]
fn workers_share_the_keys_and_what_is_stuck_holds_up_its_own_key_alone() {
    let mut world = World::new(QueueWindow::default(), 3);
    world.refill();
    world.push(&[2, 2, 3, 2, 4, 3], Priority::Async);
    world.take(0, 1);
    world.take(1, 2);
    let ids = |hand: &[Message]| hand.iter().map(|message| message.header.id.0).collect::<Vec<_>>();
    assert_eq!((ids(&world.hands[0]), ids(&world.hands[1])), (vec![1], vec![3, 5]));
    world.settle(1, 2, false);
    world.settle(0, 0, true);
    world.take(1, 9);
    assert_eq!((ids(&world.hands[0]), ids(&world.hands[1])), (vec![1], vec![6]), "2 and 4 wait for 1");
    world.settle(0, 1, false);
    world.take(0, 9);
    assert_eq!(ids(&world.hands[0]), [2, 4]);
    assert_eq!(world.most_at_once, 2);
}

#[test]
fn nothing_passes_a_message_without_a_key() {
    let mut world = World::new(QueueWindow::default(), 2);
    world.refill();
    world.push(&[2, 1, 3], Priority::Async);
    world.take(0, 9);
    world.take(1, 9);
    assert_eq!((world.hands[0].len(), world.hands[1].len()), (1, 0));
    world.settle(0, 1, false);
    world.take(0, 9);
    assert_eq!(world.hands[0][0].header.id, MessageId(2));
    world.settle(0, 0, true);
    world.take(1, 9);
    assert!(world.hands[1].is_empty(), "it is held, and all wait");
    world.settle(0, 1, false);
    world.take(1, 9);
    assert_eq!(world.hands[1][0].header.id, MessageId(3));
}

#[test]
fn a_stuck_key_is_passed_as_far_as_one_looks() {
    let mut world = World::new(QueueWindow::default(), 2);
    world.refill();
    world.push(&[2; STRETCH], Priority::Async);
    world.push(&[3], Priority::Async);
    world.take(0, 1);
    world.take(1, 1);
    assert_eq!(world.hands[1][0].header.id, MessageId(STRETCH as u64 + 1));
    world.push(&[2, 4], Priority::Async);
    world.settle(1, 1, false);
    world.take(1, 1);
    assert!(world.hands[1].is_empty(), "what stands further behind has to wait");
}
