//! Our own messages with random damage: nothing may panic, hang or lose a byte.

use bytes::Bytes;
use orris_hl7::{Message, Path, PieceKind, split};

const PATHS: [&str; 6] = ["MSH-9.1", "PID-3[*].4.2", "PID[-1]", "OBX[*]-5[-1].1", "MSH-2.2", "ZZ1[3]-9999"];
const ROUNDS: usize = 6_000;

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

/// Does with the bytes everything that can be done.
fn exercise(bytes: &[u8], paths: &[Path], seed: u64) -> usize {
    let input = Bytes::copy_from_slice(bytes);
    let pieces: Vec<_> = split::all(input.clone(), 4096).collect();
    let together: Vec<u8> = pieces.iter().flat_map(|piece| piece.bytes.to_vec()).collect();
    assert_eq!(together, bytes, "ORRIS_SEED={seed}");
    let _either = Message::read(input, "");
    let mut read = 0;
    for piece in pieces.iter().filter(|piece| piece.kind == PieceKind::Message) {
        let message = Message::read(piece.bytes.clone(), "").expect("the splitter has checked the header");
        let complete = message.tree().is_ok();
        assert!(complete || !message.faults().is_empty(), "ORRIS_SEED={seed}");
        for path in paths {
            let values = message.values(path).count();
            assert_eq!(values > 0, message.value(path).is_some(), "ORRIS_SEED={seed}");
        }
        read += message.segments().map(|segment| segment.fields().count()).sum::<usize>();
        assert!(message.doc_type().len() <= message.text().len() + 1);
    }
    read
}

#[test]
fn damaged_messages_do_no_harm() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/messages");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "hl7"));
    files.sort();
    let originals: Vec<Vec<u8>> = files.iter().map(|path| std::fs::read(path).unwrap()).collect();
    let paths = PATHS.map(|path| path.parse().unwrap());
    let seed = crate::seed();
    let mut random = Random(seed);
    let mut fields = 0;
    for _ in 0..ROUNDS {
        let mut bytes = originals[random.below(originals.len())].clone();
        for _ in 0..=random.below(8) {
            damage(&mut bytes, &mut random);
        }
        fields += exercise(&bytes, &paths, seed);
    }
    assert!(fields > ROUNDS * 10, "hardly anything could be read: {fields} fields");
}
