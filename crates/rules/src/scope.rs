//! What an expression may name, beside what every expression may: how paths are read, which tables there are.

use std::sync::Arc;

use hl7::schema::PathContext;

use crate::{LookupTables, Schedules};

/// What the names in an expression are looked up in when it is compiled. Cheap to clone.
///
/// `Scope::from(&PathContext)` is for a condition about a message alone.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// How paths are read, and whether `target.PATH` is known.
    pub paths: PathContext,
    /// The tables that `lookup` and `exists` know.
    pub tables: LookupTables,
    /// The schedules that `schedule` knows.
    pub schedules: Schedules,
    /// What to do where a table or schedule is asked for and none at all is known; to define it, when nothing
    /// else is said.
    pub hint: Option<&'static str>,
    /// What `context.NAME` may be.
    pub context: Names,
}

/// Which names are known.
#[derive(Debug, Clone, Default)]
pub enum Names {
    /// None.
    #[default]
    None,
    /// Any.
    Any,
    /// These.
    These(Arc<[String]>),
}

impl From<&PathContext> for Scope {
    fn from(paths: &PathContext) -> Scope {
        Scope { paths: paths.clone(), ..Scope::default() }
    }
}
