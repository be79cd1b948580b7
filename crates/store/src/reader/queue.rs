//! Queues and what belongs to items: windows, depths, what is remembered, sockets.

use model::{
    BodyClass, MessageBody, MessageHeader, MessageId, MessageStatus, Priority, SocketId, SocketSession,
    Timestamp,
};
use rusqlite::params;

use super::Reader;
use super::bodies::Blocks;
use crate::StoreError;
use crate::row::HEADER_COLUMNS;

/// One queue with something on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueRow {
    /// The item whose queue it is.
    pub name: String,
    /// How many messages are on it, those in the item's hands included.
    pub count: u64,
    /// When the oldest of them was put there.
    pub oldest: Timestamp,
}

impl Reader {
    /// The next messages of a target's queue, those in its hands included: by priority, then in
    /// order; after the place `after`; at most `limit`, and none further once there are `max_bytes`
    /// bytes of bodies. A message without a body comes with an empty one; one whose body cannot be read
    /// back with the reason as its text ([`BodyClass::DAMAGED`]), so that it holds up no other.
    ///
    /// # Errors
    /// When the store fails.
    pub fn window(
        &self,
        target: &str,
        after: Option<(Priority, MessageId)>,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Vec<(MessageHeader, MessageBody)>, StoreError> {
        let Some(target) = self.terms.id(&self.db, target)? else { return Ok(Vec::new()) };
        let (mut window, mut bytes, mut blocks) = (Vec::new(), 0, Blocks::default());
        for priority in Priority::ALL {
            // One index range per priority: a comparison of pairs would not use the index as far.
            let from = match after {
                Some((done, _)) if priority < done => continue,
                Some((current, id)) if priority == current => id.0 as i64,
                _ => -1,
            };
            let headers = self.queued(target, priority, from, limit - window.len())?;
            for header in headers {
                let body = self.body_of(&header, &mut blocks)?;
                bytes += body.content().len();
                window.push((header, body));
                if bytes >= max_bytes {
                    return Ok(window);
                }
            }
            if window.len() >= limit {
                break;
            }
        }
        Ok(window)
    }

    fn queued(
        &self,
        target: i64,
        priority: Priority,
        after: i64,
        limit: usize,
    ) -> Result<Vec<MessageHeader>, StoreError> {
        let one = |status: u8| {
            format!(
                "SELECT * FROM (SELECT {HEADER_COLUMNS} FROM header WHERE status = {status} AND target = ?1 \
                 AND priority = ?2 AND id > ?3 ORDER BY id LIMIT ?4)"
            )
        };
        let (queued, delivered) = (one(MessageStatus::Queued as u8), one(MessageStatus::Delivered as u8));
        let sql = format!("{queued} UNION ALL {delivered}");
        let mut headers = self.headers(&sql, params![target, priority as u8, after, limit as i64])?;
        headers.sort_by_key(|header| header.id);
        headers.truncate(limit);
        Ok(headers)
    }

    fn body_of(&self, header: &MessageHeader, blocks: &mut Blocks) -> Result<MessageBody, StoreError> {
        let Some(id) = header.body else { return Ok(MessageBody::new(BodyClass::BYTES, Vec::new())) };
        let reason = match blocks.body(self, id) {
            Ok(Some(body)) => return Ok(body),
            Ok(None) => format!("body {id} is not in the store any more"),
            Err(error @ StoreError::Damaged { .. }) => error.to_string(),
            Err(error) => return Err(error),
        };
        Ok(MessageBody::new(BodyClass::DAMAGED, reason.into_bytes()))
    }

    /// The requests that a target completed, of those after `since`, oldest first. What cannot be read
    /// back is left out, and others come in its place: fewer than `limit` means that there are no more.
    ///
    /// # Errors
    /// When the store fails.
    pub fn completed_since(
        &self,
        target: &str,
        since: MessageId,
        limit: usize,
    ) -> Result<Vec<(MessageHeader, MessageBody)>, StoreError> {
        let Some(target) = self.terms.id(&self.db, target)? else { return Ok(Vec::new()) };
        let sql = format!(
            "SELECT {HEADER_COLUMNS} FROM header WHERE id > ?1 AND target = ?2 AND status = 9 \
             AND kind & 1 = 0 ORDER BY id LIMIT ?3"
        );
        let (mut found, mut blocks, mut after) = (Vec::new(), Blocks::default(), since);
        while found.len() < limit {
            let wanted = limit - found.len();
            let headers = self.headers(&sql, params![after.0 as i64, target, wanted as i64])?;
            let (ended, last) = (headers.len() < wanted, headers.last().map(|header| header.id));
            for header in headers {
                let body = self.body_of(&header, &mut blocks)?;
                if body.class() != BodyClass::DAMAGED {
                    found.push((header, body));
                }
            }
            match last {
                Some(last) if !ended => after = last,
                _ => break,
            }
        }
        Ok(found)
    }

    /// All queues with something on them, by name.
    ///
    /// # Errors
    /// When the store fails.
    pub fn queues(&self) -> Result<Vec<QueueRow>, StoreError> {
        let mut queues: Vec<QueueRow> = Vec::new();
        for status in [MessageStatus::Queued, MessageStatus::Delivered] {
            let sql = format!(
                "SELECT target, n, (SELECT created FROM header WHERE id = first) FROM (
                     SELECT target, count(*) AS n, min(id) AS first FROM header WHERE status = {} GROUP BY target)",
                status as u8
            );
            let mut statement = self.db.prepare_cached(&sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let name = self.terms.text(&self.db, row.get_ref(0)?)?.to_string();
                let (count, oldest) = (row.get::<_, i64>(1)? as u64, Timestamp(row.get(2)?));
                match queues.iter_mut().find(|queue| queue.name == name) {
                    Some(queue) => {
                        queue.count += count;
                        queue.oldest = queue.oldest.min(oldest);
                    }
                    None => queues.push(QueueRow { name, count, oldest }),
                }
            }
        }
        queues.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(queues)
    }

