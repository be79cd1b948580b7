//! A folder of HL7 files, one after the other, through the whole engine: nothing is lost, nothing is
//! changed, what is good comes out, what is not is kept with a reason.
//!
//! Runs over the project's own `tests/messages`, and over any folder of the same form that the
//! environment variable `ORRIS_CORPUS` names: a `manifest.tsv` with the columns
//! `file`, `expect` and `kind`.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use hl7::PieceKind;
use model::{BodyId, MessageHeader, MessageStatus, MessageType, SessionId};
use orris_tests::{Engine, eventually};
use store::{MessageFilter, Reader};

const PRODUCTION: &str = "\
production: Corpus
services:
  HL7FileService:
    type: hl7.file
    targets: [MsgRouter]
    settings: { file_path: in, file_spec: '*.hl7', archive_path: archive, on_error: move, error_path: error }
processes:
  MsgRouter:
    type: hl7.router
    settings:
      bad_message_handler: BadMessageHandler
      rules: [ { name: all, otherwise: true, send: [HL7FileOperation] } ]
operations:
  HL7FileOperation:
    type: hl7.file
    settings: { file_path: out, file_name: '{id}_%f' }
  BadMessageHandler:
    type: hl7.file
    settings: { file_path: bad, file_name: '{id}_%f' }
";

/// The longest message of a corpus, and the service's limit.
const MAX_MESSAGE: usize = 64 << 20;
/// More headers than any corpus has.
const ALL: usize = 10_000_000;

/// One file of a corpus.
struct Entry {
    /// Its path below the corpus, for people.
    file: String,
    /// `accept`, `accept-lenient`, `reject` or `either`.
    expect: String,
    /// `message`, `batch` or `concat`.
    kind: String,
    bytes: Vec<u8>,
    /// What it is called when it is dropped.
    dropped: String,
}

impl Entry {
    /// The bytes of each message that the file holds, in order.
    fn messages(&self) -> Vec<Vec<u8>> {
        // A good file with one message is that message, whatever the splitter says.
        let of_batch = |line: &[u8]| [b"FHS", b"BHS", b"BTS", b"FTS"].iter().any(|id| line.starts_with(*id));
        let mut lines = self.bytes.split(|byte| matches!(byte, b'\r' | b'\n'));
        if self.expect == "accept" && self.kind == "message" && !lines.any(of_batch) {
            return vec![self.bytes.clone()];
        }
        let pieces = hl7::split::all(self.bytes.clone().into(), MAX_MESSAGE);
        let messages = pieces.filter(|piece| piece.kind == PieceKind::Message);
        messages.map(|piece| piece.bytes.to_vec()).collect()
    }

    /// The bytes that have to be in the store: all but what frames messages, or all where there is
    /// nothing else.
    fn kept(&self) -> Vec<u8> {
        let mut kept = Vec::new();
        for piece in hl7::split::all(self.bytes.clone().into(), MAX_MESSAGE) {
            let frames = |byte: &u8| b" \t\r\n\x0b\x1c\xef\xbb\xbf".contains(byte);
            if piece.kind != PieceKind::Framing || !piece.bytes.iter().all(frames) {
                kept.extend_from_slice(&piece.bytes);
            }
        }
        if kept.is_empty() { self.bytes.clone() } else { kept }
    }
}

fn entries(folder: &Path) -> Vec<Entry> {
    let manifest = folder.join("manifest.tsv");
    let text =
        fs::read_to_string(&manifest).unwrap_or_else(|error| panic!("{}: {error}", manifest.display()));
    let mut rows = text.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let head = rows.next().expect("a line of column names");
    let column = |name| head.iter().position(|column| *column == name).expect("the column is there");
    let (file, expect, kind) = (column("file"), column("expect"), column("kind"));
    let entry = |(number, row): (usize, Vec<&str>)| Entry {
        file: row[file].to_owned(),
        expect: row[expect].to_owned(),
        kind: row[kind].to_owned(),
        bytes: fs::read(folder.join(row[file])).unwrap_or_else(|error| panic!("{}: {error}", row[file])),
        dropped: format!("{number:06}.hl7"),
    };
    rows.enumerate().map(entry).collect()
}

/// What the engine did, as its store tells it.
struct Ledger {
    headers: Vec<MessageHeader>,
    /// Name and bytes of each body that a header refers to.
    bodies: HashMap<BodyId, (String, Vec<u8>)>,
    /// Where the headers of what the service took stand, by the name of the file.
    taken: HashMap<String, Vec<usize>>,
    /// Where the headers of each session stand.
    sessions: HashMap<SessionId, Vec<usize>>,
}

