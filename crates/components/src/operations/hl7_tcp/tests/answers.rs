//! One message at a time: every answer there is, and what is none.

use testkit::ack;

use super::*;

/// What becomes of one message that is answered with these bytes.
async fn answered(settings: Value, answer: &[u8]) -> (Rig, Vec<Decision>) {
    let peer = Peer::listen().await;
    // On the machine's clock: what is no answer is known by its not going on.
    let mut rig = Rig::on(TestHost::new("Out"), FakeClock::new(), peer.address(), settings);
    let (decisions, _caller) = rig
        .send(&[adt(1)], async {
            let mut caller = peer.accept().await;
            assert_eq!(caller.control_id().await.unwrap(), "M1");
            caller.send(answer).await;
            caller
        })
        .await;
    (rig, decisions)
}

fn framed(text: &str) -> Vec<u8> {
    [b"\x0B", text.as_bytes(), b"\x1C\r"].concat()
}

#[tokio::test]
async fn the_answer_says_what_becomes_of_the_message() {
    let msh = "MSH|^~\\&|PEER||||||ACK|1\r";
    for (answer, wanted) in [
        (ack("AA", "M1"), "C"),
        (ack("CA", "M1"), "C"),
        (ack("AE", "M1"), "S"),
        (ack("CE", "M1"), "S"),
        (ack("AR", "M1"), "R"),
        (ack("CR", "M1"), "R"),
        (ack("", "M1"), "S"),
        (ack("OK", "M1"), "S"),
        (ack("AA", "M7"), "wC"),
        (ack("AA", ""), "wC"),
        (framed(msh), "S"),
        (framed(&format!("{msh}MSA|AA|M1|\rERR|||0\r")), "C"),
        (framed("MSH|^~\\&|PEER\nMSA|AA|M1\n"), "C"),
        (b"\x06".to_vec(), "C"),
        (b"\x15".to_vec(), "S"),
        (framed("\x06"), "C"),
        (framed("\x15"), "S"),
        (framed("\x06x"), "R"),
        (framed("thank you"), "R"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), "R"),
        (framed(""), "R"),
    ] {
        let (_, decisions) = answered(json!({}), &answer).await;
        assert_eq!(letters(&decisions), wanted, "{:?}: {decisions:?}", String::from_utf8_lossy(&answer));
    }
}

#[tokio::test]
async fn each_action_does_what_it_says() {
    for (actions, code, wanted) in [
        (":?A=C", "AA", "C"),
        (":?A=W", "AA", "wC"),
        (":?E=R", "AE", "R"),
        (":?E=RF", "AE", "R"),
        (":?E=S", "CE", "S"),
        (":?R=F", "AR", "F"),
        (":?R=D", "AR", "D"),
        (":XX=C,:*=D", "XX", "C"),
        (":XX=C,:*=D", "XY", "D"),
        ("(:AE,:AR)=C", "AR", "C"),
        (":_=F", "", "F"),
    ] {
        let (_, decisions) = answered(json!({ "reply_code_actions": actions }), &ack(code, "M1")).await;
        assert_eq!(letters(&decisions), wanted, "{actions} {code}");
    }
    let (_, decisions) = answered(json!({ "reply_code_actions": "E#bad_reply=F,E=D" }), &framed("no")).await;
    assert_eq!(letters(&decisions), "F");
}

#[tokio::test]
async fn nothing_of_an_answer_is_told() {
    let secret = "MSH|^~\\&|PEER||||||ACK|1\rMSA|AE|M1|no Mustermann here\rERR|||207|E|||Mustermann\r";
    let (rig, decisions) = answered(json!({}), &framed(secret)).await;
    let wanted = "answered AE (reply_code_actions \":?E=S\")";
    assert!(reason(&decisions).ends_with(wanted), "{}", reason(&decisions));
    for answer in
        [ack("Mustermann", "M1"), ack("AA", "Mustermann"), framed("Mustermann"), b"Mustermann\r".to_vec()]
    {
        let (rig, decisions) = answered(json!({ "reply_code_actions": ":I?=W,:?A=C" }), &answer).await;
        let told = format!("{:?}", rig.said())
            + &decisions
                .iter()
                .map(|decision| match decision {
                    Decision::Completed { events, .. } => events[0].text.clone(),
                    _ => reason(&decisions).to_owned(),
                })
                .collect::<String>();
        assert!(!told.contains("Mustermann"), "{told}");
        assert!(told.contains("127.0.0.1"), "{told}");
    }
    assert_eq!(rig.said(), [""; 0]);
}

