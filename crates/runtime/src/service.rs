//! Runs a service under supervision: when it falls, it is built and run anew after a pause. It counts
//! as running when it says so itself: until then it starts, or still waits for what it fell over.

use std::sync::Arc;

use model::{Built, BusinessService, Failure, HostContext, Library};

use crate::engine::{Engine, Item};
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
        let mut service = match next.take().map_or_else(|| rebuild(&item, &engine.library), Ok) {
            Ok(service) => service,
            Err(reason) => return engine.fail(&item, &reason),
        };
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
        engine.sleep_unless_stopping(&item, pause).await;
    }
}

fn rebuild(item: &Item, library: &Library) -> Result<Box<dyn BusinessService>, String> {
    match build(item, library)? {
        Built::Service(service) => Ok(service),
        Built::Process(_) | Built::Operation(_) => Err("the component is no service".to_owned()),
    }
}
