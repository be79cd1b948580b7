//! Promises D1, D2, D3, D5, D6 and D8: `kill -9` at random instants and at every fault point, while
//! files stream in. Afterwards every message is exactly once in the store and at least once at every
//! target, in order, every output file is whole, and no file is lost or left behind.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use orris_tests::{Engine, Random, admission, batch, eventually, free_port, orris, text};
use store::Reader;

/// Kills at random instants, beside those at fault points.
const RANDOM_KILLS: usize = 120;
/// Kills at each fault point.
const KILLS_PER_PLACE: usize = 6;
/// Files that wait before the first start of the big backlog.
const BACKLOG: usize = 10_000;

fn production(port: u16, work_path: &str) -> String {
    format!(
        "production: Crash.Test
grace_period: 10s
services:
  HL7FileService:
    type: hl7.file
    targets: [MsgRouter, User.SocketInvocation]
    settings:
      file_path: in
      file_spec: '*.hl7'
      archive_path: archive
      {work_path}
      polling_interval: 100ms
      settle_time: 1s
      append_timestamp: none
  User.WebSocketServer:
    type: websocket
    settings: {{ listen: '127.0.0.1:{port}' }}
processes:
  MsgRouter:
    type: hl7.router
    settings:
      rules:
        - {{ otherwise: true, send: [HL7FileOperation, Journal] }}
  User.SocketInvocation:
    type: socket.invocation
    settings: {{ server: User.WebSocketServer, message: Something has change! }}
operations:
  HL7FileOperation:
    type: hl7.file
    settings: {{ file_path: out, file_name: '{{MSH-10}}.hl7', mode: overwrite }}
  Journal:
    type: hl7.file
    settings: {{ file_path: journal, file_name: journal.hl7, mode: append }}
"
    )
}

/// Drops files and remembers what it dropped.
struct Feeder {
    folder: PathBuf,
    aside: PathBuf,
    random: Random,
    messages: usize,
    files: BTreeMap<String, String>,
    half_written: Option<(File, String, usize)>,
}

impl Feeder {
    fn new(folder: &Path, random: Random) -> Self {
        let (folder, aside) = (folder.join("data/in"), folder.join("aside"));
        fs::create_dir_all(&folder).and_then(|()| fs::create_dir_all(&aside)).expect("folders");
        Feeder { folder, aside, random, messages: 0, files: BTreeMap::new(), half_written: None }
    }

    fn control_id(&mut self) -> String {
        self.messages += 1;
        format!("M{:07}", self.messages)
    }

    fn name(&self) -> String {
        format!("f{:06}.hl7", self.files.len())
    }

    /// Puts a whole file in place by rename.
    fn drop_renamed(&mut self, content: String) {
        let name = self.name();
        fs::write(self.aside.join(&name), &content).expect("written");
        fs::rename(self.aside.join(&name), self.folder.join(&name)).expect("dropped");
        self.files.insert(name, content);
    }

    fn drop_single(&mut self) {
        let control_id = self.control_id();
        self.drop_renamed(admission(&control_id));
    }

    fn drop_batch(&mut self, messages: usize) {
        let control_ids: Vec<_> = (0..messages).map(|_| self.control_id()).collect();
        self.drop_renamed(batch(&control_ids));
    }

    /// Writes the first half of a file right in the folder; the second half comes with the next call.
    fn write_half(&mut self) {
        if let Some((mut file, content, written)) = self.half_written.take() {
            file.write_all(&content.as_bytes()[written..]).expect("written");
            return;
        }
        let control_ids: Vec<_> = (0..3).map(|_| self.control_id()).collect();
        let (name, content) = (self.name(), batch(&control_ids));
        let half = content.len() / 2;
        let mut file = File::create(self.folder.join(&name)).expect("created");
        file.write_all(&content.as_bytes()[..half]).expect("written");
        self.files.insert(name, content.clone());
        self.half_written = Some((file, content, half));
    }

