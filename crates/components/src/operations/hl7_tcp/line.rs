//! One connection to a receiver: frames go out, answers come in.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use hl7::frame::{Junk, WrapError};
use hl7::{Deframer, FrameKind, Framing};
use model::HostContext;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::adapters::deadline::Deadline;
use crate::adapters::tls_words::why;
use crate::adapters::wire::Wire;
use crate::hl7::reply::{NO, YES};

/// The longest answer.
const LONGEST_ANSWER: usize = 16 << 20;
/// How many bytes are read at once, at least.
const CHUNK: usize = 4 << 10;
/// A receiver that sends more than this while it takes nothing is not read any further.
const MOST_UNREAD: usize = 1 << 20;
/// A buffer larger than this is given back after use.
const MOST_KEPT: usize = 1 << 20;
/// After this silence an answer without a frame is taken as it is.
const PAUSE: Duration = Duration::from_millis(200);
/// And a frame without its last byte.
const SHORT_PAUSE: Duration = Duration::from_millis(10);
/// The byte that ends a frame, but for a CR.
const END: u8 = 0x1C;
/// So many control ids of answered messages are remembered.
const REMEMBERED: usize = 512;

/// Something that came.
pub(super) enum Heard {
    /// What stood in a frame, or the byte that some send instead of one.
    Answer(Bytes),
    /// Something else.
    Junk(Junk),
}

/// Why nothing more comes.
pub(super) enum Silence {
    /// The time is up.
    Late,
    /// The connection is at its end, for this reason, in words that follow the receiver's name.
    Ended(String),
}

/// A connection.
pub(super) struct Line {
    wire: Wire,
    /// The receiver's address.
    pub(super) peer: String,
    /// Whether it was good before: who closes it then may not have heard what was sent last.
    pub(super) reused: bool,
    /// The byte that came last.
    last: u8,
    deframer: Deframer,
    inbox: BytesMut,
    outbox: Vec<u8>,
    written: usize,
    ended: Option<String>,
    answered: VecDeque<String>,
}

impl Line {
    pub(super) fn new(wire: Wire, peer: String, framing: Framing) -> Self {
        // Receivers leave out bytes of their frames that nobody looks at.
        let of_answers = if framing == Framing::MLLP { Framing::Flexible } else { framing };
        Line {
            wire,
            peer,
            reused: false,
            last: 0,
            deframer: Deframer::new(of_answers, LONGEST_ANSWER),
            inbox: BytesMut::new(),
            outbox: Vec::new(),
            written: 0,
            ended: None,
            answered: VecDeque::new(),
        }
    }

    /// Adds a message to what is sent next.
    ///
    /// # Errors
    /// When the message cannot be sent in that framing.
    pub(super) fn put(&mut self, framing: Framing, message: &[u8]) -> Result<(), WrapError> {
        framing.wrap(message, &mut self.outbox)
    }

    /// How many bytes wait to be sent.
    pub(super) fn waiting(&self) -> usize {
        self.outbox.len() - self.written
    }

