//! Steps and what they make of messages; and what is wrong with transforms, told at its place.

mod groups;
mod random;
mod whatever;

use hl7::Message;
use hl7::schema::Schemas;

use super::*;
use crate::Scope;

const ADMISSION: &str = "MSH|^~\\&|LAB|CLINIC|EHR||20260101120000||ADT^A04^ADT_A01|4711|P|2.3\rEVN||20260101\r\
    PID|1|PT7|4711^^^H~0815^^^X||O\\T\\Connor^Mary||19800101|F\rNK1|1|One\rNK1|2|Two\rPV1|1|I|WARD^12\r\
    OBX|1|NM|A||7\rOBX|2|NM|B||12\rOBX|3|ST|A||>5\r";

const RESULTS: &str = "MSH|^~\\&|LAB||||20260101120000||ORU^R01^ORU_R01|7|P|2.5.1\rPID|1||4711\r\
    OBR|1|||GLU\rNTE|1||one\rOBX|1|NM|A||7\rNTE|1||two\rOBX|2|NM|B||8\rOBR|2|||HB\rOBX|1|NM|C||9\r";

fn set(path: &str, value: &str) -> StepDef {
    ActionDef::Set { path: path.to_owned(), value: ValueDef::Text(value.to_owned()) }.into()
}

fn from(path: &str, from: &str) -> StepDef {
    ActionDef::Set { path: path.to_owned(), value: ValueDef::From(from.to_owned()) }.into()
}

fn append(path: &str, value: &str) -> StepDef {
    ActionDef::Append { path: path.to_owned(), value: ValueDef::Text(value.to_owned()) }.into()
}

fn insert(path: &str, value: &str) -> StepDef {
    ActionDef::Insert { path: path.to_owned(), value: ValueDef::Text(value.to_owned()) }.into()
}

fn remove(path: &str) -> StepDef {
    ActionDef::Remove { path: path.to_owned() }.into()
}

fn clear(path: &str) -> StepDef {
    ActionDef::Clear { path: path.to_owned() }.into()
}

fn for_each(each: &str, steps: Vec<StepDef>) -> StepDef {
    ActionDef::ForEach { each: each.to_owned(), steps }.into()
}

fn when(condition: &str, then: Vec<StepDef>, otherwise: Vec<StepDef>) -> StepDef {
    ActionDef::If { condition: condition.to_owned(), then, otherwise }.into()
}

fn use_other(name: &str) -> StepDef {
    ActionDef::Use { name: name.to_owned() }.into()
}

fn def(name: &str, steps: Vec<StepDef>) -> TransformDef {
    TransformDef { steps, ..TransformDef::named(name) }
}

fn tables() -> Scope {
    let entries = [("A".to_owned(), "alpha".to_owned())].into();
    let table = crate::LookupTable { entries, default: None, strict: true };
    Scope { tables: crate::LookupTables::default().with("codes", table), ..Scope::default() }
}

fn compiled(defs: &[TransformDef]) -> Transforms {
    let (transforms, findings) = Transforms::compile(defs, &Schemas::default(), &tables());
    let errors: Vec<_> = findings.iter().filter(|finding| finding.is_error).collect();
    assert!(errors.is_empty(), "{errors:?}");
    transforms
}

fn read(text: &str) -> Message {
    Message::read(text.to_owned().into(), "").unwrap()
}

fn applied(def: TransformDef, source: &str) -> Result<Message, TransformError> {
    let name = def.name.clone();
    compiled(&[def]).get(&name).unwrap().apply(&read(source), &Facts::default())
}

