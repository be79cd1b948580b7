//! What functions come to.

use crate::arithmetic::Exact;
use crate::ast::{Arg, Call, Operand};
use crate::eval::{each_value, value};
use crate::test::run;
use crate::{Facts, Value};

use super::{Gives, Id, dates, texts};

/// Hands each value of `call` to `enough`, until it says so.
pub(crate) fn each<'a>(call: &'a Call, facts: &Facts<'a>, enough: &mut dyn FnMut(Value<'a>) -> bool) -> bool {
    let of = |at: usize| call.value(at);
    match call.function.id {
        Id::If => match call.args.first() {
            Some(Arg::Condition(_, test)) => {
                let branch = of(if run(test, facts) { 1 } else { 2 });
                branch.map_or_else(|| false, |branch| each_value(branch, facts, enough))
            }
            _ => enough(Value::Missing),
        },
        Id::Lookup => match of(1) {
            Some(key) => each_value(key, facts, &mut |key| enough(lookup(call, &key, facts))),
            None => enough(Value::Missing),
        },
        Id::Default => enough(default(call, facts)),
        Id::Min | Id::Max => enough(extreme(call, facts)),
        Id::Join => enough(join(call, facts)),
        Id::CurrentDatetime => enough(dates::current(call, facts)),
        _ if call.function.gives == Gives::Condition => enough(Value::Boolean(holds(call, facts))),
        _ => match of(0) {
            Some(first) => each_value(first, facts, &mut |value| enough(apply(call, value, facts))),
            None => enough(Value::Missing),
        },
    }
}

fn number<'a>(number: Option<Exact>) -> Value<'a> {
    number.map_or(Value::Missing, Value::number)
}

/// One value of the first place through the function.
fn apply<'a>(call: &'a Call, first: Value<'a>, facts: &Facts<'a>) -> Value<'a> {
    match call.function.id {
        // These are of everything, nothing included.
        Id::Length => {
            return Value::number(Exact::whole(texts::length(first.text(), text_of(call, 1, facts).text())));
        }
        Id::Pad => return texts::pad(first, whole(call, 1, facts), text_of(call, 2, facts).text()),
        Id::ConvertDatetime => return dates::convert(call, first, facts),
        Id::AddTime => return dates::add(call, first, facts),
        Id::TimeBetween => return number(dates::passed(call, &first, facts)),
        Id::Age => return number(dates::age(call, &first, facts)),
        Id::DayOfWeek => return number(dates::day_of_week(&first)),
        Id::Number => return number(Exact::read(first.text())),
        Id::Round => {
            let decimals = whole(call, 1, facts).unwrap_or(0).clamp(0, 18) as u32;
            return number(Exact::read(first.text()).map(|number| number.at_most(decimals)));
        }
        _ => {}
    }
    // Nothing and null stay what they are.
    let text = match first {
        Value::Text(text) | Value::Number(text) => text,
        Value::Boolean(it) => Value::Boolean(it).text().to_owned().into(),
        other => return other,
    };
    let arg = |at| text_of(call, at, facts);
    Value::of_text(match call.function.id {
        Id::Lower => texts::lower(text),
        Id::Upper => texts::upper(text),
        Id::Piece => {
            let from = whole(call, 2, facts).unwrap_or(1);
            texts::piece(text, arg(1).text(), from, whole(call, 3, facts).unwrap_or(from))
        }
        Id::Substring => texts::substring(
            text,
            whole(call, 1, facts).unwrap_or(1),
            whole(call, 2, facts).unwrap_or(i64::MAX),
        ),
        Id::Strip => texts::strip(text, arg(1).text(), call.value(2).map(|_| arg(2)), arg(3).text()),
        Id::Replace => texts::replace(text, arg(1).text(), arg(2).text()),
        Id::Translate => texts::translate(text, arg(1).text(), arg(2).text()),
        _ => text,
    })
}

