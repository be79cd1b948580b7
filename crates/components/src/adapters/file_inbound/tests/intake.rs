//! Tests of the module of the same name: the order of reading, storing and putting away, and what a
//! kill between them leaves.

use std::fs;
use std::time::{Duration, SystemTime};

use model::{Arrival, BusinessType, Clock, Fate};
use serde_json::{Value, json};
use testkit::{FakeClock, TestHost, eventually};
use tokio::task::JoinHandle;

use super::*;
use crate::CATALOGUE;

const SOON: Duration = Duration::from_secs(20);

fn message(id: usize) -> String {
    format!("MSH|^~\\&|A||||||ADT^A01|{id}|P|2.5\rPID|1\r")
}

/// A service in a host that is watched.
struct World {
    host: TestHost,
    settings: Value,
    running: Option<JoinHandle<Result<(), Failure>>>,
}

impl World {
    fn new(settings: Value) -> Self {
        let mut all = json!({
            "file_path": "in", "archive_path": "archive", "polling_interval": "100ms", "settle_time": "0ms"
        });
        all.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        let host = TestHost::new("In").targets(["Router"]);
        fs::create_dir(host.dir().join("in")).unwrap();
        World { host, settings: all, running: None }
    }

    fn start(&mut self) {
        let spec = CATALOGUE.find(BusinessType::BusinessService, "hl7.file").unwrap();
        let Ok(model::Built::Service(mut service)) =
            spec.build(self.settings.clone(), &model::Library::default())
        else {
            panic!("{}", self.settings)
        };
        let context = self.host.context();
        self.running = Some(tokio::spawn(async move { service.run(&context).await }));
    }

    /// Ends the service as a kill does: wherever it stands.
    async fn kill(&mut self) {
        let running = self.running.take().unwrap();
        running.abort();
        assert!(running.await.is_err_and(|error| error.is_cancelled()));
    }

    async fn stop(mut self) -> Result<(), Failure> {
        self.host.stop();
        tokio::time::timeout(SOON, self.running.take().unwrap()).await.expect("stops").unwrap()
    }

    /// Puts a file in place by rename.
    fn drop_in(&self, name: &str, text: &str) {
        let aside = self.host.dir().join("aside");
        fs::write(&aside, text).unwrap();
        fs::rename(aside, self.host.dir().join("in").join(name)).unwrap();
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.host.dir().join(folder)).into_iter().flatten();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    async fn until_archived(&self, names: &[&str]) {
        eventually(SOON, || self.names("archive") == names && self.host.state().is_empty()).await;
    }

    async fn until_arrived(&self, count: usize) {
        eventually(SOON, || self.host.arrivals().len() >= count).await;
    }

    fn texts(&self) -> Vec<String> {
        let text = |arrival: &Arrival| String::from_utf8(arrival.body.content().to_vec()).unwrap();
        self.host.arrivals().iter().map(text).collect()
    }
}

#[tokio::test]
async fn a_file_is_taken_at_once_and_archived_when_it_is_durable() {
    // On a clock that stands still nothing is ever polled.
    let mut world = World::new(json!({"settle_time": "1h"}));
    let clock = FakeClock::new();
    world.host = world.host.clock(clock.clone());
    world.host.hold_durability();
    world.start();
    clock.until_sleeping(1).await;
    world.drop_in("a.hl7", &message(1));
    world.until_arrived(1).await;
    assert_eq!(world.texts(), [message(1)]);
    assert_eq!((world.names("in"), world.names("archive").len()), (vec!["a.hl7".to_owned()], 0));
    assert_eq!(world.host.intakes()[0].state.len(), 1);
    world.host.release_durability();
    world.until_archived(&["a.hl7"]).await;
    assert!(world.stop().await.is_ok());
}

#[tokio::test]
async fn many_files_are_taken_in_order_and_in_large_intakes() {
    let mut world = World::new(json!({"order": "name", "watch": false}));
    let count = 1_000;
    for number in 0..count {
        world.drop_in(&format!("{number:04}.hl7"), &message(number));
    }
    age(&world, "in");
    world.start();
    world.until_arrived(count).await;
    assert_eq!(world.texts(), (0..count).map(message).collect::<Vec<_>>());
    assert!(world.host.intakes().len() <= count / 200, "{} intakes", world.host.intakes().len());
    eventually(SOON, || world.names("archive").len() == count && world.host.state().is_empty()).await;
    assert!(world.stop().await.is_ok());
}

/// Makes every file of a folder look as if it had been written long ago.
fn age(world: &World, folder: &str) {
    let times = fs::FileTimes::new().set_modified(SystemTime::now() - Duration::from_secs(3_600));
    for entry in fs::read_dir(world.host.dir().join(folder)).unwrap() {
        fs::File::options().write(true).open(entry.unwrap().path()).unwrap().set_times(times).unwrap();
    }
}

