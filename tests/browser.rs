//! The article in a real browser: Debian's Chromium, headless, opens the page that `make client`
//! serves, connects, authenticates, is told about a dropped file, and closes.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use orris_tests::{DEADLINE, Engine, Page, eventually, orris};
use store::Reader;

/// Waits until the article's port can be listened on. It lies among those that the system gives to
/// clients, so another test's closed connection may hold it for a minute (TIME-WAIT, RFC 9293 §3.6.1).
fn until_free(port: u16) {
    let deadline = Instant::now() + 2 * DEADLINE;
    while let Err(error) = TcpListener::bind(("127.0.0.1", port)) {
        assert!(Instant::now() < deadline, "port {port} is not free; the article needs it: {error}");
        std::thread::park_timeout(Duration::from_millis(100));
    }
}

#[test]
fn the_article_in_headless_chromium() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the project").to_owned();
    let folder = tempfile::tempdir().expect("a folder");
    let article = fs::read_to_string(root.join("productions/article/production.yaml")).expect("the article");
    until_free(52774);
    let mut engine = Engine::start(folder.path(), &article, &[]);
    assert!(engine.ready(), "{}", engine.log());
    until_free(5000);
    let _page = Page::serve(&root.join("productions/article/client"), 5000);
    assert_eq!(engine.open_sockets(), Vec::<serde_json::Value>::new(), "before");

    let mut browser = Command::new("node")
        .arg(root.join("tests/browser/article.mjs"))
        .arg("http://localhost:5000")
        .arg(engine.data_dir().join("in"))
        .stdout(Stdio::piped())
        .spawn()
        .expect("node drives the browser");
    let reader = Reader::open(engine.data_dir()).expect("a reader beside the engine");
    let open = eventually("the browser's session is in the table", || {
        reader.sockets(None).expect("readable").pop().or_else(|| {
            assert!(
                browser.try_wait().is_ok_and(|ended| ended.is_none()),
                "the browser ended without a session"
            );
            None
        })
    });
    // RFC 6455 §4.1: sixteen bytes in base64.
    assert_eq!(open.session_key.len(), 24, "{open:?}");
    assert_eq!(open.origin, "http://localhost:5000");

    let seen = browser.wait_with_output().expect("the browser ends");
    let steps = String::from_utf8_lossy(&seen.stdout);
    println!("{steps}");
    assert!(seen.status.success(), "{steps}");
    for step in ["connected", "authentication sent", "file dropped", "message seen", "closed", "done"] {
        assert!(steps.contains(&format!("\"step\":\"{step}\"")), "step {step:?} is missing");
    }
    eventually("the session is gone", || engine.open_sockets().is_empty().then_some(()));
    assert_events_and_trace(&engine);
    assert!(engine.stop().status.success());
}

/// What an engineer sees afterwards.
fn assert_events_and_trace(engine: &Engine) {
    let events = orris(engine.data_dir(), &["events"]);
    let events = String::from_utf8_lossy(&events.stdout).into_owned();
    for text in ["the socket is closed", "socket deleted successfully"] {
        assert_eq!(events.matches(text).count(), 1, "{text}:\n{events}");
    }
    let trace = orris(engine.data_dir(), &["trace"]);
    let trace = String::from_utf8_lossy(&trace.stdout).into_owned();
    for item in ["HL7FileService", "MsgRouter", "HL7FileOperation", "ADT_A01", "Completed"] {
        assert!(trace.contains(item), "{item} is missing:\n{trace}");
    }
}
