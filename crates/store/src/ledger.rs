//! The engine's ledger: the only writer of a store.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use model::MessageBody;

use crate::block::Packer;
use crate::line::Line;
use crate::lock::StoreLock;
use crate::search::{Feed, indexer};
use crate::write::Database;
use crate::writer::{Counters, Writer};
use crate::{Change, Ids, Permit, Reader, STORE_FILE, Seq, StoreError};

/// What a body can be searched by: pairs of field and value, such as `("control_id", "123")`.
pub type Extractor = Arc<dyn Fn(&MessageBody) -> Vec<(&'static str, String)> + Send + Sync>;

/// How a ledger is opened.
#[derive(Clone, Default)]
pub struct Options {
    /// What bodies can be searched by; without it no search index is kept.
    pub extractor: Option<Extractor>,
    /// A bound for `store.db`, in bytes. Reached, it is trouble like a full disk.
    pub max_bytes: Option<u64>,
}

/// How far the ledger is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LedgerStats {
    /// Transactions since it was opened.
    pub groups: u64,
    /// Changes committed since then.
    pub changes: u64,
    /// Headers created since then.
    pub headers: u64,
    /// Bodies stored since then.
    pub bodies: u64,
    /// Changes that wait for the writer.
    pub waiting: usize,
    /// Bodies stored and not yet indexed; a search looks through them one by one.
    pub not_indexed: u64,
}

/// The one writer of a store. Cheap to clone; the last clone closes it.
#[derive(Clone)]
pub struct Ledger(Arc<Inner>);

struct Inner {
    line: Arc<Line>,
    counters: Arc<Counters>,
    feed: Option<Arc<Feed>>,
    threads: Mutex<Option<Threads>>,
    data_dir: PathBuf,
    extractor: Option<Extractor>,
    lock: Mutex<Option<StoreLock>>,
}

struct Threads {
    writer: JoinHandle<Database>,
    indexer: Option<JoinHandle<()>>,
}

impl Ledger {
    /// Opens the store of a data directory, which must exist; makes, migrates and recovers it.
    ///
    /// # Errors
    /// [`StoreError::InUse`] when another engine has it, [`StoreError::Newer`] when a later version
    /// wrote it, or what the system says.
    pub fn open(data_dir: &Path, extractor: Option<Extractor>) -> Result<Ledger, StoreError> {
        Self::open_with(data_dir, Options { extractor, max_bytes: None })
    }

    /// The same, with all options.
    ///
    /// # Errors
    /// As [`Ledger::open`].
    pub fn open_with(data_dir: &Path, options: Options) -> Result<Ledger, StoreError> {
        let path = data_dir.join(STORE_FILE);
        let lock = StoreLock::take(data_dir)?;
        let (database, ids) = Database::open(&path)?;
        let packer = Packer::new().map_err(|error| StoreError::open(&path, error))?;
        let last_body = ids.body;
        let line = Arc::new(Line::new(ids));
        let counters = Arc::new(Counters {
            limit: AtomicU64::new(options.max_bytes.unwrap_or(0)),
            ..Counters::default()
        });
        let start = |extractor| indexer::start(data_dir, extractor, last_body);
        let (feed, indexer) = options.extractor.clone().map(start).transpose()?.unzip();
        let writer = Writer {
            line: line.clone(),
            database,
            packer,
            counters: counters.clone(),
            feed: feed.clone(),
            path: path.clone(),
            limited: 0,
        };
        let writer = std::thread::Builder::new().name("ledger".to_owned()).spawn(move || writer.run());
        let writer = writer.map_err(|error| StoreError::open(&path, error))?;
        let (extractor, data_dir) = (options.extractor, data_dir.to_owned());
        let (threads, lock) = (Mutex::new(Some(Threads { writer, indexer })), Mutex::new(Some(lock)));
        Ok(Ledger(Arc::new(Inner { line, counters, feed, threads, data_dir, extractor, lock })))
    }

    /// Room for a change with bodies of that many bytes; waits while too much is on its way. What
    /// comes from outside the engine needs it; what it causes inside may go without.
    pub async fn reserve(&self, bytes: usize) -> Permit {
        self.0.line.reserve(bytes).await
    }

