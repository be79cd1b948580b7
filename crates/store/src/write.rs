//! Writes a planned group in one transaction.

use std::path::Path;

use model::fault;
use rusqlite::{Connection, ErrorCode, TransactionBehavior, params};

use crate::plan::{Plan, SocketStep};
use crate::row::{self, text};
use crate::terms::Terms;
use crate::{HeaderUpdate, Ids, StoreError, schema};

/// The engine's hold on the ledger file. Only the writer thread has one.
pub(crate) struct Database {
    db: Connection,
    terms: Terms,
}

impl Database {
    /// Opens the ledger for writing, with the ids that were given out last.
    pub(crate) fn open(path: &Path) -> Result<(Self, Ids), StoreError> {
        let db = schema::open_for_writing(path)?;
        let failed = |error: rusqlite::Error| StoreError::open_database(path, &error);
        // What was in a host's hands when the last engine ended waits on its queue again.
        db.execute("UPDATE header SET status = 2 WHERE status = 3", []).map_err(failed)?;
        let last = |sql: &str| -> Result<u64, StoreError> {
            let id: Option<i64> = db.query_row(sql, [], |row| row.get(0)).map_err(failed)?;
            Ok(id.unwrap_or_default() as u64)
        };
        let ids = Ids {
            message: last("SELECT max(id) FROM header")?,
            body: last("SELECT max(id) FROM body")?,
            // Sockets are deleted; their ids are not given out again.
            socket: last("SELECT max(seq) FROM sqlite_sequence WHERE name = 'socket'")?,
            seq: 0,
        };
        let terms = Terms::load(&db).map_err(failed)?;
        Ok((Database { db, terms }, ids))
    }

    /// Puts the log into the file and away, as far as readers let it.
    pub(crate) fn close(self) {
        if let Err(error) = self.db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)") {
            tracing::debug!("the log stays beside the store: {error}");
        }
    }

    /// Bounds the size of the file; none for no bound.
    pub(crate) fn limit(&self, bytes: Option<u64>) -> rusqlite::Result<()> {
        let page: i64 = self.db.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let pages = bytes.map_or(i64::from(u32::MAX - 1), |bytes| (bytes as i64 / page).max(1));
        // Never below what the file has already.
        self.db.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |row| row.get::<_, i64>(0))?;
        Ok(())
    }

    /// Commits the whole plan and syncs, or changes nothing.
    pub(crate) fn write(&mut self, plan: &Plan) -> rusqlite::Result<()> {
        let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let written = write_rows(&transaction, &mut self.terms, plan).and_then(|()| {
            fault::point("ledger.before_commit");
            transaction.commit()
        });
        match &written {
            Ok(()) => {
                fault::point("ledger.after_commit");
                self.terms.committed();
            }
            Err(_) => self.terms.rolled_back(),
        }
        written
    }
}

fn write_rows(db: &Connection, terms: &mut Terms, plan: &Plan) -> rusqlite::Result<()> {
    write_bodies(db, terms, plan)?;
    write_headers(db, terms, plan)?;
    write_events(db, terms, plan)?;
    write_state(db, plan)?;
    write_sockets(db, plan)
}

fn write_bodies(db: &Connection, terms: &mut Terms, plan: &Plan) -> rusqlite::Result<()> {
    if plan.bodies.is_empty() {
        return Ok(());
    }
    if let Some(from) = plan.packed.replaces {
        db.prepare_cached("DELETE FROM block WHERE id >= ?1")?.execute([from as i64])?;
    }
    let mut insert =
        db.prepare_cached("INSERT INTO block (id, part, parts, data) VALUES (?1, ?2, ?3, ?4)")?;
    for block in &plan.packed.blocks {
        let parts = block.parts();
        let count = parts.len() as i64;
        for (at, part) in (0..).zip(parts) {
            insert.execute(params![block.first as i64 + at, at, count, part])?;
        }
    }
    let mut insert = db.prepare_cached(
        "INSERT INTO body (id, message, class, doc_type, charset, size) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for planned in &plan.bodies {
        let body = &planned.body;
        insert.execute(params![
            planned.id.0 as i64,
            planned.message.map(|id| id.0 as i64),
            terms.known(db, body.class().0)?,
            terms.any(db, body.doc_type())?,
            terms.any(db, body.charset())?,
            body.content().len() as i64,
        ])?;
    }
    Ok(())
}

