//! What a script can ask of the engine: the functions behind `msg`, `send` and the like.
//!
//! Each takes what it is given as it is, and never calls back into the script.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use rquickjs::function::IntoJsFunc;
use rquickjs::{Ctx, Exception, Function, IntoJs, Object, Result, String as JsString, Value};

use crate::messages::{Done, Found, Messages};
use crate::{Door, Facts, Level, NoDoor, Outcome, Program, Said, Sent, SentBody, Verdict, Written};

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
    pub(crate) current: RefCell<Current>,
}

/// One message in work.
pub(crate) struct Current {
    messages: Messages,
    facts: Facts,
    door: Arc<dyn Door>,
    now: i64,
    verdict: Option<Verdict>,
    sends: Vec<Sent>,
    answer: Option<SentBody>,
    said: Vec<Said>,
    /// What was last refused, when it is safe to tell.
    told: Option<String>,
}

impl State {
    pub(crate) fn new(program: &Program) -> Rc<State> {
        let current = Current {
            messages: Messages::new(program.source(), program.limits().memory),
            facts: Facts::default(),
            door: Arc::new(NoDoor),
            now: 0,
            verdict: None,
            sends: Vec::new(),
            answer: None,
            said: Vec::new(),
            told: None,
        };
        let (deadline, late) = (Cell::default(), Cell::default());
        Rc::new(State { deadline, late, current: RefCell::new(current) })
    }
}

impl Current {
    pub(crate) fn begin(&mut self, input: &crate::Input, door: &Arc<dyn Door>) {
        self.messages.begin(&input.content);
        (self.facts, self.door, self.now) = (input.facts.clone(), door.clone(), door.now());
        (self.verdict, self.told, self.answer) = (None, None, None);
        self.sends.clear();
        self.said.clear();
    }

    pub(crate) fn told(&self) -> Option<&str> {
        self.told.as_deref()
    }

    /// Ends the message, after the script came to its end or to this trouble.
    pub(crate) fn end(&mut self, failed: Option<crate::Trouble>) -> Outcome {
        let said = std::mem::take(&mut self.said);
        let (mut sends, mut answer) = (std::mem::take(&mut self.sends), self.answer.take());
        let verdict = match (self.verdict.take(), failed) {
            (Some(verdict), None) => verdict,
            (_, Some(trouble)) => {
                sends.clear();
                answer = None;
                Verdict::Failed(trouble)
            }
            (None, None) => Verdict::Done,
        };
        let changed = match verdict {
            Verdict::Failed(_) => None,
            _ => self.messages.changed(),
        };
        self.messages.end();
        Outcome { verdict, sends, answer, said, changed }
    }

    /// Whether the script has ended the message itself.
    pub(crate) fn has_ended(&self) -> bool {
        self.verdict.is_some()
    }

    fn send(&mut self, target: &str, body: SentBody) -> Done<()> {
        if matches!(self.verdict, Some(Verdict::Discard(_) | Verdict::Suspend(_))) {
            return Err("send: the message has been discarded or suspended".into());
        }
        self.door.may_send(target)?;
        if self.sends.len() == MOST_SENDS {
            return Err(format!("send: {MOST_SENDS} messages have been sent already").into());
        }
        self.messages.spend(ENTRY + target.len())?;
        self.sends.push(Sent { target: target.to_owned(), body });
        Ok(())
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
            "bodyClass" => facts.body_class,
            _ => &facts.name,
        };
        text.into_js(ctx)
    }
}

/// Makes a function of `native`.
fn put<'js, P>(native: &Object<'js>, name: &str, function: impl IntoJsFunc<'js, P> + 'js) -> Result<()> {
    let function = Function::new(native.ctx().clone(), function)?;
    native.set(name, function.with_name(name)?)
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
    reading(&native, state)?;
    changing(&native, state)?;
    segments(&native, state)?;
    doing(&native, state)?;
    sockets(&native, state)?;
    Ok(native)
}

