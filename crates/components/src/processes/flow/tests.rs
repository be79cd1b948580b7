//! What is found in the steps of a flow, and that the guide's examples are right.

use model::{Checks, ComponentSpec, Library, NoteKind};
use serde_json::{Value, json};

use super::Flow;

/// Every note as `path: message (help)`.
fn notes(steps: Value) -> Vec<String> {
    let mut checks = Checks::default();
    ComponentSpec::of::<Flow>().check(json!({ "steps": steps }), &mut checks);
    let line = |note: &model::Note| match &note.help {
        Some(help) => format!("{}: {} ({help})", note.path, note.message),
        None => format!("{}: {}", note.path, note.message),
    };
    checks.notes.iter().map(line).collect()
}

fn check(steps: Value, expected: &[&str]) {
    assert_eq!(notes(steps), expected);
}

#[test]
fn unknown_steps_and_keys_are_told_at_their_place() {
    check(json!([{ "cal": "Out" }]), &["steps[0].cal: unknown step \"cal\" (did you mean \"call\"?)"]);
    check(
        json!([{ "if": "PID-3 = \"1\"", "then": [{ "call": "Out", "timout": "1s" }] }]),
        &["steps[0].then[0].timout: unknown key \"timout\" of step \"call\" (did you mean \"timeout\"?)"],
    );
    check(
        json!([{ "switch": [{ "when": "PID-3 = \"1\"", "do": [] }], "default": [] }]),
        &["steps[0].default: unknown key \"default\" of step \"switch\" (did you mean \"otherwise\"?)"],
    );
    check(
        json!([{ "call": "Out", "throw": "x" }]),
        &["steps[0]: a step is \"call\" and \"throw\" at once; expected one (make two steps of it)"],
    );
    for later in ["rule", "sql"] {
        let said = format!("steps[0].{later}: step \"{later}\" is not available in this version");
        check(json!([{ later: "x" }]), &[&said]);
    }
}

#[test]
fn names_that_nothing_has_are_told() {
    check(
        json!([{ "call": "Out", "as": "a" }, { "sync": ["a"] }]),
        &[
            "steps[1].sync: no call is named \"a\" that is not waited for already (make it with \"async: true\", \
           and name it with \"as\")",
        ],
    );
    check(
        json!([{ "reply": "lab" }]),
        &["steps[0].reply: there is no message \"lab\" in this flow (expected one of request)"],
    );
    check(
        json!([{ "transform": "Nope", "as": "made" }]),
        &[
            "steps[0].transform: there is no transform \"Nope\" (define it under \"transforms\" of the production)",
        ],
    );
    let unknown = notes(json!([{ "assign": { "a": "context.b" } }]));
    assert!(unknown[0].starts_with("steps[0].assign.a: \"context.b\" is not known"), "{unknown:?}");
}

#[test]
fn what_is_never_reached_is_told() {
    let never = " this step is never reached (leave it out)";
    let both = json!({ "if": "PID-3 = \"1\"", "then": [{ "throw": "a" }], "else": [{ "throw": "b" }] });
    check(json!([both, { "trace": "x" }]), &[&format!("steps[1]:{never}")]);
    let one = json!({ "if": "PID-3 = \"1\"", "then": [{ "throw": "a" }] });
    check(json!([one, { "trace": "x" }]), &[]);
    let scope = json!({ "scope": [{ "throw": "a" }, { "trace": "x" }], "catch": { "a": [] } });
    check(json!([scope, { "trace": "y" }]), &[&format!("steps[0].scope[1]:{never}")]);
}

#[test]
fn events_hold_no_content() {
    for step in ["alert", "trace", "milestone", "throw"] {
        let said = notes(json!([{ step: "of {{ PID-5 }}" }]));
        assert!(said[0].contains("expected a text without values"), "{said:?}");
    }
}

#[test]
fn code_is_read_and_what_is_wrong_is_told_at_its_bytes() {
    let told = |code: &str| {
        let mut checks = Checks::default();
        ComponentSpec::of::<Flow>().check(json!({ "steps": [{ "code": code }] }), &mut checks);
        let marked = |note: &model::Note| {
            let bytes = note.range.clone().map_or("?", |range| &code[range]);
            format!("{} [{bytes}]: {}", note.path, note.message)
        };
        checks.notes.iter().map(marked).collect::<Vec<_>>()
    };
    let at = "steps[0].code";
    assert_eq!(told("let a = 1;\nlet b = ;"), [format!("{at} [;]: unexpected token in expression: \";\"")]);
    assert_eq!(
        told("for (const s of sockets.list()) {}"),
        [format!("{at} [sockets]: there is no \"sockets\" in the code of a flow")]
    );
    assert_eq!(
        told("suspend('x')"),
        [format!("{at} [suspend]: there is no \"suspend\" in the code of a flow")]
    );
    assert_eq!(
        told("send('')"),
        [format!("{at} []: the target of send is empty; expected the name of an item")]
    );
    assert_eq!(told("msg.set('PID-3', 1)"), Vec::<String>::new());
}

