//! `hl7.tcp`, the operation: sends HL7 messages to a receiver over TCP (MLLP) and reads its answers.
//!
//! ```yaml
//! operations:
//!   ToLab:
//!     type: hl7.tcp
//!     settings: { address: "lab.example:2575" }
//! ```
//!
//! The bytes are sent as they came, in frames, unless `separators`, `charset` or `segment_terminator` want
//! another form. Each message waits for its acknowledgement, and
//! `reply_code_actions` says what becomes of it by MSA-1 (the code), MSA-2 (the control id of the message
//! that is answered) and MSH-9. Without an answer within `response_timeout` the message is tried again on
//! a new connection, so that a late answer is never taken for that of another message.
//!
//! A message may reach the receiver more than once: when its answer was lost on the way, or the engine
//! ended before it had noted it. It keeps its control id, by which the receiver can tell.
//!
//! With a `window` of more than 1 several messages are on their way at once, for receivers that read on
//! while they work. Answers are told apart by MSA-2, and one that names no message that waits is about the
//! one that has waited longest. A message that is to be tried again then comes behind those that were
//! sent with it: order is kept only as far as the receiver accepts everything.
//!
//! Each worker (`pool_size`) has a connection of its own. A receiver that cannot be reached is tried again
//! after 1s, then after twice as long each time, up to 30s; other failures after `retry_interval`. With
//! `get_reply: false` a message is completed when the system has taken its bytes: whatever the receiver
//! has not read when the connection ends is lost.
//!
//! When the item stops, messages that are sent have their answers waited for within the grace period, and
//! no others are sent.

mod exchange;
mod line;
mod rest;
mod sending;
mod settings;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use hl7::Framing;
use model::{
    BuildError, Built, BusinessOperation, BusinessType, Checks, Component, Decision, Event, EventKind,
    Failure, HostContext, Library, Message, Timeout,
};

use crate::adapters::address::check_address;
use crate::adapters::tcp_dialer::{Dialer, Unreachable, Way};
use crate::hl7::form::Form;
use crate::hl7::reply::PeerReply;
use crate::hl7::reply_actions::ReplyActions;
use exchange::Ended;
use line::{Heard, Line};
use rest::Resting;
use sending::Sending;
use settings::LARGEST_WINDOW;

pub use settings::Settings;

/// So many answers are kept for messages that come again.
const MOST_KNOWN: usize = 4 * LARGEST_WINDOW;

/// The component.
pub struct HL7TcpOperation;

impl Component for HL7TcpOperation {
    const TYPE: &'static str = "hl7.tcp";
    const BUSINESS_TYPE: BusinessType = BusinessType::BusinessOperation;
    const SUMMARY: &'static str = "sends HL7 messages over TCP (MLLP) and reads the answers";
    const EXAMPLE: &'static str = "ToLab:
  type: hl7.tcp
  settings:
    address: \"lab.example:2575\"
    reply_code_actions: \":?R=RF,:?E=S,:~=S,:?A=C,:*=S,:I?=W,:T?=C\"
";
    type Settings = Settings;

    fn check(settings: &Settings, checks: &mut Checks) {
        check_address("address", &settings.address, checks);
        if let Some(backup) = &settings.backup_address {
            check_address("backup_address", backup, checks);
        }
        if let Err(error) = settings.framing.parse::<Framing>() {
            checks.error("framing", error.to_string());
        }
        Form::check(settings.separators.as_deref(), settings.charset.as_deref(), checks);
        ReplyActions::check("reply_code_actions", &settings.reply_code_actions, checks);
        if let Some(tls) = &settings.tls {
            tls.check("tls", checks);
        }
        settings.check_limits(checks);
    }

    fn build(settings: Settings, _library: &Library) -> Result<Built, BuildError> {
        let wrong = |path: &str, message: String| BuildError { path: path.into(), message };
        let framing = settings.framing.parse::<Framing>();
        let actions = settings.reply_code_actions.parse::<ReplyActions>();
        Ok(Built::Operation(Box::new(TcpOperation {
            framing: framing.map_err(|error| wrong("framing", error.to_string()))?,
            actions: actions.map_err(|error| wrong("reply_code_actions", error.to_string()))?,
            form: Form::of(
                settings.separators.as_deref(),
                settings.charset.as_deref(),
                settings.segment_terminator,
            ),
            window: if settings.closes_each() { 1 } else { settings.window.clamp(1, LARGEST_WINDOW) },
            each_alone: settings.closes_each(),
            dialer: Dialer::new(Way {
                address: settings.address.clone(),
                backup: settings.backup_address.clone(),
                tries: settings.retries_to_failover.max(1),
                timeout: settings.connect_timeout.0,
                keep_alive: settings.keep_alive.0,
                tls: settings.tls.clone(),
            }),
            settings,
            connection: Connection::None,
            known: HashMap::new(),
            refused: 0,
        })))
    }
}

