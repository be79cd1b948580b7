//! Escape sequences: `\F\` for a separator, `\X0D\` for bytes, `\.br\` for a line break, and their like
//! (HL7 v2.5.1 §2.7).
//!
//! Nothing is ever lost: a sequence that is not known, and an escape character that begins no sequence,
//! stay in the text as they are. `\C..\` and `\M..\` (shifts between charsets) and `\Z..\` (local) mean
//! nothing here and stay, too. Highlighting (`\H\`, `\N\`) and indentation have no counterpart in plain
//! text and go.

use std::borrow::Cow;

use crate::Separators;

/// More lines or blanks than this are no layout, but an attack.
const MOST: usize = 999;
/// A text becomes longer by at most so many bytes, however many commands ask for lines and blanks.
const MOST_LONGER: usize = 64 << 10;

/// The text that `raw` stands for.
pub fn decode<'a>(raw: &'a str, separators: &Separators) -> Cow<'a, str> {
    let Some(escape) = separators.escape else { return Cow::Borrowed(raw) };
    let Some(first) = memchr::memchr(escape, raw.as_bytes()) else { return Cow::Borrowed(raw) };
    let mut text = String::with_capacity(raw.len());
    let mut room = MOST_LONGER;
    let (start, mut rest) = raw.split_at(first);
    text.push_str(start);
    // `rest` begins with an escape character.
    while let Some(body) = rest.get(1..).and_then(|after| after.split(escape as char).next()) {
        let sequence = body.len() + 2;
        let taken = if sequence > rest.len() {
            // The last escape character of the text ends nothing and begins nothing.
            text.push_str(rest);
            break;
        } else if replace(body, separators, &mut room, &mut text) {
            sequence
        } else if is_sequence(body) {
            text.push_str(&rest[..sequence]);
            sequence
        } else {
            // A lone escape character: what follows is text, up to the next one.
            text.push_str(&rest[..sequence - 1]);
            sequence - 1
        };
        rest = &rest[taken..];
        let plain = memchr::memchr(escape, rest.as_bytes()).unwrap_or(rest.len());
        text.push_str(&rest[..plain]);
        rest = &rest[plain..];
        if rest.is_empty() {
            break;
        }
    }
    Cow::Owned(text)
}

/// A part of a raw text.
pub(crate) enum Part<'a> {
    /// Plain text; a lone escape character belongs to it.
    Text(&'a str),
    /// `\F\` or its like: the separator that it stands for.
    Separator(u8),
    /// What stands between the escape characters of any other sequence.
    Sequence(&'a str),
}

/// The parts of a raw text and where they begin, by the same rules as [`decode`].
pub(crate) fn parts<'a>(
    raw: &'a str,
    separators: &Separators,
) -> impl Iterator<Item = (usize, Part<'a>)> + use<'a> {
    let separators = *separators;
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = &raw[at..];
        let start = at;
        if rest.is_empty() {
            return None;
        }
        let escape = separators.escape.unwrap_or_default();
        let next = |from: usize| {
            let found = separators.escape.and_then(|_| memchr::memchr(escape, &rest.as_bytes()[from..]));
            found.map(|found| from + found)
        };
        if rest.as_bytes()[0] == escape
            && let Some(end) = next(1)
            && is_sequence(&rest[1..end])
        {
            let body = &rest[1..end];
            at += end + 1;
            return Some((
                start,
                match letter(body, &separators) {
                    None => Part::Sequence(body),
                    Some(None) => Part::Text(&rest[..=end]),
                    Some(Some(byte)) => Part::Separator(byte),
                },
            ));
        }
        // Its first character begins no sequence.
        let first = rest.chars().next().map_or(1, char::len_utf8);
        let end = next(first).unwrap_or(rest.len());
        at += end;
        Some((start, Part::Text(&rest[..end])))
    })
}

/// The separator that a letter stands for, if it is one of those letters and if there is one.
fn letter(body: &str, separators: &Separators) -> Option<Option<u8>> {
    Some(match body {
        "F" => Some(separators.field),
        "S" => Some(separators.component),
        "R" => separators.repetition,
        "E" => separators.escape,
        "T" => separators.subcomponent,
        "P" => separators.truncation,
        _ => return None,
    })
}

/// Whether this could be a sequence that is only not known here.
fn is_sequence(body: &str) -> bool {
    !body.is_empty() && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".+-".contains(&byte))
}

/// Appends what the sequence stands for; false if it is not known, or there is no more room for lines
/// and blanks.
fn replace(body: &str, separators: &Separators, room: &mut usize, text: &mut String) -> bool {
    match letter(body, separators) {
        Some(separator) => separator.map(|separator| text.push(separator as char)).is_some(),
        None => matches!(body, "H" | "N") || hex(body, text) || layout(body, room, text),
    }
}

/// `X` and pairs of hexadecimal digits: UTF-8, or else one character a byte.
fn hex(body: &str, text: &mut String) -> bool {
    let Some(digits) = body.strip_prefix('X') else { return false };
    if digits.is_empty() || !digits.len().is_multiple_of(2) {
        return false;
    }
    let digit = |byte: u8| (byte as char).to_digit(16).map(|digit| digit as u8);
    let pairs = digits.as_bytes().chunks_exact(2);
    let bytes: Option<Vec<u8>> = pairs.map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect();
    let Some(bytes) = bytes else { return false };
    match std::str::from_utf8(&bytes) {
        Ok(decoded) => text.push_str(decoded),
        Err(_) => text.extend(bytes.iter().map(|byte| *byte as char)),
    }
    true
}

