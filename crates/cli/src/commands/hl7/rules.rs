//! `orris rules test`: what a router's rules, or a set, would make of messages, rule by rule. Nothing is sent
//! and nothing is stored.

mod told;

use std::path::PathBuf;

use bytes::Bytes;
use components::processes::hl7_router::{End, HL7Router, Trial, Tried};
use config::{ItemDef, ProductionDef};
use model::{BuildError, BusinessType, Component};
use rules::RuleSets;
use serde_json::{Value, json};

use super::context;
use super::input::{Input, Reading};
use crate::commands::production::Production;
use crate::output::{Exit, Screen, count, print_note, time};

/// Play messages through the rules of a router or of a set, and tell rule by rule what would become of them
///
/// The production is checked and not run: nothing is sent and nothing is stored, and no content of a message
/// is shown. Transforms are done, since one that fails makes an error of its message. The exit code is 0 when
/// every message is wanted by a rule, and 1 when one is wanted by none or refused.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: orris rules test production.yaml admission.hl7 --at \"2026-12-24 09:00\"")]
pub(crate) struct TryRules {
    #[command(flatten)]
    production: Production,
    /// The messages: files, or - for standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The router, where there are several
    #[arg(long, value_name = "ROUTER", conflicts_with = "set")]
    item: Option<String>,
    /// A set under rules, instead of a router
    #[arg(long, value_name = "NAME")]
    set: Option<String>,
    /// The item that the messages come from; otherwise the first service that sends to the router
    #[arg(long, value_name = "ITEM")]
    source: Option<String>,
    /// As if it were that time, in the machine's zone, as in "2026-12-24 09:00" or 22:30
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// What a flow that asks the set would have as context.NAME; may be given several times
    #[arg(long, value_name = "NAME=VALUE", requires = "set", conflicts_with = "item")]
    context: Vec<String>,
    #[command(flatten)]
    reading: Reading,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Whose rules are tried, on messages from where.
struct Subject {
    /// Its name.
    name: String,
    /// The item that the messages come from; none where nobody knows.
    source: Option<String>,
    /// Whether they are a set's: what becomes of a message, who asks the set decides.
    is_set: bool,
    trial: Trial,
}

/// A message, and what would become of it.
struct Outcome {
    label: String,
    line: usize,
    number: usize,
    tried: Tried,
}

impl TryRules {
    pub(crate) fn run(&self, screen: &Screen) -> Result<(), Exit> {
        let def = self.production.checked()?;
        let mut subject = self.subject(&def)?;
        let now = match &self.at {
            Some(at) => {
                time::read_here(at, time::now()).map_err(|error| Exit::Usage(format!("--at: {error}")))?
            }
            None => time::now(),
        };
        let mut outcomes = Vec::new();
        for file in &self.files {
            let input = Input::read(file)?;
            for found in input.messages(&self.reading)? {
                let bytes: Bytes = input.pieces[found.piece].bytes.clone();
                let tried = subject.trial.run(bytes, &self.reading.charset, &name_of(file), now);
                let label = input.label.clone();
                outcomes.push(Outcome { label, line: found.line, number: found.number, tried });
            }
        }
        match self.json {
            true => screen.json(&object(&subject, &outcomes))?,
            false => screen.print(&told::all(screen, &subject, &outcomes))?,
        }
        let wanted = |outcome: &Outcome| matches!(outcome.tried.end, End::Sent(_) | End::SetAside(_));
        if outcomes.iter().all(wanted) { Ok(()) } else { Err(Exit::Found) }
    }

