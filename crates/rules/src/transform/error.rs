//! What is wrong with a transform, when it is checked and when it runs.

use std::fmt::{self, Display, Formatter};
use std::ops::Range;

use crate::ExprError;

/// Why a transform could not make its message. Holds no content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransformError {
    /// The transform, by its name.
    pub transform: String,
    /// The step, as in `steps[2].then[0]`.
    pub step: String,
    /// The line of the file that it stands on, counted from 1; 0 where it has none.
    pub line: usize,
    /// The character in the line, counted from 1, of code that failed; 0 of other steps.
    pub column: usize,
    /// The path in the message, as it was written; empty where none is concerned.
    pub path: String,
    /// What was found and what was wanted.
    pub why: String,
}

impl Display for TransformError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "transform \"{}\", {}", self.transform, self.step)?;
        if self.line > 0 {
            write!(f, " (line {}", self.line)?;
            if self.column > 0 {
                write!(f, " column {}", self.column)?;
            }
            f.write_str(")")?;
        }
        if !self.path.is_empty() {
            write!(f, ", path \"{}\"", self.path)?;
        }
        write!(f, ": {}", self.why)
    }
}

impl std::error::Error for TransformError {}

/// Something that is wrong with, or doubtful in, a transform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransformFinding {
    /// The transform, by its name.
    pub transform: String,
    /// Where it stands in the transform, as in `steps[2].then[0].set`.
    pub place: String,
    /// The bytes of the text there that it is about.
    pub range: Option<Range<usize>>,
    /// Whether the transform cannot run.
    pub is_error: bool,
    /// What was found and what was wanted.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl TransformFinding {
    pub(super) fn of(transform: &str, place: String, is_error: bool, about: ExprError) -> TransformFinding {
        let ExprError { range, message, help } = about;
        TransformFinding {
            transform: transform.to_owned(),
            place,
            range: Some(range),
            is_error,
            message,
            help,
        }
    }
}
