//! Steps that are done or not: conditions and values that decide it, and which of them are never done.

use super::super::def::CaseDef;
use super::{Action, Read, Step, StepDef, Steps};
use crate::Expr;

impl Steps<'_, '_> {
    pub(super) fn branches(
        &mut self,
        text: &str,
        then: &[StepDef],
        otherwise: &[StepDef],
        place: &str,
    ) -> Option<Action> {
        let condition = self.expr(text, true, "if", place);
        match condition.as_ref().and_then(Expr::constant) {
            Some(true) if !otherwise.is_empty() => {
                self.never(place, "else", "these steps are never done: the condition always holds");
            }
            Some(false) if !then.is_empty() => {
                self.never(place, "then", "these steps are never done: the condition never holds");
            }
            _ => {}
        }
        let then = self.list(then, &format!("{place}.then"));
        let otherwise = self.list(otherwise, &format!("{place}.else"));
        Some(Action::If { condition: Read::new(condition?, text), then, otherwise })
    }

    /// Tells that something is never done.
    fn never(&mut self, place: &str, key: &str, message: &str) {
        self.report(place).whole(key, false, message, None);
    }

    pub(super) fn switch(
        &mut self,
        text: &str,
        cases: &[(String, Vec<StepDef>)],
        default: &[StepDef],
        place: &str,
    ) -> Option<Action> {
        let value = self.expr(text, false, "switch", place);
        let mut case = |(case, steps): &(String, Vec<StepDef>)| {
            (case.clone(), self.list(steps, &format!("{place}.cases.{case}")))
        };
        let cases: Vec<_> = cases.iter().map(&mut case).collect();
        let default = self.list(default, &format!("{place}.default"));
        Some(Action::Switch { value: Read::new(value?, text), cases, default })
    }

    /// Cases with a condition each, of which the first that holds is done.
    pub(super) fn choose(&mut self, cases: &[CaseDef], default: &[StepDef], place: &str) -> Option<Action> {
        // All conditions so far, and the case that takes everything, counted from 1.
        let mut asked: Vec<String> = Vec::new();
        let mut always: Option<usize> = None;
        let mut compiled: Vec<(Read<Expr>, Vec<Step>)> = Vec::new();
        for (at, case) in cases.iter().enumerate() {
            let own = format!("{place}.switch[{at}]");
            let condition = self.expr(&case.when, true, "when", &own);
            let constant = condition.as_ref().and_then(Expr::constant);
            let text = condition.as_ref().map(Expr::to_string).unwrap_or_default();
            let same = asked.iter().position(|other| condition.is_some() && *other == text);
            if let Some(first) = always {
                let message = format!("this case is never reached: case {first} always holds");
                self.never(&own, "when", &message);
            } else if let Some(first) = same {
                let message = format!("this case is never reached: case {} asks the same", first + 1);
                self.never(&own, "when", &message);
            } else if constant == Some(false) {
                self.never(&own, "do", "these steps are never done: the condition never holds");
            }
            if constant == Some(true) {
                always.get_or_insert(at + 1);
            }
            asked.push(text);
            let steps = self.list(&case.steps, &format!("{own}.do"));
            compiled.extend(condition.map(|condition| (Read::new(condition, &case.when), steps)));
        }
        if let (Some(first), false) = (always, default.is_empty()) {
            self.never(place, "default", &format!("these steps are never done: case {first} always holds"));
        }
        let default = self.list(default, &format!("{place}.default"));
        (compiled.len() == cases.len()).then_some(Action::Choose { cases: compiled, default })
    }
}
