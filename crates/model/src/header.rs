//! The message header: one row per hop.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{BodyId, MessageId, MessageStatus, SessionId, Timestamp};

named_number!(
    /// The two message types.
    MessageType {
        /// Asks a host to do something.
        Request = 1 => "Request",
        /// Answers a request.
        Response = 2 => "Response",
    }
);
named_number!(
    /// How a message reached its target.
    Invocation {
        /// Over the target's durable queue.
        Queue = 1 => "Queue",
        /// Within the caller.
        InProc = 2 => "InProc",
    }
);
named_number!(
    /// What is served first on a queue; the smaller number wins. Set by the engine only.
    Priority {
        /// Acknowledgements.
        HighSync = 1 => "HighSync",
        /// Calls that somebody waits for.
        Sync = 2 => "Sync",
        /// Calls of a flow that waits.
        SimSync = 4 => "SimSync",
        /// Everything else.
        Async = 6 => "Async",
    }
);
named_number!(
    /// What kind of host an item is.
    BusinessType {
        /// Not known (any more).
        Unknown = 0 => "Unknown",
        /// Takes in.
        BusinessService = 1 => "BusinessService",
        /// Decides.
        BusinessProcess = 2 => "BusinessProcess",
        /// Sends out.
        BusinessOperation = 3 => "BusinessOperation",
    }
);

/// The routing row of one hop: who, to whom, when, in which session, with what status.
///
/// The SQL view `MessageHeader` shows these under the names that users of such engines know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageHeader {
    /// The message's id, growing with time.
    pub id: MessageId,
    /// Request or response.
    pub message_type: MessageType,
    /// The payload; none for a message without one.
    pub body: Option<BodyId>,
    /// How it reached its target.
    pub invocation: Invocation,
    /// Pairs a response with its request.
    pub corresponding: Option<MessageId>,
    /// The session; the id of its first header.
    pub session: SessionId,
    /// The item that sent it.
    pub source: Arc<str>,
    /// The item it is for; empty when it was refused before it had one.
    pub target: Arc<str>,
    /// Kind of the source.
    pub source_type: BusinessType,
    /// Kind of the target.
    pub target_type: BusinessType,
    /// The flow instance that sent or receives it.
    pub business_process: Option<u64>,
    /// Where a response goes; empty when none is wanted. On the response to a process, where it went.
    pub return_queue: String,
    /// Free text about the message; never message content.
    pub description: Arc<str>,
    /// Joins sessions of several productions.
    pub super_session: String,
    /// Empty for an original, `r` for a resent one.
    pub resent: String,
    /// What is served first.
    pub priority: Priority,
    /// When it was put on the queue.
    pub time_created: Timestamp,
    /// When its target was done with it.
    pub time_processed: Option<Timestamp>,
    /// Where it stands.
    pub status: MessageStatus,
    /// Whether it ended, or is, an error.
    pub is_error: bool,
    /// Why, when `is_error`; never message content.
    pub error_status: String,
    /// Bit flags of what a message bank has; 0 where there is none.
    pub banked: u8,
}

impl MessageHeader {
    /// A queued request, as most headers begin; the first of its session when `session` is none.
    #[allow(clippy::too_many_arguments, reason = "these are the facts that every header has")]
    pub fn request(
        id: MessageId,
        session: Option<SessionId>,
        source: &Arc<str>,
        source_type: BusinessType,
        target: &Arc<str>,
        target_type: BusinessType,
        body: Option<BodyId>,
        now: Timestamp,
    ) -> Self {
        MessageHeader {
            id,
            message_type: MessageType::Request,
            body,
            invocation: Invocation::Queue,
            corresponding: None,
            session: session.unwrap_or_else(|| id.into()),
            source: source.clone(),
            target: target.clone(),
            source_type,
            target_type,
            business_process: None,
            return_queue: String::new(),
            description: empty(),
            super_session: String::new(),
            resent: String::new(),
            priority: Priority::Async,
            time_created: now,
            time_processed: None,
            status: MessageStatus::Queued,
            is_error: false,
            error_status: String::new(),
            banked: 0,
        }
    }

    /// Where the answer to a call of a process goes: to the process itself, as the call of that number of
    /// that instance.
    pub fn call_queue(process: &str, instance: MessageId, call: u32) -> String {
        format!("{process}#{instance}.{call}")
    }

    /// The process, the instance and the number of the call of a [`MessageHeader::call_queue`].
    pub fn read_call_queue(return_queue: &str) -> Option<(&str, MessageId, u32)> {
        let (process, place) = return_queue.rsplit_once('#')?;
        let (instance, call) = place.split_once('.')?;
        Some((process, instance.parse().ok()?, call.parse().ok()?))
    }

    /// Which call of which instance this response answers; none where it answers no process.
    pub fn answered_call(&self) -> Option<(MessageId, u32)> {
        let place = Self::read_call_queue(&self.return_queue).filter(|_| self.is_response())?;
        Some((place.1, place.2))
    }

    /// Whether it answers a request.
    pub fn is_response(&self) -> bool {
        self.message_type == MessageType::Response
    }
}

/// The empty text, shared: most headers have no description.
fn empty() -> Arc<str> {
    static EMPTY: std::sync::OnceLock<Arc<str>> = std::sync::OnceLock::new();
    EMPTY.get_or_init(|| Arc::from("")).clone()
}
