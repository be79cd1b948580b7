//! Lookup tables: texts by texts, as a production defines them.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use crate::ExprError;
use crate::suggest::unknown;

/// The lookup tables of a production, by name. Cheap to clone.
#[derive(Clone, Default)]
pub struct LookupTables(Arc<HashMap<String, Arc<LookupTable>>>);

/// One lookup table.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct LookupTable {
    /// What stands for each key.
    pub entries: HashMap<String, String>,
    /// What stands for a key that is not there, where an expression names nothing for it.
    pub default: Option<String>,
    /// Whether a key that is not there is an error, where nothing stands for it.
    pub strict: bool,
}

impl LookupTables {
    /// The same tables, and `table` under `name`.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, table: LookupTable) -> Self {
        Arc::make_mut(&mut self.0).insert(name.into(), Arc::new(table));
        self
    }

    /// The table of that name.
    pub fn get(&self, name: &str) -> Option<&Arc<LookupTable>> {
        self.0.get(name)
    }

    /// What is said of the name of a table that there is not, which stands at those bytes of a text.
    pub fn unknown(&self, name: &str, range: Range<usize>) -> ExprError {
        let what = format!("lookup table \"{name}\"");
        unknown(range, &what, name, &self.names(), "define it under lookup_tables")
    }

    /// The names of all tables, in the order of the alphabet.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.0.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }
}

impl LookupTable {
    /// What stands for `key`, whatever is said for keys that are not there.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.entries.get(key).map(String::as_str)
    }
}

impl std::fmt::Debug for LookupTables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

impl std::fmt::Debug for LookupTable {
    /// Shows the size, never an entry: a table may map people.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LookupTable({} entries)", self.entries.len())
    }
}
