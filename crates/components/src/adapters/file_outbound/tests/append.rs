//! Tests of the module of the same name.

use std::fs;
use std::path::PathBuf;

use testkit::TempDir;

use super::*;

const WRAP: Way<'_> = Way { wrap: true, ..PLAIN };
const PLAIN: Way<'_> = Way { wrap: false, separator: Separator::Line, sync: false };

fn job(id: u64) -> Job {
    let bytes = format!("MSH|^~\\&|A||||||ADT^A01|{id}\rPID|1").into_bytes().into();
    Job { name: "day.hl7".into(), private: false, id, created: 1_700_000_000_000, repeat: false, bytes }
}

fn jobs(ids: impl IntoIterator<Item = u64>) -> Vec<Job> {
    ids.into_iter().map(job).collect()
}

fn lines(ids: impl IntoIterator<Item = u64>) -> String {
    ids.into_iter().map(|id| format!("MSH|^~\\&|A||||||ADT^A01|{id}\rPID|1\r")).collect()
}

fn wrapped(ids: std::ops::RangeInclusive<u64>) -> String {
    let time = "20231114221320+0000";
    format!(
        "FHS|^~\\&|||||{time}||day.hl7\rBHS|^~\\&|||||{time}\r{}BTS|{}\rFTS|1\r",
        lines(ids.clone()),
        ids.count()
    )
}

/// A folder, and the notes as the ledger has them.
struct World {
    data: TempDir,
    ledger: HashMap<String, Vec<u8>>,
    appending: Appending,
}

impl World {
    fn new() -> Self {
        let mut appending = Appending::default();
        appending.load(Vec::new());
        World { data: testkit::data_dir(), ledger: HashMap::new(), appending }
    }

    fn file(&self) -> PathBuf {
        self.data.path().join("day.hl7")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }

    /// Writes a group; `noted` is whether the ledger gets the note before the process ends.
    fn append(&mut self, group: &[Job], way: Way<'_>, noted: bool) -> Written {
        let (written, state) = self.appending.append(self.data.path(), group, way);
        if noted {
            for change in state {
                match change.value {
                    Some(value) => self.ledger.insert(change.key, value),
                    None => self.ledger.remove(&change.key),
                };
            }
        }
        written
    }

    fn restart(&mut self) {
        self.appending = Appending::default();
        self.appending.load(self.ledger.clone().into_iter().collect());
    }
}

#[test]
fn messages_follow_each_other() {
    let mut world = World::new();
    for group in [1..=2, 3..=3, 4..=9] {
        let count = group.clone().count();
        let written = world.append(&jobs(group), Way { sync: true, ..PLAIN }, true);
        assert_eq!((written.count, written.failure), (count, None));
    }
    assert_eq!(world.text(), lines(1..=9));
}

#[test]
fn a_batch_is_whole_after_every_group() {
    let mut world = World::new();
    for last in [2, 3, 12] {
        let first = world.text_or_empty().matches("MSH|").count() as u64 + 1;
        assert_eq!(world.append(&jobs(first..=last), WRAP, true).failure, None);
        assert_eq!(world.text(), wrapped(1..=last));
    }
}

impl World {
    fn text_or_empty(&self) -> String {
        fs::read_to_string(self.file()).unwrap_or_default()
    }
}

#[test]
fn a_group_that_was_written_and_not_noted_is_written_once() {
    for way in [PLAIN, WRAP] {
        // Repeated in groups of every size, before and after there was a first note.
        for repeated in 1..=6 {
            for noted in [0, 3] {
                let mut world = World::new();
                if noted > 0 {
                    world.append(&jobs(1..=noted), way, true);
                }
                world.append(&jobs(noted + 1..=noted + 5), way, false);
                world.restart();
                let again: Vec<u64> = (noted + 1..=noted + 6).collect();
                for group in again.chunks(repeated) {
                    let written = world.append(&jobs(group.iter().copied()), way, true);
                    assert_eq!(
                        (written.count, written.failure),
                        (group.len(), None),
                        "{way:?} {repeated} {noted}"
                    );
                }
                let wanted = if way.wrap { wrapped(1..=noted + 6) } else { lines(1..=noted + 6) };
                assert_eq!(world.text(), wanted, "{way:?}, {repeated} at a time behind {noted}");
            }
        }
    }
}

#[test]
fn a_write_that_was_torn_is_put_right() {
    for way in [PLAIN, WRAP] {
        let whole = {
            let mut world = World::new();
            world.append(&jobs(1..=2), way, true);
            let before = world.text();
            world.append(&jobs(3..=4), way, true);
            (before, world.text())
        };
        for cut in 0..=whole.1.len() {
            let mut world = World::new();
            world.append(&jobs(1..=2), way, true);
            // The first `cut` bytes of the new state have reached the disk over the old one.
            let mut torn = whole.1.as_bytes()[..cut].to_vec();
            torn.extend_from_slice(whole.0.as_bytes().get(cut..).unwrap_or_default());
            fs::write(world.file(), torn).unwrap();
            world.restart();
            let written = world.append(&jobs(3..=4), way, true);
            assert_eq!((written.count, written.failure), (2, None), "{way:?} torn at {cut}");
            assert_eq!(world.text(), whole.1, "{way:?} torn at {cut}");
        }
    }
}

