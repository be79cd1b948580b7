//! `orris transform`: what a transform of a production makes of messages, without running it; told as the
//! tools for HL7 files tell what differs.

use std::path::{Path, PathBuf};

use hl7::Message;
use hl7::schema::Schemas;
use rules::transform::Traced;
use rules::{Facts, Transform, Transforms};
use script::Limits;
use serde_json::{Value, json};

use super::changes::{self, Change};
use super::diff::compare;
use super::draw::visible;
use super::input::{Found, Reading, each};
use super::paths::Everywhere;
use super::rewrite::write;
use super::words::Book;
use crate::commands::production::Production;
use crate::output::{Exit, Screen, colour, count, print_note};

/// Try a transform of a production on messages, and see what differs, by path
///
/// The production is checked and not run: nothing is taken in and nothing is sent. The messages are read
/// as `orris hl7` reads them. With -o the result is written instead of compared.
#[derive(Debug, clap::Args)]
pub(crate) struct Try {
    #[command(flatten)]
    production: Production,
    /// The transform, by its name under transforms
    #[arg(value_name = "NAME")]
    name: String,
    /// The messages: files, or - for standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Write what is made of the messages to this file, or to - for standard output
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// Show what each step does, with the values
    #[arg(long)]
    trace: bool,
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
}

impl Try {
    pub(crate) fn run(&self, screen: &Screen) -> Result<(), Exit> {
        let def = self.production.checked()?;
        let transforms = def.library.get::<Transforms>();
        let transform = transforms.get(&self.name).ok_or_else(|| self.unknown(&transforms))?;
        let mut all = Vec::new();
        for (label, found) in each(&self.files, &self.reading)? {
            all.push(self.made(&transform, label, found)?);
        }
        let book = Book::of(&def.library.get::<Schemas>());
        let everything = Everywhere::compile(&[], &book)?;
        let changes = |made: &Made| compare(&book, &everything, &made.found.message, &made.made);
        if let Some(output) = &self.output {
            return self.write(screen, output, &all);
        }
        if self.json {
            let messages: Vec<Value> = all.iter().map(|made| object(&changes(made), made)).collect();
            return screen.json(&json!({ "transform": self.name, "messages": messages }));
        }
        for made in &all {
            screen.print(&draw(screen, &changes(made), made))?;
        }
        screen.line(&format!("{}  {}", self.name, count(all.len(), "message")))
    }

    fn unknown(&self, transforms: &Transforms) -> Exit {
        let names: Vec<&str> = transforms.names().collect();
        let there = match names[..] {
            [] => "the production has no transforms".to_owned(),
            _ => format!("expected one of {}", names.join(", ")),
        };
        Exit::Usage(format!("unknown transform \"{}\"; {there}", self.name))
    }

    fn made(&self, transform: &Transform, label: String, found: Found) -> Result<Made, Exit> {
        let facts = Facts::default();
        let mut steps = Vec::new();
        let mut bench = script::Bench::default();
        let traced = self.trace.then_some(&mut steps);
        let made = transform.apply_with(&found.message, &facts, &mut bench.desk(Limits::default()), traced);
        let made = made.map_err(|error| Exit::Failed(format!("{label}:{}: {error}", found.line)))?;
        Ok(Made { label, found, made, steps })
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
        true => text + "  nothing differs\n",
        false => text + &changes::draw(screen, changes),
    }
}
