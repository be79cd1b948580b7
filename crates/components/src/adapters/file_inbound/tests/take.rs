//! Tests of the module of the same name.

use std::fs;
use std::os::unix::fs::symlink;

use model::{BodyClass, SessionId};
use testkit::TempDir;

use super::super::rows::Part;
use super::super::taking::{Content, Messages};
use super::super::{Folders, Place};
use super::*;
use crate::hl7::batch::Position;

const MESSAGE: &str = "MSH|^~\\&|A||||||ADT^A01|1|P|2.5\rPID|1\r";

struct World {
    data: TempDir,
    reading: Reading,
}

impl World {
    fn new(handling: BatchHandling) -> Self {
        let data = testkit::data_dir();
        let folders =
            Folders { inbox: data.path().to_owned(), work: None, archive: None, error: Some("e".into()) };
        let content = Content::Messages(Messages { handling, ..Messages::default() });
        let reading = Reading { folders, content, longest: 16 << 20 };
        World { data, reading }
    }

    fn file(&self, name: &str, text: impl AsRef<[u8]>) -> Candidate {
        fs::write(self.data.path().join(name), text).unwrap();
        Candidate {
            place: Place { came: name.into(), claimed: None },
            modified: 0,
            size: 0,
            moved_in: false,
            resume: None,
        }
    }

    fn read(&self, files: Vec<Candidate>) -> Vec<Group> {
        let mut groups = Vec::new();
        let out = |group| {
            groups.push(group);
            Ok(())
        };
        assert!(Reader::new(Arc::new(self.reading.clone()), out).read(files).is_ok());
        groups
    }

    fn read_one(&self, file: Candidate) -> Group {
        let mut groups = self.read(vec![file]);
        assert_eq!(groups.len(), 1);
        groups.remove(0)
    }
}

/// Fate of each arrival with its bytes, short.
fn fates(group: &Group) -> Vec<String> {
    let fate = |arrival: &Arrival| match &arrival.fate {
        Fate::Deliver => "deliver".to_owned(),
        Fate::Keep(what) => what.clone(),
        Fate::Refuse(_) => "refuse".to_owned(),
    };
    group.arrivals.iter().map(fate).collect()
}

fn progress(group: &Group) -> Vec<Progress> {
    group.taken.iter().map(|taken| taken.progress.clone()).collect()
}

#[test]
fn a_message_becomes_a_body_that_says_what_it_is() {
    let world = World::new(BatchHandling::SingleSession);
    let group = world.read_one(world.file("a.hl7", format!("\u{feff}{MESSAGE}")));
    assert_eq!(fates(&group), ["deliver"]);
    let body = &group.arrivals[0].body;
    assert_eq!((body.class(), body.doc_type(), body.name()), (BodyClass::HL7, "2.5:ADT_A01", "a.hl7"));
    assert_eq!(body.content(), MESSAGE);
    let parsed: Result<hl7::Message, hl7::ReadError> = body.parsed(|_| panic!("it was parsed already"));
    assert_eq!(parsed.unwrap().segments().count(), 2);
    assert_eq!(progress(&group), [Progress::Done]);
}

#[test]
fn small_files_share_a_group() {
    let world = World::new(BatchHandling::SingleSession);
    let files = (0..MOST_FILES + 10).map(|number| world.file(&format!("{number:04}"), MESSAGE)).collect();
    let groups = world.read(files);
    assert_eq!(groups.iter().map(|group| group.taken.len()).collect::<Vec<_>>(), [MOST_FILES, 10]);
    assert!(groups.iter().all(|group| group.arrivals.len() == group.taken.len() && group.part.is_none()));
}

