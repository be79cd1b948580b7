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
    Library, Message,
};
use rules::{Scope, Template};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::hl7::doc_type::DocTypes;
use crate::message;
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
    /// The schema that the paths in it are read by, as in `2.5.1` or a name of the production's own, or a
    /// list for kinds of messages; empty for MSH-12 to say.
    #[serde(default)]
    pub message_schema_category: String,
    /// What clients subscribe to; the item's name when it is not set.
    #[serde(default)]
    pub topic: Option<String>,
}

/// Tells messages to open sockets.
pub struct SocketInvocation {
    settings: Settings,
    words: Scope,
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
        DocTypes::check(&settings.message_schema_category, checks);
        // Paths are read by all versions where the setting is wrong.
        let types = DocTypes::new(&settings.message_schema_category, &checks.library).unwrap_or_default();
        let words = message::scope(&types.paths(), &checks.library);
        for problem in Template::compile_in(&settings.message, &words).err().into_iter().flatten() {
            checks.error_at("message", problem.range, problem.message);
            if let Some(help) = problem.help {
                checks.help(help);
            }
        }
        if settings.topic.as_deref() == Some("") {
            checks.error("topic", "topic is empty; expected a name, or none for the item's own");
        }
    }

    fn build(settings: Settings, library: &Library) -> Result<Built, BuildError> {
        let paths = DocTypes::new(&settings.message_schema_category, library)?.paths();
        let words = message::scope(&paths, library);
        if let Err(errors) = Template::compile_in(&settings.message, &words) {
            return Err(BuildError { path: "message".into(), message: told(&errors) });
        }
        Ok(Built::Process(Box::new(SocketInvocation { settings, words, speaker: None })))
    }
}

/// The first thing that is wrong with a template.
fn told(errors: &[rules::ExprError]) -> String {
    errors.first().map_or_else(|| "this cannot be read".to_owned(), ToString::to_string)
}

