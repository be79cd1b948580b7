//! One file: what the splitter and the reader make of it against what is expected.

use bytes::Bytes;
use orris_hl7::edit::Editor;
use orris_hl7::{Message, Path, Piece, PieceKind, Splitter, split, write};
use serde_json::Value;

use crate::folder::{Entry, Folder};
use crate::{MAX_MESSAGE, Report};

/// Checks one file.
pub(crate) fn file(folder: &Folder, entry: &Entry) -> Report {
    let bytes = Bytes::from(folder.read(entry));
    let mut report = Report::default();
    let pieces: Vec<Piece> = split::all(bytes.clone(), MAX_MESSAGE).collect();
    splitting(&bytes, &pieces, &mut report);
    let mut messages = vec![];
    for piece in pieces.iter().filter(|piece| piece.kind == PieceKind::Message) {
        match Message::read(piece.bytes.clone(), "") {
            Ok(message) => {
                round_trip(&message, &piece.bytes, &mut report);
                messages.push(message);
            }
            Err(error) => report.different(format!("byte {}: {error}", piece.offset)),
        }
    }
    report.messages = messages.len();
    messages.iter().for_each(|message| consistency(message, &mut report));
    // Whatever a record says, nothing may be lost or contradict itself.
    let sound = report.differences.is_empty();
    let record = folder.oracle.get(&entry.file);
    match (entry.expect.as_str(), record) {
        ("accept" | "accept-lenient", Some(_)) => {
            for piece in &pieces {
                if let PieceKind::Unreadable(reason) = &piece.kind {
                    report.different(format!("byte {}: {reason}", piece.offset));
                }
            }
        }
        ("accept" | "accept-lenient", None) => report.different("the oracle does not know it".to_owned()),
        ("reject", _) => refusal(bytes, &pieces, &mut report),
        ("either", _) => {}
        (other, _) => report.different(format!("unknown expectation \"{other}\"")),
    }
    if let Some(record) = record {
        expected(record, &pieces, &messages, &mut report);
        let reason = reason_to_differ(record, &pieces);
        if let Some(reason) = reason.filter(|_| sound && !report.differences.is_empty()) {
            report.differences.clear();
            report.explained.push(reason.to_owned());
        }
    }
    report
}

impl Report {
    fn different(&mut self, text: String) {
        self.differences.push(text);
    }

    fn equal<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, found: T, wanted: T) {
        self.values += 1;
        if found != wanted {
            self.different(format!("{what} is {found:?}, expected {wanted:?}"));
        }
    }
}

/// Nothing is lost, and the chunks make no difference.
fn splitting(bytes: &Bytes, pieces: &[Piece], report: &mut Report) {
    let together: Vec<u8> = pieces.iter().flat_map(|piece| piece.bytes.to_vec()).collect();
    report.equal("whether the pieces are the input", together == bytes[..], true);
    let mut splitter = Splitter::new(MAX_MESSAGE);
    let mut chunked = vec![];
    for chunk in bytes.chunks(1021) {
        splitter.push(Bytes::copy_from_slice(chunk));
        chunked.extend(splitter.by_ref());
    }
    splitter.finish();
    chunked.extend(splitter);
    report.equal("whether chunks make a difference", chunked != pieces, false);
}

/// What is written is what was read, byte for byte, also after a segment came and went.
fn round_trip(message: &Message, bytes: &Bytes, report: &mut Report) {
    // What was replaced by U+FFFD cannot come back.
    if message.charset().replaced {
        return;
    }
    let same = |message: &Message| {
        let written = write::to_bytes(message);
        written.is_ok_and(|written| bytes.windows(written.len()).any(|part| part == written))
    };
    report.equal("whether it is written as it was read", same(message), true);
    let mut editor = Editor::of(message);
    let done = editor.append_segment("ZZZ").and_then(|()| editor.remove(&"ZZZ[-1]".parse().unwrap()));
    report.equal("the number of segments that go", done, Ok(1));
    report.equal("whether an edit leaves the rest as it was", same(&editor.finish()), true);
}

