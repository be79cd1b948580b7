//! `orris queues`: what waits.

use crate::output::table::{Field, Listing, ListingForm};
use crate::output::{Exit, Screen, failed, time};
use crate::reading::DataDir;

/// List the queues that hold messages
#[derive(Debug, clap::Args)]
pub(crate) struct Queues {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Queues {
    pub(crate) fn run(&self, screen: &Screen, data: &DataDir) -> Result<(), Exit> {
        let queues = data.open()?.reader.queues().map_err(failed)?;
        let now = time::now();
        let mut listing = Listing::new(["oldest", "queue", "count", "waits"]);
        for queue in queues {
            listing.push([
                Field::Time(queue.oldest),
                Field::text(queue.name),
                Field::from(queue.count),
                Field::text(time::spoken(now.since(queue.oldest))),
            ]);
        }
        let form = if self.json { ListingForm::Json } else { ListingForm::Table };
        listing.print(screen, form, "nothing waits")
    }
}
