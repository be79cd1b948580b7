//! A header and its row.
//!
//! Rows are small because most of what a header says is the same for nearly all of them: names are
//! terms, a session is written only where it is not the header's own id, the time of the end as the
//! distance to the beginning, and five small enums share one number.

use std::sync::LazyLock;

use model::{
    BodyId, BusinessType, Invocation, MessageHeader, MessageId, MessageStatus, MessageType, Priority,
    SessionId, Timestamp,
};
use rusqlite::{Connection, Row, Statement};

use crate::terms::{ReadTerms, Terms};

/// The columns that [`header`] reads, in its order.
pub(crate) const HEADER_COLUMNS: &str = "id, kind, status, priority, target, source, session, body, created, \
     processed, description, corresponding, is_error, error_status, return_queue, business_process, \
     super_session, resent, banked";

/// Headers without anything rare are written several at once: 0.44 instead of 0.67 us each, since to
/// begin and end a statement takes half as long as to write a row.
const AT_ONCE: usize = 16;
/// The values of such a header.
const ORDINARY: usize = 11;

static INSERT_ONE: LazyLock<String> = LazyLock::new(|| insert_ordinary(1));
static INSERT_SEVERAL: LazyLock<String> = LazyLock::new(|| insert_ordinary(AT_ONCE));

fn insert_ordinary(rows: usize) -> String {
    let row = format!("({})", ["?"; ORDINARY].join(","));
    format!(
        "INSERT INTO header (id, kind, status, priority, target, source, session, body, created, processed, \
         description) VALUES {}",
        vec![row; rows].join(",")
    )
}

/// Writes a header with all it can have.
const INSERT_ANY: &str = "INSERT INTO header (id, kind, status, priority, target, source, session, body, \
     created, processed, description, corresponding, is_error, error_status, return_queue, \
     business_process, super_session, resent, banked) \
     VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19)";

/// `kind` holds, from its lowest bit: response (1), in-process (1), source type (2), target type (2).
/// The views take it apart again.
fn kind(header: &MessageHeader) -> i64 {
    i64::from(header.message_type as u8 - 1)
        | i64::from(header.invocation as u8 - 1) << 1
        | i64::from(header.source_type as u8) << 2
        | i64::from(header.target_type as u8) << 4
}

/// Writes headers.
pub(crate) fn insert_headers(
    db: &Connection,
    terms: &mut Terms,
    headers: &[MessageHeader],
) -> rusqlite::Result<()> {
    let mut one = db.prepare_cached(&INSERT_ONE)?;
    let mut several = db.prepare_cached(&INSERT_SEVERAL)?;
    for chunk in headers.chunks(AT_ONCE) {
        if chunk.len() == AT_ONCE && chunk.iter().all(is_ordinary) {
            for (at, header) in chunk.iter().enumerate() {
                bind_ordinary(&mut several, at * ORDINARY, db, terms, header)?;
            }
            several.raw_execute()?;
            continue;
        }
        for header in chunk {
            if is_ordinary(header) {
                bind_ordinary(&mut one, 0, db, terms, header)?;
                one.raw_execute()?;
            } else {
                insert_any(db, terms, header)?;
            }
        }
    }
    Ok(())
}

/// Whether the header has nothing that is rare: half the values to hand over then.
fn is_ordinary(header: &MessageHeader) -> bool {
    header.corresponding.is_none()
        && !header.is_error
        && header.error_status.is_empty()
        && header.return_queue.is_empty()
        && header.business_process.is_none()
        && header.super_session.is_empty()
        && header.resent.is_empty()
        && header.banked == 0
}

