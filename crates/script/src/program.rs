//! A script that has been checked, and the limits that it runs within.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rquickjs::{Context, Module, Runtime};
use rules::{ExprError, LookupTables};

use crate::calls;
use crate::strangers;
use crate::trouble::{self, Position};

/// The name of a script in traces of its errors.
pub(crate) const FILE: &str = "code";
/// What stands on the line before the script's first one: it is the body of a function, so that it can
/// return, and that what it declares is forgotten.
const BEHIND_ARGUMENTS: &str = " { \"use strict\";\n";
const BEHIND: &str = "\n}";
/// Parsing takes no more than this.
const PARSER_MEMORY: usize = 64 << 20;

/// What a script may use up for one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes that it may hold at once; and as many again in messages that it changes and sends.
    pub memory: usize,
    /// How long it may take.
    pub time: Duration,
    /// Bytes of stack: how deep its functions may call each other.
    pub stack: usize,
}

impl Limits {
    /// Less memory than this is not enough for the sandbox itself.
    pub const LEAST_MEMORY: usize = 2 << 20;
    /// Less stack than this is not enough for anything.
    pub const LEAST_STACK: usize = 32 << 10;
    /// No thread has more stack to give than this.
    pub const MOST_STACK: usize = 4 << 20;
}

impl Limits {
    /// The memory with its unit, as it is written in settings.
    pub(crate) fn memory_text(&self) -> String {
        match self.memory {
            bytes if bytes.is_multiple_of(1 << 20) => format!("{}MiB", bytes >> 20),
            bytes if bytes.is_multiple_of(1 << 10) => format!("{}KiB", bytes >> 10),
            bytes => format!("{bytes}B"),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits { memory: 32 << 20, time: Duration::from_secs(1), stack: 256 << 10 }
    }
}

/// Why a text is no script. Holds nothing but what the script's author wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} column {column}: {message}")]
pub struct ScriptError {
    /// The line, counted from 1.
    pub line: usize,
    /// The character in the line, counted from 1.
    pub column: usize,
    /// What was found.
    pub message: String,
    /// The bytes of the script that are meant; none where that is not known.
    pub range: Option<Range<usize>>,
}

/// A checked script. Cheap to clone; goes to any thread.
#[derive(Clone)]
pub struct Program(Arc<Inner>);

/// What a script is for: it decides what it is given, and what it can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It decides about a message, `msg`.
    Message,
    /// It is a step of a transform: it reads `source` and builds `target`.
    Transform,
}

impl Purpose {
    /// How the function begins that the script is the body of.
    fn before(self) -> String {
        let arguments = match self {
            Purpose::Message => "function (msg)",
            Purpose::Transform => "function (source, target, turn)",
        };
        format!("{arguments}{BEHIND_ARGUMENTS}")
    }
}

#[derive(Clone)]
struct Inner {
    source: String,
    purpose: Purpose,
    tables: LookupTables,
    limits: Limits,
    /// How many sandboxes there are of it.
    sandboxes: Arc<AtomicUsize>,
}

impl Program {
    /// Checks a script, without running it. Its limits are the usual ones.
    ///
    /// # Errors
    /// Where it is no JavaScript.
    pub fn compile(source: &str) -> Result<Program, ScriptError> {
        Program::read(source, Purpose::Message)
    }

    /// Checks the code of a step of a transform, which has `source` and `target` for `msg`.
    ///
    /// # Errors
    /// Where it is no JavaScript.
    pub(crate) fn for_transform(source: &str) -> Result<Program, ScriptError> {
        Program::read(source, Purpose::Transform)
    }

    fn read(source: &str, purpose: Purpose) -> Result<Program, ScriptError> {
        if let Err(found) = parse(source, purpose) {
            return Err(found.unwrap_or_else(|| ScriptError {
                line: 1,
                column: 1,
                message: "cannot be read as JavaScript".to_owned(),
                range: None,
            }));
        }
        Ok(Program(Arc::new(Inner {
            source: source.to_owned(),
            purpose,
            tables: LookupTables::default(),
            limits: Limits::default(),
            sandboxes: Arc::default(),
        })))
    }

    /// The same script with something else about it, and no sandbox yet.
    fn changed(&self, change: impl FnOnce(&mut Inner)) -> Program {
        let mut inner = Inner { sandboxes: Arc::default(), ..Inner::clone(&self.0) };
        change(&mut inner);
        Program(Arc::new(inner))
    }

    /// The same script within these limits.
    #[must_use]
    pub fn with_limits(&self, limits: Limits) -> Program {
        self.changed(|inner| inner.limits = limits)
    }

