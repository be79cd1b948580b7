//! Browsers in a rehearsal, and the `websocket` service that they connect to: the real one, with its
//! handshake, logins, subscriptions and the end of its sockets, but through memory instead of a network.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use data_encoding::BASE64;
use futures_util::{SinkExt, StreamExt};
use model::{BuildError, HostContext, Library, SocketId};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::services::websocket::serve;
use crate::sockets::handshake::{self, Refusal};
use crate::sockets::io::Wire;
use crate::sockets::server::{Server, Upgraded};
use crate::sockets::settings::Settings;
use crate::sockets::socket::Socket;
use crate::sockets::subscription::Conditions;

/// What may be on its way between a browser and its server.
const ON_THE_WAY: usize = 64 << 20;
/// How long a server may take to answer, by the machine's clock: for one that never does.
const PATIENCE: Duration = Duration::from_secs(10);

/// A `websocket` service without an address.
pub struct SocketServer {
    server: Arc<Server>,
    arriving: mpsc::UnboundedReceiver<Upgraded>,
}

/// The way into a [`SocketServer`].
#[derive(Clone)]
pub struct Entrance(Arc<Server>);

/// Who connects, and what for.
#[derive(Debug, Clone, Default)]
pub struct Visitor {
    /// What it is called where the address of a client is told.
    pub name: String,
    /// The page that it is part of; empty for none.
    pub origin: String,
    /// Who logs in; none for nobody.
    pub user: Option<String>,
    /// With which password; none for the one that the service knows.
    pub password: Option<String>,
    /// The topics that it subscribes to; none for all.
    pub topics: Option<Vec<String>>,
    /// The condition that it subscribes with; none for always.
    pub condition: Option<String>,
    /// It has heard everything up to this message; none where it is new.
    pub since: Option<u64>,
}

/// One connection of a browser.
#[derive(Clone)]
pub struct Browser {
    /// None where it was not let in.
    socket: Option<Arc<Socket>>,
    known: Arc<Mutex<Known>>,
    silent: Arc<AtomicBool>,
    orders: mpsc::UnboundedSender<Order>,
    host: HostContext,
}

#[derive(Default)]
struct Known {
    heard: Vec<String>,
    end: Option<String>,
}

enum Order {
    Say(String),
    Leave,
    /// Answer when the server has done all that it was asked for.
    Ask(oneshot::Sender<()>),
}

impl SocketServer {
    /// As a service with these settings.
    ///
    /// # Errors
    /// When its settings are wrong.
    pub fn of(settings: &Value, library: &Library, host: &HostContext) -> Result<Self, BuildError> {
        let settings: Settings = super::read(settings)?;
        let (upgraded, arriving) = mpsc::unbounded_channel();
        let server = Server::new(host.clone(), Arc::new(settings), upgraded);
        server.hub.conditions.read_by(&Conditions::words(library));
        Ok(SocketServer { server: Arc::new(server), arriving })
    }

    /// The way in.
    pub fn entrance(&self) -> Entrance {
        Entrance(self.server.clone())
    }

    /// Runs until the host is asked to stop, and then says goodbye.
    pub async fn run(self) {
        let nobody = async |_: &mut JoinSet<()>| std::future::pending().await;
        serve(&self.server, nobody, self.arriving).await;
    }
}

impl Entrance {
    /// Connects, logs in and subscribes as `visitor` says. Returns when that is done, or refused.
    pub async fn connect(&self, visitor: &Visitor) -> Browser {
        let (mut own, mut theirs) = tokio::io::duplex(ON_THE_WAY);
        let request = self.request(visitor);
        // Memory takes everything, and both ends are here.
        let _written = own.write_all(request.as_bytes()).await;
        let (orders, ordered) = mpsc::unbounded_channel();
        let host = self.0.host.clone();
        let mut browser =
            Browser { socket: None, known: Arc::default(), silent: Arc::default(), orders, host };
        let admitted = match handshake::read_head(&mut theirs).await {
            Ok(Some(head)) => self.0.let_in(&head, visitor.name.clone()).await.map(|seat| (seat, head.rest)),
            Ok(None) => Err(Refusal::new(400, "nothing was asked for")),
            Err(refusal) => Err(refusal),
        };
        match admitted {
            Ok((admission, rest)) => {
                browser.socket = Some(self.0.seat(admission, Wire::Memory(theirs), rest));
            }
            Err(refusal) => {
                self.0.refused(&visitor.name, &refusal.told());
                browser.known().end = Some(format!("its handshake was refused: {}", refusal.told()));
                return browser;
            }
        }
        tokio::spawn(browser.clone().browse(own, ordered));
        for text in self.first_words(visitor) {
            browser.say(text);
        }
        browser.settled().await;
        browser
    }

    fn request(&self, visitor: &Visitor) -> String {
        let settings = &self.0.settings;
        let since = visitor.since.map_or_else(String::new, |id| format!("?since={id}"));
        let origin = match visitor.origin.as_str() {
            "" => String::new(),
            origin => format!("Origin: {origin}\r\n"),
        };
        let token = visitor.user.as_ref().and_then(|user| settings.tokens.get(user));
        let token =
            token.map_or_else(String::new, |token| format!("Authorization: Bearer {}\r\n", token.reveal()));
        let mut key = [b'.'; 16];
        key.iter_mut().zip(visitor.name.bytes()).for_each(|(place, byte)| *place = byte);
        // A path may have spaces and other letters in it, and is decoded by whoever reads it.
        let path: String = settings.path.bytes().map(encoded).collect();
        format!(
            "GET {path}{since} HTTP/1.1\r\nHost: rehearsal\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {}\r\n{origin}{token}\r\n",
            BASE64.encode(&key)
        )
    }

