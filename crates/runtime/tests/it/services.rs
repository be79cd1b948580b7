//! Services under supervision.

use std::sync::atomic::Ordering;
use std::time::Duration;

use model::{Failure, Intake};
use orris_runtime::ItemState;
use orris_runtime::control::{Answer, Request, ask};
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

#[tokio::test]
async fn the_director_has_started_when_every_service_has_or_after_five_seconds() {
    for in_time in [true, false] {
        let clock = FakeClock::new();
        let (feed, feeding) = item("In", &FEED, &[]);
        feeding.slow_start.store(true, Ordering::Relaxed);
        let production = Production::of(vec![feed]).clock(clock.clone());
        let test = async {
            eventually(SOON, || feeding.context().is_some()).await;
            let status = ask(production.dir.path(), &Request::Status).await.unwrap();
            let Answer::Status(status) = status else { panic!("no status") };
            assert_eq!(status.item("In").unwrap().state, ItemState::Starting);
            // The director's patience and the look once a second.
            clock.until_sleeping(2).await;
            match in_time {
                true => feeding.let_go.send_replace(true),
                false => {
                    clock.advance(Duration::from_secs(5));
                    false
                }
            };
        };
        let (director, ()) = tokio::join!(production.start(), test);
        let expected = if in_time { ItemState::Running } else { ItemState::Starting };
        assert_eq!(director.status().item("In").unwrap().state, expected);
        feeding.let_go.send_replace(true);
        eventually(SOON, || director.status().item("In").unwrap().state == ItemState::Running).await;
        director.stop().await;
    }
}

#[tokio::test]
async fn a_service_that_cannot_start_waits_with_its_reason_until_it_has() {
    let clock = FakeClock::new();
    let (feed, feeding) = item("In", &FEED, &[]);
    let taken = || Err(Failure::Temporary("the port is taken".to_owned()));
    feeding.start_with(vec![taken(), taken(), Ok(())]);
    feeding.slow_start.store(true, Ordering::Relaxed);
    let production = Production::of(vec![feed]).clock(clock.clone());
    let director = production.start().await;
    let built = || *feeding.built.lock().unwrap();
    for (number, pause) in [(1, 1), (2, 2)] {
        assert_eq!(built(), number);
        let status = director.status().item("In").unwrap().clone();
        let reason = format!("the port is taken; the host is built anew in {pause}s");
        assert_eq!((status.state, status.waiting), (ItemState::Waiting, Some(reason)));
        clock.until_sleeping(2).await;
        clock.advance(Duration::from_secs(pause));
        eventually(SOON, || built() == number + 1).await;
    }
    // It is built and not set up yet: what it waits for still stands.
    assert_eq!(director.status().item("In").unwrap().state, ItemState::Waiting);
    feeding.let_go.send_replace(true);
    eventually(SOON, || director.status().item("In").unwrap().state == ItemState::Running).await;
    assert_eq!(director.status().item("In").unwrap().waiting, None);
    director.stop().await;
    let ran = production.events().into_iter().filter(|event| event.contains("built anew and runs"));
    assert_eq!(ran.count(), 1);
}
