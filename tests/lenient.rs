//! What senders in the wild get away with elsewhere goes through the real binary over MLLP: in by
//! `hl7.tcp`, out into a file and out by `hl7.tcp`, each byte as it came; without validation and with that
//! of the structure, where what is refused is kept with its bytes and its sender is told why. The commands
//! `orris hl7` read the same messages.

use std::fs;
use std::path::Path;

use model::{MessageStatus, MessageType};
use orris_tests::{Engine, MllpClient, eventually, field, free_port, orris};
use store::{MessageFilter, Reader};

/// Something that comes in one frame.
struct Case {
    name: &'static str,
    bytes: Vec<u8>,
    /// The messages that are to go through, in order, with the control id of each.
    messages: Vec<(&'static str, Vec<u8>)>,
    /// How the refusal begins for those that cannot be read, or are not of their structure.
    unreadable: Option<&'static str>,
    invalid: Option<&'static str>,
}

impl Case {
    /// The refusal under that validation.
    fn refused(&self, validation: &str) -> Option<&'static str> {
        self.unreadable.or(self.invalid.filter(|_| validation != "none"))
    }
}

fn one(name: &'static str, bytes: impl Into<Vec<u8>>) -> Case {
    let bytes = bytes.into();
    Case { name, messages: vec![(name, bytes.clone())], bytes, unreadable: None, invalid: None }
}

fn invalid(name: &'static str, bytes: impl Into<Vec<u8>>, reason: &'static str) -> Case {
    Case { invalid: Some(reason), ..one(name, bytes) }
}

/// MSH with these encoding characters, type, control id, and all from MSH-12 on.
fn header(encoding: &str, kind: &str, id: &str, rest: &str) -> String {
    format!("MSH|{encoding}|WARD|NORTH|ORRIS|LAB|20260102030405||{kind}|{id}|P|{rest}")
}

const USUAL: &str = "ADT^A01^ADT_A01";

/// An admission with this MSH and this last segment.
fn after(header: &str, last: &str) -> String {
    format!("{header}\rEVN||20260102030405\rPID|1||100||Sample^Robin\rPV1|1|I\r{last}\r")
}

/// An observation, which may have notes.
fn result(id: &str, text: &str) -> String {
    let header = header(r"^~\&", "ORU^R01^ORU_R01", id, "2.5");
    format!("{header}\rPID|1||100||Sample^Robin\rOBR|1|||GLU\rOBX|1|FT|GLU||{text}||||||F\rNTE|1||{text}\r")
}

fn with(id: &str, version: &str, last: &str) -> String {
    after(&header(r"^~\&", USUAL, id, version), last)
}

fn plain(id: &str) -> String {
    with(id, "2.5", "AL1|1|DA|PEN")
}

/// An admission in that charset, whose patient's family name is these bytes.
fn in_charset(name: &'static str, charset: &str, family: &[u8]) -> Case {
    let head = header(r"^~\&", USUAL, name, &format!("2.5||||||{charset}"));
    let head = format!("{head}\rEVN||20260102030405\rPID|1||100||");
    one(name, [head.as_bytes(), family, b"^Robin\rPV1|1|I\r"].concat())
}

