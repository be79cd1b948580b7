//! Spans of time, and how they are added to dates and lie between them.
//!
//! A date without a zone is what a clock on the wall shows that knows no summer time: its days have 24 hours.
//! One with a zone keeps it, however far it is moved; between two with zones lies the time that really passed.

use super::Date;
use crate::arithmetic::Exact;
use crate::calendar::{civil, day_number, days_in};

/// Billionths of billionths of a second, of which a date may know some.
const SECOND: i128 = 1_000_000_000_000_000_000;
const DAY_SECONDS: i64 = 86_400;

/// A unit of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Months(i64),
    Milliseconds(i64),
}

/// The units as they are written.
pub(crate) const UNITS: [&str; 7] = ["ms", "s", "m", "h", "d", "mo", "y"];

impl Unit {
    /// The unit of that name.
    pub(crate) fn named(name: &str) -> Option<Unit> {
        Some(match name {
            "ms" => Unit::Milliseconds(1),
            "s" => Unit::Milliseconds(1_000),
            "m" => Unit::Milliseconds(60_000),
            "h" => Unit::Milliseconds(3_600_000),
            "d" => Unit::Milliseconds(86_400_000),
            "mo" => Unit::Months(1),
            "y" => Unit::Months(12),
            _ => return None,
        })
    }
}

/// So many units, forward or back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    count: i64,
    unit: Unit,
}

impl Span {
    /// `30d`, `-2h`, `1mo`: a whole number with its unit.
    pub(crate) fn read(text: &str) -> Option<Span> {
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        let end = digits.find(|character: char| !character.is_ascii_digit())?;
        let count: i64 = digits[..end].parse().ok()?;
        let unit = Unit::named(digits[end..].trim_start_matches(' '))?;
        Some(Span { count: if text.starts_with('-') { -count } else { count }, unit })
    }
}

impl Date {
    /// Year, month and day; what is not known is the first.
    pub(crate) fn day(&self) -> [u32; 3] {
        let part = |at: usize| if at < self.known { self.parts[at] } else { 1 };
        [part(0), part(1), part(2)]
    }

    /// Seconds of the day; what is not known is zero.
    pub(crate) fn second(&self) -> u32 {
        let part = |at: usize| if at < self.known { self.parts[at] } else { 0 };
        part(3) * 3600 + part(4) * 60 + part(5)
    }

    /// Whether the day is known.
    pub(crate) fn knows_day(&self) -> bool {
        self.known >= 3
    }

    /// Minutes east of Greenwich, where they are known.
    pub(crate) fn zone(&self) -> Option<i32> {
        self.zone
    }

    /// So much later, as exact as it was; none beyond the year 9999, and before the year 0.
    pub(crate) fn plus(self, span: Span) -> Option<Date> {
        match span.unit {
            Unit::Months(months) => self.plus_months(span.count.checked_mul(months)?),
            Unit::Milliseconds(unit) => {
                let milliseconds = i128::from(span.count).checked_mul(i128::from(unit))?;
                let moved = self.instant().checked_add(milliseconds.checked_mul(SECOND / 1000)?)?;
                let seconds = i64::try_from(moved.div_euclid(SECOND)).ok()?;
                let day = civil_within(seconds.div_euclid(DAY_SECONDS))?;
                let places = 10_i128.pow(18 - self.fraction.1.min(18));
                let fraction = (moved.rem_euclid(SECOND) / places) as u64;
                let second = seconds.rem_euclid(DAY_SECONDS) as u32;
                let time = [second / 3600, second / 60 % 60, second % 60];
                let fraction = if self.fraction.1 == 0 { (0, 0) } else { (fraction, self.fraction.1) };
                Some(Date { fraction, ..self.with(day, time) })
            }
        }
    }

    /// A month that has no such day gives its last.
    fn plus_months(self, months: i64) -> Option<Date> {
        let [year, month, day] = self.day();
        let all = (i64::from(year) * 12 + i64::from(month) - 1).checked_add(months)?;
        let year = u32::try_from(all.div_euclid(12)).ok().filter(|year| *year <= 9999)?;
        let month = all.rem_euclid(12) as u32 + 1;
        let time = [self.parts[3], self.parts[4], self.parts[5]];
        Some(self.with([year, month, day.min(days_in(year, month))], time))
    }

    /// With these parts; those that are not known stay so.
    fn with(self, [year, month, day]: [u32; 3], [hour, minute, second]: [u32; 3]) -> Date {
        let mut parts = [year, month, day, hour, minute, second];
        parts[self.known..].fill(0);
        Date { parts, ..self }
    }

    /// What the clock shows, as a number.
    fn instant(&self) -> i128 {
        let seconds = day_number(self.day()) * DAY_SECONDS + i64::from(self.second());
        let places = 10_i128.pow(18 - self.fraction.1.min(18));
        i128::from(seconds) * SECOND + i128::from(self.fraction.0) * places
    }
}

/// Year, month and day, within the years that have four digits.
fn civil_within(day: i64) -> Option<[u32; 3]> {
    (day_number([0, 1, 1])..=day_number([9999, 12, 31])).contains(&day).then(|| civil(day))
}

/// The time from one date to another in a unit: whole months and years that passed, else with decimals.
pub(crate) fn between(from: &Date, to: &Date, unit: Unit) -> Option<Exact> {
    // Where one says no zone it is of the other's.
    let ahead = from.zone.zip(to.zone).map_or(0, |(from, to)| i64::from(from - to) * 60);
    let (start, end) = (from.instant(), to.instant() + i128::from(ahead) * SECOND);
    match unit {
        Unit::Milliseconds(unit) => {
            // Billionths of seconds: what is finer does not count.
            let passed = Exact::of((end - start) / 1_000_000_000, 9);
            passed.divided_by(Exact::of(i128::from(unit), 3))
        }
        Unit::Months(months) => {
            let count = if end < start { -passed_months(end, start) } else { passed_months(start, end) };
            Some(Exact::of(i128::from(count / months), 0))
        }
    }
}

/// How many whole months lie between two instants, the earlier one first.
fn passed_months(start: i128, end: i128) -> i64 {
    let day_and_time = |instant: i128| {
        let day = SECOND * i128::from(DAY_SECONDS);
        let [year, month, date] = civil(instant.div_euclid(day) as i64);
        (i64::from(year) * 12 + i64::from(month), (date, instant.rem_euclid(day)))
    };
    let ((first, begins), (last, ends)) = (day_and_time(start), day_and_time(end));
    last - first - i64::from(ends < begins)
}
