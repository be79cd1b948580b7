//! Promise D5 with the real binary: bounded memory whatever comes, and nobody waits for a slow reader.

use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use orris_tests::{Engine, Random, admission, eventually, free_port, routed_to_file, text};
use store::Reader;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

const MESSAGES: usize = 1_000_000;
const FILES: usize = 100_000;
const SOCKETS: usize = 2_000;
const MOST_RESIDENT_KIB: u64 = 150 * 1_000_000 / 1024;

type Client = WebSocketStream<MaybeTlsStream<TcpStream>>;

fn to_file(output: &str) -> String {
    routed_to_file("[ { otherwise: true, send: [HL7FileOperation] } ]", output)
}

fn to_sockets(port: u16) -> String {
    format!(
        "production: Load.Sockets
services:
  HL7FileService:
    type: hl7.file
    targets: [User.SocketInvocation]
    settings: {{ file_path: in, file_spec: '*.hl7', archive_path: archive }}
  User.WebSocketServer:
    type: websocket
    settings: {{ listen: '127.0.0.1:{port}' }}
processes:
  User.SocketInvocation:
    type: socket.invocation
    settings: {{ server: User.WebSocketServer, message: '{{{{ MSH-10 }}}} Something has change!' }}
"
    )
}

/// Waits until nothing is in the folder or on a queue any more, however long it takes while it moves on.
fn until_done(engine: &mut Engine, folder: &Path) {
    let reader = Reader::open(engine.data_dir()).expect("a reader beside the engine");
    let mut seen = 0;
    loop {
        let progress = eventually("the engine moves on", || {
            assert!(!engine.ended(), "{}", engine.log());
            let empty = fs::read_dir(folder.join("data/in")).ok()?.next().is_none();
            let done = empty && reader.queues().ok()?.is_empty();
            let now = newest_message(&reader);
            (done || now > seen).then_some((done, now))
        });
        if progress.0 {
            return;
        }
        seen = progress.1;
    }
}

fn newest_message(reader: &Reader) -> u64 {
    let table = reader.sql("SELECT coalesce(max(ObjectId), 0) FROM MessageHeader", 1).expect("SQL runs");
    text(&table.rows[0][0]).parse().expect("a number")
}

#[test]
fn a_batch_of_a_million_messages_goes_through_in_bounded_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let size = write_big_batch(&folder.path().join("batch.hl7"));
    assert!(size >= 1 << 30, "{size} bytes");
    let mut engine =
        Engine::start(folder.path(), &to_file("file_path: out, file_name: '%f', mode: append"), &[]);
    assert!(engine.ready(), "{}", engine.log());
    fs::rename(folder.path().join("batch.hl7"), folder.path().join("data/in/batch.hl7")).expect("dropped");
    until_done(&mut engine, folder.path());
    let most = engine.most_resident_kib();
    println!(
        "batch of {MESSAGES} messages, {size} bytes: most resident memory {} MB",
        most * 1024 / 1_000_000
    );
    assert!(most < MOST_RESIDENT_KIB, "{most} KiB resident; at most {MOST_RESIDENT_KIB}");
    assert!(engine.stop().status.success());
    let out: Vec<_> = fs::read_dir(folder.path().join("data/out")).expect("the output").flatten().collect();
    assert_eq!(out.len(), 1);
    let written = out[0].metadata().expect("its size").len();
    let headers_and_trailers = "FHS|^~\\&|WARD\rBHS|^~\\&|WARD\rBTS|1000000\rFTS|1\r".len() as u64;
    assert_eq!(written, size - headers_and_trailers, "every message's bytes are in the output");
}

/// A batch of over 1 GiB; returns its size.
fn write_big_batch(path: &Path) -> u64 {
    let mut file = BufWriter::with_capacity(1 << 20, fs::File::create(path).expect("created"));
    let filler = "NTE|1|L|".to_owned() + &"nothing to see here, ".repeat(32) + "\r";
    file.write_all(b"FHS|^~\\&|WARD\rBHS|^~\\&|WARD\r").expect("written");
    for number in 0..MESSAGES {
        file.write_all(admission(&format!("L{number:07}")).as_bytes()).expect("written");
        file.write_all(filler.as_bytes()).expect("written");
    }
    file.write_all(format!("BTS|{MESSAGES}\rFTS|1\r").as_bytes()).expect("written");
    file.flush().expect("flushed");
    fs::metadata(path).expect("its size").len()
}

#[test]
fn a_hundred_thousand_waiting_files_do_not_exhaust_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let input = folder.path().join("data/in");
    fs::create_dir_all(&input).expect("created");
    for number in 0..FILES {
        fs::write(input.join(format!("{number:06}.hl7")), admission(&format!("F{number:06}")))
            .expect("written");
    }
    let mut engine =
        Engine::start(folder.path(), &to_file("file_path: out, file_name: all.hl7, mode: append"), &[]);
    assert!(engine.ready(), "{}", engine.log());
    until_done(&mut engine, folder.path());
    let most = engine.most_resident_kib();
    println!("{FILES} waiting files: most resident memory {} MB", most * 1024 / 1_000_000);
    assert!(most < MOST_RESIDENT_KIB, "{most} KiB resident; at most {MOST_RESIDENT_KIB}");
    assert!(engine.stop().status.success());
    assert_eq!(fs::read_dir(folder.path().join("data/archive")).expect("the archive").count(), FILES);
    let all = fs::read_to_string(folder.path().join("data/out/all.hl7")).expect("the output");
    assert_eq!(all.matches("MSH|").count(), FILES);
}

async fn connect(port: u16) -> Client {
    let address = format!("ws://127.0.0.1:{port}/csp/user/User.WebSocketServer.cls");
    connect_async(address).await.expect("connected").0
}

