//! `orris messages`: the message list.

use std::collections::BTreeSet;

use model::{MessageBody, MessageHeader, MessageStatus, MessageType, SessionId};
use rules::{Expr, Scope};
use serde_json::Value;
use store::MessageFilter;

use super::follow;
use super::hl7::Choice;
use crate::output::table::{Field, Listing, ListingForm, Stream};
use crate::output::{Exit, Screen, colour, count, failed, print_note, time};
use crate::reading::{Books, DataDir};
use crate::trace::Hop;

/// List messages, the latest at the end
#[derive(Debug, clap::Args)]
#[command(
    after_help = "examples:\n  orris messages --since 10m --status error\n  orris messages --where 'PID-3.1 = \"123\"'\n  orris messages --follow --target HL7FileOperation"
)]
pub(crate) struct Messages {
    /// Only this status: created, queued, delivered, discarded, suspended, deferred, aborted, error
    /// or completed
    #[arg(long)]
    status: Option<MessageStatus>,
    /// Only errors, whatever their status
    #[arg(long)]
    errors: bool,
    /// Only from or to this item
    #[arg(long)]
    item: Option<String>,
    /// Only from this item
    #[arg(long, value_name = "ITEM")]
    source: Option<String>,
    /// Only to this item
    #[arg(long, value_name = "ITEM")]
    target: Option<String>,
    /// Only this session
    #[arg(long)]
    session: Option<u64>,
    /// Only this document type, as in ADT_A01
    #[arg(long = "type", value_name = "TYPE")]
    doc_type: Option<String>,
    /// Only from this time on, as in 10m, 12:59 or "2026-11-23 12:59" (UTC)
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only before this time
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only messages for which this expression holds, as in 'PID-3.1 = "123"'. It knows the lookup tables
    /// and schedules of --production; the time is that at which each message was made
    #[arg(long = "where", value_name = "EXPRESSION")]
    condition: Option<String>,
    #[command(flatten)]
    choice: Choice,
    /// At most this many
    #[arg(long, default_value_t = 50)]
    limit: usize,
    /// Go on with what comes from now on, until Ctrl-C
    #[arg(long, short)]
    follow: bool,
    /// Print JSON, all fields of each header; with --follow one object a line
    #[arg(long)]
    json: bool,
}

/// How many messages are looked at for a condition that the search index does not know.
const SCANNED: usize = 100_000;
/// How many are taken from the store at a time.
const PAGE: usize = 500;

impl Messages {
    pub(crate) fn run(&self, screen: &Screen, data: &DataDir) -> Result<(), Exit> {
        let condition = match &self.condition {
            Some(condition) => Some(compile(condition, &self.choice.scope()?)?),
            None => None,
        };
        let mut books = data.open()?;
        let mut filter = self.filter()?;
        let mut headers = match &condition {
            Some(condition) => find(&books, &filter, condition, self.limit)?,
            None => books.reader.messages(&filter).map_err(failed)?,
        };
        headers.sort_by_key(|header| header.id);
        let mut last = headers.last().map(|header| header.id);
        if !self.follow {
            return self.print(screen, &mut books, headers);
        }
        let mut stream = Stream::default();
        self.print_more(screen, &mut books, &mut stream, headers)?;
        if last.is_none() {
            let newest = MessageFilter { limit: 1, ..MessageFilter::default() };
            last = books.reader.messages(&newest).map_err(failed)?.pop().map(|header| header.id);
        }
        (filter.oldest_first, filter.limit) = (true, follow::STEP);
        follow::each(|| {
            filter.after = last;
            let mut headers = books.reader.messages(&filter).map_err(failed)?;
            last = headers.last().map(|header| header.id).or(last);
            if let Some(condition) = &condition {
                headers = headers
                    .into_iter()
                    .filter_map(|header| keep(&books, condition, header).transpose())
                    .collect::<Result<_, _>>()?;
            }
            self.print_more(screen, &mut books, &mut stream, headers)
        })
    }

