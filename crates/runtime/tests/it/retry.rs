//! Retry with order kept, failure timeout, fatal.

use std::time::Duration;

use model::{AfterRetries, Decision, MessageStatus};
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

/// Not now, and then that.
fn retry(then: AfterRetries, counts: bool) -> Decision {
    Decision::Retry { reason: "not now".to_owned(), after: None, then, counts }
}

#[tokio::test]
async fn what_comes_after_the_failure_timeout_is_up_to_the_host() {
    for (then, status, is_error, says) in [
        (AfterRetries::Suspend, MessageStatus::Suspended, true, "message 1 is suspended: not now; given up"),
        (AfterRetries::Fail, MessageStatus::Error, true, "message 1 failed: not now; given up"),
        (
            AfterRetries::Complete,
            MessageStatus::Completed,
            false,
            "message 1 is completed all the same: not now",
        ),
        (
            AfterRetries::Disable,
            MessageStatus::Queued,
            false,
            "not now; given up after failure_timeout 5s and 2 tries",
        ),
    ] {
        let clock = FakeClock::new();
        let (feed, feeding) = item("In", &FEED, &["Out"]);
        let (mut sink, sinking) = item("Out", &SINK, &[]);
        sink.failure_timeout = Some(Duration::from_secs(5));
        sinking.act(move |_| Act::Decide(retry(then, true)));
        let production = Production::of(vec![feed, sink]).clock(clock.clone());
        let director = production.start().await;
        take(&feeding, intake(numbers(1))).await;
        eventually(SOON, || {
            clock.advance(Duration::from_secs(1));
            production.has_event(&["Out", says])
        })
        .await;
        eventually(SOON, || production.count("Out", status) == 1).await;
        let header = &production.headers("Out")[0];
        assert_eq!(header.is_error, is_error, "{then:?}");
        let stopped = director.status().item("Out").unwrap().state == ItemState::Failed;
        assert_eq!(stopped, then == AfterRetries::Disable, "{then:?}");
        director.stop().await;
    }
}

#[tokio::test]
async fn the_failure_timeout_stands_still_while_nobody_can_be_asked() {
    let clock = FakeClock::new();
    let (feed, feeding) = item("In", &FEED, &["Out"]);
    let (mut sink, sinking) = item("Out", &SINK, &[]);
    sink.failure_timeout = Some(Duration::from_secs(12));
    let mut tries = 0;
    // Out of reach for 50 s, then there and not willing.
    sinking.act(move |_| {
        tries += 1;
        Act::Decide(retry(AfterRetries::Fail, tries > 10))
    });
    let production = Production::of(vec![feed, sink]).clock(clock.clone());
    let director = production.start().await;
    take(&feeding, intake(numbers(1))).await;
    for (tries, step) in (1..=12).map(|tries| (tries, 5)).chain([(13, 2)]) {
        eventually(SOON, || sinking.count() == tries).await;
        clock.until_sleeping(2).await;
        clock.advance(Duration::from_secs(step));
    }
    eventually(SOON, || production.count("Out", MessageStatus::Error) == 1).await;
    assert_eq!(sinking.count(), 14, "tries at 50 s, 55 s, 60 s count, and the last one at 62 s");
    assert!(production.has_event(&["message 1 stays first", "failure_timeout 12s does not run meanwhile"]));
    assert!(production.has_event(&["message 1 failed", "failure_timeout 12s and 14 tries"]));
    director.stop().await;
}

#[tokio::test]
async fn the_end_of_a_wait_says_how_many_tries_and_how_long_since_the_first() {
    for (failing, says) in [
        (1, "after one failed try; the first began 35s ago"),
        (2, "after 2 failed tries; the first began 40s ago"),
    ] {
        let clock = FakeClock::new();
        let (feed, feeding) = item("In", &FEED, &["Out"]);
        let (sink, holding) = item("Out", &SINK, &[]);
        let mut tries = 0;
        holding.act(move |_| {
            tries += 1;
            match tries {
                1 => Act::HoldThen(Decision::retry("no answer")),
                tries if tries <= failing => Act::Decide(Decision::retry("no answer")),
                _ => Act::Decide(Decision::completed()),
            }
        });
        let production = Production::of(vec![feed, sink]).clock(clock.clone());
        let director = production.start().await;
        take(&feeding, intake(numbers(1))).await;
        eventually(SOON, || holding.count() == 1).await;
        // The first try takes its time, such as that of an answer which does not come.
        clock.advance(Duration::from_secs(30));
        holding.let_go.send_replace(true);
        for tries in 2..=failing + 1 {
            eventually(SOON, || production.has_event(&["message 1 stays first"])).await;
            clock.until_sleeping(2).await;
            clock.advance(Duration::from_secs(5));
            eventually(SOON, || holding.count() == tries).await;
        }
        eventually(SOON, || production.has_event(&["message 1 waits no more", says])).await;
        director.stop().await;
    }
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
