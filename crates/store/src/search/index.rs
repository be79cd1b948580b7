//! The index file: full-text tables without content, one for each few million bodies.
//!
//! A table per range keeps merging bounded as the store grows, and lets a range go as a whole. Rows
//! carry the body's id, so hits come out newest first by the table's own order.

use std::collections::HashMap;
use std::path::Path;

use model::BodyId;
use rusqlite::{Connection, ErrorCode, TransactionBehavior, params};

use super::token;
use crate::StoreError;
use crate::schema::create_private;

/// The format of the file; another one is made anew.
const VERSION: i64 = 1;
/// Bodies per table, as a power of two.
pub(super) const RANGE_BITS: u32 = 22;

/// What one body can be found by.
pub(crate) type Values = Vec<(&'static str, String)>;

/// The indexer's hold on the index.
pub(crate) struct IndexWriter {
    db: Connection,
    fields: HashMap<String, u32>,
    range: Option<u64>,
    text: String,
}

impl IndexWriter {
    /// Opens the index of that store, or makes a new one where there is none that fits.
    pub(crate) fn open(path: &Path, store: &str, last_body: u64) -> Result<(Self, u64), StoreError> {
        create_private(path).map_err(|error| StoreError::open(path, error))?;
        let opened = Self::connect(path, store).and_then(|index| {
            let indexed = index.indexed()?;
            Ok((index, indexed))
        });
        match opened {
            // An index that is ahead is that of a store that was put back to an earlier state.
            Ok((index, indexed)) if indexed <= last_body => Ok((index, indexed)),
            Err(error) if !is_unusable(&error) => Err(StoreError::open(path, error)),
            _ => Self::anew(path, store).map(|index| (index, 0)),
        }
    }

    /// Throws the file away and begins again.
    pub(crate) fn anew(path: &Path, store: &str) -> Result<Self, StoreError> {
        for ending in ["", "-wal", "-shm"] {
            let mut file = path.as_os_str().to_owned();
            file.push(ending);
            match std::fs::remove_file(&file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(StoreError::open(path, error));
                }
                _ => {}
            }
        }
        create_private(path).map_err(|error| StoreError::open(path, error))?;
        Self::connect(path, store).map_err(|error| StoreError::open(path, error))
    }

    fn connect(path: &Path, store: &str) -> rusqlite::Result<Self> {
        let mut db = Connection::open(path)?;
        db.busy_timeout(std::time::Duration::from_secs(10))?;
        db.execute_batch(
            "PRAGMA page_size = 16384; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
             PRAGMA wal_autocheckpoint = 500; PRAGMA journal_size_limit = 67108864;
             PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY;",
        )?;
        let made: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if made == 0 {
            let transaction = db.transaction()?;
            transaction.execute_batch(
                "CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
                 CREATE TABLE field (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);",
            )?;
            transaction.execute(
                "INSERT INTO meta VALUES ('version', ?1), ('store', ?2), ('indexed', 0)",
                params![VERSION, store],
            )?;
            transaction.commit()?;
        }
        if !fits(&db, store)? {
            return Err(rusqlite::Error::QueryReturnedNoRows);
        }
        let fields = fields(&db)?;
        Ok(IndexWriter { db, fields, range: None, text: String::new() })
    }

    fn indexed(&self) -> rusqlite::Result<u64> {
        indexed(&self.db)
    }

    /// Adds what these bodies can be found by, in the order of their ids; then everything up to
    /// `last` is indexed.
    pub(crate) fn add(&mut self, bodies: &[(BodyId, Values)], last: u64) -> rusqlite::Result<()> {
        let result = self.try_add(bodies, last);
        if result.is_err() {
            // Rolled back with the transaction: fields and ranges that were new are so again.
            self.range = None;
            self.fields = fields(&self.db)?;
        }
        result
    }

    fn try_add(&mut self, bodies: &[(BodyId, Values)], last: u64) -> rusqlite::Result<()> {
        let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for (id, values) in bodies {
            if values.is_empty() {
                continue;
            }
            let range = id.0 >> RANGE_BITS;
            if self.range != Some(range) {
                create_range(&transaction, range)?;
                self.range = Some(range);
            }
            self.text.clear();
            for (name, value) in values {
                let field = match self.fields.get(*name) {
                    Some(field) => *field,
                    None => {
                        let field = create_field(&transaction, name)?;
                        self.fields.insert((*name).to_owned(), field);
                        field
                    }
                };
                token::push(&mut self.text, field, value);
                self.text.push(' ');
            }
            transaction
                .prepare_cached(&format!("INSERT INTO hits_{range} (rowid, words) VALUES (?1, ?2)"))?
                .execute(params![id.0 as i64, self.text])?;
        }
        transaction
            .prepare_cached("UPDATE meta SET value = ?1 WHERE key = 'indexed'")?
            .execute([last as i64])?;
        transaction.commit()
    }
}

fn fields(db: &Connection) -> rusqlite::Result<HashMap<String, u32>> {
    let mut fields = db.prepare("SELECT name, id FROM field")?;
    fields.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

fn create_range(db: &Connection, range: u64) -> rusqlite::Result<()> {
    db.execute_batch(&format!(
        "CREATE VIRTUAL TABLE IF NOT EXISTS hits_{range} USING fts5 (
            words, content = '', detail = none, columnsize = 0, tokenize = 'ascii');
         INSERT INTO hits_{range} (hits_{range}, rank) VALUES ('pgsz', 8000);"
    ))
}

fn create_field(db: &Connection, name: &str) -> rusqlite::Result<u32> {
    db.execute("INSERT INTO field (name) VALUES (?1)", [name])?;
    Ok(db.last_insert_rowid() as u32)
}

/// Whether the index is of this format and of that store.
pub(super) fn fits(db: &Connection, store: &str) -> rusqlite::Result<bool> {
    db.query_row(
        "SELECT count(*) = 2 FROM meta WHERE (key, value) IN (VALUES ('version', ?1), ('store', ?2))",
        params![VERSION, store],
        |row| row.get(0),
    )
}

pub(super) fn indexed(db: &Connection) -> rusqlite::Result<u64> {
    let id: i64 =
        db.prepare_cached("SELECT value FROM meta WHERE key = 'indexed'")?.query_row([], |row| row.get(0))?;
    Ok(id as u64)
}

/// Whether the file is no index of ours, or a damaged one: then it is made anew.
pub(crate) fn is_unusable(error: &rusqlite::Error) -> bool {
    match error {
        rusqlite::Error::SqliteFailure(failure, message) => {
            matches!(failure.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
                || message.as_deref().is_some_and(|text| text.contains("no such"))
        }
        rusqlite::Error::SqlInputError { .. } | rusqlite::Error::QueryReturnedNoRows => true,
        rusqlite::Error::InvalidColumnType(..) | rusqlite::Error::FromSqlConversionFailure(..) => true,
        _ => false,
    }
}
