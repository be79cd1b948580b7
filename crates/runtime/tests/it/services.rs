//! Services under supervision.

use std::time::Duration;

use model::{Failure, Intake};
use orris_runtime::ItemState;
use testkit::{FakeClock, eventually};

use crate::fake::*;

#[tokio::test]
async fn a_service_that_falls_is_built_and_run_again_after_a_growing_pause() {
    let clock = FakeClock::new();
    let (feed, feeding) = item("In", &FEED, &["Out"]);
    let (sink, sinking) = item("Out", &SINK, &[]);
    let production = Production::of(vec![feed, sink]).clock(clock.clone());
    let director = production.start().await;
    let built = || *feeding.built.lock().unwrap();
    let falls = [
        (Order::Fail(Failure::Temporary("port is in use".to_owned())), 1),
        (Order::Panic, 2),
        (Order::End, 4),
    ];
    for (number, (order, pause)) in falls.into_iter().enumerate() {
        feeding.order(order);
        eventually(SOON, || director.status().item("In").unwrap().state == ItemState::Waiting).await;
        clock.until_sleeping(2).await;
        clock.advance(Duration::from_millis(pause * 1000 - 1));
        assert_eq!(built() as usize, number + 1, "not before its time");
        clock.advance(Duration::from_millis(1));
        eventually(SOON, || director.status().item("In").unwrap().state == ItemState::Running).await;
        assert_eq!(built() as usize, number + 2);
    }
    take(&feeding, intake(numbers(3))).await;
    eventually(SOON, || sinking.count() == 3).await;
    director.stop().await;
    for words in ["port is in use; the host is built anew in 1s", "the host panicked", "ended by itself"] {
        assert!(production.has_event(&["In", words]), "{words}");
    }
}

#[tokio::test]
async fn a_fatal_service_stays_down_and_the_rest_goes_on() {
    let (first, failing) = item("First", &FEED, &["Out"]);
    let (second, feeding) = item("Second", &FEED, &["Out"]);
    let (sink, sinking) = item("Out", &SINK, &[]);
    let production = Production::of(vec![first, second, sink]);
    let director = production.start().await;
    failing.order(Order::Fail(Failure::Fatal("address 127.0.0.1:80 is not allowed".to_owned())));
    assert_eq!(&*director.failed().await.item, "First");
    take(&feeding, intake(numbers(2))).await;
    eventually(SOON, || sinking.count() == 2).await;
    assert_eq!(director.status().item("First").unwrap().state, ItemState::Failed);
    director.stop().await;
    assert!(production.has_event(&["First", "127.0.0.1:80 is not allowed; the item is stopped"]));
}

#[tokio::test]
async fn an_operation_that_cannot_start_yet_is_started_again_and_a_fatal_one_is_not() {
    let clock = FakeClock::new();
    let (feed, feeding) = item("In", &FEED, &["Slow", "Never"]);
    let (slow, starting) = item("Slow", &SINK, &[]);
    let (never, failing) = item("Never", &SINK, &[]);
    starting.start_with(vec![Err(Failure::Temporary("no folder yet".to_owned())), Ok(())]);
    failing.start_with(vec![Err(Failure::Fatal("no such user".to_owned()))]);
    let production = Production::of(vec![feed, slow, never]).clock(clock.clone());
    let director = production.start().await;
    assert_eq!(&*director.failed().await.item, "Never");
    take(&feeding, intake(numbers(4))).await;
    clock.until_sleeping(2).await;
    assert_eq!(starting.count(), 0);
    clock.advance(Duration::from_secs(1));
    eventually(SOON, || starting.count() == 4).await;
    assert_eq!(failing.count(), 0);
    assert_eq!(director.stop().await.left[0].count, 4);
    assert!(
        production.has_event(&["Slow", "no folder yet"])
            && production.has_event(&["Slow", "started after all"])
    );
}

#[tokio::test]
async fn after_the_stop_nothing_is_taken_in() {
    let (feed, feeding) = item("In", &FEED, &[]);
    let production = Production::of(vec![feed]);
    let director = production.start().await;
    eventually(SOON, || feeding.context().is_some()).await;
    let context = feeding.context().unwrap();
    director.stop().await;
    assert!(context.is_stopping());
    assert!(matches!(context.submit(Intake::default()).await, Err(Failure::Stopping)));
}
