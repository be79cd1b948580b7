//! Which variables of a flow the steps of a transform read.

use std::collections::BTreeSet;

use super::{Action, Source, Step};

/// The NAMEs of all `context.NAME` in the steps, in those within them, and in transforms that they use.
pub(super) fn of(steps: &[Step]) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for step in steps {
        all.extend(own(&step.action));
        all.extend(step.action.within().into_iter().flat_map(of));
    }
    all
}

/// Those that are named by the step itself.
fn own(action: &Action) -> BTreeSet<String> {
    match action {
        Action::Put { value: Source::Expr(expr), .. } => expr.what.variables().clone(),
        Action::If { condition: expr, .. } | Action::Switch { value: expr, .. } => {
            expr.what.variables().clone()
        }
        Action::Choose { cases, .. } => {
            cases.iter().flat_map(|(condition, _)| condition.what.variables()).cloned().collect()
        }
        Action::Use(other) => other.variables.clone(),
        Action::Trace(text) => text.what.variables().cloned().collect(),
        Action::Put { .. }
        | Action::PutGroups { .. }
        | Action::RemoveGroups(_)
        | Action::Remove(_)
        | Action::Clear(_)
        | Action::ForEach { .. }
        | Action::Code(_) => BTreeSet::new(),
    }
}
