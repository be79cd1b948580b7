//! SQL of users, on the views.

use std::time::Duration;

use model::{Event, EventKind, MessageId, SocketSession, Timestamp};
use orris_store::{Change, Reader, SqlValue};

use crate::support::{Store, message, text};

fn one(reader: &Reader, query: &str) -> String {
    let table = reader.sql(query, 10).unwrap();
    let show = |value: &SqlValue| match value {
        SqlValue::Null => "NULL".to_owned(),
        SqlValue::Integer(number) => number.to_string(),
        SqlValue::Real(number) => number.to_string(),
        SqlValue::Text(text) => text.clone(),
        SqlValue::Blob(bytes) => format!("{bytes:?}"),
    };
    let rows: Vec<String> =
        table.rows.iter().map(|row| row.iter().map(show).collect::<Vec<_>>().join("|")).collect();
    rows.join("\n")
}

#[test]
fn the_views_have_exactly_these_columns() {
    let store = Store::new();
    let cases = [
        (
            "MessageHeader",
            "ObjectId, Type, MessageBodyId, Invocation, CorrespondingMessageId, SessionId, SourceConfigName, \
             TargetConfigName, SourceBusinessType, TargetBusinessType, BusinessProcessId, TargetQueueName, \
             ReturnQueueName, MessageBodyClassName, Description, SuperSession, Resent, Priority, TimeCreated, \
             TimeProcessed, Status, IsError, ErrorStatus, Banked",
        ),
        ("MessageBody", "ID, ClassName, DocType, Charset, Size, Name, Content"),
        ("EventLog", "ID, TimeLogged, Type, ConfigName, Text, SessionId, MessageId"),
        ("Queue", "Name, Count, Oldest"),
        (
            "WebSocketSession",
            "ID, SessionID, ConfigName, ClientAddress, Origin, UserName, Connected, Subscription",
        ),
    ];
    for (view, columns) in cases {
        let table = store.reader().sql(&format!("SELECT * FROM {view}"), 1).unwrap();
        assert_eq!(table.columns.join(", "), columns);
    }
}

#[test]
fn values_are_readable() {
    let store = Store::new();
    store.commit(|ids| message(ids, "Router", "Grüße"));
    store.commit(|ids| {
        let (mut change, id) = message(ids, "Router", "");
        change.bodies[0].1 = model::MessageBody::described(
            model::BodyClass::HL7,
            vec![0xff, 0xfe],
            "ADT_A01".to_owned(),
            "8859/1".to_owned(),
            "a.hl7".to_owned(),
        );
        change.events.push((Timestamp(1_700_000_000_007), Event::new(EventKind::Alert, "Router", "look")));
        let socket = SocketSession {
            id: ids.socket(),
            session_key: "key".to_owned(),
            item: "Web".to_owned(),
            client_address: "127.0.0.1:1".to_owned(),
            origin: String::new(),
            user: "ada".to_owned(),
            connected: Timestamp(999),
            subscription: "{}".to_owned(),
        };
        change.sockets_opened.push(socket);
        (change, id)
    });
    let reader = store.reader();
    let cases = [
        (
            "SELECT * FROM MessageHeader WHERE ObjectId = 1",
            "1|Request|1|Queue|NULL|1|in|Router|BusinessService|BusinessProcess|NULL|Router||Text||||Async|\
             2023-11-14 22:13:20.001|NULL|Queued|0||0",
        ),
        ("SELECT MessageBodyClassName FROM MessageHeader WHERE ObjectId = 2", "HL7.Message"),
        ("SELECT * FROM MessageBody WHERE ID = 1", "1|Text|||7||Grüße"),
        ("SELECT * FROM MessageBody WHERE ID = 2", "2|HL7.Message|ADT_A01|8859/1|2|a.hl7|[255, 254]"),
        ("SELECT ID FROM MessageBody WHERE Content LIKE '%grü%'", "1"),
        ("SELECT * FROM EventLog", "1|2023-11-14 22:13:20.007|Alert|Router|look|NULL|NULL"),
        ("SELECT * FROM Queue", "Router|2|2023-11-14 22:13:20.001"),
        ("SELECT * FROM WebSocketSession", "1|key|Web|127.0.0.1:1||ada|1970-01-01 00:00:00.999|{}"),
        ("SELECT count(*), min(Status) FROM messageheader", "2|Queued"),
        (
            "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 3) SELECT sum(x) FROM n",
            "6",
        ),
        (
            "SELECT h.ObjectId FROM MessageHeader h JOIN MessageBody b ON b.ID = h.MessageBodyId WHERE b.Size = 2",
            "2",
        ),
    ];
    for (query, expected) in cases {
        assert_eq!(one(&reader, query), expected, "{query}");
    }
}

