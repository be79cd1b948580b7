//! What is written is read back, in every field.

use std::sync::Arc;

use model::{
    BodyClass, BodyId, BusinessType, Event, EventKind, Invocation, MessageBody, MessageHeader, MessageId,
    MessageStatus, MessageType, Priority, SessionId, SocketSession, StateChange, Timestamp,
};
use orris_store::{Change, HeaderUpdate};

use crate::support::{Store, header, message, text, update, updates};

/// Headers that differ from an ordinary one in one thing each.
fn unusual(ids: &mut orris_store::Ids) -> Vec<MessageHeader> {
    type Edit = fn(&mut MessageHeader);
    let edits: [Edit; 24] = [
        |_| {},
        |h| h.message_type = MessageType::Response,
        |h| h.body = Some(BodyId(77)),
        |h| h.invocation = Invocation::InProc,
        |h| h.corresponding = Some(MessageId(3)),
        |h| h.session = SessionId(1),
        |h| h.source = Arc::from(""),
        |h| h.target = Arc::from(""),
        |h| h.source_type = BusinessType::Unknown,
        |h| h.source_type = BusinessType::BusinessOperation,
        |h| h.target_type = BusinessType::BusinessOperation,
        |h| h.business_process = Some(u64::MAX),
        |h| h.return_queue = "_SyncCall:12".to_owned(),
        |h| h.description = Arc::from("rule \"admissions\""),
        |h| h.description = Arc::from("long ".repeat(100)),
        |h| h.super_session = "north|17".to_owned(),
        |h| h.resent = "r".to_owned(),
        |h| h.priority = Priority::HighSync,
        |h| h.time_created = Timestamp(0),
        |h| h.time_processed = Some(Timestamp(h.time_created.0 + 5)),
        |h| h.time_processed = Some(Timestamp(h.time_created.0 - 5_000)),
        |h| {
            h.is_error = true;
            h.error_status = "cannot connect to 127.0.0.1:2575 (connection refused)".to_owned();
        },
        |h| h.banked = 7,
        |h| h.status = MessageStatus::Completed,
    ];
    let mut headers = Vec::new();
    for edit in edits {
        let mut header = header(ids.message(), "to", None, 1_700_000_000_123);
        edit(&mut header);
        headers.push(header);
    }
    for status in MessageStatus::ALL {
        let mut header = header(ids.message(), "to", None, 1_700_000_000_456);
        header.status = status;
        headers.push(header);
    }
    headers
}

#[test]
fn every_field_of_a_header_comes_back() {
    let mut store = Store::new();
    let mut written = store.commit(|ids| {
        let created = unusual(ids);
        (Change { created: created.clone(), ..Change::default() }, created)
    });
    let reader = store.reader();
    for header in &written {
        assert_eq!(reader.header(header.id).unwrap().as_ref(), Some(header));
    }
    assert_eq!(reader.header(MessageId(9_999)).unwrap(), None);
    drop(reader);
    store.reopen();
    for header in &mut written {
        // What was in a host's hands waits on its queue again.
        if header.status == MessageStatus::Delivered {
            header.status = MessageStatus::Queued;
        }
        assert_eq!(store.reader().header(header.id).unwrap().as_ref(), Some(&*header));
    }
}

#[test]
fn ordinary_and_unusual_headers_of_one_group_come_back_in_any_mixture() {
    let store = Store::new();
    let written = store.commit(|ids| {
        let mut created = Vec::new();
        for at in 0..200u64 {
            let mut header = header(ids.message(), &format!("to {}", at % 5), None, 1_000 + at as i64);
            // Runs of every length around what is written at once.
            if at.is_power_of_two() || at == 90 || at == 107 {
                header.resent = "r".to_owned();
            }
            created.push(header);
        }
        (Change { created: created.clone(), ..Change::default() }, created)
    });
    let reader = store.reader();
    for header in &written {
        assert_eq!(reader.header(header.id).unwrap().as_ref(), Some(header));
    }
}

