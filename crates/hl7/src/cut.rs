//! Cutting pieces off an input that comes in chunks: the buffers below [`crate::split`] and
//! [`crate::frame`].
//!
//! A piece that lies within one chunk is a slice of it; only one that goes across chunks is put
//! together.

use std::collections::VecDeque;

use bytes::{Buf, Bytes, BytesMut};

/// How much of a chunk is laid behind a beginning at a time, so that no more than needed is copied.
const BLOCK: usize = 4096;

#[derive(Default)]
pub(crate) struct Cut {
    /// The beginning of the current piece, where it began in an earlier chunk.
    head: BytesMut,
    /// What is left of the chunk that is looked at.
    chunk: Bytes,
    /// Chunks that were pushed and not yet looked at.
    waiting: VecDeque<Bytes>,
    /// Whether what is there is all, for good or for now.
    last: bool,
}

impl Cut {
    /// Adds the next bytes of the input.
    pub(crate) fn push(&mut self, bytes: Bytes) {
        if self.chunk.is_empty() {
            self.chunk = bytes;
        } else if !bytes.is_empty() {
            self.waiting.push_back(bytes);
        }
    }

    /// Whether the end of what is there is to be taken for the end of the input.
    pub(crate) fn set_last(&mut self, last: bool) {
        self.last = last;
    }

    /// How many bytes are held, without the chunks that wait.
    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.head.len() + self.chunk.len()
    }

    /// The next piece. `step` is shown the current piece as far as it is there, with what may come after
    /// it, and whether that is all; it says what the piece is and how long, or that it must see more. It
    /// keeps in mind how far it has looked.
    pub(crate) fn next<K>(
        &mut self,
        mut step: impl FnMut(&[u8], bool) -> Option<(K, usize)>,
    ) -> Option<(K, Bytes)> {
        loop {
            let more = self.refill();
            if !more && (self.head.is_empty() || !self.last) {
                return None;
            }
            let piece =
                if self.head.is_empty() { self.within_chunk(&mut step) } else { self.across(&mut step) };
            if piece.is_some() || !more {
                return piece;
            }
        }
    }

    /// Makes sure that there is a chunk to look at; false if there is none.
    fn refill(&mut self) -> bool {
        if self.chunk.is_empty()
            && let Some(next) = self.waiting.pop_front()
        {
            self.chunk = next;
        }
        !self.chunk.is_empty()
    }

    /// Looks at the current chunk alone.
    fn within_chunk<K>(
        &mut self,
        step: &mut impl FnMut(&[u8], bool) -> Option<(K, usize)>,
    ) -> Option<(K, Bytes)> {
        let last = self.last && self.waiting.is_empty();
        match step(&self.chunk, last) {
            Some((kind, length)) => Some((kind, self.chunk.split_to(length))),
            None => {
                self.head.extend_from_slice(&self.chunk);
                self.chunk.clear();
                None
            }
        }
    }

    /// Looks at the beginning and the next block of the chunk behind it.
    fn across<K>(&mut self, step: &mut impl FnMut(&[u8], bool) -> Option<(K, usize)>) -> Option<(K, Bytes)> {
        let block = self.chunk.len().min(BLOCK);
        self.head.extend_from_slice(&self.chunk[..block]);
        let last = self.last && self.waiting.is_empty() && block == self.chunk.len();
        let Some((kind, length)) = step(&self.head, last) else {
            self.chunk.advance(block);
            return None;
        };
        let bytes = self.head.split_to(length).freeze();
        // What was laid behind and is not part of the piece stays in the chunk. The first bytes of the
        // next piece may have come earlier, when too few of them were there to tell.
        let left = self.head.len();
        self.chunk.advance(block.saturating_sub(left));
        self.head.truncate(left.saturating_sub(block));
        if self.head.is_empty() {
            // Lest the room behind a large piece is kept for as long as no other one begins.
            self.head = BytesMut::new();
        }
        Some((kind, bytes))
    }
}
