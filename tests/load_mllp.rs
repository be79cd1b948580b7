//! Promise D5 over MLLP with the real binary: bounded memory whatever comes and however many are
//! connected, and nobody waits for a receiver that does not read.

use std::fs;
use std::net::TcpListener;
use std::time::Instant;

use orris_tests::{Engine, MllpClient, MllpReceiver, admission, eventually, field, framed, free_port};
use store::Reader;

const IDLE: usize = 256;
const BUSY: usize = 64;
/// Messages of each busy connection.
const EACH: usize = 200;
/// Messages of 2 MB of each of eight connections.
const LARGE: usize = 50;
/// The most resident memory, in MB: for messages of a usual size, and for those of 2 MB, which two
/// targets, the ledger and eight connections have in hand.
const MOST_MB: u64 = 150;
const MOST_MB_LARGE: u64 = 480;
/// Connections that send 2 MB each while the disk is full, and what they may come to.
const MANY: usize = 250;
const MOST_MB_MANY: u64 = 250;

/// From `hl7.tcp` at this port to these operations.
fn production(port: u16, targets: &str, operations: &str) -> String {
    format!(
        "production: Load.Mllp
grace_period: 1s
services:
  In:
    type: hl7.tcp
    targets: [{targets}]
    settings: {{ listen: '127.0.0.1:{port}' }}
operations:
{operations}"
    )
}

fn to_peer(name: &str, port: u16) -> String {
    format!("  {name}:\n    type: hl7.tcp\n    settings: {{ address: '127.0.0.1:{port}' }}\n")
}

const JOURNAL: &str = "  Journal:
    type: hl7.file
    settings: { file_path: out, file_name: all.hl7, mode: append }
";

/// Sends a message and waits for its answer, which has to be positive.
fn exchange(client: &mut MllpClient, id: &str, message: &str) {
    client.send(&framed(message)).expect("sent");
    accepted(client, id);
}

fn accepted(client: &mut MllpClient, id: &str) {
    let answer = client.heard().unwrap_or_else(|| panic!("no answer to {id}"));
    assert_eq!((field(&answer, "MSA", 1), field(&answer, "MSA", 2)), ("AA", id));
}

fn connect(port: u16) -> MllpClient {
    MllpClient::connect(port).expect("connected")
}

/// Waits until nothing is on a queue but that of `left`.
fn until_done(engine: &mut Engine, left: &str) {
    let reader = Reader::open(engine.data_dir()).expect("a reader beside the engine");
    eventually("everything is done", || {
        assert!(!engine.ended(), "{}", engine.log());
        reader.queues().ok()?.iter().all(|queue| &*queue.name == left).then_some(())
    });
}

fn bounded(engine: &Engine, limit: u64, what: &str, begun: Instant) {
    let most = engine.most_resident_kib() * 1024 / 1_000_000;
    println!("{what}: {:.1?}, most resident memory {most} MB", begun.elapsed());
    assert!(most < limit, "{most} MB resident; expected less than {limit}");
}

#[test]
fn many_connections_idle_and_busy_are_served_in_bounded_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let port = free_port();
    let mut engine = Engine::start(folder.path(), &production(port, "Journal", JOURNAL), &[]);
    assert!(engine.ready(), "{}", engine.log());
    let begun = Instant::now();
    let mut idle: Vec<_> = (0..IDLE).map(|_| connect(port)).collect();
    std::thread::scope(|scope| {
        for sender in 0..BUSY {
            scope.spawn(move || {
                let mut client = connect(port);
                for number in 0..EACH {
                    let id = format!("B{sender}N{number}");
                    exchange(&mut client, &id, &admission(&id));
                }
            });
        }
    });
    for (number, client) in idle.iter_mut().enumerate() {
        let id = format!("I{number}");
        exchange(client, &id, &admission(&id));
    }
    until_done(&mut engine, "");
    bounded(
        &engine,
        MOST_MB,
        &format!("{IDLE} idle and {BUSY} busy connections, {EACH} messages each"),
        begun,
    );
    assert!(engine.stop().status.success());
    let all = fs::read_to_string(folder.path().join("data/out/all.hl7")).expect("the output");
    assert_eq!(all.matches("MSH|").count(), BUSY * EACH + IDLE);
}

/// A message of so many bytes and a little more.
fn large(id: &str, bytes: usize) -> String {
    admission(id) + &format!("OBX|1|ED|DOC||^application^pdf^Base64^{}\r", "QUJD".repeat(bytes / 4))
}

