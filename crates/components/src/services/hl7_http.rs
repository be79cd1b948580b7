//! `hl7.http`, the service: takes HL7 messages in over HTTP, and acknowledges them in its answers.
//!
//! ```yaml
//! services:
//!   AdtIn:
//!     type: hl7.http
//!     targets: [MsgRouter]
//!     settings: { listen: "0.0.0.0:8080", path: /adt }
//! ```
//!
//! A message is sent with POST or PUT, and the answer to the request has the acknowledgement in it. The
//! conventions are those of "HL7 over HTTP" (HAPI project, draft of 2018): `Content-Type:
//! application/hl7-v2` with the charset as its parameter, which goes before MSH-18 unless `force_charset`
//! or `charset` is set; user and password by HTTP Basic. Also taken are `application/hl7-v2+er7`,
//! `x-application/hl7-v2+er7`, `application/edi-hl7`, `text/plain`, `text/hl7`, `text/hl7v2`, no type at
//! all, and the `content_types` that are set. The answer is of the type that was sent.
//!
//! | status | says |
//! |---|---|
//! | 200 | all is durably stored, and acknowledged in the body |
//! | 202 | all is durably stored, and nobody wants an acknowledgement (`ack_mode: never`, MSH-15 and MSH-16, or it is one itself) |
//! | 400 | what came is no message or not as `validation` wants it; or the target said AE |
//! | 500 | the target said AR |
//! | 502 | it is stored, and could not be delivered to the target |
//! | 503 | it is not stored: the engine stops, or the store takes nothing; with `Retry-After` |
//! | 504 | it is stored, and the target did not answer within `response_timeout` |
//! | 401, 404, 405, 408, 411, 413, 415, 431 | what HTTP says about them; nothing is kept |
//!
//! Where there is an acknowledgement, it is the body, whatever the status. "HL7 over HTTP" wants 200 for
//! whatever has one, and its own implementation does not do so: a sender that looks at the status alone
//! would take a refusal for a success. With `nack_status: ok` refusals come with 200 as well.
//!
//! **When.** As `hl7.tcp` does: nothing positive before the ledger has it for good, and with `application`
//! when the first target has answered. Each of the two is waited for as long as `response_timeout` says. A
//! message that asks for two answers (`msh_determined`) gets the one of the target. `ack_mode: byte` is not
//! for HTTP.
//!
//! **Several in one.** A batch, or several messages in one request, is stored as one change: all of it, or
//! nothing. All acknowledgements stand in the answer, one after the other in the order of the messages,
//! and the worst of them gives the status.
//!
//! **What cannot be read** as HL7 is stored as it came, with status Error. Of a request that does not come
//! as a whole, nothing is kept: its sender has no answer and has it still.
//!
//! **Connections** are kept for more requests (`idle_timeout`), and may send the next one before they have
//! the answer: requests of one connection are worked on in their order, one at a time.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use hl7::charset;
use hyper::{Method, StatusCode};
use model::{
    BuildError, Built, BusinessService, BusinessType, Checks, Component, Failure, HostContext, Library, Span,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::adapters::http_content::{HL7, MediaType, is_hl7};
use crate::adapters::http_listener::{Answer, Handler, Head, HttpListen, HttpListener, Listening};
use crate::hl7::acks::Blame;
use crate::hl7::answers::{self, Answering, Says};
use crate::hl7::inbound::{Group, Inbound, Source};
use crate::hl7::settings::{AckMode, InboundSettings};

/// What an engineer may set.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What all services have in common that are asked over HTTP.
    #[serde(flatten)]
    pub http: HttpListen,
    /// More types of content that are taken as HL7, as in `application/octet-stream`; `*/*` for any.
    #[serde(default)]
    pub content_types: Vec<String>,
    /// Whether the charset in Content-Type is passed over, so that MSH-18 says. With `charset` set, it is
    /// passed over in any case.
    #[serde(default)]
    pub force_charset: bool,
    /// The status of answers that refuse a message: by their cause, or 200 as "HL7 over HTTP" has it.
    #[serde(default)]
    pub nack_status: NackStatus,
    /// What all HL7 services have in common.
    #[serde(flatten)]
    pub inbound: InboundSettings,
}

