//! The walk through a structure, segment by segment.

use super::plan::Plan;
use super::{GroupInstance, Place, Problem, ProblemKind, StructureMap};
use crate::schema::Text;

/// How far a place may be from what the structure wants.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Leap {
    /// Nothing is left out.
    None,
    /// What is needed may be left out.
    Needed,
    /// So may be the begin of a group.
    Begin,
}

/// A group that is open.
struct Frame {
    /// The group as it stands in the message.
    group: usize,
    /// The group in the structure.
    node: usize,
    /// The child that the last segment came to.
    at: Option<usize>,
    /// Where the counts of its children begin.
    counts: usize,
}

struct Walk<'p> {
    plan: &'p Plan,
    /// The open groups, the innermost last.
    frames: Vec<Frame>,
    /// How often each child of the open groups stands there.
    counts: Vec<u32>,
    map: StructureMap,
    /// The segment that is being placed.
    segment: usize,
    /// The places that each segment may take, where that is known.
    guide: Option<Vec<Vec<usize>>>,
}

/// Places segments of these ids.
pub(super) fn walk<'a>(
    plan: &Plan,
    ids: impl DoubleEndedIterator<Item = &'a str> + ExactSizeIterator + Clone,
) -> StructureMap {
    let map = walk_by(plan, ids.clone(), None);
    if map.problems.iter().all(|problem| problem.kind == ProblemKind::NotInStructure) {
        return map;
    }
    match plan.follow().guide(plan, ids.clone()) {
        Some(guide) => walk_by(plan, ids, Some(guide)),
        None => map,
    }
}

fn walk_by<'a>(
    plan: &Plan,
    ids: impl ExactSizeIterator<Item = &'a str>,
    guide: Option<Vec<Vec<usize>>>,
) -> StructureMap {
    let places = Vec::with_capacity(ids.len());
    let map = StructureMap { places, groups: Vec::with_capacity(8), problems: Vec::new() };
    let mut walk = Walk { plan, frames: Vec::with_capacity(8), counts: Vec::new(), map, segment: 0, guide };
    walk.open(0, Text::default(), 1);
    for id in ids {
        let place = match plan.number(id) {
            Some(number) => walk.place(number).or_else(|| walk.refuse(ProblemKind::NoPlace)),
            None => walk.wildcard().or_else(|| walk.refuse(ProblemKind::NotInStructure)),
        };
        walk.map.places.push(place);
        walk.segment += 1;
    }
    walk.close_to(0);
    walk.map.problems.sort_by_key(|problem| problem.segment);
    walk.map
}