fn reading<'js>(native: &Object<'js>, state: &Shared) -> Result<()> {
    let s = state.clone();
    put(native, "get", move |ctx: Ctx<'js>, handle: u32, path: Value<'js>| -> Result<Value<'js>> {
        let path = s.text(&ctx, "path", &path)?;
        s.with(&ctx, |current| {
            let found = current.messages.get(handle, &path)?;
            Ok(match found {
                Found::Absent => Ok(Value::new_undefined(ctx.clone())),
                Found::Null => Ok(Value::new_null(ctx.clone())),
                Found::Text(text) => JsString::from_str(ctx.clone(), &text).map(|text| text.into_value()),
            })
        })?
    })?;
    let s = state.clone();
    put(native, "raw", move |ctx: Ctx<'js>, handle: u32, path: Value<'js>| -> Result<Value<'js>> {
        let path = s.text(&ctx, "path", &path)?;
        s.with(&ctx, |current| {
            let raw = current.messages.raw(handle, &path)?;
            Ok(match raw {
                None => Ok(Value::new_undefined(ctx.clone())),
                Some(raw) => raw.into_js(&ctx),
            })
        })?
    })?;
    let s = state.clone();
    put(native, "values", move |ctx: Ctx<'js>, handle: u32, path: Value<'js>| -> Result<Value<'js>> {
        let path = s.text(&ctx, "path", &path)?;
        let values = s.with(&ctx, |current| current.messages.values(handle, &path))?;
        let array = rquickjs::Array::new(ctx.clone())?;
        for (at, value) in values.into_iter().enumerate() {
            match value {
                Some(text) => array.set(at, text)?,
                None => array.set(at, Value::new_null(ctx.clone()))?,
            }
        }
        Ok(array.into_value())
    })?;
    let s = state.clone();
    put(native, "count", move |ctx: Ctx<'js>, handle: u32, path: Value<'js>| -> Result<u32> {
        let path = s.text(&ctx, "path", &path)?;
        s.with(&ctx, |current| Ok(current.messages.count(handle, &path)? as u32))
    })?;
    let s = state.clone();
    put(native, "text", move |ctx: Ctx<'js>, handle: u32| -> Result<Value<'js>> {
        s.with(&ctx, |current| Ok(current.messages.text(handle)?.into_js(&ctx)))?
    })?;
    let s = state.clone();
    put(native, "type", move |ctx: Ctx<'js>, handle: u32| -> Result<String> {
        s.with(&ctx, |current| current.messages.kind(handle))
    })
}

fn changing<'js>(native: &Object<'js>, state: &Shared) -> Result<()> {
    let s = state.clone();
    put(
        native,
        "set",
        move |ctx: Ctx<'js>, handle: u32, path: Value<'js>, value: Value<'js>| -> Result<()> {
            let (path, value) = (s.text(&ctx, "path", &path)?, s.value(&ctx, &value)?);
            s.with(&ctx, |current| current.messages.set(handle, &path, value.as_deref()))
        },
    )?;
    let s = state.clone();
    put(
        native,
        "setRaw",
        move |ctx: Ctx<'js>, handle: u32, path: Value<'js>, value: Value<'js>| -> Result<()> {
            let (path, value) = (s.text(&ctx, "path", &path)?, s.text(&ctx, "value", &value)?);
            s.with(&ctx, |current| current.messages.set_raw(handle, &path, &value))
        },
    )?;
    let s = state.clone();
    put(
        native,
        "append",
        move |ctx: Ctx<'js>, handle: u32, path: Value<'js>, value: Value<'js>| -> Result<()> {
            let (path, value) = (s.text(&ctx, "path", &path)?, s.value(&ctx, &value)?);
            s.with(&ctx, |current| current.messages.append(handle, &path, value.as_deref()))
        },
    )?;
    let s = state.clone();
    put(native, "remove", move |ctx: Ctx<'js>, handle: u32, path: Value<'js>| -> Result<u32> {
        let path = s.text(&ctx, "path", &path)?;
        s.with(&ctx, |current| Ok(current.messages.remove(handle, &path)? as u32))
    })?;
    let s = state.clone();
    put(native, "read", move |ctx: Ctx<'js>, text: Value<'js>| -> Result<u32> {
        let text = s.text(&ctx, "message", &text)?;
        s.with(&ctx, |current| current.messages.read(&text))
    })?;
    let s = state.clone();
    put(native, "copy", move |ctx: Ctx<'js>, handle: u32| -> Result<u32> {
        s.with(&ctx, |current| current.messages.copy(handle))
    })
}

