//! The keys of transforms and of their steps, as JSON Schemas.

use serde_json::{Map, Value, json};

use crate::keys::TRANSFORMS;

/// What a step can do; each step does one of them.
pub(crate) const ACTIONS: [&str; 11] =
    ["set", "append", "insert", "remove", "clear", "if", "switch", "for_each", "use", "trace", "code"];

/// Keys that every step may have.
pub(super) const OF_ALL: [&str; 2] = ["comment", "disabled"];

/// The name of a schema of steps among the definitions.
const STEPS: &str = "transform_steps";

/// One transform, whose steps are looked at one by one.
pub(super) fn transform() -> Value {
    of_transform(&json!({ "type": "array" }))
}

fn of_transform(steps: &Value) -> Value {
    let doc_type =
        |what: &str| json!({ "description": what, "type": ["string", "integer", "number", "null"] });
    json!({
        "description": TRANSFORMS.1,
        "type": "object",
        "properties": {
            "source": doc_type("The doc type that it is given, as in 2.3:ADT_A01, or a schema alone."),
            "target": doc_type("The doc type that it makes, as in 2.5.1:ADT_A01; that of the source when left out."),
            "create": {
                "description": "Whether it begins with a copy of the source, or with a new header alone.",
                "enum": ["copy", "new"],
                "default": "copy"
            },
            "ignore_missing_source": {
                "description": "Whether a segment that the source does not have gives nothing, or an error.",
                "type": "boolean",
                "default": true
            },
            "comment": { "description": "What it is for.", "type": "string" },
            "steps": steps
        },
        "required": ["steps"],
        "additionalProperties": false
    })
}

/// The keys of a step that does `action`; `steps` is the schema of the steps within it.
pub(super) fn step(action: &str, steps: &Value) -> Value {
    let text = |what: &str| json!({ "description": what, "type": "string" });
    let scalar =
        |what: &str| json!({ "description": what, "type": ["string", "integer", "number", "boolean"] });
    let path = |what: &str| json!({ "description": what, "type": "string", "minLength": 1 });
    let put = |what: &str| {
        json!({
            action: path(what),
            "value": scalar("The value, as HL7 writes it."),
            "from": text("An expression that gives the value, as in upper(PID-5.1)."),
        })
    };
    let (mut properties, required) = match action {
        "set" => (put("The place that is set, as in PID-5.1."), json!([action])),
        "append" => (
            put("The field that gets one more repetition, or the segment that gets one more."),
            json!([action]),
        ),
        "insert" => (put("The place before which the value is put."), json!([action])),
        "remove" => (json!({ action: path("The place that is taken out.") }), json!([action])),
        "clear" => (json!({ action: path("The place that is emptied and stays.") }), json!([action])),
        "if" => {
            let keys = json!({ action: text("The condition."), "then": steps, "else": steps });
            (keys, json!([action]))
        }
        "switch" => {
            let cases = json!({ "type": "object", "additionalProperties": steps });
            let keys = json!({ action: text("The value, an expression."), "cases": cases, "default": steps });
            (keys, json!([action, "cases"]))
        }
        "for_each" => {
            let what = "The segment, group or field whose repetitions are gone through, as in OBX.";
            (json!({ action: path(what), "do": steps }), json!([action, "do"]))
        }
        "use" => {
            (json!({ action: path("The name of the transform whose steps are done here.") }), json!([action]))
        }
        "trace" => (
            json!({ action: text("A text for the trace, with values as in {{ PID-3.1 }}.") }),
            json!([action]),
        ),
        "code" => (json!({ action: text("JavaScript.") }), json!([action])),
        _ => (json!({}), json!([])),
    };
    add_keys_of_all(&mut properties);
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

fn add_keys_of_all(properties: &mut Value) {
    properties["comment"] = json!({ "description": "What the step is for.", "type": "string" });
    properties["disabled"] = json!({ "description": "Whether the step is left out.", "type": "boolean" });
}

/// The keys of a `switch` whose cases have a condition each.
pub(super) fn choose(steps: &Value) -> Value {
    let case = json!({
        "type": "object",
        "properties": {
            "when": { "description": "The condition.", "type": "string" },
            "do": steps,
            "comment": { "description": "What the case is for.", "type": "string" }
        },
        "required": ["when", "do"],
        "additionalProperties": false
    });
    let cases = json!({
        "description": "The cases, of which the first is done whose condition holds.",
        "type": "array",
        "items": case
    });
    let mut properties = json!({ "switch": cases, "default": steps });
    add_keys_of_all(&mut properties);
    json!({ "type": "object", "properties": properties, "required": ["switch"], "additionalProperties": false })
}

/// The JSON Schema of the whole map, for settling what was filled in: steps are texts at any depth.
pub(crate) fn schema() -> Value {
    json!({ "type": "object", "additionalProperties": transform() })
}

/// The JSON Schema of the whole map for editors; its steps are among [`definitions`].
pub(crate) fn for_editors() -> Value {
    let one = of_transform(&steps());
    json!({ "description": TRANSFORMS.1, "type": ["object", "null"], "additionalProperties": one })
}

fn steps() -> Value {
    json!({ "$ref": format!("#/definitions/{STEPS}") })
}

/// What the schema for editors refers to.
pub(crate) fn definitions() -> Map<String, Value> {
    let mut alternatives: Vec<Value> = ACTIONS.iter().map(|action| step(action, &steps())).collect();
    alternatives.push(choose(&steps()));
    let mut comment = step("", &steps());
    comment["required"] = json!(["comment"]);
    alternatives.push(comment);
    let all = json!({ "description": "What is done, in order.", "type": "array", "items": { "oneOf": alternatives } });
    Map::from_iter([(STEPS.to_owned(), all)])
}
