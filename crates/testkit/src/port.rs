//! What [`TestHost`] does in the engine's place.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use model::{
    Arrival, Clock, Event, Failure, Fate, HostPort, Intake, IntakeSession, Message, MessageId, Receipt,
    Reply, ReplyFuture, Room, SessionId, Shared, SocketId, SocketSession, StateChange,
};
use tokio::sync::watch;

use crate::host::{Durable, Rooms, Seen, TestHost};

impl Seen {
    fn change_state(&mut self, changes: &[StateChange]) {
        for change in changes {
            match &change.value {
                Some(value) => self.state.insert(change.key.clone(), value.clone()),
                None => self.state.remove(&change.key),
            };
        }
    }

    /// The session of each arrival; ids grow as the ledger's do, one for every target.
    fn open_sessions(&mut self, intake: &Intake, targets: usize) -> Vec<SessionId> {
        let mut sessions: Vec<SessionId> = Vec::with_capacity(intake.arrivals.len());
        for arrival in &intake.arrivals {
            let first = self.next_id + 1;
            self.next_id += targets.max(1) as u64;
            sessions.push(match arrival.session {
                IntakeSession::Of(session) => session,
                IntakeSession::SameAsPrevious => sessions.last().copied().unwrap_or(SessionId(first)),
                IntakeSession::New => SessionId(first),
            });
        }
        sessions
    }

    /// What is answered to each arrival that wants a reply.
    fn answers(&mut self, arrivals: &[Arrival]) -> Vec<Reply> {
        let wanted = arrivals.iter().filter(|arrival| arrival.wants_reply);
        wanted
            .map(|arrival| match (&arrival.fate, &mut self.answer) {
                (Fate::Refuse(reason), _) => Reply { body: None, error: Some(reason.clone()) },
                (Fate::Deliver, Some(answer)) => answer(arrival),
                (Fate::Deliver | Fate::Keep(_), _) => Reply { body: None, error: None },
            })
            .collect()
    }
}

/// Returns when the intake is durable.
async fn stored(mut durable: watch::Receiver<Durable>) -> Result<(), Failure> {
    match durable.wait_for(|now| *now != Durable::Held).await {
        Ok(now) if *now == Durable::AtOnce => Ok(()),
        _ => Err(Failure::Stopping),
    }
}

impl TestHost {
    /// Gives the reply once its intake is durable and answers are not held back.
    fn reply(&self, reply: Reply) -> ReplyFuture {
        let (durable, mut unanswered) = (self.0.durable.subscribe(), self.0.unanswered.subscribe());
        let mut failing = self.0.durable.subscribe();
        Box::pin(async move {
            stored(durable).await?;
            tokio::select! {
                biased;
                answered = unanswered.wait_for(|held| !held) => answered.map_err(|_| Failure::Stopping)?,
                _ = failing.wait_for(|now| *now == Durable::Failing) => return Err(Failure::Stopping),
            };
            Ok(reply)
        })
    }
}

#[async_trait]
impl HostPort for TestHost {
    fn name(&self) -> &Arc<str> {
        &self.0.name
    }

    fn targets(&self) -> &[Arc<str>] {
        &self.0.targets
    }

    fn data_dir(&self) -> &Path {
        &self.0.data_dir
    }

    fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    fn shared(&self) -> &Shared {
        &self.0.shared
    }

    fn is_stopping(&self) -> bool {
        *self.0.stopping.borrow()
    }

    async fn stopping(&self) {
        let mut stopping = self.0.stopping.subscribe();
        let _asked = stopping.wait_for(|asked| *asked).await;
    }

    fn started(&self) {
        self.seen().started = true;
    }

    async fn make_room(&self, room: &mut Room, bytes: usize) {
        let missing = bytes.saturating_sub(room.bytes());
        if missing == 0 {
            return;
        }
        let mut rooms = self.0.rooms.subscribe();
        let now = rooms.wait_for(|rooms| *rooms != Rooms::None).await.map(|rooms| *rooms);
        match now {
            Ok(Rooms::Beyond) => room.go_beyond(()),
            _ => room.add(missing, ()),
        }
    }

    async fn submit(&self, intake: Intake) -> Result<Receipt, Failure> {
        let mut seen = self.seen();
        if let Some(failure) = seen.refuse.take() {
            return Err(failure);
        }
        let sessions = seen.open_sessions(&intake, self.0.targets.len());
        seen.sessions.extend(&sessions);
        seen.change_state(&intake.state);
        seen.events.extend(intake.events.iter().cloned());
        let replies = seen.answers(&intake.arrivals).into_iter().map(|reply| self.reply(reply)).collect();
        seen.intakes.push(intake);
        Ok(Receipt::new(sessions, stored(self.0.durable.subscribe())).with_replies(replies))
    }

