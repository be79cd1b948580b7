//! What is queued goes on at the next start.

use model::MessageStatus;
use orris_runtime::{Director, EngineOptions, QueueWindow, StartError};
use testkit::eventually;

use crate::fake::*;

#[tokio::test]
async fn what_was_queued_comes_before_what_is_new_and_in_order() {
    let (feed, feeding) = item("In", &FEED, &["Out"]);
    let (sink, retrying) = item("Out", &SINK, &[]);
    retrying.act(|_| Act::Decide(model::Decision::retry("not yet")));
    let mut production = Production::of(vec![feed.clone(), sink]);
    production.window = QueueWindow { count: 16, bytes: 1 << 20 };
    let director = production.start().await;
    take(&feeding, intake(numbers(100))).await;
    eventually(SOON, || retrying.count() > 0).await;
    assert_eq!(director.stop().await.left[0].count, 100);

    let (sink, working) = item("Out", &SINK, &[]);
    production.def.items[1] = sink;
    let director = production.start().await;
    take(&feeding, intake(["new".to_owned()])).await;
    eventually(SOON, || working.count() == 101).await;
    let mut expected = numbers(100);
    expected.push("new".to_owned());
    assert_eq!(working.seen(), expected);
    director.stop().await;
    assert_eq!(production.count("Out", MessageStatus::Completed), 101);
    assert!(production.has_event(&["Out", "100 messages are queued from before"]));
}

#[tokio::test]
async fn messages_for_an_item_that_is_gone_stay_queued_with_a_warning() {
    let (feed, feeding) = item("In", &FEED, &["Out"]);
    let (mut sink, _) = item("Out", &SINK, &[]);
    sink.enabled = false;
    let mut production = Production::of(vec![feed, sink.clone()]);
    let director = production.start().await;
    take(&feeding, intake(numbers(5))).await;
    director.stop().await;

    production.def.items.clear();
    production.start().await.stop().await;
    assert!(production.has_event(&["Out", "5 messages wait for \"Out\""]), "{:?}", production.events());
    assert_eq!(production.count("Out", MessageStatus::Queued), 5);
}

#[tokio::test]
async fn a_second_engine_on_one_store_is_refused() {
    let production = Production::of(Vec::new());
    let director = production.start().await;
    let second = Director::start(production.def.clone(), EngineOptions::new(production.dir.path())).await;
    let error = second.err().expect("the second is refused");
    assert!(matches!(error, StartError::Store(store::StoreError::InUse { .. })), "{error}");
    let socket = production.dir.path().join(orris_runtime::control::SOCKET_FILE);
    assert!(socket.exists(), "the first one's socket stays");
    director.stop().await;
    production.start().await.stop().await;
}

#[tokio::test]
async fn a_production_that_cannot_be_built_does_not_start() {
    let (mut sink, _) = item("Out", &SINK, &[]);
    sink.settings["to"] = serde_json::json!(["nowhere at all"]);
    let production = Production::of(vec![sink]);
    let refused = Director::start(production.def.clone(), EngineOptions::new(production.dir.path())).await;
    let error = refused.err().expect("it is refused").to_string();
    assert_eq!(error, "item \"Out\": setting \"to\": there is no such place");

    let (feed, _) = item("In", &FEED, &["Nobody"]);
    let production = Production::of(vec![feed]);
    let refused = Director::start(production.def.clone(), EngineOptions::new(production.dir.path())).await;
    let error = refused.err().expect("it is refused").to_string();
    assert_eq!(error, "item \"In\": target \"Nobody\" is no process or operation of this production");
}

#[tokio::test]
async fn a_body_that_cannot_be_read_back_ends_its_own_message_alone() {
    let (feed, feeding) = item("In", &FEED, &["Out"]);
    let (mut sink, _) = item("Out", &SINK, &[]);
    sink.enabled = false;
    let mut production = Production::of(vec![feed.clone(), sink]);
    let director = production.start().await;
    take(&feeding, intake(["first".to_owned(), noise(1 << 20), "last".to_owned()])).await;
    director.stop().await;

    // Nearly all of the store is the large body: the middle is of it, behind the page's own first bytes.
    let store = production.dir.path().join("store.db");
    let mut bytes = std::fs::read(&store).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096 + 100;
    bytes[middle..middle + 16].iter_mut().for_each(|byte| *byte ^= 0x55);
    std::fs::write(&store, bytes).unwrap();

    let (sink, working) = item("Out", &SINK, &[]);
    production.def.items[1] = sink;
    let director = production.start().await;
    eventually(SOON, || working.count() == 2).await;
    assert_eq!(working.seen(), ["first", "last"]);
    director.stop().await;
    assert_eq!(production.count("Out", MessageStatus::Completed), 2);
    assert_eq!(production.count("Out", MessageStatus::Error), 1);
    assert!(
        production.has_event(&["Out", "failed: body", "cannot be read back"]),
        "{:?}",
        production.events()
    );
}

/// Text that cannot be made much shorter.
fn noise(length: usize) -> String {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b' ' + (state >> 40) as u8 % 64)
    };
    (0..length).map(|_| next()).collect()
}