#[tokio::test]
async fn answers_are_kept_as_the_settings_say_and_for_those_who_wait() {
    for (keep, positive, negative) in [("none", false, false), ("errors", false, true), ("all", true, true)] {
        for (code, wanted) in [("AA", positive), ("AE", negative)] {
            let (_, decisions) = answered(json!({ "save_replies": keep }), &ack(code, "M1")).await;
            let kept = response(&decisions[0]);
            assert_eq!(kept.is_some(), wanted, "{keep} {code}");
            if let Some(body) = kept {
                assert_eq!(framed(std::str::from_utf8(body.content()).unwrap()), ack(code, "M1"));
                assert_eq!(body.doc_type(), "ACK");
            }
        }
    }
    let peer = Peer::listen().await;
    let mut rig = Rig::new(peer.address(), json!({ "save_replies": "none" }));
    let mut asked = adt(1);
    asked.header.return_queue = "AdtIn#1".into();
    let (decisions, _) = rig.send(&[asked], async { peer.accept().await.take("AA").await }).await;
    assert!(response(&decisions[0]).is_some());
}

#[tokio::test]
async fn an_answer_may_come_in_pieces_and_without_the_last_byte() {
    let peer = Peer::listen().await;
    let mut rig = Rig::new(peer.address(), json!({}));
    let (decisions, mut caller) = rig
        .send(&[adt(1)], async {
            let mut caller = peer.accept().await;
            caller.message().await.unwrap();
            for byte in ack("AA", "M1") {
                caller.send([byte]).await;
                tokio::task::yield_now().await;
            }
            caller
        })
        .await;
    assert_eq!(letters(&decisions), "C");
    let clock = rig.clock.clone();
    let (decisions, ()) = rig
        .send(&[adt(2)], async {
            caller.message().await.unwrap();
            caller.send("\x0BMSH|^~\\&|PEER\rMSA|AA|M2\x1C").await;
            // The time limit, and the wait for the last byte.
            clock.until_sleeping(2).await;
            clock.advance(Duration::from_millis(10));
        })
        .await;
    assert_eq!(letters(&decisions), "C");
}

#[tokio::test]
async fn a_silent_receiver_is_given_up_and_its_late_answer_is_for_nobody() {
    let peer = Peer::listen().await;
    let mut rig = Rig::new(peer.address(), json!({}));
    let clock = rig.clock.clone();
    let (decisions, mut late) = rig
        .send(&adts([1, 2]), async {
            let mut caller = peer.accept().await;
            assert_eq!(caller.control_id().await.unwrap(), "M1");
            clock.until_sleeping(1).await;
            clock.advance(Duration::from_secs(29));
            clock.until_sleeping(1).await;
            clock.advance(Duration::from_secs(1));
            caller
        })
        .await;
    assert_eq!(letters(&decisions), "R");
    assert_eq!(reason(&decisions), format!("no answer from {} within 30s", peer.address()));
    let (decisions, _) = rig
        .send(&adts([1, 2]), async {
            let _too_late = late.closed().await;
            let mut caller = peer.accept().await;
            caller.take("AA").await.unwrap();
            caller.take("AA").await.unwrap();
            caller
        })
        .await;
    assert_eq!(letters(&decisions), "CC");
}

#[tokio::test]
async fn the_actions_may_make_more_of_silence() {
    let peer = Peer::listen().await;
    let mut rig =
        Rig::new(peer.address(), json!({ "reply_code_actions": "X=S,:?A=C", "response_timeout": "2s" }));
    let clock = rig.clock.clone();
    let (decisions, _) = rig
        .send(&adts([1, 2]), async {
            let mut silent = peer.accept().await;
            silent.message().await.unwrap();
            clock.until_sleeping(1).await;
            clock.advance(Duration::from_secs(2));
            let mut caller = peer.accept().await;
            assert_eq!(caller.take("AA").await.unwrap(), "M2");
            (silent, caller)
        })
        .await;
    assert_eq!(letters(&decisions), "SC");
}

#[tokio::test]
async fn a_connection_that_ends_before_or_within_the_answer_is_made_anew() {
    let peer = Peer::listen().await;
    let mut rig = Rig::new(peer.address(), json!({}));
    for (answer, says) in [
        (&b""[..], "closed the connection before it answered"),
        (&ack("AA", "M1")[..20], "closed the connection within an answer"),
    ] {
        let (decisions, ()) = rig
            .send(&adts([1, 2]), async {
                let mut caller = peer.accept().await;
                caller.message().await.unwrap();
                caller.send(answer).await;
            })
            .await;
        assert_eq!(letters(&decisions), "R");
        assert_eq!(reason(&decisions), format!("{} {says}", peer.address()));
    }
    let (decisions, _) = rig.send(&[adt(1)], async { peer.accept().await.take("AA").await }).await;
    assert_eq!(letters(&decisions), "C");
}

