//! Frames in tables.

use super::*;

/// The frames as one letter and the text: the same for the whole stream and in pieces of any size.
fn frames(framing: &str, max: usize, stream: &str) -> Vec<String> {
    let framing: Framing = framing.parse().unwrap();
    let cut = |size: usize| {
        let mut deframer = Deframer::new(framing, max);
        let mut found = vec![];
        for chunk in stream.as_bytes().chunks(size) {
            deframer.push(Bytes::copy_from_slice(chunk));
            found.extend(deframer.by_ref());
        }
        deframer.finish();
        found.extend(deframer);
        found
    };
    let whole = cut(stream.len().max(1));
    for size in [1, 2, 3, 7] {
        assert_eq!(cut(size), whole, "{stream:?} by {size}");
    }
    let mut offset = 0;
    for frame in &whole {
        assert_eq!(frame.offset, offset);
        offset += frame.bytes.len() as u64;
    }
    let together: Vec<u8> = whole.iter().flat_map(|frame| frame.bytes.to_vec()).collect();
    assert_eq!(together, stream.as_bytes());
    let letter = |kind| match kind {
        FrameKind::Message => 'M',
        FrameKind::Framing => '.',
        FrameKind::Junk(Junk::Outside) => 'o',
        FrameKind::Junk(Junk::Empty) => 'e',
        FrameKind::Junk(Junk::TooLong(_)) => 'L',
        FrameKind::Junk(Junk::TooLongRest) => 'l',
        FrameKind::Junk(Junk::CutOff) => 'c',
    };
    let text = |frame: &Frame| String::from_utf8_lossy(&frame.bytes).into_owned();
    whole.iter().map(|frame| format!("{}{}", letter(frame.kind), text(frame))).collect()
}

#[test]
fn mllp_is_cut_at_its_marks() {
    for (stream, expected) in [
        ("", vec![]),
        ("\x0BMSH|A\r\x1C\r", vec![".\x0B", "MMSH|A\r", ".\x1C\r"]),
        ("\x0BA\x1C\r\x0BB\x1C\r", vec![".\x0B", "MA", ".\x1C\r", ".\x0B", "MB", ".\x1C\r"]),
        ("\x0BA\x1C\r\n\x0BB\x1C\r", vec![".\x0B", "MA", ".\x1C\r", ".\n", ".\x0B", "MB", ".\x1C\r"]),
        // lines that end with LF or CR LF, no MSH, several messages in one frame
        ("\x0BMSH|\nPID|\r\n\x1C\r", vec![".\x0B", "MMSH|\nPID|\r\n", ".\x1C\r"]),
        ("\x0Bhello\x1C\r", vec![".\x0B", "Mhello", ".\x1C\r"]),
        ("\x0BMSH|A\rMSH|B\x1C\r", vec![".\x0B", "MMSH|A\rMSH|B", ".\x1C\r"]),
        // marks within a message
        ("\x0BA\x1CB\x1C\x1C\r", vec![".\x0B", "MA\x1CB\x1C", ".\x1C\r"]),
        ("\x0BA\x0BB\x1C\n\x1C\r", vec![".\x0B", "MA\x0BB\x1C\n", ".\x1C\r"]),
        ("\x0B\x1CA\x1C\r", vec![".\x0B", "M\x1CA", ".\x1C\r"]),
        // nothing within, and nothing around
        ("\x0B\x1C\r\x0BA\x1C\r", vec!["e\x0B\x1C\r", ".\x0B", "MA", ".\x1C\r"]),
        ("hello\x0BA\x1C\r", vec!["ohello", ".\x0B", "MA", ".\x1C\r"]),
        ("\r\n hello\r\n\x0BA\x1C\r", vec![".\r\n ", "ohello\r\n", ".\x0B", "MA", ".\x1C\r"]),
        ("MSH|A\rMSH|B\r", vec!["oMSH|A\rMSH|B\r"]),
        // cut off
        ("\x0BMSH|A", vec![".\x0B", "cMSH|A"]),
        ("\x0BMSH|A\x1C", vec![".\x0B", "cMSH|A\x1C"]),
        ("\x0B", vec!["c\x0B"]),
        ("\x0B\x1C", vec!["c\x0B\x1C"]),
        (" \r", vec![". \r"]),
    ] {
        assert_eq!(frames("mllp", 100, stream), expected, "{stream:?}");
    }
}

