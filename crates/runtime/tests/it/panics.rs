//! A host that panics: the others go on, its queue outlives it, the culprit is known.

use std::time::Duration;

use model::MessageStatus;
use orris_runtime::ItemState;
use testkit::{FakeClock, eventually};

use crate::fake::*;

#[tokio::test]
async fn the_culprit_of_a_panic_is_found_and_given_up_and_all_others_go_through() {
    let clock = FakeClock::new();
    let (feed, feeding) = item("In", &FEED, &["Out"]);
    let (sink, sinking) = item("Out", &SINK, &[]);
    sinking.act(|message| match text_of(&message.body).as_str() {
        "17" => Act::Panic,
        _ => Act::Decide(model::Decision::completed()),
    });
    let production = Production::of(vec![feed, sink]).clock(clock.clone());
    let director = production.start().await;
    take(&feeding, intake(numbers(40))).await;
    eventually(SOON, || {
        clock.advance(Duration::from_secs(5));
        production.count("Out", MessageStatus::Completed) == 39
    })
    .await;
    let headers = production.headers("Out");
    assert_eq!(headers[17].status, MessageStatus::Error);
    assert!(headers[17].error_status.contains("the host panicked"), "{}", headers[17].error_status);
    assert!(!production.events().iter().any(|event| event.contains("the test says so")), "texts stay out");
    let alone = sinking.seen().iter().filter(|text| *text == "17").count();
    assert!((3..=4).contains(&alone), "tried {alone} times");
    // First built by the director, then after every panic.
    assert_eq!(*sinking.built.lock().unwrap() as usize, alone + 1);
    assert_eq!(director.status().item("Out").unwrap().state, ItemState::Running);
    director.stop().await;
}

#[tokio::test]
async fn a_panic_in_one_item_leaves_the_others_alone() {
    let clock = FakeClock::new();
    let (feed, feeding) = item("In", &FEED, &["Bad", "Good"]);
    let (bad, panicking) = item("Bad", &SINK, &[]);
    let (good, working) = item("Good", &SINK, &[]);
    panicking.act(|_| Act::Panic);
    let production = Production::of(vec![feed, bad, good]).clock(clock.clone());
    let director = production.start().await;
    take(&feeding, intake(numbers(50))).await;
    eventually(SOON, || working.count() == 50).await;
    eventually(SOON, || production.has_event(&["Bad", "the host panicked"])).await;
    let report = director.stop().await;
    assert_eq!((&*report.left[0].item, report.left[0].count), ("Bad", 50));
    assert!(report.abandoned.is_empty());
}
