//! Values held against the JSON Schema of what they should be: all unknown keys, all wrong types and
//! all missing values at once, where deserializing would stop at the first.

use serde_json::{Map, Value};

use crate::finding::Findings;
use crate::forms::Form;
use crate::secret::MASK;
use crate::shape::{accepts, branch, choices, in_range, stand_in, wanted};
use crate::source::Place;
use crate::suggest::{did_you_mean, did_you_mean_or_all, nearest};
use crate::tree::{Entry, Kind, Node, Scalar, plain};

/// One walk over one map of keys or settings.
pub(crate) struct Walk<'a> {
    pub(crate) findings: &'a mut Findings,
    /// The item they belong to.
    pub(crate) item: Option<&'a str>,
    /// What one of them is called: `key` or `setting`.
    pub(crate) noun: &'static str,
    /// Words that are keys elsewhere, with where: what is unknown here may only be misplaced.
    pub(crate) elsewhere: &'a dyn Fn(&str) -> Option<String>,
    /// Paths whose value was wrong or missing, and is now a stand-in or left out.
    pub(crate) set_aside: Vec<String>,
}

/// What stands by its name in the map under `key` of a production, such as its `things`; nothing, and a
/// finding, where that is no map.
pub(crate) fn by_name<'a>(
    node: Option<&'a Node>,
    key: &str,
    things: &str,
    findings: &mut Findings,
) -> &'a [Entry] {
    let Some(node) = node.filter(|node| !node.is_null()) else { return &[] };
    if !matches!(node.kind, Kind::Map(_)) {
        let message = format!("{key} is {}; expected a map of {things} by name", shown(node));
        findings.error(&node.place, None, message);
    }
    node.entries()
}

impl<'a> Walk<'a> {
    /// A walk over keys that belong to no item, and stand nowhere else.
    pub(crate) fn of_keys(findings: &'a mut Findings) -> Self {
        Walk { findings, item: None, noun: "key", elsewhere: &|_| None, set_aside: Vec::new() }
    }
}

impl Walk<'_> {
    /// The value of a node, as far as it is right. What is wrong is a finding; a stand-in takes its
    /// place where one is needed, so that everything else can still be looked at. None where the
    /// value can be left out.
    pub(crate) fn value(&mut self, schema: &Value, node: &Node, path: &str, needed: bool) -> Option<Value> {
        if node.is_unknown() {
            self.set_aside.push(path.to_owned());
            return needed.then(|| stand_in(schema));
        }
        let Some(schema) = branch(schema, node) else {
            return self.wrong_type(schema, node, path, needed);
        };
        match &node.kind {
            Kind::Map(entries) => Some(self.map(schema, node, entries, path)),
            Kind::List(nodes) => {
                let every = schema.get("items").unwrap_or(&Value::Null);
                let value = |(index, node)| {
                    let path = format!("{path}[{index}]");
                    self.value(every, node, &path, true).unwrap_or_default()
                };
                Some(Value::Array(nodes.iter().enumerate().map(value).collect()))
            }
            Kind::Scalar(scalar) => self.scalar(schema, node, scalar, path, needed),
        }
    }

    fn map(&mut self, schema: &Value, node: &Node, entries: &[Entry], path: &str) -> Value {
        let empty = Map::new();
        let known = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .map(|names| names.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        let closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
        let mut found = Map::new();
        for entry in entries {
            let below = join(path, &entry.key);
            let schema = match known.get(&entry.key) {
                Some(schema) => schema,
                None if closed => {
                    self.unknown(&entry.key, &entry.key_place, path, known);
                    continue;
                }
                None => schema.get("additionalProperties").unwrap_or(&Value::Null),
            };
            let needed = required.contains(&entry.key.as_str());
            if let Some(value) = self.value(schema, &entry.value, &below, needed) {
                found.insert(entry.key.clone(), value);
            }
        }
        for name in required {
            if found.contains_key(name) {
                continue;
            }
            // A misspelt key was told already: the one finding is enough.
            let mut strange = entries.iter().filter(|entry| !known.contains_key(&entry.key));
            if !strange.any(|entry| nearest(&entry.key, [name]).is_some()) {
                self.missing(name, &known[name], &node.place, path);
            }
            self.set_aside.push(join(path, name));
            found.insert(name.to_owned(), stand_in(&known[name]));
        }
        Value::Object(found)
    }

    fn unknown(&mut self, key: &str, place: &Place, path: &str, known: &Map<String, Value>) {
        let known: Vec<&str> = known.keys().map(String::as_str).collect();
        let misplaced = if path.is_empty() && !known.is_empty() { (self.elsewhere)(key) } else { None };
        let near = did_you_mean(key, known.iter().copied());
        let help = near.or(misplaced).or_else(|| did_you_mean_or_all(key, &known));
        let within = if path.is_empty() { String::new() } else { format!(" in \"{path}\"") };
        let message = format!("unknown {} \"{key}\"{within}", self.noun);
        self.findings.error(place, self.item, message).help(help);
    }

    fn missing(&mut self, name: &str, schema: &Value, place: &Place, path: &str) {
        let message = format!(
            "required {} \"{}\" is missing; expected {}",
            self.noun,
            join(path, name),
            wanted(schema)
        );
        let meaning =
            schema.get("description").and_then(Value::as_str).filter(|_| Form::of(schema).is_none());
        let help = meaning.map(|text| format!("it is {}", sentence(text)));
        self.findings.error(place, self.item, message).help(help);
    }

    fn scalar(
        &mut self,
        schema: &Value,
        node: &Node,
        scalar: &Scalar,
        path: &str,
        needed: bool,
    ) -> Option<Value> {
        let choices = choices(schema);
        let text = node.text();
        let refused = match text {
            Some(text) if !choices.is_empty() => !choices.contains(&text),
            Some(text) if Form::of(schema).is_some_and(|form| !form.fits(text)) => true,
            Some(text) => {
                schema.get("minLength").and_then(Value::as_u64).is_some_and(|min| (text.len() as u64) < min)
            }
            None => !in_range(schema, &scalar.value),
        };
        if !refused {
            return Some(scalar.value.clone());
        }
        let help = match text {
            Some(text) if !choices.is_empty() => did_you_mean(text, choices),
            Some(text) => Form::of(schema)
                .and_then(|form| form.meant(text))
                .map(|meant| format!("did you mean {meant}?")),
            None => None,
        };
        self.wrong(schema, node, path, needed, help)
    }

    fn wrong_type(&mut self, schema: &Value, node: &Node, path: &str, needed: bool) -> Option<Value> {
        let help = meant(schema, node);
        self.wrong(schema, node, path, needed, help)
    }

    fn wrong(
        &mut self,
        schema: &Value,
        node: &Node,
        path: &str,
        needed: bool,
        help: Option<String>,
    ) -> Option<Value> {
        let name = if path.is_empty() { "settings" } else { path };
        let secret = node.is_secret() || schema.get("writeOnly") == Some(&Value::Bool(true));
        let found = if secret { MASK.to_owned() } else { shown(node) };
        let message = match node.is_null() {
            true => format!("{name} has no value; expected {}", wanted(schema)),
            false => format!("{name} is {found}; expected {}", wanted(schema)),
        };
        // What was meant by a secret would show it.
        let in_quotes =
            || (accepts(schema, "string") && !node.is_null()).then(|| "put it in quotes".to_owned());
        let scalar = matches!(node.kind, Kind::Scalar(_));
        let help = if secret { in_quotes().filter(|_| scalar) } else { help };
        self.findings.error(&node.place, self.item, message).help(help);
        self.set_aside.push(path.to_owned());
        needed.then(|| stand_in(schema))
    }
}

