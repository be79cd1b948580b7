//! Connections: made, kept, lost, made anew.

use super::*;

#[tokio::test]
async fn a_receiver_that_is_down_holds_the_queue_until_it_is_up() {
    let peer = Peer::listen().await;
    let address = peer.address().to_owned();
    drop(peer);
    let mut rig = Rig::new(&address, json!({}));
    let wanted = format!("cannot connect to {address} (connection refused)");
    rig.operation.start(&rig.host.context()).await.unwrap();
    assert_eq!(rig.said(), [format!("{wanted}; it is tried again when there is a message to send")]);
    for pause in [2, 4, 8] {
        let (decisions, ()) = rig.send(&adts([1, 2]), async {}).await;
        let [Decision::Retry { reason, after, .. }] = &decisions[..] else { panic!("{decisions:?}") };
        assert_eq!((reason, *after), (&wanted, Some(Duration::from_secs(pause))));
    }
    assert_eq!(rig.said().len(), 1, "the rest is for the engine to say");
    let peer = Peer::listen_on(&address).await;
    let (decisions, _) = rig
        .send(&adts([1, 2]), async {
            let mut caller = peer.accept().await;
            (caller.take("AA").await, caller.take("AA").await)
        })
        .await;
    assert_eq!(letters(&decisions), "CC");
}

#[tokio::test]
async fn time_without_a_receiver_counts_unless_it_is_left_out() {
    for (left_out, at_first) in [(false, true), (true, false)] {
        let peer = Peer::listen().await;
        let address = peer.address().to_owned();
        drop(peer);
        let mut rig = Rig::new(&address, json!({ "no_fail_while_disconnected": left_out }));
        let (decisions, ()) = rig.send(&adts([1]), async {}).await;
        let [Decision::Retry { counts, then: AfterRetries::Suspend, .. }] = &decisions[..] else {
            panic!("{decisions:?}")
        };
        assert_eq!(*counts, at_first);
        let peer = Peer::listen_on(&address).await;
        let refused = async { peer.accept().await.take("AR").await };
        let (decisions, _) = rig.send(&adts([1]), refused).await;
        let [Decision::Retry { counts: true, then: AfterRetries::Fail, .. }] = &decisions[..] else {
            panic!("{decisions:?}")
        };
    }
}

#[tokio::test]
async fn workers_of_one_item_say_once_that_a_receiver_is_out_of_reach() {
    let peer = Peer::listen().await;
    let address = peer.address().to_owned();
    drop(peer);
    let clock = FakeClock::new();
    let host = TestHost::new("Out").clock(clock.clone());
    for _ in 0..4 {
        let mut rig = Rig::on(host.clone(), clock.clone(), &address, json!({}));
        rig.operation.start(&host.context()).await.unwrap();
    }
    assert_eq!(host.events().len(), 1);
}

#[tokio::test]
async fn the_connection_is_made_at_the_start_and_kept() {
    let peer = Peer::listen().await;
    let mut rig = Rig::new(peer.address(), json!({}));
    let context = rig.host.context();
    let (started, mut caller) = tokio::join!(rig.operation.start(&context), peer.accept());
    started.unwrap();
    for id in 1..5 {
        let (decisions, _) = rig.send(&[adt(id)], caller.take("AA")).await;
        assert_eq!(letters(&decisions), "C");
    }
}

#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_is_noticed_before_anything_is_sent() {
    let peer = Peer::listen().await;
    let mut rig = Rig::new(peer.address(), json!({}));
    for id in 1..20 {
        let (decisions, caller) = rig
            .send(&[adt(id)], async {
                let mut caller = peer.accept().await;
                assert_eq!(caller.take("AA").await, Some(format!("M{id}")));
                caller
            })
            .await;
        assert_eq!(letters(&decisions), "C");
        drop(caller);
    }
    assert_eq!(rig.said(), [""; 0]);
}

#[tokio::test]
async fn a_connection_that_is_closed_when_it_is_used_again_is_made_anew_at_once() {
    let peer = Peer::listen().await;
    let mut rig = Rig::new(peer.address(), json!({}));
    let mut caller = rig.begin(&peer).await;
    // It takes the message, and is gone: as if it had closed when the message was on its way.
    let (decisions, id) = rig
        .send(&[adt(2)], async {
            caller.message().await.unwrap();
            drop(caller);
            peer.accept().await.take("AA").await
        })
        .await;
    assert_eq!((letters(&decisions), id.unwrap().as_str()), ("C".into(), "M2"));
}

#[tokio::test]
async fn a_receiver_may_close_after_every_answer() {
    let peer = Peer::listen().await;
    let mut rig = Rig::new(peer.address(), json!({ "window": 4 }));
    let (decisions, ()) = rig
        .send(&adts(1..=9), async {
            for id in 1..=9 {
                assert_eq!(peer.accept().await.take("AA").await, Some(format!("M{id}")));
            }
        })
        .await;
    assert_eq!(letters(&decisions), "C".repeat(9));
    assert_eq!(rig.said(), [""; 0]);
}

