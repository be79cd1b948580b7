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
    check(
        json!([{ "call": "Out", "timeout": 30 }]),
        &[
            "steps[0].timeout: duration is \"30\"; expected a number with a unit, as in 250ms, 5s, 10m, 2h or 1d \
           (did you mean 30s?)",
        ],
    );
    check(
        json!([{ "if": "PID-3 = \"1\"", "then": { "call": "Out" } }]),
        &["steps[0].then: then is a map; expected a list of steps (begin each step with \"- \")"],
    );
    let lab = json!([{ "call": "Out", "as": "lab" }, { "if": "lab.MSA-1 = \"AA\" and request.PV1-2 = \"I\"", "then": [] }]);
    let helps: Vec<String> =
        notes(lab).iter().filter_map(|note| Some(note.rsplit_once('(')?.1.to_owned())).collect();
    assert_eq!(helps, ["write the path alone, and \"of: lab\" beside it)", "write the path alone)"]);
    let caught = |fault: &str| json!([{ "scope": [{ "throw": "refused" }], "catch": { fault: [] } }]);
    for known in ["refused", "timeout", "*"] {
        check(caught(known), &[]);
    }
    check(
        caught("timeot"),
        &["steps[0].catch.timeot: nothing throws \"timeot\" in this flow (did you mean \"timeout\"?)"],
    );
    let unknown = notes(json!([{ "assign": { "a": "context.b" } }]));
    assert!(unknown[0].starts_with("steps[0].assign.a: \"context.b\" is not known"), "{unknown:?}");
}

#[test]
fn answers_that_nothing_waits_for_are_told_where_they_are_used() {
    let steps =
        |behind: Value| json!([{ "call": "Lab", "as": "lab", "async": true }, behind, { "reply": "lab" }]);
    let told = |path: &str| {
        format!("{path}: the answer to \"lab\" is not waited for; expected \"sync: [lab]\" before")
    };
    let reply = told("steps[2].reply");
    check(steps(json!({ "trace": "x" })), &[&reply]);
    check(steps(json!({ "if": "MSA-1 = \"AA\"", "of": "lab", "then": [] })), &[&told("steps[1].of"), &reply]);
    check(steps(json!({ "assign": { "a": "MSA-1" }, "of": "lab" })), &[&told("steps[1].of"), &reply]);
    for waits in [json!(["lab"]), json!("lab"), json!("all")] {
        check(steps(json!({ "sync": waits })), &[]);
        check(steps(json!({ "if": "PID-3 = \"1\"", "then": [{ "sync": waits }] })), &[]);
    }
    // Of several with one name, one is waited for.
    check(steps(json!({ "call": "Lab", "as": "lab" })), &[]);
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
        [format!("{at} [sockets]: sockets are used, and no server is set")]
    );
    assert_eq!(
        told("suspend('x')"),
        [format!("{at} [suspend]: there is no \"suspend\" in the code of a flow")]
    );
    assert_eq!(
        told("send('')"),
        [format!("{at} []: the target of send is empty; expected the name of an item")]
    );
    assert_eq!(told("exists('wards', 'x')"), [format!("{at} [wards]: lookup table \"wards\" is not known")]);
    assert_eq!(told("msg.set('PID-3', 1)"), Vec::<String>::new());
}