struct TcpOperation {
    settings: Settings,
    framing: Framing,
    actions: ReplyActions,
    form: Form,
    window: usize,
    /// Whether each message has a connection of its own.
    each_alone: bool,
    dialer: Dialer,
    connection: Connection,
    /// What was answered about messages behind one that is tried again: they are not sent twice.
    known: HashMap<u64, Decision>,
    /// How often in a row an answer wanted the message tried again.
    refused: u32,
}

/// The connection between two batches.
enum Connection {
    None,
    Open(Box<Line>),
    Resting(Resting),
}

/// Whether the workers of one item have said that the receiver is out of reach.
#[derive(Default)]
struct Said(AtomicBool);

#[async_trait]
impl BusinessOperation for TcpOperation {
    async fn start(&mut self, host: &HostContext) -> Result<(), Failure> {
        self.dialer.prepare(host).await?;
        if self.settings.stay_connected.0.is_some() {
            return Ok(());
        }
        match self.connect(host).await {
            Some(Ok(line)) => self.connection = Connection::Open(line),
            Some(Err(Unreachable { reason, .. }))
                if !host.shared().get::<Said>(host.name()).0.swap(true, Ordering::Relaxed) =>
            {
                let text = format!("{reason}; it is tried again when there is a message to send");
                host.event(Event::new(EventKind::Warning, host.name(), text));
            }
            _ => {}
        }
        Ok(())
    }

    async fn on_message(&mut self, request: &Message, host: &HostContext) -> Decision {
        let mut decisions = self.on_messages(std::slice::from_ref(request), host).await;
        decisions.pop().unwrap_or_else(|| Decision::retry("the item is stopping"))
    }

    async fn on_messages(&mut self, requests: &[Message], host: &HostContext) -> Vec<Decision> {
        let known = |request: &Message| self.known.remove(&request.header.id.0);
        let mut sending = Sending::new(requests, requests.iter().map(known).collect());
        while !sending.is_done() && !host.is_stopping() {
            let mut line = match self.line(host).await {
                Some(Ok(line)) => line,
                Some(Err(why)) => {
                    sending.put_off(why.decision(self.settings.no_fail_while_disconnected));
                    break;
                }
                None => break,
            };
            // A receiver that closes a good connection is asked again at once, on a new one; one that
            // closes that as well holds the queue.
            let ended = match self.settings.get_reply {
                true => self.exchange(&mut line, &mut sending, host).await,
                false => self.send_only(&mut line, &mut sending, host).await,
            };
            if matches!(ended, Ended::Done) {
                self.keep(line, host);
            }
        }
        let (decisions, behind) = sending.finish();
        if self.known.len() > MOST_KNOWN {
            // Of messages that other workers have taken meanwhile.
            self.known.clear();
        }
        self.known.extend(behind);
        decisions
    }
}

impl TcpOperation {
    /// The connection, made where there is none that is good; none when the item stops meanwhile.
    async fn line(&mut self, host: &HostContext) -> Option<Result<Box<Line>, Unreachable>> {
        let open = match std::mem::replace(&mut self.connection, Connection::None) {
            Connection::None => None,
            Connection::Open(line) => Some(line),
            Connection::Resting(resting) => resting.take().await.map(Box::new),
        };
        if let Some(mut line) = open {
            // Answers that are given again are no reason to part.
            let ignore = |line: &Line, heard: Heard| match heard {
                _ if !self.settings.get_reply => true,
                Heard::Answer(bytes) => PeerReply::read(bytes)
                    .is_ok_and(|answer| answer.control_id().is_some_and(|id| line.has_answered(id))),
                Heard::Junk(_) => false,
            };
            if line.is_quiet(ignore).await {
                return Some(Ok(line));
            }
        }
        self.connect(host).await
    }

    /// Makes a connection; none when the item stops meanwhile.
    async fn connect(&mut self, host: &HostContext) -> Option<Result<Box<Line>, Unreachable>> {
        let peer = self.dialer.address().to_owned();
        let made = tokio::select! {
            biased;
            made = self.dialer.dial(host) => made,
            () = host.stopping() => return None,
        };
        Some(made.map(|wire| {
            host.shared().get::<Said>(host.name()).0.store(false, Ordering::Relaxed);
            Box::new(Line::new(wire, peer, self.framing))
        }))
    }

    /// Keeps the connection as long as the settings want it.
    fn keep(&mut self, line: Box<Line>, host: &HostContext) {
        self.connection = match self.settings.stay_connected {
            Timeout(None) => Connection::Open(line),
            Timeout(Some(Duration::ZERO)) => {
                line.close();
                Connection::None
            }
            Timeout(Some(idle)) => Connection::Resting(Resting::begin(*line, idle, host)),
        };
    }
}

#[cfg(test)]
mod tests;
