//! What the writer has committed and the indexer has not seen yet.
//!
//! Bodies are handed over as they are, parsed already where a host needed that. When too many
//! gather they are let go, and the indexer reads them from the ledger instead.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use model::{BodyId, MessageBody};

/// How much may be kept for the indexer.
const MOST_BYTES: usize = 8 << 20;
/// About what a body takes besides its content: empty ones are bounded too.
const BODY_BYTES: usize = 256;
/// So many bodies are indexed at once, or those that came within [`WAIT`].
pub(crate) const BATCH: usize = 2_048;
const WAIT: Duration = Duration::from_millis(200);

struct State {
    recent: VecDeque<(BodyId, MessageBody)>,
    bytes: usize,
    /// All bodies after this one are in `recent`.
    complete_after: u64,
    committed: u64,
    indexed: u64,
    closing: bool,
}

/// Between the writer and the indexer.
pub(crate) struct Feed {
    state: Mutex<State>,
    work: Condvar,
    announced: AtomicU64,
}

/// What the indexer shall do next.
pub(crate) enum Work {
    /// Index these.
    Bodies(Vec<(BodyId, MessageBody)>),
    /// Index what the ledger has after the last indexed body, up to this one at least.
    Ledger(u64),
    /// Nothing is left, and nothing more will come.
    Done,
}

impl Feed {
    /// A feed behind a ledger whose last body is `committed`, and of which nothing is known to be indexed.
    pub(crate) fn new(committed: u64) -> Self {
        let state = State {
            recent: VecDeque::new(),
            bytes: 0,
            complete_after: committed,
            committed,
            indexed: 0,
            closing: false,
        };
        Feed { state: Mutex::new(state), work: Condvar::new(), announced: AtomicU64::new(committed) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the last committed body, before anybody learns that it is durable: so whoever did can
    /// wait for the index. It wakes nobody, which may come after the acknowledgements.
    pub(crate) fn announce(&self, last: u64) {
        self.announced.store(last, Ordering::Release);
    }

    /// Tells of committed bodies, in order.
    pub(crate) fn committed(&self, bodies: Vec<(BodyId, MessageBody)>) {
        let Some((last, _)) = bodies.last() else { return };
        let last = last.0;
        let mut state = self.lock();
        let behind_before = state.committed.saturating_sub(state.indexed);
        state.committed = last;
        for (id, body) in bodies {
            state.bytes += size(&body);
            state.recent.push_back((id, body));
        }
        if state.bytes > MOST_BYTES {
            state.recent.clear();
            state.bytes = 0;
            state.complete_after = last;
        }
        // The indexer sleeps until the first body, and then until a batch of them.
        let behind = state.committed.saturating_sub(state.indexed);
        let wake = behind_before == 0 || (behind_before < BATCH as u64 && behind >= BATCH as u64);
        drop(state);
        if wake {
            self.work.notify_one();
        }
    }

    /// Notes how far the index is.
    pub(crate) fn indexed(&self, id: u64) {
        self.lock().indexed = id;
    }

    /// How many bodies are not indexed yet, about.
    pub(crate) fn behind(&self) -> u64 {
        let indexed = self.lock().indexed;
        self.announced.load(Ordering::Acquire).saturating_sub(indexed)
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.lock().closing
    }

    pub(crate) fn close(&self) {
        self.lock().closing = true;
        self.work.notify_all();
    }

    /// Waits before another try; not when closing.
    pub(crate) fn pause(&self, pause: Duration) {
        let until = Instant::now() + pause;
        let mut state = self.lock();
        while !state.closing && Instant::now() < until {
            let left = until.saturating_duration_since(Instant::now());
            state = self.work.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// What is to be indexed next; waits for it.
    pub(crate) fn next(&self) -> Work {
        let mut state = self.lock();
        let mut until = None;
        loop {
            let behind = state.committed.saturating_sub(state.indexed) as usize;
            if behind == 0 {
                if state.closing {
                    return Work::Done;
                }
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let now = Instant::now();
            let until = *until.get_or_insert(now + WAIT);
            if behind >= BATCH || state.closing || now >= until {
                break;
            }
            state = self.work.wait_timeout(state, until - now).unwrap_or_else(PoisonError::into_inner).0;
        }
        // A long way behind, closing must not wait for all of it: the next start goes on there.
        let behind = state.committed.saturating_sub(state.indexed) as usize;
        if state.closing && behind > 4 * BATCH { Work::Done } else { state.take() }
    }
}

fn size(body: &MessageBody) -> usize {
    body.content().len() + BODY_BYTES
}

impl State {
    fn take(&mut self) -> Work {
        while self.recent.front().is_some_and(|(id, _)| id.0 <= self.indexed) {
            if let Some((_, body)) = self.recent.pop_front() {
                self.bytes -= size(&body);
            }
        }
        if self.complete_after > self.indexed || self.recent.is_empty() {
            return Work::Ledger(self.committed);
        }
        let bodies: Vec<_> = self.recent.drain(..self.recent.len().min(BATCH)).collect();
        self.bytes -= bodies.iter().map(|(_, body)| size(body)).sum::<usize>();
        // Should the index fail on them, they are in the ledger still.
        self.complete_after = bodies.last().map_or(self.complete_after, |(id, _)| id.0);
        Work::Bodies(bodies)
    }
}

#[cfg(test)]
mod tests {
    use model::BodyClass;

    use super::*;

    #[test]
    fn empty_bodies_are_let_go_too_when_too_many_gather() {
        let feed = Feed::new(0);
        let most = (MOST_BYTES / BODY_BYTES) as u64;
        for id in 1..=most {
            feed.committed(vec![(BodyId(id), MessageBody::new(BodyClass::BYTES, ""))]);
        }
        assert_eq!(feed.lock().recent.len() as u64, most);
        feed.committed(vec![(BodyId(most + 1), MessageBody::new(BodyClass::BYTES, ""))]);
        assert!(feed.lock().recent.is_empty());
        assert!(matches!(feed.next(), Work::Ledger(committed) if committed == most + 1));
    }
}
