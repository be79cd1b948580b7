//! `http`, the service: takes any content in over HTTP.
//!
//! ```yaml
//! services:
//!   OrdersIn:
//!     type: http
//!     targets: [OrdersOut]
//!     settings: { listen: "0.0.0.0:8081", path: /orders/* }
//! ```
//!
//! The body of a request becomes the body of a message, byte by byte: text where `Content-Type` says that it
//! is (`text/*`, JSON, XML, forms), with the charset named there, else bytes. That type is its document
//! type. The name of the body is the file name in `Content-Disposition`, or the last part of the path behind
//! that of the service, or the client's address and port.
//!
//! With `reply: stored` a client is answered 202 as soon as the message is durably stored, and never before.
//! With `application` the first target answers: 200 with its answer in the body, 204 where it says no more
//! than that it is done, 502 where it failed, 504 where it does not answer within `response_timeout`. When
//! the engine stops, or the store takes nothing, the answer is 503 with `Retry-After`, and the client has to
//! send again. All else is as with `hl7.http`.

use async_trait::async_trait;
use bytes::Bytes;
use hyper::header::CONTENT_DISPOSITION;
use hyper::{Method, StatusCode};
use model::{
    Arrival, BodyClass, BuildError, Built, BusinessService, BusinessType, Checks, Component, Failure,
    HostContext, Intake, Library, MessageBody, Reply, Span, fault,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::adapters::http_content::{MediaType, body_type, header_parameter};
use crate::adapters::http_listener::{Answer, Handler, Head, HttpListen, HttpListener, Listening};

/// The longest document type and name that are kept of what clients say.
const LONGEST: usize = 100;

const STOPPING: &str = "the engine is stopping; send it again";

/// What an engineer may set.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What all services have in common that are asked over HTTP.
    #[serde(flatten)]
    pub http: HttpListen,
    /// The methods that are taken.
    #[serde(default = "post_and_put")]
    pub methods: Vec<String>,
    /// When a client is answered.
    #[serde(default)]
    pub reply: WhenReplied,
    /// How long an `application` answer is waited for, and the store, from 100ms to 1h.
    #[serde(default = "half_a_minute")]
    pub response_timeout: Span,
}

fn post_and_put() -> Vec<String> {
    vec!["POST".into(), "PUT".into()]
}

const fn half_a_minute() -> Span {
    Span::secs(30)
}

/// When a client is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhenReplied {
    /// As soon as the message is durably stored.
    #[default]
    Stored,
    /// When the first target has answered, with its answer.
    Application,
}

/// The component.
pub struct HttpService {
    http: Listening,
    posts: Posts,
}

