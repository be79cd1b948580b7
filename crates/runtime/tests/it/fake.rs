//! Hosts that do what a test says, and productions made of them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use config::{ItemDef, ProductionDef};
use model::{
    Arrival, BodyClass, BuildError, Built, BusinessOperation, BusinessProcess, BusinessService, BusinessType,
    Checks, Clock, Component, ComponentSpec, Decision, Failure, HostContext, Intake, Library, Message,
    MessageBody, MessageHeader, MessageId, MessageStatus, Outgoing, Receipt, ReplyFuture,
};
use orris_runtime::{Director, EngineOptions, QueueWindow, SystemClock};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{EventFilter, MessageFilter, Reader};
use testkit::TempDir;
use tokio::sync::{mpsc, oneshot, watch};

/// How long a test waits for what has to come.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// What a host does with a message.
pub(crate) enum Act {
    Decide(Decision),
    /// Waits until the test lets go, then completes.
    Hold,
    /// Waits until the test lets go, then decides.
    HoldThen(Decision),
    /// Works that long, by the engine's clock.
    After(Duration, Decision),
    Panic,
}

type Watch = Box<dyn FnMut(&Message, Option<&Decision>) + Send>;
type Script = Box<dyn FnMut(&Message) -> Act + Send>;

/// What a service is told to do.
pub(crate) enum Order {
    Take(Intake, oneshot::Sender<Result<Receipt, Failure>>),
    Fail(Failure),
    Panic,
    End,
    /// To do nothing more, not even to stop.
    Hang,
}

/// A test's hand in a host.
pub(crate) struct Probe {
    script: Mutex<Option<Script>>,
    watch: Mutex<Option<Watch>>,
    seen: Mutex<Vec<(MessageId, String)>>,
    starts: Mutex<Vec<Result<(), Failure>>>,
    context: Mutex<Option<HostContext>>,
    pub(crate) let_go: watch::Sender<bool>,
    /// A service waits with its start until the test lets go.
    pub(crate) slow_start: AtomicBool,
    pub(crate) built: Mutex<u32>,
    orders: mpsc::UnboundedSender<Order>,
    taken: tokio::sync::Mutex<mpsc::UnboundedReceiver<Order>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Hosts are built from settings alone, so they find their probe by a name in them.
static PROBES: LazyLock<Mutex<HashMap<String, Arc<Probe>>>> = LazyLock::new(Mutex::default);

impl Probe {
    pub(crate) fn new() -> (String, Arc<Self>) {
        let (orders, taken) = mpsc::unbounded_channel();
        let probe = Arc::new(Probe {
            script: Mutex::default(),
            watch: Mutex::default(),
            seen: Mutex::default(),
            starts: Mutex::default(),
            context: Mutex::default(),
            let_go: watch::Sender::new(false),
            slow_start: AtomicBool::new(false),
            built: Mutex::default(),
            orders,
            taken: tokio::sync::Mutex::new(taken),
        });
        let mut probes = lock(&PROBES);
        let name = format!("probe {}", probes.len());
        probes.insert(name.clone(), probe.clone());
        (name, probe)
    }

    fn named(name: &str) -> Arc<Self> {
        let probe = lock(&PROBES).get(name).cloned().expect("a probe of that name");
        *lock(&probe.built) += 1;
        probe
    }

    pub(crate) fn act(&self, script: impl FnMut(&Message) -> Act + Send + 'static) {
        *lock(&self.script) = Some(Box::new(script));
    }

    /// Sees each message when the host begins with it, and again with what it decided.
    pub(crate) fn watch(&self, watch: impl FnMut(&Message, Option<&Decision>) + Send + 'static) {
        *lock(&self.watch) = Some(Box::new(watch));
    }

    fn watched(&self, message: &Message, decision: Option<&Decision>) {
        if let Some(watch) = lock(&self.watch).as_mut() {
            watch(message, decision);
        }
    }

    /// The next starts of the host end like this.
    pub(crate) fn start_with(&self, results: Vec<Result<(), Failure>>) {
        *lock(&self.starts) = results.into_iter().rev().collect();
    }

    /// The texts that the host was handed, in order, repeats included.
    pub(crate) fn seen(&self) -> Vec<String> {
        lock(&self.seen).iter().map(|(_, text)| text.clone()).collect()
    }

    pub(crate) fn count(&self) -> usize {
        lock(&self.seen).len()
    }

    pub(crate) fn order(&self, order: Order) {
        assert!(self.orders.send(order).is_ok(), "the probe is gone");
    }

    pub(crate) fn context(&self) -> Option<HostContext> {
        lock(&self.context).clone()
    }

