//! `orris hl7 get`: single values, for people and for scripts.

use std::fs;
use std::path::PathBuf;

use hl7::{FieldPath, Message, escape};
use serde_json::json;

use super::input::{self, Reading};
use super::paths::compile;
use super::words::{Book, Choice};
use crate::output::{Exit, Screen, count};

/// Print the values at paths, one per line
///
/// Empty values are left out; when nothing is left, the exit code is 1.
#[derive(Debug, clap::Args)]
pub(super) struct Get {
    /// Paths as in PID-3.1, PID-3[*].1, OBX[*]-5, PID.PatientName.FamilyName, OBX.count; then files
    #[arg(value_name = "PATH|FILE", required = true)]
    paths_and_files: Vec<String>,
    /// Replace escape sequences by what they stand for
    #[arg(long)]
    decoded: bool,
    #[command(flatten)]
    choice: Choice,
    #[command(flatten)]
    reading: Reading,
    /// Print one JSON array, with each value's file, message and path
    #[arg(long)]
    json: bool,
}

impl Get {
    pub(super) fn run(&self, screen: &Screen) -> Result<(), Exit> {
        let (paths, files) = apart(&self.paths_and_files, &self.choice.book()?)?;
        let messages = input::each(&files, &self.reading)?;
        let (mut lines, mut objects) = (String::new(), Vec::new());
        for (file, found) in &messages {
            for path in &paths {
                for value in self.values(path, &found.message) {
                    if self.json {
                        objects.push(json!({ "file": file, "message": found.number, "line": found.line,
                            "path": path.to_string(), "value": value }));
                    } else {
                        lines.push_str(&value);
                        lines.push('\n');
                    }
                }
            }
        }
        if lines.is_empty() && objects.is_empty() {
            let shown: Vec<_> = paths.iter().map(FieldPath::to_string).collect();
            let messages = count(messages.len(), "message");
            return Err(Exit::Failed(format!("no value at {} in {messages}", shown.join(", "))));
        }
        if self.json { screen.json(&objects.into()) } else { screen.print(&lines) }
    }
}

impl Get {
    fn values(&self, path: &FieldPath, message: &Message) -> Vec<String> {
        if let Some(count) = path.count(message) {
            return vec![count.to_string()];
        }
        let separators = message.separators();
        let values = path.values(message).into_iter().filter(|value| !value.is_empty());
        let shown = values.map(|value| match self.decoded {
            true => escape::decode(value, &separators).into_owned(),
            false => value.to_owned(),
        });
        shown.collect()
    }
}

/// Which arguments are paths, and which are files: what is there as a file is one.
fn apart(arguments: &[String], book: &Book) -> Result<(Vec<FieldPath>, Vec<PathBuf>), Exit> {
    let is_file = |text: &&String| *text == "-" || fs::metadata(text).is_ok_and(|found| !found.is_dir());
    let (files, paths): (Vec<_>, Vec<_>) = arguments.iter().partition(is_file);
    let paths = paths.into_iter().map(|text| match compile(text, book) {
        Err(Exit::Usage(error)) => Err(Exit::Usage(format!("{error}; nor is there a file of that name"))),
        other => other,
    });
    let paths = paths.collect::<Result<Vec<_>, _>>()?;
    if files.is_empty() || paths.is_empty() {
        let missing = if files.is_empty() { "file, or - for standard input" } else { "path as in PID-3.1" };
        return Err(Exit::Usage(format!("there is no {missing}; expected PATH... FILE...")));
    }
    Ok((paths, files.into_iter().map(PathBuf::from).collect()))
}
