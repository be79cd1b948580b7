//! Order, groups, durability and back-pressure.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};

use model::{MessageStatus, Timestamp};
use orris_store::{Change, StoreError};

use crate::support::{Store, block_on, message, update, updates, wait_for};

#[test]
fn ids_grow_in_the_order_of_the_changes_and_go_on_after_reopening() {
    let mut store = Store::new();
    let first = store.commit(|ids| message(ids, "to", "a"));
    let second = store.commit(|ids| message(ids, "to", "b"));
    assert!(second > first);
    store.reopen();
    let third = store.commit(|ids| message(ids, "to", "c"));
    assert_eq!(third.0, second.0 + 1);
    let window = store.reader().window("to", None, 10, 1 << 20).unwrap();
    let contents: Vec<_> = window.iter().map(|(_, body)| body.content().clone()).collect();
    assert_eq!(contents, ["a", "b", "c"]);
}

#[test]
fn a_change_knows_its_place_while_it_is_made() {
    let store = Store::new();
    for text in ["a", "b"] {
        let (seq, within) = store.ledger.submit(None, |ids| (message(ids, "to", text).0, ids.seq()));
        assert_eq!(seq, within);
    }
    store.ledger.close().unwrap();
    let (seq, within) = store.ledger.submit(None, |ids| (message(ids, "to", "late").0, ids.seq()));
    assert_eq!(seq, within);
    assert!(!store.ledger.is_durable(within) && block_on(store.ledger.durable(within)).is_err());
}

#[test]
fn many_submitters_get_one_order_and_few_groups() {
    let store = Store::new();
    let start = Barrier::new(4);
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                start.wait();
                let mut last = None;
                for _ in 0..500 {
                    let (seq, _) = store.ledger.submit(None, |ids| message(ids, "to", "x"));
                    assert!(last < Some(seq));
                    last = Some(seq);
                }
                block_on(store.ledger.durable(last.unwrap())).unwrap();
            });
        }
    });
    let stats = store.ledger.stats();
    assert_eq!((stats.changes, stats.headers, stats.bodies, stats.waiting), (2_000, 2_000, 2_000, 0));
    assert!(stats.groups < 1_000, "{} groups", stats.groups);
    assert_eq!(store.reader().queues().unwrap()[0].count, 2_000);
}

#[test]
fn a_durable_change_is_on_disk_for_others_to_see() {
    let store = Store::new();
    for at in 0..50 {
        let (seq, id) = store.ledger.submit(None, |ids| message(ids, "to", "x"));
        block_on(store.ledger.durable(seq)).unwrap();
        assert!(store.ledger.is_durable(seq));
        assert!(store.reader().header(id).unwrap().is_some(), "message {at}");
    }
}

#[test]
fn a_lazy_change_is_committed_by_itself_in_the_end() {
    let store = Store::new();
    let id = store.commit(|ids| message(ids, "to", "x"));
    store.commit(|_| updates(vec![update(id, MessageStatus::Completed)]));
    assert_eq!(store.reader().header(id).unwrap().unwrap().status, MessageStatus::Completed);
}

#[test]
fn a_header_done_within_its_group_is_complete() {
    let store = Store::new();
    let mut last = None;
    for _ in 0..200 {
        let (_, id) = store.ledger.submit(None, |ids| message(ids, "to", "x"));
        last = Some(store.ledger.submit(None, |_| updates(vec![update(id, MessageStatus::Completed)])).0);
    }
    block_on(store.ledger.durable(last.unwrap())).unwrap();
    let reader = store.reader();
    assert_eq!(reader.queues().unwrap(), []);
    for header in reader.messages(&orris_store::MessageFilter { limit: 500, ..Default::default() }).unwrap() {
        assert_eq!(header.status, MessageStatus::Completed);
        assert_eq!(header.time_processed, Some(Timestamp(1_700_000_100_000)));
    }
}

#[test]
fn who_would_bring_too_much_waits_until_there_is_room() {
    let store = Store::new();
    let ledger = &store.ledger;
    // A giant takes all there is, and does not wait for more than that.
    let all = block_on(ledger.reserve(usize::MAX));
    let got = Arc::new(AtomicBool::new(false));
    std::thread::scope(|threads| {
        let waiting = threads.spawn(|| {
            let permit = block_on(ledger.reserve(10));
            got.store(true, Ordering::SeqCst);
            permit
        });
        assert!(!got.load(Ordering::SeqCst));
        let (seq, _) = ledger.submit(Some(all), |ids| message(ids, "to", "x"));
        block_on(ledger.durable(seq)).unwrap();
        drop(waiting.join().unwrap());
    });
    drop(block_on(ledger.reserve(usize::MAX)));
}

#[test]
fn what_was_submitted_is_committed_by_close_and_nothing_after_it() {
    let store = Store::new();
    for _ in 0..100 {
        store.ledger.submit(None, |ids| message(ids, "to", "x"));
    }
    store.ledger.close().unwrap();
    let (late, _) = store.ledger.submit(None, |ids| message(ids, "to", "late"));
    assert_eq!(block_on(store.ledger.durable(late)), Err(StoreError::Closed { reason: None }));
    assert!(!store.ledger.is_durable(late));
    assert_eq!(store.reader().queues().unwrap()[0].count, 100);
    // Nobody waits for room that nobody will give back.
    drop(block_on(store.ledger.reserve(usize::MAX)));
    store.ledger.close().unwrap();
}

#[test]
fn an_empty_change_is_durable_too() {
    let store = Store::new();
    store.commit(|_| (Change::default(), ()));
    wait_for("an empty line", || store.ledger.stats().waiting == 0);
}
