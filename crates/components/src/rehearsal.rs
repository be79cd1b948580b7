//! What stands in for the world when a production is rehearsed without it: messages come in as the real
//! services take them, answers decide as the real operations let them, and somebody listens to the
//! sockets. Nothing here opens, listens or writes.

mod browser;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use hl7::PieceKind;
use model::{
    Arrival, BodyClass, BuildError, Decision, Failure, HostContext, Intake as Change, Library, Message,
    MessageBody, SocketId, SocketSession, Span,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::hl7::answers::{Answering, Says};
use crate::hl7::inbound::{Group, Inbound, Source};
use crate::hl7::reply::{PeerReply, SaveReplies, unreadable};
use crate::hl7::reply_actions::{Came, ReplyActions};
use crate::hl7::settings::InboundSettings;
use crate::operations::{hl7_http, hl7_tcp, http};
use crate::sockets::Patience;
use crate::sockets::hub::Hub;
use crate::sockets::outbox::{OutboxLimits, SlowClient};
use crate::sockets::socket::Socket;
use crate::sockets::subscription::Subscription;

pub use browser::{Browser, Entrance, SocketServer, Visitor};

/// The longest message.
const LONGEST: usize = 64 << 20;
/// Longer than any rehearsal.
const FOR_EVER: Duration = Duration::from_secs(u32::MAX as u64);

/// What a service does with what comes.
pub struct Intake(Option<Arc<Inbound>>);

/// What a sender was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// An acknowledgement, or another answer.
    Message(Bytes),
    /// A single byte: yes or no.
    Byte(u8),
}

/// Hears what a sender is told, some of it later than the rest.
pub struct Hearing(Option<Answering>);

impl Intake {
    /// As a service of that type does it, with these settings.
    ///
    /// # Errors
    /// When its settings are wrong.
    pub fn of(type_name: &str, settings: &Value, library: &Library) -> Result<Self, BuildError> {
        if !type_name.starts_with("hl7.") {
            return Ok(Intake(None));
        }
        let mut settings = settings.clone();
        if type_name == "hl7.file"
            && let Some(all) = settings.as_object_mut()
        {
            // Nobody waits for an answer to a file.
            all.insert("ack_mode".to_owned(), "never".into());
        }
        let read: InboundSettings = read(&settings)?;
        Ok(Intake(Some(Arc::new(Inbound::new(&read, library)?))))
    }

    /// Takes in what came as one, from a file of that name, and returns when it is stored.
    ///
    /// # Errors
    /// When nothing more is taken in.
    pub async fn take(&self, bytes: Bytes, name: &str, host: &HostContext) -> Result<Hearing, Failure> {
        let Some(inbound) = &self.0 else {
            let class = if std::str::from_utf8(&bytes).is_ok() { BodyClass::TEXT } else { BodyClass::BYTES };
            let body = MessageBody::described(class, bytes, String::new(), String::new(), name.to_owned());
            let change = Change { arrivals: vec![Arrival::new(body)], ..Change::default() };
            host.submit(change).await?.durable().await?;
            return Ok(Hearing(None));
        };
        let source = Source { name: name.to_owned(), charset: String::new(), longest: LONGEST };
        let mut group = Group::default();
        inbound.read(bytes, &source, &mut group);
        let mut answering = Answering::new(inbound, host);
        answering.committed(group.submit(host).await).await?;
        Ok(Hearing(Some(answering)))
    }
}

impl Hearing {
    /// What was told since this was asked last.
    pub fn told(&mut self) -> Vec<Told> {
        let ready = self.0.as_mut().map(|answering| std::mem::take(&mut answering.ready));
        let told = ready.into_iter().flatten().map(|answer| match answer.says {
            Says::Message(bytes) => Told::Message(bytes),
            Says::Byte(byte) => Told::Byte(byte),
        });
        told.collect()
    }

    /// Returns when more was told; false when nothing more will be.
    pub async fn more(&mut self) -> bool {
        match &mut self.0 {
            Some(answering) if answering.waiting() > 0 => answering.replied().await.is_ok(),
            _ => false,
        }
    }
}

/// Who an operation sends to, as it is called in reasons.
const PEER: &str = "the receiver";

/// What an operation makes of the answers to what it sends, and of none.
pub struct Replies {
    /// None where nobody's answer is asked for.
    asked: Option<Asked>,
    patience: Option<Duration>,
}

struct Asked {
    actions: ReplyActions,
    saves: SaveReplies,
}

