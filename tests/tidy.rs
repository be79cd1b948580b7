//! The rules of the house, held against the sources. See `docs/architecture.md`, "What is absent".

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Who may use whom, of our own crates. `testkit` is for dev-dependencies only.
const MAY_USE: &[(&str, &[&str])] = &[
    ("hl7", &[]),
    ("model", &[]),
    ("rules", &["hl7"]),
    ("script", &["hl7", "rules"]),
    ("store", &["model"]),
    ("config", &["model", "rules", "hl7", "script"]),
    ("components", &["model", "hl7", "rules", "script"]),
    ("runtime", &["model", "config", "store"]),
    ("cli", &["hl7", "model", "rules", "script", "config", "store", "runtime", "components"]),
    ("testkit", &["hl7", "model", "rules", "script", "config", "store", "runtime", "components"]),
];

/// Words that a crate's sources (tests left out) may not hold, with the reason.
const ABSENT: &[(&[&str], &[&str], &str)] = &[
    (
        &["hl7", "model", "rules"],
        &["std::fs", "std::net", "std::thread", "tokio::", "rusqlite", "SystemTime::now", "Instant::now"],
        "hl7, model and rules know no file, clock, socket, thread or database",
    ),
    (
        &["hl7", "model", "rules", "script", "config", "components", "runtime", "cli", "testkit"],
        &["rusqlite", "PRAGMA ", "INSERT INTO"],
        "only store has SQL, and what asks a production's own databases",
    ),
    (
        &["hl7", "model", "rules", "script", "config", "store", "components", "runtime"],
        &["println!", "print!(", "eprintln!", "dbg!"],
        "only cli prints",
    ),
    (&["components"], &["SystemTime::now", "Instant::now"], "time comes from the context's clock"),
    (
        &["runtime", "config", "store"],
        &["\"hl7.file\"", "\"websocket\"", "\"hl7.router\"", "\"socket.invocation\""],
        "runtime, config and store name no concrete component",
    ),
];

/// The one file beside the ledger's crate that has SQL: it asks databases of the production, and writes to none.
const ASKS_DATABASES: &str = "components/src/connections.rs";

/// A file longer than this before its tests is a room that needs a wall.
const LONGEST_FILE: usize = 500;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the project").to_owned()
}

/// Every file of that ending below `folder`, with its text; build products left out.
fn files(folder: &Path, ending: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_dir() && !["target", "node_modules", ".git", "data"].contains(&name.as_str()) {
                folders.push(path);
            } else if name.ends_with(ending)
                && let Ok(text) = fs::read_to_string(&path)
            {
                found.push((path, text));
            }
        }
    }
    found.sort();
    found
}

/// The part of a source file before its own tests.
fn without_tests(text: &str) -> &str {
    text.split("\n#[cfg(test)]").next().unwrap_or(text)
}

fn sources(crate_name: &str) -> Vec<(PathBuf, String)> {
    files(&root().join("crates").join(crate_name).join("src"), ".rs")
}

fn assert_none(rule: &str, findings: &[String]) {
    assert!(findings.is_empty(), "{rule}:\n  {}", findings.join("\n  "));
}

#[test]
fn crates_use_only_whom_the_table_allows() {
    let output = std::process::Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let mut findings = Vec::new();
    let mut seen = BTreeMap::new();
    for package in metadata["packages"].as_array().expect("packages") {
        let name = package["name"].as_str().unwrap_or("").trim_start_matches("orris-").to_owned();
        let Some((_, allowed)) = MAY_USE.iter().find(|(known, _)| *known == name) else { continue };
        seen.insert(name.clone(), ());
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let Some(used) = dependency["name"].as_str().and_then(|used| used.strip_prefix("orris-")) else {
                continue;
            };
            let in_tests = dependency["kind"].as_str() == Some("dev");
            if !allowed.contains(&used) && !in_tests {
                findings.push(format!("{name} uses {used}; it may use {allowed:?}"));
            }
        }
    }
    assert_none("the dependency table", &findings);
    assert_eq!(seen.len(), MAY_USE.len(), "a crate of the table is missing: {seen:?}");
}

