//! Plays one case.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use components::rehearsal::{Browser, Hearing, Told, Visitor, is_hl7};
use config::{CaseDef, Given, GivenMessage, ProductionDef, SocketDef};
use model::{BodyClass, BusinessType, Clock, MessageBody, SocketId};
use runtime::{Director, EngineOptions, ItemState};
use store::Reader;
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::clock::CaseClock;
use super::settle::Settling;
use super::stage::{Delivery, Output, Stage};

/// How long stopping may take before the clock goes on.
const STOP_PATIENCE: Duration = Duration::from_secs(2);
/// How far it goes then: past any grace period.
const GRACE: Duration = Duration::from_secs(24 * 3_600);

/// What came of a case.
pub(crate) struct Played {
    /// What would have gone out, in order.
    pub(crate) outputs: Vec<Output>,
    /// What the sender of each message that was given was told.
    pub(crate) told: Vec<Vec<Told>>,
    /// What the sockets of each server were told.
    pub(crate) heard: HashMap<String, Vec<String>>,
    /// What became of each browser.
    pub(crate) browsers: HashMap<String, Browsed>,
    /// The items that stopped because they could not go on, with the reason.
    pub(crate) stopped: Vec<(String, String)>,
    /// How far the clock went.
    pub(crate) elapsed: Duration,
    /// The store.
    dir: TempDir,
}

/// What became of a browser.
#[derive(Default)]
pub(crate) struct Browsed {
    /// What it was told, in order.
    pub(crate) heard: Vec<String>,
    /// Whether its session was stored at the end.
    pub(crate) open: bool,
    /// How its last connection ended; none while it had not, or where it never connected.
    pub(crate) end: Option<String>,
}

impl Played {
    /// Where its store is.
    pub(crate) fn data_dir(&self) -> &Path {
        self.dir.path()
    }
}

/// What a sender was told so far.
type Ear = Arc<Mutex<Vec<Told>>>;

/// Plays a case of a production.
///
/// # Errors
/// When it cannot be played; says why.
pub(crate) fn play(def: &ProductionDef, case: &CaseDef) -> Result<Played, String> {
    let threads = tokio::runtime::Builder::new_current_thread().enable_all().build();
    threads.map_err(|error| error.to_string())?.block_on(play_through(def, case))
}

async fn play_through(def: &ProductionDef, case: &CaseDef) -> Result<Played, String> {
    let dir = tempfile::tempdir().map_err(|error| format!("no temporary directory: {error}"))?;
    let clock = CaseClock::new(case.now);
    let (played, stage) = Stage::set(def, &case.edges, &clock);
    let options =
        EngineOptions { data_dir: dir.path().to_owned(), clock: Arc::new(clock.clone()), extractor: None };
    let director = Director::start(played, options).await.map_err(|error| error.to_string())?;

    let mut play = Play {
        settling: Settling { director: &director, stage: &stage, clock: &clock, last: None },
        def,
        sockets: &case.sockets,
        told: Vec::new(),
    };
    let went = play.all(case).await;
    let told = play.told;
    let browsers = browsed(&stage, dir.path())?;
    let stopped = stopped(&director);
    stop(director, &clock).await;
    went?;
    let ears = std::mem::take(&mut stage.seen().ears);
    let outputs = std::mem::take(&mut stage.seen().outputs);
    let told = told.iter().map(|told| told.lock().unwrap_or_else(PoisonError::into_inner).clone());
    Ok(Played {
        outputs,
        told: told.collect(),
        heard: ears.into_iter().map(|(server, ear)| (server, ear.heard())).collect(),
        browsers,
        stopped,
        elapsed: clock.elapsed(),
        dir,
    })
}

/// What became of the browsers, before all sockets are closed with the production.
fn browsed(stage: &Stage, data_dir: &Path) -> Result<HashMap<String, Browsed>, String> {
    let mut browsers = HashMap::new();
    if stage.seen().browsers.is_empty() {
        return Ok(browsers);
    }
    let reader = Reader::open(data_dir).map_err(|error| error.to_string())?;
    let open: Vec<SocketId> = reader
        .sockets(None)
        .map_err(|error| error.to_string())?
        .into_iter()
        .map(|session| session.id)
        .collect();
    for (name, all) in &stage.seen().browsers {
        let browsed = Browsed {
            heard: all.iter().flat_map(Browser::heard).collect(),
            open: all.iter().any(|browser| browser.id().is_some_and(|id| open.contains(&id))),
            end: all.last().and_then(Browser::end),
        };
        browsers.insert(name.clone(), browsed);
    }
    Ok(browsers)
}

/// The items that could not go on.
fn stopped(director: &Director) -> Vec<(String, String)> {
    let items = director.status().items.into_iter();
    let failed = items.filter(|item| item.state == ItemState::Failed);
    failed.map(|item| (item.name, item.waiting.unwrap_or_default())).collect()
}

