//! `orris test`: cases that come as expected, cases that do not, and cases that are wrong themselves.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::engine::{command, orris, text};

fn productions() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../productions")
}

/// Compares with the file of that name in `cases`; ORRIS_SNAPSHOTS writes it anew.
fn check_snapshot(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/cases").join(name);
    if std::env::var_os("ORRIS_SNAPSHOTS").is_some() {
        fs::write(&path, found).expect("written");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "{name} differs; found:\n{found}");
}

/// A folder with a production, and cases beside it.
fn folder_of(production: &str, cases: &[(&str, &str)]) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("production.yaml");
    fs::write(&file, production).expect("written");
    fs::create_dir(folder.path().join("cases")).expect("a folder");
    for (name, content) in cases {
        fs::write(folder.path().join("cases").join(name), content).expect("written");
    }
    (folder, file.to_str().expect("readable").to_owned())
}

fn mllp() -> String {
    fs::read_to_string(productions().join("mllp/production.yaml")).expect("a production")
}

fn admission() -> String {
    fs::read_to_string(productions().join("mllp/messages/admission.hl7")).expect("a message")
}

/// What is printed, without the folder, which is another one each time, and the time it took.
fn shown(folder: &Path, output: &[u8]) -> String {
    let all = text(output).replace(&format!("{}/", folder.display()), "");
    let lines = all.lines().map(|line| match line.split_once(" in ") {
        Some((before, _)) if line.contains(" failed of ") => before,
        _ => line.trim_end(),
    });
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn every_production_comes_as_its_cases_expect() {
    let mut played = 0;
    for entry in fs::read_dir(productions()).expect("a folder") {
        let folder = entry.expect("an entry").path();
        let file = folder.join("production.yaml");
        if fs::read_dir(folder.join("cases")).is_ok_and(|mut cases| cases.next().is_some()) {
            let output = orris(&["test", file.to_str().expect("readable")]);
            assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
            played += 1;
        }
    }
    assert!(played >= 2, "{played}");
}

#[test]
fn the_guide_shows_cases_as_they_are() {
    let guide = fs::read_to_string(productions().join("../docs/guide/testing.md")).expect("the guide");
    for name in ["mllp/cases/lab_away.yaml", "hospital/cases/boards.yaml"] {
        let case = fs::read_to_string(productions().join(name)).expect("a case");
        assert!(guide.contains(&format!("```yaml\n{case}```")), "it has another {name}");
    }
}

#[test]
fn a_new_production_has_a_case_that_holds() {
    let home = tempfile::tempdir().expect("a folder");
    let home = home.path().join("new");
    assert!(orris(&["init", home.to_str().expect("readable")]).status.success());
    let output = orris(&["test", home.join("production.yaml").to_str().expect("readable")]);
    assert!(text(&output.stdout).contains("all came as expected:  1 case"), "{}", text(&output.stdout));
    assert!(!home.join("data").exists(), "nothing is left behind");
}

#[test]
fn a_flow_waits_on_the_clock_of_the_case_alone() {
    let cases = [
        ("silent.yaml", include_str!("cases/silent.yaml")),
        ("quick.yaml", include_str!("cases/quick.yaml")),
    ];
    let (_folder, file) = folder_of(include_str!("cases/flow.yaml"), &cases);
    let output = orris(&["test", &file, "--json"]);
    let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(found["ok"], true, "{found:#}");
    // 30 s until the time-out, 10 minutes, and 40 s for the second answer.
    assert_eq!(found["cases"][1]["clock_ms"], 670_000, "{found:#}");
    assert_eq!(found["cases"][0]["clock_ms"], 0, "{found:#}");
}

#[test]
fn what_comes_otherwise_is_shown_with_its_line_what_differs_and_the_trace() {
    let admission = admission();
    let cases = [("otherwise.yaml", include_str!("cases/otherwise.yaml")), ("admission.hl7", &admission)];
    let (folder, file) = folder_of(&mllp(), &cases);
    let output = orris(&["test", &file]);
    assert_eq!(output.status.code(), Some(1));
    check_snapshot("otherwise.txt", &shown(folder.path(), &output.stdout));

    let output = orris(&["test", &file, "--json"]);
    let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let failed = found["cases"][0]["failed"].as_array().expect("a list");
    assert_eq!((failed.len(), &failed[0]["line"]), (13, &Value::from(13)), "{found:#}");
    let differing = failed.iter().find(|failed| !failed["differences"].is_null()).expect("differences");
    assert_eq!(differing["differences"][0]["path"], "MSH-10", "{differing:#}");
}

#[test]
fn what_was_meant_otherwise_is_said_in_words_that_lead_on() {
    let result = fs::read_to_string(productions().join("mllp/messages/result.hl7")).expect("a message");
    let cases = [
        ("newcomer.yaml", include_str!("cases/newcomer.yaml")),
        ("admission.hl7", &admission()),
        ("result.hl7", &result),
    ];
    let (folder, file) = folder_of(&mllp(), &cases);
    let told = orris(&["test", &file]);
    check_snapshot("newcomer.txt", &shown(folder.path(), &told.stdout));

    let news = [("news.yaml", include_str!("cases/wrong_news.yaml"))];
    let (folder, file) = folder_of(include_str!("cases/boards.yaml"), &news);
    let told = orris(&["test", &file]);
    check_snapshot("wrong_news.txt", &shown(folder.path(), &told.stdout));
}

#[test]
fn a_first_case_is_written_from_what_came_and_holds() {
    let (home, file) = folder_of(&mllp(), &[]);
    fs::create_dir(home.path().join("messages")).expect("a folder");
    let message = home.path().join("messages/admission.hl7");
    fs::write(&message, admission()).expect("written");
    let message = message.to_str().expect("readable");
    let written = orris(&["test", "--new", "first", &file, message]);
    assert!(written.status.success(), "{}", text(&written.stderr));
    let case = fs::read_to_string(home.path().join("cases/first.yaml")).expect("a case");
    check_snapshot("first.yaml", &case);
    assert!(!case.contains("Lindqvist"), "{case}");
    let played = orris(&["test", &file, "first"]);
    assert!(played.status.success(), "{}{}", text(&played.stdout), text(&played.stderr));
    let again = orris(&["test", "--new", "first", &file, message]);
    assert!(text(&again.stderr).contains("is there already"), "{}", text(&again.stderr));
    let nobody = orris(&["test", "--new", "x", "--to", "Nobody", &file, message]);
    assert!(text(&nobody.stderr).contains("there is no item \"Nobody\""), "{}", text(&nobody.stderr));
}

#[test]
fn several_productions_are_played_with_one_sum() {
    let file = |name: &str| productions().join(name).join("production.yaml").display().to_string();
    let (article, mllp) = (file("article"), file("mllp"));
    let told = text(&orris(&["test", &article, &mllp]).stdout);
    assert!(told.contains(&format!("{mllp}\n")) && told.contains("of 2 productions in"), "{told}");
    let output = orris(&["test", &article, &mllp, "lab_away", "closed", "--json"]);
    let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let cases = |at: usize| found["productions"][at]["cases"].as_array().map_or(0, Vec::len);
    assert_eq!((&found["ok"], cases(0), cases(1)), (&Value::from(true), 1, 1), "{found:#}");
    let both = orris(&["test", &article, &mllp, "--overlay", &mllp]);
    assert_eq!(both.status.code(), Some(2), "{}", text(&both.stderr));
}

#[test]
fn what_is_wrong_with_a_case_is_told_all_at_once() {
    let (folder, file) = folder_of(&mllp(), &[("mistakes.yaml", include_str!("cases/mistakes.yaml"))]);
    let output = orris(&["test", &file]);
    assert_eq!(output.status.code(), Some(64));
    check_snapshot("mistakes.txt", &shown(folder.path(), &output.stderr));

    let wrong = [("wrong.yaml", include_str!("cases/wrong_boards.yaml"))];
    let (folder, file) = folder_of(include_str!("cases/boards.yaml"), &wrong);
    let output = orris(&["test", &file]);
    assert_eq!(output.status.code(), Some(64));
    check_snapshot("wrong_boards.txt", &shown(folder.path(), &output.stderr));
}

#[test]
fn nothing_outside_is_touched() {
    // Whoever wants the port finds it taken.
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let production = mllp().replace("127.0.0.1:2575", &address).replace("127.0.0.1:2576", &address);
    let case = "case: c\ngiven: [{ to: FromHis, file: a.hl7 }]\nexpect: [{ at: ToLab, count: 1 }]\n";
    let (folder, file) = folder_of(&production, &[("a.hl7", &admission()), ("case.yaml", case)]);
    let output = orris(&["test", &file]);
    assert!(output.status.success(), "{}", text(&output.stdout));
    taken.set_nonblocking(true).expect("set");
    assert!(taken.accept().is_err(), "nobody came");
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 2, "production and cases alone");
}

