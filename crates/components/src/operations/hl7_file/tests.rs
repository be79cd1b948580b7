//! Tests of the operation: its settings, and each decision it makes.

use std::fs;

use model::{BodyClass, BusinessOperation, BusinessType, Claim, Decision, Message, MessageBody, NoteKind};
use serde_json::{Value, json};
use testkit::{TestHost, request};

use super::*;
use crate::CATALOGUE;

fn checked(settings: Value) -> Checks {
    let spec = CATALOGUE.find(BusinessType::BusinessOperation, "hl7.file").unwrap();
    let mut checks = Checks::default();
    spec.check(settings, &mut checks);
    checks
}

async fn started(host: &TestHost, settings: Value) -> Box<dyn BusinessOperation> {
    let spec = CATALOGUE.find(BusinessType::BusinessOperation, "hl7.file").unwrap();
    let Ok(Built::Operation(mut operation)) = spec.build(settings, &Library::default()) else {
        panic!("it is built")
    };
    operation.start(&host.context()).await.unwrap();
    operation
}

/// A message from a file `adt.hl7`, made at 2023-11-14 22:13:20 UTC.
fn message(id: u64, control_id: &str) -> Message {
    let text = format!("MSH|^~\\&|A||||||ADT^A01|{control_id}|P|2.5\rPID|1\r");
    let (doc_type, name) = ("ADT_A01".into(), "adt.hl7".into());
    request(id, MessageBody::described(BodyClass::HL7, text, doc_type, String::new(), name))
}

