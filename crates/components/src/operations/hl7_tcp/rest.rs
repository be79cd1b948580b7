//! A connection that is not used for a while: closed when the while is over.

use std::sync::Arc;
use std::time::Duration;

use model::HostContext;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::line::Line;

/// A connection at rest. Dropped, it is closed.
pub(super) struct Resting {
    wake: Arc<Notify>,
    task: JoinHandle<Option<Line>>,
}

impl Resting {
    /// Keeps the connection for `idle`, or until it ends, says something that nobody asked for, or the
    /// item stops.
    pub(super) fn begin(mut line: Line, idle: Duration, host: &HostContext) -> Self {
        let wake = Arc::new(Notify::new());
        let (woken, host) = (wake.clone(), host.clone());
        let task = tokio::spawn(async move {
            tokio::select! {
                biased;
                () = woken.notified() => Some(line),
                () = host.stopping() => None,
                () = line.stirs() => None,
                () = host.clock().sleep(idle) => None,
            }
        });
        Resting { wake, task }
    }

    /// Takes the connection back, if it is still there.
    pub(super) async fn take(mut self) -> Option<Line> {
        self.wake.notify_one();
        (&mut self.task).await.ok().flatten()
    }
}

impl Drop for Resting {
    fn drop(&mut self) {
        self.task.abort();
    }
}
