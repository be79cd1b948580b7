//! Reads a folder of message files and holds the result against what is expected of each.
//!
//! Runs over the project's own `tests/messages`, and over any other folder of the same form that the
//! environment variable `ORRIS_CORPUS` names: a `manifest.tsv` with the columns `file` and `expect`,
//! and an `oracle.jsonl`. See `tests/messages/README.md`.

mod compare;
mod folder;

use std::path::{Path, PathBuf};

use folder::Folder;

/// The most a message of a corpus may have; far more than any has.
const MAX_MESSAGE: usize = 64 << 20;

/// What was found in a folder.
#[derive(Debug, Default)]
struct Report {
    files: usize,
    messages: usize,
    values: usize,
    /// One line for each thing that is not as expected.
    differences: Vec<String>,
    /// Files that differ from the oracle as a whole, with the reason why that is right.
    explained: Vec<String>,
}

/// Checks every file of the folder.
fn check_folder(folder: &Path) -> Report {
    let folder = Folder::open(folder);
    let mut report = Report::default();
    for entry in &folder.entries {
        let checked = std::panic::catch_unwind(|| compare::file(&folder, entry));
        let mut checked = checked
            .unwrap_or_else(|_| Report { differences: vec!["panicked".to_owned()], ..Report::default() });
        report.files += 1;
        report.messages += checked.messages;
        report.values += checked.values;
        let named = |text: String| format!("{} ({}): {text}", entry.file, entry.expect);
        report.differences.extend(checked.differences.drain(..).map(named));
        report.explained.extend(checked.explained.drain(..).map(named));
    }
    report
}

fn assert_no_differences(folder: &Path) -> Report {
    let report = check_folder(folder);
    let Report { files, messages, values, differences, explained } = &report;
    println!("{}: {files} files, {messages} messages, {values} values checked", folder.display());
    explained.iter().for_each(|text| println!("as meant: {text}"));
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
    assert!(*files > 0 && *values > *messages, "hardly anything was checked: {report:?}");
    assert!(explained.len() * 100 <= *files, "too many files differ: {explained:?}");
    report
}

#[test]
fn our_own_messages_are_read_as_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/messages");
    let report = assert_no_differences(&folder);
    let on_disk = std::fs::read_dir(&folder).unwrap().filter(|entry| {
        let path = entry.as_ref().unwrap().path();
        path.extension().is_some_and(|extension| extension == "hl7")
    });
    assert_eq!(report.explained, Vec::<String>::new());
    assert_eq!(report.files, on_disk.count(), "a file is not in the manifest, or not there");
}

#[test]
fn a_corpus_that_is_named_is_read_as_expected() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/messages");
    let named = std::env::var_os("ORRIS_CORPUS").map(PathBuf::from);
    let report = assert_no_differences(&named.unwrap_or(own));
    assert!(report.messages > 0);
}

#[test]
fn a_wrong_expectation_is_a_difference() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/messages");
    let mut folder = Folder::open(&own);
    let entry = folder.entries.iter().find(|entry| entry.file == "plain.hl7").unwrap().clone();
    assert_eq!(compare::file(&folder, &entry).differences, Vec::<String>::new());
    for (key, wrong) in [
        ("segments", serde_json::json!(3)),
        ("ids", serde_json::json!(["MSH", "EVN", "PID", "PV2"])),
        ("field_counts", serde_json::json!([12, 2, 8, 4])),
        ("msh", serde_json::json!({"10": "OR0002"})),
        ("pid3_1", serde_json::json!("SB-40018")),
        ("pieces", serde_json::json!("MM")),
        ("values", serde_json::json!({"PID-9": ""})),
        ("charset", serde_json::json!("UTF-8 Declared")),
        ("faults", serde_json::json!(["NotASegment 2"])),
    ] {
        let known = folder.oracle.get_mut("plain.hl7").unwrap();
        let right = std::mem::replace(&mut known[key], wrong);
        assert_eq!(compare::file(&folder, &entry).differences.len(), 1, "{key}");
        folder.oracle.get_mut("plain.hl7").unwrap()[key] = right;
    }
}
