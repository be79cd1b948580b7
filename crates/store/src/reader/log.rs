//! Lists of messages and of events.

use model::{Event, EventKind, MessageHeader, MessageId, MessageStatus, MessageType, SessionId, Timestamp};
use rusqlite::types::Value;
use rusqlite::{OptionalExtension, params_from_iter};

use super::Reader;
use crate::StoreError;
use crate::row::{HEADER_COLUMNS, unsigned};

/// Which messages a list has. All that is set has to hold.
#[derive(Debug, Clone)]
pub struct MessageFilter {
    /// Only this status.
    pub status: Option<MessageStatus>,
    /// Only errors, whatever their status.
    pub errors: bool,
    /// Only requests, or only responses.
    pub message_type: Option<MessageType>,
    /// Only from this item.
    pub source: Option<String>,
    /// Only to this item.
    pub target: Option<String>,
    /// Only from or to this item.
    pub item: Option<String>,
    /// Only this session.
    pub session: Option<SessionId>,
    /// Only bodies of this document type, such as `ADT_A01`.
    pub doc_type: Option<String>,
    /// Only those created at this time or later.
    pub since: Option<Timestamp>,
    /// Only those created before this time.
    pub until: Option<Timestamp>,
    /// Only greater ids: for following.
    pub after: Option<MessageId>,
    /// Only smaller ids: for paging back.
    pub before: Option<MessageId>,
    /// The oldest first; the default is the newest first.
    pub oldest_first: bool,
    /// At most this many; the default is 100.
    pub limit: usize,
}

impl Default for MessageFilter {
    fn default() -> Self {
        MessageFilter {
            status: None,
            errors: false,
            message_type: None,
            source: None,
            target: None,
            item: None,
            session: None,
            doc_type: None,
            since: None,
            until: None,
            after: None,
            before: None,
            oldest_first: false,
            limit: 100,
        }
    }
}

/// Which events a list has. All that is set has to hold.
#[derive(Debug, Clone)]
pub struct EventFilter {
    /// Only this kind.
    pub kind: Option<EventKind>,
    /// Only what this item said.
    pub item: Option<String>,
    /// Only what belongs to this session.
    pub session: Option<SessionId>,
    /// Only what belongs to this message.
    pub message: Option<MessageId>,
    /// Only those said at this time or later.
    pub since: Option<Timestamp>,
    /// Only those said before this time.
    pub until: Option<Timestamp>,
    /// Only greater event ids: for following.
    pub after: Option<u64>,
    /// The oldest first; the default is the newest first.
    pub oldest_first: bool,
    /// At most this many; the default is 100.
    pub limit: usize,
}

impl Default for EventFilter {
    fn default() -> Self {
        EventFilter {
            kind: None,
            item: None,
            session: None,
            message: None,
            since: None,
            until: None,
            after: None,
            oldest_first: false,
            limit: 100,
        }
    }
}

/// An event as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// Its id, growing with time.
    pub id: u64,
    /// When it was said.
    pub time: Timestamp,
    /// What was said.
    pub event: Event,
}

/// How far the clock may have been set back: headers are sought by time among ids that far around.
const CLOCK_SLACK_MS: i64 = 3_600_000;

/// The conditions of a query and their values.
#[derive(Default)]
struct Conditions {
    sql: String,
    values: Vec<Value>,
}

impl Conditions {
    /// Adds a condition in which every `?` stands for this value.
    fn add(&mut self, condition: &str, value: impl Into<Value>) {
        self.values.push(value.into());
        let place = format!("?{}", self.values.len());
        self.plain(&condition.replace('?', &place));
    }

    fn plain(&mut self, condition: &str) {
        self.sql.push_str(if self.sql.is_empty() { " WHERE " } else { " AND " });
        self.sql.push_str(condition);
    }
}

impl Reader {
    /// Lists messages.
    ///
    /// # Errors
    /// When the store fails.
    pub fn messages(&self, filter: &MessageFilter) -> Result<Vec<MessageHeader>, StoreError> {
        let mut conditions = Conditions::default();
        if !self.name_conditions(filter, &mut conditions)? {
            return Ok(Vec::new());
        }
        if let Some(status) = filter.status {
            // Written out: only so are the indexes of single statuses used.
            conditions.plain(&format!("status = {}", status as u8));
        }
        if filter.errors {
            conditions.plain("is_error = 1");
        }
        if let Some(message_type) = filter.message_type {
            conditions.add("kind & 1 = ?", i64::from(message_type as u8 - 1));
        }
        if let Some(session) = filter.session {
            conditions.add("(session = ? OR (id = ? AND session IS NULL))", session.0 as i64);
        }
        if let Some(after) = filter.after {
            conditions.add("id > ?", after.0 as i64);
        }
        if let Some(before) = filter.before {
            conditions.add("id < ?", before.0 as i64);
        }
        self.time_conditions(filter, &mut conditions)?;
        conditions.values.push(Value::Integer(filter.limit as i64));
        let sql = format!(
            "SELECT {HEADER_COLUMNS} FROM header{} ORDER BY id {} LIMIT ?{}",
            conditions.sql,
            if filter.oldest_first { "ASC" } else { "DESC" },
            conditions.values.len(),
        );
        self.headers(&sql, params_from_iter(conditions.values))
    }

