//! An expression, compiled: what is known before a message comes is decided before it comes.

use std::borrow::Cow;
use std::fmt::{self, Display, Formatter};

use hl7::schema::PathContext;

use crate::ast::{Ast, Condition, Literal, Op, Operand};
use crate::compare::{Mode, Side, equal, holds};
use crate::facts::Fact;
use crate::parse::parse;
use crate::{ExprError, Facts, Value, folding};

/// A condition about a message, compiled once. Displays as it is written, in its plainest form.
#[derive(Debug, Clone)]
pub struct Expr {
    ast: Ast,
    test: Test,
    warnings: Vec<ExprError>,
}

/// The form that runs.
#[derive(Debug, Clone)]
enum Test {
    Known(bool),
    /// The most frequent one: one place against one text that is neither nothing nor null.
    Text {
        path: hl7::Path,
        text: String,
        wanted: bool,
    },
    Compare {
        left: Operand,
        op: Op,
        mode: Mode,
        right: Operand,
        wanted: bool,
    },
    In {
        left: Operand,
        list: Vec<Literal>,
    },
    Not(Box<Test>),
    All(Vec<Test>),
    Any(Vec<Test>),
}

impl Expr {
    /// Compiles a condition. Names of fields are those that all versions of HL7 have that know them.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn compile(text: &str) -> Result<Expr, ExprError> {
        Self::compile_with(text, &PathContext::default())
    }

    /// Compiles a condition whose paths are read by the schemas of `context`.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn compile_with(text: &str, context: &PathContext) -> Result<Expr, ExprError> {
        Self::of(text, true, context).map_err(first)
    }

    #[cfg(test)]
    pub(crate) fn compile_value(text: &str) -> Result<Expr, ExprError> {
        Self::of(text, false, &PathContext::default()).map_err(first)
    }

    pub(crate) fn of(
        text: &str,
        wants_condition: bool,
        context: &PathContext,
    ) -> Result<Expr, Vec<ExprError>> {
        let parsed = parse(text, wants_condition, context)?;
        let test = match &parsed.ast {
            Ast::Condition(condition) => test(condition),
            Ast::Value(_) => Test::Known(false),
        };
        Ok(Expr { ast: parsed.ast, test, warnings: parsed.warnings })
    }

    #[cfg(test)]
    pub(crate) fn problems(text: &str) -> Vec<ExprError> {
        Self::of(text, true, &PathContext::default()).err().unwrap_or_default()
    }

    /// What is doubtful about it, such as a comparison that is always true.
    pub fn warnings(&self) -> &[ExprError] {
        &self.warnings
    }

    /// What it is on every message, where that is plain to see.
    pub fn constant(&self) -> Option<bool> {
        match &self.ast {
            Ast::Condition(condition) => folding::constant(condition),
            Ast::Value(_) => None,
        }
    }

    /// Whether the condition holds. A mere value does not.
    pub fn is_true(&self, facts: &Facts<'_>) -> bool {
        run(&self.test, facts)
    }

    /// What it comes to; for a `[*]` path the first value.
    pub fn eval<'a>(&'a self, facts: &Facts<'a>) -> Value<'a> {
        match &self.ast {
            Ast::Condition(_) => Value::Boolean(self.is_true(facts)),
            Ast::Value(operand) => {
                let mut found = Value::Missing;
                each_value(operand, facts, |value| {
                    found = value;
                    true
                });
                found
            }
        }
    }

    /// The values of a `[*]` path, or the one value of anything else.
    pub fn eval_all<'a>(&'a self, facts: &Facts<'a>) -> Vec<Value<'a>> {
        let mut all = Vec::new();
        match &self.ast {
            Ast::Condition(_) => all.push(Value::Boolean(self.is_true(facts))),
            Ast::Value(operand) => {
                each_value(operand, facts, |value| {
                    all.push(value);
                    false
                });
            }
        }
        all
    }

    /// Whether it stands for all of several values, as `OBX[*]-5` does.
    pub fn is_many(&self) -> bool {
        matches!(&self.ast, Ast::Value(Operand::Path(path)) if path.is_plural())
    }

    /// The texts that a message must have at single places for this to be true: `[("MSH-10",
    /// "4711")]` for `MSH-10 = "4711" and PID-8 = "F"`'s first part. Words such as `doc.type` count
    /// as places. Empty when nothing is fixed; for finding messages by an index.
    pub fn fixed(&self) -> Vec<(String, &str)> {
        match &self.ast {
            Ast::Condition(Condition::And(all)) => all.iter().filter_map(fixed).collect(),
            Ast::Condition(condition) => fixed(condition).into_iter().collect(),
            Ast::Value(_) => Vec::new(),
        }
    }

    #[cfg(test)]
    pub(crate) fn ast(&self) -> &Ast {
        &self.ast
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.ast.fmt(f)
    }
}

fn first(errors: Vec<ExprError>) -> ExprError {
    errors.into_iter().next().unwrap_or_else(|| ExprError::new(0..0, "this cannot be read"))
}

