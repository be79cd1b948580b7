//! A schedule that is a list of hours: by days of the week, by dates, and dates that are left out.

mod read;

use std::ops::Range;

use super::Wall;
use crate::calendar::{civil, weekday};

const DAY: u32 = 86_400;

/// All hours of a schedule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Hours {
    weekly: Vec<(Week, Span)>,
    dated: Vec<(Dates, Span)>,
    except: Vec<Dates>,
}

/// Which days of the week, Monday first.
type Week = [bool; 7];

/// Seconds of the day on which it begins; what goes on behind midnight ends above a day.
type Span = Range<u32>;

/// A date, or the first and the last of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dates {
    /// Any year and any month where none is said.
    One { year: Option<u32>, month: Option<u32>, day: u32 },
    /// Numbers of days.
    Between(i64, i64),
    /// Months and days of every year; over new year where the first is behind the last.
    Yearly([u32; 2], [u32; 2]),
}

impl Dates {
    fn has(self, day: i64) -> bool {
        let [year, month, date] = civil(day);
        match self {
            Dates::One { year: of, month: in_month, day } => {
                of.is_none_or(|of| of == year) && in_month.is_none_or(|it| it == month) && day == date
            }
            Dates::Between(first, last) => (first..=last).contains(&day),
            Dates::Yearly(first, last) if first <= last => (first..=last).contains(&[month, date]),
            Dates::Yearly(first, last) => [month, date] >= first || [month, date] <= last,
        }
    }
}

impl Hours {
    pub(super) fn is_on(&self, wall: Wall) -> bool {
        self.begin_on(wall.day).any(|span| span.contains(&wall.second))
            || self.begin_on(wall.day - 1).any(|span| span.contains(&(wall.second + DAY)))
    }

    /// The hours that begin on a day.
    fn begin_on(&self, day: i64) -> impl Iterator<Item = &Span> {
        let left_out = self.except.iter().any(|dates| dates.has(day));
        let dated = self.dated.iter().any(|(dates, _)| dates.has(day));
        let weekly = self.weekly.iter().filter(move |(week, _)| !dated && week[weekday(day)]);
        let of_date = self.dated.iter().filter(move |(dates, _)| dates.has(day));
        let all = weekly.map(|(_, span)| span).chain(of_date.map(|(_, span)| span));
        all.filter(move |_| !left_out)
    }
}
