//! `orris sql`: the SQL that engineers know, on the store's views.

use serde_json::json;
use store::SqlValue;

use crate::output::table::{Field, Listing, ListingForm};
use crate::output::{Exit, Screen, count, failed, print_note};
use crate::reading::DataDir;

/// Ask the store in SQL, on the views MessageHeader, MessageBody, EventLog, Queue, WebSocketSession
#[derive(Debug, clap::Args)]
#[command(
    after_help = "example: orris sql \"SELECT TargetConfigName, Status, count(*) FROM MessageHeader GROUP BY 1, 2\""
)]
pub(crate) struct Sql {
    /// One SELECT
    #[arg(value_name = "QUERY")]
    query: String,
    /// At most this many rows
    #[arg(long, default_value_t = 1_000)]
    limit: usize,
    /// Print JSON
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print comma-separated values
    #[arg(long)]
    csv: bool,
}

impl Sql {
    pub(crate) fn run(&self, screen: &Screen, data: &DataDir) -> Result<(), Exit> {
        let table = data.open()?.reader.sql(&self.query, self.limit).map_err(unknown_table)?;
        let mut listing = Listing::new(table.columns);
        for row in table.rows {
            listing.push(row.into_iter().map(field));
        }
        let form = match (self.json, self.csv) {
            (true, _) => ListingForm::Json,
            (_, true) => ListingForm::Csv,
            _ => ListingForm::Table,
        };
        let rows = listing.len();
        listing.print(screen, form, "no rows")?;
        if rows == self.limit {
            print_note(&format!("the first {}; --limit shows more", count(rows, "row")));
        }
        Ok(())
    }
}

fn field(value: SqlValue) -> Field {
    match value {
        SqlValue::Null => Field::None,
        SqlValue::Integer(number) => Field::Number(number),
        SqlValue::Real(number) => Field::Other(json!(number)),
        SqlValue::Text(text) => Field::text(text),
        SqlValue::Blob(bytes) => Field::text(String::from_utf8_lossy(&bytes)),
    }
}

/// Why a query failed; which views there are, where it asks for another one.
fn unknown_table(error: impl std::fmt::Display) -> Exit {
    let error = error.to_string();
    let views = match error.contains("no such table") {
        true => "; the views are MessageHeader, MessageBody, EventLog, Queue and WebSocketSession",
        false => "",
    };
    failed(format!("{error}{views}"))
}
