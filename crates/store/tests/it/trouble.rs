//! A store that cannot grow loses nothing.

use model::MessageStatus;
use orris_store::{Change, StoreError};

use crate::support::{Store, block_on, message, open_limited, text, update, wait_for};

/// Content that does not compress.
fn noise(seed: u64, bytes: usize) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'!' + (state % 90) as u8)
    };
    (0..bytes).map(next).collect()
}

fn limited() -> Store {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open_limited(folder.path(), 1 << 20);
    Store { folder, ledger }
}

#[test]
fn a_full_store_keeps_the_group_says_why_and_goes_on_when_there_is_room() {
    let store = limited();
    let first = store.commit(|ids| message(ids, "to", "small"));
    let (seq, big) = store.ledger.submit(None, |ids| {
        let (mut change, id) = message(ids, "to", "");
        change.bodies[0].1 = text(&noise(1, 3 << 20));
        change.updated.push(update(first, MessageStatus::Completed));
        (change, id)
    });
    wait_for("trouble", || store.ledger.trouble().is_some());
    let trouble = store.ledger.trouble().unwrap();
    assert!(
        trouble.starts_with("store \"") && trouble.contains("\" cannot grow: the disk is full"),
        "{trouble}"
    );
    assert!(trouble.ends_with("nothing is lost"), "{trouble}");
    // More comes, and waits behind it in order; nothing of the group is there in parts.
    let (later, after) = store.ledger.submit(None, |ids| message(ids, "new item", "id=7"));
    assert!(!store.ledger.is_durable(seq) && !store.ledger.is_durable(later));
    let reader = store.reader();
    assert_eq!(reader.header(big).unwrap(), None);
    assert_eq!(reader.header(first).unwrap().unwrap().status, MessageStatus::Queued);

    store.ledger.limit(None);
    block_on(store.ledger.durable(later)).unwrap();
    assert!(store.ledger.is_durable(seq));
    assert_eq!(store.ledger.trouble(), None);
    assert_eq!(reader.header(first).unwrap().unwrap().status, MessageStatus::Completed);
    let body = reader.header(big).unwrap().unwrap().body.unwrap();
    assert_eq!(reader.body(body).unwrap().unwrap().content().len(), 3 << 20);
    assert_eq!(&*reader.header(after).unwrap().unwrap().target, "new item");
}

#[test]
fn names_that_were_new_in_a_failed_group_are_right_afterwards() {
    let store = limited();
    let (seq, ids) = store.ledger.submit(None, |ids| {
        let mut all = Change::default();
        let mut made = Vec::new();
        for at in 0..20 {
            let (mut change, id) = message(ids, &format!("item {at}"), "");
            change.bodies[0].1 = text(&noise(at, 200 << 10));
            all.bodies.extend(change.bodies);
            all.created.extend(change.created);
            made.push(id);
        }
        (all, made)
    });
    wait_for("trouble", || store.ledger.trouble().is_some());
    store.ledger.limit(None);
    block_on(store.ledger.durable(seq)).unwrap();
    for (at, id) in ids.iter().enumerate() {
        assert_eq!(*store.reader().header(*id).unwrap().unwrap().target, format!("item {at}"));
    }
}

#[test]
fn closing_a_full_store_says_what_could_not_be_kept() {
    let store = limited();
    let (seq, _) = store.ledger.submit(None, |ids| message(ids, "to", &noise(3, 3 << 20)));
    let error = store.ledger.close().unwrap_err();
    let StoreError::Closed { reason: Some(reason) } = &error else { panic!("{error}") };
    assert!(reason.contains("cannot grow"), "{reason}");
    assert_eq!(block_on(store.ledger.durable(seq)), Err(error.clone()));
}

#[test]
fn who_waits_behind_a_full_store_is_held_back() {
    let store = limited();
    let permit = block_on(store.ledger.reserve(usize::MAX));
    let (seq, _) = store.ledger.submit(Some(permit), |ids| message(ids, "to", &noise(4, 3 << 20)));
    wait_for("trouble", || store.ledger.trouble().is_some());
    std::thread::scope(|threads| {
        let waiting = threads.spawn(|| block_on(store.ledger.reserve(1)));
        assert!(!waiting.is_finished());
        store.ledger.limit(None);
        block_on(store.ledger.durable(seq)).unwrap();
        drop(waiting.join().unwrap());
    });
}
