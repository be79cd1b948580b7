//! What can be said about a condition without a message: that it is always, or never, true.

use crate::ast::{Condition, Literal, Op, Operand};
use crate::compare::{Mode, Side, equal, holds};
use crate::number::Decimal;

/// What `condition` is on every message, where that is plain to see.
pub(crate) fn constant(condition: &Condition) -> Option<bool> {
    match condition {
        Condition::Constant(value) => Some(*value),
        Condition::Compare { left, op, right } => compare(left, *op, right),
        Condition::In { left: Operand::Literal(left), list } => {
            let left = Side::of_literal(left);
            Some(list.iter().any(|it| equal(Mode::of_listed(it), left, Side::of_literal(it))))
        }
        Condition::Match { left: Operand::Literal(left), pattern } => {
            Some(matches!(Side::of_literal(left), Side::Text(text) if pattern.fits(text)))
        }
        Condition::In { .. } | Condition::Match { .. } | Condition::Call(_) => None,
        Condition::Not(inner) => constant(inner).map(|value| !value),
        Condition::And(all) => all_of(all, false).or_else(|| excludes_itself(all).then_some(false)),
        Condition::Or(all) => all_of(all, true).or_else(|| misses_nothing(all).then_some(true)),
    }
}

/// `and` with `deciding` false, `or` with true.
fn all_of(all: &[Condition], deciding: bool) -> Option<bool> {
    let known: Vec<_> = all.iter().map(constant).collect();
    if known.contains(&Some(deciding)) {
        return Some(deciding);
    }
    known.iter().all(Option::is_some).then_some(!deciding)
}

fn compare(left: &Operand, op: Op, right: &Operand) -> Option<bool> {
    if let (Operand::Literal(a), Operand::Literal(b)) = (left, right) {
        let (mode, a, b) = (Mode::of(left, right), Side::of_literal(a), Side::of_literal(b));
        return Some(holds(op, mode, a, b));
    }
    // Nothing and null have no place in an order, and nothing is contained in anything.
    let literal = [left, right].into_iter().find_map(|side| match side {
        Operand::Literal(literal) => Some(literal),
        _ => None,
    })?;
    let no_text = !matches!(Side::of_literal(literal), Side::Text(_));
    (no_text && !matches!(op, Op::Eq | Op::Ne)).then_some(false)
}

/// `MSH-9.1 = "ADT" and MSH-9.1 = "ORU"`: one value cannot be two.
fn excludes_itself(all: &[Condition]) -> bool {
    pairs(all).any(|(a, b)| match (equals(a), equals(b)) {
        (Some((left, a)), Some((other, b))) => left == other && disjoint(&a, &b),
        _ => false,
    })
}

/// `PV1-2 != "I" or PV1-2 != "E"`: every value is unlike one of the two.
fn misses_nothing(all: &[Condition]) -> bool {
    let not_equal = |condition: &Condition| match condition {
        Condition::Compare { left, op: Op::Ne, right: Operand::Literal(literal) } if is_single(left) => {
            Some((left.clone(), vec![literal.clone()]))
        }
        _ => None,
    };
    pairs(all).any(|(a, b)| match (not_equal(a), not_equal(b)) {
        (Some((left, a)), Some((other, b))) => left == other && disjoint(&a, &b),
        _ => false,
    })
}

fn pairs(all: &[Condition]) -> impl Iterator<Item = (&Condition, &Condition)> {
    all.iter().enumerate().flat_map(|(i, a)| all[i + 1..].iter().map(move |b| (a, b)))
}

/// The single value that `condition` fixes, with what it may be.
fn equals(condition: &Condition) -> Option<(&Operand, Vec<Literal>)> {
    match condition {
        Condition::Compare { left, op: Op::Eq, right: Operand::Literal(literal) } if is_single(left) => {
            Some((left, vec![literal.clone()]))
        }
        Condition::In { left, list } if is_single(left) => Some((left, list.clone())),
        _ => None,
    }
}

fn is_single(operand: &Operand) -> bool {
    !matches!(operand, Operand::Literal(_)) && !operand.is_plural()
}

/// Whether no value is equal to one of `a` and to one of `b`.
fn disjoint(a: &[Literal], b: &[Literal]) -> bool {
    a.iter().all(|a| {
        b.iter().all(|b| match (a, b) {
            (Literal::Number(a), Literal::Text(b)) | (Literal::Text(b), Literal::Number(a)) => {
                Decimal::read(a) != Decimal::read(b)
            }
            (Literal::Number(a), Literal::Number(b)) => Decimal::read(a) != Decimal::read(b),
            (a, b) => a != b,
        })
    })
}

/// What is doubtful about one comparison.
pub(crate) fn doubt(condition: &Condition) -> Option<String> {
    constant(condition).map(said)
}

/// What is doubtful about conditions joined by one word, beyond what was said about each.
pub(crate) fn doubt_about_chain(chain: &Condition) -> Option<String> {
    let found = match chain {
        Condition::And(all) => excludes_itself(all).then_some(false),
        Condition::Or(all) => misses_nothing(all).then_some(true),
        _ => None,
    };
    found.map(said)
}

fn said(value: bool) -> String {
    let when = if value { "always" } else { "never" };
    format!("this is {when} true, whatever the message says")
}
