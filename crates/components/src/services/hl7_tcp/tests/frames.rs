//! Frames whole and in pieces, and what is none.

use testkit::FakeClock;

use super::*;

#[tokio::test]
async fn pipelined_frames_are_taken_together_and_answered_in_order() {
    let host = TestHost::new("In");
    let served = serve(&host, json!({})).await;
    let client = served.client().await;
    let (mut reader, mut writer) = client.into_split();
    let count = 3_000;
    let sending = tokio::spawn(async move {
        let all: Vec<u8> = (0..count).flat_map(|id| framed(&adt(&id.to_string()))).collect();
        writer.write_all(&all).await.unwrap();
        writer
    });
    for id in 0..count {
        assert_eq!(answer(&mut reader).await, format!("AA {id}"));
    }
    let _open = sending.await.unwrap();
    let intakes = host.intakes().len();
    assert!(intakes < count / 4, "{intakes} intakes for {count} messages");
    let ids: Vec<_> =
        served.taken().iter().map(|(_, text)| text.split('|').nth(9).unwrap().to_owned()).collect();
    assert!(ids.iter().enumerate().all(|(at, id)| *id == at.to_string()));
}

#[tokio::test]
async fn a_frame_may_come_in_pieces_of_one_byte() {
    let host = TestHost::new("In");
    let served = serve(&host, json!({})).await;
    let mut client = served.client().await;
    client.set_nodelay(true).unwrap();
    for byte in framed(&adt("1")) {
        client.write_all(&[byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(answer(&mut client).await, "AA 1");
    assert_eq!(served.taken(), [("deliver", adt("1"))]);
    let body = &host.arrivals()[0].body;
    assert_eq!(body.name(), client.local_addr().unwrap().to_string().replace(':', "_"));
}

#[tokio::test]
async fn lines_may_end_as_they_like_and_frames_may_be_missing() {
    let host = TestHost::new("In");
    let served = serve(&host, json!({})).await;
    let mut client = served.client().await;
    let lf = adt("1").replace('\r', "\n");
    assert_eq!(ask(&mut client, &lf).await, "AA 1");
    // Without a frame, a silence ends the message.
    client.write_all(lf.replace("|1|P", "|2|P").as_bytes()).await.unwrap();
    let mut said = vec![0; 256];
    let read = tokio::time::timeout(PATIENCE, client.read(&mut said)).await.unwrap().unwrap();
    let said = String::from_utf8(said[..read].to_vec()).unwrap();
    assert!(
        said.starts_with("MSH|") && said.ends_with("\rMSA|AA|2\r"),
        "no frame for who sends none: {said}"
    );
    // As does the end of the connection.
    client.write_all(lf.replace("|1|P", "|3|P").as_bytes()).await.unwrap();
    client.shutdown().await.unwrap();
    let mut said = String::new();
    tokio::time::timeout(PATIENCE, client.read_to_string(&mut said)).await.unwrap().unwrap();
    assert!(said.ends_with("\rMSA|AA|3\r"), "{said}");
    assert_eq!(served.taken()[0], ("deliver", lf));
}

#[tokio::test]
async fn a_large_message_comes_whole_and_one_that_is_too_large_is_refused() {
    let host = TestHost::new("In");
    let served = serve(&host, json!({ "max_message_size": "2MiB" })).await;
    let mut client = served.client().await;
    let large = format!("{}OBX|1|ED|||{}\r", adt("1"), "QUJD".repeat(500_000));
    assert_eq!(ask(&mut client, &large).await, "AA 1");
    assert_eq!(served.taken()[0].1.len(), large.len());
    let larger = format!("{}OBX|1|ED|||{}\r", adt("2"), "QUJD".repeat(800_000));
    assert!(ask(&mut client, &larger).await.starts_with("AE  message is longer than 2097152 bytes"));
    served.until_said("longer than max_message_size").await;
    let refused = &served.taken()[1];
    assert_eq!((refused.0, refused.1.len()), ("refuse", 2 << 20));
    assert!(larger.starts_with(&refused.1));
    assert_eq!(ask(&mut client, &adt("3")).await, "AA 3", "the connection goes on");
    assert_eq!(host.arrivals().len(), 3);
}

#[tokio::test]
async fn several_messages_in_one_frame_are_several_and_each_is_answered() {
    let host = TestHost::new("In");
    let served = serve(&host, json!({})).await;
    let mut client = served.client().await;
    let batch = format!("BHS|^~\\&|A\r{}{}BTS|2\r", adt("3"), adt("4"));
    client.write_all(&framed(&format!("{}{}", adt("1"), adt("2")))).await.unwrap();
    client.write_all(&framed(&batch)).await.unwrap();
    for id in 1..=4 {
        assert_eq!(answer(&mut client).await, format!("AA {id}"));
    }
    let fates: Vec<_> = served.taken().iter().map(|(fate, _)| *fate).collect();
    assert_eq!(fates, ["deliver", "deliver", "keep", "deliver", "deliver", "keep"]);
    let sessions = host.sessions();
    assert!(sessions[2..].iter().all(|session| *session == sessions[2]) && sessions[0] != sessions[1]);
}

#[tokio::test]
async fn a_batch_may_stay_one() {
    let host = TestHost::new("In");
    let served = serve(&host, json!({ "batch_handling": "whole" })).await;
    let mut client = served.client().await;
    let batch = format!("BHS|^~\\&|A\r{}{}BTS|2\r", adt("3"), adt("4"));
    assert_eq!(ask(&mut client, &batch).await, "AA 3");
    assert_eq!(served.taken(), [("deliver", batch)]);
}

#[tokio::test]
async fn what_is_no_message_is_kept_with_its_bytes_and_told() {
    let host = TestHost::new("In");
    let served = serve(&host, json!({})).await;
    let mut client = served.client().await;
    let said = ask(&mut client, "HELLO|Beispiel").await;
    assert!(said.starts_with("AE  ") && said.contains("expected"), "{said}");
    // An empty frame says nothing; bytes outside of frames are not answered.
    client.write_all(b"\x0b\x1c\rjunk Beispiel").await.unwrap();
    assert_eq!(ask(&mut client, &adt("1")).await, "AA 1");
    let kept = served.taken();
    assert_eq!(kept[0], ("refuse", "HELLO|Beispiel".to_owned()));
    assert_eq!(kept[1], ("refuse", "junk Beispiel".to_owned()));
    assert_eq!(kept[2].0, "deliver");
    assert!(host.arrivals()[..2].iter().all(|arrival| arrival.body.class() == BodyClass::BYTES));
    served.until_said("sends bytes outside of frames").await;
    for event in host.events() {
        assert!(!event.text.contains("Beispiel"), "{}", event.text);
    }
}

#[tokio::test]
async fn endless_junk_is_kept_in_part_and_the_connection_closed() {
    let clock = FakeClock::new();
    let host = TestHost::new("In").clock(clock.clone());
    let served = serve(&host, json!({ "framing": "mllp" })).await;
    let (mut reader, mut writer) = served.client().await.into_split();
    let sending = tokio::spawn(async move { while writer.write_all(&[b'x'; 4096]).await.is_ok() {} });
    assert_eq!(answer(&mut reader).await, "closed");
    served.until_said("sent more bytes outside of frames").await;
    eventually(PATIENCE, || {
        clock.advance(Duration::from_secs(1));
        sending.is_finished()
    })
    .await;
    let kept: usize = served.taken().iter().map(|(_, text)| text.len()).sum();
    assert!((256 << 10..1 << 20).contains(&kept), "{kept}");
}

#[tokio::test]
async fn a_message_that_is_cut_off_is_kept_as_it_came() {
    let host = TestHost::new("In");
    let served = serve(&host, json!({})).await;
    let mut client = served.client().await;
    let mut both = framed(&adt("1"));
    both.extend(b"\x0bMSH|^~\\&|LAB");
    client.write_all(&both).await.unwrap();
    assert_eq!(answer(&mut client).await, "AA 1");
    drop(client);
    served.until_said("ended in the midst of a message").await;
    served.until_taken(2).await;
    assert_eq!(served.taken()[1].0, "refuse");
    assert!(served.taken()[1].1.ends_with("MSH|^~\\&|LAB"));
}

#[tokio::test]
async fn a_client_that_speaks_something_else_is_told_by_it() {
    let host = TestHost::new("In");
    let served = serve(&host, json!({})).await;
    for (bytes, said) in [
        (&b"\x16\x03\x01\x00\x05hello\r\n"[..], "seems to speak TLS"),
        (b"POST /adt HTTP/1.1\r\nHost: x\r\n\r\n", "seems to speak HTTP"),
    ] {
        let mut client = served.client().await;
        client.write_all(bytes).await.unwrap();
        client.shutdown().await.unwrap();
        served.until_said(said).await;
    }
}
