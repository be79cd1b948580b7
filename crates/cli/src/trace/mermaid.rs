//! A trace as a mermaid `sequenceDiagram`, for tickets and wikis.

use super::layout::{Picture, Row, Tone};
use model::EventKind;

/// Writes a picture as mermaid text.
pub(crate) fn draw(picture: &Picture) -> String {
    let mut text = format!("---\ntitle: {}\n---\nsequenceDiagram\n", said(&picture.title));
    for group in &picture.groups {
        text += &format!("    box {}\n", group.title);
        for lane in group.first..=group.last {
            text += &format!("        participant L{lane} as {}\n", said(&picture.lanes[lane].name));
        }
        text += "    end\n";
    }
    for row in &picture.rows {
        match row {
            Row::Message(arrow) => {
                let line = match (arrow.tone, arrow.to) {
                    (Tone::Error, Some(_)) if arrow.answers => "--x",
                    (Tone::Error, _) | (_, None) => "-x",
                    (Tone::Request, _) => "->>",
                    (Tone::Response, _) => "-->>",
                };
                let (from, to) = (arrow.from, arrow.to.unwrap_or(arrow.from));
                let (label, status) = (said(&arrow.label), arrow.status);
                text += &format!("    L{from}{line}L{to}: {} {label} ({status})\n", arrow.id);
                if !arrow.trouble.is_empty() {
                    text += &format!("    Note over L{to}: {}\n", said(&arrow.trouble));
                }
            }
            Row::Event(mark) if picture.lanes.is_empty() || mark.kind == EventKind::Trace => {}
            Row::Event(mark) => {
                let lane = mark.lane.unwrap_or(0);
                text += &format!("    Note over L{lane}: {}\n", said(&mark.text));
            }
        }
    }
    if let Some(part) = &picture.part {
        text += &format!("    %% {part}\n");
    }
    text
}

/// `text` without what mermaid would take for its own: line ends, `;`, `#`, and `:` is fine.
fn said(text: &str) -> String {
    let safe = |character: char| match character {
        '#' => "#35;".to_owned(),
        ';' => "#59;".to_owned(),
        '<' => "#lt;".to_owned(),
        '>' => "#gt;".to_owned(),
        control if control.is_control() => " ".to_owned(),
        other => other.to_string(),
    };
    text.chars().map(safe).collect()
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn a_sequence_diagram_of_all_messages() {
        let drawn = draw(&Picture::of(&samples::session()));
        crate::output::check_snapshot("trace/mermaid.txt", &drawn);
    }

    #[test]
    fn nothing_is_taken_for_syntax() {
        assert_eq!(said("a;b\n#<c>"), "a#59;b #35;#lt;c#gt;");
    }
}
