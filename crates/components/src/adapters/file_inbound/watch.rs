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
    /// Whether the folder that is watched has gone from its place: another one may be there.
    lost: bool,
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

    fn add(&mut self, event: Event, folder: &Path) -> bool {
        let gone = matches!(event.kind, EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)));
        let lost = gone && event.paths.iter().any(|path| path == folder);
        if lost || event.need_rescan() {
            self.lost |= lost;
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
    watching: Option<Mutex<Watching>>,
}

/// The system's watcher, and what it watches.
struct Watching {
    watcher: RecommendedWatcher,
    folder: PathBuf,
    mode: RecursiveMode,
}

impl Watch {
    /// Watches nothing.
    pub(crate) fn none() -> Self {
        Watch { shared: Arc::default(), watching: None }
    }

    /// Watches `folder`, and what lies below it when `deep`.
    pub(crate) fn begin(folder: &Path, deep: bool) -> Result<Self, String> {
        let shared = Arc::new(Shared::default());
        let told = shared.clone();
        let own = folder.to_owned();
        let told_of = move |event: notify::Result<Event>| {
            let news = match event {
                Ok(event) => told.gathered().add(event, &own),
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
            Ok(Mutex::new(Watching { watcher, folder: folder.to_owned(), mode }))
        };
        begin()
            .map(|watching| Watch { shared, watching: Some(watching) })
            .map_err(|error: notify::Error| format!("\"{}\" cannot be watched: {error}", folder.display()))
    }

    /// Takes what has gathered. When the folder has gone, the one that is in its place is watched.
    pub(crate) fn take(&self) -> Gathered {
        let gathered = std::mem::take(&mut *self.shared.gathered());
        if gathered.lost
            && let Some(watching) = &self.watching
        {
            watching.lock().unwrap_or_else(PoisonError::into_inner).begin_anew();
        }
        gathered
    }

    /// Returns when something has gathered.
    pub(crate) async fn news(&self) {
        while self.shared.gathered().is_empty() {
            self.shared.wake.notified().await;
        }
    }
}

impl Watching {
    /// Watches what is at the path now. Where nothing is, the listing that follows says so.
    fn begin_anew(&mut self) {
        // The system has dropped the watch already when the folder was removed, and not when it was moved.
        let _dropped_already = self.watcher.unwatch(&self.folder);
        if let Err(error) = self.watcher.watch(&self.folder, self.mode) {
            tracing::debug!("\"{}\" cannot be watched again: {error}", self.folder.display());
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

    #[tokio::test]
    async fn a_folder_that_is_put_in_the_place_of_the_watched_one_is_watched() {
        let data = testkit::data_dir();
        let [inbox, other] = ["in", "other"].map(|name| data.path().join(name));
        fs::create_dir(&inbox).unwrap();
        let watch = Watch::begin(&inbox, true).unwrap();
        for name in ["moved", "removed"] {
            match name {
                "moved" => fs::rename(&inbox, &other).unwrap(),
                _ => fs::remove_dir_all(&inbox).unwrap(),
            }
            fs::create_dir(&inbox).unwrap();
            until(&watch, |all| all.list).await;
            fs::write(inbox.join(name), "x").unwrap();
            until(&watch, |all| all.touched.contains(&inbox.join(name))).await;
        }
    }

    #[test]
    fn too_many_hints_are_one() {
        let mut gathered = Gathered::default();
        for number in 0..=MOST {
            let event = Event::new(EventKind::Modify(ModifyKind::Name(RenameMode::To)))
                .add_path(number.to_string().into());
            assert!(gathered.add(event, Path::new("/in")));
        }
        assert!(gathered.list && gathered.moved.is_empty());
        assert!(
            !gathered
                .add(Event::new(EventKind::Access(AccessKind::Open(AccessMode::Read))), Path::new("/in"))
        );
    }
}