    /// Puts a change into the line. The order in which `build` gets its ids is the order of the
    /// changes and of their commits, so what must stand in that order, such as places in queues,
    /// is done within `build`; it should be short, since it is under the one lock.
    ///
    /// After [`Ledger::close`] the change goes nowhere, and [`Ledger::durable`] says so.
    pub fn submit<R>(&self, permit: Option<Permit>, build: impl FnOnce(&mut Ids) -> (Change, R)) -> (Seq, R) {
        self.0.line.submit(permit, build)
    }

    /// Returns when the change is committed and synced.
    ///
    /// # Errors
    /// [`StoreError::Closed`] when the ledger was closed before it could be.
    pub async fn durable(&self, seq: Seq) -> Result<(), StoreError> {
        self.0.line.durable(seq).await
    }

    /// Returns how far it is committed and synced, once that is beyond `seq`.
    ///
    /// # Errors
    /// [`StoreError::Closed`] when the ledger was closed before it could be.
    pub async fn durable_beyond(&self, seq: Seq) -> Result<Seq, StoreError> {
        self.0.line.durable(Seq(seq.0 + 1)).await?;
        Ok(self.0.line.newest_durable())
    }

    /// Whether the change is committed and synced.
    pub fn is_durable(&self, seq: Seq) -> bool {
        self.0.line.is_durable(seq)
    }

    /// Commits what was submitted, stops the threads and gives the store free. Blocks while it does.
    ///
    /// # Errors
    /// [`StoreError::Closed`] with the reason when the last groups cannot be committed.
    pub fn close(&self) -> Result<(), StoreError> {
        self.0.close()
    }

    /// A new reader of this store; it sees what is committed.
    ///
    /// # Errors
    /// When the store cannot be opened for reading.
    pub fn reader(&self) -> Result<Reader, StoreError> {
        let reader = Reader::open(&self.0.data_dir)?;
        Ok(match &self.0.extractor {
            Some(extractor) => reader.with_extractor(extractor.clone()),
            None => reader,
        })
    }

    /// Why commits do not get through right now. Nothing is lost by it: the group is kept and tried
    /// again, and [`Ledger::reserve`] makes those wait who would add to it.
    pub fn trouble(&self) -> Option<String> {
        self.0.line.trouble()
    }

    /// About the bytes of changes that wait and came without a permit. Nothing in the ledger bounds
    /// them: who hands over what others may cause without end has to look here first.
    pub fn unreserved(&self) -> usize {
        self.0.line.unreserved()
    }

    /// Sets another bound for `store.db`, in bytes; none for no bound.
    pub fn limit(&self, max_bytes: Option<u64>) {
        self.0.counters.limit.store(max_bytes.unwrap_or(0), Ordering::Relaxed);
    }

    /// How far it is.
    pub fn stats(&self) -> LedgerStats {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counters = &self.0.counters;
        LedgerStats {
            groups: count(&counters.groups),
            changes: count(&counters.changes),
            headers: count(&counters.headers),
            bodies: count(&counters.bodies),
            waiting: self.0.line.waiting(),
            not_indexed: self.0.feed.as_ref().map_or(0, |feed| feed.behind()),
        }
    }
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ledger").field("data_dir", &self.0.data_dir).finish_non_exhaustive()
    }
}

impl Inner {
    fn close(&self) -> Result<(), StoreError> {
        self.line.close();
        // Held to the end: nobody may think it closed, and take the store, while it is being closed.
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Threads { writer, indexer }) = threads.take() {
            // A thread that ended by a defect has said so: the line carries its trouble.
            let database = writer.join();
            if let (Some(feed), Some(indexer)) = (&self.feed, indexer) {
                feed.close();
                let _defect = indexer.join();
            }
            // The last to leave: only a connection that may write puts the log away.
            if let Ok(database) = database {
                database.close();
            }
        }
        drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner).take());
        match self.line.trouble() {
            Some(_) => Err(self.line.closed()),
            None => Ok(()),
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::error!("{error}");
        }
    }
}
