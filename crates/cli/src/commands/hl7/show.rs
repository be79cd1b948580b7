//! `orris hl7 show`: a message as people read it.

use std::path::PathBuf;

use hl7::{Message, Segment};
use serde_json::{Value, json};

use super::draw::draw;
use super::input::{self, Found, Reading};
use super::parts::offset_of;
use super::paths::Everywhere;
use super::tree::{Branch, Grower, What};
use super::words::{Choice, Words};
use crate::output::{Exit, Screen, colour, count};

/// Show messages as trees: names, values, data types, and what codes mean
///
/// Places are those that the other tools take: "3[2].1" below "PID" is PID-3[2].1.
#[derive(Debug, clap::Args)]
pub(super) struct Show {
    /// Files, or - for standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    choice: Choice,
    /// Only this segment or field, as in PID, OBX[2], PID.PatientName; may be given several times
    #[arg(long = "path", value_name = "PATH")]
    paths: Vec<String>,
    /// Show empty fields and components, too
    #[arg(long)]
    empty: bool,
    /// Show values as they stand in the message, escape sequences and separators included
    #[arg(long)]
    raw: bool,
    #[command(flatten)]
    reading: Reading,
    /// Print one JSON array with an object for each message
    #[arg(long)]
    json: bool,
}

impl Show {
    pub(super) fn run(&self, screen: &Screen) -> Result<(), Exit> {
        let book = self.choice.book()?;
        let paths = Everywhere::compile(&self.paths, &book)?;
        let messages = input::each(&self.files, &self.reading)?;
        let (mut text, mut objects, mut shown) = (String::new(), Vec::new(), 0);
        for (file, found) in &messages {
            let words = book.words(&found.message);
            let branches = self.branches(&found.message, &words, &paths);
            shown += branches.len();
            if self.json {
                objects.push(object(file, found, &words, &branches));
                continue;
            }
            if !text.is_empty() {
                text.push('\n');
            }
            text += &heading(screen, file, found, &words);
            text += &draw(screen, &branches);
        }
        if shown == 0 {
            let (paths, messages) = (self.paths.join(", "), count(messages.len(), "message"));
            return Err(Exit::Failed(format!("nothing is at {paths} in {messages}")));
        }
        if self.json { screen.json(&objects.into()) } else { screen.print(&text) }
    }

    fn branches(&self, message: &Message, words: &Words, paths: &Everywhere) -> Vec<Branch> {
        let what = What { empty: self.empty, raw: self.raw };
        let grower = Grower { words, separators: message.separators(), what };
        let ranges = paths.ranges(message);
        let wanted = |segment: &Segment<'_>, field: usize| {
            if paths.is_empty() {
                return true;
            }
            let place = |part: &str| {
                let start = offset_of(message, part);
                start..start + part.len()
            };
            let whole = place(segment.raw());
            let all = ranges.iter().any(|range| range.start <= whole.start && whole.end <= range.end);
            all || segment.field(field).map(place).is_some_and(|part| {
                ranges.iter().any(|range| range.start <= part.end && part.start <= range.end)
            })
        };
        grower.grow(message, &wanted)
    }
}

/// Which message this is.
fn heading(screen: &Screen, file: &str, found: &Found, words: &Words) -> String {
    let message = &found.message;
    let number = match found.of {
        1 => String::new(),
        of => format!("message {} of {of}, ", found.number),
    };
    let segments = count(message.segments().len(), "segment");
    let about =
        format!("{number}line {}, {}, {segments}, {}", found.line, words.doc_type, message.charset().name());
    let mut text = format!("{}  {}\n", screen.paint(colour::BOLD, file), screen.paint(colour::DIM, &about));
    let charset = message.charset().doubt().map(|doubt| format!("charset: {doubt}"));
    for doubt in charset.into_iter().chain(words.doubt()) {
        text += &format!("{}\n", screen.paint(colour::WARNING, &doubt));
    }
    text
}

fn object(file: &str, found: &Found, words: &Words, branches: &[Branch]) -> Value {
    let segments = branches.iter().map(|branch| {
        let rows = branch.rows.iter().map(|row| {
            let mut object = json!({ "path": format!("{}-{}", branch.label, row.place), "name": row.word.name,
                "type": row.word.datatype, "value": row.value });
            if !row.word.table.is_empty() {
                object["table"] = json!(row.word.table);
            }
            if let Some(meaning) = &row.meaning {
                object["meaning"] = json!(meaning);
            }
            object
        });
        let mut object = json!({ "segment": branch.label, "name": branch.name, "groups": branch.groups, "in_structure": !branch.stray,
            "fields": rows.collect::<Vec<_>>() });
        if let Some(text) = &branch.text {
            object["text"] = json!(text);
        }
        object
    });
    json!({ "file": file, "message": found.number, "line": found.line, "doc_type": words.doc_type,
        "charset": found.message.charset().name(), "segments": segments.collect::<Vec<_>>() })
}
