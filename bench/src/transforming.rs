//! What a transform costs: 4 and 10 segments changed, on one core.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use hl7::Message;
use hl7::schema::Schemas;
use orris_tests::Random;
use rules::transform::{ActionDef, CodeDef, Create, StepDef, TransformDef, ValueDef};
use rules::{Facts, LookupTable, LookupTables, Scope, Transforms};
use script::{Bench, JavaScript, Limits};

use crate::feed;
use crate::report::{figure, section};

/// Different messages.
const DIFFERENT: u64 = 64;
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_millis(300);

/// Measures transforms of messages of about 1 KiB with ten segments or more.
pub(crate) fn run(_folder: &Path) {
    let mut random = Random::new(9);
    let messages: Vec<Message> =
        (0..DIFFERENT).map(|number| long(feed::message(number, &mut random))).collect();
    let bytes: usize = messages.iter().map(|message| message.text().len()).sum();
    let segments: usize = messages.iter().map(|message| message.segments().len()).sum();
    let (bytes, segments) = (bytes / messages.len(), segments / messages.len());
    section(&format!(
        "transforms on one core, ADT_A01 of {bytes} bytes, {segments} segments; medians of {ROUNDS}"
    ));
    let scope = Scope { tables: tables(), ..Scope::default() };
    for (what, def, wanted) in [
        ("4 segments, copied", four(), "15 µs or less for a message of 1 KiB"),
        ("10 segments, copied, with a loop", ten(), "-"),
        ("6 segments of a new message", new(), "-"),
        ("2 segments in one step of JavaScript", code(), "30 µs or less for a message of 1 KiB"),
    ] {
        let name = def.name.clone();
        let (transforms, findings) =
            Transforms::compile_with(&[def], &Schemas::default(), &scope, Some(&JavaScript));
        let transform = transforms.get(&name).unwrap_or_else(|| panic!("{findings:?}"));
        let facts = Facts::default();
        let mut bench = Bench::default();
        let mut apply = |message: &Message| {
            let mut desk = bench.desk(Limits::default());
            match transform.has_code() {
                true => transform.apply_with(message, &facts, &mut desk, None),
                false => transform.apply(message, &facts),
            }
        };
        let made = apply(&messages[0]).expect("a message");
        assert_ne!(made.text(), messages[0].text());
        let median = median(|number| {
            black_box(apply(&messages[number % messages.len()]).expect("a message"));
        });
        figure(what, &format!("{median:.2} µs"), wanted);
    }
}

fn set(path: &str, value: &str) -> StepDef {
    ActionDef::Set { path: path.to_owned(), value: ValueDef::Text(value.to_owned()) }.into()
}

fn from(path: &str, from: &str) -> StepDef {
    ActionDef::Set { path: path.to_owned(), value: ValueDef::From(from.to_owned()) }.into()
}

fn def(name: &str, create: Create, steps: Vec<StepDef>) -> TransformDef {
    let doc_type = |version| Some(format!("{version}:ADT_A01"));
    TransformDef {
        source: doc_type("2.5"),
        target: doc_type("2.5.1"),
        create,
        steps,
        ..TransformDef::named(name)
    }
}

fn tables() -> LookupTables {
    let entries = (0..1000).map(|number| (format!("K{number}"), format!("V{number}"))).collect();
    LookupTables::default().with("codes", LookupTable { entries, ..LookupTable::default() })
}

/// One change in each of 4 segments: two texts, an expression, a condition.
fn four() -> TransformDef {
    let inpatient = ActionDef::If {
        condition: "PV1-2 = \"I\"".to_owned(),
        then: vec![set("PV1-18", "INP")],
        otherwise: vec![set("PV1-18", "OUT")],
    };
    let steps =
        vec![set("MSH-12", "2.5.1"), set("EVN-4", "01"), from("PID-5.1", "upper(PID-5.1)"), inpatient.into()];
    def("four", Create::Copy, steps)
}

/// The same, and each of the remarks looked up and marked.
fn ten() -> TransformDef {
    let mark = vec![from("NTE-2", "lookup(\"codes\", NTE-1, NTE-2)"), from("NTE-4", "\"RE\"")];
    let mut steps = four().steps;
    steps.push(ActionDef::ForEach { each: "NTE".to_owned(), steps: mark }.into());
    TransformDef { target: Some("2.5.1".to_owned()), ..def("ten", Create::Copy, steps) }
}

fn new() -> TransformDef {
    let whole = ["EVN", "PID", "PV1"].map(|id| from(id, id));
    let mut steps = Vec::from(whole);
    steps.extend([set("ZPD-1", "x"), from("PID-5.1", "upper(PID-5.1)"), set("PV1-18", "INP")]);
    def("new", Create::New, steps)
}

/// Reads four values and sets two.
fn code() -> TransformDef {
    let text = "const name = `${source.get('PID-5.1')}, ${source.get('PID-5.2')}`;
        if (source.get('MSH-9.1') === 'ADT' && source.get('PV1-2') !== 'X') {
          target.set('PID-9', name);
          target.set('PV1-18', 'INP');
        }";
    let step = ActionDef::Code(CodeDef { text: text.to_owned(), places: Vec::new() });
    def("code", Create::Copy, vec![step.into()])
}

/// A message of ten segments and of 1 KiB or a little more.
fn long(mut message: String) -> Message {
    let mut number = 0;
    while number < 6 || message.len() < 1024 {
        number += 1;
        message.push_str(&format!("NTE|{number}|L|a remark\r"));
    }
    Message::read(message.into(), "").expect("a message")
}

/// Microseconds for one message.
fn median(mut step: impl FnMut(usize)) -> f64 {
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let (begin, mut steps) = (Instant::now(), 0);
            while begin.elapsed() < ROUND {
                step(steps);
                steps += 1;
            }
            begin.elapsed().as_secs_f64() * 1e6 / steps as f64
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}
