//! Functions of dates as a naive reader does them: by counting days one after the other from the year 0.

use proptest::prelude::*;

use super::{Plain, call, from_millionths, plain_text, said};
use crate::ast::{Literal, Operand};

fn text(text: &str) -> Operand {
    Operand::Literal(Literal::Text(text.to_owned()))
}

/// Dates of any precision, and what looks like one.
pub(super) const DATES: [&str; 12] = [
    "2024",
    "202402",
    "20240229",
    "2024022923",
    "202312312359",
    "20231231235959",
    "20231231235959.5",
    "20240131120000.5+0100",
    "20240301000000-0330",
    "20230229",
    "2024-02-29",
    "00010101",
];

/// A call of a function of dates.
pub(super) fn call_of(inner: impl Strategy<Value = Operand> + Clone) -> impl Strategy<Value = Operand> {
    let date = prop_oneof![4 => prop::sample::select(DATES.to_vec()).prop_map(text), 1 => inner];
    let span =
        prop::sample::select(vec!["1d", "-400d", "90 m", "-25h", "1500ms", "-1s", "1mo", "-13mo", "1y"]);
    let unit = prop::sample::select(vec!["ms", "s", "mo", "y"]);
    prop_oneof![
        2 => (date.clone(), span).prop_map(|(date, span)| call("add_time", vec![date, text(span)])),
        2 => (date.clone(), date.clone(), unit)
            .prop_map(|(from, to, unit)| call("time_between", vec![from, to, text(unit)])),
        1 => (date.clone(), date.clone()).prop_map(|(birth, at)| call("age", vec![birth, at])),
        1 => date.prop_map(|date| call("day_of_week", vec![date])),
    ]
}

/// A date taken apart.
#[derive(Clone)]
struct Naive {
    /// Year, month, day, hour, minute, second, with what is not known as its beginning.
    parts: [i64; 6],
    known: usize,
    /// Behind the point, as it is written.
    fraction: String,
    zone: String,
}

fn days_in(year: i64, month: i64) -> i64 {
    let leap = if year % 400 == 0 { true } else { year % 100 != 0 && year % 4 == 0 };
    [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month as usize - 1]
}

