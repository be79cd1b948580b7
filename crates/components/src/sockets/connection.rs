//! One connection: reads what the client says, and drains what waits for it.
//!
//! The task waits for whichever comes first and never stops draining while it is busy with a message.
//! It holds no timer: the service's keeper looks after all sockets at once.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use model::{Arrival, BodyClass, EventKind, Failure, Intake, MessageBody, MessageId};
use tokio::io::{AsyncRead, ReadBuf};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message, Role, WebSocketConfig};

use super::ending::Why;
use super::io::SharedIo;
use super::login::Login;
use super::replay;
use super::server::{Seat, Upgraded};
use super::socket::{Order, Socket};
use super::subscription::Subscription;

/// What a connection reads at a time. The library's default would cost 128 KiB for each.
const READ_BUFFER: usize = 1024;
/// While so many pongs and answers wait, nothing more is read: a client cannot make them pile up.
const MOST_UNCOUNTED: usize = 16;

type Busy = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;

/// One connection at work.
pub(crate) struct Connection {
    ws: WebSocketStream<SharedIo>,
    seat: Seat,
    /// What has to be done before more is read.
    busy: Option<Busy>,
    since: Option<MessageId>,
    said_no_targets: bool,
    /// Whether the client has been sent away: what it still says is of no interest.
    deaf: bool,
}

enum Step {
    Order(Order),
    Came(Option<Result<Message, Error>>),
    Done(Result<(), Failure>),
    Gone,
}

impl Connection {
    pub(crate) async fn new(upgraded: Upgraded) -> Self {
        let Upgraded { wire, rest, seat, since } = upgraded;
        let most = seat.server.settings.max_message_size.0 as usize;
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_write_buffer_size(1024)
            .max_message_size(Some(most))
            .max_frame_size(Some(most));
        let io = SharedIo::new(wire, seat.socket.clone(), seat.server.host.clone());
        let ws = WebSocketStream::from_partially_read(io, rest, Role::Server, Some(config)).await;
        Connection { ws, seat, busy: None, since, said_no_targets: false, deaf: false }
    }

    /// Runs until the socket is closed. Whatever ends it, its session is deleted with its seat.
    pub(crate) async fn run(mut self) {
        if self.socket().authenticated.load(Ordering::Acquire) {
            self.begin_to_hear();
        }
        loop {
            match poll_fn(|cx| self.poll_step(cx)).await {
                Step::Gone | Step::Order(Order::Kill) => return,
                Step::Order(Order::Close(code, reason)) => self.say_goodbye(code, reason),
                Step::Came(Some(Ok(message))) => self.on_message(message),
                Step::Came(Some(Err(error))) => {
                    if self.on_error(&error) {
                        self.leave(true).await;
                    }
                    return;
                }
                Step::Came(None) => return self.leave(false).await,
                Step::Done(result) => self.on_done(result),
            }
        }
    }

    fn socket(&self) -> &Arc<Socket> {
        &self.seat.socket
    }

