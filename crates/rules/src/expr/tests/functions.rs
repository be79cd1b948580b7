//! Arithmetic, functions, patterns and dates: every row of their tables in `docs/guide/expressions.md`.

use super::{MESSAGE, check, facts, message};
use crate::{Expr, Facts, Value};

/// Values as `orris expr` shows them: several with a comma, a text without quotes.
#[track_caller]
fn check_values(rows: &[(&str, &str)]) {
    let message = message(MESSAGE);
    let trouble = crate::Trouble::default();
    // 2023-11-14 22:13:20.123 UTC, on a wall one hour ahead.
    let now = Some(crate::Moment { milliseconds: 1_700_000_000_123, offset_minutes: 60 });
    let facts = Facts { now, trouble: Some(&trouble), ..facts(&message) };
    for (text, expected) in rows {
        let expr = Expr::value(text, &scope()).unwrap_or_else(|errors| panic!("{text}: {errors:?}"));
        let one = |value: &Value<'_>| match value {
            Value::Missing => "missing".to_owned(),
            Value::Empty => "empty".to_owned(),
            Value::Null => "null".to_owned(),
            other => other.text().to_owned(),
        };
        let found: Vec<_> = expr.eval_all(&facts).iter().map(one).collect();
        assert_eq!(found.join(", "), *expected, "{text}");
        assert_eq!(expr.is_many(), found.len() > 1, "{text}");
        let again = Expr::value(&expr.to_string(), &scope()).unwrap();
        assert_eq!(again.ast(), expr.ast(), "{text} reads back as {again}");
    }
    assert_eq!(trouble.first(), None);
}

fn scope() -> crate::Scope {
    let entries = [("I", "inpatient"), ("", "nobody"), ("E", "")];
    let entries = entries.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let table = crate::LookupTable { entries, ..Default::default() };
    let strict = crate::LookupTable { strict: true, ..Default::default() };
    let defaulted = crate::LookupTable { default: Some("?".to_owned()), ..Default::default() };
    let tables = crate::LookupTables::default();
    let tables = tables.with("classes", table).with("strict", strict).with("defaulted", defaulted);
    crate::Scope { tables, schedules: schedules(), context: crate::Names::Any, ..Default::default() }
}

fn schedules() -> crate::Schedules {
    let hours = |days: &str, from: &str, to: &str| {
        let (from, to) = (Some(from.to_owned()), Some(to.to_owned()));
        let hours = crate::HoursDef { days: days.into(), from, to, ..Default::default() };
        crate::Schedule::compile(&crate::ScheduleDef::Hours(vec![hours])).0
    };
    let schedules = crate::Schedules::default();
    schedules
        .with("nights", hours("mon-sun", "22:00", "06:00"))
        .with("office_hours", hours("mon-fri", "08:00", "18:00"))
}

#[test]
fn arithmetic() {
    check_values(&[
        ("1 + 2 * 3", "7"),
        ("(1 + 2) * 3", "9"),
        ("0.1 + 0.2", "0.3"),
        ("7 / 2", "3.5"),
        ("2 / 3", "0.666666666667"),
        ("7 / 0", "missing"),
        ("5 - 3 - 1", "1"),
        ("5 -3", "2"),
        ("-OBX-5", "-7"),
        ("--3", "3"),
        ("OBX-5 * 2", "14"),
        ("OBX[3]-5 * 2", "missing"),
        ("PID-19 + 1", "missing"),
        ("PID-9 - 1", "missing"),
        ("OBX.count + 1", "4"),
        ("OBX[*]-5 * 2", "14, 24, missing"),
        ("PV1-4 + 1", "12345678901234567891"),
    ]);
    check(&[("OBX-5 + 5 = 12", true), ("OBX-5 / 2 > 3", true), ("-1 < OBX-5 - 7", true)]);
}

