//! Windows of queues, and lists of messages and events.

use model::{Event, EventKind, MessageId, MessageStatus, Priority, Timestamp};
use orris_store::{Change, EventFilter, MessageFilter, STORE_FILE};

use crate::support::{Store, header, message, text, update, updates};

/// Ten messages for `a` with these priorities, each with a body of ten bytes.
fn filled(priorities: &[Priority]) -> Store {
    let store = Store::new();
    store.commit(|ids| {
        let mut change = Change::default();
        for (at, priority) in priorities.iter().enumerate() {
            let (id, body) = (ids.message(), ids.body());
            change.bodies.push((body, text(&format!("{at:010}"))));
            let mut header = header(id, "a", Some(body), 1_000 + at as i64);
            header.priority = *priority;
            change.created.push(header);
        }
        (change, ())
    });
    store
}

fn window(store: &Store, after: Option<(Priority, u64)>, limit: usize, bytes: usize) -> Vec<u64> {
    let after = after.map(|(priority, id)| (priority, MessageId(id)));
    let window = store.reader().window("a", after, limit, bytes).unwrap();
    for (header, body) in &window {
        assert_eq!(body.content(), &format!("{:010}", header.id.0 - 1));
    }
    window.iter().map(|(header, _)| header.id.0).collect()
}

#[test]
fn a_window_is_by_priority_then_in_order() {
    use Priority::*;
    let store = filled(&[Async, Sync, Async, HighSync, SimSync, Async, Sync]);
    let all = [4, 2, 7, 5, 1, 3, 6];
    assert_eq!(window(&store, None, 100, 1 << 20), all);
    for (at, id) in all.iter().enumerate() {
        let priority = store.reader().header(MessageId(*id)).unwrap().unwrap().priority;
        assert_eq!(window(&store, Some((priority, *id)), 100, 1 << 20), all[at + 1..], "after {id}");
        assert_eq!(window(&store, None, at, 1 << 20), all[..at], "limit {at}");
    }
    // The message that passes the bound still comes: one at least, whatever its size.
    assert_eq!(window(&store, None, 100, 1), [4]);
    assert_eq!(window(&store, None, 100, 25), [4, 2, 7]);
    assert_eq!(store.reader().window("nobody", None, 9, 9).unwrap().len(), 0);
}

#[test]
fn a_window_holds_what_is_queued_or_in_hand_and_nothing_else() {
    use MessageStatus::*;
    let store = filled(&[Priority::Async; 9]);
    let statuses = MessageStatus::ALL.iter().zip(1..);
    store.commit(|_| updates(statuses.map(|(status, id)| update(MessageId(id), *status)).collect()));
    assert_eq!(window(&store, None, 100, 1 << 20), [Queued as u64, Delivered as u64]);
    let queues = store.reader().queues().unwrap();
    assert_eq!((&*queues[0].name, queues[0].count, queues[0].oldest), ("a", 2, Timestamp(1_001)));
}

#[test]
fn what_was_in_hand_when_the_engine_ended_is_queued_again() {
    let mut store = filled(&[Priority::Async; 3]);
    store.commit(|_| updates(vec![update(MessageId(2), MessageStatus::Delivered)]));
    store.reopen();
    assert_eq!(window(&store, None, 100, 1 << 20), [1, 2, 3]);
    assert_eq!(store.reader().header(MessageId(2)).unwrap().unwrap().status, MessageStatus::Queued);
}

#[test]
fn completed_messages_of_a_target_come_oldest_first() {
    let store = filled(&[Priority::Async; 5]);
    let other = store.commit(|ids| message(ids, "b", "other"));
    let done = [2, 4, 5, other.0].map(|id| update(MessageId(id), MessageStatus::Completed));
    store.commit(|_| updates(done.to_vec()));
    let since = |id, limit| -> Vec<u64> {
        let found = store.reader().completed_since("a", MessageId(id), limit).unwrap();
        found.iter().map(|(header, _)| header.id.0).collect()
    };
    assert_eq!(since(0, 10), [2, 4, 5]);
    assert_eq!(since(2, 10), [4, 5]);
    assert_eq!(since(2, 1), [4]);
    assert_eq!(since(5, 10), [0; 0]);
}

