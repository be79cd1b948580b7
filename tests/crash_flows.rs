//! `kill -9` in the middle of flows, at fault points and at random instants: afterwards every flow has
//! gone on to its end, and no step's effect is twice in the ledger.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use orris_tests::{Engine, Random, admission, eventually, text};
use store::Reader;

/// Kills at random instants, beside those at fault points.
const RANDOM_KILLS: usize = 60;
/// Kills at each fault point.
const KILLS_PER_PLACE: usize = 8;
/// Where a flow's messages pass.
const PLACES: [&str; 6] = [
    "intake.durable",
    "ledger.before_commit",
    "ledger.after_commit",
    "host.before_message",
    "host.after_message",
    "operation.renamed",
];
/// What each flow sends, by description, in the order of the names.
const SENT: [&str; 10] =
    ["asked", "booked", "caught", "code", "first", "last", "left", "right", "slept", "undone"];
/// How many of them are answered.
const ANSWERED: usize = SENT.len() - 3;

const PRODUCTION: &str = "production: Crash.Flows
grace_period: 10s
lookup_tables:
  kinds: { entries: { A01: admission, A08: update } }
rules:
  ways:
    - { name: asked, when: context.kind_value != \"\", send: [A], return: context.kind_value }
services:
  In:
    type: hl7.file
    targets: [Flow]
    settings: { file_path: in, file_spec: '*.hl7', archive_path: archive, append_timestamp: none, polling_interval: 100ms, settle_time: 1s }
processes:
  Flow:
    type: flow
    settings:
      steps:
        - { call: A, as: first, description: first }
        - { delay: 20ms }
        - { call: B, as: slept, description: slept, timeout: 10m }
        - parallel:
            - - { call: A, as: left, description: left }
              - { delay: 10ms }
            - - { call: B, as: right, description: right, async: true }
              - { sync: [right], timeout: 10m }
        - scope:
            - scope: [{ call: A, as: booked, description: booked }]
              compensate: [{ call: B, as: undone, description: undone }]
            - { throw: turned }
          catch:
            turned: [{ call: B, as: caught, description: caught }]
        - code: |
            context.control = msg.get('MSH-10');
            send('A');
        - { sql: 'SELECT value FROM kinds WHERE key = :event', with: { event: MSH-9.2 }, as: kind }
        - { delay: 10ms }
        - { rule: ways }
        - if: context.ways = context.kind_value and context.ways_rule = \"asked\" and context.kind_rows = 1
          then: [{ delay: 10ms }]
          else: [{ throw: wrong }]
        - { milestone: done }
        - { call: A, async: true, description: last }
operations:
  A: { type: hl7.file, settings: { file_path: a, file_name: '{MSH-10}.hl7', mode: overwrite } }
  B: { type: hl7.file, settings: { file_path: b, file_name: '{MSH-10}.hl7', mode: overwrite } }
";

/// Drops a file with one message.
fn drop_one(folder: &Path, count: &mut usize) {
    *count += 1;
    let (inbox, aside) = (folder.join("data/in"), folder.join("aside"));
    fs::create_dir_all(&inbox).and_then(|()| fs::create_dir_all(&aside)).expect("folders");
    let name = format!("f{count:06}.hl7");
    fs::write(aside.join(&name), admission(&format!("M{count:06}"))).expect("written");
    fs::rename(aside.join(&name), inbox.join(&name)).expect("dropped");
}

/// Drops files until `until`, or until the engine has ended.
fn stream(folder: &Path, engine: &mut Engine, count: &mut usize, random: &mut Random, until: Instant) {
    while Instant::now() < until && !engine.ended() {
        drop_one(folder, count);
        std::thread::park_timeout(Duration::from_millis(1 + random.below(10)));
    }
}

#[test]
fn every_flow_goes_on_and_does_nothing_twice() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut random = Random::from_environment("crash of flows");
    let (mut count, mut reached) = (0, BTreeMap::<&str, usize>::new());
    for round in 0..KILLS_PER_PLACE {
        for place in PLACES {
            drop_one(folder.path(), &mut count);
            let spec = format!("{place}:{}", 1 + if round == 0 { 0 } else { random.below(30) });
            let mut engine = Engine::start(folder.path(), PRODUCTION, &[("ORRIS_FAULT", &spec)]);
            if engine.ready() {
                let until = Instant::now() + Duration::from_secs(4);
                stream(folder.path(), &mut engine, &mut count, &mut random, until);
            }
            *reached.entry(place).or_default() += usize::from(engine.ended());
            let log = engine.kill().log;
            assert!(!log.contains("panicked") && !log.contains("error: "), "at {spec}:\n{log}");
        }
    }
    for _ in 0..RANDOM_KILLS {
        let mut engine = Engine::start(folder.path(), PRODUCTION, &[]);
        if random.below(8) != 0 && engine.ready() {
            let until = Instant::now() + Duration::from_millis(random.below(250));
            stream(folder.path(), &mut engine, &mut count, &mut random, until);
        }
        let log = engine.kill().log;
        assert!(!log.contains("panicked"), "{log}");
    }
    println!("kills at fault points: {reached:?}; at random instants: {RANDOM_KILLS}; flows: {count}");
    assert!(PLACES.iter().all(|place| reached[place] > 0), "never passed: {reached:?}");
    drain(folder.path());
    verify(&folder.path().join("data"), count);
}

