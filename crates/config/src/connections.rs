//! The databases that a production names under `connections:`, for steps `sql` of flows.

use std::path::Path;

use model::{Connection, Connections};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::finding::Findings;
use crate::keys::{CONNECTIONS, schema_of};
use crate::tree::{Entry, Node};
use crate::walk::{Walk, by_name};

/// A database that is read.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConnectionKeys {
    /// What kind of database it is.
    r#type: DatabaseType,
    /// The file of the database, beside the production. It is only read.
    file: String,
}

/// A kind of database.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DatabaseType {
    /// A file of SQLite.
    Sqlite,
}

/// Databases that people ask for, and that this version does not speak to.
const LATER: [&str; 8] =
    ["postgres", "postgresql", "mysql", "mariadb", "mssql", "sqlserver", "oracle", "odbc"];

/// The JSON Schema of the whole map.
pub(crate) fn schema() -> Value {
    json!({ "type": "object", "additionalProperties": schema_of::<ConnectionKeys>() })
}

/// The connections of the production; what is wrong with them is a finding. They are not opened here.
pub(crate) fn read(node: Option<&Node>, base: &Path, findings: &mut Findings) -> Connections {
    let mut connections = Connections::default();
    let entries = by_name(node, CONNECTIONS.0, "databases", findings);
    for entry in entries {
        // One that is wrong is there all the same: what names it is not told as well.
        connections.0.insert(entry.key.clone(), connection(entry, base, findings));
    }
    connections
}

fn connection(entry: &Entry, base: &Path, findings: &mut Findings) -> Connection {
    let node = &entry.value;
    let kind = node.get("type");
    if let Some((kind, found)) = kind.and_then(|kind| Some((kind, kind.text()?)))
        && LATER.contains(&found.to_lowercase().as_str())
    {
        let message = format!("type is \"{found}\"; expected sqlite: this version reads no other databases");
        let help = "let a script copy what is asked for into a file of SQLite, or call an operation";
        findings.error(&kind.place, None, message).help(Some(help.to_owned()));
        return Connection::default();
    }
    let mut walk = Walk::of_keys(findings);
    let value = walk.value(&schema_of::<ConnectionKeys>(), node, "", true).unwrap_or_default();
    let Ok(keys) = serde_json::from_value::<ConnectionKeys>(value) else { return Connection::default() };
    let file = base.join(&keys.file);
    if let Some(at) = node.get("file").filter(|at| !at.is_unknown())
        && !file.is_file()
    {
        let message = format!(
            "database \"{}\" is not there: what is asked of it cannot be checked, and fails",
            file.display()
        );
        findings.warning(&at.place, None, message);
    }
    Connection { file }
}
