//! The control socket.

use std::os::unix::fs::PermissionsExt;

use model::{BodyClass, MessageBody};
use orris_runtime::control::{Answer, AskError, Content, Request, SOCKET_FILE, ask};
use testkit::eventually;

use crate::fake::*;

fn send(item: &str, body: &[u8]) -> Request {
    let (class, doc_type) = (BodyClass::TEXT.0.to_owned(), "NOTE".to_owned());
    let (item, name) = (item.to_owned(), "note.txt".to_owned());
    Request::Send { item, class, doc_type, name, body: Content::of(body) }
}

#[tokio::test]
async fn status_send_and_stop_are_answered() {
    let (feed, _) = item("In", &FEED, &["Out"]);
    let (sink, sinking) = item("Out", &SINK, &[]);
    let production = Production::of(vec![feed, sink]);
    let dir = production.dir.path();
    // A crash leaves a socket that nobody listens at.
    drop(std::os::unix::net::UnixListener::bind(dir.join(SOCKET_FILE)).unwrap());
    let director = production.start().await;
    assert_eq!(std::fs::metadata(dir.join(SOCKET_FILE)).unwrap().permissions().mode() & 0o777, 0o600);

    let Answer::Status(status) = ask(dir, &Request::Status).await.unwrap() else { panic!("no status") };
    assert_eq!((status.production.as_str(), status.items.len()), ("Test.Production", 2));
    assert_eq!(status.process, std::process::id());

    let bytes = b"\x0bM\xfcller\x1c";
    for target in ["Out", "In"] {
        let Answer::Sent(session) = ask(dir, &send(target, bytes)).await.unwrap() else { panic!("not sent") };
        let header = &production.reader().session(session).unwrap()[0];
        let body = production.reader().body(header.body.unwrap()).unwrap().unwrap();
        assert_eq!((body.content().as_ref(), body.name()), (bytes.as_slice(), "note.txt"));
        assert_eq!(body.doc_type(), "NOTE");
    }
    eventually(SOON, || sinking.count() == 2).await;
    let refused = ask(dir, &send("Nobody", b"text")).await.unwrap();
    assert_eq!(refused, Answer::Refused("\"Nobody\" is no item of this production".to_owned()));

    assert_eq!(ask(dir, &Request::Stop).await.unwrap(), Answer::Stopping);
    director.stop_requested().await;
    director.stop().await;
    let error = ask(dir, &Request::Status).await.unwrap_err();
    assert!(matches!(error, AskError::NotRunning { .. }), "{error}");
}

#[tokio::test]
async fn what_is_sent_by_hand_is_stored_when_it_is_answered() {
    let (sink, _) = item("Out", &SINK, &[]);
    let production = Production::of(vec![sink]);
    let director = production.start().await;
    let session = director.send("Out", MessageBody::new(BodyClass::TEXT, "by hand")).await.unwrap();
    let trace = production.reader().session(session).unwrap();
    assert_eq!((trace.len(), &*trace[0].source, &*trace[0].target), (1, "orris send", "Out"));
    assert!(director.send("Nobody", MessageBody::new(BodyClass::TEXT, "")).await.is_err());
    director.stop().await;
}
