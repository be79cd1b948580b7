//! Patient data stays in messages, over MLLP as well: an invented name goes down the error paths of
//! `hl7.tcp` both ways, and is then looked for in all that the engine says of itself and in the
//! acknowledgements that it makes. Those name the control id of the message (MSA-2), as they have to.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use orris_tests::{
    Does, Engine, MllpClient, MllpReceiver, NAME, Said, acknowledgement, eventually, framed, free_port,
};

/// Where each service listens, and where each receiver is.
struct Ports {
    open: u16,
    strict: u16,
    asking: u16,
    secure: u16,
    closed: u16,
    few: u16,
    gone: u16,
    hostile: MllpReceiver,
    lying: MllpReceiver,
}

/// Answers to a message, each wrong in its own way and full of the name.
fn hostile(number: usize, message: &str) -> Does {
    let ack = |code: &str, text: &str| framed(&acknowledgement(message, code, text));
    let with_error = |code: &str| {
        framed(&(acknowledgement(message, code, NAME) + &format!("ERR|{NAME}|PID^1^5|101|E||||{NAME}\r")))
    };
    let other_id = framed(&acknowledgement(&format!("MSH|^~\\&||||||||{NAME}"), "AA", NAME));
    let answers = [
        ack("AE", NAME),
        with_error("AR"),
        with_error("CE"),
        ack(NAME, NAME),
        ack("", NAME),
        other_id,
        framed(NAME),
        framed(&format!("MSH|{NAME}\rMSA|AA|{NAME}\r")),
        framed(&format!("MSH|^~\\&|{NAME}|||||{NAME}|{NAME}|1\rERR|{NAME}\r")),
        NAME.as_bytes().to_vec(),
        format!("\u{b}{NAME}").into_bytes(),
        b"\x15".to_vec(),
    ];
    match answers.get(number % (answers.len() + 2)) {
        Some(answer) => Does::Say(answer.clone()),
        None if number.is_multiple_of(2) => Does::TakeAndClose,
        None => Does::TakeAndCloseWithin,
    }
}

fn production(ports: &Ports) -> String {
    let Ports { open, strict, asking, secure, closed, few, gone, hostile, lying } = ports;
    let (hostile, lying) = (hostile.port(), lying.port());
    format!(
        r#"production: Privacy.Mllp
services:
  Open:
    type: hl7.tcp
    targets: [Router, Hostile, Keyed]
    settings: {{ listen: "127.0.0.1:{open}", max_message_size: 8KiB, read_timeout: 200ms, add_nack_err: true, framing: mllp }}
  Strict:
    type: hl7.tcp
    targets: [Router]
    settings: {{ listen: "127.0.0.1:{strict}", validation: tables, z_segments: reject, add_nack_err: true, message_schema_category: "2.5" }}
  Asking:
    type: hl7.tcp
    targets: [Hostile]
    settings: {{ listen: "127.0.0.1:{asking}", ack_mode: application, response_timeout: 5s, add_nack_err: true }}
  Few:
    type: hl7.tcp
    targets: [Gone, Lying]
    settings: {{ listen: "127.0.0.1:{few}" }}
  Secure:
    type: hl7.tcp
    targets: [Router]
    settings: {{ listen: "127.0.0.1:{secure}", tls: {{ certificate: server.pem, key: server.key }} }}
  Closed:
    type: hl7.tcp
    targets: [Router]
    settings: {{ listen: "127.0.0.1:{closed}", allowed_addresses: ["10.1.2.3"] }}
processes:
  Router:
    type: hl7.router
    settings:
      validation: tables
      z_segments: reject
      bad_message_handler: Bad
      rules:
        - {{ name: named, when: 'PID.PatientName.FamilyName > 5 or PID-5.2 = "Secretgiven"', send: [Keyed] }}
operations:
  Hostile:
    type: hl7.tcp
    retry_interval: 20ms
    failure_timeout: 100ms
    settings: {{ address: "127.0.0.1:{hostile}", response_timeout: 50ms, save_replies: all }}
  Lying:
    type: hl7.tcp
    retry_interval: 20ms
    failure_timeout: 100ms
    settings: {{ address: "127.0.0.1:{lying}", response_timeout: 50ms, tls: {{ ca: ca.pem, server_name: localhost }} }}
  Gone:
    type: hl7.tcp
    retry_interval: 20ms
    failure_timeout: 100ms
    settings: {{ address: "127.0.0.1:{gone}" }}
  Keyed:
    type: hl7.tcp
    pool_size: 3
    order_by: PID-5.1
    retry_interval: 20ms
    failure_timeout: 100ms
    settings: {{ address: "127.0.0.1:{hostile}", response_timeout: 50ms, window: 4, reply_code_actions: ":?A=W,:*=W,:I?=W,:~=S,E=S,X=RF" }}
  Bad:
    type: hl7.file
    settings: {{ file_path: bad, file_name: "{{id}}" }}
"#
    )
}

