//! Databases that flows ask, and the only place of this crate with SQL: files of SQLite that a production
//! names under `connections:`, and its lookup tables as tables with the columns `key` and `value`.
//!
//! Nothing is written. A file is opened to be read, and SQLite is asked, statement by statement, to refuse
//! whatever is more than a query. Errors tell what stands in the statement, and never what stands in the
//! database or in a value.

use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use model::{HostContext, Span};
use rules::LookupTables;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Error, ErrorCode, OpenFlags, Row};
use tokio::sync::Mutex;

/// So many rows are looked at; a flow wants one.
pub(crate) const MOST_ROWS: usize = 1_000;
/// So large a row may be that a flow keeps, and any value on the way to it.
const LARGEST_ROW: usize = 1 << 20;
const LARGEST_VALUE: i32 = 16 << 20;
/// After so many instructions a statement looks whether its time is up.
const LOOKS_UP: i32 = 1_000;

/// Where a database is.
#[derive(Debug, Clone)]
pub(crate) enum Database {
    /// A file.
    File(PathBuf),
    /// The lookup tables.
    Tables(LookupTables),
}

impl Database {
    /// Whether there is something to ask.
    pub(crate) fn is_there(&self) -> bool {
        match self {
            Database::File(path) => path.is_file(),
            Database::Tables(_) => true,
        }
    }
}

/// What is known of a statement before it is run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Looked {
    /// The names of its columns.
    pub(crate) columns: Vec<String>,
    /// The names of its parameters, with the bytes that they stand at.
    pub(crate) parameters: Vec<(String, Range<usize>)>,
}

/// Why a statement cannot be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// The database cannot be asked now.
    Away(String),
    /// The statement is wrong, here.
    Statement(Option<Range<usize>>, String),
}

/// What is asked. Its values may be content: it has no `Debug`.
pub(crate) struct Question {
    /// The statement.
    pub(crate) sql: Arc<str>,
    /// A value for each parameter, by its name.
    pub(crate) values: Vec<(String, String)>,
    /// How long it may take.
    pub(crate) limit: Duration,
}

/// What was found.
#[derive(Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// The columns of the first row, as texts; all are empty without a row.
    pub(crate) first: Vec<(String, String)>,
    /// How many rows there were, up to [`MOST_ROWS`].
    pub(crate) rows: usize,
}

/// Looks at a statement, and runs nothing.
///
/// # Errors
/// What is wrong with it, or that the database cannot be asked.
pub(crate) fn look(database: &Database, sql: &str) -> Result<Looked, Wrong> {
    let away = |error: Error| Wrong::Away(told(&error));
    let db = open(database, false).map_err(away)?;
    let statement = db.prepare(sql).map_err(|error| wrong(&db, sql, &error))?;
    if statement.column_count() == 0 || !statement.readonly() {
        let message = "the statement is no query; expected SELECT".to_owned();
        return Err(Wrong::Statement(None, message));
    }
    let columns = statement.column_names().map(str::to_owned).collect();
    let mut parameters = Vec::new();
    for at in 1..=statement.parameter_count() {
        let name = statement.parameter_name(at).filter(|name| !name.starts_with('?'));
        let Some(name) = name else {
            let message = "parameter \"?\" has no name; write it as :name".to_owned();
            return Err(Wrong::Statement(sql.find('?').map(|at| at..at + 1), message));
        };
        let begin = sql.find(name).unwrap_or(0);
        parameters.push((name[1..].to_owned(), begin..begin + name.len()));
    }
    Ok(Looked { columns, parameters })
}