#[test]
fn a_big_file_comes_in_groups_that_say_how_far_they_got() {
    let world = World::new(BatchHandling::SingleSession);
    let count = 30_000;
    let text = format!("FHS|^~\\&\rBHS|^~\\&\r{}BTS|{count}\rFTS|1\r", MESSAGE.repeat(count));
    let file = world.file("big", &text);
    let groups = world.read(vec![file.clone()]);
    let mut bytes = Vec::new();
    for (index, group) in groups.iter().enumerate() {
        assert!(group.arrivals.len() <= MOST_MESSAGES);
        assert_eq!(group.continues, index > 0);
        group.arrivals.iter().for_each(|arrival| bytes.extend_from_slice(arrival.body.content()));
        let last = index == groups.len() - 1;
        assert_eq!((group.part.is_some(), group.taken.len()), (!last, usize::from(last)));
        if let Some(Progress::Part(part)) = group.part.as_ref().map(|part| &part.progress) {
            assert_eq!(part.offset, bytes.len() as u64);
            assert!(part.readable && part.position.begun);
        }
    }
    assert_eq!(bytes, text.as_bytes());
    // One session: the first arrival opens it, and all others go along.
    let sessions: Vec<_> = groups.iter().flat_map(|group| &group.arrivals).map(|a| a.session).collect();
    assert_eq!(sessions[0], IntakeSession::New);
    assert!(sessions[1..].iter().all(|session| *session == IntakeSession::SameAsPrevious));

    // From any group on, the rest is the rest.
    let part = groups[3].part.clone().unwrap();
    let Progress::Part(mut at) = part.progress else { panic!("a part") };
    at.session = Some(77);
    let rest = world.read(vec![Candidate { resume: Some((part.identity, at)), ..file }]);
    let bytes: Vec<u8> =
        rest.iter().flat_map(|group| &group.arrivals).flat_map(|a| a.body.content().to_vec()).collect();
    assert_eq!(bytes, &text.as_bytes()[at.offset as usize..]);
    assert_eq!(rest[0].arrivals[0].session, IntakeSession::Of(SessionId(77)));
    assert_eq!(rest[0].arrivals[1].session, IntakeSession::SameAsPrevious);
    assert_eq!(rest.last().unwrap().taken[0].progress, Progress::Done);
}

#[test]
fn a_file_goes_on_in_a_new_session_when_the_old_one_is_not_known() {
    let world = World::new(BatchHandling::SingleSession);
    let file = world.file("a", format!("BHS|^~\\&\r{MESSAGE}{MESSAGE}BTS|2\r"));
    let whole = world.read_one(file.clone());
    let at = Part {
        offset: 9,
        readable: true,
        position: Position { in_batch: true, begun: true, in_file: false },
        session: None,
    };
    let rest = world.read_one(Candidate { resume: Some((whole.taken[0].identity, at)), ..file });
    let sessions: Vec<_> = rest.arrivals.iter().map(|arrival| arrival.session).collect();
    use IntakeSession::{New, SameAsPrevious};
    assert_eq!(sessions, [New, SameAsPrevious, SameAsPrevious]);
}

#[test]
fn what_cannot_be_read_is_kept_and_refused() {
    let world = World::new(BatchHandling::SingleSession);
    let group = world.read_one(world.file("a", format!("Mustermann!\r{MESSAGE}")));
    assert_eq!(fates(&group), ["refuse", "deliver"]);
    assert_eq!(group.arrivals[0].body.class(), BodyClass::BYTES);
    assert!(group.arrivals[0].body.content().starts_with(b"Mustermann!"));
    assert_eq!(progress(&group), [Progress::Done]);
    assert_eq!(group.errors.len(), 1);
    assert!(group.errors[0].contains("bytes 0 to 12 are refused: "), "{}", group.errors[0]);
    assert!(!group.errors[0].contains("Mustermann"));
}

#[test]
fn a_file_without_any_message_is_refused_as_a_whole() {
    for handling in [BatchHandling::SingleSession, BatchHandling::Whole, BatchHandling::Individual] {
        let mut world = World::new(handling);
        for (name, content) in
            [("empty", ""), ("blank", " \r\n\r\n"), ("binary", "\0\x01\x02PK"), ("text", "hello")]
        {
            let group = world.read_one(world.file(name, content));
            assert_eq!(fates(&group), ["refuse"], "{name} {handling:?}");
            assert_eq!(group.arrivals[0].body.content(), content, "{name} {handling:?}");
            assert!(matches!(&group.taken[0].progress, Progress::Refused(reason) if !reason.is_empty()));
            assert_eq!(group.errors.len(), 1);
        }
        world.reading.folders.error = None;
        let group = world.read_one(world.file("empty", ""));
        assert!(matches!(&group.taken[0].progress, Progress::Left(reason) if reason.contains("is empty")));
    }
}

#[test]
fn a_batch_without_messages_is_no_failure() {
    let world = World::new(BatchHandling::SingleSession);
    let group = world.read_one(world.file("a", "FHS|^~\\&\rBHS|^~\\&\rBTS|0\rFTS|1\r"));
    assert_eq!(group.arrivals.len(), 4);
    assert_eq!(progress(&group), [Progress::Done]);
    assert_eq!(group.arrivals[0].body.doc_type(), "FHS");
}

