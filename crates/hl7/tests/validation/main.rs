//! Validation through the door that others use: the project's own messages with the exact findings,
//! messages made of every structure, and whatever else there is.
//!
//! `ORRIS_UPDATE=1` writes `findings.txt` anew.

use std::fmt::Write;
use std::path::Path;

use bytes::Bytes;
use orris_hl7::schema::{ANY_SEGMENT, Element, Schemas, StructureMap};
use orris_hl7::validate::{Level, ZSegments, validate};
use orris_hl7::{Message, PieceKind, split};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// The findings of all messages in the bytes, one in a line.
fn findings(bytes: &Bytes, schemas: &Schemas) -> String {
    let mut text = String::new();
    for piece in split::all(bytes.clone(), 1 << 20).filter(|piece| piece.kind == PieceKind::Message) {
        let Ok(message) = Message::read(piece.bytes, "") else { continue };
        let doc_type = schemas.doc_type(&message, &"".parse().unwrap());
        let Some(schema) = schemas.get(&doc_type.category) else {
            text.push_str("  no schema\n");
            continue;
        };
        let found = validate(&message, &schema, &doc_type.structure, Level::Tables, ZSegments::Reject);
        for finding in found.iter().take(20) {
            let mark = if finding.is_error() { "error" } else { "warning" };
            writeln!(text, "  {mark} {}: {finding}", finding.rule.name()).unwrap();
        }
        if found.len() > 20 {
            writeln!(text, "  and {} more", found.len() - 20).unwrap();
        }
    }
    text
}

#[test]
fn own_messages_have_the_findings_they_should() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = here.join("../../tests/messages");
    let mut names: Vec<_> = std::fs::read_dir(&folder)
        .expect("tests/messages")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
        .filter(|name| name.ends_with(".hl7"))
        .collect();
    names.sort();
    let schemas = Schemas::default();
    let mut text = String::new();
    for name in names {
        let bytes = std::fs::read(folder.join(&name)).expect("a message file");
        writeln!(text, "{name}\n{}", findings(&bytes.into(), &schemas).trim_end()).unwrap();
    }
    let known = here.join("tests/validation/findings.txt");
    if std::env::var_os("ORRIS_UPDATE").is_some() {
        std::fs::write(&known, &text).expect("findings.txt can be written");
    }
    let known = std::fs::read_to_string(known).unwrap_or_default();
    assert!(known == text, "findings.txt is not what is found; ORRIS_UPDATE=1 writes it anew:\n{text}");
}

/// The segments of the shortest message of a structure, or of one in which everything stands.
fn instance(elements: &[Element], all: bool, into: &mut Vec<String>) {
    for element in elements {
        let times = match (all, element.max) {
            (false, _) => element.min,
            (true, max) => max.unwrap_or(2),
        };
        for _ in 0..times {
            match &element.group {
                None if element.name == ANY_SEGMENT => into.push("ZZZ|1".to_owned()),
                None if element.name == "MSH" => into.push("MSH|^~\\&|".to_owned()),
                None => into.push(format!("{}|", element.name)),
                Some(group) if group.choice => instance(&group.elements[..1], true, into),
                Some(group) => instance(&group.elements, all, into),
            }
        }
    }
}

#[test]
fn messages_made_of_any_structure_are_of_it() {
    let schemas = Schemas::default();
    let mut seen = 0;
    for version in schemas.names() {
        let schema = schemas.get(version).expect("a version");
        for structure in schema.structures().filter(|structure| structure.has_segment("MSH")) {
            for all in [false, true] {
                let mut lines = Vec::new();
                instance(&structure.elements, all, &mut lines);
                let message = Message::read(lines.join("\r").into(), "").expect("a message");
                let found = validate(&message, &schema, &structure.id, Level::Structure, ZSegments::Reject);
                assert!(found.is_empty(), "{version}:{} {all}: {}", structure.id, found[0]);
                let map = StructureMap::of(&message, structure);
                assert!((0..lines.len()).all(|segment| map.place(segment).is_some()));
                seen += 1;
            }
        }
    }
    assert!(seen > 4_000, "only {seen} messages were made");
}

fn config() -> ProptestConfig {
    let seed = std::env::var("ORRIS_SEED").ok().map(|seed| seed.parse().expect("ORRIS_SEED is a number"));
    let seed = seed.unwrap_or(20_261_123);
    println!("ORRIS_SEED={seed}");
    ProptestConfig {
        cases: 400,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(seed),
        ..ProptestConfig::default()
    }
}

