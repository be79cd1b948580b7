//! Retry with order kept, failure timeout, fatal.

use std::time::Duration;

use model::{Decision, MessageStatus};
use orris_runtime::ItemState;
use testkit::{FakeClock, eventually};

use crate::fake::*;

#[tokio::test]
async fn order_is_kept_while_messages_are_retried() {
    let clock = FakeClock::new();
    let (feed, feeding) = item("In", &FEED, &["Out"]);
    let (sink, sinking) = item("Out", &SINK, &[]);
    let mut tries = 0;
    // Every third message fails twice before it goes through.
    sinking.act(move |message| {
        let number: usize = text_of(&message.body).parse().unwrap();
        if number.is_multiple_of(3) && tries < 2 {
            tries += 1;
            return Act::Decide(Decision::retry("connection refused"));
        }
        tries = 0;
        Act::Decide(Decision::completed())
    });
    let production = Production::of(vec![feed, sink]).clock(clock.clone());
    let director = production.start().await;
    take(&feeding, intake(numbers(30))).await;
    eventually(SOON, || {
        clock.advance(Duration::from_secs(5));
        production.count("Out", MessageStatus::Completed) == 30
    })
    .await;
    let mut expected = Vec::new();
    for number in 0..30 {
        expected.extend(vec![number.to_string(); if number % 3 == 0 { 3 } else { 1 }]);
    }
    assert_eq!(sinking.seen(), expected);
    let began = production.events().iter().filter(|event| event.contains("stays first in its queue")).count();
    let ended = production.events().iter().filter(|event| event.contains("waits no more")).count();
    assert_eq!((began, ended), (10, 10), "one event when it begins and one when it ends, not per try");
    director.stop().await;
}

#[tokio::test]
async fn a_message_that_waits_is_visible_with_its_reason() {
    let clock = FakeClock::new();
    let (feed, feeding) = item("In", &FEED, &["Out"]);
    let (sink, sinking) = item("Out", &SINK, &[]);
    sinking.act(|_| Act::Decide(Decision::retry("disk is full")));
    let production = Production::of(vec![feed, sink]).clock(clock.clone());
    let director = production.start().await;
    take(&feeding, intake(numbers(3))).await;
    eventually(SOON, || production.count("Out", MessageStatus::Delivered) == 1).await;
    let first = &production.headers("Out")[0];
    assert_eq!((first.status, first.is_error), (MessageStatus::Delivered, false));
    assert_eq!(first.error_status, "disk is full");
    let status = director.status();
    let out = status.item("Out").unwrap();
    assert_eq!((out.state, out.queue, out.in_hand), (ItemState::Waiting, 3, 0));
    assert!(out.waiting.as_ref().unwrap().contains("disk is full"));
    assert_eq!(sinking.count(), 1, "nothing is tried behind it, and it only when the time has come");
    let report = director.stop().await;
    assert_eq!(report.left[0].count, 3);
}

#[tokio::test]
async fn after_the_failure_timeout_it_is_suspended_and_the_next_one_goes() {
    let clock = FakeClock::new();
    let (feed, feeding) = item("In", &FEED, &["Out"]);
    let (mut sink, sinking) = item("Out", &SINK, &[]);
    sink.failure_timeout = Some(Duration::from_secs(12));
    sinking.act(|message| {
        Act::Decide(match text_of(&message.body).as_str() {
            "0" => Decision::retry("connection refused"),
            _ => Decision::completed(),
        })
    });
    let production = Production::of(vec![feed, sink]).clock(clock.clone());
    let director = production.start().await;
    take(&feeding, intake(numbers(2))).await;
    // Tries at 0 s, 5 s, 10 s, and the last when the time is up, at 12 s.
    for (tries, step) in [(1, 5), (2, 5), (3, 1)] {
        eventually(SOON, || sinking.count() == tries).await;
        // The worker and the minder sleep.
        clock.until_sleeping(2).await;
        clock.advance(Duration::from_secs(step));
    }
    clock.until_sleeping(2).await;
    assert_eq!(sinking.count(), 3);
    clock.advance(Duration::from_secs(1));
    eventually(SOON, || production.count("Out", MessageStatus::Completed) == 1).await;
    assert_eq!(sinking.seen(), ["0", "0", "0", "0", "1"]);
    let suspended = &production.headers("Out")[0];
    assert_eq!((suspended.status, suspended.is_error), (MessageStatus::Suspended, true));
    assert!(suspended.error_status.contains("connection refused; given up after failure_timeout 12s"));
    assert!(production.has_event(&["Out", "is suspended", "failure_timeout 12s"]));
    assert_eq!(director.status().item("Out").unwrap().state, ItemState::Running);
    director.stop().await;
}

