//! The hand of a connection that reads.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use hl7::frame::Junk;
use hl7::{Deframer, Frame, FrameKind, Framing};
use model::{Room, Timestamp};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::mpsc::Sender;

use super::TcpInbound;
use crate::adapters::deadline::Deadline;
use crate::hl7::answers::Submitted;
use crate::hl7::inbound::{Group, Source};

/// How much is read at a time, the least and the most.
const LEAST: usize = 4 << 10;
const MOST: usize = 64 << 10;
/// What a frame of MLLP begins with.
const START: u8 = 0x0B;
/// So long a silence ends a message that no frame ends.
const PAUSE: Duration = Duration::from_millis(300);
/// Bytes outside of frames that are kept of one connection; with more of them it is closed.
const MOST_JUNK: usize = 256 << 10;
/// What a connection holds without asking for room, beside what it reads at a time.
const OWN: usize = MOST;
/// How long the rest of a message may take for which others wait, since memory is short, and how fast it
/// has to come: of many that are stuck in the midst of a message, each is waited for in its turn.
const HASTE: Duration = Duration::from_secs(30);
const STRIDE: Duration = Duration::from_secs(3);
const LEAST_IN_STRIDE: usize = 48 << 10;

/// Why nothing more is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// The client has closed, or is gone.
    Closed,
    /// It said nothing for too long.
    Idle,
    /// The next piece of a message did not come in time.
    Stalled,
    /// A message came too slowly while others waited for its room.
    Slow,
    /// It sends what is no message.
    Junk,
    /// The service stops.
    Stopping,
    /// Nobody answers any more.
    Unanswered,
}

/// A message that has gone beyond what there is room for.
#[derive(Clone, Copy)]
struct Beyond {
    since: Timestamp,
    /// When it last had come along, and how much of it was there.
    last: Timestamp,
    held: usize,
}

/// What reads one connection.
pub(super) struct Reading<'a, R> {
    service: &'a TcpInbound,
    peer: SocketAddr,
    source: Source,
    stream: &'a mut R,
    deframer: Deframer,
    buffer: BytesMut,
    /// How much is read next.
    size: usize,
    junk: usize,
    /// The length of a message that is too long, as far as it has come.
    too_long: usize,
    /// How much of a frame has come, and the room for it.
    held: usize,
    room: Room,
    /// That it went beyond what there is room for.
    beyond: Option<Beyond>,
    groups: Sender<Submitted>,
    /// Whether a frame has begun, and, for who answers, whether the last message came without one.
    framed: bool,
    unframed: &'a AtomicBool,
}

impl<'a, R: AsyncRead + Unpin> Reading<'a, R> {
    pub(super) fn new(
        service: &'a TcpInbound,
        peer: SocketAddr,
        stream: &'a mut R,
        groups: Sender<Submitted>,
        unframed: &'a AtomicBool,
    ) -> Self {
        let limits = &service.limits;
        let name = format!("{}_{}", peer.ip().to_canonical(), peer.port());
        Reading {
            source: Source { name, charset: String::new(), longest: limits.longest },
            deframer: Deframer::new(limits.framing, limits.longest),
            service,
            peer,
            stream,
            buffer: BytesMut::new(),
            size: LEAST,
            junk: 0,
            too_long: 0,
            held: 0,
            room: Room::default(),
            beyond: None,
            groups,
            framed: false,
            unframed,
        }
    }

    /// Reads until it is over, and hands over what came.
    pub(super) async fn run(mut self) -> Why {
        let mut deadline = Deadline::new(&self.service.server.host);
        let why = {
            let mut stopping = self.service.server.host.stopping();
            loop {
                if self.held > OWN {
                    tokio::select! {
                        biased;
                        () = &mut stopping => break Why::Stopping,
                        () = self.make_room() => {}
                    }
                }
                deadline.set(self.patience());
                let read = tokio::select! {
                    biased;
                    () = &mut stopping => break Why::Stopping,
                    read = read(self.stream, &mut self.buffer, &mut self.size) => read,
                    () = deadline.passed() => match self.silence() {
                        Some(why) => break why,
                        None => Ok(1),
                    },
                };
                if matches!(read, Ok(0) | Err(_)) {
                    break Why::Closed;
                }
                if !self.buffer.is_empty() {
                    self.held += self.buffer.len();
                    self.deframer.push(self.buffer.split().freeze());
                }
                if !self.hand_over().await {
                    break Why::Unanswered;
                }
                if self.junk > MOST_JUNK {
                    break Why::Junk;
                }
            }
        };
        self.end(why).await
    }

    /// How long the next bytes are waited for.
    fn patience(&mut self) -> Option<Duration> {
        let limits = &self.service.limits;
        if self.deframer.needs_pause() {
            Some(PAUSE.min(limits.read))
        } else if self.deframer.is_within() {
            Some(self.haste().map_or(limits.read, |left| left.min(limits.read)))
        } else {
            limits.idle
        }
    }

    /// What it means that nothing came for so long: the end; none where what has come is a message by that.
    fn silence(&mut self) -> Option<Why> {
        if self.deframer.needs_pause() {
            self.deframer.pause();
            return None;
        }
        Some(match (self.deframer.is_within(), self.haste()) {
            (true, Some(Duration::ZERO)) => Why::Slow,
            (true, _) => Why::Stalled,
            (false, _) => Why::Idle,
        })
    }

    /// Waits until there is room for what has come and what is read next. Small messages need none.
    async fn make_room(&mut self) {
        // What a message is put together in grows like this.
        let wanted = (self.held + MOST).next_power_of_two();
        if wanted > self.room.bytes() {
            let host = &self.service.server.host;
            host.make_room(&mut self.room, wanted).await;
            let now = host.clock().now();
            self.beyond = self.room.is_beyond().then_some(Beyond { since: now, last: now, held: self.held });
        }
    }