/// Whether a function that is a condition holds; of a `[*]` path, for one of its values.
pub(crate) fn holds(call: &Call, facts: &Facts<'_>) -> bool {
    if call.function.id == Id::Schedule {
        return dates::is_on(call, facts);
    }
    let Some(first) = call.value(0) else { return false };
    let is = |wanted: fn(&Value<'_>) -> bool| each_value(first, facts, &mut |value| wanted(&value));
    match call.function.id {
        Id::IsMissing => is(|value| *value == Value::Missing),
        Id::IsEmpty => is(|value| *value == Value::Empty),
        Id::IsNull => is(|value| *value == Value::Null),
        Id::Exists => {
            let has =
                |key: Value<'_>| call.table.as_ref().is_some_and(|table| table.get(key.text()).is_some());
            call.value(1).is_some_and(|key| each_value(key, facts, &mut { has }))
        }
        Id::InList => {
            let (list, separator) = (text_of(call, 1, facts), text_of(call, 2, facts));
            each_value(first, facts, &mut |value| {
                !value.text().is_empty()
                    && texts::items(list.text(), separator.text()).any(|item| item == value.text())
            })
        }
        Id::IntersectsList => intersects(call, facts),
        _ => false,
    }
}

fn intersects(call: &Call, facts: &Facts<'_>) -> bool {
    let (one, other) = (text_of(call, 2, facts), text_of(call, 3, facts));
    let (Some(values), Some(list)) = (call.value(0), call.value(1)) else { return false };
    each_value(values, facts, &mut |values| {
        each_value(list, facts, &mut |list| {
            let in_list = |value: &str| texts::items(list.text(), other.text()).any(|item| item == value);
            texts::items(values.text(), one.text()).any(|value| !value.is_empty() && in_list(value))
        })
    })
}

/// The value at `at`; missing where it was left out.
pub(super) fn text_of<'a>(call: &'a Call, at: usize, facts: &Facts<'a>) -> Value<'a> {
    call.value(at).map_or(Value::Missing, |operand| value(operand, facts))
}

/// The whole number at `at`.
fn whole(call: &Call, at: usize, facts: &Facts<'_>) -> Option<i64> {
    Exact::read(text_of(call, at, facts).text()).and_then(Exact::to_whole)
}

fn lookup<'a>(call: &'a Call, key: &Value<'a>, facts: &Facts<'a>) -> Value<'a> {
    let Some(table) = &call.table else { return Value::Missing };
    let found = table.get(key.text());
    let on_empty = text_of(call, 3, facts).text() == "empty";
    match (found, call.value(2)) {
        (Some(found), None) => Value::of_text(found),
        (Some(found), Some(_)) if !(on_empty && found.is_empty()) => Value::of_text(found),
        (_, Some(default)) => value(default, facts),
        (None, None) => match &table.default {
            Some(default) => Value::of_text(default.as_str()),
            None => {
                if let (true, Some(trouble)) = (table.strict, facts.trouble) {
                    trouble.tell(|| format!("{call} found no such key in the lookup table"));
                }
                Value::Missing
            }
        },
    }
}

/// The first value that is a text.
fn default<'a>(call: &'a Call, facts: &Facts<'a>) -> Value<'a> {
    let mut found = Value::Missing;
    for operand in all(call) {
        let is_text = each_value(operand, facts, &mut |value| {
            let is_text = !value.text().is_empty();
            // Null says more than nothing does.
            let says_more = found == Value::Missing || (found == Value::Empty && value == Value::Null);
            if is_text || says_more {
                found = value;
            }
            is_text
        });
        if is_text {
            break;
        }
    }
    found
}

/// The least or the greatest number; what is none does not count.
fn extreme<'a>(call: &'a Call, facts: &Facts<'a>) -> Value<'a> {
    let wanted = match call.function.id {
        Id::Min => std::cmp::Ordering::Less,
        _ => std::cmp::Ordering::Greater,
    };
    let mut best: Option<Exact> = None;
    for operand in all(call) {
        each_value(operand, facts, &mut |value| {
            if let Some(number) = Exact::read(value.text())
                && best.is_none_or(|best| number.compare(best) == Some(wanted))
            {
                best = Some(number);
            }
            false
        });
    }
    best.map_or(Value::Missing, Value::number)
}

/// All values that are texts, with a separator between them.
fn join<'a>(call: &'a Call, facts: &Facts<'a>) -> Value<'a> {
    let separator = text_of(call, 1, facts);
    let mut out = String::new();
    if let Some(values) = call.value(0) {
        each_value(values, facts, &mut |value| {
            if !value.text().is_empty() {
                out.push_str(if out.is_empty() { "" } else { separator.text() });
                out.push_str(value.text());
            }
            false
        });
    }
    Value::of_text(out)
}

fn all(call: &Call) -> impl Iterator<Item = &Operand> {
    (0..call.args.len()).filter_map(|at| call.value(at))
}
