//! Answers: who waits for one, and the header that it becomes.
//!
//! Whether somebody still waits is settled under the ledger's lock, together with the answer's id: so
//! exactly one answer is the first, and what the store says of it is what its sender was told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::{
    BodyClass, BodyId, BusinessType, Caller, Failure, Message, MessageBody, MessageHeader, MessageId,
    MessageStatus, MessageType, Payload, Priority, Reply, ReplyFuture, SessionId, Timestamp,
};
use store::{Change, Ids, Seq};
use tokio::sync::oneshot;

use crate::durable::Durable;
use crate::engine::{Engine, Item};
use crate::intake::HEADER_BYTES;
use crate::lots::{Lots, Route};

/// What stands at an answer, for all to see in a trace.
const ANSWER: &str = "answer";
/// Why an answer is set aside.
const NOBODY: &str = "nobody waits for the answer any more";

/// Where the answer to a request goes: the service that waits, and the request that it sent.
pub(crate) fn return_queue(service: &str, request: MessageId) -> String {
    format!("{service}#{request}")
}

/// The service and the request of a [`return_queue`].
fn waiting_at(return_queue: &str) -> Option<(&str, MessageId)> {
    let (service, request) = return_queue.rsplit_once('#')?;
    Some((service, request.parse().ok()?))
}

/// A reply, and the change with which it is stored.
type Told = (Reply, Seq);

/// Those who wait for an answer, by the request that they sent. Bounded by what services wait for:
/// who gives up is forgotten at once.
#[derive(Default)]
pub(crate) struct Waiters(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    by_request: HashMap<MessageId, oneshot::Sender<Told>>,
    closed: bool,
}

impl Waiters {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the answer to `request`, which is about to be put on its queue.
    pub(crate) fn wait(self: &Arc<Self>, request: MessageId) -> Waiter {
        let (tell, told) = oneshot::channel();
        let mut waiting = self.waiting();
        if !waiting.closed {
            waiting.by_request.insert(request, tell);
        }
        Waiter { told, _place: Place { waiters: self.clone(), request } }
    }

    fn take(&self, request: MessageId) -> Option<oneshot::Sender<Told>> {
        self.waiting().by_request.remove(&request)
    }

    /// Nobody waits from now on; who does is told that the engine stops.
    pub(crate) fn close(&self) {
        let mut waiting = self.waiting();
        waiting.closed = true;
        waiting.by_request.clear();
    }
}

/// A place among those who wait, given up when it is dropped.
struct Place {
    waiters: Arc<Waiters>,
    request: MessageId,
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(self.waiters.take(self.request));
    }
}

/// One who waits for an answer.
pub(crate) struct Waiter {
    told: oneshot::Receiver<Told>,
    _place: Place,
}

/// The answer to one arrival.
pub(crate) enum Awaited {
    /// It comes from a target.
    Target(Waiter),
    /// It is known already: the arrival goes nowhere.
    Known(Reply),
}

impl Awaited {
    /// Done when the answer is there and durable; what is known already is stored with `intake`.
    pub(crate) fn reply(self, durable: Durable, intake: Seq) -> ReplyFuture {
        Box::pin(async move {
            let (reply, seq) = match self {
                Awaited::Known(reply) => (reply, intake),
                Awaited::Target(mut waiter) => (&mut waiter.told).await.map_err(|_| Failure::Stopping)?,
            };
            durable.wait(seq).await.map_err(|_| Failure::Stopping)?;
            Ok(reply)
        })
    }
}

/// The request that is answered, as far as its answer goes.
pub(crate) struct Request<'a> {
    id: MessageId,
    session: SessionId,
    source: &'a str,
    source_type: BusinessType,
    return_queue: &'a str,
    super_session: &'a str,
}

impl<'a> From<&'a MessageHeader> for Request<'a> {
    fn from(header: &'a MessageHeader) -> Self {
        Request {
            id: header.id,
            session: header.session,
            source: &header.source,
            source_type: header.source_type,
            return_queue: &header.return_queue,
            super_session: &header.super_session,
        }
    }
}

impl<'a> From<&'a Caller> for Request<'a> {
    fn from(caller: &'a Caller) -> Self {
        Request {
            id: caller.request,
            session: caller.session,
            source: &caller.source,
            source_type: caller.source_type,
            return_queue: &caller.return_queue,
            super_session: &caller.super_session,
        }
    }
}

/// Who asked for an answer.
enum Asked {
    /// Nobody: it is kept so that the trace shows it.
    Nobody,
    /// A service that waits with this request, or did.
    Service(MessageId),
    /// A process: the answer goes on its queue.
    Process(Route),
    /// An item that this production does not have.
    Gone,
}

/// What a target answers. Its id is given when it is handed to the ledger.
pub(crate) struct Answer {
    header: MessageHeader,
    body: Option<MessageBody>,
    /// Where the body is stored; none when it is new.
    stored: Option<BodyId>,
    asked: Asked,
}

