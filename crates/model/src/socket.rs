//! A WebSocket session as the ledger keeps it.

use serde::{Deserialize, Serialize};

use crate::{SocketId, Timestamp};

/// One open socket. The SQL view `WebSocketSession` shows it, `session_key` under `SessionID`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SocketSession {
    /// The row's id, given out by the ledger.
    pub id: SocketId,
    /// The handshake's `Sec-WebSocket-Key` (RFC 6455 §4.1).
    pub session_key: String,
    /// The item that serves it.
    pub item: String,
    /// Address and port of the client.
    pub client_address: String,
    /// The handshake's `Origin`; empty when it sent none.
    pub origin: String,
    /// The authenticated user; empty when there is none.
    pub user: String,
    /// When the handshake was accepted.
    pub connected: Timestamp,
    /// What the client subscribed to, as the JSON it sent; empty for everything.
    pub subscription: String,
}