    /// How much longer others may be kept waiting; none where nobody is.
    fn haste(&mut self) -> Option<Duration> {
        let beyond = self.beyond.as_mut()?;
        let now = self.service.server.host.clock().now();
        if self.held >= beyond.held + LEAST_IN_STRIDE {
            (beyond.last, beyond.held) = (now, self.held);
        }
        let whole = HASTE.saturating_sub(now.since(beyond.since));
        Some(whole.min(STRIDE.saturating_sub(now.since(beyond.last))))
    }

    /// Hands over all that lies there as a whole. False when nobody answers any more.
    async fn hand_over(&mut self) -> bool {
        let mut group = Group::default();
        while let Some(frame) = self.deframer.next() {
            self.held -= frame.bytes.len();
            self.take(frame, &mut group);
            if group.is_full() && !self.submit(std::mem::take(&mut group)).await {
                return false;
            }
        }
        self.submit(group).await
    }

    async fn submit(&mut self, mut group: Group) -> bool {
        if group.is_empty() {
            return true;
        }
        // What is left of a frame is within what was read last, and needs no room yet.
        group.room = std::mem::take(&mut self.room);
        if group.refused().is_some() {
            group.sender = self.peer.ip().to_canonical().to_string();
        }
        self.beyond = None;
        // Waits first, so that no more is stored than answered: a few groups are on their way at most.
        let Ok(place) = self.groups.reserve().await else { return false };
        place.send(group.submit(&self.service.server.host).await);
        true
    }

    fn take(&mut self, frame: Frame, group: &mut Group) {
        let inbound = &self.service.inbound;
        let telling = &self.service.server.telling;
        match frame.kind {
            FrameKind::Message => {
                if self.service.limits.framing == Framing::Flexible {
                    self.unframed.store(!std::mem::take(&mut self.framed), Ordering::Relaxed);
                }
                inbound.read(frame.bytes, &self.source, group);
            }
            FrameKind::Framing => self.framed = frame.bytes.contains(&START),
            FrameKind::Junk(Junk::Empty) => {}
            FrameKind::Junk(Junk::TooLongRest) => self.too_long += frame.bytes.len(),
            FrameKind::Junk(junk) => {
                let (reason, other) = (junk.to_string(), other_protocol(&frame.bytes));
                match junk {
                    Junk::TooLong(most) => {
                        telling.tell_with(
                            self.peer,
                            "sends a message that is longer than max_message_size;",
                            || format!(" its first {most} bytes are kept as a refused message, the rest is passed over"),
                        );
                    }
                    Junk::CutOff => telling.tell(
                        self.peer,
                        other.unwrap_or(
                            "ended in the midst of a message; what came of it is kept as a refused message",
                        ),
                    ),
                    _ => {
                        self.junk += frame.bytes.len();
                        telling.tell(
                            self.peer,
                            other.unwrap_or(
                                "sends bytes outside of frames, which are kept as refused messages; expected the start \
                                 of a frame, see the setting framing",
                            ),
                        );
                    }
                }
                let heard = matches!(junk, Junk::TooLong(_));
                inbound.refuse(frame.bytes, reason, heard, &self.source, group);
            }
        }
    }

    /// What is left when nothing more is read.
    async fn end(mut self, why: Why) -> Why {
        match why {
            // Its sender has no answer to it and has it still.
            Why::Stopping | Why::Unanswered => return why,
            Why::Stalled => {
                let read = model::Span(self.service.limits.read);
                self.service.server.telling.tell_with(self.peer, "sent nothing more of a message", || {
                    format!(" within the read_timeout of {read}; the connection is closed")
                });
            }
            Why::Junk => self
                .service
                .server
                .telling
                .tell(self.peer, "sent more bytes outside of frames than are kept; the connection is closed"),
            Why::Slow => self.service.server.telling.tell_with(self.peer, "sent a message too slowly", || {
                let (least, stride) = (model::ByteSize(LEAST_IN_STRIDE as u64), model::Span(STRIDE));
                let haste = model::Span(HASTE);
                format!(
                    " while memory for intake was short; expected {least} in each {stride}, and all of it within {haste}; the connection is closed"
                )
            }),
            Why::Closed | Why::Idle => {}
        }
        self.deframer.finish();
        if self.hand_over().await { why } else { Why::Unanswered }
    }
}

/// Reads into the buffer, which grows with what comes and shrinks again.
async fn read<R: AsyncRead + Unpin>(
    stream: &mut R,
    buffer: &mut BytesMut,
    size: &mut usize,
) -> std::io::Result<usize> {
    if buffer.capacity() < *size / 4 && !buffer.try_reclaim(*size) {
        *buffer = BytesMut::with_capacity(*size);
    }
    let room = buffer.capacity();
    let read = stream.read_buf(buffer).await?;
    if read == room {
        *size = (*size * 2).min(MOST);
    } else if read < *size / 8 {
        *size = (*size / 2).max(LEAST);
    }
    Ok(read)
}

/// What a client speaks that has come to the wrong address, in words that follow its name.
fn other_protocol(bytes: &[u8]) -> Option<&'static str> {
    const METHODS: [&[u8]; 4] = [b"POST /", b"GET /", b"PUT /", b"HEAD /"];
    match bytes {
        // A record of a handshake, in any version.
        [0x16, 0x03, ..] => {
            Some("seems to speak TLS, which is kept as a refused message; see the setting tls")
        }
        _ if METHODS.iter().any(|method| bytes.starts_with(method)) => Some(
            "seems to speak HTTP, which is kept as a refused message; expected MLLP; for HTTP there is hl7.http",
        ),
        _ => None,
    }
}