fn open(database: &Database, with_entries: bool) -> Result<Connection, Error> {
    let mut db = match database {
        Database::File(path) => {
            // To open a pipe would be to wait for somebody at its other end.
            if Path::metadata(path).is_ok_and(|found| !found.is_file()) {
                let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_NOTADB);
                return Err(Error::SqliteFailure(code, None));
            }
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let db = Connection::open_with_flags(path, flags)?;
            // SQLite puts off to look into the file.
            db.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
            db
        }
        Database::Tables(tables) => in_memory(tables, with_entries)?,
    };
    db.set_limit(Limit::SQLITE_LIMIT_LENGTH, LARGEST_VALUE)?;
    db.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    db.authorizer(Some(|context: AuthContext<'_>| match context.action {
        AuthAction::Select | AuthAction::Read { .. } | AuthAction::Function { .. } => Authorization::Allow,
        AuthAction::Recursive => Authorization::Allow,
        _ => Authorization::Deny,
    }))?;
    Ok(db)
}

/// The lookup tables in memory; to look at a statement their names are enough.
fn in_memory(tables: &LookupTables, with_entries: bool) -> Result<Connection, Error> {
    let mut db = Connection::open_in_memory()?;
    let transaction = db.transaction()?;
    for name in tables.names() {
        let quoted = name.replace('"', "\"\"");
        transaction.execute_batch(&format!(
            "CREATE TABLE \"{quoted}\" (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"
        ))?;
        let Some(table) = tables.get(name).filter(|_| with_entries) else { continue };
        let mut insert = transaction.prepare(&format!("INSERT INTO \"{quoted}\" VALUES (?1, ?2)"))?;
        for (key, value) in &table.entries {
            insert.execute([key, value])?;
        }
    }
    transaction.commit()?;
    Ok(db)
}

/// What is wrong with a statement that cannot be prepared.
fn wrong(db: &Connection, sql: &str, error: &Error) -> Wrong {
    let said = match error {
        Error::MultipleStatement => "there are several statements; expected one SELECT".to_owned(),
        Error::SqlInputError { msg, .. } => msg.clone(),
        Error::SqliteFailure(code, said) => match (code.code, said) {
            (ErrorCode::AuthorizationForStatementDenied, _) => {
                "the statement does more than to read; expected SELECT".to_owned()
            }
            (ErrorCode::Unknown, Some(said)) => said.clone(),
            _ => return Wrong::Away(told(error)),
        },
        Error::NulError(_) => "the statement holds a byte 0".to_owned(),
        _ => return Wrong::Away(told(error)),
    };
    let at = match error {
        Error::SqlInputError { offset, .. } => usize::try_from(*offset).ok().filter(|at| *at <= sql.len()),
        // The name stands at the end, as in "no such table: wards".
        _ => said.rsplit_once(": ").and_then(|(_, name)| sql.find(name)),
    };
    let range = at.map(|at| {
        let is_word = |c: char| c.is_alphanumeric() || "_.$".contains(c);
        let rest = sql.get(at..).unwrap_or_default();
        let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let one = rest.chars().next().map_or(0, char::len_utf8);
        at..at + length.max(one)
    });
    let tables = match said.starts_with("no such table") {
        true => format!("; there is {}", names_of(db)),
        false => String::new(),
    };
    Wrong::Statement(range, format!("{said}{tables}"))
}

/// The tables that there are, in a sentence.
fn names_of(db: &Connection) -> String {
    let sql = "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY name LIMIT 10";
    let names = db.prepare(sql).and_then(|mut all| {
        all.query_map([], |row| Ok(format!("\"{}\"", row.get::<_, String>(0)?)))?
            .collect::<Result<Vec<_>, _>>()
    });
    match names {
        Ok(names) if !names.is_empty() => names.join(", "),
        _ => "none".to_owned(),
    }
}

/// What went wrong, without a word of what stands in the database or was handed over: messages of
/// functions may quote either.
fn told(error: &Error) -> String {
    match error.sqlite_error() {
        Some(error) if error.code == ErrorCode::NotADatabase => "the file is no SQLite database".to_owned(),
        Some(error) => rusqlite::ffi::code_to_str(error.extended_code).to_lowercase(),
        None => "the statement cannot be run".to_owned(),
    }
}

/// Databases that are open, and stay so: one for each connection of a production.
#[derive(Default)]
pub(crate) struct Asked(Arc<Mutex<Option<Open>>>);

