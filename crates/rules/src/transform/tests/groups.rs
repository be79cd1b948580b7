//! Whole groups, copied, replaced and taken out.

use super::*;

const RESULTS: &str = "MSH|^~\\&|LAB||||20260101120000||ORU^R01^ORU_R01|7|P|2.5.1\rPID|1||4711\rZPI|x\r\
    OBR|1|||GLU\rNTE|1||one\rOBX|1|NM|A||7\rNTE|1||two\rZOX|1\rOBX|2|NM|B||8\rZOB|1\rOBR|2|||HB\rOBX|1|NM|C||9\rZOB|2\r\
    OBR|3|||NA\r";

/// What becomes of `RESULTS`: each segment by its id and first field.
fn made(create: Create, steps: Vec<StepDef>) -> Result<String, TransformError> {
    let own = TransformDef { source: Some("2.5.1:ORU_R01".to_owned()), create, ..def("t", steps) };
    let made = applied(own, RESULTS)?;
    let again = read(made.text());
    let raw = |message: &hl7::Message| message.segments().map(|own| own.raw().to_owned()).collect::<Vec<_>>();
    assert_eq!(raw(&again), raw(&made), "the index fits the text");
    let short = |raw: String| raw.splitn(3, '|').take(2).collect::<Vec<_>>().join("");
    Ok(raw(&made).into_iter().skip(1).map(short).collect::<Vec<_>>().join(" "))
}

const FIRST: &str = "OBR1 NTE1 OBX1 NTE1 ZOX1 OBX2 ZOB1";
const SECOND: &str = "OBR2 OBX1 ZOB2";

#[test]
fn groups_go_over_with_all_their_segments() {
    let new = |steps| made(Create::New, steps).unwrap();
    let each = |steps| new(vec![from("PID", "PID"), for_each("ORDER_OBSERVATION", steps)]);
    let all = format!("PID1 {FIRST} {SECOND} OBR3");
    assert_eq!(new(vec![from("PID", "PID"), from("ORDER_OBSERVATION[*]", "ORDER_OBSERVATION[*]")]), all);
    assert_eq!(each(vec![from("ORDER_OBSERVATION", "ORDER_OBSERVATION")]), all);
    assert_eq!(
        each(vec![from("ORDER_OBSERVATION", "ORDER_OBSERVATION"), set("OBX-1", "9"), append("ZZZ", "ZZZ|1")]),
        "PID1 OBR1 NTE1 OBX9 NTE1 ZOX1 OBX2 ZOB1 ZZZ1 OBR2 OBX9 ZOB2 ZZZ1 OBR3 OBX9 ZZZ1"
    );
    // The patient's own segments go over with the group that they are of, also behind what was there.
    assert_eq!(
        new(vec![from("ORDER_OBSERVATION", "ORDER_OBSERVATION[2]"), from("PATIENT", "PATIENT")]),
        format!("PID1 ZPIx {SECOND}")
    );
    assert_eq!(
        new(vec![from("PATIENT_RESULT", "PATIENT_RESULT")]),
        format!("PID1 ZPIx {FIRST} {SECOND} OBR3")
    );
    let nested = vec![
        from("PATIENT_RESULT.PATIENT", "PATIENT"),
        from("PATIENT_RESULT.ORDER_OBSERVATION", "PATIENT_RESULT.ORDER_OBSERVATION[-1]"),
    ];
    assert_eq!(new(nested), "PID1 ZPIx OBR3");
    // One after the other, in the order that they are written in.
    let more = |path: &str| ActionDef::Append {
        path: "ORDER_OBSERVATION".to_owned(),
        value: ValueDef::From(path.to_owned()),
    };
    let twice = vec![more("ORDER_OBSERVATION[3]").into(), more("ORDER_OBSERVATION[*]").into()];
    assert_eq!(new(twice), format!("OBR3 {FIRST} {SECOND} OBR3"));
    let built = vec![
        from("ORDER_OBSERVATION", "ORDER_OBSERVATION[2]"),
        set("OBX-1", "8"),
        more("target.ORDER_OBSERVATION").into(),
    ];
    assert_eq!(new(built), "OBR2 OBX8 ZOB2 OBR2 OBX8 ZOB2");
}

