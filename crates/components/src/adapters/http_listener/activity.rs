//! What a connection is at, so that no client can hold it for longer than that may take.
//!
//! hyper reads and writes; what goes through here says how far it is: a head that begins, an answer that
//! is out.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What a connection is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Phase {
    /// Nothing has been asked.
    #[default]
    Idle,
    /// A request has begun, and its head is not all there.
    Head,
    /// A request is read and worked on, which watches its time itself.
    Request,
    /// An answer goes out.
    Answer,
    /// All is said; what the client still sends is passed over.
    Closing,
}

/// What a connection is at, shared by those who work on it.
#[derive(Debug, Clone, Default)]
pub(super) struct Activity(Arc<Mutex<State>>);

#[derive(Debug, Clone, Copy, Default)]
struct State {
    phase: Phase,
    /// Grows with every sign of life that counts.
    stamp: u64,
    written: bool,
}

impl Activity {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something new is begun.
    pub(super) fn enter(&self, phase: Phase) {
        let mut state = self.state();
        *state = State { phase, stamp: state.stamp + 1, written: false };
    }

    /// What it is at, and a number that is another one when there was a sign of life since.
    pub(super) fn now(&self) -> (Phase, u64) {
        let state = self.state();
        (state.phase, state.stamp)
    }

    fn has_read(&self) {
        if self.state().phase == Phase::Idle {
            self.enter(Phase::Head);
        }
    }

    fn has_written(&self) {
        let mut state = self.state();
        state.written = true;
        state.stamp += 1;
    }

    fn has_flushed(&self) {
        let state = *self.state();
        if state.phase == Phase::Answer && state.written {
            self.enter(Phase::Idle);
        }
    }
}

/// A stream that says how far it is. When it is closed, what still comes is passed over: closing over it
/// would take the last answer away from the client.
pub(super) struct Watched<S> {
    stream: S,
    activity: Activity,
    is_shut: bool,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S, activity: Activity) -> Self {
        Watched { stream, activity, is_shut: false }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.activity.has_read();
        }
        read
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes));
        self.activity.has_written();
        Poll::Ready(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.activity.has_flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.is_shut {
            if self.activity.now().0 != Phase::Closing {
                self.activity.enter(Phase::Closing);
            }
            // What is not said properly to one that is gone is of no use to it.
            let _said = ready!(Pin::new(&mut self.stream).poll_shutdown(cx));
            self.is_shut = true;
        }
        let mut rest = [0; 4 << 10];
        loop {
            let mut buf = ReadBuf::new(&mut rest);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buf)) {
                Ok(()) if !buf.filled().is_empty() => {}
                _ => return Poll::Ready(Ok(())),
            }
        }
    }
}
