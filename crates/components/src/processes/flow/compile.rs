//! Compiles the steps of a flow: what is wrong with them is found here, at its place.

use std::collections::BTreeSet;

use model::Library;
use rules::{Names, Scope as Words};
use serde_json::{Map, Value};

use super::asking::rule_of;
use super::expression::{self, Condition, Text, Wrong};
use super::instance::REQUEST;
use super::program::{Await, Call, Compiled, Op, Program, Scope, Source, Target};
use super::reading::{Findings, join, meant};
use crate::hl7::doc_type::DocTypes;
use crate::message;

mod answer;
mod asking;
mod blocks;
mod code;
mod loops;
mod sources;
mod sql;

/// Every step, by the key that makes it one, with its other keys.
const STEPS: [(&str, &[&str]); 22] = [
    ("call", &["request", "as", "async", "timeout", "ignore_errors", "description"]),
    ("sync", &["any", "timeout", "ignore_errors"]),
    ("if", &["then", "else", "of"]),
    ("switch", &["otherwise", "of"]),
    ("for_each", &["as", "do", "of"]),
    ("while", &["do", "of"]),
    ("until", &["do", "of"]),
    ("break", &[]),
    ("continue", &[]),
    ("parallel", &[]),
    ("assign", &["of"]),
    ("transform", &["of", "as"]),
    ("delay", &["of"]),
    ("alert", &[]),
    ("trace", &[]),
    ("reply", &["of"]),
    ("scope", &["catch", "compensate"]),
    ("throw", &[]),
    ("milestone", &[]),
    ("rule", &["of", "as"]),
    ("code", &["of", "as"]),
    ("sql", &["with", "connection", "as", "of", "timeout"]),
];
/// Keys that every step may have.
const COMMON: [&str; 2] = ["disabled", "comment"];

/// Compiles `steps`, a list as it was written under the setting of that name. Databases are asked about
/// the statements of `sql` only where that is wanted: when a production is checked.
pub(super) fn compile(steps: &Value, library: &Library, asks: bool) -> Compiled {
    let mut known = Known::of(steps);
    let statements = sql::Statements::of(steps, library, asks, &mut known.context);
    let types = DocTypes::new("", library).unwrap_or_default();
    let context = Names::These(known.context.iter().cloned().collect());
    let words = Words { context, ..message::scope(&types.paths(), library) };
    let program = Program { transforms: library.get(), types, ..Program::default() };
    let mut compiler = Compiler {
        program,
        findings: Findings::default(),
        targets: Vec::new(),
        known,
        words,
        library: library.clone(),
        statements,
        around: Vec::new(),
        answer: answer::Answer::default(),
    };
    compiler.steps(steps, "steps");
    compiler.push(Op::End);
    Compiled {
        program: compiler.program,
        notes: compiler.findings.0,
        targets: compiler.targets,
        waits: compiler.answer.waits,
    }
}

/// What the steps name, wherever that is.
#[derive(Default)]
struct Known {
    /// Calls that are made without waiting, and all calls.
    asynchronous: BTreeSet<String>,
    /// Calls that a `sync` waits for; with `all`, every call.
    synced: BTreeSet<String>,
    all_synced: bool,
    messages: BTreeSet<String>,
    /// Messages that are there without a `sync`.
    made: BTreeSet<String>,
    /// Faults of its own.
    thrown: BTreeSet<String>,
    context: BTreeSet<String>,
}

impl Known {
    fn of(steps: &Value) -> Self {
        let mut known = Known::default();
        known.messages.insert(REQUEST.to_owned());
        known.context.extend(["fault", "fault_reason"].map(str::to_owned));
        known.look(steps);
        known
    }