/// The status of answers that refuse a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NackStatus {
    /// 400 to 504, by the cause.
    #[default]
    ByCause,
    /// 200 wherever there is an acknowledgement, except for what is not stored.
    Ok,
}

/// The component.
pub struct HL7HttpService {
    http: Listening,
    posts: Posts,
}

impl Component for HL7HttpService {
    const TYPE: &'static str = "hl7.http";
    const BUSINESS_TYPE: BusinessType = BusinessType::BusinessService;
    const SUMMARY: &'static str = "takes HL7 messages in over HTTP and acknowledges them in its answers";
    const EXAMPLE: &'static str = "AdtIn:
  type: hl7.http
  targets: [MsgRouter]
  settings:
    listen: 0.0.0.0:8080
    path: /adt
";
    type Settings = Settings;

    fn check(settings: &Settings, checks: &mut Checks) {
        settings.http.check("0.0.0.0:8080", checks);
        settings.inbound.check(checks);
        if settings.inbound.ack_mode == AckMode::Byte {
            checks.error("ack_mode", "ack_mode is byte; an answer over HTTP is a message");
            checks.help("immediate answers as soon as the message is stored");
        }
        for (at, text) in settings.content_types.iter().enumerate() {
            let kind = MediaType::read(text);
            if !kind.charset.is_empty() || kind.essence != *text || text.matches('/').count() != 1 {
                let text = format!(
                    "content type is \"{text}\"; expected one as in application/octet-stream, or */*"
                );
                checks.error(format!("content_types[{at}]"), text);
            }
        }
        if settings.force_charset && settings.inbound.charset.is_some() {
            checks
                .warning("force_charset", "force_charset says nothing: charset is set, and goes before all");
            checks.help("leave one of the two out");
        }
    }

    fn build(settings: Settings, library: &Library) -> Result<Built, BuildError> {
        let posts = Posts {
            inbound: Arc::new(Inbound::new(&settings.inbound, library)?),
            content_types: settings.content_types,
            force_charset: settings.force_charset,
            nack_status: settings.nack_status,
            longest: settings.http.max_message_size.0 as usize,
        };
        Ok(Built::Service(Box::new(HL7HttpService { http: settings.http.read()?, posts })))
    }
}

#[async_trait]
impl BusinessService for HL7HttpService {
    async fn run(&mut self, host: &HostContext) -> Result<(), Failure> {
        HttpListener::new(host, self.http.clone(), self.posts.clone()).run().await
    }
}

/// What becomes of requests.
#[derive(Clone)]
struct Posts {
    inbound: Arc<Inbound>,
    content_types: Vec<String>,
    force_charset: bool,
    nack_status: NackStatus,
    longest: usize,
}

#[async_trait]
impl Handler for Posts {
    fn methods(&self) -> &[Method] {
        &[Method::POST, Method::PUT]
    }

