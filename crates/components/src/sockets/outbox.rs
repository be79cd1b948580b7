//! What waits to be written to one socket, bounded, with the policy for a reader that is too slow.
//!
//! Frames never interleave: the first one may be partly on the wire, and that one is never dropped.

use std::collections::VecDeque;
use std::io::{self, IoSlice};

use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What happens to a client that reads more slowly than messages come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SlowClient {
    /// The oldest waiting message makes room for the new one.
    DropOldest,
    /// The new message is not told to it.
    DropNewest,
    /// It is disconnected, and may come back with `?since=`.
    Disconnect,
}

/// How much may wait.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OutboxLimits {
    /// Messages, at most.
    pub(crate) frames: usize,
    /// Their bytes, at most; a single larger message is let through when nothing else waits.
    pub(crate) bytes: usize,
    /// What happens past that.
    pub(crate) policy: SlowClient,
}

/// What became of a message that was put into an outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// It waits; so many others were dropped for it.
    Queued(u64),
    /// It was dropped.
    Dropped,
    /// There is no room, and the policy is to disconnect.
    Overflow,
}

/// How many pieces one vectored write takes.
pub(crate) const SLICES: usize = 32;

struct Entry {
    frame: Bytes,
    /// Counted and droppable: a broadcast message. Pongs, answers and what is replayed are neither.
    counted: bool,
}

/// What waits for one socket. Empty, it holds no memory.
#[derive(Default)]
pub(crate) struct Outbox {
    entries: VecDeque<Entry>,
    /// Bytes of the first frame that are on the wire already.
    started: usize,
    counted: usize,
    bytes: usize,
    /// Bytes that ever left it.
    left: u64,
}

