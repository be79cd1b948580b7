//! The flow as a business process: its instances, where they are kept, and when they go on.
//!
//! An instance is a row of what the item remembers, written in the change that ends the message which
//! drove it; instances that were at work lately are in memory as well. Each names the flow as it was
//! when it began, which is remembered too: so it goes on as it began when the production is changed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use model::{
    BusinessProcess, Caller, Decision, Driven, Ended, Event, EventKind, Failure, HostContext, LateAnswer,
    Library, Message, MessageId, NoteKind, StateChange, Step, Timestamp,
};
use serde_json::Value;

use super::super::rule_log::RuleLog;
use super::compile::compile;
use super::instance::{Instance, Kept};
use super::program::Program;
use super::run::{Bodies, Run};
use super::waits::nothing;

/// So many instances, and bytes of their messages, are in memory while they wait.
const MOST_KEPT: usize = 4_096;
const MOST_BYTES: usize = 16 << 20;
/// So many instances are woken at a time.
const AT_ONCE: usize = 64;

/// A flow at work.
pub(super) struct FlowHost {
    /// The steps, as they are written now, and their name.
    steps: Value,
    flow: String,
    library: Library,
    rule_log: RuleLog,
    /// The service whose sockets code has.
    server: Option<String>,
    /// Flows by their names: that of now, and those that instances began with.
    programs: BTreeMap<String, Arc<Program>>,
    /// When instances want to be woken.
    wakes: BTreeSet<(Timestamp, MessageId)>,
    kept: Memory,
}

/// An instance in memory, with the bodies of its messages.
struct Live {
    instance: Instance,
    bodies: Bodies,
}

impl Live {
    fn bytes(&self) -> usize {
        self.bodies.values().map(|body| body.content().len()).sum()
    }
}

/// Instances that were at work lately.
#[derive(Default)]
struct Memory {
    by_id: BTreeMap<MessageId, (u64, Live)>,
    /// The same in the order in which they were put in.
    order: BTreeMap<u64, MessageId>,
    last: u64,
    bytes: usize,
}

impl Memory {
    fn take(&mut self, id: MessageId) -> Option<Live> {
        let (place, live) = self.by_id.remove(&id)?;
        self.order.remove(&place);
        self.bytes -= live.bytes();
        Some(live)
    }

    fn put(&mut self, id: MessageId, live: Live) {
        self.last += 1;
        self.bytes += live.bytes();
        self.order.insert(self.last, id);
        self.by_id.insert(id, (self.last, live));
    }

    /// Forgets those that were at work longest ago, as far as there are too many. Only between batches:
    /// what an instance has become in one is in the ledger when all of it is settled.
    fn trim(&mut self) {
        while (self.by_id.len() > MOST_KEPT || self.bytes > MOST_BYTES)
            && let Some((_, oldest)) = self.order.first_key_value()
        {
            let oldest = *oldest;
            drop(self.take(oldest));
        }
    }
}

/// What an instance is driven by.
enum Drive<'a> {
    Begin,
    Answer(u32, &'a Message),
    Time,
}

impl FlowHost {
    pub(super) fn new(
        steps: Value,
        program: Program,
        library: Library,
        rule_log: RuleLog,
        server: Option<String>,
    ) -> Self {
        let flow = name_of(&steps);
        let programs = BTreeMap::from([(flow.clone(), Arc::new(program))]);
        let (wakes, kept) = (BTreeSet::new(), Memory::default());
        FlowHost { steps, flow, library, rule_log, server, programs, wakes, kept }
    }

    /// The flow of that name.
    fn program(&mut self, flow: &str) -> Option<Arc<Program>> {
        self.programs.get(flow).cloned()
    }

    /// Reads back what is remembered of earlier flows and of times.
    async fn restore(&mut self, host: &HostContext) -> Result<(), Failure> {
        let mut known = false;
        for (key, value) in host.remembered(FLOW).await? {
            let flow = key[FLOW.len()..].to_owned();
            known |= flow == self.flow;
            if flow != self.flow
                && let Some(program) = again(&flow, &value, &self.library)
            {
                self.programs.insert(flow, Arc::new(program));
            }
        }
        if !known {
            let key = format!("{FLOW}{}", self.flow);
            host.remember(vec![StateChange { key, value: Some(self.steps.to_string().into_bytes()) }]);
        }
        for (key, _) in host.remembered(WAKE).await? {
            self.wakes.extend(read_wake(&key));
        }
        Ok(())
    }

