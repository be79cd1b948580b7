//! Events of which there may be one for each message that comes in, such as those of refusals: the first
//! ones of a sender are told in full, the others are counted, so that nobody can fill the store and the log
//! by sending what is of no use. Every message is kept with its status and its reason all the same.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::{Event, EventKind, MessageId, Span, Timestamp};

/// How long like events are counted together.
const WITHIN: Duration = Duration::from_secs(60);
/// So many of each sender and matter are told in full meanwhile.
const IN_FULL: u64 = 10;
/// So many senders and matters are kept apart; those beyond are one.
const MOST: usize = 1_024;

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Matter {
    /// A message is refused.
    Refused,
    /// A message has no target.
    NoTarget,
    /// Something that the service says about it.
    Said,
}

/// The events of one item.
#[derive(Default)]
pub(crate) struct Repeats(Mutex<HashMap<(String, Matter), Run>>);

/// Like events.
struct Run {
    since: Timestamp,
    count: u64,
    kind: EventKind,
    last: Option<MessageId>,
}

impl Repeats {
    fn runs(&self) -> MutexGuard<'_, HashMap<(String, Matter), Run>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether an event about what `sender` sent is to be told; otherwise it is counted.
    pub(crate) fn tells(&self, sender: &str, matter: Matter, event: &Event, now: Timestamp) -> bool {
        let mut runs = self.runs();
        let mut key = (sender.to_owned(), matter);
        if runs.len() >= MOST && !runs.contains_key(&key) {
            key.0.clear();
        }
        let new = Run { since: now, count: 0, kind: event.kind, last: None };
        let run = runs.entry(key).or_insert(new);
        run.count += 1;
        run.last = event.message.or(run.last);
        run.count <= IN_FULL
    }

    /// What was counted, of those whose time is up, or of all: to be told in the name of `item`.
    pub(crate) fn counted(&self, item: &str, now: Timestamp, all: bool) -> Vec<Event> {
        let mut told = Vec::new();
        self.runs().retain(|(sender, matter), run| {
            if !all && now.since(run.since) < WITHIN {
                return true;
            }
            if run.count > IN_FULL {
                told.push(run.event(item, sender, *matter, now));
            }
            false
        });
        told
    }
}

impl Run {
    fn event(&self, item: &str, sender: &str, matter: Matter, now: Timestamp) -> Event {
        let more = self.count - IN_FULL;
        let what = match matter {
            Matter::Refused => "more refused like that",
            Matter::NoTarget => "more without a target",
            Matter::Said => "more events like that",
        };
        let from = if sender.is_empty() { String::new() } else { format!(" of {sender}") };
        let last = self.last.map(|id| format!(", the last one message {id}")).unwrap_or_default();
        let within = Span(Duration::from_secs(now.since(self.since).as_secs().max(1)));
        Event::new(self.kind, item, format!("and {more} {what}{from} within {within}{last}"))
    }
}

#[cfg(test)]
mod tests {
    use model::SessionId;

    use super::*;

    fn refused(message: u64) -> Event {
        Event::new(EventKind::Error, "In", "refused").about(MessageId(message), SessionId(message))
    }

    #[test]
    fn the_first_ones_of_each_sender_are_told_and_the_others_counted() {
        let repeats = Repeats::default();
        let tells =
            |sender: &str, matter, at| repeats.tells(sender, matter, &refused(at), Timestamp(at as i64));
        let told = (1..=500).filter(|at| tells("10.0.0.1", Matter::Refused, *at)).count();
        assert_eq!(told, IN_FULL as usize);
        assert!(tells("10.0.0.2", Matter::Refused, 600) && tells("10.0.0.1", Matter::NoTarget, 600));
        assert!(repeats.counted("In", Timestamp(60_000), false).is_empty(), "the time is not up");
        let said = repeats.counted("In", Timestamp(60_001), false);
        assert_eq!(said.len(), 1);
        assert_eq!(
            said[0].text,
            "and 490 more refused like that of 10.0.0.1 within 1m, the last one message 500"
        );
        assert_eq!((said[0].kind, &*said[0].item), (EventKind::Error, "In"));
        assert!(tells("10.0.0.1", Matter::Refused, 60_002), "told anew");
        assert!(repeats.counted("In", Timestamp(60_003), true).is_empty(), "nothing was left out");
    }

    #[test]
    fn many_senders_are_counted_as_one() {
        let repeats = Repeats::default();
        let told = (0..5_000)
            .filter(|sender| repeats.tells(&sender.to_string(), Matter::Refused, &refused(1), Timestamp(0)));
        assert_eq!(told.count(), MOST + IN_FULL as usize);
        assert!(repeats.runs().len() <= MOST + 1);
        let said = repeats.counted("In", Timestamp(5), true);
        assert_eq!(said.len(), 1);
        assert!(said[0].text.starts_with("and 3966 more refused like that within 1s"), "{}", said[0].text);
    }
}
