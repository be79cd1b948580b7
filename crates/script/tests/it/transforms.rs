//! Steps of transforms in JavaScript: what they read, build and cannot do.

use std::time::Duration;

use hl7::Message;
use hl7::schema::Schemas;
use orris_script::{Bench, JavaScript, Limits, Pool};
use rules::transform::{ActionDef, CodeDef, CodePlace, Create, StepDef, Traced, TransformDef, ValueDef};
use rules::{Facts, LookupTable, LookupTables, Scope, Transform, TransformError, Transforms, Variables};

use crate::ADT;

fn code(text: &str) -> StepDef {
    StepDef::from(ActionDef::Code(CodeDef { text: text.to_owned(), places: Vec::new() }))
}

fn set(path: &str, from: &str) -> StepDef {
    let value = ValueDef::From(from.to_owned());
    StepDef::from(ActionDef::Set { path: path.to_owned(), value })
}

fn remove(path: &str) -> StepDef {
    StepDef::from(ActionDef::Remove { path: path.to_owned() })
}

fn for_each(each: &str, steps: Vec<StepDef>) -> StepDef {
    StepDef::from(ActionDef::ForEach { each: each.to_owned(), steps })
}

fn tables() -> LookupTables {
    let entries = [("A".to_owned(), "alpha".to_owned()), ("EMPTY".to_owned(), String::new())];
    let table = LookupTable { entries: entries.into(), ..LookupTable::default() };
    LookupTables::default()
        .with("codes", table.clone())
        .with("other", LookupTable { default: Some("?".to_owned()), ..table.clone() })
        .with("strict", LookupTable { strict: true, ..table })
}

/// The findings, as `place [text]: what (help)`.
fn compile(defs: &[TransformDef]) -> (Transforms, Vec<String>) {
    let scope = Scope { tables: tables(), ..Scope::default() };
    let (transforms, found) = Transforms::compile_with(defs, &Schemas::default(), &scope, Some(&JavaScript));
    let told = found.iter().map(|found| {
        let help = found.help.as_deref().map(|help| format!(" ({help})")).unwrap_or_default();
        format!("{} {:?}: {}{help}", found.place, found.range.clone().unwrap_or_default(), found.message)
    });
    (transforms, told.collect())
}

fn transform(steps: Vec<StepDef>, create: Create) -> std::sync::Arc<Transform> {
    let def = TransformDef { steps, create, ..TransformDef::named("t") };
    let (transforms, found) = compile(&[def]);
    assert!(found.is_empty(), "{found:?}");
    let transform = transforms.get("t").unwrap();
    assert!(transform.has_code());
    transform
}

fn source() -> Message {
    Message::read(ADT.into(), "").unwrap()
}

fn apply(steps: Vec<StepDef>, create: Create) -> Result<String, TransformError> {
    let mut bench = Bench::default();
    let mut desk = bench.desk(Limits::default());
    let facts = Facts { source: "Ward", id: 12, ..Facts::default() };
    let made = transform(steps, create).apply_with(&source(), &facts, &mut desk, None)?;
    Ok(made.text().to_owned())
}

fn made(steps: Vec<StepDef>) -> String {
    apply(steps, Create::Copy).unwrap_or_else(|error| panic!("{error}"))
}

fn failure(text: &str) -> String {
    apply(vec![code(text)], Create::Copy).expect_err(text).to_string()
}

#[test]
fn code_builds_the_target_and_leaves_every_other_byte() {
    let text = made(vec![code("target.set('PID-5.1', source.get('PID-5.1').toUpperCase())")]);
    assert_eq!(text, ADT.replace("Doe", "DOE"));
    assert_eq!(made(vec![code("target.set('PID-5.1', 'Doe')")]), ADT);
    // What it leaves is what the next step goes on with, in either language.
    let steps = vec![
        set("PID-8", "\"M\""),
        code("target.set('PID-9', target.get('PID-8') + source.get('PID-7'))"),
        set("PID-10", "target.PID-9"),
    ];
    assert_eq!(made(steps), ADT.replace("||\"\"|", "||\"\"|M|Mnull|Mnull"));
}

