//! Connecting to a peer: its address and a second one, a time limit, TLS, and pauses that grow.

use std::io;
use std::pin::pin;
use std::time::Duration;

use model::{AfterRetries, Checks, Decision, Event, EventKind, Failure, HostContext, Span, Timeout};
use rustix::net::sockopt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::tls_client::{TlsClient, connector};
use super::tls_words::why;
use super::wire::Wire;

/// The pause after a first try in vain; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How often, and how many times in vain, a silent peer is asked for a sign before it is given up.
const KEEP_ALIVE: (Duration, u32) = (Duration::from_secs(10), 3);

/// How a peer is reached.
#[derive(Debug, Clone)]
pub(crate) struct Way {
    /// `host:port`.
    pub(crate) address: String,
    /// `host:port` of the one that takes its place.
    pub(crate) backup: Option<String>,
    /// After how many tries in vain, one after the other, the other address has its turn.
    pub(crate) tries: u32,
    /// How long a connection may take to be made, TLS included.
    pub(crate) timeout: Duration,
    /// After how long a silence the system asks the peer for a sign; zero for never.
    pub(crate) keep_alive: Duration,
    /// TLS on the connection.
    pub(crate) tls: Option<TlsClient>,
}

/// Makes connections to one peer.
pub(crate) struct Dialer {
    way: Way,
    on_backup: bool,
    /// Tries in vain since the last connection.
    failures: u32,
    /// Of those, at the address that has its turn.
    here: u32,
    connector: Option<TlsConnector>,
}

/// No connection was made.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unreachable {
    /// As in `cannot connect to 127.0.0.1:2575 (connection refused)`.
    pub(crate) reason: String,
    /// When to try again.
    pub(crate) pause: Duration,
}

impl Unreachable {
    /// The decision about a message that waits for a connection; `no_fail` is whether that time is left
    /// out of `failure_timeout`.
    pub(crate) fn decision(self, no_fail: bool) -> Decision {
        let (after, then) = (Some(self.pause), AfterRetries::default());
        Decision::Retry { reason: self.reason, after, then, counts: !no_fail }
    }
}

impl Dialer {
    pub(crate) fn new(way: Way) -> Self {
        Dialer { way, on_backup: false, failures: 0, here: 0, connector: None }
    }

    /// The address that has its turn.
    pub(crate) fn address(&self) -> &str {
        match &self.way.backup {
            Some(backup) if self.on_backup => backup,
            _ => &self.way.address,
        }
    }

    /// Reads the files that TLS needs, where it is wanted.
    ///
    /// # Errors
    /// When they are not there or hold something else.
    pub(crate) async fn prepare(&mut self, host: &HostContext) -> Result<(), Failure> {
        if let Some(tls) = &self.way.tls
            && self.connector.is_none()
        {
            self.connector = Some(connector(tls, host.data_dir(), &[]).await?);
        }
        Ok(())
    }

    /// Makes a connection.
    pub(crate) async fn dial(&mut self, host: &HostContext) -> Result<Wire, Unreachable> {
        let made = match self.prepare(host).await {
            Err(failure) => Err(failure.to_string()),
            Ok(()) => self.connect(host).await,
        };
        match made {
            Ok(wire) => {
                (self.failures, self.here) = (0, 0);
                Ok(wire)
            }
            Err(why) => Err(self.failed(&why, host)),
        }
    }

    async fn connect(&self, host: &HostContext) -> Result<Wire, String> {
        let (address, limit) = (self.address(), Span(self.way.timeout));
        let mut late = pin!(host.clock().sleep(self.way.timeout));
        let stream = tokio::select! {
            biased;
            made = TcpStream::connect(address) => made.map_err(|error| words(&error))?,
            () = &mut late => return Err(format!("timed out after {limit}")),
        };
        prepare(&stream, self.way.keep_alive).map_err(|error| words(&error))?;
        let (Some(tls), Some(connector)) = (&self.way.tls, &self.connector) else {
            return Ok(Wire::Plain(stream));
        };
        let name = address.rsplit_once(':').map_or(address, |(host, _)| host);
        tokio::select! {
            biased;
            made = connector.connect(tls.server_name(name)?, stream) => match made {
                Ok(stream) => Ok(Wire::Tls(Box::new(stream))),
                Err(error) => Err(format!("TLS: {}", why(&error))),
            },
            // Who speaks without TLS waits for a message meanwhile.
            () = &mut late => Err(format!("TLS: connected, and no answer to TLS within {limit}")),
        }
    }

    fn failed(&mut self, why: &str, host: &HostContext) -> Unreachable {
        let reason = format!("cannot connect to {} ({why})", self.address());
        let pause = FIRST_PAUSE.saturating_mul(1 << self.failures.min(5)).min(LONGEST_PAUSE);
        self.failures += 1;
        self.here += 1;
        // Another certificate may lie there at the next try.
        self.connector = None;
        if self.way.backup.is_some() && self.here >= self.way.tries {
            self.here = 0;
            self.on_backup = !self.on_backup;
            let text = format!("{reason}; {} has its turn now", self.address());
            host.event(Event::new(EventKind::Warning, host.name(), text));
        }
        Unreachable { reason, pause }
    }
}

/// What every connection wants: no waiting for more to send, and a sign from a silent peer.
fn prepare(stream: &TcpStream, keep_alive: Duration) -> io::Result<()> {
    stream.set_nodelay(true)?;
    if !keep_alive.is_zero() {
        let (every, times) = KEEP_ALIVE;
        sockopt::set_socket_keepalive(stream, true)?;
        sockopt::set_tcp_keepidle(stream, keep_alive)?;
        sockopt::set_tcp_keepintvl(stream, every)?;
        sockopt::set_tcp_keepcnt(stream, times)?;
    }
    Ok(())
}

/// An error of the system in few words, as in `connection refused`.
pub(crate) fn words(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(_) => error.kind().to_string(),
        None => error.to_string(),
    }
}

/// Reports times of the settings `connect_timeout` and `response_timeout` in which nothing can be done.
pub(crate) fn check_times(connect: Span, response: Timeout, checks: &mut Checks) {
    for (setting, limit) in [("connect_timeout", Some(connect.0)), ("response_timeout", response.0)] {
        if limit.is_some_and(|limit| limit.is_zero()) {
            checks.error(setting, format!("{setting} is 0ms; expected at least 1ms"));
        }
    }
}

#[cfg(test)]
mod tests;