#[test]
fn an_update_replaces_the_outcome_and_nothing_else() {
    let store = Store::new();
    let id = store.commit(|ids| message(ids, "to", "x"));
    let failed = HeaderUpdate {
        id,
        status: MessageStatus::Error,
        is_error: true,
        error_status: "no answer".to_owned(),
        time_processed: Some(Timestamp(1_800_000_000_000)),
    };
    store.commit(|_| updates(vec![failed.clone()]));
    let stored = store.reader().header(id).unwrap().unwrap();
    let outcome = (stored.status, stored.is_error, &*stored.error_status, stored.time_processed);
    assert_eq!(outcome, (MessageStatus::Error, true, "no answer", failed.time_processed));
    assert_eq!(stored.target.as_ref(), "to");
    store.commit(|_| updates(vec![update(id, MessageStatus::Queued)]));
    let stored = store.reader().header(id).unwrap().unwrap();
    assert_eq!((stored.is_error, &*stored.error_status, stored.time_processed), (false, "", None));
    // A header that is not there is not made by an update.
    store.commit(|_| updates(vec![update(MessageId(500), MessageStatus::Completed)]));
    assert_eq!(store.reader().header(MessageId(500)).unwrap(), None);
}

#[test]
fn bodies_come_back_byte_for_byte() {
    let store = Store::new();
    let all_bytes: Vec<u8> = (0..=255).collect();
    let bodies = [
        MessageBody::new(BodyClass::BYTES, all_bytes.repeat(5_000)),
        MessageBody::new(BodyClass::TEXT, ""),
        MessageBody::described(
            BodyClass::HL7,
            "MSH|^~\\&|\r",
            "ADT_A01".to_owned(),
            "UNICODE UTF-8".to_owned(),
            "Bär & Söhne.hl7".to_owned(),
        ),
        MessageBody::described(BodyClass::HL7, "x", "made up ".repeat(20), String::new(), "y".repeat(3_000)),
    ];
    let ids = store.commit(|ids| {
        let bodies: Vec<_> = bodies.iter().map(|body| (ids.body(), body.clone())).collect();
        let ids: Vec<_> = bodies.iter().map(|(id, _)| *id).collect();
        (Change { bodies, ..Change::default() }, ids)
    });
    let reader = store.reader();
    let facts = |b: &MessageBody| {
        let text = [b.class().0, b.doc_type(), b.charset(), b.name()].map(str::to_owned);
        (text, b.content().clone())
    };
    for (id, body) in ids.iter().zip(&bodies) {
        assert_eq!(facts(&reader.body(*id).unwrap().unwrap()), facts(body));
    }
    assert!(reader.body(BodyId(99)).unwrap().is_none());
}

#[test]
fn bodies_that_come_one_by_one_are_read_back_while_their_blocks_are_joined() {
    let mut store = Store::new();
    let reader = store.reader();
    for at in 1..=150 {
        store.commit(|ids| message(ids, "to", &format!("body {at}")));
        for id in [1, at / 2 + 1, at] {
            let body = reader.body(BodyId(id)).unwrap().unwrap();
            assert_eq!(body.content(), &format!("body {id}"), "after {at}");
        }
    }
    drop(reader);
    store.reopen();
    for id in 1..=150 {
        let body = store.reader().body(BodyId(id)).unwrap().unwrap();
        assert_eq!(body.content(), &format!("body {id}"));
    }
}

#[test]
fn a_session_is_all_its_headers_in_order() {
    let store = Store::new();
    let session = store.commit(|ids| {
        let first = ids.message();
        let mut change = Change { created: vec![header(first, "a", None, 1)], ..Change::default() };
        for _ in 0..5 {
            change.created.push(header(ids.message(), "other", None, 1));
            let mut next = header(ids.message(), "b", None, 2);
            next.session = first.into();
            change.created.push(next);
        }
        (change, SessionId::from(first))
    });
    let reader = store.reader();
    let ids: Vec<u64> = reader.session(session).unwrap().iter().map(|header| header.id.0).collect();
    assert_eq!(ids, [1, 3, 5, 7, 9, 11]);
    assert_eq!(reader.session_of(MessageId(9)).unwrap(), Some(session));
    assert_eq!(reader.session_of(MessageId(10)).unwrap(), Some(SessionId(10)));
    assert_eq!(reader.session_of(MessageId(12)).unwrap(), None);
    // The id of a later message of a session is no session.
    assert_eq!(reader.session(SessionId(3)).unwrap(), []);
}

