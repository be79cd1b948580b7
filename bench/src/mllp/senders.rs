//! The load: connections that each send a message, or several, and wait for the acknowledgement.

use std::collections::VecDeque;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use memchr::memmem;
use orris_tests::{Random, eventually};

use super::socket::{Poll, Socket, Token};
use crate::feed;

/// The size of each message, without its frame.
pub(crate) const SIZE: usize = 1_024;
/// How many different messages there are; only their control ids grow.
const DIFFERENT: u64 = 1_024;
/// Digits of a control id that say the sender, and those that count its messages.
const SENDER_DIGITS: usize = 3;
const COUNT_DIGITS: usize = 7;
const ID_DIGITS: usize = SENDER_DIGITS + COUNT_DIGITS;

/// What a sender sends, and on how many connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Load {
    /// Connections.
    pub(crate) senders: usize,
    /// Messages of each that may wait for their acknowledgement; 1 is lock step.
    pub(crate) pipelined: usize,
}

/// The senders, all on one thread.
pub(crate) struct Senders {
    load: Load,
    senders: Vec<Sender>,
    frames: Vec<u8>,
    /// Where the control id is in a frame.
    id_at: usize,
    /// How many messages are sent, and how many of them acknowledged.
    pub(crate) sent: u64,
    /// See above.
    pub(crate) acknowledged: u64,
    /// When the last acknowledgement came.
    pub(crate) last: Instant,
    /// How long each acknowledgement took.
    pub(crate) times: Vec<Duration>,
    /// Whether the next message follows each acknowledgement.
    pub(crate) sending: bool,
}

struct Sender {
    socket: Socket,
    sent: u64,
    waiting: VecDeque<(u64, Instant)>,
}

impl Senders {
    /// Senders that have no connection yet.
    pub(crate) fn new(load: Load) -> Self {
        let frames = frames();
        let id = id_of(&frames[1..]).expect("a control id");
        let id_at = id.as_ptr() as usize - frames.as_ptr() as usize;
        Senders {
            load,
            senders: Vec::with_capacity(load.senders),
            frames,
            id_at,
            sent: 0,
            acknowledged: 0,
            last: Instant::now(),
            times: Vec::new(),
            sending: false,
        }
    }

    /// Connects one more to this port, unless all are; the receiver may not listen yet.
    pub(crate) fn connect(&mut self, port: u16, poll: &Poll) -> bool {
        if self.senders.len() == self.load.senders {
            return false;
        }
        let stream = eventually("the receiver listens", || TcpStream::connect(("127.0.0.1", port)).ok());
        let token = Token { part: 0, socket: self.senders.len() as u32 };
        let socket = Socket::new(stream, poll, token);
        self.senders.push(Sender { socket, sent: 0, waiting: VecDeque::new() });
        true
    }

    /// Sends until each connection has as many messages unacknowledged as it may have.
    pub(crate) fn begin(&mut self) {
        self.sending = true;
        for number in 0..self.senders.len() {
            self.fill(number, Instant::now());
        }
    }

    /// Takes what has come on a connection, and sends on.
    pub(crate) fn ready(&mut self, number: usize, buffer: &mut [u8]) {
        let Sender { socket, waiting, .. } = &mut self.senders[number];
        let now = Instant::now();
        let (times, before) = (&mut self.times, waiting.len());
        let open = socket.frames(buffer, |_, answer| {
            let (sequence, begun) = waiting.pop_front().unwrap_or_else(|| refused(answer, "none"));
            let mut wanted = [0; ID_DIGITS];
            write_id(&mut wanted, number as u64, sequence);
            if accepted(answer) != Some(&wanted) {
                refused(answer, &String::from_utf8_lossy(&wanted));
            }
            times.push(now - begun);
        });
        assert!(open, "connection {number} was closed");
        let come = before - waiting.len();
        if come > 0 {
            self.acknowledged += come as u64;
            self.last = now;
        }
        self.fill(number, now);
    }

