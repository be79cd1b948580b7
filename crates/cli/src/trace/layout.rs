//! What a trace shows, settled once: which lanes stand where, and what runs between them in time.

use std::sync::Arc;

use model::{BusinessType, EventKind, MessageHeader, MessageId, MessageStatus, MessageType, Timestamp};

use super::reasons::in_lines;
use super::{Hop, Said, Session};
use crate::output::{count, time};

/// One item's lane.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Lane {
    /// The item.
    pub(crate) name: Arc<str>,
    /// Its kind, which says in which group of columns it stands.
    pub(crate) kind: BusinessType,
}

/// What an arrow is, and so its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// A request: blue.
    Request,
    /// A response: green.
    Response,
    /// Something that failed: red.
    Error,
}

/// One message.
#[derive(Debug, Clone)]
pub(crate) struct Arrow {
    /// The message.
    pub(crate) id: MessageId,
    /// When it was put on the queue.
    pub(crate) time: Timestamp,
    /// The lane it leaves.
    pub(crate) from: usize,
    /// The lane it reaches; none when it goes nowhere.
    pub(crate) to: Option<usize>,
    /// What it is.
    pub(crate) tone: Tone,
    /// Whether it answers a request, well or ill: then it is dashed.
    pub(crate) answers: bool,
    /// Its document type or class.
    pub(crate) label: String,
    /// Where it stands.
    pub(crate) status: MessageStatus,
    /// Why it was sent, as in a rule's name.
    pub(crate) description: String,
    /// Why it failed, or waits; empty when all is well.
    pub(crate) trouble: String,
}

/// One event.
#[derive(Debug, Clone)]
pub(crate) struct Mark {
    /// When.
    pub(crate) time: Timestamp,
    /// What kind.
    pub(crate) kind: EventKind,
    /// The lane of the item that said it; none for the engine or an item that has no lane.
    pub(crate) lane: Option<usize>,
    /// What it said, with the item's name where it has no lane; the rule log in lines.
    pub(crate) text: String,
    /// The message it is about.
    pub(crate) about: Option<MessageId>,
}

/// One line of a picture, in the order of time.
#[derive(Debug, Clone)]
pub(crate) enum Row {
    /// A message.
    Message(Arrow),
    /// An event.
    Event(Mark),
}

/// A group of neighbouring lanes: services, processes or operations.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Group {
    /// Its heading.
    pub(crate) title: &'static str,
    /// Its first lane.
    pub(crate) first: usize,
    /// Its last lane.
    pub(crate) last: usize,
}

/// A session as it is drawn, in any form.
#[derive(Debug, Clone)]
pub(crate) struct Picture {
    /// What stands above it, as in `Session 48217`.
    pub(crate) title: String,
    /// The facts beside the title.
    pub(crate) facts: Vec<String>,
    /// The lanes, from left to right.
    pub(crate) lanes: Vec<Lane>,
    /// The lanes' groups.
    pub(crate) groups: Vec<Group>,
    /// What happens, from top to bottom.
    pub(crate) rows: Vec<Row>,
    /// Which part of the session this is, when it is not all of it.
    pub(crate) part: Option<String>,
}

/// The groups of lanes, from left to right.
const GROUPS: [(BusinessType, &str); 4] = [
    (BusinessType::BusinessService, "services"),
    (BusinessType::BusinessProcess, "processes"),
    (BusinessType::BusinessOperation, "operations"),
    (BusinessType::Unknown, "others"),
];

impl Picture {
    /// Lays a session out.
    pub(crate) fn of(session: &Session) -> Self {
        let lanes = lanes(&session.hops);
        let place = |name: &str| lanes.iter().position(|lane| &*lane.name == name);
        let arrows = session.hops.iter().map(|hop| arrow(hop, &session.events, &place));
        let mut rows: Vec<_> = arrows.map(Row::Message).collect();
        rows.extend(session.events.iter().map(|said| Row::Event(mark(said, &place))));
        in_order(&mut rows);
        Picture {
            title: format!("Session {}", session.id),
            facts: facts(session),
            groups: groups(&lanes),
            lanes,
            rows,
            part: session.part(),
        }
    }
}

