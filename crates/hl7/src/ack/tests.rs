//! Acknowledgements in tables.

use super::*;

fn message(text: &str) -> Message {
    Message::read(text.to_owned().into(), "").unwrap()
}

const OK: AckText<'_> =
    AckText { code: AckCode::AA, text: "", error: None, sender: "", control_id: "N7", time: "20260102" };

fn built(request: &str, ack: &AckText<'_>) -> String {
    String::from_utf8(build(Some(&message(request)), ack).to_vec()).unwrap()
}

#[test]
fn an_answer_goes_from_the_receiver_to_the_sender() {
    let adt = "MSH|^~\\&|LAB|HERE|HIS|THERE|2025||ADT^A01^ADT_A01|4711|T|2.5.1";
    for (request, sender, expected) in [
        (adt, "", "MSH|^~\\&|HIS|THERE|LAB|HERE|20260102||ACK^A01^ACK|N7|T|2.5.1\rMSA|AA|4711\r"),
        (adt, "ISC:Orris", "MSH|^~\\&|Orris|ISC|LAB|HERE|20260102||ACK^A01^ACK|N7|T|2.5.1\rMSA|AA|4711\r"),
        (adt, "A&B", "MSH|^~\\&|A\\T\\B|THERE|LAB|HERE|20260102||ACK^A01^ACK|N7|T|2.5.1\rMSA|AA|4711\r"),
        // by version
        ("MSH|^~\\&|||||||ADT^A01|1|P|2.3", "", "MSH|^~\\&|||||20260102||ACK^A01|N7|P|2.3\rMSA|AA|1\r"),
        ("MSH|^~\\&|||||||ADT^A01|1|P|2.1", "", "MSH|^~\\&|||||20260102||ACK|N7|P|2.1\rMSA|AA|1\r"),
        (
            "MSH|^~\\&|||||||ADT^A01|1|P|2.5^DEU",
            "",
            "MSH|^~\\&|||||20260102||ACK^A01^ACK|N7|P|2.5^DEU\rMSA|AA|1\r",
        ),
        // own separators, the charset, and what is not there
        (
            "MSH!@*%$!L!!!!!!ORU@R01!a%F%b!P!2.4!!!!!!UNICODE UTF-8~8859/1",
            "F:A!",
            "MSH!@*%$!A%F%!F!L!!20260102!!ACK@R01@ACK!N7!P!2.4!!!!!!UNICODE UTF-8~8859/1\rMSA!AA!a%F%b\r",
        ),
        ("MSH|^~&|L", "", "MSH|^~\\&|||L||20260102||ACK|N7|P|2.5.1\rMSA|AA|\r"),
        ("MSH|^~\\&#|L", "", "MSH|^~\\&#|||L||20260102||ACK|N7|P|2.5.1\rMSA|AA|\r"),
        (
            "MSH|^~\\&|L\x1C|||||||a\x07\x0B\x1C",
            "",
            "MSH|^~\\&|||L||20260102||ACK|N7|P|2.5.1\rMSA|AA|a\x07\r",
        ),
        ("MSH|^~|L", "", "MSH|^~|||L||20260102||ACK|N7|P|2.5.1\rMSA|AA|\r"),
    ] {
        assert_eq!(built(request, &AckText { sender, ..OK }), expected, "{request}");
    }
}

#[test]
fn what_could_not_be_read_is_answered_all_the_same() {
    let ack = AckText { code: AckCode::CR, text: "no MSH|", sender: "F:A", ..OK };
    let expected = "MSH|^~\\&|A|F|||20260102||ACK|N7|P|2.5.1\rMSA|CR||no MSH\\F\\\r";
    assert_eq!(build(None, &ack), expected);
}

#[test]
fn an_answer_is_in_the_charset_of_the_message() {
    for (charset, sender, expected) in [
        ("8859/1", b"M\xFCller" as &[u8], b"M\xFCller" as &[u8]),
        ("8859/2", b"\xA3\xF3d\xBC", b"\xA3\xF3d\xBC"),
        ("UNICODE UTF-8", "Łódź".as_bytes(), "Łódź".as_bytes()),
    ] {
        let parts = [b"MSH|^~\\&|", sender, b"||||||ADT^A01|1|P|2.5||||||", charset.as_bytes()];
        let request = Message::read(parts.concat().into(), "").unwrap();
        let answer = build(Some(&request), &AckText { sender: "日", ..OK });
        let fields: Vec<&[u8]> = answer.split(|byte| *byte == b'|').collect();
        assert_eq!(fields[4], expected, "{charset}");
        assert_eq!(fields[2], if charset == "UNICODE UTF-8" { "日".as_bytes() } else { b"?" });
    }
}

