//! Tests of the process `script`: settings, decisions, sockets.

use std::time::Duration;

use model::{Built, Clock, EventKind, MessageBody, NoteKind, Outgoing};
use serde_json::{Value, json};
use testkit::{FakeClock, TestHost, message, request};

use super::*;
use crate::sockets::testing::{adt, close_code, lone_socket, serve, text};

const ADMISSION: &str = "MSH|^~\\&|LAB||||||ADT^A01|7|P|2.5\rPID|1||4711||Doe\rPV1|1|I\r";

fn checked(settings: Value) -> Checks {
    let mut checks = Checks::default();
    Script::check(&serde_json::from_value(settings).unwrap(), &mut checks);
    checks
}

fn notes(settings: Value) -> Vec<String> {
    let checks = checked(settings);
    let code = |note: &model::Note| match &note.range {
        Some(range) => format!("{} {range:?}", note.path),
        None => note.path.clone(),
    };
    checks.notes.iter().map(|note| format!("{}: {}", code(note), note.message)).collect()
}

async fn started(settings: Value, host: &TestHost) -> Box<dyn BusinessProcess> {
    let settings = serde_json::from_value(settings).unwrap();
    let Ok(Built::Process(mut process)) = Script::build(settings, &Library::default()) else {
        panic!("no process")
    };
    process.start(&host.context()).await.unwrap();
    process
}

async fn decide(settings: Value, host: &TestHost, requests: &[Message]) -> Vec<Decision> {
    started(settings, host).await.on_messages(requests, &host.context()).await
}

fn host() -> TestHost {
    TestHost::new("ToLab").targets(["Lab", "Archive"])
}

/// A decision as a line.
fn line(decision: &Decision) -> String {
    let sent = |sends: &[Outgoing]| {
        let one = |sent: &Outgoing| match &sent.body {
            None => sent.target.clone(),
            Some(body) => format!("{} ({})", sent.target, String::from_utf8_lossy(body.content())),
        };
        sends.iter().map(one).collect::<Vec<_>>().join(", ")
    };
    match decision {
        Decision::Completed { sends, .. } => format!("sent: {}", sent(sends)),
        Decision::Discarded(reason) => format!("discarded: {reason}"),
        Decision::Suspend { reason, .. } => format!("suspended: {reason}"),
        Decision::Reject { reason, sends, .. } => format!("rejected: {reason}: {}", sent(sends)),
        other => format!("{other:?}"),
    }
}

async fn decided(code: &str) -> String {
    line(&decide(json!({ "code": code }), &host(), &[message(1, ADMISSION)]).await[0])
}

#[tokio::test]
async fn what_is_sent_says_why() {
    let code = "send('Lab', msg, 'urgent'); send('Lab', undefined, 'copy'); send('Archive')";
    let decisions = decide(json!({ "code": code }), &host(), &[message(1, ADMISSION)]).await;
    let Decision::Completed { sends, .. } = &decisions[0] else { panic!("{:?}", decisions[0]) };
    let said: Vec<&str> = sends.iter().map(|sent| sent.description.as_str()).collect();
    assert_eq!(said, ["urgent", "copy", ""]);
    let wrong = decided("send('Lab', msg, 7)").await;
    assert!(wrong.contains("description is no text"), "{wrong}");
}

#[test]
fn what_is_wrong_with_the_code_is_marked_in_it() {
    assert_eq!(notes(json!({ "code": "send('Lab')" })), [""; 0]);
    for (code, expected) in [
        ("let a = 1;\nlet b = ;", "code 19..20: unexpected token in expression: \";\""),
        ("send('')", "code 6..6: the target of send is empty; expected the name of an item"),
        ("sockets.list()", "code 0..7: sockets are used, and no server is set"),
        ("msg.get('PID:5.1')", "code 9..16: \"PID:5.1\" is no path of this language"),
        ("msg.set('{PID:3(2).1}', '1')", "code 9..21: \"{PID:3(2).1}\" is no path of this language"),
        ("/(/", "code: expecting \")\""),
    ] {
        assert_eq!(notes(json!({ "code": code })), [expected], "{code}");
    }
    let settings = serde_json::from_value(json!({ "code": "let" })).unwrap();
    assert!(Script::build(settings, &Library::default()).is_err_and(|error| error.path == "code"));
}