impl SocketInvocation {
    fn join(&mut self, host: &HostContext) -> Result<(), Failure> {
        let hub = host.shared().get::<Hub>(&self.settings.server);
        let Settings { topic, message, .. } = &self.settings;
        let voice = Voice::new(host.name(), topic.as_deref(), message, &self.words)
            .map_err(|errors| Failure::Fatal(format!("setting \"message\": {}", told(&errors))))?;
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::StreamExt;
    use futures_util::stream::FuturesUnordered;
    use model::{Clock, EventKind};
    use serde_json::json;
    use testkit::{FakeClock, TestHost, eventually};
    use tokio::io::AsyncReadExt;

    use super::*;
    use crate::sockets::testing::{PATIENCE, adt, close_code, hospital, lone_socket, serve, speaker, text};

    fn checked(settings: serde_json::Value) -> Checks {
        let mut checks = Checks::default();
        SocketInvocation::check(&serde_json::from_value(settings).unwrap(), &mut checks);
        checks
    }

    #[test]
    fn settings_are_checked() {
        let good = checked(json!({ "server": "Web", "message": "{{ MSH-9.1 }}", "topic": "a" }));
        assert_eq!(good.notes, []);
        assert_eq!(
            (good.references[0].name.as_str(), good.references[0].component),
            ("Web", Some("websocket"))
        );
        let bad = checked(json!({ "server": "Web", "message": "say {{ MSH- }} and {{", "topic": "" }));
        let places: Vec<_> = bad.notes.iter().map(|note| (note.path.as_str(), note.kind)).collect();
        assert!(places.len() >= 2 && places.contains(&("topic", model::NoteKind::Error)), "{places:?}");
        assert!(bad.notes[0].range.as_ref().is_some_and(|range| range.start >= 4), "{:?}", bad.notes[0]);
        let other =
            checked(json!({ "server": "Web", "message": "{{ PID-99 }}", "message_schema_category": "2.5" }));
        assert!(other.notes[0].message.contains("PID has 39 fields in 2.5"), "{:?}", other.notes);
        let unknown = checked(json!({ "server": "Web", "message": "x", "message_schema_category": "2.55" }));
        assert_eq!(unknown.notes[0].path, "message_schema_category");
        let named = json!({ "server": "Web", "message": "{{ ZPD.Level }}" });
        for (library, notes) in [(hospital(), 0), (Library::default(), 1)] {
            let settings: Settings = serde_json::from_value(named.clone()).unwrap();
            let mut checks = Checks::beside(&library);
            SocketInvocation::check(&settings, &mut checks);
            assert_eq!(checks.notes.len(), notes, "{:?}", checks.notes);
            assert_eq!(SocketInvocation::build(settings, &library).is_err(), notes > 0);
        }
        let settings = serde_json::from_value(json!({ "server": "Web", "message": "{{ MSH- }}" })).unwrap();
        assert!(
            SocketInvocation::build(settings, &Library::default())
                .is_err_and(|error| error.path == "message")
        );
    }

    fn said(host: &TestHost, text: &str) -> Vec<model::Event> {
        host.events().into_iter().filter(|event| event.text.starts_with(text)).collect()
    }

    #[tokio::test]
    async fn a_socket_found_closed_is_deleted_with_its_events_about_the_message() {
        let host = TestHost::new("Server");
        let mut speaker = speaker(&host, "hello").await;
        let (_killed, other) = lone_socket(&host, host.context().clock().now()).await;
        let (_open, mut reader) = lone_socket(&host, host.context().clock().now()).await;
        drop(other);
        // The end of the connection is a packet of its own, and nothing says when it is in.
        let mut id = 0;
        while said(&host, "socket deleted successfully (socket 1").is_empty() {
            id += 1;
            speaker.tell(&[adt(id, "A01")]).await;
        }
        let closed = said(&host, "the socket is closed (socket 1");
        assert_eq!((closed.len(), closed[0].kind), (1, EventKind::Info));
        assert_eq!(closed[0].message, Some(model::MessageId(id)));
        assert_eq!(host.sockets().len(), 1);
        // The other one has heard everything.
        let mut heard = vec![0; 7 * id as usize];
        reader.read_exact(&mut heard).await.unwrap();
        assert!(heard.chunks(7).all(|frame| frame == b"\x81\x05hello"));
        speaker.tell(&[adt(id + 1, "A01")]).await;
        assert_eq!(said(&host, "socket deleted successfully").len(), 1);
    }

    #[tokio::test]
    async fn a_socket_that_timed_out_is_deleted_with_its_events() {
        let clock = FakeClock::new();
        let host = TestHost::new("Server").clock(clock.clone());
        let mut speaker = speaker(&host, "hello").await;
        let (_silent, _other) = lone_socket(&host, clock.now()).await;
        clock.advance(Duration::from_secs(59));
        speaker.tell(&[adt(1, "A01")]).await;
        assert_eq!(host.sockets().len(), 1);
        clock.advance(Duration::from_secs(1));
        speaker.tell(&[adt(2, "A01")]).await;
        assert_eq!(host.sockets().len(), 0);
        let timed_out = said(&host, "the socket timed out (socket 1");
        assert_eq!((timed_out.len(), timed_out[0].message), (1, Some(model::MessageId(2))));
        assert_eq!(said(&host, "socket deleted successfully (socket 1").len(), 1);
    }

    #[tokio::test]
    async fn a_reader_that_is_stuck_delays_nobody_and_misses_what_the_policy_says() {
        let host = TestHost::new("Server");
        let large = "x".repeat(64 * 1024);
        let mut speaker = speaker(&host, &format!("{{{{ header.id }}}} {large}")).await;
        let (stuck, mut other) = lone_socket(&host, host.context().clock().now()).await;
        let mut id = 0;
        while stuck.dropped() < 5 {
            id += 1;
            // Returns although nobody reads; a broadcast that waited would never come to its end.
            speaker.tell(&[adt(id, "A01")]).await;
        }
        assert_eq!(said(&host, "socket 1 (").len(), 1, "said once: {:?}", said(&host, "socket 1 ("));
        // What went to the wire before it was full comes whole, and is the first that was told.
        let mut head = [0; 10];
        other.read_exact(&mut head).await.unwrap();
        assert_eq!(head[..2], [0x81, 127]);
        let mut frame = vec![0; u64::from_be_bytes(head[2..].try_into().unwrap()) as usize];
        other.read_exact(&mut frame).await.unwrap();
        assert_eq!(frame, format!("1 {large}").as_bytes());
    }

    #[tokio::test]
    async fn a_client_that_is_stuck_times_out_while_others_hear_everything() {
        let clock = FakeClock::new();
        let host = TestHost::new("Server").clock(clock.clone());
        let settings = json!({ "outbox_limit": 4, "write_timeout": "30s", "idle_timeout": "1h" });
        let served = serve(&host, settings).await;
        let mut speaker = speaker(&host, &"y".repeat(256 * 1024)).await;
        let (stuck, mut reader) = (served.client().await, served.client().await);
        served.until_hearing(2).await;
        let mut id = 0;
        while said(&host, "socket 1 (").is_empty() {
            id += 1;
            speaker.tell(&[adt(id, "A01")]).await;
            assert_eq!(text(&mut reader).await.len(), 256 * 1024);
        }
        assert_eq!(host.sockets().len(), 2);
        let gone = || host.sockets().len() == 1;
        eventually(PATIENCE, || {
            clock.advance(Duration::from_secs(if gone() { 0 } else { 1 }));
            gone()
        })
        .await;
        assert!(said(&host, "the socket timed out (socket 1")[0].text.contains("messages dropped)"));
        drop(stuck);
    }

    #[tokio::test]
    async fn a_slow_client_is_disconnected_where_the_policy_says_so() {
        let host = TestHost::new("Server");
        let served = serve(&host, json!({ "outbox_limit": 2, "slow_client": "disconnect" })).await;
        let mut speaker = speaker(&host, &"z".repeat(256 * 1024)).await;
        let mut slow = served.client().await;
        served.until_hearing(1).await;
        let mut id = 0;
        while host.sockets().len() == 1 {
            id += 1;
            speaker.tell(&[adt(id, "A01")]).await;
        }
        assert_eq!(said(&host, "the socket is too slow: its outbox is full (socket 1").len(), 1);
        assert_eq!(close_code(&mut slow).await, 1013);
    }

    /// Two files for each socket, and some for the test itself.
    fn raise_descriptor_limit() {
        use rustix::process::{Resource, getrlimit, setrlimit};
        let mut limit = getrlimit(Resource::Nofile);
        limit.current = limit.maximum;
        setrlimit(Resource::Nofile, limit).unwrap();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn two_thousand_sockets_hear_every_message_in_order() {
        const SOCKETS: usize = 2_000;
        raise_descriptor_limit();
        let host = TestHost::new("Server");
        let served = serve(&host, json!({})).await;
        let mut clients: Vec<_> =
            (0..SOCKETS).map(|_| served.client()).collect::<FuturesUnordered<_>>().collect().await;
        served.until_hearing(SOCKETS).await;
        assert_eq!(host.sockets().len(), SOCKETS);
        let mut speaker = speaker(&host, "{{ header.id }} {{ MSH-9.2 }}").await;
        speaker.tell(&[adt(1, "A01")]).await;
        speaker.tell(&[adt(2, "A08"), adt(3, "A03")]).await;
        for client in &mut clients {
            for expect in ["1 A01", "2 A08", "3 A03"] {
                assert_eq!(text(client).await, expect);
            }
        }
        drop(clients);
        eventually(PATIENCE, || host.sockets().is_empty()).await;
        assert_eq!(said(&host, "the socket is closed").len(), SOCKETS);
        assert_eq!(said(&host, "socket deleted successfully").len(), SOCKETS);
    }

    #[tokio::test]
    async fn nobody_to_tell_is_no_failure() {
        let mut speaker = speaker(&TestHost::new("Server"), "hello").await;
        speaker.tell(&[adt(1, "A01")]).await;
    }
}
