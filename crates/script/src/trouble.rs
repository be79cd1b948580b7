//! Why a script failed, told without a word of the message that it worked on.
//!
//! The text of an error may hold anything: a script may put a name into it, and so does the engine, as
//! in `cannot read property 'Doe' of undefined`. So it is told only where all its words are the engine's
//! own or stand in the script; else the kind of error and its place have to do.

use std::time::Duration;

use rquickjs::{Ctx, Value};

use crate::program::{self, FILE, Limits, Program};

/// Why a script failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What kind of error it is, as in `TypeError`.
    pub kind: String,
    /// What was wrong; empty where it may hold what stands in the message.
    pub text: String,
    /// Line and character of the script, both counted from 1.
    pub place: Option<(usize, usize)>,
}

impl Trouble {
    pub(crate) fn new(kind: &str, text: impl Into<String>) -> Self {
        Trouble { kind: kind.to_owned(), text: text.into(), place: None }
    }

    /// It took too long, and cannot even be stopped: something that the engine does for a script, such
    /// as a search in a very large text, does not look at the time.
    pub(crate) fn stuck(time: Duration) -> Self {
        Trouble::new("limit", format!("{}, and could not be stopped", out_of_time(time)))
    }

    pub(crate) fn out_of_time(time: Duration) -> Self {
        Trouble::new("limit", out_of_time(time))
    }

    pub(crate) fn out_of_memory(limits: &Limits) -> Self {
        Trouble::new("limit", format!("needs more memory than the {} that it has", limits.memory_text()))
    }

    /// Kind and text, without the place.
    pub fn why(&self) -> String {
        match (self.kind.as_str(), self.text.as_str()) {
            ("limit", text) => text.to_owned(),
            (kind, "") => kind.to_owned(),
            (kind, text) => format!("{kind}: {text}"),
        }
    }
}

fn out_of_time(time: Duration) -> String {
    format!("took longer than the {} ms that it has", time.as_millis())
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.place {
            Some((line, column)) => write!(f, "code line {line} column {column}: ")?,
            None => f.write_str("code: ")?,
        }
        f.write_str(&self.why())
    }
}

impl std::error::Error for Trouble {}

/// A position in the text of a script's function, both counted from 1; the column in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// The innermost place of the script in the trace of an error.
pub(crate) fn position(stack: &str) -> Option<Position> {
    stack.lines().find_map(|line| {
        let (before, rest) = line.rsplit_once(&format!("{FILE}:"))?;
        if !before.ends_with('(') && !before.ends_with(' ') {
            return None;
        }
        let (line, column) = rest.trim_end_matches(')').split_once(':')?;
        Some(Position { line: line.parse().ok()?, column: column.parse().ok()? })
    })
}

/// Whether it was thrown for lack of memory; where there is none even for an error, it is null.
pub(crate) fn is_memory(thrown: &Value<'_>) -> bool {
    let text = thrown.as_exception().and_then(|error| error.message());
    thrown.is_null() || text.as_deref() == Some("out of memory")
}

/// What went wrong, of what was thrown. `told` is what the sandbox itself said last.
pub(crate) fn of(thrown: &Value<'_>, told: Option<&str>, program: &Program) -> Trouble {
    if is_memory(thrown) {
        return Trouble::out_of_memory(&program.limits());
    }
    let Some(error) = thrown.as_exception() else {
        return Trouble::new("exception", "what was thrown is no Error");
    };
    let text = error.message().unwrap_or_default();
    let position = error.stack().as_deref().and_then(position);
    let offset = position.and_then(|position| program::offset(program.source(), position));
    let kind = error.as_object().get::<_, String>("name").unwrap_or_default();
    Trouble {
        kind: if is_known(&kind, program.source()) { kind } else { "Error".to_owned() },
        text: if told == Some(&*text) { text } else { safe(&text, program.source()) },
        place: offset.map(|offset| program::line_and_column(program.source(), offset)),
    }
}

/// Takes what was thrown out of the context.
pub(crate) fn caught(ctx: &Ctx<'_>, told: Option<&str>, program: &Program) -> Trouble {
    let trouble = of(&ctx.catch(), told, program);
    // Reading it may have thrown again.
    drop(ctx.catch());
    trouble
}

const KINDS: [&str; 9] = [
    "Error",
    "EvalError",
    "RangeError",
    "ReferenceError",
    "SyntaxError",
    "TypeError",
    "URIError",
    "AggregateError",
    "InternalError",
];

fn is_known(kind: &str, source: &str) -> bool {
    KINDS.contains(&kind) || is_word_of(kind, source)
}

/// Whether the script has this as a word.
fn is_word_of(word: &str, source: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    !word.is_empty()
        && word.chars().all(is_part)
        && !word.chars().all(|c| c.is_ascii_digit())
        && source.split(|c| !is_part(c)).any(|known| known == word)
}

/// The engine's own texts, with `'` around a name that has to be the script's.
const PATTERNS: &[(&str, &str)] = &[
    ("cannot read property '", "' of undefined"),
    ("cannot read property '", "' of null"),
    ("cannot set property '", "' of undefined"),
    ("cannot set property '", "' of null"),
    ("", " is not defined"),
    ("", " is not initialized"),
    ("'", "' is read-only"),
    ("", " is read-only"),
    ("", " is not a function"),
    ("'", "' is not defined"),
    ("invalid redefinition of '", "'"),
];
const TEXTS: &[&str] = &[
    "not a function",
    "not an object",
    "not a constructor",
    "value is not iterable",
    "object is not extensible",
    "invalid array length",
    "invalid repeat count",
    "string too long",
    "Maximum call stack size exceeded",
    "stack overflow",
    "cannot convert to object",
    "cannot convert undefined or null to object",
    "code cannot be made out of text",
    "not a symbol",
    "cannot convert symbol to string",
    "invalid 'in' operand",
    "invalid 'instanceof' right operand",
    "property is not configurable",
    "lexical variable is not initialized",
    "invalid date",
    "Date value is NaN",
    "not an Error object",
];

fn safe(text: &str, source: &str) -> String {
    let named = PATTERNS.iter().any(|(before, behind)| {
        let name = text.strip_prefix(before).and_then(|rest| rest.strip_suffix(behind));
        name.is_some_and(|name| is_word_of(name, source))
    });
    if named || TEXTS.contains(&text) { text.replace('\'', "\"") } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_of_the_engine_and_of_the_script_are_told() {
        let source = "const patient = find(); patient.name.family";
        for (text, expected) in [
            ("cannot read property 'family' of undefined", "cannot read property \"family\" of undefined"),
            ("cannot read property 'Doe' of undefined", ""),
            ("find is not defined", "find is not defined"),
            ("Doe is not defined", ""),
            ("not a function", "not a function"),
            ("patient Doe", ""),
            ("Doe", ""),
            ("4711 is not defined", ""),
        ] {
            assert_eq!(safe(text, source), expected, "{text}");
        }
    }

    #[test]
    fn the_innermost_place_of_the_script_counts() {
        for (stack, expected) in [
            (
                "    at get (native)\n    at get (engine:9:1)\n    at f (code:3:26)\n    at <anonymous> (code:4:4)\n",
                Some((3, 26)),
            ),
            ("    at code:2:9\n", Some((2, 9))),
            ("    at x (barcode:2:9)\n", None),
            ("", None),
        ] {
            assert_eq!(position(stack).map(|at| (at.line, at.column)), expected);
        }
    }
}