impl Replies {
    /// As an operation of that type does it, with these settings.
    ///
    /// # Errors
    /// When its settings are wrong.
    pub fn of(type_name: &str, settings: &Value) -> Result<Self, BuildError> {
        let asked = |waits: bool, actions: &str, saves| match waits {
            false => Ok(None),
            true => {
                let actions = actions.parse().map_err(|_| {
                    let message = "reply_code_actions cannot be read".to_owned();
                    BuildError { path: "reply_code_actions".to_owned(), message }
                })?;
                Ok(Some(Asked { actions, saves }))
            }
        };
        match type_name {
            "hl7.tcp" => {
                let own: hl7_tcp::Settings = read(settings)?;
                let asked = asked(own.get_reply, &own.reply_code_actions, own.save_replies)?;
                Ok(Replies { patience: own.response_timeout.0.filter(|_| asked.is_some()), asked })
            }
            "hl7.http" => {
                let own: hl7_http::Settings = read(settings)?;
                let asked = asked(own.get_reply, &own.reply_code_actions, own.save_replies)?;
                Ok(Replies { patience: own.http.response_timeout.0, asked })
            }
            "http" => {
                let own: http::Settings = read(settings)?;
                Ok(Replies { patience: own.http.response_timeout.0, asked: None })
            }
            _ => Ok(Replies { patience: None, asked: None }),
        }
    }

    /// How long an answer is waited for; none for ever, or where none comes.
    pub fn patience(&self) -> Option<Duration> {
        self.patience
    }

    /// Whether it is HL7 that answers.
    pub fn are_asked_for(&self) -> bool {
        self.asked.is_some()
    }

    /// What is decided about a message that was not answered in time.
    pub fn silence(&self, item: &str, request: &Message) -> Decision {
        let text = format!("no answer from {PEER} within {}", Span(self.patience.unwrap_or_default()));
        match &self.asked {
            None => Decision::retry(text),
            Some(asked) => asked.actions.rule(PEER, Came::NoReply(&text)).decide(item, request, None),
        }
    }

    /// What is decided about a message that was answered like this.
    pub fn answered(&self, item: &str, request: &Message, answer: Bytes) -> Decision {
        let Some(Asked { actions, saves }) = &self.asked else { return Decision::completed() };
        let reply = match PeerReply::read(answer) {
            Ok(reply) => reply,
            Err(error) => {
                let ruling = actions.rule(PEER, Came::BadReply(&unreadable(PEER, &error)));
                return ruling.decide(item, request, None);
            }
        };
        let read = crate::message::hl7(&request.body);
        let message = read.ok();
        let id = message.as_ref().map(hl7::ack::control_id).unwrap_or_default();
        let ruling = actions.rule(PEER, reply.came(message.as_ref(), &id));
        let kept = saves.keeps(request, reply.is_positive()).then(|| reply.body());
        ruling.decide(item, request, kept)
    }
}

fn read<T: DeserializeOwned>(settings: &Value) -> Result<T, BuildError> {
    serde_json::from_value(settings.clone())
        .map_err(|error| BuildError { path: String::new(), message: error.to_string() })
}

/// Whether the bytes are an HL7 message, or begin with one.
pub fn is_hl7(bytes: &Bytes) -> bool {
    hl7::split::all(bytes.clone(), LONGEST).any(|piece| piece.kind == PieceKind::Message)
}

/// Listens to what the sockets of one server are told, as a client does that subscribed to everything.
pub struct Ear(Mutex<Listening>);

struct Listening {
    socket: Arc<Socket>,
    heard: Vec<String>,
}

impl Ear {
    /// Listens from now on, in the place of the server that `host` is.
    pub fn open(host: &HostContext) -> Ear {
        let session = SocketSession {
            id: SocketId(0),
            session_key: "rehearsal".to_owned(),
            item: host.name().to_string(),
            client_address: "a listener".to_owned(),
            origin: String::new(),
            user: String::new(),
            connected: host.clock().now(),
            subscription: String::new(),
        };
        let half = usize::MAX / 2;
        let limits = OutboxLimits { frames: half, bytes: half, policy: SlowClient::DropOldest };
        let patience = Patience { idle: FOR_EVER, ping: FOR_EVER, write: FOR_EVER };
        let socket =
            Arc::new(Socket::new(session, Arc::new(Subscription::default()), None, limits, patience));
        let hub = host.shared().get::<Hub>(host.name());
        hub.join(&socket);
        Ear(Mutex::new(Listening { socket, heard: Vec::new() }))
    }

    /// All that was heard so far, in order.
    pub fn heard(&self) -> Vec<String> {
        let mut listening = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bytes = Vec::new();
        let read = listening.socket.outbox().write_with(|slices| {
            slices.iter().for_each(|slice| bytes.extend_from_slice(slice));
            Ok(slices.iter().map(|slice| slice.len()).sum())
        });
        debug_assert!(read.is_ok(), "memory takes everything");
        listening.heard.extend(texts(&bytes));
        listening.heard.clone()
    }
}

