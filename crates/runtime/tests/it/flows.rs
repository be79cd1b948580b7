//! Flows on a real store: calls, waits, faults, and restarts at every stop.

use std::time::Duration;

use components::processes::flow::Flow;
use config::ItemDef;
use model::{
    Arrival, BodyClass, ComponentSpec, Decision, Library, MessageBody, MessageHeader, MessageStatus,
    MessageType, Priority, Reply,
};
use serde_json::{Value, json};
use testkit::{FakeClock, eventually};

use crate::fake::*;

mod asking;
mod code;
mod faults;
mod loops;
mod restarts;
mod steps;

static FLOW: ComponentSpec = ComponentSpec::of::<Flow>();

/// An admission of the ward `I` with two results.
const ADMISSION: &str =
    "MSH|^~\\&|LAB||||20260101||ADT^A01|7|P|2.5\rPID|1||4711\rPV1|1|I\rOBX|1||A\rOBX|2||B\r";

/// A flow of these steps.
fn flow(steps: Value) -> ItemDef {
    let (mut def, _) = item("Flow", &PASS, &[]);
    def.component = &FLOW;
    def.settings = json!({ "steps": steps });
    def
}

fn hl7(text: &str) -> MessageBody {
    MessageBody::new(BodyClass::HL7, text.as_bytes().to_vec())
}

fn text(text: &str) -> MessageBody {
    MessageBody::new(BodyClass::TEXT, text.as_bytes().to_vec())
}

fn admission() -> Arrival {
    Arrival { wants_reply: true, ..Arrival::new(hl7(ADMISSION)) }
}

/// A service, the flow and operations that do what the test says.
struct Bench {
    production: Production,
    clock: FakeClock,
    feed: std::sync::Arc<Probe>,
    outs: Vec<std::sync::Arc<Probe>>,
    director: Option<orris_runtime::Director>,
}

impl Bench {
    async fn start(steps: Value, outs: &[&str]) -> Bench {
        Bench::beside(Library::default(), json!({ "steps": steps }), outs).await
    }

    /// The same with what the production defines, and settings of the flow.
    async fn beside(library: Library, settings: Value, outs: &[&str]) -> Bench {
        let clock = FakeClock::new();
        let (feed, feeding) = item("In", &FEED, &["Flow"]);
        let mut items = vec![feed, ItemDef { settings, ..flow(json!([])) }];
        let mut probes = Vec::new();
        for name in outs {
            let (out, probe) = item(name, &SINK, &[]);
            items.push(out);
            probes.push(probe);
        }
        let mut production = Production::of(items).clock(clock.clone());
        production.def.library = library;
        let director = Some(production.start().await);
        Bench { production, clock, feed: feeding, outs: probes, director }
    }

    /// Sends the admission; the answer that is promised.
    async fn ask(&self) -> model::ReplyFuture {
        ask(&self.feed, vec![admission()]).await.pop().expect("a reply is promised")
    }

    /// Sends the admission and waits for its answer: its text, and its error.
    async fn answer(&self) -> (Option<String>, Option<String>) {
        told(self.ask().await.await.expect("it is answered"))
    }

    async fn stop(&mut self) {
        if let Some(director) = self.director.take() {
            let report = director.stop().await;
            assert_eq!((report.abandoned, report.store), (Vec::new(), None));
        }
    }

    async fn restart(&mut self) {
        self.stop().await;
        self.director = Some(self.production.start().await);
    }

    fn headers(&self, target: &str, kind: MessageType) -> Vec<MessageHeader> {
        let all = self.production.headers(target).into_iter();
        all.filter(|header| header.message_type == kind).collect()
    }

    /// Moves the clock on as soon as somebody sleeps, until something holds.
    async fn pass(&self, by: Duration, mut holds: impl FnMut() -> bool) {
        eventually(SOON, || {
            if holds() {
                return true;
            }
            self.clock.advance(by);
            false
        })
        .await;
    }

    /// How many instances wait, as it is shown.
    fn deferred(&self) -> u64 {
        let director = self.director.as_ref().expect("it runs");
        director.status().item("Flow").expect("the flow").deferred
    }

    /// Whether nothing of any instance is left in the ledger.
    fn is_clean(&self) -> bool {
        let state = self.production.reader().state("Flow", "").expect("state");
        state.iter().all(|(key, _)| key.starts_with("flow/"))
    }

    /// What is said about instances.
    fn said(&self) -> Vec<String> {
        let all = self.production.events().into_iter();
        all.filter_map(|line| line.strip_prefix("Flow: ").map(str::to_owned)).collect()
    }
}

fn told(reply: Reply) -> (Option<String>, Option<String>) {
    (reply.body.as_ref().map(text_of), reply.error)
}

fn answers(body: &str) -> Decision {
    Decision::answer(text(body))
}

fn some(text: &str) -> (Option<String>, Option<String>) {
    (Some(text.to_owned()), None)
}
