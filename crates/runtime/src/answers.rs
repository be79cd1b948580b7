//! Answers: who waits for one, and the header that it becomes.
//!
//! Whether somebody still waits is settled under the ledger's lock, together with the answer's id: so
//! exactly one answer is the first, and what the store says of it is what its sender was told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::{
    BusinessType, Failure, Message, MessageBody, MessageHeader, MessageId, MessageStatus, MessageType,
    Priority, Reply, ReplyFuture, Timestamp,
};
use store::{Change, Ids, Seq};
use tokio::sync::oneshot;

use crate::durable::Durable;
use crate::engine::{Engine, Item};
use crate::intake::HEADER_BYTES;

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

/// What a target answers. Its id is given when it is handed to the ledger.
pub(crate) struct Answer {
    header: MessageHeader,
    body: Option<MessageBody>,
    /// The request with which a service waits, or did; none when nobody asked.
    asked: Option<MessageId>,
}

impl Answer {
    /// The answer of `item` to `request`, with the reason where it failed.
    pub(crate) fn to(
        request: &Message,
        (engine, item, now): (&Engine, &Item, Timestamp),
        error: Option<&str>,
        body: Option<MessageBody>,
    ) -> Self {
        let asked = waiting_at(&request.header.return_queue);
        let (target, kind) = match asked.map(|(service, _)| (service, engine.item(service))) {
            Some((_, Some(service))) => (service.name().clone(), service.def.business_type()),
            Some((service, None)) => (Arc::from(service), BusinessType::BusinessService),
            // Nobody asked: it is kept so that the trace shows it.
            None => (request.header.source.clone(), request.header.source_type),
        };
        let (session, own) = (Some(request.header.session), item.def.business_type());
        let mut header =
            MessageHeader::request(MessageId(0), session, item.name(), own, &target, kind, None, now);
        header.message_type = MessageType::Response;
        header.corresponding = Some(request.header.id);
        header.super_session.clone_from(&request.header.super_session);
        header.priority = Priority::HighSync;
        header.status = MessageStatus::Completed;
        header.time_processed = Some(now);
        header.description = Arc::from(ANSWER);
        header.is_error = error.is_some();
        header.error_status = error.unwrap_or_default().to_owned();
        Answer { header, body, asked: asked.map(|(_, request)| request) }
    }

    /// About what it costs on its way to the ledger.
    pub(crate) fn bytes(&self) -> usize {
        self.body.as_ref().map_or(0, |body| body.content().len()) + HEADER_BYTES
    }

    /// Puts the answer into the change. Says whom to tell what, once the change has its place.
    fn store(mut self, waiters: &Waiters, change: &mut Change, ids: &mut Ids) -> Option<Telling> {
        self.header.id = ids.message();
        if let Some(body) = &self.body {
            let id = ids.body();
            self.header.body = Some(id);
            change.bodies.push((id, body.clone()));
        }
        let tell = self.asked.and_then(|request| waiters.take(request));
        let telling = tell.map(|tell| {
            let error = self.header.is_error.then(|| self.header.error_status.clone());
            Telling { tell, reply: Reply { body: self.body, error } }
        });
        if self.asked.is_some() && telling.is_none() {
            self.header.status = MessageStatus::Discarded;
            let reason = &mut self.header.error_status;
            *reason = if reason.is_empty() { NOBODY.to_owned() } else { format!("{reason}; {NOBODY}") };
        }
        change.created.push(self.header);
        telling
    }
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

/// Puts answers into a change, in order.
pub(crate) fn store(
    answers: Vec<Answer>,
    waiters: &Waiters,
    change: &mut Change,
    ids: &mut Ids,
) -> Vec<Telling> {
    answers.into_iter().filter_map(|answer| answer.store(waiters, change, ids)).collect()
}