    /// Adds the conditions on names; false when no row can have such a name.
    fn name_conditions(
        &self,
        filter: &MessageFilter,
        conditions: &mut Conditions,
    ) -> Result<bool, StoreError> {
        let names = [
            (&filter.source, "source = ?"),
            (&filter.target, "target = ?"),
            (&filter.item, "(source = ? OR target = ?)"),
        ];
        for (name, condition) in names {
            let Some(name) = name else { continue };
            let Some(id) = self.terms.id(&self.db, name)? else { return Ok(false) };
            conditions.add(condition, id);
        }
        if let Some(doc_type) = &filter.doc_type {
            let name = match self.terms.id(&self.db, doc_type)? {
                Some(id) => Value::Integer(id),
                None => Value::Text(doc_type.clone()),
            };
            conditions
                .add("body IN (SELECT b.id FROM body b WHERE b.id = header.body AND b.doc_type = ?)", name);
        }
        Ok(true)
    }

    /// Adds the conditions on times, and for each the bound on ids that spares looking at the rest.
    fn time_conditions(&self, filter: &MessageFilter, conditions: &mut Conditions) -> Result<(), StoreError> {
        if let Some(since) = filter.since {
            conditions.add("created >= ?", since.0);
            conditions.add("id >= ?", self.first_created(since.0.saturating_sub(CLOCK_SLACK_MS))?);
        }
        if let Some(until) = filter.until {
            conditions.add("created < ?", until.0);
            conditions.add("id <= ?", self.first_created(until.0.saturating_add(CLOCK_SLACK_MS))?);
        }
        Ok(())
    }

    /// The id of the first header created at that time or later, by halving: ids grow with time.
    fn first_created(&self, time: i64) -> Result<i64, StoreError> {
        let bound =
            |sql: &str| -> rusqlite::Result<Option<i64>> { self.db.query_row(sql, [], |row| row.get(0)) };
        let (Some(mut low), Some(last)) =
            (bound("SELECT min(id) FROM header")?, bound("SELECT max(id) FROM header")?)
        else {
            return Ok(0);
        };
        let mut high = last + 1;
        let mut created =
            self.db.prepare_cached("SELECT created FROM header WHERE id >= ?1 ORDER BY id LIMIT 1")?;
        while low < high {
            let middle = low + (high - low) / 2;
            let earlier: Option<i64> = created.query_row([middle], |row| row.get(0)).optional()?;
            if earlier.is_some_and(|earlier| earlier < time) { low = middle + 1 } else { high = middle }
        }
        Ok(low)
    }

    /// Lists events.
    ///
    /// # Errors
    /// When the store fails.
    pub fn events(&self, filter: &EventFilter) -> Result<Vec<EventRow>, StoreError> {
        let mut conditions = Conditions::default();
        if let Some(item) = &filter.item {
            let Some(id) = self.terms.id(&self.db, item)? else { return Ok(Vec::new()) };
            conditions.add("item = ?", id);
        }
        let numbers = [
            ("kind = ?", filter.kind.map(|kind| kind as i64)),
            ("session = ?", filter.session.map(|id| id.0 as i64)),
            ("message = ?", filter.message.map(|id| id.0 as i64)),
            ("time >= ?", filter.since.map(|time| time.0)),
            ("time < ?", filter.until.map(|time| time.0)),
            ("id > ?", filter.after.map(|id| id as i64)),
        ];
        for (condition, value) in numbers {
            if let Some(value) = value {
                conditions.add(condition, value);
            }
        }
        conditions.values.push(Value::Integer(filter.limit as i64));
        let sql = format!(
            "SELECT id, time, kind, item, text, session, message FROM event{} ORDER BY id {} LIMIT ?{}",
            conditions.sql,
            if filter.oldest_first { "ASC" } else { "DESC" },
            conditions.values.len(),
        );
        let mut statement = self.db.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(conditions.values))?;
        let mut events = Vec::new();
        while let Some(row) = rows.next()? {
            let event = Event {
                kind: EventKind::from_number(row.get(2)?).unwrap_or(EventKind::Info),
                item: self.terms.text(&self.db, row.get_ref(3)?)?.to_string(),
                text: row.get(4)?,
                session: unsigned(row, 5)?.map(SessionId),
                message: unsigned(row, 6)?.map(MessageId),
            };
            events.push(EventRow {
                id: unsigned(row, 0)?.unwrap_or_default(),
                time: Timestamp(row.get(1)?),
                event,
            });
        }
        Ok(events)
    }
}