    fn look(&mut self, value: &Value) {
        match value {
            Value::Array(all) => all.iter().for_each(|value| self.look(value)),
            Value::Object(map) => {
                if let Some(name) = call_name(map) {
                    self.context.extend([format!("{name}_status"), format!("{name}_error")]);
                    if map.get("async") == Some(&Value::Bool(true)) {
                        self.asynchronous.insert(name.clone());
                    } else {
                        self.made.insert(name.clone());
                    }
                    self.messages.insert(name);
                }
                if let (true, Some(name)) = (map.contains_key("transform"), text(map, "as")) {
                    self.made.insert(name.to_owned());
                    self.messages.insert(name.to_owned());
                }
                self.thrown.extend(text(map, "throw").map(str::to_owned));
                if let Some(code) = text(map, "code") {
                    self.made.extend(text(map, "as").map(str::to_owned));
                    self.messages.extend(text(map, "as").map(str::to_owned));
                    self.context.extend(script::Program::sets_in(code, "context"));
                }
                if let Some(name) = rules_name(map) {
                    self.context.extend([rule_of(&name), name]);
                }
                if let (true, name) = (map.contains_key("for_each"), text(map, "as")) {
                    self.context.insert(name.unwrap_or(VALUE).to_owned());
                }
                if let Some(Value::Object(all)) = map.get("assign") {
                    self.context.extend(all.keys().cloned());
                }
                if let Some(sync) = map.get("sync") {
                    self.all_synced |= sync.as_str() == Some(ALL);
                    self.synced.extend(names(sync));
                }
                map.values().for_each(|value| self.look(value));
            }
            _ => {}
        }
    }

    /// Whether it is the answer to a call that no step waits for, wherever that step stands.
    fn never_comes(&self, name: &str) -> bool {
        self.asynchronous.contains(name)
            && !self.all_synced
            && !self.synced.contains(name)
            && !self.made.contains(name)
    }
}

/// What a loop calls its value when nothing is said.
const VALUE: &str = "value";
/// All calls, in `sync`.
const ALL: &str = "all";

fn text<'a>(map: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    map.get(key).and_then(Value::as_str)
}

/// What the answer to a call is called.
fn call_name(map: &Map<String, Value>) -> Option<String> {
    name_of(map, "call")
}

/// What is called what rules return.
fn rules_name(map: &Map<String, Value>) -> Option<String> {
    name_of(map, "rule")
}

/// What is said, or what the key names in letters.
fn name_of(map: &Map<String, Value>, key: &str) -> Option<String> {
    let target = text(map, key)?;
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    Some(text(map, "as").map_or_else(|| target.chars().map(plain).collect(), str::to_owned))
}

fn names(value: &Value) -> Vec<String> {
    match value {
        Value::Array(all) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Value::String(one) => vec![one.clone()],
        _ => Vec::new(),
    }
}

struct Compiler {
    program: Program,
    findings: Findings,
    targets: Vec<Target>,
    known: Known,
    words: Words,
    library: Library,
    statements: sql::Statements,
    /// What the steps are within that are compiled now, the innermost last.
    around: Vec<loops::Around>,
    answer: answer::Answer,
}

/// A step that is being read.
struct At<'a> {
    map: &'a Map<String, Value>,
    path: &'a str,
    /// The key that makes it a step, and where its value is.
    value: &'a Value,
    place: String,
}

impl At<'_> {
    fn under(&self, key: &str) -> String {
        join(self.path, key)
    }
}

impl Compiler {
    fn push(&mut self, op: Op) -> usize {
        self.program.ops.push(op);
        self.program.ops.len() - 1
    }

    fn here(&self) -> usize {
        self.program.ops.len()
    }

    /// Compiles a list; true when it never comes to its end.
    fn steps(&mut self, steps: &Value, path: &str) -> bool {
        let mut ends = false;
        for (index, step) in self.findings.list(steps, path).iter().enumerate() {
            let path = format!("{path}[{index}]");
            if ends {
                self.findings.error(&path, "this step is never reached", Some("leave it out".to_owned()));
                break;
            }
            ends = self.step(step, &path);
        }
        ends
    }

    /// Compiles one step; true when nothing behind it is reached.
    fn step(&mut self, step: &Value, path: &str) -> bool {
        if let Some(word @ ("break" | "continue")) = step.as_str() {
            self.jump(word, &Value::Null, path);
            return true;
        }
        let Some(map) = self.findings.map(step, path) else { return false };
        let found: Vec<&(&str, &[&str])> = STEPS.iter().filter(|(key, _)| map.contains_key(*key)).collect();
        let &[(kind, others)] = &found[..] else {
            self.no_step(map, path, &found);
            return false;
        };
        let known: Vec<&str> = [*kind].into_iter().chain(others.iter().copied()).chain(COMMON).collect();
        self.findings.keys(map, path, &known);
        let at = At { map, path, value: &map[*kind], place: join(path, kind) };
        self.tried(|this| {
            let ends = this.kind(kind, &at);
            (ends, this.findings.flag(map, "disabled", path))
        })
    }

