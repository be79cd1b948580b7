//! `orris transform`: what a transform of a production makes of messages, without running it; told as the
//! tools for HL7 files tell what differs.

mod context;
mod valid;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hl7::Message;
use hl7::schema::{DocType, Schemas};
use rules::transform::Traced;
use rules::{Facts, Transform, Transforms};
use script::Limits;
use serde_json::{Value, json};

use self::valid::Validity;
use super::changes::{self, Change};
use super::diff::compare;
use super::draw::visible;
use super::input::{Found, Reading, each};
use super::paths::Everywhere;
use super::rewrite::write;
use super::words::Book;
use crate::commands::production::Production;
use crate::output::table::{Field, Listing, ListingForm};
use crate::output::{Exit, Screen, colour, count, print_note};

/// Try a transform of a production on messages, and see what differs, by path
///
/// The production is checked and not run: nothing is taken in and nothing is sent. The messages are read
/// as `orris hl7` reads them. What is made is held against the structure and the fields of its target. With
/// -o the result is written instead of compared. Without a name the transforms are listed.
#[derive(Debug, clap::Args)]
pub(crate) struct Try {
    #[command(flatten)]
    production: Production,
    /// The transform, by its name under transforms
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// The messages: files, or - for standard input
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Write what is made of the messages to this file, or to - for standard output
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// Show what each step does, with the values
    #[arg(long)]
    trace: bool,
    /// What a flow would have set, for context.NAME; may be given again
    #[arg(long, value_name = "NAME=VALUE")]
    context: Vec<String>,
    #[command(flatten)]
    reading: Reading,
    /// Print one JSON object
    #[arg(long, conflicts_with = "output")]
    json: bool,
}

/// A message, and what was made of it.
struct Made {
    label: String,
    found: Found,
    made: Message,
    steps: Vec<Traced>,
    validity: Validity,
}

impl Try {
    pub(crate) fn run(&self, screen: &Screen) -> Result<(), Exit> {
        let def = self.production.checked()?;
        let transforms = def.library.get::<Transforms>();
        let Some(name) = &self.name else { return self.list(screen, &transforms) };
        let transform = transforms.get(name).ok_or_else(|| unknown(name, &transforms))?;
        if self.files.is_empty() {
            return Err(Exit::Usage(format!(
                "transform \"{name}\" of which messages? expected a FILE, or -"
            )));
        }
        let context = context::read(&self.context, &transform)?;
        let schemas = def.library.get::<Schemas>();
        let mut all = Vec::new();
        for (label, found) in each(&self.files, &self.reading)? {
            all.push(self.made(&transform, &context, &schemas, label, found)?);
        }
        let book = Book::of(&schemas);
        let everything = Everywhere::compile(&[], &book)?;
        let changes = |made: &Made| compare(&book, &everything, &made.found.message, &made.made);
        if let Some(output) = &self.output {
            return self.write(screen, output, &all);
        }
        if self.json {
            let messages: Vec<Value> = all.iter().map(|made| object(&changes(made), made)).collect();
            return screen.json(&json!({ "transform": name, "messages": messages }));
        }
        for made in &all {
            screen.print(&draw(screen, &changes(made), made))?;
        }
        screen.line(&format!("{name}  {}", count(all.len(), "message")))
    }

    /// What there is.
    fn list(&self, screen: &Screen, transforms: &Transforms) -> Result<(), Exit> {
        let mut listing = Listing::new(["name", "source", "target", "steps"]);
        let shown = |of: &DocType| match of.structure.is_empty() {
            true => of.category.to_string(),
            false => of.to_string(),
        };
        let doc_type = |of: Option<&DocType>| of.map_or(Field::None, |of| Field::text(shown(of)));
        for transform in transforms.names().filter_map(|name| transforms.get(name)) {
            let (source, target) = (doc_type(transform.source()), doc_type(transform.target()));
            let steps = Field::from(transform.step_count() as u64);
            listing.push([Field::text(transform.name()), source, target, steps]);
        }
        let form = if self.json { ListingForm::Json } else { ListingForm::Table };
        listing.print(screen, form, "the production has no transforms")
    }

    fn made(
        &self,
        transform: &Transform,
        context: &BTreeMap<String, String>,
        schemas: &Schemas,
        label: String,
        found: Found,
    ) -> Result<Made, Exit> {
        let facts = Facts { context: Some(context), ..Facts::default() };
        let mut steps = Vec::new();
        let mut bench = script::Bench::default();
        let traced = self.trace.then_some(&mut steps);
        let made = transform.apply_with(&found.message, &facts, &mut bench.desk(Limits::default()), traced);
        let made = made.map_err(|error| Exit::Failed(format!("{label}:{}: {error}", found.line)))?;
        let validity = Validity::of(&made, transform, schemas);
        Ok(Made { label, found, made, steps, validity })
    }

    fn write(&self, screen: &Screen, output: &Path, all: &[Made]) -> Result<(), Exit> {
        let mut bytes = Vec::new();
        for made in all {
            let ended = hl7::write::with_line_end(&made.made, hl7::write::LineEnd::Cr);
            let written = hl7::write::to_bytes(&ended);
            let place = || format!("{}:{}", made.label, made.found.line);
            bytes.extend_from_slice(&written.map_err(|error| Exit::Failed(format!("{}: {error}", place())))?);
        }
        let to = (output.as_os_str() != "-").then_some(output);
        write(screen, to, &bytes)?;
        if let Some(to) = to {
            print_note(&format!("{}: {}", to.display(), count(all.len(), "message")));
        }
        Ok(())
    }
}

fn unknown(name: &str, transforms: &Transforms) -> Exit {
    let names: Vec<&str> = transforms.names().collect();
    let there = match names[..] {
        [] => "the production has no transforms".to_owned(),
        _ => format!("expected one of {}", names.join(", ")),
    };
    Exit::Usage(format!("unknown transform \"{name}\"; {there}"))
}

fn object(changes: &[Change], made: &Made) -> Value {
    let steps = made.steps.iter().map(
        |step| json!({ "transform": step.transform, "step": step.step, "line": step.line, "did": step.did }),
    );
    json!({
        "file": made.label,
        "line": made.found.line,
        "message": made.found.number,
        "changes": changes.iter().map(Change::object).collect::<Vec<_>>(),
        "steps": steps.collect::<Vec<_>>(),
        "validity": made.validity.object(),
        "result": made.made.text(),
    })
}

fn draw(screen: &Screen, changes: &[Change], made: &Made) -> String {
    let heading = format!("{}:{} message {}", made.label, made.found.line, made.found.number);
    let mut text = screen.paint(colour::BOLD, &heading) + "\n";
    for step in &made.steps {
        let place = if step.line > 0 { format!("line {}", step.line) } else { step.step.clone() };
        let place = screen.paint(colour::DIM, &place);
        text += &format!("  {place}  {}{}\n", "  ".repeat(step.depth), visible(&step.did));
    }
    match changes.is_empty() {
        true => text += "  nothing differs\n",
        false => text += &changes::draw(screen, changes),
    }
    text + &made.validity.draw(screen)
}
