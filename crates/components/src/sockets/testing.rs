//! What tests of sockets need: a service that runs, clients, and a process that speaks.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use hl7::schema::{Custom, CustomField, CustomSegment, Schemas};
use model::{
    Built, BusinessProcess, Component, Decision, Failure, Library, Message, SocketId, SocketSession,
    Timestamp,
};
use serde_json::{Value, json};
use testkit::{TestHost, eventually};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::protocol::Message as Frame;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::hub::Hub;
use super::listener::Listener;
use super::outbox::{OutboxLimits, SlowClient};
use super::socket::Socket;
use super::{Patience, subscription::Subscription};
use crate::processes::socket_invocation::SocketInvocation;
use crate::services::websocket::WebSocketService;

/// Long enough for a machine that does other things too.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
const LISTEN: &str = "127.0.0.1:0";
pub(crate) const PATH: &str = "/csp/user/User.WebSocketServer.cls";

pub(crate) type Client = WebSocketStream<TcpStream>;

/// An ADT message with that id and trigger event.
pub(crate) fn adt(id: u64, event: &str) -> Message {
    testkit::message(id, &format!("MSH|^~\\&|A|B|C|D|20261123||ADT^{event}|{id}|P|2.5\rPID|1||{id}\r"))
}

/// A production with a schema of its own: `Hospital`, with a segment ZPD that has a field Level.
pub(crate) fn hospital() -> Library {
    let level =
        CustomField { name: Some("Level".into()), datatype: Some("ST".into()), ..CustomField::default() };
    let zpd = CustomSegment { id: "ZPD".into(), name: None, fields: vec![level] };
    let (name, base) = ("Hospital".into(), "2.5.1".into());
    let mut schemas = Schemas::default();
    assert_eq!(schemas.add(&Custom { name, base, segments: vec![zpd], ..Custom::default() }), []);
    Library::default().with(schemas)
}

/// A service that runs, and where.
pub(crate) struct Served {
    pub(crate) host: TestHost,
    pub(crate) address: SocketAddr,
    task: JoinHandle<Result<(), Failure>>,
}

/// Runs a `websocket` service on a free port, with these settings.
pub(crate) async fn serve(host: &TestHost, settings: Value) -> Served {
    serve_beside(&Library::default(), host, settings).await
}

/// The same in a production that defines these things beside its items.
pub(crate) async fn serve_beside(library: &Library, host: &TestHost, mut settings: Value) -> Served {
    settings["listen"] = json!(LISTEN);
    let settings = serde_json::from_value(settings).unwrap();
    let Ok(Built::Service(mut service)) = WebSocketService::build(settings, library) else {
        panic!("no service")
    };
    let context = host.context();
    let task = tokio::spawn(async move { service.run(&context).await });
    eventually(PATIENCE, || host.has_started() || task.is_finished()).await;
    let address = host.context().shared().get::<Listener>(LISTEN).address();
    Served { host: host.clone(), address: address.expect("it listens"), task }
}

impl Served {
    /// A client on the service's path.
    pub(crate) async fn client(&self) -> Client {
        self.client_at(PATH).await
    }

    /// A client on that path, which may have a query behind it.
    pub(crate) async fn client_at(&self, path: &str) -> Client {
        self.try_client(path).await.expect("the handshake is accepted")
    }

    pub(crate) async fn try_client(
        &self,
        path: &str,
    ) -> Result<Client, tokio_tungstenite::tungstenite::Error> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        client_async(format!("ws://{}{path}", self.address), stream).await.map(|(client, _)| client)
    }

    /// Everything that is answered to these bytes, until the service closes.
    pub(crate) async fn raw(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
        String::from_utf8(answer).unwrap()
    }

    /// Returns when so many sockets hear.
    pub(crate) async fn until_hearing(&self, count: usize) {
        let hub = self.hub();
        eventually(PATIENCE, || hub.hearers() == count).await;
    }

    pub(crate) fn hub(&self) -> Arc<Hub> {
        let context = self.host.context();
        context.shared().get(context.name())
    }

    /// Returns when an event has this text in it, and how many have.
    pub(crate) async fn until_said(&self, text: &str) -> usize {
        let said = || self.host.events().iter().filter(|event| event.text.contains(text)).count();
        eventually(PATIENCE, || said() > 0).await;
        said()
    }

    /// Stops the service and returns how it ended.
    pub(crate) async fn stop(self) -> Result<(), Failure> {
        self.host.stop();
        tokio::time::timeout(PATIENCE, self.task).await.unwrap().unwrap()
    }
}