    fn no_step(&mut self, map: &Map<String, Value>, path: &str, found: &[&(&str, &[&str])]) {
        let all: Vec<&str> = STEPS.iter().map(|(key, _)| *key).collect();
        if let [first, second, ..] = found {
            let message = format!("a step is \"{}\" and \"{}\" at once; expected one", first.0, second.0);
            return self.findings.error(path, message, Some("make two steps of it".to_owned()));
        }
        let key = map.keys().next().map_or("", String::as_str);
        let help = meant(key, &all, "");
        let place = if key.is_empty() { path.to_owned() } else { join(path, key) };
        self.findings.error(&place, format!("unknown step \"{key}\""), Some(help));
    }

    fn kind(&mut self, kind: &str, at: &At<'_>) -> bool {
        match kind {
            "call" => self.call(at),
            "sync" => self.sync(at),
            "if" => return self.choice(at),
            "switch" => return self.switch(at),
            "for_each" => self.for_each(at),
            "while" => self.repeat(at),
            "until" => self.until(at),
            "break" | "continue" => {
                self.jump(kind, at.value, &at.place);
                return true;
            }
            "parallel" => self.parallel(at),
            "assign" => self.assign(at),
            "transform" => self.transform(at),
            "delay" => self.delay(at),
            "reply" => self.reply(at),
            "scope" => self.scope(at),
            "code" => self.code(at),
            "rule" => self.rule(at),
            "sql" => self.sql(at),
            "alert" | "trace" | "milestone" | "throw" => return self.word(kind, at),
            _ => {}
        }
        false
    }

    /// A step that is a text alone.
    fn word(&mut self, kind: &str, at: &At<'_>) -> bool {
        let Some(text) = self.findings.text(at.value, &at.place) else { return false };
        if text.contains("{{") {
            let message = format!("{kind} holds \"{{{{\"; expected a text without values");
            let help = "no content of messages may stand in events; call an item with request: { text: … }";
            self.findings.error(&at.place, message, Some(help.to_owned()));
        }
        self.push(match kind {
            "alert" => Op::Alert { text },
            "trace" => Op::Trace { text },
            "milestone" => Op::Milestone { name: text },
            _ => Op::Throw { fault: text },
        });
        kind == "throw"
    }

    /// The message that a step is about.
    fn of(&mut self, map: &Map<String, Value>, path: &str) -> String {
        let Some(value) = map.get("of") else { return REQUEST.to_owned() };
        let path = join(path, "of");
        let name = self.findings.text(value, &path).unwrap_or_default();
        self.message(&name, &path);
        name
    }

    /// Tells a message that there never is, and one that is not there yet.
    fn message(&mut self, name: &str, path: &str) {
        if !self.known.messages.contains(name) && !name.is_empty() {
            let known: Vec<&str> = self.known.messages.iter().map(String::as_str).collect();
            let help = format!("expected one of {}", known.join(", "));
            self.findings.error(path, format!("there is no message \"{name}\" in this flow"), Some(help));
        }
        if self.known.never_comes(name) {
            let message =
                format!("the answer to \"{name}\" is not waited for; expected \"sync: [{name}]\" before");
            self.findings.warning(path, message, None);
        }
    }

    /// Tells what is wrong with an expression. Others write messages before their paths, as in `lab.MSA-1`.
    fn wrong_expression(&mut self, path: &str, text: &str, mut wrong: Vec<Wrong>) {
        for one in &mut wrong {
            let before = text.get(..one.range.start).unwrap_or_default();
            let path = before.rsplit(|c: char| !(c.is_alphanumeric() || "._-".contains(c))).next();
            let word = text.get(before.len() - path.map_or(0, str::len)..).unwrap_or_default();
            let Some((name, _)) = word.split_once('.') else { continue };
            if self.known.messages.contains(name) {
                one.help = Some(match name {
                    REQUEST => "write the path alone".to_owned(),
                    _ => format!("write the path alone, and \"of: {name}\" beside it"),
                });
            }
        }
        self.findings.expression(path, wrong);
    }

    fn condition(&mut self, value: &Value, path: &str) -> Option<Condition> {
        let text = self.findings.text(value, path)?;
        let compiled = Condition::compile(&text, &self.words);
        compiled.map_err(|wrong| self.wrong_expression(path, &text, wrong)).ok()
    }

    fn value(&mut self, value: &Value, path: &str) -> Option<expression::Value> {
        let text = self.findings.text(value, path)?;
        let compiled = expression::Value::compile(&text, &self.words);
        compiled.map_err(|wrong| self.wrong_expression(path, &text, wrong)).ok()
    }

