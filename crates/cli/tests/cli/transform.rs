//! `orris transform`: the examples of the guide, and what is written and said.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::engine::{orris, text};

/// The blocks of a page of the guide that begin with these words.
fn blocks(begin: &str) -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide/transforms.md");
    let page = fs::read_to_string(page).expect("the page");
    let all = page.split("```").skip(1).step_by(2);
    all.filter_map(|block| block.strip_prefix(begin)).map(str::to_owned).collect()
}

/// A folder with the production and the message of the guide, and its path.
fn guide() -> (tempfile::TempDir, impl Fn(&str) -> String) {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("production.yaml"), &blocks("yaml\n")[0]).expect("written");
    let message = blocks("hl7\n")[0].replace('\n', "\r");
    fs::write(folder.path().join("admission.hl7"), message).expect("written");
    let path = folder.path().to_owned();
    (folder, move |name: &str| path.join(name).to_str().expect("a readable path").to_owned())
}

/// Runs it, expects this exit code, and returns what it wrote and what it said.
fn run(arguments: &[&str], code: i32) -> (String, String) {
    let output = orris(&[&["transform"], arguments].concat());
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    (text(&output.stdout), said)
}

#[test]
fn the_guide_shows_what_is_printed() {
    let (_folder, at) = guide();
    let (found, _) = run(&[&at("production.yaml"), "for_the_lab", &at("admission.hl7")], 0);
    let found = found.replace(&at("admission.hl7"), "admission.hl7");
    let wanted = &blocks("\n$ orris transform production.yaml for_the_lab admission.hl7\n")[0];
    assert!(found == *wanted, "found:\n{found}\nthe guide has:\n{wanted}");
}

/// A folder with the production with code, and its message.
fn code() -> (tempfile::TempDir, impl Fn(&str) -> String) {
    let folder = tempfile::tempdir().expect("a folder");
    let production = blocks("yaml\n").into_iter().find(|block| block.contains("code: |"));
    fs::write(folder.path().join("production.yaml"), production.expect("an example")).expect("written");
    fs::write(folder.path().join("result.hl7"), blocks("hl7\n")[1].replace('\n', "\r")).expect("written");
    let path = folder.path().to_owned();
    (folder, move |name: &str| path.join(name).to_str().expect("a readable path").to_owned())
}

#[test]
fn code_does_what_the_guide_says() {
    let (_folder, at) = code();
    let arguments = [&*at("production.yaml"), "numbers", &at("result.hl7")];
    let (found, _) = run(&arguments, 0);
    let found = found.replace(&at("result.hl7"), "result.hl7");
    let wanted = &blocks("\n$ orris transform production.yaml numbers result.hl7\n")[0];
    assert!(found == *wanted, "found:\n{found}\nthe guide has:\n{wanted}");
    // What the code says is a line of the trace.
    let production = fs::read_to_string(at("production.yaml")).expect("the production");
    let says = production.replace("const [, number", "log.info(\"unit is there\"); const [, number");
    fs::write(at("production.yaml"), says).expect("written");
    let (found, _) = run(&[&arguments[..], &["--trace"]].concat(), 0);
    assert!(found.contains("  line 13      code: changed the target\n"), "{found}");
    assert!(found.contains("  line 13        log.info: unit is there\n"), "{found}");
}

