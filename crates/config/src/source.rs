//! The texts that a production was read from, and places in them.

use std::ops::Range;
use std::path::Path;

/// One file as it was read.
#[derive(Debug, Clone)]
pub struct Source {
    /// The path as it is shown to people.
    pub name: String,
    /// The text, without a byte order mark.
    pub text: String,
    /// The byte at which each line begins.
    lines: Vec<usize>,
}

impl Source {
    fn new(name: String, text: String) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Source { name, text, lines }
    }

    /// Line and column of a byte, both from 1; columns count characters.
    pub fn line_column(&self, byte: usize) -> (usize, usize) {
        let byte = byte.min(self.text.len());
        let line = self.lines.partition_point(|start| *start <= byte) - 1;
        let before = self.text.get(self.lines[line]..byte).unwrap_or_default();
        (line + 1, before.chars().count() + 1)
    }

    /// The bytes of a line, counted from 0, without its line end.
    pub(crate) fn line_range(&self, line: usize) -> Range<usize> {
        let start = self.lines[line];
        let end = self.lines.get(line + 1).map_or(self.text.len(), |next| next - 1);
        start..self.text[start..end].trim_end_matches('\r').len() + start
    }
}

/// Every file of a production, in the order in which they were read.
#[derive(Debug, Clone, Default)]
pub struct Sources(Vec<Source>);

/// A file of [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct FileId(usize);

/// Bytes of one file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Place {
    pub(crate) file: FileId,
    pub(crate) range: Range<usize>,
}

impl Sources {
    /// The files, in the order in which they were read.
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.0.iter()
    }

    /// Adds a file under the name shown to people.
    pub(crate) fn add(&mut self, path: &Path, text: String) -> FileId {
        self.0.push(Source::new(path.display().to_string(), text));
        FileId(self.0.len() - 1)
    }

    pub(crate) fn get(&self, file: FileId) -> &Source {
        &self.0[file.0]
    }

    /// The first line of a place as file name, line, column and length in characters.
    pub(crate) fn locate(&self, place: &Place) -> (String, usize, usize, usize) {
        let source = self.get(place.file);
        let (line, column) = source.line_column(place.range.start);
        let line_end = source.line_range(line - 1).end;
        let end = place.range.end.min(line_end).max(place.range.start);
        let length = source.text.get(place.range.start..end).map_or(0, |text| text.chars().count());
        (source.name.clone(), line, column, length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters_from_one() {
        let mut sources = Sources::default();
        let file = sources.add(Path::new("a.yaml"), "a: ä b\r\nc: d\n".to_owned());
        let at = |range: Range<usize>| sources.locate(&Place { file, range });
        assert_eq!(at(3..7), ("a.yaml".to_owned(), 1, 4, 3));
        assert_eq!(at(9..13), ("a.yaml".to_owned(), 2, 1, 4));
        assert_eq!(at(6..13), ("a.yaml".to_owned(), 1, 6, 1), "a place over lines ends with its first");
        assert_eq!(at(14..14), ("a.yaml".to_owned(), 3, 1, 0), "the end of the file is a place");
    }
}