#[test]
fn what_is_absent_stays_absent() {
    let mut findings = Vec::new();
    for (crates, words, reason) in ABSENT {
        for crate_name in *crates {
            for (path, text) in sources(crate_name) {
                let may = path.ends_with(ASKS_DATABASES) && words.contains(&"rusqlite");
                if may || path.components().any(|part| part.as_os_str() == "tests") {
                    continue;
                }
                for (number, line) in without_tests(&text).lines().enumerate() {
                    let code = line.split("//").next().unwrap_or("");
                    for word in words.iter().filter(|word| code.contains(**word)) {
                        findings.push(format!("{}:{}: {word:?}; {reason}", path.display(), number + 1));
                    }
                }
            }
        }
    }
    assert_none("words that must not be there", &findings);
}

#[test]
fn no_file_is_a_room_without_walls() {
    let mut findings = Vec::new();
    for (path, text) in files(&root().join("crates"), ".rs") {
        let lines = without_tests(&text).lines().count();
        if lines > LONGEST_FILE && !path.components().any(|part| part.as_os_str() == "tests") {
            findings.push(format!("{} has {lines} lines; at most {LONGEST_FILE}", path.display()));
        }
    }
    assert_none("files too long", &findings);
}

#[test]
fn every_source_file_says_what_it_is_for() {
    let mut findings = Vec::new();
    for folder in ["crates", "tests", "bench"] {
        for (path, text) in files(&root().join(folder), ".rs") {
            let first = text.lines().find(|line| !line.is_empty()).unwrap_or("");
            if !first.starts_with("//!") {
                findings.push(format!("{} begins with {first:?}; expected a //! line", path.display()));
            }
        }
    }
    assert_none("files without a module doc", &findings);
}

#[test]
fn tests_wait_on_conditions_and_none_is_left_out() {
    // Put together here, so that this file does not find itself.
    let banned = [
        format!("#[{}]", "ignore"),
        format!("#[{}", "ignore ="),
        format!("#[{}", "should_panic"),
        format!("{}!(", "todo"),
        format!("{}!(", "unimplemented"),
    ];
    let sleeps = [format!("thread::{}(", "sleep"), format!("tokio::time::{}(", "sleep")];
    let mut findings = Vec::new();
    for folder in ["crates", "tests", "bench"] {
        for (path, text) in files(&root().join(folder), ".rs") {
            let is_test_file = folder == "tests" || path.components().any(|part| part.as_os_str() == "tests");
            let code = without_tests(&text).lines().count();
            for (number, line) in text.lines().enumerate() {
                let in_tests = is_test_file || number >= code;
                let sleeping = in_tests && sleeps.iter().any(|word| line.contains(word.as_str()));
                if sleeping || banned.iter().any(|word| line.contains(word.as_str())) {
                    findings.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
                }
            }
        }
    }
    assert_none("stubs, tests left out, tests that sleep", &findings);
}

#[test]
fn the_project_stands_on_its_own() {
    let mut findings = Vec::new();
    let outside = format!("../{}", "shared");
    for ending in [".rs", ".toml", ".yaml", ".md", ".mjs", ".js", ".sh", "Makefile"] {
        for (path, text) in files(&root(), ending) {
            for (number, line) in text.lines().enumerate() {
                if line.contains(&outside) || line.contains(concat!("/wo", "rk/")) {
                    findings.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
                }
            }
        }
    }
    assert_none("files that need a folder outside the project", &findings);
}

#[test]
fn the_front_door_is_there() {
    for (file, wanted) in [
        ("README.md", "make run"),
        ("README.md", "make test"),
        (".ci/run", "make test"),
        ("LICENSE", "Apache License"),
    ] {
        let text = fs::read_to_string(root().join(file)).unwrap_or_default();
        assert!(text.contains(wanted), "{file} does not say {wanted:?}");
    }
}
