//! What [`TestHost`] does in the engine's place.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use model::{
    Clock, Event, Failure, HostPort, Intake, IntakeSession, Message, MessageId, Receipt, SessionId, Shared,
    SocketId, SocketSession, StateChange,
};

use crate::host::{Durable, Seen, TestHost};

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

    async fn submit(&self, intake: Intake) -> Result<Receipt, Failure> {
        let mut seen = self.seen();
        if let Some(failure) = seen.refuse.take() {
            return Err(failure);
        }
        let sessions = seen.open_sessions(&intake, self.0.targets.len());
        seen.sessions.extend(&sessions);
        seen.change_state(&intake.state);
        seen.events.extend(intake.events.iter().cloned());
        seen.intakes.push(intake);
        let mut durable = self.0.durable.subscribe();
        Ok(Receipt::new(sessions, async move {
            match durable.wait_for(|now| *now != Durable::Held).await {
                Ok(now) if *now == Durable::AtOnce => Ok(()),
                _ => Err(Failure::Stopping),
            }
        }))
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
}