    /// Sends what waits, and goes on reading meanwhile: a receiver may take no more before its answers
    /// are read.
    pub(super) async fn send(&mut self, deadline: &mut Deadline) -> Result<(), Silence> {
        let sent = tokio::select! {
            biased;
            sent = poll_fn(|cx| self.poll_send(cx)) => sent,
            () = deadline.passed() => return Err(Silence::Late),
        };
        self.written = 0;
        match self.outbox.capacity() > MOST_KEPT {
            true => self.outbox = Vec::new(),
            false => self.outbox.clear(),
        }
        sent.map_err(|error| Silence::Ended(lost(&error)))
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            if let Poll::Ready(sent) = self.poll_write(cx) {
                return Poll::Ready(sent);
            }
            if self.inbox.len() >= MOST_UNREAD {
                return Poll::Pending;
            }
            self.inbox.reserve(CHUNK);
            let read = pin!(self.wire.read_buf(&mut self.inbox));
            if ready!(read.poll(cx))? == 0 {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.outbox.len() {
            match ready!(Pin::new(&mut self.wire).poll_write(cx, &self.outbox[self.written..]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.written += count,
            }
        }
        Pin::new(&mut self.wire).poll_flush(cx)
    }

    /// The next that comes.
    pub(super) async fn hear(
        &mut self,
        deadline: &mut Deadline,
        host: &HostContext,
    ) -> Result<Heard, Silence> {
        loop {
            if let Some(heard) = self.heard() {
                return Ok(heard);
            }
            if let Some(why) = &self.ended {
                return Err(Silence::Ended(why.clone()));
            }
            let unclear = self.deframer.needs_pause() || self.deframer.is_outside();
            let paused = unclear.then_some(if self.last == END { SHORT_PAUSE } else { PAUSE });
            self.inbox.reserve(CHUNK);
            tokio::select! {
                biased;
                read = self.wire.read_buf(&mut self.inbox) => self.took(read),
                () = pause(host, paused) => match self.deframer.is_outside() {
                    true => return Ok(Heard::Junk(Junk::Outside)),
                    false => self.deframer.pause(),
                },
                () = deadline.passed() => return Err(Silence::Late),
            }
        }
    }

    fn took(&mut self, read: io::Result<usize>) {
        let ended = match read {
            Ok(0) => "closed the connection before it answered".to_owned(),
            Ok(_) => return,
            Err(error) => format!("{} before it answered", lost(&error)),
        };
        self.push();
        self.deframer.finish();
        self.ended = Some(ended);
    }

    fn push(&mut self) {
        if let Some(last) = self.inbox.last() {
            self.last = *last;
            self.deframer.push(self.inbox.split().freeze());
        }
    }

    /// The next of what has come already.
    pub(super) fn heard(&mut self) -> Option<Heard> {
        if matches!(&*self.inbox, [YES | NO]) && !self.is_amid() {
            return Some(Heard::Answer(self.inbox.split().freeze()));
        }
        self.push();
        loop {
            let frame = self.deframer.next()?;
            let junk = match frame.kind {
                FrameKind::Framing => continue,
                FrameKind::Message => return Some(Heard::Answer(frame.bytes)),
                FrameKind::Junk(junk) => junk,
            };
            match (&*frame.bytes, junk) {
                (_, Junk::CutOff) => {
                    self.reused = false;
                    self.ended = Some("closed the connection within an answer".to_owned());
                }
                (bytes, _) if bytes.iter().all(|byte| *byte == 0 || byte.is_ascii_whitespace()) => {}
                _ => return Some(Heard::Junk(junk)),
            }
        }
    }

    /// Whether it can be used again: it is open, and nothing came but what `ignore` lets pass.
    pub(super) async fn is_quiet(&mut self, ignore: impl Fn(&Self, Heard) -> bool) -> bool {
        for _ in 0..REMEMBERED {
            self.inbox.reserve(CHUNK);
            match self.wire.read_come(&mut self.inbox).await {
                Ok(Some(0)) | Err(_) => return false,
                Ok(come) => {
                    while let Some(heard) = self.heard() {
                        if !ignore(self, heard) {
                            return false;
                        }
                    }
                    if come.is_none() {
                        return !self.is_amid();
                    }
                }
            }
        }
        false
    }

    /// Whether something has come of which more is to come.
    fn is_amid(&self) -> bool {
        self.deframer.is_within() || self.deframer.is_outside() || self.deframer.needs_pause()
    }

    /// Remembers that the message with that control id has its answer.
    pub(super) fn answered(&mut self, control_id: &str) {
        self.reused = true;
        let full = self.answered.len() >= REMEMBERED;
        let mut text = full.then(|| self.answered.pop_front()).flatten().unwrap_or_default();
        text.clear();
        text.push_str(control_id);
        self.answered.push_back(text);
    }

    /// Whether a message with that control id had its answer on this connection.
    pub(super) fn has_answered(&self, control_id: &str) -> bool {
        self.answered.iter().any(|known| known == control_id)
    }

    /// Says goodbye as far as the system takes it at once.
    pub(super) fn close(mut self) {
        let _said = self.wire.shutdown().now_or_never();
    }

    /// Returns when something comes, or the connection ends.
    pub(super) async fn stirs(&mut self) {
        self.inbox.reserve(CHUNK);
        let _ended = self.wire.read_buf(&mut self.inbox).await;
    }
}

/// Returns after that long; never without a length.
async fn pause(host: &HostContext, length: Option<Duration>) {
    match length {
        Some(length) => host.clock().sleep(length).await,
        None => std::future::pending().await,
    }
}

/// How a connection was lost, in words that follow the receiver's name.
fn lost(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "closed the connection".to_owned(),
        _ => format!("lost the connection ({})", why(error)),
    }
}
