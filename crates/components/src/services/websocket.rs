//! `websocket`: keeps open sockets for browsers and other clients, for processes to speak to.
//!
//! ```yaml
//! services:
//!   User.WebSocketServer:
//!     type: websocket
//!     settings:
//!       listen: 127.0.0.1:52774
//!       path: /csp/user/User.WebSocketServer.cls
//! ```
//!
//! A `socket.invocation` process writes to every socket that is open here. Several services may share
//! one address under different paths. Plain text on the wire unless `tls` is set.
//!
//! **On connection.** A handshake is accepted or refused (404 for a path that nobody serves, 403 for an
//! origin that is not allowed, 401 for a wrong or missing token, 426 or 400 for what is no WebSocket
//! handshake, 503 when there is no room), each refusal with an event. The session is stored before the
//! handshake is answered; `SessionID` is the client's `Sec-WebSocket-Key`. Those who know such servers
//! find their three hooks here: *before the server starts* is `path`, `allowed_origins`, `tokens` and
//! `max_connections`; *server* is the first message and what follows it; *after* is the deletion of the
//! session with its events.
//!
//! **Who it is.** With `users`, the client's first message has to be exactly
//! `{"User": "...", "Password": "..."}`; a right one is not answered, a wrong one is, and the socket
//! closed (1008). With `tokens`, the handshake may carry `Authorization: Bearer ...` or `?token=...`.
//! Until then a client hears nothing, and after `authentication_timeout` it is sent away. Without
//! `users` and `tokens` everybody is let in: a login is then taken off without being checked, answered
//! or recorded, so that clients that always send one work, and nobody is called authenticated.
//!
//! **What it hears.** Everything, or what it asks for with
//! `{"subscribe": {"topics": ["..."], "where": "MSH-9.1 = \"ADT\""}}` at any time, or with `?topics=a,b`
//! and `?where=...` in the handshake. A wrong request is answered with `{"error": "..."}`, a right one
//! is not answered. A client that comes back with `?since=<message id>` (`{{ header.id }}` in the
//! process's `message`) is first told what it missed, in order, up to `replay_limit`. After a crash of
//! the engine a message may be told twice; never is one left out.
//!
//! **What it says.** Any other message goes to the service's `targets` as a `Text` or `Bytes` message
//! in a session of its own; nothing more is read from the client until it is stored. Without targets
//! the client is answered with an error.
//!
//! **How it ends.** A socket that is found closed, or that timed out, has its session deleted, with the
//! events "the socket is closed" or "the socket timed out", and "socket deleted successfully". Sessions
//! that a crash left behind are found and deleted at the next start. When the service stops, every
//! client is told so (1001).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use model::{
    BuildError, Built, BusinessService, BusinessType, ByteSize, Checks, Claim, Component, Event, EventKind,
    Failure, HostContext, Library, Span,
};
use rules::Scope;
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::task::JoinSet;

use crate::adapters::address::check_listen;
use crate::adapters::{tls, tls_files};
use crate::sockets::connection::Connection;
use crate::sockets::listener::Membership;
use crate::sockets::server::{Server, Upgraded};
pub use crate::sockets::settings::Settings;
use crate::sockets::subscription::Conditions;

/// How long clients are waited for when the service stops.
const FAREWELL: Duration = Duration::from_secs(3);

/// Keeps open sockets.
pub struct WebSocketService {
    settings: Arc<Settings>,
    /// What the conditions of clients may name.
    words: Scope,
}

impl Component for WebSocketService {
    const TYPE: &'static str = "websocket";
    const BUSINESS_TYPE: BusinessType = BusinessType::BusinessService;
    const SUMMARY: &'static str = "keeps open sockets for browsers and other clients";
    const EXAMPLE: &'static str = "User.WebSocketServer:\n  type: websocket\n  settings:\n    listen: 127.0.0.1:52774\n    path: /csp/user/User.WebSocketServer.cls\n";
    type Settings = Settings;

    fn check(settings: &Settings, checks: &mut Checks) {
        check_address(settings, checks);
        check_credentials(settings, checks);
        check_limits(settings, checks);
        if let Some(tls) = &settings.tls {
            tls_files::check_server(tls, "tls", checks);
        }
        checks.claim("listen", Claim::Listen(settings.listen.clone(), settings.path.clone()));
    }

    fn build(settings: Settings, library: &Library) -> Result<Built, BuildError> {
        Ok(Built::Service(Box::new(WebSocketService {
            settings: Arc::new(settings),
            words: Conditions::words(library),
        })))
    }
}

fn check_address(settings: &Settings, checks: &mut Checks) {
    check_listen(&settings.listen, "127.0.0.1:52774", checks);
    let host = settings.listen.rsplit_once(':').map_or("", |(host, _)| host);
    let path = &settings.path;
    if !path.starts_with('/') || path.contains(['?', '#', ' ']) {
        checks.error(
            "path",
            format!("path is \"{path}\"; expected one that begins with / and has no ?, # or space"),
        );
    }
    for (at, origin) in settings.allowed_origins.iter().enumerate() {
        let rest = origin.split_once("://").map(|(_, rest)| rest);
        if rest.is_none_or(|rest| rest.is_empty() || rest.contains('/')) {
            let text = format!(
                "origin is \"{origin}\"; expected scheme, host and port alone, as in https://ward.example"
            );
            checks.error(format!("allowed_origins[{at}]"), text);
        }
    }
    let local = host == "localhost" || host == "[::1]" || host.starts_with("127.");
    let credentials = !settings.users.is_empty() || !settings.tokens.is_empty();
    if credentials && settings.tls.is_none() && !local {
        checks.warning("listen", format!("passwords and messages go over the network unencrypted on {host}"));
        checks.help("set tls, or listen on 127.0.0.1 behind a proxy that does");
    }
}

