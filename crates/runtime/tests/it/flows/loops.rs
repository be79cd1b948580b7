//! Loops, and the words that leave them.

use super::*;

/// What the flow says where it says milestones.
async fn said(steps: Value) -> Vec<String> {
    let mut bench = Bench::start(steps, &[]).await;
    assert_eq!(bench.answer().await, (None, None));
    bench.stop().await;
    assert!(bench.is_clean());
    bench.said().iter().map(|line| line.replace("milestone ", "").replace('"', "")).collect()
}

fn milestone(name: &str) -> Value {
    json!({ "milestone": name })
}

#[tokio::test]
async fn a_loop_over_values_is_left_or_gone_on_with() {
    let skips = json!([{ "for_each": "OBX[*]-3", "as": "code", "do": [
        { "if": "context.code = \"A\"", "then": ["continue"] },
        { "milestone": "not A" },
    ] }, milestone("behind")]);
    assert_eq!(said(skips).await, ["not A", "behind"]);
    let leaves = json!([{ "for_each": "OBX[*]-3", "as": "outer", "do": [
        { "for_each": "OBX[*]-3", "as": "inner", "do": [
            { "milestone": "inner" },
            { "if": "context.inner = \"A\"", "then": [{ "break": null, "comment": "the first is enough" }] },
        ] },
        { "milestone": "outer" },
    ] }, milestone("behind")]);
    assert_eq!(said(leaves).await, ["inner", "outer", "inner", "outer", "behind"]);
}

#[tokio::test]
async fn loops_by_a_condition_are_left_or_gone_on_with() {
    let count = json!({ "assign": { "n": "context.n + 1" } });
    let begin = json!({ "assign": { "n": "0" } });
    let of = |kind: &str, condition: &str| {
        json!([begin, { kind: condition, "do": [
            count,
            { "if": "context.n = 2", "then": ["continue"] },
            { "if": "context.n = 4", "then": ["break"] },
            { "milestone": "round" },
        ] }, milestone("behind")])
    };
    assert_eq!(said(of("while", "context.n < 9")).await, ["round", "round", "behind"]);
    assert_eq!(said(of("until", "context.n = 9")).await, ["round", "round", "behind"]);
    // What is asked at the end is asked behind "continue" as well, and the steps are done once at least.
    assert_eq!(said(of("until", "context.n >= 2")).await, ["round", "behind"]);
    let once = json!([{ "until": "true", "do": [{ "milestone": "once" }] }]);
    assert_eq!(said(once).await, ["once"]);
}

#[tokio::test]
async fn scopes_that_are_left_by_a_word_are_done() {
    let undo = |name: &str| json!([{ "milestone": format!("undo {name}") }]);
    let steps = json!([{ "scope": [
        { "for_each": "OBX[*]-3", "as": "code", "do": [
            { "scope": [
                { "scope": [
                    { "if": "context.code = \"B\"", "then": ["break"] },
                    "continue",
                ], "compensate": undo("inner") },
            ], "catch": { "*": [] } },
        ] },
        { "milestone": "behind" },
        { "throw": "late" },
    ], "catch": { "late": [milestone("caught")] } }]);
    let said = said(steps).await;
    assert_eq!(said[..3], ["behind", "caught: fault late was thrown", "undo inner"]);
    assert_eq!(said[3..], ["undo inner", "caught"]);
}

#[tokio::test]
async fn what_catches_may_leave_the_loop_around_its_scope() {
    let steps = json!([
        { "assign": { "n": "0" } },
        { "while": "true", "do": [
            { "assign": { "n": "context.n + 1" } },
            { "scope": [{ "throw": "again" }], "catch": { "again": [
                { "if": "context.n < 3", "then": ["continue"] },
                "break",
            ] } },
        ] },
        { "if": "context.n = 3", "then": [milestone("three")] },
    ]);
    assert_eq!(said(steps).await.last().map(String::as_str), Some("three"));
}
