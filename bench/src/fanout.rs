//! A broadcast to many sockets, against a bare tokio-tungstenite loop with the same clients.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use orris_tests::{Engine, batch, free_port};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{accept_async_with_config, connect_async_with_config};

use crate::latency::{address, production};
use crate::report::{against, figure, rate, section};

/// The role of a child process: the bare server.
pub(crate) const BARE: &str = "bare-fanout";
const BROADCASTS: usize = 100;
const TEXT: &str = "Something has change!";

fn config() -> WebSocketConfig {
    WebSocketConfig::default().read_buffer_size(1024).write_buffer_size(0)
}

/// Measures at both sizes, first with each broadcast waiting for the one before it to have come
/// everywhere, then with all of them at once, when the engine may send several with one call.
pub(crate) fn run(folder: &Path) {
    for sockets in [1_000, 9_000] {
        section(&format!("{BROADCASTS} broadcasts to {sockets} sockets"));
        let frames = sockets * BROADCASTS;
        for (name, at_once) in
            [("one by one, from the file's rename on", 1), ("all at once, in one batch file", BROADCASTS)]
        {
            let bare = bare(sockets, at_once);
            let own = folder.join(format!("{sockets}_{at_once}"));
            std::fs::create_dir(&own).expect("a folder");
            let (took, per_socket) = engine(&own, sockets, at_once);
            against(name, rate(frames, took), "/s", "a bare loop", rate(frames, bare), ">= 80 %");
            figure("memory of the engine per socket", &format!("{per_socket:.1} KB"), "<= 8 KB");
        }
    }
}

/// A server that does nothing but accept `sockets` connections and write to each in turn, once it is
/// told to by a byte on standard input.
pub(crate) fn serve_bare(port: u16, sockets: usize) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("listening");
        let mut open = Vec::with_capacity(sockets);
        while open.len() < sockets {
            let (stream, _) = listener.accept().await.expect("accepted");
            let _unset = stream.set_nodelay(true);
            open.push(accept_async_with_config(stream, Some(config())).await.expect("upgraded"));
        }
        // Each line says how many broadcasts to send; the end of the input ends it.
        let mut line = String::new();
        while std::io::stdin().read_line(&mut line).is_ok_and(|bytes| bytes > 0) {
            for _ in 0..line.trim().parse().unwrap_or(0) {
                for socket in &mut open {
                    socket.send(Message::text(TEXT)).await.expect("sent");
                }
            }
            line.clear();
        }
    });
}

/// What all clients have got, and who waits for it.
#[derive(Default)]
struct Seen {
    frames: AtomicUsize,
    all: Notify,
}

/// Connects that many clients; each counts the texts it gets, and the last of `at_once` broadcasts tells.
async fn connect(address: &str, sockets: usize, at_once: usize) -> Arc<Seen> {
    let frames = sockets * at_once;
    let seen = Arc::new(Seen::default());
    let begun = Instant::now();
    let mut open = 0;
    while open < sockets {
        let Ok((mut client, _)) = connect_async_with_config(address, Some(config()), true).await else {
            // The server may not listen yet.
            assert!(begun.elapsed() < Duration::from_secs(60), "{open} of {sockets} clients connected");
            tokio::task::yield_now().await;
            continue;
        };
        open += 1;
        let seen = seen.clone();
        tokio::spawn(async move {
            while let Some(Ok(frame)) = client.next().await {
                if frame.is_text() && (seen.frames.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(frames)
                {
                    seen.all.notify_one();
                }
            }
        });
    }
    seen
}

async fn received(seen: &Seen) {
    let all = tokio::time::timeout(Duration::from_secs(60), seen.all.notified()).await;
    assert!(all.is_ok(), "only {} frames came", seen.frames.load(Ordering::Relaxed));
}

fn clients() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn bare(sockets: usize, at_once: usize) -> Duration {
    let port = free_port();
    let own = std::env::current_exe().expect("a program knows where it is");
    let mut child = Command::new(own)
        .args([BARE, &port.to_string(), &sockets.to_string()])
        .stdin(Stdio::piped())
        .spawn()
        .expect("the bare server starts");
    let mut tell = child.stdin.take().expect("piped");
    let took = clients().block_on(async {
        let seen = connect(&format!("ws://127.0.0.1:{port}/"), sockets, at_once).await;
        let begun = Instant::now();
        for _ in 0..BROADCASTS / at_once {
            std::io::Write::write_all(&mut tell, format!("{at_once}\n").as_bytes()).expect("told");
            received(&seen).await;
        }
        begun.elapsed()
    });
    drop(tell);
    let _ended = child.wait();
    took
}

fn engine(folder: &Path, sockets: usize, at_once: usize) -> (Duration, f64) {
    let port = free_port();
    let mut engine = Engine::start(folder, &production(port), &[]);
    assert!(engine.ready(), "{}", engine.log());
    let before = engine.resident_kib();
    let messages: Vec<_> = (0..at_once).map(|number| number.to_string()).collect();
    let took = clients().block_on(async {
        let seen = connect(&address(port), sockets, at_once).await;
        let aside = folder.join("next.hl7");
        let begun = Instant::now();
        for number in 0..BROADCASTS / at_once {
            std::fs::write(&aside, batch(&messages)).expect("written");
            std::fs::rename(&aside, folder.join(format!("data/in/{number}.hl7"))).expect("dropped");
            received(&seen).await;
        }
        begun.elapsed()
    });
    let per_socket = (engine.most_resident_kib().saturating_sub(before)) as f64 * 1.024 / sockets as f64;
    engine.stop();
    (took, per_socket)
}
