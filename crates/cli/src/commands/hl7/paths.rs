//! Paths as they are written on the command line: by numbers, names or groups.

use std::ops::Range;

use hl7::schema::compile_path;
use hl7::{FieldPath, Message, Path};

use super::parts::offset_of;
use super::words::Book;
use crate::output::Exit;

/// Compiles a path.
pub(super) fn compile(text: &str, book: &Book) -> Result<FieldPath, Exit> {
    compile_path(text, &book.context()).map_err(|error| Exit::Usage(error.to_string()))
}

/// Paths that mean every segment and repetition where they choose none.
pub(super) struct Everywhere(Vec<FieldPath>);

impl Everywhere {
    pub(super) fn compile(texts: &[String], book: &Book) -> Result<Everywhere, Exit> {
        let one = |text: &String| {
            let path = compile(text, book)?;
            if path.is_count() {
                return Err(Exit::Usage(format!(
                    "path \"{text}\" counts; expected a segment or field as in PID-3"
                )));
            }
            match path.plain() {
                // What was a path is one with `[*]` in it.
                Some(plain) => each(&plain.to_string())
                    .parse::<Path>()
                    .map(FieldPath::from)
                    .map_err(|error| Exit::Usage(error.to_string())),
                None => Ok(path),
            }
        };
        texts.iter().map(one).collect::<Result<_, _>>().map(Everywhere)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where in the message's text they lead.
    pub(super) fn ranges(&self, message: &Message) -> Vec<Range<usize>> {
        let range = |part: &str| {
            let start = offset_of(message, part);
            start..start + part.len()
        };
        self.0.iter().flat_map(|path| path.values(message)).map(range).collect()
    }
}

/// `OBX-5` as `OBX[*]-5[*]`.
fn each(path: &str) -> String {
    let (segment, rest) = path.split_at(
        path.find('-')
            .filter(|at| !path[..*at].contains('['))
            .unwrap_or_else(|| path.find("]-").map_or(path.len(), |at| at + 1)),
    );
    let starred = |text: &str| {
        if text.is_empty() || text.contains('[') { text.to_owned() } else { format!("{text}[*]") }
    };
    let (field, below) = rest.split_at(rest.find('.').unwrap_or(rest.len()));
    // A whole field is one value with all its repetitions.
    let field = if below.is_empty() { field.to_owned() } else { starred(field) };
    starred(segment) + &field + below
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_chooses_none_means_each() {
        for (path, expected) in [
            ("PID", "PID[*]"),
            ("OBX[2]", "OBX[2]"),
            ("OBX[-1]-5", "OBX[-1]-5"),
            ("OBX-5", "OBX[*]-5"),
            ("PID-3.1", "PID[*]-3[*].1"),
            ("PID-3[2].1", "PID[*]-3[2].1"),
        ] {
            assert_eq!(each(path), expected);
        }
    }
}
