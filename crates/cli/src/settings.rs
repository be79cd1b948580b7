//! A component's settings in words, read from the JSON Schema that its settings struct makes.

use model::ComponentSpec;
use serde_json::{Value, json};

/// One setting.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Setting {
    /// Its path below `settings`, as in `rules[].when`.
    pub(crate) path: String,
    /// What may stand there, as in `duration` or `one of size, rename`.
    pub(crate) kind: String,
    /// What holds when it is not set; none when there is no default.
    pub(crate) default: Option<Value>,
    /// Whether it has to be set.
    pub(crate) required: bool,
    /// What it means.
    pub(crate) meaning: String,
}

impl Setting {
    /// The default, as people write it.
    pub(crate) fn default_text(&self) -> String {
        match &self.default {
            _ if self.required => "required".to_owned(),
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) if text.is_empty() => "\"\"".to_owned(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        }
    }

    /// The setting as a JSON object.
    pub(crate) fn json(&self) -> Value {
        json!({
            "path": self.path,
            "type": self.kind,
            "default": self.default,
            "required": self.required,
            "meaning": self.meaning,
        })
    }
}

/// All settings of a component, in the order of its struct, those of nested objects behind theirs.
pub(crate) fn of(spec: &ComponentSpec) -> Vec<Setting> {
    let mut settings = Vec::new();
    walk(spec.schema().as_value(), "", &mut settings);
    settings
}

/// The settings below an object's schema.
pub(crate) fn walk(schema: &Value, prefix: &str, settings: &mut Vec<Setting>) {
    let required = |name: &str| {
        schema["required"].as_array().is_some_and(|names| names.iter().any(|other| other == name))
    };
    let Some(properties) = schema["properties"].as_object() else { return };
    for (name, property) in properties {
        let path = format!("{prefix}{name}");
        settings.push(Setting {
            kind: kind(property),
            default: property.get("default").cloned(),
            required: required(name),
            meaning: meaning(property),
            path: path.clone(),
        });
        walk(alternative(property), &format!("{path}."), settings);
        walk(alternative(&property["items"]), &format!("{path}[]."), settings);
    }
}

/// The form beside null of what may be left out.
fn alternative(schema: &Value) -> &Value {
    let forms = schema["anyOf"].as_array().or(schema["oneOf"].as_array());
    let other = forms.and_then(|forms| forms.iter().find(|form| form["properties"].is_object()));
    other.unwrap_or(schema)
}

/// A description on one line, with that of each value that may stand there.
fn meaning(schema: &Value) -> String {
    let lines = |schema: &Value| {
        let lines = schema["description"].as_str().unwrap_or_default();
        lines.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let mut meaning = lines(schema);
    for form in schema["oneOf"].as_array().into_iter().flatten() {
        if let (Some(value), description) = (form["const"].as_str(), lines(form))
            && !description.is_empty()
        {
            meaning += &format!(" `{value}`: {description}");
        }
    }
    meaning
}

/// The keys that every item has beside its settings, from the schema of production files.
pub(crate) fn of_every_item() -> Vec<Setting> {
    let schema = config::json_schema(components::CATALOGUE);
    let mut keys: Vec<Setting> = Vec::new();
    for group in ["services", "processes", "operations"] {
        for item in
            schema["properties"][group]["additionalProperties"]["oneOf"].as_array().into_iter().flatten()
        {
            let mut found = Vec::new();
            walk(item, "", &mut found);
            let known = |key: &Setting| keys.iter().any(|other| other.path == key.path);
            let own = |key: &Setting| key.path == "type" || key.path.starts_with("settings");
            let new: Vec<_> = found.into_iter().filter(|key| !own(key) && !known(key)).collect();
            keys.extend(new);
        }
    }
    keys
}

/// What may stand there, in words.
fn kind(schema: &Value) -> String {
    if let Some(values) = schema["enum"].as_array() {
        return one_of(values.iter().filter(|value| !value.is_null()).map(word));
    }
    if let Some(value) = schema.get("const") {
        return word(value);
    }
    if let Some(forms) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
        // Any value may be written with ${…}: that goes without saying.
        let variable =
            |form: &Value| form["pattern"].as_str().is_some_and(|pattern| pattern.contains("\\$\\{"));
        let others = || forms.iter().filter(|form| form["type"] != "null" && !variable(form));
        if others().all(|form| form.get("const").is_some()) {
            return one_of(others().map(|form| word(&form["const"])));
        }
        return others().map(kind).collect::<Vec<_>>().join(" or ");
    }
    if let Some(all) = schema["allOf"].as_array() {
        return all.iter().map(kind).find(|kind| kind != "any").unwrap_or_else(|| "any".to_owned());
    }
    match schema["pattern"].as_str() {
        Some(pattern) if pattern.contains("ms|s|m|h|d") => return "duration".to_owned(),
        Some(pattern) if pattern.contains("KiB") => return "size".to_owned(),
        _ => {}
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => {
            several.iter().filter_map(Value::as_str).filter(|one| *one != "null").collect()
        }
        _ => return "any".to_owned(),
    };
    let word = |one: &&str| match *one {
        "array" => format!("list of {}", kind(&schema["items"])),
        "integer" | "number" => "number".to_owned(),
        "string" => "text".to_owned(),
        "boolean" => "true or false".to_owned(),
        "object" => "map".to_owned(),
        other => other.to_owned(),
    };
    types.iter().map(word).collect::<Vec<_>>().join(" or ")
}

fn one_of(words: impl Iterator<Item = String>) -> String {
    format!("one of {}", words.collect::<Vec<_>>().join(", "))
}

fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_told_in_words() {
        let schema = json!({
            "required": ["path"],
            "properties": {
                "path": { "type": "string", "description": "The folder,\nas it is." },
                "wait": { "type": "string", "pattern": "^[0-9]+ *(ms|s|m|h|d)$", "default": "2s" },
                "mode": { "oneOf": [{ "const": "size" }, { "const": "rename" }], "default": "size" },
                "limit": { "type": ["integer", "null"], "default": null },
                "rules": { "type": "array", "items": { "type": "object", "properties": {
                    "when": { "type": "string" }
                }}}
            }
        });
        let mut settings = Vec::new();
        walk(&schema, "", &mut settings);
        let told: Vec<_> = settings
            .iter()
            .map(|setting| format!("{} | {} | {}", setting.path, setting.kind, setting.default_text()))
            .collect();
        assert_eq!(
            told,
            [
                "path | text | required",
                "wait | duration | 2s",
                "mode | one of size, rename | size",
                "limit | number | ",
                "rules | list of map | ",
                "rules[].when | text | ",
            ]
        );
        assert_eq!(settings[0].meaning, "The folder, as it is.");
    }

    #[test]
    fn every_setting_of_every_component_has_a_meaning_and_a_type() {
        for spec in components::CATALOGUE.0 {
            for setting in of(spec) {
                assert!(!setting.meaning.is_empty(), "{spec:?} {} says nothing about itself", setting.path);
                assert!(setting.kind != "any", "{spec:?} {} has no type", setting.path);
            }
        }
    }
}