#[test]
fn limits_have_limits() {
    let wrong = json!({ "code": "", "limits": { "memory": "1MiB", "time": "0s", "stack": "8MiB" } });
    let expected = [
        "limits.memory: memory is 1MiB; expected 2MiB to 1GiB",
        "limits.stack: stack is 8MiB; expected 32KiB to 4MiB",
        "limits.time: time is 0ms; expected 1ms to 1m",
    ];
    assert_eq!(notes(wrong), expected);
    let right = json!({ "code": "", "limits": { "memory": "2MiB", "time": "1m", "stack": "32KiB" } });
    assert_eq!(notes(right), [""; 0]);
}

#[test]
fn whom_the_code_names_is_sent_to() {
    let checks = checked(json!({
        "code": "send('Lab'); send('Lab'); // send('No')\nsend(\"Archive\", msg); send(name)",
        "server": "Web", "bad_message_handler": "Bad",
    }));
    let references: Vec<_> =
        checks.references.iter().map(|at| (at.path.as_str(), at.name.as_str(), at.component)).collect();
    let expected = [
        ("server", "Web", Some("websocket")),
        ("bad_message_handler", "Bad", None),
        ("code", "Lab", None),
        ("code", "Archive", None),
    ];
    assert_eq!(references, expected);
    assert!(checks.notes.iter().all(|note| note.kind != NoteKind::Error));
}

#[tokio::test]
async fn what_a_script_does_is_the_decision() {
    let upper = ADMISSION.replace("Doe", "DOE");
    for (code, expected) in [
        ("send('Lab'); send('Archive', msg)", "sent: Lab, Archive".to_owned()),
        ("", "sent: ".to_owned()),
        (
            "msg.set('PID-5', msg.get('PID-5').toUpperCase()); send('Lab'); send('Archive')",
            format!("sent: Lab ({upper}), Archive ({upper})"),
        ),
        ("send('Lab', 'hello')", "sent: Lab (hello)".to_owned()),
        ("discard('no inpatient')", "discarded: no inpatient".to_owned()),
        ("discard('')", "discarded: discarded by the script".to_owned()),
        ("suspend('look')", "suspended: look".to_owned()),
        ("send('Lab'); reject('bad ward')", "rejected: bad ward: Lab".to_owned()),
        ("const name = 'L' + 'ab'; send(name)", "sent: Lab".to_owned()),
        ("send('Else')", "sent: Else".to_owned()),
        ("const name = 'El' + 'se'; send(name)", "rejected: code line 1 column 32: TypeError: send: the target is none of the item's; add it to \"targets\": ".to_owned()),
        (
            "\n  send('Lab'); msg.nothing()",
            "rejected: code line 2 column 20: TypeError: not a function: ".to_owned(),
        ),
        ("sockets.list()", "rejected: code line 1 column 9: TypeError: no server is set; expected the name of a websocket service: ".to_owned()),
    ] {
        assert_eq!(decided(code).await, expected, "{code}");
    }
}