    /// The same script with these tables for `lookup` and `exists`.
    #[must_use]
    pub fn with_tables(&self, tables: &LookupTables) -> Program {
        self.changed(|inner| inner.tables = tables.clone())
    }

    /// The script as it was written.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// What it runs within.
    pub fn limits(&self) -> Limits {
        self.0.limits
    }

    /// The items that the script names where it sends, as in `send("Lab")`, with the bytes of the name.
    /// A name that is put together when the script runs is not among them.
    pub fn sends_to(&self) -> Vec<(String, Range<usize>)> {
        calls::names(&self.0.source, "send")
    }

    /// Where the script first uses that name, as in `sockets`.
    pub fn first_use(&self, name: &str) -> Option<Range<usize>> {
        calls::words(&self.0.source, name).into_iter().next()
    }

    /// What a script sets in that object, as in `context.ward = …`, where it is written out; also of a
    /// script that is not right yet.
    pub fn sets_in(source: &str, object: &str) -> Vec<String> {
        calls::set_members(source, object)
    }

    /// What is wrong about what the script names: lookup tables that are not among `tables`, paths that
    /// are none, and what there is elsewhere, as `console`.
    pub fn wrong_names(&self, tables: &LookupTables) -> Vec<ExprError> {
        let named = ["lookup", "exists"].into_iter().flat_map(|call| calls::names(&self.0.source, call));
        let unknown = named.filter(|(name, _)| tables.get(name).is_none());
        let unknown = unknown.map(|(name, range)| tables.unknown(&name, range));
        let mut found: Vec<_> = unknown.chain(self.foreign_paths()).collect();
        found.extend(strangers::found(&self.0.source, self.0.purpose));
        found.sort_by_key(|error| error.range.start);
        found
    }

    /// Paths that are written out as others write them, `msg.get("PID:5.1")`. What a path leads to is known
    /// when the script runs.
    fn foreign_paths(&self) -> impl Iterator<Item = ExprError> + '_ {
        const TAKE_PATHS: [&str; 7] = ["get", "raw", "values", "count", "set", "setRaw", "append"];
        let texts = move |object| calls::member_texts(&self.0.source, object, &TAKE_PATHS);
        let foreign = ["msg", "source", "target"].into_iter().flat_map(texts);
        let foreign = foreign.filter(|(text, _)| text.contains([':', '{', '(']));
        foreign.map(|(text, range)| foreign_path(&text, range))
    }

    /// Where the script calls a function of that name that is none of its own.
    pub(crate) fn calls(&self, name: &str) -> Vec<Range<usize>> {
        calls::uses(&self.0.source, name)
    }

    pub(crate) fn purpose(&self) -> Purpose {
        self.0.purpose
    }

    pub(crate) fn tables(&self) -> &LookupTables {
        &self.0.tables
    }

    /// Tells programs apart.
    pub(crate) fn id(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }

    /// The program in the hands of a sandbox.
    pub(crate) fn in_sandbox(&self) -> Program {
        self.0.sandboxes.fetch_add(1, Ordering::Relaxed);
        self.clone()
    }

    /// The sandbox is gone.
    pub(crate) fn out_of_sandbox(&self) {
        self.0.sandboxes.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether nobody but sandboxes has it.
    pub(crate) fn is_alone(&self) -> bool {
        Arc::strong_count(&self.0) <= self.0.sandboxes.load(Ordering::Relaxed)
    }

    /// The script as the text of a function.
    pub(crate) fn function(&self) -> String {
        format!("{}{}{BEHIND}", self.0.purpose.before(), self.0.source)
    }
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program").field("bytes", &self.0.source.len()).finish_non_exhaustive()
    }
}

/// Parses a script: as a module, which is compiled without a step of it being run.
fn parse(source: &str, purpose: Purpose) -> Result<(), Option<ScriptError>> {
    if let Some(at) = source.find('\0') {
        return Err(Some(at_byte(source, at, "holds a character NUL".to_owned())));
    }
    let runtime = Runtime::new().map_err(|_| None)?;
    runtime.set_memory_limit(PARSER_MEMORY);
    let context = Context::full(&runtime).map_err(|_| None)?;
    context.with(|ctx| {
        let module = format!("export default {}{source}{BEHIND}", purpose.before());
        if Module::declare(ctx.clone(), FILE, module).is_ok() {
            return Ok(());
        }
        let caught = ctx.catch();
        let Some(error) = caught.as_exception() else { return Err(None) };
        let message = tidy(&error.message().unwrap_or_default());
        match error.stack().as_deref().and_then(trouble::position) {
            Some(position) => Err(Some(at_position(source, position, message))),
            None => Err(Some(ScriptError { line: 1, column: 1, message, range: None })),
        }
    })
}

