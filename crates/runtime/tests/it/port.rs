//! What a host can do by its context.

use model::{Event, EventKind, Intake, MessageId, SocketId, SocketSession, StateChange, Timestamp};
use testkit::eventually;

use crate::fake::*;

fn change(key: &str, value: Option<&str>) -> StateChange {
    StateChange { key: key.to_owned(), value: value.map(|value| value.as_bytes().to_vec()) }
}

#[tokio::test]
async fn an_item_remembers_across_starts_and_sees_its_own_changes_at_once() {
    let (feed, feeding) = item("In", &FEED, &[]);
    let production = Production::of(vec![feed]);
    let director = production.start().await;
    eventually(SOON, || feeding.context().is_some()).await;
    let context = feeding.context().unwrap();
    context.remember(vec![
        change("file/a", Some("1")),
        change("file/b", Some("2")),
        change("other", Some("3")),
    ]);
    assert_eq!(context.remembered("file/").await.unwrap().len(), 2);
    let state = vec![change("file/a", None), change("file/c", Some("4"))];
    let receipt = context.submit(Intake { state, ..Intake::default() }).await.unwrap();
    receipt.durable().await.unwrap();
    drop(context);
    director.stop().await;

    let director = production.start().await;
    eventually(SOON, || feeding.context().is_some_and(|context| !context.is_stopping())).await;
    let found = feeding.context().unwrap().remembered("file/").await.unwrap();
    let keys: Vec<_> = found.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["file/b", "file/c"]);
    director.stop().await;
}

#[tokio::test]
async fn sockets_are_stored_changed_and_deleted() {
    let (feed, feeding) = item("In", &FEED, &[]);
    let production = Production::of(vec![feed]);
    let director = production.start().await;
    eventually(SOON, || feeding.context().is_some()).await;
    let context = feeding.context().unwrap();
    let mut session = SocketSession {
        id: SocketId(0),
        session_key: "dGhlIHNhbXBsZSBub25jZQ==".to_owned(),
        item: "In".to_owned(),
        client_address: "127.0.0.1:40000".to_owned(),
        origin: String::new(),
        user: String::new(),
        connected: Timestamp(1),
        subscription: String::new(),
    };
    session.id = context.open_socket(session.clone()).await.unwrap();
    session.user = "nurse".to_owned();
    context.change_socket(session.clone());
    assert_eq!(context.stored_sockets().await.unwrap(), [session.clone()]);
    let gone = Event::new(EventKind::Info, "In", "the socket is closed");
    context.delete_sockets(vec![session.id], vec![gone]);
    assert!(context.stored_sockets().await.unwrap().is_empty());
    director.stop().await;
    assert!(production.has_event(&["In", "the socket is closed"]));
}

#[tokio::test]
async fn what_a_target_completed_can_be_asked_for() {
    let (feed, feeding) = item("In", &FEED, &["Out"]);
    let (sink, sinking) = item("Out", &SINK, &[]);
    let production = Production::of(vec![feed, sink]);
    let director = production.start().await;
    take(&feeding, intake(numbers(6))).await;
    eventually(SOON, || sinking.count() == 6).await;
    let context = feeding.context().unwrap();
    eventually(SOON, || production.count("Out", model::MessageStatus::Completed) == 6).await;
    let all = context.completed_since("Out", MessageId(0), 100).await.unwrap();
    let later = context.completed_since("Out", all[2].header.id, 2).await.unwrap();
    let texts: Vec<_> = later.iter().map(|message| text_of(&message.body)).collect();
    assert_eq!(texts, ["3", "4"]);
    director.stop().await;
}
