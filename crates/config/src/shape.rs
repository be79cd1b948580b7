//! Questions to a JSON Schema: what it takes, what it lists, and how to say so.

use serde_json::{Value, json};

use crate::forms::Form;
use crate::secret::Secrets;
use crate::tree::{Kind, Node, Scalar, plain};

/// The alternatives of a schema: itself, or what one of it may be.
pub(crate) fn alternatives(schema: &Value) -> Vec<&Value> {
    let several = ["oneOf", "anyOf"].iter().find_map(|key| schema.get(key)).and_then(Value::as_array);
    several.map_or_else(|| vec![schema], |all| all.iter().flat_map(alternatives).collect())
}

/// Whether a schema takes values of a JSON type.
pub(crate) fn accepts(schema: &Value, kind: &str) -> bool {
    alternatives(schema).into_iter().any(|schema| match schema.get("type") {
        Some(Value::String(one)) => one == kind || (kind == "integer" && one == "number"),
        Some(Value::Array(several)) => several.iter().any(|one| one == kind),
        // A choice without a type is one of texts; nothing said is everything.
        _ => (schema.get("enum").is_none() && schema.get("const").is_none()) || kind == "string",
    })
}

/// The alternative that a node is meant for; none where its type does not fit.
pub(crate) fn branch<'a>(schema: &'a Value, node: &Node) -> Option<&'a Value> {
    let kind = match &node.kind {
        Kind::Map(_) => "object",
        Kind::List(_) => "array",
        Kind::Scalar(scalar) => match &scalar.value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(number) if number.is_f64() => "number",
            Value::Number(_) => "integer",
            _ => "string",
        },
    };
    if kind == "string" && !choices(schema).is_empty() {
        return Some(schema);
    }
    let fitting = alternatives(schema).into_iter().filter(|schema| accepts(schema, kind));
    // Of several maps, the one that knows most of the keys is meant.
    let known = |schema: &&Value| {
        let is = |key: &str| match schema.get("properties").and_then(|all| all.get(key)) {
            Some(property) => match property.get("const") {
                Some(wanted) => node.get(key).and_then(Node::text) == wanted.as_str(),
                None => true,
            },
            None => false,
        };
        node.entries().iter().filter(|entry| is(&entry.key)).count()
    };
    let mut best: Option<&Value> = None;
    for schema in fitting {
        if best.is_none_or(|best| known(&schema) > known(&best)) {
            best = Some(schema);
        }
    }
    best
}

/// The texts that a schema allows, where it lists them.
pub(crate) fn choices(schema: &Value) -> Vec<&str> {
    let mut all = Vec::new();
    for schema in alternatives(schema).into_iter().filter(|schema| accepts(schema, "string")) {
        let several = schema.get("enum").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let texts = schema.get("const").into_iter().chain(several).filter_map(Value::as_str);
        let before = all.len();
        all.extend(texts);
        if all.len() == before {
            return Vec::new();
        }
    }
    all
}

/// Whether a number is within the bounds of a schema; anything else is.
pub(crate) fn in_range(schema: &Value, value: &Value) -> bool {
    let Some(number) = value.as_f64() else { return true };
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
    bound("minimum").is_none_or(|min| number >= min) && bound("maximum").is_none_or(|max| number <= max)
}

/// What a schema asks for, in a sentence.
pub(crate) fn wanted(schema: &Value) -> String {
    let choices = choices(schema);
    let one = |schema: &&Value| {
        if let Some(form) = Form::of(schema) {
            return form.wanted().to_owned();
        }
        let kind = match schema.get("type") {
            Some(Value::Array(several)) => {
                several.iter().find_map(|one| one.as_str().filter(|one| *one != "null"))
            }
            other => other.and_then(Value::as_str),
        };
        let at = |key: &str| schema.get(key).and_then(Value::as_u64);
        match (kind, at("minimum"), at("maximum")) {
            (Some("string"), ..) if at("minLength").is_some_and(|min| min > 0) => {
                "a text that is not empty".to_owned()
            }
            (Some("string"), ..) => "a text".to_owned(),
            (Some("integer"), Some(min), Some(max)) => format!("a whole number from {min} to {max}"),
            (Some("integer"), Some(0), _) => "a whole number, 0 or more".to_owned(),
            (Some("integer"), Some(min), _) => format!("a whole number from {min}"),
            (Some("integer"), ..) => "a whole number".to_owned(),
            (Some("number"), ..) => "a number".to_owned(),
            (Some("boolean"), ..) => "true or false".to_owned(),
            (Some("array"), ..) => "a list".to_owned(),
            (Some("object"), ..) => "a map".to_owned(),
            _ => "another value".to_owned(),
        }
    };
    let is_null = |schema: &&Value| schema.get("type").is_some_and(|kind| kind == "null");
    let listed = |schema: &&Value| !choices.is_empty() && accepts(schema, "string");
    let others = alternatives(schema).into_iter().filter(|schema| !is_null(schema) && !listed(schema));
    let listed = (!choices.is_empty()).then(|| match choices.as_slice() {
        [only] => (*only).to_owned(),
        _ => format!("one of {}", choices.join(", ")),
    });
    let mut all: Vec<String> = listed.into_iter().chain(others.map(|schema| one(&schema))).collect();
    all.dedup();
    all.join(", or ")
}