/// The parser's words in the house's form.
fn tidy(message: &str) -> String {
    let message = message.replace('\'', "\"");
    match message.strip_suffix("expression: \"\"") {
        Some(before) => format!("{before}expression: the end of the script"),
        None => message,
    }
}

fn at_position(source: &str, position: Position, message: String) -> ScriptError {
    let offset = offset(source, position).unwrap_or(source.trim_end().len());
    at_byte(source, offset, message)
}

fn at_byte(source: &str, offset: usize, message: String) -> ScriptError {
    let (line, column) = line_and_column(source, offset);
    ScriptError { line, column, message, range: Some(offset..token_end(source, offset)) }
}

/// The byte at a position in the text of the function; none when it is not in the script.
pub(crate) fn offset(source: &str, position: Position) -> Option<usize> {
    let line = position.line.checked_sub(2)?;
    let mut start = 0;
    for (at, text) in source.split_inclusive('\n').enumerate() {
        if at == line {
            let offset = start + position.column.checked_sub(1)?;
            let fits = offset <= start + text.len() && source.is_char_boundary(offset);
            return fits.then_some(offset);
        }
        start += text.len();
    }
    None
}

/// Line and character of a byte, both counted from 1.
pub(crate) fn line_and_column(source: &str, offset: usize) -> (usize, usize) {
    let before = &source[..offset];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// The end of the word, or the character, that begins there.
fn token_end(source: &str, offset: usize) -> usize {
    let rest = &source[offset..];
    let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '$').unwrap_or(rest.len());
    let first = rest.chars().next().filter(|c| *c != '\n').map_or(0, char::len_utf8);
    offset + word.max(first)
}

/// What is said of a path that is none, with the one that was meant.
fn foreign_path(text: &str, range: Range<usize>) -> ExprError {
    let inside = text.rsplit(['{', '}']).find(|part| !part.is_empty()).unwrap_or_default();
    let path = inside.replacen(':', "-", 1).replace('(', "[").replace(')', "]");
    let path = if path.parse::<hl7::Path>().is_ok() { path } else { "as in PID-5.1".to_owned() };
    let message = format!("\"{text}\" is no path of this language");
    ExprError { range, message, help: Some(format!("write {path}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(source: &str) -> String {
        let error = Program::compile(source).unwrap_err();
        let marked = error.range.clone().map(|range| source[range].to_owned());
        format!("{error} [{}]", marked.unwrap_or_else(|| "?".to_owned()))
    }

    #[test]
    fn what_is_no_javascript_is_marked_where_it_is_wrong() {
        for (source, expected) in [
            ("let x = ;", "line 1 column 9: unexpected token in expression: \";\" [;]"),
            (
                "let a = 1;\n  let é = 'é', y = 3 +* 4;",
                "line 2 column 23: unexpected token in expression: \"*\" [*]",
            ),
            ("let a = 1;\nlet a = 2;", "line 2 column 7: invalid redefinition of lexical identifier [=]"),
            ("with (a) {}", "line 1 column 1: invalid keyword: with [with]"),
            ("let s = `abc", "line 1 column 9: unexpected end of string [`]"),
            (
                "if (true) {\n  send('A')\n",
                "line 2 column 12: unexpected token in expression: the end of the script []",
            ),
            ("/(/.test(1)", "line 1 column 1: expecting \")\" [?]"),
            ("import fs from 'fs'", "line 1 column 8: Unexpected identifier \"fs\" [fs]"),
            ("a\0b", "line 1 column 2: holds a character NUL [\0]"),
            ("await x", "line 1 column 1: unexpected \"await\" keyword [await]"),
        ] {
            assert_eq!(error(source), expected, "{source}");
        }
    }

    #[test]
    fn what_is_nested_too_deep_is_an_error_like_any_other() {
        for (open, close) in [("(", ")"), ("[", "]"), ("{", "}"), ("(() => ", ")"), ("`${", "}`")] {
            let deep = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
            assert!(Program::compile(&deep).is_err(), "{open}");
        }
    }

    #[test]
    fn paths_of_other_engines_are_told_with_what_to_write() {
        let program =
            Program::compile("msg.get('PID:5.1'); target.set('{PID:3(2).1}', ''); msg.get('PID-5')");
        let found = program.expect("a script").wrong_names(&LookupTables::default());
        let helps: Vec<_> = found.iter().filter_map(|error| error.help.as_deref()).collect();
        assert_eq!(helps, ["write PID-5.1", "write PID-3[2].1"]);
    }

    #[test]
    fn checking_runs_nothing() {
        for source in ["while (true) {}", "throw 1", "return", "", "// at its end", "log.info(1) // é"] {
            assert!(Program::compile(source).is_ok(), "{source}");
        }
    }
}
