//! `hl7.http`, the operation: sends HL7 messages to a server over HTTP and reads its answers.
//!
//! ```yaml
//! operations:
//!   ToLab:
//!     type: hl7.http
//!     settings: { url: "https://lab.example/hl7" }
//! ```
//!
//! Each message is the body of a request, its bytes as they came. Its `Content-Type` names its charset,
//! where that is known. An acknowledgement in the answer, whatever its status, is looked at by
//! `reply_code_actions`, as `hl7.tcp` does; of several the first that says no. Only what cannot be true is
//! not believed: a yes with a status of 300 and more.
//!
//! | answer | the message |
//! |---|---|
//! | 2xx with an acknowledgement | as `reply_code_actions` say |
//! | 2xx without one | as they say for `:~`; with `get_reply: false` it is completed |
//! | a refusal (AE, AR, CE, CR) with another status | as they say |
//! | 401, 404, 405, 407, 408, 425, 429, 5xx | is tried again, after the time that `Retry-After` asks for (up to 1h) or after `retry_interval` |
//! | any other | as `http_error_action` says; redirections are not followed |
//! | none within `response_timeout`, or the connection was lost | as `reply_code_actions` say for `X` and `E`; else it is tried again |
//!
//! A server that cannot be reached is tried again after 1s, then after twice as long each time, up to 30s.
//! A message may reach it more than once, as when its answer was lost on the way; it keeps its control id,
//! by which the server can tell. A connection is used again for the next message, and each worker
//! (`pool_size`) has one of its own.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use hl7::ack::control_id;
use hl7::charset::Why;
use hl7::split::PieceKind;
use hyper::Method;
use model::{
    BuildError, Built, BusinessOperation, BusinessType, Checks, Component, Decision, Failure, HostContext,
    Library, Message,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::adapters::http_client::rules::{Verdict, not_taken, verdict, words};
use crate::adapters::http_client::{Got, HttpClient, HttpSend, Trouble};
use crate::adapters::http_content::{HL7, check_content_type};
use crate::hl7::reply::{PeerReply, SaveReplies};
use crate::hl7::reply_actions::{Came, ReplyActions, USUAL};

/// What an engineer may set.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What all operations have in common that ask a server over HTTP.
    #[serde(flatten)]
    pub http: HttpSend,
    /// The type of the content; the charset of the message is added to it, unless one stands here.
    #[serde(default = "hl7_type")]
    pub content_type: String,
    /// Whether the answer has to have an acknowledgement. Without it a message is completed by a status of
    /// 200 to 299.
    #[serde(default = "yes")]
    pub get_reply: bool,
    /// What becomes of a message by its acknowledgement, as in `:?R=RF,:?E=S,:?A=C`; see `hl7.tcp`.
    #[serde(default = "usual_actions")]
    pub reply_code_actions: String,
    /// Which answers are kept with their messages. Where the sender of a message waits for the answer, it
    /// is kept in any case.
    #[serde(default)]
    pub save_replies: SaveReplies,
}

fn hl7_type() -> String {
    HL7.into()
}

const fn yes() -> bool {
    true
}

fn usual_actions() -> String {
    USUAL.into()
}

/// The component.
pub struct HL7HttpOperation;

impl Component for HL7HttpOperation {
    const TYPE: &'static str = "hl7.http";
    const BUSINESS_TYPE: BusinessType = BusinessType::BusinessOperation;
    const SUMMARY: &'static str = "sends HL7 messages over HTTP and reads the answers";
    const EXAMPLE: &'static str = "ToLab:
  type: hl7.http
  settings:
    url: https://lab.example/hl7
    credentials: { user: orris, password: \"${LAB_PASSWORD}\" }
";
    type Settings = Settings;

    fn check(settings: &Settings, checks: &mut Checks) {
        settings.http.check(checks);
        check_content_type("content_type", &settings.content_type, checks);
        ReplyActions::check("reply_code_actions", &settings.reply_code_actions, checks);
        if !settings.get_reply && settings.reply_code_actions != USUAL {
            let text = "reply_code_actions are set, and get_reply is false: nobody looks at them";
            checks.warning("reply_code_actions", text);
            checks.help("leave one of the two out");
        }
    }

    fn build(settings: Settings, _library: &Library) -> Result<Built, BuildError> {
        let actions = settings.reply_code_actions.parse::<ReplyActions>();
        let wrong = |error: String| BuildError { path: "reply_code_actions".into(), message: error };
        Ok(Built::Operation(Box::new(HttpOperation {
            client: HttpClient::new(&settings.http, Method::POST)?,
            actions: actions.map_err(|error| wrong(error.to_string()))?,
            settings,
        })))
    }
}

struct HttpOperation {
    settings: Settings,
    client: HttpClient,
    actions: ReplyActions,
}

#[async_trait]
impl BusinessOperation for HttpOperation {
    async fn start(&mut self, host: &HostContext) -> Result<(), Failure> {
        self.client.prepare(host).await
    }

