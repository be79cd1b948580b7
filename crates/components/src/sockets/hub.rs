//! Where the sockets of one server and the processes that speak to them meet.
//!
//! The server keeps in it who hears (open and authenticated), each process the voice it speaks with.
//! A broadcast takes everyone who hears at one instant and notes what it tells at the same instant, so
//! that a client which catches up is told everything once: from the ledger, from these notes, or live.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::Bytes;
use model::{Event, EventKind, HostContext, Message, MessageId, SocketId, Timestamp};

use super::ending::{Why, end};
use super::socket::{Condition, Offered, Order, Socket};
use super::subscription::{Conditions, Selection};
use super::voice::Voice;

/// How much of what was told lately is noted: more than can be on its way to the ledger.
const MOST_NOTES: usize = 4_096;
/// And at most that many bytes of message bodies.
const MOST_NOTED_BYTES: usize = 8 << 20;
/// At most so many messages are written to a socket at once.
const MOST_AT_ONCE: usize = 64;
/// After so many sockets a broadcast lets others have the thread.
const STRIDE: usize = 256;

/// A message that was told lately, and may not stand in the ledger as completed yet.
struct Note {
    voice: Arc<Voice>,
    message: Message,
    frame: Bytes,
}

#[derive(Default)]
struct Inner {
    hearers: BTreeMap<SocketId, Arc<Socket>>,
    /// The same as a list; made when it is needed, forgotten when somebody comes or goes.
    list: Option<Arc<[Arc<Socket>]>>,
    voices: Vec<Weak<Voice>>,
    notes: VecDeque<Note>,
    noted_bytes: usize,
    /// The highest id among the notes that were dropped.
    forgotten: MessageId,
}

/// Shared under the server's config name.
#[derive(Default)]
pub(crate) struct Hub {
    inner: Mutex<Inner>,
    pub(crate) conditions: Conditions,
    /// Messages and bytes that an outbox holds; 0 while no server runs.
    outbox_frames: AtomicUsize,
    outbox_bytes: AtomicUsize,
}

impl Hub {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells how much an outbox holds, so that nobody is handed more of it at once than a quarter.
    pub(crate) fn set_outbox(&self, frames: usize, bytes: usize) {
        self.outbox_frames.store(frames, Ordering::Relaxed);
        self.outbox_bytes.store(bytes, Ordering::Relaxed);
    }

    /// How many of the frames to tell at once: a client whose bytes go through its own task (with TLS,
    /// or when the kernel is full) has to get its turn before its outbox is.
    fn at_once(&self, frames: &[Bytes]) -> usize {
        let most = (self.outbox_frames.load(Ordering::Relaxed) / 4).clamp(1, MOST_AT_ONCE);
        let mut room = self.outbox_bytes.load(Ordering::Relaxed) / 4;
        let fit = frames.iter().take(most).take_while(|frame| {
            let fits = frame.len() <= room;
            room = room.saturating_sub(frame.len());
            fits
        });
        fit.count().max(1)
    }

    /// Makes a voice known, for as long as it lives.
    pub(crate) fn join_voice(&self, voice: &Arc<Voice>) {
        let mut inner = self.inner();
        inner.voices.retain(|other| other.strong_count() > 0);
        inner.voices.push(Arc::downgrade(voice));
    }

    /// The voices, one for each process.
    pub(crate) fn voices(&self) -> Vec<Arc<Voice>> {
        let mut voices: Vec<Arc<Voice>> = self.inner().voices.iter().filter_map(Weak::upgrade).collect();
        // The workers of a process speak with one voice.
        voices.sort_by(|a, b| a.item.cmp(&b.item));
        voices.dedup_by(|a, b| a.item == b.item);
        voices
    }

    /// From now on the socket hears.
    pub(crate) fn join(&self, socket: &Arc<Socket>) {
        self.inner().join(socket);
    }

    /// From now on the socket hears, having been told everything up to `since` and `told`. What was
    /// told to others meanwhile is told to it first.
    pub(crate) fn catch_up(
        &self,
        socket: &Arc<Socket>,
        since: MessageId,
        told: &HashSet<MessageId>,
        now: Timestamp,
    ) {
        let mut inner = self.inner();
        let subscription = socket.subscription();
        let missed = inner.notes.iter().filter(|note| {
            let id = note.message.header.id;
            let one = std::slice::from_ref(&note.message);
            id > since
                && !told.contains(&id)
                && Selection::new(&note.voice.topic, one).wants(&subscription, 0)
        });
        missed.for_each(|note| socket.push(note.frame.clone(), now));
        inner.join(socket);
    }

    /// The last message that was told and is no longer noted.
    pub(crate) fn forgotten(&self) -> MessageId {
        self.inner().forgotten
    }

    /// The socket hears no more.
    pub(crate) fn leave(&self, id: SocketId) {
        let mut inner = self.inner();
        inner.list = None;
        inner.hearers.remove(&id);
    }

    /// Everyone who hears.
    pub(crate) fn open(&self) -> Vec<Arc<Socket>> {
        self.inner().hearers.values().cloned().collect()
    }

    /// The one that hears under that id.
    pub(crate) fn find(&self, id: SocketId) -> Option<Arc<Socket>> {
        self.inner().hearers.get(&id).cloned()
    }

    /// How many hear.
    #[cfg(test)]
    pub(crate) fn hearers(&self) -> usize {
        self.inner().hearers.len()
    }

