//! Each step.

use super::*;

#[tokio::test]
async fn a_call_is_answered_over_the_queue_of_the_flow_and_the_sender_by_its_reply() {
    let steps = json!([
        { "call": "Lab", "as": "lab", "timeout": "30s", "description": "to the lab" },
        { "assign": { "ward": "PV1-2" } },
        { "if": "context.ward = \"I\" and context.lab_status = \"answered\"",
          "then": [{ "milestone": "accepted" }], "else": [{ "throw": "wrong" }] },
        { "reply": "lab" },
    ]);
    let mut bench = Bench::start(steps, &["Lab"]).await;
    bench.outs[0].act(|_| Act::Decide(answers("ACK")));
    assert_eq!(bench.answer().await, some("ACK"));
    bench.stop().await;

    let [call] = bench.headers("Lab", MessageType::Request).try_into().expect("one call");
    let [request] = bench.headers("Flow", MessageType::Request).try_into().expect("one request");
    let [answer] = bench.headers("Flow", MessageType::Response).try_into().expect("one answer");
    assert_eq!((call.body, call.session), (request.body, request.session), "the body is not stored again");
    assert_eq!(call.return_queue, format!("Flow#{}.1", request.id));
    assert_eq!((&*call.description, call.business_process), ("to the lab", Some(request.id.0)));
    assert_eq!((answer.corresponding, answer.business_process), (Some(call.id), Some(request.id.0)));
    assert_eq!((answer.priority, answer.status), (Priority::SimSync, MessageStatus::Completed));
    assert_eq!(request.status, MessageStatus::Completed);
    let [told] = bench.headers("In", MessageType::Response).try_into().expect("one reply");
    assert_eq!((told.corresponding, told.body), (Some(request.id), answer.body));
    assert_eq!(bench.said(), ["milestone \"accepted\""]);
    assert!(bench.is_clean());
}

#[tokio::test]
async fn a_flow_that_says_nothing_answers_when_it_is_done() {
    let mut bench = Bench::start(json!([{ "trace": "seen" }]), &[]).await;
    assert_eq!(bench.answer().await, (None, None));
    bench.stop().await;
    assert_eq!(bench.said(), ["seen"]);
}

#[tokio::test]
async fn a_delay_holds_no_worker_and_survives_a_restart() {
    let steps = json!([{ "delay": "1h" }, { "call": "Lab", "async": true }]);
    let mut bench = Bench::start(steps, &["Lab"]).await;
    take(&bench.feed, model::Intake { arrivals: vec![admission(), admission()], ..Default::default() }).await;
    eventually(SOON, || bench.production.count("Flow", MessageStatus::Completed) == 2).await;
    bench.clock.advance(Duration::from_secs(3_599));
    bench.restart().await;
    assert_eq!(bench.outs[0].count(), 0, "the hour is not over");
    let calls = |bench: &Bench| bench.production.count("Lab", MessageStatus::Completed);
    bench.pass(Duration::from_secs(1), || calls(&bench) == 2).await;
    bench.stop().await;
    assert_eq!(bench.headers("Lab", MessageType::Request).len(), 2);
    assert!(bench.headers("Lab", MessageType::Request).iter().all(|call| call.return_queue.is_empty()));
    assert!(bench.is_clean());
}