#[test]
fn times_are_the_same_as_everywhere_else() {
    let store = Store::new();
    let times: Vec<i64> = (0..2_000).map(|at| at * 86_399_003 + 1).collect();
    store.commit(|ids| {
        let mut change = Change::default();
        for time in &times {
            let mut header = crate::support::header(ids.message(), "to", None, *time);
            header.time_processed = Some(Timestamp(time + 1));
            change.created.push(header);
        }
        (change, ())
    });
    let table =
        store.reader().sql("SELECT TimeCreated, TimeProcessed FROM MessageHeader ORDER BY 1", 5_000).unwrap();
    assert_eq!(table.rows.len(), times.len());
    for (row, time) in table.rows.iter().zip(&times) {
        assert_eq!(row[0], SqlValue::Text(Timestamp(*time).to_utc()));
        assert_eq!(row[1], SqlValue::Text(Timestamp(time + 1).to_utc()));
    }
}

#[test]
fn whatever_does_not_just_read_the_views_is_refused() {
    let store = Store::new();
    store.commit(|ids| message(ids, "to", "x"));
    let only_select = "only one SELECT is answered";
    let cases = [
        ("DELETE FROM MessageHeader", "cannot modify MessageHeader because it is a view"),
        ("INSERT INTO header (id) VALUES (7)", only_select),
        ("UPDATE header SET status = 9", only_select),
        ("DROP TABLE header", only_select),
        ("CREATE TABLE t (x)", only_select),
        ("CREATE TEMP TABLE t (x)", only_select),
        ("PRAGMA query_only = OFF", only_select),
        ("ATTACH 'x.db' AS x", only_select),
        ("VACUUM INTO 'x.db'", only_select),
        ("BEGIN", only_select),
        ("EXPLAIN DELETE FROM header", only_select),
        ("", "the query is not a SELECT"),
        ("SELECT 1; DELETE FROM header", only_select),
        ("SELECT load_extension('x')", "not a"),
        ("SELECT * FROM header", "\"header\" is not one of the views; expected MessageHeader, "),
        ("SELECT data FROM block", "\"block\" is not one of the views"),
        ("SELECT name FROM sqlite_schema", "is not one of the views"),
        ("SELECT * FROM pragma_table_info('header')", ""),
        ("SELECT ObjectId FROM MessageHeader WHERE ObjectId IN (SELECT id FROM header)", "\"header\" is not"),
        ("SELEKT 1", "near \"SELEKT\": syntax error"),
        ("SELECT Nonsense FROM MessageHeader", "no such column: Nonsense"),
        ("SELECT * FROM Nowhere", "no such table: Nowhere"),
    ];
    for (query, expected) in cases {
        match store.reader().sql(query, 10) {
            Ok(table) => panic!("{query} was answered with {:?}", table.rows),
            Err(error) => assert!(error.to_string().contains(expected), "{query}: {error}"),
        }
    }
    assert!(store.reader().header(MessageId(1)).unwrap().is_some());
}

#[test]
fn rows_are_streamed_up_to_the_limit() {
    let store = Store::new();
    store.commit(|ids| {
        let bodies = (0..100).map(|at| (ids.body(), text(&at.to_string()))).collect();
        (Change { bodies, ..Change::default() }, ())
    });
    let table = store.reader().sql("SELECT ID, Content FROM MessageBody", 30).unwrap();
    assert_eq!((table.rows.len(), table.more), (30, true));
    assert_eq!(table.rows[29], [SqlValue::Integer(30), SqlValue::Text("29".to_owned())]);
    let table = store.reader().sql("SELECT ID FROM MessageBody", 100).unwrap();
    assert_eq!((table.rows.len(), table.more), (100, false));
    // An endless query is no danger while only its first rows are taken.
    let endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n";
    assert_eq!(store.reader().sql(endless, 3).unwrap().rows.len(), 3);
}

#[test]
fn one_message_is_found_without_looking_at_the_others() {
    let store = Store::new();
    for view in ["MessageHeader WHERE ObjectId = 5", "MessageBody WHERE ID = 5"] {
        let db = rusqlite::Connection::open(store.dir().join(orris_store::STORE_FILE)).unwrap();
        let function = |name| {
            let flags = rusqlite::functions::FunctionFlags::SQLITE_UTF8;
            db.create_scalar_function(name, 1, flags, |_| Ok(0)).unwrap();
        };
        function("orris_body_name");
        function("orris_body_content");
        let mut plan = db.prepare(&format!("EXPLAIN QUERY PLAN SELECT * FROM {view}")).unwrap();
        let steps: Vec<String> =
            plan.query_map([], |row| row.get(3)).unwrap().collect::<Result<_, _>>().unwrap();
        assert!(steps.iter().all(|step| !step.starts_with("SCAN")), "{view}: {steps:?}");
    }
}

#[test]
fn a_query_that_takes_too_long_is_ended() {
    let store = Store::new();
    let endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n";
    let error = store.reader().sql_rows(endless, Duration::from_millis(20), &mut |_| true).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the query took longer than 0.02 s; ask for less, as in WHERE ObjectId > 1000"
    );
}
