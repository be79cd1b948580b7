//! `http`, the operation: sends any content to a server over HTTP.
//!
//! ```yaml
//! operations:
//!   OrdersOut:
//!     type: http
//!     settings: { url: "https://lab.example/orders", method: PUT }
//! ```
//!
//! The body of a message becomes the body of a request, byte by byte. Its `Content-Type` is `content_type`,
//! or else what the body is known to be. A status of 200 to 299 completes the message, and the answer's body
//! is the answer to it, where somebody waits for it or `save_replies` wants it kept.
//!
//! After 401, 404, 405, 407, 408, 425, 429, 5xx, no answer within `response_timeout` and a lost connection the
//! message is tried again: after the time that `Retry-After` asks for (up to 1h), or after `retry_interval`.
//! `http_error_action` says what becomes of it by any other status; redirections are not followed. A server
//! that cannot be reached is tried again after 1s, then after twice as long each time, up to 30s.
//!
//! A request may reach the server more than once, as when its answer was lost on the way.

use async_trait::async_trait;
use hyper::Method;
use model::{
    BodyClass, BuildError, Built, BusinessOperation, BusinessType, Checks, Component, Decision, Failure,
    HostContext, Library, Message, MessageBody,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::adapters::http_client::rules::{Verdict, not_taken, verdict, words};
use crate::adapters::http_client::{Got, HttpClient, HttpSend, Trouble};
use crate::adapters::http_content::{body_type, check_content_type, is_hl7};
use crate::hl7::reply::SaveReplies;

/// What an engineer may set.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What all operations have in common that ask a server over HTTP.
    #[serde(flatten)]
    pub http: HttpSend,
    /// The method of requests: POST, PUT, PATCH or another that has a body.
    #[serde(default = "post")]
    pub method: String,
    /// The type of the content, as in `application/json`; without it, what is known of each body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Which answers are kept with their messages: `errors` are those with a status of 300 and more. Where
    /// the sender of a message waits for the answer, it is kept in any case.
    #[serde(default)]
    pub save_replies: SaveReplies,
}

fn post() -> String {
    "POST".into()
}

/// The component.
pub struct HttpOperation;

impl Component for HttpOperation {
    const TYPE: &'static str = "http";
    const BUSINESS_TYPE: BusinessType = BusinessType::BusinessOperation;
    const SUMMARY: &'static str = "sends any content to a server over HTTP";
    const EXAMPLE: &'static str = "OrdersOut:
  type: http
  settings:
    url: https://lab.example/orders
    method: PUT
    headers: { X-Sender: orris }
";
    type Settings = Settings;

    fn check(settings: &Settings, checks: &mut Checks) {
        settings.http.check(checks);
        if let Err(error) = method(&settings.method) {
            checks.error("method", error);
        }
        if let Some(text) = &settings.content_type {
            check_content_type("content_type", text, checks);
        }
    }

    fn build(settings: Settings, _library: &Library) -> Result<Built, BuildError> {
        let method =
            method(&settings.method).map_err(|message| BuildError { path: "method".into(), message })?;
        let client = HttpClient::new(&settings.http, method)?;
        Ok(Built::Operation(Box::new(Asking { settings, client })))
    }
}

/// The method of that name, if its requests have bodies.
fn method(name: &str) -> Result<Method, String> {
    let wrong = || format!("method is \"{name}\"; expected POST, PUT, PATCH or another that has a body");
    let known = Method::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
    let bodiless = [Method::GET, Method::HEAD, Method::CONNECT, Method::TRACE, Method::OPTIONS];
    let is_written_small = name.bytes().any(|byte| byte.is_ascii_lowercase());
    if bodiless.contains(&known) || is_written_small { Err(wrong()) } else { Ok(known) }
}

struct Asking {
    settings: Settings,
    client: HttpClient,
}

#[async_trait]
impl BusinessOperation for Asking {
    async fn start(&mut self, host: &HostContext) -> Result<(), Failure> {
        self.client.prepare(host).await
    }

    async fn on_message(&mut self, request: &Message, host: &HostContext) -> Decision {
        let kind = self.settings.content_type.clone().unwrap_or_else(|| body_type(&request.body));
        match self.client.send(request.body.content(), &kind, host).await {
            Ok(got) => self.by_answer(got, request),
            Err(Trouble::Unreachable(why)) => why.decision(self.settings.http.no_fail_while_disconnected),
            Err(Trouble::Stopping) => Decision::retry("the item is stopping"),
            Err(Trouble::NoReply(reason) | Trouble::BadReply(reason)) => Decision::retry(reason),
        }
    }
}

impl Asking {
    fn by_answer(&self, got: Got, request: &Message) -> Decision {
        let verdict = verdict(got.status);
        let (status, after) = (got.status, got.retry_after);
        let is_kept = self.settings.save_replies.keeps(request, verdict == Verdict::Taken);
        let response = (is_kept && !got.body.is_empty()).then(|| answer(got));
        if verdict == Verdict::Taken {
            return Decision::Completed { sends: Vec::new(), events: Vec::new(), response };
        }
        let reason = words(self.client.peer(), status);
        not_taken(verdict, reason, after, self.settings.http.http_error_action, response)
    }
}

/// The body that an answer becomes.
fn answer(got: Got) -> MessageBody {
    let class = match &got.kind {
        kind if is_hl7(&kind.essence) => BodyClass::HL7,
        kind if kind.is_text() => BodyClass::TEXT,
        _ => BodyClass::BYTES,
    };
    let doc_type = if class == BodyClass::HL7 { String::new() } else { got.kind.essence };
    MessageBody::described(class, got.body, doc_type, got.kind.charset, String::new())
}

#[cfg(test)]
mod tests;