    fn admit(&self, head: &Head) -> Result<(), Answer> {
        let kind = MediaType::of(&head.headers);
        let set = |known: &String| known == "*/*" || *known == kind.essence;
        let is_taken = is_hl7(&kind.essence) || matches!(kind.essence.as_str(), "" | "text/plain");
        if !is_taken && !self.content_types.iter().any(set) {
            let why = "sent a Content-Type that is no HL7; expected application/hl7-v2, or see content_types";
            return Err(Answer::refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
        }
        if !self.force_charset && !kind.charset.is_empty() && charset::by_name(&kind.charset).is_none() {
            let why = "sent a Content-Type with a charset that is not known, or in which no HL7 can be";
            return Err(Answer::refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
        }
        Ok(())
    }

    async fn take(&self, head: Head, body: Bytes, host: &HostContext) -> Answer {
        if body.is_empty() {
            return Answer::refusal(StatusCode::BAD_REQUEST, "sent an empty body; expected a message");
        }
        let kind = MediaType::of(&head.headers);
        let charset = if self.force_charset { String::new() } else { kind.charset.clone() };
        let name = format!("{}_{}", head.peer.ip().to_canonical(), head.peer.port());
        let source = Source { name, charset, longest: self.longest };
        let mut group = Group::within(head.room, head.peer.ip());
        self.inbound.read(body, &source, &mut group);
        let (turns, refused) = (group.turns(), group.refused().map(str::to_owned));
        let mut answering = Answering::new(&self.inbound, host);
        let patience = self.inbound.patience();
        let stored = tokio::select! {
            biased;
            stored = async { answering.committed(group.submit(host).await).await } => stored,
            () = host.clock().sleep(patience) => {
                return Answer::not_now(&format!("not stored within {}; send it again", Span(patience)));
            }
        };
        let mut done = stored;
        while done.is_ok() && answering.waiting() > 0 {
            done = answering.replied().await;
        }
        if done.is_err() {
            return Answer::not_now("the engine is stopping; send it again");
        }
        let mut said = std::mem::take(&mut answering.ready);
        if turns == 1 {
            // Who asked for two answers gets the one that says more.
            said.drain(..said.len().saturating_sub(1));
        }
        match (said.is_empty(), refused) {
            (false, _) => self.told(&said, &kind),
            (true, None) => Answer::empty(StatusCode::ACCEPTED),
            (true, Some(reason)) => Answer::text(StatusCode::BAD_REQUEST, &reason),
        }
    }
}

impl Posts {
    /// The answer with these acknowledgements in it.
    fn told(&self, said: &[answers::Answer], kind: &MediaType) -> Answer {
        let mut body = BytesMut::new();
        for answer in said {
            match &answer.says {
                Says::Message(bytes) if bytes.ends_with(b"\r") => body.extend_from_slice(bytes),
                Says::Message(bytes) => body.extend([bytes.as_ref(), b"\r"].concat()),
                Says::Byte(byte) => body.extend([*byte]),
            }
        }
        let status = said.iter().map(status).max().unwrap_or(StatusCode::OK);
        let is_told = status == StatusCode::SERVICE_UNAVAILABLE || self.nack_status == NackStatus::ByCause;
        let body = body.freeze();
        let answer =
            Answer::new(if is_told { status } else { StatusCode::OK }, &content_type(kind, &body), body);
        if status == StatusCode::SERVICE_UNAVAILABLE { answer.later() } else { answer }
    }
}

/// The status that an acknowledgement has.
fn status(answer: &answers::Answer) -> StatusCode {
    match answer.blame {
        _ if answer.code.is_positive() => StatusCode::OK,
        Some(Blame::Content) => StatusCode::BAD_REQUEST,
        Some(Blame::System) => StatusCode::SERVICE_UNAVAILABLE,
        Some(Blame::Target) => StatusCode::BAD_GATEWAY,
        Some(Blame::Silence) => StatusCode::GATEWAY_TIMEOUT,
        None if answer.code.is_error() => StatusCode::BAD_REQUEST,
        None => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The type of an answer: that of the request, with the charset that the answer is in, where it matters
/// or the request named one.
fn content_type(asked: &MediaType, body: &Bytes) -> String {
    let known = charset::by_name(&asked.charset).filter(|known| known.takes(body));
    let charset = match known {
        Some(_) => Some(asked.charset.clone()),
        None if body.is_ascii() => None,
        None => hl7::Message::read(body.clone(), "").ok().map(|read| read.charset().name().to_owned()),
    };
    let essence = match asked.essence.as_str() {
        essence if is_hl7(essence) || essence == "text/plain" => essence,
        _ => HL7,
    };
    match charset {
        Some(charset) => format!("{essence}; charset={charset}"),
        None => essence.to_owned(),
    }
}

#[cfg(test)]
mod tests;
