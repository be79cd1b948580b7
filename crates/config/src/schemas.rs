//! The schemas that a production defines under `schemas:`: read, and checked by `hl7`.

mod keys;

use hl7::schema::{Custom, Mistake, Schemas};
use serde_json::{Value, json};

pub(crate) use self::keys::SchemaKeys;
use crate::finding::Findings;
use crate::items::covered;
use crate::keys::{SCHEMAS, schema_of};
use crate::source::{Place, Sources};
use crate::tree::{Entry, Kind, Node};
use crate::walk::{Walk, by_name, shown};
use crate::{scalar, shape};

/// The JSON Schema of the whole map.
pub(crate) fn schema() -> Value {
    json!({ "type": "object", "additionalProperties": schema_of::<SchemaKeys>() })
}

/// The versions of HL7 and the schemas of the production; what is wrong with them is a finding.
pub(crate) fn read(node: Option<&Node>, sources: &Sources, findings: &mut Findings) -> Schemas {
    let mut schemas = Schemas::default();
    let entries = by_name(node, SCHEMAS.0, "schemas", findings);
    let schema = schema_of::<SchemaKeys>();
    let mut waiting: Vec<_> = entries.iter().filter_map(|entry| one(entry, &schema, findings)).collect();
    while !waiting.is_empty() {
        // A base is added before what is built upon it.
        let names: Vec<&str> = waiting.iter().map(|one| one.custom.name.as_str()).collect();
        let next = waiting.iter().position(|one| !names.contains(&one.custom.base.as_str()));
        let mut one = waiting.remove(next.unwrap_or(0));
        if next.is_none() {
            let place = node_place(&one, "base");
            let Custom { name, base, .. } = &mut one.custom;
            let message = format!("schema \"{name}\" comes round to itself by its base \"{base}\"");
            findings.error(&place, None, message);
            // Told; the rest is looked at without a base.
            base.clear();
            one.set_aside.push("base".to_owned());
        }
        for mistake in schemas.add(&one.custom) {
            let told = covered(&one.set_aside, &mistake.path) || misspelt(&schema, &one, &mistake.path);
            if !told || mistake.key {
                tell(&one, mistake, sources, findings);
            }
        }
    }
    schemas
}

/// Whether a map there has a key that nobody knows, which was told: what is missing is most likely
/// what that one was meant to be.
fn misspelt(schema: &Value, one: &Written<'_>, path: &str) -> bool {
    let (node, left) = one.entry.value.at(path);
    let known = shape::at(schema, path).and_then(|schema| schema.get("properties"));
    let strange = |known: &Value| node.entries().iter().any(|entry| known.get(&entry.key).is_none());
    left.is_empty() && known.is_some_and(strange)
}

fn node_place(one: &Written<'_>, path: &str) -> Place {
    one.entry.value.at(path).0.place.clone()
}

/// A schema as it was written.
struct Written<'a> {
    custom: Custom,
    entry: &'a Entry,
    /// Paths whose value is a stand-in.
    set_aside: Vec<String>,
}

fn one<'a>(entry: &'a Entry, schema: &Value, findings: &mut Findings) -> Option<Written<'a>> {
    let node = &entry.value;
    if !matches!(node.kind, Kind::Map(_)) {
        let found = if node.is_null() { "nothing".to_owned() } else { shown(node) };
        let message = format!("found {found} here; expected a map with base and what is different");
        findings.error(&node.place, None, message);
        return None;
    }
    let mut walk = Walk::of_keys(findings);
    let value = walk.value(schema, node, "", true).unwrap_or_default();
    let set_aside = walk.set_aside;
    match serde_json::from_value::<SchemaKeys>(value) {
        Ok(keys) => Some(Written { custom: keys.custom(&entry.key), entry, set_aside }),
        // The walk takes nothing else; should it, the reason is told where the schema stands.
        Err(error) => {
            findings.error(&entry.key_place, None, error.to_string());
            None
        }
    }
}

fn tell(one: &Written<'_>, mistake: Mistake, sources: &Sources, findings: &mut Findings) {
    let node = &one.entry.value;
    let place = match (&mistake.range, node.at(&mistake.path)) {
        _ if mistake.path.is_empty() => one.entry.key_place.clone(),
        (Some(range), (found, "")) => scalar::place(sources, found, range),
        _ if mistake.key => key_place(node, &mistake.path),
        _ => node_place(one, &mistake.path),
    };
    findings.error(&place, None, mistake.message).help(mistake.help);
}

/// Where the last key of a path stands.
fn key_place(node: &Node, path: &str) -> Place {
    let (parent, key) = path.rsplit_once('.').unwrap_or(("", path));
    let parent = if parent.is_empty() { node } else { node.at(parent).0 };
    let entry = parent.entries().iter().find(|entry| entry.key == key);
    entry.map_or_else(|| node.at(path).0.place.clone(), |entry| entry.key_place.clone())
}
