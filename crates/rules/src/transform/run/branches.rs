//! Steps of which some are done and others are not.

use super::{Read, Step, Work};
use crate::Expr;
use crate::transform::{Transform, TransformError};

impl Work<'_> {
    /// Whether a condition holds.
    pub(super) fn holds(&mut self, condition: &Read<Expr>) -> bool {
        let view = self.view(condition.target);
        condition.what.is_true(&self.facts(&view))
    }

    /// The steps of the case that the value is equal to.
    pub(super) fn switch(
        &mut self,
        transform: &Transform,
        step: &Step,
        value: &Read<Expr>,
        cases: &[(String, Vec<Step>)],
        default: &[Step],
    ) -> Result<(), TransformError> {
        let view = self.view(value.target);
        let found = value.what.eval(&self.facts(&view));
        let case = cases.iter().find(|(case, _)| case == found.text());
        self.tell(transform, step, || match case {
            Some((case, _)) => format!("switch: case \"{case}\""),
            None => format!("switch: \"{}\" is no case", found.text()),
        });
        self.within(transform, case.map_or(default, |(_, steps)| steps))
    }

    /// The steps of the first case whose condition holds.
    pub(super) fn choose(
        &mut self,
        transform: &Transform,
        step: &Step,
        cases: &[(Read<Expr>, Vec<Step>)],
        default: &[Step],
    ) -> Result<(), TransformError> {
        let found = cases.iter().position(|(condition, _)| self.holds(condition));
        self.tell(transform, step, || match found {
            Some(at) => format!("switch: case {}", at + 1),
            None => "switch: no case holds".to_owned(),
        });
        self.within(transform, found.map_or(default, |at| &cases[at].1))
    }
}