struct Open {
    db: Connection,
    /// What file it is: another one may come to stand in its place.
    file: Option<File>,
}

/// A file as it is now: which one, and when it was written last. SQLite itself does not see that somebody
/// copied another database over it.
type File = [i64; 4];

/// Ends a statement that nobody waits for any more.
struct Ends(Arc<AtomicBool>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Asked {
    /// Asks on a thread that may wait; one question at a time.
    ///
    /// # Errors
    /// Why there is no answer.
    pub(crate) async fn ask(
        &self,
        database: Database,
        question: Question,
        host: &HostContext,
    ) -> Result<Found, String> {
        let over = Arc::new(AtomicBool::new(false));
        // It ends by itself, when the time is up or who asks is gone; who asks next waits for that.
        let _ends = Ends(over.clone());
        let (handle, limit) = (self.0.clone(), question.limit);
        let work = async move {
            let mut open = handle.lock_owned().await;
            let asked = tokio::task::spawn_blocking(move || run(&mut open, &database, &question, over)).await;
            asked.unwrap_or_else(|_| Err("the statement cannot be run".to_owned()))
        };
        tokio::select! {
            found = work => found,
            () = host.clock().sleep(limit) => Err(too_long(limit)),
        }
    }
}

fn too_long(limit: Duration) -> String {
    format!("the statement was not done within {}", Span(limit))
}

/// Which file is there now.
fn file_of(database: &Database) -> Option<File> {
    let Database::File(path) = database else { return None };
    let found = Path::metadata(path).ok()?;
    Some([found.dev().cast_signed(), found.ino().cast_signed(), found.ctime(), found.ctime_nsec()])
}

fn run(
    handle: &mut Option<Open>,
    database: &Database,
    question: &Question,
    over: Arc<AtomicBool>,
) -> Result<Found, String> {
    let file = file_of(database);
    if handle.as_ref().is_some_and(|open| open.file != file) {
        *handle = None;
    }
    let mut opened = match handle.take() {
        Some(opened) => opened,
        None => Open { db: open(database, true).map_err(|error| told(&error))?, file },
    };
    match found(&mut opened.db, question, over) {
        Ok(found) => {
            *handle = Some(opened);
            Ok(found)
        }
        // After an error of the file it is opened anew.
        Err(Failed::Here(reason)) => {
            *handle = Some(opened);
            Err(reason)
        }
        Err(Failed::File(reason)) => Err(reason),
    }
}

/// Why a statement failed.
enum Failed {
    /// It, or its row.
    Here(String),
    /// What it reads.
    File(String),
}

impl Failed {
    fn of(error: &Error, limit: Duration) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted) => Failed::Here(too_long(limit)),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Failed::Here("the database is locked by a writer".to_owned())
            }
            Some(ErrorCode::Unknown | ErrorCode::TypeMismatch | ErrorCode::TooBig) | None => {
                Failed::Here(told(error))
            }
            Some(_) => Failed::File(told(error)),
        }
    }
}

fn found(db: &mut Connection, question: &Question, over: Arc<AtomicBool>) -> Result<Found, Failed> {
    let failed = |error: Error| Failed::of(&error, question.limit);
    db.busy_timeout(question.limit).map_err(failed)?;
    db.progress_handler(LOOKS_UP, Some(move || over.load(Ordering::Relaxed))).map_err(failed)?;
    let mut statement = match db.prepare_cached(&question.sql) {
        Ok(statement) => statement,
        Err(error) => {
            return Err(match wrong(db, &question.sql, &error) {
                // What is wrong with a statement is said in its own words.
                Wrong::Statement(_, said) => Failed::Here(said),
                Wrong::Away(_) => failed(error),
            });
        }
    };
    for at in 1..=statement.parameter_count() {
        let name = statement.parameter_name(at).unwrap_or_default().to_owned();
        let value = question.values.iter().find(|(known, _)| name.get(1..) == Some(known.as_str()));
        let (_, value) = value.ok_or_else(|| Failed::Here(format!("parameter \"{name}\" has no value")))?;
        statement.raw_bind_parameter(at, value).map_err(failed)?;
    }
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut rows = statement.raw_query();
    let mut found = Found::default();
    while found.rows < MOST_ROWS
        && let Some(row) = rows.next().map_err(failed)?
    {
        if found.rows == 0 {
            found.first = texts_of(row, &columns, question.limit)?;
        }
        found.rows += 1;
    }
    if found.rows == 0 {
        found.first = columns.into_iter().map(|name| (name, String::new())).collect();
    }
    Ok(found)
}