#[tokio::test]
async fn a_new_body_is_read_like_the_one_that_came() {
    let latin = b"MSH|^~\\&|A||||||ADT^A01|7|P|2.5||||||8859/1\rPID|1||M\xfcller".to_vec();
    let body = |charset: &str, name: &str| {
        MessageBody::described(BodyClass::HL7, latin.clone(), "x".into(), charset.to_owned(), name.to_owned())
    };
    for (charset, code, expected, label) in [
        ("", "msg.set('PID-5', 'é')", &b"M\xfcller||\xe9\r"[..], ""),
        ("ISO-8859-1", "msg.set('PID-5', 'é')", b"M\xfcller||\xe9\r", "ISO-8859-1"),
        ("", "msg.set('MSH-18', 'UNICODE UTF-8')", "Müller\r".as_bytes(), ""),
    ] {
        let requests = [request(1, body(charset, "a.hl7"))];
        let settings = json!({ "code": format!("{code}; send('Lab'); send('Archive')") });
        let Decision::Completed { sends, .. } = &decide(settings, &host(), &requests).await[0] else {
            panic!("{code}")
        };
        let new = sends[0].body.as_ref().unwrap();
        assert!(new.content().ends_with(expected), "{code}");
        assert_eq!((new.doc_type(), new.charset(), new.name()), ("2.5:ADT_A01", label, "a.hl7"), "{code}");
        assert_eq!(new.content().as_ptr(), sends[1].body.as_ref().unwrap().content().as_ptr(), "stored once");
        let read = hl7::Message::read(new.content().clone(), new.charset()).unwrap();
        assert!(read.text().contains("Müller"), "{code}");
    }
    let lost = json!({ "code": "msg.set('PID-5', '日'); send('Lab')" });
    let decision = &decide(lost, &host(), &[request(1, body("", ""))]).await[0];
    assert!(line(decision).contains("a character is not in the charset"), "{}", line(decision));
}

#[tokio::test]
async fn what_fails_goes_to_the_handler_and_names_no_patient() {
    let settings =
        json!({ "code": "send('Lab'); throw new Error(msg.get('PID-5'))", "bad_message_handler": "Bad" });
    let requests =
        [message(1, ADMISSION), message(2, "Doe"), request(3, MessageBody::new(BodyClass::TEXT, "Doe"))];
    let host = host();
    let decisions = decide(settings, &host, &requests).await;
    let lines: Vec<_> = decisions.iter().map(line).collect();
    assert_eq!(lines[0], "rejected: code line 1 column 34: Error; sent to \"Bad\": Bad");
    assert!(lines[1].starts_with("rejected: no segment MSH at the start"), "{}", lines[1]);
    assert!(lines[2].contains("the message is no HL7"), "{}", lines[2]);
    assert!(!format!("{lines:?} {:?}", host.events()).contains("Doe"));
}

#[tokio::test]
async fn what_a_script_says_is_an_event_about_its_message() {
    let host = host();
    let code =
        "log.info('one'); log.error('two'); alert('x'.repeat(5000)); if (context.id === 8) discard('no')";
    let decisions =
        decide(json!({ "code": code }), &host, &[message(7, ADMISSION), message(8, ADMISSION)]).await;
    let Decision::Completed { events, .. } = &decisions[0] else { panic!("{decisions:?}") };
    for said in [&events[..], &host.events()] {
        let kinds: Vec<_> = said.iter().map(|event| event.kind).collect();
        assert_eq!(kinds, [EventKind::Info, EventKind::Error, EventKind::Alert]);
        assert_eq!((said[0].text.as_str(), &*said[0].item), ("one", "ToLab"));
        assert_eq!(said[2].text.chars().count(), 4_001);
    }
    let about = [&events[0], &host.events()[0]].map(|event| event.message.map(|id| id.0));
    assert_eq!(about, [Some(7), Some(8)]);
}

#[tokio::test]
async fn an_answer_is_the_scripts_or_its_targets() {
    let code = "msg.set('MSH-9.1', 'ACK'); answer(msg); send('Lab'); send('Archive')";
    let settings = json!({ "code": code, "response_from": ["Archive"] });
    let decision = decide(settings, &host(), &[message(1, ADMISSION)]).await.remove(0);
    let Decision::Completed { sends, response, .. } = decision else { panic!("{decision:?}") };
    assert!(response.is_some_and(|body| body.content().starts_with(b"MSH|^~\\&|LAB||||||ACK^A01")));
    assert_eq!(sends.iter().map(|sent| sent.answers).collect::<Vec<_>>(), [false, true]);
    let decision =
        decide(json!({ "code": "answer(msg)" }), &host(), &[message(1, ADMISSION)]).await.remove(0);
    let Decision::Completed { response: Some(same), .. } = decision else { panic!("{decision:?}") };
    assert_eq!(same.content(), ADMISSION);
}

