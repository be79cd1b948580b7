//! A whole line, from the senders to the sinks, driven by one thread.

use std::time::{Duration, Instant};

use super::production::receiver;
use super::senders::{Load, Senders};
use super::sink::Sink;
use super::socket::{Events, Poll, Token};

/// How long nothing may come while something is to come.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long one wait for events lasts when none come.
const TICK: Duration = Duration::from_millis(20);

/// Senders and sinks, and what they wait for.
pub(crate) struct Line {
    poll: Poll,
    events: Events,
    senders: Senders,
    sinks: Vec<Sink>,
    buffer: Vec<u8>,
}

/// What one round gave.
pub(crate) struct Round {
    /// How many messages were sent, acknowledged, and came out at each sink.
    pub(crate) messages: u64,
    /// Until the last acknowledgement.
    pub(crate) acknowledged: Duration,
    /// Until the last message came out, everything that was on its way included.
    pub(crate) arrived: Duration,
    /// How long the acknowledgements took.
    pub(crate) times: Vec<Duration>,
}

impl Line {
    /// Listens with so many sinks; each message is to come to each of them.
    pub(crate) fn new(load: Load, sinks: usize) -> Self {
        let poll = Poll::new();
        let sinks = (0..sinks as u32).map(|number| Sink::listen(number, &poll)).collect();
        Line { poll, events: Events::new(), senders: Senders::new(load), sinks, buffer: vec![0; 256 * 1024] }
    }

    /// Each sink is to be given what a transform has made for it, and nothing else.
    pub(crate) fn wants_transformed(&mut self) {
        for (number, sink) in self.sinks.iter_mut().enumerate() {
            sink.wanted = Some(receiver(number));
        }
    }

    /// The sinks' ports.
    pub(crate) fn ports(&self) -> Vec<u16> {
        self.sinks.iter().map(Sink::port).collect()
    }

    /// Connects the senders to what is to be measured.
    pub(crate) fn connect(&mut self, port: u16) {
        while self.senders.connect(port, &self.poll) {
            // The sinks take theirs meanwhile, since only so many may wait for that.
            self.turn(Duration::ZERO);
        }
    }

    /// Sends for that long, and waits until everything is acknowledged and has come out. `elsewhere` is
    /// given how many messages there are to be and says whether they have come where no sink is.
    pub(crate) fn round(&mut self, sending: Duration, mut elsewhere: impl FnMut(u64) -> bool) -> Round {
        let begun = Instant::now();
        let before = self.senders.sent;
        self.senders.begin();
        let mut progress = (0, begun);
        loop {
            self.turn(TICK);
            let now = Instant::now();
            self.senders.sending &= now - begun < sending;
            let done = self.done();
            if done != progress.0 {
                progress = (done, now);
            }
            if self.is_complete() {
                break;
            }
            assert!(now - progress.1 < PATIENCE, "nothing comes any more: {}", self.state());
        }
        while !elsewhere(self.senders.sent) {
            assert!(progress.1.elapsed() < 3 * PATIENCE, "nothing comes any more: {}", self.state());
            std::thread::park_timeout(Duration::from_millis(2));
        }
        let arrived = match self.sinks.iter().map(|sink| sink.last).max() {
            Some(last) => last - begun,
            None => begun.elapsed(),
        };
        let senders = &mut self.senders;
        Round {
            messages: senders.sent - before,
            acknowledged: senders.last - begun,
            arrived,
            times: std::mem::take(&mut senders.times),
        }
    }

    /// How many messages overtook one of the same sender, and how many came more than once.
    pub(crate) fn disorder(&self) -> (u64, u64) {
        (self.sinks.iter().map(|sink| sink.overtaken).sum(), self.sinks.iter().map(|sink| sink.again).sum())
    }

    /// Waits until something has come, and takes all of it.
    fn turn(&mut self, longest: Duration) {
        let Line { poll, events, senders, sinks, buffer } = self;
        poll.wait(longest, events, |Token { part, socket }| match part {
            0 => senders.ready(socket as usize, buffer),
            sink => sinks[sink as usize - 1].ready(socket, poll, buffer),
        });
    }

    /// How many messages have come somewhere, senders' acknowledgements included.
    fn done(&self) -> u64 {
        self.senders.acknowledged + self.sinks.iter().map(|sink| sink.arrived).sum::<u64>()
    }

    fn is_complete(&self) -> bool {
        let Senders { sending, sent, acknowledged, .. } = self.senders;
        !sending && acknowledged == sent && self.sinks.iter().all(|sink| sink.arrived == sent)
    }

    fn state(&self) -> String {
        let arrived: Vec<_> = self.sinks.iter().map(|sink| sink.arrived).collect();
        let Senders { sent, acknowledged, .. } = self.senders;
        format!("{sent} sent, {acknowledged} acknowledged, {arrived:?} arrived")
    }
}
