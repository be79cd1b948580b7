//! Tests of the module of the same name.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use super::*;

const UNIQUE: Way = Way { overwrite: false, sync: true, now: 1_700_000_000_123 };
const OVERWRITE: Way = Way { overwrite: true, ..UNIQUE };

fn job(name: &str, id: u64, text: &str) -> Job {
    Job { name: name.into(), private: false, id, created: 0, repeat: false, bytes: text.to_owned().into() }
}

fn repeated(job: &Job) -> Job {
    Job { repeat: true, ..job.clone() }
}

/// Every file of a folder, hidden ones too, with its content.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap()))
        .collect()
}

fn expect<const N: usize>(folder: &Path, wanted: [(&str, &str); N]) {
    let wanted = wanted.map(|(name, text)| (name.to_owned(), text.to_owned()));
    assert_eq!(files(folder), BTreeMap::from(wanted));
}

fn all_written(folder: &Path, jobs: &[Job], way: Way) {
    let written = write(folder, jobs, way);
    assert_eq!((written.count, written.failure), (jobs.len(), None));
}

#[test]
fn a_group_is_there_whole_and_nothing_else_is() {
    for count in [1, 5, 200] {
        for sync in [true, false] {
            let data = testkit::data_dir();
            let jobs: Vec<_> =
                (0..count).map(|id| job(&format!("{id}.hl7"), id, &format!("text {id}"))).collect();
            all_written(data.path(), &jobs, Way { sync, ..UNIQUE });
            let files = files(data.path());
            assert_eq!(files.len(), count as usize);
            assert!(jobs.iter().all(|job| files[&job.name] == format!("text {}", job.id)));
        }
    }
}

#[test]
fn a_name_that_is_taken_gets_the_id_added() {
    let data = testkit::data_dir();
    all_written(data.path(), &[job("a.hl7", 1, "1"), job("a.hl7", 2, "2"), job("a.hl7", 3, "3")], UNIQUE);
    all_written(data.path(), &[job("a.hl7", 4, "1")], UNIQUE);
    expect(data.path(), [("a.hl7", "1"), ("a_2.hl7", "2"), ("a_3.hl7", "3"), ("a_4.hl7", "1")]);
    // Even that name may be somebody else's.
    fs::write(data.path().join("a_5.hl7"), "mine").unwrap();
    all_written(data.path(), &[job("a.hl7", 5, "5")], UNIQUE);
    assert_eq!(files(data.path())["a_5.hl7"], "mine");
    assert_eq!(files(data.path())["a_5_2.hl7"], "5");
}

#[test]
fn a_repeat_leaves_one_file() {
    let data = testkit::data_dir();
    let jobs = [job("a.hl7", 1_000_001, "same"), job("a.hl7", 1_000_002, "same"), job("b.hl7", 3, "b")];
    all_written(data.path(), &jobs, UNIQUE);
    let before = files(data.path());
    all_written(data.path(), &jobs.each_ref().map(repeated), UNIQUE);
    all_written(data.path(), &[repeated(&jobs[1])], UNIQUE);
    assert_eq!(files(data.path()), before);
    assert_eq!(before.len(), 3);
    // The same text under the same name from another message is another message.
    all_written(data.path(), &[repeated(&job("a.hl7", 4, "same"))], UNIQUE);
    assert_eq!(files(data.path()).len(), 4);
}

#[test]
fn a_repeat_does_not_take_another_text_for_its_own() {
    let data = testkit::data_dir();
    all_written(data.path(), &[job("a.hl7", 1, "one")], UNIQUE);
    all_written(data.path(), &[repeated(&job("a.hl7", 1_000_001, "two"))], UNIQUE);
    expect(data.path(), [("a.hl7", "one"), ("a_1000001.hl7", "two")]);
}

#[test]
fn overwriting_keeps_the_last_one() {
    let data = testkit::data_dir();
    all_written(data.path(), &[job("a", 1, "1"), job("a", 2, "2")], OVERWRITE);
    all_written(data.path(), &[job("a", 3, "3")], OVERWRITE);
    expect(data.path(), [("a", "3")]);
}

#[test]
fn what_an_earlier_life_left_aside_is_replaced() {
    let data = testkit::data_dir();
    fs::write(data.path().join(".a.7.tmp"), "half of").unwrap();
    all_written(data.path(), &[job("a", 7, "all of it")], UNIQUE);
    expect(data.path(), [("a", "all of it")]);
}

#[test]
fn a_link_is_replaced_and_not_followed() {
    let data = testkit::data_dir();
    let (out, secret) = (data.path().join("out"), data.path().join("secret"));
    fs::create_dir(&out).unwrap();
    fs::write(&secret, "keep").unwrap();
    symlink(&secret, out.join(".a.7.tmp")).unwrap();
    symlink(&secret, out.join("a")).unwrap();
    all_written(&out, &[repeated(&job("a", 7, "new"))], UNIQUE);
    assert!(out.join("a").is_symlink());
    assert_eq!(fs::read_to_string(out.join("a_7")).unwrap(), "new");
    all_written(&out, &[job("a", 8, "over")], OVERWRITE);
    assert!(!out.join("a").is_symlink());
    assert_eq!(fs::read_to_string(secret).unwrap(), "keep");
}

#[test]
fn a_failure_ends_the_group_where_it_happens_and_leaves_nothing_aside() {
    for count in [4_usize, 60] {
        let data = testkit::data_dir();
        let mut jobs: Vec<_> = (0..count as u64).map(|id| job(&format!("{id:03}"), id, "text")).collect();
        // A folder cannot be replaced by a file.
        fs::create_dir(data.path().join("dir")).unwrap();
        jobs[count - 2].name = "dir".into();
        let written = write(data.path(), &jobs, OVERWRITE);
        assert_eq!(written.count, count - 2);
        assert!(written.failure.unwrap().contains("dir\" cannot be written: "));
        fs::remove_dir(data.path().join("dir")).unwrap();
        assert_eq!(files(data.path()).len(), count - 2);
        // A name that the system does not take fails before anything has a name.
        jobs[1].name = "x".repeat(300);
        let written = write(data.path(), &jobs, OVERWRITE);
        assert_eq!((written.count, files(data.path()).len()), (1, count - 2));
    }
}

#[test]
fn a_missing_folder_is_said() {
    let written = write(&PathBuf::from("/nowhere/at/all"), &[job("a", 1, "")], UNIQUE);
    assert_eq!(written.count, 0);
    assert_eq!(
        written.failure.unwrap(),
        "folder \"/nowhere/at/all\" cannot be written: no such file or directory"
    );
}
