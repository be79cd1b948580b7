//! Finding where the current frame ends. Knows how far it has looked, so that no byte is looked at twice.

use super::{END, FrameKind, Framing, Junk, Mark, START};

/// Junk and white space come in parts of at most so many bytes.
const PART: usize = 64 << 10;

/// How far the stream has been looked at.
pub(super) struct Scan {
    framing: Framing,
    start: Mark,
    end: Mark,
    max: usize,
    part: usize,
    place: Place,
    /// The current piece does not end before this byte.
    at: usize,
    /// What comes behind the current piece, where it was seen to end at `at`.
    ended: Option<Place>,
    /// The first letter of a message without a frame, which tells whether it is a batch.
    first: u8,
    /// Whether the message is too long and its first part has been given.
    too_long: bool,
    /// Whether the start of a frame was seen, at the end of what there is.
    begun: bool,
    pub(super) finished: bool,
    pub(super) needs_pause: bool,
}

/// Where the current piece stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Between frames.
    Between,
    /// Between frames, in what is no frame.
    Outside,
    /// Behind the start of a frame.
    Within,
    /// In a message without a frame.
    Open,
    /// Before the end of a frame, which has been seen.
    End,
}

/// What the next piece is and how long; none where more must be seen.
type Piece = Option<(FrameKind, usize)>;

/// Whether a mark stands somewhere.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    Yes,
    No,
    /// Too little is there to say.
    Unclear,
}

impl Scan {
    pub(super) fn new(framing: Framing, max: usize) -> Self {
        let (start, end) = match framing {
            Framing::Block { start, end } => (start, end),
            Framing::Ended(end) => (Mark::new(&[]), end),
            Framing::None => (Mark::new(&[]), Mark::new(&[])),
            Framing::Flexible => (Mark::new(&[START]), Mark::new(&[END])),
        };
        Scan {
            framing,
            start,
            end,
            max,
            part: max.min(PART),
            place: Place::Between,
            at: 0,
            ended: None,
            first: 0,
            too_long: false,
            begun: false,
            finished: false,
            needs_pause: false,
        }
    }

    pub(super) fn is_within(&self) -> bool {
        self.begun || matches!(self.place, Place::Within | Place::Open)
    }

    pub(super) fn is_outside(&self) -> bool {
        self.place == Place::Outside
    }

    /// Looks at `window`, the current piece as far as it has come in, with what may come after it.
    ///
    /// `last` says that nothing comes after it, for good or for now.
    pub(super) fn step(&mut self, window: &[u8], last: bool) -> Piece {
        self.needs_pause = false;
        self.begun = false;
        match self.place {
            Place::Between => self.between(window, last),
            Place::Outside => self.outside(window, last),
            Place::Within => self.within(window, last),
            Place::Open => self.open(window, last),
            Place::End => self.piece(FrameKind::Framing, self.end.bytes().len(), Place::Between),
        }
    }

    fn piece(&mut self, kind: FrameKind, length: usize, next: Place) -> Piece {
        self.at = 0;
        self.place = next;
        self.too_long &= next == Place::Within || next == Place::Open;
        Some((kind, length))
    }

    /// White space, the start of a frame, or a message that needs none.
    fn between(&mut self, window: &[u8], last: bool) -> Piece {
        let start = self.start;
        let stray_end = self.framing == Framing::Flexible;
        let is_space = |byte: &u8| match byte {
            byte if start.bytes().first() == Some(byte) => false,
            b'\r' | b'\n' | b' ' | b'\t' => true,
            byte => stray_end && *byte == END,
        };
        let rest = &window[self.at..];
        let most = self.part - self.at;
        let space = rest.iter().take(most).take_while(|byte| is_space(byte)).count();
        self.at += space;
        if self.at == self.part || (self.at > 0 && (self.at < window.len() || (last && self.finished))) {
            return self.piece(FrameKind::Framing, self.at, Place::Between);
        }
        if self.at > 0 {
            return None;
        }
        let unclear = |seen| seen == Seen::Unclear && !(last && self.finished);
        if !start.bytes().is_empty() {
            match starts_with(window, start) {
                Seen::Yes => return self.start(window, last),
                seen if unclear(seen) => {
                    self.begun = true;
                    return None;
                }
                _ => {}
            }
        }
        match self.framing {
            Framing::Ended(_) => {
                self.place = Place::Within;
                return self.within(window, last);
            }
            Framing::None | Framing::Flexible => match begins(window, 0) {
                Seen::Yes => {
                    self.place = Place::Open;
                    self.first = window[0];
                    self.at = 3;
                    return self.open(window, last);
                }
                seen if unclear(seen) => return None,
                _ => {}
            },
            Framing::Block { .. } => {}
        }
        self.place = Place::Outside;
        self.outside(window, last)
    }

