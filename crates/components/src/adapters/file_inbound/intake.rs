//! Takes files in for as long as the service runs: finds, reads, hands over, and, in step behind that,
//! waits for durability and puts away.
//!
//! Reading goes on while the ledger commits what was read before, and putting away goes on beside
//! both. Everything between them is bounded: a slow disk or ledger slows the reading down.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use model::{
    Event, EventKind, Failure, HostContext, Intake, IntakeSession, Receipt, Room, SessionId, Timestamp, fault,
};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::archive::PuttingAway;
use super::finish::{Between, Submitted, finish, say};
use super::recover::recover;
use super::rows::{PREFIX, Progress, Taken};
use super::scan::{Candidate, Haul, Tracker, Wanted, sort};
use super::take::{Abandoned, Group, Reader, Takes};
use super::taking::Reading;
use super::watch::{Hint, Watch};
use crate::adapters::disk::blocking;

/// Groups that have been read and wait to be handed over.
const READ_AHEAD: usize = 2;
/// Groups that have been handed over and wait to be durable and put away.
const IN_FLIGHT: usize = 64;
/// So many hints are looked at, and so many files read, on the spot.
const FEW: usize = 16;
/// So many bytes at most.
const SMALL: u64 = 256 << 10;

/// A folder that files are taken out of.
pub(crate) struct FileInbound {
    /// Which files are taken, and when.
    pub(crate) wanted: Wanted,
    /// How they are read.
    pub(crate) reading: Reading,
    /// How they are put away.
    pub(crate) putting_away: PuttingAway,
    /// The pause between two listings of the folder.
    pub(crate) polling: Duration,
    /// Whether hints shorten it.
    pub(crate) watched: bool,
}

impl FileInbound {
    /// Runs until the host is asked to stop.
    pub(crate) async fn run(&self, host: &HostContext) -> Result<(), Failure> {
        let (submitted, to_finish) = mpsc::channel(IN_FLIGHT);
        let between = Arc::new(Between::default());
        let taker = Taker {
            inbound: self,
            host,
            tracker: Some(Tracker::new(self.reading.folders.clone(), self.wanted.clone())),
            reading: Arc::new(self.reading.clone()),
            watch: self.watch(host),
            between: between.clone(),
            submitted,
            last_session: None,
            next_listing: Timestamp::default(),
        };
        host.started();
        let done = tokio::try_join!(taker.run(), finish(&self.putting_away, host, to_finish, &between));
        match done {
            Err(Failure::Stopping) if host.is_stopping() => Ok(()),
            done => done.map(|_| ()),
        }
    }

    /// Watching begins before the first listing, so that nothing falls between the two.
    fn watch(&self, host: &HostContext) -> Watch {
        if !self.watched {
            return Watch::none();
        }
        Watch::begin(&self.reading.folders.inbox, self.wanted.levels > 0).unwrap_or_else(|error| {
            let text = format!("{error}; new files are found every {} ms instead", self.polling.as_millis());
            say(host, EventKind::Warning, text);
            Watch::none()
        })
    }
}

struct Taker<'a> {
    inbound: &'a FileInbound,
    host: &'a HostContext,
    /// Away only while a listing is made.
    tracker: Option<Tracker>,
    reading: Arc<Reading>,
    watch: Watch,
    between: Arc<Between>,
    submitted: mpsc::Sender<Submitted>,
    last_session: Option<SessionId>,
    next_listing: Timestamp,
}

