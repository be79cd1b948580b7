//! `orris events`: what the engine said.

use model::{EventKind, SessionId};
use store::{EventFilter, EventRow};

use super::follow;
use crate::output::table::{Field, Listing, ListingForm, Stream};
use crate::output::{Exit, Screen, colour, failed, time};
use crate::reading::DataDir;

/// List the event log, the latest at the end
#[derive(Debug, clap::Args)]
pub(crate) struct Events {
    /// Only this kind: assert, error, warning, info, trace or alert
    #[arg(long = "type", value_name = "KIND", value_parser = kind)]
    kind: Option<EventKind>,
    /// Only what this item said
    #[arg(long)]
    item: Option<String>,
    /// Only what belongs to this session
    #[arg(long)]
    session: Option<u64>,
    /// Only from this time on, as in 10m, 12:59 or "2026-11-23 12:59" (UTC)
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only before this time
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// At most this many
    #[arg(long, default_value_t = 50)]
    limit: usize,
    /// Go on with what is said from now on, until Ctrl-C
    #[arg(long, short)]
    follow: bool,
    /// Print JSON; with --follow one object a line
    #[arg(long)]
    json: bool,
}

/// Reads the name of a kind, in any case.
fn kind(text: &str) -> Result<EventKind, String> {
    EventKind::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(text)).ok_or_else(|| {
        let names: Vec<_> = EventKind::ALL.iter().map(|kind| kind.name().to_lowercase()).collect();
        format!("expected one of {}", names.join(", "))
    })
}

impl Events {
    pub(crate) fn run(&self, screen: &Screen, data: &DataDir) -> Result<(), Exit> {
        let books = data.open()?;
        let now = time::now();
        let read = |text: &Option<String>| {
            text.as_deref().map(|text| time::read(text, now)).transpose().map_err(Exit::Usage)
        };
        let mut filter = EventFilter {
            kind: self.kind,
            item: self.item.clone(),
            session: self.session.map(SessionId),
            since: read(&self.since)?,
            until: read(&self.until)?,
            limit: self.limit,
            ..EventFilter::default()
        };
        let mut rows = books.reader.events(&filter).map_err(failed)?;
        rows.reverse();
        let mut last = rows.last().map_or(0, |row| row.id);
        if !self.follow {
            let form = if self.json { ListingForm::Json } else { ListingForm::Table };
            return listing(&rows).print(screen, form, "no such events");
        }
        let mut stream = Stream::default();
        stream.print(screen, &listing(&rows), self.json)?;
        (filter.oldest_first, filter.limit) = (true, follow::STEP);
        follow::each(|| {
            filter.after = Some(last);
            let rows = books.reader.events(&filter).map_err(failed)?;
            last = rows.last().map_or(last, |row| row.id);
            stream.print(screen, &listing(&rows), self.json)
        })
    }
}

fn listing(rows: &[EventRow]) -> Listing {
    let mut listing = Listing::new(["id", "time", "type", "session", "message", "item", "text"]);
    for row in rows {
        let event = &row.event;
        listing.push([
            Field::from(row.id),
            Field::Time(row.time),
            Field::Text(event.kind.name().to_owned(), colour::of_event(event.kind)),
            event.session.map_or(Field::None, |id| Field::from(id.0)),
            event.message.map_or(Field::None, |id| Field::from(id.0)),
            Field::text(&event.item),
            Field::text(&event.text),
        ]);
    }
    listing
}