    fn fill(&mut self, number: usize, now: Instant) {
        let sender = &mut self.senders[number];
        while self.sending && sender.waiting.len() < self.load.pipelined {
            let stride = SIZE + 3;
            let from = (self.sent % DIFFERENT) as usize * stride;
            let frame = &mut self.frames[from..from + stride];
            write_id(&mut frame[self.id_at..self.id_at + ID_DIGITS], number as u64, sender.sent);
            sender.socket.out.extend_from_slice(frame);
            sender.waiting.push_back((sender.sent, now));
            sender.sent += 1;
            self.sent += 1;
        }
        assert!(sender.socket.flush(), "connection {number} was closed");
    }
}

/// The pre-rendered messages in their frames, one behind the other.
fn frames() -> Vec<u8> {
    let mut random = Random::new(8);
    let mut frames = Vec::with_capacity(DIFFERENT as usize * (SIZE + 3));
    while frames.len() < frames.capacity() {
        let mut text = feed::message(0, &mut random);
        if text.len() + 5 <= SIZE {
            // A segment of its own fills it up.
            text.push_str(&format!("ZZZ|{}\r", ".".repeat(SIZE - 5 - text.len())));
            frames.push(0x0B);
            frames.extend_from_slice(text.as_bytes());
            frames.extend_from_slice(b"\x1c\r");
        }
    }
    frames
}

/// Writes `sender` and `sequence` as decimal digits.
fn write_id(place: &mut [u8], sender: u64, sequence: u64) {
    let mut number = sender * 10u64.pow(COUNT_DIGITS as u32) + sequence;
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// The sender and the number of its message that a control id says.
pub(crate) fn read_id(id: &[u8]) -> Option<(usize, usize)> {
    let number = |digits: &[u8]| {
        digits
            .iter()
            .try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + usize::from(digit - b'0')))
    };
    let (sender, count) = id.split_at_checked(SENDER_DIGITS)?;
    Some((number(sender)?, number(count)?)).filter(|_| id.len() == ID_DIGITS)
}

/// MSH-10 of a message.
pub(crate) fn id_of(message: &[u8]) -> Option<&[u8]> {
    let mut ends = memchr::memchr_iter(b'|', message).skip(8);
    let (start, end) = (ends.next()? + 1, ends.next()?);
    Some(&message[start..end])
}

/// MSA-2 of an answer that accepts: `AA`, or `CA` since the messages ask for that in MSH-15.
fn accepted(answer: &[u8]) -> Option<&[u8]> {
    let msa = memmem::find(answer, b"\rMSA|").map(|at| &answer[at + 5..])?;
    let id = msa.strip_prefix(b"AA|").or_else(|| msa.strip_prefix(b"CA|"))?;
    id.split(|byte| matches!(byte, b'|' | b'\r')).next()
}

fn refused(answer: &[u8], wanted: &str) -> ! {
    panic!("the answer is {:?}; expected one that accepts {wanted}", String::from_utf8_lossy(answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_ids_say_the_sender_and_its_message() {
        let mut id = [0; ID_DIGITS];
        write_id(&mut id, 255, 31);
        assert_eq!(&id, b"2550000031");
        assert_eq!(read_id(&id), Some((255, 31)));
        assert_eq!(read_id(b"255000003"), None);
        assert_eq!(read_id(b"25500000x1"), None);
    }

    #[test]
    fn messages_have_their_size_and_their_control_id() {
        let frames = frames();
        assert_eq!(frames.len(), DIFFERENT as usize * (SIZE + 3));
        for frame in frames.chunks(SIZE + 3) {
            assert!(frame.starts_with(b"\x0bMSH|") && frame.ends_with(b"\r\x1c\r"));
            assert_eq!(id_of(&frame[1..]), Some(&b"0000000000"[..]));
        }
    }

    #[test]
    fn only_an_acceptance_accepts() {
        assert_eq!(accepted(b"MSH|^~\\&|A\rMSA|AA|7\r"), Some(&b"7"[..]));
        assert_eq!(accepted(b"MSH|^~\\&|A\rMSA|AA|7|text"), Some(&b"7"[..]));
        assert_eq!(accepted(b"MSH|^~\\&|A\rMSA|CA|7\r"), Some(&b"7"[..]));
        assert_eq!(accepted(b"MSH|^~\\&|A\rMSA|AE|7\r"), None);
    }
}