fn write_headers(db: &Connection, terms: &mut Terms, plan: &Plan) -> rusqlite::Result<()> {
    if !plan.created.is_empty() {
        row::insert_headers(db, terms, &plan.created)?;
    }
    if !plan.updated.is_empty() {
        let mut change = db.prepare_cached(
            "UPDATE header SET status = ?2, processed = ?3 - created, is_error = ?4, error_status = ?5 WHERE id = ?1",
        )?;
        for update in &plan.updated {
            let HeaderUpdate { id, status, is_error, error_status, time_processed } = update;
            change.execute(params![
                id.0 as i64,
                *status as u8,
                time_processed.map(|time| time.0),
                is_error.then_some(1),
                text(error_status),
            ])?;
        }
    }
    Ok(())
}

fn write_events(db: &Connection, terms: &mut Terms, plan: &Plan) -> rusqlite::Result<()> {
    if plan.events.is_empty() {
        return Ok(());
    }
    let mut insert = db.prepare_cached(
        "INSERT INTO event (time, kind, item, text, session, message) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for (time, event) in &plan.events {
        insert.execute(params![
            time.0,
            event.kind as u8,
            terms.known(db, &event.item)?,
            event.text,
            event.session.map(|id| id.0 as i64),
            event.message.map(|id| id.0 as i64),
        ])?;
    }
    Ok(())
}

fn write_state(db: &Connection, plan: &Plan) -> rusqlite::Result<()> {
    for (item, change) in &plan.state {
        let item: &str = item;
        match &change.value {
            Some(value) => db
                .prepare_cached("INSERT OR REPLACE INTO state (item, key, value) VALUES (?1, ?2, ?3)")?
                .execute(params![item, change.key, value])?,
            None => db
                .prepare_cached("DELETE FROM state WHERE item = ?1 AND key = ?2")?
                .execute(params![item, change.key])?,
        };
    }
    Ok(())
}

fn write_sockets(db: &Connection, plan: &Plan) -> rusqlite::Result<()> {
    for step in &plan.sockets {
        let (sql, socket) = match step {
            SocketStep::Open(socket) => (
                "INSERT INTO socket (id, session_key, item, client_address, origin, user, connected, subscription) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                socket,
            ),
            SocketStep::Change(socket) => (
                "UPDATE socket SET session_key = ?2, item = ?3, client_address = ?4, origin = ?5, user = ?6, \
                 connected = ?7, subscription = ?8 WHERE id = ?1",
                socket,
            ),
            SocketStep::Delete(id) => {
                db.prepare_cached("DELETE FROM socket WHERE id = ?1")?.execute([id.0 as i64])?;
                continue;
            }
        };
        db.prepare_cached(sql)?.execute(params![
            socket.id.0 as i64,
            socket.session_key,
            socket.item,
            socket.client_address,
            socket.origin,
            socket.user,
            socket.connected.0,
            socket.subscription,
        ])?;
    }
    Ok(())
}

/// Why a group cannot be committed now, and what follows.
pub(crate) fn trouble(path: &Path, error: &rusqlite::Error, changes: usize) -> String {
    let path = path.display();
    let what = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => {
            format!("store \"{path}\" cannot grow: the disk is full or its limit is reached; free space")
        }
        Some(ErrorCode::ReadOnly) => format!("store \"{path}\" cannot be written: it is read-only"),
        Some(ErrorCode::SystemIoFailure) => {
            format!("store \"{path}\" cannot be written: the disk failed ({error})")
        }
        _ => format!("store \"{path}\" cannot be written: {}", crate::error::lower(&error.to_string())),
    };
    format!("{what}; {changes} changes wait for it, nothing is lost")
}
