//! Bodies out of their blocks; each block is decompressed once for all that are asked for together.

use model::{BodyClass, BodyId, MessageBody};
use rusqlite::{OptionalExtension, Row};

use super::Reader;
use crate::StoreError;
use crate::block::Block;

/// How many blocks are kept open: bodies asked for together are neighbours of a few feeds.
const OPEN: usize = 4;

const BODY_COLUMNS: &str = "id, class, doc_type, charset";

/// Blocks that were read a moment ago, the last one at the end.
#[derive(Default)]
pub(super) struct Blocks(Vec<Block>);

/// Bodies of a stretch of the store.
pub(crate) struct Stretch {
    /// Those that can be read back.
    pub(crate) bodies: Vec<(BodyId, MessageBody)>,
    /// The last one that was looked at, damaged or not; none when there was none.
    pub(crate) last: Option<BodyId>,
}

/// A body's row, without what is in the block.
struct BodyRow {
    id: BodyId,
    class: BodyClass,
    doc_type: String,
    charset: String,
}

impl Blocks {
    /// The body with that id.
    pub(super) fn body(&mut self, reader: &Reader, id: BodyId) -> Result<Option<MessageBody>, StoreError> {
        let sql = format!("SELECT {BODY_COLUMNS} FROM body WHERE id = ?1");
        let mut statement = reader.db.prepare_cached(&sql)?;
        let row = statement.query_row([id.0 as i64], |row| body_row(row, reader)).optional()?;
        row.map(|row| self.fill(reader, row)).transpose()
    }

    fn fill(&mut self, reader: &Reader, row: BodyRow) -> Result<MessageBody, StoreError> {
        let id = row.id.0;
        let missing = || StoreError::Damaged { body: id, reason: "its block does not hold it".to_owned() };
        let at = match self.0.iter().position(|block| block.get(id).is_some()) {
            Some(at) => at,
            None => {
                let block = read_block(reader, id)?.ok_or_else(missing)?;
                if self.0.len() == OPEN {
                    self.0.remove(0);
                }
                self.0.push(block);
                self.0.len() - 1
            }
        };
        let (name, content) = self.0[at].get(id).ok_or_else(missing)?;
        Ok(MessageBody::described(row.class, content.to_vec(), row.doc_type, row.charset, name.to_owned()))
    }
}

fn read_block(reader: &Reader, id: u64) -> Result<Option<Block>, StoreError> {
    // One statement, so one state of the store: small blocks give way to full ones.
    let mut parts = reader.db.prepare_cached(
        "SELECT first, data FROM block JOIN (
             SELECT id - part AS first, parts AS count FROM block WHERE id <= ?1 ORDER BY id DESC LIMIT 1
         ) ON id >= first AND id < first + count ORDER BY id",
    )?;
    let mut rows = parts.query([id as i64])?;
    let (mut first, mut data) = (None, Vec::new());
    while let Some(row) = rows.next()? {
        first = Some(row.get::<_, i64>(0)?);
        data.extend_from_slice(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?);
    }
    let Some(first) = first else { return Ok(None) };
    Block::read(first as u64, &data).map(Some)
}

fn body_row(row: &Row<'_>, reader: &Reader) -> rusqlite::Result<BodyRow> {
    let text = |at| reader.terms.text(&reader.db, row.get_ref(at)?);
    Ok(BodyRow {
        id: BodyId(row.get::<_, i64>(0)? as u64),
        class: BodyClass::named(&text(1)?),
        doc_type: text(2)?.to_string(),
        charset: text(3)?.to_string(),
    })
}

impl Reader {
    /// Bodies with greater ids than `after`, in order, up to these bounds, one at least if there is
    /// one. What cannot be read back is left out.
    pub(crate) fn bodies_after(
        &self,
        after: BodyId,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Stretch, StoreError> {
        let sql = format!("SELECT {BODY_COLUMNS} FROM body WHERE id > ?1 AND id < ?2 ORDER BY id LIMIT ?3");
        self.collect(&sql, [after, BodyId(u64::MAX)], limit, max_bytes)
    }

    /// Bodies with ids between these two, newest first, up to these bounds.
    pub(super) fn bodies_between(
        &self,
        after: BodyId,
        before: BodyId,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Stretch, StoreError> {
        let sql =
            format!("SELECT {BODY_COLUMNS} FROM body WHERE id > ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3");
        self.collect(&sql, [after, before], limit, max_bytes)
    }

    fn collect(
        &self,
        sql: &str,
        between: [BodyId; 2],
        limit: usize,
        max_bytes: usize,
    ) -> Result<Stretch, StoreError> {
        let mut statement = self.db.prepare_cached(sql)?;
        let [after, before] = between.map(|id| i64::try_from(id.0).unwrap_or(i64::MAX));
        let mut rows = statement.query([after, before, limit as i64])?;
        let mut stretch = Stretch { bodies: Vec::new(), last: None };
        let (mut bytes, mut blocks) = (0, Blocks::default());
        while let Some(row) = rows.next()? {
            let row = body_row(row, self)?;
            let id = row.id;
            stretch.last = Some(id);
            match blocks.fill(self, row) {
                Ok(body) => {
                    bytes += body.content().len();
                    stretch.bodies.push((id, body));
                }
                Err(error @ StoreError::Damaged { .. }) => tracing::warn!("{error}"),
                Err(error) => return Err(error),
            }
            if bytes >= max_bytes {
                break;
            }
        }
        Ok(stretch)
    }
}
