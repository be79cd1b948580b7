//! What senders are answered, and when: a positive answer never before the ledger has the message.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use hl7::ack::{AckCode, Wanted, When};
use model::{BodyClass, Failure, HostContext, Receipt, Reply, ReplyFuture, Span, fault};

use super::acks::{Acks, Blame, Refusal};
use super::inbound::Inbound;
use super::time::Time;
use crate::adapters::deadline::Deadline;

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// What is sent back.
    pub(crate) says: Says,
    /// What it says.
    pub(crate) code: AckCode,
    /// Why it says no, where that is not for the target to say.
    pub(crate) blame: Option<Blame>,
}

/// What is sent back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Says {
    /// An acknowledgement, to be framed as the messages are.
    Message(Bytes),
    /// A single byte, outside of any frame.
    Byte(u8),
}

/// One message that its sender is answered for.
pub(crate) struct Turn {
    request: Option<hl7::Message>,
    refusal: Option<Refusal>,
    wanted: Wanted,
    /// Whether the answer to its being stored says CA, CE, CR.
    commit: bool,
}

impl Turn {
    /// For a message that is taken; none if its sender is not answered.
    pub(super) fn accept(acks: &Acks, request: hl7::Message) -> Option<Turn> {
        Turn::of(acks, Some(request), None)
    }

    /// For what is refused; none if its sender is not answered.
    pub(super) fn refuse(acks: &Acks, request: Option<hl7::Message>, refusal: Refusal) -> Option<Turn> {
        Turn::of(acks, request, Some(refusal))
    }

    fn of(acks: &Acks, request: Option<hl7::Message>, refusal: Option<Refusal>) -> Option<Turn> {
        let (wanted, commit) = acks.wanted(request.as_ref());
        let answered = wanted.accept != When::Never || wanted.application != When::Never;
        answered.then_some(Turn { request, refusal, wanted, commit })
    }

    /// Whether what the target answers is waited for.
    pub(super) fn waits(&self) -> bool {
        self.refusal.is_none() && self.wanted.application != When::Never
    }

    /// The answer that the commit makes possible.
    fn at_commit(&self, acks: &Acks, time: &mut Time) -> Option<Answer> {
        let refusal = self.refusal.as_ref();
        let code = acks.code(refusal, self.commit);
        if self.wanted.accept.wants(code) {
            return Some(acks.answer(self.request.as_ref(), refusal, code, time));
        }
        // What is refused here has no target that could answer it.
        let code = acks.code(refusal, false);
        (refusal.is_some() && self.wanted.application.wants(code))
            .then(|| acks.answer(self.request.as_ref(), refusal, code, time))
    }

    /// The answer that the target's reply makes.
    fn of_reply(&self, reply: Reply, acks: &Acks, time: &mut Time) -> Option<Answer> {
        if let Some(request) = &self.request
            && let Some(body) = reply.body.filter(|body| body.class() == BodyClass::HL7)
            && let Some((bytes, code)) = acks.pass_on(request, &body)
        {
            let answer = Answer { says: Says::Message(bytes), code, blame: None };
            return self.wanted.application.wants(code).then_some(answer);
        }
        let refused = |reason| Refusal::new(Blame::Target, format!("not delivered: {reason}"));
        self.of_target(reply.error.map(refused), acks, time)
    }

    /// The answer made here in the target's place.
    fn of_target(&self, refusal: Option<Refusal>, acks: &Acks, time: &mut Time) -> Option<Answer> {
        let code = acks.code(refusal.as_ref(), false);
        let wanted = self.wanted.application.wants(code);
        wanted.then(|| acks.answer(self.request.as_ref(), refusal.as_ref(), code, time))
    }
}

/// A group in the hands of the ledger.
pub(crate) struct Submitted {
    receipt: Result<Receipt, Failure>,
    turns: Vec<Turn>,
}

impl Submitted {
    pub(super) fn new(receipt: Result<Receipt, Failure>, turns: Vec<Turn>) -> Self {
        Submitted { receipt, turns }
    }
}

