//! The transforms that a production defines under `transforms:`: read, and compiled by `rules`.

mod keys;
mod steps;

use hl7::schema::Schemas;
use rules::transform::{Create, TransformDef, TransformFinding};
use rules::{Scope, Transforms};

pub(crate) use self::keys::{definitions, for_editors, schema};
use crate::finding::{Findings, Level};
use crate::items::covered;
use crate::keys::TRANSFORMS;
use crate::scalar;
use crate::source::Sources;
use crate::tree::{Entry, Kind, Node};
use crate::walk::{Walk, by_name, shown};

/// The transforms of the production; what is wrong with them is a finding.
pub(crate) fn read(
    node: Option<&Node>,
    schemas: &Schemas,
    scope: &Scope,
    sources: &Sources,
    findings: &mut Findings,
) -> Transforms {
    let entries = by_name(node, TRANSFORMS.0, "transforms", findings);
    let all: Vec<Written<'_>> = entries.iter().map(|entry| one(entry, sources, findings)).collect();
    let defs: Vec<TransformDef> = all.iter().map(|one| one.def.clone()).collect();
    let (transforms, found) = Transforms::compile_with(&defs, schemas, scope, Some(&script::JavaScript));
    for finding in found {
        let written = all.iter().find(|one| one.def.name == finding.transform);
        if let Some(written) = written.filter(|one| !covered(&one.set_aside, &finding.place)) {
            tell(written, finding, sources, findings);
        }
    }
    transforms
}

/// A transform as it was written.
struct Written<'a> {
    def: TransformDef,
    entry: &'a Entry,
    /// Paths whose value is a stand-in.
    set_aside: Vec<String>,
}

fn one<'a>(entry: &'a Entry, sources: &Sources, findings: &mut Findings) -> Written<'a> {
    let node = &entry.value;
    let mut def = TransformDef::named(&entry.key);
    if !matches!(node.kind, Kind::Map(_)) {
        let found = if node.is_null() { "nothing".to_owned() } else { shown(node) };
        let message = format!("found {found} here; expected a map with steps");
        findings.error(&node.place, None, message);
        // Nothing more is said of it.
        return Written { def, entry, set_aside: vec![String::new(), "steps".to_owned()] };
    }
    if let (Some(file), None) = (node.entries().iter().find(|entry| entry.key == "file"), node.get("steps")) {
        let name = file.value.text().unwrap_or("transforms.yaml");
        let help = format!(
            "write it in that file under {}: {}:, and add include: [{name}]",
            TRANSFORMS.0, entry.key
        );
        let message = "a transform is no reference to a file; expected its steps";
        findings.error(&file.key_place, None, message).help(Some(help));
        return Written { def, entry, set_aside: vec![String::new(), "steps".to_owned()] };
    }
    let elsewhere = |key: &str| {
        let of_step = keys::ACTIONS.contains(&key);
        of_step.then(|| format!("\"{key}\" belongs to a step, under steps"))
    };
    let own = without_existing(node, findings);
    let mut walk = Walk { findings, item: None, noun: "key", elsewhere: &elsewhere, set_aside: Vec::new() };
    let value = walk.value(&keys::transform(), own.as_ref().unwrap_or(node), "", true).unwrap_or_default();
    let mut set_aside = walk.set_aside;
    let text = |key: &str| {
        value.get(key).filter(|value| !value.is_null()).map(|value| match value.as_str() {
            Some(text) => text.to_owned(),
            None => value.to_string(),
        })
    };
    def.source = text("source");
    def.target = text("target");
    if text("create").as_deref() == Some("new") {
        def.create = Create::New;
    }
    def.ignore_missing_source =
        value.get("ignore_missing_source").and_then(serde_json::Value::as_bool) != Some(false);
    let mut reader = steps::Reader { sources, findings, set_aside: &mut set_aside };
    def.steps = node.get("steps").map(|node| reader.list(node, "steps")).unwrap_or_default();
    Written { def, entry, set_aside }
}

/// Tells what IRIS calls `create: existing`; the transform without it.
fn without_existing(node: &Node, findings: &mut Findings) -> Option<Node> {
    let create = node.get("create").filter(|create| create.text() == Some("existing"))?;
    let help = "to go on with what another transform has made, write the step { use: NAME } there";
    let message = "create is \"existing\"; expected one of copy, new";
    findings.error(&create.place, None, message).help(Some(help.to_owned()));
    let mut own = node.clone();
    if let Kind::Map(entries) = &mut own.kind {
        entries.retain(|entry| entry.key != "create");
    }
    Some(own)
}

fn tell(written: &Written<'_>, finding: TransformFinding, sources: &Sources, findings: &mut Findings) {
    let node = &written.entry.value;
    let (found, left) = node.at(&finding.place);
    let last = finding.place.rsplit('.').next().unwrap_or_default();
    let place = match &finding.range {
        Some(range) if left.is_empty() && !range.is_empty() => scalar::place(sources, found, range),
        // What is said of a text's end is said there.
        Some(range) if left.is_empty() && range.start > 0 => scalar::place(sources, found, range),
        _ if matches!(last, "then" | "else" | "steps" | "do" | "default") => {
            key_place(node, &finding.place, written.entry)
        }
        _ => found.place.clone(),
    };
    let level = if finding.is_error { Level::Error } else { Level::Warning };
    findings.add(level, &place, None, finding.message).help(finding.help);
}

/// Where the last key of a path stands.
fn key_place(node: &Node, path: &str, whole: &Entry) -> crate::source::Place {
    let (parent, key) = path.rsplit_once('.').unwrap_or(("", path));
    let parent = if parent.is_empty() { node } else { node.at(parent).0 };
    let entry = parent.entries().iter().find(|entry| entry.key == key);
    entry.map_or_else(|| whole.key_place.clone(), |entry| entry.key_place.clone())
}
