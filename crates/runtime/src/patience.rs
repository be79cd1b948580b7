//! How long a message that fails stays first in its queue, and what is said about it meanwhile.

use std::time::Duration;

use config::ItemDef;
use model::{Event, EventKind, MessageHeader, MessageId, Span, Timestamp};

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
    panics: Option<(MessageId, u32)>,
}

struct Waiting {
    message: MessageId,
    since: Timestamp,
    tries: u32,
    reason: String,
    logged: Timestamp,
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
    /// A try of the message failed.
    pub(crate) fn failed(
        &mut self,
        header: &MessageHeader,
        reason: &str,
        after: Option<Duration>,
        def: &ItemDef,
        now: Timestamp,
    ) -> Verdict {
        let begins = self.waiting.as_ref().is_none_or(|waiting| waiting.message != header.id);
        if begins {
            let (message, reason) = (header.id, reason.to_owned());
            self.waiting = Some(Waiting { message, since: now, tries: 0, reason, logged: now });
        }
        // Just made where there was none.
        let Some(waiting) = self.waiting.as_mut() else { return Verdict::GiveUp(reason.to_owned()) };
        waiting.tries += 1;
        let mut pause = after.unwrap_or(def.retry_interval).max(SHORTEST_PAUSE);
        if let Some(timeout) = def.failure_timeout {
            let left = timeout.saturating_sub(now.since(waiting.since));
            if left.is_zero() {
                return Verdict::GiveUp(format!(
                    "{reason}; given up after failure_timeout {} and {} tries",
                    Span(timeout),
                    waiting.tries
                ));
            }
            // The last try comes when the time is up, not before.
            pause = pause.min(left);
        }
        let text = line(waiting, reason, pause, def);
        let other_reason = waiting.reason != reason;
        if other_reason {
            waiting.reason = reason.to_owned();
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
        let took = Span(Duration::from_secs(now.since(waiting.since).as_secs()));
        let text =
            format!("message {} waits no more, after {} failed tries in {took}", header.id, waiting.tries);
        Some(about(header, EventKind::Info, &def.name, text))
    }

    /// The host panicked on this message alone; true when it has done so too often.
    pub(crate) fn panicked(&mut self, message: MessageId) -> bool {
        let count = self.panics.take_if(|(known, _)| *known == message).map_or(1, |(_, count)| count + 1);
        self.panics = Some((message, count));
        count >= PANICS
    }
}

fn line(waiting: &Waiting, reason: &str, pause: Duration, def: &ItemDef) -> String {
    let end = match def.failure_timeout {
        Some(timeout) => format!(", suspended after failure_timeout {}", Span(timeout)),
        None => String::new(),
    };
    format!(
        "{reason}; message {} stays first in its queue, try {}, next in {}{end}",
        waiting.message,
        waiting.tries,
        Span(pause)
    )
}
