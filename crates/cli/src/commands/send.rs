//! `orris send`: the testing service.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hl7::schema::{CategoryChoice, Schemas};
use hl7::{PieceKind, split};
use model::{BodyClass, SessionId};
use runtime::control::{Answer, Content, Request};

use super::engine::ask;
use crate::output::{Exit, Screen, failed, print_note};
use crate::reading::{Books, DataDir};
use crate::trace::layout::Picture;
use crate::trace::{PAGE_SIZE, text};

/// Put messages from files into an item of the running production, then show what became of them
#[derive(Debug, clap::Args)]
pub(crate) struct Send {
    /// The item; a service hands them to its targets
    #[arg(value_name = "ITEM")]
    item: String,
    /// Files, each with one or more HL7 messages
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Print the sessions' ids, and wait for nothing
    #[arg(long)]
    no_trace: bool,
    /// Draw with ASCII characters only
    #[arg(long)]
    ascii: bool,
}

/// The longest message.
const LONGEST: usize = 64 << 20;
/// How long a message may be on its way before the trace shows how far it is.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often the store is asked.
const LOOK: Duration = Duration::from_millis(20);

impl Send {
    pub(crate) fn run(&self, screen: &Screen, data: &DataDir) -> Result<(), Exit> {
        let mut sessions = Vec::new();
        for file in &self.files {
            for (class, content) in read(file)? {
                sessions.push(self.send(file, class, &content, data)?);
            }
        }
        if self.no_trace {
            return sessions.iter().try_for_each(|session| screen.line(&session.to_string()));
        }
        let mut books = data.open()?;
        sessions.into_iter().try_for_each(|session| self.show(&mut books, session, screen))
    }

    fn send(
        &self,
        file: &Path,
        class: BodyClass,
        content: &Bytes,
        data: &DataDir,
    ) -> Result<SessionId, Exit> {
        let name = file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let body = Content::of(content);
        let doc_type = doc_type(class, content);
        let request =
            Request::Send { item: self.item.clone(), class: class.0.to_owned(), doc_type, name, body };
        match ask(data, &request)?.map_err(failed)? {
            Answer::Sent(session) => Ok(session),
            Answer::Refused(reason) => Err(Exit::Failed(reason)),
            other => Err(Exit::Failed(format!("the engine answered \"{other:?}\"; expected a session"))),
        }
    }

    /// Waits until nothing more happens in a session, and draws it.
    fn show(&self, books: &mut Books, id: SessionId, screen: &Screen) -> Result<(), Exit> {
        let begun = Instant::now();
        let session = loop {
            let session = books.session(id, 1, PAGE_SIZE)?;
            let done = session.hops.iter().all(|hop| hop.header.status.is_final());
            if done || begun.elapsed() > PATIENCE {
                break session;
            }
            std::thread::sleep(LOOK);
        };
        screen.print(&text::draw(&Picture::of(&session), screen, self.ascii))?;
        if !session.hops.iter().all(|hop| hop.header.status.is_final()) {
            print_note(&format!("still on its way; orris trace {id} shows how it goes on"));
        }
        Ok(())
    }
}

/// The document type that a message is stored with, as a file's would be.
fn doc_type(class: BodyClass, content: &Bytes) -> String {
    match class {
        BodyClass::HL7 => hl7::Message::read(content.clone(), "").map_or_else(
            |_| String::new(),
            |message| Schemas::default().shown_type(&message, &CategoryChoice::default()),
        ),
        _ => String::new(),
    }
}

/// The messages of a file; what has none is sent as it is.
fn read(file: &Path) -> Result<Vec<(BodyClass, Bytes)>, Exit> {
    let content = std::fs::read(file)
        .map(Bytes::from)
        .map_err(|error| Exit::Failed(format!("\"{}\" cannot be read: {error}", file.display())))?;
    let messages: Vec<_> = split::all(content.clone(), LONGEST)
        .filter(|piece| piece.kind == PieceKind::Message)
        .map(|piece| (BodyClass::HL7, piece.bytes))
        .collect();
    Ok(if messages.is_empty() { vec![(BodyClass::BYTES, content)] } else { messages })
}
