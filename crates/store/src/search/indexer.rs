//! The thread that fills the index behind the writer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use model::{BodyId, MessageBody};

use super::feed::{BATCH, Feed, Work};
use super::index::{IndexWriter, Values, is_unusable};
use crate::{Extractor, Reader, SEARCH_FILE, STORE_FILE, StoreError};

/// How much is read from the ledger at once when the indexer is behind.
const READ_BYTES: usize = 16 << 20;
const PAUSE: Duration = Duration::from_secs(1);

struct Indexer {
    index: IndexWriter,
    files: Files,
    indexed: u64,
}

/// What an indexer works with, whether its index can be opened or not.
struct Files {
    path: PathBuf,
    store: String,
    feed: Arc<Feed>,
    ledger: Reader,
    extractor: Extractor,
    last_body: u64,
}

/// Starts the indexer of a store whose last body is `last_body`. An index that cannot be opened stops
/// nobody: it is tried again, and until then a search looks at the bodies themselves.
pub(crate) fn start(
    data_dir: &Path,
    extractor: Extractor,
    last_body: u64,
) -> Result<(Arc<Feed>, JoinHandle<()>), StoreError> {
    let ledger = Reader::open(data_dir)?;
    let store = ledger.store_id()?;
    let path = data_dir.join(SEARCH_FILE);
    let feed = Arc::new(Feed::new(last_body));
    let files = Files { path, store, feed: feed.clone(), ledger, extractor, last_body };
    let run = move || {
        if let Some(mut indexer) = files.open() {
            indexer.run();
        }
    };
    let thread = std::thread::Builder::new().name("search".to_owned()).spawn(run);
    Ok((feed, thread.map_err(|error| StoreError::open(&data_dir.join(STORE_FILE), error))?))
}

impl Files {
    /// Opens the index, however often it takes; none when closing.
    fn open(self) -> Option<Indexer> {
        let mut failed = false;
        loop {
            match IndexWriter::open(&self.path, &self.store, self.last_body) {
                Ok((index, indexed)) => {
                    self.feed.indexed(indexed);
                    return Some(Indexer { index, files: self, indexed });
                }
                Err(error) if !std::mem::replace(&mut failed, true) => {
                    tracing::warn!("search index: {error}; searching goes on without it");
                }
                Err(_) => {}
            }
            self.feed.pause(PAUSE);
            if self.feed.is_closing() {
                return None;
            }
        }
    }
}

impl Indexer {
    fn run(&mut self) {
        let mut failed = false;
        loop {
            let result = match self.files.feed.next() {
                Work::Done => return,
                Work::Bodies(bodies) => match bodies.last() {
                    Some((last, _)) => self.add(&bodies, *last).map_err(Trouble::Index),
                    None => Ok(()),
                },
                Work::Ledger(committed) => self.add_from_ledger(committed),
            };
            match result {
                Ok(()) => failed = false,
                Err(trouble) => {
                    if !std::mem::replace(&mut failed, true) {
                        tracing::warn!(
                            "search index \"{}\": {trouble}; searching goes on without it",
                            self.files.path.display()
                        );
                    }
                    self.recover(trouble);
                    if self.files.feed.is_closing() {
                        return;
                    }
                    self.files.feed.pause(PAUSE);
                }
            }
        }
    }

    /// A damaged index is made anew; everything else may pass by itself.
    fn recover(&mut self, trouble: Trouble) {
        let Trouble::Index(error) = trouble else { return };
        if is_unusable(&error)
            && let Ok(index) = IndexWriter::anew(&self.files.path, &self.files.store)
        {
            self.index = index;
            self.indexed = 0;
            self.files.feed.indexed(0);
        }
    }

    fn add_from_ledger(&mut self, committed: u64) -> Result<(), Trouble> {
        let stretch = self
            .files
            .ledger
            .bodies_after(BodyId(self.indexed), BATCH, READ_BYTES)
            .map_err(Trouble::Ledger)?;
        match stretch.last {
            // What cannot be read back is passed over: there is nothing to find it by.
            Some(last) => self.add(&stretch.bodies, last).map_err(Trouble::Index),
            None => {
                self.indexed = committed;
                self.files.feed.indexed(committed);
                Ok(())
            }
        }
    }

    /// Indexes these bodies; with them everything up to `last` is.
    fn add(&mut self, bodies: &[(BodyId, MessageBody)], last: BodyId) -> rusqlite::Result<()> {
        let values: Vec<_> =
            bodies.iter().map(|(id, body)| (*id, values(&self.files.extractor, *id, body))).collect();
        self.index.add(&values, last.0)?;
        self.indexed = last.0;
        self.files.feed.indexed(last.0);
        Ok(())
    }
}

enum Trouble {
    Index(rusqlite::Error),
    Ledger(StoreError),
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Trouble::Index(error) => {
                write!(f, "cannot be written: {}", crate::error::lower(&error.to_string()))
            }
            Trouble::Ledger(error) => write!(f, "the ledger cannot be read: {error}"),
        }
    }
}

/// What the body can be found by. A defect of the extractor costs that body's place in the index,
/// never the thread.
pub(crate) fn values(extractor: &Extractor, id: BodyId, body: &MessageBody) -> Values {
    catch_unwind(AssertUnwindSafe(|| extractor(body))).unwrap_or_else(|_| {
        tracing::warn!("the search fields of body {id} cannot be extracted: the extractor ended by a defect");
        Vec::new()
    })
}
