//! Functions of dates.

use crate::ast::Call;
use crate::date::{Date, Format};
use crate::eval::value;
use crate::{Facts, Value};

/// `convert_datetime(value, from, to[, default])`.
pub(super) fn convert<'a>(call: &'a Call, first: Value<'a>, facts: &Facts<'a>) -> Value<'a> {
    let [from, to] = &call.formats[..] else { return Value::Missing };
    match from.parse(first.text()) {
        Some(date) => Value::of_text(to.write(&date)),
        None => match call.value(3) {
            Some(default) => value(default, facts),
            // Nothing and null stay what they are; what is no date is nothing.
            None if first.text().is_empty() => first,
            None => Value::Missing,
        },
    }
}

/// `current_datetime([format])`.
pub(super) fn current<'a>(call: &'a Call, facts: &Facts<'a>) -> Value<'a> {
    let Some(now) = facts.now else { return Value::Missing };
    Value::of_text(match call.formats.first() {
        Some(format @ Format::Coded(_)) => format.write(&Date::of(now)),
        _ => Format::Hl7.write(&Date::to_the_second(now)),
    })
}
