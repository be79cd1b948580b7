//! How two values compare. `docs/guide/expressions.md` shows these rules as a table.
//!
//! - A value that is missing, empty, or the text `""` of an expression, is one and the same: nothing.
//!   HL7 senders leave trailing separators away as they please, so no rule may depend on it.
//! - The HL7 null equals `null` and nothing else.
//! - Where a number is written out, counted or calculated, both sides are compared as numbers; what is no number is unequal.
//! - Where a text is written out, or made by a function such as `upper`, both sides are compared as texts, byte for byte.
//! - Two values of the message are equal as texts; which is greater is decided as numbers when both
//!   are numbers, else as texts.
//! - Nothing and null are neither less nor greater than anything, and contain nothing.

use std::cmp::Ordering;

use crate::ast::{Literal, Nature, Op, Operand};
use crate::number::Decimal;

/// A value in a comparison, ready to be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side<'a> {
    Nothing,
    Null,
    /// Never empty.
    Text(&'a str),
}

impl<'a> Side<'a> {
    pub(crate) fn of_text(text: &'a str) -> Self {
        if text.is_empty() { Side::Nothing } else { Side::Text(text) }
    }

    pub(crate) fn of_literal(literal: &'a Literal) -> Self {
        match literal {
            Literal::Text(text) => Side::of_text(text),
            Literal::Number(number) => Side::Text(number),
            Literal::Null => Side::Null,
        }
    }
}

/// What two texts are compared as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Numbers,
    Texts,
    /// For two values of the message.
    NumbersElseTexts,
}

impl Mode {
    /// How these two are compared: what is written out decides.
    pub(crate) fn of(left: &Operand, right: &Operand) -> Self {
        let natures = [left.nature(), right.nature()];
        if natures.contains(&Nature::Number) {
            Mode::Numbers
        } else if natures.contains(&Nature::Text) {
            Mode::Texts
        } else {
            Mode::NumbersElseTexts
        }
    }

    pub(crate) fn of_listed(literal: &Literal) -> Self {
        if matches!(literal, Literal::Number(_)) { Mode::Numbers } else { Mode::Texts }
    }
}

/// Whether `left op right`. `!=` is everywhere the opposite of `=`.
pub(crate) fn holds(op: Op, mode: Mode, left: Side<'_>, right: Side<'_>) -> bool {
    match op {
        Op::Eq => equal(mode, left, right),
        Op::Ne => !equal(mode, left, right),
        Op::Contains => texts(left, right, |left, right| left.contains(right)),
        Op::StartsWith => texts(left, right, |left, right| left.starts_with(right)),
        Op::EndsWith => texts(left, right, |left, right| left.ends_with(right)),
        Op::Lt => order(mode, left, right).is_some_and(Ordering::is_lt),
        Op::Le => order(mode, left, right).is_some_and(Ordering::is_le),
        Op::Gt => order(mode, left, right).is_some_and(Ordering::is_gt),
        Op::Ge => order(mode, left, right).is_some_and(Ordering::is_ge),
    }
}

/// Whether both are texts, and `holds` says yes.
fn texts(left: Side<'_>, right: Side<'_>, holds: fn(&str, &str) -> bool) -> bool {
    matches!((left, right), (Side::Text(left), Side::Text(right)) if holds(left, right))
}

pub(crate) fn equal(mode: Mode, left: Side<'_>, right: Side<'_>) -> bool {
    match (left, right) {
        (Side::Text(left), Side::Text(right)) if mode == Mode::Numbers => {
            let (left, right) = (Decimal::read(left), Decimal::read(right));
            left.is_some() && left == right
        }
        (left, right) => left == right,
    }
}

fn order(mode: Mode, left: Side<'_>, right: Side<'_>) -> Option<Ordering> {
    let (Side::Text(left), Side::Text(right)) = (left, right) else {
        return None;
    };
    if mode == Mode::Texts {
        return Some(left.cmp(right));
    }
    match (Decimal::read(left), Decimal::read(right)) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ if mode == Mode::Numbers => None,
        _ => Some(left.cmp(right)),
    }
}