    async fn handle(&self, message: &Message, to: &[String]) -> Decision {
        self.watched(message, None);
        let decision = self.decide(message, to).await;
        self.watched(message, Some(&decision));
        decision
    }

    async fn decide(&self, message: &Message, to: &[String]) -> Decision {
        let text = text_of(&message.body);
        lock(&self.seen).push((message.header.id, text));
        let act = lock(&self.script).as_mut().map(|script| script(message));
        let decided = match act {
            Some(Act::Decide(decision)) => return decision,
            Some(Act::Panic) => panic!("the test says so"),
            Some(Act::Hold) => None,
            Some(Act::HoldThen(decision)) => Some(decision),
            Some(Act::After(time, decision)) => {
                let context = self.context().expect("the host has started");
                context.clock().sleep(time).await;
                return decision;
            }
            None => return pass_on(to),
        };
        self.until_let_go().await;
        decided.unwrap_or_else(|| pass_on(to))
    }

    async fn until_let_go(&self) {
        let mut let_go = self.let_go.subscribe();
        assert!(let_go.wait_for(|go| *go).await.is_ok());
    }

    fn begin(&self, host: &HostContext) -> Result<(), Failure> {
        *lock(&self.context) = Some(host.clone());
        lock(&self.starts).pop().unwrap_or(Ok(()))
    }
}

fn pass_on(to: &[String]) -> Decision {
    Decision::send(to.iter().map(|target| Outgoing::same_body(target, "passed on")).collect())
}

pub(crate) fn text_of(body: &MessageBody) -> String {
    String::from_utf8_lossy(body.content()).into_owned()
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct Settings {
    probe: String,
    #[serde(default)]
    to: Vec<String>,
}

/// A host with its probe, and where it sends.
struct Host(Arc<Probe>, Vec<String>);

macro_rules! component {
    ($name:ident, $type:literal, $kind:ident, $outside:literal, $built:ident) => {
        pub(crate) struct $name;
        impl Component for $name {
            const TYPE: &'static str = $type;
            const BUSINESS_TYPE: BusinessType = BusinessType::$kind;
            const SUMMARY: &'static str = "does what a test says";
            const EXAMPLE: &'static str = "";
            const OUTSIDE_EFFECTS: bool = $outside;
            type Settings = Settings;
            fn check(_: &Settings, _: &mut Checks) {}
            fn build(settings: Settings, _library: &Library) -> Result<Built, BuildError> {
                if settings.to.iter().any(|to| to == "nowhere at all") {
                    let (path, message) = ("to".to_owned(), "there is no such place".to_owned());
                    return Err(BuildError { path, message });
                }
                Ok(Built::$built(Box::new(Host(Probe::named(&settings.probe), settings.to))))
            }
        }
    };
}
component!(Feed, "test.feed", BusinessService, false, Service);
component!(Pass, "test.pass", BusinessProcess, false, Process);
component!(Sink, "test.sink", BusinessOperation, true, Operation);

pub(crate) static FEED: ComponentSpec = ComponentSpec::of::<Feed>();
pub(crate) static PASS: ComponentSpec = ComponentSpec::of::<Pass>();
pub(crate) static SINK: ComponentSpec = ComponentSpec::of::<Sink>();

#[async_trait]
impl BusinessProcess for Host {
    async fn start(&mut self, host: &HostContext) -> Result<(), Failure> {
        self.0.begin(host)
    }
    async fn on_message(&mut self, request: &Message, _: &HostContext) -> Decision {
        self.0.handle(request, &self.1).await
    }
}

#[async_trait]
impl BusinessOperation for Host {
    async fn start(&mut self, host: &HostContext) -> Result<(), Failure> {
        self.0.begin(host)
    }
    async fn on_message(&mut self, request: &Message, _: &HostContext) -> Decision {
        self.0.handle(request, &self.1).await
    }
}

#[async_trait]
impl BusinessService for Host {
    async fn run(&mut self, host: &HostContext) -> Result<(), Failure> {
        self.0.begin(host)?;
        if self.0.slow_start.load(Ordering::Relaxed) {
            self.0.until_let_go().await;
        }
        host.started();
        let mut orders = self.0.taken.lock().await;
        loop {
            let order = tokio::select! {
                () = host.stopping() => return Ok(()),
                order = orders.recv() => order,
            };
            match order {
                None | Some(Order::End) => return Ok(()),
                Some(Order::Hang) => std::future::pending().await,
                Some(Order::Fail(failure)) => return Err(failure),
                Some(Order::Panic) => panic!("the test says so"),
                Some(Order::Take(intake, answer)) => {
                    assert!(answer.send(host.submit(intake).await).is_ok(), "nobody waits for the receipt");
                }
            }
        }
    }
}

/// An item that uses `component` and sends to `to`.
pub(crate) fn item(name: &str, component: &'static ComponentSpec, to: &[&str]) -> (ItemDef, Arc<Probe>) {
    let (probe_name, probe) = Probe::new();
    let is_service = component.business_type == BusinessType::BusinessService;
    let targets: Vec<Arc<str>> = to.iter().map(|name| Arc::from(*name)).collect();
    let def = ItemDef {
        name: Arc::from(name),
        component,
        enabled: true,
        pool_size: 1,
        targets: if is_service { targets.clone() } else { Vec::new() },
        sends_to: targets,
        category: String::new(),
        comment: String::new(),
        retry_interval: Duration::from_secs(5),
        failure_timeout: None,
        throttle: None,
        order_by: None,
        settings: serde_json::json!({ "probe": probe_name, "to": if is_service { &[] } else { to } }),
    };
    (def, probe)
}

/// A production under test.
pub(crate) struct Production {
    pub(crate) def: ProductionDef,
    pub(crate) dir: Arc<TempDir>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) window: QueueWindow,
}

impl Production {
    /// Items in the order services, processes, operations.
    pub(crate) fn of(items: Vec<ItemDef>) -> Self {
        let def = ProductionDef {
            name: "Test.Production".to_owned(),
            description: String::new(),
            actor_pool_size: 2,
            intake_memory: 64 << 20,
            library: Library::default(),
            grace_period: Duration::from_secs(10),
            items,
            resolved: String::new(),
        };
        let (dir, window) = (Arc::new(testkit::data_dir()), QueueWindow::default());
        Production { def, dir, clock: Arc::new(SystemClock), window }
    }