#[test]
fn a_whole_file_is_one_body() {
    let mut world = World::new(BatchHandling::Whole);
    let text = format!("FHS|^~\\&\r{MESSAGE}{MESSAGE}FTS|1\r");
    let group = world.read_one(world.file("a", &text));
    assert_eq!((fates(&group), group.arrivals[0].body.content().len()), (vec!["deliver".into()], text.len()));
    world.reading.longest = text.len() - 1;
    let group = world.read_one(world.file("a", &text));
    assert_eq!(fates(&group), ["refuse"]);
    let reason = format!("the file has {} bytes; expected at most {}", text.len(), text.len() - 1);
    assert_eq!(progress(&group), [Progress::Refused(reason)]);
}

#[test]
fn a_message_that_is_too_long_is_refused_and_the_next_one_is_not() {
    let mut world = World::new(BatchHandling::SingleSession);
    world.reading.longest = 100;
    let long = format!("{MESSAGE}OBX|1||{}\r", "x".repeat(150));
    let group = world.read_one(world.file("a", format!("{MESSAGE}{long}{MESSAGE}")));
    let fates = fates(&group);
    assert_eq!((fates.first(), fates.last()), (Some(&"deliver".into()), Some(&"deliver".into())));
    let kept: usize = group.arrivals.iter().map(|arrival| arrival.body.content().len()).sum();
    assert_eq!(kept, long.len() + 2 * MESSAGE.len());
}

#[test]
fn a_file_that_is_gone_or_closed_to_us_does_not_hold_up_the_others() {
    let world = World::new(BatchHandling::SingleSession);
    let gone = world.file("gone", MESSAGE);
    fs::remove_file(world.data.path().join("gone")).unwrap();
    let folder = world.file("folder", MESSAGE);
    fs::remove_file(world.data.path().join("folder")).unwrap();
    fs::create_dir(world.data.path().join("folder")).unwrap();
    // A link in a file's place cannot be opened by anybody, not even by those who may read all files.
    let closed = world.file("closed", MESSAGE);
    fs::remove_file(world.data.path().join("closed")).unwrap();
    symlink("gone", world.data.path().join("closed")).unwrap();
    let group = world.read_one_of(vec![gone, folder, closed, world.file("good", MESSAGE)]);
    assert_eq!(group.unreadable.len(), 1);
    assert_eq!(group.unreadable[0].0.as_os_str(), "closed");
    assert_eq!(group.taken.iter().map(|taken| taken.place.name()).collect::<Vec<_>>(), ["good"]);
}

impl World {
    fn read_one_of(&self, files: Vec<Candidate>) -> Group {
        self.read(files).pop().expect("a group")
    }
}

#[test]
fn a_claimed_file_lies_in_the_work_folder_under_its_own_name() {
    let mut world = World::new(BatchHandling::SingleSession);
    let work = world.data.path().join("work");
    fs::create_dir(&work).unwrap();
    world.reading.folders.work = Some(work.clone());
    fs::write(work.join("b.hl7"), "another").unwrap();
    let group = world.read_one_of(vec![world.file("a.hl7", MESSAGE), world.file("b.hl7", MESSAGE)]);
    let claimed: Vec<_> = group.taken.iter().map(|taken| taken.place.claimed.clone().unwrap()).collect();
    assert_eq!(claimed[0], "a.hl7");
    assert!(claimed[1].to_str().unwrap().starts_with("b_") && claimed[1].to_str().unwrap().ends_with(".hl7"));
    assert!(claimed.iter().all(|name| fs::read_to_string(work.join(name)).unwrap() == MESSAGE));
    assert!(!world.data.path().join("a.hl7").exists());
    assert_eq!(group.arrivals[1].body.name(), "b.hl7");
}

#[test]
fn reading_ends_when_nobody_takes_the_groups() {
    let world = World::new(BatchHandling::SingleSession);
    let out = |_| Err(Abandoned);
    let read = Reader::new(Arc::new(world.reading.clone()), out).read(vec![world.file("a", MESSAGE)]);
    assert!(read.is_err());
}

#[test]
fn a_work_folder_that_is_gone_is_told() {
    let mut world = World::new(BatchHandling::SingleSession);
    let work = world.data.path().join("work");
    world.reading.folders.work = Some(work.clone());
    let group = world.read_one(world.file("a", MESSAGE));
    let reason = format!("work_path \"{}\" is no longer there", work.display());
    assert_eq!(group.unreadable, [("a".into(), reason)]);
    assert!(world.data.path().join("a").exists());
}
