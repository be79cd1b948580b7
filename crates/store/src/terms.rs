//! Names that occur again and again are stored once and referred to by a small number.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, OptionalExtension, ToSql};

/// What a stranger can make up (document types, descriptions) becomes a term only while there are
/// fewer than this, so that memory stays bounded; beyond that the text stands in the row itself.
const MOST_TERMS: usize = 8_192;
const LONGEST_TERM: usize = 64;

/// A name as a row holds it: nothing for the empty one, a term's number, or the text itself.
#[derive(Debug, PartialEq)]
pub(crate) enum Name<'a> {
    Empty,
    Term(i64),
    Text(&'a str),
}

impl ToSql for Name<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Name::Empty => ToSqlOutput::Owned(Value::Null),
            Name::Term(id) => ToSqlOutput::Owned(Value::Integer(*id)),
            Name::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        })
    }
}

/// The writer's terms: all of them, in memory.
pub(crate) struct Terms {
    ids: HashMap<Arc<str>, i64>,
    /// Those of the transaction that is not committed yet.
    fresh: Vec<Arc<str>>,
}

impl Terms {
    pub(crate) fn load(db: &Connection) -> rusqlite::Result<Self> {
        let mut statement = db.prepare("SELECT text, id FROM term")?;
        let ids = statement
            .query_map([], |row| Ok((Arc::from(row.get_ref(0)?.as_str()?), row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        Ok(Terms { ids, fresh: Vec::new() })
    }

    /// The number of an item's or class's name: there are only as many as the production has.
    pub(crate) fn known<'a>(&mut self, db: &Connection, text: &str) -> rusqlite::Result<Name<'a>> {
        if text.is_empty() {
            return Ok(Name::Empty);
        }
        match self.ids.get(text) {
            Some(id) => Ok(Name::Term(*id)),
            None => self.add(db, text).map(Name::Term),
        }
    }

    /// The number of a name that anybody could have made up, or the name itself.
    pub(crate) fn any<'a>(&mut self, db: &Connection, text: &'a str) -> rusqlite::Result<Name<'a>> {
        let room = self.ids.len() < MOST_TERMS && text.len() <= LONGEST_TERM;
        if room || self.ids.contains_key(text) { self.known(db, text) } else { Ok(Name::Text(text)) }
    }

    fn add(&mut self, db: &Connection, text: &str) -> rusqlite::Result<i64> {
        db.prepare_cached("INSERT INTO term (text) VALUES (?1)")?.execute([text])?;
        let (id, text) = (db.last_insert_rowid(), Arc::<str>::from(text));
        self.ids.insert(text.clone(), id);
        self.fresh.push(text);
        Ok(id)
    }

    pub(crate) fn committed(&mut self) {
        self.fresh.clear();
    }

    pub(crate) fn rolled_back(&mut self) {
        for text in self.fresh.drain(..) {
            self.ids.remove(&text);
        }
    }
}

/// A reader's terms: those it has met, no more than the writer makes.
#[derive(Default)]
pub(crate) struct ReadTerms {
    texts: RefCell<HashMap<i64, Arc<str>>>,
    empty: Arc<str>,
}

impl ReadTerms {
    /// What a column with a [`Name`] says.
    pub(crate) fn text(&self, db: &Connection, name: ValueRef<'_>) -> rusqlite::Result<Arc<str>> {
        match name {
            ValueRef::Null => Ok(self.empty.clone()),
            ValueRef::Integer(id) => self.term(db, id),
            other => Ok(Arc::from(other.as_str()?)),
        }
    }

    fn term(&self, db: &Connection, id: i64) -> rusqlite::Result<Arc<str>> {
        if let Some(text) = self.texts.borrow().get(&id) {
            return Ok(text.clone());
        }
        let mut statement = db.prepare_cached("SELECT text FROM term WHERE id = ?1")?;
        let text: Arc<str> = statement.query_row([id], |row| Ok(Arc::from(row.get_ref(0)?.as_str()?)))?;
        self.texts.borrow_mut().insert(id, text.clone());
        Ok(text)
    }

    /// The number of a name; none when no row can have it as a term.
    pub(crate) fn id(&self, db: &Connection, text: &str) -> rusqlite::Result<Option<i64>> {
        let mut statement = db.prepare_cached("SELECT id FROM term WHERE text = ?1")?;
        statement.query_row([text], |row| row.get(0)).optional()
    }
}
