//! A group of changes as it will be written: each row once, in its final state.
//!
//! Made once for a group, kept until it is committed: a second try writes the same.

use std::sync::Arc;

use model::{
    BodyId, Event, MessageBody, MessageHeader, MessageId, SocketId, SocketSession, StateChange, Timestamp,
};

use crate::block::{PackedGroup, Packer};
use crate::{Change, HeaderUpdate};

/// What becomes of a stored socket, in order.
pub(crate) enum SocketStep {
    Open(SocketSession),
    Change(SocketSession),
    Delete(SocketId),
}

/// A body's row; its name and bytes are in a block.
pub(crate) struct PlannedBody {
    pub(crate) id: BodyId,
    pub(crate) body: MessageBody,
    /// The first header that refers to it.
    pub(crate) message: Option<MessageId>,
}

/// The rows of one transaction.
#[derive(Default)]
pub(crate) struct Plan {
    pub(crate) bodies: Vec<PlannedBody>,
    pub(crate) packed: PackedGroup,
    pub(crate) created: Vec<MessageHeader>,
    pub(crate) updated: Vec<HeaderUpdate>,
    pub(crate) events: Vec<(Timestamp, Event)>,
    pub(crate) state: Vec<(Arc<str>, StateChange)>,
    pub(crate) sockets: Vec<SocketStep>,
}

impl Plan {
    pub(crate) fn of(changes: Vec<Change>, packer: &mut Packer) -> std::io::Result<Self> {
        // Room for all at once: headers are large, and moving them again and again took an eighth of
        // the writer's time.
        let room = |count: fn(&Change) -> usize| changes.iter().map(count).sum();
        let mut bodies = Vec::with_capacity(room(|change| change.bodies.len()));
        let mut plan = Plan {
            created: Vec::with_capacity(room(|change| change.created.len())),
            updated: Vec::with_capacity(room(|change| change.updated.len())),
            ..Plan::default()
        };
        for change in changes {
            bodies.extend(change.bodies);
            plan.created.extend(change.created);
            plan.updated.extend(change.updated);
            plan.events.extend(change.events);
            plan.state.extend(change.state);
            plan.sockets.extend(change.sockets_opened.into_iter().map(SocketStep::Open));
            plan.sockets.extend(change.sockets_changed.into_iter().map(SocketStep::Change));
            plan.sockets.extend(change.sockets_deleted.into_iter().map(SocketStep::Delete));
        }
        // Ids grow from change to change; only within one they may stand in another order.
        bodies.sort_by_key(|(id, _)| *id);
        plan.created.sort_by_key(|header| header.id);
        plan.packed = packer.pack(&bodies)?;
        plan.bodies = bodies.into_iter().map(|(id, body)| PlannedBody { id, body, message: None }).collect();
        plan.name_bodies();
        plan.coalesce();
        Ok(plan)
    }

    /// Notes at each body the first header that refers to it: a search finds it under that one.
    fn name_bodies(&mut self) {
        for header in &self.created {
            let Some(body) = header.body else { continue };
            if let Ok(at) = self.bodies.binary_search_by_key(&body, |body| body.id) {
                self.bodies[at].message.get_or_insert(header.id);
            }
        }
    }

    /// Applies updates to headers created in the same group, and keeps the last of the others.
    fn coalesce(&mut self) {
        let mut later = Vec::new();
        for update in self.updated.drain(..) {
            match self.created.binary_search_by_key(&update.id, |header| header.id) {
                Ok(at) => apply(&mut self.created[at], update),
                Err(_) => later.push(update),
            }
        }
        later.sort_by_key(|update| update.id);
        later.dedup_by(|next, kept| {
            let same = next.id == kept.id;
            if same {
                std::mem::swap(next, kept);
            }
            same
        });
        self.updated = later;
    }
}

fn apply(header: &mut MessageHeader, update: HeaderUpdate) {
    header.status = update.status;
    header.is_error = update.is_error;
    header.error_status = update.error_status;
    header.time_processed = update.time_processed;
}

#[cfg(test)]
mod tests {
    use model::{BusinessType, MessageStatus};

    use super::*;

    fn header(id: u64) -> MessageHeader {
        let (from, to) = (Arc::from("from"), Arc::from("to"));
        let kind = BusinessType::BusinessProcess;
        MessageHeader::request(MessageId(id), None, &from, kind, &to, kind, None, Timestamp(1))
    }

    fn update(id: u64, status: MessageStatus) -> HeaderUpdate {
        let time_processed = Some(Timestamp(9));
        HeaderUpdate {
            id: MessageId(id),
            status,
            is_error: false,
            error_status: String::new(),
            time_processed,
        }
    }

    #[test]
    fn each_header_is_written_once_in_its_final_state() {
        use MessageStatus::*;
        let first = Change {
            created: vec![header(3), header(2)],
            updated: vec![update(1, Delivered), update(3, Delivered)],
            ..Change::default()
        };
        let second = Change {
            updated: vec![update(3, Completed), update(1, Error), update(1, Completed)],
            ..Change::default()
        };
        let plan = Packer::new().and_then(|mut packer| Plan::of(vec![first, second], &mut packer)).unwrap();
        let created: Vec<_> = plan.created.iter().map(|header| (header.id.0, header.status)).collect();
        assert_eq!(created, [(2, Queued), (3, Completed)]);
        assert_eq!(plan.created[1].time_processed, Some(Timestamp(9)));
        assert_eq!(plan.updated, [update(1, Completed)]);
    }
}
