//! What a script can ask of the engine: the functions behind `msg`, `send` and the like.
//!
//! Each takes what it is given as it is, and never calls back into the script.

mod functions;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use rquickjs::{Ctx, Exception, IntoJs, Object, Result, Value};
use rules::transform::Turn;
use rules::{LookupTable, LookupTables};

use crate::messages::{Done, Messages, Refusal};
use crate::program::Purpose;
use crate::trouble::Trouble;
use crate::{Content, Door, Facts, Level, NoDoor, Outcome, Program, Said, Sent, SentBody, Verdict};

/// So much a script may send, and say, about one message.
const MOST_SENDS: usize = 10_000;
const MOST_SAID: usize = 1_000;
/// What a line or a send takes beside its text.
const ENTRY: usize = 64;

/// What a sandbox and its functions share.
pub(crate) struct State {
    /// When the script's time is up; none while none runs.
    pub(crate) deadline: Cell<Option<Instant>>,
    /// Whether it was stopped then.
    pub(crate) late: Cell<bool>,
    /// Promises that were rejected and that nobody looks after, and why the last one was.
    pub(crate) unhandled: Cell<usize>,
    pub(crate) rejected: RefCell<Option<Trouble>>,
    pub(crate) current: RefCell<Current>,
}

/// One message in work.
pub(crate) struct Current {
    messages: Messages,
    purpose: Purpose,
    tables: LookupTables,
    turn: Option<Turn>,
    facts: Facts,
    door: Arc<dyn Door>,
    now: i64,
    verdict: Option<Verdict>,
    sends: Vec<Sent>,
    answer: Option<SentBody>,
    said: Vec<Said>,
    /// What it set in its context.
    variables: BTreeMap<String, String>,
    /// What was last refused, when it is safe to tell.
    told: Option<String>,
}

impl State {
    pub(crate) fn new(program: &Program) -> Rc<State> {
        let current = Current {
            messages: Messages::new(program.source(), program.limits().memory),
            purpose: program.purpose(),
            tables: program.tables().clone(),
            turn: None,
            facts: Facts::default(),
            door: Arc::new(NoDoor),
            now: 0,
            verdict: None,
            sends: Vec::new(),
            answer: None,
            said: Vec::new(),
            variables: BTreeMap::new(),
            told: None,
        };
        Rc::new(State {
            deadline: Cell::default(),
            late: Cell::default(),
            unhandled: Cell::default(),
            rejected: RefCell::default(),
            current: RefCell::new(current),
        })
    }
}

impl Current {
    pub(crate) fn begin(&mut self, input: &crate::Input, door: &Arc<dyn Door>) {
        self.messages.begin(&input.content);
        self.turn = match &input.content {
            Content::Built { turn, .. } => *turn,
            Content::Hl7(_) | Content::Text(_) => None,
        };
        (self.facts, self.door, self.now) = (input.facts.clone(), door.clone(), door.now());
        (self.verdict, self.told, self.answer) = (None, None, None);
        self.sends.clear();
        self.said.clear();
        self.variables.clear();
    }

    pub(crate) fn told(&self) -> Option<&str> {
        self.told.as_deref()
    }

    /// Ends the message, after the script came to its end or to this trouble.
    pub(crate) fn end(&mut self, failed: Option<crate::Trouble>) -> Outcome {
        let said = std::mem::take(&mut self.said);
        let (mut sends, mut answer) = (std::mem::take(&mut self.sends), self.answer.take());
        let mut variables = std::mem::take(&mut self.variables);
        let verdict = match (self.verdict.take(), failed) {
            (Some(verdict), None) => verdict,
            (_, Some(trouble)) => {
                sends.clear();
                variables.clear();
                answer = None;
                Verdict::Failed(trouble)
            }
            (None, None) => Verdict::Done,
        };
        let (changed, rebuilt) = match (&verdict, self.purpose) {
            (Verdict::Failed(_), _) => (None, None),
            (_, Purpose::Message) => (self.messages.changed(), None),
            (_, Purpose::Transform) => (None, self.messages.rebuilt()),
        };
        self.messages.end();
        Outcome { verdict, sends, answer, said, changed, rebuilt, variables }
    }

    /// Whether the script has ended the message itself.
    pub(crate) fn has_ended(&self) -> bool {
        self.verdict.is_some()
    }

    fn send(&mut self, target: &str, body: SentBody, description: String) -> Done<()> {
        if matches!(self.verdict, Some(Verdict::Discard(_) | Verdict::Suspend(_))) {
            return Err("send: the message has been discarded or suspended".into());
        }
        self.door.may_send(target)?;
        if self.sends.len() == MOST_SENDS {
            return Err(format!("send: {MOST_SENDS} messages have been sent already").into());
        }
        self.messages.spend(ENTRY + target.len() + description.len())?;
        self.sends.push(Sent { target: target.to_owned(), body, description });
        Ok(())
    }

    /// What the script set, or what was there before it.
    fn variable(&self, name: &str) -> Option<&str> {
        let before = || self.facts.variables.as_ref()?.get(name);
        self.variables.get(name).or_else(before).map(String::as_str)
    }

    fn set_variable(&mut self, name: String, text: String) -> Done<()> {
        if self.facts.variables.is_none() || self.purpose == Purpose::Transform {
            return Err("context is read-only".into());
        }
        self.messages.spend(ENTRY + name.len() + text.len())?;
        self.variables.insert(name, text);
        Ok(())
    }