impl Answer {
    /// The answer of `item` to `request`, with the reason where it failed.
    pub(crate) fn to<'a>(
        request: impl Into<Request<'a>>,
        (engine, item, now): (&Engine, &Item, Timestamp),
        error: Option<&str>,
        payload: Option<Payload>,
    ) -> Self {
        let request = request.into();
        let (session, own) = (Some(request.session), item.def.business_type());
        let (asked, target, kind, instance) = asked(&request, engine);
        let mut header =
            MessageHeader::request(MessageId(0), session, item.name(), own, &target, kind, None, now);
        header.message_type = MessageType::Response;
        header.corresponding = Some(request.id);
        request.super_session.clone_into(&mut header.super_session);
        header.description = Arc::from(ANSWER);
        header.is_error = error.is_some();
        header.error_status = error.unwrap_or_default().to_owned();
        header.business_process = instance.map(|id| id.0);
        if matches!(asked, Asked::Process(_)) {
            header.priority = Priority::SimSync;
            request.return_queue.clone_into(&mut header.return_queue);
        } else {
            header.priority = Priority::HighSync;
            header.status = MessageStatus::Completed;
            header.time_processed = Some(now);
        }
        let (stored, body) = payload.map_or((None, None), |payload| (payload.id, Some(payload.body)));
        Answer { header, body, stored, asked }
    }

    /// About what it costs on its way to the ledger.
    pub(crate) fn bytes(&self) -> usize {
        let new = self.body.as_ref().filter(|_| self.stored.is_none());
        new.map_or(0, |body| body.content().len()) + HEADER_BYTES
    }

    /// Puts the answer into the change. Says whom to tell what, once the change has its place.
    fn store(
        mut self,
        waiters: &Waiters,
        (change, lots): (&mut Change, &mut Lots),
        ids: &mut Ids,
    ) -> Option<Telling> {
        self.header.id = ids.message();
        self.header.body = self.stored;
        if let (Some(body), None) = (&self.body, self.stored) {
            let id = ids.body();
            self.header.body = Some(id);
            change.bodies.push((id, body.clone()));
        }
        let mut telling = None;
        match &self.asked {
            Asked::Nobody => {}
            Asked::Process(route) => {
                let body = self.body.unwrap_or_else(|| MessageBody::new(BodyClass::BYTES, Vec::new()));
                lots.add(&route.queue, Message { header: self.header.clone(), body }, ids.seq());
            }
            Asked::Service(request) => match waiters.take(*request) {
                Some(tell) => {
                    let error = self.header.is_error.then(|| self.header.error_status.clone());
                    telling = Some(Telling { tell, reply: Reply { body: self.body, error } });
                }
                None => set_aside(&mut self.header),
            },
            Asked::Gone => set_aside(&mut self.header),
        }
        change.created.push(self.header);
        telling
    }
}

/// Who asked, with its name and kind, and the instance of a process.
fn asked<'a>(request: &Request<'a>, engine: &Engine) -> (Asked, Arc<str>, BusinessType, Option<MessageId>) {
    let known = |name: &str| {
        let item = engine.item(name).map(|item| (item.name().clone(), item.def.business_type()));
        item.unwrap_or_else(|| (Arc::from(name), BusinessType::Unknown))
    };
    if let Some((name, instance, _)) = MessageHeader::read_call_queue(request.return_queue) {
        let route = Route::to(engine, name);
        let (name, kind) = known(name);
        (route.map_or(Asked::Gone, Asked::Process), name, kind, Some(instance))
    } else if let Some((name, id)) = waiting_at(request.return_queue) {
        let (name, kind) = known(name);
        (Asked::Service(id), name, kind, None)
    } else {
        (Asked::Nobody, Arc::from(request.source), request.source_type, None)
    }
}

/// Nobody waits for this answer.
fn set_aside(header: &mut MessageHeader) {
    header.status = MessageStatus::Discarded;
    let reason = &mut header.error_status;
    *reason = if reason.is_empty() { NOBODY.to_owned() } else { format!("{reason}; {NOBODY}") };
}

/// A reply on its way to who waits for it.
pub(crate) struct Telling {
    tell: oneshot::Sender<Told>,
    reply: Reply,
}

impl Telling {
    /// Tells who waits; one who does not any more need not know.
    pub(crate) fn tell(self, seq: Seq) {
        let _gone = self.tell.send((self.reply, seq));
    }
}

/// Puts answers into a change, in order, and those to processes on their queues.
pub(crate) fn store(
    answers: Vec<Answer>,
    waiters: &Waiters,
    change: &mut Change,
    ids: &mut Ids,
) -> Vec<Telling> {
    let mut lots = Lots::default();
    let told = answers.into_iter().filter_map(|answer| answer.store(waiters, (change, &mut lots), ids));
    let told = told.collect();
    lots.push();
    told
}
