//! Holds what came of a case against what was to come of it.

use bytes::Bytes;
use components::rehearsal::Told;
use config::{CaseDef, Expectation, OutputDef, Wanted};
use hl7::ack::Ack;
use hl7::schema::Schemas;
use hl7::{Message, Path};
use model::{EventKind, MessageBody, MessageStatus};
use store::{EventFilter, EventRow, MessageFilter};

use super::run::{Browsed, Played};
use super::stage::Output;
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
            Wanted::Event { text, kind, item, none } => self.event(text, *kind, item.as_deref(), *none),
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

    fn output(&self, wanted: &OutputDef) -> Result<Vec<Miss>, Exit> {
        let at = &wanted.at;
        let all: Vec<&Output> = self.played.outputs.iter().filter(|output| output.operation == *at).collect();
        let came = || match all.len() {
            0 => format!("nothing came out at {at}"),
            _ => format!("{} came out at {at}", count(all.len(), "message")),
        };
        match wanted.count {
            Some(0) if !all.is_empty() => return Ok(vec![Miss::new(format!("nothing at {at}"), came())]),
            Some(0) => return Ok(Vec::new()),
            Some(number) if number != all.len() => {
                return Ok(vec![Miss::new(format!("{} at {at}", count(number, "message")), came())]);
            }
            None if all.is_empty() => return Ok(vec![Miss::new(format!("a message at {at}"), came())]),
            _ => {}
        }
        let chosen: Vec<(usize, &Output)> = match wanted.number {
            None => all.into_iter().enumerate().collect(),
            Some(number) => match all.get(number - 1) {
                Some(output) => vec![(number - 1, *output)],
                None => return Ok(vec![Miss::new(format!("a message {number} at {at}"), came())]),
            },
        };
        let mut missed = Vec::new();
        for (index, output) in chosen {
            let place = format!("message {} at {at}", index + 1);
            missed.extend(self.rule(wanted, output, &place));
            missed.extend(values(wanted, output, &place));
            missed.extend(self.content(wanted, output, &place)?);
        }
        Ok(missed)
    }

    fn rule(&self, wanted: &OutputDef, output: &Output, place: &str) -> Option<Miss> {
        let rule = wanted.rule.as_ref().filter(|rule| **rule != output.rule)?;
        let found = match output.rule.as_str() {
            "" => format!("{place} says nothing of why it was sent"),
            other => format!("{place} was sent by \"{other}\""),
        };
        Some(Miss::new(format!("{place} sent by the rule \"{rule}\""), found))
    }

    fn content(&self, wanted: &OutputDef, output: &Output, place: &str) -> Result<Option<Miss>, Exit> {
        let Some((name, content)) = &wanted.content else { return Ok(None) };
        let found = output.body.content();
        if found == content {
            return Ok(None);
        }
        let first = found.iter().zip(content.iter()).position(|(found, wanted)| found != wanted);
        let first = first.unwrap_or(found.len().min(content.len()));
        let mut miss = Miss::new(
            format!("{place} equal to \"{name}\", {}", count(content.len(), "byte")),
            format!("{}, other from byte {} on", count(found.len(), "byte"), first + 1),
        );
        if let (Ok(old), Some(new)) = (Message::read(content.clone(), ""), message(&output.body)) {
            miss.differences = Some(Differences::between(self.schemas, &old, &new)?);
        }
        Ok(Some(miss))
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
        none: bool,
    ) -> Result<Vec<Miss>, Exit> {
        let filter = EventFilter {
            kind,
            item: item.map(str::to_owned),
            oldest_first: true,
            limit: MOST,
            ..EventFilter::default()
        };
        let rows = self.books.reader.events(&filter).map_err(failed)?;
        let found = rows.iter().find(|row| row.event.text.contains(text));
        if found.is_some() != none {
            return Ok(Vec::new());
        }
        let kind = kind.map_or_else(|| "event".to_owned(), |kind| kind.name().to_lowercase());
        let by = item.map(|item| format!(" of {item}")).unwrap_or_default();
        let no = if none { "no " } else { "" };
        let wanted = format!("{no}{kind}{by} with \"{text}\"");
        Ok(vec![Miss::new(wanted, events(found, &rows))])
    }
}

/// What sockets were told.
struct Telling<'a> {
    /// All of them, or one.
    who: &'a str,
    /// Who is to tell it, where that is known.
    by: Option<&'a str>,
    heard: &'a [String],
}

impl Telling<'_> {
    /// `what` is all that is told, or a part of it.
    fn judge(&self, what: (Option<&str>, Option<&str>), number: Option<usize>) -> Option<Miss> {
        let (text, part) = what;
        let is_meant = |heard: &&String| {
            text.is_none_or(|text| *heard == text) && part.is_none_or(|part| heard.contains(part))
        };
        let matching = self.heard.iter().filter(is_meant).count();
        if number.map_or(matching > 0, |number| matching == number) {
            return None;
        }
        let what = match what {
            (Some(text), _) => format!("\"{text}\""),
            (None, Some(part)) => format!("something with \"{part}\""),
            (None, None) => "something".to_owned(),
        };
        let who = match self.by {
            Some(by) => format!("{by} tells {}", self.who),
            None => format!("{} is told", self.who),
        };
        let wanted = match number {
            None => format!("{who} {what}"),
            Some(0) => format!("{who} nothing that is {what}"),
            Some(number) => format!("{who} {what} {}", count(number, "time")),
        };
        Some(Miss::new(wanted, self.found(matching)))
    }

    fn found(&self, matching: usize) -> String {
        let were = if self.by.is_some() { "they were" } else { "it was" };
        match self.heard.len() {
            0 => format!("{were} told nothing"),
            all => {
                let some: Vec<_> = self.heard.iter().take(3).map(|heard| format!("\"{heard}\"")).collect();
                let more = if all > 3 { format!(" and {} more", all - 3) } else { String::new() };
                let times = match matching {
                    0 => String::new(),
                    matching => format!("that {}, of ", count(matching, "time")),
                };
                format!("{were} told {times}{}{more}", some.join(", "))
            }
        }
    }
}

fn events(found: Option<&EventRow>, rows: &[EventRow]) -> String {
    if let Some(row) = found {
        return format!("{} said \"{}\"", row.event.item, row.event.text);
    }
    match rows.len() {
        0 => "no such event".to_owned(),
        all => format!("none of {}; the trace shows them", count(all, "event")),
    }
}

/// The values that are other than wanted, each at its line.
fn values(wanted: &OutputDef, output: &Output, place: &str) -> Vec<Miss> {
    let Some(message) = message(&output.body).filter(|_| !wanted.values.is_empty()) else {
        let first = wanted.values.first();
        return first
            .map(|value| Miss::new(format!("{} in {place}", value.path), "it is no HL7 message"))
            .into_iter()
            .collect();
    };
    let misses = wanted.values.iter().filter_map(|value| {
        let found = match value.compiled.is_count() {
            true => value.compiled.count(&message).unwrap_or_default().to_string(),
            false => value.compiled.get(&message).unwrap_or_default().to_owned(),
        };
        let shown = |text: &str| if text.is_empty() { "nothing".to_owned() } else { format!("\"{text}\"") };
        (found != value.value).then(|| Miss {
            place: Some((value.line, value.column)),
            ..Miss::new(format!("{} is {} in {place}", value.path, shown(&value.value)), shown(&found))
        })
    });
    misses.collect()
}

fn message(body: &MessageBody) -> Option<Message> {
    components::message::hl7(body).ok()
}

/// The code and the text of what a sender was told.
fn said(told: &Told) -> (String, String) {
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