    /// What it says as soon as it is connected: who it is, and what it wants to hear.
    fn first_words(&self, visitor: &Visitor) -> Vec<String> {
        let settings = &self.0.settings;
        let mut words = Vec::new();
        if let Some(user) = visitor.user.as_ref().filter(|user| !settings.tokens.contains_key(*user)) {
            let known = || settings.users.get(user).map(|password| password.reveal().to_owned());
            let password = visitor.password.clone().or_else(known).unwrap_or_default();
            words.push(json!({ "User": user, "Password": password }).to_string());
        }
        let mut asked = serde_json::Map::new();
        if let Some(topics) = &visitor.topics {
            asked.insert("topics".to_owned(), json!(topics));
        }
        if let Some(condition) = &visitor.condition {
            asked.insert("where".to_owned(), json!(condition));
        }
        if !asked.is_empty() {
            words.push(json!({ "subscribe": asked }).to_string());
        }
        words
    }
}

/// A byte of a path as it stands in an address.
fn encoded(byte: u8) -> String {
    match byte {
        b'/' | b'.' | b'-' | b'_' | b'~' => char::from(byte).to_string(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    }
}

impl Browser {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The id of its session; none where it was not let in.
    pub fn id(&self) -> Option<SocketId> {
        self.socket.as_ref().map(|socket| socket.id)
    }

    /// All texts that it was told, in order.
    pub fn heard(&self) -> Vec<String> {
        self.known().heard.clone()
    }

    /// How many texts it was told, and whether its server has done with it: other than before when
    /// something has happened to it.
    pub fn look(&self) -> (usize, bool) {
        (self.known().heard.len(), self.socket.as_ref().is_none_or(|socket| socket.has_ended()))
    }

    /// How its connection ended; none while it has not.
    pub fn end(&self) -> Option<String> {
        self.known().end.clone()
    }

    /// Whether its server is about to end it, as soon as the clock has gone on: it is silent, or has not
    /// said who it is.
    pub fn is_awaited(&self) -> bool {
        self.socket.as_ref().is_some_and(|socket| {
            let is_stranger = !socket.authenticated.load(Ordering::Acquire);
            !socket.has_ended() && (is_stranger || self.silent.load(Ordering::Acquire))
        })
    }

    /// Says something to its server.
    pub fn say(&self, text: String) {
        self.order(Order::Say(text));
    }

    /// Says goodbye.
    pub fn leave(&self) {
        self.order(Order::Leave);
    }

    /// From now on it neither reads nor says anything, as a machine that was switched off.
    pub fn be_silent(&self) {
        self.silent.store(true, Ordering::Release);
        // It may be waiting for something to read.
        self.order(Order::Ask(oneshot::channel().0));
    }

    /// Returns when its server has done all that it was asked for so far.
    pub async fn settled(&self) {
        let (answer, answered) = oneshot::channel();
        self.order(Order::Ask(answer));
        // One that is sent away is answered nothing any more.
        let _settled = tokio::time::timeout(PATIENCE, answered).await;
    }

    fn order(&self, order: Order) {
        // One that has ended does nothing.
        let _ended = self.orders.send(order);
    }

    /// What a browser does, until its connection has ended.
    async fn browse(self, mut stream: DuplexStream, mut ordered: mpsc::UnboundedReceiver<Order>) {
        let rest = read_answer(&mut stream).await;
        let mut socket = WebSocketStream::from_partially_read(stream, rest, Role::Client, None).await;
        let mut asked: Option<oneshot::Sender<()>> = None;
        let end = loop {
            if self.silent.load(Ordering::Acquire) {
                // Only at the end of the case it reads on, so that nobody waits for its goodbye.
                self.host.stopping().await;
                self.silent.store(false, Ordering::Release);
            }
            let came = tokio::select! {
                biased;
                came = socket.next() => came,
                Some(order) = ordered.recv() => {
                    // What cannot be written is a connection that has ended, which is read next.
                    let _written = match order {
                        Order::Say(text) => socket.send(Frame::text(text)).await,
                        Order::Leave => socket.close(None).await,
                        Order::Ask(answer) => {
                            asked = Some(answer);
                            socket.send(Frame::Ping(Vec::new().into())).await
                        }
                    };
                    continue;
                }
            };
            match came {
                Some(Ok(Frame::Text(text))) => self.known().heard.push(text.to_string()),
                Some(Ok(Frame::Pong(_))) => drop(asked.take().map(|asked| asked.send(()))),
                Some(Ok(Frame::Close(Some(frame)))) => {
                    let why = format!("it was closed with {} ({})", u16::from(frame.code), frame.reason);
                    self.known().end.get_or_insert(why);
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => break "its connection has ended".to_owned(),
            }
        };
        self.known().end.get_or_insert(end);
    }
}

/// Reads the head of the answer that opens a socket, and returns what came behind it.
async fn read_answer(stream: &mut DuplexStream) -> Vec<u8> {
    let mut head = Vec::new();
    while let Ok(1..) = stream.read_buf(&mut head).await {
        if let Some(at) = head.windows(4).position(|four| four == b"\r\n\r\n") {
            return head.split_off(at + 4);
        }
    }
    Vec::new()
}

#[cfg(test)]
mod tests;
