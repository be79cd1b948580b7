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
    eventually(SOON, || bench.production.count("Flow", MessageStatus::Deferred) == 2).await;
    assert_eq!(bench.deferred(), 2);
    bench.clock.advance(Duration::from_secs(3_599));
    bench.restart().await;
    assert_eq!(bench.deferred(), 2, "the ledger knows them");
    assert_eq!(bench.production.reader().deferred().expect("counted"), [("Flow".to_owned(), 2)]);
    assert_eq!(bench.outs[0].count(), 0, "the hour is not over");
    let calls = |bench: &Bench| bench.production.count("Lab", MessageStatus::Completed);
    bench.pass(Duration::from_secs(1), || calls(&bench) == 2).await;
    eventually(SOON, || bench.deferred() == 0).await;
    bench.stop().await;
    assert_eq!(bench.headers("Lab", MessageType::Request).len(), 2);
    assert!(bench.headers("Lab", MessageType::Request).iter().all(|call| call.return_queue.is_empty()));
    assert!(bench.is_clean());
}

/// Answers `re TEXT` to every text.
fn echo(message: &model::Message) -> Act {
    Act::Decide(answers(&format!("re {}", text_of(&message.body))))
}

/// The texts that an operation was handed, in order.
fn texts(probe: &Probe) -> Vec<String> {
    probe.seen()
}

#[tokio::test]
async fn loops_choices_and_texts() {
    let steps = json!([
        { "assign": { "left": "3" } },
        { "for_each": "OBX[*]-3", "as": "code", "do": [
            { "switch": [{ "when": "context.code = \"A\"", "do": [{ "assign": { "kind": "\"first\"" } }] }],
              "otherwise": [{ "assign": { "kind": "\"other\"" } }] },
            { "call": "Lab", "as": "lab", "request": { "text": "{{ context.code }} is {{ context.kind }} of {{ PID-3 }}" } },
            { "if": "context.lab_status = \"answered\"", "then": [{ "milestone": "one" }] },
        ] },
        { "while": "context.left > 0", "do": [{ "assign": { "left": "context.left - 1" } }, { "trace": "round" }] },
        { "reply": { "text": "{{ context.left }} left, {{ context.code }} last" } },
    ]);
    let mut bench = Bench::start(steps, &["Lab"]).await;
    bench.outs[0].act(echo);
    assert_eq!(bench.answer().await, some("0 left, B last"));
    assert_eq!(texts(&bench.outs[0]), ["A is first of 4711", "B is other of 4711"]);
    bench.stop().await;
    assert_eq!(bench.said(), [["milestone \"one\""; 2].as_slice(), &["round"; 3]].concat());
    assert!(bench.is_clean());
}

#[tokio::test]
async fn what_is_sent_may_be_a_copy_with_other_values_and_expressions_ask_of_answers() {
    let steps = json!([
        { "call": "Lab", "as": "lab", "request": { "set": { "PID-3": "PID-3 + \"X\"", "PV1-2": "\"O\"" } } },
        { "if": "MSA-1 = \"AA\"", "of": "lab", "then": [{ "reply": "same" }], "else": [{ "throw": "refused" }] },
    ]);
    let mut bench = Bench::start(steps, &["Lab"]).await;
    bench.outs[0].act(|_| Act::Decide(Decision::answer(hl7("MSH|^~\\&|L||||||ACK|1|P|2.5\rMSA|AA|7\r"))));
    assert_eq!(bench.answer().await, some(ADMISSION));
    assert_eq!(texts(&bench.outs[0]), [ADMISSION.replace("4711", "4711X").replace("|I", "|O")]);
    bench.stop().await;
}

#[tokio::test]
async fn calls_at_once_are_waited_for_together() {
    let steps = json!([
        { "call": "A", "as": "a", "async": true },
        { "call": "B", "as": "b", "async": true },
        { "call": "C", "async": true },
        { "sync": ["a", "b"], "timeout": "1m" },
        { "reply": { "text": "{{ context.a_status }} {{ context.b_status }}" } },
    ]);
    let mut bench = Bench::start(steps, &["A", "B", "C"]).await;
    bench.outs[0].act(|_| Act::HoldThen(answers("a")));
    let reply = tokio::spawn(bench.ask().await);
    let answered = |bench: &Bench| bench.headers("Flow", MessageType::Response).len();
    eventually(SOON, || answered(&bench) == 1).await;
    assert!(!reply.is_finished());
    bench.outs[0].let_go.send_replace(true);
    assert_eq!(told(reply.await.unwrap().unwrap()), some("answered answered"));
    bench.stop().await;
    assert_eq!(answered(&bench), 2, "nobody waits for C, and it is not asked");
}

