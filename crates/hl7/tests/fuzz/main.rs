//! Our own messages with random damage: nothing may panic, hang or lose a byte.
//!
//! `ORRIS_ROUNDS` says how many inputs are tried, `ORRIS_SEED` with which numbers; both are printed.

use std::sync::Arc;

use bytes::Bytes;
use orris_hl7::ack::{self, Ack, AckCode, AckText};
use orris_hl7::edit::Editor;
use orris_hl7::{
    Charset, Deframer, Frame, FrameKind, Framing, Message, Path, PieceKind, Separators, Why, escape, split,
    write,
};

const PATHS: [&str; 10] = [
    "MSH-9.1",
    "PID-3[*].4.2",
    "PID[-1]",
    "OBX[*]-5[-1].1",
    "MSH-2.2",
    "ZZ1[3]-99",
    "PID-5",
    "OBX[-1]-3.2.2",
    "MSH-18",
    "NTE",
];
const FRAMINGS: [&str; 6] = ["mllp", "flexible", "none", "ascii_lf", "ascii_crlf", "mllp10,11/28,28"];
const SEPARATORS: [&[u8; 5]; 4] = [b"|^~\\&", b"!@*%$", b"|~^&\\", b"^|\\~."];
const VALUES: [&str; 8] = ["", "\"\"", "x", "a|b^c~d\\e&f", "日本", "\r\n\x1C\r", "\\F\\", "!@*%$"];
/// Quick enough for every run; a million are tried by `make fuzz`.
const ROUNDS: usize = 12_000;
const THREADS: u64 = 2;
const MAX: usize = 4096;

/// Numbers by chance, the same for the same seed (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % limit.max(1) as u64) as usize
    }

    fn one_of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }
}

/// Changes the bytes in one way.
fn damage(bytes: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(bytes.len());
    let to = (at + random.below(12)).min(bytes.len());
    match random.below(6) {
        0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
        1 => drop(bytes.drain(at..to)),
        2 => {
            let part = bytes[at..to].to_vec();
            let place = random.below(bytes.len() + 1);
            bytes.splice(place..place, part);
        }
        3 => bytes.truncate(at),
        4 => {
            let marks = b"|^~\\&#\r\n\x0B\x1C\0 MFB\x1B\xEF\xC3";
            bytes.insert(at, marks[random.below(marks.len())]);
        }
        _ => bytes.insert(at, random.below(256) as u8),
    }
}

struct Fuzz {
    paths: Vec<Path>,
    framings: Vec<Framing>,
    random: Random,
    /// How many fields could be read.
    read: usize,
}

impl Fuzz {
    /// Does with the bytes everything that can be done.
    fn exercise(&mut self, bytes: &[u8]) {
        let input = Bytes::copy_from_slice(bytes);
        let pieces: Vec<_> = split::all(input.clone(), MAX).collect();
        let together: Vec<u8> = pieces.iter().flat_map(|piece| piece.bytes.to_vec()).collect();
        assert_eq!(together, bytes);
        let _either = Message::read(input.clone(), "");
        self.frames(&input);
        for piece in pieces.iter().filter(|piece| piece.kind == PieceKind::Message) {
            let message =
                Message::read(piece.bytes.clone(), "").expect("the splitter has checked the header");
            self.look(&message);
            round_trip(&message, &piece.bytes);
            self.edit(&message);
            acknowledge(&message);
            self.write(&message);
        }
    }

    fn look(&mut self, message: &Message) {
        // Costs as much as all the rest.
        if self.random.below(4) == 0 {
            let complete = message.tree().is_ok();
            assert!(complete || !message.faults().is_empty());
        }
        for path in &self.paths {
            let values = message.values(path).count();
            assert_eq!(values > 0, message.value(path).is_some());
        }
        self.read += message.segments().map(|segment| segment.fields().count()).sum::<usize>();
        assert!(message.doc_type().len() <= message.text().len() + 1);
        if let Some(value) = message.get(&self.paths[6]) {
            let separators = message.separators();
            let text = escape::decode(value, &separators);
            if separators.escape.is_some() {
                assert_eq!(escape::decode(&escape::encode(&text, &separators), &separators), text);
            }
        }
    }

    /// Takes the bytes for a stream, whole and in two cuts, and puts them into frames.
    fn frames(&mut self, input: &Bytes) {
        let framing = self.random.one_of(&self.framings);
        let cuts = [self.random.below(input.len() + 1), self.random.below(input.len() + 1)];
        let (first, last) = (cuts[0].min(cuts[1]), cuts[0].max(cuts[1]));
        let frames = |chunks: &[Bytes]| -> Vec<Frame> {
            let mut deframer = Deframer::new(framing, 1000);
            let mut frames = vec![];
            for chunk in chunks {
                deframer.push(chunk.clone());
                frames.extend(deframer.by_ref());
            }
            deframer.finish();
            frames.extend(deframer);
            frames
        };
        let whole = frames(std::slice::from_ref(input));
        assert_eq!(whole.iter().flat_map(|frame| frame.bytes.to_vec()).collect::<Vec<u8>>(), input[..]);
        assert_eq!(whole, frames(&[input.slice(..first), input.slice(first..last), input.slice(last..)]));
        let mut wrapped = vec![];
        if Framing::MLLP.wrap(input, &mut wrapped).is_ok() && !input.is_empty() {
            let mut deframer = Deframer::new(Framing::MLLP, usize::MAX);
            deframer.push(wrapped.into());
            let mut messages = deframer.filter(|frame| frame.kind == FrameKind::Message);
            assert_eq!(messages.next().map(|frame| frame.bytes).as_ref(), Some(input));
            assert!(messages.next().is_none());
        }
    }