#[test]
fn code_that_fails_or_is_wrong_is_told_at_its_place_in_the_file() {
    let (_folder, at) = code();
    let arguments = [&*at("production.yaml"), "numbers", &at("result.hl7")];
    let production = fs::read_to_string(at("production.yaml")).expect("the production");
    let with = |new: &str, code: i32| {
        let changed = production.replace("turn.source.get(\"5\")", new);
        fs::write(at("production.yaml"), changed).expect("written");
        run(&arguments, code).1
    };
    let wanted = "(line 14 column 59): TypeError: cannot read property \"get\" of undefined";
    let said = with("turn.sorce.get(\"5\")", 1);
    assert!(said.contains(wanted), "{said}");
    assert!(blocks("\ntransform \"numbers\"")[0].contains(wanted), "the guide says it");
    assert!(!said.contains("mmol"), "content is told: {said}");
    for (new, line, what) in [
        ("5 +", "14:62", "unexpected token in expression: \")\""),
        ("send(\"5\")", "14:59", "there is no \"send\" in the code of a transform"),
        ("lookup(\"unit\", 5)", "14:67", "lookup table \"unit\" is not known"),
    ] {
        let said = with(new, 64);
        assert!(said.contains(what) && said.contains(&format!("production.yaml:{line}")), "{said}");
    }
}

#[test]
fn without_a_name_all_are_listed() {
    let (_folder, at) = guide();
    let (found, _) = run(&[&at("production.yaml")], 0);
    assert_eq!(found, blocks("\n$ orris transform production.yaml\n")[0]);
    let (found, _) = run(&[&at("production.yaml"), "--json"], 0);
    let found: Value = serde_json::from_str(&found).expect("JSON");
    assert_eq!((&found[0]["target"], &found[1]["target"]), (&Value::from("2.5.1:ADT_A01"), &Value::Null));
    let (_, said) = run(&[&at("production.yaml"), "identifiers"], 2);
    assert!(said.contains("expected a FILE"), "{said}");
}

#[test]
fn what_is_made_is_held_against_its_target() {
    let (_folder, at) = guide();
    let production = fs::read_to_string(at("production.yaml")).expect("the production");
    let wrong = production.replace("{ use: identifiers }", "{ remove: PV1 }");
    fs::write(at("production.yaml"), wrong).expect("written");
    let arguments = [&*at("production.yaml"), "for_the_lab", &at("admission.hl7")];
    let (found, _) = run(&arguments, 0);
    let line = found.lines().position(|line| line.starts_with("  not valid as 2.5.1:ADT_A01: 1 error"));
    let line = line.unwrap_or_else(|| panic!("{found}"));
    assert!(found.lines().nth(line + 1).is_some_and(|line| line.contains("PV1")), "{found}");
    let (found, _) = run(&[&arguments[..], &["--json"]].concat(), 0);
    let found: Value = serde_json::from_str(&found).expect("JSON");
    let validity = &found["messages"][0]["validity"];
    assert_eq!(
        (&validity["doc_type"], &validity["findings"][0]["severity"]),
        (&"2.5.1:ADT_A01".into(), &"error".into())
    );
    // Warnings are shown as well, five at most.
    let doubtful = production.replace("{ use: identifiers }", "{ set: PV1-2, value: LONG }");
    fs::write(at("production.yaml"), doubtful).expect("written");
    let (found, _) = run(&arguments, 0);
    assert!(
        found.contains("\n  valid as 2.5.1:ADT_A01, 2 warnings\n    PV1-2   warning: segment "),
        "{found}"
    );
    // What names no version that there is cannot be held against anything.
    let message = fs::read_to_string(at("admission.hl7")).expect("the message");
    fs::write(at("admission.hl7"), message.replace("|P|2.3", "|P|")).expect("written");
    let (found, _) = run(&[&at("production.yaml"), "identifiers", &at("admission.hl7")], 0);
    assert!(found.contains("  not checked: "), "{found}");
}

