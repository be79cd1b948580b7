//! Cases of a production, for `orris test`: what comes in, how the world answers, and what is to come
//! of it. A case file is checked as a production is: every finding at once, each with its place.

mod editors;
mod expect;
mod keys;
mod read;
mod sockets;

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use hl7::FieldPath;
use model::{EventKind, MessageStatus, Timestamp};

use crate::finding::{Finding, Findings, Level};
use crate::secret::Secrets;
use crate::source::Sources;
use crate::{ProductionDef, render};

pub use editors::case_schema;

/// A checked case.
#[derive(Debug, Clone)]
pub struct CaseDef {
    /// What it shows, as in `an admission goes to the lab`.
    pub name: String,
    /// The time at which its clock begins; none for the usual one.
    pub now: Option<Timestamp>,
    /// How far its clock goes when nothing else ends it.
    pub limit: Duration,
    /// What is done, in order.
    pub given: Vec<Given>,
    /// How operations answer that do not just take everything.
    pub edges: Vec<(String, EdgeDef)>,
    /// Browsers that connect to it.
    pub sockets: Vec<SocketDef>,
    /// What is to come of it.
    pub expect: Vec<Expectation>,
}

/// A browser, or another client of a websocket service.
#[derive(Debug, Clone)]
pub struct SocketDef {
    /// What it is called in the case.
    pub name: String,
    /// The service.
    pub server: String,
    /// Who logs in; none for nobody.
    pub user: Option<String>,
    /// With which password; none for the one that the service knows.
    pub password: Option<String>,
    /// The page that it is part of; empty for none.
    pub origin: String,
    /// The topics that it asks for; none for all.
    pub topics: Option<Vec<String>>,
    /// The condition that it asks with; none for always.
    pub condition: Option<String>,
    /// Whether it connects in the course of the case, and not at its beginning.
    pub later: bool,
}

/// One thing that is done in a case.
#[derive(Debug, Clone)]
pub enum Given {
    /// A message comes.
    Message(GivenMessage),
    /// Time passes.
    Wait(Duration),
    /// A browser connects.
    Connect {
        /// Which one.
        socket: String,
        /// The message up to which it has heard everything; none where it is new.
        since: Option<u64>,
    },
    /// A browser says goodbye.
    Disconnect {
        /// Which one.
        socket: String,
    },
    /// A browser neither reads nor says anything any more.
    Silent {
        /// Which one.
        socket: String,
    },
    /// A browser says something.
    Says {
        /// Which one.
        socket: String,
        /// What it says.
        text: String,
    },
}

impl Given {
    /// The browser that it is about; none where it is about none.
    pub fn socket(&self) -> Option<&str> {
        match self {
            Given::Message(_) | Given::Wait(_) => None,
            Given::Connect { socket, .. }
            | Given::Disconnect { socket }
            | Given::Silent { socket }
            | Given::Says { socket, .. } => Some(socket),
        }
    }
}

/// A message that comes to an item.
#[derive(Debug, Clone)]
pub struct GivenMessage {
    /// The item.
    pub to: String,
    /// The name of the file that it stands in; empty where it stands in the case.
    pub name: String,
    /// Its bytes.
    pub content: Bytes,
    /// The line of the case that gives it.
    pub line: usize,
}

/// How the world behind an operation answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EdgeDef {
    /// How long nobody is there, from the beginning of the case.
    pub refuses_for: Option<Duration>,
    /// How long each answer takes, in order; the last one for all that come after it.
    pub delay: Vec<Duration>,
    /// What is answered, in order; the last one to all that come after it.
    pub answers: Vec<String>,
    /// The text of an answer, MSA-3.
    pub text: String,
}

/// One thing that is to come of a case.
#[derive(Debug, Clone)]
pub struct Expectation {
    /// The line at which it stands.
    pub line: usize,
    /// Its column.
    pub column: usize,
    /// What it is.
    pub wanted: Wanted,
}

/// What is wanted.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// Of what an operation sends out.
    Output(OutputDef),
    /// Of the messages that came to an item.
    Status {
        /// The item.
        item: String,
        /// Their status.
        is: MessageStatus,
        /// How many have it; none for all of them, and at least one.
        count: Option<usize>,
    },
    /// What the sender of a message is told.
    Ack {
        /// The code, as in AA.
        code: String,
        /// The number of the message among those given, from 1.
        of: usize,
        /// A part of what it says beside the code.
        text: String,
    },
    /// What open sockets are told.
    Broadcast {
        /// The process that speaks, or the server.
        by: String,
        /// The server.
        server: String,
        /// The text; none for any.
        text: Option<String>,
        /// A part of it; none for any.
        contains: Option<String>,
        /// How often; none for once or more.
        count: Option<usize>,
    },
    /// What a browser is told.
    Told {
        /// Its name.
        socket: String,
        /// The text; none for any.
        text: Option<String>,
        /// A part of it; none for any.
        contains: Option<String>,
        /// How often; none for once or more.
        count: Option<usize>,
    },
    /// How a browser's socket is at the end.
    Socket {
        /// Its name.
        socket: String,
        /// Whether its session is stored.
        open: bool,
    },
    /// What stands in the event log.
    Event {
        /// A part of its text.
        text: String,
        /// Its kind; none for any.
        kind: Option<EventKind>,
        /// Who says it; none for anybody.
        item: Option<String>,
        /// How often; none for once or more.
        count: Option<usize>,
    },
}

/// What is wanted of what an operation sends out.
#[derive(Debug, Clone)]
pub struct OutputDef {
    /// The operation.
    pub at: String,
    /// How many come; none for at least one.
    pub count: Option<usize>,
    /// Which of them the rest is about, from 1; none for each of them.
    pub number: Option<usize>,
    /// Why it was sent there: the name of the rule.
    pub rule: Option<String>,
    /// Values by path: the path as it was written, and the value; the line at which it stands.
    pub values: Vec<ValueDef>,
    /// All of its bytes: the file as it was named, and what is in it.
    pub content: Option<(String, Bytes)>,
}

/// A value at a path.
#[derive(Debug, Clone)]
pub struct ValueDef {
    /// The path as it was written.
    pub path: String,
    /// The path.
    pub compiled: FieldPath,
    /// The value; empty for none.
    pub value: String,
    /// The line at which it stands.
    pub line: usize,
    /// Its column.
    pub column: usize,
}

/// What came of reading a case.
#[derive(Debug)]
pub struct CaseReport {
    /// The case; none when any finding is an error.
    pub case: Option<CaseDef>,
    /// Everything that was found, in the order of lines.
    pub findings: Vec<Finding>,
    /// The text that was read.
    pub sources: Sources,
}

impl CaseReport {
    /// Whether anything was found that keeps the case from being run.
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(|finding| finding.level == Level::Error)
    }

    /// Every finding with its line underlined, and a closing sum; empty when nothing was found.
    pub fn human(&self, colour: bool) -> String {
        render::human(&self.findings, &self.sources, colour)
    }
}

/// Reads and checks the case at `path` of a production. Besides it the files that it names are read.
pub fn load_case(path: &Path, production: &ProductionDef) -> CaseReport {
    let (mut sources, mut findings) = (Sources::default(), Findings::default());
    let case = read::case(path, production, &mut sources, &mut findings);
    let case = case.filter(|_| !findings.any_error());
    let findings = findings.finish(&sources, &Secrets::default());
    CaseReport { case, findings, sources }
}
