//! Looking into a store, with or without an engine.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hl7::schema::{CategoryChoice, Schemas};
use model::{BodyClass, BodyId, MessageBody, MessageHeader, MessageId, SessionId};
use store::{EventFilter, MessageFilter, Reader};

use crate::output::{Exit, failed};
use crate::trace::{Hop, Said, Session};

/// Where a store is when nothing says otherwise.
const DEFAULT: &str = "data";
/// The environment variable that says otherwise.
const VARIABLE: &str = "ORRIS_DATA_DIR";
/// The most events that a trace shows.
const MOST_EVENTS: usize = 10_000;

/// Which store.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct DataDir {
    /// The data directory [default: $ORRIS_DATA_DIR; else ./data, for "run" data beside PRODUCTION]
    #[arg(long, global = true, value_name = "DIR", display_order = 900)]
    data_dir: Option<PathBuf>,
}

impl DataDir {
    /// The directory to read.
    pub(crate) fn path(&self) -> PathBuf {
        self.told().unwrap_or_else(|| PathBuf::from(DEFAULT))
    }

    /// The directory of a production that is run: beside its file, so that it is the same wherever
    /// the engine is started.
    pub(crate) fn beside(&self, production: &Path) -> PathBuf {
        self.told().unwrap_or_else(|| production.parent().unwrap_or(Path::new("")).join(DEFAULT))
    }

    fn told(&self) -> Option<PathBuf> {
        let variable = || std::env::var_os(VARIABLE).filter(|dir| !dir.is_empty()).map(PathBuf::from);
        self.data_dir.clone().or_else(variable)
    }

    /// Opens its store for reading.
    pub(crate) fn open(&self) -> Result<Books, Exit> {
        Books::at(&self.path())
    }
}

/// A store that is read, with what is known about bodies that were met before: the messages of a
/// session mostly share one.
pub(crate) struct Books {
    pub(crate) reader: Reader,
    known: HashMap<BodyId, (&'static str, String)>,
}

impl Books {
    /// The store in a directory.
    pub(crate) fn at(dir: &Path) -> Result<Books, Exit> {
        let reader = Reader::open(dir).map_err(failed)?;
        let reader = reader.with_extractor(Arc::new(components::search::search_fields));
        Ok(Books { reader, known: HashMap::new() })
    }

    /// Every session, in the order in which they were opened.
    pub(crate) fn sessions(&self) -> Result<Vec<SessionId>, Exit> {
        let filter = MessageFilter { oldest_first: true, limit: MOST_EVENTS, ..MessageFilter::default() };
        let mut sessions = Vec::new();
        for header in self.reader.messages(&filter).map_err(failed)? {
            if !sessions.contains(&header.session) {
                sessions.push(header.session);
            }
        }
        Ok(sessions)
    }

    /// A message's body; none where it has none.
    pub(crate) fn body(&self, header: &MessageHeader) -> Result<Option<MessageBody>, Exit> {
        header.body.map_or(Ok(None), |id| self.reader.body(id).map_err(failed))
    }

    /// Adds what is known about its body to a header.
    pub(crate) fn hop(&mut self, header: MessageHeader) -> Result<Hop, Exit> {
        let facts = match header.body {
            None => None,
            Some(id) => match self.known.get(&id) {
                Some(facts) => Some(facts.clone()),
                None => {
                    let body = self.reader.body(id).map_err(failed)?;
                    let facts = body.map(|body| (body.class().0, doc_type(&body)));
                    self.known.extend(facts.clone().map(|facts| (id, facts)));
                    facts
                }
            },
        };
        let (class, doc_type) = facts.unwrap_or_default();
        Ok(Hop { header, class: class.to_owned(), doc_type })
    }

    /// The session of a message.
    pub(crate) fn session_of(&self, message: MessageId) -> Result<SessionId, Exit> {
        let session = self.reader.session_of(message).map_err(failed)?;
        session.ok_or_else(|| {
            Exit::Failed(format!(
                "there is no message {message} in this store; orris messages lists what there is"
            ))
        })
    }

    /// The session that was opened last.
    pub(crate) fn latest_session(&self) -> Result<SessionId, Exit> {
        let filter = MessageFilter { limit: 1, ..MessageFilter::default() };
        let latest = self.reader.messages(&filter).map_err(failed)?.pop();
        let latest =
            latest.ok_or_else(|| Exit::Failed("there is no message in this store yet".to_owned()))?;
        Ok(latest.session)
    }

    /// A page of a session, `page` from 1, of `size` messages.
    pub(crate) fn session(&mut self, id: SessionId, page: usize, size: usize) -> Result<Session, Exit> {
        let headers = self.reader.session(id).map_err(failed)?;
        let (total, skipped) = (headers.len(), (page - 1).saturating_mul(size));
        if skipped > 0 && skipped >= total {
            let pages = total.div_ceil(size);
            return Err(Exit::Usage(format!("page is {page}; session {id} has pages 1 to {pages}")));
        }
        let page: Vec<_> = headers.into_iter().skip(skipped).take(size).collect();
        let hops: Vec<_> = page.into_iter().map(|header| self.hop(header)).collect::<Result<_, _>>()?;
        let mut events = self.events(id)?;
        if hops.len() < total {
            // A page has the events of its own time.
            let first = (skipped > 0).then(|| hops.first().map(|hop| hop.header.time_created)).flatten();
            let last = (skipped + hops.len() < total)
                .then(|| hops.last().map(|hop| hop.header.time_created))
                .flatten();
            events.retain(|said| {
                first.is_none_or(|first| said.time >= first) && last.is_none_or(|last| said.time <= last)
            });
        }
        Ok(Session { id, total, skipped, size, hops, events })
    }

    fn events(&self, session: SessionId) -> Result<Vec<Said>, Exit> {
        let filter = EventFilter {
            session: Some(session),
            oldest_first: true,
            limit: MOST_EVENTS,
            ..EventFilter::default()
        };
        let rows = self.reader.events(&filter).map_err(failed)?;
        let said = |row: store::EventRow| Said {
            time: row.time,
            kind: row.event.kind,
            item: row.event.item,
            text: row.event.text,
            message: row.event.message,
        };
        Ok(rows.into_iter().map(said).collect())
    }
}

/// What a body is; what came without that being known, such as by hand, is looked at.
fn doc_type(body: &MessageBody) -> String {
    if !body.doc_type().is_empty() || body.class() != BodyClass::HL7 {
        return body.doc_type().to_owned();
    }
    let read = components::message::hl7(body);
    let doc_type =
        |message: hl7::Message| Schemas::default().shown_type(&message, &CategoryChoice::default());
    read.map_or_else(|_| String::new(), doc_type)
}
