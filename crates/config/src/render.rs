//! Findings as a good compiler shows them.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level as Title, Origin, Renderer, Snippet};

use crate::finding::{Finding, Level};
use crate::source::Sources;

/// Every finding with its line underlined, and a closing sum.
pub(crate) fn human(findings: &[Finding], sources: &Sources, colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii);
    let mut text: String = findings.iter().map(|finding| one(finding, sources, &renderer) + "\n\n").collect();
    if let Some(sum) = sum(findings) {
        text += &format!("{sum}\n");
    }
    text
}

fn one(finding: &Finding, sources: &Sources, renderer: &Renderer) -> String {
    let level = match finding.level {
        Level::Error => Title::ERROR,
        Level::Warning => Title::WARNING,
    };
    let source = sources.get(finding.place.file);
    // Only the lines of the place: the snippet needs no more, and a file may be large.
    let lines = source.line_range(finding.line - 1);
    let start = finding.place.range.start.clamp(lines.start, lines.end) - lines.start;
    let end = finding.place.range.end.clamp(lines.start + start, lines.end) - lines.start;
    let snippet = Snippet::source(&source.text[lines])
        .line_start(finding.line)
        .path(&source.name)
        .annotation(AnnotationKind::Primary.span(start..end));
    let title = level.primary_title(finding.text());
    // Of a file that cannot be read, or is empty, there is no line to show.
    let mut group: Group<'_> = match source.text.is_empty() {
        true => title.element(Origin::path(&source.name).line(finding.line).char_column(finding.column)),
        false => title.element(snippet),
    };
    if let Some(help) = &finding.help {
        group = group.element(Title::HELP.message(help));
    }
    renderer.render(&[group])
}

/// `2 errors, 1 warning`; none when there is nothing.
fn sum(findings: &[Finding]) -> Option<String> {
    let count = |level| findings.iter().filter(|finding| finding.level == level).count();
    let part = |number: usize, word: &str| match number {
        0 => None,
        1 => Some(format!("1 {word}")),
        _ => Some(format!("{number} {word}s")),
    };
    let parts: Vec<_> = [part(count(Level::Error), "error"), part(count(Level::Warning), "warning")]
        .into_iter()
        .flatten()
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}
