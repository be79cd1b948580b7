//! The clients of one service that listens: who is let in, TLS, and how they are waited for at the end.
//!
//! What is said on a connection is for the protocol; everything before and around that is the same for all.

use std::net::SocketAddr;
use std::time::Duration;

use model::{BuildError, ByteSize, Checks, Claim, Event, EventKind, HostContext};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::address::check_listen;
use super::tcp_listener::{Network, passes};
use super::telling::Telling;
use super::tls_words::why;

/// How long a client may take for its TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long connections are waited for when the service stops.
const FAREWELL: Duration = Duration::from_secs(5);
/// Pause after an error that does not pass by itself at once, such as no more descriptors.
const PAUSE: Duration = Duration::from_millis(200);

/// Those who may connect, and what is said about them.
pub(crate) struct TcpServer {
    pub(crate) host: HostContext,
    pub(crate) telling: Telling,
    /// Empty for anybody.
    allowed: Vec<Network>,
    max_connections: usize,
}

impl TcpServer {
    /// For `host`.
    pub(crate) fn new(host: &HostContext, allowed: Vec<Network>, max_connections: usize) -> Self {
        TcpServer { host: host.clone(), telling: Telling::new(host), allowed, max_connections }
    }

    /// Lets clients in, and serves each in a task of its own, until the host stops. `shown` says an address
    /// as people know it.
    pub(crate) async fn run<C>(
        &self,
        listener: TcpListener,
        shown: impl FnOnce(SocketAddr) -> String,
        serve: impl Fn(TcpStream, SocketAddr) -> C,
    ) where
        C: Future<Output = ()> + Send + 'static,
    {
        if let Ok(address) = listener.local_addr() {
            self.event(EventKind::Info, format!("listening on {}", shown(address)));
        }
        self.host.started();
        let mut connections = JoinSet::new();
        tokio::select! {
            () = self.accept(&listener, &mut connections, serve) => {}
            () = self.host.stopping() => {}
        }
        drop(listener);
        tokio::select! {
            () = async { while connections.join_next().await.is_some() {} } => {}
            () = self.host.clock().sleep(FAREWELL) => {}
        }
        connections.shutdown().await;
        self.telling.finish();
    }

    async fn accept<C>(
        &self,
        listener: &TcpListener,
        connections: &mut JoinSet<()>,
        serve: impl Fn(TcpStream, SocketAddr) -> C,
    ) where
        C: Future<Output = ()> + Send + 'static,
    {
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
                        // Answers are small and have to go at once; without this they go late, and that is all.
                        let _quick = stream.set_nodelay(true);
                        connections.spawn(serve(stream, peer));
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

    fn event(&self, kind: EventKind, text: String) {
        self.host.event(Event::new(kind, self.host.name(), text));
    }

    /// Whether a client may connect.
    fn admits(&self, peer: SocketAddr, open: usize) -> bool {
        if !self.allowed.is_empty() && !self.allowed.iter().any(|network| network.has(peer.ip())) {
            self.telling.tell(peer, "refused: its address is not one of allowed_addresses");
            return false;
        }
        if open >= self.max_connections {
            self.telling.tell(peer, "refused: as many connections are open as max_connections allows");
            return false;
        }
        true
    }

    /// Takes TLS off a connection; none if that fails, which is said.
    pub(crate) async fn secure(
        &self,
        acceptor: &TlsAcceptor,
        stream: TcpStream,
        peer: SocketAddr,
    ) -> Option<TlsStream<TcpStream>> {
        tokio::select! {
            biased;
            secured = acceptor.accept(stream) => match secured {
                Ok(stream) => return Some(stream),
                Err(error) => self.telling.tell_with(peer, "refused: TLS failed", || format!(" ({})", why(&error))),
            },
            () = self.host.clock().sleep(HANDSHAKE) => {
                self.telling.tell(peer, "refused: TLS was not done within 10s");
            }
            () = self.host.stopping() => {}
        }
        None
    }
}

/// Reports what is wrong with the settings `listen` (`example` is one for the advice), `allowed_addresses`,
/// `max_connections` and `max_message_size`, which all such services have.
pub(crate) fn check_server(
    listen: &str,
    example: &str,
    allowed: &[String],
    max_connections: usize,
    max_message_size: ByteSize,
    checks: &mut Checks,
) {
    check_listen(listen, example, checks);
    // Without a path: nobody else can have the address.
    checks.claim("listen", Claim::Listen(listen.to_owned(), String::new()));
    for (at, address) in allowed.iter().enumerate() {
        if let Err(error) = address.parse::<Network>() {
            checks.error(format!("allowed_addresses[{at}]"), error);
        }
    }
    checks.within("max_connections", max_connections, 1..=100_000);
    checks.within("max_message_size", max_message_size, ByteSize::kib(1)..=ByteSize::mib(1024));
}

/// Those who may connect, as the setting `allowed_addresses` says.
pub(crate) fn allowed_networks(addresses: &[String]) -> Result<Vec<Network>, BuildError> {
    let allowed: Result<_, String> = addresses.iter().map(|text| text.parse()).collect();
    allowed.map_err(|message| BuildError { path: "allowed_addresses".into(), message })
}
