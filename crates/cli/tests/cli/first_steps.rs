//! The first steps of a newcomer: make a production, run it, give it a file, look what became of it.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::engine::{Engine, eventually, orris, read, text};

fn json(data: &Path, arguments: &[&str]) -> Value {
    serde_json::from_str(&read(data, arguments)).expect("JSON")
}

/// Puts a file into a folder at once, as a careful sender does.
fn drop_file(folder: &Path, name: &str, content: &[u8]) {
    eventually("the folder", || folder.is_dir().then_some(()));
    let aside = folder.join(format!(".{name}.part"));
    fs::write(&aside, content).expect("written");
    fs::rename(aside, folder.join(name)).expect("renamed");
}

/// The headers of the latest session, once that many are done.
fn done(data: &Path, count: usize) -> Vec<Value> {
    eventually("a session that is done", || {
        let output = orris(&["trace", "--format", "json", "--data-dir", data.to_str()?]);
        let trace: Value = serde_json::from_slice(&output.stdout).ok()?;
        let messages = trace["messages"].as_array()?.clone();
        let all = messages.len() == count && messages.iter().all(|message| message["Status"] == "Completed");
        all.then_some(messages)
    })
}

#[test]
fn from_nothing_to_a_trace() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = folder.path().join("first");
    let made = orris(&["init", home.to_str().expect("readable")]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let production = home.join("production.yaml");
    let path = production.to_str().expect("readable");
    let checked = orris(&["check", path]);
    assert!(checked.status.success(), "{}", text(&checked.stdout));
    let again = orris(&["init", home.to_str().expect("readable")]);
    assert_eq!(again.status.code(), Some(1), "an existing production is not overwritten");

    let (mut engine, page) = Engine::start(&production);
    let data = home.join("data");
    for word in ["New.Production", "FilesIn", "in/*.hl7", "→ Router, Announcer", "--data-dir", "ready in"] {
        assert!(page.contains(word), "\"{word}\" is not in\n{page}");
    }
    let sample = fs::read(home.join("messages/admission.hl7")).expect("a sample");
    drop_file(&data.join("in"), "first.hl7", &sample);
    let messages = done(&data, 3);
    look(&data, &messages, &sample);
    send_by_hand(&data, &home);

    let status = json(&data, &["status", "--json"]);
    assert_eq!(status["running"], true);
    let second = orris(&["run", path]);
    assert_eq!(second.status.code(), Some(1), "one engine owns a store");
    assert!(text(&second.stderr).contains("is in use by process"), "{}", text(&second.stderr));
    assert_eq!(engine.stop(), Some(0));
    let status = json(&data, &["status", "--json"]);
    assert_eq!(status["running"], false);
    let refused = orris(&["send", "Router", path, "--data-dir", data.to_str().expect("readable")]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("no engine runs"), "{}", text(&refused.stderr));
}