    fn subject(&self, def: &ProductionDef) -> Result<Subject, Exit> {
        let source = self.source.as_deref().map(|name| item(def, "source", name)).transpose()?;
        let (name, trial, source) = match &self.set {
            Some(set) => {
                let sets = def.library.get::<RuleSets>();
                if !sets.0.contains_key(set) {
                    let names = sets.0.keys().map(String::as_str).collect::<Vec<_>>();
                    return Err(unknown("set", set, "the production has no sets under rules", &names));
                }
                let trial = Trial::of_set(set, context::read(&self.context)?, &def.library);
                (set.clone(), trial.map_err(|error| wrong_set(set, &error))?, source)
            }
            None => {
                let router = self.router(def)?;
                let trial = Trial::of_router(&router.name, &router.settings, &def.library).map_err(wrong)?;
                (router.name.to_string(), trial, source.or_else(|| first(def, router)))
            }
        };
        let schema = source.and_then(|item| item.settings.get("message_schema_category"));
        let schema = schema.and_then(Value::as_str).unwrap_or_default();
        let from = source.map(|item| item.name.to_string());
        let trial = trial.from(from.as_deref().unwrap_or_default(), schema, &def.library).map_err(wrong)?;
        Ok(Subject { name, source: from, is_set: self.set.is_some(), trial })
    }

    /// The router that was asked for, or the only one.
    fn router<'a>(&self, def: &'a ProductionDef) -> Result<&'a ItemDef, Exit> {
        let is_router = |item: &&ItemDef| item.component.type_name == HL7Router::TYPE;
        let routers: Vec<&ItemDef> = def.items.iter().filter(is_router).collect();
        let names: Vec<&str> = routers.iter().map(|item| &*item.name).collect();
        let none = "the production has no router; --set NAME tries a set under rules";
        match (&self.item, &routers[..]) {
            (Some(name), _) => match routers.iter().find(|item| *item.name == **name) {
                Some(router) => Ok(router),
                None => Err(unknown("router", name, none, &names)),
            },
            (None, [only]) => Ok(only),
            (None, []) => Err(Exit::Usage(none.to_owned())),
            (None, _) => Err(Exit::Usage(format!(
                "the production has {}; expected --item and one of {}",
                count(routers.len(), "router"),
                names.join(", ")
            ))),
        }
    }
}

fn object(subject: &Subject, outcomes: &[Outcome]) -> Value {
    json!({
        if subject.is_set { "set" } else { "item" }: subject.name,
        "source": subject.source,
        "messages": outcomes.iter().map(told::object).collect::<Vec<_>>(),
    })
}

/// The first service that sends to the router.
fn first<'a>(def: &'a ProductionDef, router: &ItemDef) -> Option<&'a ItemDef> {
    let sends = |item: &&ItemDef| {
        item.business_type() == BusinessType::BusinessService && item.sends_to.contains(&router.name)
    };
    let found = def.items.iter().find(sends);
    match found {
        Some(item) => print_note(&format!(
            "as if from \"{}\", the first service that sends to \"{}\"; --source takes another",
            item.name, router.name
        )),
        None => print_note(&format!(
            "no service sends to \"{}\": source is empty; --source says where from",
            router.name
        )),
    }
    found
}

fn item<'a>(def: &'a ProductionDef, what: &str, name: &str) -> Result<&'a ItemDef, Exit> {
    let names = || def.items.iter().map(|item| &*item.name).collect::<Vec<_>>();
    def.item(name).ok_or_else(|| unknown(what, name, "the production has no items", &names()))
}

fn unknown(what: &str, name: &str, none: &str, names: &[&str]) -> Exit {
    let there =
        if names.is_empty() { none.to_owned() } else { format!("expected one of {}", names.join(", ")) };
    Exit::Usage(format!("unknown {what} \"{name}\"; {there}"))
}

fn wrong(error: BuildError) -> Exit {
    Exit::Failed(error.message)
}

fn wrong_set(set: &str, error: &BuildError) -> Exit {
    let asked = error.message.contains("context.");
    let help = if asked { "; --context NAME=VALUE gives what a flow would have" } else { "" };
    Exit::Usage(format!("set \"{set}\": {}{help}", error.message))
}

/// The name of the document that a service would have read from the file.
fn name_of(file: &std::path::Path) -> String {
    file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
