//! The JSON Schema of a whole production file, for editors: every key, every component's settings.

use model::{Catalogue, ComponentSpec};
use serde_json::{Map, Value, json};

use crate::connections::ConnectionKeys;
use crate::keys::{
    CONNECTIONS, ItemKeys, ProductionKeys, RULES, SCHEDULES, SCHEMAS, SECTIONS, Section, TABLES, TRANSFORMS,
    schema_of,
};
use crate::schemas::SchemaKeys;
use crate::tables::TableKeys;
use crate::transforms;

/// The JSON Schema (draft 7, which is what YAML editors read) of a whole production file.
///
/// One alternative per component: its type, and its settings with defaults and meanings.
pub fn json_schema(catalogue: Catalogue) -> Value {
    let mut production = schema_of::<ProductionKeys>();
    let mut properties = take_properties(&mut production);
    for text in properties.values_mut() {
        fillable(text);
    }
    let include = json!({
        "description": "more files with items and schemas, relative to this one, as in items/*.yaml",
        "type": "array",
        "items": { "type": "string" }
    });
    properties.insert("include".to_owned(), include);
    properties.insert(SCHEMAS.0.to_owned(), by_name::<SchemaKeys>(SCHEMAS.1));
    properties.insert(TABLES.0.to_owned(), by_name::<TableKeys>(TABLES.1));
    properties.insert(SCHEDULES.0.to_owned(), by_name::<rules::ScheduleDef>(SCHEDULES.1));
    properties.insert(CONNECTIONS.0.to_owned(), by_name::<ConnectionKeys>(CONNECTIONS.1));
    properties.insert(RULES.0.to_owned(), by_name::<Vec<rules::Rule>>(RULES.1));
    properties.insert(TRANSFORMS.0.to_owned(), transforms::for_editors());
    for section in SECTIONS {
        properties.insert(section.key.to_owned(), items(catalogue, section));
    }
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Orris production",
        "description": "a production: services take messages in, processes decide, operations send out",
        "type": "object",
        "properties": properties,
        "definitions": transforms::definitions(),
        "patternProperties": { "^x-": { "description": "anything, for YAML anchors" } },
        "required": ["production"],
        "additionalProperties": false
    })
}

/// A map of things by name.
fn by_name<T: schemars::JsonSchema>(description: &str) -> Value {
    let mut one = schema_of::<T>();
    if let Some(own) = one.as_object_mut() {
        own.remove("$schema");
        own.remove("title");
    }
    fillable(&mut one);
    json!({ "description": description, "type": ["object", "null"], "additionalProperties": one })
}

fn items(catalogue: Catalogue, section: Section) -> Value {
    let fitting = catalogue.0.iter().filter(|spec| spec.business_type == section.business_type);
    let alternatives: Vec<Value> = fitting.map(item).collect();
    let mut schema = json!({ "description": section.meaning, "type": ["object", "null"] });
    schema["additionalProperties"] = match alternatives.as_slice() {
        [] => Value::Bool(false),
        _ => json!({ "oneOf": alternatives }),
    };
    schema
}

fn item(spec: &ComponentSpec) -> Value {
    let mut common = schema_of::<ItemKeys>();
    let mut settings = spec.schema().to_value();
    if let Some(settings) = settings.as_object_mut() {
        settings.remove("$schema");
        settings.remove("title");
    }
    let needs_settings =
        settings.get("required").and_then(Value::as_array).is_some_and(|all| !all.is_empty());
    fillable(&mut settings);
    let type_name = json!({ "description": spec.summary, "type": "string", "const": spec.type_name });
    let mut properties = Map::from_iter([("type".to_owned(), type_name)]);
    for (name, mut schema) in take_properties(&mut common) {
        fillable(&mut schema);
        properties.insert(name, schema);
    }
    properties.insert("settings".to_owned(), settings);
    let required = if needs_settings { json!(["type", "settings"]) } else { json!(["type"]) };
    json!({
        "title": spec.type_name,
        "description": spec.summary,
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false
    })
}

fn take_properties(schema: &mut Value) -> Map<String, Value> {
    match schema.get_mut("properties").map(Value::take) {
        Some(Value::Object(properties)) => properties,
        _ => Map::new(),
    }
}

/// Lets `${…}` stand for every value that is not a text of any form anyhow.
fn fillable(schema: &mut Value) {
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().for_each(fillable);
    }
    for key in ["items", "additionalProperties"] {
        if let Some(below) = schema.get_mut(key) {
            fillable(below);
        }
    }
    for key in ["oneOf", "anyOf"] {
        schema.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten().for_each(fillable);
    }
    let is = |kind: &str| schema.get("type").is_some_and(|found| found == kind);
    let form = schema.get("pattern").is_some();
    if is("integer") || is("number") || is("boolean") || form {
        let Some(own) = schema.as_object_mut() else { return };
        let mut plain = Map::new();
        for key in ["type", "pattern", "format", "minimum", "maximum"] {
            if let Some(value) = own.shift_remove(key) {
                plain.insert(key.to_owned(), value);
            }
        }
        own.insert("anyOf".to_owned(), json!([plain, { "type": "string", "pattern": "^.*\\$\\{.*$" }]));
    }
}
