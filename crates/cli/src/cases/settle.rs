//! When nothing can happen any more unless the clock goes on.
//!
//! All tasks of a case share one thread, so that between two looks each of them has had its turn. What
//! other threads do (the store's, a script's) is seen by what waits for them: a queue, a call, the ledger.

use std::time::{Duration, Instant};

use components::rehearsal::Browser;
use model::{Clock, Failure, StateChange, Timestamp};
use runtime::{Director, ItemState, ItemStatus};

use super::clock::CaseClock;
use super::stage::Stage;

/// So often every task that can go on gets its turn before a look.
const TURNS: usize = 32;
/// The pause between looks while other threads work.
const PAUSE: Duration = Duration::from_micros(200);
/// How long other threads may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a process whose time has come is waited for.
const WOKEN: Duration = Duration::from_secs(2);
/// What the ledger is asked by: the only thing that a case adds to it.
const PROBE: &str = "case.probe";

/// A production on its stage.
pub(super) struct Settling<'a> {
    pub(super) director: &'a Director,
    pub(super) stage: &'a Stage,
    pub(super) clock: &'a CaseClock,
    /// What was there when it was quiet last.
    pub(super) last: Option<Look>,
}

/// What is seen at one look.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Look {
    items: Vec<(u64, u64, u64, ItemState)>,
    outputs: usize,
    browsers: Vec<(usize, bool)>,
}

impl Settling<'_> {
    /// Returns when it is quiet.
    ///
    /// # Errors
    /// When it does not become so; says who still works.
    pub(super) async fn quiet(&mut self) -> Result<(), String> {
        let begun = Instant::now();
        loop {
            turns().await;
            let before = self.look();
            let woken = begun.elapsed() < WOKEN;
            if self.busy(woken).is_none() {
                if self.last.as_ref() == Some(&before) {
                    return Ok(());
                }
                self.stored().await.map_err(|failure| failure.to_string())?;
                turns().await;
                if self.busy(woken).is_none() && self.look() == before {
                    self.last = Some(before);
                    return Ok(());
                }
            }
            if begun.elapsed() > PATIENCE {
                let who = self.busy(true).unwrap_or_else(|| "the ledger".to_owned());
                return Err(format!("the case did not become quiet within {PATIENCE:?}: {who} still works"));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Lets the clock go, from one time that somebody waits for to the next, until it stands at `until`;
    /// or, where `or_done`, until nobody has anything to do.
    pub(super) async fn go(&mut self, until: Timestamp, or_done: bool) -> Result<(), String> {
        loop {
            self.quiet().await?;
            if or_done && self.is_done() {
                return Ok(());
            }
            match self.clock.next_due().filter(|due| *due <= until) {
                Some(due) => self.clock.go_to(due),
                None if self.clock.now() < until => self.clock.go_to(until),
                None => return Ok(()),
            }
        }
    }

    fn look(&self) -> Look {
        let items = self.director.status().items;
        let item = |item: ItemStatus| (item.taken, item.queue, item.in_hand, item.state);
        let seen = self.stage.seen();
        Look {
            items: items.into_iter().map(item).collect(),
            outputs: seen.outputs.len(),
            browsers: seen.browsers.values().flatten().map(Browser::look).collect(),
        }
    }

    /// Who works, or is about to at this time of the clock. `woken` is whether a process whose time has come
    /// is about to: one that was woken for nothing waits a moment on the clock.
    fn busy(&self, woken: bool) -> Option<String> {
        let now = self.clock.now();
        let is_due = || self.stage.seen().wakes.iter().flatten().any(|wake| *wake <= now);
        if self.stage.calls() > 0 || woken && is_due() {
            return Some("a process".to_owned());
        }
        if self.clock.next_due().is_some_and(|due| due <= now) {
            return Some("one who was woken".to_owned());
        }
        let items = self.director.status().items;
        let busy = items.into_iter().find(|item| {
            let edge = self.stage.real(&item.name).map(|real| &real.edge);
            let slow = self.stage.delayed() > 0 && edge.is_some_and(|edge| !edge.delay.is_empty());
            let works = item.in_hand > 0 && !slow;
            let will_work = item.queue > 0 && !(waits(item.state) || slow && item.in_hand > 0);
            works || will_work || item.state == ItemState::Starting
        });
        busy.map(|item| format!("item \"{}\"", item.name))
    }

    /// Whether the clock need not go on for anybody.
    fn is_done(&self) -> bool {
        let asleep = {
            let seen = self.stage.seen();
            let awaited = seen.browsers.values().flatten().any(|browser| browser.is_awaited());
            awaited || seen.wakes.iter().any(Option::is_some)
        };
        let idle = |item: &ItemStatus| {
            let stands = matches!(item.state, ItemState::Disabled | ItemState::Failed | ItemState::Stopped);
            item.in_hand == 0 && (stands || item.queue == 0 && item.state != ItemState::Waiting)
        };
        !asleep && self.stage.delayed() == 0 && self.director.status().items.iter().all(idle)
    }

    /// Returns when the ledger has all that it was handed.
    async fn stored(&self) -> Result<(), Failure> {
        let host = self.stage.seen().host.clone();
        let Some(host) = host else { return Ok(()) };
        host.remember(vec![StateChange { key: PROBE.to_owned(), value: None }]);
        host.remembered(PROBE).await.map(drop)
    }
}

/// Whether an item in this state does nothing with what is on its queue until the clock goes on.
fn waits(state: ItemState) -> bool {
    use ItemState::{Disabled, Failed, Stopped, Waiting};
    matches!(state, Disabled | Failed | Stopped | Waiting)
}

async fn turns() {
    for _ in 0..TURNS {
        tokio::task::yield_now().await;
    }
}
