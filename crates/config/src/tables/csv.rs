//! CSV files (RFC 4180), with the place of what is wrong in them.

use std::collections::HashMap;
use std::ops::Range;

/// How many mistakes of one file are told: after these it is most likely another file.
const MOST_MISTAKES: usize = 20;

/// Which columns are read.
pub(super) struct Columns<'a> {
    pub(super) key: Option<&'a str>,
    pub(super) value: Option<&'a str>,
    pub(super) header: bool,
}

/// What is wrong, and where.
#[derive(Debug)]
pub(super) struct Mistake {
    pub(super) range: Range<usize>,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

/// What a file holds.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) entries: HashMap<String, String>,
    pub(super) mistakes: Vec<Mistake>,
}

impl Found {
    fn wrong(&mut self, range: Range<usize>, message: impl Into<String>, help: &str) {
        let help = (!help.is_empty()).then(|| help.to_owned());
        self.mistakes.push(Mistake { range, message: message.into(), help });
    }
}

/// One value of a line, with the bytes it stands at.
#[derive(Debug)]
struct Cell {
    text: String,
    range: Range<usize>,
}

/// Reads the entries of `text`.
pub(super) fn read(text: &str, separator: char, columns: &Columns<'_>, most: usize) -> Found {
    let mut found = Found::default();
    let mut lines = Lines { text, at: 0, separator };
    let Some((key, value)) = places(&mut lines, columns, &mut found) else { return found };
    let mut lines_of: HashMap<String, usize> = HashMap::new();
    let mut number = usize::from(columns.header);
    while let Some(line) = lines.next() {
        number += 1;
        if found.mistakes.len() >= MOST_MISTAKES {
            break;
        }
        let cells = match line {
            Ok(cells) => cells,
            Err(range) => {
                found.wrong(range, "this quote is never closed", "double a quote within quotes");
                break;
            }
        };
        let range =
            cells.first().map_or(0, |cell| cell.range.start)..cells.last().map_or(0, |cell| cell.range.end);
        if cells.iter().all(|cell| cell.text.trim().is_empty()) {
            continue;
        }
        let (Some(key), Some(value)) = (cells.get(key), cells.get(value)) else {
            let wanted = key.max(value) + 1;
            let message = format!("the line has {} columns; expected at least {wanted}", cells.len());
            found.wrong(range, message, "");
            continue;
        };
        if let Some(known) = found.entries.get(&key.text) {
            if *known != value.text {
                let before = lines_of.get(&key.text).copied().unwrap_or_default();
                let message =
                    format!("key \"{}\" stands for something else already (entry {before})", key.text);
                found.wrong(key.range.clone(), message, "take one of the lines away");
            }
            continue;
        }
        if found.entries.len() >= most {
            found.wrong(
                range,
                format!("the table has more than {most} entries"),
                "look them up in a database",
            );
            break;
        }
        lines_of.insert(key.text.clone(), number);
        found.entries.insert(key.text.clone(), value.text.clone());
    }
    found
}

/// The columns of the keys and the values, counted from 0.
fn places(lines: &mut Lines<'_>, columns: &Columns<'_>, found: &mut Found) -> Option<(usize, usize)> {
    if !columns.header {
        let number = |name: Option<&str>, usual: usize| match name {
            None => Some(usual),
            Some(name) => name.parse::<usize>().ok().and_then(|number| number.checked_sub(1)),
        };
        let places = number(columns.key, 0).zip(number(columns.value, 1));
        if places.is_none() {
            let help = "columns are counted from 1; with header: true they have names";
            found.wrong(0..0, "without a header, key and value are numbers of columns", help);
        }
        return places;
    }
    let Some(Ok(names)) = lines.next() else {
        found.wrong(0..0, "the file is empty; expected a line with the names of the columns", "");
        return None;
    };
    let range =
        names.first().map_or(0, |cell| cell.range.start)..names.last().map_or(0, |cell| cell.range.end);
    let mut place = |name: Option<&str>, usual: usize| match name {
        None if usual < names.len() => Some(usual),
        None => {
            let help = "say which column holds what by key and value, or the separator";
            found.wrong(range.clone(), format!("found {} column; expected two", names.len()), help);
            None
        }
        Some(name) => {
            let place = names.iter().position(|cell| cell.text.trim() == name);
            if place.is_none() {
                let known: Vec<&str> = names.iter().map(|cell| cell.text.trim()).take(20).collect();
                let message = format!("column \"{name}\" is not here; found {}", known.join(", "));
                found.wrong(range.clone(), message, "");
            }
            place
        }
    };
    let (key, value) = (place(columns.key, 0), place(columns.value, 1));
    key.zip(value)
}