    /// The instance, with all its messages, out of memory or the ledger; none when there is none (any more).
    async fn load(&mut self, id: MessageId, host: &HostContext) -> Result<Option<Live>, Failure> {
        if let Some(live) = self.kept.take(id) {
            return Ok(Some(live));
        }
        let Some((_, value)) = host.remembered(&instance_key(id)).await?.into_iter().next() else {
            return Ok(None);
        };
        let instance: Instance = serde_json::from_slice(&value)
            .map_err(|error| Failure::Fatal(format!("flow instance {id} cannot be read: {error}")))?;
        let mut bodies = Bodies::new();
        for (name, kept) in &instance.messages {
            let body = match kept {
                Kept::Stored { message, .. } => host.stored(*message).await?.map(|message| message.body),
                Kept::New { .. } => kept.body(),
            };
            bodies.insert(name.clone(), body.unwrap_or_else(nothing));
        }
        Ok(Some(Live { instance, bodies }))
    }

    /// Lets an instance go on, as far as it can.
    async fn drive(&mut self, mut live: Live, drive: Drive<'_>, host: &HostContext) -> Step {
        let caller = live.instance.caller.clone();
        let (id, slept) = (caller.request, live.instance.wake);
        let step = Step::new(caller);
        let Some(program) = self.program(&live.instance.flow) else {
            let step = lost(id, live.instance.replied, step);
            return self.sleep(id, (slept, None), step);
        };
        let began = matches!(drive, Drive::Begin);
        let mut run = Run {
            program: &program,
            item: host.name(),
            now: host.clock().now(),
            instance: &mut live.instance,
            bodies: &mut live.bodies,
            step,
            waits: false,
            rule_log: self.rule_log,
            hub: self.server.as_deref().map(|server| host.shared().get(server)),
        };
        match drive {
            Drive::Begin => {}
            Drive::Answer(call, answer) => {
                if !run.answered(call, answer) {
                    run.step.driven = Driven::Discarded(late(run.instance));
                    let step = run.step;
                    self.kept.put(id, live);
                    return step;
                }
            }
            Drive::Time => run.look(),
        }
        run.run(host).await;
        let over = run.is_over();
        let mut step = run.step;
        if !over {
            let value = serde_json::to_vec(&live.instance).unwrap_or_default();
            step.state.push(StateChange { key: instance_key(id), value: Some(value) });
            let wake = live.instance.wake;
            self.kept.put(id, live);
            return self.sleep(id, (slept, wake), step);
        }
        step.ended.get_or_insert(Ended::Done);
        if !began {
            step.state.push(forget(instance_key(id)));
        }
        self.sleep(id, (slept, None), step)
    }

    /// Notes when the instance wants to be woken, here and in the ledger.
    fn sleep(
        &mut self,
        id: MessageId,
        (old, new): (Option<Timestamp>, Option<Timestamp>),
        mut step: Step,
    ) -> Step {
        if old != new {
            if let Some(old) = old {
                self.wakes.remove(&(old, id));
                step.state.push(forget(wake_key(old, id)));
            }
            if let Some(new) = new {
                self.wakes.insert((new, id));
                step.state.push(StateChange { key: wake_key(new, id), value: Some(Vec::new()) });
            }
        }
        step
    }

    async fn decide(&mut self, message: &Message, host: &HostContext) -> Result<Decision, Failure> {
        if !message.header.is_response() {
            let caller = Caller::from(&message.header);
            let instance = Instance::new(&self.flow, caller, message.header.body);
            let bodies = Bodies::from([(super::instance::REQUEST.to_owned(), message.body.clone())]);
            let step = self.drive(Live { instance, bodies }, Drive::Begin, host).await;
            return Ok(Decision::Step(Box::new(step)));
        }
        let Some((id, call)) = message.header.answered_call() else {
            return Ok(Decision::Discarded("it answers no call of this flow".to_owned()));
        };
        match self.load(id, host).await? {
            Some(live) => {
                let step = self.drive(live, Drive::Answer(call, message), host).await;
                Ok(Decision::Step(Box::new(step)))
            }
            None => Ok(Decision::Discarded(format!("flow instance {id} has ended"))),
        }
    }
}

