//! `script`: decides in JavaScript what becomes of messages.
//!
//! ```yaml
//! processes:
//!   ToLab:
//!     type: script
//!     targets: [Lab, Archive]
//!     settings:
//!       code: |
//!         if (msg.get("PV1-2") !== "I") discard("no inpatient");
//!         msg.set("PID-5.1", msg.get("PID-5.1").toUpperCase());
//!         for (const obx of msg.segments("OBX")) {
//!           if (obx.get("2") === "NM") obx.set("5", obx.get("5").replace(",", "."));
//!         }
//!         send("Lab");
//! ```
//!
//! The code runs once for each message, and what it does not send goes nowhere. It sends to the item's
//! `targets`, and to whom it names in so many words, as in `send("Lab")`. A message that it changed is
//! sent as it is at that moment, and stored as a new body; one that it did not change is sent as it came.
//!
//! Nothing else is in its reach: no file, no network, no clock but the host's time, no chance; and nothing
//! stays from one message to the next. It has a limit of memory, of time and of stack. A script that
//! fails ends the message as an error that says the kind of error and its place in the code. What the
//! text of an error says is told only where it cannot hold anything of the message. What a script says
//! itself, in `log`, `alert`, `reject`, `discard` and `suspend`, is told as it is, and it is for its author
//! to keep what stands in messages out of it.
//!
//! With `server`, `sockets` are the open sockets of that `websocket` service: the loop over them that a
//! `socket.invocation` makes by itself can be written as one likes.
//!
//! A script may write to sockets, and what has been said to a browser cannot be taken back: so it gets a
//! message when its header is durable, as an operation does.

mod door;
mod settings;
mod settling;

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use model::{
    BodyClass, BuildError, Built, BusinessProcess, BusinessType, Checks, Component, Decision, Failure,
    HostContext, Library, Message, MessageBody,
};
use rules::LookupTables;
use script::{Content, Facts, Input, Pool, Program};

pub(super) use self::door::ItemDoor;
pub use self::settings::{Limits, Settings};
use self::settling::Settling;
pub(super) use self::settling::{changed_body, cut, kind};
use crate::hl7::doc_type::DocTypes;
use crate::sockets::hub::Hub;

/// The name of the threads that all scripts of a production share.
pub(super) const SCRIPTS: &str = "scripts";

/// Decides in JavaScript what becomes of messages.
pub struct Script;

impl Component for Script {
    const TYPE: &'static str = "script";
    const BUSINESS_TYPE: BusinessType = BusinessType::BusinessProcess;
    const SUMMARY: &'static str = "decides in JavaScript what becomes of messages";
    const EXAMPLE: &'static str = "\
ToLab:
  type: script
  targets: [Lab]
  settings:
    code: |
      if (msg.get(\"PV1-2\") !== \"I\") discard(\"no inpatient\");
      msg.set(\"PID-5.1\", msg.get(\"PID-5.1\").toUpperCase());
      send(\"Lab\");
";
    const OUTSIDE_EFFECTS: bool = true;
    type Settings = Settings;

    fn check(settings: &Settings, checks: &mut Checks) {
        settings.check(checks);
    }

    fn build(settings: Settings, library: &Library) -> Result<Built, BuildError> {
        let program = Program::compile(&settings.code)
            .map_err(|error| BuildError { path: "code".to_owned(), message: error.to_string() })?;
        Ok(Built::Process(Box::new(Runner {
            named: Arc::new(program.sends_to().into_iter().map(|(name, _)| name).collect()),
            program: program
                .with_limits(settings.limits.as_script())
                .with_tables(&library.get::<LookupTables>()),
            types: DocTypes::new("", library)?,
            settings,
            started: None,
        })))
    }
}

struct Runner {
    settings: Settings,
    program: Program,
    /// Whom the code names where it sends.
    named: Arc<HashSet<String>>,
    types: DocTypes,
    started: Option<Started>,
}

struct Started {
    pool: Arc<Pool>,
    door: Arc<ItemDoor>,
}

#[async_trait]
impl BusinessProcess for Runner {
    async fn start(&mut self, host: &HostContext) -> Result<(), Failure> {
        let hub = self.settings.server.as_deref().map(|server| host.shared().get::<Hub>(server));
        let door = ItemDoor { host: host.clone(), named: self.named.clone(), hub };
        // All scripts of a production share their threads.
        self.started = Some(Started { pool: host.shared().get(SCRIPTS), door: Arc::new(door) });
        Ok(())
    }

    async fn on_message(&mut self, request: &Message, host: &HostContext) -> Decision {
        match self.on_messages(std::slice::from_ref(request), host).await.pop() {
            Some(decision) => decision,
            None => Decision::retry("the script was not run"),
        }
    }

    /// What has gathered is handed over together: the scripts' thread is woken once, and so is this one.
    async fn on_messages(&mut self, requests: &[Message], host: &HostContext) -> Vec<Decision> {
        let Some(Started { pool, door }) = &self.started else {
            return vec![Decision::Fatal("the process was not started".into())];
        };
        let read: Vec<Result<Input, String>> = requests.iter().map(|request| input(request, host)).collect();
        let inputs = read.iter().filter_map(|input| input.as_ref().ok().cloned()).collect();
        let mut outcomes = pool.run(&self.program, inputs, door.clone()).await.into_iter();
        let settling = Settling { settings: &self.settings, types: &self.types, host };
        let mut decisions = Vec::with_capacity(requests.len());
        for (request, input) in requests.iter().zip(read) {
            let decision = match input {
                Err(reason) => settling.failed(request, reason),
                Ok(_) => match outcomes.next() {
                    Some(outcome) => settling.decide(request, outcome),
                    // A script before it could not be stopped: what is behind it was not looked at.
                    None => break,
                },
            };
            decisions.push(decision);
        }
        decisions
    }
}

/// What the script is handed of a message, or why it cannot be.
fn input(request: &Message, host: &HostContext) -> Result<Input, String> {
    let (header, body) = (&request.header, &request.body);
    let content = content(body)?;
    let facts = Facts {
        id: header.id.0,
        session: header.session.0,
        source: header.source.clone(),
        target: host.name().clone(),
        description: header.description.clone(),
        resent: header.resent.clone(),
        doc_type: body.doc_type().to_owned(),
        body_class: body.class().0.into(),
        name: body.name().to_owned(),
        variables: None,
    };
    Ok(Input { content, facts })
}

/// What a script works on, or why that cannot be read.
pub(super) fn content(body: &MessageBody) -> Result<Content, String> {
    match body.class() {
        BodyClass::HL7 => {
            let read = crate::message::hl7(body);
            Ok(Content::Hl7(read.map_err(|error| error.to_string())?))
        }
        _ => Ok(Content::Text(String::from_utf8_lossy(body.content()).into_owned())),
    }
}

#[cfg(test)]
mod tests;
