//! The values of operands, found in a message and beside it.

use std::borrow::Cow;

use hl7::FieldPath;

use crate::arithmetic::Exact;
use crate::ast::{Calculation, Literal, Operand, Sign};
use crate::compare::Side;
use crate::{Facts, Value, functions};

/// The value at `path`; the encoding characters themselves are no text with escapes in it.
pub(crate) fn unescaped<'a>(path: &hl7::Path, raw: &'a str, message: &hl7::Message) -> Cow<'a, str> {
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
pub(crate) fn any_side(
    operand: &Operand,
    facts: &Facts<'_>,
    found: &mut dyn FnMut(Side<'_>) -> bool,
) -> bool {
    if let Operand::Literal(literal) = operand {
        return found(Side::of_literal(literal));
    }
    each_value(operand, facts, &mut |value| {
        found(match &value {
            Value::Null => Side::Null,
            other => Side::of_text(other.text()),
        })
    })
}

/// The first value of the operand.
pub(crate) fn value<'a>(operand: &'a Operand, facts: &Facts<'a>) -> Value<'a> {
    let mut found = Value::Missing;
    each_value(operand, facts, &mut |value| {
        found = value;
        true
    });
    found
}

/// Hands each value of the operand to `enough`, until it says so.
pub(crate) fn each_value<'a>(
    operand: &'a Operand,
    facts: &Facts<'a>,
    enough: &mut dyn FnMut(Value<'a>) -> bool,
) -> bool {
    match operand {
        Operand::Literal(literal) => enough(match literal {
            Literal::Text(text) => Value::of_text(text.as_str()),
            Literal::Number(number) => Value::Number(Cow::Borrowed(number)),
            Literal::Null => Value::Null,
        }),
        Operand::Fact(fact) => enough(Value::of_text(fact.of(facts))),
        Operand::Variable(name) => {
            enough(facts.context.map_or(Value::Missing, |context| context.value(name)))
        }
        Operand::Path(path) => match facts.message {
            Some(message) => in_place(path, message, enough),
            None => enough(Value::Missing),
        },
        Operand::Call(call) => functions::each(call, facts, enough),
        Operand::Calculation(it) => each_value(&it.left, facts, &mut |left| {
            each_value(&it.right, facts, &mut |right| enough(calculate(it, &left, &right)))
        }),
        Operand::Negative(inner) => each_value(inner, facts, &mut |value| {
            enough(Exact::read(value.text()).map_or(Value::Missing, |it| Value::number(it.negative())))
        }),
    }
}

/// The values at `path`.
fn in_place<'a>(
    path: &FieldPath,
    message: &'a hl7::Message,
    enough: &mut dyn FnMut(Value<'a>) -> bool,
) -> bool {
    if let Some(count) = path.count(message) {
        return enough(Value::Number(count.to_string().into()));
    }
    if !path.is_plural() {
        return enough(path_value(path, path.get(message), message));
    }
    if let Some(plain) = path.plain() {
        let mut values = message.values(plain).peekable();
        if values.peek().is_none() {
            return enough(Value::Missing);
        }
        return values.any(|raw| enough(path_value(path, Some(raw), message)));
    }
    let values = path.values(message);
    if values.is_empty() {
        return enough(Value::Missing);
    }
    values.into_iter().any(|raw| enough(path_value(path, Some(raw), message)))
}

/// What two values come to: a text where texts are joined, else a number. What is no number, division by
/// zero, and a result of more than 38 digits come to nothing.
fn calculate<'a>(it: &Calculation, left: &Value<'a>, right: &Value<'a>) -> Value<'a> {
    if !it.is_of_numbers() {
        return Value::of_text([left.text(), right.text()].concat());
    }
    let (Some(left), Some(right)) = (Exact::read(left.text()), Exact::read(right.text())) else {
        return Value::Missing;
    };
    let result = match it.sign {
        Sign::Plus => left.plus(right),
        Sign::Minus => left.plus(right.negative()),
        Sign::Times => left.times(right),
        Sign::By => left.divided_by(right),
    };
    result.map_or(Value::Missing, Value::number)
}
