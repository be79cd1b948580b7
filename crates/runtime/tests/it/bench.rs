//! How fast messages go through, as a figure; no bound on it, since test machines differ.

use std::time::Instant;

use model::{Arrival, BodyClass, Intake, MessageBody};
use testkit::eventually;

use crate::fake::*;

/// Messages; more in a release build, where the figure means something.
const COUNT: usize = if cfg!(debug_assertions) { 5_000 } else { 300_000 };

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_of_1_kib_from_service_over_process_to_operation() {
    let (feed, feeding) = item("In", &FEED, &["Router"]);
    let (router, _) = item("Router", &PASS, &["Out"]);
    let (sink, sinking) = item("Out", &SINK, &[]);
    let production = Production::of(vec![feed, router, sink]);
    let director = production.start().await;
    eventually(SOON, || feeding.context().is_some()).await;
    let context = feeding.context().unwrap();
    let arrival = || {
        let body = MessageBody::new(BodyClass::BYTES, vec![b'x'; 1024]);
        Arrival::new(body)
    };
    let begun = Instant::now();
    let mut last = None;
    for _ in 0..COUNT / 250 {
        let arrivals = (0..250).map(|_| arrival()).collect();
        last = Some(context.submit(Intake { arrivals, ..Intake::default() }).await.unwrap());
    }
    last.unwrap().durable().await.unwrap();
    let stored = begun.elapsed();
    eventually(SOON * 10, || sinking.count() == COUNT).await;
    let sent = begun.elapsed();
    let rate = |time: std::time::Duration| COUNT as f64 / time.as_secs_f64();
    println!("{COUNT} messages: {:.0}/s stored, {:.0}/s sent out", rate(stored), rate(sent));
    drop(context);
    assert!(director.stop().await.left.is_empty());
}
