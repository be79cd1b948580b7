//! What is wrong with an expression, and where.

use std::ops::Range;

/// One thing that is wrong with, or doubtful in, the text of an expression or template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExprError {
    /// The bytes of the text that it is about; empty where something is missing.
    pub range: Range<usize>,
    /// What was found and what was wanted.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl ExprError {
    pub(crate) fn new(range: Range<usize>, message: impl Into<String>) -> Self {
        ExprError { range, message: message.into(), help: None }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same error in a text that this one's text is a part of, `offset` bytes in.
    pub(crate) fn shifted(mut self, offset: usize) -> Self {
        self.range = self.range.start + offset..self.range.end + offset;
        self
    }

    /// The line of `text` that it is about, with the place marked below, for a terminal.
    pub fn caret(&self, text: &str) -> String {
        let start = floor(text, self.range.start);
        let end = floor(text, self.range.end).max(start);
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let before = text[line_start..start].chars().count();
        let marked = text[start..end.min(line_end).max(start)].chars().count().max(1);
        format!("{}\n{}{}", &text[line_start..line_end], " ".repeat(before), "^".repeat(marked))
    }
}

/// The nearest place at or before `at` where `text` may be cut.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

impl std::fmt::Display for ExprError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)?;
        match &self.help {
            Some(help) => write!(f, "; {help}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ExprError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_marked_below_its_line() {
        let error = ExprError::new(9..10, "wrong");
        assert_eq!(error.caret("a = \"ü\" ==\nb"), "a = \"ü\" ==\n        ^");
        assert_eq!(ExprError::new(1..1, "short").caret("a"), "a\n ^");
        assert_eq!(ExprError::new(7..99, "past the end").caret("abc"), "abc\n   ^");
    }
}
