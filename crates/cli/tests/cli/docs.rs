//! Generated pages are as the program would write them now, and the examples pass their checks.

use std::fs;
use std::path::{Path, PathBuf};

use crate::engine::{orris, text};

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Compares a page with what the program writes. ORRIS_SNAPSHOTS writes it anew, as `make docs` does.
fn check_fresh(page: &str, arguments: &[&str]) {
    let written = text(&orris(arguments).stdout);
    let path = project().join(page);
    if std::env::var_os("ORRIS_SNAPSHOTS").is_some() {
        fs::write(&path, &written).expect("written");
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == written,
        "{page} is not what \"orris {}\" writes; run \"make docs\"",
        arguments.join(" ")
    );
}

#[test]
fn the_schema_of_production_files_is_fresh() {
    check_fresh("docs/schema/production.schema.json", &["schema"]);
}

#[test]
fn the_reference_of_components_is_fresh() {
    check_fresh("docs/reference/components.md", &["components", "--markdown"]);
}

#[test]
fn the_article_passes_its_checks_without_a_finding() {
    let production = project().join("productions/article/production.yaml");
    let production = production.to_str().expect("a readable path");
    let checked = orris(&["check", production, "--format", "json"]);
    let found: serde_json::Value = serde_json::from_slice(&checked.stdout).expect("JSON");
    assert_eq!(found, serde_json::json!({ "ok": true, "findings": [] }));
    for format in ["text", "mermaid", "dot", "svg"] {
        let drawn = text(&orris(&["graph", production, "--format", format]).stdout);
        for item in ["HL7FileService", "User.SocketInvocation", "BadMessageHandler"] {
            assert!(drawn.contains(item), "{format}: {item} is not drawn");
        }
    }
}
