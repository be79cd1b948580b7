//! Looks at the running production once a second: marks what stays in hand, measures rates, and says
//! when the store takes nothing.

use std::sync::Arc;
use std::time::Duration;

use model::{Event, EventKind, Span, Timestamp};
use store::Change;

use crate::engine::Engine;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(1);
/// How often trouble that goes on is logged.
const TROUBLE_EVERY: Duration = Duration::from_secs(10);

/// The store takes nothing.
struct Trouble {
    since: Timestamp,
    logged: Timestamp,
    reason: String,
}

/// Looks once a second, for ever.
pub(crate) async fn mind(engine: Arc<Engine>) {
    let mut trouble = None;
    let mut before = engine.clock.now();
    loop {
        engine.clock.sleep(EVERY).await;
        let now = engine.clock.now();
        for item in &engine.items {
            item.activity.measure(now.since(before).as_millis() as u64);
            for slot in &item.slots {
                slot.mark(now, |updated| {
                    engine.change(Change { updated, ..Change::default() });
                });
            }
        }
        trouble = look(&engine, trouble, now);
        engine.tell_left_out();
        engine.tell_counted(false);
        before = now;
    }
}

/// Looks whether the store takes what it is handed. Intake waits by itself: there is no room.
fn look(engine: &Engine, before: Option<Trouble>, now: Timestamp) -> Option<Trouble> {
    match (engine.ledger.trouble(), before) {
        (None, None) => None,
        (None, Some(was)) => {
            let time = Span(Duration::from_secs(now.since(was.since).as_secs()));
            let text = format!("the store takes messages again after {time}; it had: {}", was.reason);
            engine.say(Event::new(EventKind::Warning, "", text));
            None
        }
        (Some(reason), Some(mut was)) => {
            if now.since(was.logged) >= TROUBLE_EVERY {
                was.logged = now;
                tracing::error!("{reason}; intake waits until there is room");
            }
            Some(Trouble { reason, ..was })
        }
        // The store itself has logged it.
        (Some(reason), None) => Some(Trouble { since: now, logged: now, reason }),
    }
}