/// The view agrees with a naive reading, and with the full tree where there is one.
fn consistency(message: &Message, report: &mut Report) {
    let separator = message.separators().field as char;
    for segment in message.segments() {
        let naive: Vec<&str> = segment.raw().split(separator).collect();
        let from = usize::from(segment.id() == "MSH" && segment.field_count() > 0);
        let fields: Vec<&str> = segment.fields().skip(from).collect();
        report.equal("whether fields are as split", fields == naive[1..], true);
    }
    let faults = message.faults().len();
    let Ok(tree) = message.tree() else {
        return report.equal("whether a message without a tree has faults", faults > 0, true);
    };
    for (segment, own) in tree.segments.iter().zip(message.segments()) {
        let header = segment.name == "MSH";
        let same = segment
            .fields
            .iter()
            .zip(own.fields())
            .enumerate()
            .all(|(at, (field, own))| (header && at < 2) || field.raw_value() == own);
        report.equal("whether the tree is the same", same && segment.fields.len() == own.field_count(), true);
    }
}

/// A file that is no HL7 is refused with a reason, or has nothing in it.
fn refusal(bytes: Bytes, pieces: &[Piece], report: &mut Report) {
    let reasons =
        pieces.iter().filter(|piece| matches!(&piece.kind, PieceKind::Unreadable(why) if !why.is_empty()));
    let messages = pieces.iter().filter(|piece| piece.kind == PieceKind::Message);
    report.equal("whether it is refused", reasons.count() > 0 || messages.count() == 0, true);
    report.equal("whether reading it as one message fails", Message::read(bytes, "").is_err(), true);
}

/// What a record of the oracle says of the file.
fn expected(record: &Value, pieces: &[Piece], messages: &[Message], report: &mut Report) {
    if let Some(wanted) = record["pieces"].as_str() {
        report.equal("pieces", pieces.iter().map(letter).collect::<String>(), wanted.to_owned());
    }
    if let Some(wanted) = record["refused"].as_str() {
        let reason = pieces.iter().find_map(|piece| match &piece.kind {
            PieceKind::Unreadable(reason) => Some(reason.as_str()),
            _ => None,
        });
        let found = reason.unwrap_or_default().get(..wanted.len()).unwrap_or_default();
        report.equal("reason", found, wanted);
    }
    if let Some(wanted) = record["headers"].as_object() {
        let found = |kind: PieceKind| pieces.iter().filter(|piece| piece.kind == kind).count() as u64;
        for (id, kind) in [
            ("FHS", PieceKind::FileHeader),
            ("BHS", PieceKind::BatchHeader),
            ("BTS", PieceKind::BatchTrailer),
            ("FTS", PieceKind::FileTrailer),
        ] {
            report.equal(id, found(kind), wanted.get(id).and_then(Value::as_u64).unwrap_or(0));
        }
    }
    if let Some(items) = record["items"].as_array() {
        report.equal("messages", messages.len() as u64, record["messages"].as_u64().unwrap_or_default());
        for (at, (item, message)) in items.iter().zip(messages).enumerate() {
            let before = report.differences.len();
            one(item, message, report);
            for difference in &mut report.differences[before..] {
                difference.insert_str(0, &format!("message {}: ", at + 1));
            }
        }
    } else if record.get("segments").is_some() {
        report.equal("messages", messages.len(), 1);
    }
    if let Some(message) = messages.first() {
        one(record, message, report);
    }
}

fn letter(piece: &Piece) -> char {
    match &piece.kind {
        PieceKind::Message => 'M',
        PieceKind::FileHeader => 'f',
        PieceKind::BatchHeader => 'b',
        PieceKind::BatchTrailer => 'B',
        PieceKind::FileTrailer => 'F',
        PieceKind::Framing => '.',
        PieceKind::Unreadable(_) => 'U',
    }
}

