//! Tests of the module of the same name.

use std::fs::{self, File, FileTimes};
use std::os::unix::fs::symlink;
use std::time::{Duration, SystemTime};

use globset::{Glob, GlobSetBuilder};
use testkit::TempDir;

use super::super::settle::ConfirmComplete;
use super::*;

struct World {
    data: TempDir,
    tracker: Tracker,
    now: Timestamp,
}

impl World {
    fn new(patterns: &[&str], change: impl FnOnce(&mut Wanted)) -> Self {
        let data = testkit::data_dir();
        let mut specs = GlobSetBuilder::new();
        patterns.iter().for_each(|pattern| {
            specs.add(Glob::new(pattern).unwrap());
        });
        let mut wanted = Wanted {
            specs: specs.build().unwrap(),
            patterns: patterns.iter().map(|pattern| (*pattern).to_owned()).collect(),
            levels: 0,
            order: Order::Modified,
            settling: Settling { confirm: ConfirmComplete::Size, time: Duration::from_secs(2) },
            first_pause: Duration::from_secs(1),
        };
        change(&mut wanted);
        let folders = Folders {
            inbox: data.path().to_owned(),
            work: Some(data.path().join("work")),
            archive: None,
            error: None,
        };
        let now = Timestamp::from_system(SystemTime::now());
        World { data, tracker: Tracker::new(folders, wanted), now }
    }

    /// Writes a file that was last written to so many seconds ago.
    fn file(&self, name: &str, age: u64) {
        let path = self.data.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "x").unwrap();
        let times = FileTimes::new().set_modified(SystemTime::now() - Duration::from_secs(age));
        File::options().write(true).open(&path).unwrap().set_times(times).unwrap();
    }

    fn list(&mut self) -> Vec<String> {
        let haul = self.tracker.list(self.now).unwrap();
        names(&haul)
    }

    fn look(&mut self, name: &str, moved_in: bool) -> Vec<String> {
        let hint = Hint { path: self.data.path().join(name), moved_in };
        names(&self.tracker.look(vec![hint], self.now))
    }

    fn pass(&mut self, millis: i64) {
        self.now.0 += millis;
    }
}

fn names(haul: &Haul) -> Vec<String> {
    haul.files.iter().map(|file| file.place.came.display().to_string()).collect()
}

#[test]
fn files_come_in_their_order() {
    let mut world = World::new(&["*"], |_| {});
    for (name, age) in [("a", 10), ("c", 30), ("b", 20)] {
        world.file(name, age);
    }
    assert_eq!(world.list(), ["c", "b", "a"]);
    let mut world = World::new(&["*"], |wanted| wanted.order = Order::Name);
    for (name, age) in [("c", 10), ("a", 10), ("b", 20)] {
        world.file(name, age);
    }
    assert_eq!(world.list(), ["a", "b", "c"]);
}

#[test]
fn only_what_is_wanted_is_taken() {
    let mut world = World::new(&["*.hl7", "*.txt"], |_| {});
    for name in ["a.hl7", "b.txt", "c.xml", ".hidden.hl7", "d.HL7", "sub/e.hl7", "f.hl7.tmp"] {
        world.file(name, 10);
    }
    fs::create_dir(world.data.path().join("g.hl7")).unwrap();
    let mut found = world.list();
    found.sort();
    assert_eq!(found, ["a.hl7", "b.txt"]);
}

#[test]
fn partial_files_are_taken_only_when_they_are_named() {
    let mut world = World::new(&["*"], |_| {});
    for name in ["a.tmp", "b.part", "c~", "d.filepart"] {
        world.file(name, 10);
    }
    assert_eq!(world.list(), Vec::<String>::new());
    let mut world = World::new(&["*.tmp"], |_| {});
    world.file("a.tmp", 10);
    assert_eq!(world.list(), ["a.tmp"]);
}

#[test]
fn subfolders_are_entered_as_deep_as_wanted_and_never_our_own() {
    for (levels, wanted) in [(0, vec!["a"]), (1, vec!["a", "one/b"]), (2, vec!["a", "one/b", "one/two/c"])] {
        let mut world = World::new(&["*"], |wanted| {
            wanted.levels = levels;
            wanted.order = Order::Name;
        });
        for name in ["a", "one/b", "one/two/c", "one/two/three/d", "work/e", ".git/f"] {
            world.file(name, 10);
        }
        assert_eq!(world.list(), wanted, "{levels} levels");
        // A hint leads no further than the listing.
        assert_eq!(world.look("one/two/c", true).len(), usize::from(levels == 2));
        assert!(world.look("work/e", true).is_empty());
        assert!(world.look(".git/f", true).is_empty());
    }
}

#[test]
fn a_link_is_not_taken_and_said_once() {
    let mut world = World::new(&["*"], |_| {});
    world.file("real/a", 10);
    symlink(world.data.path().join("real/a"), world.data.path().join("link")).unwrap();
    let haul = world.tracker.list(world.now).unwrap();
    assert!(haul.files.is_empty());
    assert!(haul.warnings[0].ends_with("link\" is a symbolic link and is not taken; expected a file"));
    assert!(world.tracker.list(world.now).unwrap().warnings.is_empty());
    assert!(world.look("link", true).is_empty());
}

