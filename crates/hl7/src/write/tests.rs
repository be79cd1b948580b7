//! Forms in tables.

use super::*;
use crate::Separators;

fn message(bytes: &[u8]) -> Message {
    Message::read(Bytes::copy_from_slice(bytes), "").unwrap()
}

#[test]
fn what_was_read_is_written_as_it_was() {
    for bytes in [
        b"MSH|^~\\&|LAB\rPID|1||x\\F\\y" as &[u8],
        b"MSH|^~&|LAB\r\n\r\n  PID|1\nZZ1",
        "MSH|^~\\&|Łódź".as_bytes(),
        b"MSH|^~\\&|\xE9\xFF\x80",
        b"MSH|^~\\&|\xA3\x80|||||||||||||||8859/2",
        b"MSH|^~\\&|\x83\x5C|||||||||||||||SHIFT_JIS",
        b"MSH|^~\\&|\x1B$B;3ED\x1B(B|||||||||||||||ISO IR87",
        b"MSH|^~\\&|\xC4\xE3|||||||||||||||GB 18030-2000",
    ] {
        assert_eq!(to_bytes(&message(bytes)).unwrap(), bytes, "{}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn a_character_that_the_charset_has_not_is_an_error_at_its_place() {
    for (charset, text, offset) in [
        ("ASCII", "x", None),
        ("ASCII", "xé", Some(1)),
        ("8859/1", "éЖ", Some(2)),
        ("8859/5", "Жé", Some(2)),
        ("8859/15", "€", None),
        ("SHIFT_JIS", "能é", Some(3)),
        ("ISO IR87", "山田é", Some(6)),
    ] {
        let charset = charset::by_name(charset).unwrap();
        assert_eq!(charset.encode(text).err(), offset, "{charset:?} {text}");
    }
    let mut editor = Editor::of(&message(b"MSH|^~\\&|A|||||||||||||||8859/1\rPID|1"));
    editor.set(&"PID-5".parse().unwrap(), "Жук").unwrap();
    let error = to_bytes(&editor.finish()).unwrap_err().to_string();
    let expected = "segment 2 at byte 41: a character is not in the charset ISO-8859-1; \
                    expected another charset, as UNICODE UTF-8, or another character";
    assert_eq!(error, expected);
}

#[test]
fn another_charset_is_named_in_msh_18() {
    let latin = message(b"MSH|^~\\&|M\xFCller|||||||||||||||8859/1~ASCII\rPID|1");
    let changed = with_charset(&latin, "UNICODE UTF-8").unwrap();
    let expected = "MSH|^~\\&|Müller|||||||||||||||UNICODE UTF-8\rPID|1";
    assert_eq!(to_bytes(&changed).unwrap(), expected);
    let again = with_charset(&message(b"MSH|^~\\&|A"), "8859/1").unwrap();
    assert_eq!(again.text(), "MSH|^~\\&|A|||||||||||||||8859/1");
    for (name, expected) in [
        ("ASCII", "segment 1 at byte 10: a character is not in the charset US-ASCII"),
        ("KLINGON", "segment 1 at byte 0: charset \"KLINGON\" is not known"),
    ] {
        let error = with_charset(&latin, name).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn other_line_ends_are_behind_every_segment() {
    let mixed = message(b"MSH|^~\\&|A\r\n\r\n  PID|1\nZZ1");
    for (end, expected) in [
        (LineEnd::Cr, "MSH|^~\\&|A\rPID|1\rZZ1\r"),
        (LineEnd::Lf, "MSH|^~\\&|A\nPID|1\nZZ1\n"),
        (LineEnd::CrLf, "MSH|^~\\&|A\r\nPID|1\r\nZZ1\r\n"),
    ] {
        let changed = with_line_end(&mixed, end);
        assert_eq!(changed.text(), expected);
        assert_eq!(changed.lines(), message(expected.as_bytes()).lines());
        assert_eq!(with_line_end(&changed, end).text(), expected);
    }
}

fn separators(header: &str) -> Separators {
    let mut roles = header.bytes();
    Separators {
        field: roles.next().unwrap(),
        component: roles.next().unwrap(),
        repetition: roles.next(),
        escape: roles.next(),
        subcomponent: roles.next(),
        truncation: roles.next(),
    }
}

#[test]
fn with_other_separators_every_text_means_what_it_meant() {
    for (text, new, expected) in [
        ("MSH|^~\\&|A^B~C&D\rPID|1||", "!@*%$", "MSH!@*%$!A@B*C$D\rPID!1!!"),
        // escaped before and no more, or now, or both
        ("MSH|^~\\&|\\F\\\\S\\\\T\\\\R\\\\E\\", "!@*%$", "MSH!@*%$!|^&~\\"),
        ("MSH|^~\\&|5!a@b*50%$", "!@*%$", "MSH!@*%$!5%F%a%S%b%R%50%E%%T%"),
        ("MSH|^~\\&|\\F\\|^", "^|~\\&", "MSH^|~\\&^|^|".replace("^|^|", "^\\S\\^|").as_str()),
        // other sequences stay, and lone escape characters are text
        ("MSH|^~\\&|\\.br\\\\X0D\\\\H\\b\\N\\\\Z1\\", "!@*%$", "MSH!@*%$!%.br%%X0D%%H%b%N%%Z1%"),
        ("MSH|^~\\&|C:\\temp\\new 4\\5", "!@*%$", "MSH!@*%$!C:%temp%new 4\\5"),
        ("MSH|^~\\&|4\\5", "!^~\\&", "MSH!^~\\&!4\\E\\5"),
        // roles that only one of them has
        ("MSH|^~\\&#|a#b\\P\\", "|^~\\&", "MSH|^~\\&|a#b#"),
        ("MSH|^~\\&|a#b\\P\\", "|^~\\&#", "MSH|^~\\&#|a\\P\\b\\E\\P\\E\\"),
        ("MSH|^~|a&b\\c", "|^~\\&", "MSH|^~\\&|a\\T\\b\\E\\c"),
        ("MSH|^~&|a&b", "!^~\\&", "MSH!^~\\&!a&b"),
        // lines stay as they are
        ("MSH|^~\\&|A\r\n\n  PID|1\rtext | text\n", "!^~\\&", "MSH!^~\\&!A\r\n\n  PID!1\rtext ! text"),
    ] {
        let changed = with_separators(&message(text.as_bytes()), &separators(new)).unwrap();
        assert_eq!(changed.text(), expected, "{text}");
        let again = message(expected.as_bytes());
        assert_eq!(changed.lines(), again.lines());
        assert_eq!(changed.separators(), again.separators());
    }
}

#[test]
fn separators_that_cannot_hold_the_message_are_refused() {
    for (text, new, expected) in [
        (
            "MSH|^~\\&|A~B",
            "|^",
            "segment 1 at byte 10: a separator stands here for which there is no new one",
        ),
        ("MSH|^~\\&|A\rPID|!", "!^~", "segment 2 at byte 15: a new separator stands in the text"),
        ("MSH|^~\\&|\\H\\", "!^~", "segment 1 at byte 9: an escape sequence needs an escape character"),
        ("MSH|^~\\&|\\.br\\", ".^~\\&", "segment 1 at byte 9: an escape sequence holds a new separator"),
        ("MSH|^~\\&|A", "a^~\\&", "segment 1 at byte 0: the new separators: field separator is a letter"),
        ("MSH|^~\\&|A", "|^^\\&", "segment 1 at byte 0: the new separators: two separators"),
    ] {
        let error = with_separators(&message(text.as_bytes()), &separators(new)).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    let gap = Separators { repetition: None, ..Separators::default() };
    let error = with_separators(&message(b"MSH|^~\\&|A"), &gap).unwrap_err().to_string();
    assert!(error.contains("one that is missing before"), "{error}");
}

#[test]
fn a_message_that_was_changed_ends_as_its_segments_do() {
    for (text, expected) in [
        ("MSH|^~\\&|A\rPID|1", "MSH|^~\\&|A\rPID|1\r"),
        ("MSH|^~\\&|A\r\nPID|1\r\n", "MSH|^~\\&|A\r\nPID|1\r\n"),
        ("MSH|^~\\&|A\nPID|1\n\n", "MSH|^~\\&|A\nPID|1\n"),
        ("MSH|^~\\&|A", "MSH|^~\\&|A\r"),
    ] {
        assert_eq!(to_ended_bytes(&message(text.as_bytes())).unwrap(), expected, "{text:?}");
    }
    let ended = with_line_end(&message(b"MSH|^~\\&|A\rPID|1"), LineEnd::Lf);
    assert_eq!(to_ended_bytes(&ended).unwrap(), "MSH|^~\\&|A\nPID|1\n");
}
