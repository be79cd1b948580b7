//! What is known of the messages of one batch: decided, sent and not answered, not sent yet.

use std::borrow::Cow;
use std::collections::VecDeque;

use model::{Decision, Message};

use hl7::ack::control_id;

/// A message that was sent and has no answer yet.
pub(super) struct InFlight {
    /// Its place in the batch.
    pub(super) at: usize,
    /// What it says; none when it is no HL7.
    pub(super) message: Option<hl7::Message>,
}

impl InFlight {
    pub(super) fn control_id(&self) -> Cow<'_, str> {
        self.message.as_ref().map(control_id).unwrap_or_default()
    }
}

/// The messages of one batch.
pub(super) struct Sending<'a> {
    pub(super) requests: &'a [Message],
    decisions: Vec<Option<Decision>>,
    /// In the order in which they were sent.
    pub(super) in_flight: VecDeque<InFlight>,
    /// What comes before this is decided or sent.
    next: usize,
    holds: bool,
}

impl<'a> Sending<'a> {
    /// A batch, of which some may have been decided before.
    pub(super) fn new(requests: &'a [Message], decisions: Vec<Option<Decision>>) -> Self {
        let holds = decisions.iter().flatten().any(Decision::holds_queue);
        Sending { requests, decisions, in_flight: VecDeque::new(), next: 0, holds }
    }

    /// The next message to send; none when nothing may be sent any more.
    pub(super) fn next(&mut self) -> Option<usize> {
        if self.holds {
            return None;
        }
        let undecided = self.decisions[self.next..].iter().position(Option::is_none)?;
        self.next += undecided + 1;
        Some(self.next - 1)
    }

    /// Whether something is left to send.
    pub(super) fn is_done(&self) -> bool {
        self.holds || self.decisions[self.next..].iter().all(Option::is_some)
    }

    /// What was sent and not answered, and from where on was not sent, is to be sent anew.
    pub(super) fn rewind(&mut self) {
        self.in_flight.clear();
        self.next = self.decisions.iter().position(Option::is_none).unwrap_or(self.decisions.len());
    }

    /// The message was sent, and waits for its answer.
    pub(super) fn sent(&mut self, at: usize) {
        let body = &self.requests[at].body;
        let message = crate::message::hl7(body).ok();
        self.in_flight.push_back(InFlight { at, message });
    }

    /// Decides about a message.
    pub(super) fn decide(&mut self, at: usize, decision: Decision) {
        self.holds |= decision.holds_queue();
        self.decisions[at] = Some(decision);
    }

    /// Decides about the first message that is not decided.
    pub(super) fn put_off(&mut self, decision: Decision) {
        if let Some(at) = self.decisions.iter().position(Option::is_none) {
            self.decide(at, decision);
        }
    }

    /// The decisions up to the first message that has none, or that holds the queue; and what is known
    /// of those behind it.
    pub(super) fn finish(self) -> (Vec<Decision>, Vec<(u64, Decision)>) {
        let mut decided = Vec::with_capacity(self.decisions.len());
        let mut behind = Vec::new();
        let mut open = true;
        for (request, decision) in self.requests.iter().zip(self.decisions) {
            match decision {
                Some(decision) if open => {
                    open = !decision.holds_queue();
                    decided.push(decision);
                }
                Some(decision) => behind.push((request.header.id.0, decision)),
                None => open = false,
            }
        }
        (decided, behind)
    }
}