#[test]
fn events_state_and_sockets_come_back() {
    let mut store = Store::new();
    let item: Arc<str> = Arc::from("Files");
    let event = Event::new(EventKind::Warning, "Files", "not a file").about(MessageId(4), SessionId(3));
    let socket = store.commit(|ids| {
        let set = |key: &str, value: &str| {
            (item.clone(), StateChange { key: key.to_owned(), value: Some(value.as_bytes().to_vec()) })
        };
        let socket = SocketSession {
            id: ids.socket(),
            session_key: "dGhlIHNhbXBsZSBub25jZQ==".to_owned(),
            item: "Web".to_owned(),
            client_address: "127.0.0.1:5000".to_owned(),
            origin: "http://localhost".to_owned(),
            user: String::new(),
            connected: Timestamp(17),
            subscription: String::new(),
        };
        let change = Change {
            events: vec![(Timestamp(5), event.clone())],
            state: vec![set("file:b", "2"), set("file:a", "1"), set("filf", "3"), set("file:a", "4")],
            sockets_opened: vec![socket.clone()],
            ..Change::default()
        };
        (change, socket)
    });
    let reader = store.reader();
    let state = |prefix: &str| {
        let rows = reader.state("Files", prefix).unwrap();
        rows.iter()
            .map(|(key, value)| format!("{key}={}", String::from_utf8_lossy(value)))
            .collect::<Vec<_>>()
    };
    assert_eq!(state("file:"), ["file:a=4", "file:b=2"]);
    assert_eq!(state(""), ["file:a=4", "file:b=2", "filf=3"]);
    assert_eq!(reader.state("Other", "").unwrap(), []);
    assert_eq!(reader.sockets(Some("Web")).unwrap(), std::slice::from_ref(&socket));
    assert_eq!(reader.sockets(Some("Other")).unwrap(), []);
    let events = reader.events(&orris_store::EventFilter::default()).unwrap();
    assert_eq!((events[0].time, &events[0].event), (Timestamp(5), &event));

    let known = SocketSession { user: "ada".to_owned(), ..socket.clone() };
    store.commit(|_| {
        let forget = (item.clone(), StateChange { key: "file:a".to_owned(), value: None });
        (Change { state: vec![forget], sockets_changed: vec![known.clone()], ..Change::default() }, ())
    });
    assert_eq!(state("file:"), ["file:b=2"]);
    assert_eq!(reader.sockets(None).unwrap(), std::slice::from_ref(&known));
    store.commit(|_| (Change { sockets_deleted: vec![socket.id], ..Change::default() }, ()));
    store.commit(|_| (Change { sockets_changed: vec![known], ..Change::default() }, ()));
    assert_eq!(reader.sockets(None).unwrap(), []);
    drop(reader);
    store.reopen();
    let next = store.commit(|ids| (Change::default(), ids.socket()));
    assert!(next > socket.id, "the id of a deleted socket was given out again");
}

#[test]
fn a_header_without_a_change_of_its_own_body_is_fine() {
    let store = Store::new();
    let body = store.commit(|ids| {
        let body = ids.body();
        (Change { bodies: vec![(body, text("id=1"))], ..Change::default() }, body)
    });
    let id = store.commit(|ids| {
        let id = ids.message();
        (Change { created: vec![header(id, "to", Some(body), 1)], ..Change::default() }, id)
    });
    assert_eq!(store.reader().header(id).unwrap().unwrap().body, Some(body));
}