/// The commands of formatted text, as far as plain text can follow them.
fn layout(body: &str, room: &mut usize, text: &mut String) -> bool {
    let Some(command) = body.strip_prefix('.') else { return false };
    let Some((name, number)) = command.split_at_checked(2) else { return false };
    let times = match number.strip_prefix(['+', '-']).unwrap_or(number) {
        "" => 1,
        digits => match digits.parse() {
            Ok(times) if times <= MOST.min(*room) => times,
            _ => return false,
        },
    };
    match name {
        "br" if number.is_empty() => text.push('\n'),
        "ce" if number.is_empty() => text.push('\n'),
        "sp" | "sk" => {
            let blank = if name == "sp" { '\n' } else { ' ' };
            text.extend(std::iter::repeat_n(blank, times));
            *room = room.saturating_sub(times);
        }
        "in" | "ti" => {}
        "fi" | "nf" if number.is_empty() => {}
        _ => return false,
    }
    true
}

/// The raw form of `text`, in which no separator, line end or control character is left.
///
/// In a message that declares no escape character, what would need one becomes a blank.
pub fn encode<'a>(text: &'a str, separators: &Separators) -> Cow<'a, str> {
    let needs = |byte: u8| code_of(byte, separators).is_some() || (byte < b' ' && byte != b'\t');
    let Some(first) = text.bytes().position(needs) else { return Cow::Borrowed(text) };
    let mut raw = String::with_capacity(text.len() + 16);
    raw.push_str(&text[..first]);
    for char in text[first..].chars() {
        match (u8::try_from(char).ok().filter(|byte| needs(*byte)), separators.escape) {
            (None, _) => raw.push(char),
            (Some(_), None) => raw.push(' '),
            (Some(byte), Some(escape)) => {
                raw.push(escape as char);
                match code_of(byte, separators) {
                    Some(code) => raw.push(code),
                    None => raw.push_str(&format!("X{byte:02X}")),
                }
                raw.push(escape as char);
            }
        }
    }
    Cow::Owned(raw)
}

/// The letter that stands for a separator.
fn code_of(byte: u8, separators: &Separators) -> Option<char> {
    if byte == separators.field {
        return Some('F');
    }
    let role = separators.encoding().iter().position(|role| *role == Some(byte))?;
    ['S', 'R', 'E', 'T', 'P'].get(role).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_become_what_they_stand_for() {
        for (raw, expected) in [
            ("plain", "plain"),
            ("", ""),
            (r"a\F\b\S\c\R\d\E\e\T\f", r"a|b^c~d\e&f"),
            (r"\F\", "|"),
            (r"\F\\S\", "|^"),
            (r"\X48\\X6569\", "Hei"),
            (r"\X0d0A\", "\r\n"),
            (r"\XC3A9\", "é"),
            (r"\XE9\", "é"),
            (r"one\.br\two", "one\ntwo"),
            (r"one\.sp\two\.sp2\three\.sp+3\four", "one\ntwo\n\nthree\n\n\nfour"),
            (r"a\.sk3\b\.ce\c", "a   b\nc"),
            (r"\.in+4\a\.ti-2\b\.fi\c\.nf\d", "abcd"),
            (r"an \H\important\N\ word", "an important word"),
            // next to characters of more than one byte
            (r"日\F\x", "日|x"),
            (r"é\F\é", "é|é"),
        ] {
            assert_eq!(decode(raw, &Separators::default()), expected, "{raw}");
        }
    }

    #[test]
    fn commands_do_not_make_a_text_longer_without_end() {
        let raw = r"\.sp999\".repeat(10_000);
        let text = decode(&raw, &Separators::default());
        assert!(text.len() <= raw.len() + MOST_LONGER, "{}", text.len());
        assert!(text.starts_with(&"\n".repeat(999 * 65)) && text.ends_with(r"\.sp999\"));
    }

    #[test]
    fn what_is_no_known_sequence_stays() {
        for raw in [
            r"\",
            r"\\",
            r"\\\",
            r"4\5 re.",
            r"C:\temp\new",
            r"\Q\",
            r"\Q\F\",
            r"\Z1\",
            r"\C2842\",
            r"\M2442\",
            r"\f\",
            r"\X\",
            r"\X4\",
            r"\X4G\",
            r"\XéX\",
            r"\.zz\",
            r"\.é\",
            r"\.br1\",
            r"\.sk1000\",
            r"\.sk99999999999999999999\",
            r"\P\",
            r"cut \F",
            r"日\本",
        ] {
            assert_eq!(decode(raw, &Separators::default()), raw);
        }
        assert_eq!(decode(r"4\5 re. \F\ x", &Separators::default()), r"4\5 re. | x");
        assert_eq!(decode(r"\Z1\\F\", &Separators::default()), r"\Z1\|");
    }

    #[test]
    fn the_separators_are_the_messages_own() {
        let own = Separators::read(b"MSH!@*%$#!").unwrap();
        assert_eq!(decode(r"%F%%S%%R%%E%%T%%P%\F\", &own), r"!@*%$#\F\");
        assert_eq!(encode("!@*%$#|", &own), "%F%%S%%R%%E%%T%%P%|");
        let without = Separators::read(b"MSH|^~|").unwrap();
        assert_eq!(decode(r"\F\", &without), r"\F\");
        assert_eq!(encode("a|b\\c\r", &without), "a b\\c ");
    }

    #[test]
    fn text_becomes_one_field() {
        for (text, expected) in [
            ("plain é", "plain é"),
            (r"a|b^c~d\e&f#", r"a\F\b\S\c\R\d\E\e\T\f#"),
            ("日|本", r"日\F\本"),
            ("one\r\ntwo\u{b}\u{1c}\0\t", "one\\X0D\\\\X0A\\two\\X0B\\\\X1C\\\\X00\\\t"),
        ] {
            let raw = encode(text, &Separators::default());
            assert_eq!(raw, expected);
            assert_eq!(decode(&raw, &Separators::default()), text);
        }
    }
}
