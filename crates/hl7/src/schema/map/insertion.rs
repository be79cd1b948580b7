//! Where a segment that is not there yet belongs.

use std::sync::Arc;

use super::plan::Plan;
use crate::Message;
use crate::schema::{DocType, Schemas};

/// The places that the segments of a message have in its structure, while segments are inserted and removed.
pub struct Places {
    plan: Arc<Plan>,
    order: Order,
    /// The node of each segment; none where it has no place.
    nodes: Vec<Option<usize>>,
}

/// Where a new segment belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewPlace {
    /// The segment that it stands behind, counted from 0.
    pub behind: usize,
    node: usize,
}

impl Schemas {
    /// The places of a message's segments; none where its structure is not known.
    pub fn places(&self, message: &Message, doc_type: &DocType) -> Option<Places> {
        let plan = self.find(&doc_type.category)?.plan(&doc_type.structure)?.clone();
        let map = message.map(&plan);
        let nodes = (0..message.lines().len()).map(|line| map.place(line).map(|place| place.node)).collect();
        Some(Places { order: Order::of(&plan), plan, nodes })
    }
}

impl Places {
    /// Where a new segment of that id belongs; none where the structure does not say it. `near` is the
    /// group that it is to stand in, as the segments that are there of it; none where it cannot stand there.
    pub fn find(&self, id: &str, near: &[usize]) -> Option<NewPlace> {
        let Places { plan, order, nodes } = self;
        let number = plan.number(id)?;
        let node_of = |line: usize| nodes.get(line).copied().flatten();
        let top = near.first().and_then(|line| node_of(*line)).map_or(0, |node| order.parent[node]);
        let of_id = |node: &usize| plan.nodes[*node].segment == Some(number);
        let node = order.nodes.iter().copied().filter(|node| order.is_within(*node, top)).find(of_id)?;
        // What stands in no group says nothing of where a new one belongs.
        let near = if top > 0 { near } else { &[] };
        // Loops add where they added before, which is looked at first.
        let last = |wanted: &dyn Fn(usize) -> bool| {
            let fits = |line: &usize| node_of(*line).is_some_and(wanted);
            match near {
                [] => (0..nodes.len()).rev().find(fits),
                near => near.iter().rev().copied().find(fits),
            }
        };
        let is_there = last(&|own| own == node).is_some();
        let limit = if is_there { order.behind_next(plan, node, top) } else { order.last[node] };
        let behind = last(&|own| order.rank[own] <= limit)?;
        // Behind a group it stands behind all that goes with it.
        let leaves = node_of(behind).is_some_and(|own| !order.is_within(node, order.parent[own]));
        Some(NewPlace { behind: if leaves { self.with_others(behind) } else { behind }, node })
    }

    /// The last of the segments without a place that stand behind one, to whose group they belong.
    fn with_others(&self, behind: usize) -> usize {
        let others = self.nodes[behind + 1..].iter().take_while(|node| node.is_none());
        behind + others.count()
    }

