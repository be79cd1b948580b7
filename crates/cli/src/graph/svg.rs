//! The diagram as a picture that needs nothing beside itself.

use super::layers::{Cell, Layers};
use super::{Graph, Node};
use crate::output::shortened;
use crate::output::svg::{STYLE, escape, tint, width};

const MARGIN: f64 = 24.0;
const TOP: f64 = 116.0;
const CARD_HEIGHT: f64 = 66.0;
const ROW: f64 = 88.0;
const SLOT: f64 = 26.0;
const CHANNEL: f64 = 118.0;
const PADDING: f64 = 18.0;

const GRAPH_STYLE: &str = "\
.edge{stroke:var(--blue);stroke-width:1.8;fill:none;opacity:.85}.uses{stroke:var(--muted);stroke-width:1.4;stroke-dasharray:4 4;fill:none}\
.tip{fill:var(--blue)}.off{opacity:.45}.lamp{fill:var(--green)}.off .lamp{fill:var(--muted)}\
";

/// Draws a diagram.
pub(crate) fn draw(graph: &Graph) -> String {
    let layers = Layers::of(graph);
    let cards = layers.columns.iter().map(|cells| card_width(graph, cells)).collect();
    Drawing { graph, layers: &layers, cards }.finish()
}

/// The width of a column's cards: that of its longest words.
fn card_width(graph: &Graph, cells: &[Cell]) -> f64 {
    let nodes = cells.iter().filter_map(|cell| match cell {
        Cell::Node(node) => Some(&graph.nodes[*node]),
        Cell::Slot(_) => None,
    });
    let widest = nodes.flat_map(|node| {
        [width(&node.name, 13.0) + 58.0, width(&node.component, 12.5) + 44.0, width(&node.place, 11.0) + 48.0]
    });
    widest.fold(180.0, f64::max).min(400.0)
}

struct Drawing<'a> {
    graph: &'a Graph,
    layers: &'a Layers,
    /// The width of each column's cards.
    cards: Vec<f64>,
}

impl Drawing<'_> {
    fn left(&self, column: usize) -> f64 {
        MARGIN + PADDING + self.cards[..column].iter().map(|card| card + CHANNEL).sum::<f64>()
    }

    fn right(&self, column: usize) -> f64 {
        self.left(column) + self.cards[column]
    }

    /// The height of a column's cells, to set them in the middle of the picture.
    fn height(&self, column: usize) -> f64 {
        let cell = |cell: &Cell| if matches!(cell, Cell::Node(_)) { ROW } else { SLOT };
        self.layers.columns[column].iter().map(cell).sum()
    }

    fn tallest(&self) -> f64 {
        (0..self.layers.columns.len()).map(|column| self.height(column)).fold(0.0, f64::max)
    }

    /// The middle of a cell.
    fn middle(&self, column: usize, place: usize) -> f64 {
        let start = TOP + (self.tallest() - self.height(column)) / 2.0;
        let cells = &self.layers.columns[column];
        let above: f64 =
            cells[..place].iter().map(|cell| if matches!(cell, Cell::Node(_)) { ROW } else { SLOT }).sum();
        start + above + if matches!(cells[place], Cell::Node(_)) { ROW / 2.0 } else { SLOT / 2.0 }
    }

    fn finish(&self) -> String {
        let last = self.cards.len().checked_sub(1);
        let wide = last.map_or(400.0, |last| self.right(last)) + PADDING + MARGIN;
        let high = TOP + self.tallest() + PADDING + MARGIN;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {wide:.0} {high:.0}\" width=\"{wide:.0}\" height=\"{high:.0}\" role=\"img\">\
             <title>{name}</title><style>{STYLE}{GRAPH_STYLE}</style>\
             <rect width=\"100%\" height=\"100%\" style=\"fill:var(--bg)\"/>\
             <text x=\"{MARGIN}\" y=\"46\" class=\"title\">{name}</text>\n",
            name = escape(&self.graph.name)
        );
        self.groups(high, &mut svg);
        for line in &self.layers.lines {
            svg += &self.line(line.column, line.from, line.to);
        }
        self.uses(&mut svg);
        for (column, cells) in self.layers.columns.iter().enumerate() {
            for (place, cell) in cells.iter().enumerate() {
                let (x, y) = (self.left(column), self.middle(column, place));
                match cell {
                    Cell::Node(node) => card(&self.graph.nodes[*node], self.cards[column], x, y, &mut svg),
                    Cell::Slot(_) => {
                        svg += &format!(
                            "<path d=\"M{x:.0} {y:.0}h{:.0}\" class=\"edge\"/>\n",
                            self.cards[column]
                        );
                    }
                }
            }
        }
        svg + "</svg>\n"
    }

    /// The tinted fields behind services, processes and operations.
    fn groups(&self, high: f64, svg: &mut String) {
        let kind = |column: usize| {
            self.layers.columns[column].iter().find_map(|cell| match cell {
                Cell::Node(node) => Some(self.graph.nodes[*node].kind),
                Cell::Slot(_) => None,
            })
        };
        let columns: Vec<_> = (0..self.layers.columns.len()).collect();
        for group in columns.chunk_by(|one, other| kind(*one) == kind(*other)) {
            let (Some(kind), [first, ..]) = (kind(group[0]), group) else { continue };
            let x = self.left(*first) - PADDING;
            let wide = self.right(group[group.len() - 1]) + PADDING - x;
            let (top, tall) = (TOP - 42.0, high - MARGIN - TOP + 42.0);
            let title = match tint(kind) {
                "process" => "PROCESSES".to_owned(),
                other => other.to_uppercase() + "S",
            };
            *svg += &format!(
                "<rect x=\"{x:.0}\" y=\"{top:.0}\" width=\"{wide:.0}\" height=\"{tall:.0}\" rx=\"14\" class=\"{}\"/>\
                 <text x=\"{:.0}\" y=\"{:.0}\" class=\"group\">{title}</text>\n",
                tint(kind),
                x + PADDING,
                TOP - 18.0
            );
        }
    }

    fn line(&self, column: usize, from: usize, to: usize) -> String {
        let (x1, y1) = (self.right(column), self.middle(column, from));
        let (x2, y2) = (self.left(column + 1), self.middle(column + 1, to));
        let tipped = matches!(self.layers.columns[column + 1][to], Cell::Node(_));
        let end = if tipped { x2 - 9.0 } else { x2 };
        let (one, two) = (x1 + CHANNEL * 0.5, x2 - CHANNEL * 0.5);
        let mut svg = format!(
            "<path d=\"M{x1:.0} {y1:.0}C{one:.0} {y1:.0} {two:.0} {y2:.0} {end:.0} {y2:.0}\" class=\"edge\"/>"
        );
        if tipped {
            let back = x2 - 11.0;
            svg += &format!("<path d=\"M{x2:.0} {y2:.0}L{back:.0} {:.0}v10Z\" class=\"tip\"/>", y2 - 5.0);
        }
        svg + "\n"
    }

    /// Dashed lines between an item and what it uses, from edge to edge.
    fn uses(&self, svg: &mut String) {
        let place = |node: usize| {
            self.layers.columns.iter().enumerate().find_map(|(column, cells)| {
                cells.iter().position(|cell| *cell == Cell::Node(node)).map(|place| (column, place))
            })
        };
        for (from, to) in &self.graph.uses {
            let (Some(from), Some(to)) = (place(*from), place(*to)) else { continue };
            let (left, right) = if from.0 < to.0 { (from, to) } else { (to, from) };
            let (x1, y1) = (self.right(left.0), self.middle(left.0, left.1) + 14.0);
            let (x2, y2) = (self.left(right.0), self.middle(right.0, right.1) + 14.0);
            let (one, two) = (x1 + CHANNEL * 0.5, x2 - CHANNEL * 0.5);
            *svg += &format!(
                "<path d=\"M{x1:.0} {y1:.0}C{one:.0} {y1:.0} {two:.0} {y2:.0} {x2:.0} {y2:.0}\" class=\"uses\"/>\n"
            );
        }
    }
}