#[tokio::test]
async fn a_flood_of_answers_is_for_the_messages_they_name_or_for_nobody() {
    let peer = Peer::listen().await;
    let mut rig = Rig::new(peer.address(), json!({}));
    let (decisions, caller) = rig
        .send(&[adt(1)], async {
            let mut caller = peer.accept().await;
            caller.message().await.unwrap();
            caller.send(ack("AE", "M1").repeat(50)).await;
            caller
        })
        .await;
    assert_eq!(letters(&decisions), "S");
    // What names a message that has its answer is passed over: the connection is good.
    let mut caller = caller;
    let (decisions, ()) = rig
        .send(&[adt(2)], async {
            assert_eq!(caller.control_id().await.unwrap(), "M2");
            caller.send(ack("AE", "M1").repeat(20)).await;
            caller.send(ack("AA", "M2")).await;
            // And this nobody asked for.
            caller.send(ack("AE", "M9").repeat(5_000)).await;
        })
        .await;
    assert_eq!(letters(&decisions), "C");
    let (decisions, _) = rig.send(&[adt(3)], async { peer.accept().await.take("AA").await }).await;
    assert_eq!(letters(&decisions), "C");
}

#[tokio::test]
async fn a_message_that_would_be_cut_by_the_frame_is_not_sent() {
    let peer = Peer::listen().await;
    let mut rig = Rig::new(peer.address(), json!({}));
    let torn = message(1, "MSH|^~\\&|A\rNTE|1||x\x1C\ry\r");
    let (decisions, _) = rig.send(&[torn, adt(2)], async { peer.accept().await.take("AA").await }).await;
    assert_eq!(letters(&decisions), "SC");
    let Decision::Suspend { reason, .. } = &decisions[0] else { panic!("{decisions:?}") };
    assert!(reason.starts_with("message has at byte "), "{reason}");
}

#[tokio::test]
async fn large_messages_and_other_framings_pass() {
    let peer = Peer::listen().await;
    let mut rig = Rig::new(peer.address(), json!({}));
    let large = message(1, &format!("MSH|^~\\&|||||||ORU|M1\rOBX|1|ED|||{}\r", "A".repeat(2 << 20)));
    let (decisions, length) = rig
        .send(std::slice::from_ref(&large), async {
            let mut caller = peer.accept().await;
            let length = caller.message().await.unwrap().len();
            caller.answer("AA", "M1").await;
            length
        })
        .await;
    assert_eq!((letters(&decisions), length), ("C".into(), large.body.content().len()));

    let mut rig = Rig::new(peer.address(), json!({ "framing": "mllp2/3" }));
    let (decisions, ()) = rig
        .send(&[adt(1)], async {
            let mut caller = peer.accept().await;
            caller.send(b"\x02MSH|^~\\&|\rMSA|AA|M1\r\x03\r").await;
        })
        .await;
    assert_eq!(letters(&decisions), "C");
}

#[tokio::test]
async fn messages_are_sent_in_the_form_that_the_settings_want() {
    let peer = Peer::listen().await;
    let mut rig = Rig::new(
        peer.address(),
        json!({ "separators": "#^~\\&", "charset": "8859/1", "segment_terminator": "lf" }),
    );
    let no_message = testkit::request(2, MessageBody::new(model::BodyClass::BYTES, "Mustermann"));
    let (decisions, came) = rig
        .send(&[adt(1), no_message], async {
            let mut caller = peer.accept().await;
            let came = caller.message().await.unwrap();
            caller.answer("AA", "M1").await;
            came
        })
        .await;
    assert_eq!(letters(&decisions), "CS");
    assert!(came.starts_with("MSH#^~\\&#HIS######ADT^A01#M1#P#2.5######8859/1\nPID#1#"), "{came}");
    assert!(reason(&decisions).contains("no segment MSH"), "{}", reason(&decisions));
}

#[tokio::test]
async fn without_replies_a_message_is_done_when_it_is_sent() {
    let peer = Peer::listen().await;
    let mut rig = Rig::new(peer.address(), json!({ "get_reply": false }));
    let (decisions, mut caller) = rig.send(&adts(1..=300), peer.accept()).await;
    assert_eq!(decisions.len(), 300);
    for id in 1..=300 {
        assert_eq!(caller.take("AE").await.unwrap(), format!("M{id}"));
    }
    // What is said all the same is passed over; and the end of the connection is noticed.
    let (decisions, id) = rig.send(&[adt(301)], caller.control_id()).await;
    assert_eq!((letters(&decisions), id.unwrap().as_str()), ("C".into(), "M301"));
    drop(caller);
    let (decisions, id) = rig.send(&[adt(302)], async { peer.accept().await.control_id().await }).await;
    assert_eq!((letters(&decisions), id.unwrap().as_str()), ("C".into(), "M302"));
}