    fn edit(&mut self, message: &Message) {
        let mut editor = Editor::of(message);
        for _ in 0..3 {
            let path = self.random.one_of(&self.paths);
            let value = self.random.one_of(&VALUES);
            let done = match self.random.below(7) {
                0 => editor.remove(&path),
                1 => editor.insert(&path, value),
                2 => editor.append(&path, value),
                3 => editor.set_raw(&path, value),
                4 => editor.insert_before(&path, "ZZ1|1").map(|()| 0),
                5 => editor.append_segment("ZZ1").map(|()| 0),
                _ => editor.set(&path, value),
            };
            // A message may lack the segment, or declare another field separator.
            drop(done);
        }
        let path = self.random.one_of(&self.paths);
        let value = self.random.one_of(&VALUES);
        let set = editor.set(&path, value).unwrap_or(0);
        let edited = editor.finish();
        let again =
            Message::read(edited.text().to_owned().into(), "UTF-8").expect("an edited message is one");
        assert!(same_places(&edited, &again));
        if set > 0 && edited.separators().escape.is_some() {
            assert_eq!(edited.value(&path).as_deref(), Some(value), "{path}");
        }
    }

    fn write(&mut self, message: &Message) {
        let [field, component, repetition, escape, subcomponent] = *self.random.one_of(&SEPARATORS);
        let separators = Separators {
            field,
            component,
            repetition: Some(repetition),
            escape: Some(escape),
            subcomponent: Some(subcomponent),
            truncation: None,
        };
        let Ok(written) = write::with_separators(message, &separators) else { return };
        let again = Message::read(written.text().to_owned().into(), "UTF-8").expect("it has a header");
        assert!(same_places(&written, &again) && again.separators() == separators);
        let counts = |message: &Message| -> Vec<usize> {
            message.segments().map(|segment| segment.field_count()).collect()
        };
        assert_eq!(counts(message), counts(&written));
        let lines = write::with_line_end(&written, write::LineEnd::CrLf);
        assert_eq!(counts(&lines), counts(&written));
    }
}

fn same_places(one: &Message, other: &Message) -> bool {
    let places = |message: &Message| -> Vec<(usize, usize)> {
        message.segments().map(|segment| (segment.offset(), segment.raw().len())).collect()
    };
    places(one) == places(other)
}

/// What was read is written byte for byte, in the charsets in which each text has one form.
fn round_trip(message: &Message, bytes: &[u8]) {
    let charset = message.charset().charset;
    let written = write::to_bytes(message);
    if !matches!(charset, Charset::Other(_)) {
        let written = written.expect("what was read in a charset can be written in it");
        let start = bytes.windows(3).position(|window| window == b"MSH").expect("there is a header");
        assert_eq!(written, bytes[start..start + written.len()]);
    }
}

fn acknowledge(message: &Message) {
    let (text, control_id) = ("no", "7");
    let ack = AckText { code: AckCode::AE, text, error: None, sender: "", control_id, time: "20260102" };
    let answer = ack::build(Some(message), &ack);
    Framing::MLLP.wrap(&answer, &mut vec![]).expect("an answer can be framed");
    let answer = Message::read(answer, "").expect("an answer is a message");
    let read = Ack::read(&answer).expect("an answer has a segment MSA");
    assert_eq!(read.code, Some(AckCode::AE));
    let own_words =
        matches!(message.charset().why, Why::Undeclared | Why::Declared) && message.text().is_ascii();
    if own_words && !message.text().contains(['\x0B', '\x1C', '\x1B']) {
        assert!(read.answers(message));
    }
}

fn number(name: &str, otherwise: u64) -> u64 {
    let number =
        std::env::var(name).ok().map(|number| number.parse().unwrap_or_else(|_| panic!("{name}: no number")));
    let number = number.unwrap_or(otherwise);
    println!("{name}={number}");
    number
}

/// One thread's share. A failure prints the input as it is, which holds invented patients only.
fn run(originals: &[Vec<u8>], seed: u64, rounds: usize) -> usize {
    let paths = PATHS.map(|path| path.parse().unwrap()).to_vec();
    let framings = FRAMINGS.map(|framing| framing.parse().unwrap()).to_vec();
    let mut fuzz = Fuzz { paths, framings, random: Random(seed), read: 0 };
    for round in 0..rounds {
        let mut bytes = originals[fuzz.random.below(originals.len())].clone();
        for _ in 0..=fuzz.random.below(8) {
            damage(&mut bytes, &mut fuzz.random);
        }
        let fuzzed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| fuzz.exercise(&bytes)));
        if let Err(cause) = fuzzed {
            println!("round {round} of seed {seed}: {:?}", String::from_utf8_lossy(&bytes));
            std::panic::resume_unwind(cause);
        }
    }
    fuzz.read
}

#[test]
fn damaged_messages_do_no_harm() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/messages");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "hl7"));
    files.sort();
    let originals: Vec<Vec<u8>> = files.iter().map(|path| std::fs::read(path).unwrap()).collect();
    let originals = Arc::new(originals);
    let (seed, rounds) = (number("ORRIS_SEED", 20_261_123), number("ORRIS_ROUNDS", ROUNDS as u64) as usize);
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let originals = originals.clone();
            std::thread::spawn(move || {
                run(&originals, seed.wrapping_add(thread), rounds.div_ceil(THREADS as usize))
            })
        })
        .collect();
    let fields: usize = threads.into_iter().map(|thread| thread.join().expect("no input does harm")).sum();
    assert!(fields > rounds * 10, "hardly anything could be read: {fields} fields");
}
