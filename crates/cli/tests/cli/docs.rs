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
fn the_schema_of_cases_is_fresh_and_cases_name_it() {
    check_fresh("docs/schema/case.schema.json", &["schema", "--cases"]);
    for production in fs::read_dir(project().join("productions")).expect("a folder") {
        let Ok(cases) = fs::read_dir(production.expect("an entry").path().join("cases")) else { continue };
        for case in cases.map(|entry| entry.expect("an entry").path()) {
            if case.extension().is_some_and(|ending| ending == "yaml") {
                let text = fs::read_to_string(&case).expect("a case");
                let first = "# yaml-language-server: $schema=../../../docs/schema/case.schema.json\n";
                assert!(text.starts_with(first), "{} does not name it in its first line", case.display());
            }
        }
    }
}

#[test]
fn the_reference_of_components_is_fresh() {
    check_fresh("docs/reference/components.md", &["components", "--markdown"]);
}

/// What the check of a production finds.
fn checked(production: &Path) -> serde_json::Value {
    let production = production.to_str().expect("a readable path");
    serde_json::from_slice(&orris(&["check", production, "--format", "json"]).stdout).expect("JSON")
}

/// Expects that the check of a production finds nothing.
#[track_caller]
fn check_clean(production: &Path, what: &str) {
    assert_eq!(checked(production), serde_json::json!({ "ok": true, "findings": [] }), "{what}");
}

#[test]
fn the_samples_for_mllp_are_as_their_version_wants_them() {
    for name in ["admission.hl7", "result.hl7"] {
        let message = project().join("productions/mllp/messages").join(name);
        let checked = text(&orris(&["hl7", "check", message.to_str().expect("a readable path")]).stdout);
        assert!(checked.contains("0 errors, 0 warnings"), "{name}: {checked}");
    }
}

#[test]
fn a_setting_that_stands_beside_settings_is_told_where_it_belongs() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("production.yaml");
    let item = "  Out:\n    type: hl7.tcp\n    reply_code_actions: \":?A=C\"\n    settings: { address: \"lab:1\" }\n";
    fs::write(&file, format!("production: P\noperations:\n{item}")).expect("written");
    let found = checked(&file)["findings"][0]["help"].to_string();
    assert!(found.contains("belongs under"), "{found}");
}

#[test]
fn every_production_in_the_guide_passes_its_check() {
    for page in ["README.md", "mllp.md", "schemas.md", "transforms.md", "websockets.md"] {
        let text = fs::read_to_string(project().join("docs/guide").join(page)).expect("a page");
        let blocks: Vec<_> = text.split("```yaml\n").skip(1).collect();
        assert!(!blocks.is_empty(), "{page} has no example");
        for (at, block) in blocks.into_iter().enumerate() {
            let block = block.split("```").next().unwrap_or_default();
            let folder = tempfile::tempdir().expect("a folder");
            let file = folder.path().join("production.yaml");
            let is_whole = block.contains("production: ");
            let name = if is_whole { "" } else { "production: Example\n" };
            fs::write(&file, format!("{name}{block}")).expect("written");
            // A part of one may hold items that nobody sends to.
            let found = checked(&file);
            assert_eq!(found["ok"], true, "{page}, block {}: {found}", at + 1);
            assert!(!is_whole || found["findings"] == serde_json::json!([]), "{page}: {found}");
        }
    }
}

#[test]
fn the_article_passes_its_checks_without_a_finding() {
    let production = project().join("productions/article/production.yaml");
    check_clean(&production, "the article");
    let production = production.to_str().expect("a readable path");
    for format in ["text", "mermaid", "dot", "svg"] {
        let drawn = text(&orris(&["graph", production, "--format", format]).stdout);
        for item in ["HL7FileService", "User.SocketInvocation", "BadMessageHandler"] {
            assert!(drawn.contains(item), "{format}: {item} is not drawn");
        }
    }
}
