//! Messages out and answers in, over one connection.

use model::{Decision, HostContext, Span, Timeout, fault};

use super::TcpOperation;
use super::line::{Heard, Line, Silence};
use super::sending::{InFlight, Sending};
use crate::adapters::deadline::Deadline;
use crate::hl7::reply::{PeerReply, unreadable};
use crate::hl7::reply_actions::Came;

/// So much is written at once.
const MOST_AT_ONCE: usize = 256 << 10;
/// A receiver that repeats more answers than this, and gives none that is wanted, gives none at all.
const MOST_REPEATS: usize = 1_000;

/// How an exchange ended.
pub(super) enum Ended {
    /// Everything that was sent is decided, and the connection is good.
    Done,
    /// What was sent is decided or to be sent anew, and the connection may not be used again.
    Broken,
    /// The receiver closed a connection that was good before, and may not have heard what was sent last.
    Stale,
}

impl TcpOperation {
    /// Sends and hears until every message is decided, one holds the queue, or the connection breaks.
    pub(super) async fn exchange(
        &mut self,
        line: &mut Line,
        sending: &mut Sending<'_>,
        host: &HostContext,
    ) -> Ended {
        let mut deadline = Deadline::new(host);
        let limit = self.settings.response_timeout;
        let (mut is_first, mut repeats) = (true, 0);
        loop {
            let waited = !sending.in_flight.is_empty();
            if !self.each_alone || is_first {
                self.fill(line, sending, host);
            }
            is_first = false;
            if sending.in_flight.is_empty() {
                return Ended::Done;
            }
            if !waited {
                deadline.set(limit.0);
            }
            let heard = match send_and_hear(line, &mut deadline, host).await {
                Ok(heard) => heard,
                Err(silence) => return self.silent(line, sending, silence, host),
            };
            fault::point("tcp.heard");
            match self.take_all(line, sending, heard, host) {
                Ok(0) => deadline.set(limit.0),
                Ok(passed_over) if repeats + passed_over <= MOST_REPEATS => repeats += passed_over,
                Ok(_) => {
                    let text = format!("{} repeats answers that it gave before", line.peer);
                    return self.broken(line, sending, Came::BadReply(&text), host);
                }
                Err(why) => {
                    let text = unreadable(&line.peer, &why);
                    return self.broken(line, sending, Came::BadReply(&text), host);
                }
            }
            if self.is_refused_too_often(sending) {
                return Ended::Broken;
            }
        }
    }

    /// Puts as many messages on the line as may wait for their answers.
    fn fill(&self, line: &mut Line, sending: &mut Sending<'_>, host: &HostContext) {
        while sending.in_flight.len() < self.window && line.waiting() < MOST_AT_ONCE && !host.is_stopping() {
            let Some(at) = sending.next() else { return };
            match self.put(line, sending, at) {
                Ok(()) => sending.sent(at),
                Err(decision) => sending.decide(at, decision),
            }
        }
    }

    fn put(&self, line: &mut Line, sending: &Sending<'_>, at: usize) -> Result<(), Decision> {
        let content = self.form.write(&sending.requests[at].body).map_err(Decision::suspend)?;
        line.put(self.framing, &content).map_err(|error| Decision::suspend(error.to_string()))
    }

    /// Decides by this and by all else that has come already: how many were passed over since the last
    /// one that decided, or what is wrong with one.
    fn take_all(
        &mut self,
        line: &mut Line,
        sending: &mut Sending<'_>,
        first: Heard,
        host: &HostContext,
    ) -> Result<usize, String> {
        let mut passed_over = 0;
        let mut heard = Some(first);
        while let Some(something) = heard {
            let answer = match something {
                Heard::Answer(bytes) => PeerReply::read(bytes).map_err(|error| error.to_string())?,
                Heard::Junk(junk) => return Err(junk.to_string()),
            };
            passed_over = if self.take(line, sending, &answer, host) { 0 } else { passed_over + 1 };
            heard = (!sending.in_flight.is_empty()).then(|| line.heard()).flatten();
        }
        Ok(passed_over)
    }