#[test]
fn with_a_server_code_has_sockets_and_messages_come_when_they_are_durable() {
    let settings = json!({ "server": "Browsers", "steps": [{ "code": "sockets.list()" }] });
    let spec = ComponentSpec::of::<Flow>();
    let mut checks = Checks::default();
    spec.check(settings.clone(), &mut checks);
    assert!(checks.notes.is_empty(), "{:?}", checks.notes);
    let used: Vec<_> = checks.references.iter().map(|at| (at.path.as_str(), at.name.as_str())).collect();
    assert_eq!(used, [("server", "Browsers")]);
    assert!(spec.leaves_engine(settings));
    assert!(!spec.leaves_engine(json!({ "steps": [] })));
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

/// Notes of steps beside a library, as `path [bytes]: message`.
fn beside(library: &Library, steps: Value) -> Vec<String> {
    let mut checks = Checks::beside(library);
    ComponentSpec::of::<Flow>().check(json!({ "steps": steps }), &mut checks);
    let text = |path: &str| {
        let key = path.rsplit('.').next().unwrap_or_default();
        steps[0][key].as_str().unwrap_or_default().to_owned()
    };
    let line = |note: &model::Note| {
        let bytes = note
            .range
            .clone()
            .map_or(String::new(), |range| text(&note.path).get(range).unwrap_or("?").to_owned());
        format!("{} [{bytes}]: {}", note.path, note.message)
    };
    checks.notes.iter().map(line).collect()
}

#[test]
fn words_that_leave_a_loop_stand_in_one() {
    check(
        json!([{ "if": "PID-3 = \"1\"", "then": ["break"] }]),
        &["steps[0].then[0]: break stands in no loop; expected for_each, while or until around it"],
    );
    let branch = json!([{ "while": "PID-3 = \"1\"", "do": [{ "parallel": [["continue"]] }] }]);
    check(
        branch,
        &["steps[0].do[0].parallel[0][0]: continue would leave a branch of parallel; expected a loop within"],
    );
    let undoes =
        json!([{ "for_each": "OBX[*]-3", "do": [{ "scope": [], "compensate": [{ "break": true }] }] }]);
    check(
        undoes,
        &[
            "steps[0].do[0].compensate[0].break: break would leave what undoes a scope; expected a loop within",
        ],
    );
    check(
        json!([{ "until": "PID-3 = \"1\"", "do": [{ "break": "outer" }] }]),
        &["steps[0].do[0].break: break has a value; expected the word alone (write - break)"],
    );
    check(
        json!([{ "for_each": "OBX[*]-3", "do": ["break", { "trace": "x" }] }]),
        &["steps[0].do[1]: this step is never reached (leave it out)"],
    );
    // What is left out leads nowhere.
    check(
        json!([{ "for_each": "OBX[*]-3", "do": [{ "break": null, "disabled": true }, { "trace": "x" }] }]),
        &[],
    );
}

#[test]
fn a_set_of_rules_is_known_with_what_it_names_and_sends() {
    let rules: Vec<rules::Rule> = serde_json::from_value(json!([
        { "name": "a", "when": "context.ward = \"W4\"", "send": ["A", "B"], "return": "\"x\"" },
    ]))
    .unwrap();
    let sets = rules::RuleSets([("wards".to_owned(), Some(rules))].into());
    let library = Library::default().with(sets);
    let ward = json!({ "assign": { "ward": "PV1-3.1" } });
    let asks = json!([{ "rule": "wards", "as": "way" }, ward,
        { "if": "context.way = \"x\" and context.way_rule = \"a\"", "then": [{ "trace": "x" }] }]);
    assert_eq!(beside(&library, asks.clone()), [""; 0]);
    let mut checks = Checks::beside(&library);
    ComponentSpec::of::<Flow>().check(json!({ "steps": asks }), &mut checks);
    let named: Vec<_> = checks.references.iter().map(|it| (it.path.as_str(), it.name.as_str())).collect();
    assert_eq!(named, [("steps[0].rule", "A"), ("steps[0].rule", "B")]);
    assert_eq!(
        beside(&library, json!([{ "rule": "ward" }])),
        ["steps[0].rule []: set of rules \"ward\" is not known"]
    );
    let unknown = beside(&library, json!([{ "rule": "wards" }]));
    assert!(unknown[0].contains("steps[0].rule []: rules.wards[0].when: \"context.ward\""), "{unknown:?}");
}

/// A transform that reads `context.ward`, in a set of rules that sends what it makes, too.
fn ward_reader() -> Library {
    let value = rules::transform::ValueDef::From("context.ward".to_owned());
    let set = rules::transform::ActionDef::Set { path: "PV1-3.1".to_owned(), value };
    let def = rules::transform::TransformDef {
        steps: vec![set.into()],
        ..rules::transform::TransformDef::named("located")
    };
    let (transforms, found) = rules::Transforms::compile(&[def], &Default::default(), &Default::default());
    assert!(found.is_empty(), "{found:?}");
    let rules = json!([{ "when": "true", "transform": "located", "send": "A" }]);
    let sets = rules::RuleSets([("all".to_owned(), serde_json::from_value(rules).unwrap())].into());
    Library::default().with(transforms).with(sets)
}

#[test]
fn a_transform_is_told_that_reads_what_the_flow_does_not_set() {
    let steps = |name: &str| {
        json!([
            { "transform": "located", "as": "made" },
            { "call": "A", "request": { "transform": "located" } },
            { "rule": "all" },
            { "reply": { "transform": "located", "of": "made" } },
            { "assign": { name: "PV1-3.1" } },
        ])
    };
    assert_eq!(beside(&ward_reader(), steps("ward")), [""; 0]);
    let mut checks = Checks::beside(&ward_reader());
    ComponentSpec::of::<Flow>().check(json!({ "steps": steps("wrad") }), &mut checks);
    let told: Vec<_> = checks.notes.iter().map(|note| (&*note.path, &*note.message)).collect();
    let reads = "transform \"located\" reads context.ward, which is not known here";
    let ruled = format!("rules.all[0].transform: {reads}");
    assert_eq!(
        told,
        [
            ("steps[0].transform", reads),
            ("steps[1].request.transform", reads),
            ("steps[2].rule", &ruled),
            ("steps[3].reply.transform", reads),
        ]
    );
    let help = Some("did you mean \"context.wrad\"?");
    assert!(checks.notes.iter().all(|note| note.help.as_deref() == help), "{:?}", checks.notes);
}

/// Where a flow of these steps may wait before it answers, and for how many seconds.
fn waits(steps: Value) -> Vec<(String, u64)> {
    let mut checks = Checks::default();
    ComponentSpec::of::<Flow>().check(json!({ "steps": steps }), &mut checks);
    checks.waits.into_iter().map(|(path, time)| (path, time.as_secs())).collect()
}

#[test]
fn what_is_waited_for_before_an_answer_is_known() {
    let call = |timeout: &str| json!({ "call": "A", "timeout": timeout });
    let reply = json!({ "reply": "done" });
    let at = |path: &str, seconds| (path.to_owned(), seconds);
    assert_eq!(
        waits(json!([call("60s"), { "delay": "5s" }, reply, call("1h")])),
        [at("steps[0].timeout", 60), at("steps[1].delay", 5)]
    );
    // A way that ends does not answer for the others, and what catches may come behind the answer.
    let ended = json!({ "if": "PID-3 = \"1\"", "then": [reply, { "throw": "x" }] });
    assert_eq!(waits(json!([ended, call("2s")])), [at("steps[1].timeout", 2)]);
    let answered = json!({ "if": "PID-3 = \"1\"", "then": [reply], "else": [call("3s")] });
    assert_eq!(waits(json!([answered, call("2s")])), [at("steps[0].else[0].timeout", 3)]);
    let caught = json!({ "scope": [call("4s"), reply], "catch": { "*": [call("5s")] } });
    assert_eq!(waits(json!([caught])), [at("steps[0].scope[0].timeout", 4)]);
    let left_out = json!({ "call": "A", "timeout": "6s", "disabled": true });
    assert_eq!(waits(json!([left_out])), []);
    assert_eq!(waits(json!([{ "code": "answer('x')" }, call("7s")])), []);
}

#[test]
fn a_wait_that_is_too_long_for_who_asks_is_told() {
    let with = |patience: &str| {
        format!(
            "production: Late\nservices:\n  In:\n    type: hl7.tcp\n    targets: [Flow]\n    settings: {{ listen: \
             '127.0.0.1:2575', ack_mode: application, response_timeout: {patience} }}\nprocesses:\n  Flow:\n    \
             type: flow\n    settings:\n      steps:\n        - {{ call: Out, timeout: 30s }}\n        - {{ reply: \
             done }}\n        - {{ delay: 2h }}\noperations:\n  Out: {{ type: file, settings: {{ file_path: out }} }}\n"
        )
    };
    let folder = testkit::data_dir();
    let file = folder.path().join("production.yaml");
    for (patience, said) in [
        ("30s", &["this waits 30s, but \"In\" waits 30s for an answer: it would come too late"][..]),
        ("31s", &[]),
    ] {
        std::fs::write(&file, with(patience)).expect("written");
        let report = config::load(&file, &[], crate::CATALOGUE, &|_| None);
        let told: Vec<&str> = report.findings.iter().map(|finding| finding.message.as_str()).collect();
        assert_eq!(told, said);
    }
}

#[test]
fn statements_are_read_and_their_columns_are_names() {
    let table = rules::LookupTable::default();
    let library = Library::default().with(rules::LookupTables::default().with("wards", table));
    let sql = |sql: &str, more: Value| {
        let mut step = json!({ "sql": sql, "as": "ward" });
        step.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        let use_it = json!({ "assign": { "x": "context.ward_value + context.ward_rows" } });
        beside(&library, json!([step, use_it]))
    };
    let by_code = "SELECT value FROM wards WHERE key = :code";
    assert_eq!(sql(by_code, json!({ "with": { "code": "PV1-3.1" } })), [""; 0]);
    for (said, more) in [
        ("steps[0].sql [:code]: parameter \"code\" has no value", json!({})),
        (
            "steps[0].with.cod []: the statement has no parameter \"cod\"",
            json!({ "with": { "code": "PV1-3.1", "cod": "PID-3" } }),
        ),
        (
            "steps[0].connection []: connection \"his\" is not known",
            json!({ "connection": "his", "with": { "code": "PID-3" } }),
        ),
        (
            "steps[0].timeout []: timeout is 0; expected a time, as in 5s",
            json!({ "timeout": "0s", "with": { "code": "PID-3" } }),
        ),
    ] {
        assert_eq!(sql(by_code, more), [said]);
    }
    assert_eq!(
        sql("SELECT vlue FROM wards", json!({})),
        ["steps[0].sql [vlue]: no such column: vlue"],
        "what is not right yet makes no other findings"
    );
    let unknown = sql("SELECT key FROM wards", json!({}));
    assert!(unknown[0].contains("\"context.ward_value\" is not known"), "{unknown:?}");
    let nameless = sql("SELECT value, count(*) FROM wards", json!({}));
    assert!(nameless[0].starts_with("steps[0].sql []: column \"count(*)\" has no name"), "{nameless:?}");
    assert_eq!(
        sql("SELECT value, 1 AS rows FROM wards", json!({})),
        ["steps[0].sql []: two variables would be named \"rows\""]
    );
}

#[test]
fn the_examples_of_the_guide_are_right() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guide/flows.md");
    let guide = std::fs::read_to_string(path).expect("the guide");
    let examples: Vec<&str> =
        guide.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let [production, code, rules, databases, booking] = examples[..] else {
        panic!("{} examples", examples.len())
    };
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
    let named = |rest: &str| format!("production: Named\n{rest}");
    for example in [production, &whole(code), &named(rules), &named(databases), &whole(booking)] {
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