/// The texts that come until `last` has come.
async fn texts_until(client: &mut Client, last: &str) -> Vec<String> {
    let mut texts = Vec::new();
    let all = tokio::time::timeout(orris_tests::DEADLINE, async {
        while let Some(frame) = client.next().await {
            if let Message::Text(text) = frame.expect("a frame") {
                texts.push(text.to_string());
                if texts.last().is_some_and(|text| text.starts_with(last)) {
                    break;
                }
            }
        }
    });
    all.await.unwrap_or_else(|_| panic!("{last} did not come"));
    texts
}

fn drop_file(folder: &Path, control_id: &str) {
    let aside = folder.join(control_id);
    fs::write(&aside, admission(control_id)).expect("written");
    fs::rename(&aside, folder.join(format!("data/in/{control_id}.hl7"))).expect("dropped");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_sockets_hear_it_and_a_stuck_one_delays_nobody() {
    let folder = tempfile::tempdir().expect("a folder");
    let port = free_port();
    let mut engine = Engine::start(folder.path(), &to_sockets(port), &[]);
    assert!(engine.ready(), "{}", engine.log());
    // Connected and never read from: its buffers fill, its outbox overflows, nobody notices.
    let _stuck = connect(port).await;
    let mut clients = Vec::new();
    for _ in 0..SOCKETS {
        clients.push(connect(port).await);
    }
    let reader = Reader::open(engine.data_dir()).expect("a reader beside the engine");
    assert_eq!(reader.sockets(None).expect("readable").len(), SOCKETS + 1);
    drop_file(folder.path(), "FIRST");
    for client in &mut clients {
        assert_eq!(texts_until(client, "FIRST").await, ["FIRST Something has change!"]);
    }
    let mut listener = clients.pop().expect("one of them");
    drop(clients);
    for number in 0..200 {
        drop_file(folder.path(), &format!("N{number:03}"));
    }
    assert_eq!(texts_until(&mut listener, "N199").await.len(), 200, "in order, none missing");
    assert!(engine.stop().status.success());
}

#[tokio::test]
async fn a_socket_that_died_without_closing_is_found_and_deleted_with_its_events() {
    let folder = tempfile::tempdir().expect("a folder");
    let port = free_port();
    let mut engine = Engine::start(folder.path(), &to_sockets(port), &[]);
    assert!(engine.ready(), "{}", engine.log());
    let mut alive = connect(port).await;
    let dying = connect(port).await;
    let reader = Reader::open(engine.data_dir()).expect("a reader beside the engine");
    assert_eq!(reader.sockets(None).expect("readable").len(), 2);
    // Gone without a close frame; the kernel answers whatever is still sent to it with a reset.
    drop(dying);
    drop_file(folder.path(), "AFTER");
    assert_eq!(texts_until(&mut alive, "AFTER").await, ["AFTER Something has change!"]);
    eventually("the dead socket's session is deleted", || {
        (reader.sockets(None).expect("readable").len() == 1).then_some(())
    });
    for said in ["the socket is closed", "socket deleted successfully"] {
        eventually(said, || {
            let query = format!("SELECT count(*) FROM EventLog WHERE Text LIKE '{said}%'");
            let table = reader.sql(&query, 1).expect("SQL runs");
            (text(&table.rows[0][0]) == "1").then_some(())
        });
    }
    alive.send(Message::Close(None)).await.expect("sent");
    assert!(matches!(alive.next().await, None | Some(Ok(Message::Close(_)) | Err(Error::ConnectionClosed))));
    eventually("the closed socket's session is deleted", || {
        reader.sockets(None).expect("readable").is_empty().then_some(())
    });
    assert!(engine.stop().status.success());
}

#[test]
fn a_slow_target_does_not_slow_another() {
    let folder = tempfile::tempdir().expect("a folder");
    // The slow one writes into a folder that is a file: every try fails, its first message waits.
    let production = to_file("file_path: out, file_name: '{MSH-10}.hl7'")
        .replace("send: [HL7FileOperation]", "send: [Stuck, HL7FileOperation]")
        + "  Stuck:\n    type: hl7.file\n    retry_interval: 200ms\n    settings: { file_path: blocked }\n";
    fs::create_dir_all(folder.path().join("data")).expect("created");
    fs::write(folder.path().join("data/blocked"), "not a folder").expect("written");
    let mut engine = Engine::start(folder.path(), &production, &[]);
    assert!(engine.ready(), "{}", engine.log());
    let mut random = Random::from_environment("slow target");
    let messages = 1_500 + random.below(1_000) as usize;
    for number in 0..messages {
        drop_file(folder.path(), &format!("T{number:05}"));
    }
    let out = folder.path().join("data/out");
    eventually("the quick target has had everything", || {
        (fs::read_dir(&out).ok()?.count() == messages).then_some(())
    });
    let reader = Reader::open(engine.data_dir()).expect("a reader beside the engine");
    let waiting = eventually("only the slow target's queue is left", || {
        let waiting = reader.queues().expect("readable");
        (waiting.len() == 1).then_some(waiting)
    });
    assert_eq!((waiting[0].name.as_ref(), waiting[0].count as usize), ("Stuck", messages));
    // The obstacle goes away, and everything goes through in order.
    fs::remove_file(folder.path().join("data/blocked")).expect("removed");
    eventually("the slow target has caught up", || reader.queues().ok()?.is_empty().then_some(()));
    let caught_up = fs::read_dir(folder.path().join("data/blocked")).expect("the folder").count();
    assert_eq!(caught_up, messages);
    assert!(engine.stop().status.success(), "within {:?}", Duration::from_secs(60));
}
