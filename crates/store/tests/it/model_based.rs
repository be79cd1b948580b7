//! Any sequence of changes, reopened at any point, equals a simple model in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{MessageHeader, MessageId, MessageStatus, Priority, SessionId, StateChange, Timestamp};
use orris_store::{Change, HeaderUpdate, MessageFilter};
use proptest::prelude::*;

use crate::support::{Store, block_on, header, text};

#[derive(Debug, Clone)]
enum Step {
    Create { target: u8, priority: u8, content: String, of_session: Option<u8> },
    Update { which: u8, status: u8, error: bool, processed: Option<i16> },
    Remember { key: u8, value: Option<Vec<u8>> },
    Wait,
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let create = (0..3u8, 0..4u8, "(id=[ab12])?.{0,20}", proptest::option::of(any::<u8>()));
    let update = (any::<u8>(), 1..=9u8, any::<bool>(), proptest::option::of(any::<i16>()));
    let remember = (0..4u8, proptest::option::of(proptest::collection::vec(any::<u8>(), 0..9)));
    let step = prop_oneof![
        6 => create.prop_map(|(target, priority, content, of_session)| Step::Create { target, priority, content, of_session }),
        6 => update.prop_map(|(which, status, error, processed)| Step::Update { which, status, error, processed }),
        2 => remember.prop_map(|(key, value)| Step::Remember { key, value }),
        2 => Just(Step::Wait),
        1 => Just(Step::Reopen),
    ];
    proptest::collection::vec(step, 1..60)
}

#[derive(Default)]
struct Model {
    headers: BTreeMap<u64, (MessageHeader, String)>,
    state: BTreeMap<String, Vec<u8>>,
}

impl Model {
    fn update(&mut self, update: &HeaderUpdate) {
        if let Some((header, _)) = self.headers.get_mut(&update.id.0) {
            header.status = update.status;
            header.is_error = update.is_error;
            header.error_status = update.error_status.clone();
            header.time_processed = update.time_processed;
        }
    }

    fn recover(&mut self) {
        for (header, _) in self.headers.values_mut().filter(|(h, _)| h.status == MessageStatus::Delivered) {
            header.status = MessageStatus::Queued;
        }
    }

    fn window(&self, target: &str) -> Vec<(u64, String)> {
        let open = |h: &MessageHeader| matches!(h.status, MessageStatus::Queued | MessageStatus::Delivered);
        let mut window: Vec<_> =
            self.headers.values().filter(|(h, _)| *h.target == *target && open(h)).cloned().collect();
        window.sort_by_key(|(header, _)| (header.priority, header.id));
        window.into_iter().map(|(header, content)| (header.id.0, content)).collect()
    }
}

/// Submits one step without waiting, and does the same to the model.
fn submit(store: &mut Store, model: &mut Model, step: &Step) {
    match step {
        Step::Create { target, priority, content, of_session } => {
            let known: Vec<u64> = model.headers.keys().copied().collect();
            let (_, header) = store.ledger.submit(None, |ids| {
                let (id, body) = (ids.message(), ids.body());
                let mut header = header(id, &format!("t{target}"), Some(body), 1_000);
                header.priority = Priority::ALL[usize::from(*priority)];
                if let (Some(of), false) = (of_session, known.is_empty()) {
                    let first = known[usize::from(*of) % known.len()];
                    header.session = model.headers[&first].0.session;
                }
                let bodies = vec![(body, text(content))];
                (Change { bodies, created: vec![header.clone()], ..Change::default() }, header)
            });
            model.headers.insert(header.id.0, (header, content.clone()));
        }
        Step::Update { which, status, error, processed } => {
            let update = HeaderUpdate {
                // 0 is no message's id: an update of nothing.
                id: MessageId(u64::from(*which) % (model.headers.len() as u64 + 1)),
                status: MessageStatus::from_number(*status).unwrap(),
                is_error: *error,
                error_status: if *error { "why".to_owned() } else { String::new() },
                time_processed: processed.map(|after| Timestamp(1_000 + i64::from(after))),
            };
            model.update(&update);
            store.ledger.submit(None, |_| (Change { updated: vec![update], ..Change::default() }, ()));
        }
        Step::Remember { key, value } => {
            let change = StateChange { key: format!("k{key}"), value: value.clone() };
            match value {
                Some(value) => model.state.insert(change.key.clone(), value.clone()),
                None => model.state.remove(&change.key),
            };
            let state = vec![(Arc::from("item"), change)];
            store.ledger.submit(None, |_| (Change { state, ..Change::default() }, ()));
        }
        Step::Wait => settle(store),
        Step::Reopen => {
            store.reopen();
            model.recover();
        }
    }
}

fn settle(store: &Store) {
    let (seq, ()) = store.ledger.submit(None, |_| (Change::default(), ()));
    block_on(store.ledger.durable(seq)).unwrap();
}

fn compare(store: &Store, model: &Model) {
    let reader = store.reader();
    let all = MessageFilter { limit: usize::MAX >> 1, oldest_first: true, ..MessageFilter::default() };
    let expected: Vec<_> = model.headers.values().map(|(header, _)| header.clone()).collect();
    assert_eq!(reader.messages(&all).unwrap(), expected);
    for (header, content) in model.headers.values() {
        let body = reader.body(header.body.unwrap()).unwrap().unwrap();
        assert_eq!(body.content(), content);
    }
    for target in ["t0", "t1", "t2"] {
        let window = reader.window(target, None, 1_000, 1 << 30).unwrap();
        let window: Vec<_> = window
            .iter()
            .map(|(header, body)| (header.id.0, String::from_utf8(body.content().to_vec()).unwrap()))
            .collect();
        assert_eq!(window, model.window(target));
    }
    for session in model.headers.values().map(|(header, _)| header.session) {
        let expected: Vec<_> = expected.iter().filter(|h| h.session == session).cloned().collect();
        assert_eq!(reader.session(session).unwrap(), expected);
    }
    assert_eq!(reader.session(SessionId(0)).unwrap(), []);
    let state: Vec<_> = model.state.clone().into_iter().collect();
    assert_eq!(reader.state("item", "").unwrap(), state);
    for value in ["a", "b", "1", "2"] {
        let line = format!("id={value}");
        let found: Vec<u64> =
            reader.search("id", value, 1_000).unwrap().iter().map(|hit| hit.message.0).collect();
        let matching = |content: &String| content.lines().any(|found| found == line);
        let expected: Vec<u64> =
            model.headers.values().rev().filter(|(_, c)| matching(c)).map(|(h, _)| h.id.0).collect();
        assert_eq!(found, expected, "{line}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_store_equals_its_model(steps in steps()) {
        let mut store = Store::new();
        let mut model = Model::default();
        for step in &steps {
            submit(&mut store, &mut model, step);
        }
        settle(&store);
        compare(&store, &model);
        store.reopen();
        model.recover();
        compare(&store, &model);
    }
}
