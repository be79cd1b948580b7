//! The merged, resolved form of a production: one file, in one order, nothing left to fill in and
//! no secret in it. It reads as a production again.

use serde_json::{Map, Value};

use crate::interpolate::{escaped, is_code};
use crate::keys::{DEFINITIONS, ItemKeys, ProductionKeys, SECTIONS, schema_of};
use crate::secret::MASK;
use crate::tree::{Entry, Kind, Node, Scalar};

/// The production as YAML. Keys of the production and of items stand in the order of the reference,
/// items and settings in the order written.
pub(crate) fn yaml(root: &Node) -> String {
    let mut names = property_names(&schema_of::<ProductionKeys>());
    // A table of a file stays the name of that file, however long it is.
    names.extend(DEFINITIONS.map(str::to_owned));
    let mut top = picked(root, &names);
    for section in SECTIONS {
        let items: Map<String, Value> =
            root.get(section.key).map(Node::entries).unwrap_or_default().iter().map(item).collect();
        if !items.is_empty() {
            top.insert(section.key.to_owned(), Value::Object(items));
        }
    }
    // What was read from YAML can be written as YAML.
    serde_yaml::to_string(&top).unwrap_or_default()
}

fn item(entry: &Entry) -> (String, Value) {
    let mut names = vec!["type".to_owned()];
    names.extend(property_names(&schema_of::<ItemKeys>()));
    names.push("settings".to_owned());
    (entry.key.clone(), Value::Object(picked(&entry.value, &names)))
}

fn property_names(schema: &Value) -> Vec<String> {
    schema["properties"].as_object().into_iter().flat_map(Map::keys).cloned().collect()
}

fn picked(node: &Node, names: &[String]) -> Map<String, Value> {
    let found = names.iter().filter_map(|name| Some((name.clone(), shown(node.get(name)?))));
    found.filter(|(_, value)| !value.is_null()).collect()
}

fn shown_of(entry: &Entry) -> Value {
    match &entry.value.kind {
        // Nothing is filled into code, so that nothing in it has to be kept from being filled in.
        Kind::Scalar(scalar) if is_code(entry) => scalar.value.clone(),
        _ => shown(&entry.value),
    }
}

fn shown(node: &Node) -> Value {
    match &node.kind {
        Kind::List(nodes) => nodes.iter().map(shown).collect(),
        Kind::Map(entries) => entries.iter().map(|entry| (entry.key.clone(), shown_of(entry))).collect(),
        Kind::Scalar(Scalar { secret: true, .. }) => Value::String(MASK.to_owned()),
        Kind::Scalar(Scalar { value: Value::String(text), .. }) => Value::String(escaped(text)),
        Kind::Scalar(scalar) => scalar.value.clone(),
    }
}
