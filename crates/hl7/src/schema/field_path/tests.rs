//! Paths by names and groups, and what is said about wrong ones.

use super::*;
use crate::schema::Schemas;
use crate::schema::{Custom, CustomField, CustomSegment};

fn context(choice: &str) -> PathContext {
    PathContext::new(&Schemas::default(), &choice.parse().unwrap())
}

#[track_caller]
fn check(choice: &str, text: &str, expected: &str) {
    let path = compile_path(text, &context(choice)).map(|path| path.to_string());
    assert_eq!(path.map_err(|error| error.to_string()).as_deref(), Ok(expected), "{text}");
}

#[test]
fn names_become_numbers() {
    for (text, expected) in [
        ("PID.PatientName.FamilyName", "PID-5.1"),
        ("PID.patientname.FAMILYNAME", "PID-5.1"),
        ("PID-5.FamilyName", "PID-5.1"),
        ("PID-PatientName", "PID-5"),
        ("PID.PatientName[2].FamilyName.Surname", "PID-5[2].1.1"),
        ("PID.5.1", "PID-5.1"),
        ("PID.3", "PID-3"),
        ("PID[*].PatientIdentifierList[*].IDNumber", "PID[*]-3[*].1"),
        ("OBX[-1].ObservationValue", "OBX[-1]-5"),
        ("MSH.MessageType.TriggerEvent", "MSH-9.2"),
        ("OBX.count", "OBX.count"),
        ("OBX[2]-5.count", "OBX[2]-5.count"),
        ("PID.PatientIdentifierList.count", "PID-3.count"),
        ("ORDER_OBSERVATION[2].OBX[1]-5", "ORDER_OBSERVATION[2].OBX[1]-5"),
        (
            "PATIENT_RESULT.ORDER_OBSERVATION[-1].OBR.UniversalServiceIdentifier",
            "PATIENT_RESULT.ORDER_OBSERVATION[-1].OBR-4",
        ),
        ("PIDgrpgrp[1].ORCgrp[2].OBR-4", "PIDgrpgrp[1].ORCgrp[2].OBR-4"),
        ("ORDER_OBSERVATION.count", "ORDER_OBSERVATION.count"),
        ("ORDER_OBSERVATION[2].OBX.count", "ORDER_OBSERVATION[2].OBX.count"),
        ("order_observation.OBX-5", "order_observation.OBX-5"),
    ] {
        check("2.5.1", text, expected);
        check("2.5.1", expected, expected);
    }
    for (text, expected) in [
        ("PID.PatientName.GivenName", "PID-5.2"),
        ("ORDER_OBSERVATION[2].OBX-5", "ORDER_OBSERVATION[2].OBX-5"),
        ("PV1.PatientClass", "PV1-2"),
    ] {
        check("", text, expected);
    }
}

#[track_caller]
fn wrong(choice: &str, marked: &str, expected: &str) {
    let text = marked.replace(['>', '<'], "");
    let start = marked.find('>').unwrap();
    let error = check_path(&text, &context(choice)).unwrap_err();
    assert_eq!(error.to_string(), format!("path \"{text}\": {expected}"));
    assert_eq!(error.range, start..marked.find('<').unwrap() - 1, "{marked}: {error}");
}

