//! How long a message that fails stays first in its queue, and what is said about it meanwhile.

use std::time::Duration;

use config::ItemDef;
use model::{AfterRetries, Event, EventKind, MessageHeader, MessageId, Span, Timestamp};

use crate::engine::about;

/// The shortest pause: nobody is asked again and again without one.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
/// How often a wait that goes on is logged.
const LOG_EVERY: Duration = Duration::from_secs(10);
/// How often a host may panic on one message alone before the message is given up.
const PANICS: u32 = 3;

/// The message that one worker waits with.
#[derive(Default)]
pub(crate) struct Patience {
    waiting: Option<Waiting>,
    /// When the try began that is under way.
    begun: Option<Timestamp>,
    panics: Option<(MessageId, u32)>,
}

struct Waiting {
    message: MessageId,
    /// When the first try began.
    since: Timestamp,
    tries: u32,
    reason: String,
    logged: Timestamp,
    /// When it failed last, and how much of its failure timeout had gone by then.
    failed: Timestamp,
    spent: Duration,
    /// Whether the time since then counts.
    counts: bool,
}

/// A try in vain, as the host tells it.
#[derive(Debug)]
pub(crate) struct Vain {
    /// Why.
    pub(crate) reason: String,
    /// When to try again; none for the item's retry interval.
    pub(crate) after: Option<Duration>,
    /// What becomes of the message when the time is up.
    pub(crate) then: AfterRetries,
    /// Whether the time from now to the next try counts towards the failure timeout.
    pub(crate) counts: bool,
}

/// What to do with a message that failed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Keep it first and try again after that long.
    Wait {
        /// The pause.
        pause: Duration,
        /// What is said, when the waiting begins.
        event: Option<Event>,
        /// Whether its status has to be written: the waiting begins, or has another reason.
        shown: bool,
        /// What is logged about this try, and is no event.
        line: Option<String>,
    },
    /// The failure timeout is over.
    GiveUp(String),
}

impl Patience {
    /// A try begins, of whichever message.
    pub(crate) fn begins(&mut self, now: Timestamp) {
        self.begun = Some(now);
    }

    /// A try of the message failed.
    pub(crate) fn failed(
        &mut self,
        header: &MessageHeader,
        vain: &Vain,
        def: &ItemDef,
        now: Timestamp,
    ) -> Verdict {
        self.waiting.take_if(|waiting| waiting.message != header.id);
        let begins = self.waiting.is_none();
        let since = self.begun.unwrap_or(now);
        let waiting = self.waiting.get_or_insert_with(|| Waiting::new(header.id, since, vain, now));
        waiting.failed_again(vain, now);
        let mut pause = vain.after.unwrap_or(def.retry_interval).max(SHORTEST_PAUSE);
        if let Some(timeout) = def.failure_timeout.filter(|_| vain.counts) {
            let left = timeout.saturating_sub(waiting.spent);
            if left.is_zero() {
                return Verdict::GiveUp(format!(
                    "{}; given up after failure_timeout {} and {}",
                    vain.reason,
                    Span(timeout),
                    tries(waiting.tries)
                ));
            }
            // The last try comes when the time is up, not before.
            pause = pause.min(left);
        }
        let text = line(waiting, vain, pause, def);
        let other_reason = waiting.reason != vain.reason;
        if other_reason {
            waiting.reason.clone_from(&vain.reason);
        }
        let log = !begins && (other_reason || now.since(waiting.logged) >= LOG_EVERY);
        if log {
            waiting.logged = now;
        }
        let event = begins.then(|| about(header, EventKind::Warning, &def.name, text.clone()));
        Verdict::Wait { pause, event, shown: begins || other_reason, line: log.then_some(text) }
    }

    /// The message does not wait any more: what is said, if it did.
    pub(crate) fn ended(&mut self, header: &MessageHeader, def: &ItemDef, now: Timestamp) -> Option<Event> {
        let waiting = self.waiting.take_if(|waiting| waiting.message == header.id)?;
        let failed = match waiting.tries {
            1 => "one failed try".to_owned(),
            tries => format!("{tries} failed tries"),
        };
        let took = Span(shown(now.since(waiting.since)));
        let text = format!("message {} waits no more, after {failed}; the first began {took} ago", header.id);
        Some(about(header, EventKind::Info, &def.name, text))
    }

    /// The host panicked on this message alone; true when it has done so too often.
    pub(crate) fn panicked(&mut self, message: MessageId) -> bool {
        let count = self.panics.take_if(|(known, _)| *known == message).map_or(1, |(_, count)| count + 1);
        self.panics = Some((message, count));
        count >= PANICS
    }
}

impl Waiting {
    fn new(message: MessageId, since: Timestamp, vain: &Vain, now: Timestamp) -> Self {
        Waiting {
            message,
            since,
            tries: 0,
            reason: vain.reason.clone(),
            logged: now,
            failed: now,
            spent: Duration::ZERO,
            counts: vain.counts,
        }
    }

    fn failed_again(&mut self, vain: &Vain, now: Timestamp) {
        self.tries += 1;
        if self.counts {
            self.spent += now.since(self.failed);
        }
        (self.failed, self.counts) = (now, vain.counts);
    }
}

fn tries(number: u32) -> String {
    if number == 1 { "1 try".to_owned() } else { format!("{number} tries") }
}

/// A time as people tell it: what is longer than a second by whole seconds.
fn shown(time: Duration) -> Duration {
    if time >= Duration::from_secs(1) { Duration::from_secs(time.as_secs()) } else { time }
}

fn line(waiting: &Waiting, vain: &Vain, pause: Duration, def: &ItemDef) -> String {
    let end = def.failure_timeout.map(Span).map(|timeout| match (vain.counts, vain.then) {
        (false, _) => format!(", and failure_timeout {timeout} does not run meanwhile"),
        (true, AfterRetries::Suspend) => format!(", suspended after failure_timeout {timeout}"),
        (true, AfterRetries::Fail) => format!(", failed after failure_timeout {timeout}"),
        (true, AfterRetries::Complete) => format!(", completed after failure_timeout {timeout}"),
        (true, AfterRetries::Disable) => format!(", the item stops after failure_timeout {timeout}"),
    });
    let (reason, end) = (&vain.reason, end.unwrap_or_default());
    format!(
        "{reason}; message {} stays first in its queue, try {}, next in {}{end}",
        waiting.message,
        waiting.tries,
        Span(pause)
    )
}
