//! One open socket, as everybody sees it: the broadcaster, the keeper and its own connection.
//!
//! Whoever has a frame writes it directly when nothing waits before it; what does not fit goes to the
//! outbox, which the connection's task drains. All writing is done under the outbox's lock, and none
//! of it ever waits.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::task::AtomicWaker;
use model::{SocketId, SocketSession, Timestamp};
use tokio::io::Interest;
use tokio::net::TcpStream;

use super::outbox::{Outbox, OutboxLimits, Pushed, SLICES};
use super::subscription::Subscription;
use super::{Patience, frame};

/// What the connection's task is told to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Order {
    /// Say goodbye with this code and reason, and wait for the client's goodbye.
    Close(u16, String),
    /// Give up at once.
    Kill,
}

/// What became of frames that were offered to a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offered {
    /// They are written, or wait in the outbox; so many messages were dropped.
    Taken(u64),
    /// There is no room, and the policy is to disconnect.
    Overflow,
    /// The other side is gone.
    Closed,
}

/// How a socket is when it is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    Open,
    Closed,
    TimedOut,
}

/// One open socket.
pub(crate) struct Socket {
    pub(crate) id: SocketId,
    pub(crate) accepted: Timestamp,
    pub(crate) address: String,
    limits: OutboxLimits,
    patience: Patience,
    /// Where a frame may be written by anybody; none when it has to go through TLS.
    direct: Option<Arc<TcpStream>>,
    outbox: Mutex<Outbox>,
    /// Wakes the connection's task.
    pub(crate) waker: AtomicWaker,
    session: Mutex<SocketSession>,
    subscription: Mutex<Arc<Subscription>>,
    /// Whether it is for less than everything, so that a broadcast need not look at it.
    narrowed: AtomicBool,
    order: Mutex<Option<Order>>,
    /// When something last came from the client, a ping was last sent, the outbox last moved and the
    /// goodbye began, in milliseconds; 0 for never.
    heard: AtomicI64,
    pinged: AtomicI64,
    moved: AtomicI64,
    closing: AtomicI64,
    pub(crate) authenticated: AtomicBool,
    ended: AtomicBool,
    dropped: AtomicU64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Socket {
    pub(crate) fn new(
        session: SocketSession,
        subscription: Arc<Subscription>,
        direct: Option<Arc<TcpStream>>,
        limits: OutboxLimits,
        patience: Patience,
    ) -> Self {
        let now = session.connected;
        Socket {
            id: session.id,
            accepted: now,
            address: session.client_address.clone(),
            limits,
            patience,
            direct,
            outbox: Mutex::default(),
            waker: AtomicWaker::new(),
            session: Mutex::new(session),
            narrowed: AtomicBool::new(!subscription.is_everything()),
            subscription: Mutex::new(subscription),
            order: Mutex::new(None),
            heard: AtomicI64::new(now.0),
            pinged: AtomicI64::new(now.0),
            moved: AtomicI64::new(now.0),
            closing: AtomicI64::new(0),
            authenticated: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            dropped: AtomicU64::new(0),
        }
    }

    pub(crate) fn outbox(&self) -> MutexGuard<'_, Outbox> {
        lock(&self.outbox)
    }

    pub(crate) fn subscription(&self) -> Arc<Subscription> {
        lock(&self.subscription).clone()
    }

    /// Changes the session, and returns it as it is to be stored.
    pub(crate) fn change(&self, change: impl FnOnce(&mut SocketSession)) -> SocketSession {
        let mut session = lock(&self.session);
        change(&mut session);
        session.clone()
    }

    /// Whether it asked for less than everything.
    pub(crate) fn is_narrowed(&self) -> bool {
        self.narrowed.load(Ordering::Acquire)
    }

    pub(crate) fn subscribe(&self, subscription: Subscription) {
        self.narrowed.store(!subscription.is_everything(), Ordering::Release);
        *lock(&self.subscription) = Arc::new(subscription);
    }

    /// Offers frames, in order: written at once where nothing waits before them.
    pub(crate) fn offer(&self, frames: &[Bytes], now: Timestamp) -> Offered {
        let mut outbox = self.outbox();
        let was_empty = outbox.is_empty();
        let mut rest = frames;
        if was_empty && let Some(stream) = &self.direct {
            match write_frames(stream, frames) {
                Ok((whole, 0)) => rest = &frames[whole..],
                Ok((whole, started)) => {
                    outbox.push_rest(frames[whole].clone(), started);
                    rest = &frames[whole + 1..];
                }
                Err(_gone) => return Offered::Closed,
            }
        }
        if rest.is_empty() && outbox.is_empty() {
            return Offered::Taken(0);
        }
        if was_empty {
            self.moved.store(now.0, Ordering::Relaxed);
        }
        let mut dropped = 0;
        for frame in rest {
            match outbox.push(frame.clone(), &self.limits) {
                Pushed::Queued(others) => dropped += others,
                Pushed::Dropped => dropped += 1,
                Pushed::Overflow => return Offered::Overflow,
            }
        }
        drop(outbox);
        self.dropped.fetch_add(dropped, Ordering::Relaxed);
        self.waker.wake();
        Offered::Taken(dropped)
    }

