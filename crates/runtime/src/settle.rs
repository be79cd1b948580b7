//! The decisions about a batch become one change: completions, and what is sent on.

use std::sync::Arc;

use model::{
    BusinessType, Event, EventKind, Message, MessageBody, MessageHeader, MessageId, MessageStatus, Outgoing,
    Payload, SessionId, StateChange, Timestamp,
};
use store::{Change, HeaderUpdate, Ids};

use crate::answers::{self, Answer};
use crate::engine::{Engine, Item, about, log};
use crate::intake::HEADER_BYTES;
use crate::lots::{Lots, Route, pace};
use crate::slot::stands;

mod steps;

/// A message to send on. Its id is given when it is handed to the ledger.
struct Sending {
    message: Message,
    /// Whether the body is new, and has to be stored.
    new_body: bool,
    /// Which of the known routes; none when the target takes no messages, as the header then says.
    route: Option<usize>,
}

/// Who is asked to answer in the place of who sends on.
enum Asked {
    Nobody,
    Target,
    /// Only targets that take no messages, for this reason.
    Lost(String),
}

/// What becomes of one batch.
pub(crate) struct Settling<'a> {
    engine: &'a Engine,
    item: &'a Item,
    now: Timestamp,
    /// Whether the batch was marked as Delivered while it was in hand.
    marked: bool,
    updates: Vec<HeaderUpdate>,
    /// What is said; logged when it is submitted.
    events: Vec<Event>,
    /// What is said and logged at a lower level: there may be one for every message.
    quiet: Vec<Event>,
    sendings: Vec<Sending>,
    answers: Vec<Answer>,
    /// What the item remembers from now on.
    state: Vec<StateChange>,
    /// The targets of this batch: a handful at most.
    routes: Vec<Route>,
    /// The description used last: most messages of a batch have the same.
    description: Arc<str>,
    completed: u64,
    errors: u64,
}

impl<'a> Settling<'a> {
    /// For `batch` messages, which were marked as Delivered while they were in hand, or were not.
    pub(crate) fn new(engine: &'a Engine, item: &'a Item, batch: usize, marked: bool) -> Self {
        Settling {
            engine,
            item,
            now: engine.clock.now(),
            marked,
            updates: Vec::with_capacity(batch),
            events: Vec::new(),
            quiet: Vec::new(),
            sendings: Vec::with_capacity(batch),
            answers: Vec::new(),
            state: Vec::new(),
            routes: Vec::new(),
            description: Arc::from(""),
            completed: 0,
            errors: 0,
        }
    }

    /// The time of the whole change.
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    pub(crate) fn say(&mut self, event: Event) {
        self.events.push(event);
    }

    /// The message is done.
    pub(crate) fn complete(
        &mut self,
        message: &Message,
        sends: Vec<Outgoing>,
        events: Vec<Event>,
        response: Option<MessageBody>,
    ) {
        self.end(message.header.id, MessageStatus::Completed, false, String::new());
        match self.send(message, sends, &message.header.return_queue) {
            Asked::Target if response.is_none() => {}
            Asked::Lost(reason) if response.is_none() => self.answer(message, Some(&reason), None),
            _ => self.answer(message, None, response),
        }
        self.events.extend(events);
        self.completed += 1;
    }

    /// The message is done although it was tried in vain, as its item wants it.
    pub(crate) fn complete_in_vain(&mut self, message: &Message, reason: &str) {
        let text = format!("message {} is completed all the same: {reason}", message.header.id);
        let said = self.about(message, EventKind::Warning, text);
        self.complete(message, Vec::new(), vec![said], None);
    }

    /// Answers the message where its sender waits, or where there is something to be shown.
    pub(crate) fn answer(&mut self, message: &Message, error: Option<&str>, response: Option<MessageBody>) {
        // An answer is not answered: its return queue says where it came to.
        if (!message.header.return_queue.is_empty() || response.is_some()) && !message.header.is_response() {
            let by = (self.engine, self.item, self.now);
            let payload = response.map(|body| Payload { id: None, body });
            self.answers.push(Answer::to(&message.header, by, error, payload));
        }
    }