fn segments<'js>(native: &Object<'js>, state: &Shared) -> Result<()> {
    let s = state.clone();
    put(native, "segments", move |ctx: Ctx<'js>, handle: u32, id: Value<'js>| -> Result<Vec<u32>> {
        let id = if id.is_undefined() { None } else { Some(s.text(&ctx, "segment id", &id)?) };
        s.with(&ctx, |current| current.messages.segments(handle, id.as_deref()))
    })?;
    let s = state.clone();
    put(native, "place", move |ctx: Ctx<'js>, handle: u32, key: u32| -> Result<String> {
        s.with(&ctx, |current| current.messages.place(handle, key))
    })?;
    let s = state.clone();
    put(native, "add", move |ctx: Ctx<'js>, handle: u32, text: Value<'js>| -> Result<u32> {
        let text = s.text(&ctx, "segment", &text)?;
        s.with(&ctx, |current| current.messages.add(handle, &text))
    })?;
    let s = state.clone();
    let insert =
        move |ctx: Ctx<'js>, handle: u32, path: Value<'js>, text: Value<'js>, after: bool| -> Result<u32> {
            let (path, text) = (s.text(&ctx, "path", &path)?, s.text(&ctx, "segment", &text)?);
            s.with(&ctx, |current| current.messages.insert(handle, &path, &text, after))
        };
    put(native, "insert", insert)
}

fn doing<'js>(native: &Object<'js>, state: &Shared) -> Result<()> {
    let s = state.clone();
    put(native, "refuse", move |ctx: Ctx<'js>, text: String| -> Result<()> { Err(s.refuse(&ctx, &text)) })?;
    let s = state.clone();
    put(native, "now", move || s.current.borrow().now as f64)?;
    let s = state.clone();
    put(native, "fact", move |ctx: Ctx<'js>, name: String| s.current.borrow().fact(&ctx, &name))?;
    let s = state.clone();
    put(native, "send", move |ctx: Ctx<'js>, target: Value<'js>, body: Value<'js>| -> Result<()> {
        let target = s.text(&ctx, "target", &target)?;
        let body = s.body(&ctx, &body)?;
        s.with(&ctx, |current| current.send(&target, body))
    })?;
    let s = state.clone();
    put(native, "answer", move |ctx: Ctx<'js>, body: Value<'js>| -> Result<()> {
        let body = s.body(&ctx, &body)?;
        s.current.borrow_mut().answer = Some(body);
        Ok(())
    })?;
    let s = state.clone();
    put(native, "say", move |ctx: Ctx<'js>, level: usize, text: Value<'js>| -> Result<()> {
        const LEVELS: [Level; 5] = [Level::Trace, Level::Info, Level::Warning, Level::Error, Level::Alert];
        let text = s.text(&ctx, "text", &text)?;
        s.with(&ctx, |current| current.say(LEVELS[level.min(LEVELS.len() - 1)], text))
    })?;
    let s = state.clone();
    put(native, "end", move |ctx: Ctx<'js>, how: u32, reason: Value<'js>| -> Result<()> {
        let reason = s.text(&ctx, "reason", &reason)?;
        let verdict = match how {
            0 => Verdict::Discard(reason),
            1 => Verdict::Reject(reason),
            _ => Verdict::Suspend(reason),
        };
        s.with(&ctx, |current| current.end_with(verdict))?;
        Err(s.refuse(&ctx, "the script has ended the message"))
    })
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

fn sockets<'js>(native: &Object<'js>, state: &Shared) -> Result<()> {
    let s = state.clone();
    put(native, "sockets", move |ctx: Ctx<'js>| -> Result<String> {
        let open = s.with(&ctx, |current| Ok(current.door.sockets()?))?;
        let list = open.into_iter().map(|socket| {
            serde_json::json!({
                "id": socket.id,
                "sessionId": socket.session_id,
                "address": socket.address,
                "user": socket.user,
                "origin": socket.origin,
                "connected": socket.connected,
            })
        });
        Ok(serde_json::Value::Array(list.collect()).to_string())
    })?;
    let s = state.clone();
    put(native, "write", move |ctx: Ctx<'js>, id: Value<'js>, text: Value<'js>| -> Result<&'static str> {
        let (id, text) = (s.socket(&ctx, &id)?, s.text(&ctx, "text", &text)?);
        let written = s.with(&ctx, |current| Ok(current.door.write(id, &text)?))?;
        Ok(match written {
            Written::Ok => "ok",
            Written::Full => "full",
            Written::Closed => "closed",
            Written::TimedOut => "timeout",
        })
    })?;
    let s = state.clone();
    put(native, "forget", move |ctx: Ctx<'js>, id: Value<'js>| -> Result<bool> {
        let id = s.socket(&ctx, &id)?;
        s.with(&ctx, |current| Ok(current.door.forget(id)?))
    })
}
