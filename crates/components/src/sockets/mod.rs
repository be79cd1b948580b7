//! Open WebSockets: what the service `websocket` keeps and the process `socket.invocation` speaks to.
//!
//! A connection comes in through the [`listener`], which several services may share, asks for its
//! socket in a [`handshake`], and is let in by its [`server`], within its [`settings`]. From then on
//! one [`connection`] task reads it. Who may hear stands in the [`hub`]; a broadcast writes to each
//! [`socket`] directly, and what does not fit waits in its [`outbox`].

pub(crate) mod connection;
pub(crate) mod ending;
pub(crate) mod frame;
pub(crate) mod handshake;
pub(crate) mod hub;
pub(crate) mod io;
pub(crate) mod listener;
pub(crate) mod login;
pub(crate) mod one;
pub(crate) mod outbox;
pub(crate) mod replay;
pub(crate) mod server;
pub(crate) mod settings;
pub(crate) mod socket;
pub(crate) mod subscription;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod voice;

use std::time::Duration;

pub(crate) use outbox::SlowClient;

/// How long is waited for a client.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// For anything from it, pongs included.
    pub(crate) idle: Duration,
    /// Until it is asked for a sign.
    pub(crate) ping: Duration,
    /// For its reading, while something waits for it.
    pub(crate) write: Duration,
}