impl Taker<'_> {
    async fn run(mut self) -> Result<(), Failure> {
        self.recover().await?;
        while let Some(files) = self.find().await? {
            self.take(files).await?;
        }
        Ok(())
    }

    /// Goes on where an earlier life ended.
    async fn recover(&mut self) -> Result<(), Failure> {
        let rows = self.host.remembered(PREFIX).await?;
        let rows = rows.iter().filter_map(|(key, value)| Taken::read(key, value)).collect();
        let folders = self.reading.folders.clone();
        let found = blocking(move || recover(&folders, rows)).await;
        let mut found = found.map_err(|error| cannot_list(&self.reading.folders.inbox, &error))?;
        self.host.remember(found.state);
        for text in found.warnings {
            say(self.host, EventKind::Warning, text);
        }
        found.left.into_iter().for_each(|taken| self.tracker().leave(taken));
        // What is still to be put away lies where it came, and must not be found there.
        self.busy(&found.put_away);
        self.hand_over(None, found.put_away).await;
        if !found.read.is_empty() {
            sort(self.inbound.wanted.order, &mut found.read);
            self.take(found.read).await?;
        }
        Ok(())
    }

    fn tracker(&mut self) -> &mut Tracker {
        self.tracker.as_mut().expect("only a listing takes it, and gives it back")
    }

    /// Returns the next files to take; none when the host is to stop.
    async fn find(&mut self) -> Result<Option<Vec<Candidate>>, Failure> {
        loop {
            if self.host.is_stopping() {
                return Ok(None);
            }
            let now = self.host.clock().now();
            let left = std::mem::take(&mut self.between.state().left);
            left.into_iter().for_each(|taken| self.tracker().leave(taken));
            let haul = if std::mem::take(&mut self.between.state().again) || now >= self.next_listing {
                self.next_listing = Timestamp(now.0 + self.inbound.polling.as_millis() as i64);
                self.with_tracker(move |tracker| tracker.list(now)).await?
            } else {
                let gathered = self.watch.take();
                if gathered.list {
                    self.next_listing = now;
                }
                let mut hints = self.tracker().due(now);
                hints.extend(gathered.into_hints());
                let inbox = &self.reading.folders.inbox;
                let behind = std::mem::take(&mut self.between.state().hints);
                hints.extend(behind.iter().map(|came| Hint { path: inbox.join(came), moved_in: true }));
                if hints.is_empty() {
                    tokio::select! {
                        () = self.host.stopping() => {}
                        () = self.watch.news() => {}
                        () = self.between.wake.notified() => {}
                        () = self.host.clock().sleep(self.wait(now)) => {}
                    }
                    continue;
                }
                self.look(hints, now).await?
            };
            if haul.more {
                self.next_listing = now;
            }
            self.host.remember(haul.state);
            for text in haul.warnings {
                say(self.host, EventKind::Warning, text);
            }
            let files = self.between.state().without_busy(haul.files);
            if !files.is_empty() {
                return Ok(Some(files));
            }
        }
    }

    fn wait(&self, now: Timestamp) -> Duration {
        let due = self.tracker.as_ref().and_then(Tracker::next_due);
        due.unwrap_or(self.next_listing).min(self.next_listing).since(now)
    }

    /// A few files that came whole are looked at on the spot: a look is cheaper than a change of thread.
    async fn look(&mut self, hints: Vec<Hint>, now: Timestamp) -> Result<Haul, Failure> {
        if hints.len() <= FEW && hints.iter().all(|hint| hint.moved_in) {
            return Ok(self.tracker().look(hints, now));
        }
        self.with_tracker(move |tracker| Ok(tracker.look(hints, now))).await
    }

    async fn with_tracker(
        &mut self,
        look: impl FnOnce(&mut Tracker) -> std::io::Result<Haul> + Send + 'static,
    ) -> Result<Haul, Failure> {
        let mut tracker = self.tracker.take().expect("given back by the last look");
        let (tracker, haul) = blocking(move || {
            let haul = look(&mut tracker);
            (tracker, haul)
        })
        .await;
        self.tracker = Some(tracker);
        haul.map_err(|error| cannot_list(&self.reading.folders.inbox, &error))
    }

    /// Reads the files and hands their messages over, group by group.
    async fn take(&mut self, files: Vec<Candidate>) -> Result<(), Failure> {
        if files.len() <= FEW && files.iter().map(|file| file.size).sum::<u64>() <= SMALL {
            return self.take_few(files).await;
        }
        let (out, mut groups) = mpsc::channel(READ_AHEAD);
        let ahead = Ahead { out, host: self.host.clone(), runtime: Handle::current() };
        let reader = Reader::new(self.reading.clone(), ahead);
        let reading = blocking(move || reader.read(files));
        let taking = async {
            loop {
                let group = tokio::select! {
                    group = groups.recv() => group,
                    () = self.host.stopping() => None,
                };
                let Some(group) = group else { break };
                self.submit(group).await?;
            }
            // The reader ends at its next group when nobody takes it.
            drop(groups);
            Ok(())
        };
        let (taken, _read_to_its_end) = tokio::join!(taking, reading);
        taken
    }

    /// A few small files are read on the spot: that is quicker than a change of thread.
    async fn take_few(&mut self, files: Vec<Candidate>) -> Result<(), Failure> {
        let mut groups = Vec::new();
        let keep = |group| {
            groups.push(group);
            Ok(())
        };
        let _read_to_its_end = Reader::new(self.reading.clone(), keep).read(files);
        for group in groups {
            self.submit(group).await?;
        }
        Ok(())
    }

    async fn submit(&mut self, mut group: Group) -> Result<(), Failure> {
        self.note_unreadable(&mut group);
        if group.arrivals.is_empty() && group.taken.is_empty() && group.part.is_none() {
            return group.broken.map_or(Ok(()), |reason| Err(Failure::Temporary(reason)));
        }
        self.join_sessions(&mut group);
        for taken in &group.taken {
            self.tracker().readable(&taken.place.came);
            if let Progress::Left(_) = taken.progress {
                self.tracker().leave(taken.clone());
            }
        }
        self.busy(&group.taken);
        let event = |text| Event::new(EventKind::Error, self.host.name(), text);
        let intake = Intake {
            arrivals: group.arrivals,
            state: group.taken.iter().chain(&group.part).map(Taken::remember).collect(),
            events: group.errors.into_iter().map(event).collect(),
            room: group.room,
            ..Intake::default()
        };
        let receipt = self.host.submit(intake).await?;
        fault::point("intake.submitted");
        self.last_session = receipt.sessions.last().copied().or(self.last_session);
        if let Some(part) = &mut group.part
            && note_session(part, self.last_session)
        {
            self.host.remember(vec![part.remember()]);
        }
        self.hand_over(Some(receipt), group.taken).await;
        group.broken.map_or(Ok(()), |reason| Err(Failure::Temporary(reason)))
    }

    /// Notes files that are taken and still lie where they came. Those in the work folder do not.
    fn busy(&self, taken: &[Taken]) {
        let stay = taken.iter().filter(|taken| !matches!(taken.progress, Progress::Left(_)));
        let here = stay.filter(|taken| taken.place.claimed.is_none()).map(|taken| taken.place.came.clone());
        self.between.state().busy.extend(here);
    }

    fn note_unreadable(&mut self, group: &mut Group) {
        let now = self.host.clock().now();
        for (came, reason) in group.unreadable.drain(..) {
            if self.tracker().pause(&came, now) {
                let path = self.reading.folders.inbox.join(&came);
                let text = format!(
                    "file \"{}\" cannot be read: {reason}; it stays and is tried again",
                    path.display()
                );
                say(self.host, EventKind::Error, text);
            }
        }
    }

    /// The first arrival of a group may belong to the session of the last one of the group before.
    fn join_sessions(&mut self, group: &mut Group) {
        let first = group.arrivals.first_mut().filter(|first| first.session == IntakeSession::SameAsPrevious);
        if let (Some(first), true) = (first, group.continues) {
            first.session = self.last_session.map_or(IntakeSession::New, IntakeSession::Of);
        }
        let known =
            match group.arrivals.iter().rfind(|arrival| arrival.session != IntakeSession::SameAsPrevious) {
                Some(arrival) => match arrival.session {
                    IntakeSession::Of(session) => Some(session),
                    _ => None,
                },
                None => self.last_session,
            };
        if let Some(part) = &mut group.part {
            note_session(part, known);
        }
    }

    async fn hand_over(&mut self, receipt: Option<Receipt>, taken: Vec<Taken>) {
        // It is closed only when putting away has failed, and then that is the answer of both.
        let _closed = self.submitted.send(Submitted { receipt, taken }).await;
    }
}

/// Takes what is read on a thread of its own, a little ahead of who hands it over.
struct Ahead {
    out: mpsc::Sender<Group>,
    host: HostContext,
    runtime: Handle,
}

impl Takes for Ahead {
    fn take(&mut self, group: Group) -> Result<(), Abandoned> {
        self.out.blocking_send(group).map_err(|_| Abandoned)
    }

    fn make_room(&mut self, room: &mut Room, bytes: usize) -> Result<(), Abandoned> {
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = self.out.closed() => Err(Abandoned),
                () = self.host.make_room(room, bytes) => Ok(()),
            }
        })
    }
}

/// Notes the session in which a file goes on; false when that changes nothing.
fn note_session(taken: &mut Taken, session: Option<SessionId>) -> bool {
    let Progress::Part(part) = &mut taken.progress else { return false };
    let before = part.session;
    part.session = session.filter(|_| part.position.begun).map(|session| session.0);
    part.session != before
}

fn cannot_list(folder: &Path, error: &std::io::Error) -> Failure {
    let reason = crate::adapters::disk::reason(error);
    Failure::Temporary(format!("folder \"{}\" cannot be listed: {reason}", folder.display()))
}

#[cfg(test)]
#[path = "tests/intake.rs"]
mod tests;
