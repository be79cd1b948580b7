//! Promises D1 and D3 over MLLP: `kill -9` at random instants and at every fault point on the way from
//! `hl7.tcp` through a router to `hl7.tcp` and to a file, while several senders keep sending and repeat
//! what was not acknowledged.
//!
//! Every message that was acknowledged is in the store, at the receiver and in the file; nothing was
//! acknowledged before it was there; and the receiver gets the messages in the order of the store, where
//! it may get some of them again only on a new connection. A message that its sender repeats, since the
//! acknowledgement was lost, is a new message: such are counted.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use orris_tests::{
    Does, Engine, Got, MllpClient, MllpReceiver, Random, admission, eventually, field, framed, free_port,
    text,
};
use store::Reader;

/// How many messages each sender has on its way at most: the first two wait for each answer.
const WINDOWS: [usize; 5] = [1, 1, 4, 16, 64];
/// Kills at each fault point.
const KILLS_PER_PLACE: usize = 3;
/// The fault points on the way.
const PLACES: [&str; 12] = [
    "ledger.before_commit",
    "ledger.after_commit",
    "intake.durable",
    "tcp.before_answer",
    "tcp.answered",
    "host.before_message",
    "tcp.sent",
    "tcp.heard",
    "host.after_message",
    "operation.written_aside",
    "operation.renamed",
    "shutdown.begun",
];

/// A production that answers by `ack_mode` and sends on with that `window`.
fn production(port: u16, ack_mode: &str, receiver: &MllpReceiver, out: &str) -> String {
    format!(
        "production: Crash.Mllp
grace_period: 10s
services:
  In:
    type: hl7.tcp
    targets: [Router]
    settings: {{ listen: '127.0.0.1:{port}', ack_mode: {ack_mode}, response_timeout: 60s }}
processes:
  Router:
    type: hl7.router
    settings:
      response_from: [Lab]
      rules:
        - {{ otherwise: true, send: [Lab, Journal] }}
operations:
  Lab:
    type: hl7.tcp
    retry_interval: 20ms
    failure_timeout: forever
    settings: {{ address: '127.0.0.1:{}', {out} }}
  Journal:
    type: hl7.file
    settings: {{ file_path: journal, file_name: journal.hl7, mode: append }}
",
        receiver.port()
    )
}

/// What the senders know together.
struct Sent {
    port: u16,
    stop: AtomicBool,
    /// Senders that have a connection.
    connected: AtomicUsize,
    /// The control ids that were acknowledged.
    acknowledged: Mutex<BTreeSet<String>>,
    /// Messages that were sent again, since their acknowledgement did not come.
    repeated: AtomicUsize,
    /// Who may say whether an acknowledgement is true.
    witness: Box<dyn Fn(&str) -> bool + Send + Sync>,
}

