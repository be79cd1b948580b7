//! Patient data stays in messages: an invented name goes down every error path of the real binary, and
//! is then looked for in all that the engine says of itself. It may stand only where contents were
//! asked for, and in the files themselves.
//!
//! The first life logs for people, with everything that can be logged; the second one, after a
//! `kill -9`, as JSON, and meets the same messages again. File names that come from outside are no
//! content; those that the engine makes of fields are.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;

use futures_util::{SinkExt, StreamExt};
use orris_tests::{DEADLINE, Engine, NAME, Said, eventually, free_port};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::{Error, Message};

fn production(port: u16) -> String {
    format!(
        r#"production: Privacy
services:
  Files:
    type: hl7.file
    targets: [Router, Lonely, Tell, Overwritten, Appended, Wrapped, Unique, Blocked, Stuck]
    settings: {{ file_path: in, archive_path: archive, on_error: move, error_path: error, max_message_size: 8KiB, confirm_complete: none }}
  Left:
    type: hl7.file
    targets: [Router]
    settings: {{ file_path: left, archive_path: archive2, max_message_size: 8KiB, confirm_complete: none, charset: ASCII }}
  Whole:
    type: hl7.file
    targets: [Router]
    settings: {{ file_path: whole, batch_handling: whole, max_message_size: 8KiB, confirm_complete: none }}
  Web:
    type: websocket
    targets: [Router, Tell]
    settings: {{ listen: "127.0.0.1:{port}", path: /open, max_message_size: 16KiB, outbox_limit: 4 }}
  Locked:
    type: websocket
    targets: [Router]
    settings: {{ listen: "127.0.0.1:{port}", path: /locked, users: {{ nurse: right }} }}
  Tokens:
    type: websocket
    targets: [Router]
    settings: {{ listen: "127.0.0.1:{port}", path: /tokens, tokens: {{ page: right }}, allowed_origins: ["https://ward.example"] }}
  Deaf:
    type: websocket
    settings: {{ listen: "127.0.0.1:{port}", path: /deaf }}
processes:
  Router:
    type: hl7.router
    settings:
      bad_message_handler: Bad
      rules:
        - {{ name: compared, when: 'PID-5 > 5 or PID-5.1 < MSH-7', send: [Unique] }}
        - {{ name: nowhere, when: 'PID-5.2 = "Secretgiven" and MSH-10 != "1"', send: [] }}
  Lonely:
    type: hl7.router
    settings: {{ rules: [ {{ name: never, when: 'PID-5.1 = "Somebody"', send: [Unique] }} ] }}
  Tell:
    type: socket.invocation
    settings: {{ server: Web, message: "{{{{ header.id }}}} {{{{ PID-5 }}}} {{{{ MSH-10 | json }}}}" }}
operations:
  Overwritten:
    type: hl7.file
    retry_interval: 50ms
    failure_timeout: 200ms
    settings: {{ file_path: taken, file_name: "{{PID-5.1}}", mode: overwrite }}
  Appended:
    type: hl7.file
    retry_interval: 50ms
    failure_timeout: 200ms
    settings: {{ file_path: taken, file_name: "{{PID-5.1}}", mode: append }}
  Wrapped:
    type: hl7.file
    retry_interval: 50ms
    failure_timeout: 200ms
    settings: {{ file_path: foreign, file_name: "{{PID-5.1}}", mode: append, batch: wrap }}
  Unique:
    type: hl7.file
    settings: {{ file_path: out, file_name: "..{{PID-5}}_{{PID-13}}{{MSH-10}}" }}
  Blocked:
    type: hl7.file
    retry_interval: 100ms
    settings: {{ file_path: blocked, file_name: "{{PID-5}}" }}
  Stuck:
    type: hl7.file
    retry_interval: 100ms
    settings: {{ file_path: taken, file_name: "{{PID-5.1}}", mode: overwrite }}
  Bad:
    type: hl7.file
    settings: {{ file_path: bad, file_name: "{{id}}" }}
"#
    )
}

/// A sound message about the marked patient, as far as it can be with this MSH-2 and this rest.
fn message(msh: &str, rest: &str) -> String {
    format!("{msh}|WARD|NORTH|ORRIS|LAB|20260102030405||ADT^A01|{NAME}|P|2.5\rPID|1||7||{NAME}\r{rest}")
}

