//! Holds what came of a case against what was to come of it.

mod outputs;
mod telling;

use bytes::Bytes;
use components::rehearsal::Told;
use config::{CaseDef, Expectation, Wanted};
use hl7::ack::Ack;
use hl7::schema::Schemas;
use hl7::{Message, Path};
use model::{EventKind, MessageStatus};
use store::{EventFilter, EventRow, MessageFilter};

use telling::Telling;

use super::run::{Browsed, Played};
use crate::commands::Differences;
use crate::output::{Exit, count, failed};
use crate::reading::Books;

/// The most messages and events that are looked at.
const MOST: usize = 100_000;

/// An expectation that was not met.
pub(crate) struct Failed {
    /// Where it stands in the case.
    pub(crate) line: usize,
    /// The column there.
    pub(crate) column: usize,
    /// What was wanted.
    pub(crate) wanted: String,
    /// What was found.
    pub(crate) found: String,
    /// What differs, where a message was wanted byte for byte.
    pub(crate) differences: Option<Differences>,
}

/// What was wanted and found.
struct Miss {
    /// Line and column, where they are others than the expectation's.
    place: Option<(usize, usize)>,
    wanted: String,
    found: String,
    differences: Option<Differences>,
}

impl Miss {
    fn new(wanted: impl Into<String>, found: impl Into<String>) -> Self {
        Miss { place: None, wanted: wanted.into(), found: found.into(), differences: None }
    }

    /// With how the connection of a browser ended, which may be why.
    fn because(mut self, browser: Option<&Browsed>) -> Self {
        match browser {
            None => self.found += "; it never connected",
            Some(Browsed { end: Some(end), .. }) => self.found += &format!("; {end}"),
            Some(_) => {}
        }
        self
    }
}

/// The expectations of a case that were not met, in order.
///
/// # Errors
/// When the store cannot be read.
pub(crate) fn judge(
    case: &CaseDef,
    played: &Played,
    books: &mut Books,
    schemas: &Schemas,
) -> Result<Vec<Failed>, Exit> {
    let mut judge = Judge { played, books, schemas };
    let mut missed = Vec::new();
    for Expectation { line, column, wanted } in &case.expect {
        let misses = judge.of(wanted)?.into_iter().map(|miss| Failed {
            line: miss.place.map_or(*line, |(line, _)| line),
            column: miss.place.map_or(*column, |(_, column)| column),
            wanted: miss.wanted,
            found: miss.found,
            differences: miss.differences,
        });
        missed.extend(misses);
    }
    Ok(missed)
}

/// What a case says of edges that no message reached.
///
/// # Errors
/// When the store cannot be read.
pub(crate) fn idle_edges(case: &CaseDef, books: &Books) -> Result<Vec<String>, Exit> {
    let mut idle = Vec::new();
    for (name, _) in &case.edges {
        let filter = MessageFilter { target: Some(name.clone()), limit: 1, ..MessageFilter::default() };
        if books.reader.messages(&filter).map_err(failed)?.is_empty() {
            idle.push(format!("no message came to {name}, so that what edges says of it shows nothing"));
        }
    }
    Ok(idle)
}

struct Judge<'a> {
    played: &'a Played,
    books: &'a mut Books,
    schemas: &'a Schemas,
}

