//! Every row of the tables in `docs/guide/expressions.md`, and what else an expression can say.

mod functions;

use hl7::schema::PathContext;

use crate::{Expr, ExprError, Facts, Value};

/// PID-9 is the HL7 null, PID-10 is there and empty, PID-19 is not there.
const MESSAGE: &str = "MSH|^~\\&|LAB|CLINIC|EHR||20260101120000||ADT^A08^ADT_A01|4711|P|2.5\r\
    PID|1|PT7|4711^^^H~0815^^^X||O\\T\\Connor^Mary||19800101|F|\"\"||\r\
    PV1|1|I|WARD^12|12345678901234567890\r\
    OBX|1|NM|A||7.0\r\
    OBX|2|NM|B||12\r\
    OBX|3|ST|C||>5\r";

fn message(text: &str) -> hl7::Message {
    hl7::Message::read(text.as_bytes().to_vec().into(), "").unwrap()
}

fn facts(message: &hl7::Message) -> Facts<'_> {
    Facts {
        message: Some(message),
        source: "FromLab",
        target: "MsgRouter",
        doc_type: "2.5:ADT_A01",
        origin: "a b.hl7",
        session: 12,
        id: 13,
        class: "HL7.Message",
        description: "",
        resent: "",
        ..Facts::default()
    }
}

