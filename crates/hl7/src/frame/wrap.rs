//! Putting a message into a frame.

use bytes::BufMut;

use super::Framing;

/// Why a message cannot be sent in a framing. Holds no content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "message has at byte {offset} what ends a frame of framing {framing}; expected none within the message"
)]
pub struct WrapError {
    /// The framing.
    pub framing: Framing,
    /// The byte in the message, counted from 0.
    pub offset: usize,
}

impl Framing {
    /// Appends the message in a frame. `flexible` frames as `mllp` does.
    ///
    /// Where a mark stands only after a message, a message that already ends with it gets no other; and
    /// with `none`, one that ends within a line gets a CR, so that the next one begins a line.
    ///
    /// # Errors
    /// When the end of a frame stands within the message, so that the receiver would cut it there.
    /// Nothing is appended then.
    pub fn wrap(&self, message: &[u8], into: &mut impl BufMut) -> Result<(), WrapError> {
        let (start, end) = self.written();
        let (start, end) = (start.bytes(), end.bytes());
        let message = match self {
            Framing::Ended(_) => message.strip_suffix(end).unwrap_or(message),
            _ => message,
        };
        // With the mark behind it, lest the end of the message and of the mark make an earlier one.
        if let Some(offset) = find(message, end) {
            return Err(WrapError { framing: *self, offset });
        }
        into.put_slice(start);
        into.put_slice(message);
        into.put_slice(end);
        if *self == Framing::None && !matches!(message.last(), Some(b'\r' | b'\n')) {
            into.put_u8(b'\r');
        }
        Ok(())
    }
}

/// Where the mark stands in the message that is followed by the mark, before the message's end.
fn find(message: &[u8], mark: &[u8]) -> Option<usize> {
    let first = *mark.first()?;
    memchr::memchr_iter(first, message).find(|at| {
        let here = &message[*at..];
        let known = here.len().min(mark.len());
        here[..known] == mark[..known] && mark[known..] == mark[..mark.len() - known]
    })
}
