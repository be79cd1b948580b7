//! A backlog far larger than what is held in memory.

use model::MessageStatus;
use orris_runtime::QueueWindow;
use testkit::eventually;

use crate::fake::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_messages_through_tiny_windows_keep_order_and_come_once() {
    let (feed, feeding) = item("In", &FEED, &["Router"]);
    let (router, _) = item("Router", &PASS, &["Out"]);
    let (sink, sinking) = item("Out", &SINK, &[]);
    let mut production = Production::of(vec![feed, router, sink]);
    production.window = QueueWindow { count: 7, bytes: 100 };
    let director = production.start().await;
    let all = numbers(10_000);
    for lot in all.chunks(500) {
        take(&feeding, intake(lot.iter().cloned())).await;
    }
    eventually(SOON * 3, || sinking.count() >= 10_000).await;
    director.stop().await;
    assert_eq!(sinking.seen(), all);
    assert_eq!(production.count("Out", MessageStatus::Completed), 10_000);
    assert_eq!(production.count("Router", MessageStatus::Completed), 10_000);
}

#[tokio::test]
async fn what_does_not_fit_in_memory_is_counted_and_comes_when_there_is_room() {
    let (feed, feeding) = item("In", &FEED, &["Out"]);
    let (sink, holding) = item("Out", &SINK, &[]);
    holding.act(|_| Act::Hold);
    let mut production = Production::of(vec![feed, sink]);
    production.window = QueueWindow { count: 10, bytes: 1 << 20 };
    let director = production.start().await;
    take(&feeding, intake(numbers(1000))).await;
    eventually(SOON, || holding.count() == 1).await;
    let status = director.status();
    let out = status.item("Out").unwrap();
    assert_eq!(out.queue + out.in_hand, 1000);
    holding.let_go.send_replace(true);
    eventually(SOON, || holding.count() == 1000).await;
    assert_eq!(holding.seen(), numbers(1000));
    eventually(SOON, || director.status().item("Out").unwrap().queue == 0).await;
    director.stop().await;
}
