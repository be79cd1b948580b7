//! What can be wrong with a store. No message content is ever in an error.

use std::path::Path;

/// Why the store could not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another engine has it.
    #[error(
        "store \"{path}\" is in use by process {owner}; one engine writes to one store; stop the other or pass --data-dir"
    )]
    InUse {
        /// The store's file.
        path: String,
        /// The process id that the lock file names.
        owner: String,
    },
    /// It was written by a later version of this program.
    #[error(
        "store \"{path}\" has version {found}, this program knows versions up to {known}; use a newer one or pass --data-dir"
    )]
    Newer {
        /// The store's file.
        path: String,
        /// The store's version.
        found: u32,
        /// The last version that this program knows.
        known: u32,
    },
    /// It was written by an earlier version, and only an engine may change it.
    #[error(
        "store \"{path}\" has version {found}, reading needs version {known}; start the engine on it once"
    )]
    Older {
        /// The store's file.
        path: String,
        /// The store's version.
        found: u32,
        /// The version that this program reads.
        known: u32,
    },
    /// There is none.
    #[error("there is no store at \"{path}\"; start an engine there first or pass --data-dir")]
    Missing {
        /// Where it was looked for.
        path: String,
    },
    /// It could not be opened, locked or prepared.
    #[error("store \"{path}\" cannot be opened: {reason}")]
    Open {
        /// The store's file.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// SQLite refused or failed.
    #[error("the store failed: {0}")]
    Sqlite(String),
    /// What was read is not what was written.
    #[error("body {body} cannot be read back: {reason}")]
    Damaged {
        /// The body.
        body: u64,
        /// What was found.
        reason: String,
    },
    /// A query of a user is wrong, not allowed, or took too long.
    #[error("{0}")]
    Query(String),
    /// The ledger was closed before that was committed; it is not known to be stored.
    #[error("the ledger is closed{}", reason.as_deref().map(|r| format!(": {r}")).unwrap_or_default())]
    Closed {
        /// Why it could not commit at the end, if so.
        reason: Option<String>,
    },
}

impl StoreError {
    pub(crate) fn open(path: &Path, reason: impl std::fmt::Display) -> Self {
        StoreError::Open { path: path.display().to_string(), reason: lower(&reason.to_string()) }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        StoreError::Sqlite(lower(&error.to_string()))
    }
}

/// SQLite and the system begin their texts with a capital; ours are part of a sentence.
pub(crate) fn lower(text: &str) -> String {
    let mut chars = text.trim_end_matches('.').chars();
    match (chars.next(), chars.clone().next()) {
        (Some(first), second) if !second.is_some_and(char::is_uppercase) => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => text.to_owned(),
    }
}
