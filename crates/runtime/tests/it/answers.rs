//! Answers: who gets one, when, what is stored of it, and what becomes of those that nobody waits for.

use std::time::Duration;

use model::{
    Arrival, BodyClass, BusinessType, Decision, Failure, Fate, MessageBody, MessageHeader, MessageStatus,
    MessageType, Outgoing, Priority, Reply, ReplyFuture,
};
use testkit::{FakeClock, eventually};

use crate::fake::*;

fn body(text: &str) -> MessageBody {
    MessageBody::new(BodyClass::TEXT, text.as_bytes().to_vec())
}

/// Text and error of a reply.
fn told(reply: &Reply) -> (Option<String>, Option<&str>) {
    (reply.body.as_ref().map(text_of), reply.error.as_deref())
}

fn answering(mut target: Outgoing) -> Outgoing {
    target.answers = true;
    target
}

fn wanting(text: &str) -> Arrival {
    Arrival { wants_reply: true, ..arrival(text) }
}

async fn ask_one(probe: &Probe, arrival: Arrival) -> ReplyFuture {
    ask(probe, vec![arrival]).await.pop().expect("a reply is promised")
}

/// The answers that the store has, in order.
fn stored(production: &Production, target: &str) -> Vec<MessageHeader> {
    let all = production.headers(target).into_iter();
    all.filter(|header| header.message_type == MessageType::Response).collect()
}

#[tokio::test]
async fn the_first_target_answers_and_the_answer_is_stored_with_the_completion() {
    let (feed, feeding) = item("In", &FEED, &["Out", "Copy"]);
    let (out, acting) = item("Out", &SINK, &[]);
    let (copy, copying) = item("Copy", &SINK, &[]);
    acting.act(|message| Act::Decide(Decision::answer(body(&format!("re {}", text_of(&message.body))))));
    copying.act(|_| Act::Decide(Decision::answer(body("nobody asked"))));
    let production = Production::of(vec![feed, out, copy]);
    let director = production.start().await;
    let replies = ask(&feeding, vec![wanting("1"), arrival("2"), wanting("3")]).await;
    let replies = futures_util::future::join_all(replies).await;
    let texts: Vec<_> = replies.iter().map(|reply| told(reply.as_ref().unwrap())).collect();
    assert_eq!(texts, [(Some("re 1".to_owned()), None), (Some("re 3".to_owned()), None)]);

    // They are durable now, and with them what they answer.
    let reader = production.reader();
    let requests = production.headers("Out");
    assert!(requests.iter().filter(|r| r.id != requests[1].id).all(|r| r.status == MessageStatus::Completed));
    assert_eq!(requests[0].return_queue, format!("In#{}", requests[0].id));
    assert_eq!(requests[1].return_queue, "");
    let answers = stored(&production, "In");
    let answer = answers.iter().find(|answer| answer.corresponding == Some(requests[0].id)).unwrap();
    assert_eq!(
        (&*answer.source, answer.session, answer.status),
        ("Out", requests[0].session, MessageStatus::Completed)
    );
    assert_eq!(
        (answer.source_type, answer.target_type, answer.priority),
        (BusinessType::BusinessOperation, BusinessType::BusinessService, Priority::HighSync)
    );
    assert_eq!((&*answer.description, answer.return_queue.as_str(), answer.is_error), ("answer", "", false));
    assert_eq!(answer.time_processed, Some(answer.time_created));
    assert_eq!(text_of(&reader.body(answer.body.unwrap()).unwrap().unwrap()), "re 1");
    director.stop().await;
    // What Out answered to "2", and Copy to all, is kept for the trace.
    let answers = stored(&production, "In");
    assert_eq!(answers.len(), 6);
    assert!(answers.iter().all(|answer| answer.status == MessageStatus::Completed));
    assert!(production.headers("Copy").iter().all(|header| header.return_queue.is_empty()));
}