#[tokio::test]
async fn limits_are_those_of_the_settings_and_time_is_the_hosts() {
    let clock = FakeClock::new();
    let host = host().clock(clock.clone());
    let settings = json!({ "code": "while (msg.get('PID-3') === '4711') {}", "limits": { "time": "20ms" } });
    let requests = [message(1, ADMISSION), message(2, &ADMISSION.replace("4711", "1"))];
    let lines: Vec<_> = decide(settings, &host, &requests).await.iter().map(line).collect();
    assert!(lines[0].contains("took longer than the 20 ms that it has"), "{lines:?}");
    assert_eq!(lines[1], "sent: ");
    let mut process = started(json!({ "code": "send('Lab', `${now()} ${Date.now()}`)" }), &host).await;
    let mut said = async || line(&process.on_message(&message(1, ADMISSION), &host.context()).await);
    let now = clock.now().0;
    assert_eq!(said().await, format!("sent: Lab ({now} {now})"));
    clock.advance(Duration::from_secs(1));
    let later = now + 1_000;
    assert_eq!(said().await, format!("sent: Lab ({later} {later})"));
}

/// The article's loop.
const LOOP: &str = "
    for (const socket of sockets.list()) {
      const status = sockets.write(socket.id, 'Something has change!');
      if (status !== 'ok') sockets.remove(socket.id);
    }";

#[tokio::test]
async fn the_articles_loop_tells_every_socket_and_removes_the_closed_ones() {
    let host = TestHost::new("Server");
    let settings = json!({ "code": LOOP, "server": "Server" });
    let mut process = started(settings, &host).await;
    let (_killed, other) = lone_socket(&host, host.context().clock().now()).await;
    let served = serve(&host, json!({})).await;
    let mut client = served.client().await;
    served.until_hearing(2).await;
    drop(other);
    let said = |text: &str| host.events().iter().any(|event| event.text.starts_with(text));
    // The end of the connection is a packet of its own, and nothing says when it is in.
    let mut told = 0;
    while !said("socket deleted successfully (socket 1") {
        told += 1;
        let decision = process.on_message(&adt(told, "A01"), &host.context()).await;
        assert_eq!(line(&decision), "sent: ");
    }
    assert!(said("the socket is closed (socket 1"), "{:?}", host.events());
    for _ in 0..told {
        assert_eq!(text(&mut client).await, "Something has change!");
    }
    assert_eq!(host.sockets().len(), 1);
}

#[tokio::test]
async fn a_script_may_send_a_client_away_and_knows_who_is_there() {
    let host = TestHost::new("Server");
    let served = serve(&host, json!({})).await;
    let mut client = served.client().await;
    served.until_hearing(1).await;
    let code = "const [one] = sockets.list();
        if (!one) discard('nobody');
        log.info([one.sessionId.length, one.address.split(':')[0], one.user, sockets.write(99, 'x')].join(' '));
        log.info(`${sockets.remove(one.id)} ${sockets.remove(one.id)} ${sockets.write(one.id, 'x')}`)";
    let mut process = started(json!({ "code": code, "server": "Server" }), &host).await;
    let decision = process.on_message(&adt(1, "A01"), &host.context()).await;
    let Decision::Completed { events, .. } = decision else { panic!("{decision:?}") };
    let said: Vec<_> = events.iter().map(|event| event.text.as_str()).collect();
    assert_eq!(said, ["24 127.0.0.1  closed", "true false closed"]);
    assert_eq!(close_code(&mut client).await, 1000);
    assert!(
        host.events()
            .iter()
            .any(|event| event.text.starts_with("the socket was removed by a script (socket 1"))
    );
    let again = process.on_message(&adt(2, "A01"), &host.context()).await;
    assert_eq!(line(&again), "discarded: nobody");
}