#[test]
fn a_new_target_is_built_from_its_header() {
    let text = "target.addSegment('PID|1').set('3', source.get('PID-3.1'))";
    let after = set("PID-5", "PID-5");
    let text = apply(vec![code(text), after], Create::New).unwrap();
    assert!(text.trim_end().ends_with("|2.5\rPID|1||4711||Doe^Ann"), "{text:?}");
}

#[test]
fn the_segments_of_the_source_are_found_again_behind_code() {
    // The code takes out the first OBX and adds others: each round still meets its own.
    let steps = vec![
        code("target.remove('OBX[1]'); target.insertAfter('PID', 'OBX|0|TX'); target.addSegment('OBX|9|TX')"),
        for_each("OBX", vec![set("OBX-5", "OBX-3 + \"!\"")]),
    ];
    let obx: Vec<String> = made(steps).split('\r').skip(2).map(str::to_owned).collect();
    assert_eq!(obx[0], "OBX|0|TX");
    assert!(obx.contains(&"OBX|2|NM|B||B!".to_owned()), "{obx:?}");
    assert!(obx.contains(&"OBX|3|ST|C||C!".to_owned()), "{obx:?}");
    assert!(obx.contains(&"OBX|9|TX".to_owned()), "{obx:?}");
}

#[test]
fn code_in_a_loop_is_told_whose_turn_it_is() {
    let in_turn =
        "if (turn.source.get('2') === 'NM') turn.target.set('5', `${turn.source.get('3')}${turn.number}`)";
    let text = made(vec![
        remove("OBX[3]"),
        for_each("OBX[1]", vec![]),
        for_each(
            "OBX",
            vec![StepDef::from(ActionDef::If {
                condition: "OBX-3 != \"C\"".to_owned(),
                then: vec![code(in_turn)],
                otherwise: vec![code("if (turn.target !== undefined) target.set('PID-1', 'there')")],
            })],
        ),
    ]);
    assert!(text.ends_with("OBX|1|NM|A||Aundefined\rOBX|2|NM|B||Bundefined"), "{text}");
    assert!(!text.contains("there"), "{text}");
    let repetitions = for_each("PID-3", vec![code("target.set(`PID-3[${turn.number}].4`, turn.source.id)")]);
    assert!(made(vec![repetitions]).contains("|4711^^^PID~4712^^^PID|"));
    assert_eq!(made(vec![code("if (turn !== undefined) target.set('PID-1', 2)")]), ADT);
}

#[test]
fn what_code_takes_out_in_its_turn_is_not_made_again() {
    let take = "if (turn.source.get('2') === 'NM') turn.target.remove()";
    let text = made(vec![for_each("OBX", vec![code(take), set("OBX-5", "OBX-3")])]);
    assert_eq!(text.matches("OBX|").count(), 1, "{text}");
    assert!(text.contains("\rOBX|3|ST|C||C"), "{text}");
}

#[test]
fn code_stands_wherever_a_step_does() {
    let cases = vec![("2.5".to_owned(), vec![code("target.set('PID-1', 'switched')")])];
    let switch = ActionDef::Switch { value: "MSH-12".to_owned(), cases, default: Vec::new() };
    let inner = TransformDef { steps: vec![switch.into()], ..TransformDef::named("inner") };
    let used = ActionDef::Use { name: "inner".to_owned() };
    let outer = TransformDef { steps: vec![used.into()], ..TransformDef::named("outer") };
    let plain = TransformDef { steps: vec![remove("PV1")], ..TransformDef::named("plain") };
    let (transforms, found) = compile(&[outer, inner, plain]);
    assert!(found.is_empty(), "{found:?}");
    assert!(transforms.get("outer").unwrap().has_code());
    assert!(!transforms.get("plain").unwrap().has_code());
    let mut bench = Bench::default();
    let mut desk = bench.desk(Limits::default());
    let outer = transforms.get("outer").unwrap();
    let made = outer.apply_with(&source(), &Facts::default(), &mut desk, None).unwrap();
    assert!(made.text().contains("PID|switched|"));
    let error = outer.apply(&source(), &Facts::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "transform \"inner\", steps[0].cases.2.5[0]: there is nobody here who runs code"
    );
}

