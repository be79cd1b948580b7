//! One step of a process that goes on later: what it sends, what it remembers, and whom it answers.
//!
//! A process that waits for answers or for a time holds no worker meanwhile. It decides a message with
//! [`Decision::Step`](crate::Decision::Step), or is woken and returns steps; each is one change of the
//! ledger, so what was begun is never half done, and goes on after a restart.

use serde::{Deserialize, Serialize};

use crate::{
    BodyId, BusinessType, Event, MessageBody, MessageHeader, MessageId, Priority, SessionId, StateChange,
};

/// The request that an instance of a process works on, as far as it is needed to send on its behalf and
/// to answer it. Its id is the instance's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// The request.
    pub request: MessageId,
    /// Its session.
    pub session: SessionId,
    /// Who sent it.
    pub source: String,
    /// What kind of host that is.
    pub source_type: BusinessType,
    /// Where its answer goes; empty when none is wanted.
    pub return_queue: String,
    /// Joins sessions of several productions.
    pub super_session: String,
    /// What is served first.
    pub priority: Priority,
}

impl From<&MessageHeader> for Caller {
    fn from(header: &MessageHeader) -> Self {
        Caller {
            request: header.id,
            session: header.session,
            source: header.source.to_string(),
            source_type: header.source_type,
            return_queue: header.return_queue.clone(),
            super_session: header.super_session.clone(),
            priority: header.priority,
        }
    }
}

/// A body that is sent or answered.
#[derive(Debug, Clone)]
pub struct Payload {
    /// Where it is stored; none for a new one.
    pub id: Option<BodyId>,
    /// What it is.
    pub body: MessageBody,
}

/// A message that a step sends.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The item it is for.
    pub target: String,
    /// What is sent.
    pub payload: Payload,
    /// Why it goes there; shown as the header's description.
    pub description: String,
    /// The number under which this process gets the answer; none where it wants none. The answer is a
    /// message on its own queue: of type Response, with the instance as its `business_process`, and
    /// [`MessageHeader::answered_call`] says the number.
    pub call: Option<u32>,
}

/// What is answered to the caller, now or long after it asked.
#[derive(Debug, Clone, Default)]
pub struct LateAnswer {
    /// The answer; none for no more than that it is done.
    pub payload: Option<Payload>,
    /// Why it failed; ids and positions only.
    pub error: Option<String>,
}

/// What becomes of the message that drove a step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Driven {
    /// Done.
    #[default]
    Completed,
    /// Set aside, such as an answer that came too late.
    Discarded(String),
}

/// How an instance of a process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It is done: its request is completed.
    Done,
    /// It failed: its request gets status Error, with this reason.
    Failed(String),
}

/// One step of one instance of a process. All of it is one change of the ledger.
#[derive(Debug, Clone)]
pub struct Step {
    /// The request that it works on.
    pub caller: Caller,
    /// What it sends.
    pub sends: Vec<Sent>,
    /// What it answers its caller.
    pub answer: Option<LateAnswer>,
    /// What the item remembers from now on.
    pub state: Vec<StateChange>,
    /// What is said about it.
    pub events: Vec<Event>,
    /// What becomes of the message that drove it; nothing, where it was woken.
    pub driven: Driven,
    /// How the instance ended; none while it goes on. Until then its request has status Deferred.
    pub ended: Option<Ended>,
}

impl Step {
    /// A step on behalf of `caller` that does nothing yet.
    pub fn new(caller: Caller) -> Self {
        Step {
            caller,
            sends: Vec::new(),
            answer: None,
            state: Vec::new(),
            events: Vec::new(),
            driven: Driven::default(),
            ended: None,
        }
    }
}
