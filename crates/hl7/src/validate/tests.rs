//! Findings of messages, word for word.

use super::*;
use crate::schema::Schemas;

/// An admission without any finding.
const ADMISSION: &str = "MSH|^~\\&|LAB|CLINIC|EHR||20261123120000+0100||ADT^A01^ADT_A01|4711|P|2.5.1\r\
    EVN||20261123115900\r\
    PID|1||4711^^^H&1.2&ISO^MR~0815^^^X||Doe^Mary^^^^^L||19800131|F|||Elm 1^^Bonn\r\
    PV1|1|I|WARD^12|R";

/// The findings, with `?` before what is a warning.
#[track_caller]
fn findings_at(level: Level, z_segments: ZSegments, text: &str) -> Vec<String> {
    let message = Message::read(text.to_owned().into(), "").unwrap();
    let schemas = Schemas::default();
    let doc_type = schemas.doc_type(&message, &"".parse().unwrap());
    let schema = schemas.get(&doc_type.category).unwrap();
    let found = validate(&message, &schema, &doc_type.structure, level, z_segments);
    for finding in &found {
        let value = &message.text()[finding.offset..finding.offset + finding.len];
        assert!(value.len() < 6 || !finding.to_string().contains(value), "{finding}");
    }
    let mark = |finding: &Finding| if finding.is_error() { "" } else { "? " };
    found.iter().map(|finding| format!("{}{finding}", mark(finding))).collect()
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    assert_eq!(findings_at(Level::Tables, ZSegments::Tolerate, text), expected, "{text}");
}

#[test]
fn a_sound_message_has_no_findings() {
    check(ADMISSION, &[]);
    check(&format!("{ADMISSION}\rZZ1|anything^at&all~"), &[]);
    check(
        "MSH|^~\\&|LAB||||20261123||ORU^R01^ORU_R01|1|P|2.5.1\rPID|1||1||A\rOBR|1|||A^B^L\rOBX|1|NM|A^B^L||7.5||||||F\r\
         OBX|2|TS|A||2026||||||F\rOBX|3|CE|A||A^B^L~C^D^L||||||F\rNTE|1|L|a text",
        &[],
    );
}

#[test]
fn levels_include_those_before() {
    let text = ADMISSION
        .replace("EVN||20261123115900\r", "")
        .replace("|F|||Elm", "|Q|||Elm")
        .replace("|4711|P", "||P");
    let missing = "segment 1 (MSH) begins a message without segment EVN, required by 2.5.1:ADT_A01";
    let required = "segment 1 (MSH) has no field 10, required by 2.5.1:ADT_A01";
    let table = "? segment 2 (PID), field 8 is no code of table 0001 (Administrative Sex) in 2.5.1";
    for (level, expected) in [
        (Level::None, vec![]),
        (Level::Structure, vec![missing]),
        (Level::Fields, vec![missing, required]),
        (Level::Tables, vec![missing, required, table]),
    ] {
        assert_eq!(findings_at(level, ZSegments::Tolerate, &text), expected);
    }
}

#[test]
fn the_structure_is_checked() {
    let with = |from: &str, to: &str| ADMISSION.replace(from, to);
    check(
        &with("\rPV1|", "\rPV1|1|I\rPV1|"),
        &["segment 5 (PV1) is one more than there may be in 2.5.1:ADT_A01"],
    );
    check(
        &with("\rPV1|", "\rNK1|1\rPD1|\rPV1|"),
        &["segment 5 (PD1) stands behind segments that follow it in 2.5.1:ADT_A01"],
    );
    check(&with("\rPV1|", "\rOBR|1|||A\rPV1|"), &["segment 4 (OBR) is not in 2.5.1:ADT_A01"]);
    check(&with("\rPV1|", "\rfree text\rPV1|"), &["segment 4 is no segment"]);
    // 2.8 has it there
    check(&with("\rPV1|", "\rARV|1\rPV1|"), &["? segment 4 (ARV) is not in 2.5.1:ADT_A01"]);
    check(
        &with("ADT_A01|", "QQQ_Q99|").replace("A01^", "Z99^"),
        &["segment 1 (MSH), field 9: schema \"2.5.1\" has no structure for this type of message"],
    );
    let z = with("\rPV1|", "\rZPI|1\rPV1|");
    let rejected = findings_at(Level::Structure, ZSegments::Reject, &z);
    assert_eq!(rejected, ["segment 4 (ZPI) is not in 2.5.1:ADT_A01"]);
    check(
        "MSH|^~\\&|LAB||||20261123||ORU^R01^ORU_R01|1|P|2.5.1\rPID|1||1||A\rORC|RE\rOBX|1|NM|A||7||||||F",
        &[
            "segment 3 (ORC) begins PATIENT_RESULT[1].ORDER_OBSERVATION[1] without segment OBR, required by 2.5.1:ORU_R01",
        ],
    );
}

