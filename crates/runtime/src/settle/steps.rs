//! Steps of processes that go on later: what one sends, remembers and answers is part of the change that
//! ends the message which drove it.

use std::sync::Arc;

use model::{
    Caller, Driven, Ended, Event, EventKind, LateAnswer, Message, MessageHeader, MessageStatus, Payload,
    Sent, Step, Timestamp,
};
use store::HeaderUpdate;

use super::{Sending, Settling};
use crate::answers::Answer;
use crate::engine::{Engine, Item};
use crate::slot::stands;

impl Settling<'_> {
    /// Carries a step out that `message` drove; none where the process was woken.
    pub(crate) fn step(&mut self, message: Option<&Message>, step: Step) {
        let Step { caller, sends, answer, state, events, driven, ended } = step;
        let begins = message.is_some_and(|message| message.header.id == caller.request);
        if let Some(message) = message.filter(|_| !begins) {
            self.drove(message, driven);
        }
        if ended.is_some() && !begins {
            self.item.activity.went_on();
        }
        match ended {
            None if begins => {
                self.updates.push(stands(caller.request, MessageStatus::Deferred, String::new()));
                self.item.activity.deferred();
            }
            None => {}
            Some(Ended::Done) => {
                self.end(caller.request, MessageStatus::Completed, false, String::new());
                self.completed += 1;
            }
            Some(Ended::Failed(reason)) => {
                let text = format!("message {} failed: {reason}", caller.request);
                let event = Event::new(EventKind::Error, self.item.name(), text);
                self.say(event.about(caller.request, caller.session));
                self.end(caller.request, MessageStatus::Error, true, reason);
                self.errors += 1;
            }
        }
        for sent in sends {
            self.send_for(&caller, sent);
        }
        if let Some(LateAnswer { payload, error }) = answer
            && (!caller.return_queue.is_empty() || payload.is_some())
        {
            let by = (self.engine, self.item, self.now);
            self.answers.push(Answer::to(&caller, by, error.as_deref(), payload));
        }
        self.state.extend(state);
        self.events.extend(events);
    }

    /// Ends the answer that drove a step. One that tells of a failure goes on doing so.
    fn drove(&mut self, message: &Message, driven: Driven) {
        let header = &message.header;
        match driven {
            Driven::Completed => {
                let error = if header.is_error { header.error_status.clone() } else { String::new() };
                self.end(header.id, MessageStatus::Completed, header.is_error, error);
                self.completed += 1;
            }
            Driven::Discarded(reason) => {
                let reason = match header.is_error {
                    true => format!("{}; {reason}", header.error_status),
                    false => reason,
                };
                self.discard(message, reason);
                if let Some(HeaderUpdate { is_error, .. }) = self.updates.last_mut() {
                    *is_error = header.is_error;
                }
            }
        }
    }

    fn send_for(&mut self, caller: &Caller, sent: Sent) {
        let Sent { target, payload: Payload { id, body }, description, call } = sent;
        let route = self.route(&target);
        let mut header = self.header_to(caller.session, &target, route.map(|at| &self.routes[at]));
        header.body = id;
        header.priority = caller.priority;
        header.super_session.clone_from(&caller.super_session);
        header.description = Arc::from(description);
        header.business_process = Some(caller.request.0);
        if let Some(call) = call {
            header.return_queue = MessageHeader::call_queue(self.item.name(), caller.request, call);
        }
        let message = Message { header, body };
        self.sendings.push(Sending { message, new_body: id.is_none(), route });
    }
}

/// The answer to a call whose target takes no messages: the process would wait for it.
pub(super) fn lost_call(header: &MessageHeader, by: (&Engine, &Item, Timestamp)) -> Option<Answer> {
    let is_call = header.business_process.is_some() && !header.return_queue.is_empty();
    is_call.then(|| Answer::to(header, by, Some(&header.error_status), None))
}
