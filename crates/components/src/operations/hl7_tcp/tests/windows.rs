//! Several messages on their way at once.

use testkit::{Caller, ack};
use tokio::net::TcpStream;

use super::*;

fn windowed(peer: &Peer, window: usize) -> Rig {
    Rig::new(peer.address(), json!({ "window": window }))
}

async fn take(caller: &mut Caller<TcpStream>, ids: impl IntoIterator<Item = u64>) {
    for id in ids {
        assert_eq!(caller.control_id().await, Some(format!("M{id}")));
    }
}

async fn answer(caller: &mut Caller<TcpStream>, code: &str, ids: &[u64]) {
    let answers: Vec<u8> = ids.iter().flat_map(|id| ack(code, &format!("M{id}"))).collect();
    caller.send(answers).await;
}

#[tokio::test]
async fn so_many_are_on_their_way_as_the_window_lets() {
    let peer = Peer::listen().await;
    let mut rig = windowed(&peer, 4);
    let (decisions, ()) = rig
        .send(&adts(1..=10), async {
            let mut caller = peer.accept().await;
            take(&mut caller, 1..=4).await;
            answer(&mut caller, "AA", &[1]).await;
            take(&mut caller, [5]).await;
            answer(&mut caller, "AA", &[2, 3, 4, 5]).await;
            take(&mut caller, 6..=9).await;
            answer(&mut caller, "CA", &[6, 7, 8]).await;
            take(&mut caller, [10]).await;
            answer(&mut caller, "AA", &[9, 10]).await;
        })
        .await;
    assert_eq!(letters(&decisions), "C".repeat(10));
}

#[tokio::test]
async fn answers_in_another_order_are_told_apart_by_their_control_ids() {
    let peer = Peer::listen().await;
    let mut rig = windowed(&peer, 4);
    let (decisions, ()) = rig
        .send(&adts(1..=4), async {
            let mut caller = peer.accept().await;
            take(&mut caller, 1..=4).await;
            answer(&mut caller, "AA", &[4, 2]).await;
            answer(&mut caller, "AE", &[3]).await;
            answer(&mut caller, "AA", &[1]).await;
        })
        .await;
    assert_eq!(letters(&decisions), "CCSC");
}

#[tokio::test]
async fn an_answer_for_an_unknown_message_is_about_the_one_that_waits_longest() {
    let peer = Peer::listen().await;
    let mut rig = windowed(&peer, 3);
    let (decisions, ()) = rig
        .send(&adts(1..=3), async {
            let mut caller = peer.accept().await;
            take(&mut caller, 1..=3).await;
            answer(&mut caller, "AA", &[2, 99, 3]).await;
        })
        .await;
    assert_eq!(letters(&decisions), "wCCC");
}

#[tokio::test]
async fn a_refusal_that_holds_the_queue_is_the_last_decision_and_the_rest_is_not_sent_twice() {
    let peer = Peer::listen().await;
    let mut rig = windowed(&peer, 4);
    let (decisions, mut caller) = rig
        .send(&adts(1..=6), async {
            let mut caller = peer.accept().await;
            take(&mut caller, 1..=4).await;
            answer(&mut caller, "AA", &[1]).await;
            take(&mut caller, [5]).await;
            answer(&mut caller, "AR", &[2]).await;
            answer(&mut caller, "AA", &[3]).await;
            answer(&mut caller, "AE", &[4]).await;
            answer(&mut caller, "AA", &[5]).await;
            caller
        })
        .await;
    assert_eq!(letters(&decisions), "CR");
    // The engine hands the refused one over alone, and then the others.
    let (decisions, _) = rig.send(&[adt(2)], caller.take("AA")).await;
    assert_eq!(letters(&decisions), "C");
    let (decisions, id) = rig.send(&adts(3..=6), caller.take("AA")).await;
    assert_eq!((letters(&decisions), id.unwrap().as_str()), ("CSCC".into(), "M6"));
}

#[tokio::test]
async fn what_was_sent_and_not_answered_is_sent_again_when_the_connection_breaks() {
    let peer = Peer::listen().await;
    let mut rig = windowed(&peer, 4);
    let (decisions, ()) = rig
        .send(&adts(1..=5), async {
            let mut caller = peer.accept().await;
            take(&mut caller, 1..=4).await;
            answer(&mut caller, "AA", &[1, 3]).await;
            take(&mut caller, [5]).await;
            drop(caller);
            // It may not have heard them; and it may not be there any more.
            let mut caller = peer.accept().await;
            take(&mut caller, [2, 4, 5]).await;
        })
        .await;
    assert_eq!(letters(&decisions), "CR");
    assert!(
        reason(&decisions).ends_with("closed the connection before it answered"),
        "{}",
        reason(&decisions)
    );
    let (decisions, ()) = rig
        .send(&adts(2..=5), async {
            let mut caller = peer.accept().await;
            take(&mut caller, [2, 4, 5]).await;
            answer(&mut caller, "AA", &[2, 4, 5]).await;
        })
        .await;
    assert_eq!(letters(&decisions), "CCCC");
}

#[tokio::test]
async fn messages_with_the_same_control_id_are_answered_in_their_order() {
    let peer = Peer::listen().await;
    let mut rig = windowed(&peer, 3);
    let same = |id| message(id, "MSH|^~\\&|||||||ADT|SAME\r");
    let (decisions, ()) = rig
        .send(&[same(1), same(2), same(3)], async {
            let mut caller = peer.accept().await;
            for _ in 0..3 {
                caller.message().await.unwrap();
            }
            for code in ["AA", "AE", "AA"] {
                caller.answer(code, "SAME").await;
            }
        })
        .await;
    assert_eq!(letters(&decisions), "CSC");
}

#[tokio::test]
async fn a_stop_waits_for_what_is_on_its_way() {
    let peer = Peer::listen().await;
    let mut rig = windowed(&peer, 3);
    let host = rig.host.clone();
    let (decisions, mut caller) = rig
        .send(&adts(1..=9), async {
            let mut caller = peer.accept().await;
            take(&mut caller, 1..=3).await;
            host.stop();
            answer(&mut caller, "AA", &[1, 2, 3]).await;
            caller
        })
        .await;
    assert_eq!(letters(&decisions), "CCC");
    drop(rig);
    assert_eq!(caller.message().await, None);
}

#[tokio::test]
async fn a_receiver_that_reads_only_when_it_is_heard_is_no_dead_end() {
    let peer = Peer::listen().await;
    let mut rig = windowed(&peer, 256);
    let large = |id: u64| message(id, &format!("MSH|^~\\&|||||||ADT|M{id}\rNTE|1||{}\r", "x".repeat(40_000)));
    let messages: Vec<Message> = (1..=300).map(large).collect();
    let (decisions, ()) = rig
        .send(&messages, async {
            let mut caller = peer.accept().await;
            let tail = "y".repeat(40_000);
            for _ in 0..300 {
                let id = caller.control_id().await.unwrap();
                let answer = format!("\x0BMSH|^~\\&|\rMSA|AA|{id}\rNTE|1||{tail}\r\x1C\r");
                caller.send(answer).await;
            }
        })
        .await;
    assert_eq!(letters(&decisions), "C".repeat(300));
}