/// By time. At the same moment an event stands behind the message that it is about, and behind an answer
/// that its item got, since a flow goes on with that; and before what came of them, which has larger ids.
/// One that is about no message tells of what has happened.
fn in_order(rows: &mut [Row]) {
    let answer = |row: &Row| match row {
        Row::Message(arrow) if arrow.answers => Some((arrow.time, arrow.to?, arrow.id)),
        _ => None,
    };
    let answers: Vec<_> = rows.iter().filter_map(answer).collect();
    let behind = |mark: &Mark| {
        let about = mark.about.unwrap_or(MessageId(u64::MAX));
        let got = answers.iter().filter(|(time, to, _)| *time == mark.time && Some(*to) == mark.lane);
        got.map(|(_, _, id)| *id).fold(about, MessageId::max)
    };
    rows.sort_by_cached_key(|row| match row {
        Row::Message(arrow) => (arrow.time, arrow.id, 0),
        Row::Event(mark) => (mark.time, behind(mark), 1),
    });
}

/// The items in groups, within a group in the order in which messages reach them.
fn lanes(hops: &[Hop]) -> Vec<Lane> {
    let mut met: Vec<Lane> = Vec::new();
    let mut meet = |name: &Arc<str>, kind| match met.iter_mut().find(|lane| lane.name == *name) {
        // What one header does not know about an item, another may.
        Some(lane) if lane.kind == BusinessType::Unknown => lane.kind = kind,
        Some(_) => {}
        None if name.is_empty() => {}
        None => met.push(Lane { name: name.clone(), kind }),
    };
    for MessageHeader { source, source_type, target, target_type, .. } in hops.iter().map(|hop| &hop.header) {
        meet(source, *source_type);
        meet(target, *target_type);
    }
    met.sort_by_key(|lane| GROUPS.iter().position(|(kind, _)| *kind == lane.kind));
    met
}

fn groups(lanes: &[Lane]) -> Vec<Group> {
    let of = |kind| {
        let mut places = lanes.iter().enumerate().filter(move |(_, lane)| lane.kind == kind).map(|(i, _)| i);
        let first = places.next()?;
        Some((first, places.next_back().unwrap_or(first)))
    };
    let found = GROUPS.iter().filter_map(|(kind, title)| of(*kind).map(|place| (title, place)));
    found.map(|(title, (first, last))| Group { title, first, last }).collect()
}

fn arrow(hop: &Hop, events: &[Said], place: &dyn Fn(&str) -> Option<usize>) -> Arrow {
    let header = &hop.header;
    // What an event of the message tells is not told twice.
    let trouble = header.error_status.as_str();
    let about = |said: &Said| said.message == Some(header.id) || said.message == header.corresponding;
    let told = events.iter().any(|said| said.message.is_some() && about(said) && said.text.contains(trouble));
    let from = place(&header.source);
    let to = place(&header.target).filter(|to| Some(*to) != from);
    let tone = match header.message_type {
        _ if header.is_error => Tone::Error,
        MessageType::Request => Tone::Request,
        MessageType::Response => Tone::Response,
    };
    Arrow {
        id: header.id,
        time: header.time_created,
        from: from.or(to).unwrap_or(0),
        to: to.filter(|_| from.is_some()),
        tone,
        answers: header.message_type == MessageType::Response,
        label: hop.label().to_owned(),
        status: header.status,
        description: header.description.to_string(),
        trouble: if told { String::new() } else { trouble.to_owned() },
    }
}

fn mark(said: &Said, place: &dyn Fn(&str) -> Option<usize>) -> Mark {
    let lane = place(&said.item);
    let text = in_lines(&said.text);
    let text = match lane {
        None if !said.item.is_empty() => format!("{}: {text}", said.item),
        _ => text,
    };
    Mark { time: said.time, kind: said.kind, lane, text, about: said.message }
}