/// Starts once more, waits until every flow has ended, and stops in order.
fn drain(folder: &Path) {
    let mut engine = Engine::start(folder, PRODUCTION, &[]);
    assert!(engine.ready(), "{}", engine.log());
    let reader = Reader::open(engine.data_dir()).expect("a reader beside the engine");
    eventually("every flow has ended", || {
        assert!(!engine.ended(), "{}", engine.log());
        let taken = fs::read_dir(folder.join("data/in")).ok()?.next().is_none();
        let state = reader.state("Flow", "").expect("readable");
        let at_rest = state.iter().all(|(key, _)| key.starts_with("flow/"));
        (taken && at_rest && reader.queues().expect("readable").is_empty()).then_some(())
    });
    let outcome = engine.stop();
    assert!(outcome.status.success(), "{:?}\n{}", outcome.status, outcome.log);
}

/// The rows of a query, as text.
fn rows(data: &Path, query: &str) -> Vec<Vec<String>> {
    let reader = Reader::open(data).expect("a reader without an engine");
    let table = reader.sql(query, 10_000_000).expect("SQL runs");
    table.rows.iter().map(|row| row.iter().map(text).collect()).collect()
}

fn verify(data: &Path, flows: usize) {
    let taken = rows(
        data,
        "SELECT SessionId, Status FROM MessageHeader WHERE TargetConfigName = 'Flow' AND Type = 'Request'",
    );
    assert_eq!(taken.len(), flows, "each message is taken in once");
    assert!(taken.iter().all(|row| row[1] == "Completed"), "every flow came to its end");

    let mut sent = BTreeMap::<String, Vec<String>>::new();
    for row in rows(
        data,
        "SELECT SessionId, Description, Status FROM MessageHeader WHERE SourceConfigName = 'Flow' AND Type = 'Request'",
    ) {
        assert_eq!(row[2], "Completed", "{row:?}");
        sent.entry(row[0].clone()).or_default().push(row[1].clone());
    }
    assert_eq!(sent.len(), flows);
    for (session, mut sent) in sent {
        sent.sort_unstable();
        assert_eq!(sent, SENT, "what the flow of session {session} has sent");
    }
    let answers = rows(
        data,
        "SELECT Status, count(*) FROM MessageHeader WHERE TargetConfigName = 'Flow' AND Type = 'Response' GROUP BY Status",
    );
    assert_eq!(answers, [["Completed".to_owned(), (flows * ANSWERED).to_string()]]);
    let milestones = rows(
        data,
        "SELECT count(*), count(DISTINCT SessionId) FROM EventLog WHERE Text = 'milestone \"done\"'",
    );
    assert_eq!(milestones, [[flows.to_string(), flows.to_string()]]);
}