/// Answers one sender: what is there to be told is added to [`ready`](Self::ready), in order.
///
/// The order is that of the messages. Only who asked for two answers to a message, one that it is stored
/// and one of its target, gets the first ones without waiting for the second ones.
pub(crate) struct Answering {
    inbound: Arc<Inbound>,
    time: Time,
    /// What is to be sent back, for the caller to take.
    pub(crate) ready: Vec<Answer>,
    /// Those that wait for a reply, and those that have to come behind them.
    waiting: VecDeque<(Turn, Option<ReplyFuture>)>,
    deadline: Deadline,
}

impl Answering {
    /// Nobody waits for anything yet.
    pub(crate) fn new(inbound: &Arc<Inbound>, host: &HostContext) -> Self {
        Answering {
            inbound: inbound.clone(),
            time: Time::new(host),
            ready: Vec::new(),
            waiting: VecDeque::new(),
            deadline: Deadline::new(host),
        }
    }

    /// How many answers are still waited for.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Waits until a group is durable, and answers all that this is enough for.
    ///
    /// # Errors
    /// When the engine stops before that: then nothing is to be answered, and the sender has to send
    /// again.
    pub(crate) async fn committed(&mut self, submitted: Submitted) -> Result<(), Failure> {
        let Submitted { receipt, turns } = submitted;
        let (replies, stored) = match receipt {
            Ok(mut receipt) => (std::mem::take(&mut receipt.replies), receipt.durable().await),
            Err(failure) => (Vec::new(), Err(failure)),
        };
        if let Err(Failure::Stopping) = stored {
            return Err(Failure::Stopping);
        }
        fault::point("intake.durable");
        let mut replies = replies.into_iter();
        for mut turn in turns {
            let reply = if turn.waits() { replies.next() } else { None };
            if stored.is_err() {
                turn.refusal = Some(Refusal::new(Blame::System, "not stored; send it again"));
            }
            self.at_commit(turn, reply);
        }
        Ok(())
    }

    fn at_commit(&mut self, turn: Turn, reply: Option<ReplyFuture>) {
        let waits = turn.waits();
        // Whoever waits for its target alone is answered in the order of the messages.
        let behind = !waits && self.waiting.iter().any(|(before, _)| before.wanted.accept == When::Never);
        if !behind {
            self.ready.extend(turn.at_commit(self.inbound.acks(), &mut self.time));
        }
        if waits || behind {
            if self.waiting.is_empty() {
                self.deadline.set(Some(self.inbound.patience()));
            }
            self.waiting.push_back((turn, reply));
        }
    }

    /// Waits for the next answer of a target, and adds those behind it that are there already; for ever
    /// where none is waited for. May be given up and asked again.
    ///
    /// # Errors
    /// When the engine stops before that.
    pub(crate) async fn replied(&mut self) -> Result<(), Failure> {
        if self.waiting.is_empty() {
            return std::future::pending().await;
        }
        let before = self.ready.len();
        while let Some((turn, reply)) = self.waiting.front_mut() {
            let (acks, time) = (self.inbound.acks(), &mut self.time);
            let Some(reply) = reply else {
                self.ready.extend(turn.at_commit(acks, time));
                self.done();
                continue;
            };
            let there = poll_fn(|cx| Poll::Ready(reply.as_mut().poll(cx))).await;
            let replied = match there {
                Poll::Ready(reply) => Some(reply?),
                // What is there does not wait for what is not.
                Poll::Pending if self.ready.len() > before => break,
                Poll::Pending => tokio::select! {
                    biased;
                    reply = reply.as_mut() => Some(reply?),
                    () = self.deadline.passed() => None,
                },
            };
            let answer = match replied {
                Some(reply) => turn.of_reply(reply, acks, time),
                None => {
                    let text = format!("no answer within {}", Span(self.inbound.patience()));
                    turn.of_target(Some(Refusal::new(Blame::Silence, text)), acks, time)
                }
            };
            self.ready.extend(answer);
            self.done();
        }
        Ok(())
    }

    /// The first one has been answered; the next one's time begins.
    fn done(&mut self) {
        // A reply that is dropped is waited for no more.
        self.waiting.pop_front();
        let next = (!self.waiting.is_empty()).then(|| self.inbound.patience());
        self.deadline.set(next);
    }
}
