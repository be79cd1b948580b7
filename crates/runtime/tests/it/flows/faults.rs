//! What goes wrong, is caught, and is undone.

use super::*;

#[tokio::test]
async fn a_call_that_is_not_answered_in_time_is_a_fault_and_its_answer_is_set_aside() {
    let steps = json!([
        { "scope": [{ "call": "Lab", "as": "lab", "timeout": "30s" }, { "reply": "lab" }],
          "catch": { "timeout": [{ "reply": { "error": "the lab is silent" } }, { "delay": "1h" }] } },
    ]);
    let mut bench = Bench::start(steps, &["Lab"]).await;
    bench.outs[0].act(|_| Act::HoldThen(answers("late")));
    let reply = tokio::spawn(bench.ask().await);
    eventually(SOON, || bench.outs[0].count() == 1).await;
    bench.pass(Duration::from_secs(10), || reply.is_finished()).await;
    let reply = told(reply.await.unwrap().unwrap());
    assert_eq!(reply, (None, Some("the lab is silent".to_owned())));
    bench.outs[0].let_go.send_replace(true);
    let late = |bench: &Bench| bench.headers("Flow", MessageType::Response);
    eventually(SOON, || late(&bench).iter().any(|answer| answer.status == MessageStatus::Discarded)).await;
    let request = bench.headers("Flow", MessageType::Request)[0].clone();
    let reason = format!("flow instance {} waits for this answer no more", request.id);
    assert_eq!(late(&bench)[0].error_status, reason);
    assert_eq!((request.status, request.time_processed), (MessageStatus::Deferred, None));
    bench.stop().await;
    assert!(!bench.is_clean(), "it still waits");
}

#[tokio::test]
async fn a_target_that_fails_is_a_fault_with_its_reason_and_without_a_catch_the_end() {
    let steps = json!([{ "call": "Lab", "as": "lab" }, { "reply": "lab" }]);
    let mut bench = Bench::start(steps, &["Lab"]).await;
    bench.outs[0].act(|_| Act::Decide(Decision::reject("AE: no such test", Vec::new())));
    let reason = "call \"lab\" failed: AE: no such test";
    assert_eq!(bench.answer().await, (None, Some(reason.to_owned())));
    bench.stop().await;
    let [request] = bench.headers("Flow", MessageType::Request).try_into().expect("one request");
    assert_eq!(
        (request.status, request.is_error, &*request.error_status),
        (MessageStatus::Error, true, reason)
    );
    let [answer] = bench.headers("Flow", MessageType::Response).try_into().expect("one answer");
    assert_eq!((answer.status, answer.is_error), (MessageStatus::Completed, true), "it was taken care of");
    assert_eq!(answer.error_status, "AE: no such test");
    assert_eq!(bench.said(), [format!("message {} failed: {reason}", request.id)]);
    assert!(bench.is_clean());
}

#[tokio::test]
async fn a_failure_may_be_no_fault() {
    let steps = json!([
        { "call": "Lab", "as": "lab", "ignore_errors": true },
        { "reply": { "text": "{{ context.lab_status }}: {{ context.lab_error }}" } },
    ]);
    let mut bench = Bench::start(steps, &["Lab"]).await;
    bench.outs[0].act(|_| Act::Decide(Decision::suspend("look at it")));
    assert_eq!(bench.answer().await, some("failed: look at it"));
    bench.stop().await;
}

#[tokio::test]
async fn what_was_done_is_undone_in_reverse_before_the_catch() {
    let booked = |name: &str| {
        json!({ "scope": [{ "trace": format!("{name} booked") }],
        "compensate": [{ "call": "Undo", "as": "undo", "request": { "text": format!("{name}") } }] })
    };
    let steps = json!([
        { "scope": [
            booked("room"),
            { "scope": [booked("bed"), { "trace": "within" }] , "catch": { "never": [] } },
            { "scope": [booked("left alone"), { "throw": "inner" }], "catch": { "inner": [{ "trace": "caught within" }] } },
            { "scope": [booked("replaced")], "compensate": [{ "call": "Undo", "as": "undo", "request": { "text": "whole" } }] },
            { "throw": "no_surgeon" },
            ],
          "catch": { "timeout": [{ "trace": "wrong one" }],
                     "no_surgeon": [{ "reply": { "text": "{{ context.fault }}: {{ context.fault_reason }}" } }] } },
        { "trace": "behind" },
    ]);
    let mut bench = Bench::start(steps, &["Undo"]).await;
    assert_eq!(bench.answer().await, some("no_surgeon: fault \"no_surgeon\" was thrown"));
    eventually(SOON, || bench.said().contains(&"behind".to_owned())).await;
    assert_eq!(bench.outs[0].seen(), ["left alone", "whole", "bed", "room"]);
    bench.stop().await;
    assert!(!bench.said().contains(&"wrong one".to_owned()));
    assert!(bench.is_clean());
}