#[test]
fn fields_are_checked() {
    let pid = |fields: &str| format!("{}\rPID|{fields}\rPV1|1|I", ADMISSION.split("\rPID").next().unwrap());
    for (fields, expected) in [
        (
            "1",
            &[
                "segment 3 (PID) has no field 3, required by 2.5.1:ADT_A01",
                "segment 3 (PID) has no field 5, required by 2.5.1:ADT_A01",
            ][..],
        ),
        // null is a value
        ("1||\"\"||\"\"||\"\"", &[]),
        (
            "1||A||B||19800231",
            &[
                "segment 3 (PID), field 7.1 is not a date and time as in YYYY[MM[DD[HH[MM[SS[.S[S[S[S]]]]]]]]][+/-ZZZZ]",
            ],
        ),
        (
            "1||A||B||20260101120000.123456",
            &[
                "? segment 3 (PID), field 7.1 is not a date and time as in YYYY[MM[DD[HH[MM[SS[.S[S[S[S]]]]]]]]][+/-ZZZZ]",
                "? segment 3 (PID), field 7 has 21 characters, at most 26 in 2.5.1",
            ][..1],
        ),
        ("x||A||B", &["segment 3 (PID), field 1 is not a number as in 1"]),
        ("1|A~B|A||B", &["segment 3 (PID), field 2 stands there 2 times, at most 1 in 2.5.1"]),
        ("1||A^^^H&1&ISO&4||B", &["segment 3 (PID), field 3.4.4 is beyond the 3 components of HD in 2.5.1"]),
        (
            "1||A||B^C^^^^^^^^^^^^^^^16",
            &["segment 3 (PID), field 5.17 is beyond the 14 components of XPN in 2.5.1"],
        ),
        // 2.7 makes it a CWE
        (
            "1||A||B|||F^F",
            &[
                "? segment 3 (PID), field 8 has 3 characters, at most 1 in 2.5.1",
                "? segment 3 (PID), field 8.2 is beyond the 1 component of IS in 2.5.1",
            ],
        ),
    ] {
        assert_eq!(findings_at(Level::Fields, ZSegments::Tolerate, &pid(fields)), expected, "{fields}");
    }
    let fields = "|".repeat(60);
    let beyond = findings_at(Level::Fields, ZSegments::Tolerate, &pid(&format!("1||A||B{fields}x")));
    assert_eq!(beyond, ["segment 3 (PID) has a field 65, beyond the 39 that it has in 2.5.1"]);
}

