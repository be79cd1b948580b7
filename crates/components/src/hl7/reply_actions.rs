//! `reply_code_actions`: what becomes of a message, by the answer that came back to it.
//!
//! A list `code=action,code=action`, also `(code,code)=action` for any of several codes.
//!
//! | code | is about |
//! |---|---|
//! | `:?A`, `:?E`, `:?R` | MSA-1 is AA or CA, AE or CE, AR or CR |
//! | `:xy` | MSA-1 is just that, as in `:AE` |
//! | `:_` | MSA-1 is empty |
//! | `:*` | MSA-1 is anything that no other code of the list is about |
//! | `:~` | the answer has no segment MSA |
//! | `:I?` | MSA-2 is not the control id of the message |
//! | `:T?` | MSH-9 of the answer is of no type that answers the message |
//! | `E` | the exchange failed; `E#no_reply` or `E#bad_reply` by its name, `E*text` by its words |
//! | `X` | no answer came at all |
//!
//! | action | does |
//! |---|---|
//! | `C` | completes the message |
//! | `W` | says a warning, and completes it |
//! | `R` | tries again, every `retry_interval`, until `failure_timeout`, and then suspends it |
//! | `RC` `RF` `RD` | the same, and then does what the second letter says (`RS` suspends, as `R` does) |
//! | `S` | suspends it, for a person to look at |
//! | `F` | fails it: its status is Error |
//! | `D` | stops the item, with the message first in its queue, and nothing behind it is sent |
//!
//! Entries with `W` alone are looked at first, all of them, and warn. Of the others the first that is
//! about the answer decides. Where none is, the message is completed if there was a warning; else an
//! answer that nobody reckoned with suspends the message, and an exchange that failed is tried again.

mod parse;

use std::ops::Range;

use model::{AfterRetries, Decision, Event, EventKind, Message, MessageBody};

/// What users of such engines know as the usual actions.
pub(crate) const USUAL: &str = ":?R=RF,:?E=S,:~=S,:?A=C,:*=S,:I?=W,:T?=C";

/// A list of reply code actions, ready to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReplyActions {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    codes: Vec<Code>,
    action: Action,
    /// As it was written, and where.
    text: String,
    at: Range<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Code {
    /// `:?x`: the second letter of MSA-1, after A or C.
    Kind(u8),
    Literal(String),
    Empty,
    Other,
    NoMsa,
    OtherId,
    OtherType,
    Failed,
    FailedNamed(String),
    FailedSaying(String),
    NoReply,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    /// Says a warning, and leaves the rest to others.
    Warn,
    End(Ending),
    Retry(AfterRetries),
}

/// How a message ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Complete,
    /// With a warning.
    Warn,
    Suspend,
    Fail,
    Disable,
}

/// What came of sending one message.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Came<'a> {
    /// An HL7 message.
    Answer {
        /// MSA-1; none when there is no segment MSA.
        code: Option<&'a str>,
        /// Whether MSA-2 is another id than the message's.
        other_id: bool,
        /// Whether MSH-9 is of a type that does not answer the message.
        other_type: bool,
    },
    /// Nothing, for this reason.
    NoReply(&'a str),
    /// Something that is no answer, for this reason. Never message content.
    BadReply(&'a str),
}

/// What the actions come to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ruling {
    action: Action,
    /// What came, and which entry decided.
    reason: String,
    warnings: Vec<String>,
}

impl ReplyActions {
    /// What is to become of a message of which this came, from `peer` (as people know it).
    pub(crate) fn rule(&self, peer: &str, came: Came<'_>) -> Ruling {
        let about = |entry: &&Entry| entry.codes.iter().any(|code| self.is_about(code, came));
        let mut warnings = Vec::new();
        let mut decided = None;
        for entry in self.entries.iter().filter(about) {
            if entry.action == Action::Warn {
                warnings.push(reason(peer, came, Some(entry)));
            } else if decided.is_none() {
                decided = Some(entry);
            }
        }
        let action = match (decided, came) {
            (Some(entry), _) => entry.action,
            (None, _) if !warnings.is_empty() => Action::End(Ending::Complete),
            (None, Came::Answer { .. }) => Action::End(Ending::Suspend),
            (None, _) => Action::Retry(AfterRetries::default()),
        };
        let reason = match action {
            // Most answers are this, and nobody reads why.
            Action::End(Ending::Complete) => String::new(),
            _ => reason(peer, came, decided),
        };
        Ruling { action, reason, warnings }
    }

