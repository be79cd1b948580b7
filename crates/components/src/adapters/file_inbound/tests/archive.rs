//! Tests of the module of the same name.

use std::collections::BTreeSet;

use testkit::TempDir;

use super::super::Place;
use super::*;

const NOW: Timestamp = Timestamp(1_700_000_000_123);

struct World {
    data: TempDir,
    putting: PuttingAway,
}

impl World {
    fn new(archive: bool, error: bool) -> Self {
        let data = testkit::data_dir();
        let folder = |name: &str| {
            let path = data.path().join(name);
            fs::create_dir(&path).unwrap();
            path
        };
        let folders = Folders {
            inbox: folder("in"),
            work: Some(folder("work")),
            archive: archive.then(|| folder("archive")),
            error: error.then(|| folder("error")),
        };
        World { data, putting: PuttingAway { folders, stamp: None } }
    }

    fn path(&self, below: &str) -> PathBuf {
        self.data.path().join(below)
    }

    fn taken(&self, came: &str, text: &str) -> Taken {
        let path = self.path("in").join(came);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        let identity = Identity::of(&fs::metadata(&path).unwrap());
        Taken { place: Place { came: came.into(), claimed: None }, identity, progress: Progress::Done }
    }

    fn put(&self, taken: &[Taken]) -> Away {
        self.putting.put_away(taken, NOW).unwrap()
    }

    /// All files below the data directory.
    fn files(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut folders = vec![self.data.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
                match entry.file_type().unwrap().is_dir() {
                    true => folders.push(entry.path()),
                    false => {
                        let path = entry.path();
                        let below = path.strip_prefix(self.data.path()).unwrap();
                        found.insert(below.display().to_string());
                    }
                }
            }
        }
        found
    }

    fn expect(&self, wanted: &[&str]) {
        assert_eq!(self.files(), wanted.iter().map(|name| (*name).to_owned()).collect());
    }
}

#[test]
fn a_file_goes_to_the_archive_below_the_folder_it_came_in() {
    let world = World::new(true, false);
    let taken = [world.taken("a.hl7", "1"), world.taken("ward/2/a.hl7", "2")];
    let away = world.put(&taken);
    world.expect(&["archive/a.hl7", "archive/ward/2/a.hl7"]);
    assert_eq!(away.state, taken.iter().map(Taken::forget).collect::<Vec<_>>());
    assert!(away.errors.is_empty() && away.warnings.is_empty() && !away.again);
}

#[test]
fn nothing_in_the_archive_is_overwritten() {
    let world = World::new(true, false);
    for text in ["1", "2", "3", "4"] {
        world.put(&[world.taken("a.hl7", text)]);
    }
    let files = world.files();
    assert_eq!(files.len(), 4);
    let all: BTreeSet<_> = files.iter().map(|name| fs::read_to_string(world.path(name)).unwrap()).collect();
    assert_eq!(all, ["1", "2", "3", "4"].map(String::from).into());
    assert!(files.iter().all(|name| name.starts_with("archive/a") && name.ends_with(".hl7")), "{files:?}");
}

#[test]
fn a_stamp_is_added_when_it_is_wanted() {
    let mut world = World::new(true, false);
    world.putting.stamp = Some("%K(UTC)%f_%Q".parse().unwrap());
    world.put(&[world.taken("a.hl7", "1")]);
    world.expect(&["archive/a.hl7_2023-11-14_22.13.20.123"]);
}

#[test]
fn without_an_archive_a_file_is_removed() {
    let world = World::new(false, false);
    let away = world.put(&[world.taken("a.hl7", "1"), world.taken("sub/b.hl7", "2")]);
    world.expect(&[]);
    assert_eq!(away.state.len(), 2);
}

#[test]
fn a_claimed_file_is_put_away_from_the_work_folder() {
    for (archive, wanted) in [(true, vec!["archive/sub/a.hl7"]), (false, vec![])] {
        let world = World::new(archive, false);
        let mut taken = world.taken("sub/a.hl7", "1");
        fs::rename(world.path("in/sub/a.hl7"), world.path("work/a_2.hl7")).unwrap();
        taken.place.claimed = Some("a_2.hl7".into());
        world.put(&[taken]);
        world.expect(&wanted);
    }
}