    fn some(&mut self) {
        match self.random.below(20) {
            0 => {
                let messages = 2 + self.random.below(60) as usize;
                self.drop_batch(messages);
            }
            1 => {
                self.write_half();
                self.write_half();
            }
            _ => self.drop_single(),
        }
    }

    /// Streams files in until `until`, or until the engine has ended.
    fn stream(&mut self, engine: &mut Engine, until: Instant) {
        while Instant::now() < until && !engine.ended() {
            self.some();
            std::thread::park_timeout(Duration::from_millis(1 + self.random.below(4)));
        }
    }
}

#[test]
fn nothing_is_lost_doubled_or_reordered_by_kills() {
    // Without a work folder, nothing is claimed; and no message comes or goes over TCP.
    let elsewhere = |place: &str| place == "file.claimed" || place.starts_with("tcp.");
    let places: Vec<_> = model::fault::PLACES.into_iter().filter(|place| !elsewhere(place)).collect();
    kill_and_verify("crash", "", &places, RANDOM_KILLS);
}

#[test]
fn nothing_is_lost_doubled_or_reordered_with_a_work_folder() {
    let places = ["file.claimed", "file.read", "intake.durable", "file.archived", "file.forgotten"];
    kill_and_verify("crash in the work folder", "work_path: work", &places, RANDOM_KILLS / 4);
}

fn kill_and_verify(test: &str, work_path: &str, places: &[&str], random_kills: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut random = Random::from_environment(test);
    let production = production(free_port(), work_path);
    let mut feeder = Feeder::new(folder.path(), Random::new(random.below(u64::MAX)));
    let mut reached: BTreeMap<&str, usize> = BTreeMap::new();
    for round in 0..KILLS_PER_PLACE {
        for place in places {
            let count = 1 + if round == 0 { 0 } else { random.below(12) };
            let spec = format!("{place}:{count}");
            if kill_at_place(folder.path(), &production, &spec, &mut feeder) {
                *reached.entry(place).or_default() += 1;
            }
        }
    }
    for _ in 0..random_kills {
        kill_at_random(folder.path(), &production, &mut feeder, &mut random);
    }
    println!(
        "kills at fault points: {reached:?}; at random instants: {random_kills}; messages: {}",
        feeder.messages
    );
    for place in places {
        assert!(reached.contains_key(place), "fault point {place:?} was never passed");
    }
    if feeder.half_written.is_some() {
        feeder.write_half();
    }
    drain_and_stop(folder.path(), &production);
    verify(folder.path(), &feeder);
}

#[test]
fn a_large_backlog_survives_kills_in_the_midst_of_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut random = Random::from_environment("backlog");
    let production = production(free_port(), "");
    let mut feeder = Feeder::new(folder.path(), Random::new(random.below(u64::MAX)));
    for _ in 0..BACKLOG {
        feeder.drop_single();
    }
    for _ in 0..12 {
        let mut engine = Engine::start(folder.path(), &production, &[]);
        if engine.ready() {
            let until = Instant::now() + Duration::from_millis(random.below(400));
            while Instant::now() < until {
                std::thread::park_timeout(until - Instant::now());
            }
        }
        engine.kill();
    }
    drain_and_stop(folder.path(), &production);
    verify(folder.path(), &feeder);
}

/// Starts an engine that ends itself at `spec`. False when the place was not passed in time.
fn kill_at_place(folder: &Path, production: &str, spec: &str, feeder: &mut Feeder) -> bool {
    for _ in 0..5 {
        feeder.some();
    }
    let mut engine = Engine::start(folder, production, &[("ORRIS_FAULT", spec)]);
    let begun = Instant::now();
    if engine.ready() {
        if spec.starts_with("socket.") {
            open_sockets(folder, &mut engine);
        } else if spec.starts_with("shutdown.") {
            engine.stop();
        }
        feeder.stream(&mut engine, begun + Duration::from_secs(4));
    }
    let reached = engine.ended();
    let outcome = engine.kill();
    assert!(!outcome.log.contains("panicked"), "at {spec}:\n{}", outcome.log);
    reached
}