#[async_trait]
impl BusinessProcess for FlowHost {
    async fn start(&mut self, host: &HostContext) -> Result<(), Failure> {
        self.restore(host).await
    }

    async fn on_message(&mut self, request: &Message, host: &HostContext) -> Decision {
        match self.decide(request, host).await {
            Ok(decision) => decision,
            Err(Failure::Fatal(reason)) => Decision::Fatal(reason),
            Err(failure) => Decision::retry(failure.to_string()),
        }
    }

    async fn on_messages(&mut self, requests: &[Message], host: &HostContext) -> Vec<Decision> {
        self.kept.trim();
        let mut decisions = Vec::with_capacity(requests.len());
        for request in requests {
            decisions.push(self.on_message(request, host).await);
            if decisions.last().is_some_and(Decision::holds_queue) || host.is_stopping() {
                break;
            }
        }
        decisions
    }

    fn next_wake(&self) -> Option<Timestamp> {
        self.wakes.first().map(|(time, _)| *time)
    }

    async fn on_wake(&mut self, host: &HostContext) -> Result<Vec<Step>, Failure> {
        self.kept.trim();
        let now = host.clock().now();
        let due: Vec<_> =
            self.wakes.iter().take_while(|(time, _)| *time <= now).take(AT_ONCE).copied().collect();
        let mut steps = Vec::with_capacity(due.len());
        for (time, id) in due {
            match self.load(id, host).await? {
                Some(live) => steps.push(self.drive(live, Drive::Time, host).await),
                None => {
                    self.wakes.remove(&(time, id));
                    host.remember(vec![forget(wake_key(time, id))]);
                    let text = format!("flow instance {id} was to be woken and is not there");
                    host.event(Event::new(EventKind::Warning, host.name(), text));
                }
            }
        }
        Ok(steps)
    }
}

/// Ends an instance whose steps are not known any more.
fn lost(id: MessageId, replied: bool, mut step: Step) -> Step {
    let reason = "the steps that it began with cannot be read any more; send the message again";
    step.ended = Some(Ended::Failed(reason.to_owned()));
    if !replied {
        step.answer = Some(LateAnswer { payload: None, error: Some(reason.to_owned()) });
    }
    step.state = vec![forget(instance_key(id))];
    step
}

/// Why an answer is set aside.
fn late(instance: &Instance) -> String {
    format!("flow instance {} waits for this answer no more", instance.caller.request)
}

/// Keys of flows, of instances and of their times.
const FLOW: &str = "flow/";
const WAKE: &str = "wake/";

fn instance_key(id: MessageId) -> String {
    format!("instance/{:020}", id.0)
}

fn wake_key(time: Timestamp, id: MessageId) -> String {
    format!("{WAKE}{:020}/{:020}", time.0, id.0)
}

fn read_wake(key: &str) -> Option<(Timestamp, MessageId)> {
    let (time, id) = key.strip_prefix(WAKE)?.split_once('/')?;
    Some((Timestamp(time.parse().ok()?), id.parse().ok()?))
}

fn forget(key: String) -> StateChange {
    StateChange { key, value: None }
}

/// How steps become places: another number is for whoever changes what is compiled of them, since the
/// places at which instances wait are then others.
const PLACES: &str = "1-";

/// A flow of before; none when its places are not known any more.
fn again(flow: &str, steps: &[u8], library: &Library) -> Option<Program> {
    let steps = serde_json::from_slice(steps).ok().filter(|_| flow.starts_with(PLACES))?;
    let compiled = compile(&steps, library, false);
    // What is left out since it is wrong now makes places others, too.
    let is_right = !compiled.notes.iter().any(|note| note.kind == NoteKind::Error);
    is_right.then_some(compiled.program)
}

/// A name for a flow that another one does not have: FNV-1a of what is written, and its length.
fn name_of(steps: &Value) -> String {
    let text = steps.to_string();
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{PLACES}{hash:016x}-{}", text.len())
}