#[test]
fn a_group_that_was_noted_and_not_completed_is_not_written_again() {
    for way in [PLAIN, WRAP] {
        let mut world = World::new();
        world.append(&jobs(1..=3), way, true);
        world.restart();
        let written = world.append(&jobs(2..=4), way, true);
        assert_eq!((written.count, written.failure), (3, None));
        assert_eq!(world.text(), if way.wrap { wrapped(1..=4) } else { lines(1..=4) });
    }
}

#[test]
fn what_somebody_else_has_added_stays() {
    let mut world = World::new();
    world.append(&jobs(1..=1), PLAIN, true);
    fs::write(world.file(), lines(1..=1) + "a remark").unwrap();
    world.restart();
    world.append(&jobs(2..=2), PLAIN, true);
    assert_eq!(world.text(), lines(1..=1) + "a remark\r" + &lines(2..=2));
    // Also while it runs, also when something was taken away, also in a file that it never saw.
    fs::write(world.file(), "x\n").unwrap();
    world.append(&jobs(3..=3), PLAIN, true);
    assert_eq!(world.text(), "x\n".to_owned() + &lines(3..=3));
}

#[test]
fn a_journal_of_another_data_directory_is_not_cut_off() {
    let mut world = World::new();
    fs::write(world.file(), lines(1..=9)).unwrap();
    // The message was made after the file; that the file begins as it does is no more than likeness.
    let mut same = job(1);
    same.created = i64::MAX / 2;
    world.append(&[same], PLAIN, true);
    assert_eq!(world.text(), lines(1..=9) + &lines(1..=1));
}

#[test]
fn a_batch_is_never_mixed_with_what_somebody_else_wrote() {
    let mut world = World::new();
    world.append(&jobs(1..=1), WRAP, true);
    let foreign = wrapped(1..=1) + "a remark\r";
    fs::write(world.file(), &foreign).unwrap();
    let written = world.append(&jobs(2..=2), WRAP, true);
    assert_eq!(written.count, 0);
    assert!(
        written.failure.unwrap().contains("day.hl7\" cannot be written: it holds what this item has not")
    );
    assert_eq!(world.text(), foreign);
    // Moved away, as it says: a new batch begins.
    fs::rename(world.file(), world.data.path().join("away")).unwrap();
    assert_eq!(world.append(&jobs(2..=2), WRAP, true).failure, None);
    assert_eq!(world.text(), wrapped(2..=2));
}

#[test]
fn a_file_that_was_moved_away_begins_anew() {
    let mut world = World::new();
    world.append(&jobs(1..=2), WRAP, true);
    fs::remove_file(world.file()).unwrap();
    world.append(&jobs(3..=4), WRAP, true);
    assert_eq!(world.text(), wrapped(3..=4));
}

#[test]
fn a_failure_ends_the_group_where_it_happens() {
    let mut world = World::new();
    fs::create_dir(world.data.path().join("taken")).unwrap();
    let mut group = jobs(1..=4);
    group[2].name = "taken".into();
    let written = world.append(&group, PLAIN, true);
    assert_eq!(written.count, 2);
    assert!(written.failure.unwrap().contains("taken\" cannot be written"));
    assert_eq!(world.text(), lines(1..=2));
}

#[test]
fn a_link_is_not_followed() {
    let mut world = World::new();
    let secret = world.data.path().join("secret");
    fs::write(&secret, "keep").unwrap();
    std::os::unix::fs::symlink(&secret, world.file()).unwrap();
    assert_eq!(world.append(&jobs(1..=1), PLAIN, true).count, 0);
    assert_eq!(fs::read_to_string(secret).unwrap(), "keep");
}

#[test]
fn notes_of_old_files_are_forgotten() {
    let mut world = World::new();
    for day in 0..MOST_NOTES as u64 + 5 {
        let mut one = job(day);
        one.name = format!("day{day}.hl7");
        world.append(&[one], PLAIN, true);
    }
    assert_eq!(world.ledger.len(), MOST_NOTES);
    assert!(!world.ledger.contains_key("append/day0.hl7"));
}

#[test]
fn a_group_that_is_repeated_is_written_once_whatever_stands_between() {
    let elsewhere = |id| Job { name: "other.hl7".into(), ..job(id) };
    let group = [job(1), elsewhere(2), job(3)];
    let mut world = World::new();
    world.append(&group, PLAIN, true);
    // Each time the process ends before the messages are completed.
    for more in [4, 5] {
        world.restart();
        assert_eq!(
            world.append(&[&group[..], &[job(4)], &jobs(5..=more)].concat(), PLAIN, true).failure,
            None
        );
        assert_eq!(world.text(), lines([1, 3, 4].into_iter().chain(5..=more)));
    }
}

#[test]
fn a_batch_whose_note_was_forgotten_is_gone_on_with_when_it_is_whole() {
    let later = |id| Job { created: i64::MAX, ..job(id) };
    let mut world = World::new();
    world.append(&jobs(1..=12), WRAP, true);
    world.ledger.clear();
    world.restart();
    assert_eq!(world.append(&[later(13)], WRAP, true).failure, None);
    assert_eq!(world.text(), wrapped(1..=13));
    for foreign in ["MSH|^~\\&|A\r", "x", "FHS|^~\\&\rBTS|+1\rFTS|1\r", &lines([1])] {
        fs::write(world.file(), foreign).unwrap();
        world.ledger.clear();
        world.restart();
        assert!(world.append(&[later(14)], WRAP, true).failure.is_some(), "{foreign}");
        assert_eq!(world.text(), foreign);
    }
}
