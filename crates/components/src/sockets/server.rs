//! One `websocket` service at work: who is let in, who sits where, and who has to go.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::{Event, EventKind, HostContext, MessageId, SocketId, SocketSession, fault};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::Patience;
use super::ending::{Why, end};
use super::handshake::{self, Head, Refusal};
use super::hub::Hub;
use super::io::Wire;
use super::outbox::OutboxLimits;
use super::settings::Settings;
use super::socket::{Condition, Order, Socket};
use super::subscription::Subscription;
use crate::adapters::secret::bearer;

/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(5);

/// One running service.
pub(crate) struct Server {
    pub(crate) host: HostContext,
    pub(crate) settings: Arc<Settings>,
    pub(crate) hub: Arc<Hub>,
    /// Every connection, those included that may not hear (yet, or any more).
    all: Mutex<HashMap<SocketId, Arc<Socket>>>,
    places: Arc<Semaphore>,
    upgraded: mpsc::UnboundedSender<Upgraded>,
    stopping: AtomicBool,
}

/// What a handshake asked for and got.
pub(crate) struct Admission {
    /// Until it is stored without its id.
    session: SocketSession,
    /// None until it has one.
    place: Option<OwnedSemaphorePermit>,
    authenticated: bool,
    since: Option<MessageId>,
    subscription: Subscription,
}

/// A connection whose session is stored, on its way to its task.
pub(crate) struct Upgraded {
    pub(crate) wire: Wire,
    /// What came behind the handshake.
    pub(crate) rest: Vec<u8>,
    pub(crate) seat: Seat,
    pub(crate) since: Option<MessageId>,
}

/// A connection's place. When it is given up, however that comes, its session goes with it.
pub(crate) struct Seat {
    pub(crate) server: Arc<Server>,
    pub(crate) socket: Arc<Socket>,
    _place: Option<OwnedSemaphorePermit>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.server.all().remove(&self.socket.id);
        self.server.end(&self.socket, &Why::Closed);
    }
}

