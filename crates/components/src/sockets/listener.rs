//! One address, shared by the services that serve a path on it.
//!
//! Every service accepts for all of them: a connection is handed to the one whose path it asks for.
//! The last service to leave closes the address.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use model::{EventKind, Failure, Timestamp};
use rustix::process::{Resource, getrlimit};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::handshake::{self, Refusal};
use super::io::Wire;
use super::server::Server;
use crate::adapters::tcp_listener::{bind, passes, resolve};
use crate::adapters::tls::Tls;
use crate::adapters::tls_words::why;

/// How long a client may take to ask for its socket.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Connections that have not asked yet, at most: then the oldest gives way to the next one, so that many
/// that ask for nothing keep out nobody who does.
const MOST_ASKING: usize = if cfg!(test) { 64 } else { 1024 };
/// So long a connection has to ask before it gives way: many that come at once are not at fault.
const YOUNG: Duration = Duration::from_secs(1);
/// Open files that connections leave to everything else, where the system allows enough of them.
const SPARE_FILES: u64 = 256;
/// Pause after an error that does not pass by itself at once, such as no more descriptors.
const PAUSE: Duration = Duration::from_millis(200);

/// Shared under the address as it is set.
#[derive(Default)]
pub(crate) struct Listener(Mutex<State>);

#[derive(Default)]
struct State {
    socket: Weak<TcpListener>,
    tls: Option<Tls>,
    servers: HashMap<String, Arc<Server>>,
}

/// One service's part in a shared address; given up when it is dropped.
pub(crate) struct Membership {
    listener: Arc<Listener>,
    socket: Arc<TcpListener>,
    server: Arc<Server>,
}

impl Listener {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where it listens, while anybody does.
    #[cfg(test)]
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.state().socket.upgrade()?.local_addr().ok()
    }

    /// The paths that are served, as a message names them.
    fn paths(&self) -> String {
        let mut paths: Vec<_> = self.state().servers.keys().map(|path| format!("\"{path}\"")).collect();
        paths.sort();
        paths.join(" or ")
    }

    fn server(&self, path: &str) -> Option<Arc<Server>> {
        self.state().servers.get(path).cloned()
    }
}

impl Membership {
    /// Joins the services on the address that `server` is to listen on; opens it for the first.
    pub(crate) async fn join(server: Arc<Server>) -> Result<Self, Failure> {
        let settings = server.settings.clone();
        let address = resolve(&settings.listen).await?;
        let listener = server.host.shared().get::<Listener>(&settings.listen);
        let mut state = listener.state();
        let open = state.socket.upgrade();
        if open.is_some() && state.tls != settings.tls {
            let text = format!("another item listens on {} with other tls settings", settings.listen);
            return Err(Failure::Fatal(text));
        }
        if state.servers.contains_key(&settings.path) {
            let text = format!("another item serves path {:?} on {}", settings.path, settings.listen);
            return Err(Failure::Temporary(text));
        }
        let socket = match open {
            Some(socket) => socket,
            None => Arc::new(bind(address).map_err(|error| {
                Failure::Temporary(format!("cannot listen on {} ({error})", settings.listen))
            })?),
        };
        state.socket = Arc::downgrade(&socket);
        state.tls = settings.tls.clone();
        state.servers.insert(settings.path.clone(), server.clone());
        drop(state);
        Ok(Membership { listener, socket, server })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.socket.local_addr().ok()
    }

