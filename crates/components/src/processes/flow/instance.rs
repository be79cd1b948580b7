//! An instance of a flow, as it is kept in the ledger while it waits. What holds content has no `Debug`.

use std::collections::BTreeMap;

use data_encoding::BASE64;
use model::{BodyClass, BodyId, Caller, MessageBody, MessageId, Timestamp};
use serde::{Deserialize, Serialize};

/// One run of a flow for one request.
#[derive(Serialize, Deserialize)]
pub(super) struct Instance {
    /// The flow as it was when this began: see [`super::host`].
    pub(super) flow: String,
    pub(super) caller: Caller,
    /// What `assign` and loops have set.
    pub(super) context: BTreeMap<String, String>,
    /// Messages by name: the request, answers, what transforms made.
    pub(super) messages: BTreeMap<String, Kept>,
    /// Calls whose answers somebody may wait for.
    pub(super) calls: BTreeMap<u32, CallState>,
    pub(super) last_call: u32,
    pub(super) threads: Vec<Thread>,
    pub(super) last_thread: u32,
    pub(super) replied: bool,
    /// When it wants to be woken.
    pub(super) wake: Option<Timestamp>,
}

/// The name of the message that the flow was begun by.
pub(super) const REQUEST: &str = "request";

impl Instance {
    /// A run from the beginning.
    pub(super) fn new(flow: &str, caller: Caller, body: Option<BodyId>) -> Self {
        let request = Kept::Stored { message: caller.request, body };
        Instance {
            flow: flow.to_owned(),
            caller,
            context: BTreeMap::new(),
            messages: BTreeMap::from([(REQUEST.to_owned(), request)]),
            calls: BTreeMap::new(),
            last_call: 0,
            threads: vec![Thread::new(0, None, 0)],
            last_thread: 0,
            replied: false,
            wake: None,
        }
    }

    /// When the first of its waits is over.
    pub(super) fn next_wake(&self) -> Option<Timestamp> {
        self.threads.iter().filter_map(|thread| thread.wait.until()).min()
    }
}

/// Where the content of a message is.
#[derive(Clone, Serialize, Deserialize)]
pub(super) enum Kept {
    /// With a message of the ledger.
    Stored { message: MessageId, body: Option<BodyId> },
    /// Here: it was made and not sent yet.
    New { class: String, doc_type: String, charset: String, name: String, content: String },
}

impl Kept {
    /// A message that was made.
    pub(super) fn new(body: &MessageBody) -> Self {
        Kept::New {
            class: body.class().0.to_owned(),
            doc_type: body.doc_type().to_owned(),
            charset: body.charset().to_owned(),
            name: body.name().to_owned(),
            content: BASE64.encode(body.content()),
        }
    }

    /// The body, where it is kept here.
    pub(super) fn body(&self) -> Option<MessageBody> {
        let Kept::New { class, doc_type, charset, name, content } = self else { return None };
        let content = BASE64.decode(content.as_bytes()).unwrap_or_default();
        let class = BodyClass::named(class);
        Some(MessageBody::described(class, content, doc_type.clone(), charset.clone(), name.clone()))
    }
}

/// Where a call stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct CallState {
    pub(super) name: String,
    pub(super) thread: u32,
    pub(super) stands: Stands,
}

/// What is known of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stands {
    Pending,
    Answered,
    Failed(String),
}

/// One line of execution. There are several within `parallel`.
#[derive(Serialize, Deserialize)]
pub(super) struct Thread {
    pub(super) id: u32,
    /// The one that began it.
    pub(super) parent: Option<u32>,
    /// What is done next.
    pub(super) at: usize,
    pub(super) frames: Vec<Frame>,
    /// Scopes that are done outside of any other, and may have to be undone; the oldest first.
    pub(super) done: Vec<usize>,
    pub(super) wait: Wait,
}

impl Thread {
    pub(super) fn new(id: u32, parent: Option<u32>, at: usize) -> Self {
        Thread { id, parent, at, frames: Vec::new(), done: Vec::new(), wait: Wait::No }
    }

    /// Scopes that are done within the innermost one that is not.
    pub(super) fn done(&mut self) -> &mut Vec<usize> {
        let scopes = self.frames.iter_mut().rev().find_map(|frame| match frame {
            Frame::Scope { done, .. } => Some(done),
            _ => None,
        });
        scopes.unwrap_or(&mut self.done)
    }
}

/// What a thread is within.
#[derive(Serialize, Deserialize)]
pub(super) enum Frame {
    /// A loop over values, with those that are left, the next one last.
    Each { left: Vec<String> },
    /// A scope, with the scopes within it that are done.
    Scope { scope: usize, done: Vec<usize> },
    /// Scopes are undone, the next one last, and then it goes on.
    Undo { left: Vec<usize>, then: Then },
}

/// What comes when everything is undone.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Then {
    /// The steps of a `catch`.
    Catch(usize),
    /// The flow fails.
    Fail(Fault),
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fault {
    /// The word for `catch`.
    pub(super) name: String,
    /// In a sentence; never message content.
    pub(super) reason: String,
}

/// What a thread waits for.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) enum Wait {
    #[default]
    No,
    /// The answers to calls.
    Calls { calls: Vec<u32>, any: bool, until: Option<Timestamp>, ignore_errors: bool },
    /// A time.
    Until(Timestamp),
    /// So many branches.
    Branches(usize),
}

impl Wait {
    fn until(&self) -> Option<Timestamp> {
        match self {
            Wait::Calls { until, .. } => *until,
            Wait::Until(time) => Some(*time),
            Wait::No | Wait::Branches(_) => None,
        }
    }

    /// Whether its time is over.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        self.until().is_some_and(|until| until <= now)
    }
}