    fn now(&self) -> model::Timestamp {
        self.seat.server.host.clock().now()
    }

    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        self.seat.socket.waker.register(cx.waker());
        if let Some(order) = self.seat.socket.take_order() {
            return Poll::Ready(Step::Order(order));
        }
        if let Poll::Ready(Err(_gone)) = self.poll_drain(cx) {
            return Poll::Ready(Step::Gone);
        }
        if let Some(busy) = &mut self.busy {
            let result = ready!(busy.as_mut().poll(cx));
            self.busy = None;
            return Poll::Ready(Step::Done(result));
        }
        if self.seat.socket.outbox().uncounted() >= MOST_UNCOUNTED {
            return Poll::Pending;
        }
        self.ws.poll_next_unpin(cx).map(Step::Came)
    }

    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        let left = self.seat.socket.outbox().left();
        let drained = self.ws.get_mut().poll_drain(cx);
        if self.seat.socket.outbox().left() != left {
            self.seat.socket.moved(self.now());
        }
        drained
    }

    fn on_message(&mut self, message: Message) {
        let now = self.now();
        self.socket().hear(now);
        match message {
            Message::Close(_) => {
                self.seat.server.end(self.socket(), &Why::Closed);
                self.socket().begin_closing(now);
                // Nobody reads on; only the goodbye still has to go.
                self.socket().outbox().clear();
            }
            _ if self.deaf => {}
            Message::Text(text) => self.on_text(&text),
            Message::Binary(bytes) if self.is_known() => self.send_on(BodyClass::BYTES, bytes),
            Message::Binary(_) => self.refuse_stranger(),
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
    }

    fn is_known(&self) -> bool {
        self.socket().authenticated.load(Ordering::Acquire)
    }

    fn on_text(&mut self, text: &tokio_tungstenite::tungstenite::Utf8Bytes) {
        // A login is never sent on, whenever it comes: it has a password in it.
        if let Some(login) = Login::read(text) {
            if !self.is_known() {
                self.on_login(&login);
            }
            return;
        }
        if !self.is_known() {
            return self.refuse_stranger();
        }
        match Subscription::read(text, &self.seat.server.hub.conditions) {
            Some(Ok(subscription)) => {
                let asked = subscription.text().to_owned();
                self.socket().subscribe(subscription);
                let session = self.socket().change(|session| session.subscription = asked);
                self.seat.server.host.change_socket(session);
            }
            Some(Err(error)) => self.socket().answer(&error, self.now()),
            None => self.send_on(BodyClass::TEXT, Bytes::copy_from_slice(text.as_bytes())),
        }
    }

    fn on_login(&mut self, login: &Login) {
        let server = self.seat.server.clone();
        if !login.is_one_of(&server.settings.users) {
            return self.refuse("user or password is wrong", "a client's user or password is wrong");
        }
        self.socket().authenticated.store(true, Ordering::Release);
        server.host.change_socket(self.socket().change(|session| session.user = login.user.clone()));
        self.begin_to_hear();
    }

    fn refuse_stranger(&mut self) {
        self.refuse("authentication is required", "a client sent something before it authenticated");
    }

    fn refuse(&mut self, answer: &str, event: &str) {
        self.socket().answer(answer, self.now());
        self.seat.server.end(self.socket(), &Why::Refused(event.to_owned()));
        self.say_goodbye(1008, answer.to_owned());
    }

    fn begin_to_hear(&mut self) {
        let Seat { server, socket, .. } = &self.seat;
        match self.since.take() {
            None => server.hub.join(socket),
            Some(since) => self.busy = Some(Box::pin(replay::run(server.clone(), socket.clone(), since))),
        }
    }

    /// Hands what the client sent to the service's targets. Until it is stored nothing more is read.
    fn send_on(&mut self, class: BodyClass, content: Bytes) {
        let server = self.seat.server.clone();
        if server.host.targets().is_empty() {
            self.socket().answer("this service takes no messages: it has no targets", self.now());
            if !std::mem::replace(&mut self.said_no_targets, true) {
                let text = format!(
                    "socket {} ({}) sent a message, but the item has no targets; it was answered with an error",
                    self.socket().id,
                    self.socket().address
                );
                server.event(EventKind::Warning, text);
            }
            return;
        }
        let charset = if class == BodyClass::TEXT { "UTF-8" } else { "" };
        let body = MessageBody::described(class, content, String::new(), charset.to_owned(), String::new());
        let arrival = Arrival::new(body);
        self.busy = Some(Box::pin(async move {
            let intake = Intake { arrivals: vec![arrival], ..Intake::default() };
            server.host.submit(intake).await?.durable().await
        }));
    }

    fn on_done(&mut self, result: Result<(), Failure>) {
        match result {
            Ok(()) => {}
            Err(Failure::Stopping) => {
                self.socket().answer("the message is not taken in: the engine is stopping", self.now());
            }
            Err(failure) => {
                self.socket().answer("the message is not taken in", self.now());
                let text = format!("a message of socket {} is not taken in: {failure}", self.socket().id);
                self.seat.server.event(EventKind::Error, text);
            }
        }
    }

    /// What the client did wrong; false when it is simply gone.
    fn on_error(&mut self, error: &Error) -> bool {
        let (code, reason) = match error {
            Error::Capacity(_) => (1009, "a message is larger than max_message_size"),
            Error::Utf8(_) => (1007, "a text is not UTF-8"),
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => return false,
            Error::Protocol(_) => (1002, "a frame breaks the protocol"),
            _ => return false,
        };
        self.seat.server.end(self.socket(), &Why::Refused(format!("a client is sent away: {reason}")));
        self.say_goodbye(code, reason.to_owned());
        true
    }

    fn say_goodbye(&mut self, code: u16, reason: String) {
        self.busy = None;
        self.deaf = true;
        self.socket().begin_closing(self.now());
        let frame = CloseFrame { code: code.into(), reason: reason.into() };
        // The outbox takes it at once; when it was said before, once is enough.
        let _said = self.ws.close(Some(frame)).now_or_never();
    }

    /// Writes what is left. A client that has not said goodbye itself (`linger`) is then waited for:
    /// closing over what it still sends would take ours away from it. The keeper ends a wait that is
    /// too long.
    async fn leave(mut self, linger: bool) {
        self.socket().begin_closing(self.now());
        let mut finished = false;
        poll_fn(|cx| {
            self.seat.socket.waker.register(cx.waker());
            if self.seat.socket.take_order() == Some(Order::Kill) {
                return Poll::Ready(());
            }
            if ready!(self.poll_drain(cx)).is_err() {
                return Poll::Ready(());
            }
            let io = self.ws.get_mut();
            let gone = !std::mem::replace(&mut finished, true) && io.finish(cx).is_err();
            if gone || !linger {
                return Poll::Ready(());
            }
            loop {
                let mut waste = [0; 512];
                let mut buf = ReadBuf::new(&mut waste);
                match ready!(Pin::new(&mut *io).poll_read(cx, &mut buf)) {
                    Ok(()) if !buf.filled().is_empty() => {}
                    _ => return Poll::Ready(()),
                }
            }
        })
        .await;
    }
}
