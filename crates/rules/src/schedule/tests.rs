//! When schedules are on, and what is wrong with them.

use super::*;
use crate::calendar::{WEEKDAYS, civil, day_number, weekday};
use crate::date::{Date, Format};

fn hours(all: &[HoursDef]) -> ScheduleDef {
    ScheduleDef::Hours(all.to_vec())
}

fn of(days: &str, from: &str, to: &str) -> HoursDef {
    let time = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let days = if days.is_empty() { Texts::default() } else { days.into() };
    HoursDef { days, from: time(from), to: time(to), ..HoursDef::default() }
}

fn on(dates: &[&str], from: &str, to: &str) -> HoursDef {
    HoursDef { dates: dates.into(), ..of("", from, to) }
}

fn except(dates: &[&str]) -> HoursDef {
    HoursDef { except: dates.into(), ..HoursDef::default() }
}

fn wall(text: &str) -> Wall {
    let date: Date = Format::Hl7.parse(text).unwrap();
    Wall { day: day_number(date.day()), second: date.second() }
}

#[track_caller]
fn check(def: &ScheduleDef, rows: &[(&str, bool)]) {
    let (schedule, findings) = Schedule::compile(def);
    assert_eq!(findings, [], "{def:?}");
    for (time, expected) in rows {
        assert_eq!(schedule.is_on(wall(time)), *expected, "{time}");
    }
}

/// The schedule of the guide.
fn office_hours() -> ScheduleDef {
    hours(&[
        of("mon-fri", "08:00", "18:00"),
        HoursDef { days: ["sat"].as_slice().into(), ..of("", "09:00", "12:00") },
        on(&["2026-12-24", "*-12-31"], "08:00", "12:00"),
        except(&["2026-12-25", "*-01-01"]),
    ])
}

#[test]
fn office_hours_are_those_of_days_and_dates() {
    check(
        &office_hours(),
        &[
            // A Monday.
            ("20261123075959", false),
            ("20261123080000", true),
            ("20261123175959", true),
            ("20261123180000", false),
            // A Saturday and a Sunday.
            ("202611281100", true),
            ("202611281200", false),
            ("202611291100", false),
            // A Thursday on which a date says otherwise, and the Friday that is left out.
            ("202612241159", true),
            ("202612241200", false),
            ("202612251100", false),
            // A Thursday, and in another year a Friday.
            ("202612311300", false),
            ("202712311100", true),
            ("202712311300", false),
            // A Friday that is left out every year.
            ("202701011100", false),
        ],
    );
}

#[test]
fn hours_over_midnight_belong_to_the_day_they_begin_on() {
    check(
        &hours(&[of("", "22:00", "06:00")]),
        &[("202611232159", false), ("202611232200", true), ("202611240559", true), ("202611240600", false)],
    );
    check(
        &hours(&[of("fri", "22:00", "06:00"), except(&["2026-12-25"])]),
        &[
            ("202611270100", false),
            ("202611272300", true),
            ("202611280559", true),
            ("202611282300", false),
            ("202612252300", false),
            ("202612260100", false),
        ],
    );
    check(&hours(&[of("thu", "22:00", "06:00"), except(&["2026-12-25"])]), &[("202612250100", true)]);
}

#[test]
fn what_is_left_out_is_all_day_and_every_day() {
    check(
        &hours(&[of("sat-sun", "", "")]),
        &[("202611282359", true), ("20261129", true), ("20261130", false)],
    );
    check(&hours(&[of("", "20:00", "")]), &[("202611231959", false), ("20261123235959", true)]);
    check(&hours(&[of("", "", "06:00")]), &[("20261123", true), ("202611230600", false)]);
    check(&hours(&[of("", "", "24:00")]), &[("20261123235959", true)]);
    check(
        &hours(&[of("Saturday - Monday, wed", "", "")]),
        &[("20261130", true), ("20261201", false), ("20261202", true)],
    );
    let quarter = of("", "08:00:15", "08:00:30");
    check(
        &hours(&[quarter]),
        &[("20261123080014", false), ("20261123080015", true), ("20261123080030", false)],
    );
}

