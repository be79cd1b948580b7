//! What an expression may name, beside what every expression may: how paths are read, which tables there are.

use std::sync::Arc;

use hl7::schema::PathContext;

use crate::suggest::nearest;
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

impl Names {
    /// What to write instead of `context.NAME`; none where there is such a name.
    pub fn instead_of(&self, name: &str) -> Option<String> {
        let known: &[String] = match self {
            Names::Any => return None,
            Names::These(known) if known.iter().any(|known| known == name) => return None,
            Names::These(known) => known,
            Names::None => &[],
        };
        Some(match (known, nearest(name, known.iter().map(String::as_str))) {
            (_, Some(near)) => format!("did you mean \"context.{near}\"?"),
            ([], None) => "only the steps of a flow have a context with values in it".to_owned(),
            (known, None) => format!("expected one of {}", known.join(", ")),
        })
    }
}

impl From<&PathContext> for Scope {
    fn from(paths: &PathContext) -> Scope {
        Scope { paths: paths.clone(), ..Scope::default() }
    }
}
