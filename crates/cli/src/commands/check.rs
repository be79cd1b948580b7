//! `orris check`: every finding about a production, without changing anything.

use std::fs;
use std::path::PathBuf;

use model::{Clock, Library, Look, Machine};
use runtime::SystemClock;
use serde_json::json;

use super::production::Production;
use crate::output::{Exit, Screen, colour, count};
use crate::reading::DataDir;

/// Check a production: every finding at once, each with its line
#[derive(Debug, clap::Args)]
pub(crate) struct Check {
    #[command(flatten)]
    production: Production,
    /// Print the merged, resolved production, without secrets
    #[arg(long)]
    print: bool,
    /// How to print the findings
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Each finding with its line underlined
    Human,
    /// One JSON object
    Json,
}

impl Check {
    pub(crate) fn run(&self, screen: &Screen, data: &DataDir) -> Result<(), Exit> {
        let machine = machine(data.beside(&self.production.file));
        let report = self.production.load_with(Library::default().with(machine))?;
        match self.format {
            Format::Json => {
                let def = report.production.as_ref();
                let resolved = def.filter(|_| self.print).map(|def| def.resolved.as_str());
                let mut found = json!({ "ok": !report.has_errors(), "findings": report.json() });
                if let Some(resolved) = resolved {
                    found["resolved"] = json!(resolved);
                }
                screen.json(&found)?;
            }
            Format::Human => {
                screen.print(&report.human(screen.colour))?;
                match &report.production {
                    Some(def) if self.print => screen.print(&def.resolved)?,
                    Some(def) => {
                        let good = screen.paint(colour::RESPONSE, "ok");
                        let items = count(def.items.len(), "item");
                        screen.line(&format!(
                            "{good}  {}: {items}, nothing stands against running it",
                            def.name
                        ))?;
                    }
                    None => {}
                }
            }
        }
        if report.has_errors() { Err(Exit::Production) } else { Ok(()) }
    }
}

/// This machine, with that data directory: files that the production names are looked into.
fn machine(data_dir: PathBuf) -> Machine {
    Machine::new(SystemClock.now(), move |file| {
        let path = data_dir.join(file);
        match fs::read(&path) {
            Ok(bytes) => Look::Found(bytes),
            Err(_) if path.parent().is_some_and(|folder| !folder.exists()) => Look::Elsewhere,
            Err(error) => Look::Unreadable(error.to_string()),
        }
    })
}
