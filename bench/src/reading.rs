//! What HL7 costs on one core: reading, looking, checking and editing, beside the bare parser.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hl7::ack::{AckCode, AckText};
use hl7::edit::Editor;
use hl7::schema::Schemas;
use hl7::validate::{Level, ZSegments, validate};
use hl7::{Deframer, FrameKind, Framing, Message, Path as FieldPath, Splitter};
use orris_tests::Random;

use crate::feed;
use crate::report::{count, section};

/// Different messages of each kind.
const DIFFERENT: u64 = 64;
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_millis(250);

/// Measures each kind of work on each kind of message.
pub(crate) fn run(_folder: &Path) {
    let mut random = Random::new(9);
    let admissions: Vec<_> = (0..DIFFERENT).map(|number| feed::message(number, &mut random).into()).collect();
    let results: Vec<_> = (0..DIFFERENT).map(|number| feed::results(number, &mut random).into()).collect();
    for (name, messages) in [("ADT_A01", admissions), ("ORU_R01", results)] {
        let bytes: usize = messages.iter().map(Bytes::len).sum();
        section(&format!("HL7 on one core, {name} of {} bytes; medians of {ROUNDS}", bytes / messages.len()));
        kind(name, &messages);
    }
}

fn kind(structure: &str, messages: &[Bytes]) {
    let texts: Vec<&str> = messages.iter().map(|bytes| std::str::from_utf8(bytes).expect("text")).collect();
    let bytes: usize = messages.iter().map(Bytes::len).sum();
    let work = Work { messages: messages.len(), average: bytes as f64 / messages.len() as f64 };
    let bare = work.rate(|number| {
        black_box(hl7_parser::Message::parse(texts[number]).expect("a message"));
    });
    let show = |what: &str, rate: [f64; 3]| work.print(what, rate, bare[1]);
    show("bare hl7-parser: the whole tree", bare);
    show("lazy view", work.rate(|number| drop(black_box(message(&messages[number])))));
    let paths = ["MSH-9.2", "PID-3.1", "PV1-2"].map(path);
    show("lazy view, and 3 fields of it", work.rate(|number| look(&messages[number], &paths)));
    show(
        "lazy view, and the whole tree",
        work.rate(|number| {
            black_box(message(&messages[number]).tree().expect("a tree"));
        }),
    );
    show("frames out of a stream", frames(messages, &work));
    show("messages out of a batch", split(messages, &work));
    show("acknowledgement of a view", acknowledge(messages, &work));
    show("4 fields of a view set", edit(messages, &work));
    let schema = Schemas::default().get("2.5.1").expect("a version of HL7");
    let check = |number: usize, level| {
        validate(&message(&messages[number]), &schema, structure, level, ZSegments::Tolerate)
    };
    for (name, level) in
        [("structure", Level::Structure), ("fields", Level::Fields), ("tables", Level::Tables)]
    {
        let found: usize = (0..messages.len()).map(|number| check(number, level).len()).sum();
        let what =
            format!("lazy view, validated: {name} ({:.1} found)", found as f64 / messages.len() as f64);
        show(&what, work.rate(|number| drop(black_box(check(number, level)))));
    }
}

fn path(text: &str) -> FieldPath {
    text.parse().expect("a path")
}

fn message(bytes: &Bytes) -> Message {
    Message::read(bytes.clone(), "").expect("a message")
}

fn look(bytes: &Bytes, paths: &[FieldPath]) {
    let message = message(bytes);
    for path in paths {
        black_box(message.get(path).expect("the field is there"));
    }
}

fn views(messages: &[Bytes]) -> Vec<Message> {
    messages.iter().map(message).collect()
}

/// An acceptance of each.
fn acknowledge(messages: &[Bytes], work: &Work) -> [f64; 3] {
    let views = views(messages);
    let text = AckText {
        code: AckCode::AA,
        text: "",
        error: None,
        sender: "",
        control_id: "4711",
        time: "20260102030405",
    };
    work.rate(|number| drop(black_box(hl7::ack::build(Some(&views[number]), &text))))
}

/// Four values of each replaced, one of them with a character that is escaped.
fn edit(messages: &[Bytes], work: &Work) -> [f64; 3] {
    let views = views(messages);
    let changes = [("MSH-5", "WARD"), ("PID-3.1", "4711"), ("PID-5.2", "Ann & Bob"), ("PV1-3.1", "5S")]
        .map(|(at, value)| (path(at), value));
    work.rate(|number| {
        let mut editor = Editor::of(&views[number]);
        for (path, value) in &changes {
            editor.set(path, value).expect("a place to set");
        }
        black_box(editor.finish());
    })
}

/// All of them, one behind the other, each in its frame, in reads of 64 KiB.
fn frames(messages: &[Bytes], work: &Work) -> [f64; 3] {
    let framed: Vec<u8> =
        messages.iter().flat_map(|bytes| [b"\x0b", &bytes[..], b"\x1c\r"].concat()).collect();
    let stream = Bytes::from(framed);
    work.rate_of_all(|| {
        let mut deframer = Deframer::new(Framing::MLLP, 1 << 20);
        let mut found = 0;
        for at in (0..stream.len()).step_by(64 * 1024) {
            deframer.push(stream.slice(at..stream.len().min(at + 64 * 1024)));
            found += deframer.by_ref().filter(|frame| frame.kind == FrameKind::Message).count();
        }
        assert_eq!(found, messages.len());
    })
}

/// All of them, one behind the other, cut again.
fn split(messages: &[Bytes], work: &Work) -> [f64; 3] {
    let batch = Bytes::from(messages.concat());
    work.rate_of_all(|| {
        let mut splitter = Splitter::new(1 << 20);
        splitter.push(batch.clone());
        splitter.finish();
        assert_eq!(splitter.count(), messages.len());
    })
}

/// What is worked on again and again.
struct Work {
    messages: usize,
    average: f64,
}

impl Work {
    /// How often a second `one` can be done: the least, the median and the most of the rounds.
    fn rate(&self, mut one: impl FnMut(usize)) -> [f64; 3] {
        let mut round = || {
            let begun = Instant::now();
            let mut done = 0;
            while begun.elapsed() < ROUND {
                (0..self.messages).for_each(&mut one);
                done += self.messages;
            }
            done as f64 / begun.elapsed().as_secs_f64()
        };
        let _warm = round();
        let mut rates: [f64; ROUNDS] = std::array::from_fn(|_| round());
        rates.sort_by(f64::total_cmp);
        [rates[0], rates[ROUNDS / 2], rates[ROUNDS - 1]]
    }

    /// The same of work that is done on all of them at once.
    fn rate_of_all(&self, mut all: impl FnMut()) -> [f64; 3] {
        let once = Work { messages: 1, ..*self };
        once.rate(|_| all()).map(|rate| rate * self.messages as f64)
    }

    fn print(&self, what: &str, [least, median, most]: [f64; 3], bare: f64) {
        println!(
            "  {what:<40} {:>10} msg/s ({} to {}) {:>6} MB/s {:>7.2} µs {:>7.1} x the bare parser",
            count(median),
            count(least),
            count(most),
            count(median * self.average / 1e6),
            1e6 / median,
            median / bare,
        );
    }
}