#[test]
fn other_marks_do_the_same() {
    for (framing, stream, expected) in [
        ("mllp2/3", "\x02A\x1C\r\x03\r", vec![".\x02", "MA\x1C\r", ".\x03\r"]),
        (
            "mllp1,2/3,4",
            "x\x01\x01\x02A\x03\r\x03\x04\r",
            vec!["ox\x01", ".\x01\x02", "MA\x03\r", ".\x03\x04\r"],
        ),
        ("mllp1,2/3", "\x01\x01", vec!["o\x01\x01"]),
        ("mllp10/13", "\n\r\r\nA\rB\r\r", vec!["e\n\r\r", ".\n", "MA\rB", ".\r\r"]),
        ("ascii11/28", "\x0BA\x1C\r\x0BB\x1C", vec![".\x0B", "MA", ".\x1C", ".\r", ".\x0B", "MB", ".\x1C"]),
        ("ascii_lf", "\n\nA\rB\r\nC\n\n", vec![".\n\n", "MA\rB\r", ".\n", "MC", ".\n", ".\n"]),
        ("ascii_lf", "A\nB", vec!["MA", ".\n", "cB"]),
        ("ascii_cr", "A\nB\r\rC\r", vec!["MA\nB", ".\r", ".\r", "MC", ".\r"]),
        ("ascii_crlf", "A\rB\r\r\nC\r\n", vec!["MA\rB\r", ".\r\n", "MC", ".\r\n"]),
        ("ascii28", "A\x1C\x1CB\x1C", vec!["MA", ".\x1C", "e\x1C", "MB", ".\x1C"]),
    ] {
        assert_eq!(frames(framing, 100, stream), expected, "{framing} {stream:?}");
    }
}

#[test]
fn flexible_takes_what_senders_make_of_it() {
    for (stream, expected) in [
        ("\x0BA\x1C\r\x0BB\x1C\r", vec![".\x0B", "MA", ".\x1C", ".\r", ".\x0B", "MB", ".\x1C", ".\r"]),
        // without the CR
        ("\x0BA\r\x1C\x0BB\r\x1C", vec![".\x0B", "MA\r", ".\x1C", ".\x0B", "MB\r", ".\x1C"]),
        ("\x0BA\x1C\x0BB\x1C", vec![".\x0B", "MA", ".\x1C", ".\x0B", "MB", ".\x1C"]),
        ("\x0BA\x1C\n\x0BB\x1C\r\n", vec![".\x0B", "MA", ".\x1C", ".\n", ".\x0B", "MB", ".\x1C", ".\r\n"]),
        ("\x0BA\x1CB\x1C\r", vec![".\x0B", "MA\x1CB", ".\x1C", ".\r"]),
        ("\x0B\x1C\x1C\r", vec!["e\x0B\x1C", ".\x1C\r"]),
        // without a frame
        ("MSH|A\rPID|\rMSH|B\r", vec!["MMSH|A\rPID|\r", "MMSH|B\r"]),
        ("MSH|A\r\x1C\rMSH|B\x1C", vec!["MMSH|A\r", ".\x1C", ".\r", "MMSH|B", ".\x1C"]),
        ("MSH|A\r\x0BMSH|B\x1C\r", vec!["MMSH|A\r", ".\x0B", "MMSH|B", ".\x1C", ".\r"]),
        ("MSH|A\x1CB", vec!["MMSH|A\x1CB"]),
        ("FHS|\rBHS|\rMSH|A\rBTS|\rFTS|\rMSH|B", vec!["MFHS|\rBHS|\rMSH|A\rBTS|\rFTS|\rMSH|B"]),
        ("hello\rMSH|A\r", vec!["ohello\r", "MMSH|A\r"]),
        ("hello\x0BA\x1C\r", vec!["ohello", ".\x0B", "MA", ".\x1C", ".\r"]),
        ("MSHX", vec!["oMSHX"]),
        ("MS", vec!["oMS"]),
        ("\x0BMSH|A", vec![".\x0B", "cMSH|A"]),
    ] {
        assert_eq!(frames("flexible", 100, stream), expected, "{stream:?}");
    }
    let stream = "MSH|A\r\x1CMSH|B\r\rMSHX\r\x0BMSH|C\rBHS|\rMSH|D\rBHS|\r";
    let expected = ["MMSH|A\r\x1CMSH|B\r\rMSHX\r\x0BMSH|C\r", "MBHS|\rMSH|D\r", "MBHS|\r"];
    assert_eq!(frames("none", 100, stream), expected);
}

