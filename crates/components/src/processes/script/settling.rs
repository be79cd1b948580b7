//! From what a script did to what becomes of its message.

use bytes::Bytes;
use model::{BodyClass, Decision, Event, EventKind, HostContext, Message, MessageBody, Outgoing};
use script::{Level, Outcome, Sent, SentBody, Verdict};

use super::settings::{ANY, Settings};
use crate::hl7::doc_type::DocTypes;

/// So many characters of what a script says are told.
const LONGEST: usize = 4_000;

/// Settles what scripts did.
pub(super) struct Settling<'a> {
    pub(super) settings: &'a Settings,
    pub(super) types: &'a DocTypes,
    pub(super) host: &'a HostContext,
}

impl Settling<'_> {
    pub(super) fn decide(&self, request: &Message, outcome: Outcome) -> Decision {
        let Outcome { verdict, sends, answer, said, .. } = outcome;
        let events: Vec<Event> =
            said.into_iter().map(|said| self.event(request, said.level, said.text)).collect();
        let mut bodies = Bodies { settling: self, request, last: None };
        let sends: Vec<Outgoing> = sends.into_iter().map(|sent| bodies.outgoing(sent)).collect();
        // What came is as good an answer as any other, if the script says so.
        let response = answer.map(|answer| bodies.body(answer).unwrap_or_else(|| request.body.clone()));
        if let Verdict::Done = verdict {
            return Decision::Completed { sends, events, response };
        }
        for event in events {
            self.host.event(event);
        }
        let said = |reason: String, otherwise: &str| match cut(reason) {
            reason if reason.is_empty() => otherwise.to_owned(),
            reason => reason,
        };
        match verdict {
            Verdict::Done => Decision::completed(),
            Verdict::Discard(reason) => Decision::Discarded(said(reason, "discarded by the script")),
            Verdict::Suspend(reason) => Decision::suspend(said(reason, "suspended by the script")),
            Verdict::Reject(reason) => {
                Decision::Reject { reason: said(reason, "rejected by the script"), sends, response }
            }
            Verdict::Failed(trouble) => self.failed(request, trouble.to_string()),
        }
    }

    /// The script could not do its work: what it has done so far does not count.
    pub(super) fn failed(&self, _request: &Message, reason: String) -> Decision {
        match &self.settings.bad_message_handler {
            Some(handler) => {
                let mut sent = Outgoing::same_body(handler, format!("bad message: {reason}"));
                sent.answers = self.answers(handler);
                Decision::reject(format!("{reason}; sent to \"{handler}\""), vec![sent])
            }
            None => Decision::reject(reason, Vec::new()),
        }
    }

    fn answers(&self, target: &str) -> bool {
        self.settings.response_from.iter().any(|name| name == ANY || name == target)
    }

    fn event(&self, request: &Message, level: Level, text: String) -> Event {
        let event = Event::new(kind(level), self.host.name(), cut(text));
        event.about(request.header.id, request.header.session)
    }
}

/// The bodies of what one script sent. One that goes to several targets is stored once.
struct Bodies<'a> {
    settling: &'a Settling<'a>,
    request: &'a Message,
    last: Option<(Bytes, MessageBody)>,
}

impl Bodies<'_> {
    fn outgoing(&mut self, sent: Sent) -> Outgoing {
        let body = self.body(sent.body);
        let answers = self.settling.answers(&sent.target);
        Outgoing { target: sent.target, body, description: sent.description, answers }
    }

    fn body(&mut self, body: SentBody) -> Option<MessageBody> {
        let name = self.request.body.name().to_owned();
        match body {
            SentBody::Same => None,
            SentBody::Text(text) => {
                Some(MessageBody::described(BodyClass::TEXT, text, String::new(), String::new(), name))
            }
            SentBody::Hl7(message, bytes) => {
                if let Some((known, body)) = &self.last
                    && known.as_ptr() == bytes.as_ptr()
                {
                    return Some(body.clone());
                }
                let body = changed_body(self.settling.types, message, bytes.clone(), &name);
                self.last = Some((bytes, body.clone()));
                Some(body)
            }
        }
    }
}

/// The body of a message that a script changed or made.
pub(in crate::processes) fn changed_body(
    types: &DocTypes,
    message: hl7::Message,
    bytes: Bytes,
    name: &str,
) -> MessageBody {
    // The same label as before, so that the same is read from it: unless MSH-18 says it.
    let label = match message.charset().why {
        hl7::Why::Setting | hl7::Why::Misdeclared => message.charset().name().to_owned(),
        _ => String::new(),
    };
    types.body(bytes, Ok(message), label, name.to_owned())
}

/// The kind of event for what a script says.
pub(in crate::processes) fn kind(level: Level) -> EventKind {
    match level {
        Level::Trace => EventKind::Trace,
        Level::Info => EventKind::Info,
        Level::Warning => EventKind::Warning,
        Level::Error => EventKind::Error,
        Level::Alert => EventKind::Alert,
    }
}

/// The text, no longer than what is told.
pub(in crate::processes) fn cut(mut text: String) -> String {
    if let Some((at, _)) = text.char_indices().nth(LONGEST) {
        text.truncate(at);
        text.push('…');
    }
    text
}
