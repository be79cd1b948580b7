//! A flow as it is run: its steps in one list, with jumps, so that a position is a number.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use model::Note;
use rules::{Transform, Transforms};

use super::asking::Rules;
use super::code::Code;
use super::expression::{Condition, Text, Value};
use super::sql::Sql;
use crate::hl7::doc_type::DocTypes;

/// A compiled flow.
#[derive(Debug, Default)]
pub(super) struct Program {
    /// What is done, beginning with the first.
    pub(super) ops: Vec<Op>,
    /// Its scopes.
    pub(super) scopes: Vec<Scope>,
    /// The transforms that it may name.
    pub(super) transforms: Arc<Transforms>,
    /// Of what type messages are that it makes.
    pub(super) types: DocTypes,
    /// Where its code uses sockets: the path of the code, and the bytes of the word.
    pub(super) sockets: Vec<(String, Range<usize>)>,
}

/// A part that may fail as a whole.
#[derive(Debug, Default)]
pub(super) struct Scope {
    /// Faults that are caught, and where their steps begin; `*` is any.
    pub(super) catches: Vec<(String, usize)>,
    /// Where the steps begin that undo it.
    pub(super) compensate: Option<usize>,
}

impl Scope {
    /// Where the steps for that fault begin.
    pub(super) fn catch(&self, fault: &str) -> Option<usize> {
        let of = |wanted: &str| self.catches.iter().find(|(name, _)| name == wanted).map(|(_, at)| *at);
        of(fault).or_else(|| of(ANY_FAULT))
    }
}

/// Any fault, in `catch`.
pub(super) const ANY_FAULT: &str = "*";

/// The faults that are not thrown by a step of that name.
pub(super) const FAULTS: [&str; 12] = [
    "timeout",
    "failed",
    "missing",
    "transform",
    "set",
    "charset",
    "lookup",
    "time",
    "sql",
    "code",
    "rejected",
    "endless",
];

/// The message that a step looks at or sends.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// One of that name, as it is.
    Message(String),
    /// What a transform makes of one.
    Transform { name: String, of: String },
    /// What transforms make of one, one after the other.
    Chain { transforms: Vec<Arc<Transform>>, of: String },
    /// A text with values in it.
    Text { text: Text, of: String },
    /// A copy of one with values in their places.
    Set { of: String, values: Vec<(hl7::Path, Value)> },
}

/// A call of an item.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) target: String,
    pub(super) source: Source,
    /// What its answer is called.
    pub(super) name: String,
    /// Whether somebody waits for the answer.
    pub(super) wants_answer: bool,
    pub(super) description: String,
}

/// Waiting for the answers to calls.
#[derive(Debug)]
pub(super) struct Await {
    /// The names of the calls.
    pub(super) names: Vec<String>,
    /// Whether only calls of the same thread are meant.
    pub(super) own: bool,
    /// Whether the first answer is enough.
    pub(super) any: bool,
    pub(super) timeout: Option<Duration>,
    /// Whether a failure or a timeout is no fault.
    pub(super) ignore_errors: bool,
}

/// One thing to do.
#[derive(Debug)]
pub(super) enum Op {
    Assign {
        name: String,
        value: Value,
        of: String,
    },
    Make {
        source: Source,
        name: String,
    },
    Call(Call),
    Code(Code),
    Rules(Rules),
    Sql(Sql),
    Await(Await),
    Jump(usize),
    /// Goes on at the place unless the condition holds.
    Unless {
        condition: Condition,
        of: String,
        to: usize,
    },
    /// Begins a loop over the values of a path.
    Each {
        values: Value,
        of: String,
    },
    /// The next value under that name, or the end of the loop at the place.
    Next {
        name: String,
        end: usize,
    },
    /// The loop over values that the thread is in is left before its end.
    LeaveLoop,
    DelayFor(Duration),
    DelayUntil {
        value: Value,
        of: String,
    },
    Alert {
        text: String,
    },
    Trace {
        text: String,
    },
    Milestone {
        name: String,
    },
    Reply {
        source: Option<Source>,
        error: Option<String>,
    },
    Throw {
        fault: String,
    },
    /// Begins branches at these places; goes on behind when all have ended.
    Fork {
        branches: Vec<usize>,
    },
    EndBranch,
    Enter {
        scope: usize,
    },
    Leave,
    /// The end of steps that undo a scope.
    Undone,
    /// The flow is done.
    End,
}

/// A step in JavaScript or SQL counts as so many, a set of rules as so many.
const FOR_CODE: usize = 20;
const FOR_RULES: usize = 5;

impl Op {
    /// As how many steps it counts where those are counted that are done without a wait.
    pub(super) fn costs(&self) -> usize {
        match self {
            Op::Code(_) | Op::Sql(_) => FOR_CODE,
            Op::Rules(_) => FOR_RULES,
            _ => 1,
        }
    }
}

/// Where an item is named, the item, and the bytes of its name where that is a part of a text.
pub(super) type Target = (String, String, Option<Range<usize>>);

/// What compiling a flow came to.
#[derive(Debug, Default)]
pub(super) struct Compiled {
    pub(super) program: Program,
    pub(super) notes: Vec<Note>,
    /// The items that are called.
    pub(super) targets: Vec<Target>,
    /// How long it may wait before whoever asked has an answer, by the places that say so.
    pub(super) waits: Vec<(String, Duration)>,
}