    /// The message is set aside on purpose: that is no failure of it, also not for its sender.
    pub(crate) fn discard(&mut self, message: &Message, reason: String) {
        let text = format!("message {} is discarded: {reason}", message.header.id);
        self.quiet.push(self.about(message, EventKind::Info, text));
        self.end(message.header.id, MessageStatus::Discarded, false, reason);
        self.answer(message, None, None);
        self.completed += 1;
    }

    /// The message failed for good.
    pub(crate) fn reject(
        &mut self,
        message: &Message,
        reason: String,
        sends: Vec<Outgoing>,
        response: Option<MessageBody>,
    ) {
        let text = format!("message {} failed: {reason}", message.header.id);
        self.say(self.about(message, EventKind::Error, text));
        self.answer(message, Some(&reason), response);
        self.end(message.header.id, MessageStatus::Error, true, reason);
        // The failure is the answer, whatever else is done with the message.
        self.send(message, sends, "");
        self.errors += 1;
    }

    /// The message is parked for a person.
    pub(crate) fn suspend(
        &mut self,
        message: &Message,
        kind: EventKind,
        reason: String,
        response: Option<MessageBody>,
    ) {
        let text = format!("message {} is suspended: {reason}", message.header.id);
        self.say(self.about(message, kind, text));
        self.answer(message, Some(&reason), response);
        let mut update = stands(message.header.id, MessageStatus::Suspended, reason);
        update.is_error = true;
        self.updates.push(update);
        self.errors += 1;
    }

    /// The message goes back to its queue; for a reason, or since it was not looked at.
    pub(crate) fn goes_back(&mut self, message: &Message, reason: &str) {
        if (self.marked || !reason.is_empty()) && !message.header.is_response() {
            self.updates.push(stands(message.header.id, MessageStatus::Queued, reason.to_owned()));
        }
    }

    /// The message waits to be tried again, for that reason; `told` says that this is written already.
    pub(crate) fn waits(&mut self, message: &Message, reason: &str, told: bool) {
        if (self.marked || !told) && !message.header.is_response() {
            self.updates.push(stands(message.header.id, MessageStatus::Delivered, reason.to_owned()));
        }
    }

    fn about(&self, message: &Message, kind: EventKind, text: String) -> Event {
        about(&message.header, kind, self.item.name(), text)
    }

    fn end(&mut self, id: MessageId, status: MessageStatus, is_error: bool, error_status: String) {
        let time_processed = Some(self.now);
        self.updates.push(HeaderUpdate { id, status, is_error, error_status, time_processed });
    }

    /// Sends messages on; a target that answers in this item's place does so to `return_queue`.
    fn send(&mut self, request: &Message, sends: Vec<Outgoing>, return_queue: &str) -> Asked {
        let mut asked = Asked::Nobody;
        for outgoing in sends {
            let route = self.route(&outgoing.target);
            let mut header = self.header(request, &outgoing.target, route.map(|at| &self.routes[at]));
            if !outgoing.description.is_empty() {
                if *self.description != *outgoing.description {
                    self.description = Arc::from(outgoing.description);
                }
                header.description = self.description.clone();
            }
            if outgoing.answers && !return_queue.is_empty() {
                match asked {
                    _ if route.is_some() => asked = Asked::Target,
                    Asked::Target => {}
                    _ => asked = Asked::Lost(header.error_status.clone()),
                }
                return_queue.clone_into(&mut header.return_queue);
            }
            let new_body = outgoing.body.is_some();
            let body = outgoing.body.unwrap_or_else(|| request.body.clone());
            self.sendings.push(Sending { message: Message { header, body }, new_body, route });
        }
        asked
    }

    fn route(&mut self, target: &str) -> Option<usize> {
        let known = self.routes.iter().position(|route| *route.name == *target);
        known.or_else(|| {
            self.routes.push(Route::to(self.engine, target)?);
            Some(self.routes.len() - 1)
        })
    }

    fn header(&self, request: &Message, target: &str, route: Option<&Route>) -> MessageHeader {
        let mut header = self.header_to(request.header.session, target, route);
        header.body = request.header.body;
        header.priority = request.header.priority;
        header.super_session.clone_from(&request.header.super_session);
        header
    }