/// A message with a control id of its own, and the name in its patient.
fn message(control_id: &str, rest: &str) -> String {
    format!(
        "MSH|^~\\&|WARD|NORTH|ORRIS|LAB|20260102030405||ADT^A01^ADT_A01|{control_id}|P|2.5\r\
         EVN||20260102030405\rPID|1||7||{NAME}\r{rest}"
    )
}

/// Messages that are wrong by a schema, with the name where they are.
fn invalid() -> Vec<String> {
    let long = NAME.repeat(40);
    let fields = [
        format!("PID|{NAME}||{NAME}||{NAME}|{NAME}|{NAME}|{NAME}|{NAME}\rPV1|1|{NAME}\r"),
        format!("PV1|1|I|{long}||||||||||||||||||||||||||||||||||||||||{NAME}|{NAME}\r"),
        format!("PV1|1|I~{NAME}|~{NAME}\rDG1|{NAME}|{NAME}|{NAME}|{NAME}|{NAME}|{NAME}\r"),
        format!("ZNM|{NAME}\r{NAME}|1\rPV1|1|I\r"),
        format!("PV1|1|I\rPV1|1|{NAME}\rEVN|{NAME}\r"),
        format!("PV1|1|I\rOBX|1|NM|{NAME}||{NAME}|{NAME}||{NAME}|||{NAME}|||{NAME}\r"),
        format!("PV1|1|I\rOBX|1|{NAME}|1||{NAME}\rAL1|1|{NAME}|{NAME}|{NAME}|{NAME}|{NAME}\r"),
        String::new(),
    ];
    fields.iter().enumerate().map(|(number, rest)| message(&format!("INVALID{number}"), rest)).collect()
}

/// What is no message, as bytes on the line.
fn junk() -> Vec<Vec<u8>> {
    let usual = message("JUNK", "PV1|1|I\r");
    [
        NAME.to_owned(),
        format!("{NAME}\r\n\r\n{NAME}"),
        format!("GET /{NAME} HTTP/1.1\r\nHost: {NAME}\r\n\r\n"),
        format!("\u{b}{NAME}\u{1c}\r"),
        format!("\u{b}MSH{NAME}\u{1c}\r"),
        format!("\u{b}MSH|{NAME}\u{1c}\r"),
        format!("\u{b}MSH|^~\\&^{NAME}|WARD\rPID|1||7||{NAME}\u{1c}\r"),
        format!("\u{b}MSH|||{NAME}\rPID|1||7||{NAME}\u{1c}\r"),
        format!("\u{b}msh|^~\\&|{NAME}\u{1c}\r"),
        format!("{NAME}\u{b}{usual}\u{1c}\r{NAME}"),
        format!("\u{b}{usual}"),
        format!("\u{b}{usual}\u{1c}"),
        format!("\u{b}{}\u{b}{NAME}\u{1c}\r", &usual[..60]),
        format!("\u{b}{usual}NTE|1||{}\u{1c}\r", NAME.repeat(1_000)),
        format!("\u{b}{}\u{1c}\r", NAME.repeat(1_000)),
        format!("\u{b}FHS|^~\\&|{NAME}\rBHS|^~\\&|{NAME}\r{usual}{NAME}\rBTS|{NAME}\rFTS|{NAME}\r\u{1c}\r"),
        format!("\u{b}{usual}{NAME}\r\u{1c}\r\u{b}\u{1c}\r\u{b}{NAME}\u{1c}\r"),
        framed(&usual)
            .iter()
            .map(|byte| *byte as char)
            .collect::<String>()
            .replace("|P|2.5", "|P|2.5||||||8859/Z"),
    ]
    .map(String::into_bytes)
    .into()
}

/// What is answered to bytes, until the other side has closed.
fn shout(port: u16, bytes: &[u8]) -> String {
    let mut client = MllpClient::connect(port).expect("connected");
    let mut heard = String::new();
    // One that is refused may be cut off before it has said all.
    if client.send(bytes).is_ok() {
        client.finish();
        while let Some(answer) = client.heard() {
            writeln!(heard, "{answer}").expect("text");
        }
    }
    heard
}

/// What the answer to each message is; the next one is sent when it has come.
fn ask(port: u16, messages: &[String]) -> Vec<String> {
    let mut client = MllpClient::connect(port).expect("connected");
    let answer = |message: &String| {
        client.send(&framed(message)).expect("sent");
        client.heard().unwrap_or_else(|| panic!("no answer to {message}"))
    };
    messages.iter().map(answer).collect()
}

