//! Tests of the module of the same name.

use testkit::TempDir;

use super::super::rows::Part;
use super::*;

struct World {
    data: TempDir,
    folders: Folders,
}

impl World {
    fn new() -> Self {
        let data = testkit::data_dir();
        let folder = |name: &str| {
            let path = data.path().join(name);
            fs::create_dir(&path).unwrap();
            path
        };
        let folders = Folders {
            inbox: folder("in"),
            work: Some(folder("work")),
            archive: Some(folder("archive")),
            error: None,
        };
        World { data, folders }
    }

    fn path(&self, below: &str) -> PathBuf {
        self.data.path().join(below)
    }

    fn row(&self, below: &str, came: &str, claimed: Option<&str>, progress: Progress) -> Taken {
        let path = self.path(below);
        fs::write(&path, "0123456789").unwrap();
        let identity = Identity::of(&fs::metadata(path).unwrap());
        let place = Place { came: came.into(), claimed: claimed.map(Into::into) };
        Taken { place, identity, progress }
    }

    fn recover(&self, row: &Taken) -> Recovered {
        recover(&self.folders, vec![row.clone()]).unwrap()
    }
}

fn part(offset: u64) -> Part {
    Part { offset, readable: true, ..Part::default() }
}

#[test]
fn a_file_that_was_taken_is_only_put_away() {
    let world = World::new();
    for (below, claimed) in [("in/a", None), ("work/a_2", Some("a_2"))] {
        let row = world.row(below, "a", claimed, Progress::Done);
        let found = world.recover(&row);
        assert_eq!(found.put_away, [row]);
        assert!(found.read.is_empty() && found.state.is_empty());
        fs::remove_file(world.path(below)).unwrap();
    }
}

#[test]
fn a_file_that_was_taken_in_part_is_read_on() {
    let world = World::new();
    let row = world.row("in/a", "a", None, Progress::Part(part(4)));
    let found = world.recover(&row);
    let wanted = Candidate {
        place: row.place.clone(),
        modified: row.identity.modified,
        size: row.identity.size,
        moved_in: false,
        resume: Some((row.identity, part(4))),
    };
    assert_eq!(found.read, [wanted]);
    // It has grown meanwhile: still that file, up to where it went.
    fs::write(world.path("in/a"), "0123456789 and more").unwrap();
    assert_eq!(world.recover(&row).read[0].resume, Some((row.identity, part(4))));
    // It was written anew.
    fs::write(world.path("in/a"), "01").unwrap();
    let found = world.recover(&row);
    assert!(found.read.is_empty());
    assert_eq!(found.state, [row.forget()]);
}

#[test]
fn a_file_that_is_gone_is_forgotten() {
    let world = World::new();
    for (progress, said) in
        [(Progress::Done, 0), (Progress::Left("why".into()), 0), (Progress::Part(part(4)), 1)]
    {
        let row = world.row("in/a", "a", None, progress);
        fs::remove_file(world.path("in/a")).unwrap();
        let found = world.recover(&row);
        assert_eq!((&found.state[..], found.warnings.len()), (&[row.forget()][..], said));
        assert!(found.read.is_empty() && found.put_away.is_empty());
    }
}

#[test]
fn another_file_under_the_name_is_not_meant() {
    let world = World::new();
    let row = world.row("in/a", "a", None, Progress::Done);
    fs::write(world.path("in/b"), "another").unwrap();
    fs::rename(world.path("in/b"), world.path("in/a")).unwrap();
    let found = world.recover(&row);
    assert!(found.put_away.is_empty());
    assert_eq!(found.state, [row.forget()]);
}

#[test]
fn what_was_about_to_be_removed_is_removed() {
    let world = World::new();
    let row = world.row("in/a", "a", None, Progress::Done);
    let aside = world.path(&format!("in/.{:x}.{:x}.taken", row.identity.inode, row.identity.modified));
    fs::rename(world.path("in/a"), &aside).unwrap();
    assert_eq!(world.recover(&row).state, [row.forget()]);
    assert!(!aside.exists());
}

#[test]
fn a_claimed_file_without_a_row_is_read() {
    let world = World::new();
    let known = world.row("work/known", "known", Some("known"), Progress::Done);
    fs::write(world.path("work/new"), "x").unwrap();
    fs::write(world.path("work/.half.tmp"), "x").unwrap();
    let found = world.recover(&known);
    assert_eq!(found.read.len(), 1);
    assert_eq!(found.read[0].place, Place { came: "new".into(), claimed: Some("new".into()) });
    assert_eq!(found.put_away, [known]);
}

#[test]
fn a_claim_that_was_lost_with_the_power_is_found_in_the_inbox() {
    let world = World::new();
    let row = world.row("in/a", "a", Some("a_2"), Progress::Done);
    let found = world.recover(&row);
    assert_eq!(found.put_away[0].place.claimed, None);
    assert_eq!(found.put_away[0].key(), row.key());
}

#[test]
fn a_file_that_was_left_stays_left_until_there_is_an_error_folder() {
    let mut world = World::new();
    let row = world.row("in/a", "a", None, Progress::Left("why".into()));
    assert_eq!(world.recover(&row).left, std::slice::from_ref(&row));
    world.folders.error = Some(world.path("error"));
    assert_eq!(world.recover(&row).put_away[0].progress, Progress::Refused("why".into()));
    fs::write(world.path("in/a"), "another").unwrap();
    assert_eq!(world.recover(&row).state, [row.forget()]);
}
