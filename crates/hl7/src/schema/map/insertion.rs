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
        Some(NewPlace { behind, node })
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