/// One item.
fn card(node: &Node, wide: f64, x: f64, middle: f64, svg: &mut String) {
    let y = middle - CARD_HEIGHT / 2.0;
    let off = if node.enabled { "" } else { " class=\"off\"" };
    let fits = |size: f64| ((wide - 36.0) / (size * 0.58)) as usize;
    *svg += &format!(
        "<g{off}><title>{name}</title><rect x=\"{x:.0}\" y=\"{y:.0}\" width=\"{:.0}\" height=\"{CARD_HEIGHT:.0}\" rx=\"10\" class=\"card\"/>\
         <circle cx=\"{:.0}\" cy=\"{:.0}\" r=\"4\" class=\"lamp\"/>\
         <text x=\"{:.0}\" y=\"{:.0}\" class=\"name\">{name}</text>\
         <text x=\"{:.0}\" y=\"{:.0}\" class=\"muted\">{}</text>\
         <text x=\"{:.0}\" y=\"{:.0}\" class=\"muted small\">{}</text></g>\n",
        wide,
        x + 18.0,
        y + 20.0,
        x + 32.0,
        y + 25.0,
        x + 32.0,
        y + 41.0,
        escape(&shortened(&node.component, fits(12.5), "…")),
        x + 32.0,
        y + 56.0,
        escape(&shortened(&node.place, fits(11.0), "…")),
        name = escape(&shortened(&node.name, fits(13.0), "…")),
    );
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;
    use crate::output::svg::check_well_formed;

    #[test]
    fn the_picture_is_well_formed_and_has_every_item() {
        for graph in [samples::article(), samples::winding()] {
            let svg = draw(&graph);
            check_well_formed(&svg);
            for node in &graph.nodes {
                assert!(svg.contains(&format!("class=\"name\">{}</text>", node.name)), "{}", node.name);
            }
        }
        assert_eq!(draw(&samples::article()).matches("class=\"uses\"").count(), 1);
    }

    #[test]
    fn names_cannot_break_out() {
        let mut graph = samples::article();
        graph.nodes[0].name = "<a>&\"".into();
        check_well_formed(&draw(&graph));
    }
}
