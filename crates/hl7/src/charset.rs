//! Charsets: which one a message is in, and its bytes as text.
//!
//! Bytes are decoded before anything is split: in Shift_JIS, Big5 and ISO-2022-JP the second byte of a
//! character may equal a separator.

use bytes::Bytes;
use bytestring::ByteString;
use encoding_rs as enc;

use crate::Separators;

/// How bytes become text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    /// ASCII; a byte above 0x7F is an error.
    Ascii,
    /// UTF-8.
    Utf8,
    /// ISO 8859-1 to the letter: every byte is the character of that number, so that nothing is lost.
    Latin1,
    /// Any other.
    Other(&'static enc::Encoding),
}

impl Charset {
    /// The name people know it by, as in `UTF-8`.
    pub fn name(self) -> &'static str {
        match self {
            Charset::Ascii => "US-ASCII",
            Charset::Utf8 => "UTF-8",
            Charset::Latin1 => "ISO-8859-1",
            Charset::Other(encoding) => encoding.name(),
        }
    }

    /// Whether every byte has a meaning in this charset.
    pub fn takes(self, bytes: &[u8]) -> bool {
        match self {
            Charset::Ascii => bytes.is_ascii(),
            Charset::Latin1 => true,
            Charset::Utf8 => std::str::from_utf8(bytes).is_ok(),
            Charset::Other(encoding) => {
                encoding.decode_without_bom_handling_and_without_replacement(bytes).is_some()
            }
        }
    }

    /// The text, if every byte fits this charset.
    fn decode(self, bytes: &Bytes) -> Option<ByteString> {
        match self {
            Charset::Ascii => bytes.is_ascii().then(|| ByteString::try_from(bytes.clone()).ok())?,
            Charset::Latin1 => Some(enc::mem::decode_latin1(bytes).into_owned().into()),
            Charset::Utf8 => ByteString::try_from(bytes.clone()).ok(),
            Charset::Other(encoding) => encoding
                .decode_without_bom_handling_and_without_replacement(bytes)
                .map(|text| text.into_owned().into()),
        }
    }
}

/// What MSH-18 may say, by HL7 table 0211 and by what senders write instead. Compared without case
/// and without anything that is neither letter nor digit.
const NAMES: [(&str, Charset); 48] = {
    use Charset::{Ascii, Latin1, Other, Utf8};
    [
        ("ASCII", Ascii),
        ("USASCII", Ascii),
        ("ISOIR6", Ascii),
        ("88591", Latin1),
        ("88592", Other(enc::ISO_8859_2)),
        ("88593", Other(enc::ISO_8859_3)),
        ("88594", Other(enc::ISO_8859_4)),
        ("88595", Other(enc::ISO_8859_5)),
        ("88596", Other(enc::ISO_8859_6)),
        ("88597", Other(enc::ISO_8859_7)),
        ("88598", Other(enc::ISO_8859_8)),
        ("88599", Other(enc::WINDOWS_1254)),
        ("885910", Other(enc::ISO_8859_10)),
        ("885911", Other(enc::WINDOWS_874)),
        ("885913", Other(enc::ISO_8859_13)),
        ("885914", Other(enc::ISO_8859_14)),
        ("885915", Other(enc::ISO_8859_15)),
        ("885916", Other(enc::ISO_8859_16)),
        ("LATIN1", Latin1),
        ("UNICODE", Utf8),
        ("UNICODEUTF8", Utf8),
        ("UTF8", Utf8),
        ("ISO10646", Utf8),
        // The Japanese ones are shifted between by escape sequences, which ISO-2022-JP reads all.
        ("ISOIR14", Other(enc::ISO_2022_JP)),
        ("ISOIR87", Other(enc::ISO_2022_JP)),
        ("ISOIR159", Other(enc::ISO_2022_JP)),
        ("ISO2022JP", Other(enc::ISO_2022_JP)),
        ("SHIFTJIS", Other(enc::SHIFT_JIS)),
        ("SJIS", Other(enc::SHIFT_JIS)),
        ("EUCJP", Other(enc::EUC_JP)),
        ("GB18030", Other(enc::GB18030)),
        ("GB180302000", Other(enc::GB18030)),
        ("GB2312", Other(enc::GBK)),
        ("GBK", Other(enc::GBK)),
        ("BIG5", Other(enc::BIG5)),
        ("KSX1001", Other(enc::EUC_KR)),
        ("EUCKR", Other(enc::EUC_KR)),
        ("CP1250", Other(enc::WINDOWS_1250)),
        ("CP1251", Other(enc::WINDOWS_1251)),
        ("CP1252", Other(enc::WINDOWS_1252)),
        ("CP1253", Other(enc::WINDOWS_1253)),
        ("CP1254", Other(enc::WINDOWS_1254)),
        ("CP1255", Other(enc::WINDOWS_1255)),
        ("CP1256", Other(enc::WINDOWS_1256)),
        ("CP1257", Other(enc::WINDOWS_1257)),
        ("CP1258", Other(enc::WINDOWS_1258)),
        ("TIS620", Other(enc::WINDOWS_874)),
        ("ANSI", Other(enc::WINDOWS_1252)),
    ]
};