/// The lines that are different, `-` for what went and `+` for what came.
fn changed(steps: Vec<StepDef>, source: &str) -> String {
    let made = applied(def("t", steps), source).unwrap();
    let (before, after) = (read(source), made.clone());
    let before: Vec<&str> = before.segments().map(|segment| segment.raw()).collect();
    let after: Vec<&str> = after.segments().map(|segment| segment.raw()).collect();
    let again = read(made.text());
    assert_eq!(
        again.segments().map(|segment| segment.raw()).collect::<Vec<_>>(),
        after,
        "the index fits the text"
    );
    let start = before.iter().zip(&after).take_while(|(one, other)| one == other).count();
    let rest = before.len().min(after.len()) - start;
    let end = before
        .iter()
        .rev()
        .zip(after.iter().rev())
        .take(rest)
        .take_while(|(one, other)| one == other)
        .count();
    let gone = before[start..before.len() - end].iter().map(|line| format!("-{line}"));
    let come = after[start..after.len() - end].iter().map(|line| format!("+{line}"));
    gone.chain(come).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_value_is_set_where_it_belongs() {
    for (step, wanted) in [
        (set("PV1-2", "O"), "-PV1|1|I|WARD^12 +PV1|1|O|WARD^12"),
        (set("PV1-3.3", "B"), "-PV1|1|I|WARD^12 +PV1|1|I|WARD^12^B"),
        (set("PV1-3", "X^1"), "-PV1|1|I|WARD^12 +PV1|1|I|X^1"),
        (set("PV1-5", "7"), "-PV1|1|I|WARD^12 +PV1|1|I|WARD^12||7"),
        (set("PV1.PatientClass", "O"), "-PV1|1|I|WARD^12 +PV1|1|O|WARD^12"),
        (set("OBX[2]-5", "13"), "-OBX|2|NM|B||12 +OBX|2|NM|B||13"),
        (set("OBX[-1]-5", "13"), "-OBX|3|ST|A||>5 +OBX|3|ST|A||13"),
        (set("NK1[*]-2", "X"), "-NK1|1|One -NK1|2|Two +NK1|1|X +NK1|2|X"),
        (from("PV1-10", "PID-3[2].1"), "-PV1|1|I|WARD^12 +PV1|1|I|WARD^12|||||||0815"),
        // a whole value goes with its parts, a text is escaped
        (from("PV1-4", "PID-5"), "-PV1|1|I|WARD^12 +PV1|1|I|WARD^12|O\\T\\Connor^Mary"),
        (from("PV1-4", "upper(PID-5.1)"), "-PV1|1|I|WARD^12 +PV1|1|I|WARD^12|O\\T\\CONNOR"),
        (from("PV1-4", "\"a^b\""), "-PV1|1|I|WARD^12 +PV1|1|I|WARD^12|a\\S\\b"),
        (from("PV1-2", "null"), "-PV1|1|I|WARD^12 +PV1|1|\"\"|WARD^12"),
        // what the source does not have empties what is there, and makes nothing longer
        (from("PV1-2", "PID-30"), "-PV1|1|I|WARD^12 +PV1|1||WARD^12"),
        (from("PV1-40", "PID-30"), ""),
        (from("GT1-3", "PID-30"), ""),
        // a segment that is not there is made where the structure has it
        (set("PV2-3", "x"), "+PV2|||x"),
        (set("ZPD-1", "x"), "+ZPD|x"),
        (
            append("PID-3", "9^^^Z"),
            "-PID|1|PT7|4711^^^H~0815^^^X||O\\T\\Connor^Mary||19800101|F +PID|1|PT7|4711^^^H~0815^^^X~9^^^Z||O\\T\\Connor^Mary||19800101|F",
        ),
        (
            append("PID-4", "9"),
            "-PID|1|PT7|4711^^^H~0815^^^X||O\\T\\Connor^Mary||19800101|F +PID|1|PT7|4711^^^H~0815^^^X|9|O\\T\\Connor^Mary||19800101|F",
        ),
        (append("NK1", "NK1|3|Three"), "+NK1|3|Three"),
        (insert("NK1[2]", "NK1|9|Nine"), "+NK1|9|Nine"),
        (remove("NK1"), "-NK1|1|One"),
        (remove("NK1[*]"), "-NK1|1|One -NK1|2|Two"),
        (remove("GT1"), ""),
        (clear("NK1[2]"), "-NK1|2|Two +NK1"),
        (clear("PV1-3"), "-PV1|1|I|WARD^12 +PV1|1|I|"),
        (from("NK1[2]", "NK1"), "-NK1|2|Two +NK1|1|One"),
    ] {
        let told = format!("{:?}", step.action);
        assert_eq!(changed(vec![step], ADMISSION), wanted, "{told}");
    }
}

#[test]
fn in_a_loop_a_name_is_the_one_whose_turn_it_is() {
    let lookup = for_each(
        "OBX",
        vec![when("OBX-2 = \"NM\"", vec![from("OBX-3", "\"x\" + OBX-3")], vec![remove("OBX")])],
    );
    let wanted = "-OBX|1|NM|A||7 -OBX|2|NM|B||12 -OBX|3|ST|A||>5 +OBX|1|NM|xA||7 +OBX|2|NM|xB||12";
    assert_eq!(changed(vec![lookup], ADMISSION), wanted);
    // What was removed before moves nothing.
    let wanted = "-NK1|1|One -NK1|2|Two +NK1|2|two";
    let steps = vec![
        remove("NK1"),
        for_each("NK1", vec![when("NK1-1 = 2", vec![from("NK1-2", "lower(NK1-2)")], vec![])]),
    ];
    assert_eq!(changed(steps, ADMISSION), wanted);
    let ids =
        for_each("PID-3", vec![when("PID-3.4 = \"H\"", vec![remove("PID-3")], vec![set("PID-3.5", "MR")])]);
    let wanted = "-PID|1|PT7|4711^^^H~0815^^^X||O\\T\\Connor^Mary||19800101|F +PID|1|PT7|0815^^^X^MR||O\\T\\Connor^Mary||19800101|F";
    assert_eq!(changed(vec![ids], ADMISSION), wanted);
    let groups = for_each(
        "ORDER_OBSERVATION",
        vec![
            from("OBR-13", "OBX.count"),
            for_each(
                "OBX",
                vec![from("OBX-4", "OBR-4"), append("NTE", "NTE|9||x"), append("NTE", "NTE|10||y")],
            ),
        ],
    );
    let made = applied(TransformDef { source: Some("2.5.1".to_owned()), ..def("t", vec![groups]) }, RESULTS)
        .unwrap();
    let wanted = "OBR|1|||GLU|||||||||2\rNTE|1||one\rOBX|1|NM|A|GLU|7\rNTE|9||x\rNTE|10||y\rNTE|1||two\r\
        OBX|2|NM|B|GLU|8\rNTE|9||x\rNTE|10||y\rOBR|2|||HB|||||||||1\rOBX|1|NM|C|HB|9\rNTE|9||x\rNTE|10||y";
    assert_eq!(made.text().split_once("OBR").unwrap().1, wanted.split_once("OBR").unwrap().1);
}

#[test]
fn a_new_message_begins_with_a_header_of_its_version() {
    let wanted = |source: &str, target: &str, steps: Vec<StepDef>, text: &str| {
        let def = TransformDef {
            source: Some(source.to_owned()),
            target: Some(target.to_owned()),
            create: Create::New,
            ..def("t", steps)
        };
        applied(def, text).unwrap().text().trim_end().replace('\r', "\n")
    };
    let whole = vec![
        from("PV1", "PV1"),
        from("NK1[*]", "NK1[*]"),
        from("PID", "PID"),
        from("GT1", "GT1"),
        set("EVN-2", "2026"),
    ];
    assert_eq!(
        wanted("2.3:ADT_A01", "2.5.1:ADT_A01", whole, ADMISSION),
        "MSH|^~\\&|LAB|CLINIC|EHR||20260101120000||ADT^A04^ADT_A01|4711|P|2.5.1\nEVN||2026\n\
         PID|1|PT7|4711^^^H~0815^^^X||O\\T\\Connor^Mary||19800101|F\nNK1|1|One\nNK1|2|Two\nPV1|1|I|WARD^12"
    );
    // Another event is that of the structure, and old versions have no third part.
    assert_eq!(
        wanted("2.3:ADT_A01", "2.2:ADR_A19", vec![set("PID-8", "F")], ADMISSION),
        "MSH|^~\\&|LAB|CLINIC|EHR||20260101120000||ADR^A19^|4711|P|2.2\nPID||||||||F"
    );
    let order = vec![from("OBR", "OBR"), for_each("OBX", vec![from("OBX", "OBX"), set("OBX-11", "F")])];
    let groups = vec![from("PID", "PID"), for_each("ORDER_OBSERVATION", order)];
    assert_eq!(
        wanted("2.5.1:ORU_R01", "2.5.1:ORU_R01", groups, RESULTS),
        "MSH|^~\\&|LAB||||20260101120000||ORU^R01^ORU_R01|7|P|2.5.1\nPID|1||4711\nOBR|1|||GLU\nOBX|1|NM|A||7||||||F\n\
         OBX|2|NM|B||8||||||F\nOBR|2|||HB\nOBX|1|NM|C||9||||||F"
    );
}

#[test]
fn groups_are_written_to_by_their_names() {
    let results = |steps| {
        applied(TransformDef { source: Some("2.5.1:ORU_R01".to_owned()), ..def("t", steps) }, RESULTS)
    };
    let made = results(vec![
        set("ORDER_OBSERVATION[2].OBX-5", "10"),
        set("ORDER_OBSERVATION[1].OBX[-1]-5", "11"),
        set("ORDER_OBSERVATION[2].NTE-3", "three"),
    ]);
    let lines = "OBR|1|||GLU\rNTE|1||one\rOBX|1|NM|A||7\rNTE|1||two\rOBX|2|NM|B||11\rOBR|2|||HB\rNTE|||three\rOBX|1|NM|C||10";
    assert!(made.as_ref().unwrap().text().ends_with(lines), "{}", made.unwrap().text().replace('\r', "\n"));
    let error = results(vec![set("ORDER_OBSERVATION[5].OBX-5", "10")]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "transform \"t\", steps[0], path \"ORDER_OBSERVATION[5].OBX-5\": there is no such group, and the segment \
         alone does not make it"
    );
}

#[test]
fn steps_branch_and_are_used_again() {
    let switch = |value: &str| {
        let cases =
            vec![("I".to_owned(), vec![set("PV1-18", "IN")]), (String::new(), vec![set("PV1-18", "NONE")])];
        ActionDef::Switch { value: value.to_owned(), cases, default: vec![set("PV1-18", "OTHER")] }.into()
    };
    for (value, wanted) in [("PV1-2", "IN"), ("PV1-30", "NONE"), ("PV1-3.1", "OTHER")] {
        let wanted = format!("-PV1|1|I|WARD^12 +PV1|1|I|WARD^12|||||||||||||||{wanted}");
        assert_eq!(changed(vec![switch(value)], ADMISSION), wanted, "{value}");
    }
    let case = |when: &str, value: &str| CaseDef { when: when.to_owned(), steps: vec![set("PV1-18", value)] };
    let choose = |first: &str| {
        let cases = vec![case(first, "FIRST"), case("PV1-3.1 = \"WARD\"", "SECOND")];
        ActionDef::Choose { cases, default: vec![set("PV1-18", "NONE")] }.into()
    };
    for (first, wanted) in [("PV1-2 = \"I\"", "FIRST"), ("target.PV1-2 = \"O\"", "SECOND")] {
        let wanted = format!("-PV1|1|I|WARD^12 +PV1|1|I|WARD^12|||||||||||||||{wanted}");
        assert_eq!(changed(vec![choose(first)], ADMISSION), wanted, "{first}");
    }
    let changed_before = vec![set("PV1-3", "X"), choose("target.PV1-3 = \"WARD\"")];
    assert!(changed(changed_before, ADMISSION).ends_with("|SECOND"), "conditions read the source");
    // What is built can be read, and another transform does its steps in the same loop.
    let outer =
        def("outer", vec![for_each("OBX", vec![use_other("inner")]), from("PV1-4", "target.OBX[2]-5")]);
    let inner = def(
        "inner",
        vec![
            from("OBX-5", "OBX-5 + \"!\""),
            from("OBX-4", "target.OBX-5"),
            from("OBX-6", "lookup(\"codes\", \"A\")"),
        ],
    );
    let transforms = compiled(&[outer, inner]);
    let mut traced = Vec::new();
    let made = transforms
        .get("outer")
        .unwrap()
        .apply_traced(&read(ADMISSION), &Facts::default(), &mut traced)
        .unwrap();
    let lines =
        "PV1|1|I|WARD^12|12!\rOBX|1|NM|A|7!|7!|alpha\rOBX|2|NM|B|12!|12!|alpha\rOBX|3|ST|A|>5!|>5!|alpha";
    assert!(made.text().ends_with(lines), "{}", made.text().replace('\r', "\n"));
    assert_eq!((traced[0].did.as_str(), traced[1].did.as_str()), ("for_each OBX: 1 of 3", "use inner"));
    assert_eq!(traced[2].did, "set OBX-5: \"7\" -> \"7!\"");
    assert_eq!((traced[2].depth, traced[2].transform.as_str()), (2, "inner"));
    assert!(!format!("{traced:?}").contains("7!"), "content is not for logs");
}

#[test]
fn what_cannot_be_done_is_told_without_values() {
    let strict = |steps| TransformDef { ignore_missing_source: false, ..def("t", steps) };
    for (def, wanted) in [
        (
            strict(vec![from("PV1-2", "GT1-3")]),
            "path \"PV1-2\": source has no segment GT1, which ignore_missing_source: false wants",
        ),
        (
            def("t", vec![set("OBX[5]-1", "5")]),
            "path \"OBX[5]-1\": there are 3 of it; expected the next one to be [4]",
        ),
        (
            def("t", vec![from("PV1-2.1", "PID-3")]),
            "path \"PV1-2.1\": byte 4 of the value is a line end or a separator of what the path is a part of; expected none, or the value to be escaped",
        ),
        (
            def("t", vec![from("PV1-2", "lookup(\"codes\", PID-5.1)")]),
            ": lookup(\"codes\", PID-5.1) found no such key in the lookup table",
        ),
    ] {
        let error = applied(def, ADMISSION).unwrap_err().to_string();
        assert!(error.starts_with("transform \"t\", steps[0]"), "{error}");
        assert!(error.ends_with(wanted), "{error}");
    }
    // A field that is merely not sent is no error.
    assert!(applied(strict(vec![from("PV1-2", "PV1-30")]), ADMISSION).is_ok());
}

#[test]
fn values_are_written_with_the_separators_of_the_message() {
    let text = "MSH!@*%$!LAB!!!!!!ADT@A01!1!P!2.5\rPID!1!!4711";
    let made =
        applied(def("t", vec![set("PID-5", "O\\T\\Hara^Ann"), from("PID-6", "\"a@b^c\"")]), text).unwrap();
    assert!(made.text().ends_with("PID!1!!4711!!O%T%Hara@Ann!a%S%b^c"), "{}", made.text());
}

#[test]
fn a_step_that_is_left_out_is_checked_all_the_same() {
    let mut left_out = set("PV1-2", "O");
    left_out.disabled = true;
    assert_eq!(changed(vec![left_out, ActionDef::Comment.into()], ADMISSION), "");
    let mut wrong = set("PV1-", "O");
    wrong.disabled = true;
    let (transforms, findings) =
        Transforms::compile(&[def("t", vec![wrong])], &Schemas::default(), &tables());
    assert_eq!((findings.len(), findings[0].place.as_str()), (1, "steps[0].set"));
    assert_eq!((transforms.get("t").is_none(), transforms.names().len()), (true, 1));
}

#[test]
fn what_was_removed_in_its_turn_is_not_changed_any_more() {
    let twice = for_each(
        "PID-3",
        vec![
            remove("PID-3"),
            remove("PID-3"),
            set("PID-3.5", "MR"),
            clear("PID-3"),
            from("PV1-4", "target.PID-3.1"),
        ],
    );
    let wanted = "-PID|1|PT7|4711^^^H~0815^^^X||O\\T\\Connor^Mary||19800101|F +PID|1|PT7|||O\\T\\Connor^Mary||19800101|F";
    assert_eq!(changed(vec![twice], ADMISSION), wanted);
    let segments = for_each(
        "NK1",
        vec![remove("NK1"), set("NK1-2", "x"), append("NK1-3", "y"), remove("NK1"), clear("NK1-2")],
    );
    assert_eq!(changed(vec![segments], ADMISSION), "-NK1|1|One -NK1|2|Two");
    let read = for_each(
        "PID-3",
        vec![when("PID-3.4 = \"H\"", vec![remove("PID-3")], vec![from("PV1-4", "target.PID-3.1")])],
    );
    assert!(changed(vec![read], ADMISSION).ends_with("+PV1|1|I|WARD^12|0815"));
}

/// The variables of a flow.
struct Context;

impl crate::Variables for Context {
    fn value(&self, name: &str) -> crate::Value<'_> {
        match name {
            "ward" => crate::Value::Text("W4|x".into()),
            _ => crate::Value::Missing,
        }
    }

    fn all(&self) -> Vec<(&str, crate::Value<'_>)> {
        vec![("ward", self.value("ward"))]
    }
}

