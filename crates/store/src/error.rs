//! What can be wrong with a store. No message content is ever in an error.

use std::path::Path;

use rusqlite::ErrorCode;

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

    /// As [`StoreError::open`], in the words for what SQLite found.
    pub(crate) fn open_database(path: &Path, error: &rusqlite::Error) -> Self {
        StoreError::Open { path: path.display().to_string(), reason: told(error) }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        StoreError::Sqlite(told(&error))
    }
}

/// What SQLite says; of a damaged file only that it is, since its texts then hold bytes of the file.
fn told(error: &rusqlite::Error) -> String {
    let what = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt) => "it is damaged",
        Some(ErrorCode::NotADatabase) => "it is no store, or its beginning is damaged",
        _ => return lower(&error.to_string()),
    };
    format!(
        "{what}; nothing was changed; put a copy in its place, or move it away to begin with an empty one"
    )
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_a_damaged_file_are_not_shown() {
        let failure = |code| {
            let text = "malformed database schema (DOE^JOHN)".to_owned();
            rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), Some(text))
        };
        for (code, says) in [(11, "it is damaged; nothing was changed"), (26, "it is no store")] {
            for error in [
                StoreError::open_database(Path::new("data/store.db"), &failure(code)),
                StoreError::from(failure(code)),
            ] {
                let text = error.to_string();
                assert!(text.contains(says) && !text.contains("DOE"), "{text}");
            }
        }
        assert_eq!(
            StoreError::from(failure(1)).to_string(),
            "the store failed: malformed database schema (DOE^JOHN)"
        );
    }
}
