//! The one writer: takes what waits, commits it in one transaction with one sync, tells who waited.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use model::{BodyId, MessageBody};

use crate::block::Packer;
use crate::line::{Line, Pending};
use crate::plan::Plan;
use crate::search::Feed;
use crate::write::{Database, trouble};

/// Pauses before another try of a group that could not be committed: growing, up to this.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// Tries of the last groups while closing, before giving up with the reason.
const LAST_TRIES: u32 = 3;

/// What has been done so far.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) groups: AtomicU64,
    pub(crate) changes: AtomicU64,
    pub(crate) headers: AtomicU64,
    pub(crate) bodies: AtomicU64,
    /// A bound for the ledger file in bytes, 0 for none; looked at before each try.
    pub(crate) limit: AtomicU64,
}

pub(crate) struct Writer {
    pub(crate) line: Arc<Line>,
    pub(crate) database: Database,
    pub(crate) packer: Packer,
    pub(crate) counters: Arc<Counters>,
    pub(crate) feed: Option<Arc<Feed>>,
    pub(crate) path: PathBuf,
    pub(crate) limited: u64,
}

/// Ends the line when the writer ends, also by a panic: nobody may wait for what never comes.
struct EndOfLine(Arc<Line>);

impl Drop for EndOfLine {
    fn drop(&mut self) {
        if std::thread::panicking() {
            give_up(&self.0, "the ledger's writer ended by a defect; start the engine again".to_owned());
        }
        self.0.end();
    }
}

/// Says why nothing more will be committed.
fn give_up(line: &Line, reason: String) {
    tracing::error!("{reason}");
    line.set_trouble(Some(reason));
}

impl Writer {
    /// Commits group after group until the line is closed and empty.
    pub(crate) fn run(mut self) -> Database {
        let _end = EndOfLine(self.line.clone());
        while let Some(group) = self.line.take() {
            if !self.commit(group) {
                break;
            }
        }
        self.database
    }

    /// Commits a group, however often it takes; false when closing and it cannot be done.
    fn commit(&mut self, group: Vec<Pending>) -> bool {
        let (count, last) = (group.len(), group.last().map_or(0, |pending| pending.seq));
        let (changes, permits): (Vec<_>, Vec<_>) =
            group.into_iter().map(|pending| (pending.change, pending.permit)).unzip();
        let plan = match Plan::of(changes, &mut self.packer) {
            Ok(plan) => plan,
            // The compressor fails only without memory; there is no going on then.
            Err(error) => {
                give_up(&self.line, format!("bodies cannot be compressed: {error}; start the engine again"));
                return false;
            }
        };
        if !self.write(&plan, count) {
            return false;
        }
        self.counters.groups.fetch_add(1, Ordering::Relaxed);
        self.counters.changes.fetch_add(count as u64, Ordering::Relaxed);
        self.counters.headers.fetch_add(plan.created.len() as u64, Ordering::Relaxed);
        self.counters.bodies.fetch_add(plan.bodies.len() as u64, Ordering::Relaxed);
        if let (Some(feed), Some(body)) = (&self.feed, plan.bodies.last()) {
            feed.announce(body.id.0);
        }
        self.line.publish(last);
        drop(permits);
        if let Some(feed) = &self.feed {
            let bodies = plan.bodies.into_iter().map(|planned| (planned.id, planned.body));
            feed.committed(bodies.collect::<Vec<(BodyId, MessageBody)>>());
        }
        true
    }

    fn write(&mut self, plan: &Plan, changes: usize) -> bool {
        let mut pause = FIRST_PAUSE;
        let mut tries_left = LAST_TRIES;
        loop {
            let Err(error) = self.try_write(plan) else {
                if self.line.trouble().is_some() {
                    self.line.set_trouble(None);
                    tracing::info!("store \"{}\" can be written again", self.path.display());
                }
                return true;
            };
            let text = trouble(&self.path, &error, changes + self.line.waiting());
            if self.line.trouble().is_none() {
                tracing::error!("{text}");
            }
            self.line.set_trouble(Some(text));
            if self.line.is_closing() {
                tries_left -= 1;
                if tries_left == 0 {
                    return false;
                }
            }
            self.line.pause(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn try_write(&mut self, plan: &Plan) -> rusqlite::Result<()> {
        let limit = self.counters.limit.load(Ordering::Relaxed);
        if limit != self.limited {
            self.database.limit((limit > 0).then_some(limit))?;
            self.limited = limit;
        }
        self.database.write(plan)
    }
}