/// The schema of what stands at a path like `rules[0].when`, as far as it can be followed.
pub(crate) fn at<'a>(schema: &'a Value, path: &str) -> Option<&'a Value> {
    let mut found = schema;
    for part in path.split(['.', '[']).filter(|part| !part.is_empty()) {
        let below = |schema: &&'a Value| match part.strip_suffix(']') {
            Some(_) => schema.get("items"),
            None => schema
                .get("properties")
                .and_then(|all| all.get(part))
                .or_else(|| schema.get("additionalProperties")),
        };
        found = alternatives(found).iter().find_map(below)?;
    }
    Some(found)
}

/// A value that fits a schema, for what is missing or wrong.
pub(crate) fn stand_in(schema: &Value) -> Value {
    let schema = alternatives(schema)[0];
    if let Some(default) = schema.get("default").or_else(|| schema.get("const")) {
        return default.clone();
    }
    if let Some(first) = schema.get("enum").and_then(|all| all.get(0)) {
        return first.clone();
    }
    match Form::of(schema) {
        Some(Form::Size) => return json!("1MiB"),
        Some(_) => return json!("1s"),
        None => {}
    }
    if accepts(schema, "null") {
        return Value::Null;
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("string") => json!("x"),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or_else(|| json!(1)),
        Some("boolean") => json!(false),
        Some("array") => json!([]),
        Some("object") => {
            let names = schema.get("required").and_then(Value::as_array).into_iter().flatten();
            let of = |name: &str| (name.to_owned(), stand_in(&schema["properties"][name]));
            Value::Object(names.filter_map(Value::as_str).map(of).collect())
        }
        _ => Value::Null,
    }
}

/// Settles what only the schema can tell: which filled-in texts are numbers or truth values, and
/// which values are secrets.
pub(crate) fn settle(schema: &Value, node: &mut Node, secrets: &mut Secrets) {
    settle_within(schema, node, secrets, false);
}

fn settle_within(schema: &Value, node: &mut Node, secrets: &mut Secrets, secret: bool) {
    let secret = secret || schema.get("writeOnly") == Some(&Value::Bool(true));
    let taken = branch(schema, node).unwrap_or(&Value::Null);
    match &mut node.kind {
        Kind::List(nodes) => {
            let every = taken.get("items").unwrap_or(&Value::Null);
            nodes.iter_mut().for_each(|node| settle_within(every, node, secrets, secret));
        }
        Kind::Map(entries) => {
            for entry in entries {
                let known = taken.get("properties").and_then(|all| all.get(&entry.key));
                let one = known.or_else(|| taken.get("additionalProperties")).unwrap_or(&Value::Null);
                settle_within(one, &mut entry.value, secrets, secret);
            }
        }
        Kind::Scalar(scalar) => {
            settle_scalar(schema, scalar);
            scalar.secret |= secret;
            if let Scalar { secret: true, value: Value::String(text), .. } = scalar {
                secrets.add(text);
            }
        }
    }
}

fn settle_scalar(schema: &Value, scalar: &mut Scalar) {
    let Scalar { filled: true, value: Value::String(text), .. } = scalar else { return };
    let meaning = plain(text);
    let kind = match &meaning {
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        _ => return,
    };
    if !accepts(schema, "string") && (accepts(schema, kind) || accepts(schema, "number")) {
        scalar.value = meaning;
    }
}

#[cfg(test)]
mod tests {
    use model::Span;

    use super::*;
    use crate::keys::schema_of;

    #[test]
    fn what_is_wanted_is_said_in_words() {
        for (schema, words) in [
            (schema_of::<u16>(), "a whole number from 0 to 65535"),
            (schema_of::<u64>(), "a whole number, 0 or more"),
            (schema_of::<Option<Span>>(), "a duration with its unit, as in 250ms, 5s, 10m, 2h or 1d"),
            (schema_of::<Option<Vec<String>>>(), "a list"),
            (json!({"enum": ["a", "b"]}), "one of a, b"),
            (json!({"oneOf": [{"const": "a", "type": "string"}, {"type": "object"}]}), "a, or a map"),
            (
                json!({"anyOf": [{"oneOf": [{"const": "a"}, {"const": "b"}]}, {"type": "null"}]}),
                "one of a, b",
            ),
            (json!({"anyOf": [{"type": "string"}, {"type": "array"}]}), "a text, or a list"),
        ] {
            assert_eq!(wanted(&schema), words, "{schema}");
        }
    }

    #[test]
    fn a_stand_in_fits() {
        for schema in [
            schema_of::<u16>(),
            schema_of::<Span>(),
            json!({"type": "object", "required": ["a"],
            "properties": {"a": {"type": "array"}, "b": {"type": "string"}}}),
        ] {
            let value = stand_in(&schema);
            assert!(
                accepts(
                    &schema,
                    match value {
                        Value::Object(_) => "object",
                        Value::Number(_) => "integer",
                        _ => "string",
                    }
                ),
                "{schema}"
            );
        }
    }
}