    fn filter(&self) -> Result<MessageFilter, Exit> {
        let now = time::now();
        let read = |text: &Option<String>| {
            text.as_deref().map(|text| time::read(text, now)).transpose().map_err(Exit::Usage)
        };
        Ok(MessageFilter {
            status: self.status,
            errors: self.errors,
            source: self.source.clone(),
            target: self.target.clone(),
            item: self.item.clone(),
            session: self.session.map(SessionId),
            doc_type: self.doc_type.clone(),
            since: read(&self.since)?,
            until: read(&self.until)?,
            limit: self.limit,
            ..MessageFilter::default()
        })
    }

    fn print(&self, screen: &Screen, books: &mut Books, headers: Vec<MessageHeader>) -> Result<(), Exit> {
        let hops = hops(books, headers)?;
        if self.json {
            return screen.json(&hops.iter().map(Hop::json).collect::<Value>());
        }
        listing(&hops).print(screen, ListingForm::Table, "no such messages")?;
        if hops.len() == self.limit {
            print_note(&format!(
                "the latest {}; --limit and --until show more",
                count(hops.len(), "message")
            ));
        }
        Ok(())
    }

    fn print_more(
        &self,
        screen: &Screen,
        books: &mut Books,
        stream: &mut Stream,
        headers: Vec<MessageHeader>,
    ) -> Result<(), Exit> {
        let hops = hops(books, headers)?;
        if self.json {
            return hops.iter().try_for_each(|hop| screen.line(&hop.json().to_string()));
        }
        stream.print(screen, &listing(&hops), false)
    }
}

fn hops(books: &mut Books, headers: Vec<MessageHeader>) -> Result<Vec<Hop>, Exit> {
    headers.into_iter().map(|header| books.hop(header)).collect()
}

fn listing(hops: &[Hop]) -> Listing {
    let mut listing = Listing::new(["id", "time", "session", "status", "type", "source", "target", "about"]);
    for hop in hops {
        let header = &hop.header;
        let (about, style) = match header.error_status.as_str() {
            "" => (header.description.to_string(), colour::DIM),
            why if header.is_error => (why.to_owned(), colour::ERROR),
            why => (why.to_owned(), colour::DIM),
        };
        let response =
            if header.message_type == MessageType::Response { colour::RESPONSE } else { colour::PLAIN };
        listing.push([
            Field::from(header.id.0),
            Field::Time(header.time_created),
            Field::from(header.session.0),
            Field::Text(header.status.to_string(), colour::of_status(header.status)),
            Field::Text(hop.label().to_owned(), response),
            Field::text(&*header.source),
            Field::text(&*header.target),
            Field::Text(about, style),
        ]);
    }
    listing
}

fn compile(text: &str, scope: &Scope) -> Result<Expr, Exit> {
    Expr::condition(text, scope).map_err(|errors| {
        let Some(error) = errors.into_iter().next() else { return Exit::Usage("--where".to_owned()) };
        let before = text.get(..error.range.start).map_or(0, |before| before.chars().count());
        let length = text.get(error.range.clone()).map_or(1, |found| found.chars().count().max(1));
        let help = error.help.map(|help| format!("\n  {help}")).unwrap_or_default();
        Exit::Usage(format!(
            "--where: {}\n  {text}\n  {}{}{help}",
            error.message,
            " ".repeat(before),
            "^".repeat(length)
        ))
    })
}

/// The newest messages for which the condition holds: by the search index where it can tell, else
/// by looking at the messages themselves.
fn find(
    books: &Books,
    filter: &MessageFilter,
    condition: &Expr,
    limit: usize,
) -> Result<Vec<MessageHeader>, Exit> {
    match components::search::indexed(condition) {
        Some((field, value)) => find_indexed(books, filter, condition, field, &value, limit),
        None => scan(books, filter, condition, limit),
    }
}

fn find_indexed(
    books: &Books,
    filter: &MessageFilter,
    condition: &Expr,
    field: &str,
    value: &str,
    limit: usize,
) -> Result<Vec<MessageHeader>, Exit> {
    // Every session has at least one message: so many hits are enough, unless filters drop some.
    let hits = books.reader.search(field, value, SCANNED.min(limit.saturating_mul(100))).map_err(failed)?;
    let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
    for hit in hits {
        let other = filter.session.is_some_and(|session| session != hit.session);
        if other || !seen.insert(hit.session) {
            continue;
        }
        let of_session = MessageFilter { session: Some(hit.session), limit: SCANNED, ..filter.clone() };
        for header in books.reader.messages(&of_session).map_err(failed)? {
            found.extend(keep(books, condition, header)?);
        }
        if found.len() >= limit {
            break;
        }
    }
    found.truncate(limit);
    Ok(found)
}

