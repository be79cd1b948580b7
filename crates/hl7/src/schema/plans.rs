//! What is made of a schema for walking and checking messages: once, when it is first needed.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use super::map::Plan;
use super::{Schema, Text};
use crate::validate::FieldPlans;

/// What is made of a schema. A copy of a schema begins with nothing, since it is made to be changed.
#[derive(Default)]
pub(crate) struct Plans {
    structures: OnceLock<HashMap<Text, OnceLock<Arc<Plan>>>>,
    fields: OnceLock<FieldPlans>,
}

impl Clone for Plans {
    fn clone(&self) -> Plans {
        Plans::default()
    }
}

impl std::fmt::Debug for Plans {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plans").finish_non_exhaustive()
    }
}

impl Schema {
    /// A structure, ready to be walked; none where the schema does not have it.
    pub(crate) fn plan(&self, structure: &str) -> Option<&Arc<Plan>> {
        let all = || self.structures().map(|structure| (structure.id.clone(), OnceLock::new())).collect();
        let plan = self.plans.structures.get_or_init(all).get(structure)?;
        let structure = self.structure(structure)?;
        Some(plan.get_or_init(|| Arc::new(Plan::of(structure))))
    }

    /// All segments, ready to be checked.
    pub(crate) fn field_plans(&self) -> &FieldPlans {
        self.plans.fields.get_or_init(|| FieldPlans::of(self))
    }
}
