//! Tests of the service's settings; what it does is tested with `file_inbound`.

use model::{BusinessType, Claim, NoteKind};
use serde_json::{Value, json};
use testkit::TestHost;

use super::*;
use crate::CATALOGUE;

fn checked(settings: Value) -> Checks {
    let spec = CATALOGUE.find(BusinessType::BusinessService, "hl7.file").unwrap();
    let mut checks = Checks::default();
    spec.check(settings, &mut checks);
    checks
}

fn check(settings: Value, path: &str, says: &str) {
    let mut all = json!({"file_path": "in"});
    all.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    let notes = checked(all).notes;
    let found = notes.iter().find(|note| note.path == path && note.message.contains(says));
    assert!(found.is_some_and(|note| note.kind == NoteKind::Error), "{settings}: {notes:?}");
}

#[test]
fn a_schema_that_nobody_knows_is_found() {
    check(json!({"message_schema_category": "2.55"}), "message_schema_category", "unknown schema \"2.55\"");
    check(json!({"message_schema_category": "ADT_A01"}), "message_schema_category", "unknown schema");
    check(json!({"message_schema_category": "ADT_A01="}), "message_schema_category", "ends too early");
}

#[test]
fn good_settings_have_no_notes() {
    for settings in [
        json!({"file_path": "in"}),
        json!({"file_path": "in", "file_spec": "*.hl7", "archive_path": "archive", "append_timestamp": "none"}),
        json!({
            "file_path": "/in", "file_spec": ["*.hl7", "*.txt"], "subdirectory_levels": 2,
            "work_path": "work", "archive_path": "archive", "on_error": "move",
            "error_path": "error",
            "polling_interval": "100ms", "watch": false, "confirm_complete": "rename", "settle_time": "0ms",
            "append_timestamp": true, "charset": "8859/1", "message_schema_category": "ADT_A01=2.5:ADT_A01, *=2.3.1", "batch_handling": "multi_session", "order": "name",
            "max_message_size": "1GiB"
        }),
        json!({"file_path": "in", "append_timestamp": "%f.%Y%m%d", "charset": "UNICODE UTF-8"}),
    ] {
        let checks = checked(settings.clone());
        assert!(checks.notes.is_empty(), "{settings}: {:?}", checks.notes);
    }
}

#[test]
fn each_wrong_setting_is_said_with_what_was_found_and_wanted() {
    check(json!({"file_path": ""}), "file_path", "empty");
    check(json!({"file_spec": "a/*.hl7"}), "file_spec", "\"a/*.hl7\"; expected a name without a folder");
    check(json!({"file_spec": ["*.hl7", "[a"]}), "file_spec[1]", "\"[a\"");
    check(json!({"file_spec": []}), "file_spec", "at least one");
    check(json!({"polling_interval": "99ms"}), "polling_interval", "99ms; expected 100ms to 1h");
    check(json!({"settle_time": "2h"}), "settle_time", "at most 1h");
    check(json!({"subdirectory_levels": 33}), "subdirectory_levels", "33; expected 0 to 32");
    check(json!({"max_message_size": "1B"}), "max_message_size", "1B; expected 1KiB to 1GiB");
    check(json!({"charset": "latin-99"}), "charset", "\"latin-99\"");
    check(json!({"append_timestamp": "%e"}), "append_timestamp", "\"%e\"");
    check(json!({"append_timestamp": "{MSH-10}"}), "append_timestamp", "codes alone");
    check(json!({"append_timestamp": "%f_{id}"}), "append_timestamp", "codes alone");
    check(json!({"archive_path": "./in"}), "archive_path", "as file_path");
    check(json!({"work_path": "w", "archive_path": "w"}), "archive_path", "as work_path");
    check(json!({"on_error": "move"}), "on_error", "there is no error_path");
    check(json!({"error_path": "e"}), "error_path", "expected on_error: move");
    check(json!({"error_path": "e", "on_error": "leave"}), "error_path", "expected on_error: move");
    check(json!({"on_error": "archive"}), "on_error", "unknown variant");
    check(json!({"batch_handling": "all"}), "batch_handling", "unknown variant");
    check(json!({"filespec": "*"}), "filespec", "unknown field");
}

#[test]
fn it_claims_the_folders_it_takes_from() {
    let checks =
        checked(json!({"file_path": "in", "file_spec": ["a", "b"], "work_path": "w", "archive_path": "x"}));
    let claims: Vec<_> = checks.claims.into_iter().map(|(_, claim)| claim).collect();
    assert_eq!(
        claims,
        [
            Claim::TakeFrom("in".into(), "a b".into()),
            Claim::TakeFrom("w".into(), "*".into()),
            Claim::WriteTo("x".into())
        ]
    );
}

#[test]
fn settings_are_written_as_they_are_read() {
    for (settings, key) in [
        (json!({"file_path": "in", "file_spec": "*.hl7"}), "file_spec"),
        (json!({"file_path": "in", "file_spec": ["*.hl7"]}), "file_spec"),
        (json!({"file_path": "in", "append_timestamp": true}), "append_timestamp"),
        (json!({"file_path": "in", "append_timestamp": "none"}), "append_timestamp"),
        (json!({"file_path": "in", "append_timestamp": "%f_%q"}), "append_timestamp"),
    ] {
        let read: Settings = serde_json::from_value(settings.clone()).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap()[key], settings[key]);
    }
}

#[test]
fn every_setting_has_a_meaning_in_the_schema() {
    for business_type in [BusinessType::BusinessService, BusinessType::BusinessOperation] {
        let spec = CATALOGUE.find(business_type, "hl7.file").unwrap();
        let schema = serde_json::to_value(spec.schema()).unwrap();
        for (name, setting) in schema["properties"].as_object().unwrap() {
            let described = setting["description"].as_str().is_some_and(|text| text.len() > 10);
            assert!(described, "{name}: {setting}");
            assert!(
                setting.get("default").is_some() || name.ends_with("_path") || name == "charset",
                "{name}"
            );
        }
    }
}

#[tokio::test]
async fn relative_folders_are_made_and_absolute_ones_have_to_be_there() {
    let spec = CATALOGUE.find(BusinessType::BusinessService, "hl7.file").unwrap();
    let run = async |host: &TestHost, settings: Value| {
        let Ok(Built::Service(mut service)) = spec.build(settings, &Library::default()) else {
            panic!("it is built")
        };
        service.run(&host.context()).await
    };
    let host = TestHost::new("In");
    host.stop();
    assert!(run(&host, json!({"file_path": "a/in", "archive_path": "archive"})).await.is_ok());
    assert!(host.has_started());
    assert!(host.dir().join("a/in").is_dir() && host.dir().join("archive").is_dir());
    let said: Vec<String> = host.events().into_iter().map(|event| event.text).collect();
    assert!(
        said.len() == 2 && said.iter().all(|text| text.ends_with("was missing and has been made")),
        "{said:?}"
    );

    let host = TestHost::new("In");
    let absent = host.dir().join("absent").display().to_string();
    let ended = run(&host, json!({ "file_path": absent })).await;
    let Err(Failure::Temporary(reason)) = ended else { panic!("{ended:?}") };
    assert!(reason.contains("does not exist; make it"), "{reason}");
    assert!(!host.has_started());
}