#[test]
fn an_answer_that_is_too_late_is_none() {
    let cases = [("slow.yaml", include_str!("cases/slow.yaml")), ("admission.hl7", &admission())];
    let (_folder, file) = folder_of(&mllp(), &cases);
    let output = orris(&["test", &file, "--json"]);
    let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(found["ok"], true, "{found:#}");
    // 30 s until the time-out, 5 s until it is tried again, and 2 s for the answer.
    assert_eq!(found["cases"][0]["clock_ms"], 37_000, "{found:#}");
}

#[test]
fn a_case_has_a_clock_of_its_own_that_shows_utc_on_every_machine() {
    let cases = [("christmas.yaml", include_str!("cases/christmas.yaml"))];
    let (_folder, file) = folder_of(include_str!("cases/clock.yaml"), &cases);
    for zone in ["UTC", "Pacific/Auckland", ":America/New_York"] {
        let output = command().env("TZ", zone).args(["test", &file]).output().expect("the binary starts");
        assert!(output.status.success(), "{zone}: {}{}", text(&output.stdout), text(&output.stderr));
    }
}

#[test]
fn browsers_hear_what_they_subscribed_to_and_closed_ones_are_removed() {
    let (_folder, file) =
        folder_of(include_str!("cases/boards.yaml"), &[("s.yaml", include_str!("cases/subscribed.yaml"))]);
    let output = orris(&["test", &file]);
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
}