fn fixed(condition: &Condition) -> Option<(String, &str)> {
    let Condition::Compare { left, op: Op::Eq, right: Operand::Literal(Literal::Text(text)) } = condition
    else {
        return None;
    };
    if text.is_empty() {
        return None;
    }
    match left {
        Operand::Path(path) => Some((path.to_string(), text)),
        Operand::Fact(fact) => Some((fact.word().to_owned(), text)),
        Operand::Literal(_) => None,
    }
}

fn test(condition: &Condition) -> Test {
    if let Some(known) = folding::constant(condition) {
        return Test::Known(known);
    }
    match condition {
        Condition::Constant(value) => Test::Known(*value),
        Condition::Not(inner) => Test::Not(Box::new(test(inner))),
        Condition::And(all) => Test::All(all.iter().map(test).collect()),
        Condition::Or(all) => Test::Any(all.iter().map(test).collect()),
        Condition::In { left, list } => Test::In { left: left.clone(), list: list.clone() },
        Condition::Compare { left, op, right } => compare(left, *op, right),
    }
}

fn compare(left: &Operand, op: Op, right: &Operand) -> Test {
    // `!=` is the opposite of `=` on `[*]` paths too: no value is equal.
    let (op, wanted) = if op == Op::Ne { (Op::Eq, false) } else { (op, true) };
    match (left, right) {
        (Operand::Path(path), Operand::Literal(Literal::Text(text)))
            if op == Op::Eq && !path.is_plural() && !text.is_empty() =>
        {
            if let Some(path) = path.plain() {
                return Test::Text { path: *path, text: text.clone(), wanted };
            }
        }
        _ => {}
    }
    let mode = Mode::of(left, right);
    Test::Compare { left: left.clone(), op, mode, right: right.clone(), wanted }
}

fn run(test: &Test, facts: &Facts<'_>) -> bool {
    match test {
        Test::Known(value) => *value,
        Test::Text { path, text, wanted } => place_is(path, text, facts) == *wanted,
        Test::Compare { left, op, mode, right, wanted } => {
            let found =
                any_side(left, facts, |left| any_side(right, facts, |right| holds(*op, *mode, left, right)));
            found == *wanted
        }
        Test::In { left, list } => any_side(left, facts, |left| {
            list.iter().any(|it| equal(Mode::of_listed(it), left, Side::of_literal(it)))
        }),
        Test::Not(inner) => !run(inner, facts),
        Test::All(all) => all.iter().all(|test| run(test, facts)),
        Test::Any(all) => all.iter().any(|test| run(test, facts)),
    }
}

fn place_is(path: &hl7::Path, text: &str, facts: &Facts<'_>) -> bool {
    let Some(message) = facts.message else { return false };
    match message.get(path) {
        None | Some("" | "\"\"") => false,
        Some(raw) => *unescaped(path, raw, message) == *text,
    }
}

/// The value at `path`; the encoding characters themselves are no text with escapes in it.
fn unescaped<'a>(path: &hl7::Path, raw: &'a str, message: &hl7::Message) -> Cow<'a, str> {
    if path.field() == Some(2) && path.segment() == "MSH" {
        return Cow::Borrowed(raw);
    }
    hl7::escape::decode(raw, &message.separators())
}

fn path_value<'a>(path: &hl7::FieldPath, raw: Option<&'a str>, message: &hl7::Message) -> Value<'a> {
    match raw {
        None => Value::Missing,
        Some("") => Value::Empty,
        Some("\"\"") => Value::Null,
        Some(raw) if path.field() == Some(2) && path.segment() == Some("MSH") => Value::of_text(raw),
        Some(raw) => Value::of_text(hl7::escape::decode(raw, &message.separators())),
    }
}

/// Whether `found` says yes to one of the operand's values. A `[*]` path without any value is
/// nothing, once.
fn any_side(operand: &Operand, facts: &Facts<'_>, mut found: impl FnMut(Side<'_>) -> bool) -> bool {
    if let Operand::Literal(literal) = operand {
        return found(Side::of_literal(literal));
    }
    each_value(operand, facts, |value| {
        found(match &value {
            Value::Null => Side::Null,
            other => Side::of_text(other.text()),
        })
    })
}

/// Hands each value of the operand to `enough`, until it says so.
fn each_value<'a>(
    operand: &'a Operand,
    facts: &Facts<'a>,
    mut enough: impl FnMut(Value<'a>) -> bool,
) -> bool {
    match operand {
        Operand::Literal(literal) => enough(match literal {
            Literal::Text(text) => Value::of_text(text.as_str()),
            Literal::Number(number) => Value::Number(Cow::Borrowed(number)),
            Literal::Null => Value::Null,
        }),
        Operand::Fact(fact) => enough(fact_value(*fact, facts)),
        Operand::Path(path) => {
            let Some(message) = facts.message else { return enough(Value::Missing) };
            if let Some(count) = path.count(message) {
                return enough(Value::Number(count.to_string().into()));
            }
            if !path.is_plural() {
                return enough(path_value(path, path.get(message), message));
            }
            let values = path.values(message);
            if values.is_empty() {
                return enough(Value::Missing);
            }
            values.into_iter().any(|raw| enough(path_value(path, Some(raw), message)))
        }
    }
}

fn fact_value<'a>(fact: Fact, facts: &Facts<'a>) -> Value<'a> {
    Value::of_text(fact.of(facts))
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