#[tokio::test]
async fn fatal_stops_the_item_alone_and_its_messages_stay() {
    let (feed, feeding) = item("In", &FEED, &["Bad", "Good"]);
    let (bad, failing) = item("Bad", &SINK, &[]);
    let (good, working) = item("Good", &SINK, &[]);
    failing.act(|message| match text_of(&message.body).as_str() {
        "2" => Act::Decide(Decision::Fatal("the licence has ended".to_owned())),
        _ => Act::Decide(Decision::completed()),
    });
    let mut production = Production::of(vec![feed, bad, good]);
    let director = production.start().await;
    take(&feeding, intake(numbers(10))).await;
    let failure = director.failed().await;
    assert_eq!((&*failure.item, &*failure.reason), ("Bad", "the licence has ended"));
    take(&feeding, intake(numbers(10))).await;
    eventually(SOON, || production.count("Good", MessageStatus::Completed) == 20).await;
    let status = director.status();
    let bad = status.item("Bad").unwrap();
    assert_eq!((bad.state, bad.queue), (ItemState::Failed, 18));
    assert_eq!(bad.waiting.as_deref(), Some("the licence has ended"));
    assert_eq!(working.count(), 20);
    assert_eq!(director.stop().await.left[0].count, 18);
    assert!(production.has_event(&["Bad", "the licence has ended", "stopped"]));
    let waits = &production.headers("Bad")[2];
    assert_eq!((waits.status, &*waits.error_status), (MessageStatus::Queued, "the licence has ended"));

    let (bad, working) = item("Bad", &SINK, &[]);
    production.def.items[1] = bad;
    let director = production.start().await;
    eventually(SOON, || working.count() == 18).await;
    assert_eq!(working.seen()[0], "2");
    director.stop().await;
}

#[tokio::test]
async fn a_host_that_decides_nothing_is_asked_again_after_a_pause() {
    let clock = FakeClock::new();
    let (mut sink, sinking) = item("Out", &SINK, &[]);
    sink.throttle = Some(Duration::from_millis(100));
    let (feed, feeding) = item("In", &FEED, &["Out"]);
    let production = Production::of(vec![feed, sink]).clock(clock.clone());
    let director = production.start().await;
    take(&feeding, intake(numbers(5))).await;
    eventually(SOON, || sinking.count() == 1).await;
    // Throttled: the worker sleeps beside the minder, with four messages waiting.
    clock.until_sleeping(2).await;
    assert_eq!((sinking.count(), director.status().item("Out").unwrap().queue), (1, 4));
    eventually(SOON, || {
        clock.advance(Duration::from_millis(100));
        sinking.count() == 5
    })
    .await;
    director.stop().await;
}

#[tokio::test]
async fn a_try_that_takes_long_does_not_hide_why_the_message_waits() {
    let clock = FakeClock::new();
    let (feed, feeding) = item("In", &FEED, &["Out"]);
    let (sink, holding) = item("Out", &SINK, &[]);
    let mut tries = 0;
    holding.act(move |_| {
        tries += 1;
        let retry = Decision::retry("no answer");
        if tries == 1 { Act::Decide(retry) } else { Act::HoldThen(retry) }
    });
    let production = Production::of(vec![feed, sink]).clock(clock.clone());
    let director = production.start().await;
    take(&feeding, intake(numbers(1))).await;
    let reason = || production.headers("Out")[0].error_status.clone();
    eventually(SOON, || reason() == "no answer").await;
    // The second try stays in hand until that is written.
    eventually(SOON, || {
        clock.advance(Duration::from_secs(5));
        holding.count() == 2 && reason().is_empty()
    })
    .await;
    holding.let_go.send_replace(true);
    eventually(SOON, || reason() == "no answer").await;
    assert_eq!(production.count("Out", MessageStatus::Delivered), 1);
    director.stop().await;
}
