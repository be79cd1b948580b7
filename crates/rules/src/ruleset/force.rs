//! When a rule is in force.

use super::Effective;
use crate::date::{Date, Format, Moment};

/// A span of time, as texts that are ordered as time is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Force {
    from: Option<String>,
    to: Option<String>,
}

/// How long what is said of a moment may be: a day, a minute, a second.
const FORMATS: [&str; 3] = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"];

impl Force {
    /// Reads a span.
    ///
    /// # Errors
    /// The key that is wrong, and why.
    pub(super) fn read(effective: Option<&Effective>) -> Result<Force, (&'static str, String)> {
        let Some(Effective { from, to }) = effective else { return Ok(Force::default()) };
        for (key, text) in [("from", from), ("to", to)] {
            let Some(text) = text else { continue };
            let fits = |format: &&str| Format::read(format).is_ok_and(|format| format.parse(text).is_some());
            if !FORMATS.iter().any(fits) {
                let wanted = "expected a day or minute, as in 2026-01-31 or 2026-01-31T08:00";
                return Err((key, format!("found \"{text}\"; {wanted}")));
            }
        }
        match (from, to) {
            (Some(from), Some(to)) if from > to && !from.starts_with(to) => {
                Err(("to", format!("the rule ends (\"{to}\") before it begins (\"{from}\")")))
            }
            _ => Ok(Force { from: from.clone(), to: to.clone() }),
        }
    }

    /// Whether it is always in force.
    pub(super) fn is_always(&self) -> bool {
        *self == Force::default()
    }

    /// Whether it is in force at that moment; without a clock it is.
    pub(super) fn holds(&self, now: Option<Moment>) -> bool {
        let Some(now) = now.filter(|_| !self.is_always()) else { return true };
        let Ok(format) = Format::read(FORMATS[2]) else { return true };
        let now = format.write(&Date::of(now));
        self.from.as_ref().is_none_or(|from| now >= *from)
            && self.to.as_ref().is_none_or(|to| now <= *to || now.starts_with(to.as_str()))
    }
}
