//! Addresses, time limits, pauses, and the second address.

use testkit::{FakeClock, TestHost};
use tokio::net::TcpListener;

use super::*;

fn way(address: &str) -> Way {
    Way {
        address: address.to_owned(),
        backup: None,
        tries: 3,
        timeout: Duration::from_secs(5),
        keep_alive: Duration::from_secs(60),
        tls: None,
    }
}

/// A port where nobody listens.
async fn closed_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().to_string()
}

#[tokio::test]
async fn a_refusal_is_said_with_the_address_and_the_pauses_grow() {
    let host = TestHost::new("Out");
    let address = closed_port().await;
    let mut dialer = Dialer::new(way(&address));
    let mut pauses = Vec::new();
    for _ in 0..7 {
        let unreachable = dialer.dial(&host.context()).await.unwrap_err();
        assert_eq!(unreachable.reason, format!("cannot connect to {address} (connection refused)"));
        pauses.push(unreachable.pause.as_secs());
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30]);
    let _listener = TcpListener::bind(&address).await.unwrap();
    dialer.dial(&host.context()).await.unwrap();
    drop(_listener);
    assert_eq!(dialer.dial(&host.context()).await.unwrap_err().pause.as_secs(), 1);
    assert_eq!(host.events(), []);
}

#[tokio::test]
async fn a_silent_peer_is_asked_for_a_sign_unless_that_is_not_wanted() {
    let host = TestHost::new("Out");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    for (keep_alive, asked) in [(Duration::from_secs(90), true), (Duration::ZERO, false)] {
        let mut dialer = Dialer::new(Way { keep_alive, ..way(&address) });
        let Ok(Wire::Plain(stream)) = dialer.dial(&host.context()).await else { panic!("no connection") };
        assert_eq!(sockopt::socket_keepalive(&stream), Ok(asked));
        assert_eq!(sockopt::tcp_keepidle(&stream).unwrap() == keep_alive, asked);
    }
}

#[tokio::test]
async fn a_peer_that_says_nothing_to_a_handshake_is_given_up_in_time() {
    let clock = FakeClock::new();
    let host = TestHost::new("Out").clock(clock.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let tls = TlsClient { verify: false, ..TlsClient::default() };
    let mut dialer = Dialer::new(Way { tls: Some(tls), ..way(&address) });
    let context = host.context();
    let (unreachable, ()) = tokio::join!(dialer.dial(&context), async {
        clock.until_sleeping(1).await;
        let _silent = listener.accept().await.unwrap();
        clock.advance(Duration::from_secs(5));
    });
    let reason = format!("cannot connect to {address} (TLS: connected, and no answer to TLS within 5s)");
    assert_eq!(unreachable.unwrap_err().reason, reason);
}

#[tokio::test]
async fn the_second_address_has_its_turn_after_some_tries_in_vain() {
    let host = TestHost::new("Out");
    let (first, second) = (closed_port().await, closed_port().await);
    let mut dialer = Dialer::new(Way { backup: Some(second.clone()), tries: 2, ..way(&first) });
    let mut tried = Vec::new();
    for _ in 0..5 {
        tried.push(dialer.address().to_owned());
        assert!(dialer.dial(&host.context()).await.is_err());
    }
    assert_eq!(tried, [&first, &first, &second, &second, &first].map(Clone::clone));
    let said: Vec<_> = host.events().into_iter().map(|event| event.text).collect();
    let refused = |from: &str, to: &str| {
        format!("cannot connect to {from} (connection refused); {to} has its turn now")
    };
    assert_eq!(said, [refused(&first, &second), refused(&second, &first)]);
}
