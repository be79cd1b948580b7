//! The drawn trace of one session: one lane per item, one arrow per message, events between.
//!
//! [`layout`] settles once what is drawn where; text, SVG and HTML only dress it.

pub(crate) mod html;
pub(crate) mod layout;
pub(crate) mod mermaid;
mod pen;
mod reasons;
pub(crate) mod svg;
pub(crate) mod text;

use serde_json::{Value, json};

use model::{EventKind, MessageHeader, MessageId, SessionId, Timestamp};

/// How many messages of a session are drawn at a time, when nothing else is asked for.
pub(crate) const PAGE_SIZE: usize = 200;

/// One message of a session, with what is known about its body.
#[derive(Debug, Clone)]
pub(crate) struct Hop {
    /// The header.
    pub(crate) header: MessageHeader,
    /// The body's class, as in `HL7.Message`; empty when there is no body.
    pub(crate) class: String,
    /// What the body is, as in `ADT_A01`; empty when not known.
    pub(crate) doc_type: String,
}

impl Hop {
    /// What the message is called in a picture.
    pub(crate) fn label(&self) -> &str {
        if self.doc_type.is_empty() { &self.class } else { &self.doc_type }
    }

    /// The header as a JSON object: ids as numbers, what is not there as null.
    pub(crate) fn json(&self) -> Value {
        let value = |name, text: String| match name {
            "IsError" => json!(self.header.is_error),
            "ObjectId"
            | "MessageBodyId"
            | "CorrespondingMessageId"
            | "SessionId"
            | "BusinessProcessId"
            | "Banked" => json!(text.parse::<u64>().ok()),
            "TimeProcessed" if text.is_empty() => Value::Null,
            _ => json!(text),
        };
        let fields = self.fields().into_iter().map(|(name, text)| (name.to_owned(), value(name, text)));
        let doc_type = [("DocType".to_owned(), json!(self.doc_type))];
        Value::Object(fields.chain(doc_type).collect())
    }

    /// All that a header holds, under the names that users of such engines know.
    pub(crate) fn fields(&self) -> Vec<(&'static str, String)> {
        let header = &self.header;
        let number = |id: Option<u64>| id.map_or_else(String::new, |id| id.to_string());
        vec![
            ("ObjectId", header.id.to_string()),
            ("Type", header.message_type.to_string()),
            ("MessageBodyId", number(header.body.map(|id| id.0))),
            ("Invocation", header.invocation.to_string()),
            ("CorrespondingMessageId", number(header.corresponding.map(|id| id.0))),
            ("SessionId", header.session.to_string()),
            ("SourceConfigName", header.source.to_string()),
            ("TargetConfigName", header.target.to_string()),
            ("SourceBusinessType", header.source_type.to_string()),
            ("TargetBusinessType", header.target_type.to_string()),
            ("BusinessProcessId", number(header.business_process)),
            // One queue per item, under the item's name.
            ("TargetQueueName", header.target.to_string()),
            ("ReturnQueueName", header.return_queue.clone()),
            ("MessageBodyClassName", self.class.clone()),
            ("Description", header.description.to_string()),
            ("SuperSession", header.super_session.clone()),
            ("Resent", header.resent.clone()),
            ("Priority", header.priority.to_string()),
            ("TimeCreated", header.time_created.to_utc()),
            ("TimeProcessed", header.time_processed.map_or_else(String::new, Timestamp::to_utc)),
            ("Status", header.status.to_string()),
            ("IsError", u8::from(header.is_error).to_string()),
            ("ErrorStatus", header.error_status.clone()),
            ("Banked", header.banked.to_string()),
        ]
    }
}

/// One event of a session.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    /// When.
    pub(crate) time: Timestamp,
    /// What kind of event.
    pub(crate) kind: EventKind,
    /// The item that said it.
    pub(crate) item: String,
    /// What it said.
    pub(crate) text: String,
    /// The message it is about.
    pub(crate) message: Option<MessageId>,
}

/// What is drawn: a session, or one page of a long one.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    /// The session.
    pub(crate) id: SessionId,
    /// How many messages it has in all.
    pub(crate) total: usize,
    /// How many messages stand before the first one here.
    pub(crate) skipped: usize,
    /// How many messages a page has.
    pub(crate) size: usize,
    /// The messages of this page, in the order of their ids.
    pub(crate) hops: Vec<Hop>,
    /// The events of this page.
    pub(crate) events: Vec<Said>,
}