    /// Decides by an answer. False when it answers a message that has its answer already.
    fn take(
        &mut self,
        line: &mut Line,
        sending: &mut Sending<'_>,
        answer: &PeerReply,
        host: &HostContext,
    ) -> bool {
        let named = answer.control_id();
        let known = sending.in_flight.iter().position(|sent| Some(&*sent.control_id()) == named);
        if known.is_none() && named.is_some_and(|id| line.has_answered(id)) {
            return false;
        }
        // What names no message, or an unknown one, is about the one that waits the longest.
        let Some(sent) = sending.in_flight.remove(known.unwrap_or(0)) else { return false };
        let id = sent.control_id();
        line.answered(&id);
        self.decide(sending, &sent, answer.came(sent.message.as_ref(), &id), &line.peer, Some(answer), host);
        true
    }

    fn decide(
        &mut self,
        sending: &mut Sending<'_>,
        sent: &InFlight,
        came: Came<'_>,
        peer: &str,
        answer: Option<&PeerReply>,
        host: &HostContext,
    ) {
        let request = &sending.requests[sent.at];
        let ruling = self.actions.rule(peer, came);
        self.refused = if ruling.is_retry() && answer.is_some() { self.refused + 1 } else { 0 };
        let keeps = |answer: &&PeerReply| self.settings.save_replies.keeps(request, answer.is_positive());
        let kept = answer.filter(keeps);
        let decision = ruling.decide(host.name(), request, kept.map(PeerReply::body));
        sending.decide(sent.at, decision);
    }

    /// Whether a message was refused so often, and is tried again, that a new connection may help.
    fn is_refused_too_often(&mut self, sending: &Sending<'_>) -> bool {
        let most = self.settings.reconnect_retry;
        let often = most > 0 && self.refused >= most && sending.in_flight.is_empty();
        if often {
            self.refused = 0;
        }
        often
    }

    fn silent(
        &mut self,
        line: &Line,
        sending: &mut Sending<'_>,
        silence: Silence,
        host: &HostContext,
    ) -> Ended {
        let text = match silence {
            Silence::Ended(_) if line.reused => {
                sending.rewind();
                return Ended::Stale;
            }
            Silence::Ended(why) => format!("{} {why}", line.peer),
            Silence::Late => {
                let Timeout(limit) = self.settings.response_timeout;
                format!("no answer from {} within {}", line.peer, Span(limit.unwrap_or_default()))
            }
        };
        self.broken(line, sending, Came::NoReply(&text), host)
    }

    /// Decides about the message that waited the longest; those behind it are sent anew.
    fn broken(
        &mut self,
        line: &Line,
        sending: &mut Sending<'_>,
        came: Came<'_>,
        host: &HostContext,
    ) -> Ended {
        if let Some(sent) = sending.in_flight.pop_front() {
            self.decide(sending, &sent, came, &line.peer, None, host);
        }
        sending.rewind();
        Ended::Broken
    }

    /// Sends without waiting for answers: what the system has taken is done.
    pub(super) async fn send_only(
        &mut self,
        line: &mut Line,
        sending: &mut Sending<'_>,
        host: &HostContext,
    ) -> Ended {
        let mut deadline = Deadline::new(host);
        while !host.is_stopping() {
            let mut put = Vec::new();
            while line.waiting() < MOST_AT_ONCE
                && (!self.each_alone || put.is_empty())
                && let Some(at) = sending.next()
            {
                match self.put(line, sending, at) {
                    Ok(()) => put.push(at),
                    Err(decision) => sending.decide(at, decision),
                }
            }
            if put.is_empty() {
                break;
            }
            deadline.set(self.settings.response_timeout.0);
            if let Err(silence) = line.send(&mut deadline).await {
                let why = match silence {
                    Silence::Ended(why) => why,
                    Silence::Late => "takes nothing any more".to_owned(),
                };
                sending.decide(put[0], Decision::retry(format!("{} {why}", line.peer)));
                sending.rewind();
                return Ended::Broken;
            }
            put.into_iter().for_each(|at| sending.decide(at, Decision::completed()));
            while line.heard().is_some() {}
            if self.each_alone {
                break;
            }
        }
        Ended::Done
    }
}

/// Sends what waits, and hears what comes first.
async fn send_and_hear(
    line: &mut Line,
    deadline: &mut Deadline,
    host: &HostContext,
) -> Result<Heard, Silence> {
    if line.waiting() > 0
        && let Err(Silence::Late) = line.send(deadline).await
    {
        return Err(Silence::Late);
    }
    fault::point("tcp.sent");
    // Whoever has closed the connection meanwhile may have answered before.
    line.hear(deadline, host).await
}
