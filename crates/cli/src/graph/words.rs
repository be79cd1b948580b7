//! The diagram as text for other programs: mermaid and Graphviz.

use model::BusinessType;

use super::Graph;

/// The groups of items, from left to right.
const GROUPS: [(BusinessType, &str); 3] = [
    (BusinessType::BusinessService, "services"),
    (BusinessType::BusinessProcess, "processes"),
    (BusinessType::BusinessOperation, "operations"),
];

/// As a mermaid flowchart.
pub(crate) fn mermaid(graph: &Graph) -> String {
    let mut text = format!("---\ntitle: {}\n---\nflowchart LR\n", graph.name);
    for (kind, title) in GROUPS {
        text += &format!("    subgraph {title}\n        direction TB\n");
        for (i, node) in graph.nodes.iter().enumerate().filter(|(_, node)| node.kind == kind) {
            let (name, component, place) = (quoted(&node.name), &node.component, quoted(&node.place));
            let place = if place.is_empty() { place } else { format!("<br/>{place}") };
            text += &format!("        N{i}[\"<b>{name}</b><br/>{component}{place}\"]\n");
        }
        text += "    end\n";
    }
    for (from, to) in &graph.sends {
        text += &format!("    N{from} --> N{to}\n");
    }
    for (from, to) in &graph.uses {
        text += &format!("    N{to} -.- N{from}\n");
    }
    text
}

/// As Graphviz's dot.
pub(crate) fn dot(graph: &Graph) -> String {
    let mut text = format!(
        "digraph \"{}\" {{\n    rankdir=LR\n    node [shape=box style=rounded fontname=\"sans-serif\"]\n",
        escaped(&graph.name)
    );
    for (kind, title) in GROUPS {
        text += &format!("    subgraph {title} {{\n");
        for (i, node) in graph.nodes.iter().enumerate().filter(|(_, node)| node.kind == kind) {
            let words: Vec<_> = [&node.name, &node.component, &node.place]
                .into_iter()
                .filter(|word| !word.is_empty())
                .map(|word| escaped(word))
                .collect();
            let off = if node.enabled { "" } else { " style=\"rounded,dashed\"" };
            text += &format!("        n{i} [label=\"{}\"{off}]\n", words.join("\\n"));
        }
        text += "    }\n";
    }
    for (from, to) in &graph.sends {
        text += &format!("    n{from} -> n{to}\n");
    }
    for (from, to) in &graph.uses {
        text += &format!("    n{to} -> n{from} [style=dashed dir=none constraint=false]\n");
    }
    text + "}\n"
}

fn quoted(text: &str) -> String {
    text.replace('"', "#quot;").replace('<', "#lt;").replace('>', "#gt;")
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn both_forms_say_everything() {
        crate::output::check_snapshot("graph/mermaid.txt", &mermaid(&samples::article()));
        crate::output::check_snapshot("graph/dot.txt", &dot(&samples::winding()));
    }

    #[test]
    fn names_cannot_break_out() {
        let mut graph = samples::article();
        graph.nodes[0].name = "a\"]<b>\\".into();
        assert!(mermaid(&graph).contains("a#quot;]#lt;b#gt;\\"));
        assert!(dot(&graph).contains("label=\"a\\\"]<b>\\\\\\n"));
    }
}