impl Outbox {
    /// Bytes that ever left it; it grows while the client reads.
    pub(crate) fn left(&self) -> u64 {
        self.left
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Frames that wait outside the limits.
    pub(crate) fn uncounted(&self) -> usize {
        self.entries.len() - self.counted
    }

    /// Frames that wait.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Adds a frame outside the limits; the caller bounds how many.
    pub(crate) fn push_uncounted(&mut self, frame: Bytes) {
        self.entries.push_back(Entry { frame, counted: false });
    }

    /// Adds the frame that a direct write left unfinished, `started` bytes of which are written.
    pub(crate) fn push_rest(&mut self, frame: Bytes, started: usize) {
        debug_assert!(self.entries.is_empty(), "only the first frame can be partly written");
        self.count(&frame);
        self.entries.push_back(Entry { frame, counted: true });
        self.started = started;
    }

    /// Adds a message within the limits.
    pub(crate) fn push(&mut self, frame: Bytes, limits: &OutboxLimits) -> Pushed {
        let mut dropped = 0;
        while self.counted > 0 && (self.counted >= limits.frames || self.bytes + frame.len() > limits.bytes) {
            match limits.policy {
                SlowClient::Disconnect => return Pushed::Overflow,
                SlowClient::DropNewest => return Pushed::Dropped,
                SlowClient::DropOldest if self.drop_oldest() => dropped += 1,
                SlowClient::DropOldest => break,
            }
        }
        self.count(&frame);
        self.entries.push_back(Entry { frame, counted: true });
        Pushed::Queued(dropped)
    }

    fn count(&mut self, frame: &Bytes) {
        self.counted += 1;
        self.bytes += frame.len();
    }

    fn forget(&mut self, entry: &Entry) {
        if entry.counted {
            self.counted -= 1;
            self.bytes -= entry.frame.len();
        }
    }

    /// Drops the oldest message of which nothing is on the wire; false when there is none.
    fn drop_oldest(&mut self) -> bool {
        let first = usize::from(self.started > 0);
        let found = (first..self.entries.len()).find(|at| self.entries[*at].counted);
        let Some(entry) = found.and_then(|at| self.entries.remove(at)) else { return false };
        self.forget(&entry);
        true
    }

    /// Drops everything of which nothing is on the wire, to make way for a close frame.
    pub(crate) fn clear(&mut self) {
        while self.entries.len() > usize::from(self.started > 0) {
            if let Some(entry) = self.entries.pop_back() {
                self.forget(&entry);
            }
        }
    }

    /// Writes with `write` until nothing waits or it fails, as with `WouldBlock`.
    pub(crate) fn write_with(
        &mut self,
        mut write: impl FnMut(&[IoSlice<'_>]) -> io::Result<usize>,
    ) -> io::Result<()> {
        while !self.entries.is_empty() {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let mut used = 0;
            for (slice, entry) in slices.iter_mut().zip(&self.entries) {
                let from = if used == 0 { self.started } else { 0 };
                *slice = IoSlice::new(&entry.frame[from..]);
                used += 1;
            }
            match write(&slices[..used])? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                written => self.advance(written),
            }
        }
        // A socket that was slow once does not keep the memory.
        self.entries = VecDeque::new();
        Ok(())
    }

    fn advance(&mut self, mut written: usize) {
        self.left += written as u64;
        while let Some(first) = self.entries.front() {
            let left = first.frame.len() - self.started;
            if written < left {
                self.started += written;
                return;
            }
            written -= left;
            self.started = 0;
            if let Some(entry) = self.entries.pop_front() {
                self.forget(&entry);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: OutboxLimits = OutboxLimits { frames: 3, bytes: 10, policy: SlowClient::DropOldest };

    fn written(outbox: &mut Outbox) -> String {
        let mut all = Vec::new();
        outbox
            .write_with(|slices| {
                all.extend(slices.iter().flat_map(|slice| slice.to_vec()));
                Ok(slices.iter().map(|slice| slice.len()).sum())
            })
            .unwrap();
        String::from_utf8(all).unwrap()
    }

    #[test]
    fn the_policy_decides_what_a_slow_client_misses() {
        use SlowClient::*;
        let q = Pushed::Queued;
        for (policy, pushed, results, left) in [
            (DropOldest, "a b c", vec![q(0), q(0), q(0)], "abc"),
            (DropOldest, "a b c d e", vec![q(0), q(0), q(0), q(1), q(1)], "cde"),
            (DropNewest, "a b c d e", vec![q(0), q(0), q(0), Pushed::Dropped, Pushed::Dropped], "abc"),
            (Disconnect, "a b c d", vec![q(0), q(0), q(0), Pushed::Overflow], "abc"),
            // bytes count as well as frames
            (DropOldest, "aaaaaa bbbbbb", vec![q(0), q(1)], "bbbbbb"),
            (DropOldest, "aaa bbb cccccccc", vec![q(0), q(0), q(2)], "cccccccc"),
            (DropNewest, "aaaaaa bbbbbb", vec![q(0), Pushed::Dropped], "aaaaaa"),
            (Disconnect, "aaaaaa bbbbbb", vec![q(0), Pushed::Overflow], "aaaaaa"),
            // one that is larger than the limit goes alone
            (DropOldest, "aaaaaaaaaaaaaaa", vec![q(0)], "aaaaaaaaaaaaaaa"),
            (DropOldest, "aaaaaaaaaaaaaaa b", vec![q(0), q(1)], "b"),
            (Disconnect, "aaaaaaaaaaaaaaa", vec![q(0)], "aaaaaaaaaaaaaaa"),
        ] {
            let mut outbox = Outbox::default();
            let limits = OutboxLimits { policy, ..LIMITS };
            let got: Vec<_> = pushed
                .split(' ')
                .map(|frame| outbox.push(Bytes::copy_from_slice(frame.as_bytes()), &limits))
                .collect();
            assert_eq!(got, results, "{policy:?} {pushed}");
            assert_eq!(written(&mut outbox), left, "{policy:?} {pushed}");
            assert_eq!((outbox.counted, outbox.bytes, outbox.len()), (0, 0, 0));
        }
    }

    #[test]
    fn what_is_partly_written_is_never_dropped_nor_cut() {
        let mut outbox = Outbox::default();
        outbox.push_rest(Bytes::from_static(b"first"), 2);
        for frame in [&b"a"[..], b"b", b"c", b"d"] {
            outbox.push(Bytes::copy_from_slice(frame), &LIMITS);
        }
        outbox.push_uncounted(Bytes::from_static(b"!"));
        assert_eq!(written(&mut outbox), "rstcd!");

        outbox.push_rest(Bytes::from_static(b"first"), 2);
        outbox.push(Bytes::from_static(b"a"), &LIMITS);
        outbox.clear();
        outbox.push_uncounted(Bytes::from_static(b"close"));
        assert_eq!(written(&mut outbox), "rstclose");
    }

    #[test]
    fn writing_goes_on_where_it_was_interrupted() {
        let mut outbox = Outbox::default();
        for frame in ["one", "two", "three"] {
            outbox.push_uncounted(Bytes::from(frame));
        }
        let mut all = Vec::new();
        let mut steps = [2, 3, 0, 1].into_iter();
        let mut run = |outbox: &mut Outbox, all: &mut Vec<u8>| {
            outbox.write_with(|slices| {
                let wanted = match steps.next() {
                    Some(0) => return Err(io::ErrorKind::WouldBlock.into()),
                    Some(bytes) => bytes,
                    None => usize::MAX,
                };
                let joined: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
                let some = &joined[..wanted.min(joined.len())];
                all.extend(some);
                Ok(some.len())
            })
        };
        let error = run(&mut outbox, &mut all).unwrap_err();
        assert_eq!((error.kind(), outbox.len(), outbox.started), (io::ErrorKind::WouldBlock, 2, 2));
        run(&mut outbox, &mut all).unwrap();
        assert_eq!(all, b"onetwothree");
        assert!(outbox.write_with(|_| panic!("nothing to write")).is_ok());
    }
}