/// When it began, how much it is, how long it took and how it ended.
fn facts(session: &Session) -> Vec<String> {
    let headers = || session.hops.iter().map(|hop| &hop.header);
    let Some(begun) = headers().map(|header| header.time_created).min() else {
        return vec!["no messages".to_owned()];
    };
    let mut facts = vec![format!("{} UTC", begun.to_utc()), count(session.total, "message")];
    // That a request failed is one error, however its sender is told.
    let errors =
        headers().filter(|header| header.is_error && header.message_type == MessageType::Request).count();
    let open = headers().filter(|header| !header.status.is_final()).count();
    if let Some(ended) = headers().filter_map(|header| header.time_processed).max()
        && open == 0
    {
        facts.push(time::spoken(ended.since(begun)));
    }
    let state = match (errors, open) {
        (0, 0) => "all done".to_owned(),
        (0, open) => format!("{open} not done yet"),
        (errors, 0) => count(errors, "error"),
        (errors, open) => format!("{}, {open} not done yet", count(errors, "error")),
    };
    let whole = session.hops.len() == session.total;
    facts.push(if whole { state } else { state + " on this page" });
    facts
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn lanes_stand_in_groups_in_the_order_in_which_messages_reach_them() {
        let picture = Picture::of(&samples::session());
        let names: Vec<_> = picture.lanes.iter().map(|lane| &*lane.name).collect();
        assert_eq!(names, ["HL7FileService", "MsgRouter", "User.SocketInvocation", "HL7FileOperation"]);
        let groups: Vec<_> =
            picture.groups.iter().map(|group| (group.title, group.first, group.last)).collect();
        assert_eq!(groups, [("services", 0, 0), ("processes", 1, 2), ("operations", 3, 3)]);
    }

    #[test]
    fn rows_are_in_the_order_of_time_and_events_follow_messages() {
        let picture = Picture::of(&samples::session());
        let order: Vec<_> = picture
            .rows
            .iter()
            .map(|row| match row {
                Row::Message(arrow) => arrow.id.to_string(),
                Row::Event(mark) => mark.text.clone(),
            })
            .collect();
        assert_eq!(
            order,
            ["48217", "48218", "told 3 open sockets", "48219", "message 48219 failed", "48220"]
        );
        assert_eq!(picture.facts, ["2026-11-23 12:59:00.000 UTC", "4 messages", "15 ms", "1 error"]);
    }

    #[test]
    fn what_a_flow_says_when_it_got_an_answer_stands_behind_the_answer() {
        let mut session = samples::session();
        let answered = session.hops[3].header.time_created;
        session.events = vec![Said {
            time: answered,
            kind: EventKind::Info,
            item: "MsgRouter".into(),
            text: "milestone \"written\"".into(),
            message: Some(MessageId(48_217)),
        }];
        let picture = Picture::of(&session);
        let at = |id| {
            let is = |row: &Row| matches!(row, Row::Message(arrow) if arrow.id == MessageId(id));
            picture.rows.iter().position(is)
        };
        let said = picture.rows.iter().position(|row| matches!(row, Row::Event(_)));
        assert_eq!((at(48_220), said), (Some(3), Some(4)));
    }

    #[test]
    fn a_refused_message_goes_nowhere_and_needs_no_second_lane() {
        let picture = Picture::of(&samples::refused());
        assert_eq!(picture.lanes.len(), 1);
        let Row::Message(arrow) = &picture.rows[0] else { panic!("expected a message") };
        assert_eq!((arrow.from, arrow.to, arrow.tone), (0, None, Tone::Error));
    }

    #[test]
    fn a_reason_that_an_event_tells_is_not_told_twice() {
        let mut session = samples::refused();
        let mut said = samples::session().events.remove(1);
        (said.message, said.text) = (Some(MessageId(7)), "refused: no MSH segment at offset 0; kept".into());
        session.events.push(said);
        let Row::Message(arrow) = &Picture::of(&session).rows[0] else { panic!("expected a message") };
        assert_eq!(arrow.trouble, "");
    }

    #[test]
    fn a_session_without_messages_is_a_picture_too() {
        let empty = Session { hops: vec![], events: vec![], total: 0, ..samples::session() };
        let picture = Picture::of(&empty);
        assert_eq!((picture.lanes.len(), picture.facts), (0, vec!["no messages".to_owned()]));
    }
}
