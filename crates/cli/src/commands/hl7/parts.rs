//! The parts of a segment, each with its place: what `show`, `diff` and `anonymize` walk over.

use std::collections::HashMap;

use hl7::{Message, Segment, Separators};

/// Where a value stands in a segment; each number counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place {
    pub(super) field: usize,
    pub(super) repetition: usize,
    pub(super) component: usize,
    pub(super) subcomponent: usize,
}

/// A value that has no parts.
#[derive(Clone, Copy)]
pub(super) struct Leaf<'a> {
    pub(super) place: Place,
    /// As it stands in the message.
    pub(super) raw: &'a str,
}

/// The parts of a text between separators; the text itself where there is no such separator.
pub(super) fn between(text: &str, separator: Option<u8>) -> impl Iterator<Item = &str> {
    text.split(move |char| separator.is_some_and(|separator| char == separator as char))
}

/// Whether a field is one value whatever stands in it: MSH-1 and MSH-2 are the separators themselves.
pub(super) fn is_opaque(segment: &Segment<'_>, field: usize) -> bool {
    segment.id() == "MSH" && field <= 2
}

/// All values of a segment that are not empty.
pub(super) fn leaves<'a>(segment: &Segment<'a>, separators: &Separators) -> Vec<Leaf<'a>> {
    let mut leaves = Vec::new();
    for (at, field) in segment.fields().enumerate() {
        let opaque = is_opaque(segment, at + 1);
        let unless = |separator: Option<u8>| separator.filter(|_| !opaque);
        for (repetition, repeat) in between(field, unless(separators.repetition)).enumerate() {
            for (component, part) in between(repeat, unless(Some(separators.component))).enumerate() {
                let subcomponents = between(part, unless(separators.subcomponent)).enumerate();
                leaves.extend(subcomponents.filter(|(_, raw)| !raw.is_empty()).map(|(subcomponent, raw)| {
                    let place = Place {
                        field: at + 1,
                        repetition: repetition + 1,
                        component: component + 1,
                        subcomponent: subcomponent + 1,
                    };
                    Leaf { place, raw }
                }));
            }
        }
    }
    leaves
}

/// Where `part` begins in the message's text, of which it is a slice.
pub(super) fn offset_of(message: &Message, part: &str) -> usize {
    part.as_ptr() as usize - message.text().as_ptr() as usize
}

/// What the segments are called, in their order: `PID`, and `OBX[2]` where there are several.
pub(super) fn labels(message: &Message) -> Vec<String> {
    let mut total: HashMap<&str, usize> = HashMap::new();
    message.segments().for_each(|segment| *total.entry(segment.id()).or_default() += 1);
    let mut met: HashMap<&str, usize> = HashMap::new();
    let mut labels = Vec::new();
    for segment in message.segments() {
        let number = met.entry(segment.id()).or_default();
        *number += 1;
        // What is no segment may be anything, and be long.
        let id = if segment.is_well_formed() { segment.id() } else { "(no segment)" };
        labels.push(if total[segment.id()] > 1 { format!("{id}[{number}]") } else { id.to_owned() });
    }
    labels
}
