//! Waiting on a condition with a deadline, instead of sleeping and hoping.

use std::future::Future;
use std::panic::Location;
use std::time::Duration;

/// How often a condition is looked at.
const EVERY: Duration = Duration::from_millis(2);

/// Returns when `condition` holds.
///
/// # Panics
/// When it does not hold within `deadline`; names the place that waited.
#[track_caller]
pub fn eventually(deadline: Duration, mut condition: impl FnMut() -> bool) -> impl Future<Output = ()> {
    let place = Location::caller();
    async move {
        let mut tick = tokio::time::interval(EVERY);
        let waited = tokio::time::timeout(deadline, async {
            while !condition() {
                tick.tick().await;
            }
        });
        assert!(waited.await.is_ok(), "the condition at {place} did not hold within {deadline:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_returns_as_soon_as_the_condition_holds() {
        let mut looks = 0;
        eventually(Duration::from_secs(5), || {
            looks += 1;
            looks == 3
        })
        .await;
        assert_eq!(looks, 3);
    }

    #[tokio::test]
    async fn it_names_the_place_when_the_condition_never_holds() {
        let waiting = tokio::spawn(async { eventually(Duration::from_millis(1), || false).await });
        let panic = waiting.await.unwrap_err().into_panic();
        let text = panic.downcast_ref::<String>().unwrap();
        assert!(text.contains("eventually.rs"), "{text}");
    }
}
