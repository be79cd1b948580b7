//! What differs between two messages, and how it looks.

use std::collections::{BTreeMap, BTreeSet};

use anstyle::Style;
use hl7::Segment;
use serde_json::{Value, json};

use super::align::Unit;
use super::draw::visible;
use super::parts::Place;
use super::tree::NULL;
use super::words::Words;
use crate::output::{Screen, colour};

/// What became of a value or a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Kind {
    #[default]
    Changed,
    Added,
    Removed,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Changed => "changed",
            Kind::Added => "added",
            Kind::Removed => "removed",
        }
    }

    fn mark(self) -> (&'static str, Style) {
        match self {
            Kind::Changed => ("~", colour::WARNING),
            Kind::Added => ("+", colour::RESPONSE),
            Kind::Removed => ("-", colour::ERROR),
        }
    }
}

/// One thing that differs.
#[derive(Debug, Clone, Default)]
pub(super) struct Change {
    pub(super) kind: Kind,
    /// The segment in the old message, or in the new one where it is added.
    pub(super) label: String,
    /// The segment in the new message.
    pub(super) new_label: String,
    /// The segment's name.
    pub(super) segment: String,
    /// The place in the segment, as in `5.1`; empty for the whole segment.
    pub(super) place: String,
    /// What stands at that place is called.
    pub(super) name: String,
    pub(super) old: String,
    pub(super) new: String,
}

/// The values that differ between two segments that belong together.
pub(super) fn between(old: &Unit, new: &Unit, segment: &Segment<'_>, words: &Words) -> Vec<Change> {
    let side = |unit: &Unit| unit.values.iter().cloned().collect::<BTreeMap<Place, String>>();
    let (olds, news) = (side(old), side(new));
    let places: BTreeSet<Place> = olds.keys().chain(news.keys()).copied().collect();
    let differing = places.iter().filter(|place| olds.get(place) != news.get(place));
    let changes = differing.map(|place| {
        let value = |side: &BTreeMap<Place, String>| side.get(place).cloned().unwrap_or_default();
        let (old, new) = (value(&olds), value(&news));
        let kind = match (old.is_empty(), new.is_empty()) {
            (true, _) => Kind::Added,
            (_, true) => Kind::Removed,
            _ => Kind::Changed,
        };
        let place = shown(*place, &places);
        Change { kind, name: words.at(segment, &place), place, old, new, ..Change::default() }
    });
    changes.collect()
}

/// A place as people write it: `8`, `5.1`, `3[2].4.1`; only as deep as the values go on either side.
fn shown(place: Place, all: &BTreeSet<Place>) -> String {
    let of_field = || all.iter().filter(|other| other.field == place.field);
    let repeats = of_field().any(|other| other.repetition > 1);
    let of_repetition = || of_field().filter(|other| other.repetition == place.repetition);
    let subcomponents =
        of_repetition().any(|other| other.component == place.component && other.subcomponent > 1);
    let components = subcomponents || of_repetition().any(|other| other.component > 1);
    let mut text = place.field.to_string();
    if repeats {
        text += &format!("[{}]", place.repetition);
    }
    if components {
        text += &format!(".{}", place.component);
    }
    if subcomponents {
        text += &format!(".{}", place.subcomponent);
    }
    text
}

impl Change {
    /// Whether it is a set id that only counts the segments, here and there: a segment was added or
    /// removed before it, and that is told.
    pub(super) fn is_renumbered(&self) -> bool {
        let number = |label: &str| {
            label.split_once('[').map_or("1", |(_, rest)| rest.trim_end_matches(']')).to_owned()
        };
        self.place == "1"
            && self.name.starts_with("Set ID")
            && self.old == number(&self.label)
            && self.new == number(&self.new_label)
    }

    pub(super) fn object(&self) -> Value {
        let whole = self.place.is_empty();
        let path = if whole { self.label.clone() } else { format!("{}-{}", self.label, self.place) };
        let name = if whole { &self.segment } else { &self.name };
        let side = |text: &str| if text.is_empty() { Value::Null } else { json!(text) };
        let mut object = json!({ "path": path, "name": name, "change": self.kind.name(),
            "old": side(&self.old), "new": side(&self.new) });
        if !self.new_label.is_empty() && self.new_label != self.label {
            object["new_segment"] = json!(self.new_label);
        }
        object
    }
}

/// The changes of one pair of messages: headings of segments, and below them what differs, aligned.
pub(super) fn draw(screen: &Screen, changes: &[Change]) -> String {
    let width = |of: fn(&Change) -> &str, most: usize| {
        let widths =
            changes.iter().filter(|change| !change.place.is_empty()).map(|change| of(change).chars().count());
        widths.max().unwrap_or(0).min(most)
    };
    let widths = [
        width(|change| &change.place, 20),
        width(|change| &change.name, 40),
        width(|change| &change.old, 32),
    ];
    let (mut text, mut open) = (String::new(), None);
    for change in changes {
        let (mark, style) = change.kind.mark();
        if change.place.is_empty() {
            let line = visible(if change.kind == Kind::Added { &change.new } else { &change.old });
            let head = format!("{mark} {}", change.label);
            text += &format!(
                "  {}  {}\n      {}\n",
                screen.paint(style.bold(), &head),
                change.segment,
                screen.paint(style, &line)
            );
            open = None;
            continue;
        }
        let heading = (&change.label, &change.new_label);
        if open.replace(heading) != Some(heading) {
            let label = screen.paint(colour::BOLD, &change.label);
            let other = match change.new_label == change.label {
                true => String::new(),
                false => screen.paint(colour::DIM, &format!("  ({} in the new one)", change.new_label)),
            };
            text += format!("  {label}  {}{other}", change.segment).trim_end();
            text.push('\n');
        }
        text += &line(screen, change, widths);
    }
    text
}

fn line(screen: &Screen, change: &Change, [place, name, old]: [usize; 3]) -> String {
    let (mark, style) = change.kind.mark();
    let pad = |text: &str, width: usize| " ".repeat(width.saturating_sub(text.chars().count()));
    let value = |text: &str| if text == NULL { format!("{NULL} (null)") } else { visible(text) };
    let (before, after) = (value(&change.old), value(&change.new));
    let mut text = format!(
        "    {} {}{}  {}{}  ",
        screen.paint(style, mark),
        screen.paint(colour::PLACE, &change.place),
        pad(&change.place, place),
        change.name,
        pad(&change.name, name),
    );
    text += &match change.kind {
        Kind::Removed => screen.paint(colour::ERROR, &before),
        _ => format!(
            "{}{}  {}  {}",
            screen.paint(colour::ERROR, &before),
            pad(&before, old),
            screen.paint(colour::DIM, "→"),
            screen.paint(colour::RESPONSE, &after)
        ),
    };
    text + "\n"
}
