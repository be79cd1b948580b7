//! Text with values of a message in it: `{"type": {{ doc.type | json }}}`.
//!
//! What stands between `{{` and `}}` is an expression; `| json` behind it makes a whole JSON value of
//! it, quotes included. A `[*]` path gives all its values: joined by `, `, or as a JSON array.

use std::fmt::Write;
use std::ops::Range;

use hl7::schema::PathContext;

use crate::suggest::nearest;
use crate::{Expr, ExprError, Facts, Scope, Value};

/// A text with expressions in it, compiled once.
#[derive(Debug, Clone)]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone)]
enum Part {
    Text(String),
    Value(Box<Expr>, Filter),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filter {
    None,
    Json,
}

/// The filters, by name.
const FILTERS: [(&str, Filter); 1] = [("json", Filter::Json)];

impl Template {
    /// Compiles a template.
    ///
    /// # Errors
    /// The first thing that is wrong with it; [`Template::problems`] tells all.
    pub fn compile(text: &str) -> Result<Template, ExprError> {
        Self::compile_with(text, &PathContext::default())
    }

    /// Compiles a template whose paths are read by the schemas of `context`.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn compile_with(text: &str, context: &PathContext) -> Result<Template, ExprError> {
        Self::compile_in(text, &Scope::from(context)).map_err(|errors| {
            errors.into_iter().next().unwrap_or_else(|| ExprError::new(0..0, "this cannot be read"))
        })
    }

    /// Compiles a template whose names are those of `scope`.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of the text.
    pub fn compile_in(text: &str, scope: &Scope) -> Result<Template, Vec<ExprError>> {
        let mut errors = Vec::new();
        let parts = parts(text, scope, &mut errors);
        if errors.is_empty() { Ok(Template(parts)) } else { Err(errors) }
    }

    /// Everything that is wrong with the template `text`, in the order of the text.
    pub fn problems(text: &str) -> Vec<ExprError> {
        Self::problems_with(text, &PathContext::default())
    }

    /// The same, with paths that are read by the schemas of `context`.
    pub fn problems_with(text: &str, context: &PathContext) -> Vec<ExprError> {
        let mut errors = Vec::new();
        parts(text, &Scope::from(context), &mut errors);
        errors
    }

    /// Whether it is the same text for every message.
    pub fn is_literal(&self) -> bool {
        self.0.iter().all(|part| matches!(part, Part::Text(_)))
    }

    /// The NAMEs of all `context.NAME` in it.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &String> {
        let exprs = self.0.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Value(expr, _) => Some(expr),
        });
        exprs.flat_map(|expr| expr.variables())
    }

    /// The text for one message.
    pub fn render(&self, facts: &Facts<'_>) -> String {
        let mut out = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Value(expr, Filter::None) => plain(expr, facts, &mut out),
                Part::Value(expr, Filter::Json) => json(expr, facts, &mut out),
            }
        }
        out
    }
}

/// Cuts `text` into its parts.
fn parts(text: &str, scope: &Scope, errors: &mut Vec<ExprError>) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some(open) = text[at..].find("{{").map(|found| at + found) {
        if open > at {
            parts.push(Part::Text(text[at..open].to_owned()));
        }
        let inside = open + 2;
        let Some((bar, close)) = ends(text, inside) else {
            let error = ExprError::new(open..inside, "this \"{{\" is never closed");
            errors.push(error.help("close it with \"}}\"; for braces in the text write {{ \"{{\" }}"));
            return parts;
        };
        parts.extend(value(text, inside..close, bar, scope, errors));
        at = close + 2;
    }
    if at < text.len() {
        parts.push(Part::Text(text[at..].to_owned()));
    }
    parts
}

/// Where the value that begins at `start` has its `|`, if any, and its `}}`. Quotes are respected.
fn ends(text: &str, start: usize) -> Option<(Option<usize>, usize)> {
    let bytes = text.as_bytes();
    let (mut at, mut bar, mut in_quotes) = (start, None, false);
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if in_quotes => at += 1,
            b'"' => in_quotes = !in_quotes,
            b'}' if !in_quotes && bytes.get(at + 1) == Some(&b'}') => return Some((bar, at)),
            b'|' if !in_quotes && bytes.get(at + 1) == Some(&b'|') => at += 1,
            b'|' if !in_quotes => bar = bar.or(Some(at)),
            _ => {}
        }
        at += 1;
    }
    None
}

fn value(
    text: &str,
    range: Range<usize>,
    bar: Option<usize>,
    scope: &Scope,
    errors: &mut Vec<ExprError>,
) -> Option<Part> {
    let filter = bar.map_or(Some(Filter::None), |bar| filter(text, bar + 1..range.end, errors));
    let source = &text[range.start..bar.unwrap_or(range.end)];
    match Expr::value(source, scope) {
        Ok(expr) => filter.map(|filter| Part::Value(Box::new(expr), filter)),
        Err(found) => {
            errors.extend(found.into_iter().map(|error| error.shifted(range.start)));
            None
        }
    }
}

fn filter(text: &str, range: Range<usize>, errors: &mut Vec<ExprError>) -> Option<Filter> {
    let name = text[range.clone()].trim();
    let known = FILTERS.iter().find(|(known, _)| *known == name).map(|(_, filter)| *filter);
    if known.is_none() {
        let start = range.end - text[range.clone()].trim_start().len();
        let error = ExprError::new(start..start + name.len(), format!("\"{name}\" is not a filter"));
        let names = FILTERS.map(|(name, _)| name);
        errors.push(match nearest(name, names) {
            Some(near) => error.help(format!("did you mean \"{near}\"?")),
            None => error.help(format!("expected one of {}", names.join(", "))),
        });
    }
    known
}

fn plain(expr: &Expr, facts: &Facts<'_>, out: &mut String) {
    if !expr.is_many() {
        out.push_str(expr.eval(facts).text());
        return;
    }
    for (i, value) in expr.eval_all(facts).iter().enumerate() {
        out.push_str(if i > 0 { ", " } else { "" });
        out.push_str(value.text());
    }
}

fn json(expr: &Expr, facts: &Facts<'_>, out: &mut String) {
    if !expr.is_many() {
        json_value(&expr.eval(facts), out);
        return;
    }
    out.push('[');
    for (i, value) in expr.eval_all(facts).iter().filter(|value| **value != Value::Missing).enumerate() {
        out.push_str(if i > 0 { "," } else { "" });
        json_value(value, out);
    }
    out.push(']');
}

/// `null` for the HL7 null alone: what is missing or empty is an empty string.
fn json_value(value: &Value<'_>, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Boolean(_) => out.push_str(value.text()),
        // A count; what was written out may be no number of JSON's.
        Value::Number(number) if number.bytes().all(|byte| byte.is_ascii_digit()) && is_plain(number) => {
            out.push_str(number);
        }
        _ => json_string(value.text(), out),
    }
}

/// Whether digits begin with none that is left out in JSON.
fn is_plain(digits: &str) -> bool {
    digits == "0" || !digits.starts_with('0')
}

fn json_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if u32::from(c) < 0x20 => {
                let _writing_to_a_string_cannot_fail = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests;