impl Ledger {
    fn read(data_dir: &Path) -> Ledger {
        let reader = Reader::open(data_dir).expect("a reader");
        let filter = MessageFilter {
            message_type: Some(MessageType::Request),
            oldest_first: true,
            limit: ALL,
            ..MessageFilter::default()
        };
        let headers = reader.messages(&filter).expect("readable");
        let mut bodies = HashMap::new();
        for id in headers.iter().filter_map(|header| header.body) {
            bodies.entry(id).or_insert_with(|| {
                let body = reader.body(id).expect("readable").expect("a header's body is there");
                (body.name().to_owned(), body.content().to_vec())
            });
        }
        let mut ledger = Ledger { headers, bodies, taken: HashMap::new(), sessions: HashMap::new() };
        for (at, header) in ledger.headers.iter().enumerate() {
            ledger.sessions.entry(header.session).or_default().push(at);
            if &*header.source == "HL7FileService" {
                let name = ledger.bodies[&header.body.expect("a service's header has a body")].0.clone();
                ledger.taken.entry(name).or_default().push(at);
            }
        }
        ledger
    }

    fn body(&self, header: &MessageHeader) -> (&str, &[u8]) {
        let (name, bytes) = &self.bodies[&header.body.expect("each of these has a body")];
        (name, bytes)
    }

    /// The headers of what the service took out of that file, in order.
    fn taken(&self, dropped: &str) -> Vec<&MessageHeader> {
        self.taken.get(dropped).into_iter().flatten().map(|at| &self.headers[*at]).collect()
    }
}

/// The files that an operation wrote, by the id of the message that ordered each.
fn written(folder: PathBuf) -> HashMap<u64, Vec<u8>> {
    let files = fs::read_dir(&folder).into_iter().flatten().flatten();
    let id = |name: &str| name.split('_').next().and_then(|id| id.parse::<u64>().ok());
    let file = |file: fs::DirEntry| {
        let name = file.file_name().into_string().expect("a name in UTF-8");
        let id = id(&name).unwrap_or_else(|| panic!("{name}: expected a name that begins with an id"));
        (id, fs::read(file.path()).expect("readable"))
    };
    files.map(file).collect()
}

/// Drops all files and waits until the engine has nothing left to do.
fn run(entries: &[Entry], folder: &Path) -> (Ledger, Engine) {
    let mut engine = Engine::start(folder, PRODUCTION, &[]);
    assert!(engine.ready(), "{}", engine.log());
    let input = engine.data_dir().join("in");
    fs::create_dir_all(&input).expect("created");
    for entry in entries {
        let aside = folder.join(&entry.dropped);
        fs::write(&aside, &entry.bytes).expect("written");
        fs::rename(&aside, input.join(&entry.dropped)).expect("dropped");
    }
    until_done(&mut engine, &input);
    assert!(!engine.ended(), "{}", engine.log());
    (Ledger::read(engine.data_dir()), engine)
}

/// Waits until no file and no queue is left, however long it takes while it moves on.
fn until_done(engine: &mut Engine, input: &Path) {
    let reader = Reader::open(engine.data_dir()).expect("a reader beside the engine");
    let waiting = || {
        let files = fs::read_dir(input).ok()?.flatten().filter(|file| file.path().is_file()).count();
        let queued: u64 = reader.queues().ok()?.iter().map(|queue| queue.count).sum();
        Some((files, queued))
    };
    let mut seen = (usize::MAX, u64::MAX);
    while seen != (0, 0) {
        seen = eventually("the engine moves on", || {
            assert!(!engine.ended(), "{}", engine.log());
            waiting().filter(|now| *now == (0, 0) || *now != seen)
        });
    }
}

