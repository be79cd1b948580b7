//! `orris rules test`: the hospital's router, a set that a flow asks, and what is said to wrong usage.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::engine::{orris, text};

fn hospital() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../productions/hospital")
}

/// A file of the hospital, as an argument.
fn at(name: &str) -> String {
    hospital().join(name).to_str().expect("a readable path").to_owned()
}

/// Runs it, expects this exit code, and returns what it wrote and what it said.
fn run(arguments: &[&str], code: i32) -> (String, String) {
    let output = orris(&[&["rules", "test"], arguments].concat());
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    (text(&output.stdout), said)
}

fn json(arguments: &[&str], code: i32) -> Value {
    serde_json::from_str(&run(&[arguments, &["--json"]].concat(), code).0).expect("JSON")
}

/// Set ORRIS_SNAPSHOTS to write the snapshot anew.
#[test]
fn each_rule_of_the_hospital_says_what_it_does() {
    let (production, result, training) =
        (at("production.yaml"), at("messages/result_normal.hl7"), at("messages/training.hl7"));
    let (found, said) = run(&[&production, &result, &training, "--source", "FromLab"], 0);
    let found = found.replace(&format!("{}/", hospital().display()), "");
    assert_eq!(said, "", "whoever names the source need not be told it");
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/rules/hospital.txt");
    if std::env::var_os("ORRIS_SNAPSHOTS").is_some() {
        fs::write(&kept, &found).expect("written");
    }
    assert!(found == fs::read_to_string(&kept).unwrap_or_default(), "hospital.txt differs; found:\n{found}");
}

#[test]
fn what_is_invalid_is_refused_and_goes_to_the_handler() {
    let (production, wrong, admission) =
        (at("production.yaml"), at("messages/wrong.hl7"), at("messages/admission.hl7"));
    let arguments = [&*production, &*wrong, &*admission, "--item", "Router", "--source", "FromWards"];
    let found = json(&arguments, 1);
    assert_eq!((&found["item"], &found["source"]), (&"Router".into(), &"FromWards".into()));
    let (wrong, admission) = (&found["messages"][0], &found["messages"][1]);
    assert_eq!((&wrong["became"], &wrong["handler"]), (&"refused".into(), &"Bad".into()));
    assert!(wrong["reason"].as_str().is_some_and(|reason| reason.starts_with("invalid: segment 5 (ZWD)")));
    assert_eq!(admission["became"], "sent");
    let sends = serde_json::json!([{ "target": "ToLab", "transforms": ["patient_for_lab"] }]);
    assert_eq!(admission["rules"][1]["sends"], sends, "{admission:#}");
    // Without --source it is the first service, and that is said.
    let (_, said) = run(&[&production, &at("messages/order.hl7")], 0);
    assert!(said.contains("the first service that sends to \"Router\"; --source takes another"), "{said}");
}

const SETS: &str = r#"
production: Ways
processes:
  One: &router
    type: hl7.router
    settings:
      rules:
        - { name: other, source: FromLab, when: "true", send: Out }
        - { name: failing, when: 'PV1-2 = "E"', send: Out }
  Two: *router
operations:
  Out: { type: hl7.file, settings: { file_path: out } }
rules:
  ways:
    - { name: night, when: 'current_datetime("%H") = "03"', return: '"night"' }
    - { name: lab, when: 'PV1-2 = "E"', send: Out, return: PV1-3.1 }
    - { name: surgery, when: 'PV1-2 = "I"', return: PV1-3.1 }
"#;

/// A folder with a production, and a message beside it.
fn sets(production: &str) -> (tempfile::TempDir, String, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, message) = (folder.path().join("production.yaml"), folder.path().join("in.hl7"));
    fs::write(&file, production).expect("written");
    fs::write(&message, "MSH|^~\\&|||||||ADT^A01|1|P|2.5\rPV1|1|I|SECRET\r").expect("written");
    let path = |path: &Path| path.to_str().expect("a readable path").to_owned();
    let (file, message) = (path(&file), path(&message));
    (folder, file, message)
}