    async fn remembered(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, Failure> {
        let seen = self.seen();
        let found = seen.state.iter().filter(|(key, _)| key.starts_with(prefix));
        Ok(found.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn remember(&self, changes: Vec<StateChange>) {
        self.seen().change_state(&changes);
    }

    fn event(&self, event: Event) {
        self.seen().events.push(event);
    }

    async fn open_socket(&self, session: SocketSession) -> Result<SocketId, Failure> {
        if self.is_stopping() {
            return Err(Failure::Stopping);
        }
        Ok(self.leave_socket(session))
    }

    fn change_socket(&self, session: SocketSession) {
        self.seen().sockets.insert(session.id, session);
    }

    fn delete_sockets(&self, ids: Vec<SocketId>, events: Vec<Event>) {
        let mut seen = self.seen();
        seen.sockets.retain(|id, _| !ids.contains(id));
        seen.events.extend(events);
    }

    async fn stored_sockets(&self) -> Result<Vec<SocketSession>, Failure> {
        Ok(self.sockets())
    }

    async fn completed_since(
        &self,
        target: &str,
        since: MessageId,
        limit: usize,
    ) -> Result<Vec<Message>, Failure> {
        let seen = self.seen();
        let all = seen.completed.get(target).into_iter().flatten();
        Ok(all.filter(|message| message.header.id > since).take(limit).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use model::{Arrival, BodyClass, MessageBody};
    use tokio::sync::oneshot;

    use super::*;

    fn arrival(session: IntakeSession) -> Arrival {
        Arrival { session, ..Arrival::new(MessageBody::new(BodyClass::TEXT, "x")) }
    }

    #[tokio::test]
    async fn sessions_are_given_as_the_engine_gives_them() {
        let host = TestHost::new("In").targets(["A", "B"]);
        let arrivals = vec![
            arrival(IntakeSession::New),
            arrival(IntakeSession::SameAsPrevious),
            arrival(IntakeSession::New),
            arrival(IntakeSession::Of(SessionId(1))),
        ];
        let receipt = host.context().submit(Intake { arrivals, ..Intake::default() }).await.unwrap();
        assert_eq!(receipt.sessions, [1, 1, 5, 1].map(SessionId));
        assert!(receipt.durable().await.is_ok());
        assert_eq!(host.arrivals().len(), 4);
    }

    #[tokio::test]
    async fn durability_can_be_held_and_released() {
        let host = TestHost::new("In");
        host.hold_durability();
        let receipt = host.context().submit(Intake::default()).await.unwrap();
        let (told, mut tell) = oneshot::channel();
        let waiting = tokio::spawn(async move { told.send(receipt.durable().await).is_ok() });
        tokio::task::yield_now().await;
        assert!(tell.try_recv().is_err());
        host.release_durability();
        assert!(waiting.await.unwrap() && tell.await.unwrap().is_ok());
    }
    #[tokio::test]
    async fn replies_are_as_scripted_and_come_when_they_are_released() {
        let host = TestHost::new("In").targets(["Out"]);
        let wanting = || Arrival { wants_reply: true, ..arrival(IntakeSession::New) };
        let refused = Arrival { fate: Fate::Refuse("no MSH".to_owned()), ..wanting() };
        let context = host.context();
        let take = |arrivals| context.submit(Intake { arrivals, ..Intake::default() });

        let mut receipt = take(vec![wanting(), arrival(IntakeSession::New), refused]).await.unwrap();
        let (second, first) = (receipt.replies.pop().unwrap(), receipt.replies.pop().unwrap());
        assert!(receipt.replies.is_empty());
        assert!(first.await.unwrap().error.is_none(), "answered as done");
        assert_eq!(second.await.unwrap().error.as_deref(), Some("no MSH"));

        host.answer_with(|arrival| Reply { body: Some(arrival.body.clone()), error: None });
        host.hold_replies();
        let mut held = take(vec![wanting()]).await.unwrap().replies;
        let reply = tokio::spawn(held.pop().unwrap());
        tokio::task::yield_now().await;
        assert!(!reply.is_finished());
        host.release_replies();
        assert!(reply.await.unwrap().unwrap().body.is_some());

        host.hold_replies();
        let lost = take(vec![wanting()]).await.unwrap().replies.pop().unwrap();
        host.fail_durability();
        assert!(matches!(lost.await, Err(Failure::Stopping)));
    }
}