fn scan(
    books: &Books,
    filter: &MessageFilter,
    condition: &Expr,
    limit: usize,
) -> Result<Vec<MessageHeader>, Exit> {
    let mut page = MessageFilter { limit: PAGE, ..filter.clone() };
    let (mut found, mut scanned) = (Vec::new(), 0);
    while found.len() < limit {
        let headers = books.reader.messages(&page).map_err(failed)?;
        let Some(oldest) = headers.last().map(|header| header.id) else { return Ok(found) };
        scanned += headers.len();
        page.before = Some(oldest);
        for header in headers {
            found.extend(keep(books, condition, header)?);
            if found.len() >= limit {
                break;
            }
        }
        if scanned >= SCANNED {
            let looked = count(scanned, "message");
            print_note(&format!("looked at {looked} down to {oldest}; --until looks further back"));
            break;
        }
    }
    Ok(found)
}

/// The header, if the condition holds for its message.
fn keep(books: &Books, condition: &Expr, header: MessageHeader) -> Result<Option<MessageHeader>, Exit> {
    let body = books.body(&header)?;
    Ok(holds(condition, &header, body.as_ref()).then_some(header))
}

fn holds(condition: &Expr, header: &MessageHeader, body: Option<&MessageBody>) -> bool {
    let message = body.and_then(|body| components::message::hl7(body).ok());
    condition.is_true(&components::message::facts(header, body, message.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::samples;
    use model::BodyClass;

    #[test]
    fn a_condition_is_asked_of_header_and_content() {
        let header = samples::session().hops.remove(0).header;
        let message = "MSH|^~\\&|A|B|C|D|20261123||ADT^A01|77|P|2.5\rPID|1||123\r";
        let body = MessageBody::new(BodyClass::HL7, message);
        for (condition, expected) in [
            ("PID-3.1 = \"123\"", true),
            ("PID-3.1 = \"124\"", false),
            ("PID.PatientIdentifierList.IDNumber = \"123\"", true),
            ("source = \"HL7FileService\" and MSH-10 = \"77\"", true),
        ] {
            let compiled = compile(condition, &Scope::default()).expect("a good condition");
            assert_eq!(holds(&compiled, &header, Some(&body)), expected, "{condition}");
        }
    }

    #[test]
    fn schedules_are_asked_for_when_a_message_was_made() {
        let header = samples::session().hops.remove(0).header;
        let day = |date: &str| {
            let hours = rules::HoursDef { dates: date.into(), ..rules::HoursDef::default() };
            rules::Schedule::compile(&rules::ScheduleDef::Hours(vec![hours])).0
        };
        // The day before and the day after lie in some zone.
        let schedules = rules::Schedules::default();
        let schedules = schedules.with("then", day("2026-11-22..2026-11-24")).with("later", day("*-12-24"));
        let scope = Scope { schedules, ..Scope::default() };
        for (condition, expected) in [("schedule(\"then\")", true), ("schedule(\"later\")", false)] {
            let compiled = compile(condition, &scope).expect("a good condition");
            assert_eq!(holds(&compiled, &header, None), expected, "{condition}");
        }
    }

    #[test]
    fn a_wrong_condition_is_underlined() {
        let Err(Exit::Usage(message)) = compile("PID-3.1 === 5", &Scope::default()) else {
            panic!("expected an error")
        };
        assert!(message.contains("\n  PID-3.1 === 5\n") && message.contains('^'), "{message}");
    }

    #[test]
    fn a_list_begins_with_id_and_time() {
        let screen = Screen { width: None, colour: false };
        let table = listing(&samples::session().hops).table(&screen);
        let lines: Vec<_> = table.lines().collect();
        assert!(lines[0].starts_with("   id  time"), "{table}");
        assert!(
            lines[1].starts_with("48217  2026-11-23 12:59:00.000    48217  Completed  ADT_A01"),
            "{table}"
        );
    }
}