#[test]
fn what_a_flow_has_set_is_read_wherever_an_expression_stands() {
    let case = |when: &str, steps| CaseDef { when: when.to_owned(), steps };
    let steps = vec![
        from("PV1-3.1", "context.ward"),
        from("PV1-3.2", "upper(context.nothing) + \"-\""),
        when("context.ward starts_with \"W4\"", vec![set("PV1-2", "O")], vec![]),
        for_each("OBX", vec![from("OBX-5", "OBX-5 + context.ward_of")]),
        ActionDef::Switch {
            value: "context.way".to_owned(),
            cases: vec![(String::new(), vec![set("PV1-18", "NO")])],
            default: vec![],
        }
        .into(),
        ActionDef::Choose { cases: vec![case("context.chosen = \"x\"", vec![])], default: vec![] }.into(),
        ActionDef::Trace { text: "{{ context.said }} {{ lookup(\"codes\", OBX-3) }}".to_owned() }.into(),
        use_other("inner"),
        StepDef { disabled: true, ..from("PV1-4", "context.left_out") },
    ];
    let inner = def("inner", vec![from("PV1-5", "context.inner")]);
    let all = compiled(&[def("t", steps), inner]);
    let transform = all.get("t").unwrap();
    let read_by: Vec<_> = transform.variables().collect();
    assert_eq!(read_by, ["chosen", "inner", "nothing", "said", "ward", "ward_of", "way"]);
    let facts = Facts { context: Some(&Context), ..Facts::default() };
    let made = transform.apply(&read(ADMISSION), &facts).unwrap();
    assert!(made.text().contains("PV1|1|O|W4\\F\\x^-|||||||||||||||NO\r"), "{}", made.text());
    // Without a flow they are empty.
    let made = transform.apply(&read(ADMISSION), &Facts::default()).unwrap();
    assert!(made.text().contains("PV1|1|I|^-|||||||||||||||NO\r"), "{}", made.text());
}