#[test]
fn what_code_sets_and_makes_is_known() {
    check(
        json!([
            { "code": "context.ward = msg.get('PV1-3.1')", "as": "made" },
            { "if": "context.ward = \"W4\"", "then": [{ "call": "Out", "request": "made" }] },
        ]),
        &[],
    );
    // What is not right yet makes no other errors.
    let wrong = notes(json!([{ "code": "context.a = = 1" }, { "assign": { "b": "context.a" } }]));
    assert_eq!(wrong.len(), 1, "{wrong:?}");
    check(
        json!([{ "code": "1", "of": "nope", "to": "x" }]),
        &[
            "steps[0].to: unknown key \"to\" of step \"code\" (expected one of code, of, as, disabled, comment)",
            "steps[0].of: there is no message \"nope\" in this flow (expected one of request)",
        ],
    );
}

#[test]
fn targets_of_code_are_named_at_their_bytes() {
    let mut checks = Checks::default();
    let steps = json!([{ "code": "send('A'); send(\"B\", 'text')" }]);
    ComponentSpec::of::<Flow>().check(json!({ "steps": steps }), &mut checks);
    let named: Vec<_> = checks.references.iter().map(|it| (it.path.as_str(), it.name.as_str())).collect();
    assert_eq!(named, [("steps[0].code", "A"), ("steps[0].code", "B")]);
}

#[test]
fn targets_are_named_wherever_they_are() {
    let steps = json!([{ "parallel": [[{ "call": "A" }], [{ "scope": [{ "call": "B" }], "compensate": [{ "call": "C" }] }]] }]);
    let mut checks = Checks::default();
    ComponentSpec::of::<Flow>().check(json!({ "steps": steps }), &mut checks);
    let named: Vec<_> =
        checks.references.iter().map(|named| (named.path.as_str(), named.name.as_str())).collect();
    let wanted = [
        ("steps[0].parallel[0][0].call", "A"),
        ("steps[0].parallel[1][0].scope[0].call", "B"),
        ("steps[0].parallel[1][0].compensate[0].call", "C"),
    ];
    assert_eq!(named, wanted);
}

#[test]
fn a_flow_that_is_wrong_is_not_built() {
    let settings = json!({ "steps": [{ "cal": "Out" }] });
    let error = ComponentSpec::of::<Flow>().build(settings, &Library::default()).err().expect("refused");
    assert_eq!(error.to_string(), "setting \"steps[0].cal\": unknown step \"cal\"");
}

#[test]
fn the_examples_of_the_guide_are_right() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guide/flows.md");
    let guide = std::fs::read_to_string(path).expect("the guide");
    let examples: Vec<&str> =
        guide.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let [production, code, booking] = examples[..] else { panic!("{} examples", examples.len()) };
    let operation = |name: &str| format!("  {name}: {{ type: file, settings: {{ file_path: {name} }} }}\n");
    let operations: String =
        ["Rooms", "RoomsCancel", "Surgeons", "SurgeonsCancel", "Patients"].map(operation).concat();
    let whole = |steps: &str| {
        let indented: String = steps.lines().map(|line| format!("        {line}\n")).collect();
        format!(
            "production: Booking\nprocesses:\n  Flow:\n    type: flow\n    settings:\n      steps:\n{indented}operations:\n{operations}"
        )
    };
    let folder = testkit::data_dir();
    for example in [production, &whole(code), &whole(booking)] {
        let file = folder.path().join("production.yaml");
        std::fs::write(&file, example).expect("written");
        let report = config::load(&file, &[], crate::CATALOGUE, &|_| None);
        let errors = report.findings.iter().filter(|finding| finding.level == config::Level::Error);
        let errors: Vec<&str> = errors.map(|finding| finding.message.as_str()).collect();
        assert!(errors.is_empty(), "{errors:?}");
        assert!(report.production.is_some());
    }
}

#[test]
fn doubts_are_no_errors() {
    let mut checks = Checks::default();
    let steps = json!([{ "scope": [] }, { "if": "true", "then": [] }]);
    ComponentSpec::of::<Flow>().check(json!({ "steps": steps }), &mut checks);
    assert_eq!(checks.notes.len(), 2, "{:?}", checks.notes);
    assert!(checks.notes.iter().all(|note| note.kind == NoteKind::Warning));
}
