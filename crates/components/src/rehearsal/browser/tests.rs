//! Browsers of a rehearsal, at a real server in memory.

use model::{Clock, Library};
use serde_json::json;
use testkit::{FakeClock, TestHost, eventually};
use tokio::task::JoinHandle;

use super::*;
use crate::sockets::testing::{PATIENCE, adt, speaker};

fn served(host: &TestHost, settings: Value) -> (Entrance, JoinHandle<()>) {
    let server = SocketServer::of(&settings, &Library::default(), &host.context()).unwrap();
    (server.entrance(), tokio::spawn(server.run()))
}

fn named(name: &str) -> Visitor {
    Visitor { name: name.to_owned(), ..Visitor::default() }
}

fn said(host: &TestHost, text: &str) -> bool {
    host.events().iter().any(|event| event.text.contains(text))
}

#[tokio::test]
async fn each_browser_hears_what_it_subscribed_to() {
    let host = TestHost::new("Server");
    let (entrance, _) = served(&host, json!({ "path": "/the board" }));
    let mut speaker = speaker(&host, "{{ MSH-9.2 }}").await;
    let all = entrance.connect(&named("all")).await;
    let some = Visitor { condition: Some("MSH-9.2 = \"A08\"".into()), ..named("some") };
    let some = entrance.connect(&some).await;
    let none = Visitor { topics: Some(vec!["lab".into()]), ..named("none") };
    let none = entrance.connect(&none).await;
    speaker.tell(&[adt(1, "A01"), adt(2, "A08")]).await;
    for browser in [&all, &some, &none] {
        browser.settled().await;
    }
    assert_eq!(
        (all.heard(), some.heard(), none.heard().len()),
        (vec!["A01".into(), "A08".into()], vec!["A08".into()], 0)
    );
    assert_eq!(host.sockets().len(), 3);

    some.leave();
    eventually(PATIENCE, || host.sockets().len() == 2).await;
    assert!(some.end().is_some() && all.end().is_none());
    assert!(said(&host, "the socket is closed (socket 2, some)"), "{:?}", host.events());
    speaker.tell(&[adt(3, "A08")]).await;
    all.settled().await;
    assert_eq!((all.heard().len(), some.heard().len()), (3, 1));
}

#[tokio::test]
async fn who_does_not_say_who_it_is_hears_nothing() {
    let clock = FakeClock::new();
    let host = TestHost::new("Server").clock(clock.clone());
    let (entrance, _) = served(&host, json!({ "users": { "anna": "secret" }, "tokens": { "wall": "abc" } }));
    let mut speaker = speaker(&host, "hello").await;
    let user = |name: &str, password: Option<&str>| Visitor {
        user: Some(name.to_owned()),
        password: password.map(str::to_owned),
        ..named(name)
    };
    let anna = entrance.connect(&user("anna", None)).await;
    let wall = entrance.connect(&user("wall", None)).await;
    let wrong = entrance.connect(&user("anna", Some("other"))).await;
    let stranger = entrance.connect(&named("stranger")).await;
    speaker.tell(&[adt(1, "A01")]).await;
    for browser in [&anna, &wall, &stranger] {
        browser.settled().await;
    }
    let heard = [&anna, &wall, &stranger].map(|browser| browser.heard().len());
    assert_eq!(heard, [1, 1, 0]);
    assert_eq!(wrong.heard(), [r#"{"error":"user or password is wrong"}"#]);
    assert!(wrong.end().is_some_and(|end| end.contains("1008")), "{:?}", wrong.end());
    assert!(stranger.is_awaited() && !anna.is_awaited());
    eventually(PATIENCE, || {
        clock.advance(Duration::from_secs(1));
        stranger.end().is_some()
    })
    .await;
    assert!(said(&host, "did not authenticate within 10s"));
    assert!(anna.end().is_none(), "it answers when it is asked for a sign");
}

#[tokio::test]
async fn one_that_is_silent_times_out() {
    let clock = FakeClock::new();
    let host = TestHost::new("Server").clock(clock.clone());
    let (entrance, server) = served(&host, json!({}));
    let (silent, other) = (entrance.connect(&named("silent")).await, entrance.connect(&named("other")).await);
    silent.be_silent();
    assert!(silent.is_awaited());
    let begin = clock.now();
    eventually(PATIENCE, || {
        clock.advance(Duration::from_secs(if host.sockets().len() == 1 { 0 } else { 1 }));
        host.sockets().len() == 1
    })
    .await;
    assert!(
        clock.now().since(begin) >= Duration::from_secs(60)
            && said(&host, "the socket timed out (socket 1, silent")
    );
    assert!(!silent.is_awaited() && other.end().is_none());
    host.stop();
    tokio::time::timeout(PATIENCE, server).await.unwrap().unwrap();
    assert!(other.end().is_some_and(|end| end.contains("1001")), "{:?}", other.end());
}

#[tokio::test]
async fn one_that_comes_back_is_told_what_it_missed_and_a_handshake_may_be_refused() {
    let host = TestHost::new("Server");
    let (entrance, _) = served(&host, json!({ "allowed_origins": ["https://ward.example"] }));
    let mut speaker = speaker(&host, "{{ header.id }}").await;
    host.set_completed("Server", vec![adt(1, "A01"), adt(2, "A01")]);
    let back = entrance.connect(&Visitor { since: Some(1), ..named("back") }).await;
    speaker.tell(&[adt(3, "A01")]).await;
    back.settled().await;
    assert_eq!(back.heard(), ["2", "3"]);
    let refused = entrance.connect(&Visitor { origin: "https://other".into(), ..named("refused") }).await;
    assert!(refused.id().is_none() && refused.end().is_some_and(|end| end.contains("403")));
    assert!(said(&host, "handshake from refused refused: 403"));
}