#[test]
fn what_never_comes_ends_with_the_limit() {
    let case = "case: c\nlimit: 2h\ngiven: [{ to: FromHis, file: a.hl7 }]\nedges: { ToLab: { refuses_for: 9h } }\n\
                expect:\n  - { at: ToLab, none: true }\n  - { status: { item: ToLab, is: Delivered } }\n";
    let (_folder, file) = folder_of(&mllp(), &[("a.hl7", &admission()), ("case.yaml", case)]);
    let output = orris(&["test", &file, "--json"]);
    let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(found["cases"][0]["clock_ms"], 2 * 3_600_000, "{found:#}");
    assert_eq!(found["ok"], true, "{found:#}");
}

#[test]
fn cases_are_chosen_by_their_names() {
    let file = productions().join("mllp/production.yaml");
    let file = file.to_str().expect("readable");
    let chosen = text(&orris(&["test", file, "lab_away", "a result"]).stdout);
    assert!(chosen.contains("lab_away") && chosen.contains("2 cases"), "{chosen}");
    let unknown = orris(&["test", file, "nothing of it"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(text(&unknown.stderr).contains("is called \"nothing of it\""), "{}", text(&unknown.stderr));
    let (folder, file) = folder_of(&mllp(), &[]);
    let none = orris(&["test", &file]);
    assert!(text(&none.stderr).contains("there are no cases in"), "{}", folder.path().display());
}