    /// The start of a frame, and its end if nothing is between them.
    fn start(&mut self, window: &[u8], last: bool) -> Piece {
        let length = self.start.bytes().len();
        match starts_with(&window[length..], self.end) {
            Seen::Yes => {
                let whole = length + self.end.bytes().len();
                self.piece(FrameKind::Junk(Junk::Empty), whole, Place::Between)
            }
            Seen::No => self.piece(FrameKind::Framing, length, Place::Within),
            Seen::Unclear if last && self.finished => {
                self.piece(FrameKind::Junk(Junk::CutOff), window.len(), Place::Between)
            }
            Seen::Unclear => {
                self.begun = true;
                None
            }
        }
    }

    /// What is no frame, up to the start of one.
    fn outside(&mut self, window: &[u8], last: bool) -> Piece {
        let junk = FrameKind::Junk(Junk::Outside);
        let end = self.ended.take().or_else(|| self.end_of_junk(window));
        if self.at > self.part {
            self.at -= self.part;
            self.ended = end;
            return Some((junk, self.part));
        }
        if let Some(next) = end {
            return self.piece(junk, self.at, next);
        }
        if last && self.finished {
            return self.piece(junk, window.len(), Place::Between);
        }
        None
    }

    /// Goes on to the start of a frame, or to a message that needs none, and says whether there is one.
    fn end_of_junk(&mut self, window: &[u8]) -> Option<Place> {
        let lines = matches!(self.framing, Framing::None | Framing::Flexible);
        loop {
            let rest = &window[self.at..];
            let found = match (self.start.bytes().first(), lines) {
                (Some(start), true) => memchr::memchr3(*start, b'\r', b'\n', rest),
                (None, true) => memchr::memchr2(b'\r', b'\n', rest),
                (Some(start), false) => memchr::memchr(*start, rest),
                (None, false) => None,
            };
            let Some(found) = found else {
                self.at = window.len();
                return None;
            };
            self.at += found;
            let here = &window[self.at..];
            let framed = !self.start.bytes().is_empty();
            let seen = if framed { starts_with(here, self.start) } else { Seen::No };
            let at_line = seen == Seen::No && matches!(here[0], b'\r' | b'\n');
            match if at_line { begins(&here[1..], 0) } else { seen } {
                Seen::Yes => {
                    // The line end belongs to what is before it.
                    self.at += usize::from(at_line);
                    return Some(Place::Between);
                }
                Seen::Unclear => return None,
                Seen::No => self.at += 1,
            }
        }
    }

    /// What stands in a frame.
    fn within(&mut self, window: &[u8], last: bool) -> Piece {
        let end = self.end_of_frame(window, last);
        if let Some(part) = self.part_of_too_long() {
            return Some(part);
        }
        match end {
            true if self.at == 0 => {
                self.piece(FrameKind::Junk(Junk::Empty), self.end.bytes().len(), Place::Between)
            }
            true => self.piece(self.kind(), self.at, Place::End),
            false if last && self.finished => {
                self.piece(FrameKind::Junk(Junk::CutOff), window.len(), Place::Between)
            }
            false => None,
        }
    }

    fn kind(&self) -> FrameKind {
        if self.too_long { FrameKind::Junk(Junk::TooLongRest) } else { FrameKind::Message }
    }

    /// Known as soon as the message cannot end in time: a piece never depends on what is held besides it.
    fn part_of_too_long(&mut self) -> Option<(FrameKind, usize)> {
        let (junk, part) = match self.too_long {
            false => (Junk::TooLong(self.max), self.max),
            true => (Junk::TooLongRest, self.part),
        };
        if self.at <= part {
            return None;
        }
        self.too_long = true;
        self.at -= part;
        Some((FrameKind::Junk(junk), part))
    }

