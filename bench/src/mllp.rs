//! MLLP in, to MLLP or files out, each message committed before its acknowledgement; the senders and
//! receivers share the machine's cores with the engine, on one thread of one process.

mod case;
mod line;
mod measure;
mod production;
mod senders;
mod sink;
mod socket;

use std::fs;
use std::path::Path;

use crate::ledger::{bodies, committed};
use crate::machine::probe;
use crate::report::{against, count, figure, rate, section};
use case::CASES;
use measure::{Spread, without_engine};
use senders::Load;

/// Names cases by a part of their title, as in `64 in to 4`; all without it.
const ONLY: &str = "ORRIS_BENCH_CASE";
/// How many messages are synced one by one, to know the disk.
const SYNCED: usize = 1_500;

/// Measures the limits, and then each case.
pub(crate) fn run(folder: &Path) {
    section(
        "MLLP in and out, 1 KiB messages, committed before the ACK; 3 rounds, the load on the same cores",
    );
    let stored = rate(SYNCED, committed(folder, &bodies(512), 1, SYNCED));
    against("the store alone, a commit for each", stored, "msg/s", "one sync each", synced(folder), "-");
    let only = std::env::var(ONLY).unwrap_or_default();
    let cases: Vec<_> = CASES.into_iter().filter(|case| case.title().contains(&only)).collect();
    let mut bare: Vec<(Load, f64)> = Vec::new();
    for (number, case) in cases.into_iter().enumerate() {
        let own = folder.join(number.to_string());
        fs::create_dir(&own).expect("a fresh folder");
        let known = bare.iter().find(|(load, _)| *load == case.load).map(|(_, limit)| *limit);
        let alone = known.unwrap_or_else(|| {
            bare.push((case.load, alone(case.load)));
            bare[bare.len() - 1].1
        });
        // One message at a time waits for the disk, which has its moods: measured beside each such case.
        let limit = match case.load {
            Load { senders: 1, pipelined: 1 } => ("one sync each", synced(&own)),
            _ => ("the load alone", alone),
        };
        case.measure(&own, limit);
    }
}

/// How often a second as much as one message takes in the store can be appended and synced.
fn synced(folder: &Path) -> f64 {
    let times = probe(folder, senders::SIZE + 200, SYNCED);
    rate(times.len(), times.iter().sum())
}

/// How many messages a second the senders get to a sink of their own.
fn alone(load: Load) -> f64 {
    let figures = without_engine(load);
    let cost = format!("-; {:.1} µs of the load a message", figures.load_cost);
    figure(&format!("{load} straight to the sink"), &format!("{} /s", range(&figures.taken)), &cost);
    figures.taken.median
}

fn range(Spread { least, median, most }: &Spread) -> String {
    format!("{} ({} to {})", count(*median), count(*least), count(*most))
}
