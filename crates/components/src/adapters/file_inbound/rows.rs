//! What the service remembers about files, in the transaction that stores their messages.
//!
//! One row for each file that has been taken, in whole or in part, and not yet been put away.

use std::ffi::OsString;
use std::fmt::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use model::StateChange;
use serde::{Deserialize, Serialize};

use super::{Identity, Place};
use crate::hl7::batch::Position;

/// What the keys of these rows begin with.
pub(crate) const PREFIX: &str = "taken/";

/// How far a file has been taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Progress {
    /// Up to an offset; the rest is still to be read.
    Part(Part),
    /// As a whole: it only has to be put away.
    Done,
    /// Nothing in it could be read, for this reason: it has to go to the error folder.
    Refused(String),
    /// As before, but it stays where it is and is not read again.
    Left(String),
}

/// Where to go on in a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Part {
    /// The bytes that have been taken.
    pub(crate) offset: u64,
    /// Whether there was a message or a batch header among them.
    pub(crate) readable: bool,
    /// Where in a batch that is.
    pub(crate) position: Position,
    /// The session of the last message taken, where it is known.
    pub(crate) session: Option<u64>,
}

/// A file that has been taken, as its row tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Where it lies and came.
    pub(crate) place: Place,
    /// What it was when it was taken.
    pub(crate) identity: Identity,
    /// How far it has been taken.
    pub(crate) progress: Progress,
}

#[derive(Serialize, Deserialize)]
struct Value {
    progress: Progress,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    work: Option<String>,
}

impl Taken {
    /// The key of its row.
    pub(crate) fn key(&self) -> String {
        let Identity { inode, size, modified } = self.identity;
        format!("{PREFIX}{inode:x}.{size:x}.{modified:x}/{}", escape(self.place.came.as_os_str().as_bytes()))
    }

    /// The change that remembers it.
    pub(crate) fn remember(&self) -> StateChange {
        let work = self.place.claimed.as_ref().map(|name| escape(name.as_bytes()));
        let value = serde_json::to_vec(&Value { progress: self.progress.clone(), work });
        StateChange { key: self.key(), value: Some(value.expect("plain data becomes JSON")) }
    }

    /// The change that forgets it.
    pub(crate) fn forget(&self) -> StateChange {
        StateChange { key: self.key(), value: None }
    }

    /// Reads a row; none when it is not one of these.
    pub(crate) fn read(key: &str, value: &[u8]) -> Option<Taken> {
        let (numbers, came) = key.strip_prefix(PREFIX)?.split_once('/')?;
        let mut numbers = numbers.split('.');
        let inode = u64::from_str_radix(numbers.next()?, 16).ok()?;
        let size = u64::from_str_radix(numbers.next()?, 16).ok()?;
        let modified = u64::from_str_radix(numbers.next()?, 16).ok()? as i64;
        let value: Value = serde_json::from_slice(value).ok()?;
        let claimed = match value.work {
            Some(name) => Some(OsString::from_vec(unescape(&name)?)),
            None => None,
        };
        let came = PathBuf::from(OsString::from_vec(unescape(came)?));
        Some(Taken {
            place: Place { came, claimed },
            identity: Identity { inode, size, modified },
            progress: value.progress,
        })
    }
}

/// Bytes of a path as text: what is no UTF-8, a control character or a percent sign as `%XX`.
fn escape(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for letter in chunk.valid().chars() {
            match letter {
                '%' => text.push_str("%25"),
                letter if letter.is_ascii_control() => push_escaped(&mut text, letter as u8),
                letter => text.push(letter),
            }
        }
        chunk.invalid().iter().for_each(|byte| push_escaped(&mut text, *byte));
    }
    text
}

fn push_escaped(text: &mut String, byte: u8) {
    write!(text, "%{byte:02X}").expect("text takes what is written to it");
}

fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        bytes.push(u8::from_str_radix(after.get(..2)?, 16).ok()?);
        rest = &after[2..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(came: &[u8], claimed: Option<&[u8]>, progress: Progress) -> Taken {
        Taken {
            place: Place {
                came: PathBuf::from(OsString::from_vec(came.to_vec())),
                claimed: claimed.map(|name| OsString::from_vec(name.to_vec())),
            },
            identity: Identity { inode: 7, size: 1024, modified: 1_700_000_000_123_456_789 },
            progress,
        }
    }

    #[test]
    fn a_row_is_read_as_it_was_written() {
        let part = Part {
            offset: 12,
            readable: true,
            position: Position { in_file: true, in_batch: false, begun: true },
            session: Some(3),
        };
        for row in [
            taken(b"a.hl7", None, Progress::Done),
            taken(b"sub/50%.hl7", Some(b"50%_2.hl7"), Progress::Part(part)),
            taken("sub/m\u{fc}ller \u{e9}.hl7".as_bytes(), None, Progress::Refused("why".into())),
            taken(b"\xff\xfe\n.hl7", Some(b"\xff"), Progress::Left("why".into())),
        ] {
            let StateChange { key, value } = row.remember();
            assert!(key.starts_with(PREFIX));
            assert_eq!(Taken::read(&key, &value.unwrap()), Some(row.clone()));
            assert_eq!(row.forget(), StateChange { key, value: None });
        }
    }

    #[test]
    fn what_is_no_row_is_none() {
        for (key, value) in
            [("taken/1.2.3/a", "x"), ("taken/1.2/a", "{}"), ("other", "{}"), ("taken/1.2.3/%Z", "{}")]
        {
            assert_eq!(Taken::read(key, value.as_bytes()), None, "{key}");
        }
    }

    #[test]
    fn another_file_under_the_same_name_has_another_key() {
        let first = taken(b"a", None, Progress::Done);
        let mut second = first.clone();
        second.identity.modified += 1;
        assert_ne!(first.key(), second.key());
    }
}