#[test]
fn dates_are_single_or_spans_of_one_year_or_every_year() {
    let days = of("", "", "");
    let all_but =
        |dates: &[&str]| hours(&[HoursDef { days: "mon-sun".into(), ..days.clone() }, except(dates)]);
    check(
        &all_but(&["2026-12-24..2027-01-06, *-05-01", "*-*-13"]),
        &[
            ("20261223", true),
            ("20261224", false),
            ("20270106", false),
            ("20270107", true),
            ("20280501", false),
            ("20280413", false),
        ],
    );
    check(
        &all_but(&["*-12-24..*-01-06", "*-02-29"]),
        &[
            ("20301231", false),
            ("20310106", false),
            ("20310107", true),
            ("20280229", false),
            ("20280228", true),
        ],
    );
}

#[test]
fn switches_make_a_wave() {
    let wave = |text: &str| ScheduleDef::Switches(text.to_owned());
    check(
        &wave("START:WEEK-*-01T08:00:00,STOP:WEEK-*-01T18:00:00"),
        &[
            ("202611230759", false),
            ("202611230800", true),
            ("202611231759", true),
            ("202611231800", false),
            ("202611241000", false),
            ("202611301000", true),
        ],
    );
    // From Monday to Friday, and the second Sunday of a month.
    check(
        &wave("START:WEEK-*-01T08:00:00, STOP:WEEK-*-05T18:00:00"),
        &[("202611250300", true), ("20261128", false)],
    );
    check(
        &wave("START:WEEK-02-00T00:00:00,STOP:WEEK-02-01T00:00:00"),
        &[("202611081200", true), ("202611151200", false), ("20261109", false)],
    );
    check(
        &wave("START:*-*-*T08:00:00,STOP:*-*-*T18:30:00"),
        &[("202611231829", true), ("202611231830", false)],
    );
    check(&wave("START:*-04-01T00:00:00,STOP:*-10-01T00:00:00"), &[("20260331", false), ("20260401", true)]);
    // A star makes what is to its left one: each hour, not each hour of the first.
    check(
        &wave("START:2026-01-01T*:00:00,STOP:2026-01-01T*:30:00"),
        &[("202611231015", true), ("202611231045", false)],
    );
    check(
        &wave("START:2026-11-01T00:00:00,STOP:2026-12-01T00:00:00"),
        &[("20261031", false), ("20261101", true), ("20261201", false)],
    );
    check(
        &wave("STOP:2026-12-01T00:00:00,START:2026-12-02T00:00:00"),
        &[("20261130", true), ("20261201", false)],
    );
    // At one time the one that is written last.
    check(&wave("START:*-*-*T08:00:00,STOP:*-*-*T08:00:00"), &[("202611230900", false)]);
    check(&wave("START:*-02-29T00:00:00,STOP:*-03-01T00:00:00"), &[("20280229", true), ("20290101", false)]);
}

/// Place, what the message holds, what the help holds; a doubt begins with `?`.
#[track_caller]
fn findings(def: &ScheduleDef, expected: &[(&str, &str, &str)]) {
    let found = Schedule::compile(def).1;
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (finding, (place, message, help)) in found.iter().zip(expected) {
        let (is_error, place) = (!place.starts_with('?'), place.trim_start_matches('?'));
        assert_eq!((finding.place.as_str(), finding.is_error), (place, is_error), "{finding:?}");
        assert!(finding.message.contains(message), "{finding:?}");
        assert!(finding.help.as_deref().unwrap_or_default().contains(help), "{finding:?}");
    }
}