    pub(crate) fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    pub(crate) async fn start(&self) -> Director {
        let mut options = EngineOptions::new(self.dir.path());
        options.clock = self.clock.clone();
        Director::start_with(self.def.clone(), options, self.window).await.expect("the production starts")
    }

    pub(crate) fn reader(&self) -> Reader {
        Reader::open(self.dir.path()).expect("the store can be read")
    }

    /// All headers for `target`, in order.
    pub(crate) fn headers(&self, target: &str) -> Vec<MessageHeader> {
        let filter = MessageFilter {
            target: Some(target.to_owned()),
            oldest_first: true,
            limit: 100_000,
            ..MessageFilter::default()
        };
        self.reader().messages(&filter).expect("messages")
    }

    /// How many messages for `target` stand so.
    pub(crate) fn count(&self, target: &str, status: MessageStatus) -> usize {
        self.headers(target).iter().filter(|header| header.status == status).count()
    }

    /// The texts of all events, in order.
    pub(crate) fn events(&self) -> Vec<String> {
        let filter = EventFilter { oldest_first: true, limit: 10_000, ..EventFilter::default() };
        let events = self.reader().events(&filter).expect("events");
        events.into_iter().map(|row| format!("{}: {}", row.event.item, row.event.text)).collect()
    }

    /// Whether an event with all these words is stored.
    pub(crate) fn has_event(&self, words: &[&str]) -> bool {
        self.events().iter().any(|event| words.iter().all(|word| event.contains(word)))
    }
}

pub(crate) fn arrival(text: &str) -> Arrival {
    let body = MessageBody::new(BodyClass::TEXT, text.as_bytes().to_vec());
    Arrival::new(body)
}

pub(crate) fn intake(texts: impl IntoIterator<Item = String>) -> Intake {
    Intake { arrivals: texts.into_iter().map(|text| arrival(&text)).collect(), ..Intake::default() }
}

/// The texts `0` to `count - 1`.
pub(crate) fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|number| number.to_string()).collect()
}

/// Takes something in by the service of that probe; returns when it is durable.
pub(crate) async fn take(probe: &Probe, intake: Intake) -> Vec<model::SessionId> {
    let (answer, receipt) = oneshot::channel();
    probe.order(Order::Take(intake, answer));
    let receipt = receipt.await.expect("the service lives").expect("it is taken in");
    let sessions = receipt.sessions.clone();
    receipt.durable().await.expect("it is durable");
    sessions
}

/// The same; returns the answers that are promised, before anything is durable.
pub(crate) async fn ask(probe: &Probe, arrivals: Vec<Arrival>) -> Vec<ReplyFuture> {
    let (answer, receipt) = oneshot::channel();
    probe.order(Order::Take(Intake { arrivals, ..Intake::default() }, answer));
    receipt.await.expect("the service lives").expect("it is taken in").replies
}
