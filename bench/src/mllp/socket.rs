//! One thread with many sockets: which of them something has come on, the frames in it, and what goes out.
//!
//! As little as can be, since the load takes its cycles from the engine that it measures: `epoll`, one
//! read for all that has come, one write for all that goes.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use memchr::memchr_iter;
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};

/// Whose event it is: a part of the load, and a socket of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    /// 0 for the senders, and from 1 on the sinks.
    pub(crate) part: u32,
    /// The socket's number; [`LISTENER`] for that which connections come in by.
    pub(crate) socket: u32,
}

/// The listening socket of a part.
pub(crate) const LISTENER: u32 = u32::MAX;

/// What waits for events.
pub(crate) struct Poll(OwnedFd);

/// Room for what a [`Poll`] tells at once.
pub(crate) type Events = Vec<epoll::Event>;

impl Poll {
    /// One that waits for nothing yet.
    pub(crate) fn new() -> Self {
        Poll(epoll::create(epoll::CreateFlags::CLOEXEC).expect("an epoll"))
    }

    /// Tells of this source from now on.
    fn add(&self, source: impl AsFd, token: Token, flags: epoll::EventFlags) {
        let data = u64::from(token.part) << 32 | u64::from(token.socket);
        epoll::add(&self.0, source, epoll::EventData::new_u64(data), flags).expect("a socket to wait for");
    }

    /// Tells of connections to this listener.
    pub(crate) fn listener(&self, listener: &TcpListener, part: u32) {
        listener.set_nonblocking(true).expect("a listener that does not block");
        self.add(listener, Token { part, socket: LISTENER }, epoll::EventFlags::IN);
    }

    /// Waits until something has come, at most so long, and says on what.
    pub(crate) fn wait(&self, longest: Duration, events: &mut Events, mut each: impl FnMut(Token)) {
        events.reserve(512);
        let timeout =
            Timespec { tv_sec: longest.as_secs() as i64, tv_nsec: i64::from(longest.subsec_nanos()) };
        match epoll::wait(&self.0, spare_capacity(events), Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => panic!("epoll: {error}"),
        }
        for event in events.drain(..) {
            let data = event.data.u64();
            each(Token { part: (data >> 32) as u32, socket: data as u32 });
        }
    }
}

/// A connection that frames go over.
pub(crate) struct Socket {
    stream: TcpStream,
    /// The beginning of a frame whose end has not come yet.
    partial: Vec<u8>,
    /// What goes out with the next [`Socket::flush`].
    pub(crate) out: Vec<u8>,
    written: usize,
}

impl Socket {
    /// Takes a connection over, and tells of what comes on it from now on.
    pub(crate) fn new(stream: TcpStream, poll: &Poll, token: Token) -> Self {
        stream
            .set_nodelay(true)
            .and_then(|()| stream.set_nonblocking(true))
            .expect("a socket that does not block");
        poll.add(&stream, token, epoll::EventFlags::IN | epoll::EventFlags::OUT | epoll::EventFlags::ET);
        Socket { stream, partial: Vec::new(), out: Vec::new(), written: 0 }
    }

    /// Reads all that has come and gives the content of each whole frame. False when the peer has closed.
    pub(crate) fn frames(&mut self, buffer: &mut [u8], mut each: impl FnMut(&mut Vec<u8>, &[u8])) -> bool {
        loop {
            let held = self.partial.len();
            buffer[..held].copy_from_slice(&self.partial);
            let filled = match self.stream.read(&mut buffer[held..]) {
                Ok(0) => return false,
                Ok(read) => held + read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return false,
            };
            let mut rest = &buffer[..filled];
            while let Some((content, behind)) = frame(rest) {
                each(&mut self.out, content);
                rest = behind;
            }
            self.partial.clear();
            self.partial.extend_from_slice(rest);
            assert!(self.partial.len() < buffer.len(), "a frame is longer than {} bytes", buffer.len());
            // A read that was not filled has taken all that was there.
            if filled < buffer.len() {
                return true;
            }
        }
    }

    /// Writes what is to go out, as far as the peer takes it; the rest at the next event.
    pub(crate) fn flush(&mut self) -> bool {
        while self.written < self.out.len() {
            match self.stream.write(&self.out[self.written..]) {
                Ok(written) => self.written += written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
        self.out.clear();
        self.written = 0;
        true
    }
}

/// The content of the first frame, and what is behind it.
fn frame(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr_iter(0x1C, bytes).find(|end| bytes.get(end + 1) == Some(&b'\r'))?;
    assert_eq!(bytes[0], 0x0B, "a frame begins with the byte 0x0B");
    Some((&bytes[1..end], &bytes[end + 2..]))
}

#[cfg(test)]
mod tests {
    use super::frame;

    #[test]
    fn a_frame_is_found_once_its_end_is_there() {
        assert_eq!(frame(b"\x0bMSH|\x1c\r\x0bM"), Some((&b"MSH|"[..], &b"\x0bM"[..])));
        assert_eq!(frame(b"\x0bA\x1cB\x1c\r"), Some((&b"A\x1cB"[..], &b""[..])));
        for short in [&b""[..], b"\x0bMSH|", b"\x0bMSH|\x1c"] {
            assert_eq!(frame(short), None);
        }
    }
}