/// The text of a field of parts that some rule looks at.
fn field() -> impl Strategy<Value = String> {
    let values = [
        "",
        "\"\"",
        "1",
        "-1.5",
        "20261123",
        "20261123120000+0100",
        "2026é",
        "A",
        "Mustermann",
        "\\T\\",
        "\\",
    ];
    let marks = ["^", "&", "~", "^^", "", "^^^^^^^^^^^^^^^^^^^^"];
    let part = (prop::sample::select(values.to_vec()), prop::sample::select(marks.to_vec()));
    prop::collection::vec(part, 0..6)
        .prop_map(|parts| parts.into_iter().map(|(value, mark)| format!("{value}{mark}")).collect())
}

/// A message of segments that structures have, in any order, and some that they have not.
fn message() -> impl Strategy<Value = String> {
    let ids = [
        "EVN",
        "PID",
        "PD1",
        "NK1",
        "PV1",
        "ORC",
        "OBR",
        "OBX",
        "NTE",
        "SPM",
        "ROL",
        "IN1",
        "ZZ1",
        "XXX",
        "no segment",
        "é",
    ];
    let segment = (prop::sample::select(ids.to_vec()), prop::collection::vec(field(), 0..12));
    let types = [
        "ADT^A01^ADT_A01",
        "ADT^A08",
        "ORU^R01",
        "ORM^O01",
        "OML^O21^OML_O21",
        "OMD^O03",
        "MFN^M03",
        "ACK",
        "",
        "QQQ^Z01",
    ];
    let versions = ["2.1", "2.3", "2.4", "2.5.1", "2.8.2"];
    let kind = (prop::sample::select(types.to_vec()), prop::sample::select(versions.to_vec()));
    (kind, "[|!]", prop::collection::vec(segment, 0..14)).prop_map(
        |((kind, version), separator, segments)| {
            let mut text = format!("MSH|^~\\&|LAB||||20261123||{kind}|1|P|{version}");
            for (id, fields) in segments {
                text.push_str(&format!("\r{id}|{}", fields.join("|")));
            }
            text.replace('|', &separator)
        },
    )
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_message_can_be_checked(text in message(), version in prop::sample::select(vec!["2.1", "2.3.1", "2.5", "2.7", "2.8.2"])) {
        let message = Message::read(text.into(), "").expect("a message");
        let schemas = Schemas::default();
        let doc_type = schemas.doc_type(&message, &version.parse().expect("a choice"));
        let schema = schemas.get(&doc_type.category).expect("a version");
        let mut before = 0;
        for level in [Level::None, Level::Structure, Level::Fields, Level::Tables] {
            let found = validate(&message, &schema, &doc_type.structure, level, ZSegments::Reject);
            prop_assert!(found.len() >= before && (level != Level::None || found.is_empty()));
            before = found.len();
            for finding in found {
                let value = message.text().get(finding.offset..finding.offset + finding.len);
                prop_assert!(value.is_some(), "{finding:?}");
                prop_assert!(finding.segment >= 1 && finding.segment <= message.segments().len());
                prop_assert!(finding.occurrence >= 1 && !finding.to_string().contains("Mustermann"));
            }
        }
    }

    #[test]
    fn maps_place_segments_in_groups_that_are_open(text in message()) {
        let message = Message::read(text.into(), "").expect("a message");
        let schemas = Schemas::default();
        let doc_type = schemas.doc_type(&message, &"".parse().expect("no choice"));
        let schema = schemas.get(&doc_type.category).expect("a version");
        let Some(structure) = schema.structure(&doc_type.structure) else { return Ok(()) };
        let map = StructureMap::of(&message, structure);
        for (number, segment) in message.segments().enumerate() {
            let Some(place) = map.place(number) else { continue };
            prop_assert!(structure.has_segment(segment.id()) || structure.has_segment(ANY_SEGMENT));
            prop_assert!(map.groups()[place.group].first <= number);
        }
        for (at, group) in map.groups().iter().enumerate().skip(1) {
            prop_assert!(group.parent < at && group.number >= 1);
            let own = format!("{}[{}]", group.name, group.number);
            prop_assert_eq!(map.path(at).ends_with(&own), true);
        }
    }
}
