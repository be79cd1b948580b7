//! What an engineer may set for the way out over TCP.

use std::time::Duration;

use model::{Checks, Span, Timeout};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::adapters::tcp_dialer::check_times;
use crate::adapters::tls_client::TlsClient;
use crate::hl7::form::SegmentTerminator;
use crate::hl7::reply::SaveReplies;
use crate::hl7::reply_actions::USUAL;

/// The largest window.
pub(super) const LARGEST_WINDOW: usize = 256;

/// What an engineer may set.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Host and port of the receiver, as in `lab.example:2575`.
    pub address: String,
    /// Host and port of the one that takes its place when it cannot be reached, until that one cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_address: Option<String>,
    /// After how many failed tries in a row to connect it is the other address's turn, from 1.
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
    /// How long a connection is kept while there is nothing to send: `forever`, and then it is made at the
    /// start already; a time; or `0s` for a new connection for each message.
    #[serde(default = "forever")]
    pub stay_connected: Timeout,
    /// After how many answers in a row that ask for another try (as AR does) the next one is made on a new
    /// connection; 0 for never.
    #[serde(default = "five")]
    pub reconnect_retry: u32,
    /// Whether the time in which no connection can be made is left out of `failure_timeout`.
    #[serde(default)]
    pub no_fail_while_disconnected: bool,
    /// How long the receiver is silent until it is asked whether it is still there (TCP keep-alive), from 1s
    /// to 2h; `0s` for never.
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
    /// answer). Actions: `C` completes, `W` completes with a warning, `S` suspends, `F` fails, `D` stops the
    /// item with the message first in its queue, `R` tries again until `failure_timeout` and then does what
    /// stands behind it, as in `RF`; alone it suspends.
    #[serde(default = "usual_actions")]
    pub reply_code_actions: String,
    /// Which answers are stored with their messages. One that the sender of the message waits for is
    /// stored in any case.
    #[serde(default)]
    pub save_replies: SaveReplies,
    /// How many messages may wait for their answers at once, from 1 to 256. Only for a receiver that
    /// reads on while it works on a message.
    #[serde(default = "one")]
    pub window: usize,
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

impl Settings {
    /// Reports numbers and times that cannot be.
    pub(super) fn check_limits(&self, checks: &mut Checks) {
        checks.within("window", self.window, 1..=LARGEST_WINDOW);
        if self.window > 1 && self.closes_each() {
            checks.warning(
                "window",
                "window is more than 1, and stay_connected is 0s: one message at a time is sent",
            );
            checks.help("let the connection stay, as with stay_connected: forever");
        }
        if self.retries_to_failover == 0 {
            checks.error("retries_to_failover", "retries_to_failover is 0; expected at least 1");
        }
        if !self.keep_alive.0.is_zero() {
            checks.within("keep_alive", self.keep_alive, Span::secs(1)..=Span::secs(2 * 3_600));
        }
        check_times(self.connect_timeout, self.response_timeout, checks);
        if !self.get_reply && self.reply_code_actions != USUAL {
            checks.warning(
                "reply_code_actions",
                "reply_code_actions are set, and get_reply is false: nobody looks at them",
            );
            checks.help("leave one of the two out");
        }
    }

    /// Whether each message has a connection of its own.
    pub(super) fn closes_each(&self) -> bool {
        self.stay_connected.0.is_some_and(|idle| idle.is_zero())
    }
}