#[tokio::test]
async fn a_fault_nobody_catches_undoes_what_was_done_and_ends_the_other_branches() {
    let steps = json!([
        { "scope": [{ "call": "Out", "as": "out", "request": { "text": "do" } }],
          "compensate": [{ "call": "Out", "as": "out", "request": { "text": "undo" } }] },
        { "parallel": [
            [{ "call": "Slow", "as": "slow" }, { "trace": "never seen" }],
            [{ "delay": "1m" }, { "throw": "enough" }],
        ] },
        { "trace": "never seen" },
    ]);
    let mut bench = Bench::start(steps, &["Out", "Slow"]).await;
    bench.outs[1].act(|_| Act::HoldThen(answers("late")));
    let reply = tokio::spawn(bench.ask().await);
    eventually(SOON, || bench.outs[1].count() == 1).await;
    bench.pass(Duration::from_secs(10), || reply.is_finished()).await;
    assert_eq!(told(reply.await.unwrap().unwrap()).1.as_deref(), Some("fault \"enough\" was thrown"));
    assert_eq!(bench.outs[0].seen(), ["do", "undo"]);
    bench.outs[1].let_go.send_replace(true);
    eventually(SOON, || bench.production.count("Flow", MessageStatus::Discarded) == 1).await;
    bench.stop().await;
    assert!(!bench.said().contains(&"never seen".to_owned()), "{:?}", bench.said());
    assert!(bench.is_clean());
}

#[tokio::test]
async fn what_a_branch_was_about_to_undo_when_it_is_ended_is_undone() {
    let undo = |name: &str| json!({ "milestone": format!("undo {name}") });
    let steps = json!([{ "scope": [{ "parallel": [
        [{ "scope": [
            { "scope": [], "compensate": [undo("first")] },
            { "scope": [], "compensate": [undo("second"), { "delay": "1h" }, { "milestone": "never seen" }] },
            { "throw": "bad" },
        ], "catch": { "bad": [{ "milestone": "never seen" }] } }],
        [{ "delay": "1m" }, { "throw": "worse" }],
    ] }], "catch": { "worse": [{ "milestone": "caught" }] } }]);
    let mut bench = Bench::start(steps, &[]).await;
    let reply = tokio::spawn(bench.ask().await);
    bench.pass(Duration::from_secs(10), || reply.is_finished()).await;
    bench.stop().await;
    let said = bench.said();
    let milestones: Vec<&str> = said.iter().filter_map(|line| line.strip_prefix("milestone ")).collect();
    assert_eq!(milestones, ["\"undo second\"", "\"undo first\"", "\"caught\""], "{said:?}");
    assert!(bench.is_clean());
}

#[tokio::test]
async fn a_loop_without_end_ends() {
    let steps = json!([{ "while": "PID-3 = \"4711\"", "do": [{ "assign": { "x": "1" } }] }]);
    let mut bench = Bench::start(steps, &[]).await;
    let error = bench.answer().await.1.expect("it fails");
    assert!(error.contains("a loop without end"), "{error}");
    bench.stop().await;
}

#[tokio::test]
async fn an_answer_that_was_there_when_the_time_came_was_in_time() {
    let steps = json!([{ "call": "Lab", "as": "lab", "timeout": "30s" }, { "reply": "lab" }]);
    let mut bench = Bench::start(steps, &["Lab"]).await;
    bench.outs[0].act(|_| Act::Decide(answers("just in time")));
    bench.stop().await;
    bench.production.def.items[2].enabled = false;
    bench.restart().await;
    take(&bench.feed, model::Intake { arrivals: vec![admission()], ..Default::default() }).await;
    eventually(SOON, || bench.headers("Lab", MessageType::Request).len() == 1).await;
    // Now the flow is switched off, so the answer waits on its queue until long after the time.
    bench.stop().await;
    bench.production.def.items[1].enabled = false;
    bench.production.def.items[2].enabled = true;
    bench.restart().await;
    eventually(SOON, || bench.headers("Flow", MessageType::Response).len() == 1).await;
    bench.stop().await;
    bench.clock.advance(Duration::from_secs(3_600));
    bench.production.def.items[1].enabled = true;
    bench.restart().await;
    eventually(SOON, || bench.is_clean()).await;
    bench.stop().await;
    let [request] = bench.headers("Flow", MessageType::Request).try_into().expect("one request");
    assert_eq!((request.status, &*request.error_status), (MessageStatus::Completed, ""));
    let [answer] = bench.headers("Flow", MessageType::Response).try_into().expect("one answer");
    assert_eq!(answer.status, MessageStatus::Completed);
}

#[tokio::test]
async fn a_fault_of_what_undoes_leaves_the_rest_to_be_undone() {
    let undo = |name: &str| json!({ "call": "Undo", "as": "undo", "request": { "text": name } });
    let steps = json!([{ "scope": [
        { "scope": [], "compensate": [undo("first")] },
        { "scope": [], "compensate": [undo("second"), { "throw": "worse" }] },
        { "scope": [], "compensate": [undo("third")] },
        { "throw": "bad" },
    ], "catch": { "bad": [{ "trace": "never seen" }], "worse": [{ "reply": "undo" }] } }]);
    let mut bench = Bench::start(steps, &["Undo"]).await;
    bench.outs[0].act(|message| Act::Decide(answers(&text_of(&message.body))));
    let (_, error) = bench.answer().await;
    // The scope whose fault was caught is left by then, so what comes out of its undoing is nobody's.
    assert_eq!(error.as_deref(), Some("fault \"worse\" was thrown"));
    assert_eq!(bench.outs[0].seen(), ["third", "second", "first"]);
    bench.stop().await;
    assert!(bench.is_clean());
}