    fn header_to(&self, session: SessionId, target: &str, route: Option<&Route>) -> MessageHeader {
        let nowhere = || (Arc::from(target), BusinessType::Unknown);
        let (target, kind) = route.map_or_else(nowhere, |route| (route.name.clone(), route.kind));
        let mut header = MessageHeader::request(
            MessageId(0),
            Some(session),
            self.item.name(),
            self.item.def.business_type(),
            &target,
            kind,
            None,
            self.now,
        );
        if route.is_none() {
            header.status = MessageStatus::Error;
            header.is_error = true;
            header.time_processed = Some(self.now);
            header.error_status =
                format!("target \"{target}\" is no process or operation of this production");
        }
        header
    }

    fn bytes(&self) -> usize {
        let stored = self.sendings.iter().filter(|sending| sending.new_body);
        let bodies: usize = stored.map(|sending| sending.message.body.content().len()).sum();
        let answers: usize = self.answers.iter().map(Answer::bytes).sum();
        let value = |change: &StateChange| change.value.as_ref().map_or(0, Vec::len) + change.key.len();
        let state: usize = self.state.iter().map(value).sum();
        bodies + answers + state + (self.sendings.len() + self.updates.len()) * HEADER_BYTES
    }

    /// Hands all of it to the ledger as one change, and what is sent on to its queues.
    pub(crate) async fn submit(mut self) {
        self.item.activity.ended(self.completed, self.errors, self.now);
        let nothing = self.updates.is_empty()
            && self.events.is_empty()
            && self.sendings.is_empty()
            && self.state.is_empty()
            && self.answers.is_empty();
        if nothing {
            return;
        }
        let permit = self.engine.ledger.reserve(self.bytes()).await;
        let now = self.now;
        let mut events = std::mem::take(&mut self.events);
        let mut lost = Vec::new();
        let (updates, quiet, sendings, routes) = (self.updates, self.quiet, self.sendings, self.routes);
        let (engine, item, mut answers) = (self.engine, self.item, self.answers);
        let remembers = !self.state.is_empty();
        let state = self.state.into_iter().map(|change| (item.name().clone(), change)).collect();
        let (seq, told) = self.engine.ledger.submit(Some(permit), |ids| {
            let mut change = Change { updated: updates, state, ..Change::default() };
            dispatch(sendings, &routes, &mut change, ids, |header| {
                let text = format!("message {} cannot be sent: {}", header.id, header.error_status);
                lost.push(about(header, EventKind::Error, item.name(), text));
                answers.extend(steps::lost_call(header, (engine, item, now)));
            });
            let told = answers::store(answers, &engine.waiters, &mut change, ids);
            events.append(&mut lost);
            change.events = events.iter().chain(&quiet).map(|event| (now, event.clone())).collect();
            (change, told)
        });
        if remembers {
            self.item.changed(seq);
        }
        told.into_iter().for_each(|telling| telling.tell(seq));
        events.iter().for_each(log);
        for event in quiet {
            tracing::debug!(item = event.item, message_id = event.message.map(|id| id.0), "{}", event.text);
        }
        pace(&routes).await;
    }
}

/// Gives the messages their ids, in order, and puts them on their queues.
fn dispatch(
    sendings: Vec<Sending>,
    routes: &[Route],
    change: &mut Change,
    ids: &mut Ids,
    mut lost: impl FnMut(&MessageHeader),
) {
    let mut lots = Lots::default();
    change.created.reserve(sendings.len());
    for Sending { mut message, new_body, route } in sendings {
        message.header.id = ids.message();
        if new_body {
            message.header.body = Some(store_body(change, ids, message.body.clone()));
        }
        change.created.push(message.header.clone());
        match route {
            Some(at) => lots.add(&routes[at].queue, message, ids.seq()),
            None => lost(&message.header),
        }
    }
    lots.push();
}

fn store_body(change: &mut Change, ids: &mut Ids, body: MessageBody) -> model::BodyId {
    let id = ids.body();
    change.bodies.push((id, body));
    id
}