#[test]
fn groups_are_replaced_and_taken_out() {
    let copy = |steps| made(Create::Copy, steps).unwrap();
    let begin = "PID1 ZPIx";
    assert_eq!(
        copy(vec![from("ORDER_OBSERVATION[*]", "ORDER_OBSERVATION[*]")]),
        format!("{begin} {FIRST} {SECOND} OBR3")
    );
    assert_eq!(copy(vec![remove("ORDER_OBSERVATION[2]")]), format!("{begin} {FIRST} OBR3"));
    assert_eq!(copy(vec![remove("ORDER_OBSERVATION[*]")]), begin);
    assert_eq!(copy(vec![remove("ORDER_OBSERVATION")]), format!("{begin} {SECOND} OBR3"));
    assert_eq!(
        copy(vec![from("ORDER_OBSERVATION[3]", "ORDER_OBSERVATION[2]")]),
        format!("{begin} {FIRST} {SECOND} {SECOND}")
    );
    assert_eq!(
        copy(vec![from("ORDER_OBSERVATION[4]", "ORDER_OBSERVATION[2]")]),
        format!("{begin} {FIRST} {SECOND} OBR3 {SECOND}")
    );
    assert_eq!(
        copy(vec![from("ORDER_OBSERVATION[2]", "ORDER_OBSERVATION[7]")]),
        format!("{begin} {FIRST} OBR3"),
        "what the source does not have is not in the target"
    );
    assert_eq!(
        copy(vec![from("ORDER_OBSERVATION[*]", "ORDER_OBSERVATION[3]")]),
        format!("{begin} OBR3 OBR3 OBR3")
    );
    let mut before = insert("ORDER_OBSERVATION[2]", "");
    before.action = ActionDef::Insert {
        path: "ORDER_OBSERVATION[2]".to_owned(),
        value: ValueDef::From("ORDER_OBSERVATION[3]".to_owned()),
    };
    assert_eq!(copy(vec![before]), format!("{begin} {FIRST} OBR3 {SECOND} OBR3"));
    // In its turn, and what is behind does not come back.
    let turn = vec![ActionDef::If {
        condition: "OBR-1 = 1".to_owned(),
        then: vec![remove("ORDER_OBSERVATION"), set("OBX-1", "7")],
        otherwise: vec![set("OBR-1", "5")],
    }];
    let steps = turn.into_iter().map(StepDef::from).collect();
    assert_eq!(copy(vec![for_each("ORDER_OBSERVATION", steps)]), format!("{begin} OBR5 OBX1 ZOB2 OBR5"));
}

#[test]
fn groups_that_cannot_be_put_are_told() {
    let error = |create, steps| made(create, steps).unwrap_err().to_string();
    assert_eq!(
        error(Create::New, vec![from("ORDER_OBSERVATION[3]", "ORDER_OBSERVATION")]),
        "transform \"t\", steps[0], path \"ORDER_OBSERVATION[3]\": there are 0 of it; expected the next one to be [1]"
    );
    let second = from("PATIENT_RESULT[2].ORDER_OBSERVATION", "ORDER_OBSERVATION");
    assert_eq!(
        error(Create::Copy, vec![second]),
        "transform \"t\", steps[0], path \"PATIENT_RESULT[2].ORDER_OBSERVATION\": there is no such group to put it in, \
         and it alone does not make one"
    );
    let findings = |step: StepDef| {
        let own = TransformDef {
            source: Some("2.5.1:ORU_R01".to_owned()),
            target: Some("2.3:ORU_R01".to_owned()),
            ..def("t", vec![step])
        };
        let (_, found) = Transforms::compile(&[own], &Schemas::default(), &Scope::default());
        found.iter().map(|found| format!("{}: {}", found.place, found.message)).collect::<Vec<_>>().join("; ")
    };
    for (step, wanted) in [
        (
            from("ORDER_OBSERVATION", "ORDER_OBSERVATION[*]"),
            "steps[0].from: this gives several groups, and \"ORDER_OBSERVATION\" is one",
        ),
        (
            from("ORDER_OBSERVATION", "ORDER_OBSERVATON"),
            "steps[0].from: path \"ORDER_OBSERVATON\": no structure of 2.5.1 has a group \"ORDER_OBSERVATON\"",
        ),
        (
            from("ORDER_OBSERVATON", "ORDER_OBSERVATION"),
            "steps[0].set: path \"ORDER_OBSERVATON\": no structure of 2.3 has a group \"ORDER_OBSERVATON\"",
        ),
        (
            remove("ORDER_OBSERVATON"),
            "steps[0].remove: path \"ORDER_OBSERVATON\": no structure of 2.3 has a group \"ORDER_OBSERVATON\"",
        ),
        (
            from("ORDER_OBSERVATION", "OBR"),
            "steps[0].from: \"ORDER_OBSERVATION\" is a whole group; expected one to copy",
        ),
        (
            set("ORDER_OBSERVATION", "OBR|1"),
            "steps[0].value: \"ORDER_OBSERVATION\" is a whole group; expected one to copy",
        ),
        (from("PID-3", "ORDER_OBSERVATION"), "steps[0].from: this is a whole group, and \"PID-3\" is none"),
        (from("INSURANCE", "ORDER_OBSERVATION"), "steps[0].set: 2.3:ORU_R01 has no group INSURANCE"),
        (from("ORDER_OBSERVATION", "INSURANCE"), "steps[0].from: 2.5.1:ORU_R01 has no group INSURANCE"),
        (
            ActionDef::Clear { path: "ORDER_OBSERVATION".to_owned() }.into(),
            "steps[0].clear: \"ORDER_OBSERVATION\" is a whole group, of which nothing would stay",
        ),
    ] {
        let told = format!("{:?}", step.action);
        assert_eq!(findings(step), wanted, "{told}");
    }
    let _all_compile = compiled(&[def("t", vec![remove("ORDER_OBSERVATION")])]);
}

#[test]
fn what_belongs_to_a_group_that_was_taken_out_does_not_come_into_another_one() {
    let steps =
        vec![when("OBR-1 = \"2\"", vec![remove("ORDER_OBSERVATION")], vec![]), append("OBX", "OBX|9")];
    let made = made(Create::Copy, vec![for_each("ORDER_OBSERVATION", steps)]).unwrap();
    assert_eq!(made, "PID1 ZPIx OBR1 NTE1 OBX1 NTE1 ZOX1 OBX2 OBX9 ZOB1 OBR3 OBX9");
}
