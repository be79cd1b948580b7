//! The service from outside: real sockets on a free port, and a host that is watched.

use std::time::Duration;

use futures_util::SinkExt;
use model::{BodyClass, Clock, Failure, SocketId, SocketSession, Timestamp};
use serde_json::json;
use testkit::{FakeClock, TestHost, eventually};
use tokio_tungstenite::tungstenite::Bytes;
use tokio_tungstenite::tungstenite::protocol::Message as Frame;

use super::*;
use crate::sockets::testing::{
    PATH, PATIENCE, adt, close_code, hospital, next, serve, serve_beside, speaker, text,
};

fn checked(settings: serde_json::Value) -> Vec<String> {
    let mut checks = Checks::default();
    WebSocketService::check(&serde_json::from_value(settings).unwrap(), &mut checks);
    checks.notes.into_iter().map(|note| format!("{}: {}", note.path, note.message)).collect()
}

#[test]
fn settings_are_checked() {
    for (settings, expect) in [
        (json!({}), None),
        (json!({ "listen": "52774" }), Some("listen: listen is \"52774\"; expected an address and a port")),
        (json!({ "listen": "localhost:99999" }), Some("listen: ")),
        (json!({ "path": "csp" }), Some("path: path is \"csp\"; expected one that begins with /")),
        (json!({ "path": "/a?b" }), Some("path: ")),
        (json!({ "allowed_origins": ["https://a.example"] }), None),
        (json!({ "allowed_origins": ["https://a.example", "a.example"] }), Some("allowed_origins[1]: ")),
        (json!({ "allowed_origins": ["https://a.example/page"] }), Some("allowed_origins[0]: ")),
        (json!({ "users": { "a": "" } }), Some("users.a: users has an empty value")),
        (json!({ "listen": "0.0.0.0:1", "users": { "a": "b" } }), Some("listen: passwords and messages")),
        (json!({ "listen": "127.0.0.1:1", "users": { "a": "b" } }), None),
        (json!({ "idle_timeout": "20s" }), Some("idle_timeout: ")),
        (json!({ "idle_timeout": "25h" }), Some("idle_timeout: ")),
        (
            json!({ "authentication_timeout": "1ms" }),
            Some("authentication_timeout is 1ms; expected 100ms to 10m"),
        ),
        (json!({ "max_connections": 0 }), Some("max_connections: ")),
        (json!({ "outbox_limit": 0 }), Some("outbox_limit: ")),
        (json!({ "max_message_size": "1B" }), Some("max_message_size: ")),
    ] {
        let found = checked(settings.clone());
        match expect {
            None => assert_eq!(found, Vec::<String>::new(), "{settings}"),
            Some(text) => assert!(found.len() == 1 && found[0].contains(text), "{settings}: {found:?}"),
        }
    }
}

#[tokio::test]
async fn a_handshake_is_refused_with_its_reason_and_an_event() {
    let host = TestHost::new("Server");
    let settings = json!({ "allowed_origins": ["http://a.example"], "tokens": { "ward": "secret-token" } });
    let served = serve(&host, settings).await;
    let good = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let with = |extra: &str| format!("{good}{extra}");
    let bearer = "Authorization: Bearer secret-token\r\n";
    for (path, headers, status) in [
        ("/elsewhere", with(bearer), "404 Not Found"),
        (PATH, String::new(), "426 Upgrade Required"),
        (PATH, with(bearer).replace("13", "7"), "426 Upgrade Required"),
        (PATH, with(bearer).replace("dGhl", ""), "400 Bad Request"),
        (PATH, with("Origin: http://b.example\r\nAuthorization: Bearer secret-token\r\n"), "403 Forbidden"),
        (PATH, with(""), "401 Unauthorized"),
        (PATH, with("Authorization: Bearer wrong-token\r\n"), "401 Unauthorized"),
        (&format!("{PATH}?token=wrong-token"), with(""), "401 Unauthorized"),
        (&format!("{PATH}?token=secret-token&since=x"), with(""), "400 Bad Request"),
        (&format!("{PATH}?token=secret-token&where=MSH-"), with(""), "400 Bad Request"),
    ] {
        let before = host.events().len();
        let answer = served.raw(&format!("GET {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n")).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{path} {headers}: {answer}");
        let events = host.events().split_off(before);
        let said = format!("refused: {}", &status[..3]);
        assert!(events.len() == 1 && events[0].text.contains(&said), "{path}: {events:?}");
        for private in ["-token", "elsewhere", "MSH-"] {
            assert!(!events[0].text.contains(private), "{}", events[0].text);
        }
    }
    assert!(served.raw("POST / HTTP/1.1\r\n\r\n").await.starts_with("HTTP/1.1 405 "));
    assert_eq!(host.sockets(), []);
}

