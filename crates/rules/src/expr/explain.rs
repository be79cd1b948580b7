//! What the parts of an expression come to, for whoever wonders why.

use super::Expr;
use crate::ast::{Arg, Ast, Call, Condition, Operand};
use crate::eval::each_value;
use crate::test::{run, test};
use crate::{Facts, Value};

/// One part of an expression, and what it came to. Holds what stands in the message.
#[derive(Clone)]
pub struct Explained<'a> {
    /// How many parts it lies within.
    pub depth: usize,
    /// How it is written.
    pub text: String,
    /// Its values; several of a `[*]` path.
    pub values: Vec<Value<'a>>,
}

impl Expr {
    /// All parts with what they come to, each before what it is made of. What is written out is left out.
    pub fn explain<'a>(&'a self, facts: &Facts<'a>) -> Vec<Explained<'a>> {
        let mut all = Vec::new();
        match &self.ast {
            Ast::Condition(it) => condition(it, 0, facts, &mut all),
            Ast::Value(it) => operand(it, 0, facts, &mut all),
        }
        all
    }
}

fn condition<'a>(it: &'a Condition, depth: usize, facts: &Facts<'a>, all: &mut Vec<Explained<'a>>) {
    let values = vec![Value::Boolean(run(&test(it), facts))];
    all.push(Explained { depth, text: it.to_string(), values });
    match it {
        Condition::Constant(_) => {}
        Condition::Compare { left, right, .. } => {
            operand(left, depth + 1, facts, all);
            operand(right, depth + 1, facts, all);
        }
        Condition::In { left, .. } | Condition::Match { left, .. } => operand(left, depth + 1, facts, all),
        Condition::Call(it) => call(it, depth + 1, facts, all),
        Condition::Not(inner) => condition(inner, depth + 1, facts, all),
        Condition::And(parts) | Condition::Or(parts) => {
            parts.iter().for_each(|part| condition(part, depth + 1, facts, all));
        }
    }
}

fn operand<'a>(it: &'a Operand, depth: usize, facts: &Facts<'a>, all: &mut Vec<Explained<'a>>) {
    if matches!(it, Operand::Literal(_)) && depth > 0 {
        return;
    }
    let mut values = Vec::new();
    each_value(it, facts, &mut |value| {
        values.push(value);
        false
    });
    all.push(Explained { depth, text: it.to_string(), values });
    match it {
        Operand::Call(it) => call(it, depth + 1, facts, all),
        Operand::Negative(inner) => operand(inner, depth + 1, facts, all),
        Operand::Calculation(it) => {
            operand(&it.left, depth + 1, facts, all);
            operand(&it.right, depth + 1, facts, all);
        }
        _ => {}
    }
}

fn call<'a>(it: &'a Call, depth: usize, facts: &Facts<'a>, all: &mut Vec<Explained<'a>>) {
    for arg in &it.args {
        match arg {
            Arg::Value(it) => operand(it, depth, facts, all),
            Arg::Condition(it, _) => condition(it, depth, facts, all),
        }
    }
}
