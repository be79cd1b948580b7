//! What a service takes in becomes one change: bodies, and one header for every target.

use std::sync::Arc;

use model::{
    Arrival, BodyId, BusinessType, Event, EventKind, Fate, Intake, IntakeSession, Message, MessageHeader,
    MessageStatus, SessionId, Timestamp,
};
use store::{Change, Ids, Seq};

use crate::engine::{Engine, Item, about, log};
use crate::lots::{Lots, Route, pace};

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

/// Hands an intake to the ledger and its messages to their queues, waiting while too much is on its
/// way there. Says the change, and the session of each arrival.
pub(crate) async fn admit(engine: &Engine, source: Source<'_>, intake: Intake) -> (Seq, Vec<SessionId>) {
    let headers = intake.arrivals.len() * source.routes.len().max(1);
    let bodies: usize = intake.arrivals.iter().map(|arrival| arrival.body.content().len()).sum();
    let permit = engine.ledger.reserve(bodies + headers * HEADER_BYTES).await;

    let now = engine.clock.now();
    let mut making = Making::new(&source, now, headers);
    let name = source.name.clone();
    let Intake { arrivals, state, events } = intake;
    making.change.state = state.into_iter().map(|change| (name.clone(), change)).collect();
    making.events = events;
    let (remembers, count) = (!making.change.state.is_empty(), arrivals.len());

    let (seq, (sessions, events, errors)) = engine.ledger.submit(Some(permit), |ids| {
        for arrival in arrivals {
            making.arrival(arrival, ids);
        }
        making.end()
    });
    events.iter().for_each(log);
    if let Some(item) = source.item {
        item.activity.took(count, now);
        item.activity.ended(count as u64 - errors, errors, now);
        if remembers {
            item.changed(seq);
        }
    }
    pace(source.routes).await;
    (seq, sessions)
}

/// A change in the making.
struct Making<'a> {
    source: &'a Source<'a>,
    now: Timestamp,
    change: Change,
    lots: Lots,
    sessions: Vec<SessionId>,
    events: Vec<Event>,
    errors: u64,
}

impl<'a> Making<'a> {
    fn new(source: &'a Source<'a>, now: Timestamp, headers: usize) -> Self {
        let change = Change { created: Vec::with_capacity(headers), ..Change::default() };
        let (lots, sessions, events) = (Lots::default(), Vec::new(), Vec::new());
        Making { source, now, change, lots, sessions, events, errors: 0 }
    }

    /// Puts the messages on their queues. Says the change, and the sessions, events and errors in it.
    fn end(mut self) -> (Change, (Vec<SessionId>, Vec<Event>, u64)) {
        self.lots.push();
        self.change.events = self.events.iter().map(|event| (self.now, event.clone())).collect();
        (self.change, (self.sessions, self.events, self.errors))
    }

    fn arrival(&mut self, arrival: Arrival, ids: &mut Ids) {
        let body = ids.body();
        let mut session = match arrival.session {
            IntakeSession::New => None,
            IntakeSession::SameAsPrevious => self.sessions.last().copied(),
            IntakeSession::Of(session) => Some(session),
        };
        if arrival.fate == Fate::Deliver && !self.source.routes.is_empty() {
            for route in self.source.routes {
                let header = self.header(ids, session, Some(route), body);
                session = Some(header.session);
                let message = Message { header: header.clone(), body: arrival.body.clone() };
                self.lots.add(&route.queue, message, ids.seq());
                self.change.created.push(header);
            }
        } else {
            let mut header = self.header(ids, session, None, body);
            session = Some(header.session);
            self.end_at_once(&mut header, arrival.fate);
            self.change.created.push(header);
        }
        self.change.bodies.push((body, arrival.body));
        self.sessions.extend(session);
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
                self.events.push(about(header, EventKind::Error, name, text));
                header.status = MessageStatus::Error;
                header.is_error = true;
                header.error_status = reason;
                self.errors += 1;
            }
            Fate::Deliver => {
                let text = format!("{NO_TARGET}; message {} is kept and discarded", header.id);
                self.events.push(about(header, EventKind::Warning, name, text));
                header.status = MessageStatus::Discarded;
                header.description = Arc::from(NO_TARGET);
            }
        }
    }
}