    fn is_about(&self, code: &Code, came: Came<'_>) -> bool {
        let (msa1, other_id, other_type) = match came {
            Came::Answer { code, other_id, other_type } => (code, other_id, other_type),
            Came::NoReply(text) => return code.is_about_failure("no_reply", text) || *code == Code::NoReply,
            Came::BadReply(text) => return code.is_about_failure("bad_reply", text),
        };
        match (code, msa1) {
            (Code::NoMsa, None) => true,
            (Code::OtherId, _) => other_id,
            (Code::OtherType, _) => other_type,
            (Code::Other, Some(msa1)) => !self.codes().any(|code| code.is_about_msa1(msa1)),
            (code, Some(msa1)) => code.is_about_msa1(msa1),
            (_, None) => false,
        }
    }

    fn codes(&self) -> impl Iterator<Item = &Code> {
        self.entries.iter().flat_map(|entry| &entry.codes)
    }
}

impl Code {
    /// `:*` is not asked here.
    fn is_about_msa1(&self, msa1: &str) -> bool {
        match self {
            Code::Kind(kind) => matches!(msa1.as_bytes(), [b'A' | b'C', letter] if letter == kind),
            Code::Literal(text) => text == msa1,
            Code::Empty => msa1.is_empty(),
            _ => false,
        }
    }

    fn is_about_failure(&self, name: &str, said: &str) -> bool {
        match self {
            Code::Failed => true,
            Code::FailedNamed(wanted) => wanted == name,
            Code::FailedSaying(words) => said.contains(words.as_str()),
            _ => false,
        }
    }
}

/// What came, from whom, and which entry is about it. Holds nothing of the answer but a known code.
fn reason(peer: &str, came: Came<'_>, entry: Option<&Entry>) -> String {
    let what = match came {
        Came::NoReply(text) | Came::BadReply(text) => text.to_owned(),
        Came::Answer { code: None, .. } => format!("{peer} answered without a segment MSA"),
        Came::Answer { code: Some(code), other_id, other_type } => {
            let other = |code: &Code| matches!(code, Code::OtherId | Code::OtherType);
            let about_code = entry.is_none_or(|entry| !entry.codes.iter().any(other));
            let other = match (other_id, other_type) {
                (true, _) if !about_code => ", with another control id in MSA-2 than the message's",
                (false, true) if !about_code => ", with a message type in MSH-9 that does not answer it",
                _ => "",
            };
            format!("{peer} answered {}{other}", shown(code))
        }
    };
    match entry {
        Some(entry) => format!("{what} (reply_code_actions \"{}\")", entry.text),
        None => what,
    }
}

/// MSA-1 as it may be shown: whatever is longer than a code may be anything.
fn shown(code: &str) -> &str {
    match code.len() {
        0 => "with an empty MSA-1",
        1 | 2 if code.bytes().all(|byte| byte.is_ascii_uppercase()) => code,
        _ => "with an MSA-1 that is no code",
    }
}

impl Ruling {
    /// Whether the message is tried again.
    pub(crate) fn is_retry(&self) -> bool {
        matches!(self.action, Action::Retry(_))
    }

    /// The decision about `request`, said by the item `item`; `response` is what is kept of the answer.
    pub(crate) fn decide(self, item: &str, request: &Message, response: Option<MessageBody>) -> Decision {
        let Ruling { action, reason, mut warnings } = self;
        let said = |warnings: Vec<String>| -> Vec<Event> {
            let (id, session) = (request.header.id, request.header.session);
            let event = |text: String| {
                Event::new(EventKind::Warning, item, format!("message {id}: {text}")).about(id, session)
            };
            warnings.into_iter().map(event).collect()
        };
        match action {
            Action::Retry(then) => Decision::Retry { reason, after: None, then, counts: true },
            Action::End(Ending::Complete) => {
                Decision::Completed { sends: Vec::new(), events: said(warnings), response }
            }
            Action::Warn | Action::End(Ending::Warn) => {
                warnings.push(reason);
                Decision::Completed { sends: Vec::new(), events: said(warnings), response }
            }
            Action::End(Ending::Suspend) => Decision::Suspend { reason, response },
            Action::End(Ending::Fail) => Decision::Reject { reason, sends: Vec::new(), response },
            Action::End(Ending::Disable) => Decision::Fatal(reason),
        }
    }
}

#[cfg(test)]
mod tests;
