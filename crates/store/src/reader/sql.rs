//! SQL of users: one SELECT on the views, read-only, bounded in time and rows.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use model::{BodyId, MessageBody};
use rusqlite::functions::FunctionFlags;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, ErrorCode};

use super::Reader;
use super::bodies::Blocks;
use crate::views::NAMES;
use crate::{STORE_FILE, StoreError, schema};

/// How long a query may take, if nothing else is said.
const TIMEOUT: Duration = Duration::from_secs(60);
/// How many steps of SQLite's machine lie between two looks at the clock.
const STEPS: i32 = 20_000;
/// The longest single value.
const LONGEST_VALUE: i32 = 256 << 20;

/// One value of a query's answer.
#[derive(Debug, Clone, PartialEq)]
pub enum SqlValue {
    /// Nothing.
    Null,
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Real(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

/// A query's answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SqlTable {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows, each with one value per column.
    pub rows: Vec<Vec<SqlValue>>,
    /// Whether there were more rows than the limit.
    pub more: bool,
}

impl Reader {
    /// Answers one SELECT on the views, with at most `limit` rows.
    ///
    /// # Errors
    /// [`StoreError::Query`] when it is wrong, no SELECT, names something else than a view, or takes
    /// longer than a minute.
    pub fn sql(&self, query: &str, limit: usize) -> Result<SqlTable, StoreError> {
        let mut table = SqlTable::default();
        let rows = &mut table.rows;
        let mut more = false;
        table.columns = self.sql_rows(query, TIMEOUT, &mut |row| {
            more = rows.len() >= limit;
            if !more {
                rows.push(row);
            }
            !more
        })?;
        table.more = more;
        Ok(table)
    }

    /// Hands the rows of one SELECT on the views to `each`, one after the other, until it says false
    /// or `timeout` is over. Returns the names of the columns.
    ///
    /// # Errors
    /// As [`Reader::sql`].
    pub fn sql_rows(
        &self,
        query: &str,
        timeout: Duration,
        each: &mut dyn FnMut(Vec<SqlValue>) -> bool,
    ) -> Result<Vec<String>, StoreError> {
        let refused = Arc::new(Mutex::new(None));
        // A connection of its own: what is allowed there is not what the other methods need.
        let mut db = schema::open_for_reading(&self.data_dir.join(STORE_FILE))?;
        add_functions(&db, &self.data_dir)?;
        restrict(&mut db, timeout, refused.clone())?;
        let explain = |error: rusqlite::Error| {
            let refused = refused.lock().unwrap_or_else(PoisonError::into_inner).take();
            StoreError::Query(refused.unwrap_or_else(|| explain(&error, timeout)))
        };
        let mut statement = db.prepare(query).map_err(explain)?;
        if statement.column_count() == 0 || !statement.readonly() {
            return Err(StoreError::Query(
                "the query is not a SELECT; only one SELECT is answered".to_owned(),
            ));
        }
        let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let mut rows = statement.query([]).map_err(explain)?;
        while let Some(row) = rows.next().map_err(explain)? {
            let values = (0..columns.len()).map(|at| row.get_ref(at).map(value));
            if !each(values.collect::<rusqlite::Result<_>>().map_err(explain)?) {
                break;
            }
        }
        drop(rows);
        drop(statement);
        Ok(columns)
    }
}

/// Gives a connection the functions by which the view of bodies reads their names and contents. They
/// look through a reader of their own, opened when it is needed: bodies never change.
fn add_functions(db: &Connection, data_dir: &Path) -> Result<(), StoreError> {
    type Show = fn(&MessageBody) -> Value;
    let functions: [(&str, Show); 2] = [
        ("orris_body_name", |body| Value::Text(body.name().to_owned())),
        ("orris_body_content", |body| match std::str::from_utf8(body.content()) {
            // Text is what LIKE and a terminal can use; other bytes stay bytes.
            Ok(text) => Value::Text(text.to_owned()),
            Err(_) => Value::Blob(body.content().to_vec()),
        }),
    ];
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    let reader = Arc::new(Mutex::new(None));
    for (name, show) in functions {
        let (reader, data_dir) = (reader.clone(), data_dir.to_owned());
        db.create_scalar_function(name, 1, flags, move |context| {
            let id = BodyId(context.get::<i64>(0)? as u64);
            let body = read_body(&mut reader.lock().unwrap_or_else(PoisonError::into_inner), &data_dir, id);
            let body = body.map_err(|error| rusqlite::Error::UserFunctionError(Box::new(error)))?;
            Ok(body.map_or(Value::Null, |body| show(&body)))
        })?;
    }
    Ok(())
}

fn read_body(
    reader: &mut Option<(Reader, Blocks)>,
    data_dir: &Path,
    id: BodyId,
) -> Result<Option<MessageBody>, StoreError> {
    let (reader, blocks) = match reader {
        Some(open) => open,
        None => reader.insert((Reader::open(data_dir)?, Blocks::default())),
    };
    blocks.body(reader, id)
}

/// Leaves a connection able to do nothing but SELECT from the views, for a while.
fn restrict(
    db: &mut Connection,
    timeout: Duration,
    refused: Arc<Mutex<Option<String>>>,
) -> Result<(), StoreError> {
    db.set_limit(Limit::SQLITE_LIMIT_LENGTH, LONGEST_VALUE)?;
    let until = Instant::now() + timeout;
    db.progress_handler(STEPS, Some(move || Instant::now() > until))?;
    db.authorizer(Some(move |context: AuthContext<'_>| match refusal(&context) {
        None => Authorization::Allow,
        Some(why) => {
            *refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
            Authorization::Deny
        }
    }))?;
    Ok(())
}

