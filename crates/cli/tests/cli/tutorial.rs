//! The tutorial leads to the production that it promises: its blocks are written where it says, step by
//! step, as a reader would, and every step passes its check.

use std::fs;
use std::path::{Path, PathBuf};

use crate::engine::{orris, text};

pub(crate) fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Where a block belongs, as the line before it says.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// It is the file.
    Whole,
    /// At its end.
    End,
    /// Before the rule that is for all others.
    AboveOtherwise,
    /// Behind the first line `settings:`.
    UnderSettings,
}

/// The place and the file that the line before a block names: the words before the file say where.
fn place(line: &str) -> Option<(Place, &str)> {
    let line = line.strip_suffix(':')?;
    let named = |line: &str| line.rfind('`').is_some();
    let (line, place) = if let Some(line) = line.strip_suffix(", above `otherwise`") {
        (line, Place::AboveOtherwise)
    } else if let Some(line) = line.strip_suffix(", under `settings`") {
        (line, Place::UnderSettings)
    } else {
        (line, Place::Whole)
    };
    let (before, file) = line.strip_suffix('`').filter(|line| named(line))?.rsplit_once('`')?;
    let is_end = before.ends_with("At the end of ");
    Some((if is_end { Place::End } else { place }, file))
}

fn write(folder: &Path, place: Place, file: &str, block: &str) {
    let path = folder.join(file);
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    let before = fs::read_to_string(&path).unwrap_or_default();
    let insert = |at: usize| format!("{}{block}{}", &before[..at], &before[at..]);
    let find = |text: &str| before.find(text).unwrap_or_else(|| panic!("{file} has no {text:?}"));
    let after = match place {
        Place::Whole => block.to_owned(),
        Place::End => format!("{before}{block}"),
        Place::AboveOtherwise => insert(find("        - otherwise")),
        Place::UnderSettings => insert(find("    settings:\n") + "    settings:\n".len()),
    };
    fs::write(path, after).expect("written");
}

/// Does what a step says; how many files it wrote.
pub(crate) fn follow(step: &str, folder: &Path) -> usize {
    let (mut line, mut lines, mut written) = ("", step.lines(), 0);
    while let Some(next) = lines.next() {
        if matches!(next, "```yaml" | "```csv") {
            let block: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
            let (place, file) = place(line).unwrap_or_else(|| panic!("\"{line}\" names no file"));
            write(folder, place, file, &(block.join("\n") + "\n"));
            written += 1;
        }
        if !next.is_empty() {
            line = next;
        }
    }
    written
}

/// The ten steps, each with its title.
pub(crate) fn steps(page: &str) -> Vec<&str> {
    let numbered = |step: &&str| step.starts_with(|it: char| it.is_ascii_digit());
    let steps: Vec<_> = page.split("\n## ").filter(numbered).collect();
    assert_eq!(steps.len(), 10);
    steps
}

/// What is there already when a reader begins.
pub(crate) fn take_messages(folder: &Path) {
    fs::create_dir(folder.join("messages")).expect("made");
    for message in fs::read_dir(project().join("productions/hospital/messages")).expect("messages") {
        let message = message.expect("a message");
        fs::copy(message.path(), folder.join("messages").join(message.file_name())).expect("copied");
    }
}

fn run(folder: &Path, arguments: &[&str]) -> String {
    let production = folder.join("production.yaml");
    let mut all = vec![arguments[0], production.to_str().expect("a readable path")];
    all.extend(&arguments[1..]);
    let output = orris(&all);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout) + &text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn who_follows_the_tutorial_has_the_hospital() {
    let page = fs::read_to_string(project().join("docs/guide/tutorial.md")).expect("the tutorial");
    let hospital = project().join("productions/hospital");
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    take_messages(folder);
    for step in steps(&page) {
        let title = step.lines().next().unwrap_or_default();
        let written = follow(step, folder);
        assert!(written > 0 || title.starts_with("9."), "{title}");
        let clean = serde_json::json!({ "ok": true, "findings": [] });
        let checked: serde_json::Value =
            serde_json::from_str(&run(folder, &["check", "--format", "json"])).expect("JSON");
        assert_eq!(checked, clean, "{title}");
    }
    assert_eq!(run(folder, &["check", "--print"]), run(&hospital, &["check", "--print"]));
    assert!(run(folder, &["test"]).contains("2 cases"));
}
