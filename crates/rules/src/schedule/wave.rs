//! A schedule as InterSystems IRIS writes it: switches that make it on and off, as in
//! `START:WEEK-*-01T08:00:00,STOP:WEEK-*-01T18:00:00`. It is on when the last switch before was a START.
//!
//! A switch is at `YYYY-MM-DDThh:mm:ss`, or at `WEEK-nn-ddThh:mm:ss`: the nn-th such day of the month (`*` for
//! each), 00 for Sunday. A field may be `*`; all fields to its left are then, too.

use std::ops::{Range, RangeInclusive};

use super::{ScheduleFinding, Wall};
use crate::calendar::{civil, day_number, days_in, weekday};

/// So many days lie between two 29ths of February at most.
const LONGEST_WAIT: i64 = 2_922;
const WANTED: &str = "write START:2026-12-24T08:00:00, START:*-12-24T08:00:00 or START:WEEK-*-01T08:00:00, \
                      and so for STOP; or a list of hours, as in - { days: mon-fri, from: \"08:00\", to: \"18:00\" }";

/// All switches, in the order in which they are written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wave(Vec<Switch>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Switch {
    starts: bool,
    on: On,
    /// Hour, minute and second; what is left out is any, and is at the front.
    time: [Option<u32>; 3],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum On {
    Every,
    /// Such a day of each month.
    Day(u32),
    /// Month and day, of each year.
    Yearly(u32, u32),
    /// The number of a day.
    Once(i64),
    /// The days of the week of which it is the first, second and so on of the month, or each.
    Week(Option<u32>, usize),
}

impl On {
    fn has(self, day: i64) -> bool {
        let [_, month, date] = civil(day);
        match self {
            On::Every => true,
            On::Day(of) => date == of,
            On::Yearly(in_month, of) => (month, date) == (in_month, of),
            On::Once(once) => day == once,
            On::Week(nth, of) => weekday(day) == of && nth.is_none_or(|nth| (date - 1) / 7 + 1 == nth),
        }
    }

    /// The last such day up to `day`.
    fn last(self, day: i64) -> Option<i64> {
        match self {
            On::Once(once) => (once <= day).then_some(once),
            _ => (0..=LONGEST_WAIT).map(|back| day - back).find(|day| self.has(*day)),
        }
    }
}

impl Switch {
    /// When it was switched last.
    fn last(&self, wall: Wall) -> Option<Wall> {
        let day = self.on.last(wall.day)?;
        if day < wall.day {
            return Some(Wall { day, second: self.before(86_399)? });
        }
        match self.before(wall.second) {
            Some(second) => Some(Wall { day, second }),
            None => Some(Wall { day: self.on.last(day - 1)?, second: self.before(86_399)? }),
        }
    }

    /// The last such second of a day up to `second`.
    fn before(&self, second: u32) -> Option<u32> {
        let [hour, minute, of_minute] = self.time;
        let (step, first) = match (hour, minute, of_minute) {
            (Some(hour), Some(minute), Some(of_minute)) => {
                return Some(hour * 3600 + minute * 60 + of_minute).filter(|at| *at <= second);
            }
            (None, Some(minute), Some(of_minute)) => (3600, minute * 60 + of_minute),
            (_, None, Some(of_minute)) => (60, of_minute),
            _ => (1, 0),
        };
        second.checked_sub(first).map(|after| first + after / step * step)
    }
}

impl Wave {
    /// Reads a text of switches.
    pub(super) fn read(text: &str, findings: &mut Vec<ScheduleFinding>) -> Wave {
        let mut switches = Vec::new();
        let mut next = 0;
        for part in text.split(',') {
            let start = next + part.len() - part.trim_start().len();
            next += part.len() + 1;
            let part = part.trim();
            match switch(part) {
                Ok(switch) => switches.push(switch),
                Err((range, message)) => {
                    let range = start + range.start..start + range.end;
                    findings.push(ScheduleFinding::error("", Some(range), message).help(WANTED));
                }
            }
        }
        for (starts, word, never) in [(true, "START", "on"), (false, "STOP", "off")] {
            if findings.is_empty() && switches.iter().all(|switch| switch.starts != starts) {
                let message = format!("the schedule has no {word}: it is never switched {never}");
                findings.push(ScheduleFinding::doubt("", message).help(WANTED));
            }
        }
        Wave(switches)
    }

