//! A structure made ready to be walked: its tree as one list, with what each part of it can begin with.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::guide::Follow;
use crate::schema::{ANY_SEGMENT, Element, Structure, Text};

/// A structure, made ready. Node 0 is the message itself.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(super) nodes: Vec<Node>,
    /// The ids of its segments, ordered; a segment's number is its place here.
    ids: Vec<Text>,
    /// The number of [`ANY_SEGMENT`], where the structure has it.
    pub(super) any: Option<u16>,
    follow: OnceLock<Follow>,
}

/// A segment or group of a structure. The children of a group lie beside each other, behind it.
#[derive(Debug)]
pub(super) struct Node {
    /// The id of the segment, or the name of the group.
    pub(super) name: Text,
    /// The name that the group has by what it begins with, as in `ORCgrp`.
    pub(super) alias: String,
    /// The number of the segment; none for a group.
    pub(super) segment: Option<u16>,
    /// Whether something is missing where it does not stand: a group of optional parts never is.
    pub(super) needed: bool,
    pub(super) max: Option<u16>,
    pub(super) choice: bool,
    pub(super) children: Range<usize>,
    /// The segment that it begins with when nothing is left out.
    pub(super) lead: Option<u16>,
    /// What it can begin with when nothing is missing.
    starts: Set,
    /// What is in it.
    holds: Set,
}

/// A set of small numbers.
#[derive(Debug, Clone, Default)]
pub(super) struct Set(Vec<u64>);

impl Set {
    pub(super) fn add(&mut self, number: u16) {
        let at = usize::from(number / 64);
        if self.0.len() <= at {
            self.0.resize(at + 1, 0);
        }
        self.0[at] |= 1 << (number % 64);
    }

    pub(super) fn add_all(&mut self, other: &Set) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        self.0.iter_mut().zip(&other.0).for_each(|(to, from)| *to |= from);
    }

    pub(super) fn has(&self, number: u16) -> bool {
        self.0.get(usize::from(number / 64)).is_some_and(|word| word & (1 << (number % 64)) != 0)
    }

    pub(super) fn meets(&self, other: &Set) -> bool {
        self.0.iter().zip(&other.0).any(|(one, other)| one & other != 0)
    }
}

impl Plan {
    pub(crate) fn of(structure: &Structure) -> Plan {
        let mut ids = Vec::new();
        gather(&structure.elements, &mut ids);
        ids.sort();
        ids.dedup();
        let mut plan = Plan {
            nodes: vec![Node::group("".into(), true, Some(1), false)],
            ids,
            any: None,
            follow: OnceLock::new(),
        };
        plan.any = plan.number(ANY_SEGMENT);
        let mut below: Vec<&[Element]> = vec![&structure.elements];
        let mut at = 0;
        while at < plan.nodes.len() {
            let elements = below[at];
            let first = plan.nodes.len();
            plan.nodes[at].children = first..first + elements.len();
            for element in elements {
                plan.nodes.push(plan.node(element));
                below.push(element.elements());
            }
            at += 1;
        }
        // A child lies behind its parent, so that going back all children are known.
        for at in (0..plan.nodes.len()).rev() {
            plan.sum_up(at);
        }
        plan
    }

    fn node(&self, element: &Element) -> Node {
        let needed = element.min > 0;
        let mut node = Node::group(element.name.clone(), needed, element.max, element.is_choice());
        if element.group.is_none() {
            node.segment = self.number(&element.name);
        }
        node
    }

    /// What is known of a node when all is known of its children.
    fn sum_up(&mut self, at: usize) {
        let node = &self.nodes[at];
        let (mut starts, mut holds) = (Set::default(), Set::default());
        if let Some(number) = node.segment {
            starts.add(number);
            self.nodes[at].lead = Some(number);
            self.nodes[at].holds = starts.clone();
            self.nodes[at].starts = starts;
            return;
        }
        let children = &self.nodes[node.children.clone()];
        let mut may_begin = true;
        for child in children {
            holds.add_all(&child.holds);
            if may_begin || node.choice {
                starts.add_all(&child.starts);
            }
            may_begin &= !child.needed;
        }
        let empty = match node.choice {
            true => children.iter().any(|child| !child.needed),
            false => children.iter().all(|child| !child.needed),
        };
        let alias = match children.first() {
            Some(first) if first.segment.is_some() => format!("{}grp", first.name),
            Some(first) => format!("{}grp", first.alias),
            None => String::new(),
        };
        let lead = children.first().and_then(|first| first.lead);
        let node = &mut self.nodes[at];
        node.lead = lead;
        node.needed &= !empty;
        (node.starts, node.holds, node.alias) = (starts, holds, alias);
    }

    /// The number of a segment; none where it is not in the structure.
    pub(super) fn number(&self, id: &str) -> Option<u16> {
        self.ids.binary_search_by(|known| known.as_str().cmp(id)).ok().and_then(|at| at.try_into().ok())
    }

    /// What can stand behind what; made when it is first needed.
    pub(super) fn follow(&self) -> &Follow {
        self.follow.get_or_init(|| Follow::of(self))
    }

    /// Whether a group has that name or alias.
    pub(super) fn is_named(&self, group: usize, name: &str) -> bool {
        let node = &self.nodes[group];
        node.name.eq_ignore_ascii_case(name) || node.alias == name
    }

    /// The ids of the segments that can stand in a node.
    pub(crate) fn segments_of(&self, node: usize) -> Arc<[Text]> {
        let held = self.ids.iter().enumerate().filter(|(at, _)| self.nodes[node].holds.has(*at as u16));
        held.map(|(_, id)| id.clone()).collect()
    }

    /// The name that a group has by what it begins with.
    pub(crate) fn alias(&self, node: usize) -> &str {
        &self.nodes[node].alias
    }

    /// What a node is, as in `segment PV1` or `group ORDER`.
    pub(crate) fn what(&self, node: usize) -> String {
        let node = &self.nodes[node];
        match (node.segment, node.choice) {
            (Some(_), _) => format!("segment {}", node.name),
            (None, false) => format!("group {}", node.name),
            (None, true) => {
                let parts: Vec<_> = node.children.clone().map(|child| &*self.nodes[child].name).collect();
                format!("one of {}", parts.join(", "))
            }
        }
    }
}

impl Node {
    fn group(name: Text, needed: bool, max: Option<u16>, choice: bool) -> Node {
        let (starts, holds) = (Set::default(), Set::default());
        let (alias, segment, lead) = (String::new(), None, None);
        Node { name, alias, segment, needed, max, choice, children: 0..0, lead, starts, holds }
    }

    /// Whether a segment can stand here, or begin the group; with `deep`, anywhere in the group.
    pub(super) fn takes(&self, segment: u16, deep: bool) -> bool {
        match self.segment {
            Some(own) => own == segment,
            None if deep => self.holds.has(segment),
            None => self.starts.has(segment),
        }
    }

    pub(super) fn has_room(&self, count: u32) -> bool {
        self.max.is_none_or(|max| count < u32::from(max))
    }
}

fn gather(elements: &[Element], ids: &mut Vec<Text>) {
    for element in elements {
        match &element.group {
            None => ids.push(element.name.clone()),
            Some(group) => gather(&group.elements, ids),
        }
    }
}