fn separators_and_segments() -> Vec<Case> {
    let version = |id, version| with(id, version, "PV2|");
    let no_version = "invalid: no schema is known for the version in MSH-12";
    let no_type = "invalid: segment 1 (MSH), field 9: schema \"2.5\" has no structure";
    let kind = |id, kind| after(&header(r"^~\&", kind, id, "2.5"), "PV2|");
    let twice = after(&header(r"^~\\&", USUAL, "TWICE", "2.5"), "PV2|");
    vec![
        one("FIVE", after(&header(r"^~\&#", USUAL, "FIVE", "2.3"), "AL1|1|DA|PEN#^G")),
        one("LOST", after(&header("^~&", USUAL, "LOST", "2.5"), "AL1|1|DA|PEN^G")),
        Case {
            unreadable: Some("MSH-2 has its escape character twice"),
            messages: vec![("", twice.clone().into())],
            ..one("TWICE", twice)
        },
        one("SFT", plain("SFT").replace("|2.5", "|2.3").replace("EVN|", "SFT|Orris|1|x|y\rEVN|")),
        invalid("PRT", with("PRT", "2.5.1", "PRT|1|AD||AP"), "invalid: segment 5 (PRT) is not in 2.5.1"),
        one("ZSEG", with("ZSEG", "2.5", "ZPD|1|x\rZ99|2")),
        invalid("ABC", with("ABC", "2.5", "ABC|1|x"), "invalid: segment 5 (ABC) is not in 2.5:ADT_A01"),
        one("BARE", with("BARE", "2.5", "PV2")),
        one("NULL", with("NULL", "2.5", "PV2|\"\"|\"\"")),
        Case { messages: vec![("", plain("").into())], ..one("NOID", plain("")) },
        invalid("VERP", version("VERP", "P"), no_version),
        invalid("VERNO", version("VERNO", ""), no_version),
        invalid("VERZ", version("VERZ", "2.3.z"), no_version),
        one("VERC", version("VERC", "2.5^USA^2.5")),
        one("TYPE2", kind("TYPE2", "ADT^A04")),
        invalid("TYPE1", kind("TYPE1", "ADT"), no_type),
        invalid("TYPE0", kind("TYPE0", ""), no_type),
    ]
}

