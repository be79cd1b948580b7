//! Short words for what the tests do again and again.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use model::{
    BodyClass, BodyId, BusinessType, MessageBody, MessageHeader, MessageId, MessageStatus, Timestamp,
};
use orris_store::{Change, Extractor, HeaderUpdate, Ids, Ledger, Options, Reader};
use tempfile::TempDir;

/// A store in a folder that goes away with it.
pub(crate) struct Store {
    pub(crate) folder: TempDir,
    pub(crate) ledger: Ledger,
}

impl Store {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ledger = open(folder.path());
        Store { folder, ledger }
    }

    pub(crate) fn dir(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Commits a change and waits for it.
    pub(crate) fn commit<R>(&self, build: impl FnOnce(&mut Ids) -> (Change, R)) -> R {
        commit(&self.ledger, build)
    }

    pub(crate) fn reader(&self) -> Reader {
        self.ledger.reader().unwrap()
    }

    /// Closes the ledger and opens it again.
    pub(crate) fn reopen(&mut self) {
        self.ledger.close().unwrap();
        self.ledger = open(self.folder.path());
    }
}

/// A ledger whose bodies can be searched by their lines `field=value`.
pub(crate) fn open(dir: &Path) -> Ledger {
    Ledger::open(dir, Some(lines())).unwrap()
}

pub(crate) fn open_limited(dir: &Path, max_bytes: u64) -> Ledger {
    Ledger::open_with(dir, Options { extractor: Some(lines()), max_bytes: Some(max_bytes) }).unwrap()
}

pub(crate) fn lines() -> Extractor {
    Arc::new(|body| {
        let text = String::from_utf8_lossy(body.content()).into_owned();
        let value = |name: &'static str| {
            let wanted = format!("{name}=");
            text.lines()
                .filter_map(move |line| line.strip_prefix(&wanted).map(|v| (name, v.to_owned())))
                .collect()
        };
        let found: [Vec<_>; 2] = [value("id"), value("patient")];
        found.concat()
    })
}

pub(crate) fn commit<R>(ledger: &Ledger, build: impl FnOnce(&mut Ids) -> (Change, R)) -> R {
    let (seq, result) = ledger.submit(None, build);
    block_on(ledger.durable(seq)).unwrap();
    result
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Waits for a condition; fails with what it was after ten seconds.
pub(crate) fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < until, "waited ten seconds for {what}");
        std::thread::yield_now();
    }
}

pub(crate) fn text(content: &str) -> MessageBody {
    MessageBody::new(BodyClass::TEXT, content.to_owned())
}

/// A queued request from `in` to `target`, in a session of its own.
pub(crate) fn header(id: MessageId, target: &str, body: Option<BodyId>, now: i64) -> MessageHeader {
    let (source, target) = (Arc::from("in"), Arc::from(target));
    let (from, to) = (BusinessType::BusinessService, BusinessType::BusinessProcess);
    MessageHeader::request(id, None, &source, from, &target, to, body, Timestamp(now))
}

/// A message with a body of its own, queued for `target`.
pub(crate) fn message(ids: &mut Ids, target: &str, content: &str) -> (Change, MessageId) {
    let (id, body) = (ids.message(), ids.body());
    let created = vec![header(id, target, Some(body), 1_700_000_000_000 + id.0 as i64)];
    (Change { bodies: vec![(body, text(content))], created, ..Change::default() }, id)
}

pub(crate) fn update(id: MessageId, status: MessageStatus) -> HeaderUpdate {
    let time_processed = status.is_final().then_some(Timestamp(1_700_000_100_000));
    HeaderUpdate { id, status, is_error: false, error_status: String::new(), time_processed }
}

pub(crate) fn updates(updated: Vec<HeaderUpdate>) -> (Change, ()) {
    (Change { updated, ..Change::default() }, ())
}
