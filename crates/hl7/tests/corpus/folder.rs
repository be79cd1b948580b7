//! A folder of message files with what is expected of each.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// One file of the folder.
#[derive(Clone)]
pub(crate) struct Entry {
    /// Its path below the folder.
    pub(crate) file: String,
    /// `accept`, `accept-lenient`, `reject` or `either`.
    pub(crate) expect: String,
}

pub(crate) struct Folder {
    path: PathBuf,
    pub(crate) entries: Vec<Entry>,
    /// What is known of a file, by its path below the folder.
    pub(crate) oracle: HashMap<String, Value>,
}

impl Folder {
    pub(crate) fn open(path: &Path) -> Folder {
        let read = |name: &str| {
            std::fs::read_to_string(path.join(name))
                .unwrap_or_else(|error| panic!("{}: {error}", path.join(name).display()))
        };
        let manifest = read("manifest.tsv");
        let mut rows = manifest.lines().map(|line| line.split('\t').collect::<Vec<_>>());
        let head = rows.next().expect("a manifest with a header line");
        let column = |name: &str| head.iter().position(|column| *column == name).expect(name);
        let (file, expect) = (column("file"), column("expect"));
        let entries = rows.map(|row| Entry { file: row[file].to_owned(), expect: row[expect].to_owned() });
        let records = read("oracle.jsonl");
        let oracle = records.lines().map(|line| {
            let record: Value = serde_json::from_str(line).expect("a record of the oracle");
            (record["file"].as_str().expect("a file name").to_owned(), record)
        });
        Folder { path: path.to_owned(), entries: entries.collect(), oracle: oracle.collect() }
    }

    pub(crate) fn read(&self, entry: &Entry) -> Vec<u8> {
        let path = self.path.join(&entry.file);
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }
}
