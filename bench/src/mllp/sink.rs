//! The receiver: accepts every message, and knows which of them came, how often, and in which order.

use std::net::TcpListener;
use std::time::Instant;

use super::senders::{id_of, read_id};
use super::socket::{LISTENER, Poll, Socket, Token};

/// One listening port. Each message is to come here once.
pub(crate) struct Sink {
    part: u32,
    listener: TcpListener,
    sockets: Vec<Socket>,
    seen: Vec<Seen>,
    /// What MSH-5 has to say; anything without it.
    pub(crate) wanted: Option<String>,
    /// How many messages came for the first time.
    pub(crate) arrived: u64,
    /// How many came once more.
    pub(crate) again: u64,
    /// How many came behind a later one of the same sender.
    pub(crate) overtaken: u64,
    /// When the last one came.
    pub(crate) last: Instant,
}

/// What came of one sender.
#[derive(Default)]
struct Seen {
    messages: Vec<bool>,
    /// The next that is to come when they come in order.
    next: usize,
}

impl Sink {
    /// Listens on a free port; `number` tells several apart.
    pub(crate) fn listen(number: u32, poll: &Poll) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        poll.listener(&listener, number + 1);
        Sink {
            part: number + 1,
            listener,
            sockets: Vec::new(),
            seen: Vec::new(),
            wanted: None,
            arrived: 0,
            again: 0,
            overtaken: 0,
            last: Instant::now(),
        }
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.listener.local_addr().expect("an address").port()
    }

    /// Takes what has come: a connection, or messages on one.
    pub(crate) fn ready(&mut self, socket: u32, poll: &Poll, buffer: &mut [u8]) {
        if socket == LISTENER {
            while let Ok((stream, _)) = self.listener.accept() {
                let token = Token { part: self.part, socket: self.sockets.len() as u32 };
                self.sockets.push(Socket::new(stream, poll, token));
            }
            return;
        }
        let Sink { sockets, seen, wanted, arrived, again, overtaken, .. } = self;
        let before = *arrived;
        let socket = &mut sockets[socket as usize];
        // A connection that the engine closes is no fault here; what is missing shows in the count.
        let _open = socket.frames(buffer, |out, message| {
            let id = id_of(message).expect("a message has a control id");
            let receiver = message.split(|byte| *byte == b'|').nth(4);
            assert!(
                wanted.as_ref().is_none_or(|wanted| receiver == Some(wanted.as_bytes())),
                "MSH-5 is {:?}; expected {wanted:?}",
                receiver.map(String::from_utf8_lossy)
            );
            answer(out, id);
            let (sender, number) = read_id(id).expect("a control id is ours");
            if seen.len() <= sender {
                seen.resize_with(sender + 1, Seen::default);
            }
            match seen[sender].note(number) {
                Noted::InOrder => *arrived += 1,
                Noted::Overtaken => (*arrived, *overtaken) = (*arrived + 1, *overtaken + 1),
                Noted::Again => *again += 1,
            }
        }) && socket.flush();
        if *arrived > before {
            self.last = Instant::now();
        }
    }
}

/// How a message came.
#[derive(Debug, PartialEq, Eq)]
enum Noted {
    InOrder,
    Overtaken,
    Again,
}

impl Seen {
    fn note(&mut self, number: usize) -> Noted {
        if self.messages.len() <= number {
            self.messages.resize(number + 1, false);
        }
        if std::mem::replace(&mut self.messages[number], true) {
            return Noted::Again;
        }
        let late = number < self.next;
        self.next = self.next.max(number + 1);
        if late { Noted::Overtaken } else { Noted::InOrder }
    }
}

/// Accepts the message with this control id, in a frame.
fn answer(out: &mut Vec<u8>, id: &[u8]) {
    out.extend_from_slice(b"\x0bMSH|^~\\&|LAB|NORTH|ADT1|NORTH HOSPITAL|20260102030405||ACK|A");
    out.extend_from_slice(id);
    out.extend_from_slice(b"|P|2.5\rMSA|AA|");
    out.extend_from_slice(id);
    out.extend_from_slice(b"\r\x1c\r");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_late_or_again_is_seen() {
        let mut seen = Seen::default();
        let noted: Vec<_> = [0, 2, 1, 3, 2].map(|number| seen.note(number)).into();
        assert_eq!(noted, [Noted::InOrder, Noted::InOrder, Noted::Overtaken, Noted::InOrder, Noted::Again]);
    }
}
