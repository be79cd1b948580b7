//! Scripts in their sandbox: what they can do, what they cannot, and what stops them.

mod api;
mod guide;
mod isolation;
mod limits;
mod pool;
mod secrets;
mod transforms;

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use orris_script::{
    Content, Door, Facts, Input, Limits, Open, Outcome, Program, Sandbox, SentBody, Verdict, Written,
};

pub(crate) const ADT: &str = "MSH|^~\\&|LAB|H|||20261123||ADT^A01^ADT_A01|7|P|2.5\rPID|1||4711^^^H~4712||Doe^Ann||\"\"|\r\
    OBX|1|NM|A||5\rOBX|2|NM|B||6~7\rOBX|3|ST|C||x \\T\\ y";

/// A host that notes what is written to its sockets. It is always half past twelve.
#[derive(Default)]
pub(crate) struct Noting {
    pub(crate) written: Mutex<Vec<(u64, String)>>,
    pub(crate) forgotten: Mutex<Vec<u64>>,
}

pub(crate) const NOON: i64 = 1_700_000_000_000;

impl Door for Noting {
    fn now(&self) -> i64 {
        NOON
    }
    fn may_send(&self, target: &str) -> Result<(), String> {
        match target {
            "Nowhere" => Err("item \"Nowhere\" is not among the targets".to_owned()),
            _ => Ok(()),
        }
    }
    fn sockets(&self) -> Result<Vec<Open>, String> {
        let open = |id| Open { id, session_id: format!("key{id}"), ..Open::default() };
        Ok(vec![open(1), open(2)])
    }
    fn write(&self, socket: u64, text: &str) -> Result<Written, String> {
        self.written.lock().unwrap().push((socket, text.to_owned()));
        Ok(if socket == 2 { Written::Closed } else { Written::Ok })
    }
    fn forget(&self, socket: u64) -> Result<bool, String> {
        self.forgotten.lock().unwrap().push(socket);
        Ok(socket == 2)
    }
}

pub(crate) fn program(source: &str) -> Program {
    match Program::compile(source) {
        Ok(program) => program,
        Err(error) => panic!("{source}: {error}"),
    }
}

pub(crate) fn input(text: &str) -> Input {
    let content = match hl7::Message::read(Bytes::copy_from_slice(text.as_bytes()), "") {
        Ok(message) => Content::Hl7(message),
        Err(_) => Content::Text(text.to_owned()),
    };
    let facts =
        Facts { id: 12, session: 7, source: "In".into(), target: "Script".into(), ..Facts::default() };
    Input {
        content,
        facts: Facts { doc_type: "2.5:ADT_A01".into(), body_class: "HL7.Message".into(), ..facts },
    }
}

pub(crate) fn run(source: &str) -> Outcome {
    run_on(source, ADT)
}

pub(crate) fn run_on(source: &str, text: &str) -> Outcome {
    Sandbox::new(&program(source)).unwrap().run(&input(text), &Arc::new(Noting::default()))
}

pub(crate) fn within(limits: Limits, source: &str) -> Outcome {
    let program = program(source).with_limits(limits);
    Sandbox::new(&program).unwrap().run(&input(ADT), &Arc::new(Noting::default()))
}

/// What the script says with `log.info`, or how it failed.
pub(crate) fn said(source: &str) -> String {
    let outcome = run(source);
    match &outcome.verdict {
        Verdict::Done => {}
        other => return failure(other),
    }
    outcome.said.into_iter().map(|said| said.text).collect::<Vec<_>>().join("; ")
}

pub(crate) fn failure(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Failed(trouble) => trouble.to_string(),
        other => format!("{other:?}"),
    }
}

pub(crate) fn text_of(body: &SentBody) -> String {
    match body {
        SentBody::Same => "same".to_owned(),
        SentBody::Hl7(message, bytes) => {
            assert_eq!(format!("{}\r", message.text()).as_bytes(), &bytes[..]);
            message.text().to_owned()
        }
        SentBody::Text(text) => format!("text {text}"),
    }
}
