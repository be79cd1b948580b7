//! Steps in JavaScript: run on the threads for scripts, on one of the flow's messages.
//!
//! What the code did is part of the step that it was run in, and of the same change of the ledger. After a
//! crash before that change it is run again. What it wrote to `sockets` cannot be undone: so that is written
//! at least once.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use model::{Caller, EventKind, HostContext, LateAnswer, MessageBody, Payload, Sent, Timestamp};
use rules::Transform;
use script::{Desk, Facts, Input, Limits, Outcome, Pool, Said, SentBody, Verdict};

use super::super::script::{ItemDoor, SCRIPTS, changed_body, content, cut, kind};
use super::expression::View;
use super::instance::{Fault, Kept};
use super::made::chain;
use super::program::Source;
use super::run::{Go, Run};

/// A step in JavaScript.
#[derive(Debug)]
pub(super) struct Code {
    pub(super) program: script::Program,
    /// Whom the code names where it sends.
    pub(super) named: Arc<HashSet<String>>,
    /// The message that it is about.
    pub(super) of: String,
    /// What that message is called as the code leaves it.
    pub(super) name: String,
}

fn fault(name: &str, reason: String) -> Fault {
    Fault { name: name.to_owned(), reason }
}

/// Transforms that have code in them, with all that they are applied to.
struct Application {
    transforms: Vec<Arc<Transform>>,
    of: String,
    body: Option<MessageBody>,
    caller: Caller,
    context: BTreeMap<String, String>,
    now: Timestamp,
}

impl Application {
    fn at(&self, desk: &mut Desk<'_>) -> (Result<hl7::Message, Fault>, Vec<Said>) {
        let view = View::new(self.body.as_ref(), &self.caller, &self.context, self.now);
        let made = chain(&self.transforms, &view, &self.of, Some(desk));
        (made, desk.said())
    }
}

impl Run<'_> {
    /// What transforms with code in them make, one after the other, where scripts run.
    pub(super) async fn transformed_by_code(
        &mut self,
        transforms: &[Arc<Transform>],
        of: &str,
        host: &HostContext,
    ) -> Result<hl7::Message, Fault> {
        let application = Application {
            transforms: transforms.to_vec(),
            of: of.to_owned(),
            body: self.bodies.get(of).cloned(),
            caller: self.instance.caller.clone(),
            context: self.instance.context.clone(),
            now: self.now,
        };
        let pool: Arc<Pool> = host.shared().get(SCRIPTS);
        let mut made = pool.each(Limits::default(), vec![application], Application::at).await;
        let (made, said) = match made.pop() {
            Some(Ok(made)) => made,
            Some(Err(trouble)) => return Err(fault("transform", trouble.to_string())),
            None => return Err(fault("transform", "the code was not run".to_owned())),
        };
        for said in said {
            self.say(kind(said.level), cut(said.text));
        }
        made
    }

    /// Runs the code, and does what it says.
    pub(super) async fn code(&mut self, code: &Code, host: &HostContext) -> Result<Go, Fault> {
        let (stored, body) = self.made(&Source::Message(code.of.clone()), host).await?;
        let input = self.input(&body, host)?;
        let door = ItemDoor { host: host.clone(), named: code.named.clone(), hub: self.hub.clone() };
        let pool: Arc<Pool> = host.shared().get(SCRIPTS);
        let outcome = pool.run(&code.program, vec![input], Arc::new(door)).await.pop();
        let outcome = outcome.ok_or_else(|| fault("code", "the code was not run".to_owned()))?;
        self.settle(code, (stored, body), outcome)
    }

    fn input(&self, body: &MessageBody, host: &HostContext) -> Result<Input, Fault> {
        let caller = &self.instance.caller;
        let facts = Facts {
            id: caller.request.0,
            session: caller.session.0,
            source: caller.source.as_str().into(),
            target: host.name().clone(),
            doc_type: body.doc_type().to_owned(),
            body_class: body.class().0.into(),
            name: body.name().to_owned(),
            variables: Some(self.instance.context.clone()),
            ..Facts::default()
        };
        Ok(Input { content: content(body).map_err(|reason| fault("missing", reason))?, facts })
    }

    fn settle(
        &mut self,
        code: &Code,
        (stored, body): (Option<model::BodyId>, MessageBody),
        outcome: Outcome,
    ) -> Result<Go, Fault> {
        let Outcome { verdict, sends, answer, said, changed, variables, .. } = outcome;
        for said in said {
            self.say(kind(said.level), cut(said.text));
        }
        if let Verdict::Failed(trouble) = verdict {
            // Without a place its own words begin with the name of the fault.
            let reason = if trouble.place.is_some() { trouble.to_string() } else { trouble.why() };
            return Err(fault("code", reason));
        }
        let types = &self.program.types;
        let payload = |sent| match sent {
            SentBody::Same => Payload { id: stored, body: body.clone() },
            SentBody::Text(text) => {
                Payload { id: None, body: MessageBody::new(model::BodyClass::TEXT, text) }
            }
            SentBody::Hl7(message, bytes) => {
                Payload { id: None, body: changed_body(types, message, bytes, body.name()) }
            }
        };
        for sent in sends {
            let payload = payload(sent.body);
            let said = Some(sent.description).filter(|said| !said.is_empty());
            let description = said.unwrap_or_else(|| "code".to_owned());
            self.step.sends.push(Sent { target: sent.target, payload, description, call: None });
        }
        if let Some(answer) = answer
            && !std::mem::replace(&mut self.instance.replied, true)
        {
            self.step.answer = Some(LateAnswer { payload: Some(payload(answer)), error: None });
        }
        self.instance.context.extend(variables);
        let left = changed.map(|message| {
            let bytes = hl7::write::to_ended_bytes(&message);
            let bytes = bytes.map_err(|error| fault("charset", error.to_string()))?;
            Ok(changed_body(types, message, bytes, body.name()))
        });
        self.leave_message(code, left.transpose()?);
        self.end_by_code(verdict)
    }

    /// Goes on as the code says.
    fn end_by_code(&mut self, verdict: Verdict) -> Result<Go, Fault> {
        match verdict {
            Verdict::Discard(reason) => {
                self.say(EventKind::Info, format!("discarded by the code: {}", cut(reason)));
                self.instance.threads.clear();
                self.instance.calls.clear();
                Ok(Go::Ended)
            }
            Verdict::Reject(reason) | Verdict::Suspend(reason) => Err(fault("rejected", cut(reason))),
            Verdict::Done | Verdict::Failed(_) => Ok(Go::Next),
        }
    }

    /// The message as the code leaves it, under its name.
    fn leave_message(&mut self, code: &Code, changed: Option<MessageBody>) {
        match changed {
            Some(body) => {
                self.instance.messages.insert(code.name.clone(), Kept::new(&body));
                self.bodies.insert(code.name.clone(), body);
            }
            None if code.name != code.of => {
                if let Some(kept) = self.instance.messages.get(&code.of).cloned() {
                    self.instance.messages.insert(code.name.clone(), kept);
                }
                if let Some(body) = self.bodies.get(&code.of).cloned() {
                    self.bodies.insert(code.name.clone(), body);
                }
            }
            None => {}
        }
    }
}
