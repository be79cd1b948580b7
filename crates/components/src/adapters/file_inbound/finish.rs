//! Puts files away behind their durability, and tells the taking what is out of the way.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use model::{Event, EventKind, Failure, HostContext, Receipt, fault};
use tokio::sync::{Notify, mpsc};

use super::archive::PuttingAway;
use super::rows::{Progress, Taken};
use super::scan::Candidate;
use crate::adapters::disk::blocking;

/// Files that are put away in one go.
const MOST_AT_ONCE: usize = 2_048;

/// A group that the ledger has.
pub(super) struct Submitted {
    pub(super) receipt: Option<Receipt>,
    pub(super) taken: Vec<Taken>,
}

/// What taking and putting away tell each other.
#[derive(Default)]
pub(super) struct Between {
    state: Mutex<State>,
    pub(super) wake: Notify,
}

#[derive(Default)]
pub(super) struct State {
    /// Files that are taken and still lie where they came.
    pub(super) busy: HashSet<PathBuf>,
    /// Files that could not be put away and stay.
    pub(super) left: Vec<Taken>,
    /// Files that came by rename to the places of some: they are taken when those are out of the way.
    pub(super) behind: HashSet<PathBuf>,
    /// Hints at those that are in nobody's way any more.
    pub(super) hints: Vec<PathBuf>,
    /// Whether other files lie in the places of some.
    pub(super) again: bool,
}

impl State {
    /// A file has been put away.
    fn is_away(&mut self, came: &Path) {
        self.busy.remove(came);
        self.hints.extend(self.behind.take(came));
    }

    /// Leaves out what is in hand.
    pub(super) fn without_busy(&mut self, mut files: Vec<Candidate>) -> Vec<Candidate> {
        files.retain(|file| {
            let busy = self.busy.contains(&file.place.came);
            if busy && file.moved_in {
                self.behind.insert(file.place.came.clone());
            }
            !busy
        });
        files
    }
}

impl Between {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts files away, in the order in which they were taken, as soon as their messages are durable.
pub(super) async fn finish(
    putting_away: &PuttingAway,
    host: &HostContext,
    mut to_finish: mpsc::Receiver<Submitted>,
    between: &Between,
) -> Result<(), Failure> {
    while let Some(first) = to_finish.recv().await {
        let mut files = durable(first).await?;
        // Whatever else has come up goes along: the folders are synced once for all.
        while files.len() < MOST_AT_ONCE
            && let Ok(next) = to_finish.try_recv()
        {
            files.extend(durable(next).await?);
        }
        files.retain(|taken| !matches!(taken.progress, Progress::Left(_)));
        if files.is_empty() {
            continue;
        }
        let (putting_away, now) = (putting_away.clone(), host.clock().now());
        let (files, away) = blocking(move || {
            let away = putting_away.put_away(&files, now);
            (files, away)
        })
        .await;
        let away = away.map_err(Failure::Temporary)?;
        host.remember(away.state);
        fault::point("file.forgotten");
        away.errors.into_iter().for_each(|text| say(host, EventKind::Error, text));
        away.warnings.into_iter().for_each(|text| say(host, EventKind::Warning, text));
        let mut state = between.state();
        files.iter().for_each(|taken| state.is_away(&taken.place.came));
        state.left.extend(away.left);
        state.again |= away.again;
        if state.again || !state.hints.is_empty() {
            between.wake.notify_one();
        }
    }
    Ok(())
}

async fn durable(submitted: Submitted) -> Result<Vec<Taken>, Failure> {
    if let Some(receipt) = submitted.receipt {
        receipt.durable().await?;
        fault::point("intake.durable");
    }
    Ok(submitted.taken)
}

pub(super) fn say(host: &HostContext, kind: EventKind, text: String) {
    host.event(Event::new(kind, host.name(), text));
}
