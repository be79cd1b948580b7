//! Rounds of a line: through the engine, or past it for the limit.

use std::fs;
use std::path::Path;
use std::time::Duration;

use orris_tests::Engine;

use super::line::{Line, Round};
use super::senders::Load;
use crate::report::percentile;

const WARM_UP: Duration = Duration::from_millis(700);
const ROUND: Duration = Duration::from_millis(1_300);
const ROUNDS: usize = 3;

/// A median, and what it lies between.
pub(crate) struct Spread {
    pub(crate) least: f64,
    pub(crate) median: f64,
    pub(crate) most: f64,
}

impl Spread {
    /// So many of each.
    pub(crate) fn times(&self, factor: f64) -> Self {
        let Spread { least, median, most } = *self;
        Spread { least: least * factor, median: median * factor, most: most * factor }
    }
}

/// What the rounds gave.
pub(crate) struct Figures {
    /// Messages acknowledged in a second.
    pub(crate) taken: Spread,
    /// Messages in a second that came out at every sink, with what was still on its way when the sending
    /// ended.
    pub(crate) out: Spread,
    /// How long each acknowledgement took, sorted.
    pub(crate) times: Vec<Duration>,
    /// Processor time of the load per message, in µs.
    pub(crate) load_cost: f64,
    /// What the engine used; nothing where it was left out.
    pub(crate) engine: Option<Used>,
}

/// What the engine used.
pub(crate) struct Used {
    /// Processor time per message, in µs.
    pub(crate) cost: f64,
    /// The most memory that was resident, in MB.
    pub(crate) resident: f64,
    /// Messages in a commit, on average; none where the store does not tell.
    pub(crate) group: Option<f64>,
}

impl Figures {
    /// A percentile of the acknowledgements in milliseconds.
    pub(crate) fn millis(&self, share: f64) -> f64 {
        percentile(&self.times, share).as_secs_f64() * 1e3
    }
}

/// The senders straight to one sink: what the load alone can do.
pub(crate) fn without_engine(load: Load) -> Figures {
    let mut line = Line::new(load, 1);
    line.connect(line.ports()[0]);
    let _unmeasured = line.round(WARM_UP, |_| true);
    rounds(&mut line, |_| true)
}

/// Runs `production` in `folder`, sends to `port`, and waits for everything at the sinks of the line and
/// `elsewhere`.
pub(crate) fn with_engine(
    folder: &Path,
    production: &str,
    port: u16,
    line: &mut Line,
    mut elsewhere: impl FnMut(&Engine, u64) -> bool,
) -> Figures {
    fs::create_dir_all(folder).expect("a folder");
    let mut told = Told(Engine::start(folder, production, &[]));
    assert!(told.0.ready(), "the engine did not start");
    let engine = &told.0;
    line.connect(port);
    let spent = || (engine.processor_time(), commits(engine.data_dir()));
    let _unmeasured = line.round(WARM_UP, |sent| elsewhere(engine, sent));
    let before = spent();
    let mut figures = rounds(line, |sent| elsewhere(engine, sent));
    let (after, messages) = (spent(), figures.times.len() as f64);
    let commits = after.1.zip(before.1).map(|(after, before)| after.wrapping_sub(before));
    figures.engine = Some(Used {
        cost: (after.0 - before.0).as_secs_f64() * 1e6 / messages,
        resident: engine.most_resident_kib() as f64 * 1.024 / 1e3,
        group: commits.filter(|count| *count > 0).map(|count| messages / f64::from(count)),
    });
    told.0.stop();
    figures
}

/// An engine whose log is told when the measurement fails.
struct Told(Engine);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the engine's log:\n{}", self.0.log());
        }
    }
}

fn rounds(line: &mut Line, mut elsewhere: impl FnMut(u64) -> bool) -> Figures {
    let before = own_time();
    let mut rounds: Vec<Round> = (0..ROUNDS).map(|_| line.round(ROUND, &mut elsewhere)).collect();
    let own = own_time() - before;
    let spread = |time: fn(&Round) -> Duration| {
        let mut rates: Vec<f64> =
            rounds.iter().map(|round| round.messages as f64 / time(round).as_secs_f64()).collect();
        rates.sort_by(f64::total_cmp);
        Spread { least: rates[0], median: rates[ROUNDS / 2], most: rates[ROUNDS - 1] }
    };
    let (taken, out) = (spread(|round| round.acknowledged), spread(|round| round.arrived));
    let mut times: Vec<Duration> = rounds.iter_mut().flat_map(|round| round.times.drain(..)).collect();
    times.sort_unstable();
    let load_cost = own.as_secs_f64() * 1e6 / times.len() as f64;
    Figures { taken, out, times, load_cost, engine: None }
}

/// Processor time of this thread, which is the whole load.
fn own_time() -> Duration {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = stat.split_whitespace().next().and_then(|field| field.parse().ok());
    Duration::from_nanos(nanos.unwrap_or(0))
}

/// How many transactions the store has written since it was opened: `iChange` of the index that SQLite
/// keeps of its write-ahead log (sqlite.org/walformat.html). Only the difference of two is of use.
fn commits(data_dir: &Path) -> Option<u32> {
    let index = fs::read(data_dir.join("store.db-shm")).ok()?;
    Some(u32::from_ne_bytes(index.get(8..12)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{bodies, change};

    #[test]
    fn commits_are_counted_from_outside() {
        let folder = tempfile::tempdir().expect("a folder");
        let ledger = store::Ledger::open(folder.path(), None).expect("a store");
        let bodies = bodies(1);
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let commit = || {
            let (seq, ()) = ledger.submit(None, |ids| (change(ids, &bodies, 1, 2), ()));
            runtime.block_on(ledger.durable(seq)).expect("committed");
        };
        commit();
        let before = commits(folder.path()).expect("an index of the log");
        (0..10).for_each(|_| commit());
        assert_eq!(commits(folder.path()), Some(before + 10));
        ledger.close().expect("closed");
    }
}
