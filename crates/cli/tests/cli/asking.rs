//! Flows that ask rules and databases, played by `orris test` and looked at by `orris check`.

use std::fs;
use std::path::Path;

use crate::engine::{orris, text};

const PRODUCTION: &str = "production: Ask
rules:
  ways:
    - { name: near, when: PV1-3.1 = \"W1\", send: [Archive], return: '\"on foot\"' }
    - { name: test data, when: MSH-11 = \"T\", delete: true }
    - { otherwise: true, return: '\"by car\"' }
lookup_tables:
  floors: { entries: { W1: third, W2: fourth } }
services:
  In: { type: hl7.file, targets: [Flow], settings: { file_path: in } }
processes:
  Flow:
    type: flow
    settings:
      rule_log: results
      steps:
        - { rule: ways, as: way }
        - sql: SELECT value, length(value) AS letters FROM floors WHERE key = :code
          with: { code: PV1-3.1 }
          as: floor
        - delay: 5m
        - if: context.way = \"on foot\" and context.floor_value = \"third\" and context.floor_letters = 5
          then: [{ call: Near, async: true }]
          else: [{ call: Far, async: true }]
operations:
  Archive: { type: hl7.file, settings: { file_path: archive } }
  Near: { type: hl7.file, settings: { file_path: near } }
  Far: { type: hl7.file, settings: { file_path: far } }
";

/// A case: a message of that kind from that ward, and what is expected.
fn case(folder: &Path, name: &str, (kind, ward): (&str, &str), expect: &str) {
    let message = format!("MSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|{kind}|2.5\rPID|1||7\rPV1|1|I|{ward}\r");
    fs::write(folder.join(format!("{name}.hl7")), message).expect("written");
    let text = format!("case: {name}\ngiven:\n  - {{ to: In, file: ../{name}.hl7 }}\nexpect:\n{expect}");
    fs::write(folder.join("cases").join(format!("{name}.yaml")), text).expect("written");
}

#[test]
fn flows_ask_rules_and_tables_on_the_stage() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("production.yaml");
    fs::write(&file, PRODUCTION).and_then(|()| fs::create_dir(folder.path().join("cases"))).expect("written");
    let none = |item: &str| format!("  - {{ at: {item}, none: true }}\n");
    let one = |item: &str| format!("  - {{ at: {item}, count: 1 }}\n");
    case(folder.path(), "near", ("P", "W1"), &[one("Archive"), one("Near"), none("Far")].concat());
    case(folder.path(), "far", ("P", "W2"), &[none("Archive"), none("Near"), one("Far")].concat());
    case(folder.path(), "nobody", ("T", "W2"), &[none("Archive"), none("Near"), none("Far")].concat());
    let file = file.to_str().expect("readable");
    let checked = orris(&["check", file]);
    assert_eq!(text(&checked.stderr), "", "nothing is doubtful");
    let output = orris(&["test", file]);
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    assert!(text(&output.stdout).contains("3 cases"), "{}", text(&output.stdout));
}

#[test]
fn a_wrong_statement_is_underlined_in_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("production.yaml");
    fs::write(&file, PRODUCTION.replace("SELECT value,", "SELECT vlue,")).expect("written");
    let checked = orris(&["check", file.to_str().expect("readable")]);
    let said = text(&checked.stdout) + &text(&checked.stderr);
    assert!(!checked.status.success());
    let underlined = "sql: SELECT vlue, length(value) AS letters FROM floors WHERE key = :code\n   |                       ^^^^";
    assert!(said.contains("no such column: vlue") && said.contains(underlined), "{said}");
}
