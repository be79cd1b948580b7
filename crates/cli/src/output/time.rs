//! Times as people write and read them. Everything is UTC.

use std::time::Duration;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use model::{Span, Timestamp};

/// Reads a point in time: how long ago (`10m`), a date (`2026-11-23`), a date and time
/// (`2026-11-23 12:59`, `2026-11-23T12:59:00Z`), or a time of today (`12:59`). UTC.
///
/// # Errors
/// What was found and what is wanted.
pub(crate) fn read(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    read_in(text, now, &TimeZone::UTC, "UTC")
}

/// The same in the machine's zone.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_here(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    read_in(text, now, &TimeZone::system(), "a time of this machine's zone")
}

fn read_in(text: &str, now: Timestamp, zone: &TimeZone, what: &str) -> Result<Timestamp, String> {
    if let Ok(Span(ago)) = Span::try_from(text.to_owned()) {
        return Ok(Timestamp(now.0.saturating_sub_unsigned(ago.as_millis() as u64)));
    }
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Ok(Timestamp(time.as_millisecond()));
    }
    let today = jiff::Timestamp::from_millisecond(now.0).map(|now| now.to_zoned(zone.clone()).date());
    let civil = match (text.parse::<Time>(), today) {
        // A date reads as a time of day as well ("2026-11-23" is no time, "12:59" no date).
        (Ok(time), Ok(today)) if text.contains(':') && !text.contains('-') => Ok(today.to_datetime(time)),
        _ if text.contains(':') => text.parse::<DateTime>(),
        _ => text.parse::<Date>().map(DateTime::from),
    };
    civil
        .and_then(|civil| civil.to_zoned(zone.clone()))
        .map(|zoned| Timestamp(zoned.timestamp().as_millisecond()))
        .map_err(|_| {
            format!(
                "time is \"{text}\"; expected how long ago, as in 10m or 2h, or {what} as in 2026-11-23, \
                 \"2026-11-23 12:59\", 12:59 or 2026-11-23T12:59:00Z"
            )
        })
}

/// Now, on the system's clock.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_system(std::time::SystemTime::now())
}

/// The time of day, as in `12:59:00.123`.
pub(crate) fn of_day(time: Timestamp) -> String {
    time.to_utc().split_once(' ').map_or_else(|| time.to_utc(), |(_, time)| time.to_owned())
}

/// A duration as people say it: `12 ms`, `3.4 s`, `5 min`, `2.5 h`, `3 d`.
pub(crate) fn spoken(duration: Duration) -> String {
    let tenth = |value: f64, unit| {
        let text = format!("{value:.1}");
        format!("{} {unit}", text.strip_suffix(".0").unwrap_or(&text))
    };
    match duration.as_secs_f64() {
        secs if secs < 0.9995 => format!("{} ms", duration.as_millis()),
        secs if secs < 60.0 => tenth(secs, "s"),
        secs if secs < 3_600.0 => tenth(secs / 60.0, "min"),
        secs if secs < 86_400.0 => tenth(secs / 3_600.0, "h"),
        secs => tenth(secs / 86_400.0, "d"),
    }
}

/// How long ago `time` was, as in `3.4 s ago`.
pub(crate) fn ago(time: Timestamp, now: Timestamp) -> String {
    format!("{} ago", spoken(now.since(time)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-23 12:59:00.000 UTC.
    const NOW: Timestamp = Timestamp(1_795_438_740_000);

    #[test]
    fn times_are_read_as_people_write_them() {
        for (text, expected) in [
            ("10m", "2026-11-23 12:49:00.000"),
            ("2026-11-20", "2026-11-20 00:00:00.000"),
            ("2026-11-20 08:30", "2026-11-20 08:30:00.000"),
            ("2026-11-20T08:30:00.250Z", "2026-11-20 08:30:00.250"),
            ("2026-11-20T08:30:00+01:00", "2026-11-20 07:30:00.000"),
            ("08:30", "2026-11-23 08:30:00.000"),
            ("08:30:15.5", "2026-11-23 08:30:15.500"),
        ] {
            assert_eq!(read(text, NOW).map(Timestamp::to_utc).as_deref(), Ok(expected), "{text}");
        }
        for wrong in ["", "yesterday", "10", "2026-13-01", "25:00"] {
            let error = read(wrong, NOW).unwrap_err();
            assert!(error.contains(&format!("\"{wrong}\"")) && error.contains("expected"), "{error}");
        }
    }

    #[test]
    fn durations_are_spoken() {
        for (millis, expected) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (1_000, "1 s"),
            (3_440, "3.4 s"),
            (90_000, "1.5 min"),
            (259_200_000, "3 d"),
        ] {
            assert_eq!(spoken(Duration::from_millis(millis)), expected);
        }
        assert_eq!(ago(Timestamp(NOW.0 - 2_000), NOW), "2 s ago");
        assert_eq!(of_day(NOW), "12:59:00.000");
    }
}
