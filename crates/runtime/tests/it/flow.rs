//! The way of a message from a service over a process to an operation.

use model::{BusinessType, Decision, MessageStatus, Outgoing};
use testkit::eventually;

use crate::fake::*;

#[tokio::test]
async fn a_message_goes_from_service_to_process_to_operation_in_one_session() {
    let (feed, feeding) = item("In", &FEED, &["Router"]);
    let (router, routing) = item("Router", &PASS, &["Out"]);
    let (sink, sinking) = item("Out", &SINK, &[]);
    let production = Production::of(vec![feed, router, sink]);
    let director = production.start().await;

    let sessions = take(&feeding, intake(numbers(100))).await;
    eventually(SOON, || sinking.count() == 100).await;
    assert_eq!(sinking.seen(), numbers(100));
    assert_eq!(routing.seen(), numbers(100));
    eventually(SOON, || production.count("Out", MessageStatus::Completed) == 100).await;

    let trace = production.reader().session(sessions[7]).unwrap();
    let hops: Vec<_> = trace.iter().map(|hop| (&*hop.source, &*hop.target, hop.status)).collect();
    let done = MessageStatus::Completed;
    assert_eq!(hops, [("In", "Router", done), ("Router", "Out", done)]);
    assert_eq!(trace[0].body, trace[1].body, "the body is stored once");
    assert_eq!(trace[1].source_type, BusinessType::BusinessProcess);
    assert_eq!(&*trace[1].description, "passed on");
    assert!(trace.iter().all(|hop| hop.time_processed.is_some() && hop.session == sessions[7]));

    let status = director.status();
    let (router, out) = (status.item("Router").unwrap(), status.item("Out").unwrap());
    assert_eq!(
        (router.taken, router.completed, out.completed, out.queue, out.in_hand),
        (100, 100, 100, 0, 0)
    );
    assert_eq!(status.item("In").unwrap().taken, 100);
    assert!(director.stop().await.left.is_empty());
}

#[tokio::test]
async fn a_new_body_is_stored_and_every_target_gets_its_own_header() {
    let (feed, feeding) = item("In", &FEED, &["Router"]);
    let (router, routing) = item("Router", &PASS, &["A", "B"]);
    let (a, to_a) = item("A", &SINK, &[]);
    let (b, to_b) = item("B", &SINK, &[]);
    routing.act(|message| {
        let mut changed = Outgoing::same_body("A", "changed");
        changed.body = Some(model::MessageBody::new(model::BodyClass::TEXT, "new"));
        assert_eq!(message.header.status, MessageStatus::Queued);
        Act::Decide(Decision::send(vec![changed, Outgoing::same_body("B", "as it came")]))
    });
    let production = Production::of(vec![feed, router, a, b]);
    let director = production.start().await;
    let sessions = take(&feeding, intake(["old".to_owned()])).await;
    eventually(SOON, || to_a.count() == 1 && to_b.count() == 1).await;
    assert_eq!((to_a.seen(), to_b.seen()), (vec!["new".to_owned()], vec!["old".to_owned()]));
    director.stop().await;
    let trace = production.reader().session(sessions[0]).unwrap();
    assert_eq!(trace.len(), 3);
    assert_ne!(trace[0].body, trace[1].body);
    assert_eq!(trace[0].body, trace[2].body);
}

#[tokio::test]
async fn discard_suspend_and_reject_end_a_message_visibly() {
    let (feed, feeding) = item("In", &FEED, &["Router"]);
    let (router, routing) = item("Router", &PASS, &[]);
    let (sink, sinking) = item("Bad", &SINK, &[]);
    routing.act(|message| {
        Act::Decide(match text_of(&message.body).as_str() {
            "discard" => Decision::Discarded("no rule wants it".to_owned()),
            "suspend" => Decision::suspend("somebody has to look"),
            "lost" => Decision::send(vec![Outgoing::same_body("Nobody", "")]),
            _ => Decision::reject("it has no PID", vec![Outgoing::same_body("Bad", "bad message")]),
        })
    });
    let production = Production::of(vec![feed, router, sink]);
    let director = production.start().await;
    let texts = ["discard", "suspend", "reject", "lost"].map(str::to_owned);
    take(&feeding, intake(texts)).await;
    eventually(SOON, || sinking.count() == 1).await;
    director.stop().await;
    let ends: Vec<_> = production
        .headers("Router")
        .into_iter()
        .map(|header| (header.status, header.is_error, header.error_status))
        .collect();
    let text = |text: &str| text.to_owned();
    assert_eq!(
        ends,
        [
            (MessageStatus::Discarded, false, text("no rule wants it")),
            (MessageStatus::Suspended, true, text("somebody has to look")),
            (MessageStatus::Error, true, text("it has no PID")),
            (MessageStatus::Completed, false, text("")),
        ]
    );
    let lost = production.headers("Nobody");
    assert_eq!((lost.len(), lost[0].status), (1, MessageStatus::Error));
    for words in [
        ["Router", "is discarded: no rule wants it"],
        ["Router", "is suspended: somebody has to look"],
        ["Router", "failed: it has no PID"],
        ["Router", "cannot be sent: target \"Nobody\" is no process"],
    ] {
        assert!(production.has_event(&words), "{words:?}: {:?}", production.events());
    }
}
