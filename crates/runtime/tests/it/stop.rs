//! Stopping while everybody is busy.

use std::time::Duration;

use model::MessageStatus;
use testkit::{FakeClock, eventually};

use crate::fake::*;

#[tokio::test]
async fn stopping_finishes_what_is_in_hand_and_leaves_the_rest() {
    let (feed, feeding) = item("In", &FEED, &["Out"]);
    let (sink, holding) = item("Out", &SINK, &[]);
    holding.act(|_| Act::Hold);
    let production = Production::of(vec![feed, sink]);
    let director = production.start().await;
    take(&feeding, intake(numbers(50))).await;
    eventually(SOON, || holding.count() == 1).await;
    let context = holding.context().unwrap();
    let stopping = tokio::spawn(director.stop());
    eventually(SOON, || context.is_stopping()).await;
    assert!(!stopping.is_finished());
    holding.let_go.send_replace(true);
    let report = stopping.await.unwrap();
    assert_eq!((&*report.left[0].item, report.left[0].count), ("Out", 49));
    assert!(report.abandoned.is_empty() && report.store.is_none());
    assert_eq!(production.count("Out", MessageStatus::Completed), 1);
    assert_eq!(production.count("Out", MessageStatus::Queued), 49);

    let director = production.start().await;
    eventually(SOON, || holding.count() == 50).await;
    assert_eq!(holding.seen(), numbers(50));
    director.stop().await;
}

#[tokio::test]
async fn who_does_not_end_in_time_is_abandoned_and_named() {
    let clock = FakeClock::new();
    let (feed, feeding) = item("In", &FEED, &["Out"]);
    let (sink, holding) = item("Out", &SINK, &[]);
    holding.act(|_| Act::Hold);
    let production = Production::of(vec![feed, sink]).clock(clock.clone());
    let director = production.start().await;
    take(&feeding, intake(numbers(5))).await;
    eventually(SOON, || holding.count() == 1).await;
    let in_hand = director.status().item("Out").unwrap().in_hand;
    let stopping = tokio::spawn(director.stop());
    eventually(SOON, || {
        clock.advance(Duration::from_secs(1));
        stopping.is_finished()
    })
    .await;
    let report = stopping.await.unwrap();
    assert_eq!((&*report.abandoned[0].item, report.abandoned[0].in_hand), ("Out", in_hand));
    assert!(report.took >= Duration::from_secs(10));
    assert!(production.has_event(&["Out", "still works at the end of grace_period 10s"]));

    let (sink, working) = item("Out", &SINK, &[]);
    let mut production = production;
    production.def.items[1] = sink;
    let director = production.start().await;
    eventually(SOON, || working.count() == 5).await;
    assert_eq!(working.seen(), numbers(5), "what was in hand is handed over again, first");
    director.stop().await;
}

#[tokio::test]
async fn a_service_that_hangs_leaves_time_for_those_behind_it() {
    let clock = FakeClock::new();
    let (feed, feeding) = item("In", &FEED, &["Out"]);
    let (sink, holding) = item("Out", &SINK, &[]);
    holding.act(|_| Act::Hold);
    let production = Production::of(vec![feed, sink]).clock(clock.clone());
    let director = production.start().await;
    take(&feeding, intake(numbers(1))).await;
    eventually(SOON, || holding.count() == 1).await;
    feeding.order(Order::Hang);
    let context = holding.context().unwrap();
    let stopping = tokio::spawn(director.stop());
    eventually(SOON, || {
        clock.advance(Duration::from_millis(100));
        context.is_stopping()
    })
    .await;
    holding.let_go.send_replace(true);
    let report = stopping.await.unwrap();
    let abandoned: Vec<_> = report.abandoned.iter().map(|abandoned| &*abandoned.item).collect();
    assert_eq!(abandoned, ["In"]);
    assert_eq!(production.count("Out", MessageStatus::Completed), 1);
}

#[tokio::test]
async fn what_stays_in_hand_is_shown_as_delivered() {
    let clock = FakeClock::new();
    let (feed, feeding) = item("In", &FEED, &["Out"]);
    let (sink, holding) = item("Out", &SINK, &[]);
    holding.act(|_| Act::Hold);
    let production = Production::of(vec![feed, sink]).clock(clock.clone());
    let director = production.start().await;
    take(&feeding, intake(numbers(1))).await;
    eventually(SOON, || holding.count() == 1).await;
    assert_eq!(production.count("Out", MessageStatus::Queued), 1);
    eventually(SOON, || {
        clock.advance(Duration::from_secs(1));
        production.count("Out", MessageStatus::Delivered) == 1
    })
    .await;
    holding.let_go.send_replace(true);
    eventually(SOON, || production.count("Out", MessageStatus::Completed) == 1).await;
    director.stop().await;
}
