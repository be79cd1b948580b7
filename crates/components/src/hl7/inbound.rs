//! The way in of HL7 messages whose senders are answered, whatever they travel by.
//!
//! What comes as one, a frame or a request's body, is [read](Inbound::read) into a [`Group`]; a group
//! is [submitted](Group::submit) as one change of the ledger; and [`Answering`](super::answers::Answering)
//! says what is to be answered, and when. Nothing positive is answered before the ledger has it for good.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use hl7::split::PieceKind;
use model::{Arrival, BuildError, Fate, HostContext, Intake, IntakeSession, Library, Room};

use super::acks::{Acks, Blame, Refusal};
use super::answers::{Submitted, Turn};
use super::batch::{BatchHandling, Placing, Position};
use super::doc_type::{self, DocTypes};
use super::settings::InboundSettings;
use super::validity::Validity;

/// The most arrivals and bytes of one group.
const MOST_ARRIVALS: usize = 1_024;
const MOST_BYTES: usize = 4 << 20;

/// What one service does with what comes in.
pub(crate) struct Inbound {
    types: DocTypes,
    validity: Validity,
    acks: Acks,
    charset: String,
    handling: BatchHandling,
    ignore_acks: bool,
    patience: Duration,
}

/// Where bytes come from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Source {
    /// The name of their bodies.
    pub(crate) name: String,
    /// The charset that the sender says they are in, outside of them; empty when it says none.
    pub(crate) charset: String,
    /// The longest message, in bytes.
    pub(crate) longest: usize,
}

/// What is submitted as one change, and who is answered for it.
#[derive(Default)]
pub(crate) struct Group {
    pub(super) arrivals: Vec<Arrival>,
    pub(super) turns: Vec<Turn>,
    /// The room that it was read into.
    pub(crate) room: Room,
    /// The address of who sent it; empty where nobody is known.
    pub(crate) sender: String,
    bytes: usize,
}

impl Inbound {
    /// As the settings say, with the schemas of the production.
    pub(crate) fn new(settings: &InboundSettings, library: &Library) -> Result<Self, BuildError> {
        let types = DocTypes::new(&settings.message_schema_category, library)?;
        Ok(Inbound {
            validity: Validity::new(settings.validation, settings.z_segments, types.clone()),
            types,
            acks: Acks::new(settings),
            charset: settings.charset.clone().unwrap_or_default(),
            handling: settings.batch_handling,
            ignore_acks: settings.ignore_inbound_ack,
            patience: settings.response_timeout.0,
        })
    }

    /// Reads what came as one: a message, several, a batch, or something that is none of these.
    pub(crate) fn read(&self, bytes: Bytes, source: &Source, group: &mut Group) {
        group.bytes += bytes.len();
        let read = hl7::Message::read(bytes.clone(), self.charset(source));
        match read {
            Ok(message) if is_alone(&message) => {
                self.message(bytes, message, IntakeSession::New, source, group);
            }
            _ if self.handling == BatchHandling::Whole => self.whole(bytes, source, group),
            _ => self.pieces(bytes, source, group),
        }
    }

    /// Keeps what cannot be read, for this reason. `heard` is whether the sender waits for an answer
    /// to it, as it does to what it sent as a message.
    pub(crate) fn refuse(
        &self,
        bytes: Bytes,
        reason: String,
        heard: bool,
        source: &Source,
        group: &mut Group,
    ) {
        group.bytes += bytes.len();
        if heard {
            let refusal = Refusal::new(Blame::Content, reason.clone());
            group.turns.extend(Turn::refuse(&self.acks, None, refusal));
        }
        self.keep_refused(bytes, reason, IntakeSession::New, source, group);
    }

    fn charset<'a>(&'a self, source: &'a Source) -> &'a str {
        if self.charset.is_empty() { &source.charset } else { &self.charset }
    }

    fn pieces(&self, bytes: Bytes, source: &Source, group: &mut Group) {
        let mut placing = Placing::new(self.handling, Position::default());
        let (mut readable, mut unreadable) = (false, None);
        for piece in hl7::split::all(bytes, source.longest) {
            let message = (piece.kind == PieceKind::Message)
                .then(|| hl7::Message::read(piece.bytes.clone(), self.charset(source)));
            let kind = match &message {
                Some(Err(error)) => PieceKind::Unreadable(error.to_string()),
                _ => piece.kind,
            };
            let Some((session, fate)) = placing.next(&kind) else { continue };
            match (fate, message) {
                (Fate::Deliver, Some(Ok(message))) => {
                    readable = true;
                    self.message(piece.bytes, message, session, source, group);
                }
                (Fate::Refuse(reason), _) => {
                    unreadable.get_or_insert_with(|| reason.clone());
                    self.keep_refused(piece.bytes, reason, session, source, group);
                }
                (fate, _) => {
                    let charset = self.charset(source).to_owned();
                    let body = doc_type::batch_part(piece.bytes, charset, source.name.clone());
                    group.arrivals.push(Arrival { session, fate, ..Arrival::new(body) });
                }
            }
        }
        // Where a message could be read beside it, the answer to that one is what the sender waits for.
        if let (false, Some(reason)) = (readable, unreadable) {
            let refusal = Refusal::new(Blame::Content, reason);
            group.turns.extend(Turn::refuse(&self.acks, None, refusal));
        }
    }