#[test]
fn results_are_of_the_type_that_they_say() {
    let obx = |fields: &str| {
        format!("MSH|^~\\&|LAB||||20261123||ORU^R01^ORU_R01|1|P|2.5.1\rOBR|1|||A\rOBX|1|{fields}||||||F")
    };
    for (fields, expected) in [
        ("NM|A||7", &[][..]),
        ("NM|A||>7", &["segment 3 (OBX), field 5 is not a number as in -12.5"]),
        ("NM|A|| 7", &["? segment 3 (OBX), field 5 is not a number as in -12.5"]),
        ("NM|A||7~8~x", &["segment 3 (OBX), field 5[3] is not a number as in -12.5"]),
        ("DT|A||20261301", &["segment 3 (OBX), field 5 is not a date as in YYYY[MM[DD]]"]),
        ("DT|A||202612011200", &["? segment 3 (OBX), field 5 is not a date as in YYYY[MM[DD]]"]),
        ("SN|A||^7", &[]),
        ("SN|A||^x", &["segment 3 (OBX), field 5.2 is not a number as in -12.5"]),
        (
            "TX|A||anything ^ at & all",
            &["? segment 3 (OBX), field 5.2 is beyond the 1 component of TX in 2.5.1"],
        ),
        ("QQ|A||x", &["segment 3 (OBX), field 2 is no code of table 0125 (Value type) in 2.5.1"]),
        ("|A||x", &[]),
    ] {
        assert_eq!(findings_at(Level::Tables, ZSegments::Tolerate, &obx(fields)), expected, "{fields}");
    }
}

#[test]
fn what_other_versions_have_is_no_mistake() {
    // the first component of XTN was withdrawn in 2.7; ORC-7 has to be there in 2.3, and no more in 2.4
    let text = "MSH|^~\\&|LAB||||20261123||ORU^R01^ORU_R01|1|P|2.8\rPID|1||1^^^^MR||A||||||||123-456^^PH\rOBR|1|||A\rOBX|1|NM|A|1|7||||||F";
    let found = findings_at(Level::Fields, ZSegments::Tolerate, text);
    assert_eq!(found, ["? segment 2 (PID), field 13.1 is not used in 2.8"]);
    let text =
        "MSH|^~\\&|LAB||||20261123||ORU^R01|1|P|2.3\rPID|1||1||A\rORC|RE\rOBR|1|||A\rOBX|1|NM|A||7||||||F";
    let found = findings_at(Level::Fields, ZSegments::Tolerate, text);
    assert!(found.iter().all(|finding| finding.starts_with("? ")) && !found.is_empty(), "{found:?}");
}

#[test]
fn findings_say_where() {
    let text = ADMISSION.replace("19800131", "1980x").replace("~0815^^^X", "~0815^^^^^^2026^x");
    let message = Message::read(text.clone().into(), "").unwrap();
    let schema = Schemas::default().get("2.5.1").unwrap();
    let found = validate(&message, &schema, "ADT_A01", Level::Fields, ZSegments::Tolerate);
    let places: Vec<_> = found
        .iter()
        .map(|it| {
            let value = &text[it.offset..it.offset + it.len];
            (it.rule.name(), it.segment, &*it.id, it.occurrence, it.field, it.repetition, it.component, value)
        })
        .collect();
    assert_eq!(
        places,
        [("datatype", 3, "PID", 1, 3, 2, 8, "x"), ("datatype", 3, "PID", 1, 7, 1, 1, "1980x"),],
        "{found:?}"
    );
    assert_eq!(found[0].subcomponent, 0);
}

#[test]
fn many_segments_take_no_longer_than_they_are_many() {
    let text = |line: &str| {
        format!("MSH|^~\\&|||||2026||ADT^A01|1|P|2.5\rEVN||2026\rPID|1||1||A\rPV1||I{}", line.repeat(100_000))
    };
    assert_eq!(findings_at(Level::Tables, ZSegments::Tolerate, &text("\rZZ1|1")), [""; 0]);
    assert_eq!(findings_at(Level::Tables, ZSegments::Reject, &text("\rZZ1|1")).len(), MOST);
    assert_eq!(findings_at(Level::Tables, ZSegments::Reject, &text("\rNTE|1")).len(), MOST);
    let last = findings_at(Level::Structure, ZSegments::Reject, &text("\rAL1|1||A\rPV2|1"));
    assert_eq!(last[0], "segment 6 (PV2) stands behind segments that follow it in 2.5:ADT_A01");
}

#[test]
fn there_is_an_end_to_findings() {
    let text = format!("MSH|^~\\&|A||||1||ADT^A01|1|P|2.5{}", "\rPID|x|y|z".repeat(5_000));
    assert_eq!(findings_at(Level::Tables, ZSegments::Reject, &text).len(), MOST);
}
