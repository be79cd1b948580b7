//! Wrong and right usage: exit codes, and errors in one form on standard error.

use std::fs;

use crate::engine::{command, orris, text};

/// Runs it, and expects this exit code and a standard error with these words in it.
fn check(arguments: &[&str], code: i32, words: &[&str]) {
    let output = orris(arguments);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
    for word in words {
        assert!(error.contains(word), "{arguments:?}: \"{word}\" is not in\n{error}");
    }
    if code == 1 || code == 2 {
        assert!(output.stdout.is_empty(), "{arguments:?} wrote to standard output: {}", text(&output.stdout));
    }
}

#[test]
fn wrong_usage_is_2_and_says_what_is_right() {
    check(&[], 2, &["Usage: orris", "64 the production has errors"]);
    check(&["chekc", "x.yaml"], 2, &["unrecognized subcommand 'chekc'", "check"]);
    check(&["check"], 2, &["PRODUCTION"]);
    check(&["check", "/"], 2, &["\"/\" is a folder", "production.yaml"]);
    check(&["components", "hl7.flie"], 2, &["component type is \"hl7.flie\"", "hl7.file"]);
    check(&["trace", "abc"], 2, &["'abc'"]);
    check(&["trace", "1", "--page", "0"], 2, &["page"]);
    check(&["trace", "1", "--message", "1"], 2, &["cannot be used with"]);
    check(&["messages", "--status", "finished"], 2, &["expected one of created"]);
    check(&["messages", "--where", "PID-3.1 ="], 2, &["error: --where:", "\n  PID-3.1 =\n", "^"]);
    check(
        &["messages", "--where", "PID.Nme = 1"],
        2,
        &["error: --where:", "PID has 40 fields", "\n      ^^^"],
    );
    check(&["messages", "--where", "PID-3 = 1", "--schema", "2.55"], 2, &["--schema: ", "did you mean"]);
    check(&["events", "--type", "fatal"], 2, &["expected one of assert, error"]);
    check(&["sql", "SELECT 1", "--json", "--csv"], 2, &["cannot be used with"]);
}

#[test]
fn a_store_that_is_not_there_is_1_with_the_next_step() {
    let empty = tempfile::tempdir().expect("a folder");
    let place = empty.path().to_str().expect("a readable path");
    for arguments in [
        &["messages"][..],
        &["trace", "1"],
        &["queues"],
        &["events"],
        &["sockets"],
        &["status"],
        &["sql", "SELECT 1"],
    ] {
        let with: Vec<_> = arguments.iter().copied().chain(["--data-dir", place]).collect();
        check(&with, 1, &["error: ", "store.db", "--data-dir"]);
    }
    check(&["send", "X", "/nonexistent.hl7", "--data-dir", place], 1, &["error: ", "nonexistent.hl7"]);
}

#[test]
fn a_production_with_errors_is_64_with_every_finding() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("production.yaml");
    let wrong =
        "production: Wrong\nservices:\n  In:\n    type: hl7.flie\n    targets: [Nobody]\n    colour: red\n";
    fs::write(&file, wrong).expect("written");
    let path = file.to_str().expect("a readable path");

    let checked = orris(&["check", path]);
    let shown = text(&checked.stdout);
    assert_eq!(checked.status.code(), Some(64), "{shown}");
    for word in ["hl7.flie", "hl7.file", "Nobody", "colour", ":4:11", "errors"] {
        assert!(shown.contains(word), "\"{word}\" is not in\n{shown}");
    }
    let json = orris(&["check", path, "--format", "json"]);
    assert_eq!(json.status.code(), Some(64));
    let found: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!(found["ok"], false);
    assert!(found["findings"].as_array().is_some_and(|findings| findings.len() >= 3), "{found}");

    check(&["run", path], 64, &["hl7.flie", "orris check"]);
    check(&["graph", path], 64, &["hl7.flie"]);
    assert!(!folder.path().join("data").exists(), "a wrong production touches nothing");
    check(&["check", folder.path().join("no.yaml").to_str().expect("readable")], 64, &[]);
}

#[test]
fn colour_is_for_terminals_unless_asked_for() {
    let plain = orris(&["components"]);
    assert!(!text(&plain.stdout).contains('\u{1b}'));
    let coloured = orris(&["components", "--color", "always"]);
    assert!(text(&coloured.stdout).contains('\u{1b}'));
}

#[test]
fn a_reader_that_goes_early_is_no_error() {
    use std::process::Stdio;
    let mut child = command()
        .args(["schema"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""));
}

#[test]
fn every_component_is_listed_and_shown() {
    let listed: serde_json::Value =
        serde_json::from_slice(&orris(&["components", "--json"]).stdout).expect("JSON");
    let components = listed.as_array().expect("a list");
    assert!(components.len() >= 5, "{listed}");
    for component in components {
        let name = component["type"].as_str().expect("a name");
        let shown = text(&orris(&["components", name]).stdout);
        for setting in component["settings"].as_array().expect("a list") {
            let path = setting["path"].as_str().expect("a path");
            assert!(shown.contains(path), "{name}: {path} is not shown");
        }
    }
}
