//! An expression, compiled: what is known before a message comes is decided before it comes.

mod explain;

use std::collections::BTreeSet;
use std::fmt::{self, Display, Formatter};

use hl7::schema::PathContext;

pub use self::explain::Explained;
use crate::ast::{Ast, Condition, Literal, Op, Operand};
use crate::eval::each_value;
use crate::parse::parse;
use crate::test::{Test, run, test};
use crate::{ExprError, Facts, Scope, Value, folding};

/// A condition about a message, compiled once. Displays as it is written, in its plainest form.
#[derive(Debug, Clone)]
pub struct Expr {
    ast: Ast,
    test: Test,
    warnings: Vec<ExprError>,
    variables: BTreeSet<String>,
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
        Self::condition(text, &Scope::from(context)).map_err(first)
    }

    /// Compiles a condition whose names are those of `scope`.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of the text.
    pub fn condition(text: &str, scope: &Scope) -> Result<Expr, Vec<ExprError>> {
        Self::of(text, true, scope)
    }

    /// Compiles a value, or a condition (`true` or `false`), whose names are those of `scope`.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of the text.
    pub fn value(text: &str, scope: &Scope) -> Result<Expr, Vec<ExprError>> {
        Self::of(text, false, scope)
    }

    #[cfg(test)]
    pub(crate) fn compile_value(text: &str) -> Result<Expr, ExprError> {
        Self::value(text, &Scope::default()).map_err(first)
    }

    fn of(text: &str, wants_condition: bool, scope: &Scope) -> Result<Expr, Vec<ExprError>> {
        let parsed = parse(text, wants_condition, scope)?;
        let test = match &parsed.ast {
            Ast::Condition(condition) => test(condition),
            Ast::Value(_) => Test::Known(false),
        };
        Ok(Expr { ast: parsed.ast, test, warnings: parsed.warnings, variables: parsed.variables })
    }

    #[cfg(test)]
    pub(crate) fn problems(text: &str) -> Vec<ExprError> {
        Self::condition(text, &Scope::default()).err().unwrap_or_default()
    }

    /// What is doubtful about it, such as a comparison that is always true.
    pub fn warnings(&self) -> &[ExprError] {
        &self.warnings
    }

    /// The NAMEs of all `context.NAME` in it.
    pub(crate) fn variables(&self) -> &BTreeSet<String> {
        &self.variables
    }

    /// What it is on every message, where that is plain to see.
    pub fn constant(&self) -> Option<bool> {
        match &self.ast {
            Ast::Condition(condition) => folding::constant(condition),
            Ast::Value(_) => None,
        }
    }

    /// The text that it is, where it is one that is written out.
    pub fn written(&self) -> Option<&str> {
        match &self.ast {
            Ast::Value(Operand::Literal(Literal::Text(text))) => Some(text),
            _ => None,
        }
    }

    /// What all of these together are on every message, where that is plain to see.
    pub(crate) fn constant_of(all: &[Expr]) -> Option<bool> {
        let conditions = all.iter().filter_map(|expr| match &expr.ast {
            Ast::Condition(condition) => Some(condition.clone()),
            Ast::Value(_) => None,
        });
        folding::constant(&Condition::And(conditions.collect()))
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
                each_value(operand, facts, &mut |value| {
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
                each_value(operand, facts, &mut |value| {
                    all.push(value);
                    false
                });
            }
        }
        all
    }

    /// Whether it stands for all of several values, as `OBX[*]-5` does.
    pub fn is_many(&self) -> bool {
        matches!(&self.ast, Ast::Value(operand) if operand.is_plural())
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
        _ => None,
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