/// What is not as it should be about one file.
fn differences(entry: &Entry, ledger: &Ledger, out: &Outputs) -> Vec<String> {
    let mut found = Vec::new();
    let taken = ledger.taken(&entry.dropped);
    let kept: Vec<u8> = taken.iter().flat_map(|header| ledger.body(header).1).copied().collect();
    let wanted = entry.kept();
    if kept != wanted {
        found.push(format!("{} of {} bytes are in the store, or in another order", kept.len(), wanted.len()));
    }
    let put_away = |folder: &str| fs::read(out.data_dir.join(folder).join(&entry.dropped)).ok();
    if put_away("archive").or_else(|| put_away("error")).as_ref() != Some(&entry.bytes) {
        found.push("the file is neither in the archive nor in the error folder as it came".to_owned());
    }
    let messages = entry.messages();
    let (good, bad) = (out.of(&out.good, &taken, ledger), out.of(&out.bad, &taken, ledger));
    let routed = taken.iter().filter(|header| &*header.target == "MsgRouter").count();
    if routed != good.len() + bad.len() {
        found.push(format!("{routed} messages were routed; {} and {} came out", good.len(), bad.len()));
    }
    for (header, bytes) in good.iter().chain(&bad) {
        if ledger.body(header).1 != *bytes {
            found.push(format!("message {}: the file differs from what came in", header.id));
        }
    }
    for header in taken.iter().filter(|header| header.is_error && header.error_status.is_empty()) {
        found.push(format!("message {} ended as {} without a reason", header.id, header.status));
    }
    if let Some(header) = taken.iter().find(|header| !header.status.is_final()) {
        found.push(format!("message {} is left as {}", header.id, header.status));
    }
    let came_out: Vec<Vec<u8>> = good.iter().map(|(_, bytes)| bytes.to_vec()).collect();
    match entry.expect.as_str() {
        "accept" if came_out != messages => {
            found.push(format!("{} of {} messages came out, in their order", came_out.len(), messages.len()));
        }
        "reject" if !is_refused(entry, &taken, &out.data_dir) => {
            found.push("nothing says that it was refused".to_owned())
        }
        "accept" | "accept-lenient" | "reject" | "either" => {}
        other => found.push(format!("unknown expectation \"{other}\"")),
    }
    found
}

/// Whether something of the file was refused with a reason, or all of it was put aside with one.
fn is_refused(entry: &Entry, taken: &[&MessageHeader], data_dir: &Path) -> bool {
    let refused =
        |header: &&MessageHeader| header.status == MessageStatus::Error && !header.error_status.is_empty();
    let aside = data_dir.join("error").join(&entry.dropped);
    let reason = fs::read_to_string(data_dir.join("error").join(format!("{}.reason", entry.dropped)));
    let put_aside = aside.is_file() && reason.is_ok_and(|reason| !reason.trim().is_empty());
    put_aside || taken.iter().any(refused)
}

/// What the operations wrote.
struct Outputs {
    data_dir: PathBuf,
    good: HashMap<u64, Vec<u8>>,
    bad: HashMap<u64, Vec<u8>>,
}

impl Outputs {
    /// What was written for the sessions of these headers, in order.
    fn of<'a>(
        &self,
        files: &'a HashMap<u64, Vec<u8>>,
        taken: &[&MessageHeader],
        ledger: &'a Ledger,
    ) -> Vec<(&'a MessageHeader, &'a [u8])> {
        let sessions: BTreeSet<_> = taken.iter().map(|header| header.session).collect();
        let of_file = sessions.iter().flat_map(|session| &ledger.sessions[session]);
        let of_file = of_file.map(|at| &ledger.headers[*at]);
        of_file.filter_map(|header| Some((header, files.get(&header.id.0)?.as_slice()))).collect()
    }
}

fn check(corpus: &Path) {
    let begun = Instant::now();
    let entries = entries(corpus);
    let folder = tempfile::tempdir().expect("a folder");
    let (ledger, mut engine) = run(&entries, folder.path());
    let data_dir = engine.data_dir().to_owned();
    let outputs =
        Outputs { good: written(data_dir.join("out")), bad: written(data_dir.join("bad")), data_dir };
    let mut wrong = Vec::new();
    for entry in &entries {
        let found = differences(entry, &ledger, &outputs);
        wrong.extend(found.iter().map(|text| format!("{} ({}): {text}", entry.file, entry.expect)));
    }
    println!(
        "{}: {} files, {} headers, {} messages out, {} bad, in {:.1} s",
        corpus.display(),
        entries.len(),
        ledger.headers.len(),
        outputs.good.len(),
        outputs.bad.len(),
        begun.elapsed().as_secs_f64()
    );
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
    assert!(outputs.good.len() >= entries.iter().filter(|entry| entry.expect == "accept").count() / 2);
    assert!(engine.stop().status.success(), "{}", engine.log());
}

#[test]
fn our_own_messages_go_through() {
    check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("messages"));
}

#[test]
fn the_named_corpus_goes_through() {
    match std::env::var_os("ORRIS_CORPUS") {
        Some(folder) => check(Path::new(&folder)),
        None => println!("ORRIS_CORPUS names no folder; only our own messages were looked at"),
    }
}
