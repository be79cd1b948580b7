//! Files as a target: one for each message, written aside and renamed, or one that all are appended to.
//!
//! A message may be handed over twice, when the engine ends between the writing and the note that it
//! was done. Both ways leave what one writing leaves.

pub(crate) mod append;
pub(crate) mod each;
mod frame;
pub(crate) mod writing;

use std::path::Path;

use bytes::Bytes;

/// One message that is to be written.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    /// The file's name.
    pub(crate) name: String,
    /// Whether the name is made of the message's fields: then it is content, and is told to nobody.
    pub(crate) private: bool,
    /// The id of the message's header.
    pub(crate) id: u64,
    /// When that header was made, in milliseconds since 1970.
    pub(crate) created: i64,
    /// Whether it may have been written before.
    pub(crate) repeat: bool,
    /// What is written.
    pub(crate) bytes: Bytes,
}

impl Job {
    /// The file, as an error names it.
    pub(crate) fn place(&self, folder: &Path) -> String {
        match self.private {
            true => format!("the file of message {} in folder \"{}\"", self.id, folder.display()),
            false => format!("file \"{}\"", folder.join(&self.name).display()),
        }
    }
}

/// What became of a group: so many were written, in order, and then this was in the way.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// How many were written, from the first on.
    pub(crate) count: usize,
    /// Why the next one was not.
    pub(crate) failure: Option<String>,
}