#[test]
fn what_the_schema_does_not_have_is_told_with_what_is_near() {
    wrong(
        "2.5.1",
        "PID.>PatientNam<",
        "PID has 39 fields in 2.5.1, none of them \"PatientNam\"; did you mean \"PatientName\"?",
    );
    wrong(
        "2.5.1",
        "PID.>Religious<",
        "PID has 39 fields in 2.5.1, none of them \"Religious\"; did you mean \"Religion\"?",
    );
    wrong(
        "2.5.1",
        "PID-5.>Family<",
        "PID-5 (XPN) has 14 components in 2.5.1, none of them \"Family\"; did you mean \"FamilyName\"?",
    );
    wrong(
        "2.5.1",
        "OBX[*].>NTE<-3",
        "OBX has 25 fields in 2.5.1, none of them \"NTE\"; NTE is a segment; write OBSERVATION[*].NTE-3",
    );
    wrong(
        "",
        "PID.>OBX<[2]-5",
        "PID has 40 fields in 2.8.2, none of them \"OBX\"; OBX is a segment; write PATIENT.OBX[2]-5",
    );
    wrong("2.5.1", "PID-8.>Code<", "PID-8 (IS) has no components with names in 2.5.1");
    wrong("2.5.1", ">PID-99<", "PID has 39 fields in 2.5.1");
    wrong("2.5.1", ">PIX<-3", "2.5.1 has no segment PIX; did you mean \"PID\"?");
    wrong(
        "2.5.1",
        "ZPD.>Name<",
        "2.5.1 has no segment ZPD, so that its fields have no names; write the number, or define the segment in a schema of your own",
    );
    wrong(
        "2.5.1",
        ">ORDER_OBSERVTION<.OBX-5",
        "no structure of 2.5.1 has a group \"ORDER_OBSERVTION\"; did you mean \"ORDER_OBSERVATION\"?",
    );
    wrong(
        "2.5.1",
        "ORDER_OBSERVATION.PID-5><",
        "no structure of 2.5.1 has a segment PID in group ORDER_OBSERVATION",
    );
    wrong(
        "2.5.1",
        "OBSERVATION.>ORDER_OBSERVATION<.OBX-5",
        "no structure of 2.5.1 has a group \"ORDER_OBSERVATION\" in group OBSERVATION",
    );
    wrong(
        "2.5.1",
        "ORDER_OBSERVATION[2]><",
        "a group has no value; write ORDER_OBSERVATION[2].count, or a segment as in ORDER_OBSERVATION[2].OBX-5",
    );
    wrong("2.5.1", "PID-3.1.>count<", "segments, groups and repetitions can be counted alone");
    wrong("2.5.1", "PID-3.IDNumber>[2]<", "a component does not repeat");
    wrong(
        "2.5.1",
        "PID.PatientName>-<1",
        "found \"-\", expected \".\"; \"-\" stands between a segment and its field alone",
    );
    wrong(
        "2.8.2",
        "OM1.>OtherNames<",
        "\"OtherNames\" is the name of fields 8 and 51 in 2.8.2; write the number, as in OM1-8",
    );
    wrong(
        "",
        "OBX.>NatureOfAbnormalTst<",
        "OBX has 30 fields in 2.8.2, none of them \"NatureOfAbnormalTst\"; did you mean \"NatureofAbnormalTest\"?",
    );
}

