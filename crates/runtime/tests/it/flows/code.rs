//! Steps in JavaScript.

use super::*;

#[tokio::test]
async fn code_changes_the_message_and_the_context_and_sends() {
    let steps = json!([
        { "assign": { "ward": "PV1-2" } },
        { "code": "
            context.seen = `${context.ward}${msg.count('OBX')} of ${context.source}`;
            send('Log', context.seen);
            send('Log');
            msg.set('PID-3', msg.get('PID-3') + 'X');
            send('Log');
            log.info('done');
        " },
        { "call": "Lab", "as": "lab", "request": { "text": "{{ PID-3 }} {{ context.seen }}" } },
        { "reply": "same" },
    ]);
    let mut bench = Bench::start(steps, &["Log", "Lab"]).await;
    let changed = ADMISSION.replace("4711", "4711X");
    bench.outs[1].act(|_| Act::Decide(answers("ok")));
    let (answer, _) = bench.answer().await;
    assert_eq!(answer.as_deref(), Some(&*changed));
    bench.stop().await;
    let seen = bench.outs[0].seen();
    assert_eq!(seen[0], "I2 of In");
    assert_eq!([seen[1].trim_end(), seen[2].trim_end()], [ADMISSION.trim_end(), changed.trim_end()]);
    assert_eq!(bench.outs[1].seen(), ["4711X I2 of In"]);
    let [request] = bench.headers("Flow", MessageType::Request).try_into().expect("one request");
    let sent = bench.headers("Log", MessageType::Request);
    assert_eq!(sent[1].body, request.body, "what did not change is not stored again");
    assert_eq!(bench.said(), ["done"]);
    assert!(bench.is_clean());
}

#[tokio::test]
async fn code_may_leave_a_message_of_another_name_and_answer() {
    let steps = json!([
        { "code": "msg.set('PID-3', 'new')", "as": "made" },
        { "code": "answer(`${msg.get('PID-3')}`)", "of": "made" },
        { "reply": "same" },
        { "call": "Lab", "async": true, "request": { "text": "{{ PID-3 }}" } },
    ]);
    let mut bench = Bench::start(steps, &["Lab"]).await;
    assert_eq!(bench.answer().await, some("new"), "the first answer counts");
    eventually(SOON, || bench.outs[0].count() == 1).await;
    bench.stop().await;
    assert_eq!(bench.outs[0].seen(), ["4711"]);
}

#[tokio::test]
async fn what_goes_wrong_in_code_is_a_fault() {
    for (code, said) in [
        ("send('Lab'); null.x", "code: code line 1 column 14: TypeError"),
        ("while (true) {}", "code: took longer than the 1000 ms that it has"),
        ("send('Nobody' + 1)", "code: code line 1 column 17: TypeError: send: the target is none"),
        ("reject('no ward')", "rejected: no ward"),
    ] {
        let steps = json!([{
            "scope": [{ "code": code }],
            "catch": { "*": [{ "reply": { "text": "{{ context.fault }}: {{ context.fault_reason }}" } }] },
        }]);
        let mut bench = Bench::start(steps, &["Lab"]).await;
        let (answer, error) = bench.answer().await;
        let answer = answer.unwrap_or_default();
        assert!(answer.starts_with(said) && error.is_none(), "{code}: {answer} {error:?}");
        bench.stop().await;
        assert_eq!(bench.outs[0].count(), 0, "what it sent before it failed does not count");
    }
}

#[tokio::test]
async fn a_fault_that_nobody_catches_fails_the_flow_and_discard_ends_it() {
    let mut bench = Bench::start(json!([{ "code": "throw new Error('x')" }]), &[]).await;
    let (answer, error) = bench.answer().await;
    assert_eq!(answer, None);
    assert!(error.is_some_and(|error| error.starts_with("code line 1 column")));
    bench.stop().await;
    assert_eq!(bench.production.count("Flow", MessageStatus::Error), 1);

    let steps = json!([{ "code": "discard('not ours')" }, { "call": "Lab" }]);
    let mut bench = Bench::start(steps, &["Lab"]).await;
    assert_eq!(bench.answer().await, (None, None));
    bench.stop().await;
    assert_eq!(bench.said(), ["discarded by the code: not ours"]);
    assert_eq!((bench.outs[0].count(), bench.production.count("Flow", MessageStatus::Completed)), (0, 1));
    assert!(bench.is_clean());
}

#[tokio::test]
async fn a_loop_of_code_without_end_ends() {
    let steps = json!([{ "while": "PID-3 = \"4711\"", "do": [{ "code": "context.n = 1 + Number(context.n ?? 0)" }] }]);
    let mut bench = Bench::start(steps, &[]).await;
    let (_, error) = bench.answer().await;
    assert!(error.is_some_and(|error| error.contains("without a wait")));
    bench.stop().await;
}

#[tokio::test]
async fn what_code_did_is_kept_over_restarts_and_not_done_twice() {
    let steps = json!([
        { "code": "context.n = '1'; msg.set('PID-3', 'A'); send('Log', 'first')" },
        { "delay": "1m" },
        { "code": "context.n += '2'; send('Log', `${msg.get('PID-3')} ${context.n}`)" },
        { "delay": "1m" },
        { "code": "send('Log', `last ${context.n}`)" },
    ]);
    let mut bench = Bench::start(steps, &["Log"]).await;
    let arrivals = vec![Arrival::new(hl7(ADMISSION))];
    take(&bench.feed, model::Intake { arrivals, ..Default::default() }).await;
    let mut restarts = 0;
    while !(bench.is_clean() && bench.production.count("Log", MessageStatus::Completed) == 3) {
        bench.restart().await;
        bench.clock.advance(Duration::from_secs(20));
        restarts += 1;
        assert!(restarts < 200, "{:?}", bench.outs[0].seen());
    }
    bench.stop().await;
    assert_eq!(bench.outs[0].seen(), ["first", "A 12", "last 12"]);
    assert_eq!(bench.headers("Log", MessageType::Request).len(), 3);
}

/// What a production has whose transform `coded` is this code.
fn coded(code: &str) -> Library {
    use rules::transform::{ActionDef, CodeDef, TransformDef};
    let step = ActionDef::Code(CodeDef { text: code.to_owned(), places: Vec::new() });
    let def = TransformDef { steps: vec![step.into()], ..TransformDef::named("coded") };
    let language: &dyn rules::transform::Language = &script::JavaScript;
    let (transforms, found) = rules::Transforms::compile_with(
        &[def],
        &Default::default(),
        &rules::Scope::default(),
        Some(language),
    );
    assert!(found.is_empty(), "{found:?}");
    Library::default().with(transforms)
}

#[tokio::test]
async fn a_transform_with_code_is_run_wherever_a_flow_makes_a_message() {
    let code = "target.set('PID-3', `${source.get('PID-3')} ${context.ward}`); log.info('made')";
    let steps = json!([
        { "assign": { "ward": "PV1-2" } },
        { "transform": "coded", "as": "made" },
        { "call": "Lab", "as": "lab", "request": { "transform": "coded", "of": "made" } },
        { "reply": { "transform": "coded" } },
    ]);
    let mut bench = Bench::beside(coded(code), json!({ "steps": steps }), &["Lab"]).await;
    bench.outs[0].act(|_| Act::Decide(answers("ok")));
    let (answer, _) = bench.answer().await;
    assert_eq!(answer.as_deref(), Some(&*ADMISSION.replace("4711", "4711 I")));
    bench.stop().await;
    assert_eq!(bench.outs[0].seen(), [ADMISSION.replace("4711", "4711 I I")]);
    assert_eq!(bench.said(), ["made", "made", "made"]);
    assert!(bench.is_clean());
}

#[tokio::test]
async fn a_transform_whose_code_fails_is_a_fault_like_any_other() {
    let steps = json!([{
        "scope": [{ "transform": "coded", "as": "made" }],
        "catch": { "transform": [{ "reply": { "text": "{{ context.fault_reason }}" } }] },
    }]);
    let settings = json!({ "steps": steps });
    let mut bench = Bench::beside(coded("source.x.y"), settings, &[]).await;
    let why = "transform \"coded\", steps[0]: TypeError: cannot read property \"y\" of undefined";
    assert_eq!(bench.answer().await, some(why));
    bench.stop().await;
}
