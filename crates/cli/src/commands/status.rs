//! `orris status`: how a production stands.

use model::Timestamp;
use runtime::control::{Answer, AskError, Request};
use runtime::{ItemState, ProductionStatus};
use serde_json::json;

use super::engine::ask;
use crate::output::table::{Field, Listing, ListingForm};
use crate::output::{Exit, Screen, colour, count, failed, time};
use crate::reading::DataDir;

/// Show the running production: items, queues, rates, and why something waits
#[derive(Debug, clap::Args)]
pub(crate) struct Status {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Status {
    pub(crate) fn run(&self, screen: &Screen, data: &DataDir) -> Result<(), Exit> {
        match ask(data, &Request::Status)? {
            Ok(Answer::Status(status)) if self.json => {
                screen.json(&json!({ "running": true, "status": status }))
            }
            Ok(Answer::Status(status)) => show(&status, screen),
            Ok(other) => Err(Exit::Failed(format!("the engine answered \"{other:?}\"; expected its status"))),
            Err(AskError::NotRunning { .. }) => self.without_engine(screen, data),
            Err(error) => Err(failed(error)),
        }
    }

    /// What the store alone knows.
    fn without_engine(&self, screen: &Screen, data: &DataDir) -> Result<(), Exit> {
        let books = data.open()?;
        let queues = books.reader.queues().map_err(failed)?;
        let waiting = books.reader.deferred().map_err(failed)?;
        let mut listing = Listing::new(["oldest", "queue", "count"]);
        for queue in queues {
            listing.push([Field::Time(queue.oldest), Field::text(queue.name), Field::from(queue.count)]);
        }
        if self.json {
            let queues: Vec<_> = listing.objects().collect();
            let deferred = |(item, count): &(String, u64)| json!({ "item": item, "count": count });
            let deferred: Vec<_> = waiting.iter().map(deferred).collect();
            return screen.json(&json!({ "running": false, "queues": queues, "deferred": deferred }));
        }
        let place = data.path();
        screen.line(&format!("no engine runs on \"{}\"; what its queues hold:\n", place.display()))?;
        listing.print(screen, ListingForm::Table, "nothing waits")?;
        waiting.iter().try_for_each(|(item, count)| screen.line(&deferred(item, *count)))
    }
}

/// How many messages an item goes on with later.
fn deferred(item: &str, number: u64) -> String {
    let number = usize::try_from(number).unwrap_or(usize::MAX);
    format!("{item}: {} deferred, for answers or a time", count(number, "message"))
}

fn show(status: &ProductionStatus, screen: &Screen) -> Result<(), Exit> {
    let now = time::now();
    screen.line(&format!(
        "{}  since {} UTC ({}), process {}\n",
        screen.paint(colour::BOLD, &status.production),
        status.started,
        time::spoken(now.since(status.started)),
        status.process
    ))?;
    items(status, now).print(screen, ListingForm::Table, "the production has no items")?;
    for item in status.items.iter().filter(|item| item.deferred > 0) {
        screen.line(&deferred(&item.name, item.deferred))?;
    }
    for item in &status.items {
        if let Some(reason) = &item.waiting {
            screen.line(&screen.paint(colour::WARNING, &format!("{}: {reason}", item.name)))?;
        }
    }
    match &status.trouble {
        Some(trouble) => {
            screen.line(&screen.paint(colour::ERROR, &format!("the store takes nothing: {trouble}")))
        }
        None => Ok(()),
    }
}

/// How each item stands.
fn items(status: &ProductionStatus, now: Timestamp) -> Listing {
    let mut listing = Listing::new([
        "item", "type", "state", "queue", "in hand", "taken", "done", "errors", "per s", "last",
    ]);
    for item in &status.items {
        let style = match item.state {
            ItemState::Running => colour::RESPONSE,
            ItemState::Failed => colour::ERROR,
            ItemState::Disabled | ItemState::Stopped => colour::DIM,
            _ => colour::WARNING,
        };
        let errors = if item.errors > 0 { colour::ERROR } else { colour::PLAIN };
        listing.push([
            Field::text(&item.name),
            Field::Text(item.component.clone(), colour::DIM),
            Field::Text(item.state.name().to_owned(), style),
            Field::from(item.queue),
            Field::from(item.in_hand),
            Field::from(item.taken),
            Field::from(item.completed),
            Field::Text(item.errors.to_string(), errors),
            Field::text(if item.rate < 0.05 { String::new() } else { format!("{:.1}", item.rate) }),
            Field::text(item.last_activity.map_or_else(String::new, |last| time::ago(last, now))),
        ]);
    }
    listing
}
