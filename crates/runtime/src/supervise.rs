//! Hosts fall and are raised again: what is built once more, after which pause, and what is fatal.

use std::cell::RefCell;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use model::{
    Built, BusinessOperation, BusinessProcess, Decision, Event, EventKind, Failure, HostContext, Library,
    Message, Span, Step, Timestamp,
};

use crate::engine::{Engine, Item};
use crate::status::ItemState;

/// The first pause before a host is raised again; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A host panicked.
pub(crate) struct Panicked {
    /// Where, as in ` at src/file.rs:3:7`; empty when it is not known.
    pub(crate) place: String,
}

thread_local! {
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Makes panics of this process say where they were, and not what they say: a panic's text may hold
/// a part of a message. To be called once, by the program, before anything is started.
pub fn keep_panic_texts_out() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!("a thread panicked at {place}; the text is left out, it may hold message content");
        PLACE.with_borrow_mut(|last| *last = Some(place));
    }));
}

/// What `work` comes to, or that it panicked.
pub(crate) async fn caught<T>(work: impl Future<Output = T>) -> Result<T, Panicked> {
    AssertUnwindSafe(work).catch_unwind().await.map_err(|_| {
        // Polled on the thread that panicked just now.
        let place = PLACE.with_borrow_mut(Option::take);
        Panicked { place: place.map(|place| format!(" at {place}")).unwrap_or_default() }
    })
}

/// A growing pause.
#[derive(Default)]
pub(crate) struct Backoff {
    last: Option<(Duration, Timestamp)>,
}

impl Backoff {
    /// The pause before the next try. What held for longer than the longest pause begins anew.
    pub(crate) fn next(&mut self, now: Timestamp) -> Duration {
        let recent = self.last.filter(|(pause, at)| now.since(*at) < *pause + LONGEST_PAUSE);
        let pause = recent.map_or(FIRST_PAUSE, |(pause, _)| (pause * 2).min(LONGEST_PAUSE));
        self.last = Some((pause, now));
        pause
    }
}

/// A process or an operation.
pub(crate) enum Handler {
    Process(Box<dyn BusinessProcess>),
    Operation(Box<dyn BusinessOperation>),
}

impl Handler {
    /// The host that handles messages, if it is one.
    pub(crate) fn of(built: Built) -> Option<Handler> {
        match built {
            Built::Process(process) => Some(Handler::Process(process)),
            Built::Operation(operation) => Some(Handler::Operation(operation)),
            Built::Service(_) => None,
        }
    }

    async fn start(&mut self, context: &HostContext) -> Result<(), Failure> {
        match self {
            Handler::Process(process) => process.start(context).await,
            Handler::Operation(operation) => operation.start(context).await,
        }
    }

    /// When the host wants to be woken; operations never do.
    pub(crate) fn next_wake(&self) -> Option<Timestamp> {
        match self {
            Handler::Process(process) => process.next_wake(),
            Handler::Operation(_) => None,
        }
    }

    pub(crate) async fn on_wake(&mut self, context: &HostContext) -> Result<Vec<Step>, Failure> {
        match self {
            Handler::Process(process) => process.on_wake(context).await,
            Handler::Operation(_) => Ok(Vec::new()),
        }
    }

    pub(crate) async fn on_messages(&mut self, batch: &[Message], context: &HostContext) -> Vec<Decision> {
        match self {
            Handler::Process(process) => process.on_messages(batch, context).await,
            Handler::Operation(operation) => operation.on_messages(batch, context).await,
        }
    }
}

/// Builds the item's host from its settings.
///
/// # Errors
/// Why it cannot be built: fatal, since building it again comes to the same.
pub(crate) fn build(item: &Item, library: &Library) -> Result<Built, String> {
    let settings = item.def.settings.clone();
    let built = std::panic::catch_unwind(AssertUnwindSafe(|| item.def.component.build(settings, library)));
    match built {
        Ok(Ok(built)) => Ok(built),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("the component panicked when it was built".to_owned()),
    }
}

/// A host that has started; none when the item was asked to stop or cannot go on.
///
/// `first` is a host that was built before; when it falls, the next ones are built from the settings.
pub(crate) async fn raise(
    engine: &Engine,
    item: &Item,
    context: &HostContext,
    mut first: Option<Handler>,
) -> Option<Handler> {
    let mut backoff = Backoff::default();
    let mut waited = false;
    while !item.is_stopping() {
        let made = match first.take() {
            Some(handler) => Ok(handler),
            None => build(item, &engine.library)
                .and_then(|built| Handler::of(built).ok_or("it takes no messages".to_owned())),
        };
        let mut handler = match made {
            Ok(handler) => handler,
            Err(reason) => return give_up(engine, item, &reason),
        };
        let reason = match caught(handler.start(context)).await {
            Ok(Ok(())) => {
                if waited {
                    engine.say(Event::new(EventKind::Info, item.name(), "started after all"));
                }
                engine.goes_on(item);
                return Some(handler);
            }
            Ok(Err(Failure::Fatal(reason))) => return give_up(engine, item, &reason),
            Ok(Err(Failure::Stopping)) if item.is_stopping() => return None,
            Ok(Err(failure)) => failure.to_string(),
            Err(panicked) => format!("the host panicked when it was started{}", panicked.place),
        };
        let pause = backoff.next(engine.clock.now());
        fell(engine, item, &reason, pause, !waited);
        waited = true;
        engine.sleep_unless_stopping(item, pause).await;
    }
    None
}

fn give_up(engine: &Engine, item: &Item, reason: &str) -> Option<Handler> {
    engine.fail(item, reason);
    None
}

/// Says that a host fell and is raised again after a pause; as an event where `event`, else as a line.
pub(crate) fn fell(engine: &Engine, item: &Item, reason: &str, pause: Duration, event: bool) {
    let text = format!("{reason}; the host is built anew in {}", Span(pause));
    item.activity.set(ItemState::Waiting, Some(text.clone()));
    engine.moved.notify_one();
    if event {
        engine.say(Event::new(EventKind::Error, item.name(), text));
    } else {
        tracing::warn!(item = &**item.name(), "item \"{}\": {text}", item.name());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_up_to_a_minute_and_begins_anew_after_a_quiet_time() {
        let mut backoff = Backoff::default();
        let mut now = Timestamp(0);
        let mut pauses = Vec::new();
        for _ in 0..8 {
            let pause = backoff.next(now);
            now.0 += pause.as_millis() as i64 + 5;
            pauses.push(pause.as_secs());
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
        now.0 += 120_000;
        assert_eq!(backoff.next(now).as_secs(), 1);
    }

    #[tokio::test]
    async fn a_panic_is_caught() {
        assert!(caught(async { panic!("never shown") }).await.map(|()| 0).is_err());
        assert!(matches!(caught(async { 7 }).await, Ok(7)));
    }
}