#[test]
fn whoever_applies_a_transform_is_told_which_variables_there_are_not() {
    let inner = def("inner", vec![from("PV1-3", "context.wrad")]);
    let all = compiled(&[def("t", vec![use_other("inner"), from("PV1-4", "context.bed")]), inner]);
    let transform = all.get("t").unwrap();
    let told = |names: &Names| -> Vec<String> {
        let unknown = transform.unknown_variables(names).into_iter();
        unknown.map(|(message, help)| format!("{message} ({help})")).collect()
    };
    let these = |names: &[&str]| Names::These(names.iter().map(|name| (*name).to_owned()).collect());
    assert_eq!(told(&Names::Any), [""; 0]);
    assert_eq!(told(&these(&["wrad", "bed"])), [""; 0]);
    assert_eq!(
        told(&these(&["ward", "bed"])),
        ["transform \"t\" reads context.wrad, which is not known here (did you mean \"context.ward\"?)"]
    );
    let help = "(apply it in a flow, with a step \"transform\")";
    assert_eq!(
        told(&Names::None),
        ["bed", "wrad"]
            .map(|name| format!("transform \"t\" reads context.{name}, which only a flow has {help}"))
    );
}

#[test]
fn what_copies_what_it_has_built_does_not_grow_for_ever() {
    let doubled = StepDef::from(ActionDef::Append {
        path: "NTE".to_owned(),
        value: ValueDef::From("target.NTE[*]".to_owned()),
    });
    for (step, expected) in [
        (from("PID-5", "target.PID-5 + target.PID-5"), "makes the message too long; expected at most 16 MiB"),
        (doubled, "makes more than 10000 segments"),
    ] {
        let steps = (0..40).map(|_| step.clone());
        let all = compiled(&[def("t", std::iter::once(append("NTE", "NTE|1")).chain(steps).collect())]);
        let error = all.get("t").unwrap().apply(&read(ADMISSION), &Facts::default()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
