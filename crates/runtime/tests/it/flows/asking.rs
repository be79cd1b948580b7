//! Sets of rules and databases that flows ask.

use std::collections::BTreeMap;

use rules::{LookupTable, LookupTables, Rule, RuleSets};

use super::*;

/// A library with this set of rules, called `ward`.
fn rules(rules: Value) -> Library {
    let rules: Vec<Rule> = serde_json::from_value(rules).expect("rules");
    Library::default().with(RuleSets(BTreeMap::from([("ward".to_owned(), Some(rules))])))
}

fn asks() -> Value {
    json!([
        { "assign": { "seen": "OBX.count" } },
        { "rule": "ward" },
        { "reply": { "text": "{{ context.ward }} by {{ context.ward_rule }}" } },
    ])
}

async fn answer_by(set: Value) -> (Option<String>, Vec<String>, Vec<String>) {
    let settings = json!({ "steps": asks(), "rule_log": "results" });
    let mut bench = Bench::beside(rules(set), settings, &["Out"]).await;
    let (answer, error) = bench.answer().await;
    bench.stop().await;
    let sent = bench.headers("Out", MessageType::Request);
    let sent = sent.iter().map(|header| {
        assert!(header.return_queue.is_empty(), "nobody waits for an answer");
        header.description.to_string()
    });
    assert!(bench.is_clean());
    (answer.or(error), sent.collect(), bench.said())
}

#[tokio::test]
async fn a_set_of_rules_gives_a_value_and_sends() {
    let set = json!([
        { "name": "copy", "when": "PV1-2 = \"I\"", "send": ["Out"] },
        { "name": "two", "when": "context.seen = 2", "send": ["Out"], "return": "\"many\"" },
        { "name": "never", "when": "true", "send": ["Out"] },
    ]);
    let (answer, sent, said) = answer_by(set).await;
    assert_eq!((answer.as_deref(), sent), (Some("many by two"), vec!["copy".to_owned(), "two".to_owned()]));
    assert_eq!(
        said,
        ["rules: \"copy\" holds; \"copy\" sends to \"Out\"; \"two\" holds; \"two\" sends to \"Out\"; \
          \"two\" returns \"many\""]
    );
    let set = json!([{ "name": "last", "when": "PV1-2 = \"I\"", "return": "PID-3" }]);
    let (answer, sent, said) = answer_by(set).await;
    assert_eq!((answer.as_deref(), sent), (Some("4711 by last"), vec![]));
    assert_eq!(said, ["rules: \"last\" holds; \"last\" returns"], "no word of the message");
    let none = json!([{ "name": "none", "when": "PV1-2 = \"O\"", "send": ["Out"] }]);
    assert_eq!(answer_by(none).await.0.as_deref(), Some(" by "));
}

#[tokio::test]
async fn a_rule_that_deletes_ends_the_flow() {
    let set = json!([
        { "name": "copy", "when": "true", "send": ["Out"] },
        { "name": "test data", "when": "PID-3 = \"4711\"", "delete": true },
    ]);
    let (answer, sent, said) = answer_by(set).await;
    assert_eq!((answer, sent), (None, vec!["copy".to_owned()]), "it is done, and says no more");
    assert_eq!(said[1], "discarded by rule \"test data\"");
}

fn tables() -> LookupTables {
    let entries = [("I", "Inner"), ("O", "Outer")].map(|(key, value)| (key.to_owned(), value.to_owned()));
    LookupTables::default().with("wards", LookupTable { entries: entries.into(), ..Default::default() })
}

/// What a flow answers that asks the lookup tables.
async fn answer_to(sql: Value) -> (Option<String>, Option<String>) {
    let steps = json!([sql, { "reply": { "text":
        "{{ context.ward_value }} of {{ context.ward_rows }}, {{ context.ward_key }}" } }]);
    let library = Library::default().with(tables());
    let mut bench = Bench::beside(library, json!({ "steps": steps }), &[]).await;
    let answer = bench.answer().await;
    bench.stop().await;
    assert!(bench.is_clean());
    answer
}

#[tokio::test]
async fn the_lookup_tables_can_be_asked() {
    let by_code = "SELECT key, value FROM wards WHERE key = :code";
    let ask = |with: &str| json!({ "sql": by_code, "with": { "code": with }, "as": "ward" });
    assert_eq!(answer_to(ask("PV1-2")).await, some("Inner of 1, I"));
    assert_eq!(answer_to(ask("PID-3")).await, some(" of 0, "));
    assert_eq!(
        answer_to(ask("\"' OR 1=1 --\"")).await,
        some(" of 0, "),
        "a value is no part of the statement"
    );
    let all = json!({ "sql": "SELECT key, value FROM wards ORDER BY key DESC", "as": "ward" });
    assert_eq!(answer_to(all).await, some("Outer of 2, O"));
}

#[tokio::test]
async fn a_statement_that_fails_is_a_fault_without_values() {
    for (sql, said) in [
        ("SELECT nope AS key, 1 AS value FROM wards", "the lookup tables: no such column: nope"),
        ("SELECT json(value || :code) AS key, 1 AS value FROM wards", "the lookup tables: sql logic error"),
        (
            "SELECT x'00' AS key, 1 AS value",
            "the lookup tables: column \"key\" holds a blob; expected a text or a number",
        ),
        ("DELETE FROM wards", "the lookup tables: the statement does more than to read; expected SELECT"),
    ] {
        let with = if sql.contains(":code") { json!({ "code": "PID-3" }) } else { json!({}) };
        let answer = answer_to(json!({ "sql": sql, "with": with, "as": "ward" })).await;
        let reason = answer.1.unwrap_or_default();
        assert!(reason.starts_with(said), "{sql}: {reason}");
    }
}

#[tokio::test]
async fn a_statement_without_end_is_ended() {
    let endless =
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) AS value FROM n";
    let steps = json!([{
        "scope": [{ "sql": endless, "as": "ward", "timeout": "2s" }],
        "catch": { "sql": [
            { "sql": "SELECT value FROM wards WHERE key = 'I'", "as": "ward", "timeout": "1h" },
            { "reply": { "text": "{{ context.ward_value }}: {{ context.fault_reason }}" } },
        ] },
    }]);
    let library = Library::default().with(tables());
    let mut bench = Bench::beside(library, json!({ "steps": steps }), &[]).await;
    let mut reply = bench.ask().await;
    let mut answer = None;
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    // It has as long as the clock says, which somebody has to move on.
    bench
        .pass(Duration::from_millis(500), || {
            if let std::task::Poll::Ready(told) = reply.as_mut().poll(&mut context) {
                answer = Some(told.expect("it is answered"));
            }
            answer.is_some()
        })
        .await;
    let (answer, _) = told(answer.expect("an answer"));
    assert_eq!(answer.as_deref(), Some("Inner: the lookup tables: the statement was not done within 2s"));
    bench.stop().await;
}
