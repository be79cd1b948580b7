//! Every production that comes with the project passes its check, and its samples and pictures are true.

use std::fs;
use std::path::{Path, PathBuf};

use crate::engine::{orris, text};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../productions")
}

/// The files with this extension in a folder, by name; none where there is no such folder.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.expect("an entry").path());
    let mut files: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|it| it == extension)).collect();
    files.sort();
    files
}

/// Every file that is a production, found by looking, so that a new one is checked as well.
fn productions() -> Vec<PathBuf> {
    let folders = fs::read_dir(folder()).expect("productions").map(|entry| entry.expect("an entry").path());
    let all = folders.flat_map(|folder| files(&folder, "yaml"));
    let begins = |line: &str| line.starts_with("production:");
    all.filter(|path| fs::read_to_string(path).expect("a text").lines().any(begins)).collect()
}

#[test]
fn every_production_passes_its_check_without_a_finding() {
    let all = productions();
    let named = |name: &str| all.iter().any(|path| path.ends_with(name));
    for known in ["article/production.yaml", "hospital/production.yaml", "hospital/lab.yaml", "mllp/lab.yaml"]
    {
        assert!(named(known), "{known} is not among {all:?}");
    }
    for production in all {
        let checked = orris(&["check", production.to_str().expect("a readable path"), "--format", "json"]);
        let found: serde_json::Value = serde_json::from_slice(&checked.stdout).expect("JSON");
        let clean = serde_json::json!({ "ok": true, "findings": [] });
        assert_eq!(found, clean, "{}", production.display());
    }
}

#[test]
fn every_sample_of_the_hospital_is_as_its_version_wants_it() {
    let samples = files(&folder().join("hospital/messages"), "hl7");
    assert!(samples.len() >= 9, "{samples:?}");
    for sample in samples {
        let checked = orris(&["hl7", "check", sample.to_str().expect("a readable path")]);
        let said = text(&checked.stdout);
        assert!(said.contains("0 errors, 0 warnings"), "{}: {said}", sample.display());
    }
}

#[test]
fn the_picture_of_the_hospital_is_fresh() {
    let hospital = folder().join("hospital");
    let production = hospital.join("production.yaml");
    let drawn = orris(&["graph", production.to_str().expect("a readable path"), "--format", "svg"]);
    let picture = hospital.join("graph.svg");
    if std::env::var_os("ORRIS_SNAPSHOTS").is_some() {
        fs::write(&picture, &drawn.stdout).expect("written");
    }
    let kept = fs::read(&picture).unwrap_or_default();
    assert!(
        kept == drawn.stdout,
        "graph.svg is not what \"orris graph\" draws; run this with ORRIS_SNAPSHOTS=1"
    );
}