fn files(host: &TestHost, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(host.dir().join(folder)).into_iter().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn is_completed(decision: &Decision) -> bool {
    matches!(decision, Decision::Completed { sends, events, .. } if sends.is_empty() && events.is_empty())
}

#[test]
fn settings_are_checked() {
    for good in [
        json!({"file_path": "out"}),
        json!({"file_path": "/out", "file_name": "%f_{MSH-10}.hl7", "mode": "overwrite", "sync": false}),
        json!({"file_path": "out", "file_name": "%Y.hl7", "mode": "append", "batch": "wrap"}),
    ] {
        assert!(checked(good.clone()).notes.is_empty(), "{good}");
    }
    for (wrong, path, says) in [
        (json!({"file_path": ""}), "file_path", "empty"),
        (json!({"file_path": "o", "file_name": "a/%f"}), "file_name", "\"/\""),
        (json!({"file_path": "o", "file_name": ""}), "file_name", "empty"),
        (json!({"file_path": "o", "batch": "wrap"}), "batch", "mode is not \"append\""),
        (json!({"file_path": "o", "mode": "never"}), "mode", "unknown variant"),
        (json!({"file_path": "o", "overwrite": true}), "overwrite", "unknown field"),
    ] {
        let notes = checked(wrong.clone()).notes;
        let found = notes.iter().find(|note| note.path == path && note.message.contains(says));
        assert!(found.is_some_and(|note| note.kind == NoteKind::Error), "{wrong}: {notes:?}");
    }
    let note = checked(json!({"file_path": "o", "file_name": "%f_%e"})).notes.remove(0);
    assert_eq!((note.range, note.help.is_some()), (Some(3..5), true));
    assert_eq!(checked(json!({"file_path": "o"})).claims[0].1, Claim::WriteTo("o".into()));
}

#[tokio::test]
async fn a_message_becomes_a_file_with_its_bytes() {
    let host = TestHost::new("Out");
    let mut operation = started(&host, json!({"file_path": "a/out", "file_name": "%#f_{MSH-10}.hl7"})).await;
    let message = message(7, "C1");
    assert!(is_completed(&operation.on_message(&message, &host.context()).await));
    assert_eq!(files(&host, "a/out"), ["adt_C1.hl7"]);
    assert_eq!(fs::read(host.dir().join("a/out/adt_C1.hl7")).unwrap(), message.body.content().to_vec());
}

#[tokio::test]
async fn a_body_that_is_no_hl7_is_written_as_well() {
    let host = TestHost::new("Out");
    let mut operation = started(&host, json!({"file_path": "out", "file_name": "x{MSH-10}"})).await;
    let message = request(1, MessageBody::new(BodyClass::BYTES, "\0\u{1}"));
    assert!(is_completed(&operation.on_message(&message, &host.context()).await));
    assert_eq!(files(&host, "out"), ["x"]);
}

#[tokio::test]
async fn a_hostile_field_stays_in_the_folder() {
    let host = TestHost::new("Out");
    let mut operation = started(&host, json!({"file_path": "out", "file_name": "{MSH-10}"})).await;
    for (id, hostile) in
        ["../../x", "/etc/passwd", "..", ".hidden", "a\u{0}b", "", "\u{202e}x"].iter().enumerate()
    {
        let decision = operation.on_message(&message(id as u64, hostile), &host.context()).await;
        assert!(is_completed(&decision), "{hostile:?}: {decision:?}");
    }
    let long = message(99, &"x".repeat(4_000));
    assert!(is_completed(&operation.on_message(&long, &host.context()).await));
    let found = files(&host, "out");
    assert_eq!(found.len(), 8, "{found:?}");
    assert!(found.iter().all(|name| !name.starts_with('.') && name.len() <= 210));
    assert_eq!(files(&host, "."), ["out"]);
}

#[tokio::test]
async fn messages_of_one_file_get_a_file_each_and_a_repeat_changes_nothing() {
    let host = TestHost::new("Out");
    let settings = json!({"file_path": "out", "file_name": "%K(UTC)%f_%Q"});
    let group: Vec<_> = (1..=100).map(|id| message(id, "same")).collect();
    for _life in 0..3 {
        let mut operation = started(&host, settings.clone()).await;
        let decisions = operation.on_messages(&group, &host.context()).await;
        assert!(decisions.len() == group.len() && decisions.iter().all(is_completed));
        let found = files(&host, "out");
        assert_eq!(found.len(), group.len());
        assert!(found.contains(&"adt.hl7_2023-11-14_22.13.20.000".to_owned()), "{found:?}");
        assert!(found.contains(&"adt.hl7_2023-11-14_22.13.20.000_100".to_owned()), "{found:?}");
    }
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_holds_the_queue() {
    let host = TestHost::new("Out");
    let absent = host.dir().join("absent");
    let settings = json!({"file_path": absent.display().to_string(), "file_name": "{MSH-10}"});
    let mut operation = started(&host, settings).await;
    let group = [message(1, "a"), message(2, "b")];
    let decisions = operation.on_messages(&group, &host.context()).await;
    let [Decision::Retry { reason, after: None, .. }] = &decisions[..] else { panic!("{decisions:?}") };
    assert!(reason.contains("absent\" does not exist; make it"), "{reason}");
    fs::create_dir(&absent).unwrap();
    let decisions = operation.on_messages(&group, &host.context()).await;
    assert!(decisions.len() == 2 && decisions.iter().all(is_completed));
    assert_eq!(files(&host, "absent"), ["a", "b"]);
}

#[tokio::test]
async fn what_was_written_before_a_failure_is_completed() {
    let host = TestHost::new("Out");
    for mode in ["overwrite", "append"] {
        let out = host.dir().join(mode);
        fs::create_dir_all(out.join("b")).unwrap();
        let settings = json!({"file_path": mode, "file_name": "{MSH-10}", "mode": mode});
        let mut operation = started(&host, settings).await;
        let group = [message(1, "a"), message(2, "b"), message(3, "c")];
        let decisions = operation.on_messages(&group, &host.context()).await;
        assert!(decisions.len() == 2 && is_completed(&decisions[0]), "{decisions:?}");
        // The name is made of a field, and so it is not said.
        let wanted = format!("the file of message 2 in folder \"{}\" cannot be written", out.display());
        assert!(matches!(&decisions[1], Decision::Retry { reason, .. } if reason.starts_with(&wanted)));
        assert!(!out.join("c").exists());
        fs::remove_dir(out.join("b")).unwrap();
        let decisions = operation.on_messages(&group[1..], &host.context()).await;
        assert!(decisions.len() == 2 && decisions.iter().all(is_completed));
        assert_eq!(files(&host, mode), ["a", "b", "c"]);
    }
}

#[tokio::test]
async fn appending_notes_before_it_decides_and_goes_on_after_a_start() {
    let host = TestHost::new("Out");
    let settings = json!({"file_path": "out", "file_name": "all.hl7", "mode": "append", "batch": "wrap"});
    let group: Vec<_> = (1..=4).map(|id| message(id, &id.to_string())).collect();
    let mut operation = started(&host, settings.clone()).await;
    assert_eq!(operation.on_messages(&group[..2], &host.context()).await.len(), 2);
    assert_eq!(host.state().keys().collect::<Vec<_>>(), ["append/all.hl7"]);
    // Another life, whose shared things are its own, and which gets all of them again.
    let next = TestHost::new("Out").data_dir(host.dir());
    host.state().into_iter().for_each(|(key, value)| next.set_state(&key, value));
    let mut operation = started(&next, settings).await;
    assert_eq!(operation.on_messages(&group, &next.context()).await.len(), 4);
    let text = fs::read_to_string(host.dir().join("out/all.hl7")).unwrap();
    assert_eq!(text.matches("\rMSH|").count(), 4);
    assert!(text.starts_with("FHS|^~\\&|||||20231114221320+0000||all.hl7\rBHS|"));
    assert!(text.ends_with("BTS|4\rFTS|1\r"));
}

#[tokio::test]
async fn workers_of_one_item_append_to_one_file() {
    let host = TestHost::new("Out");
    let settings = json!({"file_path": "out", "file_name": "all.hl7", "mode": "append", "batch": "wrap"});
    let mut workers = Vec::new();
    for worker in 0..4_u64 {
        let mut operation = started(&host, settings.clone()).await;
        let context = host.context();
        workers.push(tokio::spawn(async move {
            let mut completed = 0;
            for round in 0..10 {
                let decisions = operation.on_message(&message(worker * 100 + round, "x"), &context).await;
                completed += usize::from(is_completed(&decisions));
            }
            completed
        }));
    }
    for worker in workers {
        assert_eq!(worker.await.unwrap(), 10);
    }
    let text = fs::read_to_string(host.dir().join("out/all.hl7")).unwrap();
    assert_eq!(text.matches("\rMSH|").count(), 40);
    assert!(text.ends_with("BTS|40\rFTS|1\r"));
}
