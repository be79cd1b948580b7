//! `orris hl7 show`: a message as people read it.

use std::path::PathBuf;

use hl7::{Message, Segment};
use serde_json::{Value, json};

use super::input::{self, Found, Reading};
use super::parts::offset_of;
use super::paths::Everywhere;
use super::tree::{Branch, Grower, NULL, Row, What};
use super::words::{Choice, Words};
use crate::output::{Exit, Screen, colour, count, shortened};

/// The longest name that is not cut.
const LONGEST_NAME: usize = 36;

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

/// The name below that of what it is a part of; long ones are cut, so that values stay in sight.
fn name(row: &Row) -> String {
    format!("{}{}", indent(row.depth), shortened(&row.word.name, LONGEST_NAME, "…"))
}

/// Two blanks for each level.
fn indent(level: usize) -> String {
    "  ".repeat(level)
}

/// The segments below the headings of their groups, in columns that are the same for all.
fn draw(screen: &Screen, branches: &[Branch]) -> String {
    let width = |of: &dyn Fn(&Branch, &Row) -> usize| {
        let rows = branches.iter().flat_map(|branch| branch.rows.iter().map(move |row| (branch, row)));
        rows.map(|(branch, row)| of(branch, row)).max().unwrap_or(0)
    };
    let columns = Columns {
        place: width(&|branch, row| 2 * branch.groups.len() + 2 + row.place.chars().count()),
        name: width(&|_, row| name(row).chars().count()),
        datatype: width(&|_, row| row.word.datatype.chars().count()),
    };
    let (mut text, mut open): (String, &[String]) = (String::new(), &[]);
    for branch in branches {
        let kept = open.iter().zip(&branch.groups).take_while(|(old, new)| old == new).count();
        for (level, group) in branch.groups.iter().enumerate().skip(kept) {
            text += &format!("{}{}\n", indent(level), screen.paint(colour::RESPONSE.bold(), group));
        }
        open = &branch.groups;
        let level = branch.groups.len();
        let label = screen.paint(colour::BOLD, &branch.label);
        text += format!("{}{label}  {}", indent(level), branch.name).trim_end();
        if branch.stray && branch.text.is_none() && !branch.label.starts_with('Z') {
            text += &screen.paint(colour::WARNING, "  (not in the structure)");
        }
        text.push('\n');
        if let Some(line) = &branch.text {
            let line = screen.paint(colour::ERROR, &visible(line));
            text += &format!("{}{line}\n", indent(level + 1));
        }
        for row in &branch.rows {
            text += &columns.line(screen, level, row);
        }
    }
    text
}

/// How wide the columns are.
struct Columns {
    place: usize,
    name: usize,
    datatype: usize,
}

impl Columns {
    fn line(&self, screen: &Screen, level: usize, row: &Row) -> String {
        let padded = |text: String, width: usize| {
            let missing = width.saturating_sub(text.chars().count());
            (text, " ".repeat(missing))
        };
        let (place, space) = padded(format!("{}{}", indent(level + 1), row.place), self.place);
        let mut line = screen.paint(colour::PLACE, &place) + &space + "  ";
        let (name, space) = padded(name(row), self.name);
        line += &(name + &space);
        let (datatype, space) = padded(row.word.datatype.clone(), self.datatype);
        line += &format!("  {}{space}  ", screen.paint(colour::DIM, &datatype));
        let before = self.place + self.name + self.datatype + 6;
        line += &self.value(screen, row, before);
        line.split('\n').fold(String::new(), |text, line| text + line.trim_end() + "\n")
    }

    /// The value, on as many lines as the terminal asks for.
    fn value(&self, screen: &Screen, row: &Row, before: usize) -> String {
        let Some(value) = &row.value else { return String::new() };
        if value == NULL {
            return format!(
                "{}  {}",
                screen.paint(colour::WARNING, NULL),
                screen.paint(colour::DIM, "null: to be deleted")
            );
        }
        let width = screen.width.map_or(usize::MAX, |width| width.saturating_sub(before).max(20));
        let mut lines = Vec::new();
        for line in value.split('\n') {
            let chars: Vec<char> = visible(line).chars().collect();
            let chunks = chars.chunks(width).map(|chunk| chunk.iter().collect::<String>());
            lines.extend(chunks);
            if chars.is_empty() {
                lines.push(String::new());
            }
        }
        let next = format!("\n{}", " ".repeat(before));
        let mut text = lines.join(&next);
        if let Some(meaning) = &row.meaning {
            text += &format!("  {}", screen.paint(colour::MEANING, meaning));
        }
        text
    }
}

/// Text that does nothing to a terminal: control characters become their pictures.
pub(super) fn visible(text: &str) -> String {
    let picture = |char: char| match char {
        '\u{7f}' => '\u{2421}',
        '\0'..='\u{1f}' => char::from_u32(0x2400 + char as u32).unwrap_or(char),
        '\u{80}'..='\u{9f}' => '\u{fffd}',
        _ => char,
    };
    text.chars().map(picture).collect()
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