/// The lines of a file; an error is a quote that is never closed.
struct Lines<'a> {
    text: &'a str,
    at: usize,
    separator: char,
}

impl Lines<'_> {
    fn next(&mut self) -> Option<Result<Vec<Cell>, Range<usize>>> {
        if self.at >= self.text.len() {
            return None;
        }
        let mut cells = Vec::new();
        loop {
            let start = self.at;
            let cell = match self.text[start..].starts_with('"') {
                true => match self.quoted() {
                    Some(text) => text,
                    None => return Some(Err(start..start + 1)),
                },
                false => self.plain(),
            };
            cells.push(Cell { text: cell, range: start..self.at });
            if self.text[self.at..].starts_with(self.separator) {
                self.at += self.separator.len_utf8();
                continue;
            }
            let rest = &self.text[self.at..];
            self.at += if rest.starts_with("\r\n") { 2 } else { usize::from(!rest.is_empty()) };
            return Some(Ok(cells));
        }
    }

    fn plain(&mut self) -> String {
        let rest = &self.text[self.at..];
        let end = rest.find([self.separator, '\n', '\r']).unwrap_or(rest.len());
        self.at += end;
        rest[..end].trim().to_owned()
    }

    fn quoted(&mut self) -> Option<String> {
        let mut text = String::new();
        let mut at = self.at + 1;
        loop {
            let end = at + self.text[at..].find('"')?;
            text.push_str(&self.text[at..end]);
            at = end + 1;
            if !self.text[at..].starts_with('"') {
                self.at = at;
                // What stands behind the closing quote belongs to the value, as spreadsheets read it.
                text.push_str(&self.plain());
                return Some(text);
            }
            text.push('"');
            at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Columns, read};

    fn entries(
        text: &str,
        separator: char,
        key: Option<&str>,
        value: Option<&str>,
        header: bool,
    ) -> Vec<String> {
        let found = read(text, separator, &Columns { key, value, header }, 5);
        let mut lines: Vec<_> = found.entries.iter().map(|(key, value)| format!("{key}={value}")).collect();
        lines.sort();
        lines.extend(found.mistakes.iter().map(|it| format!("{}: {}", &text[it.range.clone()], it.message)));
        lines
    }

    #[test]
    fn columns_are_found_by_name_or_number() {
        let text = "code,name,beds\r\nA,Surgery,3\r\n\r\n\"B\",\"Ear, \"\"Nose\"\"\nThroat\",4";
        assert_eq!(entries(text, ',', None, None, true), ["A=Surgery", "B=Ear, \"Nose\"\nThroat"]);
        assert_eq!(entries(text, ',', Some("beds"), Some("code"), true), ["3=A", "4=B"]);
        assert_eq!(entries("A;1\nB;2\n", ';', Some("2"), Some("1"), false), ["1=A", "2=B"]);
    }

    #[test]
    fn mistakes_have_their_place() {
        let wrong = |text: &str, key: Option<&str>| entries(text, ',', key, None, true);
        assert_eq!(wrong("a,b\nx\n", None), ["x: the line has 1 columns; expected at least 2"]);
        assert_eq!(
            wrong("a,b\nx,1\nx,1\nx,2\n", None),
            ["x=1", "x: key \"x\" stands for something else already (entry 2)"]
        );
        assert_eq!(wrong("a,b\n\"x,1\n", None), ["\": this quote is never closed"]);
        assert_eq!(wrong("a,b\n", Some("c")), ["a,b: column \"c\" is not here; found a, b"]);
        assert_eq!(wrong("", None), [": the file is empty; expected a line with the names of the columns"]);
        let many = "a,b\n1,1\n2,2\n3,3\n4,4\n5,5\n6,6\n";
        assert_eq!(wrong(many, None).last().unwrap(), "6,6: the table has more than 5 entries");
        let short = entries("x,y\n", ',', Some("a"), None, false);
        assert_eq!(short, [": without a header, key and value are numbers of columns"]);
    }
}