#[tokio::test]
async fn a_kill_before_it_is_durable_reads_the_file_again_and_after_it_does_not() {
    for durable in [false, true] {
        let mut world = World::new(json!({}));
        world.drop_in("a.hl7", &message(1));
        age(&world, "in");
        world.host.hold_durability();
        world.start();
        world.until_arrived(1).await;
        world.kill().await;
        assert_eq!(world.names("in"), ["a.hl7"]);
        // The ledger has the intake, with its state, or it has neither.
        let next = TestHost::new("In").data_dir(world.host.dir());
        if durable {
            world.host.state().into_iter().for_each(|(key, value)| next.set_state(&key, value));
        }
        let mut after = World { host: next, settings: world.settings.clone(), running: None };
        after.start();
        // Hints that it is there do not lead to it while it is being put away.
        if let Ok(file) = fs::File::options().append(true).open(after.host.dir().join("in/a.hl7")) {
            drop(file);
        }
        after.until_archived(&["a.hl7"]).await;
        assert_eq!(after.host.arrivals().len(), usize::from(!durable));
        assert!(after.stop().await.is_ok());
    }
}

#[tokio::test]
async fn a_big_batch_is_one_session_over_all_its_intakes() {
    let mut world = World::new(json!({}));
    let count = 5_000;
    let text: String = (0..count).map(message).collect();
    world.drop_in("big.hl7", &format!("BHS|^~\\&\r{text}BTS|{count}\r"));
    age(&world, "in");
    world.start();
    world.until_archived(&["big.hl7"]).await;
    assert!(world.host.intakes().len() > 3);
    let sessions = world.host.sessions();
    assert_eq!(sessions.len(), count + 2);
    assert!(sessions.iter().all(|session| *session == sessions[0]));
    assert!(matches!(&world.host.arrivals()[0].fate, Fate::Keep(what) if what.contains("BHS")));
    assert!(world.stop().await.is_ok());
}

#[tokio::test]
async fn a_big_batch_goes_on_where_a_kill_left_it() {
    let mut world = World::new(json!({}));
    let count = 5_000;
    let text: String = (0..count).map(message).collect();
    let text = format!("BHS|^~\\&\r{text}BTS|{count}\r");
    world.drop_in("big.hl7", &text);
    age(&world, "in");
    world.host.hold_durability();
    world.start();
    // Some groups are there, and the ledger ends with one of them.
    eventually(SOON, || world.host.intakes().len() >= 2).await;
    world.kill().await;
    let intakes = world.host.intakes();
    let kept = &intakes[..2];
    let next = TestHost::new("In").data_dir(world.host.dir());
    for change in kept.iter().flat_map(|intake| &intake.state) {
        next.set_state(&change.key, change.value.clone().unwrap());
    }
    let mut after = World { host: next, settings: world.settings.clone(), running: None };
    after.start();
    after.until_archived(&["big.hl7"]).await;
    let arrivals = kept.iter().flat_map(|intake| &intake.arrivals).cloned().chain(after.host.arrivals());
    let all: Vec<u8> = arrivals.flat_map(|arrival| arrival.body.content().to_vec()).collect();
    assert!(all == text.as_bytes(), "every message once, in order");
    // The second group was begun in the session of the first, whose id it names.
    assert_eq!(after.host.arrivals()[0].session, IntakeSession::Of(world.host.sessions()[0]));
    assert!(after.stop().await.is_ok());
}

#[tokio::test]
async fn the_same_name_is_another_file_each_time() {
    // On a clock that stands still each of them is taken at once, or never.
    let mut world = World::new(json!({"settle_time": "1h"}));
    let clock = FakeClock::new();
    world.host = world.host.clock(clock.clone());
    world.start();
    clock.until_sleeping(1).await;
    for number in 0..20 {
        world.drop_in("a.hl7", &message(number));
        eventually(SOON, || world.names("archive").len() == number + 1).await;
    }
    assert_eq!(world.texts(), (0..20).map(message).collect::<Vec<_>>());
    assert!(world.stop().await.is_ok());
}

#[tokio::test]
async fn a_file_that_replaces_one_that_is_in_hand_is_taken_as_well() {
    let mut world = World::new(json!({"settle_time": "1h"}));
    let clock = FakeClock::new();
    world.host = world.host.clock(clock.clone());
    world.host.hold_durability();
    world.start();
    clock.until_sleeping(1).await;
    world.drop_in("a.hl7", &message(1));
    world.until_arrived(1).await;
    world.drop_in("a.hl7", &message(2));
    world.host.release_durability();
    world.until_archived(&["a.hl7"]).await;
    assert_eq!(world.texts(), [message(1), message(2)]);
    assert!(world.stop().await.is_ok());
}

