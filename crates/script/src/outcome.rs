//! What a script is handed, and what it did.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::Trouble;

/// What a script works on.
#[derive(Debug, Clone)]
pub enum Content {
    /// An HL7 message.
    Hl7(hl7::Message),
    /// Anything else, as the text that it is, or may be.
    Text(String),
    /// What a step of a transform works on.
    Built {
        /// The message that came, which stays as it is.
        source: hl7::Message,
        /// The one that is being built.
        target: hl7::Message,
        /// Whose turn it is in the loop around the step.
        turn: Option<rules::transform::Turn>,
    },
}

/// What is known about the message: what `context` shows.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The message's id.
    pub id: u64,
    /// Its session.
    pub session: u64,
    /// The item that sent it.
    pub source: Arc<str>,
    /// The item whose script this is.
    pub target: Arc<str>,
    /// Why it was sent here, as in the name of a rule.
    pub description: Arc<str>,
    /// `r` for a resent one.
    pub resent: String,
    /// What it is, as in `2.5.1:ADT_A01`.
    pub doc_type: String,
    /// The class of its body, as in `HL7.Message`.
    pub body_class: Cow<'static, str>,
    /// Where it came from, such as a file name.
    pub name: String,
    /// What `context` holds beside these. A script that decides about a message may change it, too; none
    /// where it may not.
    pub variables: Option<BTreeMap<String, String>>,
}

/// One message for a script.
#[derive(Debug, Clone)]
pub struct Input {
    /// What it works on.
    pub content: Content,
    /// What is known about it.
    pub facts: Facts,
}

/// An open socket, as `sockets.list()` shows it.
#[derive(Debug, Clone, Default)]
pub struct Open {
    /// The id of its session in the store.
    pub id: u64,
    /// The handshake's `Sec-WebSocket-Key`.
    pub session_id: String,
    /// Address and port of the client.
    pub address: String,
    /// The authenticated user; empty when there is none.
    pub user: String,
    /// The handshake's `Origin`; empty when it sent none.
    pub origin: String,
    /// When it was accepted, in milliseconds since 1970.
    pub connected: i64,
}

/// What became of a text that was written to a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It is on its way, or waits in the socket's outbox: `"ok"`.
    Ok,
    /// The outbox is full, and something was dropped: `"full"`.
    Full,
    /// The other side is gone, or there is no such socket: `"closed"`.
    Closed,
    /// Nothing has been heard of the client for too long: `"timeout"`.
    TimedOut,
}

/// The host's side of a script. Nothing here may wait.
pub trait Door: Send + Sync {
    /// The host's time, in milliseconds since 1970.
    fn now(&self) -> i64;

    /// Whether messages may be sent to that item.
    ///
    /// # Errors
    /// Why not, and what to do; without the name, which may have come out of a message.
    fn may_send(&self, target: &str) -> Result<(), String>;

    /// The open sockets.
    ///
    /// # Errors
    /// When there is no server.
    fn sockets(&self) -> Result<Vec<Open>, String>;

    /// Writes a text to a socket.
    ///
    /// # Errors
    /// When there is no server.
    fn write(&self, socket: u64, text: &str) -> Result<Written, String>;

    /// Forgets a socket: its session is deleted, and what is left of its connection ends. False when
    /// there is none.
    ///
    /// # Errors
    /// When there is no server.
    fn forget(&self, socket: u64) -> Result<bool, String>;
}

/// A door that nothing goes through, and time stands still behind: for trying a script out.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoDoor;

const NO_SERVER: &str = "there are no sockets here";

impl Door for NoDoor {
    fn now(&self) -> i64 {
        0
    }
    fn may_send(&self, _target: &str) -> Result<(), String> {
        Ok(())
    }
    fn sockets(&self) -> Result<Vec<Open>, String> {
        Err(NO_SERVER.to_owned())
    }
    fn write(&self, _socket: u64, _text: &str) -> Result<Written, String> {
        Err(NO_SERVER.to_owned())
    }
    fn forget(&self, _socket: u64) -> Result<bool, String> {
        Err(NO_SERVER.to_owned())
    }
}

/// A message that a script sent, as it was at that moment.
#[derive(Debug, Clone)]
pub enum SentBody {
    /// The one that came, unchanged.
    Same,
    /// A message that was changed or made, and its bytes.
    Hl7(hl7::Message, Bytes),
    /// A text.
    Text(String),
}

/// One message on its way.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The item it is for.
    pub target: String,
    /// What is sent.
    pub body: SentBody,
    /// Why, for traces; empty where nothing was said.
    pub description: String,
}

/// How bad it is what a script said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// A step, for those who look closely.
    Trace,
    /// Worth knowing.
    Info,
    /// Not as it should be.
    Warning,
    /// Something failed.
    Error,
    /// Somebody should look.
    Alert,
}

/// A line for the event log. What is in it is for the script's author to answer for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// How bad it is.
    pub level: Level,
    /// What was said.
    pub text: String,
}

/// How a script ended a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It came to its end.
    Done,
    /// It set the message aside, for this reason.
    Discard(String),
    /// It refused the message, for this reason.
    Reject(String),
    /// It parked the message for a person, for this reason.
    Suspend(String),
    /// It failed.
    Failed(Trouble),
}

/// What a script did with one message.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// How it ended.
    pub verdict: Verdict,
    /// What it sent, in order. Nothing when it failed.
    pub sends: Vec<Sent>,
    /// What it answered; none when it failed.
    pub answer: Option<SentBody>,
    /// What it said, in order.
    pub said: Vec<Said>,
    /// The message that came, where the script changed it; none when it failed.
    pub changed: Option<hl7::Message>,
    /// What a step of a transform has built, where it changed something; none when it failed.
    pub rebuilt: Option<rules::transform::Rebuilt>,
    /// What it set in `context`; nothing when it failed.
    pub variables: BTreeMap<String, String>,
}

impl Outcome {
    /// Nothing but that it failed.
    pub fn failed(trouble: Trouble) -> Self {
        let verdict = Verdict::Failed(trouble);
        let (sends, said, variables) = (Vec::new(), Vec::new(), BTreeMap::new());
        Outcome { verdict, sends, answer: None, said, changed: None, rebuilt: None, variables }
    }
}