#[test]
fn what_is_too_long_comes_in_parts() {
    let expected = [".\x0B", "LABCDE", "lFGHIJ", "lK", ".\x1C\r", ".\x0B", "MABCDE", ".\x1C\r"];
    assert_eq!(frames("mllp", 5, "\x0BABCDEFGHIJK\x1C\r\x0BABCDE\x1C\r"), expected);
    assert_eq!(frames("mllp", 5, "\x0BABCDEFGHIJ\x1C\r")[2..], ["lFGHIJ", ".\x1C\r"]);
    assert_eq!(frames("mllp", 5, "\x0BABCDEFG"), [".\x0B", "LABCDE", "cFG"]);
    assert_eq!(frames("mllp", 5, "ABCDEFG\x0B"), ["oABCDE", "oFG", "c\x0B"]);
    assert_eq!(frames("mllp", 2, "     "), [".  ", ".  ", ". "]);
    assert_eq!(frames("flexible", 5, "MSH|ABCDEFG\rMSH|B"), ["LMSH|A", "lBCDEF", "lG\r", "MMSH|B"]);
    assert_eq!(frames("flexible", 5, "MSH|ABCDEF\x1C\r"), ["LMSH|A", "lBCDEF", ".\x1C", ".\r"]);
    assert_eq!(frames("ascii_lf", 5, "ABCDEFG\nB\n"), ["LABCDE", "lFG", ".\n", "MB", ".\n"]);
    assert_eq!(Junk::TooLong(5).to_string(), "message is longer than 5 bytes, the limit for one message");
}

#[test]
fn only_a_pause_ends_what_nothing_marks() {
    let mut deframer = Deframer::new(Framing::Flexible, 100);
    for (chunk, before, after) in [
        ("MSH|A\rPID|", 0, 1),
        // the end of a frame, but is it? Nothing follows
        ("\x0BMSH|B\x1C", 1, 2),
        ("MSH|C\r", 0, 1),
    ] {
        deframer.push(chunk.into());
        assert_eq!(deframer.by_ref().count(), before, "{chunk:?}");
        assert!(deframer.needs_pause() && deframer.is_within());
        deframer.pause();
        assert_eq!(deframer.by_ref().count(), after, "{chunk:?}");
        assert!(!deframer.needs_pause() && !deframer.is_within());
    }
    // A pause within a frame changes nothing.
    let mut deframer = Deframer::new(Framing::Flexible, 100);
    for chunk in ["\x0B", "MSH|", "A\r", "PID|", "\r"] {
        deframer.push(chunk.into());
        deframer.by_ref().for_each(drop);
        assert!(!deframer.needs_pause() && deframer.is_within(), "{chunk:?}");
        deframer.pause();
        assert!(deframer.next().is_none());
    }
    deframer.push("\x1C".into());
    assert_eq!(deframer.next().unwrap().bytes, "MSH|A\rPID|\r");
}

