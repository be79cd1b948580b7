//! The forms that texts have by their schema, such as durations, and what is meant by a wrong one.

use std::sync::OnceLock;

use model::{ByteSize, Span, Timeout};
use serde_json::Value;

use crate::keys::schema_of;

/// A form of text, known by the pattern of its schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Duration,
    Size,
    Timeout,
}

impl Form {
    /// The form that a schema asks for.
    pub(crate) fn of(schema: &Value) -> Option<Form> {
        static PATTERNS: OnceLock<[(Value, Form); 3]> = OnceLock::new();
        let pattern = schema.get("pattern")?;
        let known = PATTERNS.get_or_init(|| {
            [
                (schema_of::<Span>()["pattern"].take(), Form::Duration),
                (schema_of::<ByteSize>()["pattern"].take(), Form::Size),
                (schema_of::<Timeout>()["pattern"].take(), Form::Timeout),
            ]
        });
        known.iter().find(|(known, _)| known == pattern).map(|(_, form)| *form)
    }

    /// What is wanted, in a sentence.
    pub(crate) fn wanted(self) -> &'static str {
        match self {
            Form::Duration => "a duration with its unit, as in 250ms, 5s, 10m, 2h or 1d",
            Form::Size => "a size with its unit, as in 512B, 64KiB, 4MiB or 1GiB",
            Form::Timeout => "forever, or a duration with its unit, as in 5s, 10m or 2h",
        }
    }

    /// Whether a text has it.
    pub(crate) fn fits(self, text: &str) -> bool {
        match self {
            Form::Duration => Span::try_from(text.to_owned()).is_ok(),
            Form::Size => ByteSize::try_from(text.to_owned()).is_ok(),
            Form::Timeout => Timeout::try_from(text.to_owned()).is_ok(),
        }
    }

    /// What was meant by a text or number that has it not: units as people write them elsewhere.
    pub(crate) fn meant(self, text: &str) -> Option<String> {
        let text = text.trim();
        if self == Form::Timeout && ["-1", "never", "none", "infinite", "unlimited"].contains(&text) {
            return Some("forever".to_owned());
        }
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let unit = unit.trim().to_ascii_lowercase();
        let unit = match (self, unit.trim_end_matches('s')) {
            (Form::Size, "" | "byte" | "b") => "B",
            (Form::Size, "k" | "kb" | "kib" | "kibibyte" | "kilobyte") => "KiB",
            (Form::Size, "m" | "mb" | "mib" | "mebibyte" | "megabyte") => "MiB",
            (Form::Size, "g" | "gb" | "gib" | "gibibyte" | "gigabyte") => "GiB",
            (Form::Size, _) => return None,
            (_, "m" | "msec" | "milli" | "millisecond") if unit != "m" => "ms",
            (_, "" | "sec" | "second") => "s",
            (_, "m" | "min" | "minute") => "m",
            (_, "h" | "hr" | "hour") => "h",
            (_, "d" | "day") => "d",
            _ => return None,
        };
        let meant = format!("{number}{unit}");
        self.fits(&meant).then_some(meant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_of_elsewhere_are_understood() {
        for (form, text, wanted) in [
            (Form::Duration, "5", Some("5s")),
            (Form::Duration, "5 seconds", Some("5s")),
            (Form::Duration, "10min", Some("10m")),
            (Form::Duration, "300 msec", Some("300ms")),
            (Form::Duration, "2 Hours", Some("2h")),
            (Form::Duration, "soon", None),
            (Form::Duration, "1.5s", None),
            (Form::Size, "4MB", Some("4MiB")),
            (Form::Size, "4096", Some("4096B")),
            (Form::Timeout, "-1", Some("forever")),
            (Form::Timeout, "never", Some("forever")),
        ] {
            assert_eq!(form.meant(text).as_deref(), wanted, "{text}");
        }
        assert_eq!(Form::of(&schema_of::<Option<Span>>()), Some(Form::Duration));
        assert_eq!(Form::of(&schema_of::<Timeout>()), Some(Form::Timeout));
        assert_eq!(Form::of(&schema_of::<String>()), None);
    }
}