#[test]
fn what_code_cannot_do_is_told_with_its_place() {
    let whole = |why: &str| format!("transform \"t\", steps[0]: {why}");
    for (text, why) in [
        ("source.set('PID-1', 1)", "TypeError: source stays as it came; expected target to be changed"),
        (
            "source.segments('OBX')[0].remove()",
            "TypeError: source stays as it came; expected target to be changed",
        ),
        ("source.addSegment('ZXX|1')", "TypeError: source stays as it came; expected target to be changed"),
        ("globalThis['send']('Lab')", "TypeError: there is no \"send\" in the code of a transform"),
        ("const all = sockets; all.list()", "TypeError: there is no \"sockets\" in the code of a transform"),
        ("globalThis['suspend']('x')", "TypeError: there is no \"suspend\" in the code of a transform"),
        ("context.ward = 'x'", "TypeError: context is read-only"),
        (
            "lookup('strict', 'B')",
            "TypeError: lookup table \"strict\" has no such key, and wants every one to be there",
        ),
        ("lookup(source.get('PID-5.1'), 'A')", "TypeError"),
        ("msg.get('PID-1')", "ReferenceError: msg is not defined"),
        ("throw new Error(source.get('PID-5.1'))", "Error"),
        ("source.get('PID-5.1').x.y", "TypeError: cannot read property \"y\" of undefined"),
    ] {
        assert_eq!(failure(text), whole(why), "{text}");
    }
}

#[test]
fn an_error_is_told_at_its_place_in_the_file() {
    let text = "const a = 1;\n  source.x();\n";
    let places =
        vec![CodePlace { offset: 0, line: 12, column: 9 }, CodePlace { offset: 13, line: 13, column: 9 }];
    let def = CodeDef { text: text.to_owned(), places };
    let step = StepDef { line: 11, ..StepDef::from(ActionDef::Code(def)) };
    let error = apply(vec![step.clone()], Create::Copy).unwrap_err();
    assert_eq!((error.line, error.column), (13, 18), "{error}");
    assert!(
        error.to_string().starts_with("transform \"t\", steps[0] (line 13 column 18): TypeError"),
        "{error}"
    );
    // What has no place of its own is told with the step.
    let endless = CodeDef { text: "x".to_owned(), ..CodeDef::default() };
    let step = StepDef { action: ActionDef::Code(endless), ..step };
    assert_eq!(apply(vec![step], Create::Copy).unwrap_err().line, 11);
}

#[test]
fn what_is_wrong_with_code_is_found_before_it_runs() {
    for (text, expected) in [
        ("let x = ;", "steps[0].code 8..9: unexpected token in expression: \";\""),
        (
            "send('Lab')",
            "steps[0].code 0..4: there is no \"send\" in the code of a transform (a transform makes its message; \
             what becomes of it is for a rule, a flow or a script)",
        ),
        (
            "lookup('cods', 'x')",
            "steps[0].code 8..12: lookup table \"cods\" is not known (did you mean \"codes\"?)",
        ),
        (
            "if (exists('none', 'x')) {}",
            "steps[0].code 12..16: lookup table \"none\" is not known (expected one of codes, other, strict)",
        ),
    ] {
        let def = TransformDef { steps: vec![code(text)], ..TransformDef::named("t") };
        let (transforms, found) = compile(&[def]);
        assert_eq!(found, [expected], "{text}");
        assert!(transforms.get("t").is_none());
    }
    let def = TransformDef { steps: vec![code("sockets.list(); reject('x')")], ..TransformDef::named("t") };
    assert_eq!(compile(&[def]).1.len(), 2);
}

