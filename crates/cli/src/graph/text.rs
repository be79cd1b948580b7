//! The diagram in box characters, or in ASCII.

use std::collections::BTreeSet;

use anstyle::Style;
use model::BusinessType;

use super::Graph;
use super::layers::{Cell, Layers};
use crate::output::canvas::Canvas;
use crate::output::{Screen, colour, shortened};

/// A box is four lines high, and one is left free below it: there the slots are.
const ROW: usize = 5;
/// The line of a box that lines leave from, and the one that they reach: never the same, so that
/// two lines never lie on each other.
const LEAVES: usize = 1;
const ENTERS: usize = 2;
/// The narrowest and the widest box.
const BOX: (usize, usize) = (16, 40);
/// What stands above the boxes.
const TOP: usize = 4;

struct Pen {
    across: char,
    down: char,
    corners: [char; 4],
    tip: char,
    /// By which sides meet: up 1, right 2, down 4, left 8.
    joints: [char; 16],
    more: &'static str,
    arrow: &'static str,
}

const UNICODE: Pen = Pen {
    across: '─',
    down: '│',
    corners: ['╭', '╮', '╰', '╯'],
    tip: '►',
    joints: [' ', '│', '─', '╰', '│', '│', '╭', '├', '─', '╯', '─', '┴', '╮', '┤', '┬', '┼'],
    more: "…",
    arrow: "→",
};

const ASCII: Pen = Pen {
    across: '-',
    down: '|',
    corners: ['+', '+', '+', '+'],
    tip: '>',
    joints: [' ', '|', '-', '+', '|', '|', '+', '+', '-', '+', '-', '+', '+', '+', '+', '+'],
    more: "..",
    arrow: "->",
};

/// Draws a diagram.
pub(crate) fn draw(graph: &Graph, screen: &Screen, ascii: bool) -> String {
    let layers = Layers::of(graph);
    let pen = if ascii { &ASCII } else { &UNICODE };
    let mut drawing = Drawing { graph, layers: &layers, pen, canvas: Canvas::default(), columns: Vec::new() };
    drawing.place(screen.width.unwrap_or(140));
    drawing.heading();
    for column in 0..layers.columns.len() {
        drawing.boxes(column);
    }
    for column in 1..layers.columns.len() {
        drawing.channel(column - 1);
    }
    drawing.rest();
    drawing.canvas.render(screen.colour)
}

/// Where a column begins, and how wide its boxes are.
#[derive(Clone, Copy)]
struct Column {
    left: usize,
    width: usize,
}

struct Drawing<'a> {
    graph: &'a Graph,
    layers: &'a Layers,
    pen: &'static Pen,
    canvas: Canvas,
    columns: Vec<Column>,
}