#[tokio::test]
async fn an_accepted_handshake_declines_compression_and_stores_its_session() {
    let host = TestHost::new("Server");
    let served = serve(&host, json!({ "tokens": { "ward": "abc" } })).await;
    let request = format!(
        "GET {PATH}?token=abc&topics=a,b HTTP/1.1\r\nHost: x\r\nOrigin: http://a.example\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
    );
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(served.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = vec![0; 129];
    tokio::time::timeout(PATIENCE, stream.read_exact(&mut answer)).await.unwrap().unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 101 ") && answer.ends_with("\r\n\r\n"), "{answer}");
    assert!(answer.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{answer}");
    assert!(!answer.contains("xtensions"), "{answer}");
    let session = host.sockets().remove(0);
    assert_eq!(session.session_key, "dGhlIHNhbXBsZSBub25jZQ==");
    assert_eq!((session.item.as_str(), session.origin.as_str()), ("Server", "http://a.example"));
    assert_eq!((session.user.as_str(), session.subscription.as_str()), ("ward", r#"{"topics":["a","b"]}"#));
    assert_eq!(session.client_address, stream.local_addr().unwrap().to_string());
}

#[tokio::test]
async fn with_users_nothing_is_heard_before_the_login() {
    let host = TestHost::new("Server").targets(["In"]);
    let served = serve(&host, json!({ "users": { "_SYSTEM": "SYS" } })).await;
    let mut speaker = speaker(&host, "{{ header.id }}").await;
    let mut client = served.client().await;
    speaker.tell(&[adt(1, "A01")]).await;
    assert_eq!(host.sockets()[0].user, "");
    client.send(Frame::text(r#"{"User": "_SYSTEM", "Password": "SYS"}"#)).await.unwrap();
    served.until_hearing(1).await;
    assert_eq!(host.sockets()[0].user, "_SYSTEM");
    speaker.tell(&[adt(2, "A01")]).await;
    // Neither an answer to the login nor what was told before it.
    assert_eq!(text(&mut client).await, "2");

    for (first, answer) in [
        (r#"{"User": "_SYSTEM", "Password": "sys"}"#, "user or password is wrong"),
        (r#"{"subscribe": {}}"#, "authentication is required"),
        ("hello", "authentication is required"),
    ] {
        let mut stranger = served.client().await;
        stranger.send(Frame::text(first)).await.unwrap();
        assert!(text(&mut stranger).await.contains(answer), "{first}");
        assert_eq!(close_code(&mut stranger).await, 1008, "{first}");
    }
    served.until_said("a client's user or password is wrong (socket").await;
    eventually(PATIENCE, || host.sockets().len() == 1).await;
    assert_eq!(host.arrivals().len(), 0);
    assert!(host.events().iter().all(|event| !event.text.contains("SYS")));
}

#[tokio::test]
async fn without_users_a_login_is_taken_off_and_not_believed() {
    let host = TestHost::new("Server").targets(["In"]);
    let served = serve(&host, json!({})).await;
    let mut speaker = speaker(&host, "Something has change!").await;
    let mut client = served.client().await;
    client.send(Frame::text(r#"{"User": "_SYSTEM", "Password": "SYS"}"#)).await.unwrap();
    client.send(Frame::text("hello")).await.unwrap();
    client.send(Frame::binary(&b"\x00\x01"[..])).await.unwrap();
    eventually(PATIENCE, || host.arrivals().len() == 2).await;
    let arrivals = host.arrivals();
    assert_eq!((arrivals[0].body.class(), &arrivals[0].body.content()[..]), (BodyClass::TEXT, &b"hello"[..]));
    assert_eq!(arrivals[1].body.class(), BodyClass::BYTES);
    assert_eq!(host.sockets()[0].user, "");
    speaker.tell(&[adt(1, "A01")]).await;
    assert_eq!(text(&mut client).await, "Something has change!");
}

#[tokio::test]
async fn a_stranger_is_sent_away_after_the_grace_time() {
    let clock = FakeClock::new();
    let host = TestHost::new("Server").clock(clock.clone());
    let served = serve(&host, json!({ "users": { "a": "b" }, "authentication_timeout": "10s" })).await;
    let begin = clock.now();
    let mut client = served.client().await;
    let gone = || host.sockets().is_empty();
    eventually(PATIENCE, || {
        clock.advance(Duration::from_millis(if gone() { 0 } else { 250 }));
        gone()
    })
    .await;
    assert!(clock.now().since(begin) >= Duration::from_secs(10));
    assert_eq!(close_code(&mut client).await, 1008);
    served.until_said("the socket did not authenticate within 10s (socket 1").await;
    assert_eq!(served.until_said("socket deleted successfully").await, 1);
}

#[tokio::test]
async fn what_a_client_asks_for_is_stored_and_kept_to() {
    let host = TestHost::new("Server");
    let served = serve(&host, json!({})).await;
    let mut speaker = speaker(&host, "{{ header.id }}").await;
    let mut client = served.client().await;
    let mut other = served.client_at(&format!("{PATH}?topics=lab")).await;
    client.send(Frame::text(r#"{"subscribe": {"where": "MSH-9.1 = "}}"#)).await.unwrap();
    assert!(text(&mut client).await.starts_with(r#"{"error":"where: "#));
    let asked = r#"{"topics":["ward"],"where":"MSH-9.2 = \"A08\""}"#;
    client.send(Frame::text(format!(r#"{{"subscribe": {asked}}}"#))).await.unwrap();
    eventually(PATIENCE, || host.sockets().iter().any(|session| session.subscription == asked)).await;
    served.until_hearing(2).await;
    speaker.tell(&[adt(1, "A01"), adt(2, "A08"), adt(3, "A01"), adt(4, "A08")]).await;
    assert_eq!((text(&mut client).await, text(&mut client).await), ("2".into(), "4".into()));
    other.send(Frame::text(r#"{"subscribe": {}}"#)).await.unwrap();
    eventually(PATIENCE, || host.sockets().iter().any(|session| session.subscription.is_empty())).await;
    speaker.tell(&[adt(5, "A01")]).await;
    assert_eq!(text(&mut other).await, "5");
}

#[tokio::test]
async fn what_is_sent_to_a_service_without_targets_is_answered_with_an_error() {
    let host = TestHost::new("Server");
    let served = serve(&host, json!({})).await;
    let mut client = served.client().await;
    for _ in 0..2 {
        client.send(Frame::text("hello")).await.unwrap();
        assert!(text(&mut client).await.contains("no targets"));
    }
    assert_eq!(served.until_said("but the item has no targets").await, 1);
}

#[tokio::test]
async fn a_message_that_is_not_stored_is_answered_with_an_error() {
    let host = TestHost::new("Server").targets(["In"]);
    let served = serve(&host, json!({})).await;
    let mut client = served.client().await;
    host.refuse_next_intake(Failure::Temporary("the disk is full".into()));
    client.send(Frame::text("hello")).await.unwrap();
    assert!(text(&mut client).await.contains("not taken in"));
    served.until_said("is not taken in: the disk is full").await;
    client.send(Frame::text("again")).await.unwrap();
    eventually(PATIENCE, || host.arrivals().len() == 1).await;
}

#[tokio::test]
async fn limits_are_held() {
    let host = TestHost::new("Server").targets(["In"]);
    let served = serve(&host, json!({ "max_connections": 2, "max_message_size": "1KiB" })).await;
    let mut client = served.client().await;
    let second = served.client().await;
    let refused = served.try_client(PATH).await.map(drop).unwrap_err();
    assert!(format!("{refused}").contains("503"), "{refused}");
    served.until_said("as many as max_connections allows").await;

    client.send(Frame::text("x".repeat(1025))).await.unwrap();
    assert_eq!(close_code(&mut client).await, 1009);
    served.until_said("a message is larger than max_message_size (socket").await;
    eventually(PATIENCE, || host.sockets().len() == 1).await;
    drop((client, second));
    eventually(PATIENCE, || host.sockets().is_empty()).await;
    // A place that was given up can be taken again.
    let mut waiting = Vec::new();
    while waiting.len() < 2 {
        waiting.extend(served.try_client(PATH).await.ok());
    }
}

#[tokio::test]
async fn a_broken_protocol_is_closed_with_its_code() {
    use tokio_tungstenite::tungstenite::protocol::frame::Frame as Raw;
    use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
    let host = TestHost::new("Server").targets(["In"]);
    let served = serve(&host, json!({})).await;
    let latin = Raw::message(Bytes::from_static(&[0xE9]), OpCode::Data(Data::Text), true);
    let orphan = Raw::message(Bytes::from_static(b"x"), OpCode::Data(Data::Continue), true);
    for (frame, code) in [(latin, 1007), (orphan, 1002)] {
        let mut client = served.client().await;
        client.send(Frame::Frame(frame)).await.unwrap();
        assert_eq!(close_code(&mut client).await, code);
    }
    eventually(PATIENCE, || host.sockets().is_empty()).await;
    assert_eq!(host.arrivals().len(), 0);
}

#[tokio::test]
async fn however_a_socket_is_closed_its_session_is_deleted_with_two_events_once() {
    let host = TestHost::new("Server");
    let served = serve(&host, json!({})).await;
    let mut speaker = speaker(&host, "hello").await;
    let mut polite = served.client().await;
    polite.close(None).await.unwrap();
    assert!(matches!(next(&mut polite).await, None | Some(Frame::Close(_))));
    // Not a word of goodbye.
    drop(served.client().await);
    eventually(PATIENCE, || host.sockets().is_empty()).await;
    speaker.tell(&[adt(1, "A01")]).await;
    for text in ["the socket is closed (socket ", "socket deleted successfully (socket "] {
        assert_eq!(host.events().iter().filter(|event| event.text.starts_with(text)).count(), 2, "{text}");
    }
}

#[tokio::test]
async fn a_silent_client_is_pinged_and_times_out_when_it_does_not_answer() {
    let clock = FakeClock::new();
    let host = TestHost::new("Server").clock(clock.clone());
    let served = serve(&host, json!({ "ping_interval": "20s", "idle_timeout": "60s" })).await;
    let mut alive = served.client().await;
    // It does not read, and so does not answer.
    let _silent = served.client().await;
    served.until_hearing(2).await;
    let begin = clock.now();
    while clock.now().since(begin) < Duration::from_secs(120) {
        clock.advance(Duration::from_secs(20));
        assert!(matches!(next(&mut alive).await, Some(Frame::Ping(_))));
        // The answer is on the wire when the next frame can be, and was read when it was acted on.
        alive.send(Frame::text("still here")).await.unwrap();
        assert!(text(&mut alive).await.contains("no targets"));
    }
    eventually(PATIENCE, || host.sockets().len() == 1).await;
    assert_eq!(served.until_said("the socket timed out (socket 2").await, 1);
    assert_eq!(served.until_said("socket deleted successfully (socket 2").await, 1);
}

#[tokio::test]
async fn services_share_an_address_under_different_paths() {
    let first = TestHost::new("First");
    let second = TestHost::new("Second").beside(&first);
    let one = serve(&first, json!({ "path": "/one" })).await;
    let two = serve(&second, json!({ "path": "/two" })).await;
    assert_eq!(one.address, two.address);
    let (mut a, mut b) = (one.client_at("/one").await, one.client_at("/two").await);
    let mut of_first = speaker(&first, "from first").await;
    let mut of_second = speaker(&second, "from second").await;
    one.until_hearing(1).await;
    two.until_hearing(1).await;
    of_first.tell(&[adt(1, "A01")]).await;
    of_second.tell(&[adt(2, "A01")]).await;
    assert_eq!((text(&mut a).await, text(&mut b).await), ("from first".into(), "from second".into()));

    let address = one.address;
    let (stopped, code) = tokio::join!(one.stop(), close_code(&mut a));
    assert!(stopped.is_ok() && code == 1001);
    let gone = two.try_client("/one").await.map(drop).unwrap_err();
    assert!(format!("{gone}").contains("404"), "{gone}");
    of_second.tell(&[adt(3, "A01")]).await;
    assert_eq!(text(&mut b).await, "from second");
    let (stopped, code) = tokio::join!(two.stop(), close_code(&mut b));
    assert!(stopped.is_ok() && code == 1001);
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "the last one closes the address");
}

#[tokio::test]
async fn a_path_is_served_once_and_tls_is_one_for_an_address() {
    let first = TestHost::new("First");
    let served = serve(&first, json!({ "path": "/one" })).await;
    let second = TestHost::new("Second").beside(&first);
    let settings = json!({ "path": "/one", "listen": "127.0.0.1:0" });
    let Ok(Built::Service(mut service)) =
        WebSocketService::build(serde_json::from_value(settings).unwrap(), &model::Library::default())
    else {
        panic!("no service")
    };
    let failure = service.run(&second.context()).await.unwrap_err();
    assert!(failure.to_string().contains("another item serves path \"/one\""), "{failure}");
    assert!(served.client_at("/one").await.close(None).await.is_ok());
}

#[tokio::test]
async fn sessions_of_an_earlier_run_are_deleted_at_start() {
    let host = TestHost::new("Server");
    let left = SocketSession {
        id: SocketId(0),
        session_key: "dGhlIHNhbXBsZSBub25jZQ==".into(),
        item: "Server".into(),
        client_address: "192.0.2.1:4711".into(),
        origin: String::new(),
        user: String::new(),
        connected: Timestamp(1),
        subscription: String::new(),
    };
    host.leave_socket(left.clone());
    host.leave_socket(left);
    let served = serve(&host, json!({})).await;
    assert_eq!(host.sockets(), []);
    assert_eq!(served.until_said("was left open by an earlier run; socket deleted successfully").await, 2);
}

#[tokio::test]
async fn stopping_says_goodbye_and_leaves_no_session() {
    let host = TestHost::new("Server");
    let served = serve(&host, json!({})).await;
    let mut speaker = speaker(&host, "last words").await;
    let mut clients = Vec::new();
    for _ in 0..5 {
        clients.push(served.client().await);
    }
    served.until_hearing(5).await;
    speaker.tell(&[adt(1, "A01")]).await;
    let stopped = tokio::spawn(served.stop());
    for client in &mut clients {
        assert_eq!(text(client).await, "last words");
        assert_eq!(close_code(client).await, 1001);
    }
    assert!(stopped.await.unwrap().is_ok());
    assert_eq!(host.sockets(), []);
    assert!(
        host.events().iter().any(|event| event.text.starts_with("5 open sockets are closed and deleted"))
    );
}

#[tokio::test]
async fn conditions_know_the_names_and_groups_of_the_production() {
    let host = TestHost::new("Server");
    let served = serve_beside(&hospital(), &host, json!({})).await;
    let of = |condition: &str| format!("{PATH}?where={}", condition.replace(' ', "%20").replace('"', "%22"));
    for good in ["ZPD.Level = \"A\"", "PID.PatientName.FamilyName != \"\"", "PATIENT.PID-3.1 = \"7\""] {
        served.client_at(&of(good)).await;
    }
    assert!(served.try_client(&of("ZPD.Nothing = 1")).await.is_err());
    let (host, path) = (TestHost::new("Other"), of("ZPD.Level = \"A\""));
    let other = serve(&host, json!({})).await;
    assert!(other.try_client(&path).await.is_err(), "a production without the schema does not know it");
}
