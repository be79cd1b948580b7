//! Schedules: when something is on, as a production writes it.
//!
//! A schedule is a list of hours (`hours`), or the text of switches that users bring along from elsewhere
//! (`wave`). Either is asked what the clock on the wall shows: summer time makes no difference to what
//! begins at eight.

mod hours;
mod wave;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::hours::Hours;
use self::wave::Wave;
use crate::Texts;
use crate::date::Moment;

/// The schedules of a production, by name. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Schedules(Arc<HashMap<String, Arc<Schedule>>>);

impl Schedules {
    /// The same schedules, and `schedule` under `name`.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, schedule: Schedule) -> Self {
        Arc::make_mut(&mut self.0).insert(name.into(), Arc::new(schedule));
        self
    }

    /// The schedule of that name.
    pub fn get(&self, name: &str) -> Option<&Arc<Schedule>> {
        self.0.get(name)
    }

    /// The names of all schedules, in the order of the alphabet.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.0.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }
}

/// A schedule as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum ScheduleDef {
    /// Switches, as in `START:WEEK-*-01T08:00:00,STOP:WEEK-*-01T18:00:00`.
    Switches(String),
    /// Hours.
    Hours(Vec<HoursDef>),
}

/// Hours on some days.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HoursDef {
    /// Days of the week, as in `mon-fri` or `[mon, wed, sat-sun]`; every day when left out.
    pub days: Texts,
    /// Dates whose hours these are in place of those of their day of the week, as in `2026-12-24`, `*-12-31`
    /// for every year, or `2026-12-24..2027-01-06`.
    pub dates: Texts,
    /// Dates without any hours.
    pub except: Texts,
    /// When the hours begin, as in `08:00`; at midnight when left out.
    pub from: Option<String>,
    /// When they end, as in `18:00` or `24:00`; at midnight when left out. What is before `from` is on the
    /// next day.
    pub to: Option<String>,
}

/// What is wrong with a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleFinding {
    /// Where, as in `[0].days`; empty for all of it.
    pub place: String,
    /// The bytes of the text there.
    pub range: Option<Range<usize>>,
    /// What was found and what was wanted.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
    /// Whether the production cannot run with it.
    pub is_error: bool,
}

impl ScheduleFinding {
    fn error(place: impl Into<String>, range: Option<Range<usize>>, message: impl Into<String>) -> Self {
        ScheduleFinding { place: place.into(), range, message: message.into(), help: None, is_error: true }
    }

    fn doubt(place: impl Into<String>, message: impl Into<String>) -> Self {
        ScheduleFinding { is_error: false, ..Self::error(place, None, message) }
    }

    fn help(self, help: impl Into<String>) -> Self {
        ScheduleFinding { help: Some(help.into()), ..self }
    }
}

/// When something is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule(Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Hours(Hours),
    Wave(Wave),
}

impl Default for Schedule {
    /// One that is never on.
    fn default() -> Self {
        Schedule(Kind::Hours(Hours::default()))
    }
}

impl Schedule {
    /// Compiles a schedule; what is wrong with it is left out.
    pub fn compile(def: &ScheduleDef) -> (Schedule, Vec<ScheduleFinding>) {
        let mut findings = Vec::new();
        let kind = match def {
            ScheduleDef::Switches(text) => Kind::Wave(Wave::read(text, &mut findings)),
            ScheduleDef::Hours(all) => Kind::Hours(Hours::read(all, &mut findings)),
        };
        (Schedule(kind), findings)
    }

    /// Whether it is on when the clock on the wall shows that.
    pub(crate) fn is_on(&self, wall: Wall) -> bool {
        match &self.0 {
            Kind::Hours(hours) => hours.is_on(wall),
            Kind::Wave(wave) => wave.is_on(wall),
        }
    }
}

/// What a clock on the wall shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Wall {
    /// Days after 1970-01-01.
    pub(crate) day: i64,
    /// Seconds of the day.
    pub(crate) second: u32,
}

impl From<Moment> for Wall {
    fn from(moment: Moment) -> Wall {
        let seconds = moment.milliseconds.div_euclid(1000) + i64::from(moment.offset_minutes) * 60;
        Wall { day: seconds.div_euclid(86_400), second: seconds.rem_euclid(86_400) as u32 }
    }
}

#[cfg(test)]
mod tests;
