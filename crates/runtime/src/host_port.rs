//! What the engine does for one host: the real [`HostPort`].

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use model::{
    BodyClass, Clock, Event, EventKind, Failure, HostContext, HostPort, Intake, Message, MessageBody,
    MessageId, Receipt, Room, Shared, SocketId, SocketSession, StateChange,
};
use store::{Change, Reader, StoreError};

use crate::engine::{Engine, Item, log};
use crate::intake::{Admitted, Source, admit};
use crate::lots::Route;

/// The engine, as one host sees it.
pub(crate) struct Port {
    engine: Arc<Engine>,
    item: Arc<Item>,
    routes: Vec<Route>,
}

impl Port {
    /// What the hosts of `item` are handed.
    pub(crate) fn context(engine: &Arc<Engine>, item: &Arc<Item>) -> HostContext {
        let routes = item.def.targets.iter().filter_map(|target| Route::to(engine, target)).collect();
        HostContext::new(Arc::new(Port { engine: engine.clone(), item: item.clone(), routes }))
    }

    /// What was submitted about the item's memory has to be durable before it is read back.
    async fn behind_own_changes(&self) -> Result<(), Failure> {
        match self.item.last_change() {
            Some(seq) => self.engine.durable.wait(seq).await.map_err(|_| Failure::Stopping),
            None => Ok(()),
        }
    }

    fn change(&self, change: Change) {
        let seq = self.engine.change(change);
        self.item.changed(seq);
    }
}

fn unreadable(error: StoreError) -> Failure {
    Failure::Temporary(format!("the store cannot be read: {error}"))
}

#[async_trait]
impl HostPort for Port {
    fn name(&self) -> &Arc<str> {
        self.item.name()
    }

    fn targets(&self) -> &[Arc<str>] {
        &self.item.def.targets
    }

    fn data_dir(&self) -> &Path {
        &self.engine.data_dir
    }

    fn clock(&self) -> &dyn Clock {
        &*self.engine.clock
    }

    fn shared(&self) -> &Shared {
        &self.engine.shared
    }

    fn is_stopping(&self) -> bool {
        self.item.is_stopping()
    }

    async fn stopping(&self) {
        self.item.stopping().await;
    }

    fn started(&self) {
        if self.item.is_service() && self.engine.goes_on(&self.item) {
            self.engine.say(Event::new(EventKind::Info, self.item.name(), "the host is built anew and runs"));
        }
    }

    async fn make_room(&self, room: &mut Room, bytes: usize) {
        if self.engine.budget.try_make(room, bytes) {
            return;
        }
        if let Some(text) = self.engine.budget.waits(self.engine.clock.now()) {
            self.engine.say(Event::new(EventKind::Warning, self.item.name(), text));
        }
        self.engine.budget.make(room, bytes).await;
    }

    async fn submit(&self, intake: Intake) -> Result<Receipt, Failure> {
        if self.engine.is_closed() {
            return Err(Failure::Stopping);
        }
        let source = Source { name: self.item.name(), item: Some(&self.item), routes: &self.routes };
        let Admitted { seq, sessions, awaited } = admit(&self.engine, source, intake).await;
        let replies =
            awaited.into_iter().map(|awaited| awaited.reply(self.engine.durable.clone(), seq)).collect();
        let durable = self.engine.durable.clone();
        let stored = async move { durable.wait(seq).await.map_err(|_| Failure::Stopping) };
        Ok(Receipt::new(sessions, stored).with_replies(replies))
    }

    async fn remembered(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, Failure> {
        self.behind_own_changes().await?;
        let (item, prefix) = (self.item.name().clone(), prefix.to_owned());
        self.engine.readers.read_in_turn(move |reader| reader.state(&item, &prefix)).await.map_err(unreadable)
    }

    async fn stored(&self, id: MessageId) -> Result<Option<Message>, Failure> {
        self.behind_own_changes().await?;
        let read = move |reader: &mut Reader| {
            let Some(header) = reader.header(id)? else { return Ok(None) };
            let body = match header.body {
                Some(body) => reader.body(body)?,
                None => None,
            };
            let body = body.unwrap_or_else(|| MessageBody::new(BodyClass::BYTES, Vec::new()));
            Ok(Some(Message { header, body }))
        };
        self.engine.readers.read_in_turn(read).await.map_err(unreadable)
    }

    fn remember(&self, changes: Vec<StateChange>) {
        let state = changes.into_iter().map(|change| (self.item.name().clone(), change)).collect();
        self.change(Change { state, ..Change::default() });
    }

    fn event(&self, event: Event) {
        self.engine.say(event);
    }

    async fn open_socket(&self, mut session: SocketSession) -> Result<SocketId, Failure> {
        if self.engine.is_closed() {
            return Err(Failure::Stopping);
        }
        let permit = self.engine.ledger.reserve(crate::intake::HEADER_BYTES).await;
        let (seq, id) = self.engine.ledger.submit(Some(permit), |ids| {
            let id = ids.socket();
            session.id = id;
            (Change { sockets_opened: vec![session], ..Change::default() }, id)
        });
        self.engine.durable.wait(seq).await.map_err(|_| Failure::Stopping)?;
        Ok(id)
    }

    fn change_socket(&self, session: SocketSession) {
        // A client may subscribe without end. What is left out is what people see of its row alone.
        let seq = self.engine.offer(Change { sockets_changed: vec![session], ..Change::default() });
        seq.into_iter().for_each(|seq| self.item.changed(seq));
    }

    fn delete_sockets(&self, ids: Vec<SocketId>, events: Vec<Event>) {
        events.iter().for_each(log);
        let now = self.engine.clock.now();
        let events = events.into_iter().map(|event| (now, event)).collect();
        self.change(Change { sockets_deleted: ids, events, ..Change::default() });
    }

    async fn stored_sockets(&self) -> Result<Vec<SocketSession>, Failure> {
        self.behind_own_changes().await?;
        let item = self.item.name().clone();
        self.engine.readers.read_in_turn(move |reader| reader.sockets(Some(&item))).await.map_err(unreadable)
    }

    async fn completed_since(
        &self,
        target: &str,
        since: MessageId,
        limit: usize,
    ) -> Result<Vec<Message>, Failure> {
        let target = target.to_owned();
        let read = move |reader: &mut Reader| reader.completed_since(&target, since, limit);
        let found = self.engine.readers.read_in_turn(read).await;
        let messages = found.map_err(unreadable)?.into_iter();
        Ok(messages.map(|(header, body)| Message { header, body }).collect())
    }
}