#[test]
fn large_messages_on_several_connections_go_through_in_bounded_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let (port, receiver) = (free_port(), MllpReceiver::start());
    let files = "  Files:\n    type: hl7.file\n    settings: { file_path: out, file_name: '{MSH-10}' }\n";
    let operations = to_peer("Lab", receiver.port()) + files;
    let mut engine = Engine::start(folder.path(), &production(port, "Lab, Files", &operations), &[]);
    assert!(engine.ready(), "{}", engine.log());
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for sender in 0..8 {
            scope.spawn(move || {
                let mut client = connect(port);
                for number in 0..LARGE {
                    let id = format!("L{sender}N{number}");
                    exchange(&mut client, &id, &large(&id, 2 << 20));
                }
            });
        }
    });
    until_done(&mut engine, "");
    bounded(&engine, MOST_MB_LARGE, "800 MB in messages of 2 MB on 8 connections", begun);
    assert!(engine.stop().status.success());
    assert_eq!(receiver.count(), 8 * LARGE);
    for id in (0..8).flat_map(|sender| (0..LARGE).map(move |number| format!("L{sender}N{number}"))) {
        let written = fs::read_to_string(folder.path().join("data/out").join(&id)).expect("a file");
        assert!(written == large(&id, 2 << 20), "{id} came out as it went in");
    }
}

#[test]
fn a_receiver_that_does_not_read_costs_no_memory_and_delays_nobody() {
    let folder = tempfile::tempdir().expect("a folder");
    let (port, receiver) = (free_port(), MllpReceiver::start());
    // Connections are made by the system and taken by nobody.
    let deaf = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let deaf_port = deaf.local_addr().expect("it is bound").port();
    let operations = to_peer("Deaf", deaf_port) + &to_peer("Lab", receiver.port());
    let mut engine = Engine::start(folder.path(), &production(port, "Deaf, Lab", &operations), &[]);
    assert!(engine.ready(), "{}", engine.log());
    let begun = Instant::now();
    let (senders, each, window) = (4, 3_000, 16);
    std::thread::scope(|scope| {
        for sender in 0..senders {
            scope.spawn(move || {
                let mut client = connect(port);
                let id = |number: usize| format!("D{sender}N{number}");
                for number in 0..each + window {
                    if number < each {
                        client.send(&framed(&large(&id(number), 16 << 10))).expect("sent");
                    }
                    if number >= window {
                        accepted(&mut client, &id(number - window));
                    }
                }
            });
        }
    });
    until_done(&mut engine, "Deaf");
    assert_eq!(receiver.count(), senders * each);
    bounded(&engine, MOST_MB, "200 MB past a receiver that does not read", begun);
    let reader = Reader::open(engine.data_dir()).expect("a reader beside the engine");
    let waiting = reader.queues().expect("readable");
    assert_eq!((&*waiting[0].name, waiting[0].count as usize), ("Deaf", senders * each));
    assert!(engine.stop().status.success());
}

#[test]
fn large_messages_wait_their_turn_while_the_disk_is_full() {
    let folder = tempfile::tempdir().expect("a folder");
    let port = free_port();
    let mut engine = Engine::start_limitable(folder.path(), &production(port, "Journal", JOURNAL));
    assert!(engine.ready(), "{}", engine.log());
    let begun = Instant::now();
    engine.limit_files(Some(1 << 20));
    std::thread::scope(|scope| {
        for sender in 0..MANY {
            scope.spawn(move || {
                let id = format!("M{sender}");
                exchange(&mut connect(port), &id, &large(&id, 2 << 20));
            });
        }
        eventually("intake waits", || engine.log().contains("limits.intake_memory").then_some(()));
        // Nothing more is read when this stays what it is.
        let (mut before, mut same) = (0, 0);
        eventually("nobody is read on", || {
            let now = engine.resident_kib();
            same = if now.abs_diff(before) < 64 { same + 1 } else { 0 };
            before = now;
            (same >= 50).then_some(())
        });
        bounded(&engine, MOST_MB_MANY, &format!("{MANY} connections with 2 MB each, and a full disk"), begun);
        engine.limit_files(None);
    });
    until_done(&mut engine, "");
    assert!(engine.stop().status.success());
    let all = fs::read_to_string(folder.path().join("data/out/all.hl7")).expect("the output");
    assert_eq!(all.matches("MSH|").count(), MANY);
}
