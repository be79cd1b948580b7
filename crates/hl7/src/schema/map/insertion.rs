//! Where a segment that is not there yet belongs.

use super::StructureMap;
use super::plan::Plan;
use crate::Message;
use crate::schema::{DocType, Schemas};

impl Schemas {
    /// Behind which segment of the message, counted from 0, a new one of that id belongs by the structure;
    /// none where the structure does not say it. `near` is the group that it is to stand in, as the
    /// segments that are there of it; none where it cannot stand there.
    pub fn place_for(
        &self,
        message: &Message,
        doc_type: &DocType,
        id: &str,
        near: &[usize],
    ) -> Option<usize> {
        let plan = self.find(&doc_type.category)?.plan(&doc_type.structure)?;
        behind(&message.map(plan), plan, id, near, message.segments().len())
    }
}

fn behind(map: &StructureMap, plan: &Plan, id: &str, near: &[usize], count: usize) -> Option<usize> {
    let number = plan.number(id)?;
    let order = Order::of(plan);
    let top = near.first().and_then(|line| map.place(*line)).map_or(0, |place| map.groups[place.group].node);
    let of_id = |node: &usize| plan.nodes[*node].segment == Some(number);
    let node = order.nodes.iter().copied().filter(|node| order.is_within(*node, top)).find(of_id)?;
    // What stands in no group says nothing of where a new one belongs.
    let near = if top > 0 { near } else { &[] };
    let lines = || (0..count).filter(|line| near.is_empty() || near.contains(line));
    let placed = |line: usize| map.place(line).map(|place| (line, place.node));
    let is_there = lines().filter_map(placed).any(|(_, own)| own == node);
    let limit = if is_there { order.behind_next(plan, node, top) } else { order.last[node] };
    lines().filter_map(placed).filter(|(_, own)| order.rank[*own] <= limit).map(|(line, _)| line).next_back()
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
