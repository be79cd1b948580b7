//! Streams of frames, cut into chunks in any way.

use bytes::Bytes;
use orris_hl7::{Deframer, Frame, FrameKind, Framing};
use proptest::prelude::*;

use crate::{config, generate};

const FRAMINGS: [&str; 9] = [
    "mllp",
    "flexible",
    "none",
    "ascii_lf",
    "ascii_cr",
    "ascii_crlf",
    "ascii11/28",
    "mllp13,10/13,13",
    "ascii28",
];

fn frames_of(framing: Framing, max: usize, chunks: &[Vec<u8>]) -> Vec<Frame> {
    let mut deframer = Deframer::new(framing, max);
    let mut frames = vec![];
    for chunk in chunks {
        deframer.push(Bytes::copy_from_slice(chunk));
        frames.extend(deframer.by_ref());
    }
    deframer.finish();
    frames.extend(deframer);
    frames
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn frames_are_the_stream_however_it_is_cut(chunks in generate::chunks(), max in 1usize..40) {
        let stream = chunks.concat();
        let bytewise: Vec<Vec<u8>> = stream.iter().map(|byte| vec![*byte]).collect();
        for framing in FRAMINGS {
            let parsed: Framing = framing.parse().unwrap();
            for max in [max, 1 << 20] {
                let whole = frames_of(parsed, max, std::slice::from_ref(&stream));
                let together: Vec<u8> = whole.iter().flat_map(|frame| frame.bytes.to_vec()).collect();
                prop_assert_eq!(&together, &stream, "{}", framing);
                prop_assert!(whole.iter().all(|frame| !frame.bytes.is_empty()));
                let messages = whole.iter().filter(|frame| frame.kind == FrameKind::Message);
                prop_assert!(messages.map(|frame| frame.bytes.len()).all(|length| length <= max));
                prop_assert_eq!(&frames_of(parsed, max, &chunks), &whole, "{}", framing);
                prop_assert_eq!(&frames_of(parsed, max, &bytewise), &whole, "{}", framing);
            }
        }
    }

    #[test]
    fn pauses_lose_nothing(chunks in generate::chunks()) {
        for framing in FRAMINGS {
            let mut deframer = Deframer::new(framing.parse().unwrap(), 100);
            let mut together = vec![];
            for chunk in &chunks {
                deframer.push(Bytes::copy_from_slice(chunk));
                deframer.by_ref().for_each(|frame| together.extend_from_slice(&frame.bytes));
                deframer.pause();
                deframer.by_ref().for_each(|frame| together.extend_from_slice(&frame.bytes));
                prop_assert!(!deframer.needs_pause());
            }
            deframer.finish();
            deframer.for_each(|frame| together.extend_from_slice(&frame.bytes));
            prop_assert_eq!(together, chunks.concat(), "{}", framing);
        }
    }

    #[test]
    fn what_is_framed_comes_out(messages in proptest::collection::vec("[A-Z|\r\n\u{b}\u{1c}]{1,20}", 0..5)) {
        for framing in ["mllp", "ascii11/28", "mllp2/3"] {
            let framing: Framing = framing.parse().unwrap();
            let mut stream = vec![];
            let wrapped = |message: &&String| framing.wrap(message.as_bytes(), &mut stream).is_ok();
            let sent: Vec<String> = messages.iter().filter(wrapped).cloned().collect();
            let frames = frames_of(framing, 100, &[stream]);
            prop_assert!(frames.iter().all(|frame| !matches!(frame.kind, FrameKind::Junk(_))));
            let messages = frames.iter().filter(|frame| frame.kind == FrameKind::Message);
            let found: Vec<String> =
                messages.map(|frame| String::from_utf8(frame.bytes.to_vec()).unwrap()).collect();
            prop_assert_eq!(found, sent);
        }
    }
}
