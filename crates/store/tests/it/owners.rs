//! Who may open a store, and in what state.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use orris_store::{LOCK_FILE, Ledger, Reader, SEARCH_FILE, STORE_FILE, StoreError};
use rusqlite::Connection;

use tempfile::TempDir;

use crate::support::{Store, commit, lines, message, open, wait_for};

#[test]
fn a_second_engine_is_refused_with_the_owners_name() {
    let store = Store::new();
    let error = Ledger::open(&store.dir(), None).unwrap_err();
    let path = store.dir().join(STORE_FILE);
    let owner = std::process::id();
    assert_eq!(
        error.to_string(),
        format!(
            "store \"{}\" is in use by process {owner}; one engine writes to one store; \
             stop the other or pass --data-dir",
            path.display()
        )
    );
    // The owner works on, and when it is gone the next one may have it.
    store.commit(|ids| message(ids, "to", "x"));
    store.ledger.close().unwrap();
    Ledger::open(&store.dir(), None).unwrap();
}

#[test]
fn a_lock_file_that_a_dead_engine_left_does_not_lock() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(LOCK_FILE), "4120 and some more text\n").unwrap();
    let ledger = Ledger::open(folder.path(), None).unwrap();
    let said = std::fs::read_to_string(folder.path().join(LOCK_FILE)).unwrap();
    assert_eq!(said, format!("{}\n", std::process::id()));
    drop(ledger);
}

#[test]
fn the_last_clone_gives_the_store_free() {
    let store = Store::new();
    let clone = store.ledger.clone();
    let folder = store.folder;
    drop(store.ledger);
    assert!(matches!(Ledger::open(folder.path(), None), Err(StoreError::InUse { .. })));
    drop(clone);
    Ledger::open(folder.path(), None).unwrap();
}

#[test]
fn readers_work_beside_the_engine_and_without_it() {
    let mut store = Store::new();
    let first = store.commit(|ids| message(ids, "to", "one"));
    let beside = Reader::open(&store.dir()).unwrap();
    assert!(beside.header(first).unwrap().is_some());
    let second = store.commit(|ids| message(ids, "to", "two"));
    assert!(beside.header(second).unwrap().is_some());
    store.ledger.close().unwrap();
    assert!(beside.header(second).unwrap().is_some());
    // The log is put away, whatever readers there are: a closed store is one file.
    let log = std::fs::metadata(store.dir().join("store.db-wal"));
    assert_eq!(log.map_or(0, |log| log.len()), 0);
    drop(beside);
    let without = Reader::open(&store.dir()).unwrap();
    assert_eq!(without.window("to", None, 9, 999).unwrap().len(), 2);
    // An engine that starts beside an open reader is not hindered.
    store.reopen();
    let third = store.commit(|ids| message(ids, "to", "three"));
    assert!(without.header(third).unwrap().is_some());
}

/// The files of a store as a killed engine leaves them, in another folder.
fn left_by_a_kill(store: &Store) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for file in ["store.db", "store.db-wal"] {
        std::fs::copy(store.dir().join(file), copy.path().join(file)).unwrap();
    }
    copy
}

#[test]
fn what_is_durable_survives_a_kill() {
    let store = Store::new();
    for at in 1..=30u64 {
        let id = store.commit(|ids| message(ids, "to", "patient=7"));
        let left = left_by_a_kill(&store);
        if at % 2 == 0 {
            let reader = Reader::open(left.path()).unwrap().with_extractor(lines());
            assert_eq!(reader.search("patient", "7", 99).unwrap().len() as u64, at);
            continue;
        }
        let ledger = open(left.path());
        assert_eq!(ledger.reader().unwrap().window("to", None, 99, 9_999).unwrap().len() as u64, at);
        assert_eq!(commit(&ledger, |ids| message(ids, "to", "next")).0, id.0 + 1);
    }
}

#[test]
fn where_nothing_may_be_written_a_store_can_be_read() {
    let store = Store::new();
    let id = store.commit(|ids| message(ids, "to", "one"));
    store.ledger.close().unwrap();
    let copy = tempfile::tempdir().unwrap();
    std::fs::copy(store.dir().join(STORE_FILE), copy.path().join(STORE_FILE)).unwrap();
    // A folder in the way of the log has the effect of a read-only medium, also for root.
    std::fs::create_dir(copy.path().join("store.db-shm")).unwrap();
    let reader = Reader::open(copy.path()).unwrap();
    assert!(reader.header(id).unwrap().is_some());
    assert_eq!(reader.sql("SELECT ObjectId FROM MessageHeader", 10).unwrap().rows.len(), 1);
}

#[test]
fn where_there_is_no_store_a_reader_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(STORE_FILE);
    let expected = format!(
        "there is no store at \"{}\"; start an engine there first or pass --data-dir",
        path.display()
    );
    assert_eq!(Reader::open(folder.path()).unwrap_err().to_string(), expected);
    std::fs::write(&path, "").unwrap();
    assert_eq!(Reader::open(folder.path()).unwrap_err().to_string(), expected);
    assert!(matches!(Reader::open(&folder.path().join("no/such")), Err(StoreError::Missing { .. })));
}

#[test]
fn what_is_no_store_is_refused_by_both() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(STORE_FILE), "this is no database, far from it, ".repeat(100)).unwrap();
    for error in [Ledger::open(folder.path(), None).unwrap_err(), Reader::open(folder.path()).unwrap_err()] {
        assert!(error.to_string().ends_with("move it away to begin with an empty one"), "{error}");
    }
    assert!(Ledger::open(Path::new("/no/such/folder"), None).is_err());
}

#[test]
fn a_store_of_another_version_is_refused_with_both_versions() {
    let store = Store::new();
    store.ledger.close().unwrap();
    let set = |version: u32| {
        let db = Connection::open(store.dir().join(STORE_FILE)).unwrap();
        db.pragma_update(None, "user_version", version).unwrap();
    };
    set(99);
    for error in [Ledger::open(&store.dir(), None).unwrap_err(), Reader::open(&store.dir()).unwrap_err()] {
        assert!(matches!(error, StoreError::Newer { found: 99, known: 2, .. }), "{error}");
        assert!(error.to_string().contains("has version 99, this program knows versions up to 2"), "{error}");
    }
}

#[test]
fn only_the_owner_may_read_what_is_stored() {
    let store = Store::new();
    store.commit(|ids| message(ids, "to", "patient=7"));
    wait_for("the index", || store.ledger.stats().not_indexed == 0);
    for file in [STORE_FILE, "store.db-wal", SEARCH_FILE, "search.db-wal"] {
        let mode = std::fs::metadata(store.dir().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}