#[test]
fn a_refused_file_goes_to_the_error_folder_with_its_reason() {
    let world = World::new(true, true);
    let mut taken = world.taken("a.hl7", "Mustermann");
    taken.progress = Progress::Refused("it is no HL7".into());
    world.put(&[taken]);
    world.expect(&["error/a.hl7", "error/a.hl7.reason"]);
    let reason = fs::read_to_string(world.path("error/a.hl7.reason")).unwrap();
    assert!(reason.starts_with("it is no HL7\n") && !reason.contains("Mustermann"));
}

#[test]
fn another_file_that_has_taken_the_place_is_put_back() {
    for archive in [true, false] {
        let world = World::new(archive, false);
        let taken = world.taken("a.hl7", "old");
        fs::write(world.path("in/new"), "new").unwrap();
        fs::rename(world.path("in/new"), world.path("in/a.hl7")).unwrap();
        let away = world.put(std::slice::from_ref(&taken));
        assert!(away.again);
        assert_eq!(away.state, [taken.forget()]);
        world.expect(&["in/a.hl7"]);
        assert_eq!(fs::read_to_string(world.path("in/a.hl7")).unwrap(), "new");
    }
}

#[test]
fn a_file_that_was_written_anew_is_another_file() {
    let world = World::new(true, false);
    let taken = world.taken("a.hl7", "a long one");
    fs::write(world.path("in/a.hl7"), "short").unwrap();
    assert!(world.put(&[taken]).again);
    world.expect(&["in/a.hl7"]);
}

#[test]
fn a_file_that_has_grown_is_kept_and_said() {
    for (archive, error, wanted) in
        [(true, false, "archive/a.hl7"), (false, true, "error/a.hl7"), (false, false, "in/a.hl7")]
    {
        let world = World::new(archive, error);
        let taken = world.taken("a.hl7", "taken");
        fs::write(world.path("in/a.hl7"), "taken and more").unwrap();
        let away = world.put(std::slice::from_ref(&taken));
        world.expect(&[wanted]);
        assert!(away.errors[0].contains("bytes 0 to 5 were taken, it now has 14"), "{}", away.errors[0]);
        assert!(away.errors[0].contains(wanted));
        assert!(away.state.contains(&taken.forget()));
        // Where it stays, it is not taken once more.
        assert_eq!(away.left.len(), usize::from(!archive && !error));
        assert_eq!(away.state.len(), 1 + away.left.len());
    }
}

#[test]
fn a_file_that_is_gone_is_said_and_forgotten() {
    let world = World::new(true, false);
    let taken = world.taken("a.hl7", "1");
    fs::remove_file(world.path("in/a.hl7")).unwrap();
    let away = world.put(std::slice::from_ref(&taken));
    assert_eq!(away.state, [taken.forget()]);
    assert!(away.warnings[0].contains("a.hl7\" was gone before it could be put away"));
}

#[test]
fn a_file_that_cannot_be_put_away_stays_and_is_the_failure() {
    let world = World::new(true, false);
    let taken = world.taken("a.hl7", "1");
    fs::remove_dir(world.path("archive")).unwrap();
    let error = world.putting.put_away(&[taken], NOW).unwrap_err();
    assert!(error.contains("a.hl7\" cannot be put away: no such file or directory"), "{error}");
    world.expect(&["in/a.hl7"]);
}

#[test]
fn a_name_as_long_as_names_can_be_holds_nothing_up() {
    let name = "n".repeat(251) + ".hl7";
    let world = World::new(false, false);
    world.put(&[world.taken(&name, "1")]);
    world.expect(&[]);

    let world = World::new(true, true);
    for text in ["1", "2", "3"] {
        world.put(&[world.taken(&name, text)]);
    }
    assert_eq!(world.files().iter().filter(|path| path.starts_with("archive/n")).count(), 3);
    let mut refused = world.taken(&name, "4");
    refused.progress = Progress::Refused("no message".into());
    world.put(&[refused]);
    assert!(world.files().contains(&format!("error/{name}")));
    assert!(world.files().iter().any(|path| path.starts_with("error/n") && path.ends_with(".reason")));
}

#[test]
fn an_archive_that_is_gone_is_not_made_anew() {
    let world = World::new(true, false);
    let taken = world.taken("sub/a.hl7", "1");
    fs::remove_dir(world.path("archive")).unwrap();
    assert!(world.putting.put_away(&[taken], NOW).is_err());
    world.expect(&["in/sub/a.hl7"]);
}
