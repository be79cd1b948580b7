//! Reading a store, beside an engine or without one.

mod bodies;
mod log;
mod queue;
mod search;
mod sql;

use std::path::{Path, PathBuf};

use model::{BodyId, MessageBody, MessageHeader, MessageId, SessionId};
use rusqlite::{Connection, OptionalExtension, Params};

pub use log::{EventFilter, EventRow, MessageFilter};
pub use queue::QueueRow;
pub use search::Hit;
pub use sql::{SqlTable, SqlValue};

use crate::row::{self, HEADER_COLUMNS};
use crate::schema;
use crate::search::IndexHandle;
use crate::terms::ReadTerms;
use crate::{Extractor, STORE_FILE, StoreError};
use bodies::Blocks;

/// A look at a store. It sees what is committed at each call, and never changes anything.
///
/// It is for one thread at a time; open as many as there are threads.
pub struct Reader {
    db: Connection,
    data_dir: PathBuf,
    terms: ReadTerms,
    extractor: Option<Extractor>,
    index: IndexHandle,
}

impl Reader {
    /// Opens the store of a data directory.
    ///
    /// # Errors
    /// [`StoreError::Missing`] where there is none, or why it cannot be read.
    pub fn open(data_dir: &Path) -> Result<Reader, StoreError> {
        let db = schema::open_for_reading(&data_dir.join(STORE_FILE))?;
        Ok(Reader {
            db,
            data_dir: data_dir.to_owned(),
            terms: ReadTerms::default(),
            extractor: None,
            index: IndexHandle::default(),
        })
    }

    /// Lets [`Reader::search`] look through what is not indexed yet. A ledger's own readers have it.
    #[must_use]
    pub fn with_extractor(self, extractor: Extractor) -> Self {
        Reader { extractor: Some(extractor), ..self }
    }

    /// The header with that id.
    ///
    /// # Errors
    /// When the store fails.
    pub fn header(&self, id: MessageId) -> Result<Option<MessageHeader>, StoreError> {
        let sql = format!("SELECT {HEADER_COLUMNS} FROM header WHERE id = ?1");
        Ok(self.headers(&sql, [id.0 as i64])?.pop())
    }

    /// All headers of a session, in order: what a trace is drawn from.
    ///
    /// # Errors
    /// When the store fails.
    pub fn session(&self, session: SessionId) -> Result<Vec<MessageHeader>, StoreError> {
        let sql = format!(
            "SELECT {HEADER_COLUMNS} FROM header WHERE id = ?1 AND session IS NULL
             UNION ALL SELECT {HEADER_COLUMNS} FROM header WHERE session = ?1"
        );
        let mut headers = self.headers(&sql, [session.0 as i64])?;
        headers.sort_by_key(|header| header.id);
        Ok(headers)
    }

    /// The session that a message belongs to.
    ///
    /// # Errors
    /// When the store fails.
    pub fn session_of(&self, message: MessageId) -> Result<Option<SessionId>, StoreError> {
        let mut statement =
            self.db.prepare_cached("SELECT coalesce(session, id) FROM header WHERE id = ?1")?;
        let session: Option<i64> = statement.query_row([message.0 as i64], |row| row.get(0)).optional()?;
        Ok(session.map(|id| SessionId(id as u64)))
    }

    /// The body with that id.
    ///
    /// # Errors
    /// When the store fails, or the body's block is damaged.
    pub fn body(&self, id: BodyId) -> Result<Option<MessageBody>, StoreError> {
        Blocks::default().body(self, id)
    }

    /// What tells this store from another one.
    pub(crate) fn store_id(&self) -> Result<String, StoreError> {
        Ok(self.db.query_row("SELECT value FROM meta WHERE key = 'store'", [], |row| row.get(0))?)
    }

    /// Runs a query that selects [`HEADER_COLUMNS`].
    fn headers(&self, sql: &str, params: impl Params) -> Result<Vec<MessageHeader>, StoreError> {
        let mut statement = self.db.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        let mut headers = Vec::new();
        while let Some(row) = rows.next()? {
            headers.push(row::header(row, &self.db, &self.terms)?);
        }
        Ok(headers)
    }
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("data_dir", &self.data_dir).finish_non_exhaustive()
    }
}