#[test]
fn each_step_is_told_with_its_line() {
    let (_folder, at) = guide();
    let arguments = [&*at("production.yaml"), "for_the_lab", &at("admission.hl7")];
    let (found, _) = run(&[&arguments[..], &["--trace"]].concat(), 0);
    for line in [
        "  line 12  set MSH-12: \"2.3\" -> \"2.5.1\"\n",
        "  line 14  if: true\n",
        "  line 18  for_each OBX: 2 of 2\n",
        "  line 21      remove OBX: \"OBX|2|NM|NA||140||||||X\" -> \"\"\n",
        "  line 23  use identifiers\n",
    ] {
        assert!(found.contains(line), "{line}:\n{found}");
    }
    let (found, _) = run(&[&arguments[..], &["--json", "--trace"]].concat(), 0);
    let found: Value = serde_json::from_str(&found).expect("JSON");
    let message = &found["messages"][0];
    assert_eq!((&message["steps"][0]["line"], &message["line"]), (&Value::from(12), &Value::from(1)));
    assert_eq!(message["changes"][0]["path"], "MSH-12");
    assert!(message["result"].as_str().expect("a text").contains("OBX|1|NM|2345-7||7"));
}

#[test]
fn the_result_is_written() {
    let (_folder, at) = guide();
    let arguments = [&*at("production.yaml"), "for_the_lab", &at("admission.hl7"), "-o", &at("out.hl7")];
    let (found, said) = run(&arguments, 0);
    assert!(found.is_empty() && said.contains("out.hl7: 1 message"), "{found}{said}");
    let written = fs::read_to_string(at("out.hl7")).expect("the result");
    let wanted = "MSH|^~\\&|WARD|NORTH|LAB||20260101120000||ADT^A01|4711|P|2.5.1\rEVN||20260101\r\
        PID|1||4711^^^NORTH^MR~0815^^^CITY^SS||SAMPLE^Robin||19800101|F\rPV1|1|I|5S^12|||||||||||||||INP\r\
        OBX|1|NM|2345-7||7||||||F\r";
    assert_eq!(written, wanted);
}

#[test]
fn what_cannot_be_made_is_told() {
    let (_folder, at) = guide();
    let (_, said) = run(&[&at("production.yaml"), "for_lab", &at("admission.hl7")], 2);
    assert!(
        said.contains("unknown transform \"for_lab\"; expected one of for_the_lab, identifiers"),
        "{said}"
    );
    let production = fs::read_to_string(at("production.yaml")).expect("the production");
    let wrong = production.replace("{ use: identifiers }", "{ set: \"NK1[7]-2\", value: x }");
    fs::write(at("production.yaml"), wrong).expect("written");
    let (_, said) = run(&[&at("production.yaml"), "for_the_lab", &at("admission.hl7")], 1);
    assert!(
        said.contains("transform \"for_the_lab\", steps[5] (line 23), path \"NK1[7]-2\": there are 0 of it"),
        "{said}"
    );
}

#[test]
fn what_a_flow_would_have_set_is_given() {
    let (folder, at) = guide();
    let production = blocks("yaml\n").into_iter().find(|block| block.contains("from: context.ward"));
    fs::write(folder.path().join("production.yaml"), production.expect("an example")).expect("written");
    let (production, message) = (at("production.yaml"), at("admission.hl7"));
    let tried = |context: &[&str], code| {
        let given: Vec<&str> = context.iter().flat_map(|one| ["--context", one]).collect();
        run(&[&given[..], &[&production, "located", &message]].concat(), code)
    };
    let (found, said) = tried(&["ward=W4", "bed=1=2"], 0);
    assert!(found.contains("W4") && found.contains("1=2"), "{found}");
    assert_eq!(said, "");
    let (found, said) = tried(&["context.ward=W4"], 0);
    assert!(found.contains("W4"), "{found}");
    assert_eq!(said, "context.bed is empty; --context bed=VALUE gives what a flow would have\n");
    for (context, wanted) in [
        (&["ward"][..], "context is \"ward\"; expected NAME=VALUE, as in ward=W4"),
        (&["=W4"], "context is \"=W4\"; expected NAME=VALUE"),
        (&["wrad=W4"], "transform \"located\" does not read context.wrad; did you mean \"context.ward\"?"),
        (&["ward=W4", "ward=W5"], "context.ward is given twice; expected one value"),
    ] {
        let (_, said) = tried(context, 2);
        assert!(said.contains(wanted), "{said}");
    }
}
