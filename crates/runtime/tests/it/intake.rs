//! What becomes of arrivals: delivered, refused, kept, without a target, to a disabled item.

use model::{Fate, Intake, IntakeSession, MessageStatus};
use orris_runtime::ItemState;
use testkit::eventually;

use crate::fake::*;

#[tokio::test]
async fn what_is_refused_or_kept_goes_nowhere_and_can_be_looked_at() {
    let (feed, feeding) = item("In", &FEED, &["Out"]);
    let (sink, sinking) = item("Out", &SINK, &[]);
    let production = Production::of(vec![feed, sink]);
    let director = production.start().await;
    let mut arrivals = vec![arrival("batch header"), arrival("good"), arrival("garbage"), arrival("other")];
    arrivals[0].fate = Fate::Keep("batch header".to_owned());
    arrivals[1].session = IntakeSession::SameAsPrevious;
    arrivals[2].fate = Fate::Refuse("no MSH at byte 0".to_owned());
    let sessions = take(&feeding, Intake { arrivals, ..Intake::default() }).await;
    eventually(SOON, || sinking.count() == 2).await;
    assert_eq!(sinking.seen(), ["good", "other"]);
    assert_eq!(sessions[0], sessions[1]);
    assert!(sessions[1] != sessions[2] && sessions[2] != sessions[3]);

    let kept = production.reader().session(sessions[0]).unwrap();
    assert_eq!(
        (kept[0].status, &*kept[0].description, &*kept[0].target),
        (MessageStatus::Completed, "batch header", "")
    );
    let refused = &production.reader().session(sessions[2]).unwrap()[0];
    assert_eq!((refused.status, refused.is_error), (MessageStatus::Error, true));
    assert_eq!(refused.error_status, "no MSH at byte 0");
    let body = production.reader().body(refused.body.unwrap()).unwrap().unwrap();
    assert_eq!(text_of(&body), "garbage");
    assert!(production.has_event(&["In", "refused: no MSH at byte 0"]));
    let status = director.status();
    let feed = status.item("In").unwrap();
    assert_eq!((feed.taken, feed.completed, feed.errors), (4, 3, 1));
    director.stop().await;
}

#[tokio::test]
async fn without_a_target_a_message_is_kept_and_discarded() {
    let (feed, feeding) = item("In", &FEED, &[]);
    let production = Production::of(vec![feed]);
    let director = production.start().await;
    let sessions = take(&feeding, intake(numbers(1))).await;
    let header = &production.reader().session(sessions[0]).unwrap()[0];
    assert_eq!((header.status, &*header.description), (MessageStatus::Discarded, "no target"));
    director.stop().await;
    assert!(production.has_event(&["In", "no target"]));
}

#[tokio::test]
async fn a_disabled_item_queues_and_works_when_it_is_enabled() {
    let (feed, feeding) = item("In", &FEED, &["Out"]);
    let (mut sink, sinking) = item("Out", &SINK, &[]);
    sink.enabled = false;
    let mut production = Production::of(vec![feed, sink]);
    let director = production.start().await;
    take(&feeding, intake(numbers(20))).await;
    let status = director.status();
    let out = status.item("Out").unwrap();
    assert_eq!((out.state, out.queue), (ItemState::Disabled, 20));
    let report = director.stop().await;
    assert_eq!((&*report.left[0].item, report.left[0].count), ("Out", 20));
    assert_eq!(sinking.count(), 0);

    production.def.items[1].enabled = true;
    let director = production.start().await;
    eventually(SOON, || sinking.count() == 20).await;
    assert_eq!(sinking.seen(), numbers(20));
    director.stop().await;
}

#[tokio::test]
async fn many_refusals_of_one_sender_are_a_few_events_and_every_one_is_kept() {
    let (feed, feeding) = item("In", &FEED, &["Out"]);
    let (sink, _) = item("Out", &SINK, &[]);
    let production = Production::of(vec![feed, sink]);
    let director = production.start().await;
    for sender in ["10.0.0.1", "10.0.0.2"] {
        let mut arrivals: Vec<_> = (0..200).map(|_| arrival("garbage")).collect();
        arrivals.iter_mut().for_each(|arrival| arrival.fate = Fate::Refuse("no MSH at byte 0".to_owned()));
        let intake = Intake { arrivals, sender: sender.to_owned(), ..Intake::default() };
        for session in take(&feeding, intake).await {
            let header = &production.reader().session(session).unwrap()[0];
            assert_eq!((header.status, &*header.error_status), (MessageStatus::Error, "no MSH at byte 0"));
        }
    }
    assert_eq!(director.status().item("In").unwrap().errors, 400);
    director.stop().await;
    let events = production.events();
    assert_eq!(events.iter().filter(|event| event.contains("refused: no MSH at byte 0")).count(), 20);
    let counted = |sender: &str| production.has_event(&["In", "and 190 more refused like that of", sender]);
    assert!(counted("10.0.0.1") && counted("10.0.0.2"), "{events:?}");
}