/// Looks at the session of one admission in every way there is.
fn look(data: &Path, messages: &[Value], sample: &[u8]) {
    let first = messages[0]["ObjectId"].to_string();
    let last = messages[2]["ObjectId"].to_string();
    let trace = read(data, &["trace", &last]);
    assert!(trace.starts_with(&format!("Session {first}  ")), "any message names its session:\n{trace}");
    for word in [
        "services",
        "FilesIn",
        "Router",
        "Announcer",
        "Admissions",
        "ADT_A01",
        "Completed",
        "►",
        "admissions",
    ] {
        assert!(trace.contains(word), "\"{word}\" is not in\n{trace}");
    }
    assert!(read(data, &["trace", &first, "--ascii", "--page-size", "2"]).contains("1 to 2 of 3 messages"));
    assert!(read(data, &["trace", "--format", "svg"]).starts_with("<svg "));
    assert!(read(data, &["trace", "--format", "html"]).contains(&format!("<section id=\"m{first}\">")));
    assert!(read(data, &["trace", "--format", "mermaid"]).contains("sequenceDiagram"));

    let shown = read(data, &["trace", "--message", &first]);
    for word in ["SourceConfigName", "FilesIn", "first.hl7", "MSH|^~\\&|REGISTRATION", "PID|1||100042"] {
        assert!(shown.contains(word), "\"{word}\" is not in\n{shown}");
    }
    assert_eq!(read(data, &["trace", "--message", &first, "--raw"]).as_bytes(), sample);

    let found =
        json(data, &["messages", "--where", "PID-3.1 = \"100042\" and source = \"FilesIn\"", "--json"]);
    assert_eq!(found.as_array().map(Vec::len), Some(2), "{found}");
    let named = "PID.PatientIdentifierList.IDNumber = \"100042\" and source = \"FilesIn\"";
    assert_eq!(json(data, &["messages", "--where", named, "--schema", "2.5", "--json"]), found);
    let found = json(data, &["messages", "--where", "PID-5.1 = \"Nobody\"", "--json"]);
    assert_eq!(found, serde_json::json!([]));
    let unknown = ["messages", "--where", "exists(\"wards\", PV1-3)", "--data-dir"];
    let refused = orris(&[unknown.as_slice(), &[data.to_str().expect("a readable path")]].concat());
    let refused = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.contains("\"wards\" is not known") && refused.contains("by --production"), "{refused}");
    let other = ["sql", "SELECT * FROM Ens.MessageHeader", "--data-dir"];
    let refused = orris(&[other.as_slice(), &[data.to_str().expect("a readable path")]].concat());
    let refused = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.contains("the views are MessageHeader, MessageBody"), "{refused}");
    let listed = read(data, &["messages"]);
    assert!(!listed.contains("Lindqvist"), "a list shows no content:\n{listed}");
    let asked =
        read(data, &["sql", "SELECT TargetConfigName, Status FROM MessageHeader ORDER BY ObjectId", "--csv"]);
    assert!(asked.starts_with("TargetConfigName,Status\r\nRouter,Completed\r\n"), "{asked}");
    assert_eq!(json(data, &["queues", "--json"]), serde_json::json!([]));
    assert!(read(data, &["events"]).contains("production \"New.Production\" starts"));
    assert_eq!(fs::read_dir(data.join("archive")).expect("a folder").count(), 1);
    assert_eq!(fs::read_dir(data.join("admissions")).expect("a folder").count(), 1);
}

/// The testing service: one message straight into the router.
fn send_by_hand(data: &Path, home: &Path) {
    let sample = home.join("messages/admission.hl7");
    let shown = read(data, &["send", "Router", sample.to_str().expect("readable")]);
    for word in ["Router", "Admissions", "all done"] {
        assert!(shown.contains(word), "\"{word}\" is not in\n{shown}");
    }
    assert_eq!(done(data, 2).len(), 2);
    let asked = read(data, &["sql", "SELECT DISTINCT DocType FROM MessageBody", "--csv"]);
    assert_eq!(asked, "DocType\r\n2.5:ADT_A01\r\n", "it is stored as the one from the folder");
    let nobody = orris(&[
        "send",
        "Nobody",
        sample.to_str().expect("readable"),
        "--data-dir",
        data.to_str().expect("readable"),
    ]);
    assert!(text(&nobody.stderr).contains("\"Nobody\" is no item"), "{}", text(&nobody.stderr));
}

#[test]
fn as_many_files_may_be_open_as_the_system_allows_at_most() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = folder.path().join("many");
    assert!(orris(&["init", home.to_str().expect("readable")]).status.success());
    let (mut engine, _) = Engine::start_with_files(256, &home.join("production.yaml"));
    let limits = fs::read_to_string(format!("/proc/{}/limits", engine.process())).expect("Linux");
    let files = limits.lines().find(|line| line.starts_with("Max open files")).expect("a limit");
    let words: Vec<_> = files.split_whitespace().collect();
    assert_eq!(words[3], words[4], "{files}");
    assert_eq!(engine.stop(), Some(0));
}
