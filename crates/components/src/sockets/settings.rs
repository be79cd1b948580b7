//! What an engineer may set for a `websocket` service, whose parts all look at it.

use std::collections::BTreeMap;

use model::{ByteSize, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SlowClient;
use crate::adapters::secret::Secret;
use crate::adapters::tls::Tls;

/// What an engineer may set.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The address and port to listen on.
    pub listen: String,
    /// The path that clients ask for.
    pub path: String,
    /// The certificate for `wss://`; without it the address speaks plain `ws://`.
    pub tls: Option<Tls>,
    /// The pages that may connect, as in `https://ward.example`; empty for any. A client that is no
    /// browser sends no origin, and is not refused for it.
    pub allowed_origins: Vec<String>,
    /// User names and passwords; when there are any, clients have to authenticate.
    pub users: BTreeMap<String, Secret>,
    /// Names and bearer tokens; when there are any, clients have to authenticate.
    pub tokens: BTreeMap<String, Secret>,
    /// How long a client may stay without authenticating, from 100ms to 10m.
    pub authentication_timeout: Span,
    /// How long nothing is heard from a client until it is pinged, from 100ms to 1h.
    pub ping_interval: Span,
    /// How long nothing is heard from a client, pongs included, until its socket has timed out; longer
    /// than `ping_interval`, and at most 24h.
    pub idle_timeout: Span,
    /// How many sockets may be open at once, from 1 to 1000000; each needs a file descriptor.
    pub max_connections: usize,
    /// How large a message of a client may be, from 125B to 64MiB.
    pub max_message_size: ByteSize,
    /// How many messages may wait for a slow client, from 1 to 100000.
    pub outbox_limit: usize,
    /// How many bytes may wait for a slow client, from 1KiB to 1GiB.
    pub outbox_size: ByteSize,
    /// What happens to a client for which more would wait.
    pub slow_client: SlowClient,
    /// How long a client may read nothing while something waits for it, until its socket has timed
    /// out; from 100ms to 1h.
    pub write_timeout: Span,
    /// How many messages a client that comes back with `?since=` is told, from 0 to 100000.
    pub replay_limit: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            listen: "127.0.0.1:52774".into(),
            path: "/csp/user/User.WebSocketServer.cls".into(),
            tls: None,
            allowed_origins: Vec::new(),
            users: BTreeMap::new(),
            tokens: BTreeMap::new(),
            authentication_timeout: Span::secs(10),
            ping_interval: Span::secs(20),
            idle_timeout: Span::secs(60),
            max_connections: 10_000,
            max_message_size: ByteSize::kib(64),
            outbox_limit: 256,
            outbox_size: ByteSize::mib(1),
            slow_client: SlowClient::DropOldest,
            write_timeout: Span::secs(30),
            replay_limit: 1_000,
        }
    }
}