#[tokio::test]
async fn the_first_answer_may_be_enough_and_the_others_are_set_aside() {
    let steps = json!([
        { "call": "A", "as": "a", "async": true },
        { "call": "B", "as": "b", "async": true },
        { "sync": "all", "any": true },
        { "reply": { "text": "{{ context.a_status }} {{ context.b_status }}" } },
    ]);
    let mut bench = Bench::start(steps, &["A", "B"]).await;
    bench.outs[0].act(|_| Act::HoldThen(answers("a")));
    assert_eq!(bench.answer().await, some("pending answered"));
    bench.outs[0].let_go.send_replace(true);
    eventually(SOON, || bench.headers("Flow", MessageType::Response).len() == 2).await;
    eventually(SOON, || bench.production.count("Flow", MessageStatus::Discarded) == 1).await;
    bench.stop().await;
    let answers = bench.headers("Flow", MessageType::Response);
    let late = answers.iter().find(|answer| answer.status == MessageStatus::Discarded).unwrap();
    assert!(late.error_status.ends_with("has ended"), "{}", late.error_status);
}

#[tokio::test]
async fn branches_go_on_beside_each_other() {
    let steps = json!([
        { "parallel": [
            [{ "call": "A", "as": "a" }, { "trace": "a done" }, { "delay": "10m" }, { "trace": "a slept" }],
            [{ "call": "B", "as": "b" }, { "trace": "b done" }],
            [],
        ] },
        { "trace": "all done" },
    ]);
    let mut bench = Bench::start(steps, &["A", "B"]).await;
    bench.outs[1].act(|_| Act::HoldThen(answers("b")));
    let reply = tokio::spawn(bench.ask().await);
    let said = |bench: &Bench, text: &str| bench.said().contains(&text.to_owned());
    bench.pass(Duration::from_secs(60), || said(&bench, "a slept")).await;
    assert!(!reply.is_finished());
    bench.outs[1].let_go.send_replace(true);
    assert_eq!(told(reply.await.unwrap().unwrap()), (None, None));
    bench.stop().await;
    assert_eq!(bench.said(), ["a done", "a slept", "b done", "all done"]);
    assert!(bench.is_clean());
}

#[tokio::test]
async fn a_transform_makes_a_message_that_is_kept_over_waits() {
    use rules::transform::{ActionDef, TransformDef, ValueDef};
    let steps = json!([
        { "transform": "Masked", "as": "masked" },
        { "delay": { "for": "1m" } },
        { "call": "Lab", "as": "lab", "request": "masked" },
        { "reply": { "transform": "Masked", "of": "masked" } },
    ]);
    let set = ActionDef::Set { path: "PID-3".to_owned(), value: ValueDef::Text("gone".to_owned()) };
    let masked = TransformDef { steps: vec![set.into()], ..TransformDef::named("Masked") };
    let (transforms, findings) =
        rules::Transforms::compile(&[masked], &Default::default(), &Default::default());
    assert!(findings.is_empty(), "{findings:?}");
    let mut bench = Bench::start(json!([]), &["Lab"]).await;
    bench.stop().await;
    bench.production.def.items[1] = flow(steps);
    bench.production.def.library = model::Library::default().with(transforms);
    bench.restart().await;
    take(&bench.feed, model::Intake { arrivals: vec![admission()], ..Default::default() }).await;
    eventually(SOON, || bench.production.count("Flow", MessageStatus::Deferred) == 1).await;
    bench.restart().await;
    bench.pass(Duration::from_secs(5), || bench.outs[0].count() == 1).await;
    bench.stop().await;
    let masked = ADMISSION.replace("4711", "gone");
    assert_eq!(texts(&bench.outs[0]), [&*masked]);
    let reply = bench.headers("In", MessageType::Response);
    let body = bench.production.reader().body(reply[0].body.unwrap()).unwrap().unwrap();
    assert_eq!(text_of(&body), masked);
}