/// The charset of that name: the spellings of HL7 table 0211, those that senders write, and the labels
/// of the web. None for what is not known, and for UTF-16 and UTF-32, in which no HL7 message can be
/// cut out of a stream.
pub fn by_name(label: &str) -> Option<Charset> {
    let bare: String = label.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_uppercase();
    let bare = bare.strip_prefix("WINDOWS").map_or(bare.clone(), |number| format!("CP{number}"));
    // "ISO 8859-1", but not "ISO IR6".
    let short = bare.strip_prefix("ISO").filter(|rest| rest.starts_with("8859")).unwrap_or(&bare);
    if let Some((_, charset)) = NAMES.iter().find(|(name, _)| *name == short) {
        return Some(*charset);
    }
    enc::Encoding::for_label_no_replacement(label.trim().as_bytes())
        .filter(|encoding| ![enc::UTF_16BE, enc::UTF_16LE, enc::X_USER_DEFINED].contains(encoding))
        .map(Charset::Other)
}

/// Which charset a message was read in, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decoded {
    /// The charset.
    pub charset: Charset,
    /// Why this one.
    pub why: Why,
    /// Whether bytes that have no meaning in it were replaced by U+FFFD.
    pub replaced: bool,
    /// Whether the bytes are valid UTF-8 all the same, which text in such a charset hardly ever is.
    pub seems_utf8: bool,
}

/// Why a message was read in its charset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The setting says so.
    Setting,
    /// MSH-18 says so.
    Declared,
    /// Nothing says anything: UTF-8 if the bytes are valid UTF-8, else ISO 8859-1.
    Undeclared,
    /// No charset of that name is known: as if nothing had been said.
    Unknown,
    /// The bytes are not in the charset that was said: as if nothing had been said.
    Misdeclared,
}

impl Decoded {
    pub(crate) fn as_said(charset: Charset, why: Why) -> Self {
        Decoded { charset, why, replaced: false, seems_utf8: false }
    }

    /// The name of the charset, as in `UTF-8`.
    pub fn name(&self) -> &'static str {
        self.charset.name()
    }

    /// What is doubtful about it; none when all is well.
    pub fn doubt(&self) -> Option<&'static str> {
        match self.why {
            _ if self.replaced => {
                Some("some bytes have no meaning in the declared charset and were replaced")
            }
            _ if self.seems_utf8 => Some("the bytes are UTF-8, but another charset is declared"),
            Why::Unknown => Some("the declared charset is not known"),
            Why::Misdeclared => Some("the bytes are not in the declared charset"),
            Why::Setting | Why::Declared | Why::Undeclared => None,
        }
    }
}

/// The text of a message that begins at the first byte.
pub(crate) fn decode(message: &Bytes, setting: &str, separators: &Separators) -> (ByteString, Decoded) {
    // Plain ASCII is the same in all of them, but for ISO-2022-JP with its escape sequences.
    let plain = message.is_ascii() && memchr::memchr(0x1B, message).is_none();
    let (named, why) = match setting.trim() {
        "" => (declared(message, separators, plain), Why::Declared),
        label => (by_name(label).map_or(Named::Unknown, Named::Known), Why::Setting),
    };
    let (charset, why) = match named {
        Named::Known(charset) => (charset, why),
        Named::Nothing => return undeclared(message, Why::Undeclared),
        Named::Unknown => return undeclared(message, Why::Unknown),
    };
    if plain && let Ok(text) = ByteString::try_from(message.clone()) {
        return (text, Decoded::as_said(charset, why));
    }
    match charset.decode(message) {
        Some(text) => {
            // Every sequence of bytes is valid in most of these, so that nothing else would tell.
            let one_byte = match charset {
                Charset::Latin1 => true,
                Charset::Other(encoding) => encoding.is_single_byte(),
                Charset::Ascii | Charset::Utf8 => false,
            };
            let seems_utf8 = one_byte && !message.is_ascii() && std::str::from_utf8(message).is_ok();
            (text, Decoded { seems_utf8, ..Decoded::as_said(charset, why) })
        }
        None => misdeclared(message, charset),
    }
}

/// What a message says about its charset.
enum Named {
    Known(Charset),
    Unknown,
    Nothing,
}