impl Drawing<'_> {
    /// Gives each column the width of its longest words, and narrows all when the screen is narrow.
    fn place(&mut self, screen: usize) {
        let channels: Vec<usize> =
            (0..self.layers.columns.len()).map(|column| self.channel_width(column)).collect();
        let wanted = |cells: &Vec<Cell>| {
            let words = cells.iter().filter_map(|cell| match cell {
                Cell::Node(node) => {
                    let node = &self.graph.nodes[*node];
                    Some(node.name.chars().count().max(about(node).chars().count()) + 4)
                }
                Cell::Slot(_) => None,
            });
            words.max().unwrap_or(0).clamp(BOX.0, BOX.1)
        };
        let widths: Vec<usize> = self.layers.columns.iter().map(wanted).collect();
        let room = screen.saturating_sub(channels.iter().sum()) / widths.len().max(1);
        let fits = widths.iter().sum::<usize>() + channels.iter().sum::<usize>() <= screen;
        let mut left = 0;
        for (width, channel) in widths.into_iter().zip(channels) {
            let width = if fits { width } else { width.min(room.max(BOX.0)) };
            self.columns.push(Column { left, width });
            left += width + channel;
        }
    }

    /// The cells of a column that lines leave from.
    fn sources(&self, column: usize) -> Vec<usize> {
        let lines = self.layers.lines.iter().filter(|line| line.column == column);
        lines.map(|line| line.from).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Room for a track per source, and for the tips.
    fn channel_width(&self, column: usize) -> usize {
        if column + 1 == self.layers.columns.len() { 0 } else { 2 * self.sources(column).len() + 5 }
    }

    fn heading(&mut self) {
        self.canvas.put(0, &self.graph.name, colour::BOLD);
        self.canvas.go_to(TOP - 2);
        let mut titled = None;
        for (cells, column) in self.layers.columns.iter().zip(&self.columns) {
            let kind = cells.iter().find_map(|cell| match cell {
                Cell::Node(node) => Some(self.graph.nodes[*node].kind),
                Cell::Slot(_) => None,
            });
            if kind != titled {
                self.canvas.put(column.left, title(kind), colour::DIM);
                titled = kind;
            }
        }
    }

    fn boxes(&mut self, column: usize) {
        let Column { left, width } = self.columns[column];
        for (place, cell) in self.layers.columns[column].iter().enumerate() {
            let (top, right) = (TOP + place * ROW, left + width - 1);
            let Cell::Node(node) = *cell else {
                self.canvas.go_to(self.line(column, place, LEAVES));
                self.canvas.fill(left..right + 1, self.pen.across, Style::new());
                continue;
            };
            let node = &self.graph.nodes[node];
            let style = if node.enabled { Style::new() } else { colour::DIM };
            let [north_west, north_east, south_west, south_east] = self.pen.corners;
            for (line, first, last) in [(0, north_west, north_east), (3, south_west, south_east)] {
                self.canvas.go_to(top + line);
                self.canvas.fill(left + 1..right, self.pen.across, style);
                self.canvas.set(left, first, style);
                self.canvas.set(right, last, style);
            }
            let name = if node.enabled { colour::BOLD } else { colour::DIM };
            for (line, text, ink) in [(1, node.name.clone(), name), (2, about(node), colour::DIM)] {
                self.canvas.go_to(top + line);
                self.canvas.put(left + 2, &shortened(&text, width - 4, self.pen.more), ink);
                self.canvas.set(left, self.pen.down, style);
                self.canvas.set(right, self.pen.down, style);
            }
        }
    }

    /// The line of a cell: of a box the asked one, of a slot its only one, which lies where no box
    /// has its lines.
    fn line(&self, column: usize, place: usize, of_box: usize) -> usize {
        let boxes = self.layers.columns[column].iter().filter(|cell| matches!(cell, Cell::Node(_))).count();
        match self.layers.columns[column][place] {
            Cell::Node(_) => TOP + place * ROW + of_box,
            Cell::Slot(_) => TOP + boxes * ROW - 1 + (place - boxes) * ROW,
        }
    }

    /// Draws the lines between a column and the next: each source has a track of its own.
    fn channel(&mut self, column: usize) {
        let begin = self.columns[column].left + self.columns[column].width;
        let end = self.columns[column + 1].left - 1;
        let sources = self.sources(column);
        for (track, source) in sources.iter().enumerate() {
            let track_column = begin + 1 + 2 * track;
            let leaves = self.line(column, *source, LEAVES);
            let lines = self.layers.lines.iter().filter(|line| line.column == column && line.from == *source);
            let entered: Vec<_> =
                lines.map(|line| (line.to, self.line(column + 1, line.to, ENTERS))).collect();
            for across in begin..track_column {
                self.across(leaves, across);
            }
            self.track(track_column, leaves, &entered.iter().map(|(_, line)| *line).collect::<Vec<_>>());
            for (to, line) in entered {
                for across in track_column + 1..end {
                    self.across(line, across);
                }
                let slot = matches!(self.layers.columns[column + 1][to], Cell::Slot(_));
                self.canvas.go_to(line);
                self.canvas.set(end, if slot { self.pen.across } else { self.pen.tip }, Style::new());
            }
        }
    }

    /// Draws one character of a line from left to right; where a track runs, the track is seen, so
    /// that a crossing never looks like a joint.
    fn across(&mut self, line: usize, column: usize) {
        self.canvas.go_to(line);
        if self.canvas.get(column) == ' ' {
            self.canvas.set(column, self.pen.across, Style::new());
        }
    }

    /// Draws a track from where its line leaves to all that are reached.
    fn track(&mut self, column: usize, leaves: usize, entered: &[usize]) {
        let top = entered.iter().copied().chain([leaves]).min().unwrap_or(leaves);
        let bottom = entered.iter().copied().chain([leaves]).max().unwrap_or(leaves);
        for line in top..=bottom {
            let mut sides = 0;
            if line > top {
                sides |= 1;
            }
            if line < bottom {
                sides |= 4;
            }
            if line == leaves {
                sides |= 8;
            }
            if entered.contains(&line) {
                sides |= 2;
                // Another source's line to the same target runs into this one.
                self.canvas.go_to(line);
                if self.canvas.get(column) == self.pen.across {
                    sides |= 8;
                }
            }
            self.canvas.go_to(line);
            self.canvas.set(column, self.pen.joints[sides], Style::new());
        }
    }

    /// What is no line from left to right, in words.
    fn rest(&mut self) {
        let name = |node: usize| self.graph.nodes[node].name.as_str();
        let back = self
            .layers
            .back
            .iter()
            .map(|(from, to)| format!("{} {} {}", name(*from), self.pen.arrow, name(*to)));
        let uses = self.graph.uses.iter().map(|(from, to)| format!("{} uses {}", name(*from), name(*to)));
        let lines: Vec<_> = back.chain(uses).collect();
        if lines.is_empty() {
            return;
        }
        let deepest = self.layers.columns.iter().map(Vec::len).max().unwrap_or(0);
        self.canvas.go_to(TOP + deepest * ROW - 1);
        for line in lines {
            self.canvas.next_line();
            self.canvas.put(0, &line, colour::DIM);
        }
    }
}

/// What a box says about its item.
fn about(node: &super::Node) -> String {
    let off = if node.enabled { "" } else { "off " };
    format!("{off}{} {}", node.component, node.place).trim_end().to_owned()
}

fn title(kind: Option<BusinessType>) -> &'static str {
    match kind {
        Some(BusinessType::BusinessService) => "services",
        Some(BusinessType::BusinessProcess) => "processes",
        Some(BusinessType::BusinessOperation) => "operations",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    fn check(name: &str, graph: &Graph, ascii: bool) {
        let drawn = draw(graph, &Screen { width: Some(100), colour: false }, ascii);
        crate::output::check_snapshot(&format!("graph/{name}.txt"), &drawn);
        assert!(drawn.lines().all(|line| line.chars().count() <= 100), "{drawn}");
    }

    #[test]
    fn the_article_with_box_characters() {
        check("article", &samples::article(), false);
    }

    #[test]
    fn a_winding_production_with_ascii_characters() {
        check("winding", &samples::winding(), true);
        assert!(draw(&samples::winding(), &Screen { width: None, colour: false }, true).is_ascii());
    }

    #[test]
    fn a_production_without_items() {
        let graph = Graph { name: "Empty".into(), nodes: vec![], sends: vec![], uses: vec![] };
        assert_eq!(draw(&graph, &Screen { width: None, colour: false }, false).trim(), "Empty");
    }
}
