//! What a service takes in becomes one change: bodies, and one header for every target.

use std::sync::Arc;

use model::{
    Arrival, BodyId, BusinessType, Event, EventKind, Fate, Intake, IntakeSession, Message, MessageHeader,
    MessageStatus, Reply, SessionId, Timestamp,
};
use store::{Change, Ids, Seq};

use crate::answers::{Awaited, return_queue};
use crate::engine::{Engine, Item, about, log};
use crate::lots::{Lots, Route, pace};
use crate::repeats::Matter;

/// About what a header costs on its way to the ledger.
pub(crate) const HEADER_BYTES: usize = 192;
/// Why a message without a target is set aside.
const NO_TARGET: &str = "no target";

/// Who takes in, and where it goes.
pub(crate) struct Source<'a> {
    pub(crate) name: &'a Arc<str>,
    /// The item; none for what is sent by hand.
    pub(crate) item: Option<&'a Item>,
    pub(crate) routes: &'a [Route],
}

/// What was taken in.
pub(crate) struct Admitted {
    /// The change.
    pub(crate) seq: Seq,
    /// The session of each arrival.
    pub(crate) sessions: Vec<SessionId>,
    /// The answer to each arrival that wants one.
    pub(crate) awaited: Vec<Awaited>,
}

/// Hands an intake to the ledger and its messages to their queues, waiting while too much is on its
/// way there.
pub(crate) async fn admit(engine: &Engine, source: Source<'_>, intake: Intake) -> Admitted {
    let headers = intake.arrivals.len() * source.routes.len().max(1);
    let bodies: usize = intake.arrivals.iter().map(|arrival| arrival.body.content().len()).sum();
    let permit = engine.ledger.reserve(bodies + headers * HEADER_BYTES).await;
    let now = engine.clock.now();
    let mut making = Making::new(engine, &source, now, headers);
    let name = source.name.clone();
    let Intake { arrivals, state, events, room, sender } = intake;
    making.change.state = state.into_iter().map(|change| (name.clone(), change)).collect();
    making.sender = sender;
    events.into_iter().for_each(|event| making.say(Matter::Said, event));
    // From here on the ledger's own room is what bounds it.
    drop(room);
    let (remembers, count) = (!making.change.state.is_empty(), arrivals.len());

    let (seq, made) = engine.ledger.submit(Some(permit), |ids| {
        for arrival in arrivals {
            making.arrival(arrival, ids);
        }
        making.end()
    });
    let Made { sessions, awaited, events, errors } = made;
    events.iter().for_each(log);
    if let Some(item) = source.item {
        item.activity.took(count, now);
        item.activity.ended(count as u64 - errors, errors, now);
        if remembers {
            item.changed(seq);
        }
    }
    pace(source.routes).await;
    Admitted { seq, sessions, awaited }
}

/// A change in the making.
struct Making<'a> {
    engine: &'a Engine,
    source: &'a Source<'a>,
    /// Who sent it, as events name them.
    sender: String,
    now: Timestamp,
    change: Change,
    lots: Lots,
    made: Made,
}

/// What came out of it beside the change.
#[derive(Default)]
struct Made {
    sessions: Vec<SessionId>,
    awaited: Vec<Awaited>,
    events: Vec<Event>,
    errors: u64,
}

impl<'a> Making<'a> {
    fn new(engine: &'a Engine, source: &'a Source<'a>, now: Timestamp, headers: usize) -> Self {
        let change = Change { created: Vec::with_capacity(headers), ..Change::default() };
        Making {
            engine,
            source,
            sender: String::new(),
            now,
            change,
            lots: Lots::default(),
            made: Made::default(),
        }
    }

    /// Puts the messages on their queues.
    fn end(mut self) -> (Change, Made) {
        self.lots.push();
        self.change.events = self.made.events.iter().map(|event| (self.now, event.clone())).collect();
        (self.change, self.made)
    }

    fn arrival(&mut self, arrival: Arrival, ids: &mut Ids) {
        let body = ids.body();
        let mut session = match arrival.session {
            IntakeSession::New => None,
            IntakeSession::SameAsPrevious => self.made.sessions.last().copied(),
            IntakeSession::Of(session) => Some(session),
        };
        if arrival.fate == Fate::Deliver && !self.source.routes.is_empty() {
            let mut wants_reply = arrival.wants_reply;
            for route in self.source.routes {
                let mut header = self.header(ids, session, Some(route), body);
                session = Some(header.session);
                // The first target answers.
                if std::mem::take(&mut wants_reply) {
                    header.return_queue = return_queue(self.source.name, header.id);
                    self.made.awaited.push(Awaited::Target(self.engine.waiters.wait(header.id)));
                }
                let message = Message { header: header.clone(), body: arrival.body.clone() };
                self.lots.add(&route.queue, message, ids.seq());
                self.change.created.push(header);
            }
        } else {
            let mut header = self.header(ids, session, None, body);
            session = Some(header.session);
            self.end_at_once(&mut header, arrival.fate);
            if arrival.wants_reply {
                let error = header.is_error.then(|| header.error_status.clone());
                self.made.awaited.push(Awaited::Known(Reply { body: None, error }));
            }
            self.change.created.push(header);
        }
        self.change.bodies.push((body, arrival.body));
        self.made.sessions.extend(session);
    }

    fn header(
        &self,
        ids: &mut Ids,
        session: Option<SessionId>,
        route: Option<&Route>,
        body: BodyId,
    ) -> MessageHeader {
        let kind = BusinessType::BusinessService;
        let nowhere = (Arc::from(""), BusinessType::Unknown);
        let (target, target_kind) = route.map_or(nowhere, |route| (route.name.clone(), route.kind));
        let name = self.source.name;
        MessageHeader::request(ids.message(), session, name, kind, &target, target_kind, Some(body), self.now)
    }

    /// Says something about what came, unless there is too much like it.
    fn say(&mut self, matter: Matter, event: Event) {
        let repeats = self.source.item.map(|item| &item.repeats);
        if repeats.is_none_or(|repeats| repeats.tells(&self.sender, matter, &event, self.now)) {
            self.made.events.push(event);
        }
    }

    /// Ends a message that goes nowhere, with the reason for all to see.
    fn end_at_once(&mut self, header: &mut MessageHeader, fate: Fate) {
        header.time_processed = Some(self.now);
        let name = self.source.name;
        match fate {
            Fate::Keep(description) => {
                header.status = MessageStatus::Completed;
                header.description = Arc::from(description);
            }
            Fate::Refuse(reason) => {
                let text = format!("refused: {reason}; its bytes are kept in message {}", header.id);
                self.say(Matter::Refused, about(header, EventKind::Error, name, text));
                header.status = MessageStatus::Error;
                header.is_error = true;
                header.error_status = reason;
                self.made.errors += 1;
            }
            Fate::Deliver => {
                let text = format!("{NO_TARGET}; message {} is kept and discarded", header.id);
                self.say(Matter::NoTarget, about(header, EventKind::Warning, name, text));
                header.status = MessageStatus::Discarded;
                header.description = Arc::from(NO_TARGET);
            }
        }
    }
}
