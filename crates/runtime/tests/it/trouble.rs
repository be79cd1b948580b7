//! A store that takes nothing slows intake down, says so, and loses nothing.

use std::time::Duration;

use model::{Event, EventKind, MessageStatus};
use testkit::{FakeClock, eventually};

use crate::fake::*;

/// Text that does not get smaller when it is packed.
fn noise(bytes: usize) -> String {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'!' + (state % 90) as u8)
    };
    (0..bytes).map(next).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn intake_waits_while_the_store_takes_nothing_and_goes_on_when_it_does() {
    const LOTS: usize = 60;
    let clock = FakeClock::new();
    let (feed, feeding) = item("In", &FEED, &["Ahead", "Out"]);
    let (process, ahead) = item("Ahead", &PASS, &[]);
    let (sink, sinking) = item("Out", &SINK, &[]);
    let production = Production::of(vec![feed, process, sink]).clock(clock.clone());
    let director = production.start().await;
    eventually(SOON, || feeding.context().is_some()).await;
    let context = feeding.context().unwrap();
    director.limit_store(Some(1));
    let submitted = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = submitted.clone();
    let text = noise(1 << 20);
    let taking = tokio::spawn(async move {
        let mut last = None;
        for _ in 0..LOTS {
            // 60 MiB in all: many times what may be on its way to the store.
            let lot = intake([text.clone()]);
            last = Some(context.submit(lot).await.unwrap());
            counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        }
        last.unwrap().durable().await.unwrap();
    });
    eventually(SOON, || {
        clock.advance(Duration::from_secs(1));
        director.status().trouble.is_some()
    })
    .await;
    let so_far = || submitted.load(std::sync::atomic::Ordering::SeqCst);
    eventually(SOON, || so_far() >= 4).await;
    clock.until_sleeping(1).await;
    clock.advance(Duration::from_secs(11));
    assert!(so_far() < LOTS && !taking.is_finished(), "{} lots are on their way", so_far());
    // A process runs ahead of the commit: all it does is in the ledger too. An operation waits.
    eventually(SOON, || ahead.count() > 0).await;
    assert_eq!(sinking.count(), 0, "nothing leaves the engine that is not stored");

    director.limit_store(None);
    taking.await.unwrap();
    eventually(SOON, || sinking.count() == LOTS).await;
    eventually(SOON, || {
        clock.advance(Duration::from_secs(1));
        production.has_event(&["the store takes messages again"])
    })
    .await;
    eventually(SOON, || production.count("Out", MessageStatus::Completed) == LOTS).await;
    assert!(director.stop().await.left.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_while_the_store_takes_nothing_is_bounded_and_what_is_left_out_is_told() {
    const SAID: usize = 5_000;
    let clock = FakeClock::new();
    let (feed, feeding) = item("In", &FEED, &["Out"]);
    let (sink, _) = item("Out", &SINK, &[]);
    let production = Production::of(vec![feed, sink]).clock(clock.clone());
    let director = production.start().await;
    eventually(SOON, || feeding.context().is_some()).await;
    let context = feeding.context().unwrap();
    director.limit_store(Some(1));
    let lot = context.submit(intake([noise(1 << 20)])).await.unwrap();
    eventually(SOON, || director.status().trouble.is_some()).await;
    let text = "x".repeat(8_000);
    (0..SAID).for_each(|_| context.event(Event::new(EventKind::Info, "In", text.as_str())));
    director.limit_store(None);
    lot.durable().await.unwrap();
    eventually(SOON, || {
        clock.advance(Duration::from_secs(1));
        production.has_event(&["events and changes of sockets were not stored"])
    })
    .await;
    let stored = production.events().iter().filter(|event| event.contains("xxx")).count();
    assert!((1_500..2_500).contains(&stored), "{stored} of {SAID} were kept");
    director.stop().await;
}