/// Goes down every path; answers that the engine makes are noted with what it says.
fn misbehave(ports: &Ports, said: &mut Said) {
    for (number, bytes) in junk().iter().enumerate() {
        for port in [ports.open, ports.strict, ports.asking] {
            let answer = shout(port, bytes);
            // Through the asking one the receiver's own words come back, and they are his.
            if port != ports.asking {
                said.add(format!("answer to junk {number}"), answer);
            }
        }
        shout(ports.secure, bytes);
        shout(ports.closed, bytes);
    }
    let refused = ask(ports.strict, &invalid());
    assert!(refused.iter().all(|answer| answer.contains("MSA|AE|INVALID")), "{refused:#?}");
    assert!(refused.iter().all(|answer| answer.contains("\rERR|")), "{refused:#?}");
    said.add("answers to invalid messages", refused.join("\n"));
    let taken = ask(ports.open, &invalid());
    assert!(taken.iter().all(|answer| answer.contains("MSA|AA|INVALID")), "{taken:#?}");
    said.add("answers to messages", taken.join("\n"));
    let sound: Vec<_> = (0..20).map(|number| message(&format!("SOUND{number}"), "PV1|1|I\r")).collect();
    said.add("answers to sound messages", ask(ports.open, &sound).join("\n"));
    said.add("answer to one for nobody", ask(ports.few, &sound[..1]).join("\n"));
    let named: Vec<_> = (0..4).map(|_| message(NAME, "PV1|1|I\r")).collect();
    ask(ports.open, &named);
    for answer in ask(ports.asking, &sound) {
        // The receiver's answers go back as they are; those made here say that none came, and why.
        if answer.contains("not delivered") {
            said.add("answers for the receiver", answer);
        }
    }
}

/// Waits until nothing more happens.
fn until_settled(engine: &mut Engine) {
    let reader = store::Reader::open(engine.data_dir()).expect("a reader beside the engine");
    eventually("every queue is empty", || {
        assert!(!engine.ended(), "{}", engine.log());
        reader.queues().ok()?.is_empty().then_some(())
    });
}

/// `orris hl7 check` on all of it.
fn check_by_hand(folder: &Path, engine: &Engine, said: &mut Said) {
    let texts = invalid().into_iter().map(String::into_bytes).chain(junk());
    for (number, text) in texts.enumerate() {
        let file = folder.join(format!("{number}.hl7"));
        fs::write(&file, text).expect("written");
        for form in
            [&["hl7", "check"][..], &["hl7", "check", "--json"], &["hl7", "check", "--level", "tables"]]
        {
            let output = engine.orris(&[form, &[&file.display().to_string()]].concat());
            for bytes in [output.stdout, output.stderr] {
                said.add(format!("{form:?} {number}"), String::from_utf8_lossy(&bytes).into_owned());
            }
        }
    }
}

/// A certificate for `localhost`, and the authority that has signed it: itself.
fn certify(data: &Path) {
    fs::create_dir_all(data).expect("created");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    fs::write(data.join("server.pem"), made.cert.pem()).expect("written");
    fs::write(data.join("ca.pem"), made.cert.pem()).expect("written");
    fs::write(data.join("server.key"), made.signing_key.serialize_pem()).expect("written");
}

/// The paths that were meant to be gone down, by what is said at their ends.
const ENDS: [&str; 14] = [
    "bytes outside of frames",
    "longer than max_message_size",
    "in the midst of a message",
    "allowed_addresses",
    "TLS failed",
    "invalid: ",
    "MSH-2",
    "not delivered",
    "no HL7 answer",
    "closed the connection before it answered",
    "cannot connect",
    "no answer from",
    "within an answer",
    "suspended",
];

#[test]
fn a_patient_is_named_to_nobody_over_mllp() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    certify(&data);
    let [open, strict, asking, secure, closed, few, gone] = [(); 7].map(|()| free_port());
    let ports = Ports {
        open,
        strict,
        asking,
        secure,
        closed,
        few,
        gone,
        hostile: MllpReceiver::scripted(hostile),
        lying: MllpReceiver::scripted(|_, _| Does::Say(NAME.as_bytes().to_vec())),
    };
    let production = production(&ports);
    let mut said = Said::default();
    for (life, arguments) in [("first", ["--log-level", "trace"]), ("second", ["--log", "json"])] {
        let mut engine = Engine::start_with(folder.path(), &production, &[], &arguments);
        assert!(engine.ready(), "{}", engine.log());
        misbehave(&ports, &mut said);
        until_settled(&mut engine);
        check_by_hand(folder.path(), &engine, &mut said);
        said.ask_all(&engine);
        let outcome = if life == "first" { engine.kill() } else { engine.stop() };
        said.add(format!("standard output, {life} life"), engine.printed());
        said.add(format!("standard error, {life} life"), outcome.log);
    }
    let content = "SELECT count(*) FROM MessageBody WHERE instr(Content, 'Zzmarkedname^Secretgiven') > 0";
    let contents = orris_tests::orris(&data, &["sql", "--csv", content]);
    let stored = String::from_utf8_lossy(&contents.stdout).lines().last().and_then(|line| line.parse().ok());
    assert!(stored.is_some_and(|count: usize| count > 50), "{stored:?} contents hold the name");
    let missing: Vec<_> = ENDS.iter().filter(|end| !said.has(end)).collect();
    let leaks = said.leaks();
    assert!(leaks.is_empty(), "{} lines name the patient:\n{}", leaks.len(), leaks.join("\n"));
    assert!(missing.is_empty(), "paths that were not gone down: {missing:?}");
}
