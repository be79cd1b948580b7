//! How fast messages go through, as a figure; no bound on it, since test machines differ.

use std::time::Instant;

use model::{Arrival, BodyClass, Decision, Intake, MessageBody};
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

/// Connections that each hand in one message, wait until it is stored (or answered), and go on.
async fn one_by_one(connections: usize, each: usize, wants_reply: bool) {
    let (feed, feeding) = item("In", &FEED, &["Out"]);
    let (sink, sinking) = item("Out", &SINK, &[]);
    if wants_reply {
        sinking.act(|message| Act::Decide(Decision::answer(message.body.clone())));
    }
    let production = Production::of(vec![feed, sink]);
    let director = production.start().await;
    eventually(SOON, || feeding.context().is_some()).await;
    let context = feeding.context().unwrap();
    let begun = Instant::now();
    let tasks = (0..connections).map(|_| {
        let context = context.clone();
        tokio::spawn(async move {
            for _ in 0..each {
                let body = MessageBody::new(BodyClass::BYTES, vec![b'x'; 1024]);
                let arrivals = vec![Arrival { wants_reply, ..Arrival::new(body) }];
                let mut receipt = context.submit(Intake { arrivals, ..Intake::default() }).await.unwrap();
                match receipt.replies.pop() {
                    Some(reply) => assert!(reply.await.unwrap().body.is_some()),
                    None => receipt.durable().await.unwrap(),
                }
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let stored = begun.elapsed();
    let count = connections * each;
    eventually(SOON * 10, || sinking.count() == count).await;
    let rate = |time: std::time::Duration| count as f64 / time.as_secs_f64();
    let what = if wants_reply { "answered" } else { "stored" };
    println!(
        "{count} messages of {connections} connections: {:.0}/s {what}, {:.0}/s sent out",
        rate(stored),
        rate(begun.elapsed())
    );
    drop(context);
    assert!(director.stop().await.left.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_one_by_one_from_one_and_from_many_connections() {
    one_by_one(1, COUNT / 20, false).await;
    one_by_one(64, COUNT / 64, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_one_by_one_to_one_and_to_many_connections() {
    one_by_one(1, COUNT / 20, true).await;
    one_by_one(64, COUNT / 64, true).await;
}
