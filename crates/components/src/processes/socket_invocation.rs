//! `socket.invocation`: tells every message to the open sockets of a `websocket` service.
//!
//! ```yaml
//! processes:
//!   User.SocketInvocation:
//!     type: socket.invocation
//!     settings:
//!       server: User.WebSocketServer
//!       message: '{"id": {{ header.id }}, "type": {{ doc.type | json }}}'
//! ```
//!
//! Each message on its queue is told, once its header is durable, to every socket of the server that is
//! open, authenticated and wants it. A socket is tested first: one found closed has its session deleted,
//! with the events "the socket is closed" and "socket deleted successfully"; one that timed out likewise,
//! with "the socket timed out". A slow reader is never waited for: what does not fit waits in its
//! bounded outbox. A message is completed when it has been handed to every socket, also when there was
//! none; a client that comes back with `?since=<message id>` is told what it missed.
//!
//! `{{ header.id }}` is the id for `?since=`. `| json` behind an expression makes a JSON value of it.

use std::sync::Arc;

use async_trait::async_trait;
use model::{
    BuildError, Built, BusinessProcess, BusinessType, Checks, Component, Decision, Failure, HostContext,
    Message,
};
use rules::Template;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::sockets::hub::Hub;
use crate::sockets::voice::Voice;

/// What an engineer may set.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The `websocket` service whose sockets are told.
    pub server: String,
    /// The text that is sent: a literal, or a template over the message with `{{ MSH-9.1 }}` and the like.
    pub message: String,
    /// What clients subscribe to; the item's name when it is not set.
    #[serde(default)]
    pub topic: Option<String>,
}

/// Tells messages to open sockets.
pub struct SocketInvocation {
    settings: Settings,
    speaker: Option<(Arc<Hub>, Arc<Voice>)>,
}

impl Component for SocketInvocation {
    const TYPE: &'static str = "socket.invocation";
    const BUSINESS_TYPE: BusinessType = BusinessType::BusinessProcess;
    const SUMMARY: &'static str = "tells every message to the open sockets of a websocket service";
    const EXAMPLE: &'static str = "User.SocketInvocation:\n  type: socket.invocation\n  settings:\n    server: User.WebSocketServer\n    message: \"Something has change!\"\n";
    /// What is told to a browser cannot be taken back.
    const OUTSIDE_EFFECTS: bool = true;
    type Settings = Settings;

    fn check(settings: &Settings, checks: &mut Checks) {
        checks.uses("server", &settings.server, "websocket");
        for problem in Template::problems(&settings.message) {
            checks.error_at("message", problem.range, problem.message);
            if let Some(help) = problem.help {
                checks.help(help);
            }
        }
        if settings.topic.as_deref() == Some("") {
            checks.error("topic", "topic is empty; expected a name, or none for the item's own");
        }
    }

    fn build(settings: Settings) -> Result<Built, BuildError> {
        if let Err(error) = Template::compile(&settings.message) {
            return Err(BuildError { path: "message".into(), message: error.to_string() });
        }
        Ok(Built::Process(Box::new(SocketInvocation { settings, speaker: None })))
    }
}

impl SocketInvocation {
    fn join(&mut self, host: &HostContext) -> Result<(), Failure> {
        let hub = host.shared().get::<Hub>(&self.settings.server);
        let voice = Voice::new(host.name(), self.settings.topic.as_deref(), &self.settings.message)
            .map_err(|error| Failure::Fatal(format!("setting \"message\": {error}")))?;
        let voice = Arc::new(voice);
        hub.join_voice(&voice);
        self.speaker = Some((hub, voice));
        Ok(())
    }
}

#[async_trait]
impl BusinessProcess for SocketInvocation {
    async fn start(&mut self, host: &HostContext) -> Result<(), Failure> {
        self.join(host)
    }

    async fn on_message(&mut self, request: &Message, host: &HostContext) -> Decision {
        match self.on_messages(std::slice::from_ref(request), host).await.pop() {
            Some(decision) => decision,
            None => Decision::retry("the message was not told"),
        }
    }

    /// What has gathered is told together: one write to each socket, however many messages that are.
    async fn on_messages(&mut self, requests: &[Message], host: &HostContext) -> Vec<Decision> {
        let Some((hub, voice)) = &self.speaker else {
            return vec![Decision::Fatal("the process was not started".into())];
        };
        hub.broadcast(voice, requests, host).await;
        requests.iter().map(|_| Decision::completed()).collect()
    }
}