    /// Goes on to the end of the frame and says whether it is there.
    fn end_of_frame(&mut self, window: &[u8], last: bool) -> bool {
        let end = self.end;
        // There is always one: only `none` has no end, and it has no frames.
        let first = end.bytes().first().copied().unwrap_or(END);
        while let Some(found) = memchr::memchr(first, &window[self.at..]) {
            self.at += found;
            let seen = match self.framing {
                Framing::Flexible => self.lenient_end(window, last),
                _ => starts_with(&window[self.at..], end),
            };
            match seen {
                Seen::Yes => return true,
                Seen::Unclear => return false,
                Seen::No => self.at += 1,
            }
        }
        self.at = window.len();
        false
    }

    /// Whether the 0x1C at `at` ends a message: one behind a line end or before what may follow a frame
    /// does, one within a field does not.
    fn lenient_end(&mut self, window: &[u8], last: bool) -> Seen {
        if self.at > 0 && matches!(window[self.at - 1], b'\r' | b'\n') {
            return Seen::Yes;
        }
        match window.get(self.at + 1) {
            Some(b'\r' | b'\n' | &START) => Seen::Yes,
            Some(_) => Seen::No,
            None if last => Seen::Yes,
            None => {
                self.needs_pause = true;
                Seen::Unclear
            }
        }
    }

    /// A message without a frame, up to the line with which the next one begins.
    fn open(&mut self, window: &[u8], last: bool) -> Piece {
        let next = self.ended.take().or_else(|| self.end_of_open(window, last));
        if let Some(part) = self.part_of_too_long() {
            self.ended = next;
            return Some(part);
        }
        match next {
            Some(next) => self.piece(self.kind(), self.at, next),
            None if last => self.piece(self.kind(), window.len(), Place::Between),
            None => {
                self.needs_pause = true;
                None
            }
        }
    }

    /// Goes on to the end of the message and says what comes behind it.
    fn end_of_open(&mut self, window: &[u8], last: bool) -> Option<Place> {
        let flexible = self.framing == Framing::Flexible;
        loop {
            let rest = &window[self.at..];
            let found = match flexible {
                true => memchr::memchr3(b'\r', b'\n', END, rest),
                false => memchr::memchr2(b'\r', b'\n', rest),
            };
            let Some(found) = found else {
                self.at = window.len();
                return None;
            };
            self.at += found;
            if window[self.at] == END {
                match self.lenient_end(window, last) {
                    Seen::Yes => return Some(Place::End),
                    Seen::Unclear => return None,
                    Seen::No => self.at += 1,
                }
                continue;
            }
            let behind = &window[self.at + 1..];
            let seen = if flexible && behind.first() == Some(&START) {
                Seen::Yes
            } else {
                begins(behind, self.first)
            };
            if seen == Seen::Unclear && !last {
                return None;
            }
            self.at += 1;
            if seen == Seen::Yes {
                return Some(Place::Between);
            }
        }
    }
}

fn starts_with(window: &[u8], mark: Mark) -> Seen {
    match mark.bytes() {
        mark if window.starts_with(mark) => Seen::Yes,
        mark if mark.starts_with(window) => Seen::Unclear,
        _ => Seen::No,
    }
}

/// Whether a line begins a message, or a batch with all its messages. Within a batch, only another one
/// begins anything; `first` is the first letter of what it is in.
fn begins(line: &[u8], first: u8) -> Seen {
    let ids: &[&[u8]] = match first {
        b'F' => &[b"FHS"],
        b'B' => &[b"FHS", b"BHS"],
        _ => &[b"FHS", b"BHS", b"MSH"],
    };
    let Some((id, rest)) = line.split_at_checked(3) else {
        return if ids.iter().any(|id| id.starts_with(line)) { Seen::Unclear } else { Seen::No };
    };
    match rest.first() {
        _ if !ids.contains(&id) => Seen::No,
        None => Seen::Unclear,
        Some(byte) if byte.is_ascii_punctuation() => Seen::Yes,
        Some(_) => Seen::No,
    }
}
