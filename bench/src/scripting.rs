//! What a step in JavaScript costs: alone on one core, and handed over in batches to threads.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use orris_tests::Random;
use script::{Content, Facts, Input, NoDoor, Outcome, Pool, Program, Sandbox, Verdict};

use crate::feed;
use crate::report::{figure, section};

/// Different messages.
const DIFFERENT: u64 = 64;
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_millis(300);
const WANTED: &str = "30 µs or less for a message of 1 KiB";

const STEPS: [(&str, &str); 3] = [
    ("sends it on", "send('A')"),
    (
        "4 gets and 2 sets",
        "const name = `${msg.get('PID-5.1')}, ${msg.get('PID-5.2')}`;
         if (msg.get('MSH-9.1') === 'ADT' && msg.get('PV1-2') !== 'X') {
           msg.set('PID-9', name);
           msg.set('PID-8', 'U');
         }
         send('A')",
    ),
    (
        "goes through all segments",
        "let fields = 0;
         for (const segment of msg.segments()) if (segment.get('1')) fields++;
         msg.addSegment(`ZXX|${fields}`);
         send('A')",
    ),
];

/// Measures each step on messages of about 1 KiB.
pub(crate) fn run(_folder: &Path) {
    let mut random = Random::new(9);
    let messages: Vec<String> =
        (0..DIFFERENT).map(|number| long(feed::message(number, &mut random))).collect();
    let bytes: usize = messages.iter().map(String::len).sum();
    section(&format!("JavaScript, ADT_A01 of {} bytes; medians of {ROUNDS}", bytes / messages.len()));
    let inputs: Vec<Input> = messages.iter().map(|text| input(text)).collect();
    for (what, source) in STEPS {
        let program = Program::compile(source).expect("a script");
        let mut sandbox = Sandbox::new(&program).expect("a sandbox");
        let door = Arc::new(NoDoor);
        let alone = median(|number| check(sandbox.run(&inputs[number % inputs.len()], &door)), 1);
        figure(&format!("one core: {what}"), &format!("{alone:.2} µs"), WANTED);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let pool = Pool::default();
    for batch in [1, 64] {
        let program = Program::compile(STEPS[1].1).expect("a script");
        let handed = median(
            |_| {
                let run = pool.run(&program, inputs[..batch].to_vec(), Arc::new(NoDoor));
                runtime.block_on(run).into_iter().for_each(check);
            },
            batch,
        );
        let what = format!("batches of {batch}: {}", STEPS[1].0);
        figure(&what, &format!("{handed:.2} µs"), "-");
    }
    let program = Program::compile(STEPS[1].1).expect("a script");
    let begun = median(|_| drop(black_box(Sandbox::new(&program).expect("a sandbox"))), 1);
    figure("a sandbox is made", &format!("{begun:.0} µs"), "once for each thread and script");
}

/// A message of 1 KiB or a little more.
fn long(mut message: String) -> String {
    let mut number = 0;
    while message.len() < 1024 {
        number += 1;
        message.push_str(&format!("NTE|{number}|L|a remark that says what remarks say\r"));
    }
    message
}

fn input(text: &str) -> Input {
    let message = hl7::Message::read(text.to_owned().into(), "").expect("a message");
    Input { content: Content::Hl7(message), facts: Facts::default() }
}

fn check(outcome: Outcome) {
    assert_eq!(outcome.verdict, Verdict::Done);
    assert_eq!(black_box(outcome).sends.len(), 1);
}

/// Microseconds for one message, of which each step does `messages`.
fn median(mut step: impl FnMut(usize), messages: usize) -> f64 {
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let (begin, mut steps) = (Instant::now(), 0);
            while begin.elapsed() < ROUND {
                step(steps);
                steps += 1;
            }
            begin.elapsed().as_secs_f64() * 1e6 / (steps * messages) as f64
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}
