//! Looking things up in the index.

use std::cell::{Ref, RefCell};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use model::BodyId;
use rusqlite::{Connection, OptionalExtension};

use super::index::{RANGE_BITS, fits, indexed};
use super::token;
use crate::StoreError;
use crate::schema::connect_for_reading;

/// A reader's index, opened once and again whenever the file was made anew.
#[derive(Default)]
pub(crate) struct IndexHandle(RefCell<Opened>);

#[derive(Default)]
struct Opened {
    file: Option<(u64, u64)>,
    index: Option<IndexReader>,
}

impl IndexHandle {
    /// The index of that store; none where there is none that fits: then nothing is indexed.
    pub(crate) fn open(
        &self,
        path: &Path,
        store: impl FnOnce() -> Result<String, StoreError>,
    ) -> Result<Ref<'_, Option<IndexReader>>, StoreError> {
        let file = std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()));
        let known = {
            let opened = self.0.borrow();
            opened.file == file && opened.index.is_some() == file.is_some()
        };
        if !known {
            let index = match file {
                Some(_) => IndexReader::open(path, &store()?),
                None => None,
            };
            *self.0.borrow_mut() = Opened { file, index };
        }
        Ok(Ref::map(self.0.borrow(), |opened| &opened.index))
    }
}

/// A reader's look at the index.
pub(crate) struct IndexReader(Connection);

impl IndexReader {
    /// Opens the index of that store; none where there is none that fits: then nothing is indexed.
    fn open(path: &Path, store: &str) -> Option<Self> {
        let db = connect_for_reading(path).ok()?;
        matches!(fits(&db, store), Ok(true)).then_some(IndexReader(db))
    }

    /// Looks at one state of the index: how far it is, and by `hits` what it has.
    pub(crate) fn look<T>(
        &self,
        look: impl FnOnce(&Look<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let transaction = self.0.unchecked_transaction()?;
        let indexed = indexed(&transaction)?;
        look(&Look { db: &transaction, indexed })
    }

    pub(crate) fn fields(&self) -> rusqlite::Result<Vec<String>> {
        self.0.prepare("SELECT name FROM field ORDER BY name")?.query_map([], |row| row.get(0))?.collect()
    }
}

/// One state of the index.
pub(crate) struct Look<'a> {
    db: &'a Connection,
    /// Bodies up to this one are in the index.
    pub(crate) indexed: u64,
}

impl Look<'_> {
    /// Calls `hit` for every body with that value in that field, newest first, until it says stop.
    pub(crate) fn hits(
        &self,
        field: &str,
        value: &str,
        mut hit: impl FnMut(BodyId) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        let mut known = self.db.prepare_cached("SELECT id FROM field WHERE name = ?1")?;
        let Some(field) = known.query_row([field], |row| row.get(0)).optional()? else { return Ok(()) };
        let mut words = String::from("\"");
        token::push(&mut words, field, value);
        words.push('"');
        for range in (0..=self.indexed >> RANGE_BITS).rev() {
            let table = format!("hits_{range}");
            let mut exists = self.db.prepare_cached("SELECT 1 FROM sqlite_schema WHERE name = ?1")?;
            if !exists.exists([&table])? {
                continue;
            }
            let sql = format!("SELECT rowid FROM {table} WHERE {table} MATCH ?1 ORDER BY rowid DESC");
            let mut search = self.db.prepare_cached(&sql)?;
            let mut rows = search.query([&words])?;
            while let Some(row) = rows.next()? {
                if !hit(BodyId(row.get::<_, i64>(0)? as u64))? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}
