//! The JSON Schema of a case file, for editors.

use schemars::JsonSchema;
use serde_json::{Map, Value, json};

use super::keys::*;
use crate::keys::schema_of;

/// The JSON Schema (draft 7, which is what YAML editors read) of a case file.
pub fn case_schema() -> Value {
    let mut case = schema_of::<CaseKeys>();
    let properties = &mut case["properties"];
    let given = [
        one::<MessageKeys>(),
        one::<WaitKeys>(),
        one::<ConnectKeys>(),
        one::<DisconnectKeys>(),
        one::<SilentKeys>(),
        one::<SaysKeys>(),
    ];
    properties["given"]["items"] = json!({ "oneOf": given });
    let expect = [
        one::<OutputKeys>(),
        one::<StatusKeys>(),
        one::<AckKeys>(),
        one::<BroadcastKeys>(),
        one::<ToldKeys>(),
        one::<SocketStateKeys>(),
        one::<EventKeys>(),
        one::<AlertKeys>(),
    ];
    properties["expect"]["items"] = json!({ "oneOf": expect });
    properties["expect"]["minItems"] = json!(1);
    properties["sockets"]["additionalProperties"] =
        json!({ "anyOf": [one::<SocketKeys>(), { "type": "null" }] });
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Orris case",
        "description": "a case of a production: what comes in, how the world answers, and what is to come of it",
        "type": "object",
        "properties": properties.take(),
        "required": case["required"].take(),
        "additionalProperties": false
    })
}

/// The keys of one thing in a list, with what it is in front.
fn one<T: JsonSchema>() -> Value {
    let mut schema = schema_of::<T>();
    let own = schema.as_object_mut().map(std::mem::take).unwrap_or_default();
    let kept = own.into_iter().filter(|(key, _)| !matches!(key.as_str(), "$schema" | "title"));
    Value::Object(kept.collect::<Map<_, _>>())
}