fn escapes_and_charsets() -> Vec<Case> {
    vec![
        one("LONE", result("LONE", r"BSV 4\5 re.")),
        one("UNKNOWN", result("UNKNOWN", r"a\Q9\b\Zxx\c\XZZ\d\")),
        one("FORMAT", result("FORMAT", r"a\.br\b\H\c\N\d\X0D0A\e\.sp2\f\C2842\g\M1B2842\")),
        // Their second bytes are \ | ^ ~, in ASCII.
        in_charset("SJIS", "SHIFT_JIS", b"\x95\x5c\x83\x5c\x83\x7c\x83\x5e\x83\x7e"),
        in_charset("BIG5", "BIG-5", b"\xa5\x5c\xa8\x7c\xa5\x5e\xa5\x7e"),
        in_charset("JIS", "ISO IR87", b"\x1b$B\x30\x5c\x30\x7c\x30\x5e\x30\x7e\x1b(B"),
        in_charset("GB", "GB 18030-2000", b"\x81\x5c\x81\x7c\x81\x5e\x81\x7e"),
        in_charset("LATIN1", "", b"M\xfcller"),
        in_charset("UTF8", "UNICODE UTF-8", "Müller日本".as_bytes()),
        in_charset("LIED", "UNICODE UTF-8", b"M\xfcller"),
        in_charset("KLINGON", "KLINGON-8", "Müller".as_bytes()),
    ]
}

fn lines_and_frames() -> Vec<Case> {
    let several = |name, ids: [&'static str; 2], bytes: String| {
        let text = |id| plain(id).replace('\r', if bytes.contains('\n') { "\n" } else { "\r" });
        Case { messages: ids.map(|id| (id, text(id).into())).into(), ..one(name, bytes) }
    };
    let image = "QUJD".repeat(512 << 10);
    vec![
        one("BOM", format!("\u{feff}{}", plain("BOM"))),
        one("CRLF", plain("CRLF").replace('\r', "\r\n")),
        one("LF", plain("LF").replace('\r', "\n")),
        one("MIXED", plain("MIXED").replacen('\r', "\n", 1).replacen('\r', "\r\n", 1) + "\n\r"),
        one("NOEND", plain("NOEND").trim_end()),
        one("BLANKS", format!("{}   ", plain("BLANKS").replace("|I\r", "|I   \r"))),
        one("EMPTY", plain("EMPTY").replace('\r', "\r\r  \r") + "\r\r"),
        one("INDENT", format!("   {}", plain("INDENT"))),
        one("STEPS", format!("\r\n  {}", plain("STEPS").replace('\r', "\r\n  "))),
        one("INSIDE", result("INSIDE", "a\u{1c}b\u{b}c")),
        one("LARGE", with("LARGE", "2.5", &format!("OBX|1|ED|DOC||^application^pdf^Base64^{image}||||||F"))),
        several("TWO", ["TWOA", "TWOB"], plain("TWOA") + &plain("TWOB")),
        several("TWOLF", ["TWOC", "TWOD"], (plain("TWOC") + &plain("TWOD")).replace('\r', "\n")),
        several(
            "BATCH",
            ["BATA", "BATB"],
            format!("FHS|^~\\&|W\rBHS|^~\\&|W\r{}{}BTS|2\rFTS|1\r", plain("BATA"), plain("BATB")),
        ),
    ]
}

fn cases() -> Vec<Case> {
    separators_and_segments().into_iter().chain(escapes_and_charsets()).chain(lines_and_frames()).collect()
}

/// Out into a file and out over MLLP, to a service of the same engine and then into another file.
fn production(port: u16, back: u16, validation: &str) -> String {
    format!(
        "production: Lenient
services:
  In:
    type: hl7.tcp
    targets: [Router]
    settings: {{ listen: '127.0.0.1:{port}', validation: {validation} }}
  Back:
    type: hl7.tcp
    targets: [Again]
    settings: {{ listen: '127.0.0.1:{back}', framing: mllp }}
processes:
  Router:
    type: hl7.router
    settings:
      bad_message_handler: Bad
      rules: [ {{ otherwise: true, send: [Out, Next] }} ]
operations:
  Out: {{ type: hl7.file, settings: {{ file_path: out, file_name: '{{id}}' }} }}
  Bad: {{ type: hl7.file, settings: {{ file_path: bad, file_name: '{{id}}' }} }}
  Next: {{ type: hl7.tcp, settings: {{ address: '127.0.0.1:{back}' }} }}
  Again: {{ type: hl7.file, settings: {{ file_path: again, file_name: '{{id}}' }} }}
"
    )
}

/// What the files of a folder hold, in the order of the messages that they were written for.
fn written(folder: &Path) -> Vec<Vec<u8>> {
    let files = fs::read_dir(folder).expect("the folder is there").flatten();
    let id = |file: &fs::DirEntry| file.file_name().to_string_lossy().parse::<u64>().expect("an id");
    let mut files: Vec<_> = files.map(|file| (id(&file), file.path())).collect();
    files.sort();
    files.into_iter().map(|(_, path)| fs::read(path).expect("readable")).collect()
}

/// What `In` has refused, with the bytes of each.
fn refused(data_dir: &Path) -> Vec<(String, Vec<u8>)> {
    let reader = Reader::open(data_dir).expect("a reader");
    let filter = MessageFilter {
        message_type: Some(MessageType::Request),
        oldest_first: true,
        limit: 1_000,
        ..MessageFilter::default()
    };
    let headers = reader.messages(&filter).expect("readable");
    let refused = headers.iter().filter(|header| header.status == MessageStatus::Error);
    let body = |id| reader.body(id).expect("readable").expect("it is there").content().to_vec();
    refused.map(|header| (header.error_status.to_string(), body(header.body.expect("one")))).collect()
}

/// Sends all, each after the answers to the one before, and looks at the answers.
fn send(port: u16, cases: &[Case], validation: &str) {
    let mut client = MllpClient::connect(port).expect("connected");
    for case in cases {
        client.send(&[b"\x0b", &case.bytes[..], b"\x1c\r"].concat()).expect("sent");
        for (id, _) in &case.messages {
            let answer = client.heard().unwrap_or_else(|| panic!("{}: no answer", case.name));
            let reason = case.refused(validation);
            let wanted = (if reason.is_some() { "AE" } else { "AA" }, *id);
            assert_eq!((field(&answer, "MSA", 1), field(&answer, "MSA", 2)), wanted, "{}", case.name);
            let text = field(&answer, "MSA", 3);
            assert!(text.starts_with(reason.unwrap_or_default()), "{}: {text}", case.name);
        }
    }
}

fn passes(validation: &str) {
    let (folder, cases) = (tempfile::tempdir().expect("a folder"), cases());
    let (port, back) = (free_port(), free_port());
    let mut engine = Engine::start(folder.path(), &production(port, back, validation), &[]);
    assert!(engine.ready(), "{}", engine.log());
    send(port, &cases, validation);
    let reader = Reader::open(engine.data_dir()).expect("a reader beside the engine");
    eventually("everything is done", || reader.queues().ok()?.is_empty().then_some(()));
    assert!(engine.stop().status.success(), "{}", engine.log());

    let good = cases.iter().filter(|case| case.refused(validation).is_none());
    let wanted: Vec<_> = good.flat_map(|case| &case.messages).collect();
    for way in ["out", "again"] {
        let got = written(&engine.data_dir().join(way));
        for (number, (id, bytes)) in wanted.iter().enumerate() {
            let got = got.get(number).unwrap_or_else(|| panic!("{id} is not in \"{way}\""));
            assert!(got == bytes, "{id} in \"{way}\": {:?}", String::from_utf8_lossy(got));
        }
        assert_eq!(got.len(), wanted.len(), "{way}");
    }
    assert!(!engine.data_dir().join("bad").exists() || written(&engine.data_dir().join("bad")).is_empty());
    let kept = refused(engine.data_dir());
    let refused = cases.iter().filter_map(|case| Some((case, case.refused(validation)?)));
    for (number, (case, reason)) in refused.clone().enumerate() {
        let (said, bytes) = kept.get(number).unwrap_or_else(|| panic!("{} is not kept", case.name));
        assert!(said.starts_with(reason) && *bytes == case.bytes, "{}: {said}", case.name);
    }
    assert_eq!(kept.len(), refused.count());
    println!("validation {validation}: {} messages through, {} kept", wanted.len(), kept.len());
}

#[test]
fn without_validation_everything_goes_through_as_it_came() {
    passes("none");
}

#[test]
fn with_validation_only_what_is_invalid_is_refused_and_it_is_kept() {
    passes("structure");
}

#[test]
fn the_commands_read_what_the_engine_reads_and_change_nothing_in_passing() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("message.hl7");
    let path = file.to_str().expect("a name in UTF-8");
    for case in cases() {
        fs::write(&file, &case.bytes).expect("written");
        let run = |arguments: &[&str]| {
            let output = orris(folder.path(), &[&["hl7"], arguments, &[path]].concat());
            (output.status.code(), output.stdout, String::from_utf8_lossy(&output.stderr).into_owned())
        };
        let name = case.name;
        let (code, _, said) = run(&["check", "--level", "structure"]);
        assert!(matches!(code, Some(0 | 1)), "{name}: {said}");
        let readable = case.unreadable.is_none();
        for arguments in [&["show"][..], &["ack"], &["get", "PID-5.2"], &["set", "PID-5.2=Robin"]] {
            let (code, _, said) = run(arguments);
            assert_eq!(code, Some(i32::from(!readable)), "{name}: {arguments:?}: {said}");
            assert!(said.contains(case.unreadable.unwrap_or_default()), "{name}: {said}");
        }
        if !readable {
            continue;
        }
        let (_, got, _) = run(&["get", "PID-5.2"]);
        assert_eq!(got, "Robin\n".repeat(case.messages.len()).as_bytes(), "{name}");
        let (_, same, _) = run(&["set", "PID-5.2=Robin"]);
        assert!(same == case.bytes, "{name}: {:?}", String::from_utf8_lossy(&same));
        let (_, ack, _) = run(&["ack"]);
        for (id, _) in &case.messages {
            let wanted = format!("\rMSA|AA|{id}\r");
            assert!(String::from_utf8_lossy(&ack).replace('\n', "\r").contains(&wanted), "{name}");
        }
    }
}