    /// Tells the messages, in order, to everyone who hears and wants them. Never waits for a reader.
    pub(crate) async fn broadcast(&self, voice: &Arc<Voice>, messages: &[Message], host: &HostContext) {
        let frames: Vec<Bytes> = messages.iter().map(|message| voice.frame(message)).collect();
        let mut told = 0;
        while told < frames.len() {
            let next = told + self.at_once(&frames[told..]);
            self.tell(voice, &messages[told..next], &frames[told..next], host).await;
            told = next;
            if told < frames.len() {
                tokio::task::yield_now().await;
            }
        }
    }

    async fn tell(&self, voice: &Arc<Voice>, messages: &[Message], frames: &[Bytes], host: &HostContext) {
        let sockets = self.inner().begin(voice, messages, frames);
        let mut selection = Selection::new(&voice.topic, messages);
        let mut round = Round { hub: self, host, messages, now: host.clock().now() };
        for (count, socket) in sockets.iter().enumerate() {
            if count > 0 && count % STRIDE == 0 {
                tokio::task::yield_now().await;
                round.now = host.clock().now();
            }
            if !socket.is_narrowed() {
                round.tell(socket, frames);
                continue;
            }
            let subscription = socket.subscription();
            let wanted = (0..frames.len()).filter(|at| selection.wants(&subscription, *at));
            let wanted: Vec<Bytes> = wanted.map(|at| frames[at].clone()).collect();
            if !wanted.is_empty() {
                round.tell(socket, &wanted);
            }
        }
    }
}

impl Inner {
    fn join(&mut self, socket: &Arc<Socket>) {
        // One that ended meanwhile has left already, and would never leave again.
        if !socket.has_ended() {
            self.list = None;
            self.hearers.insert(socket.id, socket.clone());
        }
    }

    /// Notes what is about to be told, and returns everyone who is to hear it.
    fn begin(&mut self, voice: &Arc<Voice>, messages: &[Message], frames: &[Bytes]) -> Arc<[Arc<Socket>]> {
        for (message, frame) in messages.iter().zip(frames) {
            self.noted_bytes += message.body.content().len();
            let (voice, message, frame) = (voice.clone(), message.clone(), frame.clone());
            self.notes.push_back(Note { voice, message, frame });
        }
        // What is told right now is noted in any case: the ledger cannot have it as completed yet.
        while self.notes.len() > messages.len()
            && (self.notes.len() > MOST_NOTES || self.noted_bytes > MOST_NOTED_BYTES)
        {
            let Some(oldest) = self.notes.pop_front() else { break };
            self.noted_bytes -= oldest.message.body.content().len();
            self.forgotten = self.forgotten.max(oldest.message.header.id);
        }
        self.list.get_or_insert_with(|| self.hearers.values().cloned().collect()).clone()
    }
}

/// One broadcast on its way.
struct Round<'a> {
    hub: &'a Hub,
    host: &'a HostContext,
    messages: &'a [Message],
    now: Timestamp,
}

impl Round<'_> {
    /// Tests the socket, then tells it; ends it when it is found gone.
    fn tell(&self, socket: &Socket, frames: &[Bytes]) {
        match socket.test(self.now) {
            Condition::Open => {}
            Condition::Closed => return self.end(socket, Why::Closed),
            Condition::TimedOut => return self.end(socket, Why::TimedOut),
        }
        let before = socket.dropped();
        match socket.offer(frames, self.now) {
            Offered::Taken(0) => {}
            Offered::Taken(_) if before == 0 => self.host.event(self.slow(socket)),
            Offered::Taken(_) => {}
            Offered::Closed => self.end(socket, Why::Closed),
            Offered::Overflow => self.end(socket, Why::TooSlow),
        }
    }

    fn end(&self, socket: &Socket, why: Why) {
        end(self.hub, socket, self.host, &why, self.messages.first());
        match why {
            Why::TooSlow => {
                let reason = "too slow; come back with ?since=".to_owned();
                socket.order(Order::Close(1013, reason), self.now);
            }
            // What the client said before it left is still read, for as long as a goodbye may take.
            Why::Closed => socket.begin_closing(self.now),
            _ => socket.order(Order::Kill, self.now),
        }
    }

    fn slow(&self, socket: &Socket) -> Event {
        let text = format!(
            "socket {} ({}) reads more slowly than messages come; its outbox is full, and messages to it are \
             dropped from message {} on",
            socket.id, socket.address, self.messages[0].header.id
        );
        Event::new(EventKind::Warning, self.host.name(), text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_told_at_once_than_a_quarter_of_an_outbox() {
        let hub = Hub::default();
        let frames: Vec<Bytes> = [10, 10, 30, 10, 5].map(|size| Bytes::from(vec![0; size])).to_vec();
        for (most, bytes, expect) in [
            (400, 4000, 5),
            (400, 4 * 50, 3),
            (400, 4 * 49, 2),
            (4 * 3, 4000, 3),
            (2, 4000, 1),
            (400, 8, 1),
            (0, 0, 1),
        ] {
            hub.set_outbox(most, bytes);
            assert_eq!(hub.at_once(&frames), expect, "{most} {bytes}");
        }
        hub.set_outbox(100_000, 1 << 30);
        assert_eq!(hub.at_once(&vec![Bytes::new(); 1000]), MOST_AT_ONCE);
    }
}
