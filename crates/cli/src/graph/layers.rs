//! Which item stands in which column, and what runs between two neighbouring columns.
//!
//! A line that passes a column goes through a slot of it, below the items, so that it never runs
//! through one.

use model::BusinessType;

use super::Graph;

/// What stands in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cell {
    /// An item.
    Node(usize),
    /// Where the lines of an item of an earlier column pass.
    Slot(usize),
}

/// A line between neighbouring columns, from a cell of `column` to one of the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Line {
    /// The left column.
    pub(crate) column: usize,
    /// The place in it.
    pub(crate) from: usize,
    /// The place in the next.
    pub(crate) to: usize,
}

/// A diagram in columns.
#[derive(Debug)]
pub(crate) struct Layers {
    /// The columns, from left to right: items first, then slots.
    pub(crate) columns: Vec<Vec<Cell>>,
    /// The lines between them.
    pub(crate) lines: Vec<Line>,
    /// What cannot be drawn from left to right (a production that passed its checks has none).
    pub(crate) back: Vec<(usize, usize)>,
}

impl Layers {
    /// Sets a diagram's items in columns.
    pub(crate) fn of(graph: &Graph) -> Self {
        let column = columns(graph);
        let count = column.iter().max().map_or(0, |last| last + 1);
        let mut columns: Vec<Vec<Cell>> = vec![Vec::new(); count];
        for (node, column) in column.iter().enumerate() {
            columns[*column].push(Cell::Node(node));
        }
        let (onward, back): (Vec<_>, Vec<_>) =
            graph.sends.iter().copied().partition(|(from, to)| column[*from] < column[*to]);
        for &(from, to) in &onward {
            for passed in &mut columns[column[from] + 1..column[to]] {
                if !passed.contains(&Cell::Slot(from)) {
                    passed.push(Cell::Slot(from));
                }
            }
        }
        let mut lines = Vec::new();
        for &(from, to) in &onward {
            for left in column[from]..column[to] {
                let start = if left == column[from] { Cell::Node(from) } else { Cell::Slot(from) };
                let end = if left + 1 == column[to] { Cell::Node(to) } else { Cell::Slot(from) };
                let place = |column: usize, cell| columns[column].iter().position(|other| *other == cell);
                if let (Some(from), Some(to)) = (place(left, start), place(left + 1, end)) {
                    let line = Line { column: left, from, to };
                    if !lines.contains(&line) {
                        lines.push(line);
                    }
                }
            }
        }
        Layers { columns, lines, back }
    }
}

/// The column of each item: services first, operations last, a process behind those that send to it.
fn columns(graph: &Graph) -> Vec<usize> {
    let kind = |node: usize| graph.nodes[node].kind;
    let is_process =
        |node: usize| matches!(kind(node), BusinessType::BusinessProcess | BusinessType::Unknown);
    let mut column: Vec<usize> = (0..graph.nodes.len()).map(|node| usize::from(is_process(node))).collect();
    // As many rounds as there are items: a chain is never longer, and a circle ends as well.
    for _ in 0..graph.nodes.len() {
        for &(from, to) in graph.sends.iter().filter(|(from, to)| is_process(*from) && is_process(*to)) {
            if from != to && column[to] <= column[from] && column[from] < graph.nodes.len() {
                column[to] = column[from] + 1;
            }
        }
    }
    let last = column.iter().max().map_or(0, |last| last + 1);
    for (node, column) in column.iter_mut().enumerate() {
        if kind(node) == BusinessType::BusinessOperation {
            *column = last;
        }
    }
    // A column that nobody stands in is left out.
    let mut used = column.clone();
    used.sort_unstable();
    used.dedup();
    column.iter().map(|column| used.iter().position(|other| other == column).unwrap_or(0)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn services_stand_left_processes_in_the_middle_operations_right() {
        let layers = Layers::of(&samples::article());
        let node = Cell::Node;
        assert_eq!(layers.columns, [[node(0), node(1)], [node(2), node(3)], [node(4), node(5)]]);
        let lines: Vec<_> = layers.lines.iter().map(|line| (line.column, line.from, line.to)).collect();
        assert_eq!(lines, [(0, 0, 0), (0, 0, 1), (1, 0, 0), (1, 0, 1)]);
    }

    #[test]
    fn a_chain_of_processes_takes_columns_and_what_passes_them_takes_slots() {
        let layers = Layers::of(&samples::winding());
        assert_eq!(layers.columns[1], [Cell::Node(2), Cell::Slot(0), Cell::Slot(1)]);
        assert_eq!(layers.columns[2], [Cell::Node(3), Cell::Slot(2), Cell::Slot(1)]);
        assert!(layers.back.is_empty());
    }

    #[test]
    fn a_circle_ends() {
        let mut graph = samples::article();
        graph.sends.extend([(2, 3), (3, 2)]);
        assert!(!Layers::of(&graph).back.is_empty());
    }
}
