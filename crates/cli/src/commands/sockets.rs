//! `orris sockets`: who is connected.

use crate::output::table::{Field, Listing, ListingForm};
use crate::output::{Exit, Screen, failed};
use crate::reading::DataDir;

/// List the open WebSocket sessions
#[derive(Debug, clap::Args)]
pub(crate) struct Sockets {
    /// Only those of this item
    #[arg(long)]
    item: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Sockets {
    pub(crate) fn run(&self, screen: &Screen, data: &DataDir) -> Result<(), Exit> {
        let sockets = data.open()?.reader.sockets(self.item.as_deref()).map_err(failed)?;
        let mut listing = Listing::new([
            "id",
            "connected",
            "session_id",
            "item",
            "client_address",
            "origin",
            "user",
            "subscription",
        ]);
        for socket in sockets {
            listing.push([
                Field::from(socket.id.0),
                Field::Time(socket.connected),
                Field::text(socket.session_key),
                Field::text(socket.item),
                Field::text(socket.client_address),
                Field::text(socket.origin),
                Field::text(socket.user),
                Field::text(socket.subscription),
            ]);
        }
        let form = if self.json { ListingForm::Json } else { ListingForm::Table };
        listing.print(screen, form, "no socket is open")
    }
}
