//! The keys of a case file.

use std::collections::BTreeMap;

use model::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How far a case's clock goes when nothing else is said.
const LIMIT: Span = Span::secs(3_600);

fn limit() -> Span {
    LIMIT
}

/// A case.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CaseKeys {
    /// What the case shows, in a sentence.
    pub(super) case: String,
    /// The time at which its clock begins, as in `2026-12-24T07:55:00`: UTC, or with an offset behind it.
    pub(super) now: Option<String>,
    /// How far its clock goes when it does not become quiet before.
    #[serde(default = "limit")]
    pub(super) limit: Span,
    /// What comes in, in order.
    pub(super) given: Vec<Value>,
    /// How the world behind operations answers, by the operation's name.
    #[serde(default)]
    pub(super) edges: BTreeMap<String, EdgeKeys>,
    /// Browsers and other clients of websocket services, by a name for each. They connect at the beginning,
    /// or where `connect` is the first that is given of them.
    #[serde(default)]
    pub(super) sockets: BTreeMap<String, Value>,
    /// What is to come of it.
    pub(super) expect: Vec<Value>,
}

/// A browser.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SocketKeys {
    /// The websocket service that it connects to; the only one when left out.
    pub(super) server: Option<String>,
    /// Who logs in: one of the service's `users` or `tokens`.
    pub(super) user: Option<String>,
    /// With which password; the one that the service has for the user when left out.
    pub(super) password: Option<String>,
    /// The page that it is part of, as in `https://ward.example`.
    #[serde(default)]
    pub(super) origin: String,
    /// What it asks for; everything when left out.
    pub(super) subscribe: Option<SubscribeKeys>,
}

/// What a browser asks for.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SubscribeKeys {
    /// The topics of the processes that it wants to hear; all when left out.
    pub(super) topics: Option<Vec<String>>,
    /// The condition on messages that it wants to hear of.
    #[serde(rename = "where")]
    pub(super) condition: Option<String>,
}

/// A browser connects.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ConnectKeys {
    /// Which one.
    pub(super) connect: String,
    /// The id of the message up to which it has heard everything.
    pub(super) since: Option<u64>,
}

/// A browser says goodbye.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DisconnectKeys {
    /// Which one.
    pub(super) disconnect: String,
}

/// A browser neither reads nor says anything any more, as when its machine is switched off.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SilentKeys {
    /// Which one.
    pub(super) silent: String,
}

/// A browser says something.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SaysKeys {
    /// Which one.
    pub(super) says: String,
    /// What it says.
    pub(super) text: String,
}

/// What a browser is to be told.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ToldKeys {
    /// The browser.
    pub(super) told: String,
    /// What it is told; anything when left out.
    pub(super) text: Option<String>,
    /// A part of what it is told.
    pub(super) contains: Option<String>,
    /// How often; once or more when left out.
    pub(super) count: Option<u64>,
    /// Whether it may not be told that.
    #[serde(default)]
    pub(super) none: bool,
}

/// How a browser's socket is to be at the end.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SocketStateKeys {
    /// The browser.
    pub(super) socket: String,
    /// Whether its session is stored.
    pub(super) is: SocketState,
}

/// How a socket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum SocketState {
    /// Its session is stored.
    Open,
    /// It has no session, or none any more.
    Closed,
}

/// How the world behind an operation answers.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EdgeKeys {
    /// How long nobody is there, from the beginning of the case.
    pub(super) refuses_for: Option<Span>,
    /// How long an answer takes: a time, or a list of them, the last one for all that come after it. One
    /// that takes longer than the operation's `response_timeout` is none.
    pub(super) delay: Option<Delays>,
    /// What is answered: a code of MSA-1, or a list of them, the last one to all that come after it.
    pub(super) answers: Option<Answers>,
    /// The text of an answer, MSA-3.
    #[serde(default)]
    pub(super) text: String,
}

/// One delay or several.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Delays {
    /// The same for all.
    One(Span),
    /// In this order.
    Several(Vec<Span>),
}

/// One answer or several.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Answers {
    /// The same to all.
    One(AnswerCode),
    /// In this order.
    Several(Vec<AnswerCode>),
}

/// A code of MSA-1.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, JsonSchema)]
pub(super) enum AnswerCode {
    /// Accepted.
    AA,
    /// An error.
    AE,
    /// Refused.
    AR,
    /// Stored.
    CA,
    /// Not stored, because of an error.
    CE,
    /// Not stored, because it is refused.
    CR,
}

/// A message that comes.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MessageKeys {
    /// The item that it comes to.
    pub(super) to: String,
    /// The message itself; each line is a segment.
    pub(super) message: Option<String>,
    /// The file that it stands in, from the case's folder.
    pub(super) file: Option<String>,
}

/// Time that passes.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WaitKeys {
    /// How long.
    pub(super) wait: Span,
}

/// What an operation is to send out.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OutputKeys {
    /// The operation.
    pub(super) at: String,
    /// How many messages come out.
    pub(super) count: Option<u64>,
    /// Whether nothing may come out.
    #[serde(default)]
    pub(super) none: bool,
    /// Which of the messages the rest is about, from 1; each of them when left out.
    #[schemars(range(min = 1))]
    pub(super) number: Option<u64>,
    /// The rule that sends it there.
    pub(super) rule: Option<String>,
    /// The values at paths of the message, as HL7 writes them.
    #[serde(default)]
    pub(super) values: BTreeMap<String, Value>,
    /// The file that it is to be equal to, byte for byte, from the case's folder.
    pub(super) file: Option<String>,
}

/// The status that messages are to have.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StatusKeys {
    /// The messages, and their status.
    pub(super) status: StatusOf,
}

/// The messages, and their status.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StatusOf {
    /// The item that they came to.
    pub(super) item: String,
    /// The status, as in Completed.
    pub(super) is: String,
    /// How many have it; all that came when left out.
    pub(super) count: Option<u64>,
}

/// What a sender is to be told.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AckKeys {
    /// The code of MSA-1.
    pub(super) ack: AnswerCode,
    /// The number of the message among those given, from 1.
    #[serde(rename = "for")]
    #[schemars(range(min = 1))]
    pub(super) of: u64,
    /// A part of what it is told beside the code.
    #[serde(default)]
    pub(super) text: String,
}

/// What open sockets are to be told.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BroadcastKeys {
    /// The process that speaks, or the service that the sockets belong to.
    pub(super) broadcast: String,
    /// What is told; anything when left out.
    pub(super) text: Option<String>,
    /// A part of what is told.
    pub(super) contains: Option<String>,
    /// How often; once or more when left out.
    pub(super) count: Option<u64>,
    /// Whether nothing may be told.
    #[serde(default)]
    pub(super) none: bool,
}

/// What is to stand in the event log.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EventKeys {
    /// A part of its text.
    pub(super) event: String,
    /// Its kind, as in Warning; any when left out.
    pub(super) kind: Option<String>,
    /// The item that says it; any when left out.
    pub(super) item: Option<String>,
    /// How often; once or more when left out.
    pub(super) count: Option<u64>,
    /// Whether nobody may say it.
    #[serde(default)]
    pub(super) none: bool,
}

/// An alert that is to be given.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AlertKeys {
    /// A part of its text.
    pub(super) alert: String,
    /// The item that gives it; any when left out.
    pub(super) item: Option<String>,
    /// How often; once or more when left out.
    pub(super) count: Option<u64>,
    /// Whether nobody may give it.
    #[serde(default)]
    pub(super) none: bool,
}