impl Session {
    /// Which part of the session this is, and how to see the next; none when it is all of it.
    pub(crate) fn part(&self) -> Option<String> {
        use crate::output::{count, thousands};
        if self.hops.len() == self.total {
            return None;
        }
        let last = self.skipped + self.hops.len();
        let mut text = format!(
            "{} to {} of {}",
            thousands(self.skipped + 1),
            thousands(last),
            count(self.total, "message")
        );
        if last < self.total {
            let page = self.skipped / self.size.max(1) + 2;
            text += &format!("; next page: orris trace {} --page {page}", self.id);
            if self.size != PAGE_SIZE {
                text += &format!(" --page-size {}", self.size);
            }
        }
        Some(text)
    }
}

#[cfg(test)]
pub(crate) mod samples {
    //! Sessions to draw in tests.

    use std::sync::Arc;

    use model::{BodyId, BusinessType, MessageStatus, MessageType};

    use super::*;

    /// 2026-11-23 12:59:00.000 UTC.
    pub(crate) const NOON: i64 = 1_795_438_740_000;

    /// A hop between two items, completed a millisecond after it was created.
    pub(crate) fn hop(id: u64, from: (&str, BusinessType), to: (&str, BusinessType), after: i64) -> Hop {
        let (source, target): (Arc<str>, Arc<str>) = (from.0.into(), to.0.into());
        let now = Timestamp(NOON + after);
        let session = Some(SessionId(48_217));
        let body = Some(BodyId(7));
        let mut header =
            MessageHeader::request(MessageId(id), session, &source, from.1, &target, to.1, body, now);
        header.status = MessageStatus::Completed;
        header.time_processed = Some(Timestamp(NOON + after + 1));
        Hop { header, class: "HL7.Message".into(), doc_type: "ADT_A01".into() }
    }

    const FILES: (&str, BusinessType) = ("HL7FileService", BusinessType::BusinessService);
    const ROUTER: (&str, BusinessType) = ("MsgRouter", BusinessType::BusinessProcess);
    const TELLER: (&str, BusinessType) = ("User.SocketInvocation", BusinessType::BusinessProcess);
    const WRITER: (&str, BusinessType) = ("HL7FileOperation", BusinessType::BusinessOperation);

    /// A message that takes every way: on, past a lane, back as a response, into an error.
    pub(crate) fn session() -> Session {
        let mut ordered = hop(48_219, ROUTER, WRITER, 2);
        ordered.header.description = "admissions".into();
        ordered.header.status = MessageStatus::Error;
        ordered.header.is_error = true;
        ordered.header.error_status =
            "folder \"out\" cannot be written (no space left on device); free some and resend".into();
        let mut answer = hop(48_220, WRITER, ROUTER, 14);
        answer.header.message_type = MessageType::Response;
        answer.doc_type = "ACK".into();
        let said = |after, kind, item: &str, text: &str| Said {
            time: Timestamp(NOON + after),
            kind,
            item: item.into(),
            text: text.into(),
            message: None,
        };
        Session {
            id: SessionId(48_217),
            total: 4,
            skipped: 0,
            size: PAGE_SIZE,
            hops: vec![hop(48_217, FILES, ROUTER, 0), hop(48_218, FILES, TELLER, 0), ordered, answer],
            events: vec![
                said(1, EventKind::Info, "User.SocketInvocation", "told 3 open sockets"),
                said(13, EventKind::Error, "HL7FileOperation", "message 48219 failed"),
            ],
        }
    }