/// What a record says of one message.
fn one(record: &Value, message: &Message, report: &mut Report) {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    if let Some(wanted) = record["segments"].as_u64() {
        report.equal("segments", message.segments().len() as u64, wanted);
    }
    let ids = message.segments().map(|segment| segment.id().to_owned());
    listed(record, "ids", ids.collect(), |value| value.as_str().unwrap_or_default().to_owned(), report);
    let counts = message.segments().map(|segment| segment.field_count() as u64);
    listed(record, "field_counts", counts.collect(), |value| value.as_u64().unwrap_or_default(), report);
    let get = |path: &str| message.get(&path.parse().expect(path));
    for (field, wanted) in record["msh"].as_object().into_iter().flatten() {
        let path = format!("MSH-{field}");
        report.equal(&path, Some(get(&path).unwrap_or_default().to_owned()), text(wanted));
    }
    for (key, path) in [("pid3_1", "PID-3.1"), ("pid5_1", "PID-5.1"), ("pid5_2", "PID-5.2")] {
        if let Some(wanted) = record[key].as_str() {
            report.equal(path, get(path).unwrap_or_default(), wanted);
        }
    }
    for (path, wanted) in record["values"].as_object().into_iter().flatten() {
        report.equal(path, get(path).map(str::to_owned), text(wanted));
    }
    for (path, wanted) in record["texts"].as_object().into_iter().flatten() {
        let found = message.value(&path.parse().expect(path));
        report.equal(path, found.map(|found| found.into_owned()), text(wanted));
    }
    for escape in record["escapes"].as_array().into_iter().flatten() {
        escaped(escape, message, report);
    }
    if let Some(wanted) = record["charset"].as_str() {
        let decoded = message.charset();
        report.equal("charset", format!("{} {:?}", decoded.name(), decoded.why), wanted.to_owned());
    }
    if let Some(wanted) = record["faults"].as_array() {
        let faults = message.faults();
        let found: Vec<_> =
            faults.iter().map(|fault| format!("{:?} {}", fault.kind, fault.segment)).collect();
        report.equal("faults", found, wanted.iter().filter_map(text).collect());
    }
}

/// A list, or its form of runs: `[["OBX", 20000]]` under `ids_rle`.
fn listed<T: PartialEq + std::fmt::Debug>(
    record: &Value,
    key: &str,
    found: Vec<T>,
    read: impl Fn(&Value) -> T,
    report: &mut Report,
) {
    if let Some(wanted) = record[key].as_array() {
        report.equal(key, found, wanted.iter().map(read).collect());
    } else if let Some(runs) = record[format!("{key}_rle")].as_array() {
        let repeat =
            |run: &Value| std::iter::repeat_n(run[0].clone(), run[1].as_u64().unwrap_or_default() as usize);
        let wanted: Vec<T> = runs.iter().flat_map(repeat).map(|value| read(&value)).collect();
        // The lists are long: say only where they part.
        let differ = found.iter().zip(&wanted).position(|(found, wanted)| found != wanted);
        report.equal(key, (found.len(), differ), (wanted.len(), None));
    }
}

/// One value with escape sequences, whose place is written as in `OBX[3]-5(1).1.1`. Of long ones only
/// their length is known.
fn escaped(escape: &Value, message: &Message, report: &mut Report) {
    let place = escape["path"].as_str().unwrap_or_default().replace('(', "[").replace(')', "]");
    let path: Path = place.parse().expect("a place in a message");
    let raw = message.get(&path).unwrap_or_default();
    let decoded = message.value(&path).unwrap_or_default();
    let trusted = escape["trust"] == true || escape["agree"] == true && escape["class"] == "long";
    for (found, key, holds) in [(raw, "raw", true), (&decoded, "hl7", trusted)] {
        match &escape[key] {
            _ if !holds => {}
            Value::String(wanted) => report.equal(&place, found, wanted.as_str()),
            long => {
                report.equal(&place, found.chars().count() as u64, long["len"].as_u64().unwrap_or_default())
            }
        }
    }
}

/// Why what was found may differ from the oracle as a whole: places where a message ends for Orris, on
/// purpose, and not for the library that the oracle was made by.
fn reason_to_differ(record: &Value, pieces: &[Piece]) -> Option<&'static str> {
    let ids = record["ids"].as_array();
    if ids.is_some_and(|ids| ids.iter().any(|id| id == "BTS" || id == "FTS")) {
        return Some("a trailer without a header is no part of the message before it");
    }
    let letters: String = pieces.iter().map(letter).collect();
    if letters.contains("MbU") || letters.contains("MfU") {
        return Some("a header of a batch in the middle of a message ends it");
    }
    let cut_off = |piece: &Piece| matches!(&piece.kind, PieceKind::Unreadable(why) if why.contains("ends within MSH-2"));
    pieces.iter().any(cut_off).then_some("a segment MSH that is cut off begins no message")
}
