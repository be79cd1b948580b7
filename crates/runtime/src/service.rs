//! Runs a service under supervision: when it falls, it is built and run anew after a pause.

use std::sync::Arc;

use model::{Built, BusinessService, Event, EventKind, Failure, HostContext};

use crate::engine::{Engine, Item};
use crate::status::ItemState;
use crate::supervise::{Backoff, build, caught, fell};

/// Runs a service until the item is asked to stop or cannot go on.
///
/// `first` is a host that was built before; when it falls, the next ones are built from the settings.
pub(crate) async fn serve(
    engine: Arc<Engine>,
    item: Arc<Item>,
    context: HostContext,
    first: Box<dyn BusinessService>,
) {
    let mut backoff = Backoff::default();
    let mut next = Some(first);
    while !item.is_stopping() {
        let mut service = match next.take().map_or_else(|| rebuild(&item), Ok) {
            Ok(service) => service,
            Err(reason) => return engine.fail(&item, &reason),
        };
        item.activity.set(ItemState::Running, None);
        let reason = match caught(service.run(&context)).await {
            _ if item.is_stopping() => return,
            Ok(Err(Failure::Fatal(reason))) => return engine.fail(&item, &reason),
            Ok(Err(failure)) => failure.to_string(),
            Ok(Ok(())) => "the service ended by itself".to_owned(),
            Err(panicked) => format!("the host panicked{}", panicked.place),
        };
        // What it held open is closed before the next one opens it.
        drop(service);
        let pause = backoff.next(engine.clock.now());
        fell(&engine, &item, &reason, pause, true);
        if engine.sleep_unless_stopping(&item, pause).await {
            engine.say(Event::new(EventKind::Info, item.name(), "the host is built anew and runs"));
        }
    }
}

fn rebuild(item: &Item) -> Result<Box<dyn BusinessService>, String> {
    match build(item)? {
        Built::Service(service) => Ok(service),
        Built::Process(_) | Built::Operation(_) => Err("the component is no service".to_owned()),
    }
}
