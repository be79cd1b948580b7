//! Characters set one by one, each in its colour: what text pictures are drawn on.

use std::ops::Range;

use anstyle::Style;

/// A picture of characters that grows as it is drawn on, line by line.
#[derive(Debug)]
pub(crate) struct Canvas {
    lines: Vec<Vec<(char, Style)>>,
    line: usize,
}

impl Default for Canvas {
    fn default() -> Self {
        Canvas { lines: vec![Vec::new()], line: 0 }
    }
}

impl Canvas {
    /// Begins a new line at the bottom.
    pub(crate) fn next_line(&mut self) {
        self.lines.push(Vec::new());
        self.line = self.lines.len() - 1;
    }

    /// Goes to a line, which is made when it is not there yet.
    pub(crate) fn go_to(&mut self, line: usize) {
        if line >= self.lines.len() {
            self.lines.resize(line + 1, Vec::new());
        }
        self.line = line;
    }

    /// Sets one character of the line.
    pub(crate) fn set(&mut self, column: usize, character: char, style: Style) {
        let line = &mut self.lines[self.line];
        if line.len() <= column {
            line.resize(column + 1, (' ', Style::new()));
        }
        line[column] = (character, style);
    }

    /// The character at a place; a space where nothing was drawn.
    pub(crate) fn get(&self, column: usize) -> char {
        self.lines[self.line].get(column).map_or(' ', |(character, _)| *character)
    }

    /// Writes text from `column` on.
    pub(crate) fn put(&mut self, column: usize, text: &str, style: Style) {
        for (i, character) in text.chars().enumerate() {
            self.set(column + i, character, style);
        }
    }

    /// Sets all columns of a range to one character.
    pub(crate) fn fill(&mut self, columns: Range<usize>, character: char, style: Style) {
        for column in columns {
            self.set(column, character, style);
        }
    }

    /// Empties a range of columns, but for one.
    pub(crate) fn clear(&mut self, columns: Range<usize>, but: usize) {
        for column in columns.filter(|column| *column != but) {
            self.set(column, ' ', Style::new());
        }
    }

    /// All lines, without spaces at their ends, in colour or without.
    pub(crate) fn render(&self, colour: bool) -> String {
        let mut text = String::new();
        for line in &self.lines {
            let length = line.iter().rposition(|(character, _)| *character != ' ').map_or(0, |last| last + 1);
            render_line(&line[..length], colour, &mut text);
            text.push('\n');
        }
        text
    }
}

/// Neighbours of one colour share its escape sequences.
fn render_line(line: &[(char, Style)], colour: bool, text: &mut String) {
    for run in line.chunk_by(|one, other| one.1 == other.1) {
        let characters = run.iter().map(|(character, _)| *character);
        match run.first() {
            Some((_, style)) if colour && *style != Style::new() => {
                *text += &format!("{style}{}{style:#}", characters.collect::<String>());
            }
            _ => text.extend(characters),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_last_is_seen() {
        let mut canvas = Canvas::default();
        canvas.fill(2..8, '-', Style::new());
        canvas.put(4, "ab", Style::new());
        canvas.go_to(2);
        canvas.set(0, '|', Style::new());
        canvas.set(5, ' ', Style::new());
        assert_eq!(canvas.render(true), "  --ab--\n\n|\n");
        assert_eq!((canvas.get(0), canvas.get(99)), ('|', ' '));
    }

    #[test]
    fn one_colour_is_switched_on_once() {
        let mut canvas = Canvas::default();
        canvas.put(0, "ab", Style::new().bold());
        canvas.put(2, "c", Style::new());
        assert_eq!(canvas.render(true), "\u{1b}[1mab\u{1b}[0mc\n");
        assert_eq!(canvas.render(false), "abc\n");
    }
}
