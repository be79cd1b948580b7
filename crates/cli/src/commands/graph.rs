//! `orris graph`: the diagram of a production.

use super::production::Production;
use crate::graph::{Graph as Diagram, svg, text, words};
use crate::output::{Exit, Screen};

/// Draw a production: services left, processes in the middle, operations right
#[derive(Debug, clap::Args)]
pub(crate) struct Graph {
    #[command(flatten)]
    production: Production,
    /// The form of the picture
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Draw with ASCII characters only
    #[arg(long)]
    ascii: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Boxes and lines, for the terminal
    Text,
    /// A mermaid flowchart
    Mermaid,
    /// Graphviz's dot
    Dot,
    /// A picture, light or dark as the reader's system is
    Svg,
}

impl Graph {
    pub(crate) fn run(&self, screen: &Screen) -> Result<(), Exit> {
        let graph = Diagram::of(&self.production.checked()?);
        screen.print(&match self.format {
            Format::Text => text::draw(&graph, screen, self.ascii),
            Format::Mermaid => words::mermaid(&graph),
            Format::Dot => words::dot(&graph),
            Format::Svg => svg::draw(&graph),
        })
    }
}