impl Server {
    pub(crate) fn new(
        host: HostContext,
        settings: Arc<Settings>,
        upgraded: mpsc::UnboundedSender<Upgraded>,
    ) -> Self {
        let hub = host.shared().get::<Hub>(host.name());
        hub.set_outbox(settings.outbox_limit, settings.outbox_size.0 as usize);
        let places = Arc::new(Semaphore::new(settings.max_connections));
        Server {
            host,
            settings,
            hub,
            all: Mutex::default(),
            places,
            upgraded,
            stopping: AtomicBool::new(false),
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<SocketId, Arc<Socket>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a client has to say who it is.
    pub(crate) fn wants_credentials(&self) -> bool {
        !self.settings.users.is_empty() || !self.settings.tokens.is_empty()
    }

    pub(crate) fn event(&self, kind: EventKind, text: impl Into<String>) {
        self.host.event(Event::new(kind, self.host.name(), text));
    }

    /// Says that a handshake was refused.
    pub(crate) fn refused(&self, who: impl std::fmt::Display, why: &str) {
        self.event(EventKind::Warning, format!("handshake from {who} refused: {why}"));
    }

    /// Lets a client in that asks for this server's path: its session is stored, and it has a place.
    pub(crate) async fn let_in(&self, head: &Head, address: String) -> Result<Admission, Refusal> {
        let mut admission = self.admit(head, address)?;
        admission.place = Some(self.place()?);
        self.store(&mut admission).await?;
        Ok(admission)
    }

    /// Looks at a handshake on this server's path.
    fn admit(&self, head: &Head, address: String) -> Result<Admission, Refusal> {
        let settings = &self.settings;
        let key = head.key()?.to_owned();
        let origin = head.origin();
        let allowed = &settings.allowed_origins;
        // Whoever is no browser sends no origin, and could send any.
        if !allowed.is_empty()
            && !origin.is_empty()
            && !allowed.iter().any(|one| one.eq_ignore_ascii_case(origin))
        {
            let shown: String = origin.chars().take(100).collect();
            return Err(Refusal::new(403, format!("origin {shown:?} is not one of allowed_origins")));
        }
        let user = match head.token() {
            Some(token) if !settings.tokens.is_empty() => match bearer(&settings.tokens, &token) {
                Some(name) => Some(name.to_owned()),
                None => return Err(Refusal::new(401, "the token is not known")),
            },
            _ if !settings.tokens.is_empty() && settings.users.is_empty() => {
                return Err(Refusal::new(401, "a token is required"));
            }
            _ => None,
        };
        let since = head.query("since").map(|since| since.parse().map(MessageId)).transpose();
        let since = since.map_err(|_| Refusal::new(400, "since has to be a message id"))?;
        let topics = head.query("topics").map(|topics| topics.split(',').map(str::to_owned).collect());
        let condition = head.query("where").map(|condition| condition.into_owned());
        let subscription = Subscription::new(topics, condition, &self.hub.conditions).map_err(|error| {
            Refusal::new(400, error).event("topics or where cannot be used; the answer says why")
        })?;
        let authenticated = user.is_some() || !self.wants_credentials();
        let session = SocketSession {
            id: SocketId(0),
            session_key: key,
            item: self.host.name().to_string(),
            client_address: address,
            origin: origin.to_owned(),
            user: user.unwrap_or_default(),
            connected: self.host.clock().now(),
            subscription: subscription.text().to_owned(),
        };
        Ok(Admission { session, place: None, authenticated, since, subscription })
    }

    /// Takes a place, or says that there is none.
    fn place(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        if self.stopping.load(Ordering::Acquire) {
            return Err(Refusal::new(503, "the service is stopping"));
        }
        self.places.clone().try_acquire_owned().map_err(|_| {
            let most = self.settings.max_connections;
            Refusal::new(503, format!("{most} sockets are open, as many as max_connections allows"))
        })
    }

    /// Stores the session of an admitted handshake.
    async fn store(&self, admission: &mut Admission) -> Result<(), Refusal> {
        let stored = self.host.open_socket(admission.session.clone()).await;
        let id =
            stored.map_err(|failure| Refusal::new(503, format!("the session is not stored: {failure}")))?;
        admission.session.id = id;
        fault::point("socket.accepted");
        Ok(())
    }

    /// Gives a stored session its seat, and hands the connection to the service's task. The answer
    /// that opens the socket is the first thing in its outbox.
    pub(crate) fn seat(self: &Arc<Self>, admission: Admission, wire: Wire, rest: Vec<u8>) -> Arc<Socket> {
        let settings = &self.settings;
        let limits = OutboxLimits {
            frames: settings.outbox_limit,
            bytes: settings.outbox_size.0 as usize,
            policy: settings.slow_client,
        };
        let patience = Patience {
            idle: settings.idle_timeout.0,
            ping: settings.ping_interval.0,
            write: settings.write_timeout.0,
        };
        let Admission { session, place, authenticated, since, subscription } = admission;
        let answer = handshake::accept(&session.session_key);
        let said =
            format!("socket {} opened ({}, origin {:?})", session.id, session.client_address, session.origin);
        let socket = Arc::new(Socket::new(session, Arc::new(subscription), wire.direct(), limits, patience));
        socket.authenticated.store(authenticated, Ordering::Release);
        socket.push(answer.into(), socket.accepted);
        self.all().insert(socket.id, socket.clone());
        self.event(EventKind::Info, said);
        let seat = Seat { server: self.clone(), socket: socket.clone(), _place: place };
        // Nobody takes it when the service has ended; it is then dropped, and its session with it.
        let _taken = self.upgraded.send(Upgraded { wire, rest, seat, since });
        socket
    }

    /// Ends a socket, with the events that say so.
    pub(crate) fn end(&self, socket: &Socket, why: &Why) -> bool {
        end(&self.hub, socket, &self.host, why, None)
    }

    /// Looks after every connection: pings, and sends away who is silent, stuck or a stranger.
    pub(crate) fn sweep(&self) {
        let now = self.host.clock().now();
        let all: Vec<Arc<Socket>> = self.all().values().cloned().collect();
        for socket in all {
            if let Some(since) = socket.closing_since() {
                if now.since(since) >= GOODBYE {
                    socket.order(Order::Kill, now);
                }
                continue;
            }
            let grace = self.settings.authentication_timeout;
            if !socket.authenticated.load(Ordering::Acquire) && now.since(socket.accepted) >= grace.0 {
                self.end(&socket, &Why::Refused(format!("the socket did not authenticate within {grace}")));
                socket.order(Order::Close(1008, "not authenticated in time".into()), now);
                continue;
            }
            match socket.test(now) {
                Condition::Open => socket.ping(now),
                Condition::Closed => {
                    self.end(&socket, &Why::Closed);
                    socket.order(Order::Kill, now);
                }
                Condition::TimedOut => {
                    self.end(&socket, &Why::TimedOut);
                    socket.order(Order::Close(1001, "timed out".into()), now);
                }
            }
        }
    }

    /// How often to sweep, so that no time is overstepped by much.
    pub(crate) fn sweep_interval(&self) -> Duration {
        let settings = &self.settings;
        let shortest = [
            settings.authentication_timeout,
            settings.ping_interval,
            settings.idle_timeout,
            settings.write_timeout,
        ]
        .into_iter()
        .min();
        shortest.map_or(GOODBYE, |span| span.0 / 4).clamp(Duration::from_millis(20), Duration::from_secs(1))
    }

    /// Says goodbye to everybody, since the service stops: no session is left behind.
    pub(crate) fn close_all(&self) {
        self.stopping.store(true, Ordering::Release);
        let now = self.host.clock().now();
        let all: Vec<Arc<Socket>> = self.all().values().cloned().collect();
        let mut ids = Vec::new();
        for socket in &all {
            if socket.end() {
                self.hub.leave(socket.id);
                ids.push(socket.id);
            }
            socket.order(Order::Close(1001, "the service stops".into()), now);
        }
        if !ids.is_empty() {
            let text = format!("{} open sockets are closed and deleted, since the service stops", ids.len());
            self.host.delete_sockets(ids, vec![Event::new(EventKind::Info, self.host.name(), text)]);
        }
    }
}
