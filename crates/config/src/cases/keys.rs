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
    /// How far its clock goes when it does not become quiet before.
    #[serde(default = "limit")]
    pub(super) limit: Span,
    /// What comes in, in order.
    pub(super) given: Vec<Value>,
    /// How the world behind operations answers, by the operation's name.
    #[serde(default)]
    pub(super) edges: BTreeMap<String, EdgeKeys>,
    /// What is to come of it.
    pub(super) expect: Vec<Value>,
}

/// How the world behind an operation answers.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EdgeKeys {
    /// How long nobody is there, from the beginning of the case.
    pub(super) refuses_for: Option<Span>,
    /// How long each message takes.
    pub(super) delay: Option<Span>,
    /// What is answered: a code of MSA-1, or a list of them, the last one to all that come after it.
    pub(super) answers: Option<Answers>,
    /// The text of an answer, MSA-3.
    #[serde(default)]
    pub(super) text: String,
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
    /// Whether nobody may give it.
    #[serde(default)]
    pub(super) none: bool,
}
