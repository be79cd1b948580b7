//! Finding messages by what their bodies hold.

use std::cell::Ref;

use model::{BodyId, MessageId, SessionId};
use rusqlite::OptionalExtension;

use super::Reader;
use crate::search::IndexReader;
use crate::search::indexer::values;
use crate::{Extractor, SEARCH_FILE, StoreError};

/// How much of what is not indexed yet is looked at in one go.
const STEP: usize = 1_024;
const STEP_BYTES: usize = 8 << 20;

/// A body that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit {
    /// The first message with that body.
    pub message: MessageId,
    /// The session of that message.
    pub session: SessionId,
    /// The body.
    pub body: BodyId,
}

impl Reader {
    /// The bodies with exactly that value in that search field, newest first.
    ///
    /// What is not indexed yet is looked through one by one, which needs the extractor
    /// ([`Reader::with_extractor`]); usually that is the last fraction of a second, and everything
    /// when the index is missing.
    ///
    /// # Errors
    /// When the store or the index fails.
    pub fn search(&self, field: &str, value: &str, limit: usize) -> Result<Vec<Hit>, StoreError> {
        let mut hits = Vec::new();
        match self.index()?.as_ref() {
            Some(index) => index.look(|look| {
                // How far the index is was read first: what the ledger has beyond that is the tail.
                self.search_tail(look.indexed, field, value, limit, &mut hits)?;
                look.hits(field, value, |body| {
                    if hits.len() < limit {
                        hits.extend(self.hit(body)?);
                    }
                    Ok(hits.len() < limit)
                })
            })?,
            None => self.search_tail(0, field, value, limit, &mut hits)?,
        }
        Ok(hits)
    }

    fn index(&self) -> Result<Ref<'_, Option<IndexReader>>, StoreError> {
        self.index.open(&self.data_dir.join(SEARCH_FILE), || self.store_id())
    }

    fn search_tail(
        &self,
        indexed: u64,
        field: &str,
        value: &str,
        limit: usize,
        hits: &mut Vec<Hit>,
    ) -> Result<(), StoreError> {
        let Some(extractor) = &self.extractor else { return Ok(()) };
        let mut before = BodyId(u64::MAX);
        while hits.len() < limit {
            let stretch = self.bodies_between(BodyId(indexed), before, STEP, STEP_BYTES)?;
            let Some(oldest) = stretch.last else { return Ok(()) };
            before = oldest;
            for (id, body) in &stretch.bodies {
                if hits.len() < limit && has(extractor, *id, body, field, value) {
                    hits.extend(self.hit(*id)?);
                }
            }
        }
        Ok(())
    }

    /// The first message with that body; none when it was purged.
    fn hit(&self, body: BodyId) -> Result<Option<Hit>, StoreError> {
        let mut statement = self.db.prepare_cached(
            "SELECT header.id, coalesce(header.session, header.id) FROM body
             JOIN header ON header.id = body.message WHERE body.id = ?1",
        )?;
        let hit = statement.query_row([body.0 as i64], |row| {
            let (message, session): (i64, i64) = (row.get(0)?, row.get(1)?);
            Ok(Hit { message: MessageId(message as u64), session: SessionId(session as u64), body })
        });
        Ok(hit.optional()?)
    }

    /// The fields that something can be found by, as far as the index has met them.
    ///
    /// # Errors
    /// When the index fails.
    pub fn search_fields(&self) -> Result<Vec<String>, StoreError> {
        match self.index()?.as_ref() {
            Some(index) => Ok(index.fields()?),
            None => Ok(Vec::new()),
        }
    }
}

fn has(extractor: &Extractor, id: BodyId, body: &model::MessageBody, field: &str, value: &str) -> bool {
    values(extractor, id, body).iter().any(|(name, found)| *name == field && found == value)
}
