//! What stands for the items of a production in a case.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use components::rehearsal::{Ear, Intake, Replies, SocketServer};
use config::EdgeDef;
use hl7::ack::{AckCode, AckText, build};
use model::{
    BuildError, Built, BusinessOperation, BusinessProcess, BusinessService, BusinessType, Checks, Component,
    Decision, Failure, HostContext, Library, Message, Step, Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Mutex as AsyncMutex;
use tokio::sync::mpsc::UnboundedReceiver;

use super::stage::{Delivery, Output, Real, Stage};

/// Which item it stands for.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
pub(super) struct Settings {
    /// Its name.
    item: String,
}

impl Settings {
    fn real(&self, library: &Library) -> Result<(Stage, Real), BuildError> {
        let stage = (*library.get::<Stage>()).clone();
        let real = stage.real(&self.item).cloned();
        let message = || format!("\"{}\" is no item of the case", self.item);
        let real = real.ok_or_else(|| BuildError { path: "item".to_owned(), message: message() })?;
        Ok((stage, real))
    }
}

/// Takes in what the case gives, as the real service would.
pub(super) struct FakeService {
    stage: Stage,
    door: Arc<AsyncMutex<UnboundedReceiver<Delivery>>>,
    intake: Intake,
    /// The settings of a service that keeps sockets, and what it is beside.
    sockets: Option<(Value, Library)>,
}

impl Component for FakeService {
    const TYPE: &'static str = "case.service";
    const BUSINESS_TYPE: BusinessType = BusinessType::BusinessService;
    const SUMMARY: &'static str = "stands for a service in a case";
    const EXAMPLE: &'static str = "";
    type Settings = Settings;

    fn check(_: &Settings, _: &mut Checks) {}

    fn build(settings: Settings, library: &Library) -> Result<Built, BuildError> {
        let (stage, real) = settings.real(library)?;
        let intake = Intake::of(real.component.type_name, &real.settings, library)?;
        let door = stage.door(&settings.item).ok_or_else(|| BuildError {
            path: "item".to_owned(),
            message: format!("\"{}\" is no service", settings.item),
        })?;
        let keeps_sockets = real.component.type_name == "websocket";
        let sockets = keeps_sockets.then(|| (real.settings.clone(), library.clone()));
        Ok(Built::Service(Box::new(FakeService { stage, door, intake, sockets })))
    }
}

#[async_trait]
impl BusinessService for FakeService {
    async fn run(&mut self, host: &HostContext) -> Result<(), Failure> {
        self.stage.seen().host = Some(host.clone());
        let Some((settings, library)) = &self.sockets else {
            host.started();
            return self.take(host).await;
        };
        let server = SocketServer::of(settings, library, host)
            .map_err(|error| Failure::Fatal(format!("{}: {}", error.path, error.message)))?;
        {
            let mut seen = self.stage.seen();
            seen.ears.insert(host.name().to_string(), Arc::new(Ear::open(host)));
            seen.entrances.insert(host.name().to_string(), server.entrance());
        }
        host.started();
        let ((), taken) = tokio::join!(server.run(), self.take(host));
        taken
    }
}

impl FakeService {
    /// Takes in what comes, until the case is over.
    async fn take(&self, host: &HostContext) -> Result<(), Failure> {
        let mut door = self.door.lock().await;
        loop {
            let delivery = tokio::select! {
                () = host.stopping() => return Ok(()),
                delivery = door.recv() => delivery,
            };
            let Some(Delivery { content, name, stored }) = delivery else { return Ok(()) };
            let taken = self.intake.take(content, &name, host).await;
            // A case that has ended asks no more.
            let _unasked = stored.send(taken);
        }
    }
}

/// Writes down what would go out, and answers as the case says.
pub(super) struct FakeOperation {
    name: String,
    stage: Stage,
    edge: EdgeDef,
    replies: Replies,
}

impl Component for FakeOperation {
    const TYPE: &'static str = "case.operation";
    const BUSINESS_TYPE: BusinessType = BusinessType::BusinessOperation;
    const SUMMARY: &'static str = "stands for an operation in a case";
    const EXAMPLE: &'static str = "";
    type Settings = Settings;

    fn check(_: &Settings, _: &mut Checks) {}

    fn build(settings: Settings, library: &Library) -> Result<Built, BuildError> {
        let (stage, real) = settings.real(library)?;
        let replies = Replies::of(real.component.type_name, &real.settings)?;
        let edge = real.edge;
        Ok(Built::Operation(Box::new(FakeOperation { name: settings.item, stage, edge, replies })))
    }
}

#[async_trait]
impl BusinessOperation for FakeOperation {
    async fn start(&mut self, host: &HostContext) -> Result<(), Failure> {
        self.stage.seen().host = Some(host.clone());
        Ok(())
    }

    async fn on_message(&mut self, request: &Message, host: &HostContext) -> Decision {
        match self.send(request, host).await {
            Some(decision) => decision,
            None => Decision::retry("the case is over"),
        }
    }

    async fn on_messages(&mut self, requests: &[Message], host: &HostContext) -> Vec<Decision> {
        let mut decisions = Vec::with_capacity(requests.len());
        for request in requests {
            let Some(decision) = self.send(request, host).await else { break };
            let holds = decision.holds_queue();
            decisions.push(decision);
            if holds || host.is_stopping() {
                break;
            }
        }
        decisions
    }
}

impl FakeOperation {
    /// None when the case is over before it is answered.
    async fn send(&self, request: &Message, host: &HostContext) -> Option<Decision> {
        let edge = &self.edge;
        if edge.refuses_for.is_some_and(|time| host.clock().now() < self.stage.clock().at(time)) {
            return Some(Decision::retry("nobody is there, as the case says"));
        }
        let sent = self.write_down(request);
        // It has what was sent; but an answer that comes too late is none.
        let delay = edge.delay.get(sent - 1).or(edge.delay.last()).copied().unwrap_or_default();
        let late = self.replies.patience().filter(|patience| delay > *patience);
        if !delay.is_zero() {
            let _counted = self.stage.delay();
            tokio::select! {
                () = host.clock().sleep(late.unwrap_or(delay)) => {}
                () = host.stopping() => return None,
            }
        }
        if late.is_some() {
            return Some(self.replies.silence(&self.name, request));
        }
        if !self.replies.are_asked_for() {
            return Some(Decision::completed());
        }
        let answer = self.answer(request, host.clock().now());
        Some(self.replies.answered(&self.name, request, answer))
    }

    /// Returns how often something was sent so far. A message that is sent again is the same output.
    fn write_down(&self, request: &Message) -> usize {
        let mut seen = self.stage.seen();
        if !seen.outputs.iter().any(|known| known.message == request.header.id) {
            seen.outputs.push(Output {
                operation: self.name.clone(),
                message: request.header.id,
                rule: request.header.description.to_string(),
                body: request.body.clone(),
            });
        }
        let sent = seen.sent.entry(self.name.clone()).or_default();
        *sent += 1;
        *sent
    }

    /// What is answered: what the case says, in order, the last one for ever; AA where it says nothing.
    fn answer(&self, request: &Message, now: Timestamp) -> Bytes {
        let edge = &self.edge;
        let given = {
            let mut seen = self.stage.seen();
            let count = seen.answers.entry(self.name.clone()).or_default();
            *count += 1;
            *count
        };
        let code = edge.answers.get(given - 1).or(edge.answers.last());
        let code = code.and_then(|code| code.parse().ok()).unwrap_or(AckCode::AA);
        let read = components::message::hl7(&request.body);
        let message = read.ok();
        let time: String = now.to_utc().chars().filter(char::is_ascii_digit).take(14).collect();
        let control_id = format!("CASE{given}");
        let text =
            AckText { code, text: &edge.text, error: None, sender: "", control_id: &control_id, time: &time };
        build(message.as_ref(), &text)
    }
}

/// A real process, with a look at whether it works and when it wants to be woken.
pub(super) struct WatchedProcess {
    inner: Box<dyn BusinessProcess>,
    stage: Stage,
    /// Its place among the wakes.
    at: usize,
}

impl Component for WatchedProcess {
    const TYPE: &'static str = "case.process";
    const BUSINESS_TYPE: BusinessType = BusinessType::BusinessProcess;
    const SUMMARY: &'static str = "watches a process in a case";
    const EXAMPLE: &'static str = "";
    type Settings = Settings;

    fn check(_: &Settings, _: &mut Checks) {}

    fn build(settings: Settings, library: &Library) -> Result<Built, BuildError> {
        let (stage, real) = settings.real(library)?;
        let Built::Process(inner) = real.component.build(real.settings.clone(), library)? else {
            let message = format!("\"{}\" is no process", settings.item);
            return Err(BuildError { path: "item".to_owned(), message });
        };
        let at = {
            let mut seen = stage.seen();
            seen.wakes.push(None);
            seen.wakes.len() - 1
        };
        Ok(Built::Process(Box::new(WatchedProcess { inner, stage, at })))
    }
}

#[async_trait]
impl BusinessProcess for WatchedProcess {
    async fn start(&mut self, host: &HostContext) -> Result<(), Failure> {
        self.stage.seen().host = Some(host.clone());
        let _counted = self.stage.call();
        self.inner.start(host).await
    }

    async fn on_message(&mut self, request: &Message, host: &HostContext) -> Decision {
        let _counted = self.stage.call();
        self.inner.on_message(request, host).await
    }

    async fn on_messages(&mut self, requests: &[Message], host: &HostContext) -> Vec<Decision> {
        let _counted = self.stage.call();
        self.inner.on_messages(requests, host).await
    }

    fn next_wake(&self) -> Option<Timestamp> {
        let wake = self.inner.next_wake();
        self.stage.seen().wakes[self.at] = wake;
        wake
    }

    async fn on_wake(&mut self, host: &HostContext) -> Result<Vec<Step>, Failure> {
        let _counted = self.stage.call();
        self.inner.on_wake(host).await
    }
}

impl Drop for WatchedProcess {
    fn drop(&mut self) {
        // One that is built anew tells anew.
        self.stage.seen().wakes[self.at] = None;
    }
}