/// Why a query may not do that; none when it may.
fn refusal(context: &AuthContext<'_>) -> Option<String> {
    let is_view = |name: &str| NAMES.iter().any(|view| view.eq_ignore_ascii_case(name));
    match context.action {
        AuthAction::Select | AuthAction::Recursive => None,
        // The views themselves may read the tables; a query may read the views.
        AuthAction::Read { .. } if context.accessor.is_some_and(is_view) => None,
        AuthAction::Read { table_name, .. } if is_view(table_name) => None,
        // No value is read: so SQLite asks about tables, also of views, that only give their rows.
        AuthAction::Read { column_name: "", .. } => None,
        AuthAction::Read { table_name: "json_each" | "json_tree", .. } => None,
        AuthAction::Read { table_name, .. } => Some(format!(
            "\"{table_name}\" is not one of the views; expected {} or {}",
            NAMES[..NAMES.len() - 1].join(", "),
            NAMES[NAMES.len() - 1]
        )),
        AuthAction::Function { function_name: "load_extension" } => {
            Some("the function \"load_extension\" is not allowed".to_owned())
        }
        AuthAction::Function { .. } => None,
        _ => Some("the query would do something else than read; only one SELECT is answered".to_owned()),
    }
}

fn explain(error: &rusqlite::Error, timeout: Duration) -> String {
    if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) {
        return format!(
            "the query took longer than {} s; ask for less, as in WHERE ObjectId > 1000",
            timeout.as_secs_f32()
        );
    }
    match error {
        rusqlite::Error::SqlInputError { msg, .. } => crate::error::lower(msg),
        rusqlite::Error::MultipleStatement => {
            "there is more than one statement; only one SELECT is answered".to_owned()
        }
        other => crate::error::lower(&other.to_string()),
    }
}

fn value(value: ValueRef<'_>) -> SqlValue {
    match value {
        ValueRef::Null => SqlValue::Null,
        ValueRef::Integer(number) => SqlValue::Integer(number),
        ValueRef::Real(number) => SqlValue::Real(number),
        ValueRef::Text(text) => SqlValue::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => SqlValue::Blob(bytes.to_vec()),
    }
}
