//! Reads what stands in a step: its keys, with everything that is wrong about them at its place.

use std::ops::Range;
use std::time::Duration;

use model::{Note, NoteKind, Span};
use serde_json::{Map, Value};

use super::expression::Wrong;

/// What was found to be wrong.
#[derive(Debug, Default)]
pub(super) struct Findings(pub(super) Vec<Note>);

impl Findings {
    pub(super) fn error(&mut self, path: &str, message: impl Into<String>, help: Option<String>) {
        self.note(NoteKind::Error, path, message, help);
    }

    pub(super) fn warning(&mut self, path: &str, message: impl Into<String>, help: Option<String>) {
        self.note(NoteKind::Warning, path, message, help);
    }

    fn note(&mut self, kind: NoteKind, path: &str, message: impl Into<String>, help: Option<String>) {
        self.0.push(Note { kind, path: path.to_owned(), range: None, message: message.into(), help });
    }

    /// An error in a part of the text at `path`.
    pub(super) fn within(
        &mut self,
        path: &str,
        range: Option<Range<usize>>,
        message: String,
        help: Option<String>,
    ) {
        self.0.push(Note { kind: NoteKind::Error, path: path.to_owned(), range, message, help });
    }

    /// What is wrong with the expression at `path`.
    pub(super) fn expression(&mut self, path: &str, wrong: Vec<Wrong>) {
        for Wrong { range, message, help } in wrong {
            let path = path.to_owned();
            self.0.push(Note { kind: NoteKind::Error, path, range: Some(range), message, help });
        }
    }

    /// A list of steps.
    pub(super) fn list<'a>(&mut self, value: &'a Value, path: &str) -> &'a [Value] {
        match value {
            Value::Array(list) => list,
            other => {
                let message = format!("{} is {}; expected a list of steps", last(path), shown(other));
                let help = other.is_object().then(|| "begin each step with \"- \"".to_owned());
                self.error(path, message, help);
                &[]
            }
        }
    }

    /// A map.
    pub(super) fn map<'a>(&mut self, value: &'a Value, path: &str) -> Option<&'a Map<String, Value>> {
        let map = value.as_object();
        if map.is_none() {
            self.error(path, format!("{} is {}; expected a map", last(path), shown(value)), None);
        }
        map
    }

    /// Tells keys that are not among those known.
    pub(super) fn keys(&mut self, map: &Map<String, Value>, path: &str, known: &[&str]) {
        for key in map.keys().filter(|key| !known.contains(&key.as_str())) {
            let help = meant(key, known, "");
            let message = format!("unknown key \"{key}\" of step \"{}\"", known.first().unwrap_or(&""));
            self.error(&join(path, key), message, Some(help));
        }
    }

    /// A text: numbers and truth values are as they are written.
    pub(super) fn text(&mut self, value: &Value, path: &str) -> Option<String> {
        match value {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(truth) => Some(truth.to_string()),
            other => {
                self.error(path, format!("{} is {}; expected a text", last(path), shown(other)), None);
                None
            }
        }
    }

    pub(super) fn flag(&mut self, map: &Map<String, Value>, key: &str, path: &str) -> bool {
        match map.get(key) {
            None => false,
            Some(Value::Bool(truth)) => *truth,
            Some(other) => {
                let message = format!("{key} is {}; expected true or false", shown(other));
                self.error(&join(path, key), message, None);
                false
            }
        }
    }

    /// A duration with its unit.
    pub(super) fn span(&mut self, value: &Value, path: &str) -> Option<Duration> {
        let text = self.text(value, path)?;
        let seconds = format!("{}s", text.trim());
        match Span::try_from(text) {
            Ok(span) => Some(span.0),
            Err(message) => {
                let meant = Span::try_from(seconds.clone()).is_ok();
                self.error(path, message, meant.then(|| format!("did you mean {seconds}?")));
                None
            }
        }
    }

    /// A name that expressions can use.
    pub(super) fn name(&mut self, name: &str, path: &str) {
        if !is_name(name) {
            let message = format!("name is \"{name}\"; expected letters, digits and \"_\", as in lab_result");
            self.error(path, message, None);
        }
    }
}

/// Whether expressions can use the name.
pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The path of `key` in the map at `path`.
pub(super) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

/// A value as it is shown in a finding.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "without a value".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a map".to_owned(),
        Value::String(text) if text.is_empty() => "empty".to_owned(),
        other => other.to_string(),
    }
}

/// The known word that was most likely meant.
pub(super) fn nearest<'a>(found: &str, known: &[&'a str]) -> Option<&'a str> {
    // The word of transforms, and of other engines.
    let found = if found == "default" { "otherwise" } else { found };
    hl7::suggest::nearest_within(found, known.iter().copied(), |_| 2)
}

/// The known word that was most likely meant, as a question; else all of them, and `none` where there are none.
pub(super) fn meant(found: &str, known: &[&str], none: &str) -> String {
    match nearest(found, known) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None if known.is_empty() => none.to_owned(),
        None => format!("expected one of {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn near_words_are_found() {
        let known = ["call", "sync", "assign", "for_each"];
        assert_eq!(nearest("cal", &known), Some("call"));
        assert_eq!(nearest("foreach", &known), Some("for_each"));
        assert_eq!(nearest("email", &known), None);
    }
}