#[test]
fn what_is_wrong_is_told_at_its_place() {
    findings(&hours(&[]), &[("", "no hours", "mon-fri")]);
    findings(&hours(&[HoursDef::default()]), &[("[0]", "say nothing", "days")]);
    findings(&hours(&[except(&["*-01-01"])]), &[("?", "never on", "add the hours")]);
    for (text, help) in [("24:60", "00:00"), ("8:00", "\"08:00\""), ("0800", "\"08:00\""), ("noon", "as in")]
    {
        let wrong = format!("found \"{text}\"");
        let help = if text == "24:60" { "as in" } else { help };
        findings(&hours(&[of("mon", text, "12:00")]), &[("[0].from", &wrong, help)]);
    }
    findings(&hours(&[of("", "24:00", "06:00")]), &[("[0].from", "23:59", "")]);
    findings(&hours(&[of("", "06:00", "24:01")]), &[("[0].to", "24:00", "")]);
    findings(&hours(&[of("", "08:00", "08:00")]), &[("[0].to", "end as they begin", "whole day")]);
    for (days, help) in [("mon-fry", "fri"), ("tues", "tue"), ("weekend", "sat-sun"), ("x", "expected mon")] {
        findings(&hours(&[of(days, "", "")]), &[("[0].days", "is no day of the week", help)]);
    }
    for (date, message, help) in [
        ("2026-02-29", "the calendar has no", "28 days"),
        ("*-02-30", "the calendar has no", "29 days"),
        ("2026-13-01", "the calendar has no", "as in"),
        ("24.12.2026", "is no date", "\"2026-12-24\""),
        ("20261224", "is no date", "\"2026-12-24\""),
        ("12-24", "is no date", "\"*-12-24\""),
        ("24.12.", "is no date", "\"*-12-24\""),
        ("christmas", "is no date", "write year"),
        ("2027-01-06..2026-12-24", "ends before it begins", "first date"),
        ("2026-12-24..*-12-31", "no span of dates", "both"),
    ] {
        findings(&hours(&[on(&[date], "", "")]), &[("[0].dates[0]", message, help)]);
    }
    let both = HoursDef { days: "mon".into(), ..on(&["*-12-24"], "", "") };
    findings(&hours(&[both]), &[("[0].dates", "either of days or of dates", "two entries")]);
    let beside = HoursDef { from: Some("08:00".to_owned()), ..except(&["*-12-24"]) };
    findings(&hours(&[of("", "08:00", ""), beside]), &[("[1].except", "beside other keys", "of its own")]);
    let (_, found) = Schedule::compile(&hours(&[of("mon, tus", "", "")]));
    assert_eq!(found[0].range, Some(5..8));
}

#[test]
fn what_is_wrong_with_switches_is_told_at_its_place() {
    for (text, range, message) in [
        ("BEGIN:*-*-*T08:00:00,STOP:*-*-*T09:00:00", 0..5, "expected START or STOP"),
        ("START:*-*-*T08:00:00,STOP:*-*-*T24:60:00", 21..40, "no switch"),
        ("START:*-*-*T08:00:00, STOP:2026-02-29T09:00:00", 22..46, "the calendar has no"),
        ("START:WEEK-*-07T08:00:00,STOP:*-*-*T09:00:00", 0..24, "no switch"),
        ("START:WEEK-*-01T08:00,STOP:*-*-*T09:00:00", 0..21, "no switch"),
        ("nights", 0..6, "expected START or STOP"),
    ] {
        let found = Schedule::compile(&ScheduleDef::Switches(text.to_owned())).1;
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].range.clone(), found[0].is_error), (Some(range), true), "{text}");
        assert!(found[0].message.contains(message), "{found:?}");
    }
    findings(&ScheduleDef::Switches("START:*-*-*T08:00:00".to_owned()), &[("?", "no STOP", "")]);
}

/// A naive schedule of the guide's office hours, told in words.
#[test]
fn every_quarter_of_two_years_is_as_a_naive_reader_says() {
    let (schedule, _) = Schedule::compile(&office_hours());
    for day in day_number([2026, 1, 1])..day_number([2028, 1, 1]) {
        let [year, month, date] = civil(day);
        for quarter in 0..96 {
            let hour = quarter / 4;
            let weekly = match WEEKDAYS[weekday(day)] {
                "sunday" => false,
                "saturday" => (9..12).contains(&hour),
                _ => (8..18).contains(&hour),
            };
            let expected = match (year, month, date) {
                (2026, 12, 25) | (_, 1, 1) => false,
                (2026, 12, 24) | (_, 12, 31) => (8..12).contains(&hour),
                _ => weekly,
            };
            let wall = Wall { day, second: quarter * 900 };
            assert_eq!(schedule.is_on(wall), expected, "{year}-{month}-{date} {hour}");
        }
    }
}
