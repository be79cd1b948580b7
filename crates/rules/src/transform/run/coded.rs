//! Steps in code: handed to who runs them, and what they leave taken over.

use hl7::Round;

use super::super::code::{Code, Task, turn};
use super::super::{Transform, TransformError};
use super::{Step, Work, error};
use crate::Facts;

impl Work<'_> {
    pub(super) fn code(
        &mut self,
        transform: &Transform,
        step: &Step,
        code: &Code,
    ) -> Result<(), TransformError> {
        let rounds = self.target_rounds();
        let turn = turn(&self.rounds, &rounds, |round| self.target.round(round));
        let target = self.target.message().clone();
        let Some(runner) = &mut self.aids.runner else {
            return Err(error(transform, step, "", "there is nobody here who runs code".to_owned()));
        };
        let facts = Facts { message: Some(self.source), ..*self.facts };
        let task = Task { source: self.source, target: &target, facts: &facts, turn };
        let left = runner.run(&code.compiled, &task).map_err(|failed| {
            let place = failed.place.and_then(|place| code.def.place(place));
            let (line, column) = place.unwrap_or((step.line, 0));
            TransformError { line, column, ..error(transform, step, "", failed.why) }
        })?;
        let is_changed = left.target.is_some();
        self.tell(transform, step, || {
            format!("code: {}", if is_changed { "changed the target" } else { "nothing changed" })
        });
        self.depth += 1;
        for said in left.said {
            self.tell(transform, step, || said);
        }
        self.depth -= 1;
        if let Some(rebuilt) = left.target {
            self.note_gone(&rebuilt.lines);
            self.target.replace(&rebuilt.message, &rebuilt.lines);
        }
        Ok(())
    }

    /// What the code took out in its turn is not made again by the steps behind.
    fn note_gone(&mut self, lines: &[Option<usize>]) {
        for (round, gone) in self.rounds.iter().zip(&mut self.gone) {
            let (Round::Segment { .. }, Round::Segment { line: Some(line), .. }) =
                (round, self.target.round(round))
            else {
                continue;
            };
            gone.now |= !lines.contains(&Some(line));
        }
    }
}
