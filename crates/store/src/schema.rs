//! The tables, their versions, and how a connection is set up.
//!
//! Nothing random is inserted on the hot path: rows are keyed by ids that grow, and an index holds
//! either what grows too (sessions) or only the few rows that stand in one status.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::{StoreError, views};

/// Each step brings a store one version further; `PRAGMA user_version` says how many were taken.
/// Steps that were ever published are never changed.
pub(crate) const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
    INSERT INTO meta VALUES ('store', lower(hex(randomblob(16))));
    CREATE TABLE term (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
    CREATE TABLE header (
        id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, status INTEGER NOT NULL, priority INTEGER NOT NULL,
        target, source, session INTEGER, body INTEGER, created INTEGER NOT NULL, processed INTEGER,
        description, corresponding INTEGER, is_error INTEGER, error_status TEXT, return_queue,
        business_process INTEGER, super_session TEXT, resent TEXT, banked INTEGER
    );
    CREATE INDEX header_session ON header (session) WHERE session IS NOT NULL;
    CREATE INDEX header_queued ON header (target, priority) WHERE status = 2;
    CREATE INDEX header_delivered ON header (target, priority) WHERE status = 3;
    CREATE INDEX header_suspended ON header (status) WHERE status = 5;
    CREATE INDEX header_error ON header (status) WHERE status = 8;
    CREATE TABLE body (
        id INTEGER PRIMARY KEY, message INTEGER, class, doc_type, charset, size INTEGER NOT NULL
    );
    CREATE TABLE block (
        id INTEGER PRIMARY KEY, part INTEGER NOT NULL, parts INTEGER NOT NULL, data BLOB NOT NULL
    );
    CREATE TABLE event (
        id INTEGER PRIMARY KEY, time INTEGER NOT NULL, kind INTEGER NOT NULL, item, text TEXT NOT NULL,
        session INTEGER, message INTEGER
    );
    CREATE INDEX event_session ON event (session) WHERE session IS NOT NULL;
    CREATE TABLE state (
        item TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (item, key)
    ) WITHOUT ROWID;
    CREATE TABLE socket (
        id INTEGER PRIMARY KEY AUTOINCREMENT, session_key TEXT NOT NULL, item TEXT NOT NULL,
        client_address TEXT NOT NULL, origin TEXT NOT NULL, user TEXT NOT NULL,
        connected INTEGER NOT NULL, subscription TEXT NOT NULL
    );
",
    "
    CREATE INDEX header_deferred ON header (target) WHERE status = 6;
",
];

/// How long a statement waits for another process, such as one that recovers the log.
const BUSY: Duration = Duration::from_secs(10);

/// The engine's connection to the ledger: every commit is synced to disk.
pub(crate) fn open_for_writing(path: &Path) -> Result<Connection, StoreError> {
    let failed = |error: rusqlite::Error| StoreError::open_database(path, &error);
    create_private(path).map_err(|error| StoreError::open(path, error))?;
    let mut db = Connection::open(path).map_err(failed)?;
    db.busy_timeout(BUSY).map_err(failed)?;
    db.set_prepared_statement_cache_capacity(64);
    // 16 KiB pages wrote half as fast again as 4 KiB ones, and 19 % less; small checkpoints keep the
    // slowest commit in the tens of milliseconds. The caches, here and below, are small, since rows are
    // added at the end: with large ones the page caches of an engine took 112 MB.
    db.execute_batch(
        "PRAGMA page_size = 16384; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         PRAGMA wal_autocheckpoint = 500; PRAGMA journal_size_limit = 67108864;
         PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = OFF;",
    )
    .map_err(failed)?;
    migrate(&mut db, path, MIGRATIONS)?;
    Ok(db)
}

/// Makes a file that only its owner may read, where there is none: it will hold what patients told
/// their doctors. SQLite gives the files beside it the same mode.
pub(crate) fn create_private(path: &Path) -> std::io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Takes the steps that a store has not taken, all or none.
pub(crate) fn migrate(db: &mut Connection, path: &Path, steps: &[&str]) -> Result<(), StoreError> {
    let failed = |error: rusqlite::Error| StoreError::open_database(path, &error);
    let version = version(db).map_err(failed)? as usize;
    if version > steps.len() {
        return Err(StoreError::Newer {
            path: path.display().to_string(),
            found: version as u32,
            known: steps.len() as u32,
        });
    }
    if version == steps.len() {
        return Ok(());
    }
    let transaction = db.transaction().map_err(failed)?;
    // Views are made anew: they look at tables that a step may have changed.
    transaction.execute_batch(views::DROP).map_err(failed)?;
    for step in &steps[version..] {
        transaction.execute_batch(step).map_err(failed)?;
    }
    transaction.execute_batch(views::CREATE).map_err(failed)?;
    transaction.pragma_update(None, "user_version", steps.len() as i64).map_err(failed)?;
    transaction.commit().map_err(failed)
}

