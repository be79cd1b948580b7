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

use async_trait::async_trait;
use bytes::Bytes;
use hyper::{HeaderMap, Method};
use model::{Failure, HostContext, Room};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::tcp_listener::open;
use super::tcp_server::TcpServer;
use super::tls;
pub(crate) use answer::Answer;
use settings::Place;
pub(crate) use settings::{HttpListen, Listening};

/// What is known of a request before its body is read.
#[derive(Debug)]
pub(crate) struct Head {
    /// Who asks.
    pub(crate) peer: SocketAddr,
    /// The path behind that of the service, without a slash at its beginning; as it came, and often empty.
    pub(crate) rest: String,
    pub(crate) headers: HeaderMap,
    /// The room that the body is read into.
    pub(crate) room: Room,
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
    server: TcpServer,
    settings: HttpListen,
    place: Place,
    handler: Box<dyn Handler>,
}

impl HttpListener {
    /// For `host`; nothing is open yet.
    pub(crate) fn new(host: &HostContext, listening: Listening, handler: impl Handler) -> Self {
        let Listening { settings, place, allowed } = listening;
        let server = TcpServer::new(host, allowed, settings.max_connections);
        HttpListener { server, settings, place, handler: Box::new(handler) }
    }

    /// Listens and answers until the host stops.
    ///
    /// # Errors
    /// When the address or the files of TLS cannot be had.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let tls = match &self.settings.tls {
            Some(tls) => Some(tls::acceptor(tls, self.server.host.data_dir(), &["http/1.1"]).await?),
            None => None,
        };
        let listener = open(&self.settings.listen).await?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let service = Arc::new(self);
        let serve = |stream, peer| service.clone().serve(stream, peer, tls.clone());
        let shown = |address| format!("{scheme}://{address}{}", service.settings.path);
        service.server.run(listener, shown, serve).await;
        Ok(())
    }

    async fn serve(self: Arc<Self>, stream: TcpStream, peer: SocketAddr, tls: Option<TlsAcceptor>) {
        match tls {
            None => connection::serve(self, stream, peer).await,
            Some(acceptor) => {
                if let Some(stream) = self.server.secure(&acceptor, stream, peer).await {
                    connection::serve(self, stream, peer).await;
                }
            }
        }
    }
}
