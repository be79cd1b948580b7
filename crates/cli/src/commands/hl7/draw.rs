//! The tree of a message on a screen: columns that are the same for all its segments, and colours that
//! mean something.

use super::tree::{Branch, NULL, Row};
use crate::output::{Screen, colour, shortened};

/// The longest name that is not cut.
const LONGEST_NAME: usize = 36;

/// The name below that of what it is a part of; long ones are cut, so that values stay in sight.
fn name(row: &Row) -> String {
    format!("{}{}", indent(row.depth), shortened(&row.word.name, LONGEST_NAME, "…"))
}

/// Two blanks for each level.
fn indent(level: usize) -> String {
    "  ".repeat(level)
}

/// The segments below the headings of their groups, in columns that are the same for all.
pub(super) fn draw(screen: &Screen, branches: &[Branch]) -> String {
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
            text += &format!("{}{}\n", indent(level), screen.paint(colour::PLACE.bold(), group));
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