fn check_credentials(settings: &Settings, checks: &mut Checks) {
    for (path, known) in [("users", &settings.users), ("tokens", &settings.tokens)] {
        for (name, secret) in known {
            if secret.is_empty() {
                checks.error(
                    format!("{path}.{name}"),
                    format!("{path} has an empty value for \"{name}\"; nobody can use it"),
                );
            }
        }
    }
}

fn check_limits(settings: &Settings, checks: &mut Checks) {
    let hour = Span::secs(3600);
    let tenth = Span::millis(100);
    checks.within("authentication_timeout", settings.authentication_timeout, tenth..=Span::secs(600));
    checks.within("ping_interval", settings.ping_interval, tenth..=hour);
    checks.within("write_timeout", settings.write_timeout, tenth..=hour);
    if settings.idle_timeout <= settings.ping_interval {
        let (idle, ping) = (settings.idle_timeout, settings.ping_interval);
        let text = format!(
            "idle_timeout is {idle}; a client that has nothing to say would time out before its ping"
        );
        checks.error("idle_timeout", text);
        checks.help(format!("more than the ping_interval of {ping}; three times that is usual"));
    }
    let day = Span::secs(24 * 3600);
    if settings.idle_timeout > day {
        let found = settings.idle_timeout;
        checks.error("idle_timeout", format!("idle_timeout is {found}; expected at most {day}"));
    }
    checks.within("max_connections", settings.max_connections, 1..=1_000_000);
    checks.within("outbox_limit", settings.outbox_limit, 1..=100_000);
    checks.within("replay_limit", settings.replay_limit, 0..=100_000);
    checks.within("max_message_size", settings.max_message_size, ByteSize(125)..=ByteSize::mib(64));
    checks.within("outbox_size", settings.outbox_size, ByteSize::kib(1)..=ByteSize::mib(1024));
}

#[async_trait]
impl BusinessService for WebSocketService {
    async fn run(&mut self, host: &HostContext) -> Result<(), Failure> {
        delete_stale(host).await?;
        let acceptor = match &self.settings.tls {
            Some(tls) => Some(tls::acceptor(tls, host.data_dir(), &["http/1.1"]).await?),
            None => None,
        };
        let (upgraded, arriving) = mpsc::unbounded_channel();
        let server = Arc::new(Server::new(host.clone(), self.settings.clone(), upgraded));
        server.hub.conditions.read_by(&self.words);
        let membership = Membership::join(server.clone()).await?;
        if let Some(address) = membership.address() {
            let scheme = if acceptor.is_some() { "wss" } else { "ws" };
            server.event(EventKind::Info, format!("listening on {scheme}://{address}{}", self.settings.path));
        }
        host.started();
        let accept = async |handshakes: &mut JoinSet<()>| {
            // Given up with the waiting for connections.
            let membership = membership;
            membership.accept(acceptor, handshakes).await;
        };
        serve(&server, accept, arriving).await;
        Ok(())
    }
}

/// Sessions that an earlier run left behind are of no use to anybody.
async fn delete_stale(host: &HostContext) -> Result<(), Failure> {
    let stale = host.stored_sockets().await?;
    if stale.is_empty() {
        return Ok(());
    }
    let events = stale.iter().map(|session| {
        let text = format!(
            "socket {} ({}) was left open by an earlier run; socket deleted successfully",
            session.id, session.client_address
        );
        Event::new(EventKind::Warning, host.name(), text)
    });
    host.delete_sockets(stale.iter().map(|session| session.id).collect(), events.collect());
    Ok(())
}

/// Runs until the host is asked to stop, and then says goodbye. Meanwhile `accept` puts those who ask for a
/// socket into the set that it is handed.
pub(crate) async fn serve(
    server: &Arc<Server>,
    accept: impl AsyncFnOnce(&mut JoinSet<()>),
    mut arriving: UnboundedReceiver<Upgraded>,
) {
    let clock = server.host.clock();
    let (mut handshakes, mut connections) = (JoinSet::new(), JoinSet::new());
    let keeper = async {
        loop {
            clock.sleep(server.sweep_interval()).await;
            server.sweep();
        }
    };
    tokio::select! {
        () = accept(&mut handshakes) => {}
        () = seat_all(&mut arriving, &mut connections) => {}
        () = keeper => {}
        () = server.host.stopping() => {}
    }
    server.close_all();
    tokio::select! {
        () = async { while handshakes.join_next().await.is_some() {} } => {}
        () = clock.sleep(FAREWELL) => {}
    }
    arriving.close();
    tokio::select! {
        () = async { while connections.join_next().await.is_some() {} } => {}
        () = clock.sleep(FAREWELL) => {}
    }
    // Those that did not answer are dropped here, and what is theirs with them.
    connections.shutdown().await;
    while let Ok(late) = arriving.try_recv() {
        drop(late);
    }
}

/// Gives every connection its task.
async fn seat_all(arriving: &mut UnboundedReceiver<Upgraded>, connections: &mut JoinSet<()>) {
    loop {
        tokio::select! {
            Some(upgraded) = arriving.recv() => {
                let connection = Connection::new(upgraded).await;
                connections.spawn(connection.run());
            }
            Some(_done) = connections.join_next() => {}
        }
    }
}

#[cfg(test)]
mod tests;
