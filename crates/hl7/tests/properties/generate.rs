//! Messages made up by chance, together with the parts they were made of.

use orris_hl7::Separators;
use proptest::prelude::*;

/// A message as a list of segments, each of an id and fields.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) text: String,
    pub(crate) separators: Separators,
    /// The segments after MSH.
    pub(crate) segments: Vec<(String, Vec<String>)>,
}

/// Four different separators and a field separator.
fn separators() -> impl Strategy<Value = Separators> {
    let punctuation: Vec<u8> = (b'!'..=b'~').filter(u8::is_ascii_punctuation).collect();
    let own = Just(punctuation).prop_shuffle().prop_map(|shuffled| Separators {
        field: shuffled[0],
        component: shuffled[1],
        repetition: Some(shuffled[2]),
        escape: Some(shuffled[3]),
        subcomponent: Some(shuffled[4]),
        truncation: None,
    });
    prop_oneof![Just(Separators::default()), own]
}

/// The text of a field, with separators between its parts.
fn field(separators: Separators) -> impl Strategy<Value = String> {
    let part = prop_oneof![
        4 => "[A-Za-z0-9 ]{0,6}",
        1 => "[äöéßЖ日本語]{1,3}",
        1 => Just("\"\"".to_owned()),
    ];
    let roles =
        [Some(separators.component), separators.repetition, separators.subcomponent, separators.escape];
    let between = proptest::sample::select(roles.to_vec());
    // What is drawn for MSH-2 may be in the text: it is taken out, or it would be a separator.
    proptest::collection::vec((part, between), 0..6).prop_map(move |parts| {
        let mut text = String::new();
        for (at, (part, between)) in parts.iter().enumerate() {
            if let (true, Some(between)) = (at > 0, between) {
                text.push(*between as char);
            }
            text.push_str(part);
        }
        text.replace(separators.field as char, "")
    })
}

fn segment(separators: Separators) -> impl Strategy<Value = (String, Vec<String>)> {
    let id = prop_oneof![Just("PID".to_owned()), Just("OBX".to_owned()), "Z[A-Z0-9]{2}"];
    (id, proptest::collection::vec(field(separators), 0..8))
}

/// A message with any separators, line ends, indentation and blank lines.
pub(crate) fn message() -> impl Strategy<Value = Made> {
    let ends = proptest::sample::select(vec!["\r", "\n", "\r\n", "\n\r", "\r\r", "\r  \r", "\r  ", "\n\t"]);
    separators().prop_flat_map(move |separators| {
        let segments = proptest::collection::vec((segment(separators), ends.clone()), 0..8);
        (segments, ends.clone()).prop_map(move |(segments, first_end)| {
            let (segments, ends): (Vec<_>, Vec<_>) = segments.into_iter().unzip();
            let field = separators.field as char;
            let encoding = [
                Some(separators.component),
                separators.repetition,
                separators.escape,
                separators.subcomponent,
            ];
            let mut text = format!("MSH{field}");
            text.extend(encoding.into_iter().flatten().map(|byte| byte as char));
            text.push_str(&format!("{field}HERE{field}THERE{first_end}"));
            for ((id, fields), end) in segments.iter().zip(ends) {
                text.push_str(id);
                fields.iter().for_each(|value| text.push_str(&format!("{field}{value}")));
                text.push_str(end);
            }
            Made { text, separators, segments }
        })
    })
}

/// Bytes that have much in common with HL7, cut into chunks in any way.
pub(crate) fn chunks() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let piece = prop_oneof![
        proptest::sample::select(vec![
            b"MSH|^~\\&|A\r" as &[u8],
            b"MSH|^~\\&|",
            b"MSH",
            b"MS",
            b"M",
            b"H|^~\\&",
            b"MSH||\r",
            b"MSHA",
            b"PID|1\r",
            b"FHS|",
            b"BHS|^~\\&\r",
            b"BTS|1\r",
            b"FTS",
            b"FT1|",
            b"\r",
            b"\n",
            b"\r\n",
            b" ",
            b"\t",
            b"\x0B",
            b"\x1C",
            b"\x1C\r",
            b"\xEF\xBB\xBF",
            b"\xEF",
            b"\xEF\xBB",
            b"\0",
            b"text",
        ])
        .prop_map(<[u8]>::to_vec),
        proptest::collection::vec(any::<u8>(), 0..8),
    ];
    let chunk = proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat());
    proptest::collection::vec(chunk, 0..12)
}
