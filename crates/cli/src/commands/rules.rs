//! `orris rules`: why each message went where it went, and where one would go.

use components::processes::rule_log::BEGINS;
use model::{EventKind, SessionId};
use store::{EventFilter, EventRow};

use super::hl7::TryRules;
use crate::output::table::{Field, Listing, ListingForm};
use crate::output::{Exit, Screen, failed, time};
use crate::reading::DataDir;

/// So many events are looked through at once.
const STEP: usize = 1000;

/// Look at what rules decided, and try what they would decide
#[derive(Debug, clap::Args)]
pub(crate) struct Rules {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Log(Log),
    Test(TryRules),
}

/// List the rule log, the latest at the end: what routers and flows tell by their setting rule_log
#[derive(Debug, clap::Args)]
struct Log {
    /// Only what belongs to this session
    #[arg(long)]
    session: Option<u64>,
    /// Only what this router or flow said
    #[arg(long)]
    item: Option<String>,
    /// Only from this time on, as in 10m, 12:59 or "2026-11-23 12:59" (UTC)
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only before this time
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// At most this many
    #[arg(long, default_value_t = 50)]
    limit: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Rules {
    pub(crate) fn run(&self, screen: &Screen, data: &DataDir) -> Result<(), Exit> {
        match &self.what {
            What::Log(log) => log.run(screen, data),
            What::Test(test) => test.run(screen),
        }
    }
}

impl Log {
    fn run(&self, screen: &Screen, data: &DataDir) -> Result<(), Exit> {
        let books = data.open()?;
        let now = time::now();
        let read = |text: &Option<String>| {
            text.as_deref().map(|text| time::read(text, now)).transpose().map_err(Exit::Usage)
        };
        let mut filter = EventFilter {
            kind: Some(EventKind::Trace),
            item: self.item.clone(),
            session: self.session.map(SessionId),
            since: read(&self.since)?,
            until: read(&self.until)?,
            oldest_first: true,
            limit: STEP,
            ..EventFilter::default()
        };
        // Other hosts trace as well, so that the latest are found by going through all of them.
        let mut found: Vec<EventRow> = Vec::new();
        loop {
            let rows = books.reader.events(&filter).map_err(failed)?;
            let (last, count) = (rows.last().map(|row| row.id), rows.len());
            found.extend(rows.into_iter().filter(|row| row.event.text.starts_with(BEGINS)));
            found.drain(..found.len().saturating_sub(self.limit));
            if count < STEP {
                break;
            }
            filter.after = last;
        }
        let form = if self.json { ListingForm::Json } else { ListingForm::Table };
        let hint = "no rule log; a router tells more with rule_log: results or conditions";
        listing(&found).print(screen, form, hint)
    }
}

fn listing(rows: &[EventRow]) -> Listing {
    let mut listing = Listing::new(["time", "session", "message", "item", "rules"]);
    for row in rows {
        let event = &row.event;
        listing.push([
            Field::Time(row.time),
            event.session.map_or(Field::None, |id| Field::from(id.0)),
            event.message.map_or(Field::None, |id| Field::from(id.0)),
            Field::text(&event.item),
            Field::text(event.text.strip_prefix(BEGINS).unwrap_or(&event.text)),
        ]);
    }
    listing
}