    /// Accepts connections for ever; what they ask goes on in `handshakes`.
    pub(crate) async fn accept(&self, tls: Option<TlsAcceptor>, handshakes: &mut JoinSet<()>) {
        let mut asking = Asking::default();
        let mut troubled = false;
        loop {
            let clock = self.server.host.clock();
            if let Some(pause) = asking.pause(clock.now()) {
                // Others wait in the kernel meanwhile.
                tokio::select! {
                    Some(_done) = handshakes.join_next() => {}
                    () = clock.sleep(pause) => {}
                }
                continue;
            }
            let accepted = tokio::select! {
                accepted = self.socket.accept() => accepted,
                Some(_done) = handshakes.join_next() => continue,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) if passes(&error) => continue,
                Err(error) => {
                    if !std::mem::replace(&mut troubled, true) {
                        let text =
                            format!("cannot accept connections ({error}); others stay open, trying again");
                        self.server.event(EventKind::Error, text);
                    }
                    clock.sleep(PAUSE).await;
                    continue;
                }
            };
            // A new file has the lowest number that is free: a high one says that nearly all are taken.
            if stream.as_raw_fd() as u64 >= files_for_clients(getrlimit(Resource::Nofile).current) {
                drop(stream);
                if !std::mem::replace(&mut troubled, true) {
                    let text = "connections are refused: nearly as many files are open as the system allows; the \
                                rest is kept for the engine; raise the limit (ulimit -n) or lower max_connections";
                    self.server.event(EventKind::Error, text.to_owned());
                }
                continue;
            }
            troubled = false;
            if asking.make_room() {
                let text = format!(
                    "{MOST_ASKING} connections are open that have not asked for anything; the oldest are closed to let \
                     others in"
                );
                self.server.event(EventKind::Warning, text);
            }
            let (listener, server) = (self.listener.clone(), self.server.clone());
            let welcome = Welcome { listener, server, peer, give_way: asking.enter(clock.now()) };
            handshakes.spawn(welcome.run(stream, tls.clone()));
        }
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.listener.state().servers.retain(|_, server| !Arc::ptr_eq(server, &self.server));
    }
}

/// How many open files there may be when one more client comes, of those that the system allows.
fn files_for_clients(allowed: Option<u64>) -> u64 {
    allowed.map_or(u64::MAX, |allowed| allowed - SPARE_FILES.min(allowed / 4))
}

/// Connections on their way in, the oldest first.
#[derive(Default)]
struct Asking {
    all: VecDeque<(Timestamp, Weak<Notify>)>,
    crowded: bool,
}

impl Asking {
    /// How long the next one has to wait, since there are too many and even the oldest is young.
    fn pause(&mut self, now: Timestamp) -> Option<Duration> {
        if self.all.len() < MOST_ASKING {
            return None;
        }
        self.all.retain(|(_, one)| one.strong_count() > 0);
        let (since, _) = self.all.front().filter(|_| self.all.len() >= MOST_ASKING)?;
        YOUNG.checked_sub(now.since(*since)).filter(|pause| !pause.is_zero())
    }

    /// Lets the oldest give way when there are too many. True when that begins.
    fn make_room(&mut self) -> bool {
        if self.all.len() < MOST_ASKING {
            return false;
        }
        self.all.retain(|(_, one)| one.strong_count() > 0);
        self.crowded &= self.all.len() > MOST_ASKING / 2;
        if self.all.len() < MOST_ASKING {
            return false;
        }
        if let Some(oldest) = self.all.pop_front().and_then(|(_, oldest)| oldest.upgrade()) {
            oldest.notify_one();
        }
        !std::mem::replace(&mut self.crowded, true)
    }

    /// One more. It counts for as long as it keeps what is returned.
    fn enter(&mut self, now: Timestamp) -> Arc<Notify> {
        let give_way = Arc::new(Notify::new());
        self.all.push_back((now, Arc::downgrade(&give_way)));
        give_way
    }
}

/// One connection on its way in.
struct Welcome {
    listener: Arc<Listener>,
    /// Who accepted it, and speaks for it until its path is known.
    server: Arc<Server>,
    peer: SocketAddr,
    /// Told when others need its place.
    give_way: Arc<Notify>,
}

/// How something ended that a client has to do its part for.
enum Within<T> {
    Done(T),
    Late,
    GaveWay,
}

impl Welcome {
    async fn run(self, stream: TcpStream, tls: Option<TlsAcceptor>) {
        // Frames are small and have to go at once; without this they go late, and that is all.
        let _quick = stream.set_nodelay(true);
        let Some(acceptor) = tls else {
            return self.shake(stream, |stream| Wire::Plain(Arc::new(stream))).await;
        };
        match self.within(acceptor.accept(stream)).await {
            Within::Done(Ok(stream)) => self.shake(stream, |stream| Wire::Tls(Box::new(stream))).await,
            Within::Done(Err(error)) => self.say(&self.server, format!("TLS failed ({})", why(&error))),
            Within::GaveWay => {}
            Within::Late => {
                self.say(&self.server, format!("TLS was not done within {} s", HANDSHAKE.as_secs()))
            }
        }
    }

    /// Runs `what` for as long as a handshake may take, and nobody else needs the place.
    async fn within<T>(&self, what: impl Future<Output = T>) -> Within<T> {
        tokio::select! {
            biased;
            done = what => Within::Done(done),
            () = self.give_way.notified() => Within::GaveWay,
            () = self.server.host.clock().sleep(HANDSHAKE) => Within::Late,
        }
    }