    /// What stands for a key in a lookup table, as in expressions; a script may have a value of its own
    /// for what is not there.
    fn lookup(&self, table: &str, key: &str, has_default: bool) -> Done<Option<&str>> {
        let own = self.table(table)?;
        match own.get(key) {
            Some(found) => Ok(Some(found)),
            None if has_default => Ok(None),
            None if own.default.is_some() => Ok(own.default.as_deref()),
            None if own.strict => {
                Err(format!("lookup table \"{table}\" has no such key, and wants every one to be there")
                    .into())
            }
            None => Ok(None),
        }
    }

    fn table(&self, name: &str) -> Done<&LookupTable> {
        let refusal = || Refusal {
            text: self.tables.unknown(name, 0..0).message,
            // The name may have come out of a message.
            safe: self.messages.is_written(name),
        };
        self.tables.get(name).map(|table| &**table).ok_or_else(refusal)
    }

    fn say(&mut self, level: Level, text: String) -> Done<()> {
        if self.said.len() == MOST_SAID {
            return Err(format!("log: {MOST_SAID} lines have been said about this message already").into());
        }
        self.messages.spend(ENTRY + text.len())?;
        self.said.push(Said { level, text });
        Ok(())
    }

    fn end_with(&mut self, verdict: Verdict) -> Done<()> {
        let sets_aside = matches!(verdict, Verdict::Discard(_) | Verdict::Suspend(_));
        if sets_aside && !(self.sends.is_empty() && self.answer.is_none()) {
            return Err("the message has been sent on or answered; it cannot be set aside as well".into());
        }
        // The first one counts, also when the script catches it and goes on.
        self.verdict.get_or_insert(verdict);
        Ok(())
    }

    fn fact<'js>(&self, ctx: &Ctx<'js>, name: &str) -> Result<Value<'js>> {
        let facts = &self.facts;
        let text = match name {
            "id" => return (facts.id as f64).into_js(ctx),
            "session" => return (facts.session as f64).into_js(ctx),
            "source" => &*facts.source,
            "target" => &*facts.target,
            "description" => &*facts.description,
            "resent" => &facts.resent,
            "docType" => &facts.doc_type,
            "bodyClass" => &facts.body_class,
            _ => &facts.name,
        };
        text.into_js(ctx)
    }
}

type Shared = Rc<State>;

impl State {
    /// Does something with the message in work, and throws what it refuses.
    fn with<'js, R>(&self, ctx: &Ctx<'js>, work: impl FnOnce(&mut Current) -> Done<R>) -> Result<R> {
        if self.deadline.get().is_some_and(|deadline| Instant::now() >= deadline) {
            // The script itself is stopped a moment later; what it asks for until then is not done, as
            // it may take long.
            self.late.set(true);
            return Err(Exception::throw_type(ctx, "the time is up"));
        }
        let mut current = self.current.borrow_mut();
        let refusal = match work(&mut current) {
            Ok(result) => return Ok(result),
            Err(refusal) => refusal,
        };
        current.told = refusal.safe.then(|| refusal.text.clone());
        drop(current);
        Err(Exception::throw_type(ctx, &refusal.text))
    }

    fn refuse(&self, ctx: &Ctx<'_>, text: &str) -> rquickjs::Error {
        self.current.borrow_mut().told = Some(text.to_owned());
        Exception::throw_type(ctx, text)
    }

    /// The text that was given, such as a path.
    fn text(&self, ctx: &Ctx<'_>, what: &str, value: &Value<'_>) -> Result<String> {
        let Some(text) = value.as_string() else {
            return Err(self.refuse(ctx, &format!("{what} is no text")));
        };
        match text.to_string() {
            Err(rquickjs::Error::Utf8(_)) => {
                Err(self.refuse(ctx, &format!("{what} holds half a character (a lone surrogate)")))
            }
            other => other,
        }
    }

    /// A text, or null for HL7's null.
    fn value(&self, ctx: &Ctx<'_>, value: &Value<'_>) -> Result<Option<String>> {
        if value.is_null() { Ok(None) } else { self.text(ctx, "value", value).map(Some) }
    }
}

/// The functions, for the prelude to build upon.
pub(crate) fn natives<'js>(ctx: &Ctx<'js>, state: &Shared) -> Result<Object<'js>> {
    let native = Object::new(ctx.clone())?;
    functions::reading(&native, state)?;
    functions::changing(&native, state)?;
    functions::segments(&native, state)?;
    functions::doing(&native, state)?;
    functions::sockets(&native, state)?;
    functions::tables(&native, state)?;
    functions::transforms(&native, state)?;
    Ok(native)
}

impl State {
    /// What is sent: a message by its handle, or a text.
    fn body(&self, ctx: &Ctx<'_>, body: &Value<'_>) -> Result<SentBody> {
        match body.as_int() {
            Some(handle) => self.with(ctx, |current| current.messages.body(handle as u32)),
            None => {
                let text = self.text(ctx, "message", body)?;
                self.with(ctx, |current| current.messages.spend(text.len()))?;
                Ok(SentBody::Text(text))
            }
        }
    }

    /// The number of a socket.
    fn socket(&self, ctx: &Ctx<'_>, id: &Value<'_>) -> Result<u64> {
        match id.as_number().filter(|id| *id >= 0.0 && id.fract() == 0.0) {
            Some(id) => Ok(id as u64),
            None => Err(self.refuse(ctx, "socket is no id; expected the id of one of sockets.list()")),
        }
    }
}
