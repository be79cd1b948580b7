//! `orris expr`: what an expression comes to on messages, for who writes rules, transforms and searches.

use std::path::PathBuf;

use components::message::{minutes_ahead, moment};
use model::BodyClass;
use rules::{Explained, Expr, ExprError, Facts, Trouble, Value};
use serde_json::json;

use super::draw::visible;
use super::input::{Found, Reading, each};
use super::words::Choice;
use crate::output::{Exit, Screen, print_note, time};

/// Try an expression on messages: a condition, or a value
///
/// Words such as source and session.id are empty: the messages come from files. Lookup tables and schedules
/// are those of --production. The exit code is 0, whatever comes of it.
#[derive(Debug, clap::Args)]
pub(crate) struct TryExpr {
    /// The expression, as in 'PV1-2 in ("I", "E")' or 'upper(PID-5.1)'
    #[arg(value_name = "EXPR")]
    expr: String,
    /// The messages: files, or - for standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Show what each part of it comes to
    #[arg(long)]
    explain: bool,
    /// As if it were that time, in the machine's zone, as in "2026-12-24 09:00" or 22:30
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    #[command(flatten)]
    choice: Choice,
    #[command(flatten)]
    reading: Reading,
    /// Print one JSON array
    #[arg(long)]
    json: bool,
}

impl TryExpr {
    pub(crate) fn run(&self, screen: &Screen) -> Result<(), Exit> {
        let scope = self.choice.scope()?;
        let now = match &self.at {
            Some(at) => {
                time::read_here(at, time::now()).map_err(|error| Exit::Usage(format!("--at: {error}")))?
            }
            None => time::now(),
        };
        let expr =
            Expr::value(&self.expr, &scope).map_err(|errors| Exit::Usage(wrong(&self.expr, &errors)))?;
        for doubt in expr.warnings() {
            print_note(&format!("{doubt}\n{}", indented(&doubt.caret(&self.expr))));
        }
        let messages = each(&self.files, &self.reading)?;
        let mut objects = Vec::new();
        for (label, found) in &messages {
            let trouble = Trouble::default();
            let facts = Facts {
                message: Some(&found.message),
                class: BodyClass::HL7.0,
                now: Some(moment(now)),
                zone: Some(minutes_ahead),
                trouble: Some(&trouble),
                ..Facts::default()
            };
            let values = expr.eval_all(&facts);
            let parts = if self.explain { expr.explain(&facts) } else { Vec::new() };
            if self.json {
                objects.push(object(label, found, &values, &parts));
            } else {
                screen.line(&format!("{}{}", place(&messages, label, found), said(&values)))?;
                for part in parts {
                    let indent = "  ".repeat(part.depth + 1);
                    screen.line(&format!("{indent}{}  is  {}", visible(&part.text), said(&part.values)))?;
                }
            }
            if let Some(reason) = trouble.first() {
                print_note(reason);
            }
        }
        if self.json { screen.json(&objects.into()) } else { Ok(()) }
    }
}

/// Which message it is, where there are several.
fn place(all: &[(String, Found)], label: &str, found: &Found) -> String {
    if all.len() > 1 { format!("{label}:{}  ", found.line) } else { String::new() }
}

/// All that is wrong with an expression, each with its place.
fn wrong(text: &str, errors: &[ExprError]) -> String {
    let each = errors.iter().map(|error| format!("{error}\n{}", indented(&error.caret(text))));
    each.collect::<Vec<_>>().join("\n")
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

fn said(values: &[Value<'_>]) -> String {
    let one = |value: &Value<'_>| match value {
        Value::Missing => "missing".to_owned(),
        Value::Empty => "empty".to_owned(),
        Value::Null => "null".to_owned(),
        Value::Text(text) => format!("\"{}\"", visible(text)),
        Value::Number(_) | Value::Boolean(_) => value.text().to_owned(),
    };
    values.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn object(label: &str, found: &Found, values: &[Value<'_>], parts: &[Explained<'_>]) -> serde_json::Value {
    let one = |value: &Value<'_>| match value {
        Value::Missing | Value::Null => serde_json::Value::Null,
        Value::Boolean(it) => json!(it),
        other => json!(other.text()),
    };
    let all = |values: &[Value<'_>]| -> Vec<serde_json::Value> { values.iter().map(one).collect() };
    let mut object =
        json!({ "file": label, "message": found.number, "line": found.line, "values": all(values) });
    if !parts.is_empty() {
        let part = |part: &Explained<'_>| json!({ "depth": part.depth, "expr": part.text, "values": all(&part.values) });
        object["parts"] = parts.iter().map(part).collect();
    }
    object
}