    /// Adds a frame outside the limits: a control frame, an answer, or what is replayed.
    pub(crate) fn push(&self, frame: Bytes, now: Timestamp) {
        let mut outbox = self.outbox();
        if outbox.is_empty() {
            self.moved.store(now.0, Ordering::Relaxed);
        }
        outbox.push_uncounted(frame);
        drop(outbox);
        self.waker.wake();
    }

    /// Answers the client with a text of the engine's own.
    pub(crate) fn answer(&self, error: &str, now: Timestamp) {
        self.push(frame::text(&serde_json::json!({ "error": error }).to_string()), now);
    }

    /// How many messages a slow client has missed so far.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Something came from the client.
    pub(crate) fn hear(&self, now: Timestamp) {
        self.heard.store(now.0, Ordering::Relaxed);
    }

    /// Bytes left for the client.
    pub(crate) fn moved(&self, now: Timestamp) {
        self.moved.store(now.0, Ordering::Relaxed);
    }

    /// Tells the connection's task what to do. What was told before and not done yet is forgotten.
    pub(crate) fn order(&self, order: Order, now: Timestamp) {
        self.begin_closing(now);
        *lock(&self.order) = Some(order);
        self.waker.wake();
    }

    pub(crate) fn take_order(&self) -> Option<Order> {
        lock(&self.order).take()
    }

    /// From now on the goodbye has to come to its end within the keeper's patience.
    pub(crate) fn begin_closing(&self, now: Timestamp) {
        // The first one counts.
        let _before = self.closing.compare_exchange(0, now.0, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// When the goodbye began.
    pub(crate) fn closing_since(&self) -> Option<Timestamp> {
        Some(self.closing.load(Ordering::Relaxed)).filter(|since| *since != 0).map(Timestamp)
    }

    /// True for the one caller that ends the socket.
    pub(crate) fn end(&self) -> bool {
        !self.ended.swap(true, Ordering::AcqRel)
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Looks whether the other side is still there, without a system call and without waiting.
    pub(crate) fn test(&self, now: Timestamp) -> Condition {
        if self.has_ended() || self.is_hung_up() {
            return Condition::Closed;
        }
        let since = |time: &AtomicI64| now.since(Timestamp(time.load(Ordering::Relaxed)));
        let silent = since(&self.heard) >= self.patience.idle;
        let stuck = since(&self.moved) >= self.patience.write && !self.outbox().is_empty();
        if silent || stuck { Condition::TimedOut } else { Condition::Open }
    }

    fn is_hung_up(&self) -> bool {
        let Some(stream) = &self.direct else { return false };
        match stream.ready(Interest::READABLE | Interest::WRITABLE).now_or_never() {
            Some(Ok(ready)) => ready.is_read_closed() || ready.is_write_closed(),
            Some(Err(_)) => true,
            None => false,
        }
    }

    /// Sends a ping when nothing was heard for long enough.
    pub(crate) fn ping(&self, now: Timestamp) {
        let last = self.heard.load(Ordering::Relaxed).max(self.pinged.load(Ordering::Relaxed));
        if now.since(Timestamp(last)) >= self.patience.ping && self.outbox().uncounted() == 0 {
            self.pinged.store(now.0, Ordering::Relaxed);
            self.push(frame::PING, now);
        }
    }
}

/// Writes as many frames as fit: how many went whole, and how many bytes of the next one.
fn write_frames(stream: &TcpStream, frames: &[Bytes]) -> io::Result<(usize, usize)> {
    let mut whole = 0;
    while whole < frames.len() {
        let some = &frames[whole..frames.len().min(whole + SLICES)];
        let written = match some {
            [one] => stream.try_write(one),
            many => {
                let mut slices = [io::IoSlice::new(&[]); SLICES];
                for (slice, frame) in slices.iter_mut().zip(many) {
                    *slice = io::IoSlice::new(frame);
                }
                stream.try_write_vectored(&slices[..many.len()])
            }
        };
        let mut written = match written {
            Ok(written) => written,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok((whole, 0)),
            Err(error) => return Err(error),
        };
        for frame in some {
            if written < frame.len() {
                // The kernel took less than it was given: it is full.
                return Ok((whole, written));
            }
            written -= frame.len();
            whole += 1;
        }
    }
    Ok((whole, 0))
}