#[track_caller]
fn check(rows: &[(&str, bool)]) {
    let message = message(MESSAGE);
    for (text, expected) in rows {
        let expr = Expr::compile(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(expr.is_true(&facts(&message)), *expected, "{text}");
    }
}

#[test]
fn equality_of_texts() {
    check(&[
        (r#"MSH-9.1 = "ADT""#, true),
        (r#"MSH-9.1 = "adt""#, false),
        (r#"MSH-9.1 = "AD""#, false),
        (r#"MSH-9.1 != "ORU""#, true),
        (r#"MSH-9.1 != "ADT""#, false),
        (r#""ADT" = MSH-9.1"#, true),
        (r#"PID-3[2].1 = "0815""#, true),
        (r#"PID-3[2].1 = "815""#, false),
        (r#"PID-5.1 = "O&Connor""#, true),
        (r#"PID-5.1 = "O\\T\\Connor""#, false),
        (r#"OBX[2]-5 = "12""#, true),
        (r#"OBX[-1]-3 = "C""#, true),
        (r#"PID-3.1 = MSH-10"#, true),
        (r#"OBX-5 = OBX[2]-5"#, false),
    ]);
}

#[test]
fn equality_of_numbers() {
    check(&[
        ("OBX-5 = 7", true),
        ("OBX-5 = 7.00", true),
        (r#"OBX-5 = "7""#, false),
        ("OBX-5 != 7", false),
        ("OBX[3]-5 = 5", false),
        ("OBX[3]-5 != 5", true),
        ("PID-3[2].1 = 815", true),
        ("PV1-4 = 12345678901234567890", true),
        ("PV1-4 = 12345678901234567891", false),
        ("PID-9 = 0", false),
        ("PID-19 = 0", false),
        ("OBX-5 = -7", false),
        ("session.id = 12", true),
    ]);
}

#[test]
fn nothing_and_null() {
    check(&[
        (r#"PID-19 = """#, true),
        (r#"PID-10 = """#, true),
        (r#"PID-8 = """#, false),
        (r#"PID-9 = """#, false),
        (r#"ZZZ-1 = """#, true),
        (r#"PID-8 != """#, true),
        ("PID-9 = null", true),
        ("PID-9 != null", false),
        ("PID-10 = null", false),
        ("PID-19 = null", false),
        ("PID-8 = null", false),
        (r#"PID-9 = "\"\"""#, false),
        (r#"PID-19 = "x""#, false),
        (r#"PID-19 != "x""#, true),
        ("PID-19 = PID-10", true),
        ("PID-19 = PID-9", false),
        (r#"PV1 != """#, true),
        (r#"ZZZ = """#, true),
    ]);
}

#[test]
fn order() {
    check(&[
        ("OBX-5 < 12", true),
        ("OBX[2]-5 > 7", true),
        ("OBX[2]-5 >= 12", true),
        ("OBX[2]-5 <= 11.9", false),
        ("OBX[3]-5 > 1", false),
        ("OBX[3]-5 <= 1", false),
        (r#"OBX[2]-5 < "7""#, true),
        (r#"PID-7 < "1990""#, true),
        (r#"PID-7 >= "19800101""#, true),
        ("OBX-5 < OBX[2]-5", true),
        ("PID-8 > OBX-5", true),
        ("PID-19 < 5", false),
        ("PID-19 >= 5", false),
        ("PID-9 < 5", false),
        (r#"PID-19 < "x""#, false),
        ("PV1-4 < 12345678901234567891", true),
    ]);
}

#[test]
fn contains() {
    check(&[
        (r#"MSH-4 contains "LIN""#, true),
        (r#"MSH-4 contains "lin""#, false),
        (r#"MSH-4 not contains "LIN""#, false),
        (r#"MSH-4 not contains "x""#, true),
        (r#"PID-19 contains "x""#, false),
        (r#"PID-9 contains "\"""#, false),
        (r#"PV1-4 contains OBX-1"#, true),
        ("MSH-4 contains PID-19", false),
        (r#"OBX[*]-5 contains ">""#, true),
        (r#"PID contains "4711^^^H""#, true),
        ("OBX-5 contains 7", true),
    ]);
}

#[test]
fn lists() {
    check(&[
        (r#"PV1-2 in ("I", "E")"#, true),
        (r#"PV1-2 in ("E")"#, false),
        (r#"PV1-2 not in ("E", "O")"#, true),
        (r#"PV1-2 not in ("I")"#, false),
        (r#"OBX-5 in ("7", 7)"#, true),
        (r#"OBX-5 in ("7")"#, false),
        (r#"PID-9 in ("x", null)"#, true),
        (r#"PID-19 in ("x", "")"#, true),
        (r#"PID-19 in ("x", null)"#, false),
    ]);
}

#[test]
fn one_of_several_values_is_enough() {
    check(&[
        (r#"PID-3[*].1 = "0815""#, true),
        (r#"PID-3[*].1 = "x""#, false),
        (r#"PID-3[*].1 in ("x", "0815")"#, true),
        ("OBX[*]-5 = 12", true),
        ("OBX[*]-5 > 12", false),
        ("OBX[*]-5 > 11", true),
        ("OBX[*]-5 = OBX[2]-5", true),
        // `!=` is the opposite of `=`: no value is equal.
        (r#"PID-3[*].1 != "0815""#, false),
        (r#"PID-3[*].1 != "x""#, true),
        // No value at all is nothing, once.
        (r#"ZZZ[*]-1 = """#, true),
        (r#"ZZZ[*]-1 = "x""#, false),
        (r#"ZZZ[*]-1 != "x""#, true),
    ]);
}

#[test]
fn words_stand_for_what_is_known_beside_the_message() {
    check(&[
        (r#"source = "FromLab""#, true),
        (r#"doc.type = "2.5:ADT_A01""#, true),
        (r#"doc.structure = "ADT_A01" and doc.category = "2.5""#, true),
        (r#"doc.name = "ADT_A08""#, true),
        (r#"doc.origin contains "a b""#, true),
        (r#"session.id = "12" and header.id > session.id"#, true),
        (r#"header.source = source"#, true),
        (r#"header.target = "MsgRouter""#, true),
        (r#"header.class = "HL7.Message""#, true),
        (r#"header.description = "" and header.resent = """#, true),
    ]);
}

#[test]
fn names_and_groups() {
    check(&[
        (r#"PID.PatientName.FamilyName = "O&Connor""#, true),
        (r#"PID-5.givenname = "Mary""#, true),
        (r#"PID-5.GivenName = "Mary" and PID.5.2 = "Mary""#, true),
        (r#"PID.PatientIdentifierList[*].IDNumber = "0815""#, true),
        (r#"PV1.PatientClass in ("I", "E")"#, true),
        ("OBX.count = 3", true),
        ("OBX.count > 2 and OBX.count < 10", true),
        (r#"OBX.count = "3.0""#, true),
        ("PID-3.count = 2", true),
        ("NTE.count = 0", true),
        ("OBX.count = OBX[-1]-1", true),
        ("INSURANCE.count = 0", true),
        (r#"INSURANCE[1].IN1-2 = """#, true),
    ]);
    let message = message(&MESSAGE.replace("ADT^A08^ADT_A01", "ORU^R01").replace("OBX|2", "OBR|2\rOBX|2"));
    let context = PathContext::new(&Default::default(), &"2.5".parse().unwrap());
    for (text, expected) in [
        (r#"ORDER_OBSERVATION[2].OBX-5 = 12"#, true),
        (r#"ORDER_OBSERVATION[2].OBX.ObservationValue = 12"#, true),
        (r#"ORDER_OBSERVATION[*].OBX[*]-5 = 12"#, true),
        (r#"ORDER_OBSERVATION[1].OBX[*]-5 = 12"#, false),
        ("ORDER_OBSERVATION[*].OBX[*]-5 > 11", true),
        (r#"PATIENT_RESULT[1].ORDER_OBSERVATION[-1].OBR-1 = "2""#, true),
        ("ORCgrp[2].OBX-5 = 12", true),
        ("ORDER_OBSERVATION.count = 2 and ORCgrp[2].OBX.count = 2", true),
    ] {
        for context in [&context, &PathContext::default()] {
            let expr = Expr::compile_with(text, context).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(expr.is_true(&facts(&message)), expected, "{text}");
            assert_eq!(Expr::compile_with(&expr.to_string(), context).unwrap().to_string(), expr.to_string());
        }
    }
}

#[test]
fn paths_are_held_against_the_schema() {
    let context = PathContext::new(&Default::default(), &"2.5.1".parse().unwrap());
    let doubts = |expr: &Expr| expr.warnings().iter().map(|doubt| doubt.message.clone()).collect::<Vec<_>>();
    let any = Expr::compile(r#"PID-99 = "x""#).unwrap();
    assert_eq!(doubts(&any), ["path \"PID-99\": PID has at most 40 fields in 2.8.2"]);
    let set = Expr::compile_with(r#"PID-99 = "x""#, &context).unwrap_err();
    assert_eq!((set.range, set.message.as_str()), (0..6, "path \"PID-99\": PID has 39 fields in 2.5.1"));
    for fine in [r#"ZZ1-99 = "x""#, r#"PID-39 = "x""#, r#"OBX-5.7 = "x""#] {
        assert_eq!(doubts(&Expr::compile(fine).unwrap()), [""; 0]);
        assert_eq!(doubts(&Expr::compile_with(fine, &context).unwrap()), [""; 0]);
    }
    let unknown = Expr::compile_with(r#"MSH-3 = "A" and PID.PatientNam = "x""#, &context).unwrap_err();
    assert_eq!(unknown.range, 20..30);
    assert_eq!(unknown.help.as_deref(), Some("did you mean \"PatientName\"?"));
}

#[test]
fn conditions_are_joined_by_words_and_brackets() {
    check(&[
        ("true", true),
        ("false or not false", true),
        (r#"MSH-9.1 = "ADT" and PV1-2 in ("I", "E")"#, true),
        // `and` binds tighter than `or`, `not` tighter than `and`, a comparison tightest.
        ("true or false and false", true),
        ("(true or false) and false", false),
        ("not false and false", false),
        ("not (false and false)", true),
        (r#"not MSH-9.1 = "ORU""#, true),
        ("not not true", true),
        (" ( ( true ) ) ", true),
        ("true\n  and\n  true", true),
    ]);
}

#[test]
fn without_a_message_every_path_is_missing() {
    let expr = Expr::compile(r#"MSH-9.1 = "" and source = "x" and doc.type = "" and OBX[*]-5 = """#).unwrap();
    assert!(expr.is_true(&Facts { source: "x", ..Facts::default() }));
}

#[test]
fn a_value_is_what_stands_there() {
    let message = message(MESSAGE);
    let facts = facts(&message);
    for (text, expected) in [
        ("PID-5.1", Value::Text("O&Connor".into())),
        ("PID-9", Value::Null),
        ("PID-10", Value::Empty),
        ("PID-19", Value::Missing),
        ("OBX[*]-5", Value::Text("7.0".into())),
        ("7.50", Value::Number("7.50".into())),
        ("null", Value::Null),
        ("\"\"", Value::Empty),
        ("session.id", Value::Text("12".into())),
        (r#"PID-8 = "F""#, Value::Boolean(true)),
    ] {
        let expr = Expr::compile_value(text).unwrap();
        let found = expr.eval(&facts);
        assert!(found == expected, "{text}: {found:?}");
    }
    let all = Expr::compile_value("OBX[*]-5").unwrap();
    let texts: Vec<_> = all.eval_all(&facts).iter().map(|value| value.text().to_owned()).collect();
    assert_eq!(texts, ["7.0", "12", ">5"]);
}

#[test]
fn debug_never_shows_content() {
    let message = message(MESSAGE);
    let expr = Expr::compile_value("PID-5.1").unwrap();
    let value = expr.eval(&facts(&message));
    assert_eq!(value.text(), "O&Connor");
    assert_eq!(format!("{value:?}"), "Text(8 bytes)");
}

#[test]
fn what_is_plain_to_see_is_said() {
    for (text, expected) in [
        (r#""A" = "A""#, "always"),
        (r#""A" = "B""#, "never"),
        ("7 = 7.0", "always"),
        (r#"7 = "x""#, "never"),
        (r#""a" in ("a", "b")"#, "always"),
        (r#"PID-8 contains """#, "never"),
        ("PID-8 < null", "never"),
        (r#"MSH-9.1 = "ADT" and PID-8 = "F" and MSH-9.1 = "ORU""#, "never"),
        (r#"MSH-9.1 in ("ADT", "BAR") and MSH-9.1 = "ORU""#, "never"),
        (r#"PV1-2 != "I" or PV1-2 != "E""#, "always"),
    ] {
        let expr = Expr::compile(text).unwrap();
        let found: Vec<_> = expr.warnings().iter().map(|doubt| doubt.message.as_str()).collect();
        assert_eq!(found, [format!("this is {expected} true, whatever the message says")], "{text}");
        assert_eq!(expr.constant(), Some(expected == "always"), "{text}");
    }
    for text in [
        r#"MSH-9.1 = "ADT" and MSH-9.2 = "ADT""#,
        r#"PID-3[*].1 = "1" and PID-3[*].1 = "2""#,
        r#"PV1-2 != "I" and PV1-2 != "E""#,
        r#"OBX-5 = 7 and OBX-5 = "7.0""#,
        r#"PID-8 = "" or PID-8 = null"#,
    ] {
        let expr = Expr::compile(text).unwrap();
        assert_eq!(expr.warnings(), &[] as &[ExprError], "{text}");
        assert_eq!(expr.constant(), None, "{text}");
    }
    // Who writes `true` means it.
    assert!(Expr::compile("true").unwrap().warnings().is_empty());
}

#[test]
fn what_is_fixed_can_be_looked_up() {
    for (text, expected) in [
        (r#"MSH-10 = "1""#, vec![("MSH-10", "1")]),
        (r#"PID-3.1 = "1" and PID-8 = "F" and OBX-5 = 7"#, vec![("PID-3.1", "1"), ("PID-8", "F")]),
        (r#"PID-3.1 = "1" or PID-8 = "F""#, vec![]),
        (r#"not MSH-10 = "1""#, vec![]),
        (r#"MSH-10 != "1""#, vec![]),
        (r#"MSH-10 = """#, vec![]),
        (r#"doc.type = "ADT_A01""#, vec![("doc.type", "ADT_A01")]),
    ] {
        let expr = Expr::compile(text).unwrap();
        let fixed = expr.fixed();
        let found: Vec<_> = fixed.iter().map(|(place, value)| (place.as_str(), *value)).collect();
        assert_eq!(found, expected, "{text}");
    }
}