#[test]
fn errors_are_told_in_the_form_of_the_version() {
    let error = ErrSegment {
        location: Some("PID[2]-3.4".parse().unwrap()),
        code: ErrorCode::RequiredFieldMissing,
        severity: Severity::Error,
        diagnostic: String::new(),
        user_message: String::new(),
    };
    let ack = AckText { code: AckCode::AE, text: "field is empty", error: Some(error.clone()), ..OK };
    let tail = |version: &str, ack: &AckText<'_>| {
        let answer = built(&format!("MSH|^~\\&|||||||ADT^A01|1|P|{version}"), ack);
        answer.split_once('\r').unwrap().1.to_owned()
    };
    let old = "MSA|AE|1|field is empty\rERR|PID^2^3^101&Required field missing&HL70357\r";
    let new = "MSA|AE|1|field is empty\rERR||PID^2^3^1^4|101^Required field missing^HL70357|E\r";
    let newest = "MSA|AE|1\rERR||PID^2^3^1^4|101^Required field missing^HL70357|E||||field is empty\r";
    for (version, expected) in
        [("2.2", old), ("2.4", old), ("2.5", new), ("2.6", new), ("2.7", newest), ("2.8.2", newest)]
    {
        assert_eq!(tail(version, &ack), expected, "{version}");
    }
    for version in ["2.4", "2.6", "2.7", "2.8.2"] {
        let without = AckText { error: None, ..ack.clone() };
        assert_eq!(tail(version, &without), "MSA|AE|1|field is empty\r", "{version}: nowhere else to say it");
    }
    let error = ErrSegment { location: None, diagnostic: "a|b".to_owned(), ..error };
    let expected = "MSA|AE|1|x\rERR|||101^Required field missing^HL70357|E|||a\\F\\b\r";
    assert_eq!(tail("2.5", &AckText { text: "x", error: Some(error), ..ack }), expected);
}

#[test]
fn what_is_built_is_read() {
    let request = message("MSH|^~\\&|LAB||||||ADT^A01|a\\T\\1|P|2.5");
    for code in CODES.map(|(_, code)| code) {
        let answer = build(Some(&request), &AckText { code, text: "so | so", ..OK });
        let ack = Ack::read(&Message::read(answer, "").unwrap()).unwrap();
        let expected = Ack {
            code: Some(code),
            code_text: code.to_string(),
            control_id: "a&1".into(),
            text: "so | so".into(),
        };
        assert!(ack == expected && ack.answers(&request), "{code}");
        assert!(!format!("{ack:?}").contains("so"));
        assert_eq!(code.to_string().parse(), Ok(code));
        assert!(!(code.is_positive() && code.is_error()));
        assert!(code.to_commit().as_str().starts_with('C'));
        assert_eq!(code.to_commit().is_positive(), code.is_positive());
    }
}

#[test]
fn an_answer_of_any_form_is_read() {
    for (rest, expected) in [
        ("", None),
        ("MSA", Some((None, "", "", ""))),
        ("MSA||7", Some((None, "", "7", ""))),
        ("MSA| aa |7 ", Some((Some(AckCode::AA), "aa", "7", ""))),
        ("MSA|OK|7|fine", Some((None, "OK", "7", "fine"))),
        ("MSA|AE|7\rERR|||||||in 7|in 8", Some((Some(AckCode::AE), "AE", "7", "in 8"))),
        ("MSA|AE|7\rERR|||||||in 7", Some((Some(AckCode::AE), "AE", "7", "in 7"))),
    ] {
        let ack = Ack::read(&message(&format!("MSH|^~\\&|A\r{rest}")));
        let found = ack.as_ref().map(|ack| (ack.code, &*ack.code_text, &*ack.control_id, &*ack.text));
        assert_eq!(found, expected, "{rest}");
    }
    let other = message("MSH|^~\\&|||||||ADT|8");
    assert!(!Ack::read(&message("MSH|^~\\&|A\rMSA|AA|7")).unwrap().answers(&other));
}

#[test]
fn what_is_wanted_is_in_the_message_or_the_mode() {
    use When::{Always, Error, Never, Success};
    for (mode, fields, expected) in [
        (AckMode::Never, "AL|AL", (Never, Never)),
        (AckMode::Immediate, "NE|AL", (Always, Never)),
        (AckMode::Byte, "", (Always, Never)),
        (AckMode::Application, "AL|NE", (Never, Always)),
        (AckMode::MshDetermined, "", (Never, Always)),
        (AckMode::MshDetermined, "AL|", (Always, Never)),
        (AckMode::MshDetermined, "|AL", (Never, Always)),
        (AckMode::MshDetermined, "ER|SU", (Error, Success)),
        (AckMode::MshDetermined, "NE|NE", (Never, Never)),
        (AckMode::MshDetermined, "XX|", (Always, Never)),
    ] {
        let Wanted { accept, application } =
            wanted(mode, &message(&format!("MSH|^~\\&|||||||ADT^A01|1|P|2.5|||{fields}")));
        assert_eq!((accept, application), expected, "{mode:?} {fields}");
    }
    assert!(Error.wants(AckCode::CR) && !Error.wants(AckCode::CA));
    assert!(Success.wants(AckCode::AA) && !Success.wants(AckCode::AE));
    assert_eq!(
        "OK".parse::<AckCode>().unwrap_err().to_string(),
        "ack code is \"OK\"; expected one of AA, AE, AR, CA, CE, CR"
    );
}
