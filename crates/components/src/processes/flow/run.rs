//! Runs an instance until it waits, ends or fails; what it does meanwhile is one step.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Event, EventKind, HostContext, LateAnswer, MessageBody, Payload, Sent, Step, Timestamp};

use super::super::rule_log::RuleLog;
use super::expression::View;
use super::instance::{CallState, Fault, Frame, Instance, Kept, Stands, Thread, Wait};
use super::made::make;
use super::program::{Await, Call, Op, Program, Source};
use crate::sockets::hub::Hub;

/// So many things are done at most without a wait: a loop without end ends.
const MOST: usize = 100_000;

/// The bodies of an instance's messages, by name.
pub(super) type Bodies = BTreeMap<String, MessageBody>;

/// An instance in motion.
pub(super) struct Run<'a> {
    pub(super) program: &'a Program,
    pub(super) item: &'a str,
    pub(super) now: Timestamp,
    pub(super) instance: &'a mut Instance,
    pub(super) bodies: &'a mut Bodies,
    pub(super) step: Step,
    /// Whether a wait for answers has begun that may be over at once.
    pub(super) waits: bool,
    /// What is told of the rules that it asks.
    pub(super) rule_log: RuleLog,
    /// The open sockets that code has.
    pub(super) hub: Option<Arc<Hub>>,
}

/// Where a thread goes on.
pub(super) enum Go {
    /// At this place.
    To(usize),
    /// Behind what it waits for now.
    Wait(Wait),
    /// With what comes next.
    Next,
    /// Nowhere: it has ended.
    Ended,
}

impl<'p> Run<'p> {
    /// Goes on wherever it can.
    pub(super) async fn run(&mut self, host: &HostContext) {
        let mut left = MOST;
        while let Some(thread) = self.ready() {
            let at = self.thread(thread).map_or(0, |thread| thread.at);
            let op = self.program.ops.get(at).unwrap_or(&Op::End);
            left = left.saturating_sub(op.costs());
            if left == 0 {
                let reason = format!("{MOST} steps were done without a wait; is there a loop without end?");
                // What it did since it last waited is not done either.
                self.step.sends.clear();
                self.fail(Fault { name: "endless".to_owned(), reason });
                break;
            }
            let done = self.op(thread, at, op, host).await;
            self.goes(thread, at, done);
            if std::mem::take(&mut self.waits) {
                self.look();
            }
        }
        self.instance.wake = self.instance.next_wake();
        if self.is_over() && !self.instance.replied && self.step.answer.is_none() {
            self.step.answer = Some(LateAnswer::default());
        }
    }

    /// Whether nothing of it is left to do.
    pub(super) fn is_over(&self) -> bool {
        self.instance.threads.is_empty()
    }

    fn ready(&self) -> Option<u32> {
        let ready = |thread: &&Thread| matches!(thread.wait, Wait::No);
        self.instance.threads.iter().find(ready).map(|thread| thread.id)
    }

    pub(super) fn thread(&mut self, id: u32) -> Option<&mut Thread> {
        self.instance.threads.iter_mut().find(|thread| thread.id == id)
    }

    /// The thread goes on behind what it did at that place.
    fn goes(&mut self, id: u32, at: usize, done: Result<Go, Fault>) {
        match done {
            Ok(Go::Ended) => self.ended(id),
            Ok(go) => {
                let Some(thread) = self.thread(id) else { return };
                match go {
                    Go::To(place) => thread.at = place,
                    Go::Next => thread.at = at + 1,
                    Go::Wait(wait) => (thread.wait, thread.at) = (wait, at + 1),
                    Go::Ended => {}
                }
            }
            Err(fault) => self.raise(id, fault),
        }
    }

    async fn op(&mut self, id: u32, at: usize, op: &Op, host: &HostContext) -> Result<Go, Fault> {
        match op {
            Op::Assign { name, value, of } => {
                let text = value.text(&self.view(of))?;
                self.instance.context.insert(name.clone(), text);
            }
            Op::Make { source, name } => self.keep(source, name, host).await?,
            Op::Call(call) => self.call(id, call, host).await?,
            Op::Await(wait) => return Ok(self.begin_wait(id, wait)),
            Op::Jump(to) => return Ok(Go::To(*to)),
            Op::Unless { condition, of, to } => {
                if !condition.holds(&self.view(of))? {
                    return Ok(Go::To(*to));
                }
            }
            Op::Each { values, of } => {
                let mut left = values.texts(&self.view(of))?;
                left.reverse();
                self.push(id, Frame::Each { left });
            }
            Op::Next { name, end } => return Ok(self.next_value(id, at, name, *end)),
            Op::DelayFor(time) => {
                return Ok(Go::Wait(Wait::Until(Timestamp(self.now.0 + time.as_millis() as i64))));
            }
            Op::DelayUntil { value, of } => {
                let text = value.text(&self.view(of))?;
                return Ok(Go::Wait(Wait::Until(super::time::read(&text)?)));
            }
            Op::Alert { text } => self.say(EventKind::Alert, text.clone()),
            Op::Trace { text } => self.say(EventKind::Trace, text.clone()),
            Op::Milestone { name } => self.say(EventKind::Info, format!("milestone \"{name}\"")),
            Op::Reply { source, error } => self.reply(source.as_ref(), error.clone(), host).await?,
            Op::Throw { fault } => {
                let reason = format!("fault \"{fault}\" was thrown");
                return Err(Fault { name: fault.clone(), reason });
            }
            Op::Fork { branches } => return Ok(self.fork(id, branches)),
            Op::Enter { scope } => self.push(id, Frame::Scope { scope: *scope, done: Vec::new() }),
            Op::Leave => self.leave(id),
            Op::LeaveLoop => {
                if let Some(thread) = self.thread(id) {
                    thread.frames.pop();
                }
            }
            Op::Undone => return Ok(self.undo_next(id)),
            Op::Code(code) => return self.code(code, host).await,
            Op::Sql(sql) => return self.sql(sql, host).await,
            Op::Rules(rules) => return self.rules(rules, host).await,
            Op::EndBranch | Op::End => return Ok(Go::Ended),
        }
        Ok(Go::To(at + 1))
    }