struct Ward;

impl Variables for Ward {
    fn value(&self, name: &str) -> rules::Value<'_> {
        if name == "ward" { rules::Value::Text("W4".into()) } else { rules::Value::Missing }
    }
    fn all(&self) -> Vec<(&str, rules::Value<'_>)> {
        vec![("ward", self.value("ward"))]
    }
}

#[test]
fn facts_and_tables_are_there_and_what_is_said_is_heard() {
    let text = "log.info(context.source, context.id, context.docType, context.ward, context.none, now());
        log.warning(lookup('codes', 'A'), lookup('codes', 'B'), lookup('codes', 'B', 7), lookup('codes', 'EMPTY', 7));
        alert(lookup('other', null), lookup('other', 'B', ''), lookup('strict', 'B', null), exists('codes', source.get('OBX-3')), exists('codes', 1));";
    let transform = transform(vec![code(text)], Create::Copy);
    let mut bench = Bench::default();
    let mut desk = bench.desk(Limits::default());
    let now = Some(rules::Moment { milliseconds: 42, offset_minutes: 0 });
    let facts = Facts {
        source: "Ward",
        id: 12,
        doc_type: "2.5:ADT_A01",
        context: Some(&Ward),
        now,
        ..Facts::default()
    };
    let mut traced: Vec<Traced> = Vec::new();
    transform.apply_with(&source(), &facts, &mut desk, Some(&mut traced)).unwrap();
    let lines: Vec<_> = traced.iter().map(|step| (step.depth, step.did.as_str())).collect();
    assert_eq!(
        lines,
        [
            (0, "code: nothing changed"),
            (1, "log.info: Ward 12 2.5:ADT_A01 W4 undefined 42"),
            (1, "log.warning: alpha undefined 7 "),
            (1, "alert: ?  null true false"),
        ]
    );
    let said: Vec<_> = desk.said().into_iter().map(|said| said.text).collect();
    assert_eq!(said.len(), 3);
    assert!(desk.said().is_empty());
}

#[test]
fn all_code_of_one_message_shares_its_time() {
    let limits = Limits { time: Duration::from_millis(60), ..Limits::default() };
    let busy = "const begin = source.text(); for (let i = 0; i < 3e4; i++) source.get('PID-5.1')";
    let steps = std::iter::repeat_with(|| code(busy)).take(400).collect();
    let transform = transform(steps, Create::Copy);
    let mut bench = Bench::default();
    let error =
        transform.apply_with(&source(), &Facts::default(), &mut bench.desk(limits), None).unwrap_err();
    assert!(error.why.contains("took longer than the 60 ms"), "{error}");
    assert_ne!(error.step, "steps[399]", "each step had the whole time");
}

#[tokio::test]
async fn the_pool_goes_on_behind_code_without_end() {
    let limits = Limits { time: Duration::from_millis(50), ..Limits::default() };
    let endless = "if (source.get('PID-1') === '2') while (true) {}";
    let transform = transform(vec![code(endless), code("target.set('PID-2', 'done')")], Create::Copy);
    let inputs = ["1", "2", "3"].map(|number| ADT.replace("PID|1|", &format!("PID|{number}|")));
    let pool = Pool::default();
    let made = pool
        .each(limits, inputs.to_vec(), move |text, desk| {
            let message = Message::read(text.clone().into(), "").map_err(|error| error.to_string())?;
            let made = transform.apply_with(&message, &Facts::default(), desk, None);
            made.map(|made| made.text().len()).map_err(|error| error.to_string())
        })
        .await;
    let made: Vec<_> = made.into_iter().map(|made| made.unwrap()).collect();
    assert_eq!(made[0], Ok(ADT.len() + 4));
    assert_eq!(made[2], Ok(ADT.len() + 4));
    let expected = "transform \"t\", steps[0]: took longer than the 50 ms that it has";
    assert_eq!(made[1].as_ref().unwrap_err(), expected);
}
