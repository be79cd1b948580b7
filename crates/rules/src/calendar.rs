//! The calendar: which days there are, and how many lie between them. Gregorian at all times.

/// The days of a week by their names, Monday first.
pub(crate) const WEEKDAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// How many days a month of that year has.
pub(crate) fn days_in(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// How many days a date lies after 1970-01-01 (by Howard Hinnant's `days_from_civil`).
pub(crate) fn day_number([year, month, day]: [u32; 3]) -> i64 {
    let (month, day) = (i64::from(month), i64::from(day));
    let year = i64::from(year) - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted_month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month and day, so many days after 1970-01-01 (by Howard Hinnant's `civil_from_days`).
pub(crate) fn civil(days: i64) -> [u32; 3] {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    [year.clamp(0, 9999) as u32, month as u32, day as u32]
}

/// The day of the week, so many days after 1970-01-01: 0 for Monday, 6 for Sunday.
pub(crate) fn weekday(days: i64) -> usize {
    // 1970-01-01 was a Thursday.
    (days + 3).rem_euclid(7) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_one_by_one() {
        let mut number = day_number([1599, 12, 31]);
        let mut day_of_week = weekday(number);
        for year in 1600..=2401 {
            for month in 1..=12 {
                for day in 1..=days_in(year, month) {
                    number += 1;
                    day_of_week = (day_of_week + 1) % 7;
                    assert_eq!(day_number([year, month, day]), number, "{year}-{month}-{day}");
                    assert_eq!(civil(number), [year, month, day]);
                    assert_eq!(weekday(number), day_of_week);
                }
            }
        }
        assert_eq!((day_number([1970, 1, 1]), weekday(0)), (0, 3));
        assert_eq!(WEEKDAYS[weekday(day_number([2026, 11, 23]))], "monday");
    }
}
