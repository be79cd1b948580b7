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
    assert_eq!(request.status, MessageStatus::Completed);
    bench.stop().await;
    assert!(!bench.is_clean(), "it still waits");
}