/// Asks for WebSocket connections until the engine ends.
fn open_sockets(folder: &Path, engine: &mut Engine) {
    let text = fs::read_to_string(folder.join("production.yaml")).expect("the production");
    let address =
        text.split("listen: '").nth(1).and_then(|rest| rest.split('\'').next()).expect("an address");
    eventually("the handshakes reach the fault point", || {
        let Ok(mut stream) = std::net::TcpStream::connect(address) else { return Some(()) };
        let request = format!(
            "GET /csp/user/User.WebSocketServer.cls HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        let _refused_when_it_ended = stream.write_all(request.as_bytes());
        engine.ended().then_some(())
    });
}

fn kill_at_random(folder: &Path, production: &str, feeder: &mut Feeder, random: &mut Random) {
    for _ in 0..random.below(8) {
        feeder.some();
    }
    if random.below(4) == 0 {
        feeder.write_half();
    }
    let mut engine = Engine::start(folder, production, &[]);
    // One kill in eight comes before the engine is ready.
    if random.below(8) != 0 && engine.ready() {
        feeder.stream(&mut engine, Instant::now() + Duration::from_millis(random.below(250)));
    }
    let outcome = engine.kill();
    assert!(!outcome.log.contains("panicked"), "{}", outcome.log);
}

/// Starts once more, waits until everything has been done, and stops in order.
fn drain_and_stop(folder: &Path, production: &str) {
    let mut engine = Engine::start(folder, production, &[]);
    assert!(engine.ready(), "{}", engine.log());
    let reader = Reader::open(engine.data_dir()).expect("a reader beside the engine");
    eventually("every file has been taken", || {
        assert!(!engine.ended(), "{}", engine.log());
        fs::read_dir(folder.join("data/in")).ok()?.next().is_none().then_some(())
    });
    eventually("every message is done", || {
        let waiting = reader.queues().expect("the queues can be read");
        waiting.is_empty().then_some(())
    });
    second_engine_is_refused(folder, &engine);
    let outcome = engine.stop();
    assert!(outcome.status.success(), "{:?}\n{}", outcome.status, outcome.log);
}

/// D8: the second engine names the first one.
fn second_engine_is_refused(folder: &Path, engine: &Engine) {
    let refused = orris(
        engine.data_dir(),
        &[
            "run",
            &folder.join("production.yaml").display().to_string(),
            "--data-dir",
            &engine.data_dir().display().to_string(),
        ],
    );
    let errors = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{errors}");
    assert!(errors.contains(&format!("in use by process {}", engine.id())), "{errors}");
}

fn control_ids(text: &str) -> Vec<String> {
    text.split('\r')
        .filter(|segment| segment.starts_with("MSH|"))
        .filter_map(|segment| segment.split('|').nth(9).map(str::to_owned))
        .collect()
}

fn verify(folder: &Path, feeder: &Feeder) {
    let data = folder.join("data");
    let sent: BTreeSet<String> = feeder.files.values().flat_map(|content| control_ids(content)).collect();
    assert_eq!(sent.len(), feeder.messages);

    // No file lost or left behind, each archived as it came.
    for (name, content) in &feeder.files {
        let archived = fs::read_to_string(data.join("archive").join(name));
        assert!(archived.is_ok_and(|archived| archived == *content), "{name} is not archived as it came");
    }
    assert_eq!(fs::read_dir(data.join("archive")).expect("the archive").count(), feeder.files.len());

    verify_store(&data, &sent);

    // At least once at the file operation, and each output whole: a repeat leaves one file.
    let out: BTreeSet<_> =
        fs::read_dir(data.join("out")).expect("the output").flatten().map(|e| e.file_name()).collect();
    let wanted: BTreeSet<_> = sent.iter().map(|id| format!("{id}.hl7").into()).collect();
    assert_eq!(out.difference(&wanted).collect::<Vec<_>>(), Vec::<&std::ffi::OsString>::new(), "left behind");
    assert_eq!(
        wanted.difference(&out).collect::<Vec<_>>(),
        Vec::<&std::ffi::OsString>::new(),
        "not delivered"
    );
    for control_id in &sent {
        let delivered =
            fs::read_to_string(data.join("out").join(format!("{control_id}.hl7"))).expect("readable");
        assert_eq!(delivered, admission(control_id), "output of {control_id}");
    }

    // The journal is appended to exactly once, in the order of the store.
    let journal = control_ids(&fs::read_to_string(data.join("journal/journal.hl7")).expect("the journal"));
    let in_store = in_order_of_arrival(&data);
    assert_eq!(journal.len(), sent.len(), "the journal has each message once");
    assert!(journal == in_store, "the journal is in the order in which messages were taken in");
}

/// Every message is exactly once in the store, its headers are completed, and both targets had it.
fn verify_store(data: &Path, sent: &BTreeSet<String>) {
    let reader = Reader::open(data).expect("a reader without an engine");
    for target in ["MsgRouter", "User.SocketInvocation", "HL7FileOperation", "Journal"] {
        let query = format!(
            "SELECT Status, count(*) FROM MessageHeader WHERE TargetConfigName = '{target}' GROUP BY Status"
        );
        let table = reader.sql(&query, 100).expect("SQL runs");
        let rows: Vec<String> = table.rows.iter().map(|row| format!("{row:?}")).collect();
        assert_eq!(rows.len(), 1, "{target}: {rows:?}");
        assert!(
            rows[0].contains("Completed") && rows[0].contains(&sent.len().to_string()),
            "{target}: {rows:?}"
        );
    }
    let taken = in_order_of_arrival(data);
    let distinct: BTreeSet<_> = taken.iter().cloned().collect();
    assert_eq!(taken.len(), distinct.len(), "a message is twice in the store");
    assert!(distinct == *sent, "a message is missing in the store");
}

/// The control ids of all messages taken in, by the ids of their first headers.
fn in_order_of_arrival(data: &Path) -> Vec<String> {
    let reader = Reader::open(data).expect("a reader without an engine");
    let query = "SELECT Content FROM MessageHeader JOIN MessageBody ON MessageBody.ID = MessageBodyId \
                 WHERE TargetConfigName = 'MsgRouter' ORDER BY ObjectId";
    let table = reader.sql(query, 10_000_000).expect("SQL runs");
    table.rows.iter().flat_map(|row| control_ids(&text(&row[0]))).collect()
}

#[test]
fn a_file_that_is_still_being_written_is_not_taken() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut engine = Engine::start(folder.path(), &production(free_port(), ""), &[]);
    assert!(engine.ready(), "{}", engine.log());
    let path = folder.path().join("data/in/slow.hl7");
    let content = batch(&(0..200).map(|number| format!("S{number}")).collect::<Vec<_>>());
    let mut file = OpenOptions::new().create_new(true).append(true).open(&path).expect("created");
    // Twice the settle time in all, never half of it without a byte.
    for piece in content.as_bytes().chunks(content.len() / 40) {
        file.write_all(piece).expect("written");
        assert!(path.exists(), "taken while it was being written");
        std::thread::park_timeout(Duration::from_millis(50));
    }
    drop(file);
    eventually("the whole file is archived", || {
        let archived = fs::read_to_string(folder.path().join("data/archive/slow.hl7")).ok()?;
        (archived == content).then_some(())
    });
    let reader = Reader::open(engine.data_dir()).expect("a reader beside the engine");
    eventually("every message is done", || reader.queues().expect("readable").is_empty().then_some(()));
    assert_eq!(fs::read_dir(folder.path().join("data/out")).expect("the output").count(), 200);
    assert!(engine.stop().status.success());
}