/// Stops the production, on a clock that stands still.
async fn stop(director: Director, clock: &CaseClock) {
    let mut stopping = std::pin::pin!(director.stop());
    if tokio::time::timeout(STOP_PATIENCE, stopping.as_mut()).await.is_err() {
        clock.go_to(clock.at(clock.elapsed() + GRACE));
        stopping.await;
    }
    // Whoever waited for an answer is told that none comes any more.
    tokio::task::yield_now().await;
}

/// A case under way.
struct Play<'a> {
    settling: Settling<'a>,
    def: &'a ProductionDef,
    sockets: &'a [SocketDef],
    told: Vec<Ear>,
}

impl Play<'_> {
    async fn all(&mut self, case: &CaseDef) -> Result<(), String> {
        let limit = self.settling.clock.at(case.limit);
        for socket in case.sockets.iter().filter(|socket| !socket.later) {
            self.connect(&socket.name, None).await?;
        }
        for given in &case.given {
            match given {
                Given::Message(message) => {
                    self.settling.quiet().await?;
                    self.give(message).await?;
                    self.settling.last = None;
                }
                Given::Connect { socket, since } => self.connect(socket, *since).await?,
                Given::Disconnect { socket } => self.at(socket, Browser::leave).await?,
                Given::Silent { socket } => self.at(socket, Browser::be_silent).await?,
                Given::Says { socket, text } => self.at(socket, |browser| browser.say(text.clone())).await?,
                Given::Wait(time) => {
                    let clock = self.settling.clock;
                    let until = clock.at(clock.elapsed() + *time);
                    self.settling.go(until, false).await?;
                }
            }
        }
        self.settling.go(limit.max(self.settling.clock.now()), true).await
    }

    /// Lets a browser connect.
    async fn connect(&mut self, name: &str, since: Option<u64>) -> Result<(), String> {
        self.settling.quiet().await?;
        let Some(def) = self.sockets.iter().find(|socket| socket.name == name) else { return Ok(()) };
        let entrance = self.settling.stage.seen().entrances.get(&def.server).cloned();
        let entrance = entrance.ok_or_else(|| format!("\"{}\" takes no sockets", def.server))?;
        let visitor = Visitor {
            name: def.name.clone(),
            origin: def.origin.clone(),
            user: def.user.clone(),
            password: def.password.clone(),
            topics: def.topics.clone(),
            condition: def.condition.clone(),
            since,
        };
        let browser = entrance.connect(&visitor).await;
        self.settling.stage.seen().browsers.entry(name.to_owned()).or_default().push(browser);
        self.settling.last = None;
        Ok(())
    }

    /// Lets a browser do something, where it is connected.
    async fn at(&mut self, name: &str, what: impl FnOnce(&Browser)) -> Result<(), String> {
        self.settling.quiet().await?;
        if let Some(browser) = self.settling.stage.browser(name) {
            what(&browser);
            self.settling.last = None;
            self.settling.quiet().await?;
        }
        Ok(())
    }

    async fn give(&mut self, message: &GivenMessage) -> Result<(), String> {
        let told = Ear::default();
        self.told.push(told.clone());
        let is_service = self
            .def
            .item(&message.to)
            .is_some_and(|item| item.business_type() == BusinessType::BusinessService);
        if !is_service {
            let body = body(&message.content, &message.name);
            let sent = self.settling.director.send(&message.to, body).await;
            return sent.map(drop).map_err(|error| error.to_string());
        }
        let (stored, taken) = oneshot::channel();
        let delivery = Delivery { content: message.content.clone(), name: message.name.clone(), stored };
        if !self.settling.stage.deliver(&message.to, delivery) {
            return Err(format!("\"{}\" takes nothing", message.to));
        }
        let hearing = taken.await.map_err(|_| format!("\"{}\" has stopped", message.to))?;
        hear(hearing.map_err(|failure| failure.to_string())?, told);
        Ok(())
    }
}

/// Writes down what a sender is told, for as long as there may be more.
fn hear(mut hearing: Hearing, told: Ear) {
    let write = move |all: Vec<Told>| told.lock().unwrap_or_else(PoisonError::into_inner).extend(all);
    write(hearing.told());
    tokio::spawn(async move {
        while hearing.more().await {
            write(hearing.told());
        }
    });
}

/// The body of a message that does not come through a service.
fn body(content: &Bytes, name: &str) -> MessageBody {
    let class = if is_hl7(content) { BodyClass::HL7 } else { BodyClass::BYTES };
    let doc_type = match hl7::Message::read(content.clone(), "") {
        Ok(message) if class == BodyClass::HL7 => {
            hl7::schema::Schemas::default().shown_type(&message, &hl7::schema::CategoryChoice::default())
        }
        _ => String::new(),
    };
    MessageBody::described(class, content.clone(), doc_type, String::new(), name.to_owned())
}
