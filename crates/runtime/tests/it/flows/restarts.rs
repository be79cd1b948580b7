//! Restarts at every stop.

use super::*;

/// Steps with a stop of every kind, which note in `Log` how far they are.
fn long() -> Value {
    let log = |text: &str| json!({ "call": "Log", "as": "log", "request": { "text": format!("{text} {{{{ header.id }}}}") } });
    json!([
        log("begun"),
        { "delay": "1m" },
        log("slept"),
        { "scope": [
            { "scope": [log("booked")], "compensate": [log("undone")] },
            { "parallel": [
                [log("left"), { "delay": "1m" }],
                [{ "call": "Log", "as": "one", "async": true, "request": { "text": "right {{ header.id }}" } },
                 { "sync": ["one"], "timeout": "10m" }],
            ] },
            { "for_each": "OBX[*]-3", "as": "code", "do": [log("each {{ context.code }}")] },
            { "throw": "turned" },
          ],
          "catch": { "turned": [{ "delay": "1m" }, log("caught")] } },
        { "reply": "log" },
    ])
}

const WANTED: [&str; 9] =
    ["begun", "slept", "booked", "left", "right", "each A", "each B", "undone", "caught"];

#[tokio::test]
async fn it_goes_on_at_every_stop_over_restarts_and_does_nothing_twice() {
    let mut bench = Bench::start(long(), &["Log"]).await;
    bench.outs[0].act(|message| Act::Decide(answers(&text_of(&message.body))));
    let arrivals = vec![Arrival::new(hl7(ADMISSION)), Arrival::new(hl7(ADMISSION))];
    take(&bench.feed, model::Intake { arrivals, ..Default::default() }).await;
    let mut restarts = 0;
    while !(bench.is_clean() && bench.production.count("Log", MessageStatus::Completed) == 2 * WANTED.len()) {
        bench.restart().await;
        bench.clock.advance(Duration::from_secs(20));
        restarts += 1;
        assert!(restarts < 200, "{:?}", bench.outs[0].seen());
    }
    bench.stop().await;
    let seen = bench.outs[0].seen();
    for id in [1, 2] {
        let own = seen.iter().filter_map(|text| text.strip_suffix(&format!(" {id}")));
        let mut own: Vec<&str> = own.collect();
        let (left, right) = (own.iter().position(|t| *t == "left"), own.iter().position(|t| *t == "right"));
        assert!(left.is_some() && right.is_some(), "{own:?}");
        if left > right {
            own.swap(left.unwrap(), right.unwrap());
        }
        assert_eq!(own, WANTED);
    }
    let all = bench.headers("Log", MessageType::Request);
    assert_eq!(all.len(), 2 * WANTED.len(), "no step's effect is twice in the ledger");
}

#[tokio::test]
async fn an_instance_goes_on_as_it_began_when_the_steps_are_changed() {
    let old = json!([{ "delay": "1m" }, { "call": "Lab", "async": true, "request": { "text": "old" } }]);
    let new = json!([{ "call": "Lab", "async": true, "request": { "text": "new" } }]);
    let mut bench = Bench::start(old, &["Lab"]).await;
    let one = || model::Intake { arrivals: vec![Arrival::new(hl7(ADMISSION))], ..Default::default() };
    take(&bench.feed, one()).await;
    eventually(SOON, || bench.production.count("Flow", MessageStatus::Deferred) == 1).await;
    bench.stop().await;
    bench.production.def.items[1] = flow(new);
    bench.restart().await;
    take(&bench.feed, one()).await;
    bench.pass(Duration::from_secs(10), || bench.outs[0].count() == 2).await;
    bench.stop().await;
    assert_eq!(bench.outs[0].seen(), ["new", "old"]);
    assert!(bench.is_clean());
}