    async fn on_message(&mut self, request: &Message, host: &HostContext) -> Decision {
        let body = &request.body;
        let message = crate::message::hl7(body).ok();
        let kind = content_type(&self.settings.content_type, message.as_ref());
        let came = self.client.send(body.content(), &kind, host).await;
        match came {
            Ok(got) => self.by_answer(got, request, message.as_ref(), host),
            Err(Trouble::Unreachable(why)) => why.decision(self.settings.http.no_fail_while_disconnected),
            Err(Trouble::Stopping) => Decision::retry("the item is stopping"),
            Err(Trouble::NoReply(reason) | Trouble::BadReply(reason)) if !self.settings.get_reply => {
                Decision::retry(reason)
            }
            Err(Trouble::NoReply(text)) => self.rule(Came::NoReply(&text), None, None, request, host),
            Err(Trouble::BadReply(text)) => self.rule(Came::BadReply(&text), None, None, request, host),
        }
    }
}

impl HttpOperation {
    fn by_answer(
        &self,
        got: Got,
        request: &Message,
        message: Option<&hl7::Message>,
        host: &HostContext,
    ) -> Decision {
        let verdict = verdict(got.status);
        if !self.settings.get_reply && verdict == Verdict::Taken {
            return Decision::completed();
        }
        let answer = acknowledgement(&got.body).filter(|_| self.settings.get_reply);
        let says_no = |answer: &PeerReply| answer.control_id().is_some() && !answer.is_positive();
        let is_believed = |answer: &PeerReply| verdict == Verdict::Taken || says_no(answer);
        if let Some(answer) = answer.filter(is_believed) {
            let came = answer.came(message, &message.map(control_id).unwrap_or_default());
            return self.rule(came, Some(&answer), got.retry_after, request, host);
        }
        if verdict == Verdict::Taken {
            let came = Came::Answer { code: None, other_id: false, other_type: false };
            return self.rule(came, None, got.retry_after, request, host);
        }
        let reason = words(self.client.peer(), got.status);
        not_taken(verdict, reason, got.retry_after, self.settings.http.http_error_action, None)
    }

    fn rule(
        &self,
        came: Came<'_>,
        answer: Option<&PeerReply>,
        after: Option<Duration>,
        request: &Message,
        host: &HostContext,
    ) -> Decision {
        let keeps = |answer: &&PeerReply| self.settings.save_replies.keeps(request, answer.is_positive());
        let kept = answer.filter(keeps);
        let ruling = self.actions.rule(self.client.peer(), came);
        match ruling.decide(host.name(), request, kept.map(PeerReply::body)) {
            Decision::Retry { reason, then, counts, .. } => Decision::Retry { reason, after, then, counts },
            decision => decision,
        }
    }
}

/// The acknowledgement in a body: of several the first that says no, or else the first.
fn acknowledgement(body: &Bytes) -> Option<PeerReply> {
    let pieces = hl7::split::all(body.clone(), body.len().max(1));
    let messages = pieces.filter(|piece| piece.kind == PieceKind::Message);
    let mut first = None;
    for answer in messages.filter_map(|piece| PeerReply::read(piece.bytes).ok()) {
        if answer.control_id().is_some() && !answer.is_positive() {
            return Some(answer);
        }
        first.get_or_insert(answer);
    }
    first
}

/// The type of a message's content, with its charset where that is known.
fn content_type(set: &str, message: Option<&hl7::Message>) -> String {
    let read = message.map(hl7::Message::charset).filter(|_| !set.to_ascii_lowercase().contains("charset="));
    let charset = read.and_then(|read| match read.why {
        Why::Setting | Why::Declared => Some(read.name()),
        // What reads as UTF-8 is, but ASCII may be anything.
        _ => None,
    });
    match charset {
        Some(charset) => format!("{set}; charset={charset}"),
        None => set.to_owned(),
    }
}

#[cfg(test)]
mod tests;