#[tokio::test]
async fn what_nobody_asked_for_is_no_answer_to_what_comes_next() {
    let peer = Peer::listen().await;
    let mut rig = Rig::new(peer.address(), json!({}));
    let mut first = rig.begin(&peer).await;
    first.answer("AA", "M2").await;
    let (decisions, ()) = rig
        .send(&[adt(2)], async {
            let mut caller = peer.accept().await;
            assert_eq!(caller.take("AE").await.unwrap(), "M2");
        })
        .await;
    assert_eq!(letters(&decisions), "S");
    assert_eq!(first.message().await, None);
}

#[tokio::test]
async fn the_backup_address_takes_over_and_gives_back() {
    let (first, second) = (Peer::listen().await, Peer::listen().await);
    let addresses = [first.address().to_owned(), second.address().to_owned()];
    drop(first);
    let settings =
        json!({ "backup_address": addresses[1], "retries_to_failover": 2, "stay_connected": "0s" });
    let mut rig = Rig::new(&addresses[0], settings);
    for _ in 0..2 {
        let (decisions, ()) = rig.send(&[adt(1)], async {}).await;
        assert!(reason(&decisions).starts_with(&format!("cannot connect to {} ", addresses[0])));
    }
    for id in 1..4 {
        let (decisions, _) = rig.send(&[adt(id)], async { second.accept().await.take("AA").await }).await;
        assert_eq!(letters(&decisions), "C");
    }
    assert!(rig.said()[0].ends_with(&format!("(connection refused); {} has its turn now", addresses[1])));
    drop(second);
    let first = Peer::listen_on(&addresses[0]).await;
    for _ in 0..2 {
        let (decisions, ()) = rig.send(&[adt(4)], async {}).await;
        assert!(reason(&decisions).starts_with(&format!("cannot connect to {} ", addresses[1])));
    }
    let (decisions, _) = rig.send(&[adt(4)], async { first.accept().await.take("AA").await }).await;
    assert_eq!(letters(&decisions), "C");
}

#[tokio::test]
async fn each_message_has_its_connection_where_that_is_wanted() {
    let peer = Peer::listen().await;
    let mut rig = Rig::new(peer.address(), json!({ "stay_connected": "0s", "window": 9 }));
    rig.operation.start(&rig.host.context()).await.unwrap();
    let (decisions, ()) = rig
        .send(&adts(1..=3), async {
            for id in 1..=3 {
                let mut caller = peer.accept().await;
                assert_eq!(caller.take("AA").await, Some(format!("M{id}")));
                assert_eq!(caller.message().await, None);
            }
        })
        .await;
    assert_eq!(letters(&decisions), "CCC");
}

#[tokio::test]
async fn a_connection_at_rest_is_used_again_and_closed_in_time() {
    let peer = Peer::listen().await;
    let mut rig = Rig::new(peer.address(), json!({ "stay_connected": "10s" }));
    let clock = rig.clock.clone();
    let mut caller = rig.begin(&peer).await;
    clock.until_sleeping(1).await;
    clock.advance(Duration::from_secs(9));
    let (decisions, id) = rig.send(&[adt(2)], caller.take("AA")).await;
    assert_eq!((letters(&decisions), id.unwrap().as_str()), ("C".into(), "M2"));
    clock.until_sleeping(1).await;
    clock.advance(Duration::from_secs(10));
    assert_eq!(caller.message().await, None);
    let (decisions, _) = rig.send(&[adt(3)], async { peer.accept().await.take("AA").await }).await;
    assert_eq!(letters(&decisions), "C");
}

#[tokio::test]
async fn a_receiver_that_refuses_again_and_again_gets_a_new_connection() {
    let peer = Peer::listen().await;
    let mut rig = Rig::new(peer.address(), json!({ "reconnect_retry": 3 }));
    for _ in 0..2 {
        let (_, mut caller) = rig
            .send(&[adt(1)], async {
                let mut caller = peer.accept().await;
                caller.take("AR").await;
                caller
            })
            .await;
        for _ in 0..2 {
            let (decisions, _) = rig.send(&[adt(1)], caller.take("AR")).await;
            assert_eq!(letters(&decisions), "R");
        }
        assert_eq!(caller.message().await, None);
    }
}

#[tokio::test]
async fn a_stop_waits_for_the_answer_in_hand_and_sends_nothing_more() {
    let peer = Peer::listen().await;
    let mut rig = Rig::new(peer.address(), json!({}));
    let host = rig.host.clone();
    let (decisions, mut caller) = rig
        .send(&adts([1, 2]), async {
            let mut caller = peer.accept().await;
            assert_eq!(caller.control_id().await.unwrap(), "M1");
            host.stop();
            caller.answer("AA", "M1").await;
            caller
        })
        .await;
    assert_eq!(letters(&decisions), "C");
    drop(rig);
    assert_eq!(caller.message().await, None);
}

#[tokio::test]
async fn a_stop_while_connecting_is_at_once() {
    // A receiver that speaks no TLS says nothing to a handshake.
    let peer = Peer::listen().await;
    let mut rig = Rig::new(peer.address(), json!({ "tls": { "verify": false } }));
    let (clock, host) = (rig.clock.clone(), rig.host.clone());
    let (decisions, _) = rig
        .send(&[adt(1)], async {
            let caller = peer.accept().await;
            clock.until_sleeping(1).await;
            host.stop();
            caller
        })
        .await;
    assert_eq!(letters(&decisions), "");
}
