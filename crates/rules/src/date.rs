//! Dates and times as texts of one format, and as texts of another.
//!
//! A format is `hl7`, or a text with codes: `%Y` `%m` `%d` `%H` `%M` `%S` for the parts, `%f` for the
//! digits behind the second's point, `%z` for the zone as in `+0100`, `%%` for a percent sign. `hl7` is a timestamp
//! of any precision, `YYYY[MM[DD[HH[MM[SS[.S…]]]]]][+ZZZZ]`, and writes as much as was read.
//!
//! What a value does not say is written as its beginning: January, the first, midnight; an unknown zone as nothing.
//! Nothing is moved from zone to zone.

use crate::calendar::{civil, days_in};

mod span;

pub(crate) use self::span::{Span, UNITS, Unit, between};

/// A point in time as far as it is known: all parts up to `known`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Date {
    /// Year, month, day, hour, minute, second.
    parts: [u32; 6],
    /// How many of the parts are known.
    known: usize,
    /// The digits behind the second's point: their value, and how many.
    fraction: (u64, u32),
    /// Minutes east of Greenwich.
    zone: Option<i32>,
}

/// A moment, in the words of a clock on some wall.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moment {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub milliseconds: i64,
    /// How many minutes the wall is ahead of that.
    pub offset_minutes: i32,
}

/// A format, compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Format {
    Hl7,
    Coded(Vec<Part>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Character(char),
    /// One of `Date::parts`.
    Number(usize),
    Fraction,
    Zone,
}

/// How many digits each part has.
const WIDTHS: [usize; 6] = [4, 2, 2, 2, 2, 2];

impl Format {
    /// Reads a format.
    ///
    /// # Errors
    /// The code that is not known.
    pub(crate) fn read(text: &str) -> Result<Format, String> {
        if text == "hl7" {
            return Ok(Format::Hl7);
        }
        let mut parts = Vec::new();
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            parts.push(match character {
                '%' => match characters.next() {
                    Some('%') => Part::Character('%'),
                    Some('f') => Part::Fraction,
                    Some('z') => Part::Zone,
                    other => match "YmdHMS".chars().position(|code| Some(code) == other) {
                        Some(at) => Part::Number(at),
                        None => return Err(format!("%{}", other.map(String::from).unwrap_or_default())),
                    },
                },
                other => Part::Character(other),
            });
        }
        match parts.iter().any(|part| !matches!(part, Part::Character(_))) {
            true => Ok(Format::Coded(parts)),
            false => Err(text.to_owned()),
        }
    }

    /// The date that `text` is, if it is one of this format.
    pub(crate) fn parse(&self, text: &str) -> Option<Date> {
        let mut date = Date::default();
        let rest = match self {
            Format::Hl7 => hl7(text, &mut date)?,
            Format::Coded(parts) => parts.iter().try_fold(text, |rest, part| take(*part, rest, &mut date))?,
        };
        date.known = date.known.max(usize::from(date.parts[0] > 0));
        (rest.is_empty() && date.is_real()).then_some(date)
    }

    pub(crate) fn write(&self, date: &Date) -> String {
        let mut out = String::new();
        match self {
            Format::Hl7 => {
                for at in 0..date.known.max(1) {
                    number(date, at, &mut out);
                }
                if date.known == 6 && date.fraction.1 > 0 {
                    out.push('.');
                    fraction(date, &mut out);
                }
                zone(date, &mut out);
            }
            Format::Coded(parts) => {
                for part in parts {
                    match part {
                        Part::Character(character) => out.push(*character),
                        Part::Number(at) => number(date, *at, &mut out),
                        Part::Fraction if date.fraction.1 == 0 => out.push('0'),
                        Part::Fraction => fraction(date, &mut out),
                        Part::Zone => zone(date, &mut out),
                    }
                }
            }
        }
        out
    }
}

fn number(date: &Date, at: usize, out: &mut String) {
    let beginning = u32::from(at == 1 || at == 2);
    let value = if at < date.known { date.parts[at] } else { beginning };
    out.push_str(&format!("{value:0width$}", width = WIDTHS[at]));
}

fn fraction(date: &Date, out: &mut String) {
    out.push_str(&format!("{:0width$}", date.fraction.0, width = date.fraction.1 as usize));
}

fn zone(date: &Date, out: &mut String) {
    if let Some(minutes) = date.zone {
        let sign = if minutes < 0 { '-' } else { '+' };
        let minutes = minutes.unsigned_abs();
        out.push_str(&format!("{sign}{:02}{:02}", minutes / 60, minutes % 60));
    }
}

/// `digits` digits at the start of `text`, and what follows them.
fn digits(text: &str, digits: usize) -> Option<(u64, &str)> {
    let (head, rest) = text.split_at_checked(digits)?;
    let number = head.bytes().all(|byte| byte.is_ascii_digit()).then(|| head.parse().ok())??;
    Some((number, rest))
}

fn hl7<'t>(mut text: &'t str, date: &mut Date) -> Option<&'t str> {
    text = take(Part::Number(0), text, date)?;
    for at in 1..6 {
        if !text.starts_with(|c: char| c.is_ascii_digit()) {
            break;
        }
        text = take(Part::Number(at), text, date)?;
    }
    if let Some(behind) = text.strip_prefix('.') {
        text = (date.known == 6).then(|| take(Part::Fraction, behind, date))??;
    }
    match text {
        "" => Some(text),
        _ => take(Part::Zone, text, date),
    }
}

fn take<'t>(part: Part, text: &'t str, date: &mut Date) -> Option<&'t str> {
    match part {
        Part::Character(character) => text.strip_prefix(character),
        Part::Number(at) => {
            let (number, rest) = digits(text, WIDTHS[at])?;
            date.parts[at] = number as u32;
            date.known = date.known.max(at + 1);
            Some(rest)
        }
        Part::Fraction => {
            let length = text.bytes().take_while(u8::is_ascii_digit).count().min(18);
            let (number, rest) = digits(text, length).filter(|_| length > 0)?;
            date.fraction = (number, length as u32);
            Some(rest)
        }
        Part::Zone => {
            let sign = match text.as_bytes().first()? {
                b'+' => 1,
                b'-' => -1,
                _ => return None,
            };
            let (number, rest) = digits(&text[1..], 4)?;
            let (hours, minutes) = ((number / 100) as i32, (number % 100) as i32);
            date.zone = (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes));
            date.zone.map(|_| rest)
        }
    }
}

impl Date {
    /// The date of a moment, to the second.
    pub(crate) fn of(moment: Moment) -> Date {
        let seconds = moment.milliseconds.div_euclid(1000) + i64::from(moment.offset_minutes) * 60;
        let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let [year, month, day] = civil(days);
        let time = [second / 3600, second / 60 % 60, second % 60].map(|part| part as u32);
        Date {
            parts: [year, month, day, time[0], time[1], time[2]],
            known: 6,
            fraction: (moment.milliseconds.rem_euclid(1000) as u64, 3),
            zone: Some(moment.offset_minutes),
        }
    }

    /// As [`Date::of`], without parts of a second, as HL7's timestamps are mostly written.
    pub(crate) fn to_the_second(moment: Moment) -> Date {
        Date { fraction: (0, 0), ..Date::of(moment) }
    }

    /// Whether the calendar has it.
    fn is_real(&self) -> bool {
        let [year, month, day, hour, minute, second] = self.parts;
        let month = if self.known > 1 { month } else { 1 };
        let day = if self.known > 2 { day } else { 1 };
        let days = days_in(year, month);
        (1..=12).contains(&month) && (1..=days).contains(&day) && hour < 24 && minute < 60 && second < 60
    }
}
