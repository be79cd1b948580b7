//! Functions of dates.

use crate::arithmetic::Exact;
use crate::ast::Call;
use crate::calendar::{day_number, weekday};
use crate::date::{Date, Format, Span, Unit, between};
use crate::eval::{each_value, value};
use crate::functions::run::text_of;
use crate::schedule::Wall;
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

fn read(value: &Value<'_>) -> Option<Date> {
    Format::Hl7.parse(value.text())
}

/// The date at a place of the call.
fn date_at(call: &Call, at: usize, facts: &Facts<'_>) -> Option<Date> {
    read(&text_of(call, at, facts))
}

/// `add_time(date, time)`.
pub(super) fn add<'a>(call: &Call, first: Value<'a>, facts: &Facts<'a>) -> Value<'a> {
    if first.text().is_empty() {
        return first;
    }
    let span = || Span::read(text_of(call, 1, facts).text());
    let moved = read(&first).and_then(|date| date.plus(span()?));
    moved.map_or(Value::Missing, |date| Value::of_text(Format::Hl7.write(&date)))
}

/// `time_between(from, to[, unit])`.
pub(super) fn passed<'a>(call: &Call, first: &Value<'a>, facts: &Facts<'a>) -> Option<Exact> {
    let unit = match text_of(call, 2, facts).text() {
        "" => Unit::Milliseconds(1000),
        name => Unit::named(name)?,
    };
    between(&read(first)?, &date_at(call, 1, facts)?, unit)
}

/// `age(birth_date[, at])`: whole years on the day, whatever the time of it.
pub(super) fn age<'a>(call: &Call, birth: &Value<'a>, facts: &Facts<'a>) -> Option<Exact> {
    let [born, month, day] = read(birth)?.day();
    let at = match call.value(1) {
        Some(_) => date_at(call, 1, facts)?,
        None => Date::of(facts.now?),
    };
    let [year, at_month, at_day] = at.day();
    let had_no_birthday = (at_month, at_day) < (month, day);
    let years = i64::from(year) - i64::from(born) - i64::from(had_no_birthday);
    usize::try_from(years).ok().map(Exact::whole)
}

/// `day_of_week(date)`: 1 for Monday.
pub(super) fn day_of_week(date: &Value<'_>) -> Option<Exact> {
    let date = read(date).filter(Date::knows_day)?;
    Some(Exact::whole(weekday(day_number(date.day())) + 1))
}

/// `schedule(name[, time])`.
pub(super) fn is_on(call: &Call, facts: &Facts<'_>) -> bool {
    let Some(schedule) = &call.schedule else { return false };
    match call.value(1) {
        None => facts.now.is_some_and(|now| schedule.is_on(now.into())),
        Some(time) => each_value(time, facts, &mut |value| {
            read(&value).is_some_and(|date| schedule.is_on(wall(&date, facts)))
        }),
    }
}

/// What the clock on the machine's wall shows at a date; one without a zone is what it shows.
fn wall(date: &Date, facts: &Facts<'_>) -> Wall {
    let (day, second) = (day_number(date.day()), i64::from(date.second()));
    let ahead = date.zone().map_or(0, |zone| {
        let milliseconds = (day * 86_400 + second - i64::from(zone) * 60) * 1000;
        let here = facts.zone.map(|zone| zone(milliseconds)).or(facts.now.map(|now| now.offset_minutes));
        here.map_or(0, |here| here - zone)
    });
    let second = second + i64::from(ahead) * 60;
    Wall { day: day + second.div_euclid(86_400), second: second.rem_euclid(86_400) as u32 }
}
