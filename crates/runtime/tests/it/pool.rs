//! Pools: several workers of one item, and the actors that processes share.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use model::MessageStatus;
use testkit::eventually;

use crate::fake::*;

#[tokio::test]
async fn a_slow_target_does_not_slow_another() {
    let (feed, feeding) = item("In", &FEED, &["Slow", "Fast"]);
    let (slow, holding) = item("Slow", &SINK, &[]);
    let (fast, working) = item("Fast", &SINK, &[]);
    holding.act(|_| Act::Hold);
    let production = Production::of(vec![feed, slow, fast]);
    let director = production.start().await;
    for _ in 0..5 {
        take(&feeding, intake(numbers(400))).await;
    }
    let completed = |name: &str| director.status().item(name).unwrap().completed;
    eventually(SOON, || completed("Fast") == 2000).await;
    assert_eq!((holding.count(), working.count()), (1, 2000));
    holding.let_go.send_replace(true);
    eventually(SOON, || completed("Slow") == 2000).await;
    director.stop().await;
    assert_eq!(production.count("Slow", MessageStatus::Completed), 2000);
}

#[tokio::test]
async fn workers_of_one_item_work_at_the_same_time_and_each_message_is_handed_over_once() {
    let (feed, feeding) = item("In", &FEED, &["Out"]);
    let (mut sink, holding) = item("Out", &SINK, &[]);
    sink.pool_size = 3;
    let held = Arc::new(AtomicUsize::new(0));
    let counted = held.clone();
    holding.act(move |_| match counted.fetch_add(1, Ordering::SeqCst) {
        0..3 => Act::Hold,
        _ => Act::Decide(model::Decision::completed()),
    });
    let production = Production::of(vec![feed, sink]);
    let director = production.start().await;
    take(&feeding, intake(numbers(300))).await;
    eventually(SOON, || held.load(Ordering::SeqCst) == 3).await;
    holding.let_go.send_replace(true);
    eventually(SOON, || production.count("Out", MessageStatus::Completed) == 300).await;
    let mut seen: Vec<usize> = holding.seen().iter().map(|text| text.parse().unwrap()).collect();
    seen.sort_unstable();
    assert_eq!(seen, (0..300).collect::<Vec<_>>());
    director.stop().await;
}

#[tokio::test]
async fn the_actor_pool_bounds_who_works_at_once_and_keeps_each_process_in_order() {
    let names = ["P0", "P1", "P2", "P3"];
    let (feed, feeding) = item("In", &FEED, &names);
    let mut items = vec![feed];
    let mut probes = Vec::new();
    for name in names {
        let (mut process, probe) = item(name, &PASS, &[]);
        process.pool_size = 0;
        probe.act(|message| match text_of(&message.body).as_str() {
            "0" => Act::Hold,
            _ => Act::Decide(model::Decision::completed()),
        });
        items.push(process);
        probes.push(probe);
    }
    let production = Production::of(items);
    let director = production.start().await;
    take(&feeding, intake(numbers(50))).await;
    let begun = || probes.iter().filter(|probe| probe.count() > 0).count();
    eventually(SOON, || begun() == 2).await;
    // Two actors, both held: the other two processes have to wait.
    assert_eq!(director.status().items.iter().map(|item| item.in_hand.min(1)).sum::<u64>(), 2);
    assert_eq!(begun(), 2);
    probes.iter().for_each(|probe| {
        probe.let_go.send_replace(true);
    });
    eventually(SOON, || probes.iter().all(|probe| probe.count() == 50)).await;
    for probe in &probes {
        assert_eq!(probe.seen(), numbers(50));
    }
    director.stop().await;
}
