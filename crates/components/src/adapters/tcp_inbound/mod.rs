//! Messages over TCP: an address that is listened on, and the connections that come in there.
//!
//! Every connection has one task of its own, and in it two hands: one [reads](reading) and hands over
//! what came, the other one [answers](answering) when it is durable. So the next messages are read while
//! those before are being stored, a few groups at most.

mod answering;
mod connection;
mod reading;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hl7::Framing;
use model::{Failure, HostContext};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::tcp_listener::{Network, keep_alive, open};
use super::tcp_server::TcpServer;
use crate::hl7::inbound::Inbound;
use connection::Connection;

/// What a service says about its connections.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// How messages are told apart.
    pub(crate) framing: Framing,
    /// The longest message, in bytes.
    pub(crate) longest: usize,
    /// How many connections at once.
    pub(crate) connections: usize,
    /// Who may connect; empty for anybody.
    pub(crate) allowed: Vec<Network>,
    /// How long a connection may be silent; none for ever.
    pub(crate) idle: Option<Duration>,
    /// How long the next piece of a message is waited for.
    pub(crate) read: Duration,
    /// How long a client is silent until it is asked whether it is there.
    pub(crate) keep_alive: Duration,
}

/// One service at work.
pub(crate) struct TcpInbound {
    server: TcpServer,
    inbound: Arc<Inbound>,
    limits: Limits,
}

impl TcpInbound {
    /// For `host`; nothing is open yet.
    pub(crate) fn new(host: &HostContext, inbound: Arc<Inbound>, limits: Limits) -> Self {
        let server = TcpServer::new(host, limits.allowed.clone(), limits.connections);
        TcpInbound { server, inbound, limits }
    }

    /// Listens on `listen` and takes in until the host stops.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub(crate) async fn run(self, listen: &str, tls: Option<TlsAcceptor>) -> Result<(), Failure> {
        let listener = open(listen).await?;
        let secured = if tls.is_some() { " with TLS" } else { "" };
        let service = Arc::new(self);
        let serve = |stream, peer| service.clone().serve(stream, peer, tls.clone());
        service.server.run(listener, |address| format!("{address}{secured}"), serve).await;
        Ok(())
    }

    async fn serve(self: Arc<Self>, stream: TcpStream, peer: SocketAddr, tls: Option<TlsAcceptor>) {
        if keep_alive(&stream, self.limits.keep_alive).is_err() {
            self.server.telling.tell(peer, "cannot be asked whether it is there (TCP keep-alive)");
        }
        match tls {
            None => {
                let (reader, writer) = stream.into_split();
                Connection::new(self, peer).run(reader, writer).await;
            }
            Some(acceptor) => {
                if let Some(stream) = self.server.secure(&acceptor, stream, peer).await {
                    let (reader, writer) = tokio::io::split(stream);
                    Connection::new(self, peer).run(reader, writer).await;
                }
            }
        }
    }
}