/// The first repetition of MSH-18 that names a charset.
fn declared(message: &[u8], separators: &Separators, plain: bool) -> Named {
    let line = crate::lines::first(message);
    let mut fields = line.split(|byte| *byte == separators.field).skip(17);
    let field = fields.next().unwrap_or_default();
    if let Some(charset) = named_in(field, separators) {
        return Named::Known(charset);
    }
    // A character before MSH-18 may have had a separator for its second byte, which moves the field.
    // A charset found further on is right if MSH-18 says its name once the line is decoded by it.
    let moved = fields.take(if plain { 0 } else { 8 }).find_map(|field| {
        let Charset::Other(encoding) = named_in(field, separators)? else { return None };
        let text = encoding.decode_without_bom_handling_and_without_replacement(line)?;
        let named = text.split(separators.field as char).nth(17)?;
        (named.as_bytes() == field).then_some(Charset::Other(encoding))
    });
    match moved {
        Some(charset) => Named::Known(charset),
        None if field.is_empty() => Named::Nothing,
        None => Named::Unknown,
    }
}

fn named_in(field: &[u8], separators: &Separators) -> Option<Charset> {
    let mut repetitions = field.split(|byte| Some(*byte) == separators.repetition);
    repetitions.find_map(|label| by_name(std::str::from_utf8(label).ok()?))
}

/// UTF-8 if the bytes are valid UTF-8, else ISO 8859-1, which takes everything.
fn undeclared(message: &Bytes, why: Why) -> (ByteString, Decoded) {
    let (charset, text) = match Charset::Utf8.decode(message) {
        Some(text) => (Charset::Utf8, text),
        None => (Charset::Latin1, enc::mem::decode_latin1(message).into_owned().into()),
    };
    (text, Decoded::as_said(charset, why))
}

