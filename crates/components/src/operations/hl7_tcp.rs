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

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use hl7::Framing;
use model::{
    BuildError, Built, BusinessOperation, BusinessType, Checks, Component, Decision, Event, EventKind,
    Failure, HostContext, Library, Message, Span, Timeout,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::adapters::tcp_dialer::{Dialer, Unreachable, Way, check_address};
use crate::adapters::tls_client::TlsClient;
use crate::hl7::form::{Form, SegmentTerminator};
use crate::hl7::reply::PeerReply;
use crate::hl7::reply_actions::{ReplyActions, USUAL};
use exchange::Ended;
use line::{Heard, Line};
use rest::Resting;
use sending::Sending;

/// The largest window.
const LARGEST_WINDOW: usize = 256;
/// So many answers are kept for messages that come again.
const MOST_KNOWN: usize = 4 * LARGEST_WINDOW;

/// What an engineer may set.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Host and port of the receiver, as in `lab.example:2575`.
    pub address: String,
    /// Host and port of the one that takes its place when it cannot be reached; and the other way round.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_address: Option<String>,
    /// After how many tries in vain, one after the other, the other address has its turn, from 1.
    #[serde(default = "three")]
    pub retries_to_failover: u32,
    /// What stands around a message: `mllp` (0x0B before, 0x1C 0x0D after), `mllp11/28` with other bytes,
    /// `ascii_lf`, `ascii_cr`, `ascii_crlf` or `none`.
    #[serde(default = "mllp")]
    pub framing: String,
    /// The separators that messages are sent with, as in `|^~\&`: between fields, components and
    /// repetitions, for escapes, between subcomponents. Without it those that they have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separators: Option<String>,
    /// The charset that messages are sent in, a name of HL7 table 0211 as in `UNICODE UTF-8`; it is noted
    /// in MSH-18. Without it the one that they came in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charset: Option<String>,
    /// What the segments end with, `cr`, `lf` or `crlf`. Without it what they end with; or CR where the
    /// separators or the charset are changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment_terminator: Option<SegmentTerminator>,
    /// How long a connection may take to be made, TLS included, from 1ms.
    #[serde(default = "five_seconds")]
    pub connect_timeout: Span,
    /// How long a connection that nobody uses is kept: `forever`, and then it is made at the start
    /// already; a time; or `0s` for a new connection for each message.
    #[serde(default = "forever")]
    pub stay_connected: Timeout,
    /// After how many answers in a row by which a message is tried again the next try is made on a new
    /// connection; 0 for never.
    #[serde(default = "five")]
    pub reconnect_retry: u32,
    /// After how long a silence the system asks the receiver for a sign that it is still there; `0s` for
    /// never.
    #[serde(default = "one_minute")]
    pub keep_alive: Span,
    /// TLS on the connection; without it none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsClient>,
    /// Whether an answer is waited for. Without one a message is completed when the system has taken it.
    #[serde(default = "yes")]
    pub get_reply: bool,
    /// How long an answer is waited for, from 1ms; or `forever`.
    #[serde(default = "half_a_minute")]
    pub response_timeout: Timeout,
    /// What becomes of a message by its answer: a list `code=action`, as in `:?R=RF,:?E=S,:?A=C`. Codes:
    /// `:?A` (AA or CA), `:?E`, `:?R`, `:xy` (MSA-1 itself), `:_` (MSA-1 is empty), `:*` (any other),
    /// `:~` (no MSA), `:I?` (MSA-2 differs), `:T?` (MSH-9 is no answer), `E` (the exchange failed), `X` (no
    /// answer). Actions: `C` completes, `W` completes with a warning, `R` tries again, `S` suspends, `F`
    /// fails, `D` stops the item with the message first in its queue.
    #[serde(default = "usual_actions")]
    pub reply_code_actions: String,
    /// Which answers are kept with their messages. Where the sender of a message waits for the answer, it
    /// is kept in any case.
    #[serde(default)]
    pub save_replies: SaveReplies,
    /// How many messages may wait for their answers at once, from 1 to 256. Only for a receiver that
    /// reads on while it works on a message.
    #[serde(default = "one")]
    pub window: usize,
}

/// Which answers are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SaveReplies {
    /// None.
    None,
    /// Those that say anything but AA or CA.
    #[default]
    Errors,
    /// All.
    All,
}

fn mllp() -> String {
    "mllp".into()
}

fn usual_actions() -> String {
    USUAL.into()
}

const fn yes() -> bool {
    true
}

const fn one() -> usize {
    1
}

const fn three() -> u32 {
    3
}

const fn five() -> u32 {
    5
}

const fn five_seconds() -> Span {
    Span::secs(5)
}

const fn one_minute() -> Span {
    Span::secs(60)
}

const fn half_a_minute() -> Timeout {
    Timeout(Some(Duration::from_secs(30)))
}

const fn forever() -> Timeout {
    Timeout(None)
}

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
        if let Err(error) = settings.reply_code_actions.parse::<ReplyActions>() {
            error.report("reply_code_actions", checks);
        }
        if let Some(tls) = &settings.tls {
            tls.check("tls", checks);
        }
        check_limits(settings, checks);
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
            window: if closes_each(&settings) { 1 } else { settings.window.clamp(1, LARGEST_WINDOW) },
            each_alone: closes_each(&settings),
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

fn check_limits(settings: &Settings, checks: &mut Checks) {
    if !(1..=LARGEST_WINDOW).contains(&settings.window) {
        checks.error("window", format!("window is {}; expected 1 to {LARGEST_WINDOW}", settings.window));
    } else if settings.window > 1 && closes_each(settings) {
        checks.warning(
            "window",
            "window is more than 1, and stay_connected is 0s: one message at a time is sent",
        );
        checks.help("let the connection stay, as with stay_connected: forever");
    }
    if settings.retries_to_failover == 0 {
        checks.error("retries_to_failover", "retries_to_failover is 0; expected at least 1");
    }
    for (setting, limit) in [
        ("connect_timeout", Some(settings.connect_timeout.0)),
        ("response_timeout", settings.response_timeout.0),
    ] {
        if limit.is_some_and(|limit| limit.is_zero()) {
            checks.error(setting, format!("{setting} is 0ms; expected at least 1ms"));
        }
    }
    if !settings.get_reply && settings.reply_code_actions != USUAL {
        checks.warning(
            "reply_code_actions",
            "reply_code_actions are set, and get_reply is false: nobody looks at them",
        );
        checks.help("leave one of the two out");
    }
}

/// Whether each message has a connection of its own.
fn closes_each(settings: &Settings) -> bool {
    settings.stay_connected.0.is_some_and(|idle| idle.is_zero())
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
            Some(Err(Unreachable { reason, .. })) => {
                if !host.shared().get::<Said>(host.name()).0.swap(true, Ordering::Relaxed) {
                    let text = format!("{reason}; it is tried again when there is a message to send");
                    host.event(Event::new(EventKind::Warning, host.name(), text));
                }
            }
            None => {}
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
                Some(Err(Unreachable { reason, pause })) => {
                    sending.put_off(Decision::Retry { reason, after: Some(pause) });
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