/// A process that speaks to the sockets of `Served`'s item, as the same host.
pub(crate) struct Speaker {
    process: Box<dyn BusinessProcess>,
    host: TestHost,
}

/// A started `socket.invocation` that says `message` to the sockets of the same host.
pub(crate) async fn speaker(host: &TestHost, message: &str) -> Speaker {
    speaker_at(host, host.context().name(), message).await
}

/// A started `socket.invocation` that says `message` to the sockets of `server`.
pub(crate) async fn speaker_at(host: &TestHost, server: &str, message: &str) -> Speaker {
    let settings = serde_json::from_value(json!({ "server": server, "message": message, "topic": "ward" }));
    let Ok(Built::Process(mut process)) =
        SocketInvocation::build(settings.unwrap(), &model::Library::default())
    else {
        panic!("no process")
    };
    process.start(&host.context()).await.unwrap();
    Speaker { process, host: host.clone() }
}

impl Speaker {
    /// Tells these messages, which never waits for a reader.
    pub(crate) async fn tell(&mut self, messages: &[Message]) {
        let context = self.host.context();
        let told = self.process.on_messages(messages, &context);
        let decisions = tokio::time::timeout(PATIENCE, told).await.expect("a broadcast does not wait");
        assert_eq!(decisions.len(), messages.len());
        assert!(decisions.iter().all(|decision| matches!(decision, Decision::Completed { .. })));
    }
}

/// What comes next; none when the other side is gone.
pub(crate) async fn next(client: &mut Client) -> Option<Frame> {
    let came = tokio::time::timeout(PATIENCE, client.next()).await.expect("something comes in time");
    came.and_then(Result::ok)
}

/// The text that comes next, pings aside.
pub(crate) async fn text(client: &mut Client) -> String {
    loop {
        match next(client).await {
            Some(Frame::Text(text)) => return text.to_string(),
            Some(Frame::Ping(_)) => {}
            other => panic!("expected a text, got {other:?}"),
        }
    }
}

/// The code that the socket is closed with, whatever comes before; 0 for none. Reads to the end, as
/// the client's own goodbye is sent when it reads on.
pub(crate) async fn close_code(client: &mut Client) -> u16 {
    let mut code = 0;
    while let Some(frame) = next(client).await {
        if let Frame::Close(Some(frame)) = frame {
            code = frame.code.into();
        }
    }
    code
}

/// A socket that hears and has no task of its own, and the other end of its connection.
pub(crate) async fn lone_socket(host: &TestHost, connected: Timestamp) -> (Arc<Socket>, TcpStream) {
    let listener = tokio::net::TcpListener::bind(LISTEN).await.unwrap();
    let other = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, peer) = listener.accept().await.unwrap();
    let mut session = SocketSession {
        id: SocketId(0),
        session_key: "dGhlIHNhbXBsZSBub25jZQ==".into(),
        item: "Server".into(),
        client_address: peer.to_string(),
        origin: String::new(),
        user: String::new(),
        connected,
        subscription: String::new(),
    };
    session.id = host.leave_socket(session.clone());
    let limits = OutboxLimits { frames: 2, bytes: 1 << 20, policy: SlowClient::DropOldest };
    let minute = Duration::from_secs(60);
    let patience = Patience { idle: minute, ping: minute / 3, write: minute / 2 };
    let socket =
        Socket::new(session, Arc::new(Subscription::default()), Some(Arc::new(stream)), limits, patience);
    let socket = Arc::new(socket);
    host.context().shared().get::<Hub>(host.context().name()).join(&socket);
    (socket, other)
}
