//! The versions of HL7 v2 in the binary: packed, and unpacked when one is first used.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use super::parts::Table;
use super::read::{self, Definitions};
use super::{Schema, Text};

/// A version, as far as it was used.
pub(super) struct BuiltIn {
    name: &'static str,
    packed: &'static [u8],
    packed_tables: &'static [u8],
    text: OnceLock<String>,
    schema: OnceLock<Arc<Schema>>,
    tables_text: OnceLock<String>,
    tables: OnceLock<BTreeMap<Text, Arc<Table>>>,
}

macro_rules! built_in {
    ($($name:literal),*) => {
        [$(BuiltIn {
            name: $name,
            packed: include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".zst")),
            packed_tables: include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".tables.zst")),
            text: OnceLock::new(),
            schema: OnceLock::new(),
            tables_text: OnceLock::new(),
            tables: OnceLock::new(),
        }),*]
    };
}

/// All versions, the oldest first.
static VERSIONS: [BuiltIn; 13] = built_in![
    "2.1", "2.2", "2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.7.1", "2.8", "2.8.1", "2.8.2"
];

/// The names of all versions, the oldest first.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    VERSIONS.iter().map(|version| version.name)
}

/// The version of that name.
pub(super) fn find(name: &str) -> Option<&'static BuiltIn> {
    VERSIONS.iter().find(|version| version.name == name)
}

impl BuiltIn {
    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn schema(&'static self) -> &'static Arc<Schema> {
        self.schema.get_or_init(|| {
            let definitions: Definitions = read::definitions(unpacked(&self.text, self.packed));
            Arc::new(Schema::built_in(self, definitions))
        })
    }

    /// The tables, which only few look at.
    pub(super) fn tables(&'static self) -> &'static BTreeMap<Text, Arc<Table>> {
        self.tables.get_or_init(|| read::tables(unpacked(&self.tables_text, self.packed_tables)))
    }
}

impl std::fmt::Debug for BuiltIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// What `build.rs` packed cannot fail to be read; should it, the version is empty.
fn unpacked(text: &'static OnceLock<String>, packed: &[u8]) -> &'static str {
    text.get_or_init(|| {
        let mut text = zstd::decode_all(packed).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        text.iter_mut().for_each(String::shrink_to_fit);
        text.unwrap_or_default()
    })
}