    /// What expressions see that are about the message of that name.
    pub(super) fn view(&self, of: &str) -> View<'_> {
        View::new(self.bodies.get(of), &self.instance.caller, &self.instance.context, self.now)
    }

    pub(super) fn push(&mut self, id: u32, frame: Frame) {
        if let Some(thread) = self.thread(id) {
            thread.frames.push(frame);
        }
    }

    pub(super) fn say(&mut self, kind: EventKind, text: String) {
        let caller = &self.instance.caller;
        let event = Event::new(kind, self.item, text).about(caller.request, caller.session);
        self.step.events.push(event);
    }

    /// The message that a step sends or makes, and where it is stored if it is.
    pub(super) async fn made(
        &mut self,
        source: &Source,
        host: &HostContext,
    ) -> Result<(Option<model::BodyId>, MessageBody), Fault> {
        if let Source::Message(name) = source {
            let body = self.bodies.get(name).cloned().ok_or_else(|| Fault {
                name: "missing".to_owned(),
                reason: format!("there is no message \"{name}\" yet"),
            })?;
            let id = match self.instance.messages.get(name) {
                Some(Kept::Stored { body, .. }) => *body,
                _ => None,
            };
            return Ok((id, body));
        }
        make(source, self, host).await.map(|body| (None, body))
    }

    /// Makes a message and keeps it under its name.
    async fn keep(&mut self, source: &Source, name: &str, host: &HostContext) -> Result<(), Fault> {
        let (_, body) = self.made(source, host).await?;
        self.instance.messages.insert(name.to_owned(), Kept::new(&body));
        self.bodies.insert(name.to_owned(), body);
        Ok(())
    }

    async fn call(&mut self, id: u32, call: &Call, host: &HostContext) -> Result<(), Fault> {
        let (stored, body) = self.made(&call.source, host).await?;
        let number = call.wants_answer.then(|| {
            self.instance.last_call += 1;
            self.instance.last_call
        });
        if let Some(number) = number {
            let state = CallState { name: call.name.clone(), thread: id, stands: Stands::Pending };
            self.instance.calls.insert(number, state);
            self.set_outcome(&call.name, "pending", "");
        }
        self.step.sends.push(Sent {
            target: call.target.clone(),
            payload: Payload { id: stored, body },
            description: call.description.clone(),
            call: number,
        });
        Ok(())
    }

    /// Says in the context how a call stands.
    pub(super) fn set_outcome(&mut self, name: &str, status: &str, error: &str) {
        self.instance.context.insert(format!("{name}_status"), status.to_owned());
        self.instance.context.insert(format!("{name}_error"), error.to_owned());
    }

    fn begin_wait(&mut self, id: u32, wait: &Await) -> Go {
        let is_meant = |call: &CallState| wait.names.contains(&call.name) && (!wait.own || call.thread == id);
        let calls = self.instance.calls.iter().filter(|(_, call)| is_meant(call));
        let calls: Vec<u32> = calls.map(|(number, _)| *number).collect();
        let until = wait.timeout.map(|time| Timestamp(self.now.0 + time.as_millis() as i64));
        // It may all be there already: that is looked at before anything else is done.
        self.waits = true;
        Go::Wait(Wait::Calls { calls, any: wait.any, until, ignore_errors: wait.ignore_errors })
    }

    fn next_value(&mut self, id: u32, at: usize, name: &str, end: usize) -> Go {
        let Some(thread) = self.thread(id) else { return Go::Ended };
        let next = match thread.frames.last_mut() {
            Some(Frame::Each { left }) => left.pop(),
            _ => None,
        };
        match next {
            Some(value) => {
                self.instance.context.insert(name.to_owned(), value);
                Go::To(at + 1)
            }
            None => {
                thread.frames.pop();
                Go::To(end)
            }
        }
    }

    async fn reply(
        &mut self,
        source: Option<&Source>,
        error: Option<String>,
        host: &HostContext,
    ) -> Result<(), Fault> {
        let payload = match source {
            Some(source) => {
                let (id, body) = self.made(source, host).await?;
                Some(Payload { id, body })
            }
            None => None,
        };
        // The caller hears the first answer only.
        if !std::mem::replace(&mut self.instance.replied, true) {
            self.step.answer = Some(LateAnswer { payload, error });
        }
        Ok(())
    }
}
