//! From the rename of a file into the folder to the frame in the client, one file at a time.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use orris_tests::{Engine, Random, free_port};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

use crate::feed;
use crate::machine::probe;
use crate::report::{figure, millis, percentile, section};

const FILES: usize = 2_000;

/// The article's production: a file service, a WebSocket server, and the process that tells it.
pub(crate) fn production(port: u16) -> String {
    format!(
        "production: Bench.Sockets
services:
  HL7FileService:
    type: hl7.file
    targets: [User.SocketInvocation]
    settings: {{ file_path: in, file_spec: '*.hl7', archive_path: archive, append_timestamp: none }}
  User.WebSocketServer:
    type: websocket
    settings: {{ listen: '127.0.0.1:{port}', max_connections: 20000 }}
processes:
  User.SocketInvocation:
    type: socket.invocation
    settings: {{ server: User.WebSocketServer, message: Something has change! }}
"
    )
}

/// The address of the article's server on that port.
pub(crate) fn address(port: u16) -> String {
    format!("ws://127.0.0.1:{port}/csp/user/User.WebSocketServer.cls")
}

/// Measures.
pub(crate) fn run(folder: &Path) {
    section("from rename into the folder to the frame in the client, one client, lock step");
    let port = free_port();
    let mut engine = Engine::start(folder, &production(port), &[]);
    assert!(engine.ready(), "{}", engine.log());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut times = runtime.block_on(drop_and_wait(folder, port));
    times.drain(..20);
    times.sort();
    // The floor: nothing is told before it is synced.
    let sync = probe(folder, 4096, 500);
    let share_of = |share| percentile(&times, share).as_secs_f64() / percentile(&sync, share).as_secs_f64();
    for (name, share, wanted) in [("p50", 0.5, "<= 1 ms"), ("p99", 0.99, "<= 5 ms"), ("slowest", 1.0, "-")] {
        let times_sync = format!("{wanted}; {:.1} x one 4 KiB append and sync", share_of(share));
        figure(name, &millis(percentile(&times, share)), &times_sync);
    }
    engine.stop();
}

async fn drop_and_wait(folder: &Path, port: u16) -> Vec<Duration> {
    let (mut client, _) = connect_async(address(port)).await.expect("connected");
    let login = Message::text(r#"{"User": "_SYSTEM", "Password": "SYS"}"#);
    client.send(login).await.expect("sent");
    let mut random = Random::new(6);
    let mut times = Vec::new();
    for number in 0..FILES {
        let aside = folder.join("next.hl7");
        fs::write(&aside, feed::message(number as u64, &mut random)).expect("written");
        let begun = Instant::now();
        fs::rename(&aside, folder.join(format!("data/in/{number:06}.hl7"))).expect("dropped");
        loop {
            let frame = client.next().await.expect("a frame").expect("readable");
            if frame.is_text() {
                times.push(begun.elapsed());
                break;
            }
        }
    }
    times
}
