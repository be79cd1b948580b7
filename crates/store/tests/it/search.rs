//! A search misses nothing: not in the index, not behind it, not without it.

use std::path::Path;

use orris_store::{Change, Reader, SEARCH_FILE, STORE_FILE};

use crate::support::{Store, lines, message, wait_for};

fn found(reader: &Reader, field: &str, value: &str) -> Vec<u64> {
    reader.search(field, value, 100).unwrap().iter().map(|hit| hit.message.0).collect()
}

fn indexed(store: &Store) {
    wait_for("the index", || store.ledger.stats().not_indexed == 0);
}

fn filled() -> Store {
    let store = Store::new();
    for (id, patient) in [("A1", "7"), ("A2", "8"), ("A3", "7"), ("a1", "Müller^Jörg \"x\"")] {
        store.commit(|ids| message(ids, "to", &format!("id={id}\npatient={patient}\n")));
    }
    store
}

fn check(reader: &Reader) {
    let cases: &[(&str, &str, &[u64])] = &[
        ("id", "A1", &[1]),
        ("id", "a1", &[4]),
        ("id", "A", &[]),
        ("patient", "7", &[3, 1]),
        ("patient", "A1", &[]),
        ("patient", "Müller^Jörg \"x\"", &[4]),
        ("patient", "Müller", &[]),
        ("nothing", "7", &[]),
        ("id", "", &[]),
        ("id", "A1\" OR \"A2", &[]),
    ];
    for (field, value, expected) in cases {
        assert_eq!(&found(reader, field, value), expected, "{field} = {value}");
    }
    assert_eq!(reader.search("patient", "7", 1).unwrap().len(), 1);
}

#[test]
fn values_are_found_exactly_in_the_tail_in_the_index_and_after_reopening() {
    let mut store = filled();
    check(&store.reader());
    indexed(&store);
    check(&store.reader());
    assert_eq!(store.reader().search_fields().unwrap(), ["id", "patient"]);
    // Once indexed, a reader that cannot extract finds the same.
    check(&Reader::open(&store.dir()).unwrap());
    store.reopen();
    check(&store.reader());
    store.commit(|ids| message(ids, "to", "patient=7"));
    assert_eq!(found(&store.reader(), "patient", "7"), [5, 3, 1]);
}

#[test]
fn without_its_file_a_search_finds_the_same_and_the_file_is_made_anew() {
    let damage: [fn(&Path); 3] = [
        |file| std::fs::remove_file(file).unwrap(),
        |file| std::fs::write(file, "no index at all ".repeat(2_000)).unwrap(),
        |file| std::fs::write(file, "").unwrap(),
    ];
    for (at, damage) in damage.iter().enumerate() {
        let mut store = filled();
        indexed(&store);
        store.ledger.close().unwrap();
        damage(&store.dir().join(SEARCH_FILE));
        check(&Reader::open(&store.dir()).unwrap().with_extractor(lines()));
        store.reopen();
        check(&store.reader());
        indexed(&store);
        check(&Reader::open(&store.dir()).unwrap());
        assert!(store.dir().join(SEARCH_FILE).exists(), "damage {at}");
    }
}

#[test]
fn what_lies_behind_many_damaged_bodies_is_found() {
    const DAMAGED: u64 = 3_000;
    let mut store = filled();
    store.commit(|ids| {
        let bodies =
            (0..DAMAGED).map(|_| (ids.body(), model::MessageBody::new(model::BodyClass::TEXT, "id=A1")));
        (Change { bodies: bodies.collect(), ..Change::default() }, ())
    });
    store.ledger.close().unwrap();
    let db = rusqlite::Connection::open(store.dir().join(STORE_FILE)).unwrap();
    assert!(db.execute("UPDATE block SET data = x'00' WHERE id > 4", []).unwrap() > 0);
    drop(db);
    std::fs::remove_file(store.dir().join(SEARCH_FILE)).unwrap();
    check(&Reader::open(&store.dir()).unwrap().with_extractor(lines()));
    // The indexer passes over them too, and goes on with what comes behind them.
    store.reopen();
    indexed(&store);
    store.commit(|ids| message(ids, "to", "id=B1"));
    indexed(&store);
    let reader = Reader::open(&store.dir()).unwrap();
    check(&reader);
    assert_eq!(found(&reader, "id", "B1"), [5]);
}

#[test]
fn an_index_of_another_store_is_not_believed() {
    let (mut store, other) = (filled(), Store::new());
    other.commit(|ids| message(ids, "to", "id=B1"));
    other.ledger.close().unwrap();
    store.ledger.close().unwrap();
    std::fs::copy(other.dir().join(SEARCH_FILE), store.dir().join(SEARCH_FILE)).unwrap();
    check(&Reader::open(&store.dir()).unwrap().with_extractor(lines()));
    store.reopen();
    indexed(&store);
    check(&Reader::open(&store.dir()).unwrap());
}

#[test]
fn many_messages_are_found_while_and_after_they_are_indexed() {
    let store = Store::new();
    for group in 0..100 {
        store.commit(|ids| {
            let mut all = orris_store::Change::default();
            for _ in 0..100 {
                let (change, id) = message(ids, "to", "");
                let content = format!("id=M{}\npatient={}", id.0, id.0 % 10);
                all.created.extend(change.created);
                all.bodies
                    .extend(change.bodies.into_iter().map(|(id, _)| (id, crate::support::text(&content))));
            }
            (all, ())
        });
        let newest = (group + 1) * 100;
        for id in [1, newest / 2, newest] {
            assert_eq!(found(&store.reader(), "id", &format!("M{id}")), [id], "after {newest}");
        }
    }
    let expected: Vec<u64> = (0..100).map(|at| 10_000 - at * 10).collect();
    assert_eq!(found(&store.reader(), "patient", "0"), expected);
    indexed(&store);
    assert_eq!(found(&store.reader(), "patient", "0"), expected);
}

#[test]
fn an_extractor_with_a_defect_costs_only_that_body() {
    let folder = tempfile::tempdir().unwrap();
    let extractor: orris_store::Extractor = std::sync::Arc::new(|body| {
        assert!(body.content() != "bad", "a defect");
        vec![("text", String::from_utf8_lossy(body.content()).into_owned())]
    });
    let ledger = orris_store::Ledger::open(folder.path(), Some(extractor)).unwrap();
    for content in ["good", "bad", "fine"] {
        crate::support::commit(&ledger, |ids| message(ids, "to", content));
    }
    wait_for("the index", || ledger.stats().not_indexed == 0);
    let reader = ledger.reader().unwrap();
    assert_eq!((found(&reader, "text", "good"), found(&reader, "text", "fine")), (vec![1], vec![3]));
}

#[test]
fn an_index_that_cannot_be_opened_stops_nobody() {
    let mut store = filled();
    store.ledger.close().unwrap();
    let index = store.dir().join(SEARCH_FILE);
    std::fs::remove_file(&index).unwrap();
    std::fs::create_dir(&index).unwrap();
    store.reopen();
    check(&store.reader());
    store.commit(|ids| message(ids, "to", "patient=7"));
    assert_eq!(found(&store.reader(), "patient", "7"), [5, 3, 1]);
    store.ledger.close().unwrap();
}