#[tokio::test]
async fn a_file_without_a_message_is_refused_and_stays_or_goes_to_the_error_folder() {
    for on_error in ["leave", "move"] {
        let error_path = (on_error == "move").then_some("error");
        let mut world = World::new(json!({"on_error": on_error, "error_path": error_path}));
        world.start();
        world.drop_in("bad", "no HL7 at all");
        world.drop_in("good", &message(1));
        eventually(SOON, || world.names("archive") == ["good"]).await;
        let fates: Vec<_> = world.host.arrivals().into_iter().map(|arrival| arrival.fate).collect();
        assert_eq!(fates.iter().filter(|fate| matches!(fate, Fate::Refuse(_))).count(), 1);
        match error_path {
            Some(_) => eventually(SOON, || world.names("error") == ["bad", "bad.reason"]).await,
            None => assert_eq!(world.names("in"), ["bad"]),
        }
        // It stays refused: also after a start, and after many listings.
        world.kill().await;
        world.host = world.host.clone();
        let (clock, before) = (FakeClock::new(), world.host.arrivals().len());
        world.host = world.host.clock(clock.clone());
        world.start();
        for _ in 0..3 {
            clock.until_sleeping(1).await;
            clock.advance(Duration::from_secs(10));
        }
        clock.until_sleeping(1).await;
        assert_eq!(world.host.arrivals().len(), before);
        assert!(world.stop().await.is_ok());
    }
}

#[tokio::test]
async fn a_claimed_file_survives_a_kill_in_the_work_folder() {
    let mut world = World::new(json!({"work_path": "work"}));
    fs::create_dir(world.host.dir().join("work")).unwrap();
    fs::write(world.host.dir().join("work/claimed.hl7"), message(1)).unwrap();
    world.drop_in("new.hl7", &message(2));
    age(&world, "in");
    world.start();
    world.until_archived(&["claimed.hl7", "new.hl7"]).await;
    assert_eq!(world.texts(), [message(1), message(2)]);
    assert_eq!(world.names("work").len(), 0);
    assert!(world.stop().await.is_ok());
}

#[tokio::test]
async fn a_file_that_is_written_in_place_is_taken_when_it_has_settled() {
    let mut world = World::new(json!({"settle_time": "3s"}));
    let clock = FakeClock::new();
    world.host = world.host.clock(clock.clone());
    world.start();
    clock.until_sleeping(1).await;
    fs::write(world.host.dir().join("in/a.hl7"), message(1)).unwrap();
    let written = clock.now();
    eventually(SOON, || {
        clock.advance(Duration::from_millis(100));
        world.host.arrivals().len() == 1
    })
    .await;
    let waited = clock.now().since(written);
    assert!(waited >= Duration::from_secs(3), "{waited:?}");
    world.until_archived(&["a.hl7"]).await;
    assert!(world.stop().await.is_ok());
}

#[tokio::test]
async fn stopping_waits_for_what_is_in_hand_and_leaves_the_rest() {
    let mut world = World::new(json!({}));
    world.host.hold_durability();
    world.drop_in("a.hl7", &message(1));
    age(&world, "in");
    world.start();
    world.until_arrived(1).await;
    world.host.stop();
    world.drop_in("b.hl7", &message(2));
    world.host.release_durability();
    let running = world.running.take().unwrap();
    let ended = tokio::time::timeout(SOON, running).await.expect("it stops").unwrap();
    assert!(ended.is_ok());
    assert_eq!((world.names("archive"), world.names("in")), (vec!["a.hl7".into()], vec!["b.hl7".to_owned()]));
}

#[tokio::test]
async fn stopping_while_nothing_becomes_durable_is_no_failure_and_archives_nothing() {
    let mut world = World::new(json!({}));
    world.host.hold_durability();
    world.drop_in("a.hl7", &message(1));
    age(&world, "in");
    world.start();
    world.until_arrived(1).await;
    world.host.stop();
    world.host.fail_durability();
    let running = world.running.take().unwrap();
    assert!(tokio::time::timeout(SOON, running).await.expect("it stops").unwrap().is_ok());
    assert_eq!(world.names("in"), ["a.hl7"]);
}

#[tokio::test]
async fn an_archive_that_is_gone_stops_the_intake_and_says_so() {
    let mut world = World::new(json!({}));
    world.start();
    eventually(SOON, || world.host.dir().join("archive").exists()).await;
    world.host.hold_durability();
    world.drop_in("a.hl7", &message(1));
    world.until_arrived(1).await;
    fs::remove_dir(world.host.dir().join("archive")).unwrap();
    world.host.release_durability();
    let ended = tokio::time::timeout(SOON, world.running.take().unwrap()).await.expect("it ends").unwrap();
    let Err(Failure::Temporary(reason)) = ended else { panic!("{ended:?}") };
    assert!(reason.contains("a.hl7\" cannot be put away: no such file or directory"), "{reason}");
    // Started again, it makes the folder and goes on, without taking the message twice.
    world.start();
    world.until_archived(&["a.hl7"]).await;
    assert_eq!(world.host.arrivals().len(), 1);
    assert!(world.stop().await.is_ok());
}

#[tokio::test]
async fn a_refused_intake_is_the_failure() {
    let mut world = World::new(json!({}));
    world.host.refuse_next_intake(Failure::Temporary("the disk is full".into()));
    world.drop_in("a.hl7", &message(1));
    age(&world, "in");
    world.start();
    let ended = tokio::time::timeout(SOON, world.running.take().unwrap()).await.expect("it ends").unwrap();
    assert!(matches!(ended, Err(Failure::Temporary(reason)) if reason == "the disk is full"));
    assert_eq!(world.names("in"), ["a.hl7"]);
}