#[tokio::test]
async fn who_sends_on_may_have_its_targets_answer_and_the_first_of_them_does() {
    let (feed, feeding) = item("In", &FEED, &["Router"]);
    let (router, routing) = item("Router", &PASS, &["A", "B", "C"]);
    let (a, to_a) = item("A", &SINK, &[]);
    let (b, to_b) = item("B", &SINK, &[]);
    let (c, _) = item("C", &SINK, &[]);
    routing.act(|_| {
        let [a, b, c] = ["A", "B", "C"].map(|name| Outgoing::same_body(name, ""));
        Act::Decide(Decision::send(vec![answering(a), answering(b), c]))
    });
    to_a.act(|_| Act::HoldThen(Decision::answer(body("late"))));
    to_b.act(|_| Act::Decide(Decision::answer(body("first"))));
    let production = Production::of(vec![feed, router, a, b, c]);
    let director = production.start().await;
    let reply = ask_one(&feeding, wanting("x")).await.await.unwrap();
    assert_eq!(told(&reply).0.as_deref(), Some("first"));
    to_a.let_go.send_replace(true);
    eventually(SOON, || production.count("A", MessageStatus::Completed) == 1).await;
    director.stop().await;
    let [first, late] = stored(&production, "In").try_into().expect("two answers");
    assert_eq!((&*first.source, first.status, &*first.error_status), ("B", MessageStatus::Completed, ""));
    assert_eq!((&*late.source, late.status, late.is_error), ("A", MessageStatus::Discarded, false));
    assert_eq!(late.error_status, "nobody waits for the answer any more");
    let hops = production.reader().session(first.session).unwrap();
    assert_eq!(hops.len(), 6, "the router answers nothing itself, and C is not asked");
    assert!(!production.has_event(&["answer"]), "{:?}", production.events());
}

#[tokio::test]
async fn an_answer_says_how_the_message_ended() {
    let clock = FakeClock::new();
    let (feed, feeding) = item("In", &FEED, &["Router"]);
    let (mut router, routing) = item("Router", &PASS, &["Bad"]);
    router.failure_timeout = Some(Duration::from_secs(60));
    routing.act(|message| {
        Act::Decide(match text_of(&message.body).as_str() {
            "done" => Decision::completed(),
            "discard" => Decision::Discarded("no rule wants it".to_owned()),
            "suspend" => Decision::suspend("somebody has to look"),
            "reject" => Decision::Reject {
                reason: "AE".to_owned(),
                sends: vec![answering(Outgoing::same_body("Bad", ""))],
                response: Some(body("the refusal")),
            },
            "lost" => Decision::send(vec![answering(Outgoing::same_body("Nobody", ""))]),
            "slow" => Decision::retry("connection refused"),
            "panic" => return Act::Panic,
            "fatal" => Decision::Fatal("no licence".to_owned()),
            other => panic!("{other}"),
        })
    });
    let (bad, _) = item("Bad", &SINK, &[]);
    let production = Production::of(vec![feed, router, bad]).clock(clock.clone());
    let director = production.start().await;
    for (text, wanted) in [
        ("done", None),
        ("discard", None),
        ("suspend", Some("somebody has to look")),
        ("lost", Some("target \"Nobody\" is no process or operation of this production")),
        ("slow", Some("connection refused; given up after failure_timeout 1m")),
        ("panic", Some("again and again")),
        ("reject", Some("AE")),
        ("fatal", Some("no licence; the item is stopped, the message stays on its queue")),
    ] {
        let mut reply = tokio::spawn(ask_one(&feeding, wanting(text)).await);
        eventually(SOON, || {
            clock.advance(Duration::from_secs(1));
            reply.is_finished()
        })
        .await;
        let reply = (&mut reply).await.unwrap().unwrap();
        match (told(&reply), wanted) {
            ((body, None), None) => assert_eq!(body, None, "{text}"),
            ((body, Some(error)), Some(wanted)) => {
                assert!(error.contains(wanted), "{text}: {error}");
                assert_eq!(body.as_deref(), (text == "reject").then_some("the refusal"), "{text}");
            }
            (told, _) => panic!("{text}: {told:?}"),
        }
    }
    let answers = stored(&production, "In");
    assert!(answers.iter().all(|answer| answer.status == MessageStatus::Completed));
    assert_eq!((answers.len(), answers.iter().filter(|answer| answer.is_error).count()), (8, 6));
    let bad = production.headers("Bad");
    assert_eq!((bad.len(), bad[0].return_queue.as_str()), (1, ""), "a failure is the answer itself");
    director.stop().await;
}