    /// Whether the last switch was a START; of two at one time, the one that is written last. Before all of
    /// them it is what the first of them ends.
    pub(super) fn is_on(&self, wall: Wall) -> bool {
        let last = self.0.iter().filter_map(|switch| Some((switch.last(wall)?, switch)));
        if let Some((_, switch)) = last.max_by_key(|(at, _)| *at) {
            return switch.starts;
        }
        // What has never been switched is switched at dates that are to come.
        let to_come = self.0.iter().filter_map(|switch| Some((switch.last(FAR)?, switch)));
        to_come.min_by_key(|(at, _)| *at).is_some_and(|(_, switch)| !switch.starts)
    }
}

/// After every date.
const FAR: Wall = Wall { day: 4_000_000, second: 0 };

type Wrong = (Range<usize>, String);

fn switch(text: &str) -> Result<Switch, Wrong> {
    let (word, at) = text.split_once(':').unwrap_or((text, ""));
    let starts = match word {
        "START" => true,
        "STOP" => false,
        _ => return Err((0..word.len().max(1), format!("found \"{word}\"; expected START or STOP"))),
    };
    let wrong = || (0..text.len(), format!("\"{text}\" is no switch at a date and time"));
    let (date, time) = at.split_once('T').ok_or_else(wrong)?;
    let mut time = fields(time, ':', [0..=23, 0..=59, 0..=59]).ok_or_else(wrong)?;
    let mut on = match date.strip_prefix("WEEK-") {
        Some(week) => on_week(week).ok_or_else(wrong)?,
        None => {
            let fields = fields(date, '-', [0..=9999, 1..=12, 1..=31]).ok_or_else(wrong)?;
            on_date(fields).ok_or_else(|| (0..text.len(), format!("the calendar has no \"{date}\"")))?
        }
    };
    // What stands to the left of a star is one.
    if let Some(star) = time.iter().rposition(Option::is_none) {
        time[..star].fill(None);
        on = On::Every;
    }
    Ok(Switch { starts, on, time })
}

/// The days of `nn-dd`; none where it is not that.
fn on_week(text: &str) -> Option<On> {
    let (nth, day) = text.split_once('-')?;
    Some(match (field(nth, 1..=5)?, field(day, 0..=6)?) {
        // Sunday is the first one there, and the last one here.
        (nth, Some(day)) => On::Week(nth, (day as usize + 6) % 7),
        (_, None) => On::Every,
    })
}

/// The days of year, month and day; none where the calendar has none.
fn on_date([year, month, day]: [Option<u32>; 3]) -> Option<On> {
    let most = days_in(year.unwrap_or(2000), month.unwrap_or(1));
    if day.is_some_and(|day| day > most) {
        return None;
    }
    Some(match (year, month, day) {
        (_, _, None) => On::Every,
        (_, None, Some(day)) => On::Day(day),
        (None, Some(month), Some(day)) => On::Yearly(month, day),
        (Some(year), Some(month), Some(day)) => On::Once(day_number([year, month, day])),
    })
}

/// Three fields, each within its limits.
fn fields(text: &str, between: char, limits: [RangeInclusive<u32>; 3]) -> Option<[Option<u32>; 3]> {
    let parts: [&str; 3] = text.split(between).collect::<Vec<_>>().try_into().ok()?;
    let fields = parts.into_iter().zip(limits).map(|(part, limits)| field(part, limits));
    fields.collect::<Option<Vec<_>>>()?.try_into().ok()
}

/// A number within limits, or `*`; none where it is neither.
fn field(text: &str, limits: RangeInclusive<u32>) -> Option<Option<u32>> {
    if text == "*" {
        return Some(None);
    }
    let is_number = text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|number| is_number && limits.contains(number));
    number.map(Some)
}
