//! Messages over TCP: an address that is listened on, and the connections that come in there.
//!
//! Every connection has one task of its own, and in it two hands: one [reads](reading) and hands over
//! what came, the other one [answers](answering) when it is durable. So the next messages are read while
//! those before are being stored, a few groups at most.

mod answering;
mod connection;
mod reading;
pub(crate) mod telling;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hl7::Framing;
use model::{Event, EventKind, Failure, HostContext};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::adapters::tcp_listener::{Network, keep_alive, open, passes};
use crate::hl7::inbound::Inbound;
use connection::Connection;
use telling::Telling;

/// How long connections are waited for when the service stops.
const FAREWELL: Duration = Duration::from_secs(5);
/// Pause after an error that does not pass by itself at once, such as no more descriptors.
const PAUSE: Duration = Duration::from_millis(200);

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
    host: HostContext,
    inbound: Arc<Inbound>,
    limits: Limits,
    telling: Telling,
}

impl TcpInbound {
    /// For `host`; nothing is open yet.
    pub(crate) fn new(host: &HostContext, inbound: Arc<Inbound>, limits: Limits) -> Self {
        TcpInbound { host: host.clone(), inbound, limits, telling: Telling::new(host) }
    }

    /// Listens on `listen` and takes in until the host stops.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub(crate) async fn run(self, listen: &str, tls: Option<TlsAcceptor>) -> Result<(), Failure> {
        let listener = open(listen).await?;
        let service = Arc::new(self);
        if let Ok(address) = listener.local_addr() {
            let secured = if tls.is_some() { " with TLS" } else { "" };
            service.event(EventKind::Info, format!("listening on {address}{secured}"));
        }
        service.host.started();
        let mut connections = JoinSet::new();
        tokio::select! {
            () = service.accept(&listener, tls, &mut connections) => {}
            () = service.host.stopping() => {}
        }
        drop(listener);
        tokio::select! {
            () = async { while connections.join_next().await.is_some() {} } => {}
            () = service.host.clock().sleep(FAREWELL) => {}
        }
        connections.shutdown().await;
        service.telling.finish();
        Ok(())
    }

    fn event(&self, kind: EventKind, text: impl Into<String>) {
        self.host.event(Event::new(kind, self.host.name(), text));
    }

    async fn accept(
        self: &Arc<Self>,
        listener: &TcpListener,
        tls: Option<TlsAcceptor>,
        connections: &mut JoinSet<()>,
    ) {
        let mut troubled = false;
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                Some(_done) = connections.join_next() => continue,
            };
            match accepted {
                Ok((stream, peer)) => {
                    troubled = false;
                    if self.admits(peer, connections.len()) {
                        connections.spawn(self.clone().serve(stream, peer, tls.clone()));
                    }
                }
                Err(error) if passes(&error) => {}
                Err(error) => {
                    if !std::mem::replace(&mut troubled, true) {
                        let text =
                            format!("cannot accept connections ({error}); others stay open, trying again");
                        self.event(EventKind::Error, text);
                    }
                    self.host.clock().sleep(PAUSE).await;
                }
            }
        }
    }

    /// Whether a client may connect.
    fn admits(&self, peer: SocketAddr, open: usize) -> bool {
        let allowed = &self.limits.allowed;
        if !allowed.is_empty() && !allowed.iter().any(|network| network.has(peer.ip())) {
            self.telling.tell(peer, "refused: its address is not one of allowed_addresses");
            return false;
        }
        if open >= self.limits.connections {
            self.telling.tell(peer, "refused: as many connections are open as max_connections allows");
            return false;
        }
        true
    }

    async fn serve(self: Arc<Self>, stream: TcpStream, peer: SocketAddr, tls: Option<TlsAcceptor>) {
        // Answers are small and have to go at once; without this they go late, and that is all.
        let _quick = stream.set_nodelay(true);
        if keep_alive(&stream, self.limits.keep_alive).is_err() {
            self.telling.tell(peer, "cannot be asked whether it is there (TCP keep-alive)");
        }
        let connection = Connection::new(self, peer);
        match tls {
            None => {
                let (reader, writer) = stream.into_split();
                connection.run(reader, writer).await;
            }
            Some(acceptor) => {
                if let Some(stream) = connection.secure(acceptor, stream).await {
                    let (reader, writer) = tokio::io::split(stream);
                    connection.run(reader, writer).await;
                }
            }
        }
    }
}
