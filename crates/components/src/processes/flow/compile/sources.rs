//! Steps that send or make messages.

use serde_json::Value;

use super::super::instance::REQUEST;
use super::super::program::{Op, Source};
use super::super::reading::{join, meant};
use super::{At, Compiler};

/// The request as it is, in `request` and `reply`.
const SAME: &str = "same";

impl Compiler {
    /// What is sent or answered: a name, or how it is made.
    pub(super) fn source(&mut self, value: &Value, path: &str) -> Option<Source> {
        if let Some(name) = value.as_str() {
            let name = if name == SAME { REQUEST } else { name };
            self.message(name, path);
            return Some(Source::Message(name.to_owned()));
        }
        let map = self.findings.map(value, path)?;
        self.findings.keys(map, path, &["transform", "text", "set", "of"]);
        let of = self.of(map, path);
        match (map.get("transform"), map.get("text"), map.get("set")) {
            (Some(name), None, None) => {
                let place = join(path, "transform");
                let name = self.findings.text(name, &place)?;
                self.known_transform(&name, &place);
                Some(Source::Transform { name, of })
            }
            (None, Some(text), None) => {
                let text = self.template(text, &join(path, "text"))?;
                Some(Source::Text { text, of })
            }
            (None, None, Some(set)) => self.set(set, &join(path, "set"), of),
            _ => {
                let message = "a message is made by one of \"transform\", \"text\" and \"set\"";
                self.findings.error(path, message, None);
                None
            }
        }
    }

    fn set(&mut self, set: &Value, path: &str, of: String) -> Option<Source> {
        let mut values = Vec::new();
        for (field, value) in self.findings.map(set, path)? {
            let place = join(path, field);
            let value = self.value(value, &place);
            match field.parse::<hl7::Path>() {
                Ok(field) => values.extend(value.map(|value| (field, value))),
                Err(error) => self.findings.error(&place, error.to_string(), None),
            }
        }
        Some(Source::Set { of, values })
    }

    /// Tells a transform that there is not, and what it reads of a flow that this one does not have.
    fn known_transform(&mut self, name: &str, path: &str) {
        if let Some(transform) = self.program.transforms.get(name) {
            for (message, help) in transform.unknown_variables(&self.words.context) {
                self.findings.error(path, message, Some(help));
            }
            return;
        }
        let known: Vec<&str> = self.program.transforms.names().collect();
        // One that is wrong was told where it stands.
        if known.contains(&name) {
            return;
        }
        let help = meant(name, &known, "define it under \"transforms\" of the production");
        self.findings.error(path, format!("there is no transform \"{name}\""), Some(help));
    }

    pub(super) fn transform(&mut self, at: &At<'_>) {
        let of = self.of(at.map, at.path);
        let Some(name) = self.findings.text(at.value, &at.place) else { return };
        self.known_transform(&name, &at.place);
        let Some(made) = at.map.get("as") else {
            let message = "key \"as\" is missing; expected a name for the message that is made";
            return self.findings.error(at.path, message, None);
        };
        let Some(made) = self.findings.text(made, &at.under("as")) else { return };
        self.findings.name(&made, &at.under("as"));
        self.push(Op::Make { source: Source::Transform { name, of }, name: made });
    }

    /// `reply: NAME`, `reply: done`, `reply: { error: … }`, or as a message is made.
    pub(super) fn reply(&mut self, at: &At<'_>) {
        self.answer.is_given();
        if at.value.is_null() || at.value.as_str() == Some("done") {
            self.push(Op::Reply { source: None, error: None });
            return;
        }
        if let Some(error) = at.value.get("error") {
            let place = join(&at.place, "error");
            if let Some(error) = self.findings.text(error, &place) {
                if error.contains("{{") {
                    let message = "error holds \"{{\"; expected a text without values";
                    self.findings.error(&place, message, None);
                }
                self.push(Op::Reply { source: None, error: Some(error) });
            }
            return;
        }
        if let Some(source) = self.source(at.value, &at.place) {
            self.push(Op::Reply { source: Some(source), error: None });
        }
    }
}