    /// A message whose service waits, and is told that it failed: once by its target, and once by
    /// another that comes too late and has nothing to say.
    pub(crate) fn answered() -> Session {
        let asked = hop(48_217, FILES, ROUTER, 0);
        let mut failed = hop(48_218, ROUTER, WRITER, 1);
        failed.header.status = MessageStatus::Error;
        failed.header.is_error = true;
        failed.header.error_status = "AE".into();
        let mut refusal = hop(48_219, WRITER, FILES, 9);
        refusal.doc_type = "ACK".into();
        refusal.header.is_error = true;
        refusal.header.error_status = "AE".into();
        let mut late = hop(48_220, TELLER, FILES, 12);
        late.header.status = MessageStatus::Discarded;
        late.header.error_status = "nobody waits for the answer any more".into();
        (late.class, late.doc_type) = Default::default();
        for answer in [&mut refusal, &mut late] {
            answer.header.message_type = MessageType::Response;
            answer.header.corresponding = Some(MessageId(48_218));
            answer.header.description = "answer".into();
        }
        let said = Said {
            time: Timestamp(NOON + 9),
            kind: EventKind::Error,
            item: "HL7FileOperation".into(),
            text: "message 48218 failed: AE".into(),
            message: Some(MessageId(48_218)),
        };
        let hops = vec![asked, failed, refusal, late];
        Session { total: hops.len(), hops, events: vec![said], ..session() }
    }

    /// A message that two rules wanted, with why they did: all in the same millisecond.
    pub(crate) fn explained() -> Session {
        let mut hops = vec![hop(48_217, FILES, ROUTER, 0), hop(48_218, ROUTER, TELLER, 0)];
        hops.push(hop(48_219, ROUTER, WRITER, 0));
        for (hop, (doc_type, rule)) in hops.iter_mut().zip([
            ("Wards:ADT_A02", ""),
            ("Wards:ADT_A02", "intensive care"),
            ("2.5.1:ADT_A02", "moves and discharges"),
        ]) {
            (hop.doc_type, hop.header.description) = (doc_type.into(), rule.into());
        }
        let log = "rules: \"noise\" does not: condition 1 does not hold; \"intensive care\" holds; \
            \"intensive care\" sends to \"User.SocketInvocation\"; \"moves and discharges\" holds; \
            \"moves and discharges\" sends to \"HL7FileOperation\" by patient_for_lab; \
            \"orders\" does not: not of its source; \"results\" does not: not of its source; \
            \"otherwise\" does not: a rule before it wanted the message";
        let said = Said {
            time: Timestamp(NOON),
            kind: EventKind::Trace,
            item: "MsgRouter".into(),
            text: log.into(),
            message: Some(MessageId(48_217)),
        };
        Session { total: hops.len(), hops, events: vec![said], ..session() }
    }

    /// A message that was refused before it had a target.
    pub(crate) fn refused() -> Session {
        let mut refused = hop(7, FILES, ("", BusinessType::Unknown), 0);
        refused.header.session = SessionId(7);
        refused.header.status = MessageStatus::Error;
        refused.header.is_error = true;
        refused.header.error_status = "no MSH segment at offset 0".into();
        refused.class = "Bytes".into();
        refused.doc_type = String::new();
        Session {
            id: SessionId(7),
            total: 1,
            skipped: 0,
            size: PAGE_SIZE,
            hops: vec![refused],
            events: vec![],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_has_all_its_fields_under_their_known_names() {
        let session = samples::session();
        let fields = session.hops[2].fields();
        assert_eq!(fields.len(), 24);
        let get = |name| fields.iter().find(|(field, _)| *field == name).map(|(_, value)| value.as_str());
        assert_eq!(get("ObjectId"), Some("48219"));
        assert_eq!(get("SessionId"), Some("48217"));
        assert_eq!(get("TimeCreated"), Some("2026-11-23 12:59:00.002"));
        assert_eq!(get("Status"), Some("Error"));
        assert_eq!(get("IsError"), Some("1"));
        assert_eq!(get("TargetQueueName"), Some("HL7FileOperation"));
        let json = session.hops[2].json();
        assert_eq!((&json["ObjectId"], &json["IsError"]), (&json!(48_219), &json!(true)));
        assert_eq!((&json["CorrespondingMessageId"], &json["DocType"]), (&Value::Null, &json!("ADT_A01")));
    }

    #[test]
    fn a_page_says_which_part_it_is_and_where_the_next_is() {
        let mut session = samples::session();
        assert_eq!(session.part(), None);
        (session.total, session.skipped, session.size) = (10_000, 4, 4);
        assert_eq!(
            session.part().as_deref(),
            Some("5 to 8 of 10,000 messages; next page: orris trace 48217 --page 3 --page-size 4")
        );
    }
}