#[test]
fn a_fresh_file_waits_until_it_has_settled() {
    let mut world = World::new(&["*"], |_| {});
    world.file("a", 0);
    assert!(world.list().is_empty());
    assert_eq!(world.tracker.next_due(), Some(Timestamp(world.now.0 + 2_000)));
    world.pass(1_000);
    assert!(world.tracker.due(world.now).is_empty());
    // It grows: the wait begins anew.
    fs::write(world.data.path().join("a"), "xy").unwrap();
    let written = SystemTime::UNIX_EPOCH + Duration::from_millis(world.now.0 as u64);
    let times = FileTimes::new().set_modified(written);
    File::options().write(true).open(world.data.path().join("a")).unwrap().set_times(times).unwrap();
    assert!(world.look("a", false).is_empty());
    world.pass(1_500);
    let due = world.tracker.due(world.now);
    assert!(world.look("a", false).is_empty() && due.is_empty());
    world.pass(500);
    let due = world.tracker.due(world.now);
    assert_eq!(names(&world.tracker.look(due, world.now)), ["a"]);
    assert_eq!(world.tracker.next_due(), None);
}

#[test]
fn a_file_that_comes_by_rename_is_taken_at_once() {
    let mut world = World::new(&["*"], |_| {});
    world.file("a", 0);
    assert!(world.list().is_empty());
    assert_eq!(world.look("a", true), ["a"]);
    // The weaker hint beside the stronger one does no harm.
    world.file("b", 0);
    let hints = [false, true].map(|moved_in| Hint { path: world.data.path().join("b"), moved_in });
    assert_eq!(names(&world.tracker.look(hints.into(), world.now)), ["b"]);
}

#[test]
#[cfg(target_os = "linux")]
fn a_file_that_is_open_for_writing_is_not_taken_however_old_it_is() {
    let mut world = World::new(&["*"], |_| {});
    world.file("a", 60);
    let open = File::options().append(true).open(world.data.path().join("a")).unwrap();
    assert!(world.list().is_empty());
    assert!(world.tracker.next_due().is_some());
    drop(open);
    world.pass(2_000);
    assert_eq!(world.list(), ["a"]);
}

#[test]
fn a_file_that_is_gone_is_forgotten() {
    let mut world = World::new(&["*"], |_| {});
    world.file("a", 0);
    assert!(world.list().is_empty());
    fs::remove_file(world.data.path().join("a")).unwrap();
    assert!(world.list().is_empty());
    assert_eq!(world.tracker.next_due(), None);
}

#[test]
fn a_file_that_cannot_be_read_is_tried_after_growing_pauses() {
    let mut world = World::new(&["*"], |_| {});
    world.file("a", 10);
    assert!(world.tracker.pause(Path::new("a"), world.now), "news");
    for pause in [1_000, 2_000, 4_000] {
        world.pass(pause - 1);
        assert!(world.list().is_empty(), "{pause}");
        world.pass(1);
        assert_eq!(world.list(), ["a"], "{pause}");
        assert!(!world.tracker.pause(Path::new("a"), world.now), "no news");
    }
    world.tracker.readable(Path::new("a"));
    assert_eq!(world.list(), ["a"]);
}

#[test]
fn a_file_that_was_left_is_not_taken_until_it_is_another() {
    use super::super::rows::Progress;
    let mut world = World::new(&["*"], |_| {});
    world.file("a", 10);
    let found = fs::metadata(world.data.path().join("a")).unwrap();
    let left = Taken {
        place: Place { came: "a".into(), claimed: None },
        identity: Identity::of(&found),
        progress: Progress::Left("why".into()),
    };
    world.tracker.leave(left.clone());
    let haul = world.tracker.list(world.now).unwrap();
    assert!(haul.files.is_empty() && haul.state.is_empty());
    world.file("a", 5);
    let haul = world.tracker.list(world.now).unwrap();
    assert_eq!((names(&haul), haul.state), (vec!["a".to_owned()], vec![left.forget()]));
    // And when it is removed, so is what was remembered.
    world.tracker.leave(left.clone());
    fs::remove_file(world.data.path().join("a")).unwrap();
    assert_eq!(world.tracker.list(world.now).unwrap().state, vec![left.forget()]);
}

#[test]
fn of_very_many_files_the_first_ones_are_held() {
    let world = World::new(&["*"], |wanted| wanted.order = Order::Name);
    let mut haul = Haul::default();
    let file = |number: usize| Candidate {
        place: Place { came: format!("{number:07}").into(), claimed: None },
        modified: 0,
        size: 0,
        moved_in: false,
        resume: None,
    };
    // In an order in which every one is found.
    haul.files = (0..MOST + 1_000).map(|number| file(number * 7_919 % (MOST + 1_000))).collect();
    let mut tracker = world.tracker;
    let haul = tracker.finish(haul, world.now);
    assert!(haul.more);
    assert_eq!(haul.files.len(), MOST);
    assert!(haul.files.iter().enumerate().all(|(number, found)| *found == file(number)));
}

#[test]
fn nothing_is_due_for_a_file_that_is_left_or_paused() {
    for left in [true, false] {
        let mut world = World::new(&["*"], |_| {});
        world.file("a", 0);
        assert!(world.list().is_empty() && world.tracker.next_due().is_some());
        match left {
            true => {
                let identity = Identity::of(&fs::metadata(world.data.path().join("a")).unwrap());
                let place = Place { came: "a".into(), claimed: None };
                let progress = super::super::rows::Progress::Left("why".into());
                world.tracker.leave(Taken { place, identity, progress });
            }
            false => assert!(world.tracker.pause(Path::new("a"), world.now)),
        }
        assert!(world.look("a", false).is_empty());
        assert_eq!(world.tracker.next_due(), None, "else it would be looked at without end");
    }
}