    /// Where a new group belongs, by the names of the groups that it is in and its own; none where the
    /// structure does not have it. `near` is the group around it, as the segments that are there of it; none
    /// where that is the message.
    pub fn find_group<'n>(&self, names: impl Iterator<Item = &'n str>, near: &[usize]) -> Option<NewPlace> {
        let Places { plan, order, nodes } = self;
        let node = self.group_node(names)?;
        let node_of = |line: usize| nodes.get(line).copied().flatten();
        let last = |wanted: &dyn Fn(usize) -> bool| {
            let fits = |line: &usize| node_of(*line).is_some_and(wanted);
            match near {
                [] => (0..nodes.len()).rev().find(fits),
                near => near.iter().rev().copied().find(fits),
            }
        };
        let is_there = last(&|own| order.is_within(own, node)).is_some();
        let limit = if is_there { order.behind_next(plan, node, 0) } else { order.last[node] };
        let behind = last(&|own| order.rank[own] <= limit)?;
        Some(NewPlace { behind: self.with_others(behind), node })
    }

    /// Whether a group can stand in another one; none where the structure does not have both.
    pub fn is_below<'n>(&self, names: impl Iterator<Item = &'n str>, group: &str) -> Option<bool> {
        let (node, group) = (self.group_node(names)?, self.group_node(std::iter::once(group))?);
        Some(node != group && self.order.is_within(node, group))
    }

    /// The first group of these names, one in the other.
    fn group_node<'n>(&self, names: impl Iterator<Item = &'n str>) -> Option<usize> {
        let Places { plan, order, .. } = self;
        let mut top = 0;
        for name in names {
            let named = |node: &usize| {
                *node != top
                    && order.is_within(*node, top)
                    && plan.nodes[*node].segment.is_none()
                    && plan.is_named(*node, name)
            };
            top = order.nodes.iter().copied().find(named)?;
        }
        (top > 0).then_some(top)
    }

    /// Takes note that the segments of a group are inserted, by their ids; at no place where none is known.
    pub fn insert_group(&mut self, line: usize, place: Option<NewPlace>, ids: &[&str]) {
        let mut before = None;
        let mut nodes: Vec<Option<usize>> = Vec::new();
        for id in ids {
            let node = place.and_then(|place| self.next_in(place.node, before, id));
            before = node.or(before);
            nodes.push(node);
        }
        let line = line.min(self.nodes.len());
        self.nodes.splice(line..line, nodes);
    }

    /// Where a segment stands in a group behind another one: onwards, or else in the innermost group around
    /// that one, which begins again.
    fn next_in(&self, group: usize, before: Option<usize>, id: &str) -> Option<usize> {
        let Places { plan, order, .. } = self;
        let number = plan.number(id)?;
        let all = || {
            let is = |node: &usize| plan.nodes[*node].segment == Some(number);
            order.nodes.iter().copied().filter(is).filter(|node| order.is_within(*node, group))
        };
        let Some(before) = before else { return all().next() };
        if let Some(onwards) = all().find(|node| order.rank[*node] >= order.rank[before]) {
            return Some(onwards);
        }
        let mut around = order.parent[before];
        loop {
            match all().find(|node| order.is_within(*node, around)) {
                Some(node) => return Some(node),
                None if around == group || around == 0 => return None,
                None => around = order.parent[around],
            }
        }
    }

    /// Takes note that a segment is inserted; at no place of the structure where none is known.
    pub fn insert(&mut self, line: usize, place: Option<NewPlace>) {
        self.nodes.insert(line.min(self.nodes.len()), place.map(|place| place.node));
    }

    /// Takes note that a segment is removed.
    pub fn remove(&mut self, line: usize) {
        if line < self.nodes.len() {
            self.nodes.remove(line);
        }
    }
}

/// The nodes of a structure in the order in which their segments stand in a message.
struct Order {
    nodes: Vec<usize>,
    /// The place of each node in that order.
    rank: Vec<usize>,
    /// The place of the last node within each one.
    last: Vec<usize>,
    parent: Vec<usize>,
}

impl Order {
    fn of(plan: &Plan) -> Order {
        let count = plan.nodes.len();
        let mut order =
            Order { nodes: Vec::new(), rank: vec![0; count], last: vec![0; count], parent: vec![0; count] };
        order.go(plan, 0);
        order
    }

    fn go(&mut self, plan: &Plan, node: usize) {
        self.rank[node] = self.nodes.len();
        self.nodes.push(node);
        for child in plan.nodes[node].children.clone() {
            self.parent[child] = node;
            self.go(plan, child);
        }
        self.last[node] = self.nodes.len() - 1;
    }

    fn is_within(&self, node: usize, group: usize) -> bool {
        (self.rank[group]..=self.last[group]).contains(&self.rank[node])
    }

    /// How far one more of a segment may stand: behind the last of its kind if it repeats, else behind
    /// the group around it that does.
    fn behind_next(&self, plan: &Plan, mut node: usize, top: usize) -> usize {
        while node != top && plan.nodes[node].max == Some(1) {
            node = self.parent[node];
        }
        self.last[node]
    }
}
