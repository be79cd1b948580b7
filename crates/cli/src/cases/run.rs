//! Plays one case.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use components::rehearsal::{Hearing, Told, is_hl7};
use config::{CaseDef, Given, GivenMessage, ProductionDef};
use model::{BodyClass, BusinessType, Clock, MessageBody};
use runtime::{Director, EngineOptions, ItemState};
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
    /// The items that stopped because they could not go on, with the reason.
    pub(crate) stopped: Vec<(String, String)>,
    /// How far the clock went.
    pub(crate) elapsed: Duration,
    /// The store.
    dir: TempDir,
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
    let clock = CaseClock::new();
    let (played, stage) = Stage::set(def, &case.edges);
    let options =
        EngineOptions { data_dir: dir.path().to_owned(), clock: Arc::new(clock.clone()), extractor: None };
    let director = Director::start(played, options).await.map_err(|error| error.to_string())?;

    let mut play = Play {
        settling: Settling { director: &director, stage: &stage, clock: &clock, last: None },
        def,
        told: Vec::new(),
    };
    let went = play.all(case).await;
    let told = play.told;
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
        stopped,
        elapsed: clock.elapsed(),
        dir,
    })
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
        clock.go_to(CaseClock::at(clock.elapsed() + GRACE));
        stopping.await;
    }
    // Whoever waited for an answer is told that none comes any more.
    tokio::task::yield_now().await;
}

/// A case under way.
struct Play<'a> {
    settling: Settling<'a>,
    def: &'a ProductionDef,
    told: Vec<Ear>,
}

impl Play<'_> {
    async fn all(&mut self, case: &CaseDef) -> Result<(), String> {
        let limit = CaseClock::at(case.limit);
        for given in &case.given {
            match given {
                Given::Message(message) => {
                    self.settling.quiet().await?;
                    self.give(message).await?;
                    self.settling.last = None;
                }
                Given::Wait(time) => {
                    let until = CaseClock::at(self.settling.clock.elapsed() + *time);
                    self.settling.go(until, false).await?;
                }
            }
        }
        self.settling.go(limit.max(self.settling.clock.now()), true).await
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