#[tokio::test]
async fn what_goes_nowhere_is_answered_at_once() {
    let (feed, feeding) = item("In", &FEED, &[]);
    let production = Production::of(vec![feed]);
    let director = production.start().await;
    let fates = [Fate::Refuse("no MSH".to_owned()), Fate::Keep("batch header".to_owned()), Fate::Deliver];
    let arrivals = fates.into_iter().map(|fate| Arrival { fate, ..wanting("x") }).collect();
    let replies = futures_util::future::join_all(ask(&feeding, arrivals).await).await;
    let errors: Vec<_> = replies.iter().map(|reply| told(reply.as_ref().unwrap()).1).collect();
    assert_eq!(errors, [Some("no MSH"), None, None]);
    for id in 1..=3 {
        assert!(production.reader().header(model::MessageId(id)).unwrap().is_some(), "{id} is durable");
    }
    director.stop().await;
}

#[tokio::test]
async fn an_answer_that_nobody_waits_for_is_set_aside_also_after_a_restart() {
    let (feed, feeding) = item("In", &FEED, &["Out"]);
    let (out, holding) = item("Out", &SINK, &[]);
    holding.act(|_| Act::HoldThen(Decision::answer(body("too late"))));
    let mut production = Production::of(vec![feed, out]);
    let director = production.start().await;
    // The first is given up by its service, the second is still waited for when the engine stops.
    drop(ask_one(&feeding, wanting("1")).await);
    let reply = tokio::spawn(ask_one(&feeding, wanting("2")).await);
    eventually(SOON, || holding.count() == 1).await;
    production.def.grace_period = Duration::ZERO;
    let stopping = tokio::spawn(director.stop());
    let stopped = reply.await.unwrap();
    assert!(matches!(stopped, Err(Failure::Stopping)));
    holding.let_go.send_replace(true);
    assert_eq!(stopping.await.unwrap().store, None);

    let (out, acting) = item("Out", &SINK, &[]);
    acting.act(|_| Act::Decide(Decision::suspend("refused")));
    production.def.items[1] = out;
    // What was in hand at the end may have got through, or is handed over again.
    let before = stored(&production, "In").len();
    let director = production.start().await;
    eventually(SOON, || stored(&production, "In").len() == 2).await;
    director.stop().await;
    let ends: Vec<_> =
        stored(&production, "In").into_iter().map(|h| (h.status, h.is_error, h.error_status)).collect();
    let late = (MessageStatus::Discarded, false, "nobody waits for the answer any more".to_owned());
    let failed = (MessageStatus::Discarded, true, "refused; nobody waits for the answer any more".to_owned());
    let wanted: Vec<_> =
        [late.clone(), late].into_iter().take(before).chain([failed.clone(), failed]).collect();
    assert_eq!(ends, wanted[..2]);
    assert!(production.headers("In").iter().all(|header| header.return_queue.is_empty()));
}

#[tokio::test]
async fn answers_are_no_messages_that_their_target_completed() {
    let (feed, feeding) = item("In", &FEED, &["Router"]);
    let (router, _) = item("Router", &PASS, &["Out"]);
    let (out, acting) = item("Out", &SINK, &[]);
    acting.act(|_| Act::Decide(Decision::answer(body("ACK"))));
    let production = Production::of(vec![feed, router, out]);
    let director = production.start().await;
    take(&feeding, intake(numbers(3))).await;
    eventually(SOON, || stored(&production, "Router").len() == 3).await;
    let context = feeding.context().unwrap();
    let completed = context.completed_since("Router", model::MessageId(0), 10).await.unwrap();
    assert_eq!(completed.len(), 3);
    assert!(completed.iter().all(|message| message.header.message_type == MessageType::Request));
    assert_eq!(director.status().item("Router").unwrap().queue, 0);
    drop(context);
    director.stop().await;
    let queues = production.reader().queues().unwrap();
    assert!(queues.is_empty(), "answers are on no queue: {queues:?}");
}
