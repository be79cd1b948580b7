//! How values of the primitive data types are written (HL7 v2.5.1 §2.A).

/// A primitive data type that says how its values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// `DT`
    Date,
    /// `TM`
    Time,
    /// `DTM`, and the first component of `TS`.
    DateTime,
    /// `NM`
    Number,
    /// `SI`
    Sequence,
}

/// What a value is to its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// As it should be.
    Fits,
    /// What other versions, or lenient receivers, take.
    Nearly,
    /// Not of the type.
    Not,
}

impl Format {
    /// How values of a type are written; none where the type does not say.
    pub(super) fn of(datatype: &str) -> Option<Format> {
        Some(match datatype {
            "DT" => Format::Date,
            "TM" => Format::Time,
            "DTM" | "TS" => Format::DateTime,
            "NM" => Format::Number,
            "SI" => Format::Sequence,
            _ => return None,
        })
    }

    /// What was wanted, for people.
    pub(super) fn wanted(self) -> &'static str {
        match self {
            Format::Date => "a date as in YYYY[MM[DD]]",
            Format::Time => "a time as in HH[MM[SS[.S[S[S[S]]]]]][+/-ZZZZ]",
            Format::DateTime => "a date and time as in YYYY[MM[DD[HH[MM[SS[.S[S[S[S]]]]]]]]][+/-ZZZZ]",
            Format::Number => "a number as in -12.5",
            Format::Sequence => "a number as in 1",
        }
    }

    pub(super) fn fit(self, value: &str) -> Fit {
        let trimmed = value.trim_matches(' ');
        let fit = match self {
            Format::Date => date(trimmed),
            Format::Time => time(trimmed),
            Format::DateTime => date_time(trimmed),
            Format::Number => fit(is_number(trimmed)),
            Format::Sequence => fit(!trimmed.is_empty() && trimmed.bytes().all(|byte| byte.is_ascii_digit())),
        };
        match fit {
            Fit::Fits if trimmed.len() < value.len() => Fit::Nearly,
            fit => fit,
        }
    }
}

fn fit(fits: bool) -> Fit {
    if fits { Fit::Fits } else { Fit::Not }
}

/// A date; one with a time is what later versions made of many.
fn date(value: &str) -> Fit {
    match (day(value.as_bytes()), date_time(value)) {
        (Some([]), _) => Fit::Fits,
        (_, Fit::Not) => Fit::Not,
        _ => Fit::Nearly,
    }
}

fn time(value: &str) -> Fit {
    let (value, zone) = zone(value.as_bytes());
    match (clock(value), zone) {
        (Some(fit), true) => fit,
        (None, true) if value.len() >= 10 && date_time_of(value) != Fit::Not => Fit::Nearly,
        _ => Fit::Not,
    }
}

fn date_time(value: &str) -> Fit {
    let (value, zone) = zone(value.as_bytes());
    if zone { date_time_of(value) } else { Fit::Not }
}

fn date_time_of(value: &[u8]) -> Fit {
    match day(value) {
        Some([]) => Fit::Fits,
        Some(rest) if value.len() - rest.len() == 8 => clock(rest).unwrap_or(Fit::Not),
        _ => Fit::Not,
    }
}

/// What is before the time zone, and whether that is one.
fn zone(value: &[u8]) -> (&[u8], bool) {
    match value.iter().position(|byte| matches!(byte, b'+' | b'-')) {
        Some(at) => {
            let zone = &value[at + 1..];
            let right = zone.len() == 4 && two(zone, 0, 23).is_some() && two(&zone[2..], 0, 59).is_some();
            (&value[..at], right)
        }
        None => (value, true),
    }
}

/// What follows a year, month and day, of which the later ones may be missing.
fn day(value: &[u8]) -> Option<&[u8]> {
    let (century, year) = (two(value, 0, 99)?, two(value.get(2..)?, 0, 99)?);
    let rest = &value[4..];
    if rest.is_empty() {
        return Some(rest);
    }
    let month = two(rest, 1, 12)?;
    if rest.len() == 2 {
        return Some(&rest[2..]);
    }
    let year = century * 100 + year;
    let days = match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    two(&rest[2..], 1, days)?;
    Some(&rest[4..])
}

/// A time of day, whole; none if it is none.
fn clock(value: &[u8]) -> Option<Fit> {
    two(value, 0, 23)?;
    for (at, most) in [(2, 59), (4, 60)] {
        if value.len() == at {
            return Some(Fit::Fits);
        }
        two(&value[at..], 0, most)?;
    }
    match &value[6..] {
        [] => Some(Fit::Fits),
        [b'.', digits @ ..] if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) => {
            // Computers write more digits than the four that HL7 has.
            Some(if digits.len() <= 4 { Fit::Fits } else { Fit::Nearly })
        }
        _ => None,
    }
}

/// The number that the first two digits are, if it is within these.
fn two(value: &[u8], least: u32, most: u32) -> Option<u32> {
    match value {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9', ..] => {
            Some(u32::from(tens - b'0') * 10 + u32::from(ones - b'0'))
                .filter(|number| (least..=most).contains(number))
        }
        _ => None,
    }
}

fn is_number(value: &str) -> bool {
    let digits = value.strip_prefix(['+', '-']).unwrap_or(value);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    all_digits(whole) && all_digits(part) && !(whole.is_empty() && part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(format: Format, fit: Fit, values: &[&str]) {
        for value in values {
            assert_eq!(format.fit(value), fit, "{value:?} {format:?}");
        }
    }

    #[test]
    fn dates_and_times() {
        use Fit::*;
        check(Format::Date, Fits, &["2026", "202611", "20261123", "20240229"]);
        check(Format::Date, Nearly, &["20261123120000", "2026112312+0100", " 20261123"]);
        check(
            Format::Date,
            Not,
            &["26", "2026-11-23", "20261301", "20230229", "20261100", "Mai", "2026112", "+0100"],
        );
        check(
            Format::Time,
            Fits,
            &["12", "1200", "120059", "120059.1", "120059.1234+0100", "1200-0500", "120060"],
        );
        check(Format::Time, Nearly, &["120059.12345", "20261123120000"]);
        check(Format::Time, Not, &["", "1", "12:00", "2560", "1260", "1200+1", "1200+2500", "120000."]);
        check(
            Format::DateTime,
            Fits,
            &["2026", "20261123", "202611231200", "20261123120000.1234+0000", "2026+0100"],
        );
        check(Format::DateTime, Nearly, &["20261123120000.123456", "20261123 "]);
        check(
            Format::DateTime,
            Not,
            &["", "20261123T120000", "2026111", "20261123240000", "20261123é", "202611é1"],
        );
    }

    #[test]
    fn numbers() {
        use Fit::*;
        check(Format::Number, Fits, &["1", "-1", "+1.5", "0.5", ".5", "5.", "00012"]);
        check(Format::Number, Nearly, &[" 1", "1 "]);
        check(Format::Number, Not, &["", ".", "-", ">5", "1e3", "1,5", "1 2", "é"]);
        check(Format::Sequence, Fits, &["1", "0", "0001"]);
        check(Format::Sequence, Not, &["", "-1", "1.0", "A"]);
    }
}
