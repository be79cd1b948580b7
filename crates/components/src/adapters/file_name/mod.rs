//! File names made of codes, as in `%f_%Q`, with fields of the message in braces, as in `{MSH-10}`.
//!
//! A template is read once, when the host is built, and every fault in it is found then. What it is
//! rendered with comes from outside (file names, message fields), so each value loses whatever could
//! lead out of the folder, and the whole name is made safe once more: see [`safe`].

mod codes;
mod render;
pub(crate) mod safe;

use std::ops::Range;
use std::str::FromStr;

use codes::{Piece, TimeZoneName};
use model::Checks;
pub(crate) use render::Facts;

/// A file name's template, read and found good.
#[derive(Debug, Clone)]
pub(crate) struct NameTemplate {
    pieces: Vec<Piece>,
    zone: TimeZoneName,
}

/// What is wrong with a template, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct NameError {
    /// The bytes of the template.
    pub(crate) range: Range<usize>,
    /// What was found and what was wanted.
    pub(crate) message: String,
    /// The next step.
    pub(crate) help: Option<String>,
}

impl NameError {
    fn new(range: Range<usize>, message: impl Into<String>) -> Self {
        NameError { range, message: message.into(), help: None }
    }

    /// Reports the fault at its place in that setting.
    pub(crate) fn report(self, setting: &str, checks: &mut Checks) {
        checks.error_at(setting, self.range, self.message);
        self.help.into_iter().for_each(|help| checks.help(help));
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl NameTemplate {
    /// Whether the name has parts that only a readable message can fill.
    pub(crate) fn needs_message(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::Field(_)))
    }

    /// Whether the name has parts that are of one message, and not of a whole file.
    pub(crate) fn is_of_message(&self) -> bool {
        use Piece::{DocType, Field, Id, Session};
        self.pieces.iter().any(|piece| matches!(piece, Field(_) | Id | Session | DocType))
    }
}

impl FromStr for NameTemplate {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let mut template = NameTemplate { pieces: Vec::new(), zone: TimeZoneName::Server };
        let mut at = 0;
        while let Some(next) = text[at..].chars().next() {
            let (piece, length) = match next {
                '%' => code(text, at, &mut template.zone)?,
                '{' => braces(text, at)?,
                _ => literal(text, at)?,
            };
            template.pieces.extend(piece);
            at += length;
        }
        match template.pieces.is_empty() {
            true => {
                Err(NameError::new(0..text.len(), "file name is empty; expected at least one code or letter")
                    .help("the usual name is \"%f_%Q\""))
            }
            false => Ok(template),
        }
    }
}

/// A run of ordinary letters.
fn literal(text: &str, at: usize) -> Result<(Option<Piece>, usize), NameError> {
    let rest = &text[at..];
    let length = rest.find(['%', '{']).unwrap_or(rest.len());
    if let Some((bad, letter)) = rest[..length]
        .char_indices()
        .find(|(_, letter)| *letter == '/' || letter.is_control() || *letter == '}')
    {
        let range = at + bad..at + bad + letter.len_utf8();
        return Err(match letter {
            '/' => NameError::new(range, "file name has a \"/\"; expected a name without a folder")
                .help("put the folder into file_path"),
            '}' => NameError::new(range, "file name has a \"}\" without a \"{\" before it"),
            _ => NameError::new(range, "file name has a control character"),
        });
    }
    Ok((Some(Piece::Literal(rest[..length].to_owned())), length))
}

/// A code, with its `#`, `$` and argument.
fn code(text: &str, at: usize, zone: &mut TimeZoneName) -> Result<(Option<Piece>, usize), NameError> {
    let rest = &text[at + 1..];
    let mark = rest.chars().next().filter(|letter| matches!(letter, '#' | '$'));
    let after_mark = mark.map_or(0, char::len_utf8);
    let Some(letter) = rest[after_mark..].chars().next() else {
        return Err(NameError::new(at..text.len(), "file name ends within a code")
            .help("write \"%%\" for a percent sign"));
    };
    let mut length = 1 + after_mark + letter.len_utf8();
    let argument = match text[at + length..].strip_prefix('(') {
        Some(inner) if codes::takes_argument(letter) => {
            let end = inner.find(')').ok_or_else(|| {
                NameError::new(at..text.len(), format!("code \"%{letter}(\" has no closing \")\""))
            })?;
            length += end + 2;
            Some(&inner[..end])
        }
        _ => None,
    };
    let wrong = |message: String| NameError::new(at..at + length, message).help(codes::HELP);
    if letter == 'K' {
        if at > 0 {
            return Err(wrong("code \"%K\" stands in the middle; it counts only at the beginning".into()));
        }
        *zone = TimeZoneName::read(argument.unwrap_or("Server")).map_err(wrong)?;
        return Ok((None, length));
    }
    Ok((Some(codes::piece(mark, letter, argument).map_err(wrong)?), length))
}

/// A field of the message, or one of the engine's own numbers.
fn braces(text: &str, at: usize) -> Result<(Option<Piece>, usize), NameError> {
    let Some(end) = text[at..].find('}') else {
        return Err(NameError::new(at..text.len(), "file name has a \"{\" without a \"}\""));
    };
    let inner = &text[at + 1..at + end];
    let piece = match inner {
        "id" => Piece::Id,
        "session" => Piece::Session,
        "doc_type" => Piece::DocType,
        path => Piece::Field(path.parse().map_err(|error: hl7::PathError| NameError {
            range: at + 1 + error.range.start..at + 1 + error.range.end,
            message: error.message,
            help: error.help,
        })?),
    };
    Ok((Some(piece), end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> NameError {
        text.parse::<NameTemplate>().expect_err(text)
    }

    #[test]
    fn a_fault_is_found_at_its_place() {
        for (text, range, says) in [
            ("", 0..0, "empty"),
            ("out/%f", 3..4, "\"/\""),
            ("%f%", 2..3, "ends within a code"),
            ("%f%#", 2..4, "ends within a code"),
            ("a%e", 1..3, "\"%e\""),
            ("a%$Y", 1..4, "\"%$Y\""),
            ("%q(9)", 0..5, "\"9\""),
            ("%q(1", 0..4, "closing"),
            ("%f%K(UTC)", 2..9, "beginning"),
            ("%K(moon)", 0..8, "\"moon\""),
            ("a{MSH-10", 1..8, "without"),
            ("a}", 1..2, "without"),
            ("a\nb", 1..2, "control"),
        ] {
            let found = error(text);
            assert_eq!(found.range, range, "{text:?}: {found}");
            assert!(found.message.contains(says), "{text:?}: {found}");
        }
    }

    #[test]
    fn a_wrong_path_is_found_within_the_braces() {
        let found = error("%f_{MSH10-}.hl7");
        assert!(found.range.start >= 4 && found.range.end <= 10, "{found:?}");
        assert!(!found.message.is_empty());
    }

    #[test]
    fn only_fields_need_the_message() {
        assert!("{MSH-10}".parse::<NameTemplate>().unwrap().needs_message());
        assert!(!"%f_%Q_{id}".parse::<NameTemplate>().unwrap().needs_message());
    }
}
