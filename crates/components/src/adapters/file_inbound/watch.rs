//! Hints from the system that something came into a folder. They shorten the wait, no more: what
//! they miss (network folders, overflows, too many watches) is found by the next listing.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use notify::event::{AccessKind, AccessMode, CreateKind, ModifyKind, RenameMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

/// More hints than these are one hint: list the folder.
const MOST: usize = 65_536;

/// A path at which something has happened.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Hint {
    /// The path.
    pub(crate) path: PathBuf,
    /// Whether it came there by rename, and so is whole.
    pub(crate) moved_in: bool,
}

/// What has been hinted at and not been looked at yet.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    moved: HashSet<PathBuf>,
    touched: HashSet<PathBuf>,
    /// Whether hints were lost, or a folder came: only a listing shows what there is.
    pub(crate) list: bool,
}

impl Gathered {
    /// Whether nothing has happened.
    pub(crate) fn is_empty(&self) -> bool {
        !self.list && self.moved.is_empty() && self.touched.is_empty()
    }

    /// The hints, in no order.
    pub(crate) fn into_hints(self) -> Vec<Hint> {
        let touched = self.touched.into_iter().map(|path| Hint { path, moved_in: false });
        // Moved ones come last: of two hints to one path the stronger one counts in the end.
        touched.chain(self.moved.into_iter().map(|path| Hint { path, moved_in: true })).collect()
    }

    fn add(&mut self, event: Event) -> bool {
        if event.need_rescan() {
            self.list = true;
            return true;
        }
        let to = match event.kind {
            EventKind::Modify(ModifyKind::Name(RenameMode::To)) => &mut self.moved,
            EventKind::Create(CreateKind::Folder) => {
                self.list = true;
                return true;
            }
            EventKind::Create(_) | EventKind::Access(AccessKind::Close(AccessMode::Write)) => {
                &mut self.touched
            }
            _ => return false,
        };
        to.extend(event.paths);
        if to.len() > MOST {
            to.clear();
            self.list = true;
        }
        true
    }
}

#[derive(Default)]
struct Shared {
    gathered: Mutex<Gathered>,
    wake: Notify,
}

impl Shared {
    fn gathered(&self) -> MutexGuard<'_, Gathered> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Watches a folder for as long as it lives.
pub(crate) struct Watch {
    shared: Arc<Shared>,
    _watcher: Option<RecommendedWatcher>,
}

impl Watch {
    /// Watches nothing.
    pub(crate) fn none() -> Self {
        Watch { shared: Arc::default(), _watcher: None }
    }

    /// Watches `folder`, and what lies below it when `deep`.
    pub(crate) fn begin(folder: &Path, deep: bool) -> Result<Self, String> {
        let shared = Arc::new(Shared::default());
        let told = shared.clone();
        let told_of = move |event: notify::Result<Event>| {
            let news = match event {
                Ok(event) => told.gathered().add(event),
                Err(_) => {
                    told.gathered().list = true;
                    true
                }
            };
            if news {
                told.wake.notify_one();
            }
        };
        let begin = || {
            let mut watcher = notify::recommended_watcher(told_of)?;
            let mode = if deep { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
            watcher.watch(folder, mode)?;
            Ok(watcher)
        };
        begin()
            .map(|watcher| Watch { shared, _watcher: Some(watcher) })
            .map_err(|error: notify::Error| format!("\"{}\" cannot be watched: {error}", folder.display()))
    }

    /// Takes what has gathered.
    pub(crate) fn take(&self) -> Gathered {
        std::mem::take(&mut *self.shared.gathered())
    }

    /// Returns when something has gathered.
    pub(crate) async fn news(&self) {
        while self.shared.gathered().is_empty() {
            self.shared.wake.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use super::*;

    async fn until(watch: &Watch, wanted: impl Fn(&Gathered) -> bool) {
        let mut all = Gathered::default();
        let gather = async {
            while !wanted(&all) {
                watch.news().await;
                let new = watch.take();
                all.moved.extend(new.moved);
                all.touched.extend(new.touched);
                all.list |= new.list;
            }
        };
        assert!(tokio::time::timeout(Duration::from_secs(10), gather).await.is_ok(), "{all:?}");
    }

    #[tokio::test]
    async fn a_rename_into_the_folder_is_told_from_writing_in_it() {
        let data = testkit::data_dir();
        let inbox = data.path().join("in");
        fs::create_dir(&inbox).unwrap();
        let watch = Watch::begin(&inbox, false).unwrap();
        fs::write(data.path().join("a"), "x").unwrap();
        fs::rename(data.path().join("a"), inbox.join("a")).unwrap();
        fs::write(inbox.join("b"), "x").unwrap();
        until(&watch, |all| all.moved.contains(&inbox.join("a")) && all.touched.contains(&inbox.join("b")))
            .await;
    }

    #[tokio::test]
    async fn a_new_folder_asks_for_a_listing() {
        let data = testkit::data_dir();
        let watch = Watch::begin(data.path(), true).unwrap();
        fs::create_dir(data.path().join("sub")).unwrap();
        until(&watch, |all| all.list).await;
        assert!(Watch::begin(&data.path().join("absent"), false).is_err());
    }

    #[test]
    fn too_many_hints_are_one() {
        let mut gathered = Gathered::default();
        for number in 0..=MOST {
            let event = Event::new(EventKind::Modify(ModifyKind::Name(RenameMode::To)))
                .add_path(number.to_string().into());
            assert!(gathered.add(event));
        }
        assert!(gathered.list && gathered.moved.is_empty());
        assert!(!gathered.add(Event::new(EventKind::Access(AccessKind::Open(AccessMode::Read)))));
    }
}
