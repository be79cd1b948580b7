//! Patterns: regular expressions, and SQL's `like`. Written out in the expression and compiled with it.

use regex::{Regex, RegexBuilder};

use crate::ast::Literal;

/// How large a pattern may become when it is compiled; most need a hundredth of it.
const MOST_BYTES: usize = 1 << 20;

/// What kind of pattern it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PatternKind {
    /// A regular expression that the whole text has to fit.
    Matches,
    /// `%` for any characters, `_` for one, `\` before one that means itself.
    Like,
}

impl PatternKind {
    pub(crate) fn sign(self) -> &'static str {
        match self {
            PatternKind::Matches => "matches",
            PatternKind::Like => "like",
        }
    }
}

/// A pattern, compiled.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    pub(crate) kind: PatternKind,
    pub(crate) text: String,
    regex: Regex,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        (self.kind, &self.text) == (other.kind, &other.text)
    }
}

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub(crate) fn new(kind: PatternKind, text: &str) -> Result<Pattern, String> {
        let inside = match kind {
            PatternKind::Matches => text.to_owned(),
            PatternKind::Like => like(text),
        };
        // Read alone first, so that `a)(b` is no pattern.
        RegexBuilder::new(&inside).size_limit(MOST_BYTES).build().map_err(|error| said(&error))?;
        let whole = format!(r"\A(?:{inside})\z");
        let mut builder = RegexBuilder::new(&whole);
        builder.size_limit(MOST_BYTES).dot_matches_new_line(kind == PatternKind::Like);
        let regex = builder.build().map_err(|error| said(&error))?;
        Ok(Pattern { kind, text: text.to_owned(), regex })
    }

    pub(crate) fn fits(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    pub(crate) fn literal(&self) -> Literal {
        Literal::Text(self.text.clone())
    }
}

fn like(text: &str) -> String {
    let mut pattern = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '%' => pattern.push_str(".*"),
            '_' => pattern.push('.'),
            '\\' => {
                pattern.push_str(&regex::escape(characters.next().unwrap_or('\\').encode_utf8(&mut [0; 4])))
            }
            other => pattern.push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
        }
    }
    pattern
}

/// The last line of what the regex crate says, which is what is wrong; the others draw the place.
fn said(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "the pattern is too large".to_owned(),
        other => {
            let text = other.to_string();
            text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
        }
    }
}
