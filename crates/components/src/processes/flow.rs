//! `flow`: a business process of steps, which goes on over waits and restarts.
//!
//! ```yaml
//! processes:
//!   LabFlow:
//!     type: flow
//!     settings:
//!       steps:
//!         - call: LabSystem
//!           as: lab
//!           timeout: 30s
//!         - if: MSA-1 = "AA"
//!           of: lab
//!           then:
//!             - assign: { ward: PV1-3.1 }
//!             - milestone: accepted
//!           else:
//!             - call: Clerk
//!               request: { text: 'lab refused message {{ MSH-10 }}' }
//!               async: true
//!         - reply: lab
//! ```
//!
//! Every request begins an instance of its own. It is done step by step until it waits: for the answer to
//! a call, or for a time. Then everything it has sent, what it remembers and the end of the message that
//! drove it are one change of the ledger, and no worker is held. The answer comes as a message on the
//! flow's own queue, in front of new requests; so an instance goes on after any restart where it was,
//! and nothing that it did is done twice.
//!
//! What goes wrong is a fault, with a name: `timeout`, `failed` (the target failed, or refused), `missing`,
//! `transform`, `set`, `charset`, `lookup`, `time`, `code`, `sql`, `rejected`, `endless`, or that of a `throw`.
//! A `scope` catches it by that name or by `*`; what was completed within the scope and has `compensate` is
//! undone first, the last one first. A fault that nobody catches ends the instance: its request gets status
//! Error, and its sender that answer.
//!
//! Expressions are about the request, or about the message that `of` names, and know `context.NAME`: what
//! `assign` has set, `NAME_status` (pending, answered, failed, timeout) and `NAME_error` of every call,
//! `fault` and `fault_reason`.
//!
//! `code` is JavaScript on one of its messages: what it changes in it and sets in `context` is the flow's.
//! It runs on the threads for scripts within the usual limits, and as a part of the step that it is in.
//!
//! With `server`, code has the open `sockets` of that `websocket` service. What it writes to them is no part of
//! the ledger's change, and cannot be taken back: it is written **at least once**, since a step that was cut
//! short by a crash is done again. Such a flow gets a message when its header is durable, as an operation does.
//!
//! An instance goes on with the steps it began with, also when the production is changed meanwhile.

use model::{BuildError, Built, BusinessType, Checks, Component, Library, NoteKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::rule_log::RuleLog;
use compile::compile;
use host::FlowHost;

mod asking;
mod code;
mod compile;
mod expression;
mod faults;
mod host;
mod instance;
mod made;
mod program;
mod reading;
mod run;
mod sql;
mod time;
mod waits;

/// What an engineer may set.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What is done for each request, in order: maps such as `call: LabSystem`, as the guide to flows
    /// describes them.
    pub steps: Vec<Map<String, Value>>,
    /// The `websocket` service whose open sockets are `sockets` in steps of `code`; without it there are none.
    #[serde(default)]
    pub server: Option<String>,
    /// What is told about each step `rule`, as events of kind Trace: `orris rules log` shows them.
    #[serde(default)]
    pub rule_log: RuleLog,
}

/// A business process of steps.
pub struct Flow;

impl Component for Flow {
    const TYPE: &'static str = "flow";
    const BUSINESS_TYPE: BusinessType = BusinessType::BusinessProcess;
    const SUMMARY: &'static str = "does steps for each message, and goes on over waits and restarts";
    const EXAMPLE: &'static str = "\
LabFlow:
  type: flow
  settings:
    steps:
      - call: HL7FileOperation
        as: lab
        timeout: 30s
      - milestone: written
      - reply: done
";
    const ONE_WORKER: bool = true;
    type Settings = Settings;

    /// What has been said to a browser cannot be taken back.
    fn leaves_engine(settings: &Settings) -> bool {
        settings.server.is_some()
    }

    fn check(settings: &Settings, checks: &mut Checks) {
        let compiled = compile(&value(settings), &checks.library, true);
        checks.notes.extend(compiled.notes);
        match &settings.server {
            Some(server) => checks.uses("server", server, "websocket"),
            None => {
                for (path, range) in compiled.program.sockets {
                    checks.error_at(path, range, "sockets are used, and no server is set");
                    checks.help("add \"server\" with the name of the websocket service");
                }
            }
        }
        checks.waits.extend(compiled.waits);
        for (path, target, range) in compiled.targets {
            match range {
                Some(range) => checks.sends_to_at(path, range, target),
                None => checks.sends_to(path, target),
            }
        }
    }

    fn build(settings: Settings, library: &Library) -> Result<Built, BuildError> {
        let steps = value(&settings);
        let compiled = compile(&steps, library, false);
        if let Some(note) = compiled.notes.into_iter().find(|note| note.kind == NoteKind::Error) {
            return Err(BuildError { path: note.path, message: note.message });
        }
        Ok(Built::Process(Box::new(FlowHost::new(
            steps,
            compiled.program,
            library.clone(),
            settings.rule_log,
            settings.server,
        ))))
    }
}

fn value(settings: &Settings) -> Value {
    settings.steps.iter().cloned().map(Value::Object).collect()
}

#[cfg(test)]
mod tests;
