//! Whose turn it is in the loops around, and what they have removed.

use hl7::{Path, Round};

use super::Work;

/// What a loop has removed of what it goes over.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Gone {
    /// How many in the rounds before.
    pub(super) before: u32,
    /// Whether the one whose turn it is.
    pub(super) now: bool,
}

impl Gone {
    /// The number that a repetition of the source has in the target.
    fn number(self, number: u32) -> u32 {
        number.saturating_sub(self.before).max(1)
    }
}

impl Work<'_> {
    /// The loop around that goes over the repetitions of this field, by its number.
    pub(super) fn repetition(&self, path: &Path) -> Option<usize> {
        if path.has_repetition() || path.occurrence().is_some() {
            return None;
        }
        self.rounds.iter().rposition(|round| {
            matches!(round, Round::Repetition { id, field, .. }
                if id == path.segment().as_bytes() && Some(*field) == path.field())
        })
    }

    /// The loop around that goes over segments of this id, by its number, where the path means the one
    /// whose turn it is.
    pub(super) fn segment_round(&self, path: &Path) -> Option<usize> {
        let is =
            |round: &Round| matches!(round, Round::Segment { id, .. } if id == path.segment().as_bytes());
        self.rounds.iter().rposition(is).filter(|_| path.occurrence().is_none())
    }

    /// The loop around that goes over groups in which such a segment stands, by its number.
    fn group_round(&self, path: &Path) -> Option<usize> {
        let is = |round: &Round| matches!(round, Round::Group { ids, .. } if ids.iter().any(|id| *id == *path.segment()));
        self.rounds.iter().rposition(is)
    }

    /// Whether the path means a segment or repetition, or something in a group, that was removed when its turn
    /// came: then there is nothing to change any more.
    pub(super) fn is_gone(&self, path: &Path) -> bool {
        let rounds = [self.segment_round(path), self.repetition(path), self.group_round(path)];
        rounds.into_iter().flatten().any(|at| self.gone[at].now)
    }

    /// Whether the path means something in a group that was removed when its turn came.
    pub(super) fn is_group_gone(&self, path: &Path) -> bool {
        self.group_round(path).is_some_and(|at| self.gone[at].now)
    }

    /// The rounds of the loops around, with the repetitions as the target has them.
    pub(super) fn target_rounds(&self) -> Vec<Round> {
        let mut rounds = self.rounds.clone();
        for (round, gone) in rounds.iter_mut().zip(&self.gone) {
            if let Round::Repetition { number, .. } = round {
                *number = if gone.now { u32::MAX } else { gone.number(*number) };
            }
        }
        rounds
    }

    /// The path in the repetition whose turn it is.
    pub(super) fn narrowed(&self, path: &Path) -> Path {
        let number = self.repetition(path).and_then(|at| match &self.rounds[at] {
            Round::Repetition { number, .. } => Some(self.gone[at].number(*number)),
            _ => None,
        });
        number.map_or(*path, |number| path.at_repetition(number))
    }
}
