//! Connections and requests that are not as they should be, and many at once.

use std::time::Duration;

use testkit::{FakeClock, eventually};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::adapters::http_listener::testing::{Client, PATIENCE};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn what_is_asked_for_wrongly_is_refused_by_its_status() {
    let host = TestHost::new("In");
    let served = serve(&host, json!({ "path": "/adt", "max_message_size": "1KiB" })).await;
    let good = testing::post("/adt", "", &adt("1"));
    let typed = |kind: &str| testing::post("/adt", &format!("Content-Type: {kind}\r\n"), &adt("1"));
    for (request, status) in [
        (good.clone(), 200),
        (good.replacen("/adt", "/adt?x=1", 1), 200),
        (good.replacen("/adt", "/", 1), 404),
        (good.replacen("/adt", "/adt/x", 1), 404),
        ("GET /adt HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), 405),
        ("POST /adt HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), 411),
        (testing::post("/adt", "", &"x".repeat(1_025)), 413),
        (typed("application/json"), 415),
        (typed("application/x-www-form-urlencoded"), 415),
        (typed("application/hl7-v2+xml"), 415),
        (testing::post("/adt", "Content-Encoding: gzip\r\n", &adt("1")), 415),
        (testing::post("/adt", &format!("X: {}\r\n", "x".repeat(40_000)), &adt("1")), 431),
        ("MSH|^~\\&|A|B\r\n\r\n".to_owned(), 400),
    ] {
        let answer = served.ask(&request).await;
        assert_eq!(answer.status, status, "{request:.60}");
    }
    let allowed = served.ask("GET /adt HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert_eq!(allowed.header("allow"), Some("POST, PUT"));
    assert_eq!(host.arrivals().len(), 2);
    served.until_said("asked for another path than the service has (404)").await;
    served.until_said("sent what is no HTTP request").await;
}

#[tokio::test]
async fn a_connection_is_kept_after_a_refusal_that_was_read() {
    let host = TestHost::new("In");
    let served = serve(&host, json!({ "max_message_size": "1KiB" })).await;
    let mut client = served.client().await;
    assert_eq!(client.ask(testing::post("/", "", &"x".repeat(100_000))).await.status, 413);
    assert_eq!(client.ask(testing::post("/x", "", &adt("1"))).await.status, 404);
    assert_eq!(short(&client.ask(post(&adt("2"))).await), "200 AA 2");
}

#[tokio::test]
async fn who_is_not_known_is_refused() {
    let host = TestHost::new("In");
    let settings = json!({ "users": { "his": "open:sesame" }, "tokens": { "lab": "abc" } });
    let served = serve(&host, settings).await;
    // "his:open:sesame", "his:wrong" and "nobody:open:sesame".
    for (header, status) in [
        ("Authorization: Basic aGlzOm9wZW46c2VzYW1l\r\n", 200),
        ("authorization: basic aGlzOm9wZW46c2VzYW1l\r\n", 200),
        ("Authorization: Bearer abc\r\n", 200),
        ("Authorization: Basic aGlzOndyb25n\r\n", 401),
        ("Authorization: Basic bm9ib2R5Om9wZW46c2VzYW1l\r\n", 401),
        ("Authorization: Basic ???\r\n", 401),
        ("Authorization: Bearer ab\r\n", 401),
        ("Authorization: Digest abc\r\n", 401),
        ("Authorization: Basic\r\n", 401),
        ("", 401),
    ] {
        let answer = served.ask(testing::post("/", header, &adt("1"))).await;
        assert_eq!(answer.status, status, "{header}");
        let challenge =
            answer.header("www-authenticate").is_some_and(|value| value.starts_with("Basic realm="));
        assert_eq!(challenge, status == 401, "{header}");
    }
    assert_eq!(host.arrivals().len(), 3);
    served.until_said("gave a wrong user, password or token (401)").await;
    assert!(!host.events().iter().any(|event| event.text.contains("sesame") || event.text.contains("abc")));
}

#[tokio::test]
async fn chunks_and_pieces_make_a_message() {
    let host = TestHost::new("In");
    let served = serve(&host, json!({})).await;
    let message = adt("1");
    let (one, two) = message.split_at(50);
    let mut client = served.client().await;
    let head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunks = format!("{head}{:x}\r\n{one}\r\n{:x}\r\n{two}\r\n0\r\n\r\n", one.len(), two.len());
    assert_eq!(short(&client.ask(chunks).await), "200 AA 1");
    let request = post(&adt("2"));
    for piece in request.as_bytes().chunks(7) {
        client.send(piece).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(short(&client.answer().await.unwrap()), "200 AA 2");
    assert_eq!(host.taken(), [("deliver", message), ("deliver", adt("2"))]);

    let large = format!("{}NTE|1||{}\r", adt("3"), "x".repeat(3 << 20));
    assert_eq!(short(&client.ask(post(&large)).await), "200 AA 3");
    assert!(host.taken()[2].1 == large, "3 MiB, byte by byte");

    // Too much in pieces that do not say how much is to come.
    let host = TestHost::new("In");
    let served = serve(&host, json!({ "max_message_size": "1KiB" })).await;
    let piece = "x".repeat(600);
    let chunks = format!("{head}258\r\n{piece}\r\n258\r\n{piece}\r\n0\r\n\r\n");
    assert_eq!(served.ask(chunks).await.status, 413);
    assert_eq!(host.arrivals().len(), 0);
}

#[tokio::test]
async fn requests_that_come_before_the_answer_are_answered_in_order() {
    let host = TestHost::new("In");
    let served = serve(&host, json!({})).await;
    let mut client = served.client().await;
    let all: String = (0..20).map(|id| post(&adt(&id.to_string()))).collect();
    client.send(all).await;
    for id in 0..20 {
        assert_eq!(short(&client.answer().await.unwrap()), format!("200 AA {id}"));
    }
    let order: Vec<String> = (0..20).map(|id| adt(&id.to_string())).collect();
    assert_eq!(host.taken().into_iter().map(|(_, text)| text).collect::<Vec<_>>(), order);
}

#[tokio::test]
async fn who_asks_first_is_told_to_go_on_or_not() {
    let host = TestHost::new("In");
    let served = serve(&host, json!({ "max_message_size": "1KiB" })).await;
    let request = testing::post("/", "Expect: 100-continue\r\n", &adt("1"));
    let (head, body) = request.split_at(request.len() - adt("1").len());
    let mut client = served.client().await;
    assert_eq!(client.ask(head).await.status, 100);
    assert_eq!(short(&client.ask(body).await), "200 AA 1");

    let head = "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9999\r\n\r\n";
    let mut client = served.client().await;
    assert_eq!(client.ask(head).await.status, 413);
}

#[tokio::test]
async fn of_half_a_request_nothing_is_kept() {
    let host = TestHost::new("In");
    let served = serve(&host, json!({})).await;
    let request = post(&adt("1"));
    let mut client = served.client().await;
    client.send(&request[..request.len() - 10]).await;
    client.0.shutdown().await.unwrap();
    assert_eq!(client.answer().await.map(|answer| answer.status), Some(400));
    served.until_said("ended in the midst of a request").await;
    // Who has said all may close its side, and is answered.
    let mut client = served.client().await;
    client.send(post(&adt("2"))).await;
    client.0.shutdown().await.unwrap();
    assert_eq!(short(&client.answer().await.unwrap()), "200 AA 2");
    assert!(client.answer().await.is_none(), "the service closes too");
    assert_eq!(host.taken(), [("deliver", adt("2"))]);
}

/// Lets time pass until something holds.
async fn pass_until(clock: &FakeClock, mut holds: impl FnMut() -> bool) {
    eventually(PATIENCE, || {
        clock.advance(SECOND);
        holds()
    })
    .await;
}

#[tokio::test]
async fn nobody_holds_a_connection_by_being_slow() {
    let clock = FakeClock::new();
    let host = TestHost::new("In").clock(clock.clone());
    let told = |text: &str| host.events().iter().any(|event| event.text.contains(text));
    let served = serve(&host, json!({})).await;
    let mut head = served.client().await;
    head.send("POST / HTTP/1.1\r\nHost: ").await;
    pass_until(&clock, || told("did not send the head of a request within read_timeout")).await;
    assert!(head.answer().await.is_none());

    let late = "did not send its request within read_timeout or request_timeout (408)";
    for settings in [json!({ "request_timeout": "1d" }), json!({ "read_timeout": "10m" })] {
        let host = TestHost::new("In").clock(clock.clone());
        let served = serve(&host, settings).await;
        let mut body = served.client().await;
        body.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nMSH").await;
        pass_until(&clock, || host.events().iter().any(|event| event.text.contains(late))).await;
        let answer = body.answer().await.unwrap();
        assert_eq!((answer.status, answer.header("connection")), (408, Some("close")));
        assert_eq!(host.arrivals().len(), 0);
    }

    let mut idle = served.client().await;
    assert_eq!(short(&idle.ask(post(&adt("1"))).await), "200 AA 1");
    let ended = tokio::spawn(async move { idle.answer().await.is_none() });
    pass_until(&clock, || ended.is_finished()).await;
    assert!(ended.await.unwrap());
    let clients = host.events().iter().filter(|event| event.text.contains("client")).count();
    assert_eq!(clients, 1, "to be silent is no failure");
}

#[tokio::test]
async fn who_may_connect_and_how_many_is_limited() {
    let host = TestHost::new("In");
    let served = serve(&host, json!({ "allowed_addresses": ["10.0.0.0/8"] })).await;
    assert!(served.client().await.answer().await.is_none());
    served.until_said("refused: its address is not one of allowed_addresses").await;

    let host = TestHost::new("In");
    let served = serve(&host, json!({ "max_connections": 1 })).await;
    let mut first = served.client().await;
    assert_eq!(first.ask(post(&adt("1"))).await.status, 200);
    assert!(served.client().await.answer().await.is_none());
    served.until_said("as many connections are open as max_connections allows").await;
}

#[tokio::test]
async fn a_stop_answers_what_is_in_hand_and_takes_nothing_more() {
    let host = TestHost::new("In");
    host.hold_durability();
    let served = serve(&host, json!({})).await;
    let (mut busy, mut idle, mut half) =
        (served.client().await, served.client().await, served.client().await);
    half.send("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n").await;
    assert_eq!(half.answer().await.map(|answer| answer.status), Some(100));
    busy.send(post(&adt("1"))).await;
    served.until_taken(1).await;
    host.stop();
    assert!(idle.answer().await.is_none());
    assert_eq!(half.answer().await.map(|answer| answer.status), Some(503));
    host.release_durability();
    assert_eq!(short(&busy.answer().await.unwrap()), "200 AA 1");
    assert!(busy.answer().await.is_none());
    // Those that stay would be waited for a moment, so that they get their answers.
    drop((busy, idle, half));
    served.stop().await;
}

#[tokio::test]
async fn a_refused_client_that_still_sends_gets_its_answer() {
    let host = TestHost::new("In");
    let served = serve(&host, json!({ "max_message_size": "1KiB" })).await;
    let Client(stream) = served.client().await;
    let (mut reader, mut writer) = stream.into_split();
    let sending = tokio::spawn(async move {
        let size = 8 << 20;
        let head = format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n");
        let sent = writer.write_all(head.as_bytes()).await.is_ok();
        sent && writer.write_all(&vec![b'x'; size]).await.is_ok()
    });
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, reader.read_to_end(&mut answer)).await.unwrap();
    assert!(read.is_ok() && answer.starts_with(b"HTTP/1.1 413 "), "{read:?}");
    assert!(sending.await.unwrap(), "all that it sends is passed over");
}