impl Sent {
    fn acknowledged(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One sender, with numbers of its own that grow.
struct Sender {
    shared: Arc<Sent>,
    name: usize,
    number: usize,
    window: usize,
    /// How many messages it has.
    most: usize,
    waiting: VecDeque<String>,
}

impl Sender {
    /// Sends until it is stopped, and then until everything is acknowledged.
    fn run(mut self) {
        loop {
            if let Ok(client) = MllpClient::connect(self.shared.port) {
                self.shared.connected.fetch_add(1, Ordering::SeqCst);
                self.talk(client);
                self.shared.connected.fetch_sub(1, Ordering::SeqCst);
            }
            if self.is_out() && self.waiting.is_empty() {
                return;
            }
            std::thread::park_timeout(Duration::from_millis(2));
        }
    }

    /// Whether nothing new is to be sent.
    fn is_out(&self) -> bool {
        self.number >= self.most || self.shared.stop.load(Ordering::SeqCst)
    }

    /// Repeats what waits for its answer, and sends what is new, until the connection is lost.
    fn talk(&mut self, mut client: MllpClient) {
        self.shared.repeated.fetch_add(self.waiting.len(), Ordering::SeqCst);
        let repeats: Vec<u8> = self.waiting.iter().flat_map(|id| framed(&admission(id))).collect();
        if client.send(&repeats).is_err() {
            return;
        }
        loop {
            while self.waiting.len() < self.window && !self.is_out() {
                self.number += 1;
                let id = format!("S{}N{:06}", self.name, self.number);
                let message = framed(&admission(&id));
                self.waiting.push_back(id);
                if client.send(&message).is_err() {
                    return;
                }
            }
            if self.waiting.is_empty() {
                return;
            }
            let Some(answer) = client.heard() else { return };
            let (code, id) = (field(&answer, "MSA", 1), field(&answer, "MSA", 2));
            assert!(["AA", "CA"].contains(&code), "{answer}");
            let awaited = self.waiting.pop_front();
            assert_eq!(awaited.as_deref(), Some(id), "answers come in the order of the messages");
            assert!((self.shared.witness)(id), "{id} was acknowledged and is not where it should be");
            self.shared.acknowledged().insert(id.to_owned());
        }
    }
}

/// All senders.
struct Senders {
    shared: Arc<Sent>,
    most: usize,
    threads: Vec<JoinHandle<()>>,
}

impl Senders {
    /// Each with so many messages at most.
    fn start(port: u16, most: usize, witness: impl Fn(&str) -> bool + Send + Sync + 'static) -> Senders {
        let shared = Arc::new(Sent {
            port,
            stop: AtomicBool::new(false),
            connected: AtomicUsize::new(0),
            acknowledged: Mutex::default(),
            repeated: AtomicUsize::new(0),
            witness: Box::new(witness),
        });
        let one = |(name, window): (usize, &usize)| {
            let (shared, window, waiting) = (shared.clone(), *window, VecDeque::new());
            let sender = Sender { shared, name, number: 0, window, most, waiting };
            std::thread::spawn(move || sender.run())
        };
        let threads = WINDOWS.iter().enumerate().map(one).collect();
        Senders { shared, most, threads }
    }

    /// What was acknowledged by an engine that is dead now; the last answers are still on their way.
    fn acknowledged_by_the_dead(&self) -> BTreeSet<String> {
        eventually("all senders know that it is dead", || {
            self.find_fault();
            (self.shared.connected.load(Ordering::SeqCst) == 0).then_some(())
        });
        self.shared.acknowledged().clone()
    }

    /// A sender that has found a fault is at its end, though it has messages.
    fn find_fault(&self) {
        let fault = self.most == usize::MAX && self.threads.iter().any(JoinHandle::is_finished);
        assert!(!fault, "a sender has found a fault, see above");
    }

    /// Lets everything be acknowledged, and no more be sent. Returns what was, and how often one was
    /// repeated.
    fn finish(self) -> (BTreeSet<String>, usize) {
        self.shared.stop.store(true, Ordering::SeqCst);
        for thread in self.threads {
            thread.join().expect("a sender found no fault");
        }
        (self.shared.acknowledged().clone(), self.shared.repeated.load(Ordering::SeqCst))
    }
}

/// The store between two lives: what was added since the last look.
#[derive(Default)]
struct Stored {
    newest: u64,
    control_ids: Vec<String>,
}

impl Stored {
    fn look(&mut self, data: &Path) {
        let reader = Reader::open(data).expect("a reader without an engine");
        let query = format!(
            "SELECT ObjectId, Content FROM MessageHeader JOIN MessageBody ON MessageBody.ID = MessageBodyId \
             WHERE TargetConfigName = 'Router' AND ObjectId > {} ORDER BY ObjectId",
            self.newest
        );
        for row in reader.sql(&query, 10_000_000).expect("SQL runs").rows {
            self.newest = text(&row[0]).parse().expect("a number");
            self.control_ids.push(field(&text(&row[1]), "MSH", 10).to_owned());
        }
    }
}

/// One test of kills.
struct Site {
    folder: tempfile::TempDir,
    production: String,
    receiver: Arc<MllpReceiver>,
    senders: Senders,
    stored: Stored,
    random: Random,
}

impl Site {
    /// Senders of `most` messages each, an engine that is not started yet, and a receiver.
    fn new(
        test: &str,
        ack_mode: &str,
        out: &str,
        most: usize,
        script: impl Fn(usize, &str) -> Does + Send + Sync + 'static,
    ) -> Site {
        let random = Random::from_environment(test);
        let receiver = Arc::new(MllpReceiver::scripted(script));
        let (port, witness) = (free_port(), receiver.clone());
        // Who answers for the receiver may say yes only when that one has.
        let for_it = ack_mode == "application";
        let senders = Senders::start(port, most, move |id| !for_it || witness.has_accepted(id));
        Site {
            folder: tempfile::tempdir().expect("a folder"),
            production: production(port, ack_mode, &receiver, out),
            receiver,
            senders,
            stored: Stored::default(),
            random,
        }
    }

    fn start(&self, environment: &[(&str, &str)]) -> Engine {
        Engine::start(self.folder.path(), &self.production, environment)
    }

    /// Kills it, and holds what it has acknowledged against what it has left.
    fn kill(&mut self, mut engine: Engine) {
        let outcome = engine.kill();
        assert!(!outcome.log.contains("panicked"), "{}", outcome.log);
        self.look();
    }

    fn look(&mut self) {
        let acknowledged = self.senders.acknowledged_by_the_dead();
        let data = self.folder.path().join("data");
        // One kill in many comes before there is a store.
        if data.join("store.db").exists() {
            self.stored.look(&data);
        }
        let stored: BTreeSet<_> = self.stored.control_ids.iter().cloned().collect();
        let missing: Vec<_> = acknowledged.difference(&stored).collect();
        assert!(missing.is_empty(), "acknowledged and not in the store: {missing:?}");
    }

    /// Runs until the engine ends itself at `spec`; false when it did not in time.
    fn kill_at(&mut self, spec: &str) -> bool {
        let mut engine = self.start(&[("ORRIS_FAULT", spec)]);
        let begun = Instant::now();
        if engine.ready() {
            if spec.starts_with("shutdown.") {
                engine.stop();
            }
            while !engine.ended() && begun.elapsed() < Duration::from_secs(5) {
                std::thread::park_timeout(Duration::from_millis(2));
            }
        }
        let reached = engine.ended();
        self.kill(engine);
        reached
    }

    fn kill_at_random(&mut self) {
        let mut engine = self.start(&[]);
        if self.random.below(8) != 0 && engine.ready() {
            let until = Instant::now() + Duration::from_millis(self.random.below(150));
            while Instant::now() < until {
                std::thread::park_timeout(until - Instant::now());
            }
        }
        self.kill(engine);
    }

    fn kill_at_all(&mut self, places: &[&str]) {
        let mut reached: BTreeMap<&str, usize> = BTreeMap::new();
        for round in 0..KILLS_PER_PLACE {
            for place in places {
                let count = 1 + if round == 0 { 0 } else { self.random.below(40) };
                if self.kill_at(&format!("{place}:{count}")) {
                    *reached.entry(place).or_default() += 1;
                }
            }
        }
        println!("kills at fault points: {reached:?}");
        let missed: Vec<_> = places.iter().filter(|place| !reached.contains_key(*place)).collect();
        assert!(missed.is_empty(), "fault points that were never passed: {missed:?}");
    }

    /// Lives once more until everything is done, and looks at all that is left. On a connection that is
    /// not the first one, messages may come again from as far back as `rewind` says.
    fn finish(mut self, window: usize) {
        let mut engine = self.start(&[]);
        assert!(engine.ready(), "{}", engine.log());
        let (acknowledged, repeated) = self.senders.finish();
        let reader = Reader::open(engine.data_dir()).expect("a reader beside the engine");
        eventually("every message is done", || reader.queues().ok()?.is_empty().then_some(()));
        let outcome = engine.stop();
        assert!(outcome.status.success(), "{:?}\n{}", outcome.status, outcome.log);
        let data = self.folder.path().join("data");
        self.stored.look(&data);
        let stored = &self.stored.control_ids;
        let distinct: BTreeSet<_> = stored.iter().cloned().collect();
        assert!(distinct == acknowledged, "the store holds what was acknowledged in the end");
        assert!(stored.len() - distinct.len() <= repeated, "{} of {repeated}", stored.len() - distinct.len());
        all_completed(&reader, stored.len());
        let got = self.receiver.got();
        let again = in_order(&got, stored, window);
        println!(
            "messages: {}, of them repeated by their senders: {}; got again by the receiver: {again}",
            stored.len(),
            stored.len() - distinct.len()
        );
        let journal = fs::read_to_string(data.join("journal/journal.hl7")).expect("the journal");
        let journal: Vec<_> = journal.split("MSH|").skip(1).map(|one| format!("MSH|{one}")).collect();
        let journal: Vec<_> = journal.iter().map(|one| field(one, "MSH", 10).to_owned()).collect();
        assert!(journal == *stored, "the journal has each message once, in the order of the store");
        in_order_of_their_senders(stored);
    }
}

/// Both targets have completed everything.
fn all_completed(reader: &Reader, messages: usize) {
    for target in ["Router", "Lab", "Journal"] {
        let query = format!(
            "SELECT Status, count(*) FROM MessageHeader WHERE TargetConfigName = '{target}' \
             AND Type = 'Request' GROUP BY Status"
        );
        let table = reader.sql(&query, 100).expect("SQL runs");
        let rows: Vec<_> = table.rows.iter().map(|row| (text(&row[0]), text(&row[1]))).collect();
        assert_eq!(rows, [("Completed".to_owned(), messages.to_string())], "{target}");
    }
}

/// Holds what the receiver got against the order of the store: it goes on from one message to the next,
/// and back only on a new connection, by `window` at most. A control id may stand in the store twice, so
/// that all places are followed which it can have come to. Returns how many came again.
fn in_order(got: &[Got], stored: &[String], window: usize) -> usize {
    let mut places = BTreeSet::from([0_usize]);
    let mut connection = None;
    for (at, one) in got.iter().enumerate() {
        let is_first = connection.replace(one.connection) != Some(one.connection);
        let back = if is_first { window } else { 0 };
        let from = |place: &usize| place.saturating_sub(back)..=*place;
        let fits = |place: &usize| stored.get(*place) == Some(&one.control_id);
        let next: BTreeSet<_> = places.iter().flat_map(from).filter(fits).map(|place| place + 1).collect();
        if next.is_empty() {
            let id = &one.control_id;
            let stands: Vec<_> = (0..stored.len()).filter(|place| stored[*place] == *id).collect();
            let first = if is_first { "first" } else { "not first" };
            panic!(
                "the receiver's message {at}, \"{id}\", {first} on connection {}, stands in the store at {stands:?}; \
                 expected one at {places:?}, or on a new connection up to {window} before",
                one.connection
            );
        }
        places = next;
    }
    assert!(places.contains(&stored.len()), "the receiver has not got the last messages: {places:?}");
    got.len() - stored.len()
}

/// What a sender has sent is stored in the order of its numbers, but for what it repeated.
fn in_order_of_their_senders(stored: &[String]) {
    for (sender, window) in WINDOWS.iter().enumerate() {
        let name = format!("S{sender}N");
        let numbers = stored.iter().filter_map(|id| id.strip_prefix(&name)?.parse::<usize>().ok());
        let mut last = 0;
        for number in numbers {
            let goes_on = number == last + 1;
            let goes_back = number <= last && number + window > last;
            assert!(goes_on || goes_back, "{name}: {number} behind {last}");
            last = number;
        }
        assert!(last > 0, "sender {sender} has sent nothing");
    }
}

/// So many messages may come again after a kill: those that a worker takes at once (1,024 at most) are
/// noted as done together, and those before them may not have been committed yet.
const UNNOTED: usize = 2 * 1_024;
/// So many messages each sender has for a receiver that is dying.
const FOR_THE_DYING: usize = 250;

/// Kills at each of the places, and at so many random instants.
fn kill_and_verify(test: &str, ack_mode: &str, out: &str, places: &[&str], random_kills: usize) {
    let mut site = Site::new(test, ack_mode, out, usize::MAX, |_, _| Does::Accept);
    site.kill_at_all(places);
    for _ in 0..random_kills {
        site.kill_at_random();
    }
    site.finish(UNNOTED);
}

#[test]
fn what_was_acknowledged_is_there_after_kills() {
    kill_and_verify("mllp crash", "immediate", "window: 1", &PLACES, 40);
}

#[test]
fn what_was_acknowledged_is_there_after_kills_with_a_window_out() {
    let places = ["tcp.sent", "tcp.heard", "host.after_message"];
    kill_and_verify("mllp crash, window 16", "immediate", "window: 16", &places, 15);
}

#[test]
fn no_answer_for_the_receiver_is_a_lie_after_kills() {
    let places = ["tcp.before_answer", "tcp.answered", "tcp.sent", "tcp.heard", "host.after_message"];
    kill_and_verify("mllp crash, application", "application", "window: 1", &places, 15);
}

/// Does everything wrong that a dying receiver does, by lot.
fn dying(mut random: Random) -> impl Fn(usize, &str) -> Does + Send + Sync + 'static {
    let random = Mutex::new(Random::new(random.below(u64::MAX)));
    move |_, _| {
        let mut random = random.lock().unwrap_or_else(PoisonError::into_inner);
        match random.below(60) {
            0 => Does::TakeAndClose,
            1 => Does::TakeAndCloseWithin,
            2 => Does::CloseWithin,
            3 if random.below(4) == 0 => Does::TakeAndKeepQuiet,
            _ => Does::Accept,
        }
    }
}

/// A receiver that does everything wrong, and is cut off from time to time: it gets everything in order
/// all the same, and only what was on its way may come again, on a new connection.
fn is_served_while_dying(test: &str, ack_mode: &str, window: usize) {
    let out = format!("window: {window}, response_timeout: 100ms");
    let mut site = Site::new(test, ack_mode, &out, FOR_THE_DYING, dying(Random::from_environment(test)));
    let mut engine = site.start(&[]);
    assert!(engine.ready(), "{}", engine.log());
    let all = WINDOWS.len() * FOR_THE_DYING;
    let mut cut = 0;
    eventually("the receiver has got all messages", || {
        let come = site.receiver.count();
        if come / 200 > cut {
            cut = come / 200;
            site.receiver.cut();
        }
        (come >= all).then_some(())
    });
    eventually("all messages are acknowledged", || {
        (site.senders.shared.acknowledged().len() == all).then_some(())
    });
    let outcome = engine.stop();
    assert!(outcome.status.success(), "{:?}\n{}", outcome.status, outcome.log);
    site.look();
    site.finish(window);
}

#[test]
fn a_dying_receiver_gets_everything_in_order() {
    is_served_while_dying("dying receiver", "immediate", 1);
}

#[test]
fn a_dying_receiver_gets_everything_in_order_in_a_window() {
    is_served_while_dying("dying receiver, window 16", "immediate", 16);
}

#[test]
fn a_dying_receiver_is_never_said_to_have_what_it_has_not() {
    is_served_while_dying("dying receiver, application", "application", 1);
}