impl Walk<'_> {
    fn place(&mut self, segment: u16) -> Option<Place> {
        let innermost = self.frames.len() - 1;
        self.onwards(segment, Leap::None)
            .or_else(|| self.wildcard())
            .or_else(|| self.before(segment, innermost..innermost + 1, false))
            .or_else(|| self.onwards(segment, Leap::Needed))
            .or_else(|| self.before(segment, 0..innermost, false))
            .or_else(|| self.onwards(segment, Leap::Begin))
            .or_else(|| self.before(segment, 0..self.frames.len(), true))
    }

    /// The place of whatever may stand there.
    fn wildcard(&mut self) -> Option<Place> {
        self.onwards(self.plan.any?, Leap::None)
    }

    fn refuse(&mut self, kind: ProblemKind) -> Option<Place> {
        self.problem(kind, 0, 0);
        None
    }

    fn problem(&mut self, kind: ProblemKind, group: usize, node: usize) {
        self.map.problems.push(Problem { kind, segment: self.segment, group, node });
    }

    fn count(&mut self, frame: usize, child: usize) -> &mut u32 {
        let Frame { node, counts, .. } = self.frames[frame];
        &mut self.counts[counts + child - self.plan.nodes[node].children.start]
    }

    /// A place at or behind the last one, the innermost group first.
    fn onwards(&mut self, segment: u16, leap: Leap) -> Option<Place> {
        let mut found = None;
        for frame in (0..self.frames.len()).rev() {
            match self.child_of(frame, segment, leap) {
                Ok(Some(child)) if found.is_none() => {
                    found = Some((frame, child));
                    let node = &self.plan.nodes[child];
                    if node.lead == Some(segment) || node.choice {
                        break;
                    }
                }
                // It would begin a group without what that begins with; here is one it does begin.
                Ok(Some(child)) if self.frames[frame].at == Some(child) => {
                    if self.plan.nodes[child].lead == Some(segment) {
                        found = Some((frame, child));
                        break;
                    }
                }
                Ok(_) => {}
                Err(Blocked) => break,
            }
        }
        let (frame, child) = found?;
        Some(self.enter(frame, child, segment, leap))
    }

    /// The child of an open group, from the last one on, that the segment can come to.
    fn child_of(&mut self, frame: usize, segment: u16, leap: Leap) -> Result<Option<usize>, Blocked> {
        let plan = self.plan;
        let Frame { node, at, .. } = self.frames[frame];
        let parent = &plan.nodes[node];
        let range = match at {
            // Of a choice, the one that was chosen.
            Some(at) if parent.choice => at..at + 1,
            Some(at) => at..parent.children.end,
            None => parent.children.clone(),
        };
        for child in range {
            let node = &plan.nodes[child];
            let count = *self.count(frame, child);
            if node.has_room(count) && node.takes(segment, leap == Leap::Begin) && self.is_allowed(child) {
                return Ok(Some(child));
            }
            if leap == Leap::None && node.needed && count == 0 && !parent.choice {
                return Err(Blocked);
            }
        }
        Ok(None)
    }

    /// Whether the guide, if there is one, lets the segment come to that node.
    fn is_allowed(&self, child: usize) -> bool {
        let firsts = |at: usize| self.plan.follow().firsts[child].has(at as u16);
        self.guide.as_ref().is_none_or(|guide| guide[self.segment].iter().any(|at| firsts(*at)))
    }

    /// Puts the segment to a child of an open group; those within it are done.
    fn enter(&mut self, frame: usize, child: usize, segment: u16, leap: Leap) -> Place {
        self.close_to(frame + 1);
        let (mut frame, mut child) = (frame, child);
        loop {
            self.frames[frame].at = Some(child);
            let count = self.count(frame, child);
            *count += 1;
            let count = *count;
            let node = &self.plan.nodes[child];
            if node.segment.is_some() {
                return Place { group: self.frames[frame].group, node: child };
            }
            self.open(child, node.name.clone(), count);
            frame += 1;
            // What begins a group, or is in it, is found in it.
            match self.child_of(frame, segment, leap) {
                Ok(Some(inner)) => child = inner,
                _ => return Place { group: self.frames[frame].group, node: child },
            }
        }
    }

    fn open(&mut self, node: usize, name: Text, number: u32) {
        let parent = self.frames.last().map_or(0, |frame| frame.group);
        let group = self.map.groups.len();
        self.map.groups.push(GroupInstance { name, parent, number, first: self.segment, node });
        self.frames.push(Frame { group, node, at: None, counts: self.counts.len() });
        self.counts.resize(self.counts.len() + self.plan.nodes[node].children.len(), 0);
    }

    /// Ends groups until that many are open, and notes what did not come in them.
    fn close_to(&mut self, open: usize) {
        while self.frames.len() > open {
            let Some(frame) = self.frames.pop() else { return };
            let parent = &self.plan.nodes[frame.node];
            let counts = &self.counts[frame.counts..];
            for (child, count) in parent.children.clone().zip(counts) {
                if *count == 0 && self.plan.nodes[child].needed && !parent.choice {
                    let segment = self.map.groups[frame.group].first;
                    let (kind, group) = (ProblemKind::Missing, frame.group);
                    self.map.problems.push(Problem { kind, segment, group, node: child });
                }
            }
            self.counts.truncate(frame.counts);
        }
    }

    /// A place of its own in one of the open groups, before what came last; with `full`, one where no
    /// more may stand. Where the next segments are looked for does not change.
    fn before(&mut self, segment: u16, frames: std::ops::Range<usize>, full: bool) -> Option<Place> {
        for frame in frames.rev() {
            let Frame { node, group, at, .. } = self.frames[frame];
            let parent = &self.plan.nodes[node];
            let end = if full { parent.children.end } else { at.unwrap_or(parent.children.start) };
            for child in parent.children.start..end {
                let node = &self.plan.nodes[child];
                let count = self.count(frame, child);
                if node.segment == Some(segment) && (full || node.has_room(*count)) && !parent.choice {
                    *count += 1;
                    let kind = if full { ProblemKind::TooMany } else { ProblemKind::OutOfOrder };
                    self.problem(kind, group, child);
                    return Some(Place { group, node: child });
                }
            }
        }
        None
    }
}

/// Something is needed before the segment could stand there.
struct Blocked;
