//! A store that grows to three million messages with the default search fields, and what is asked of it then.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use model::{BodyClass, MessageBody, SessionId};
use orris_tests::Random;
use store::{Ledger, Reader};

use crate::feed;
use crate::ledger::change;
use crate::report::{count, figure, millis, percentile, rate, section};

const STEP: usize = 500_000;
const STEPS: usize = 6;
const GROUP: usize = 512;
const HEADERS: usize = 3;
const QUERIES: usize = 300;

/// Grows a store and asks it.
pub(crate) fn run(folder: &Path) {
    section(&format!(
        "growth to {} messages of 1 KiB, {HEADERS} headers each, default search fields, {GROUP} per change",
        count((STEP * STEPS) as f64)
    ));
    let ledger = Ledger::open(folder, Some(Arc::new(components::search::search_fields))).expect("a store");
    let mut random = Random::new(4);
    let mut rates = Vec::new();
    let mut bytes = 0u64;
    for step in 0..STEPS {
        let took = grow(&ledger, step, &mut random, &mut bytes);
        rates.push(rate(STEP, took));
        figure(
            &format!("messages {} to {}", count((step * STEP) as f64), count(((step + 1) * STEP) as f64)),
            &format!("{} msg/s", count(rates[step])),
            "-",
        );
    }
    let ratio = rates[STEPS - 1] / rates[1];
    figure("last 500,000 against the second 500,000", &format!("{:.0} %", 100.0 * ratio), ">= 85 %");
    let begun = Instant::now();
    ledger.close().expect("closed");
    figure("indexing behind the writer, until the end of it", &millis(begun.elapsed()), "-");
    let stored: u64 = std::fs::read_dir(folder)
        .expect("the folder")
        .flatten()
        .filter_map(|entry| entry.metadata().ok())
        .map(|metadata| metadata.len())
        .sum();
    figure("stored per 1 KiB of message", &format!("{:.2} KiB", stored as f64 / bytes as f64), "<= 0.7 KB");
    ask(folder, &mut random);
}

/// Half a million messages, at most four changes on their way. Making them up is not counted.
fn grow(ledger: &Ledger, step: usize, random: &mut Random, bytes: &mut u64) -> Duration {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut took = Duration::ZERO;
    let mut number = (step * STEP) as u64;
    let end = ((step + 1) * STEP) as u64;
    while number < end {
        let bodies: Vec<_> = (number..end.min(number + GROUP as u64 * 32))
            .map(|_| {
                number += 1;
                let text = feed::message(number, random);
                *bytes += text.len() as u64;
                MessageBody::described(
                    BodyClass::HL7,
                    text,
                    "ADT_A01".into(),
                    String::new(),
                    "batch.hl7".into(),
                )
            })
            .collect();
        let begun = Instant::now();
        runtime.block_on(async {
            let mut waiting = std::collections::VecDeque::new();
            for group in bodies.chunks(GROUP) {
                let (seq, ()) = ledger.submit(None, |ids| (change(ids, group, group.len(), HEADERS), ()));
                waiting.push_back(seq);
                if waiting.len() == 4
                    && let Some(oldest) = waiting.pop_front()
                {
                    ledger.durable(oldest).await.expect("committed");
                }
            }
            for seq in waiting {
                ledger.durable(seq).await.expect("committed");
            }
        });
        took += begun.elapsed();
    }
    took
}

fn ask(folder: &Path, random: &mut Random) {
    let reader = Reader::open(folder).expect("a reader");
    let sessions = (STEP * STEPS * HEADERS) as u64;
    let trace = ask_many(|| {
        let session = SessionId(random.below(sessions) / HEADERS as u64 * HEADERS as u64 + 1);
        let headers = reader.session(session).expect("a trace");
        assert_eq!(headers.len(), HEADERS, "session {session}");
        let body = headers[0].body.expect("a body");
        assert!(reader.body(body).expect("readable").is_some());
    });
    let mut random = Random::new(5);
    let search = ask_many(|| {
        let control_id = format!("{:010}", random.below((STEP * STEPS) as u64) + 1);
        let found = reader.search("control_id", &control_id, 50).expect("a search");
        assert_eq!(found.len(), 1, "control id {control_id}");
    });
    for (name, times, wanted) in
        [("trace with its body", trace, "<= 1 ms"), ("search by control id", search, "<= 5 ms")]
    {
        let (p50, p99) = (percentile(&times, 0.5), percentile(&times, 0.99));
        figure(&format!("{name}, p50 and p99"), &format!("{} {}", millis(p50), millis(p99)), wanted);
    }
}

fn ask_many(mut question: impl FnMut()) -> Vec<Duration> {
    let mut times: Vec<_> = (0..QUERIES)
        .map(|_| {
            let begun = Instant::now();
            question();
            begun.elapsed()
        })
        .collect();
    times.sort();
    times
}
