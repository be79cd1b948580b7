//! Which group of its structure each segment of a message belongs to.
//!
//! A segment is looked for from where the one before it stood, onwards, the innermost group first:
//! the same place again if it repeats, then the places behind it, then the group again if it repeats,
//! then the group around it. The first place that fits is taken: HL7 has no other rule for structures in
//! which a segment could stand at several places, and receivers read them so. But a segment that begins a
//! group that is open again does so, rather than beginning a new inner one without that one's first parts:
//! in OML_O21 an ORC is the next order, and no prior result. And only where that place
//! turns out to be wrong, and the whole message would fit with another one, that one is taken.
//! Where nothing fits, messages as they are sent are met half way, in this order:
//!
//! 1. a place before, in the innermost group: the segment is out of order;
//! 2. a place behind segments that are needed and did not come: they are missing;
//! 3. a place before, in a group around it: out of order;
//! 4. the middle of a group whose begin did not come;
//! 5. a place that is taken already: there are too many of it.
//!
//! What fits nowhere has no place, and moves nothing. The time this takes grows with the number of
//! segments alone.

mod guide;
mod insertion;
mod plan;
mod walk;

use std::sync::Arc;

use crate::schema::Structure;
use crate::{Index, Message};

pub use insertion::{NewPlace, Places};
pub(crate) use plan::Plan;

/// The places of a message's segments in the tree of groups of its structure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StructureMap {
    /// The place of each segment, in their order; none where it has none.
    places: Vec<Option<Place>>,
    /// The groups that are there, each where it begins. The first is the message itself.
    groups: Vec<GroupInstance>,
    /// What does not fit.
    pub(crate) problems: Vec<Problem>,
}

/// Where a segment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The group, by its number in [`StructureMap::groups`].
    pub group: usize,
    node: usize,
}

/// A group as it stands in a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupInstance {
    /// Its name, as in `ORDER_OBSERVATION`; empty for the message itself.
    pub name: super::Text,
    /// The group that it is in, by its number; the message is in itself.
    pub parent: usize,
    /// Which one of the groups of that name in its parent it is, counted from 1.
    pub number: u32,
    /// The segment it begins with, counted from 0.
    pub first: usize,
    node: usize,
}

/// What does not fit into the structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) kind: ProblemKind,
    /// The segment that it is about, counted from 0; for what is missing, the one its group begins with.
    pub(crate) segment: usize,
    pub(crate) group: usize,
    pub(crate) node: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProblemKind {
    /// Something that is needed did not come.
    Missing,
    /// It stands behind what should follow it.
    OutOfOrder,
    /// There are more of it than there may be.
    TooMany,
    /// It is not in the structure.
    NotInStructure,
    /// It is in the structure, and cannot stand there.
    NoPlace,
}

impl StructureMap {
    /// The map of a message. `structure` is the one that the message has.
    pub fn of(message: &Message, structure: &Structure) -> StructureMap {
        Self::by(message, &Plan::of(structure))
    }

    pub(crate) fn by(message: &Message, plan: &Plan) -> StructureMap {
        walk::walk(plan, message.segments().map(|segment| segment.id()))
    }

    /// Where a segment stands, by its number counted from 0; none where it has no place.
    pub fn place(&self, segment: usize) -> Option<Place> {
        self.places.get(segment).copied().flatten()
    }

    /// The groups that are there, each where it begins; the first is the message itself.
    pub fn groups(&self) -> &[GroupInstance] {
        &self.groups
    }

    /// The groups with their numbers from the message on, as in `PATIENT_RESULT[1].ORDER_OBSERVATION[2]`.
    pub fn path(&self, group: usize) -> String {
        let instance = &self.groups[group];
        if group == 0 {
            return String::new();
        }
        let above = self.path(instance.parent);
        let dot = if above.is_empty() { "" } else { "." };
        format!("{above}{dot}{}[{}]", instance.name, instance.number)
    }

    /// A group, the one it is in, and so on up to the message.
    pub(crate) fn around(&self, group: usize) -> impl Iterator<Item = usize> + '_ {
        let up = move |group: &usize| (*group > 0).then(|| self.groups[*group].parent);
        std::iter::successors(Some(group), up)
    }

    /// The segments that can stand in a group, and its other name, as in `ORCgrp`.
    pub(crate) fn describe(&self, plan: &Plan, group: usize) -> (Arc<[super::Text]>, super::Text) {
        let node = self.groups[group].node;
        (plan.segments_of(node), plan.alias(node).into())
    }

    /// The segments of groups, each in order. What has no place, such as a segment of a site, is of the group
    /// that the segment before it is of.
    pub(crate) fn lines_of(&self, groups: &[usize]) -> Vec<Vec<usize>> {
        let mut lines = vec![Vec::new(); groups.len()];
        let mut numbers = vec![None; self.groups.len()];
        groups.iter().enumerate().for_each(|(number, group)| numbers[*group] = Some(number));
        let mut before = 0;
        for (line, place) in self.places.iter().enumerate() {
            let group = place.map_or(before, |place| place.group);
            before = group;
            for number in self.around(group).filter_map(|group| numbers[group]) {
                lines[number].push(line);
            }
        }
        lines
    }

    /// Whether a group is another one, or within it.
    pub(crate) fn is_within(&self, mut group: usize, above: usize) -> bool {
        while group > above {
            group = self.groups[group].parent;
        }
        group == above
    }

    /// The groups of that name or alias within another one, those that the index means.
    pub(crate) fn choose(&self, plan: &Plan, name: &str, above: usize, index: Option<Index>) -> Vec<usize> {
        let named = self.groups.iter().enumerate().skip(1).filter(|(at, group)| {
            plan.is_named(group.node, name) && *at != above && self.is_within(*at, above)
        });
        let mut named = named.map(|(at, _)| at);
        match index {
            Some(Index::All) => named.collect(),
            Some(Index::Last) => named.last().into_iter().collect(),
            Some(Index::Nth(number)) => named.nth(number as usize - 1).into_iter().collect(),
            None => named.next().into_iter().collect(),
        }
    }
}

#[cfg(test)]
mod tests;
