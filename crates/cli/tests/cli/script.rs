//! A production with a script: what is checked, and what becomes of its messages.

use std::fs;
use std::path::Path;

use crate::engine::{Engine, eventually, orris, read, text};

const PRODUCTION: &str = "\
production: Ward.Script
services:
  In:
    type: hl7.file
    targets: [ToLab]
    settings: { file_path: in, file_spec: '*.hl7' }
processes:
  ToLab:
    type: script
    settings:
      code: |
        // ${NOTHING} is filled in here.
        if (msg.get(\"PV1-2\") === \"E\") discard(\"no emergencies\");
        const name = `${msg.get(\"PID-5.1\")}, ${msg.get(\"PID-5.2\")}`;
        msg.set(\"PID-9\", name);
        log.info(`message ${context.id} goes to the lab`);
        send(\"Lab\");
        if (msg.get(\"PV1-2\") === \"X\") throw new Error(name);
operations:
  Lab:
    type: hl7.file
    settings: { file_path: lab, file_name: '%f' }
";

fn written(text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("production.yaml");
    fs::write(&path, text).expect("written");
    (folder, path)
}

#[test]
fn what_is_wrong_with_code_is_told_at_its_line_of_the_file() {
    for (change, to, expected) in [
        (
            "send(\"Lab\")",
            "send(\"Lap\")",
            &["production.yaml:17:15", "\"Lap\"", "did you mean \"Lab\"?"][..],
        ),
        (
            "const name = `",
            "const name = 3 +* `",
            &["production.yaml:14:25", "unexpected token in expression: \"*\""],
        ),
        (
            "log.info(`",
            "sockets.write(1, `",
            &["production.yaml:16:9", "sockets are used, and no server is set"],
        ),
    ] {
        let (_folder, path) = written(&PRODUCTION.replace(change, to));
        let checked = orris(&["check", path.to_str().expect("readable")]);
        assert_eq!(checked.status.code(), Some(64), "{to}");
        let found = text(&checked.stdout) + &text(&checked.stderr);
        for word in expected {
            assert!(found.contains(word), "{to}: {word} is not in\n{found}");
        }
    }
    let (_folder, path) = written(PRODUCTION);
    let resolved = text(&orris(&["check", path.to_str().expect("readable"), "--print"]).stdout);
    assert!(resolved.contains("const name = `${msg.get(\"PID-5.1\")}"), "{resolved}");
    let drawn = text(&orris(&["graph", path.to_str().expect("readable")]).stdout);
    assert!(drawn.contains("ToLab") && drawn.contains("Lab"), "{drawn}");
}

fn drop_file(folder: &Path, name: &str, class: &str) {
    let aside = folder.join(format!("{name}.part"));
    let message = format!("MSH|^~\\&|A||||||ADT^A01|7|P|2.5\rPID|1||4711||Doe^Ann\rPV1|1|{class}\r");
    fs::write(&aside, message).expect("written");
    fs::rename(aside, folder.join(name)).expect("renamed");
}

#[test]
fn messages_go_through_a_script() {
    let (folder, path) = written(PRODUCTION);
    let (mut engine, _) = Engine::start(&path);
    let data = folder.path().join("data");
    for (name, class) in [("good.hl7", "I"), ("emergency.hl7", "E"), ("bad.hl7", "X")] {
        drop_file(&data.join("in"), name, class);
    }
    let count = |sql: &str| read(&data, &["sql", sql]);
    let settled = "SELECT count(*) AS n FROM MessageHeader WHERE TargetConfigName = 'ToLab' AND Status IN \
                   ('Completed', 'Discarded', 'Error')";
    eventually("three decisions", || count(settled).contains('3').then_some(()));
    let sent = eventually("the file for the lab", || fs::read_to_string(data.join("lab/good.hl7")).ok());
    assert!(sent.contains("PID|1||4711||Doe^Ann||||Doe, Ann\rPV1|1|I"), "{sent}");
    let all = count("SELECT Status, ErrorStatus FROM MessageHeader WHERE TargetConfigName = 'ToLab'");
    assert!(all.contains("code line 7 column"), "{all}");
    assert!(!all.contains("Doe"), "{all}");
    let events = read(&data, &["events"]);
    assert!(events.contains("goes to the lab") && !events.contains("Doe"), "{events}");
    assert_eq!(engine.stop(), Some(0));
    assert_eq!(fs::read_dir(data.join("lab")).expect("a folder").count(), 1);
}

const ROUTED: &str = "\
production: Ward.Routed
lookup_tables:
  wards: { entries: { I: Inside } }
transforms:
  named:
    steps:
      - if: PID-3 != \"\"
        then:
          - code: |
              // ${NOTHING} is filled in here.
              if (source.get(\"PV1-2\") === \"X\") while (true) {}
              if (source.get(\"PV1-2\") === \"E\") throw new Error(source.get(\"PID-5.1\"));
              target.set(\"PID-9\", `${source.get(\"PID-5.1\")} ${lookup(\"wards\", source.get(\"PV1-2\"))}`);
              log.info(`message ${context.id} is named`);
services:
  In:
    type: hl7.file
    targets: [Router]
    settings: { file_path: in, file_spec: '*.hl7' }
processes:
  Router:
    type: hl7.router
    settings:
      rules: [ { otherwise: true, transform: named, send: Lab } ]
operations:
  Lab:
    type: hl7.file
    settings: { file_path: lab, file_name: '%f' }
";

#[test]
fn messages_are_routed_by_a_transform_with_code_and_the_engine_goes_on_behind_one_without_end() {
    let (folder, path) = written(ROUTED);
    let (mut engine, _) = Engine::start(&path);
    let data = folder.path().join("data");
    for (name, class) in [("endless.hl7", "X"), ("bad.hl7", "E"), ("good.hl7", "I")] {
        drop_file(&data.join("in"), name, class);
    }
    let sent = eventually("the file for the lab", || fs::read_to_string(data.join("lab/good.hl7")).ok());
    assert!(sent.contains("PID|1||4711||Doe^Ann||||Doe Inside\rPV1|1|I"), "{sent}");
    let errors =
        "SELECT ErrorStatus FROM MessageHeader WHERE TargetConfigName = 'Router' AND Status = 'Error'";
    let found = || read(&data, &["sql", errors]);
    let errors = eventually("two errors", || {
        Some(found()).filter(|text| text.contains("1000 ms") && text.contains("column"))
    });
    assert!(errors.contains("transform \"named\", steps[0].then[0] (line 12 column"), "{errors}");
    assert!(errors.contains("took longer than the 1000 ms that it has"), "{errors}");
    let events = read(&data, &["events"]);
    assert!(events.contains("is named"), "{events}");
    assert!(!errors.contains("Doe") && !events.contains("Doe"), "content is told");
    assert_eq!(engine.stop(), Some(0));
    assert_eq!(fs::read_dir(data.join("lab")).expect("a folder").count(), 1);
}

/// What the function of this statement does takes hours, and SQLite does not look up meanwhile.
const STUCK: &str = "\
production: Ward.Stuck
grace_period: 1s
services:
  In:
    type: hl7.file
    targets: [Asks]
    settings: { file_path: in, file_spec: '*.hl7' }
processes:
  Asks:
    type: flow
    settings:
      steps:
        - scope:
            - sql: SELECT instr(printf('%.*c', 16000000, 'a'), printf('%.*c', 8000000, 'a') || 'b') AS place
              timeout: 100ms
              as: found
          catch: { sql: [ { call: Note, async: true, request: { text: '{{ context.fault_reason }}' } } ] }
operations:
  Note: { type: file, settings: { file_path: note, file_name: '%f' } }
";

#[test]
fn a_statement_that_cannot_be_ended_does_not_keep_the_engine_from_stopping() {
    let (folder, path) = written(STUCK);
    let (mut engine, _) = Engine::start(&path);
    let data = folder.path().join("data");
    drop_file(&data.join("in"), "one.hl7", "I");
    let noted = eventually("the note", || fs::read_dir(data.join("note")).ok()?.next()).expect("a file");
    let said = fs::read_to_string(noted.path()).expect("readable");
    assert!(said.contains("not done within 100ms"), "{said}");
    assert_eq!(engine.stop(), Some(0));
}
