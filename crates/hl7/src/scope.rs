//! What a path without a number means within a loop: the segment, group or repetition whose turn it is.

use std::sync::Arc;

use crate::schema::map::Plan;
use crate::schema::{StructureMap, Text};
use crate::{Index, Message, Path, Segment};

/// What paths refer to within loops, and what is built beside the message. A message gets it by
/// [`Message::within`].
///
/// Within a loop over segments, `OBX` is the one whose turn it is. Within a loop over groups, a segment or
/// group that can stand in the group is looked for in the one whose turn it is, also with a number. Within a
/// loop over repetitions, `PID-3` is the one whose turn it is.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// The rounds of the loops around, the innermost last.
    pub rounds: Vec<Round>,
    /// The message that paths with `target.` lead through.
    pub target: Option<Message>,
}

/// One round of a loop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Round {
    /// A segment.
    Segment {
        /// Its id.
        id: [u8; 3],
        /// Its number in the message, counted from 0; none where there is no such segment yet.
        line: Option<usize>,
    },
    /// A group.
    Group {
        /// What can stand in it.
        ids: Arc<[Text]>,
        /// Its segments, by their numbers in the message, counted from 0.
        lines: Vec<usize>,
        /// Its name and other name, as in `ORDER` and `ORCgrp`.
        names: [Text; 2],
    },
    /// A repetition of a field.
    Repetition {
        /// The id of its segment.
        id: [u8; 3],
        /// The number of its segment in the message, counted from 0; none where there is none yet.
        line: Option<usize>,
        /// The number of the field.
        field: u16,
        /// The number of the repetition, counted from 1.
        number: u32,
    },
}

impl Scope {
    /// The segment of that id whose turn it is.
    pub(crate) fn line(&self, id: &[u8; 3]) -> Option<usize> {
        self.rounds.iter().rev().find_map(|round| match round {
            Round::Segment { id: own, line } if own == id => *line,
            _ => None,
        })
    }

    /// The segments that a path means, by their numbers; none where no loop says it.
    pub(crate) fn lines(&self, message: &Message, path: &Path) -> Option<Vec<usize>> {
        for round in self.rounds.iter().rev() {
            match round {
                Round::Segment { id, line } if *id == path.segment && path.occurrence.is_none() => {
                    return Some(line.iter().copied().collect());
                }
                Round::Repetition { id, line, .. } if *id == path.segment && path.occurrence.is_none() => {
                    return Some(line.iter().copied().collect());
                }
                Round::Group { ids, lines, .. } if ids.iter().any(|id| id.as_bytes() == path.segment) => {
                    let has_id = |line: &usize| {
                        message.segment_at(*line).is_some_and(|segment| segment.has_id(&path.segment))
                    };
                    let mut all = lines.iter().copied().filter(has_id);
                    return Some(match path.occurrence {
                        None => all.next().into_iter().collect(),
                        Some(Index::Nth(number)) => all.nth(number as usize - 1).into_iter().collect(),
                        Some(Index::Last) => all.next_back().into_iter().collect(),
                        Some(Index::All) => all.collect(),
                    });
                }
                _ => {}
            }
        }
        None
    }

    /// The repetition that a path without one means in a segment.
    pub(crate) fn repetition(&self, message: &Message, path: &Path, segment: &Segment<'_>) -> Option<u32> {
        if path.repetition.is_some() || path.field == 0 {
            return None;
        }
        self.rounds.iter().rev().find_map(|round| match round {
            Round::Repetition { id, line: Some(line), field, number }
                if *id == path.segment
                    && *field == path.field
                    && message.segment_at(*line).is_some_and(|own| own.offset == segment.offset) =>
            {
                Some(*number)
            }
            _ => None,
        })
    }

    /// The groups that a path through groups begins at, and how many of its steps lead there.
    pub(crate) fn begin(
        &self,
        plan: &Plan,
        map: &StructureMap,
        first: Option<(&str, Option<Index>)>,
    ) -> (Vec<usize>, usize) {
        let Some((name, index)) = first else { return (vec![0], 0) };
        for round in self.rounds.iter().rev() {
            let Round::Group { lines, names, .. } = round else { continue };
            let own = lines.first().and_then(|line| map.place(*line)).map(|place| place.group);
            let named = |group: &usize| names[0] == map.groups()[*group].name;
            let Some(group) = own.and_then(|group| map.around(group).find(named)) else { continue };
            if index.is_none() && (names[0].eq_ignore_ascii_case(name) || names[1] == *name) {
                return (vec![group], 1);
            }
            if !map.choose(plan, name, group, Some(Index::All)).is_empty() {
                return (vec![group], 0);
            }
        }
        (vec![0], 0)
    }
}
