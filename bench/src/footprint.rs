//! What the engine costs while it does nothing: from start to ready, and resident memory.

use std::path::Path;
use std::time::Instant;

use orris_tests::{Engine, free_port};

use crate::latency::production;
use crate::report::{figure, millis, percentile, section};

const STARTS: usize = 15;

/// Measures.
pub(crate) fn run(folder: &Path) {
    section("at rest");
    let mut times = Vec::new();
    let mut resident = 0;
    for _ in 0..STARTS {
        let begun = Instant::now();
        let mut engine = Engine::start(folder, &production(free_port()), &[]);
        assert!(engine.ready(), "{}", engine.log());
        times.push(begun.elapsed());
        resident = resident.max(engine.resident_kib());
        engine.stop();
    }
    times.sort();
    figure("from start to ready, median of 15", &millis(percentile(&times, 0.5)), "<= 150 ms");
    figure("resident memory when ready", &format!("{:.1} MB", resident as f64 * 1.024 / 1000.0), "<= 30 MB");
}
