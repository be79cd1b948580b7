//! Requests over HTTP/1.1: an address that is listened on, and the connections that come in there.
//!
//! hyper reads requests and writes answers; each connection is one task. Whoever is not allowed, sends
//! too much or takes too long is refused here, in the same way for every service; what becomes of a
//! request that comes through is for the [`Handler`].

mod activity;
mod answer;
mod connection;
mod request;
mod settings;
#[cfg(test)]
pub(crate) mod testing;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use hyper::{HeaderMap, Method};
use model::{BuildError, Event, EventKind, Failure, HostContext};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::tcp_inbound::telling::Telling;
use super::tcp_listener::{Network, open, passes};
use super::tls;
pub(crate) use answer::Answer;
pub(crate) use settings::{HttpListen, Place};

/// How long connections are waited for when the service stops.
const FAREWELL: Duration = Duration::from_secs(5);
/// Pause after an error that does not pass by itself at once, such as no more descriptors.
const PAUSE: Duration = Duration::from_millis(200);

/// What is known of a request before its body is read.
#[derive(Debug)]
pub(crate) struct Head {
    /// Who asks.
    pub(crate) peer: SocketAddr,
    /// The path behind that of the service, without a slash at its beginning; as it came, and often empty.
    pub(crate) rest: String,
    pub(crate) headers: HeaderMap,
}

/// What becomes of requests.
#[async_trait]
pub(crate) trait Handler: Send + Sync + 'static {
    /// The methods that are answered.
    fn methods(&self) -> &[Method];

    /// Looks at a request before its body is read.
    ///
    /// # Errors
    /// The refusal.
    fn admit(&self, head: &Head) -> Result<(), Answer>;

    /// Answers a request.
    async fn take(&self, head: Head, body: Bytes, host: &HostContext) -> Answer;
}

/// One service at work.
pub(crate) struct HttpListener {
    host: HostContext,
    settings: HttpListen,
    place: Place,
    allowed: Vec<Network>,
    handler: Box<dyn Handler>,
    telling: Telling,
}

impl HttpListener {
    /// For `host`; nothing is open yet.
    pub(crate) fn new(
        host: &HostContext,
        settings: &HttpListen,
        handler: impl Handler,
    ) -> Result<Self, BuildError> {
        Ok(HttpListener {
            place: settings.place()?,
            allowed: settings.allowed()?,
            settings: settings.clone(),
            handler: Box::new(handler),
            telling: Telling::new(host),
            host: host.clone(),
        })
    }

    /// Listens and answers until the host stops.
    ///
    /// # Errors
    /// When the address or the files of TLS cannot be had.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let tls = match &self.settings.tls {
            Some(tls) => Some(tls::acceptor(tls, self.host.data_dir(), &["http/1.1"]).await?),
            None => None,
        };
        let listener = open(&self.settings.listen).await?;
        let service = Arc::new(self);
        if let Ok(address) = listener.local_addr() {
            let scheme = if tls.is_some() { "https" } else { "http" };
            let text = format!("listening on {scheme}://{address}{}", service.settings.path);
            service.event(EventKind::Info, text);
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
        if !self.allowed.is_empty() && !self.allowed.iter().any(|network| network.has(peer.ip())) {
            self.telling.tell(peer, "refused: its address is not one of allowed_addresses");
            return false;
        }
        if open >= self.settings.max_connections {
            self.telling.tell(peer, "refused: as many connections are open as max_connections allows");
            return false;
        }
        true
    }

    async fn serve(self: Arc<Self>, stream: TcpStream, peer: SocketAddr, tls: Option<TlsAcceptor>) {
        // Answers are small and have to go at once; without this they go late, and that is all.
        let _quick = stream.set_nodelay(true);
        match tls {
            None => connection::serve(self, stream, peer).await,
            Some(acceptor) => {
                if let Some(stream) = connection::secure(&self, acceptor, stream, peer).await {
                    connection::serve(self, stream, peer).await;
                }
            }
        }
    }
}