    /// How many messages of each item have status Deferred: it goes on with them later.
    ///
    /// # Errors
    /// When the store fails.
    pub fn deferred(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let sql = format!(
            "SELECT target, count(*) FROM header WHERE status = {} GROUP BY target",
            MessageStatus::Deferred as u8
        );
        let mut statement = self.db.prepare_cached(&sql)?;
        let mut rows = statement.query([])?;
        let mut deferred = Vec::new();
        while let Some(row) = rows.next()? {
            let name = self.terms.text(&self.db, row.get_ref(0)?)?.to_string();
            deferred.push((name, row.get::<_, i64>(1)? as u64));
        }
        deferred.sort();
        Ok(deferred)
    }

    /// What an item remembers under keys that begin with `prefix`, in the order of the keys.
    ///
    /// # Errors
    /// When the store fails.
    pub fn state(&self, item: &str, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let mut statement = self
            .db
            .prepare_cached("SELECT key, value FROM state WHERE item = ?1 AND key >= ?2 ORDER BY key")?;
        let mut rows = statement.query([item, prefix])?;
        let mut state = Vec::new();
        while let Some(row) = rows.next()? {
            let key: String = row.get(0)?;
            if !key.starts_with(prefix) {
                break;
            }
            state.push((key, row.get(1)?));
        }
        Ok(state)
    }

    /// The stored socket sessions of an item, or of all items.
    ///
    /// # Errors
    /// When the store fails.
    pub fn sockets(&self, item: Option<&str>) -> Result<Vec<SocketSession>, StoreError> {
        let mut statement = self.db.prepare_cached(
            "SELECT id, session_key, item, client_address, origin, user, connected, subscription FROM socket
             WHERE ?1 IS NULL OR item = ?1 ORDER BY id",
        )?;
        let rows = statement.query_map([item], |row| {
            Ok(SocketSession {
                id: SocketId(row.get::<_, i64>(0)? as u64),
                session_key: row.get(1)?,
                item: row.get(2)?,
                client_address: row.get(3)?,
                origin: row.get(4)?,
                user: row.get(5)?,
                connected: Timestamp(row.get(6)?),
                subscription: row.get(7)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}
