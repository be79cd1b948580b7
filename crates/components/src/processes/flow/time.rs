//! Times that a flow waits for, as a message or its context tells them.

use jiff::Zoned;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use model::Timestamp;

use super::instance::Fault;

/// Forms that are read, beside those with an offset.
const FORMS: [&str; 6] = [
    "%Y%m%d%H%M%S",
    "%Y%m%d%H%M",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M",
];

/// The time that a text says: with an offset, or in the machine's time zone.
pub(super) fn read(text: &str) -> Result<Timestamp, Fault> {
    let wrong = || Fault {
        name: "time".to_owned(),
        reason: "the time to wait for cannot be read; expected a form such as 20261124083000 or \
                 2026-11-24 08:30:00"
            .to_owned(),
    };
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Ok(Timestamp(time.as_millisecond()));
    }
    if let Ok(time) = Zoned::strptime("%Y%m%d%H%M%S%z", text) {
        return Ok(Timestamp(time.timestamp().as_millisecond()));
    }
    let local = FORMS.iter().find_map(|form| DateTime::strptime(form, text).ok()).ok_or_else(wrong)?;
    let zoned = local.to_zoned(TimeZone::system()).map_err(|_| wrong())?;
    Ok(Timestamp(zoned.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_messages_and_of_people_are_read() {
        let millis = |text: &str| read(text).map(|time| time.0);
        assert_eq!(millis("2026-11-24T08:30:00Z"), Ok(1_795_509_000_000));
        assert_eq!(millis("20261124093000+0100"), Ok(1_795_509_000_000));
        let local = millis("20261124083000").unwrap();
        assert_eq!(millis("2026-11-24 08:30:00"), Ok(local));
        assert_eq!(millis("202611240830"), Ok(local));
        assert!(millis("tomorrow").unwrap_err().reason.contains("cannot be read"));
    }
}