#[tokio::test]
async fn a_transform_reads_what_the_flow_has_set_also_behind_a_restart_and_for_rules() {
    use rules::transform::{ActionDef, TransformDef, ValueDef};
    let steps = json!([
        { "assign": { "ward": "\"W4|x\"" } },
        { "delay": { "for": "1m" } },
        { "assign": { "bed": "\"12\"" } },
        { "rule": "all" },
        { "reply": { "transform": "Located" } },
    ]);
    let value = ValueDef::From("context.ward + \"-\" + context.bed".to_owned());
    let set = ActionDef::Set { path: "PID-3".to_owned(), value };
    let located = TransformDef { steps: vec![set.into()], ..TransformDef::named("Located") };
    let (transforms, findings) =
        rules::Transforms::compile(&[located], &Default::default(), &Default::default());
    assert!(findings.is_empty(), "{findings:?}");
    let set = json!([{ "otherwise": true, "transform": "Located", "send": "Lab" }]);
    let sets = rules::RuleSets([("all".to_owned(), serde_json::from_value(set).expect("rules"))].into());
    let mut bench = Bench::start(json!([]), &["Lab"]).await;
    bench.stop().await;
    bench.production.def.items[1] = flow(steps);
    bench.production.def.library = model::Library::default().with(transforms).with(sets);
    bench.restart().await;
    take(&bench.feed, model::Intake { arrivals: vec![admission()], ..Default::default() }).await;
    eventually(SOON, || bench.production.count("Flow", MessageStatus::Deferred) == 1).await;
    bench.restart().await;
    bench.pass(Duration::from_secs(5), || bench.outs[0].count() == 1).await;
    bench.stop().await;
    let located = ADMISSION.replace("4711", "W4\\F\\x-12");
    assert_eq!(texts(&bench.outs[0]), [&*located]);
    let reply = bench.headers("In", MessageType::Response);
    let body = bench.production.reader().body(reply[0].body.unwrap()).unwrap().unwrap();
    assert_eq!(text_of(&body), located);
}

#[tokio::test]
async fn a_time_of_the_message_may_be_waited_for() {
    let steps = json!([
        { "delay": { "until": "MSH-7" } },
        { "delay": { "until": "\"2023-11-15T00:00:00Z\"" } },
        { "alert": "it is midnight" },
    ]);
    let mut bench = Bench::start(steps, &[]).await;
    let early = ADMISSION.replace("20260101", "20231114230000+0000");
    let arrival = Arrival { wants_reply: true, ..Arrival::new(hl7(&early)) };
    let reply = tokio::spawn(ask(&bench.feed, vec![arrival]).await.pop().unwrap());
    bench.pass(Duration::from_secs(600), || reply.is_finished()).await;
    bench.stop().await;
    assert_eq!(bench.said(), ["it is midnight"]);
}

#[tokio::test]
async fn a_flow_may_call_a_flow_and_be_answered_by_who_is_behind_a_router() {
    let (mut inner, _) = item("Inner", &PASS, &[]);
    inner.component = &FLOW;
    inner.settings = json!({ "steps": [
        { "call": "Router", "as": "far", "timeout": "1h" }, { "reply": "far" },
    ] });
    let (router, routing) = item("Router", &PASS, &["Lab"]);
    routing.act(|_| {
        let mut sent = model::Outgoing::same_body("Lab", "routed");
        sent.answers = true;
        Act::Decide(Decision::send(vec![sent]))
    });
    let mut bench =
        Bench::start(json!([{ "call": "Inner", "as": "inner" }, { "reply": "inner" }]), &["Lab"]).await;
    bench.outs[0].act(|_| Act::Decide(answers("from afar")));
    bench.stop().await;
    bench.production.def.items.splice(2..2, [inner, router]);
    bench.restart().await;
    assert_eq!(bench.answer().await, some("from afar"));
    bench.stop().await;
    let [call] = bench.headers("Inner", MessageType::Request).try_into().expect("one call");
    let [answer] = bench.headers("Inner", MessageType::Response).try_into().expect("one answer");
    assert_eq!(answer.business_process, Some(call.id.0), "the inner instance, not the outer one");
    assert!(bench.is_clean());
}
