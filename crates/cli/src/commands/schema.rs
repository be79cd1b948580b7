//! `orris schema`: what an editor needs to help with production files.

use crate::output::{Exit, Screen};

/// Print the JSON Schema of production files, for editors
#[derive(Debug, clap::Args)]
pub(crate) struct Schema {}

impl Schema {
    pub(crate) fn run(&self, screen: &Screen) -> Result<(), Exit> {
        screen.print(&text())
    }
}

/// The schema as it stands in `docs/schema/production.schema.json`.
pub(crate) fn text() -> String {
    format!("{:#}\n", config::json_schema(components::CATALOGUE))
}
