//! What stands in a message, for all who ask: its HL7, what expressions may know of it, and the time.

use hl7::ReadError;
use hl7::schema::PathContext;
use model::{Library, MessageBody, MessageHeader, Timestamp};
use rules::{Facts, LookupTables, Moment, Schedules, Scope};

/// The HL7 message that a body holds: read on first use, and shared by all who hold the body. A body keeps
/// one form of what was read of it, so everybody has to ask for this one.
///
/// # Errors
/// Why its bytes are no message.
pub fn hl7(body: &MessageBody) -> Result<hl7::Message, ReadError> {
    body.parsed(|body| hl7::Message::read(body.content().clone(), body.charset()))
}

/// What an expression can ask about a message: of its header, of its body where that is there, and of
/// what `message` it holds. The time is that at which it was made, unless somebody works on it now.
pub fn facts<'a>(
    header: &'a MessageHeader,
    body: Option<&'a MessageBody>,
    message: Option<&'a hl7::Message>,
) -> Facts<'a> {
    Facts {
        message,
        source: &header.source,
        target: &header.target,
        doc_type: body.map_or("", MessageBody::doc_type),
        origin: body.map_or("", MessageBody::name),
        session: header.session.0,
        id: header.id.0,
        class: body.map_or("", |body| body.class().0),
        description: &header.description,
        resent: &header.resent,
        now: Some(moment(header.time_created)),
        zone: Some(minutes_ahead),
        ..Facts::default()
    }
}

/// What expressions may name: by these paths, and with the tables and schedules of the production.
pub fn scope(paths: &PathContext, library: &Library) -> Scope {
    Scope {
        tables: (*library.get::<LookupTables>()).clone(),
        schedules: (*library.get::<Schedules>()).clone(),
        ..Scope::from(paths)
    }
}

/// A time of the host's clock, as the clock on the machine's wall shows it.
pub fn moment(now: Timestamp) -> Moment {
    Moment { milliseconds: now.0, offset_minutes: minutes_ahead(now.0) }
}

/// How many minutes the clock on the machine's wall is ahead, so many milliseconds after
/// 1970-01-01T00:00:00Z.
pub fn minutes_ahead(milliseconds: i64) -> i32 {
    jiff::Timestamp::from_millisecond(milliseconds)
        .map_or(0, |time| jiff::tz::TimeZone::system().to_offset(time).seconds() / 60)
}