impl Component for HttpService {
    const TYPE: &'static str = "http";
    const BUSINESS_TYPE: BusinessType = BusinessType::BusinessService;
    const SUMMARY: &'static str = "takes any content in over HTTP";
    const EXAMPLE: &'static str = "OrdersIn:
  type: http
  targets: [OrdersOut]
  settings:
    listen: 0.0.0.0:8081
    path: /orders/*
";
    type Settings = Settings;

    fn check(settings: &Settings, checks: &mut Checks) {
        settings.http.check("0.0.0.0:8081", checks);
        if settings.methods.is_empty() {
            checks.error("methods", "methods is empty; expected at least one, as in POST");
        }
        for (at, name) in settings.methods.iter().enumerate() {
            if let Err(error) = method(name) {
                checks.error(format!("methods[{at}]"), error);
            }
        }
        checks.within("response_timeout", settings.response_timeout, Span::millis(100)..=Span::secs(3_600));
        if settings.reply == WhenReplied::Application {
            checks.patience = Some(settings.response_timeout.0);
        }
    }

    fn build(settings: Settings, _library: &Library) -> Result<Built, BuildError> {
        let methods: Result<Vec<Method>, String> = settings.methods.iter().map(|name| method(name)).collect();
        let posts = Posts {
            methods: methods.map_err(|message| BuildError { path: "methods".into(), message })?,
            reply: settings.reply,
            patience: settings.response_timeout,
        };
        Ok(Built::Service(Box::new(HttpService { http: settings.http.read()?, posts })))
    }
}

/// The method of that name, if its requests have bodies.
fn method(name: &str) -> Result<Method, String> {
    match name {
        "POST" | "PUT" | "PATCH" | "DELETE" => {
            Method::from_bytes(name.as_bytes()).map_err(|error| error.to_string())
        }
        _ => Err(format!("method is \"{name}\"; expected POST, PUT, PATCH or DELETE")),
    }
}

#[async_trait]
impl BusinessService for HttpService {
    async fn run(&mut self, host: &HostContext) -> Result<(), Failure> {
        HttpListener::new(host, self.http.clone(), self.posts.clone()).run().await
    }
}

/// What becomes of requests.
#[derive(Clone)]
struct Posts {
    methods: Vec<Method>,
    reply: WhenReplied,
    patience: Span,
}

#[async_trait]
impl Handler for Posts {
    fn methods(&self) -> &[Method] {
        &self.methods
    }

    fn admit(&self, _: &Head) -> Result<(), Answer> {
        Ok(())
    }

    async fn take(&self, head: Head, bytes: Bytes, host: &HostContext) -> Answer {
        let wants_reply = self.reply == WhenReplied::Application;
        let arrival = Arrival { wants_reply, ..Arrival::new(body(&head, bytes)) };
        let (room, sender) = (head.room, head.peer.ip().to_canonical().to_string());
        let intake = Intake { arrivals: vec![arrival], room, sender, ..Intake::default() };
        let stored = async {
            let mut receipt = host.submit(intake).await?;
            let reply = receipt.replies.pop();
            receipt.durable().await?;
            fault::point("intake.durable");
            Ok::<_, Failure>(reply)
        };
        let stored = tokio::select! {
            biased;
            stored = stored => stored,
            () = host.clock().sleep(self.patience.0) => {
                return Answer::not_now(&format!("not stored within {}; send it again", self.patience));
            }
        };
        let reply = match stored {
            Ok(Some(reply)) if wants_reply => reply,
            Ok(_) => return Answer::empty(StatusCode::ACCEPTED),
            Err(Failure::Stopping) => return Answer::not_now(STOPPING),
            Err(_) => return Answer::not_now("not stored; send it again"),
        };
        tokio::select! {
            biased;
            reply = reply => match reply {
                Ok(reply) => told(reply),
                Err(_) => Answer::not_now(STOPPING),
            },
            () = host.clock().sleep(self.patience.0) => {
                let text = format!("stored, and no answer within {}", self.patience);
                Answer::text(StatusCode::GATEWAY_TIMEOUT, &text)
            }
        }
    }
}

/// The body that a request becomes.
fn body(head: &Head, bytes: Bytes) -> MessageBody {
    let kind = MediaType::of(&head.headers);
    let class = if kind.is_text() { BodyClass::TEXT } else { BodyClass::BYTES };
    let named = head.headers.get(CONTENT_DISPOSITION).and_then(|value| value.to_str().ok());
    let named = named.and_then(|value| header_parameter(value, "filename"));
    let name = named.as_deref().unwrap_or(&head.rest).rsplit(['/', '\\']).next().unwrap_or_default();
    let name = match name {
        "" => format!("{}_{}", head.peer.ip().to_canonical(), head.peer.port()),
        name => short(name),
    };
    MessageBody::described(class, bytes, short(&kind.essence), short(&kind.charset), name)
}

fn short(text: &str) -> String {
    text.chars().filter(|char| !char.is_control()).take(LONGEST).collect()
}

/// The answer that a target's reply makes.
fn told(reply: Reply) -> Answer {
    match (reply.error, reply.body) {
        (None, None) => Answer::empty(StatusCode::NO_CONTENT),
        (None, Some(body)) => Answer::new(StatusCode::OK, &body_type(&body), body.content().clone()),
        (Some(_), Some(body)) => {
            Answer::new(StatusCode::BAD_GATEWAY, &body_type(&body), body.content().clone())
        }
        (Some(reason), None) => Answer::text(StatusCode::BAD_GATEWAY, &format!("not delivered: {reason}")),
    }
}

#[cfg(test)]
mod tests;
