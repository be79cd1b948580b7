//! `orris schema`: what an editor needs to help with production files and cases.

use crate::output::{Exit, Screen};

/// Print the JSON Schema of production files, for editors
#[derive(Debug, clap::Args)]
pub(crate) struct Schema {
    /// That of the cases of a production instead
    #[arg(long)]
    cases: bool,
}

impl Schema {
    pub(crate) fn run(&self, screen: &Screen) -> Result<(), Exit> {
        screen.print(&if self.cases { cases() } else { text() })
    }
}

/// The schema as it stands in `docs/schema/production.schema.json`.
pub(crate) fn text() -> String {
    format!("{:#}\n", config::json_schema(components::CATALOGUE))
}

/// The schema as it stands in `docs/schema/case.schema.json`.
pub(crate) fn cases() -> String {
    format!("{:#}\n", config::case_schema())
}
