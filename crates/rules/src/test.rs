//! The form of a condition that runs: what is known before a message comes is decided before it comes.

use crate::ast::{Call, Condition, Literal, Op, Operand};
use crate::compare::{Mode, Side, equal, holds};
use crate::eval::{any_side, unescaped};
use crate::pattern::Pattern;
use crate::{Facts, folding, functions};

/// The form that runs.
#[derive(Debug, Clone)]
pub(crate) enum Test {
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
    Match {
        left: Operand,
        pattern: Pattern,
    },
    Call(Box<Call>),
    Not(Box<Test>),
    All(Vec<Test>),
    Any(Vec<Test>),
}

/// The form of `condition` that runs.
pub(crate) fn test(condition: &Condition) -> Test {
    if let Some(known) = folding::constant(condition) {
        return Test::Known(known);
    }
    match condition {
        Condition::Constant(value) => Test::Known(*value),
        Condition::Not(inner) => Test::Not(Box::new(test(inner))),
        Condition::And(all) => Test::All(all.iter().map(test).collect()),
        Condition::Or(all) => Test::Any(all.iter().map(test).collect()),
        Condition::In { left, list } => Test::In { left: left.clone(), list: list.clone() },
        Condition::Match { left, pattern } => Test::Match { left: left.clone(), pattern: pattern.clone() },
        Condition::Call(call) => Test::Call(call.clone()),
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

/// Whether the condition holds.
pub(crate) fn run(test: &Test, facts: &Facts<'_>) -> bool {
    match test {
        Test::Known(value) => *value,
        Test::Text { path, text, wanted } => place_is(path, text, facts) == *wanted,
        Test::Compare { left, op, mode, right, wanted } => {
            let found = any_side(left, facts, &mut |left| {
                any_side(right, facts, &mut |right| holds(*op, *mode, left, right))
            });
            found == *wanted
        }
        Test::In { left, list } => any_side(left, facts, &mut |left| {
            list.iter().any(|it| equal(Mode::of_listed(it), left, Side::of_literal(it)))
        }),
        Test::Match { left, pattern } => {
            any_side(left, facts, &mut |left| matches!(left, Side::Text(text) if pattern.fits(text)))
        }
        Test::Call(call) => functions::holds(call, facts),
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