fn read(text: &str) -> Option<Naive> {
    let (stamp, zone) = text.split_at(text.find(['+', '-']).unwrap_or(text.len()));
    let zone_fits = |zone: &str| {
        let digits = zone.len() == 5 && zone[1..].bytes().all(|byte| byte.is_ascii_digit());
        digits && zone[1..3] < *"24" && zone[3..] < *"60"
    };
    let (digits, fraction) = stamp.split_once('.').unwrap_or((stamp, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let fraction_fits = if stamp.contains('.') { digits.len() == 14 && !fraction.is_empty() } else { true };
    let lengths = [4, 6, 8, 10, 12, 14];
    let known = lengths.iter().position(|length| *length == digits.len())? + 1;
    if !all_digits(digits) || !all_digits(fraction) || !fraction_fits || !(zone.is_empty() || zone_fits(zone))
    {
        return None;
    }
    let mut parts = [0, 1, 1, 0, 0, 0];
    parts[0] = digits[..4].parse().ok()?;
    for at in 1..known {
        parts[at] = digits[at * 2 + 2..at * 2 + 4].parse().ok()?;
    }
    let [year, month, day, hour, minute, second] = parts;
    let real = (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    real.then(|| Naive { parts, known, fraction: fraction.to_owned(), zone: zone.to_owned() })
}

impl Naive {
    /// Days since the first of the year 0, counted month by month.
    fn days(&self) -> i64 {
        let [year, month, day, ..] = self.parts;
        let years: i64 = (0..year).map(|year| (1..=12).map(|month| days_in(year, month)).sum::<i64>()).sum();
        years + (1..month).map(|month| days_in(year, month)).sum::<i64>() + day - 1
    }

    fn milliseconds(&self) -> i64 {
        let [_, _, _, hour, minute, second] = self.parts;
        let fraction: i64 = format!("{:0<3}", self.fraction)[..3].parse().unwrap_or(0);
        ((self.days() * 24 + hour) * 60 + minute) * 60_000 + second * 1000 + fraction
    }

    fn zone_minutes(&self) -> Option<i64> {
        let number: i64 = self.zone.get(1..)?.parse().ok()?;
        let minutes = number / 100 * 60 + number % 100;
        Some(if self.zone.starts_with('-') { -minutes } else { minutes })
    }

    fn write(&self) -> String {
        let widths = [4, 2, 2, 2, 2, 2];
        let digits = (0..self.known).map(|at| format!("{:0width$}", self.parts[at], width = widths[at]));
        let point = if self.fraction.is_empty() { "" } else { "." };
        format!("{}{point}{}{}", digits.collect::<String>(), self.fraction, self.zone)
    }

    fn plus(mut self, span: &str) -> Option<Naive> {
        let end = span.trim_start_matches('-').find(|c: char| !c.is_ascii_digit())? + span.len()
            - span.trim_start_matches('-').len();
        let count: i64 = span[..end].parse().ok()?;
        let unit = match span[end..].trim() {
            "mo" | "y" => {
                let months = if span.ends_with('y') { count * 12 } else { count };
                for _ in 0..months.abs() {
                    self.parts[1] += months.signum();
                    match self.parts[1] {
                        0 => (self.parts[0], self.parts[1]) = (self.parts[0] - 1, 12),
                        13 => (self.parts[0], self.parts[1]) = (self.parts[0] + 1, 1),
                        _ => {}
                    }
                }
                self.parts[2] = self.parts[2].min(days_in(self.parts[0].rem_euclid(400), self.parts[1]));
                return (0..=9999).contains(&self.parts[0]).then_some(self);
            }
            "d" => 86_400_000,
            "h" => 3_600_000,
            "m" => 60_000,
            "s" => 1000,
            _ => 1,
        };
        let all = self.milliseconds() + count * unit;
        let mut days = all.div_euclid(86_400_000);
        let rest = all.rem_euclid(86_400_000);
        if days < 0 {
            return None;
        }
        let (mut year, mut month) = (0, 1);
        while days >= days_in(year, month) {
            days -= days_in(year, month);
            (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
        }
        self.parts = [year, month, days + 1, rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60];
        self.fraction = format!("{:03}", rest % 1000)[..self.fraction.len().min(3)].to_owned();
        (year <= 9999).then_some(self)
    }
}

/// Whole months from the earlier to the later one: as long as another one fits.
fn months(from: &Naive, to: &Naive, moved: i64) -> i64 {
    let later = Naive { zone: String::new(), known: 6, fraction: "000".to_owned(), ..to.clone() };
    let end = {
        let fraction = format!("{:0<3}", to.fraction)[..3].to_owned();
        Naive { fraction, ..later }.plus(&format!("{moved}m")).unwrap()
    };
    let all = |it: &Naive| it.parts[0] * 12 + it.parts[1];
    let rest = |it: &Naive| (it.parts[2..].to_vec(), format!("{:0<3}", it.fraction));
    let whole = all(&end) - all(from);
    if rest(&end) < rest(from) { whole - 1 } else { whole }
}

fn between(from: &Naive, to: &Naive, unit: &str) -> Plain {
    let moved = from.zone_minutes().zip(to.zone_minutes()).map_or(0, |(from, to)| from - to);
    let milliseconds = to.milliseconds() + moved * 60_000 - from.milliseconds();
    let whole = |number: i64| from_millionths(Some(i128::from(number) * 1_000_000));
    match unit {
        "ms" => whole(milliseconds),
        "s" => from_millionths(Some(i128::from(milliseconds) * 1000)),
        unit => {
            let count = if milliseconds >= 0 { months(from, to, moved) } else { -months(to, from, -moved) };
            whole(if unit == "y" { count / 12 } else { count })
        }
    }
}

/// What a function of dates gives for each value at its first place.
pub(super) fn function(name: &str, all: &dyn Fn(usize) -> Vec<Plain>) -> Vec<Plain> {
    let first = |at: usize| all(at).first().cloned().unwrap_or(Plain::Nothing);
    let one = |value: &Plain| match (name, read(said(value))) {
        ("add_time", None) if said(value).is_empty() => value.clone(),
        ("add_time", Some(date)) => {
            let moved = date.plus(said(&first(1)));
            moved.map_or(Plain::Nothing, |date| plain_text(date.write()))
        }
        ("time_between", Some(from)) => {
            let to = read(said(&first(1)));
            to.map_or(Plain::Nothing, |to| between(&from, &to, said(&first(2))))
        }
        ("age", Some(birth)) => {
            let at = read(said(&first(1)));
            let years = at.map(|at| {
                let before = (at.parts[1], at.parts[2]) < (birth.parts[1], birth.parts[2]);
                at.parts[0] - birth.parts[0] - i64::from(before)
            });
            let years = years.filter(|years| *years >= 0);
            from_millionths(years.map(|years| i128::from(years) * 1_000_000))
        }
        // The first day of the year 0 was a Saturday.
        ("day_of_week", Some(date)) if date.known >= 3 => {
            from_millionths(Some(i128::from((date.days() + 5) % 7 + 1) * 1_000_000))
        }
        _ => Plain::Nothing,
    };
    all(0).iter().map(one).collect()
}