fn bind_ordinary(
    insert: &mut Statement<'_>,
    before: usize,
    db: &Connection,
    terms: &mut Terms,
    header: &MessageHeader,
) -> rusqlite::Result<()> {
    let own_session = header.session.0 == header.id.0;
    insert.raw_bind_parameter(before + 1, header.id.0 as i64)?;
    insert.raw_bind_parameter(before + 2, kind(header))?;
    insert.raw_bind_parameter(before + 3, header.status as u8)?;
    insert.raw_bind_parameter(before + 4, header.priority as u8)?;
    insert.raw_bind_parameter(before + 5, terms.known(db, &header.target)?)?;
    insert.raw_bind_parameter(before + 6, terms.known(db, &header.source)?)?;
    insert.raw_bind_parameter(before + 7, (!own_session).then_some(header.session.0 as i64))?;
    insert.raw_bind_parameter(before + 8, header.body.map(|id| id.0 as i64))?;
    insert.raw_bind_parameter(before + 9, header.time_created.0)?;
    let processed = header.time_processed.map(|time| time.0.wrapping_sub(header.time_created.0));
    insert.raw_bind_parameter(before + 10, processed)?;
    insert.raw_bind_parameter(before + 11, terms.any(db, &header.description)?)
}

fn insert_any(db: &Connection, terms: &mut Terms, header: &MessageHeader) -> rusqlite::Result<()> {
    let mut insert = db.prepare_cached(INSERT_ANY)?;
    bind_ordinary(&mut insert, 0, db, terms, header)?;
    insert.raw_bind_parameter(12, header.corresponding.map(|id| id.0 as i64))?;
    insert.raw_bind_parameter(13, header.is_error.then_some(1))?;
    insert.raw_bind_parameter(14, text(&header.error_status))?;
    // Each is another: as terms they would leave no room for what occurs again.
    insert.raw_bind_parameter(15, text(&header.return_queue))?;
    insert.raw_bind_parameter(16, header.business_process.map(|id| id as i64))?;
    insert.raw_bind_parameter(17, text(&header.super_session))?;
    insert.raw_bind_parameter(18, text(&header.resent))?;
    insert.raw_bind_parameter(19, (header.banked != 0).then_some(header.banked))?;
    insert.raw_execute()?;
    Ok(())
}

/// Text that is mostly empty is written as nothing then.
pub(crate) fn text(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

pub(crate) fn header(row: &Row<'_>, db: &Connection, terms: &ReadTerms) -> rusqlite::Result<MessageHeader> {
    let id: u64 = unsigned(row, 0)?.unwrap_or_default();
    let kind: u8 = row.get(1)?;
    let created: i64 = row.get(8)?;
    let text = |at| row.get::<_, Option<String>>(at).map(Option::unwrap_or_default);
    Ok(MessageHeader {
        id: MessageId(id),
        message_type: MessageType::from_number((kind & 1) + 1).unwrap_or(MessageType::Request),
        body: unsigned(row, 7)?.map(BodyId),
        invocation: Invocation::from_number((kind >> 1 & 1) + 1).unwrap_or(Invocation::Queue),
        corresponding: unsigned(row, 11)?.map(MessageId),
        session: SessionId(unsigned(row, 6)?.unwrap_or(id)),
        source: terms.text(db, row.get_ref(5)?)?,
        target: terms.text(db, row.get_ref(4)?)?,
        source_type: BusinessType::from_number(kind >> 2 & 3).unwrap_or(BusinessType::Unknown),
        target_type: BusinessType::from_number(kind >> 4 & 3).unwrap_or(BusinessType::Unknown),
        business_process: unsigned(row, 15)?,
        return_queue: terms.text(db, row.get_ref(14)?)?.to_string(),
        description: terms.text(db, row.get_ref(10)?)?,
        super_session: text(16)?,
        resent: text(17)?,
        priority: Priority::from_number(row.get(3)?).unwrap_or(Priority::Async),
        time_created: Timestamp(created),
        time_processed: row.get::<_, Option<i64>>(9)?.map(|after| Timestamp(created.wrapping_add(after))),
        status: MessageStatus::from_number(row.get(2)?).unwrap_or(MessageStatus::Error),
        is_error: row.get::<_, Option<bool>>(12)?.unwrap_or_default(),
        error_status: text(13)?,
        banked: row.get::<_, Option<u8>>(18)?.unwrap_or_default(),
    })
}

/// An id, which SQLite knows only as a signed number.
pub(crate) fn unsigned(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<u64>> {
    Ok(row.get::<_, Option<i64>>(at)?.map(|value| value as u64))
}