/// A connection that can only read, beside an engine or without one.
pub(crate) fn open_for_reading(path: &Path) -> Result<Connection, StoreError> {
    if !path.exists() {
        return Err(StoreError::Missing { path: path.display().to_string() });
    }
    let db = connect_for_reading(path)?;
    let (found, known) =
        (version(&db).map_err(|e| StoreError::open_database(path, &e))?, MIGRATIONS.len() as u32);
    let path = path.display().to_string();
    match found {
        // An engine that was killed before its first commit left an empty file.
        0 => Err(StoreError::Missing { path }),
        found if found > known => Err(StoreError::Newer { path, found, known }),
        found if found < known => Err(StoreError::Older { path, found, known }),
        _ => Ok(db),
    }
}

/// Opens a file of ours, and looks into it, since SQLite puts that off.
pub(crate) fn connect_for_reading(path: &Path) -> Result<Connection, StoreError> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let open = |name: &str| -> rusqlite::Result<Connection> {
        let db = Connection::open_with_flags(name, flags)?;
        db.busy_timeout(BUSY)?;
        db.set_prepared_statement_cache_capacity(64);
        db.execute_batch("PRAGMA cache_size = -4096; PRAGMA temp_store = MEMORY; PRAGMA query_only = ON;")?;
        version(&db)?;
        Ok(db)
    };
    let uri = file_uri(path);
    open(&uri).or_else(|error| {
        // Where nothing may be written (an archive, another user's folder), SQLite cannot make the
        // files that it shares with a writer. Without a log nobody can be writing: read it as it is.
        let log = std::fs::metadata(format!("{}-wal", path.display())).map_or(0, |log| log.len());
        if log > 0 {
            return Err(StoreError::open_database(path, &error));
        }
        open(&format!("{uri}?immutable=1")).map_err(|_| StoreError::open_database(path, &error))
    })
}

/// The path as SQLite's URI: a file name may hold what a URI gives a meaning to.
fn file_uri(path: &Path) -> String {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => uri.push(*byte as char),
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri
}

fn version(db: &Connection) -> rusqlite::Result<u32> {
    db.pragma_query_value(None, "user_version", |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: [&str; 3] = [
        MIGRATIONS[0],
        "CREATE TABLE t (x); INSERT INTO t VALUES (1);",
        "ALTER TABLE t ADD COLUMN y; UPDATE t SET y = x + 1;",
    ];

    fn new() -> Connection {
        Connection::open_in_memory().unwrap()
    }

    fn migrate(db: &mut Connection, steps: &[&str]) -> Result<(), StoreError> {
        super::migrate(db, Path::new("data/store.db"), steps)
    }

    #[test]
    fn steps_are_taken_once_from_any_version() {
        for from in 0..=STEPS.len() {
            let mut db = new();
            migrate(&mut db, &STEPS[..from]).unwrap();
            migrate(&mut db, &STEPS).unwrap();
            migrate(&mut db, &STEPS).unwrap();
            assert_eq!(version(&db).unwrap(), 3, "from {from}");
            let row = db.query_row("SELECT x, y FROM t", [], |row| Ok((row.get(0)?, row.get(1)?)));
            assert_eq!(row.unwrap(), (1, 2), "from {from}");
            let views = "SELECT count(*) FROM sqlite_schema WHERE type = 'view'";
            assert_eq!(db.query_row(views, [], |row| row.get(0)), Ok(5), "from {from}");
        }
    }

    #[test]
    fn a_step_that_fails_leaves_the_store_as_it_was() {
        let mut db = new();
        migrate(&mut db, &STEPS[..2]).unwrap();
        let error = migrate(&mut db, &[STEPS[0], STEPS[1], "DROP TABLE t; nonsense"]).unwrap_err();
        assert!(error.to_string().starts_with("store \"data/store.db\" cannot be opened: near"), "{error}");
        assert_eq!(version(&db).unwrap(), 2);
        assert_eq!(db.query_row("SELECT x FROM t", [], |row| row.get(0)), Ok(1));
    }

    #[test]
    fn a_newer_store_is_refused_and_left_alone() {
        let mut db = new();
        migrate(&mut db, &STEPS).unwrap();
        let error = migrate(&mut db, &STEPS[..1]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "store \"data/store.db\" has version 3, this program knows versions up to 1; \
             use a newer one or pass --data-dir"
        );
        assert_eq!(version(&db).unwrap(), 3);
    }

    #[test]
    fn names_of_files_are_no_parts_of_a_uri() {
        assert_eq!(file_uri(Path::new("/a b/50%?x=#ä.db")), "file:/a%20b/50%25%3Fx%3D%23%C3%A4.db");
    }
}