#[test]
fn what_is_doubtful_is_told_and_compiled() {
    let doubt = |choice: &str, text: &str| {
        let checked = check_path(text, &context(choice)).unwrap();
        checked.doubts.iter().map(PathError::to_string).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(doubt("", "PID-99"), "path \"PID-99\": PID has at most 40 fields in 2.8.2");
    assert_eq!(doubt("", "PIX-1"), "path \"PIX-1\": any version has no segment PIX; did you mean \"PID\"?");
    assert_eq!(doubt("2.5.1", "PID-5.15"), "path \"PID-5.15\": PID-5 (XPN) has 14 components in 2.5.1");
    for fine in ["ZPD-3", "ZPD-3.4", "OBX-5.9", "PID-39", "PID", "MSH-9.3", "OBX.count"] {
        assert_eq!(doubt("2.5.1", fine), "", "{fine}");
        assert_eq!(doubt("", fine), "", "{fine}");
    }
}

const RESULTS: &str = "MSH|^~\\&|LAB||||1||ORU^R01^ORU_R01|1|P|2.5.1\rPID|1||4711~0815\r\
    OBR|1|||A\rOBX|1|NM|X||1\rOBX|2|NM|X||2~3\rZZ1|1\rOBR|2|||B\rOBX|1|NM|Y||4\rNTE|1||n\rPID|2||9\rOBR|1|||C\rOBX|1|NM|Z||5";

#[test]
fn groups_are_followed() {
    let message = Message::read(RESULTS.into(), "").unwrap();
    for (text, expected) in [
        ("ORDER_OBSERVATION[2].OBX-5", vec!["4"]),
        ("ORDER_OBSERVATION[1].OBX[2]-5[2]", vec!["3"]),
        ("ORDER_OBSERVATION[1].OBX[*]-5", vec!["1", "2~3"]),
        ("ORDER_OBSERVATION[*].OBX-5", vec!["1", "4", "5"]),
        ("ORDER_OBSERVATION[-1].OBX-3", vec!["Z"]),
        ("ORDER_OBSERVATION.OBX[-1]-5", vec!["2~3"]),
        ("ORDER_OBSERVATION[3].OBR-4", vec!["C"]),
        ("ORDER_OBSERVATION[4].OBR-4", vec![]),
        ("PATIENT_RESULT[2].ORDER_OBSERVATION[1].OBR-4", vec!["C"]),
        ("PATIENT_RESULT[*].PATIENT.PID.PatientIdentifierList[*]", vec!["4711", "0815", "9"]),
        ("PATIENT_RESULT[1].ORDER_OBSERVATION[-1].OBSERVATION.NTE-3", vec!["n"]),
        ("PIDgrpgrp[1].ORCgrp[2].OBR-4", vec!["B"]),
        ("ORDER_OBSERVATION.NTE-3", vec![]),
    ] {
        for choice in ["", "2.5.1"] {
            let path = compile_path(text, &context(choice)).unwrap();
            assert_eq!(path.values(&message), expected, "{text}");
            assert_eq!(path.get(&message), expected.first().copied(), "{text}");
        }
    }
    for (text, expected) in [
        ("OBX.count", 4),
        ("OBX[2].count", 1),
        ("ZZ1.count", 1),
        ("PV1.count", 0),
        ("PID-3.count", 2),
        ("PID[2]-3.count", 1),
        ("PID[*]-3.count", 3),
        ("PID-4.count", 0),
        ("ORDER_OBSERVATION.count", 3),
        ("PATIENT_RESULT[1].ORDER_OBSERVATION.count", 2),
        ("PATIENT_RESULT[2].ORDER_OBSERVATION.count", 1),
        ("PATIENT_RESULT.OBX.count", 3),
        ("PATIENT_RESULT[*].OBX.count", 4),
        ("ORDER_OBSERVATION[2].OBX.count", 1),
        ("ORDER_OBSERVATION[1].OBX[2]-5.count", 2),
        ("VISIT.count", 0),
    ] {
        let path = compile_path(text, &context("")).unwrap();
        assert_eq!(path.count(&message), Some(expected), "{text}");
        assert!(path.is_count() && !path.is_plural() && path.get(&message).is_none());
    }
}

#[test]
fn a_message_without_a_structure_has_no_groups() {
    let path = compile_path("ORDER_OBSERVATION.OBX-5", &context("")).unwrap();
    for header in ["ORU^R01|1|P|9.9", "ORU^R01|1|P", "QQQ^R01|1|P|2.5.1"] {
        let text = RESULTS.replace("ORU^R01^ORU_R01|1|P|2.5.1", header);
        assert_eq!(path.get(&Message::read(text.into(), "").unwrap()), None, "{header}");
    }
}

#[test]
fn where_the_version_decides_custom_schemas_are_known_as_well() {
    let level = CustomField { name: Some("Level".into()), datatype: Some("ST".into()), ..Default::default() };
    let zpd = CustomSegment { id: "ZPD".into(), name: None, fields: vec![level] };
    let custom =
        Custom { name: "Hospital".into(), base: "2.5.1".into(), segments: vec![zpd], ..Custom::default() };
    let mut schemas = Schemas::default();
    assert_eq!(schemas.add(&custom), []);
    let path =
        |choice: &str| compile_path("ZPD.Level", &PathContext::new(&schemas, &choice.parse().unwrap()));
    assert_eq!(path("").unwrap().to_string(), "ZPD-1");
    assert_eq!(path("Hospital").unwrap().to_string(), "ZPD-1");
    assert!(path("2.5.1").is_err(), "the messages are of that version, whatever else there is");
}