/// What was meant by a value of a wrong type.
fn meant(schema: &Value, node: &Node) -> Option<String> {
    if let ([path], true) = (node.entries(), accepts(schema, "string")) {
        // YAML makes a map of {PID:5.1}, which is how others write paths.
        let is_path = path.key.contains(':') && path.value.is_null();
        return is_path.then(|| format!("paths have no braces: write {}", path.key.replace(':', "-")));
    }
    let Kind::Scalar(Scalar { value, .. }) = &node.kind else { return None };
    let can = |kind: &str| accepts(schema, kind);
    match value {
        Value::Null => None,
        Value::Bool(_) if can("array") && can("string") => Some(format!("put it in quotes: \"{value}\"")),
        value if can("array") => Some(format!("did you mean [{}]?", bare(value))),
        value if Form::of(schema).is_some() => {
            Form::of(schema)?.meant(&bare(value)).map(|meant| format!("did you mean {meant}?"))
        }
        Value::Number(_) | Value::Bool(_) if can("string") && choices(schema).is_empty() => {
            Some(format!("put it in quotes: \"{value}\""))
        }
        Value::Number(number) if can("boolean") => match number.as_u64() {
            Some(1) => Some("did you mean true?".to_owned()),
            Some(0) => Some("did you mean false?".to_owned()),
            _ => None,
        },
        Value::String(text) if can("boolean") => match text.to_ascii_lowercase().as_str() {
            "yes" | "on" | "y" | "true" | "1" => Some("did you mean true?".to_owned()),
            "no" | "off" | "n" | "false" | "0" => Some("did you mean false?".to_owned()),
            _ => None,
        },
        Value::String(text) if can("integer") && plain(text).is_number() => {
            Some("write it without quotes".to_owned())
        }
        _ => None,
    }
}

fn bare(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The path of `key` in the map at `path`.
pub(crate) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// A value as it is shown in a finding: short, and never a secret.
pub(crate) fn shown(node: &Node) -> String {
    match &node.kind {
        Kind::Map(_) => "a map".to_owned(),
        Kind::List(_) => "a list".to_owned(),
        Kind::Scalar(Scalar { secret: true, .. }) => MASK.to_owned(),
        Kind::Scalar(Scalar { value: Value::String(text), .. }) => {
            let short: String = text.chars().take(60).collect();
            let more = if short.len() < text.len() { "…" } else { "" };
            format!(
                "\"{}{more}\"",
                short.escape_debug().to_string().replace("\\\"", "\"").replace("\\'", "'")
            )
        }
        Kind::Scalar(scalar) => scalar.value.to_string(),
    }
}

/// A schema's description as part of a sentence: without its capital and its final stop.
fn sentence(text: &str) -> String {
    let text = text.trim().split("\n\n").next().unwrap_or_default().replace('\n', " ");
    let text = text.strip_suffix('.').unwrap_or(&text);
    let mut letters = text.chars();
    match (letters.next(), letters.clone().next()) {
        // An abbreviation keeps its capitals.
        (Some(_), Some(second)) if second.is_uppercase() => text.to_owned(),
        (first, _) => first.into_iter().flat_map(char::to_lowercase).chain(letters).collect(),
    }
}
