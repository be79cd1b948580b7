//! Steps in a programming language. This crate knows none: it hands the text of such a step to a
//! [`Language`] when a transform is compiled, and what that made of it to a [`Runner`] when it is run.

use std::any::Any;
use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use hl7::{Message, Round};

use crate::{ExprError, Facts, LookupTables};

/// Reads the code of steps.
pub trait Language {
    /// Checks a step's code, and makes of it what a [`Runner`] of the same language runs. It is not run.
    ///
    /// # Errors
    /// Everything that is wrong with it; a range that is empty and at the beginning is all of it.
    fn compile(&self, code: &str, tables: &LookupTables) -> Result<Compiled, Vec<ExprError>>;
}

/// What a language made of a step's code.
#[derive(Clone)]
pub struct Compiled(pub Arc<dyn Any + Send + Sync>);

impl Debug for Compiled {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("Compiled")
    }
}

/// Runs the code of steps, one after the other, on the thread that it is on.
pub trait Runner {
    /// Runs one step.
    ///
    /// # Errors
    /// Why it failed, without a word of a message.
    fn run(&mut self, code: &Compiled, task: &Task<'_>) -> Result<Left, CodeError>;
}

/// What the code of a step is given.
pub struct Task<'a> {
    /// The message that the transform was given.
    pub source: &'a Message,
    /// What has been built so far.
    pub target: &'a Message,
    /// What is known beside it.
    pub facts: &'a Facts<'a>,
    /// Whose turn it is in the innermost loop over segments or repetitions around the step.
    pub turn: Option<Turn>,
}

/// A round of a loop: segments by their numbers in their messages, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// The segment of the source.
    pub source: Option<usize>,
    /// The one that was made of it in the target, while it is there.
    pub target: Option<usize>,
    /// The repetition, counted from 1; 0 where the loop is over segments.
    pub repetition: u32,
}

/// What the code of a step leaves.
#[derive(Debug, Clone, Default)]
pub struct Left {
    /// What has been built, where the code changed it.
    pub target: Option<Rebuilt>,
    /// What it said, for a trace.
    pub said: Vec<String>,
}

/// A changed target.
#[derive(Clone)]
pub struct Rebuilt {
    /// The message.
    pub message: Message,
    /// For each of its segments, the number that it had before; none for a new one.
    pub lines: Vec<Option<usize>>,
}

impl Debug for Rebuilt {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rebuilt").field("segments", &self.lines.len()).finish_non_exhaustive()
    }
}

/// Why the code of a step failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeError {
    /// What kind of error it is, and more where it holds nothing of a message.
    pub why: String,
    /// Line and character of the code, both counted from 1.
    pub place: Option<(usize, usize)>,
}

/// The code of a step, as it was written.
#[derive(Debug, Clone, Default)]
pub struct CodeDef {
    /// The program.
    pub text: String,
    /// Where its parts stand in the file, in their order; empty where it came from none.
    pub places: Vec<CodePlace>,
}

/// Where the text of a code goes on in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodePlace {
    /// The byte of the code.
    pub offset: usize,
    /// The line of the file, counted from 1.
    pub line: usize,
    /// The character in the line, counted from 1.
    pub column: usize,
}

impl CodeDef {
    /// Line and character of the file for those of the code; none where the file is not known.
    pub(super) fn place(&self, (line, column): (usize, usize)) -> Option<(usize, usize)> {
        let mut lines = self.text.split_inclusive('\n');
        let before: usize = lines.by_ref().take(line.checked_sub(1)?).map(str::len).sum();
        let text = lines.next().unwrap_or_default();
        let within: usize = text.chars().take(column.checked_sub(1)?).map(char::len_utf8).sum();
        let offset = before + within;
        let place = self.places.iter().rev().find(|place| place.offset <= offset)?;
        let further = self.text.get(place.offset..offset)?.chars().count();
        Some((place.line, place.column + further))
    }
}

/// A compiled step.
#[derive(Debug)]
pub(super) struct Code {
    pub(super) def: CodeDef,
    pub(super) compiled: Compiled,
}

/// The innermost round over segments or repetitions, with what the target has of it: `rounds` are those of
/// the source, `renumbered` the same with the repetitions as the target has them.
pub(super) fn turn(
    rounds: &[Round],
    renumbered: &[Round],
    of_target: impl Fn(&Round) -> Round,
) -> Option<Turn> {
    let line = |round: &Round| match round {
        Round::Segment { line, .. } | Round::Repetition { line, .. } => *line,
        Round::Group { .. } => None,
    };
    let at = rounds.iter().rposition(|round| !matches!(round, Round::Group { .. }))?;
    let number = |round: &Round| match round {
        Round::Repetition { number, .. } => *number,
        _ => 0,
    };
    let target = line(&of_target(renumbered.get(at)?));
    Some(Turn { source: line(&rounds[at]), target, repetition: number(&rounds[at]) })
}
