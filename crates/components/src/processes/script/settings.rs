//! What an engineer may set for a script.

use std::time::Duration;

use model::{ByteSize, Checks, Span};
use rules::LookupTables;
use schemars::JsonSchema;
use script::Program;
use serde::{Deserialize, Serialize};

/// Any target, in `response_from`.
pub(super) const ANY: &str = "*";
const MOST_MEMORY: ByteSize = ByteSize::mib(1024);
const MOST_TIME: Span = Span::secs(60);

/// What an engineer may set.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The JavaScript that is run for each message, as the body of a function with the message `msg`.
    pub code: String,
    /// What it may use up for one message.
    #[serde(default)]
    pub limits: Limits,
    /// The `websocket` service whose open sockets are the script's `sockets`; without it there are none.
    #[serde(default)]
    pub server: Option<String>,
    /// The item that gets a message whose script fails, and one that is no HL7 although it should be;
    /// none to keep it in the ledger alone. Either way it ends as an error.
    #[serde(default)]
    pub bad_message_handler: Option<String>,
    /// The items whose answer is the answer to the sender, the first that comes; `*` for any. None for
    /// what the script answers itself, or for no more than that it has run.
    #[serde(default)]
    pub response_from: Vec<String>,
}

/// What a script may use up for one message.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// How much it may hold at once, from 2MiB to 1GiB; and as much again in messages that it changes.
    pub memory: ByteSize,
    /// How long it may take, from 1ms to 1m.
    pub time: Span,
    /// How much stack it has, from 32KiB to 4MiB: how deep its functions may call each other.
    pub stack: ByteSize,
}

impl Default for Limits {
    fn default() -> Self {
        let script::Limits { memory, time, stack } = script::Limits::default();
        Limits { memory: ByteSize(memory as u64), time: Span(time), stack: ByteSize(stack as u64) }
    }
}

impl Limits {
    /// The same, as scripts take it.
    pub(super) fn as_script(self) -> script::Limits {
        script::Limits { memory: self.memory.0 as usize, time: self.time.0, stack: self.stack.0 as usize }
    }

    fn check(self, checks: &mut Checks) {
        let sizes = [
            ("memory", self.memory, ByteSize(script::Limits::LEAST_MEMORY as u64), MOST_MEMORY),
            (
                "stack",
                self.stack,
                ByteSize(script::Limits::LEAST_STACK as u64),
                ByteSize(script::Limits::MOST_STACK as u64),
            ),
        ];
        for (name, size, least, most) in sizes {
            if size < least || size > most {
                let message = format!("{name} is {size}; expected {least} to {most}");
                checks.error(format!("limits.{name}"), message);
            }
        }
        if self.time.0 < Duration::from_millis(1) || self.time > MOST_TIME {
            checks.error("limits.time", format!("time is {}; expected 1ms to {MOST_TIME}", self.time));
        }
    }
}

impl Settings {
    pub(super) fn check(&self, checks: &mut Checks) {
        self.limits.check(checks);
        if let Some(server) = &self.server {
            checks.uses("server", server, "websocket");
        }
        if let Some(handler) = &self.bad_message_handler {
            checks.sends_to("bad_message_handler", handler);
        }
        match Program::compile(&self.code) {
            Ok(program) => self.check_program(&program, checks),
            Err(error) => match error.range {
                Some(range) => checks.error_at("code", range, error.message),
                None => checks.error("code", error.message),
            },
        }
    }

    fn check_program(&self, program: &Program, checks: &mut Checks) {
        let mut named: Vec<String> = Vec::new();
        for (name, range) in program.sends_to() {
            if name.is_empty() {
                checks.error_at("code", range, "the target of send is empty; expected the name of an item");
            } else if !named.contains(&name) {
                checks.sends_to_at("code", range, &name);
                named.push(name);
            }
        }
        for unknown in program.wrong_names(&checks.library.get::<LookupTables>()) {
            checks.error_at("code", unknown.range, unknown.message);
            checks.help(unknown.help.unwrap_or_default());
        }
        if self.server.is_none()
            && let Some(range) = program.first_use("sockets")
        {
            checks.error_at("code", range, "sockets are used, and no server is set");
            checks.help("add \"server\" with the name of the websocket service");
        }
        for (i, name) in self.response_from.iter().enumerate() {
            if name.is_empty() {
                checks.error(
                    format!("response_from[{i}]"),
                    "name is empty; expected an item, or \"*\" for any",
                );
            }
        }
    }
}