#[test]
fn fewer_completed_messages_than_asked_for_means_that_there_are_no_more() {
    let store = filled(&[Priority::Async; 6]);
    let done = (1..=6).map(|id| update(MessageId(id), MessageStatus::Completed));
    store.commit(|_| updates(done.collect()));
    store.ledger.close().unwrap();
    let db = rusqlite::Connection::open(store.dir().join(STORE_FILE)).unwrap();
    assert_eq!(db.execute("DELETE FROM body WHERE id IN (1, 2, 3, 5)", []), Ok(4));
    let since = |id, limit| -> Vec<u64> {
        let found = store.reader().completed_since("a", MessageId(id), limit).unwrap();
        found.iter().map(|(header, _)| header.id.0).collect()
    };
    assert_eq!(since(0, 1), [4]);
    assert_eq!(since(0, 2), [4, 6]);
    assert_eq!(since(0, 3), [4, 6]);
    assert_eq!(since(4, 1), [6]);
    assert_eq!(since(6, 1), [0; 0]);
}

#[test]
fn messages_are_listed_by_what_is_asked_for() {
    let store = filled(&[Priority::Async; 6]);
    let other = store.commit(|ids| message(ids, "b", "other"));
    let mut failed = update(MessageId(3), MessageStatus::Error);
    failed.is_error = true;
    store.commit(|_| updates(vec![failed, update(MessageId(5), MessageStatus::Suspended)]));
    let new = MessageFilter::default;
    let cases: &[(&str, MessageFilter, &[u64])] = &[
        ("all", new(), &[7, 6, 5, 4, 3, 2, 1]),
        ("oldest first", MessageFilter { oldest_first: true, limit: 2, ..new() }, &[1, 2]),
        ("error", MessageFilter { status: Some(MessageStatus::Error), ..new() }, &[3]),
        ("suspended", MessageFilter { status: Some(MessageStatus::Suspended), ..new() }, &[5]),
        ("errors", MessageFilter { errors: true, ..new() }, &[3]),
        ("target", MessageFilter { target: Some("b".to_owned()), ..new() }, &[7]),
        ("source", MessageFilter { source: Some("in".to_owned()), limit: 1, ..new() }, &[7]),
        ("source that is a target", MessageFilter { source: Some("a".to_owned()), ..new() }, &[]),
        ("item", MessageFilter { item: Some("b".to_owned()), ..new() }, &[7]),
        ("nobody", MessageFilter { item: Some("nobody".to_owned()), ..new() }, &[]),
        ("session", MessageFilter { session: Some(other.into()), ..new() }, &[7]),
        ("after", MessageFilter { after: Some(MessageId(5)), ..new() }, &[7, 6]),
        ("before", MessageFilter { before: Some(MessageId(3)), ..new() }, &[2, 1]),
        ("since", MessageFilter { since: Some(Timestamp(1_004)), ..new() }, &[7, 6, 5]),
        ("until", MessageFilter { until: Some(Timestamp(1_002)), ..new() }, &[2, 1]),
        ("type", MessageFilter { doc_type: Some("ADT_A01".to_owned()), ..new() }, &[]),
        ("response", MessageFilter { message_type: Some(model::MessageType::Response), ..new() }, &[]),
    ];
    for (what, filter, expected) in cases {
        let found: Vec<u64> = store.reader().messages(filter).unwrap().iter().map(|h| h.id.0).collect();
        assert_eq!(&found, expected, "{what}");
    }
}

#[test]
fn events_are_listed_by_what_is_asked_for() {
    let store = Store::new();
    let about = |event: Event, id| event.about(MessageId(id), MessageId(id).into());
    let events = vec![
        (Timestamp(10), Event::new(EventKind::Info, "a", "one")),
        (Timestamp(20), about(Event::new(EventKind::Error, "b", "two"), 7)),
        (Timestamp(30), about(Event::new(EventKind::Alert, "a", "three"), 8)),
    ];
    store.commit(|_| (Change { events, ..Change::default() }, ()));
    let new = EventFilter::default;
    let cases: &[(&str, EventFilter, &[u64])] = &[
        ("all", new(), &[3, 2, 1]),
        ("oldest first", EventFilter { oldest_first: true, limit: 2, ..new() }, &[1, 2]),
        ("kind", EventFilter { kind: Some(EventKind::Error), ..new() }, &[2]),
        ("item", EventFilter { item: Some("a".to_owned()), ..new() }, &[3, 1]),
        ("nobody", EventFilter { item: Some("c".to_owned()), ..new() }, &[]),
        ("session", EventFilter { session: Some(MessageId(7).into()), ..new() }, &[2]),
        ("message", EventFilter { message: Some(MessageId(8)), ..new() }, &[3]),
        ("since", EventFilter { since: Some(Timestamp(20)), ..new() }, &[3, 2]),
        ("until", EventFilter { until: Some(Timestamp(20)), ..new() }, &[1]),
        ("after", EventFilter { after: Some(2), ..new() }, &[3]),
    ];
    for (what, filter, expected) in cases {
        let found: Vec<u64> = store.reader().events(filter).unwrap().iter().map(|row| row.id).collect();
        assert_eq!(&found, expected, "{what}");
    }
}
