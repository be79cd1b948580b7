//! The steps of a transform, read one by one: what a step does decides which keys it may have.

use rules::transform::{ActionDef, CaseDef, CodeDef, StepDef, ValueDef};
use serde_json::{Value, json};

use super::keys::{ACTIONS, OF_ALL, choose, step};
use crate::finding::Findings;
use crate::scalar;
use crate::source::Sources;
use crate::suggest::did_you_mean_or_all;
use crate::tree::{Kind, Node, Scalar};
use crate::walk::{Walk, shown};

/// Reads steps.
pub(super) struct Reader<'a> {
    pub(super) sources: &'a Sources,
    pub(super) findings: &'a mut Findings,
    /// Paths whose value is a stand-in.
    pub(super) set_aside: &'a mut Vec<String>,
}

/// A step that does nothing, for what cannot be read.
const NOTHING: StepDef = StepDef { line: 0, disabled: true, action: ActionDef::Comment };

impl Reader<'_> {
    /// The steps of a list, which stands at `path`.
    pub(super) fn list(&mut self, node: &Node, path: &str) -> Vec<StepDef> {
        let Kind::List(nodes) = &node.kind else {
            // That it is none was told by whoever looked at the keys.
            self.set_aside.push(path.to_owned());
            return Vec::new();
        };
        nodes.iter().enumerate().map(|(at, node)| self.step(node, &format!("{path}[{at}]"))).collect()
    }

    fn step(&mut self, node: &Node, path: &str) -> StepDef {
        let Some(action) = self.action_of(node) else {
            self.set_aside.push(path.to_owned());
            return NOTHING;
        };
        let mut walk = Walk::of_keys(self.findings);
        let steps = json!({ "type": "array" });
        let keys = if chooses(node) { choose(&steps) } else { step(action, &steps) };
        let value = walk.value(&keys, node, path, true).unwrap_or_default();
        self.set_aside.append(&mut walk.set_aside);
        let line = self.sources.get(node.place.file).line_column(node.place.range.start).0;
        let disabled = value.get("disabled").and_then(Value::as_bool) == Some(true);
        StepDef { line, disabled, action: self.action(action, node, &value, path) }
    }

    /// What a step does: one of the actions; the empty text for a comment.
    fn action_of(&mut self, node: &Node) -> Option<&'static str> {
        const HELP: &str = "a step is a map, as in { set: PV1-2, value: I }";
        if !matches!(node.kind, Kind::Map(_)) {
            let found = if node.is_null() { "nothing".to_owned() } else { shown(node) };
            let message = format!("found {found} here; expected a step");
            self.findings.error(&node.place, None, message).help(Some(HELP.to_owned()));
            return None;
        }
        let keys: Vec<_> = node.entries().iter().filter(|entry| ACTIONS.contains(&&*entry.key)).collect();
        match keys[..] {
            [entry] => ACTIONS.into_iter().find(|action| *action == entry.key),
            [first, second, ..] => {
                let message =
                    format!("a step does one thing; this one has \"{}\" and \"{}\"", first.key, second.key);
                let help = "make two steps of it".to_owned();
                self.findings.error(&second.key_place, None, message).help(Some(help));
                None
            }
            [] => match node.entries().iter().find(|entry| !OF_ALL.contains(&&*entry.key)) {
                None if node.get("comment").is_some() => Some(""),
                None => {
                    self.findings
                        .error(&node.place, None, "this step does nothing")
                        .help(Some(HELP.to_owned()));
                    None
                }
                Some(strange) => {
                    let message = format!("\"{}\" is nothing that a step can do", strange.key);
                    let help = did_you_mean_or_all(&strange.key, &ACTIONS);
                    self.findings.error(&strange.key_place, None, message).help(help);
                    None
                }
            },
        }
    }

    fn action(&mut self, action: &str, node: &Node, value: &Value, path: &str) -> ActionDef {
        let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let at = |key: &str| format!("{path}.{key}");
        let mut list = |key: &str| node.get(key).map(|node| self.list(node, &at(key))).unwrap_or_default();
        match action {
            "remove" => ActionDef::Remove { path: text(action) },
            "clear" => ActionDef::Clear { path: text(action) },
            "if" => {
                let (then, otherwise) = (list("then"), list("else"));
                if node.get("then").or_else(|| node.get("else")).is_none() {
                    let message = "required key \"then\" is missing; expected a list of steps";
                    self.findings.error(&node.place, None, message);
                }
                ActionDef::If { condition: text(action), then, otherwise }
            }
            "switch" if chooses(node) => {
                let default = list("default");
                ActionDef::Choose { cases: self.cases(node, value, &at("switch")), default }
            }
            "switch" => {
                let default = list("default");
                let entries = node.get("cases").map(Node::entries).unwrap_or_default();
                let cases = entries.iter().map(|entry| {
                    let path = format!("{}.{}", at("cases"), entry.key);
                    (entry.key.clone(), self.list(&entry.value, &path))
                });
                ActionDef::Switch { value: text(action), cases: cases.collect(), default }
            }
            "for_each" => ActionDef::ForEach { each: text(action), steps: list("do") },
            "use" => ActionDef::Use { name: text(action) },
            "trace" => ActionDef::Trace { text: text(action) },
            "code" => {
                let places = node.get("code").map(|node| scalar::lines(self.sources, node));
                ActionDef::Code(CodeDef { text: text(action), places: places.unwrap_or_default() })
            }
            "set" | "append" | "insert" => {
                let (to, value) = (text(action), self.value(action, node, value, path));
                match action {
                    "set" => ActionDef::Set { path: to, value },
                    "append" => ActionDef::Append { path: to, value },
                    _ => ActionDef::Insert { path: to, value },
                }
            }
            _ => ActionDef::Comment,
        }
    }

    /// The cases of a `switch` that have a condition each.
    fn cases(&mut self, node: &Node, value: &Value, path: &str) -> Vec<CaseDef> {
        let Some(Node { kind: Kind::List(nodes), place, .. }) = node.get("switch") else { return Vec::new() };
        if nodes.is_empty() {
            let help = "write them as in { when: PV1-2 = \"I\", do: [{ set: PV1-18, value: INP }] }";
            self.findings.error(place, None, "this switch has no cases").help(Some(help.to_owned()));
        }
        let case = |(number, case): (usize, &Node)| {
            let path = format!("{path}[{number}]");
            let when = value["switch"][number]["when"].as_str().unwrap_or_default().to_owned();
            let steps = case.get("do").map(|node| self.list(node, &format!("{path}.do")));
            CaseDef { when, steps: steps.unwrap_or_default() }
        };
        nodes.iter().enumerate().map(case).collect()
    }

    /// What is put somewhere: `value` or `from`.
    fn value(&mut self, action: &str, node: &Node, value: &Value, path: &str) -> ValueDef {
        match (node.get("value"), node.get("from")) {
            (Some(literal), None) => ValueDef::Text(self.as_written(literal)),
            (None, Some(_)) => {
                ValueDef::From(value.get("from").and_then(Value::as_str).unwrap_or_default().to_owned())
            }
            (Some(_), Some(from)) => {
                let message = "a step has either \"value\" or \"from\", not both";
                self.findings.error(&from.place, None, message);
                self.set_aside.push(path.to_owned());
                ValueDef::Text(String::new())
            }
            (None, None) if strange(action, node) => {
                self.set_aside.push(path.to_owned());
                ValueDef::Text(String::new())
            }
            (None, None) => {
                let message = format!("{action} has neither \"value\" nor \"from\"");
                let help =
                    "value: is a text as HL7 writes it, from: an expression; to take something out use clear";
                self.findings.error(&node.place, None, message).help(Some(help.to_owned()));
                self.set_aside.push(path.to_owned());
                ValueDef::Text(String::new())
            }
        }
    }

    /// A text, or a number or truth value with the characters that it was written with: `007` is `007`.
    fn as_written(&self, node: &Node) -> String {
        match &node.kind {
            Kind::Scalar(Scalar { value: Value::String(text), .. }) => text.clone(),
            Kind::Scalar(Scalar { filled: false, value: Value::Number(_) | Value::Bool(_), .. }) => {
                self.sources.get(node.place.file).text[node.place.range.clone()].to_owned()
            }
            Kind::Scalar(Scalar { value, .. }) if !value.is_null() => value.to_string(),
            _ => String::new(),
        }
    }
}

/// Whether a step is a `switch` whose cases have a condition each.
fn chooses(node: &Node) -> bool {
    node.get("switch").is_some_and(|value| matches!(value.kind, Kind::List(_)))
}

/// Whether a step has a key that nobody knows, which was told: it is most likely what is missing.
fn strange(action: &str, node: &Node) -> bool {
    let known = step(action, &Value::Null);
    node.entries().iter().any(|entry| known["properties"].get(&entry.key).is_none())
}
