//! A deadline that moves with every sign of life, and a timer that does not.
//!
//! A timer for every message would cost more than the message. So the timer stays where it is when the
//! deadline moves on, and looks again when it goes off.

use std::pin::Pin;
use std::time::Duration;

use model::{HostContext, Timestamp};

type Timer = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A point in time that something has to be done by.
pub(crate) struct Deadline {
    host: HostContext,
    at: Option<Timestamp>,
    /// When the timer goes off, and the timer.
    timer: Option<(Timestamp, Timer)>,
}

impl Deadline {
    /// None yet, on the clock of `host`.
    pub(crate) fn new(host: &HostContext) -> Self {
        Deadline { host: host.clone(), at: None, timer: None }
    }

    /// Sets it to `after` from now; none for no deadline.
    pub(crate) fn set(&mut self, after: Option<Duration>) {
        self.at = after.map(|after| {
            let millis = i64::try_from(after.as_millis()).unwrap_or(i64::MAX);
            Timestamp(self.host.clock().now().0.saturating_add(millis))
        });
        if let (Some(at), Some((off, _))) = (self.at, &self.timer)
            && at < *off
        {
            self.timer = None;
        }
    }

    /// Returns when it has passed; never while there is none. May be given up and asked again.
    pub(crate) async fn passed(&mut self) {
        let Some(at) = self.at else { return std::future::pending().await };
        loop {
            let now = self.host.clock().now();
            if now >= at {
                return;
            }
            let (_, timer) = self.timer.get_or_insert_with(|| {
                let host = self.host.clone();
                (at, Box::pin(async move { host.clock().sleep(at.since(now)).await }))
            });
            timer.as_mut().await;
            self.timer = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use testkit::{FakeClock, TestHost};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test]
    async fn it_moves_on_without_a_new_timer_and_back_with_one() {
        let clock = FakeClock::new();
        let host = TestHost::new("In").clock(clock.clone());
        let mut deadline = Deadline::new(&host.context());
        assert!(deadline.passed().now_or_never().is_none());
        for _ in 0..5 {
            deadline.set(Some(10 * SECOND));
            assert!(deadline.passed().now_or_never().is_none());
            clock.advance(SECOND);
        }
        assert_eq!(clock.sleeps(), 1);
        clock.advance(5 * SECOND);
        assert!(deadline.passed().now_or_never().is_none());
        assert_eq!(clock.sleeps(), 2, "it went off and looked again");
        deadline.set(Some(SECOND));
        assert!(deadline.passed().now_or_never().is_none());
        clock.advance(SECOND);
        assert!(deadline.passed().now_or_never().is_some());
        deadline.set(None);
        assert!(deadline.passed().now_or_never().is_none());
    }
}