#[test]
fn texts_are_joined() {
    check_values(&[
        (r#"PID-5.1 + ", " + PID-5.2"#, "O&Connor, Mary"),
        (r#""n" + 1 + 2"#, "n12"),
        (r#"1 + 2 + "n""#, "3n"),
        ("OBX-5 + OBX[2]-5", "7.012"),
        ("number(OBX-5) + OBX[2]-5", "19"),
        ("PID-19 + PID-9", "empty"),
        (r#""a" + PID-9"#, "a"),
        (r#"PID-3[*].1 + "!""#, "4711!, 0815!"),
    ]);
}

#[test]
fn functions_of_texts() {
    check_values(&[
        ("upper(PID-5.2)", "MARY"),
        ("lower(PID-5.2)", "mary"),
        ("upper(PID-3[*].4)", "H, X"),
        ("upper(PID-9)", "null"),
        ("upper(PID-10)", "empty"),
        ("upper(PID-19)", "missing"),
        ("length(PID-5.2)", "4"),
        ("length(PID-19)", "0"),
        (r#"length("a,b,c", ",")"#, "3"),
        (r#"piece("a^b^c", "^", 2)"#, "b"),
        (r#"piece("a^b^c", "^", 2, 3)"#, "b^c"),
        (r#"piece("a^b^c", "^", -1)"#, "c"),
        (r#"piece("a^b^c", "^", 4)"#, "empty"),
        ("substring(PID-7, 1, 4)", "1980"),
        ("substring(PID-7, 5)", "0101"),
        ("substring(PID-7, -2)", "01"),
        ("substring(PID-7, 9)", "empty"),
        (r#"pad(OBX-5, 5, "0")"#, "7.000"),
        (r#"pad(OBX-5, -5, "0")"#, "007.0"),
        ("pad(PID-7, 3)", "19800101"),
        (r#"strip("  a b ")"#, "a b"),
        (r#"strip("007", "left", "0")"#, "7"),
        (r#"strip("a-b-c", "all", "-")"#, "abc"),
        (r#"strip("0a0", "both", "0a", "a")"#, "a"),
        (r#"replace(PID-7, "19", "20")"#, "20800101"),
        (r#"translate("a-b c", "- ", "_")"#, "a_bc"),
        (r#"join(PID-3[*].1, "/")"#, "4711/0815"),
        (r#"default(PID-19, PID-10, "none")"#, "none"),
        ("default(PID-19, PID-9)", "null"),
        ("default(PID-10, PID-9)", "null"),
        ("default(PID-10, PID-19)", "empty"),
    ]);
}

#[test]
fn functions_of_numbers_and_choices() {
    check_values(&[
        ("round(2.5)", "3"),
        ("round(-2.345, 2)", "-2.35"),
        ("round(OBX[3]-5)", "missing"),
        ("number(OBX-5)", "7"),
        ("number(OBX[3]-5)", "missing"),
        ("min(OBX[*]-5)", "7"),
        ("max(OBX[*]-5, 30)", "30"),
        ("max(PID-19)", "missing"),
        (r#"if(PV1-2 = "I", "in", "out")"#, "in"),
        (r#"if(PV1-2 = "O", 1, OBX[*]-5)"#, "7.0, 12, >5"),
    ]);
}

#[test]
fn functions_of_lists_and_tables() {
    check_values(&[
        (r#"lookup("classes", PV1-2)"#, "inpatient"),
        (r#"lookup("classes", PID-8)"#, "missing"),
        (r#"lookup("classes", PID-8, "other")"#, "other"),
        (r#"lookup("classes", "E", "other")"#, "empty"),
        (r#"lookup("classes", "E", "other", "empty")"#, "other"),
        (r#"lookup("classes", PID-19)"#, "nobody"),
        (r#"lookup("defaulted", PV1-2)"#, "?"),
        (r#"lookup("strict", PV1-2, "x")"#, "x"),
        (r#"exists("classes", PV1-2)"#, "true"),
        (r#"exists("classes", PID-8)"#, "false"),
        (r#"in_list(PV1-2, "I, E")"#, "true"),
        (r#"not_in(PV1-2, "I|E", "|")"#, "false"),
        (r#"intersects_list(PID-3[*].4, "A,X")"#, "true"),
        (r#"does_not_intersect_list("a;b", "c,d", ";")"#, "true"),
        ("is_missing(PID-19) and not is_missing(PID-10)", "true"),
        ("is_empty(PID-10) and not is_empty(PID-9)", "true"),
        ("is_null(PID-9)", "true"),
    ]);
    let expr = Expr::value(r#"lookup("strict", PV1-2)"#, &scope()).unwrap();
    let (message, trouble) = (message(MESSAGE), crate::Trouble::default());
    let value = expr.eval(&Facts { trouble: Some(&trouble), ..facts(&message) });
    assert_eq!(value.text(), "");
    let said = "lookup(\"strict\", PV1-2) found no such key in the lookup table";
    assert_eq!(trouble.first(), Some(said));
}

#[test]
fn patterns() {
    check(&[
        (r#"PID-7 matches "[0-9]{8}""#, true),
        (r#"PID-7 matches "[0-9]{4}""#, false),
        (r#"PID-7 matches "1980.*""#, true),
        (r#"PID-5.2 matches "(?i)mary""#, true),
        (r#"PID-19 matches ".*""#, false),
        (r#"PID-3[*].1 not matches "4.*""#, false),
        (r#"PID-7 like "1980%""#, true),
        (r#"PID-7 like "198_0101""#, true),
        (r#"MSH-4 like "C%c""#, false),
        (r#"MSH-4 starts_with "CLI" and MSH-4 ends_with "NIC""#, true),
        (r#"MSH-4 not starts_with "X""#, true),
        (r#"starts_with(MSH-4, "CLI") and regex_match(PID-7, "1.*") and contains(MSH-4, "LIN")"#, true),
        (r#"does_not_contain(MSH-4, "LIN") or not_like(MSH-4, "C%")"#, false),
    ]);
}

#[test]
fn dates() {
    check_values(&[
        (r#"convert_datetime(PID-7, "hl7", "%d.%m.%Y")"#, "01.01.1980"),
        (r#"convert_datetime(MSH-7, "hl7", "%Y-%m-%dT%H:%M:%S")"#, "2026-01-01T12:00:00"),
        (r#"convert_datetime("31.12.2026", "%d.%m.%Y", "hl7")"#, "20261231"),
        (r#"convert_datetime("202612", "hl7", "%Y-%m-%d %H:%M")"#, "2026-12-01 00:00"),
        (r#"convert_datetime("20261231235959.123+0100", "hl7", "%H:%M:%S.%f%z")"#, "23:59:59.123+0100"),
        (r#"convert_datetime("20261231235959.5-0330", "hl7", "hl7")"#, "20261231235959.5-0330"),
        (r#"convert_datetime("20260230", "hl7", "%Y")"#, "missing"),
        (r#"convert_datetime("20260230", "hl7", "%Y", "none")"#, "none"),
        (r#"convert_datetime(PID-9, "hl7", "%Y")"#, "null"),
        (r#"convert_datetime("20240229", "hl7", "%Y%%")"#, "2024%"),
        ("current_datetime()", "20231114231320+0100"),
        (r#"current_datetime("%Y-%m-%d %H:%M:%S.%f")"#, "2023-11-14 23:13:20.123"),
    ]);
    let without_a_clock = Expr::value("current_datetime()", &scope()).unwrap();
    assert!(without_a_clock.eval(&Facts::default()) == Value::Missing);
}

#[test]
fn dates_are_calculated_with() {
    check_values(&[
        (r#"add_time("20261123", "30d")"#, "20261223"),
        (r#"add_time("20261123120000", "-2h")"#, "20261123100000"),
        (r#"add_time("20260131", "1mo")"#, "20260228"),
        (r#"add_time("20240229", "1y")"#, "20250228"),
        (r#"add_time("202611", "-1mo")"#, "202610"),
        (r#"add_time("2026", "400d")"#, "2027"),
        (r#"add_time("20261123", "23h")"#, "20261123"),
        (r#"add_time("20261123", "90 m")"#, "20261123"),
        (r#"add_time("20261231235959.5+0100", "1500ms")"#, "20270101000001.0+0100"),
        (r#"add_time("20260329013000", "1h")"#, "20260329023000"),
        (r#"add_time("20260329013000+0100", "1h")"#, "20260329023000+0100"),
        (r#"add_time(PID-7, "1" + "d")"#, "19800102"),
        (r#"add_time(PID-7, PV1-2)"#, "missing"),
        (r#"add_time(PV1-2, "1d")"#, "missing"),
        (r#"add_time(PID-9, "1d")"#, "null"),
        (r#"add_time(PID-10, "1d")"#, "empty"),
        (r#"add_time("99991231", "1d")"#, "missing"),
        (r#"add_time("00000101", "-1d")"#, "missing"),
        (r#"add_time("00000101", "-1mo")"#, "missing"),
        (r#"add_time("20261123", "9223372036854775807y")"#, "missing"),
        (r#"add_time("20261123", "9223372036854775807d")"#, "missing"),
        (r#"time_between("20261123120000", "20261123123000")"#, "1800"),
        (r#"time_between("20261123", "20261125", "d")"#, "2"),
        (r#"time_between("20261123", "202611241200", "d")"#, "1.5"),
        (r#"time_between("20261125", "20261123", "h")"#, "-48"),
        (r#"time_between("20261123120000.25", "20261123120001", "ms")"#, "750"),
        (r#"time_between("20261123120000+0100", "20261123120000+0000", "h")"#, "1"),
        (r#"time_between("20261123120000+0100", "20261123130000", "h")"#, "1"),
        (r#"time_between("20260131", "20260228", "mo")"#, "0"),
        (r#"time_between("20260131", "20260331", "mo")"#, "2"),
        (r#"time_between("20260331", "20260131", "mo")"#, "-2"),
        (r#"time_between("20240229", "20260228", "y")"#, "1"),
        (r#"time_between("20260301", "20260228", "y")"#, "0"),
        (r#"time_between(PID-7, PV1-2, "d")"#, "missing"),
        (r#"time_between(PID-7, current_datetime(), "y") + 1"#, "44"),
        ("age(PID-7)", "43"),
        (r#"age("19801115")"#, "42"),
        (r#"age("19801114")"#, "43"),
        (r#"age("20000229", "20250228")"#, "24"),
        (r#"age("20000229", "20250301")"#, "25"),
        (r#"age("1980", MSH-7)"#, "46"),
        (r#"age("20270101", "2026")"#, "missing"),
        ("age(PV1-2)", "missing"),
        ("age(PID-7, PV1-2)", "missing"),
        (r#"day_of_week("20261123")"#, "1"),
        (r#"day_of_week("20261129235959+0100")"#, "7"),
        (r#"day_of_week("202611")"#, "missing"),
        ("day_of_week(PV1-2)", "missing"),
    ]);
    check(&[(r#"add_time(MSH-7, "-46y") = "19800101120000""#, true), (r#"age(PID-7, "1998") >= 18"#, true)]);
    let without_a_clock = Expr::value("age(\"1980\")", &scope()).unwrap();
    assert!(without_a_clock.eval(&Facts::default()) == Value::Missing);
}

#[test]
fn schedules_are_asked_by_name() {
    // It is a Tuesday, 23:13:20 on the wall.
    check_values(&[
        (r#"schedule("nights")"#, "true"),
        (r#"not schedule("office_hours")"#, "true"),
        (r#"schedule("nights", "20231114120000")"#, "false"),
        (r#"schedule("office_hours", "20231114120000")"#, "true"),
        (r#"schedule("office_hours", "202311141630+0000")"#, "true"),
        (r#"schedule("office_hours", "202311141730+0000")"#, "false"),
        (r#"schedule("nights", "20231114")"#, "true"),
        (r#"schedule("nights", PV1-2)"#, "false"),
        (r#"schedule("nights", PID-19)"#, "false"),
        (r#"if(schedule("nights"), "night", "day")"#, "night"),
    ]);
    let asked = |text: &str, facts: Facts<'_>| Expr::condition(text, &scope()).unwrap().is_true(&facts);
    assert!(!asked("schedule(\"nights\")", Facts::default()), "nobody knows the time");
    // The wall is one hour ahead in winter, and two in summer.
    let zone: fn(i64) -> i32 = |milliseconds| if milliseconds < 1_698_541_200_000 { 120 } else { 60 };
    let facts = Facts { zone: Some(zone), ..Facts::default() };
    assert!(asked("schedule(\"office_hours\", \"202310270600+0000\")", facts));
    assert!(!asked("schedule(\"office_hours\", \"202311010600+0000\")", facts));
}

#[test]
fn the_context_is_asked_by_name() {
    struct Context;
    impl crate::Variables for Context {
        fn all(&self) -> Vec<(&str, Value<'_>)> {
            Vec::new()
        }

        fn value(&self, name: &str) -> Value<'_> {
            if name == "count" { Value::Number("7".into()) } else { Value::Missing }
        }
    }
    let expr = Expr::condition("context.count + 1 = 8 and context.other = \"\"", &scope()).unwrap();
    assert!(expr.is_true(&Facts { context: Some(&Context), ..Facts::default() }));
    assert!(!expr.is_true(&Facts::default()));
}

#[test]
fn parts_are_explained() {
    let expr = Expr::compile(r#"upper(PID-5.2) = "MARY" and not OBX[*]-5 > 12"#).unwrap();
    let message = message(MESSAGE);
    let facts = facts(&message);
    let lines: Vec<_> = expr
        .explain(&facts)
        .iter()
        .map(|part| {
            let values: Vec<_> = part.values.iter().map(Value::text).collect();
            format!("{}{}: {}", "  ".repeat(part.depth), part.text, values.join(", "))
        })
        .collect();
    assert_eq!(
        lines,
        [
            "upper(PID-5.2) = \"MARY\" and not (OBX[*]-5 > 12): true",
            "  upper(PID-5.2) = \"MARY\": true",
            "    upper(PID-5.2): MARY",
            "      PID-5.2: Mary",
            "  not (OBX[*]-5 > 12): true",
            "    OBX[*]-5 > 12: false",
            "      OBX[*]-5: 7.0, 12, >5",
        ]
    );
}