    /// Takes all of it as one body, whatever it holds besides a message; its first one is answered.
    fn whole(&self, bytes: Bytes, source: &Source, group: &mut Group) {
        let mut reason = None;
        for piece in hl7::split::all(bytes.clone(), source.longest) {
            match piece.kind {
                PieceKind::Message => {
                    if let Ok(message) = hl7::Message::read(piece.bytes, self.charset(source)) {
                        return self.message(bytes, message, IntakeSession::New, source, group);
                    }
                }
                PieceKind::Unreadable(why) => reason = reason.or(Some(why)),
                _ => {}
            }
        }
        let reason = reason.unwrap_or_else(|| "no message in it; expected one".to_owned());
        self.refuse(bytes, reason, true, source, group);
    }

    fn message(
        &self,
        bytes: Bytes,
        message: hl7::Message,
        session: IntakeSession,
        source: &Source,
        group: &mut Group,
    ) {
        let charset = self.charset(source).to_owned();
        let body = self.types.body(bytes, Ok(message.clone()), charset, source.name.clone());
        let mut arrival = Arrival { session, ..Arrival::new(body) };
        // An acknowledgement must not be acknowledged itself.
        if doc_type::message_code(&message) == "ACK" {
            if self.ignore_acks {
                arrival.fate = Fate::Keep("acknowledgement, which nobody waits for".into());
            }
        } else if let Some(refusal) = self.validity.fault(&message) {
            arrival.fate = Fate::Refuse(refusal.text.clone());
            group.turns.extend(Turn::refuse(&self.acks, Some(message), refusal));
        } else if let Some(turn) = Turn::accept(&self.acks, message) {
            arrival.wants_reply = turn.waits();
            group.turns.push(turn);
        }
        group.arrivals.push(arrival);
    }

    fn keep_refused(
        &self,
        bytes: Bytes,
        reason: String,
        session: IntakeSession,
        source: &Source,
        group: &mut Group,
    ) {
        let body = doc_type::refused(bytes, self.charset(source).to_owned(), source.name.clone());
        group.arrivals.push(Arrival { session, fate: Fate::Refuse(reason), ..Arrival::new(body) });
    }
}

impl Group {
    /// One that is read into that room, from that address.
    pub(crate) fn within(room: Room, sender: IpAddr) -> Self {
        Group { room, sender: sender.to_canonical().to_string(), ..Group::default() }
    }

    /// Whether nothing is in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.arrivals.is_empty()
    }

    /// Whether it is large enough to go.
    pub(crate) fn is_full(&self) -> bool {
        self.arrivals.len() >= MOST_ARRIVALS || self.bytes >= MOST_BYTES
    }

    /// How many are answered for.
    pub(crate) fn turns(&self) -> usize {
        self.turns.len()
    }

    /// Why the first one that is refused is; none when all are taken.
    pub(crate) fn refused(&self) -> Option<&str> {
        self.arrivals.iter().find_map(|arrival| match &arrival.fate {
            Fate::Refuse(reason) => Some(reason.as_str()),
            _ => None,
        })
    }

    /// Hands it to the ledger. When this returns, the place of its messages in every queue is settled.
    pub(crate) async fn submit(self, host: &HostContext) -> Submitted {
        let Group { arrivals, turns, room, sender, .. } = self;
        let receipt = host.submit(Intake { arrivals, room, sender, ..Intake::default() }).await;
        Submitted::new(receipt, turns)
    }
}

impl Inbound {
    /// How acknowledgements are made.
    pub(super) fn acks(&self) -> &Acks {
        &self.acks
    }

    /// How long the answer of a target is waited for.
    pub(crate) fn patience(&self) -> Duration {
        self.patience
    }
}

/// Whether nothing that begins a message or belongs to a batch stands behind the first segment.
fn is_alone(message: &hl7::Message) -> bool {
    let mut rest = message.segments();
    let first = rest.next().map(|segment| segment.id());
    first == Some("MSH") && !rest.any(|segment| matches!(segment.id(), "MSH" | "FHS" | "BHS" | "BTS" | "FTS"))
}