#[test]
fn a_message_within_one_chunk_is_not_copied() {
    let chunk = Bytes::from("\x0BA\x1C\r".repeat(1000));
    let mut deframer = Deframer::new(Framing::MLLP, 100);
    deframer.push("\x0BA\x1C".into());
    assert_eq!(deframer.by_ref().count(), 1);
    deframer.push(Bytes::from("\r"));
    deframer.push(chunk.clone());
    let within = chunk.as_ptr_range();
    let frames = deframer.filter(|frame| frame.kind == FrameKind::Message);
    assert_eq!(frames.filter(|frame| within.contains(&frame.bytes.as_ptr())).count(), 1000);
}

#[test]
fn no_more_is_held_than_one_message() {
    for framing in ["mllp", "flexible", "none", "ascii_lf"] {
        for start in ["\x0B", "MSH|", "x", " "] {
            let mut deframer = Deframer::new(framing.parse().unwrap(), 1000);
            deframer.push(start.into());
            for _ in 0..100 {
                deframer.push(Bytes::from(vec![start.as_bytes()[0]; 99]));
                deframer.by_ref().for_each(drop);
                assert!(deframer.cut.held() <= 1100, "{framing} {start:?} {}", deframer.cut.held());
            }
        }
    }
}

#[test]
fn what_is_wrapped_is_unwrapped() {
    for (framing, message, expected) in [
        ("mllp", "A\r", Ok("\x0BA\r\x1C\r")),
        ("flexible", "A\x1CB", Ok("\x0BA\x1CB\x1C\r")),
        ("mllp", "A\x1C\rB", Err(1)),
        ("mllp2/3", "A", Ok("\x02A\x03\r")),
        ("mllp13/13,13", "A\r", Err(1)),
        ("ascii11/28", "A\r\x1C", Err(2)),
        ("ascii_lf", "A\rB\r", Ok("A\rB\r\n")),
        ("ascii_lf", "A\r\n", Ok("A\r\n")),
        ("ascii_lf", "A\nB\n", Err(1)),
        ("ascii_crlf", "A\r", Ok("A\r\r\n")),
        ("none", "A\r", Ok("A\r")),
        ("none", "A", Ok("A\r")),
    ] {
        let parsed: Framing = framing.parse().unwrap();
        let mut frame = vec![];
        let wrapped = parsed.wrap(message.as_bytes(), &mut frame);
        let found = wrapped.map(|()| std::str::from_utf8(&frame).unwrap()).map_err(|error| error.offset);
        assert_eq!(found, expected, "{framing} {message:?}");
    }
    let error = Framing::MLLP.wrap(b"A\x1C\r", &mut vec![]).unwrap_err().to_string();
    let expected =
        "message has at byte 1 what ends a frame of framing mllp; expected none within the message";
    assert_eq!(error, expected);
}

#[test]
fn names_are_read_and_written() {
    for name in [
        "flexible",
        "none",
        "mllp",
        "mllp2/3",
        "mllp1,2/3,4,5",
        "ascii_lf",
        "ascii_cr",
        "ascii_crlf",
        "ascii28",
        "ascii11/28",
    ] {
        assert_eq!(name.parse::<Framing>().unwrap().to_string(), name);
    }
    assert_eq!("mllp11/28".parse(), Ok(Framing::MLLP));
    for (name, expected) in [
        ("", "one of flexible, mllp"),
        ("MLLP", "one of flexible, mllp"),
        ("mllps", "one of flexible, mllp"),
        ("mllp11", "numbers of bytes"),
        ("mllp11/", "numbers of bytes"),
        ("mllp11/256", "numbers of bytes"),
        ("mllp1,2,3,4/5", "numbers of bytes"),
        ("ascii", "one of flexible, mllp"),
        ("ascii7/7", "different bytes"),
    ] {
        let error = name.parse::<Framing>().unwrap_err().to_string();
        assert!(error.starts_with(&format!("framing is \"{name}\"; expected {expected}")), "{error}");
    }
}