    fn template(&mut self, value: &Value, path: &str) -> Option<Text> {
        let text = self.findings.text(value, path)?;
        let compiled = Text::compile(&text, &self.words);
        compiled.map_err(|wrong| self.wrong_expression(path, &text, wrong)).ok()
    }

    fn call(&mut self, at: &At<'_>) {
        let Some(target) = self.findings.text(at.value, &at.place) else { return };
        self.targets.push((at.place.clone(), target.clone(), None));
        let name = call_name(at.map).unwrap_or_default();
        if at.map.contains_key("as") {
            self.findings.name(&name, &at.under("as"));
        }
        let source = match at.map.get("request") {
            None => Source::Message(REQUEST.to_owned()),
            Some(value) => match self.source(value, &at.under("request")) {
                Some(source) => source,
                None => return,
            },
        };
        let waits = !self.findings.flag(at.map, "async", at.path);
        let timeout = at.map.get("timeout").and_then(|value| self.findings.span(value, &at.under("timeout")));
        if !waits && at.map.contains_key("timeout") {
            let message = "a call that is not waited for has no timeout";
            let help = "put the timeout at the step \"sync\" that waits for it".to_owned();
            self.findings.error(&at.under("timeout"), message, Some(help));
        }
        self.answer.waits(&at.under("timeout"), timeout);
        let description = match at.map.get("description") {
            Some(value) => self.findings.text(value, &at.under("description")).unwrap_or_default(),
            None => name.clone(),
        };
        let wants_answer = waits || self.known.all_synced || self.known.synced.contains(&name);
        self.push(Op::Call(Call { target, source, name: name.clone(), wants_answer, description }));
        if waits {
            let ignore_errors = self.findings.flag(at.map, "ignore_errors", at.path);
            self.push(Op::Await(Await { names: vec![name], own: true, any: false, timeout, ignore_errors }));
        }
    }

    fn sync(&mut self, at: &At<'_>) {
        let names = match at.value.as_str() {
            Some(ALL) => self.known.asynchronous.iter().cloned().collect(),
            _ => names(at.value),
        };
        if names.is_empty() {
            let message = "sync names no call; expected a list of names, or all";
            self.findings.error(&at.place, message, None);
        }
        for name in &names {
            if !self.known.asynchronous.contains(name) {
                let message = format!("no call is named \"{name}\" that is not waited for already");
                let help = "make it with \"async: true\", and name it with \"as\"".to_owned();
                self.findings.error(&at.place, message, Some(help));
            }
        }
        let any = self.findings.flag(at.map, "any", at.path);
        let ignore_errors = self.findings.flag(at.map, "ignore_errors", at.path);
        let timeout = at.map.get("timeout").and_then(|value| self.findings.span(value, &at.under("timeout")));
        self.answer.waits(&at.under("timeout"), timeout);
        self.push(Op::Await(Await { names, own: false, any, timeout, ignore_errors }));
    }

    fn assign(&mut self, at: &At<'_>) {
        let of = self.of(at.map, at.path);
        let Some(all) = self.findings.map(at.value, &at.place) else { return };
        for (name, value) in all {
            let path = join(&at.place, name);
            self.findings.name(name, &path);
            if let Some(value) = self.value(value, &path) {
                self.push(Op::Assign { name: name.clone(), value, of: of.clone() });
            }
        }
    }

    fn delay(&mut self, at: &At<'_>) {
        let of = self.of(at.map, at.path);
        let Some(map) = at.value.as_object() else {
            if let Some(time) = self.findings.span(at.value, &at.place) {
                self.answer.waits(&at.place, Some(time));
                self.push(Op::DelayFor(time));
            }
            return;
        };
        self.findings.keys(map, &at.place, &["for", "until"]);
        match (map.get("for"), map.get("until")) {
            (Some(time), None) => {
                if let Some(time) = self.findings.span(time, &join(&at.place, "for")) {
                    self.answer.waits(&join(&at.place, "for"), Some(time));
                    self.push(Op::DelayFor(time));
                }
            }
            (None, Some(until)) => {
                if let Some(value) = self.value(until, &join(&at.place, "until")) {
                    self.push(Op::DelayUntil { value, of });
                }
            }
            _ => {
                let message = "delay has to say either \"for\" or \"until\"";
                self.findings.error(&at.place, message, None);
            }
        }
    }
}

impl Program {
    fn scope(&mut self) -> usize {
        self.scopes.push(Scope::default());
        self.scopes.len() - 1
    }
}