/// What is dropped: what becomes of a file depends on its content alone.
fn contents() -> Vec<Vec<u8>> {
    let usual = |rest: &str| message("MSH|^~\\&", rest);
    let charset = |name: &str, patient: &[u8]| {
        let head = format!("MSH|^~\\&|WARD||||||ADT^A01|{NAME}|P|2.5||||||{name}\rPID|1||7||{NAME} ");
        [head.as_bytes(), patient, b"\r"].concat()
    };
    let mut all: Vec<Vec<u8>> = [
        usual(""),
        // Names of files that cannot be, or would be elsewhere.
        usual(&format!("NTE|{}\r", NAME.repeat(20))).replace("||7||", &format!("||7||{}", "x".repeat(300))),
        usual("").replace(NAME, &format!("../../{NAME}/\\..\\{NAME}\u{1}\u{7f}")),
        // What is no HL7, wholly or in a line.
        NAME.to_owned(),
        format!("<patient>{NAME}</patient>\r{NAME}|{NAME}\r"),
        format!("MSH{NAME}|{NAME}\r"),
        format!("MSH|{NAME}|WARD\rPID|1||7||{NAME}\r"),
        format!("MSHZ{NAME}\r"),
        format!("MSH|^~\\&^{NAME}|WARD\rPID|1||7||{NAME}\r"),
        format!("MSH|^~\\&{NAME}\rPID|1||7||{NAME}\r"),
        format!("MSH|^^{NAME}|WARD\rPID|{NAME}\r"),
        format!("msh|^~\\&|{NAME}\rpid|{NAME}\r"),
        message(r"MSH|^~\", ""),
        message(r"MSH|^~\&#Z", ""),
        message("MSH|||", ""),
        message("MSH||", ""),
        usual(&format!("{NAME}\r")),
        usual(&format!("{NAME}|1|2\r|{NAME}\rZZ|{NAME}\rzzm|{NAME}\r")),
        usual(&format!("NTE|1|\u{1b}{NAME}\u{0}{NAME}\u{b}{NAME}\u{1c}{NAME}\r")),
        usual(&format!("NTE|1|{NAME}\n{NAME}\n\n{NAME}\r")),
        usual(&format!("NTE|\\X5A\\\\Z{NAME}\\\\H{NAME}\\{NAME}\\\r")),
        // Batches, whole and torn.
        format!("FHS|^~\\&|{NAME}\rBHS|^~\\&|{NAME}\r{}{NAME}\rBTS|{NAME}\rFTS|{NAME}\r", usual("")),
        format!("BTS|{NAME}\r{}FHS|{NAME}\rFHS{NAME}\r{}", usual(""), usual("")),
        format!("{NAME}\r{}\u{b}{}\u{1c}\r{NAME}\r", usual(""), usual("")),
        usual(&format!("BHS|^~\\&|{NAME}\r")),
        // Too large, with the name in what is read of it and behind.
        usual(&format!("NTE|1|{}\r", NAME.repeat(2_000))),
        NAME.repeat(2_000),
        format!("FHS|^~\\&|{}\r{}", NAME.repeat(2_000), usual("")),
    ]
    .map(String::into_bytes)
    .into();
    all.push(charset(&format!("8859/{NAME}"), b""));
    all.push(charset("UNICODE UTF-8", b"\xff\xfe"));
    all.push(charset("ASCII", b"\xc3\xa4"));
    all.push(charset("ISO IR87", b"\x1b$BZ"));
    all.push(usual("").encode_utf16().flat_map(u16::to_le_bytes).collect());
    all.push([usual("").as_bytes(), b"\0\0\0"].concat());
    all
}

/// Drops every content into every folder, and returns how many files that were.
fn drop_all(data: &Path, life: &str) {
    for folder in ["in", "left", "whole"] {
        for (number, content) in contents().iter().enumerate() {
            let aside = data.join(format!("{life}-{number}.aside"));
            fs::write(&aside, content).expect("written");
            fs::rename(&aside, data.join(folder).join(format!("{life}-{number:02}.hl7"))).expect("dropped");
        }
    }
}

/// Things in the way of files that are named by the patient, whom the hostile name changes too.
fn put_obstacles(data: &Path) {
    fs::create_dir_all(data.join("taken/Zzmarkedname/inside")).expect("created");
    fs::create_dir_all(data.join("foreign")).expect("created");
    fs::write(data.join("foreign/Zzmarkedname"), "somebody else's").expect("written");
    fs::write(data.join("blocked"), "no folder").expect("written");
}

/// What a client is told on `path` after it has said `texts`: until it is sent away, or `answers`.
async fn speak(port: u16, path: &str, says: Vec<Message>, answers: usize) -> String {
    let mut heard = String::new();
    let mut client = match connect_async(format!("ws://127.0.0.1:{port}{path}")).await {
        Ok((client, _)) => client,
        Err(Error::Http(answer)) => return format!("refused {}", answer.status().as_u16()),
        Err(error) => panic!("{path}: {error}"),
    };
    for said in says {
        client.send(said).await.expect("sent");
    }
    let listening = async {
        for _ in 0..answers {
            match client.next().await {
                Some(Ok(frame)) => writeln!(heard, "{frame:?}").expect("text"),
                None | Some(Err(_)) => break,
            }
        }
    };
    tokio::time::timeout(DEADLINE, listening).await.unwrap_or_else(|_| panic!("{path}: too few answers"));
    heard
}

/// What is answered to `bytes`, until the other side has enough of it.
fn shout(mut stream: TcpStream, bytes: &[u8]) -> String {
    let mut answer = Vec::new();
    stream.write_all(bytes).expect("sent");
    stream.shutdown(Shutdown::Write).expect("shut");
    // A connection that is reset has answered all that it will.
    let _reset = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn text(text: impl Into<String>) -> Message {
    Message::text(text.into())
}

/// Everything that clients can do wrong, with the name in it.
async fn misbehave(port: u16) {
    let login = format!(r#"{{"User": "{NAME}", "Password": "{NAME}"}}"#);
    let where_ = |condition: &str| text(format!(r#"{{"subscribe": {{"where": "{condition}"}}}}"#));
    let wrong = [
        where_("PID-5 = Zzmarkedname"),
        where_("Zzmarkedname(PID-5)"),
        where_(&"Zzmarkedname ".repeat(300)),
        text(format!(r#"{{"subscribe": "{NAME}"}}"#)),
        text(format!(r#"{{"subscribe": {{"{NAME}": 1}}}}"#)),
    ];
    let count = wrong.len();
    let heard = speak(port, "/open?topics=none", wrong.into(), count).await;
    assert_eq!(heard.matches("error").count(), count, "{heard}");
    // Stored as messages, and told to nobody by a rule of this client.
    let taken = vec![
        text(NAME),
        text(message("MSH|^~\\&", "")),
        text(format!("{login}, {NAME}")),
        text(format!(r#"{{"subscribe": {{"where": "PID-5 = 1"}}, "{NAME}": 1}}"#)),
        Message::binary(NAME.as_bytes().to_vec()),
    ];
    speak(port, "/open?topics=none", taken, 0).await;
    let large = speak(port, "/open", vec![text(NAME.repeat(1_000))], 9).await;
    assert!(large.contains("larger than max_message_size"), "{large}");
    let wrong_user = speak(port, "/locked", vec![text(login)], 9).await;
    assert!(wrong_user.contains("user or password is wrong"), "{wrong_user}");
    let stranger = speak(port, "/locked", vec![text(NAME)], 9).await;
    assert!(stranger.contains("authentication is required"), "{stranger}");
    let deaf = speak(port, "/deaf", vec![text(NAME)], 1).await;
    assert!(deaf.contains("no targets"), "{deaf}");
    let missed = speak(port, "/open?since=1", vec![], 1).await;
    assert!(missed.contains("Text("), "{missed}");
    for garbage in [
        format!("{NAME}\r\n\r\n"),
        message("MSH|^~\\&", "\r\n\r\n"),
        format!("GET /open?where={NAME} HTTP/1.1\r\n{NAME}: {NAME}\r\n{NAME}\r\n\r\n"),
        format!(
            "GET /open HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {NAME}\r\n\r\n"
        ),
        format!(
            "GET /open HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n{NAME}{NAME}"
        ),
    ] {
        let answer = shout(TcpStream::connect(("127.0.0.1", port)).expect("connected"), garbage.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 "), "{garbage}: {answer}");
    }
    for (path, status) in [
        ("/open?where=PID-5%20%3D%20Zzmarkedname", 400),
        ("/open?since=Zzmarkedname", 400),
        ("/Zzmarkedname%5ESecretgiven", 404),
        ("/open/Zzmarkedname?name=Secretgiven", 404),
        ("/tokens?token=Zzmarkedname", 401),
    ] {
        assert_eq!(speak(port, path, vec![], 0).await, format!("refused {status}"), "{path}");
    }
}

/// Waits until all files are taken or refused, and only the blocked queue is left.
fn until_settled(engine: &mut Engine) {
    let reader = store::Reader::open(engine.data_dir()).expect("a reader beside the engine");
    eventually("only those who wait for ever have a queue", || {
        assert!(!engine.ended(), "{}", engine.log());
        let is_empty =
            |folder| fs::read_dir(engine.data_dir().join(folder)).is_ok_and(|mut it| it.next().is_none());
        let waiting = reader.queues().ok()?;
        (is_empty("in") && waiting.iter().all(|queue| ["Blocked", "Stuck"].contains(&&*queue.name)))
            .then_some(())
    });
}

/// The paths that were meant to be gone down, by what is said at their ends.
const ENDS: [&str; 20] = [
    "the file of message",
    "refused: 404",
    "refused: 401",
    "cannot be written",
    "holds what this item has not written",
    "is no folder",
    "suspended",
    "is refused",
    "longer than 8192 bytes",
    "no rule matched",
    "sends it nowhere",
    "found no segment",
    "MSH-2 is empty",
    "control character",
    "charset",
    "user or password is wrong",
    "before it authenticated",
    "larger than max_message_size",
    "no targets",
    "refused: 400",
];

async fn live(folder: &Path, production: &str, port: u16, life: &str, arguments: &[&str], said: &mut Said) {
    let mut engine = Engine::start_with(folder, production, &[], arguments);
    assert!(engine.ready(), "{}", engine.log());
    drop_all(engine.data_dir(), life);
    misbehave(port).await;
    let by_hand = folder.join("by-hand.hl7");
    fs::write(&by_hand, message("MSH|^~\\&", NAME)).expect("written");
    for item in ["Router", "Lonely", "Overwritten", "Web"] {
        said.ask(&engine, &["send", item, &by_hand.display().to_string()]);
    }
    let refused = engine.orris(&["send", "Nobody", &by_hand.display().to_string()]);
    assert!(!refused.status.success());
    said.add("orris send Nobody", String::from_utf8_lossy(&refused.stderr).into_owned());
    let mut control = UnixStream::connect(engine.data_dir().join("orris.sock")).expect("the control socket");
    control.write_all(format!("{{\"{NAME}\": \"{NAME}\"}}\n").as_bytes()).expect("sent");
    control.shutdown(Shutdown::Write).expect("shut");
    let mut answer = String::new();
    control.read_to_string(&mut answer).expect("answered");
    said.add("control socket", answer);
    until_settled(&mut engine);
    said.ask_all(&engine);
    let outcome = if life == "first" { engine.kill() } else { engine.stop() };
    said.add(format!("standard output, {life} life"), engine.printed());
    said.add(format!("standard error, {life} life"), outcome.log);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_patient_is_named_only_where_contents_are_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    put_obstacles(&data);
    let port = free_port();
    let (production, mut said) = (production(port), Said::default());
    live(folder.path(), &production, port, "first", &["--log-level", "trace"], &mut said).await;
    let json = ["--log", "json", "--log-level", "debug"];
    live(folder.path(), &production, port, "second", &json, &mut said).await;
    assert!(said.read_reasons(&data.join("error")) > 0, "no reason lies beside a file");
    // It was there to be found: in the contents, and in the files.
    let content = "SELECT count(*) FROM MessageBody WHERE instr(Content, 'Zzmarkedname^Secretgiven') > 0";
    let contents = orris_tests::orris(&data, &["sql", "--csv", content]);
    let stored = String::from_utf8_lossy(&contents.stdout).lines().last().and_then(|line| line.parse().ok());
    assert!(stored.is_some_and(|count: usize| count > 50), "{stored:?} contents hold the name");
    let first = "SELECT min(ObjectId) FROM MessageHeader WHERE TargetConfigName = 'Overwritten'";
    let first = orris_tests::orris(&data, &["sql", "--csv", first]).stdout;
    let first = String::from_utf8_lossy(&first).lines().last().unwrap_or_default().to_owned();
    let shown = orris_tests::orris(&data, &["trace", "--message", &first]).stdout;
    assert!(String::from_utf8_lossy(&shown).contains(NAME), "message {first}");
    assert!(fs::read_dir(data.join("out")).is_ok_and(|files| files.count() > 10), "files in out");
    let missing: Vec<_> = ENDS.iter().filter(|end| !said.has(end)).collect();
    assert!(missing.is_empty(), "paths that were not gone down: {missing:?}");
    let leaks = said.leaks();
    assert!(leaks.is_empty(), "{} lines name the patient:\n{}", leaks.len(), leaks.join("\n"));
}