/// The texts of whole frames; a server's are not masked.
fn texts(mut bytes: &[u8]) -> Vec<String> {
    let mut texts = Vec::new();
    while let [head, short, rest @ ..] = bytes {
        let wide = match short {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let Some((length, rest)) = rest.split_at_checked(wide) else { break };
        let length = match wide {
            0 => usize::from(*short),
            _ => length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)),
        };
        let Some((text, rest)) = rest.split_at_checked(length) else { break };
        if *head == 0x81 {
            texts.push(String::from_utf8_lossy(text).into_owned());
        }
        bytes = rest;
    }
    texts
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use testkit::TestHost;

    use super::*;
    use crate::sockets::frame;
    use crate::sockets::testing::{adt, speaker_at};

    #[test]
    fn frames_of_every_length_are_read_back() {
        let sent: Vec<String> = [0, 1, 125, 126, 65_535, 65_536].map(|length| "x".repeat(length)).to_vec();
        let bytes: Vec<u8> = sent.iter().flat_map(|text| frame::text(text).to_vec()).collect();
        assert_eq!(texts(&bytes), sent);
        assert_eq!(texts(&bytes[..bytes.len() - 1]).len(), sent.len() - 1, "half a frame is none");
    }

    #[tokio::test]
    async fn an_ear_hears_what_sockets_are_told() {
        let host = TestHost::new("Server");
        let ear = Ear::open(&host.context());
        let mut speaker = speaker_at(&host, "Server", "{{ MSH-9.2 }}").await;
        speaker.tell(&[adt(1, "A01"), adt(2, "A08")]).await;
        assert_eq!(ear.heard(), ["A01", "A08"]);
        speaker.tell(&[adt(3, "A03")]).await;
        assert_eq!(ear.heard(), ["A01", "A08", "A03"]);
        assert!(host.events().is_empty(), "{:?}", host.events());
    }

    fn kind(decision: &Decision) -> &'static str {
        match decision {
            Decision::Completed { response: None, .. } => "completed",
            Decision::Completed { .. } => "completed, kept",
            Decision::Suspend { .. } => "suspended",
            Decision::Retry { .. } => "retried",
            Decision::Reject { .. } => "failed",
            _ => "other",
        }
    }

    fn tcp(more: Value) -> Replies {
        let mut settings = json!({ "address": "127.0.0.1:2575" });
        settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Replies::of("hl7.tcp", &settings).unwrap()
    }

    #[test]
    fn an_answer_decides_as_the_settings_say() {
        let answer = |code| Bytes::from(format!("MSH|^~\\&|||||||ACK|1|P|2.5\rMSA|{code}|1\r"));
        let of = |settings: Value, code| kind(&tcp(settings).answered("ToLab", &adt(1, "A01"), answer(code)));
        let usual = ["AA", "AE", "AR"].map(|code| of(json!({}), code));
        assert_eq!(usual, ["completed", "suspended", "retried"]);
        assert_eq!(of(json!({ "reply_code_actions": ":*=C" }), "AE"), "completed, kept");
        assert_eq!(of(json!({ "save_replies": "all" }), "AA"), "completed, kept");
        assert_eq!(of(json!({ "get_reply": false }), "AE"), "completed");
    }

    #[test]
    fn no_answer_in_time_decides_as_the_settings_say() {
        let thirty = Some(Duration::from_secs(30));
        let of = |replies: Replies| (replies.patience(), kind(&replies.silence("ToLab", &adt(1, "A01"))));
        assert_eq!(of(tcp(json!({}))), (thirty, "retried"));
        let quick = json!({ "response_timeout": "5s", "reply_code_actions": ":*=C,X=F" });
        assert_eq!(of(tcp(quick)), (Some(Duration::from_secs(5)), "failed"));
        assert_eq!(tcp(json!({ "response_timeout": "forever" })).patience(), None);
        assert_eq!(tcp(json!({ "get_reply": false })).patience(), None);
        for type_name in ["http", "hl7.http"] {
            let replies = Replies::of(type_name, &json!({ "url": "http://localhost/" })).unwrap();
            assert_eq!(of(replies), (thirty, "retried"), "{type_name}");
        }
        assert_eq!(Replies::of("hl7.file", &json!({})).unwrap().patience(), None);
        assert!(Replies::of("hl7.tcp", &json!({})).is_err());
    }

    #[tokio::test]
    async fn a_sender_is_told_what_the_service_would_tell() {
        let host = TestHost::new("In").targets(["Out"]);
        let intake = Intake::of("hl7.tcp", &json!({ "listen": "127.0.0.1:0" }), &Library::default()).unwrap();
        let message = adt(1, "A01").body.content().clone();
        let mut hearing = intake.take(message.clone(), "", &host.context()).await.unwrap();
        let [Told::Message(ack)] = &hearing.told()[..] else { panic!("one answer") };
        assert!(String::from_utf8_lossy(ack).contains("MSA|AA|1"));
        assert!(!hearing.more().await);

        let file = Intake::of("hl7.file", &json!({ "file_path": "in" }), &Library::default()).unwrap();
        let mut hearing = file.take(message, "a.hl7", &host.context()).await.unwrap();
        assert_eq!(hearing.told(), []);
        assert_eq!(host.arrivals()[1].body.name(), "a.hl7");
    }
}
