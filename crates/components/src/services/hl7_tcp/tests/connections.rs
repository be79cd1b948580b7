//! Who may connect, for how long, and how it ends.

use testkit::FakeClock;

use super::*;

#[tokio::test]
async fn only_allowed_addresses_connect() {
    let host = TestHost::new("In");
    let served = serve(&host, json!({ "allowed_addresses": ["10.0.0.0/8"] })).await;
    for _ in 0..5 {
        assert_eq!(answer(&mut served.client().await).await, "closed");
    }
    served.until_said("127.0.0.1").await;
    let refused = || host.events().iter().filter(|event| event.text.contains("allowed_addresses")).count();
    assert_eq!(refused(), 1, "the same is not told again and again");
    served.stop().await;
    assert!(host.events().last().unwrap().text.contains("and 4 times"), "{:?}", host.events());
    let host = TestHost::new("In");
    let served = serve(&host, json!({ "allowed_addresses": ["10.0.0.0/8", "127.0.0.1"] })).await;
    assert_eq!(ask(&mut served.client().await, &adt("1")).await, "AA 1");
}

#[tokio::test]
async fn no_more_connections_than_allowed_are_open() {
    let host = TestHost::new("In");
    let served = serve(&host, json!({ "max_connections": 2 })).await;
    let (mut first, mut second) = (served.client().await, served.client().await);
    assert_eq!(ask(&mut first, &adt("1")).await, "AA 1");
    assert_eq!(ask(&mut second, &adt("2")).await, "AA 2");
    assert_eq!(answer(&mut served.client().await).await, "closed");
    served.until_said("max_connections").await;
    drop(first);
    // Its place is free as soon as its end has been noticed.
    loop {
        let mut third = served.client().await;
        if third.write_all(&framed(&adt("3"))).await.is_ok() && answer(&mut third).await == "AA 3" {
            break;
        }
    }
}

#[tokio::test]
async fn many_connections_are_served_at_once() {
    let host = TestHost::new("In");
    let served = serve(&host, json!({})).await;
    let mut clients = Vec::new();
    for _ in 0..100 {
        clients.push(served.client().await);
    }
    for round in 0..3 {
        for (at, client) in clients.iter_mut().enumerate() {
            client.write_all(&framed(&adt(&format!("{round}-{at}")))).await.unwrap();
        }
        for (at, client) in clients.iter_mut().enumerate() {
            assert_eq!(answer(client).await, format!("AA {round}-{at}"));
        }
    }
    assert_eq!(host.arrivals().len(), 300);
}

#[tokio::test]
async fn a_silent_client_stays_unless_there_is_an_idle_timeout() {
    let clock = FakeClock::new();
    let host = TestHost::new("In").clock(clock.clone());
    let served = serve(&host, json!({ "idle_timeout": "10m" })).await;
    let mut client = served.client().await;
    assert_eq!(ask(&mut client, &adt("1")).await, "AA 1");
    clock.until_sleeping(1).await;
    clock.advance(Duration::from_secs(500));
    assert_eq!(ask(&mut client, &adt("2")).await, "AA 2");
    clock.until_sleeping(1).await;
    clock.advance(Duration::from_secs(500));
    assert_eq!(ask(&mut client, &adt("3")).await, "AA 3");
    eventually(PATIENCE, || {
        clock.advance(Duration::from_secs(100));
        client.try_read(&mut [0; 1]).is_ok_and(|read| read == 0)
    })
    .await;
    assert_eq!(host.arrivals().len(), 3);
}

#[tokio::test]
async fn a_message_that_does_not_go_on_is_kept_and_its_connection_closed() {
    let clock = FakeClock::new();
    let host = TestHost::new("In").clock(clock.clone());
    let served = serve(&host, json!({ "read_timeout": "5s" })).await;
    let mut client = served.client().await;
    client.write_all(b"\x0bMSH|^~\\&|LAB").await.unwrap();
    clock.until_sleeping(1).await;
    clock.advance(Duration::from_secs(4));
    client.write_all(b"|HERE").await.unwrap();
    // It is read before the clock goes on, since each piece has its own time.
    eventually(PATIENCE, || clock.sleepers() == 1 && clock.sleeps() >= 1).await;
    client.flush().await.unwrap();
    eventually(PATIENCE, || {
        clock.advance(Duration::from_secs(1));
        !host.arrivals().is_empty()
    })
    .await;
    served.until_said("sent nothing more of a message within the read_timeout of 5s").await;
    let kept = served.taken();
    assert_eq!(kept[0].0, "refuse");
    assert!(kept[0].1.contains("MSH|^~\\&|LAB"), "{kept:?}");
    assert_eq!(answer(&mut client).await, "closed");
}

#[tokio::test]
async fn a_stop_answers_what_is_in_hand_and_closes() {
    let host = TestHost::new("In");
    host.hold_durability();
    let served = serve(&host, json!({})).await;
    let mut client = served.client().await;
    client.write_all(&framed(&adt("1"))).await.unwrap();
    client.write_all(b"\x0bMSH|^~\\&|LAB").await.unwrap();
    served.until_taken(1).await;
    host.stop();
    host.release_durability();
    assert_eq!(answer(&mut client).await, "AA 1");
    assert_eq!(answer(&mut client).await, "closed");
    drop(client);
    served.stop().await;
    assert_eq!(host.arrivals().len(), 1, "what was not whole was not answered, and comes again");
}

#[tokio::test]
async fn an_address_in_use_is_named_and_may_become_free() {
    let host = TestHost::new("In");
    let served = serve(&host, json!({})).await;
    let mut second = build(json!({ "listen": served.address.to_string() }));
    let failure = second.run(&TestHost::new("Other").context()).await.unwrap_err();
    let Failure::Temporary(text) = failure else { panic!("{failure}") };
    assert!(text.contains(&format!("cannot listen on {}", served.address)), "{text}");
}