#[test]
fn a_set_is_tried_alone_and_its_values_stay_its_own() {
    let (_folder, production, message) = sets(SETS);
    let arguments = [&*production, &*message, "--set", "ways"];
    let (found, _) = run(&[&arguments[..], &["--at", "2026-12-24 09:00"]].concat(), 0);
    assert!(found.contains("  surgery  holds     returns a value that is not written in it\n"), "{found}");
    assert!(found.contains("  lab      does not  condition 1 does not hold: PV1-2 = \"E\"\n"), "{found}");
    assert!(found.contains("  -> rule \"surgery\" returns and sends it nowhere\n"), "{found}");
    assert!(!found.contains("SECRET"), "{found}");
    let found = json(&[&arguments[..], &["--at", "2026-12-24 03:10"]].concat(), 0);
    let rules = &found["messages"][0]["rules"];
    assert_eq!((&rules[0]["returns"], &rules[1]["holds"]), (&"night".into(), &Value::Null));
}

const NESTED: &str = r#"
production: Nested
processes:
  Router:
    type: hl7.router
    settings:
      rules:
        - { name: by ward, when: "true", delegate: wards, send: Out }
        - { name: last, when: "true", send: Out }
operations:
  Out: { type: hl7.file, settings: { file_path: out } }
rules:
  wards:
    - { name: inpatients, when: 'PV1-2 = "I"', ENDS }
    - { name: others, when: 'PV1-2 = "O"', send: Out }
"#;

#[test]
fn a_set_that_is_handed_on_to_is_told_to_its_end() {
    for (ends, wanted) in [
        (
            "send: Out, stop: true",
            [
                "  by ward       holds     hands on to set wards, sends to Out",
                "    inpatients  holds     sends to Out",
                "    others      not looked at",
                "  last          holds     sends to Out",
                "  -> sent to Out, Out, Out",
            ],
        ),
        (
            "delete: true",
            [
                "  by ward       holds     hands on to set wards",
                "    inpatients  holds     deletes the message",
                "    others      not looked at",
                "  last          not looked at",
                "  -> discarded: rule \"inpatients\" deletes it",
            ],
        ),
    ] {
        let (_folder, production, message) = sets(&NESTED.replace("ENDS", ends));
        let (found, _) = run(&[&production, &message], 0);
        assert_eq!(found.lines().skip(1).take(5).collect::<Vec<_>>(), wanted, "{found}");
    }
}

#[test]
fn what_a_flow_would_have_is_given() {
    let (_folder, production, message) =
        sets(&SETS.replace("PV1-2 = \"E\"', send: Out,", "context.ward = \"W4\"', send: Out,"));
    let arguments = [&*production, &*message, "--set", "ways"];
    let (_, said) = run(&arguments, 2);
    assert!(said.contains("set \"ways\": rules.ways[1].when: \"context.ward\" is not known"), "{said}");
    assert!(said.contains("--context NAME=VALUE"), "{said}");
    let found = json(&[&arguments[..], &["--context", "ward=W4"]].concat(), 0);
    assert_eq!(found["messages"][0]["sent_to"], serde_json::json!(["Out"]), "{found:#}");
    let (_, said) = run(&[&arguments[..], &["--context", "ward"]].concat(), 2);
    assert!(said.contains("context is \"ward\"; expected NAME=VALUE"), "{said}");
}

#[test]
fn what_no_rule_wants_is_1_and_wrong_usage_is_2() {
    let (_folder, production, message) = sets(SETS);
    let (found, said) = run(&[&production, &message, "--item", "One"], 1);
    assert!(found.contains("  other    does not  not of its source: FromLab\n"), "{found}");
    assert!(found.contains("  -> discarded: no rule matched\n"), "{found}");
    assert!(said.contains("no service sends to \"One\": source is empty"), "{said}");
    for (more, wanted) in [
        (&[][..], "the production has 2 routers; expected --item and one of One, Two"),
        (&["--item", "Out"], "unknown router \"Out\"; expected one of One, Two"),
        (&["--set", "way"], "unknown set \"way\"; expected one of ways"),
        (&["--item", "One", "--source", "Lab"], "unknown source \"Lab\"; expected one of "),
        (&["--item", "One", "--at", "noon"], "--at: time is \"noon\""),
        (&["--context", "a=b"], "--set <NAME>"),
        (&["--item", "One", "--context", "a=b"], "cannot be used with"),
    ] {
        let (_, said) = run(&[&[&*production, &*message], more].concat(), 2);
        assert!(said.contains(wanted), "{more:?}: {said}");
    }
}