impl Judge<'_> {
    fn of(&mut self, wanted: &Wanted) -> Result<Vec<Miss>, Exit> {
        match wanted {
            Wanted::Output(output) => self.output(output),
            Wanted::Status { item, is, count } => self.status(item, *is, *count),
            Wanted::Ack { code, of, text } => Ok(self.ack(code, *of, text)),
            Wanted::Broadcast { by, server, text, contains, count } => {
                let heard = self.played.heard.get(server).map(Vec::as_slice).unwrap_or_default();
                let what = (text.as_deref(), contains.as_deref());
                let told = Telling { who: "the sockets", by: Some(by), heard };
                Ok(told.judge(what, *count).into_iter().collect())
            }
            Wanted::Told { socket, text, contains, count } => {
                let browser = self.played.browsers.get(socket);
                let heard = browser.map(|browser| &*browser.heard).unwrap_or_default();
                let told = Telling { who: socket, by: None, heard };
                let miss = told.judge((text.as_deref(), contains.as_deref()), *count);
                Ok(miss.map(|miss| miss.because(browser)).into_iter().collect())
            }
            Wanted::Socket { socket, open } => Ok(self.socket(socket, *open)),
            Wanted::Event { text, kind, item, count } => self.event(text, *kind, item.as_deref(), *count),
        }
    }

    fn socket(&self, name: &str, open: bool) -> Vec<Miss> {
        let browser = self.played.browsers.get(name);
        if browser.is_some_and(|browser| browser.open) == open {
            return Vec::new();
        }
        let state = if open { "open" } else { "closed" };
        let found = if open { "it has no session" } else { "its session is still stored" };
        vec![Miss::new(format!("the socket of {name} is {state} at the end"), found).because(browser)]
    }

    fn status(&self, item: &str, is: MessageStatus, number: Option<usize>) -> Result<Vec<Miss>, Exit> {
        let filter = MessageFilter {
            target: Some(item.to_owned()),
            message_type: Some(model::MessageType::Request),
            limit: MOST,
            ..MessageFilter::default()
        };
        let headers = self.books.reader.messages(&filter).map_err(failed)?;
        let having = headers.iter().filter(|header| header.status == is).count();
        let met = match number {
            Some(number) => having == number,
            None => having == headers.len() && having > 0,
        };
        if met {
            return Ok(Vec::new());
        }
        let wanted = match number {
            Some(number) => format!("{} at {item} with status {is}", count(number, "message")),
            None => format!("every message at {item} with status {is}"),
        };
        let found = match headers.len() {
            0 => format!("no message came to {item}"),
            all => {
                let each = MessageStatus::ALL.into_iter().filter_map(|status| {
                    let number = headers.iter().filter(|header| header.status == status).count();
                    (number > 0).then(|| format!("{number} {status}"))
                });
                let reasons = headers.iter().rev().find(|header| !header.error_status.is_empty());
                let reason = reasons.map(|header| format!(" ({})", header.error_status)).unwrap_or_default();
                format!("of {}: {}{reason}", count(all, "message"), each.collect::<Vec<_>>().join(", "))
            }
        };
        Ok(vec![Miss::new(wanted, found)])
    }

    fn ack(&self, code: &str, of: usize, text: &str) -> Vec<Miss> {
        let none = Vec::new();
        let told: Vec<(String, String)> =
            self.played.told.get(of - 1).unwrap_or(&none).iter().map(said).collect();
        let met = told.iter().any(|(said, words)| said == code && words.contains(text));
        if met {
            return Vec::new();
        }
        let with = if text.is_empty() { String::new() } else { format!(" with \"{text}\"") };
        let wanted = format!("the sender of message {of} is told {code}{with}");
        let found = match &told[..] {
            [] => "it was told nothing".to_owned(),
            all => {
                let one = |(code, words): &(String, String)| match words.as_str() {
                    "" => code.clone(),
                    words => format!("{code} \"{words}\""),
                };
                format!("it was told {}", all.iter().map(one).collect::<Vec<_>>().join(", then "))
            }
        };
        vec![Miss::new(wanted, found)]
    }

    fn event(
        &self,
        text: &str,
        kind: Option<EventKind>,
        item: Option<&str>,
        number: Option<usize>,
    ) -> Result<Vec<Miss>, Exit> {
        let filter = EventFilter {
            kind,
            item: item.map(str::to_owned),
            oldest_first: true,
            limit: MOST,
            ..EventFilter::default()
        };
        let rows = self.books.reader.events(&filter).map_err(failed)?;
        let found: Vec<_> = rows.iter().filter(|row| row.event.text.contains(text)).collect();
        if number.map_or(!found.is_empty(), |number| found.len() == number) {
            return Ok(Vec::new());
        }
        let kind = kind.map_or_else(|| "event".to_owned(), |kind| kind.name().to_lowercase());
        let by = item.map(|item| format!(" of {item}")).unwrap_or_default();
        let wanted = match number {
            None => format!("{kind}{by}"),
            Some(0) => format!("no {kind}{by}"),
            Some(number) => format!("{}{by}", count(number, &kind)),
        };
        Ok(vec![Miss::new(format!("{wanted} with \"{text}\""), events(&found, rows.len()))])
    }
}

fn events(found: &[&EventRow], all: usize) -> String {
    match (found, all) {
        ([], 0) => "no such event".to_owned(),
        ([], all) => format!("none of {}; the trace shows them", count(all, "event")),
        ([row], _) => format!("{} said \"{}\"", row.event.item, row.event.text),
        ([row, ..], _) => {
            format!("{} of them, the first by {}: \"{}\"", found.len(), row.event.item, row.event.text)
        }
    }
}

/// The code and the text of what a sender was told.
pub(crate) fn said(told: &Told) -> (String, String) {
    let bytes: &Bytes = match told {
        Told::Byte(0x06) => return ("AA".to_owned(), String::new()),
        Told::Byte(_) => return ("AE".to_owned(), String::new()),
        Told::Message(bytes) => bytes,
    };
    let Ok(message) = Message::read(bytes.clone(), "") else { return Default::default() };
    let Some(ack) = Ack::read(&message) else {
        let kind = "MSH-9".parse::<Path>().ok().and_then(|path| message.get(&path)).unwrap_or_default();
        return (kind.to_owned(), String::new());
    };
    (ack.code_text, ack.text)
}
