//! What a worker has in hand, so that messages that stay there are seen.
//!
//! Status Delivered is not written on the hot path: most messages are done in less than a millisecond.
//! Once a second, what has been in hand for longer than a second is marked.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::{Message, MessageId, MessageStatus, Timestamp};
use store::HeaderUpdate;

/// How long a message is in hand before that is written.
const SHOWN_AFTER: Duration = Duration::from_secs(1);

/// What one worker has in hand.
#[derive(Default)]
pub(crate) struct Slot(Mutex<InHand>);

#[derive(Default)]
struct InHand {
    since: Timestamp,
    messages: Vec<MessageId>,
    marked: bool,
}

impl Slot {
    fn in_hand(&self) -> MutexGuard<'_, InHand> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The worker begins on these.
    pub(crate) fn begin(&self, messages: &[Message], now: Timestamp) {
        let mut in_hand = self.in_hand();
        in_hand.since = now;
        in_hand.marked = false;
        in_hand.messages.clear();
        // What stands at an answer says whether it failed: it is not written over.
        let requests = messages.iter().filter(|message| !message.header.is_response());
        in_hand.messages.extend(requests.map(|message| message.header.id));
    }

    /// The worker has come to an end with them; whether they were marked as Delivered.
    pub(crate) fn end(&self) -> bool {
        let mut in_hand = self.in_hand();
        in_hand.messages.clear();
        std::mem::take(&mut in_hand.marked)
    }

    /// Hands what has been in hand too long to `write`, once. The worker cannot end with them
    /// meanwhile, so that what it writes about them comes later in the ledger.
    pub(crate) fn mark(&self, now: Timestamp, write: impl FnOnce(Vec<HeaderUpdate>)) {
        let mut in_hand = self.in_hand();
        if in_hand.messages.is_empty() || in_hand.marked || now.since(in_hand.since) < SHOWN_AFTER {
            return;
        }
        in_hand.marked = true;
        let delivered = |id: &MessageId| stands(*id, MessageStatus::Delivered, String::new());
        write(in_hand.messages.iter().map(delivered).collect());
    }
}

/// A message that is not done stands there now.
pub(crate) fn stands(id: MessageId, status: MessageStatus, reason: String) -> HeaderUpdate {
    HeaderUpdate { id, status, is_error: false, error_status: reason, time_processed: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stays_in_hand_is_marked_and_only_once() {
        let slot = Slot::default();
        slot.in_hand().messages = vec![MessageId(4)];
        let mut written = Vec::new();
        slot.mark(Timestamp(999), |updates| written.extend(updates));
        assert!(written.is_empty());
        slot.mark(Timestamp(1000), |updates| written.extend(updates));
        slot.mark(Timestamp(5000), |updates| written.extend(updates));
        assert_eq!(written, [stands(MessageId(4), MessageStatus::Delivered, String::new())]);
        assert!(slot.end());
        assert!(!slot.end());
    }
}