/// The bytes are not what was said. Where a separator may be half a character, it is still better to
/// replace what has no meaning than to split in the wrong places.
fn misdeclared(message: &Bytes, charset: Charset) -> (ByteString, Decoded) {
    if let Charset::Other(encoding) = charset
        && !encoding.is_single_byte()
        && std::str::from_utf8(message).is_err()
    {
        let (text, _) = encoding.decode_without_bom_handling(message);
        let decoded = Decoded { replaced: true, ..Decoded::as_said(charset, Why::Misdeclared) };
        return (text.into_owned().into(), decoded);
    }
    undeclared(message, Why::Misdeclared)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_charset_takes_what_has_a_meaning_in_it() {
        for (label, bytes, takes) in [
            ("UTF-8", "Zo\u{eb}".as_bytes(), true),
            ("UTF-8", b"Zo\xeb", false),
            ("8859/1", b"Zo\xeb", true),
            ("ASCII", b"Zo\xeb", false),
            ("Shift_JIS", b"\x83\x5c", true),
            ("Shift_JIS", b"\x83", false),
        ] {
            assert_eq!(by_name(label).map(|charset| charset.takes(bytes)), Some(takes), "{label} {bytes:?}");
        }
    }

    #[test]
    fn every_spelling_of_table_0211_is_known() {
        for (label, name) in [
            ("ASCII", "US-ASCII"),
            ("ISO IR6", "US-ASCII"),
            ("8859/1", "ISO-8859-1"),
            ("8859/2", "ISO-8859-2"),
            ("8859/3", "ISO-8859-3"),
            ("8859/4", "ISO-8859-4"),
            ("8859/5", "ISO-8859-5"),
            ("8859/6", "ISO-8859-6"),
            ("8859/7", "ISO-8859-7"),
            ("8859/8", "ISO-8859-8"),
            ("8859/9", "windows-1254"),
            ("8859/15", "ISO-8859-15"),
            ("BIG-5", "Big5"),
            ("GB 18030-2000", "gb18030"),
            ("ISO IR14", "ISO-2022-JP"),
            ("ISO IR87", "ISO-2022-JP"),
            ("ISO IR159", "ISO-2022-JP"),
            ("KS X 1001", "EUC-KR"),
            ("UNICODE", "UTF-8"),
            ("UNICODE UTF-8", "UTF-8"),
            // what senders write
            ("UNICODE=UTF-8", "UTF-8"),
            ("utf-8", "UTF-8"),
            ("UTF8", "UTF-8"),
            ("ISO 8859-1", "ISO-8859-1"),
            ("iso-8859-15", "ISO-8859-15"),
            ("SHIFT_JIS", "Shift_JIS"),
            ("EUC-JP", "EUC-JP"),
            ("Windows-1251", "windows-1251"),
            ("windows-1252", "windows-1252"),
            ("CP1250", "windows-1250"),
            ("koi8-r", "KOI8-R"),
        ] {
            assert_eq!(by_name(label).map(Charset::name), Some(name), "{label}");
        }
        for label in [
            "",
            " ",
            "KLINGON-8",
            "8859/77",
            "UNICODE UTF-16",
            "UTF-16LE",
            "UNICODE UTF-32",
            "CNS 11643-1992",
        ] {
            assert_eq!(by_name(label), None, "{label}");
        }
    }

    fn text_of(bytes: &[u8], setting: &str) -> (String, &'static str, Why, bool) {
        let bytes = Bytes::copy_from_slice(bytes);
        let (text, decoded) = decode(&bytes, setting, &Separators::default());
        (text.to_string(), decoded.name(), decoded.why, decoded.replaced)
    }

    fn header(charset: &str) -> String {
        format!("MSH|^~\\&|||||||ADT^A01|1|P|2.5||||||{charset}|\rPID|")
    }

    #[test]
    fn the_charset_is_the_settings_or_else_msh_18s_or_else_what_the_bytes_are() {
        let e_utf8: &[u8] = "é".as_bytes();
        for (label, name, setting, expected, why) in [
            ("", e_utf8, "", "é UTF-8", Why::Undeclared),
            ("", b"\xE9", "", "é ISO-8859-1", Why::Undeclared),
            ("8859/1", b"\xE9", "", "é ISO-8859-1", Why::Declared),
            ("8859/1", b"\xE9", "8859/5", "щ ISO-8859-5", Why::Setting),
            ("8859/1", e_utf8, "UTF-8", "é UTF-8", Why::Setting),
            ("8859/15", b"\xA4", "", "€ ISO-8859-15", Why::Declared),
            ("~8859/7", b"\xE1", "", "α ISO-8859-7", Why::Declared),
            ("KLINGON-8~8859/7", b"\xE1", "", "α ISO-8859-7", Why::Declared),
            ("KLINGON-8", e_utf8, "", "é UTF-8", Why::Unknown),
            ("KLINGON-8", b"\xE9", "", "é ISO-8859-1", Why::Unknown),
            ("UNICODE UTF-8", b"\xE9", "", "é ISO-8859-1", Why::Misdeclared),
            ("ASCII", e_utf8, "", "é UTF-8", Why::Misdeclared),
            ("EUC-JP", "日本".as_bytes(), "", "日本 UTF-8", Why::Misdeclared),
            ("ASCII", b"plain", "", "plain US-ASCII", Why::Declared),
            ("UNICODE UTF-16", b"plain", "", "plain UTF-8", Why::Unknown),
            // second bytes that equal a backslash and a vertical bar
            ("SHIFT_JIS", b"\x94\x5C\x83\x7C", "", "能ポ Shift_JIS", Why::Declared),
            ("~ISO IR87", b"\x1B$B;3ED\x1B(B", "", "山田 ISO-2022-JP", Why::Declared),
        ] {
            let (text, charset, found, replaced) =
                text_of(&[header(label).as_bytes(), name].concat(), setting);
            assert_eq!(format!("{} {charset}", text.rsplit('|').next().unwrap()), expected, "{label}");
            assert_eq!((found, replaced), (why, false), "{label}");
        }
    }

    #[test]
    fn a_separator_that_is_half_a_character_does_not_move_msh_18() {
        // MSH-3 holds a character with the second byte 0x7C.
        let bytes = [b"MSH|^~\\&|\x83\x7C||||||ADT^A01|1|P|2.5||||||SHIFT_JIS|\rPID|1" as &[u8]].concat();
        let (text, charset, why, _) = text_of(&bytes, "");
        assert_eq!((charset, why), ("Shift_JIS", Why::Declared));
        assert!(text.contains("|ポ|"));
    }

    #[test]
    fn utf_8_that_is_declared_as_something_else_is_doubtful() {
        let seems = |label: &str, name: &[u8]| {
            let bytes = Bytes::from([header(label).as_bytes(), name].concat());
            decode(&bytes, "", &Separators::default()).1.doubt().is_some()
        };
        for label in ["8859/1", "8859/5", "windows-1252"] {
            assert!(seems(label, "Mäßig".as_bytes()), "{label}");
            assert!(!seems(label, b"M\xE4\xDFig"), "{label}");
            assert!(!seems(label, b"plain"), "{label}");
        }
        assert!(!seems("UNICODE UTF-8", "Mäßig".as_bytes()));
        assert!(!seems("", "Mäßig".as_bytes()));
    }

    #[test]
    fn bytes_without_a_meaning_are_replaced_rather_than_split_in_the_wrong_place() {
        let bytes = [header("SHIFT_JIS").as_bytes(), b"\x94\x5C\xFF"].concat();
        let (text, charset, why, replaced) = text_of(&bytes, "");
        assert_eq!((charset, why, replaced), ("Shift_JIS", Why::Misdeclared, true));
        assert!(text.ends_with("能\u{FFFD}"));
    }
}
