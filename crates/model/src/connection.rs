//! Databases beside the engine's own that a production names.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// The connections of a production, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connections(pub BTreeMap<String, Connection>);

/// A database that hosts may read: a file of SQLite.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connection {
    /// Where it is.
    pub file: PathBuf,
}
