//! JavaScript as the language of transforms: what `rules` asks for to check and to run steps in code.

use std::ops::Range;
use std::sync::Arc;

use rules::transform::{CodeError, Compiled, Language, Left, Runner, Task};
use rules::{ExprError, LookupTables, Value};

use crate::{Content, Desk, Door, Facts, Input, Level, NoDoor, Open, Program, Verdict, Written};

/// What there is for a script that decides about a message, and not for one that makes one.
const ABSENT: [&str; 6] = ["send", "answer", "discard", "reject", "suspend", "sockets"];

/// JavaScript, for the steps of transforms.
#[derive(Debug, Clone, Copy, Default)]
pub struct JavaScript;

impl Language for JavaScript {
    fn compile(&self, code: &str, tables: &LookupTables) -> Result<Compiled, Vec<ExprError>> {
        let error = |range: Range<usize>, message: String, help: Option<&str>| ExprError {
            range,
            message,
            help: help.map(str::to_owned),
        };
        let program = Program::for_transform(code)
            .map_err(|found| vec![error(found.range.unwrap_or(0..0), found.message, None)])?;
        let mut errors = program.wrong_names(tables);
        for name in ABSENT {
            for range in program.calls(name) {
                let message = format!("there is no \"{name}\" in the code of a transform");
                let help =
                    "a transform makes its message; what becomes of it is for a rule, a flow or a script";
                errors.push(error(range, message, Some(help)));
            }
        }
        match errors.is_empty() {
            true => Ok(Compiled(Arc::new(program.with_tables(tables)))),
            false => Err(errors),
        }
    }
}

impl Runner for Desk<'_> {
    fn run(&mut self, code: &Compiled, task: &Task<'_>) -> Result<Left, CodeError> {
        let Some(program) = code.0.downcast_ref::<Program>() else {
            return Err(CodeError { why: "the code is no JavaScript".to_owned(), place: None });
        };
        let content =
            Content::Built { source: task.source.clone(), target: task.target.clone(), turn: task.turn };
        let input = Input { content, facts: facts(task.facts) };
        let now = task.facts.now.map_or(0, |now| now.milliseconds);
        let outcome = Desk::run(self, program, &input, &(Arc::new(Closed { now }) as Arc<dyn Door>));
        let said = outcome.said.iter().map(|said| format!("{}: {}", word(said.level), said.text)).collect();
        self.said.extend(outcome.said);
        match outcome.verdict {
            Verdict::Failed(trouble) => Err(CodeError { why: trouble.why(), place: trouble.place }),
            _ => Ok(Left { target: outcome.rebuilt, said }),
        }
    }
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Trace => "log.trace",
        Level::Info => "log.info",
        Level::Warning => "log.warning",
        Level::Error => "log.error",
        Level::Alert => "alert",
    }
}

/// What `context` shows of what expressions know.
fn facts(facts: &rules::Facts<'_>) -> Facts {
    let text = |value: &Value<'_>| value.text().to_owned();
    let all = facts.context.map(|context| context.all()).unwrap_or_default();
    Facts {
        id: facts.id,
        session: facts.session,
        source: facts.source.into(),
        target: facts.target.into(),
        description: facts.description.into(),
        resent: facts.resent.to_owned(),
        doc_type: facts.doc_type.to_owned(),
        body_class: facts.class.to_owned().into(),
        name: facts.origin.to_owned(),
        variables: Some(all.iter().map(|(name, value)| ((*name).to_owned(), text(value))).collect()),
    }
}

/// A door that nothing goes through, at a time of its own.
struct Closed {
    now: i64,
}

impl Door for Closed {
    fn now(&self) -> i64 {
        self.now
    }
    fn may_send(&self, target: &str) -> Result<(), String> {
        NoDoor.may_send(target)
    }
    fn sockets(&self) -> Result<Vec<Open>, String> {
        NoDoor.sockets()
    }
    fn write(&self, socket: u64, text: &str) -> Result<Written, String> {
        NoDoor.write(socket, text)
    }
    fn forget(&self, socket: u64) -> Result<bool, String> {
        NoDoor.forget(socket)
    }
}