/// The columns of a row, as texts.
fn texts_of(row: &Row<'_>, columns: &[String], limit: Duration) -> Result<Vec<(String, String)>, Failed> {
    let mut texts = Vec::with_capacity(columns.len());
    for (at, name) in columns.iter().enumerate() {
        let value = text_of(row.get_ref(at).map_err(|error| Failed::of(&error, limit))?);
        let blob = || Failed::Here(format!("column \"{name}\" holds a blob; expected a text or a number"));
        texts.push((name.clone(), value.ok_or_else(blob)?));
    }
    match texts.iter().map(|(_, value)| value.len()).sum::<usize>() {
        0..=LARGEST_ROW => Ok(texts),
        _ => Err(Failed::Here(format!("the row has more than {} KiB", LARGEST_ROW >> 10))),
    }
}

/// A value as a text; none for a blob.
fn text_of(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Null => Some(String::new()),
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use rules::LookupTable;
    use testkit::TestHost;

    use super::*;

    /// A file with two wards.
    fn file(folder: &Path, name: &str, first: &str) -> PathBuf {
        let path = folder.join(name);
        let db = Connection::open(&path).expect("made");
        let make = format!(
            "CREATE TABLE wards (code TEXT, name TEXT, beds INTEGER, note TEXT);
             INSERT INTO wards VALUES ('W1', '{first}', 12, NULL), ('W2', 'Second', 7, 'x');"
        );
        db.execute_batch(&make).expect("filled");
        path
    }

    fn question(sql: &str, values: &[(&str, &str)]) -> Question {
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Question { sql: sql.into(), values: values.collect(), limit: Duration::from_secs(60) }
    }

    fn wards() -> Database {
        Database::Tables(LookupTables::default().with("wards", LookupTable::default()))
    }

    /// What is wrong with a statement on the lookup tables, and the bytes that it is about.
    fn wrong_of(sql: &str) -> String {
        match look(&wards(), sql) {
            Err(Wrong::Statement(range, said)) => format!("[{}] {said}", range.map_or("", |at| &sql[at])),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_wrong_with_a_statement_is_told_at_its_bytes() {
        for (sql, said) in [
            ("SELECT vlue FROM wards", "[vlue] no such column: vlue"),
            ("SELECT value FROM ward", "[ward] no such table: ward; there is \"wards\""),
            ("SELECT value FORM wards", "[wards] near \"wards\": syntax error"),
            ("SELECT value FROM wards WHERE key = ?", "[?] parameter \"?\" has no name; write it as :name"),
            ("SELECT 1; SELECT 2", "[] there are several statements; expected one SELECT"),
            ("", "[] the statement is no query; expected SELECT"),
            ("DELETE FROM wards", "[] the statement does more than to read; expected SELECT"),
            ("CREATE TABLE x (y)", "[] the statement does more than to read; expected SELECT"),
            ("PRAGMA hard_heap_limit = 1", "[] the statement does more than to read; expected SELECT"),
            ("ATTACH 'x.db' AS x", "[] the statement does more than to read; expected SELECT"),
            ("BEGIN", "[] the statement does more than to read; expected SELECT"),
        ] {
            assert_eq!(wrong_of(sql), said, "{sql}");
        }
        let looked =
            look(&wards(), "SELECT value, key AS k FROM wards WHERE key = :code OR value = :code").unwrap();
        assert_eq!(looked.columns, ["value", "k"]);
        assert_eq!(looked.parameters, [("code".to_owned(), 46..51)]);
    }

    #[tokio::test]
    async fn a_file_is_asked_and_what_stands_there_are_texts() {
        let folder = testkit::data_dir();
        let database = Database::File(file(folder.path(), "his.db", "First"));
        let (asked, host) = (Asked::default(), TestHost::new("Flow").context());
        let ask = |sql: &str, values: &[(&str, &str)]| {
            let (database, question) = (database.clone(), question(sql, values));
            asked.ask(database, question, &host)
        };
        let found =
            ask("SELECT name, beds, note, beds / 8.0 AS half FROM wards WHERE code = :c", &[("c", "W1")]);
        let Found { first, rows } = found.await.unwrap();
        let values: Vec<&str> = first.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!((values, rows), (vec!["First", "12", "", "1.5"], 1));
        // A column of numbers compares as numbers, although the value is a text.
        assert_eq!(ask("SELECT name FROM wards WHERE beds > :n", &[("n", "8")]).await.unwrap().rows, 1);
        let many = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n";
        assert_eq!(ask(many, &[]).await.unwrap().rows, MOST_ROWS);
        let large = ask("SELECT replace(hex(zeroblob(600000)), '00', 'xx') AS x", &[]).await;
        assert_eq!(large.err().as_deref(), Some("the row has more than 1024 KiB"));
        assert_eq!(ask("SELECT :c", &[]).await.err().as_deref(), Some("parameter \":c\" has no value"));
    }

    #[tokio::test]
    async fn another_file_in_its_place_is_opened_anew() {
        let folder = testkit::data_dir();
        let path = folder.path().join("his.db");
        let (asked, host) = (Asked::default(), TestHost::new("Flow").context());
        let name = || {
            let question = question("SELECT name FROM wards WHERE code = 'W1'", &[]);
            let found = asked.ask(Database::File(path.clone()), question, &host);
            async { found.await.map(|found| found.first[0].1.clone()) }
        };
        assert_eq!(name().await, Err("unable to open database file".to_owned()));
        file(folder.path(), "his.db", "First");
        assert_eq!(name().await.as_deref(), Ok("First"));
        let other = file(folder.path(), "new.db", "Other");
        std::fs::rename(other, &path).expect("replaced");
        assert_eq!(name().await.as_deref(), Ok("Other"));
        // As a nightly copy does it: the file stays the same one, and SQLite counts its changes in the file.
        let copied = file(folder.path(), "copy.db", "Copied");
        let before = file_of(&Database::File(path.clone()));
        // Until the clock of the file system has gone on.
        while file_of(&Database::File(path.clone())) == before {
            std::fs::copy(&copied, &path).expect("copied");
        }
        assert_eq!(name().await.as_deref(), Ok("Copied"));
        std::fs::remove_file(&path).and_then(|()| std::fs::write(&path, "no database ".repeat(99))).unwrap();
        assert_eq!(name().await, Err("the file is no SQLite database".to_owned()));
        assert!(matches!(look(&Database::File(path.clone()), "SELECT 1"), Err(Wrong::Away(_))));
        // Nobody is at the other end of a pipe.
        std::fs::remove_file(&path).expect("removed");
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).expect("a pipe");
        assert_eq!(name().await, Err("the file is no SQLite database".to_owned()));
    }

    #[tokio::test]
    async fn a_statement_that_nobody_waits_for_ends() {
        let (asked, host) = (Asked::default(), TestHost::new("Flow").context());
        let endless =
            "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n";
        let begun = asked.ask(wards(), question(endless, &[]), &host);
        // It is begun, and given up as a flow is at the end of its grace.
        tokio::select! {
            biased;
            _ = begun => panic!("it has no end"),
            () = tokio::task::yield_now() => {}
        }
        assert_eq!(asked.ask(wards(), question("SELECT 1", &[]), &host).await.map(|found| found.rows), Ok(1));
    }
}