#[tokio::test]
async fn many_instances_wait_at_once_and_what_does_not_fit_in_memory_is_read_back() {
    const COUNT: usize = 250;
    let steps = json!([{ "assign": { "id": "MSH-10" } }, { "delay": "1m" },
        { "call": "Lab", "as": "lab", "request": { "text": "{{ context.id }}" } }, { "reply": "lab" }]);
    let mut bench = Bench::start(steps, &["Lab"]).await;
    bench.outs[0].act(|_| Act::Decide(answers("ok")));
    // More than what is kept in memory while it waits.
    let large = format!("{ADMISSION}NTE|1||{}\r", "x".repeat(100_000));
    let arrivals = (0..COUNT).map(|n| Arrival::new(hl7(&large.replace("|7|", &format!("|M{n}|")))));
    take(&bench.feed, model::Intake { arrivals: arrivals.collect(), ..Default::default() }).await;
    eventually(SOON, || bench.production.reader().state("Flow", "wake/").unwrap().len() == COUNT).await;
    bench.pass(Duration::from_secs(60), || bench.is_clean()).await;
    bench.stop().await;
    let mut seen = bench.outs[0].seen();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!((seen.len(), bench.outs[0].count()), (COUNT, COUNT));
}

#[tokio::test]
async fn an_instance_whose_steps_cannot_be_read_any_more_fails_with_that_reason() {
    let (transforms, _) = rules::Transforms::compile(
        &[rules::transform::TransformDef::named("T")],
        &Default::default(),
        &Default::default(),
    );
    let mut bench = Bench::start(json!([]), &[]).await;
    bench.stop().await;
    bench.production.def.items[1] = flow(json!([{ "delay": "1m" }, { "transform": "T", "as": "made" }]));
    bench.production.def.library = model::Library::default().with(transforms);
    bench.restart().await;
    take(&bench.feed, model::Intake { arrivals: vec![Arrival::new(hl7(ADMISSION))], ..Default::default() })
        .await;
    eventually(SOON, || bench.production.count("Flow", MessageStatus::Deferred) == 1).await;
    bench.stop().await;
    bench.production.def.items[1] = flow(json!([{ "trace": "new" }]));
    bench.production.def.library = model::Library::default();
    bench.restart().await;
    bench.pass(Duration::from_secs(10), || bench.is_clean()).await;
    bench.stop().await;
    let [request] = bench.headers("Flow", MessageType::Request).try_into().expect("one request");
    assert_eq!(request.status, MessageStatus::Error);
    assert_eq!(
        request.error_status,
        "the steps that it began with cannot be read any more; send the message again"
    );
}

#[tokio::test]
async fn two_answers_in_one_batch_are_both_heard_also_by_an_instance_too_large_to_be_kept() {
    let steps = json!([
        { "call": "Lab", "as": "a", "async": true, "request": { "text": "a" } },
        { "call": "Lab", "as": "b", "async": true, "request": { "text": "b" } },
        { "sync": "all" },
        { "call": "Lab", "as": "done", "async": true, "request": { "text": "{{ context.a_status }} {{ context.b_status }}" } },
    ]);
    let mut bench = Bench::start(steps, &["Lab"]).await;
    bench.outs[0].act(|_| Act::Decide(answers("ok")));
    bench.stop().await;
    let enable = |bench: &mut Bench, flow: bool, lab: bool| {
        (bench.production.def.items[1].enabled, bench.production.def.items[2].enabled) = (flow, lab);
    };
    enable(&mut bench, true, false);
    bench.restart().await;
    let large = format!("{ADMISSION}NTE|1||{}\r", "x".repeat(17 << 20));
    take(&bench.feed, model::Intake { arrivals: vec![Arrival::new(hl7(&large))], ..Default::default() })
        .await;
    eventually(SOON, || bench.headers("Lab", MessageType::Request).len() == 2).await;
    bench.stop().await;
    enable(&mut bench, false, true);
    bench.restart().await;
    eventually(SOON, || bench.headers("Flow", MessageType::Response).len() == 2).await;
    bench.stop().await;
    enable(&mut bench, true, true);
    bench.restart().await;
    eventually(SOON, || bench.outs[0].count() == 3).await;
    bench.stop().await;
    assert_eq!(bench.outs[0].seen(), ["a", "b", "answered answered"]);
    assert!(bench.is_clean());
}