    fn say(&self, server: &Server, what: String) {
        server.refused(self.peer, &what);
    }

    async fn shake<S>(&self, mut stream: S, wire: impl FnOnce(S) -> Wire)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let head = self.within(handshake::read_head(&mut stream)).await;
        let head = match head {
            Within::Done(Ok(Some(head))) => head,
            Within::Done(Ok(None)) | Within::GaveWay => return,
            Within::Done(Err(refusal)) => return self.refuse(&self.server, stream, refusal).await,
            Within::Late => {
                return self.refuse(&self.server, stream, Refusal::new(408, "no request came in time")).await;
            }
        };
        let path = head.path();
        let Some(server) = self.listener.server(&path) else {
            let shown: String = path.chars().take(200).collect();
            let refusal = Refusal::new(404, format!("no item serves the path {shown:?}"));
            let event =
                format!("no item serves the path that it asks for; expected {}", self.listener.paths());
            return self.refuse(&self.server, stream, refusal.event(event)).await;
        };
        match server.let_in(&head, self.peer.to_string()).await {
            Ok(admission) => drop(server.seat(admission, wire(stream), head.rest)),
            Err(refusal) => self.refuse(&server, stream, refusal).await,
        }
    }

    async fn refuse<S>(&self, server: &Server, mut stream: S, refusal: Refusal)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        self.say(server, refusal.told());
        let answer = refusal.answer();
        let said = async {
            stream.write_all(answer.as_bytes()).await?;
            stream.shutdown().await?;
            // Closing over what it still sends would take the answer away from it.
            tokio::io::copy(&mut stream.take(1 << 20), &mut tokio::io::sink()).await
        };
        let _best_effort = self.within(said).await;
    }
}

#[cfg(test)]
mod tests {
    use model::Clock;
    use serde_json::json;
    use testkit::{FakeClock, TestHost, eventually};

    use super::*;
    use crate::sockets::testing::{PATIENCE, serve};

    #[tokio::test]
    async fn who_does_not_say_what_it_wants_is_refused_in_time_and_keeps_nobody_waiting() {
        let clock = FakeClock::new();
        let host = TestHost::new("Server").clock(clock.clone());
        let served = serve(&host, json!({})).await;
        let mut slow = TcpStream::connect(served.address).await.unwrap();
        slow.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        let begin = clock.now();
        let other = served.client().await;
        served.until_hearing(1).await;
        let refused = || host.events().iter().any(|event| event.text.contains("refused: 408"));
        eventually(PATIENCE, || {
            clock.advance(Duration::from_secs(if refused() { 0 } else { 1 }));
            refused()
        })
        .await;
        assert!(clock.now().since(begin) >= HANDSHAKE);
        slow.shutdown().await.unwrap();
        let mut answer = String::new();
        slow.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 408 Request Timeout"), "{answer}");
        drop(other);
    }

    #[test]
    fn clients_leave_files_to_everything_else() {
        assert_eq!(files_for_clients(None), u64::MAX);
        assert_eq!(files_for_clients(Some(1 << 20)), (1 << 20) - SPARE_FILES);
        assert_eq!(files_for_clients(Some(1_024)), 768);
        assert_eq!(files_for_clients(Some(64)), 48);
    }

    #[tokio::test]
    async fn many_who_ask_for_nothing_keep_out_nobody_who_does() {
        let host = TestHost::new("Server");
        let served = serve(&host, json!({})).await;
        let mut idle = Vec::new();
        for _ in 0..2 * MOST_ASKING {
            idle.push(TcpStream::connect(served.address).await.unwrap());
        }
        let client = tokio::time::timeout(PATIENCE, served.client()).await.unwrap();
        let ended = tokio::time::timeout(PATIENCE, idle[0].read(&mut [0; 64])).await.unwrap();
        assert_eq!(ended.unwrap(), 0);
        let said = host.events().into_iter().filter(|event| event.text.contains("not asked")).count();
        assert_eq!(said, 1, "{:?}", host.events());
        assert!(host.events().iter().all(|event| !event.text.contains("408")), "nobody was late");
        drop((client, idle));
    }

    #[tokio::test]
    async fn who_leaves_without_a_word_is_no_event() {
        let host = TestHost::new("Server");
        let served = serve(&host, json!({})).await;
        assert_eq!(served.raw("").await, "");
        assert_eq!(host.events().len(), 1, "{:?}", host.events());
    }
}
