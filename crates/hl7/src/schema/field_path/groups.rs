//! Groups of a path: whether some structure has them, one in the other.

use super::PathContext;
use super::read::{Step, error};
use crate::PathError;
use crate::schema::{Element, Structure};
use crate::suggest::did_you_mean;

/// The name that a group has by what it begins with, as in `ORCgrp`.
pub(crate) fn alias(group: &Element) -> String {
    let mut first = group;
    let mut depth = 0;
    while let Some(inner) = first.elements().first() {
        depth += 1;
        first = inner;
    }
    format!("{}{}", first.name, "grp".repeat(depth))
}

/// Whether a step of a path means a group.
pub(crate) fn is_named(name: &str, alias: &str, step: &str) -> bool {
    name.eq_ignore_ascii_case(step) || alias == step
}

/// All groups at any depth.
fn all<'e>(elements: &'e [Element], into: &mut Vec<&'e Element>) {
    for element in elements.iter().filter(|element| element.group.is_some()) {
        into.push(element);
        all(element.elements(), into);
    }
}

fn below(elements: &[Element]) -> Vec<&Element> {
    let mut groups = Vec::new();
    all(elements, &mut groups);
    groups
}

/// What a structure makes of groups.
enum Found<'e> {
    /// It has no such group, or not there: the number of the first step that is not.
    Not(usize),
    /// A step means groups of different names.
    Ambiguous(usize, &'e str, &'e str),
    All,
}

fn find<'e>(structure: &'e Structure, steps: &[Step<'_>], segment: Option<&str>) -> Found<'e> {
    let mut elements: Vec<&Element> = below(&structure.elements);
    for (at, step) in steps.iter().enumerate() {
        let named: Vec<&Element> =
            elements.into_iter().filter(|group| is_named(&group.name, &alias(group), step.word)).collect();
        let Some(first) = named.first() else { return Found::Not(at) };
        if let Some(other) = named.iter().find(|other| other.name != first.name) {
            return Found::Ambiguous(at, &first.name, &other.name);
        }
        let last = at + 1 == steps.len();
        if let (true, Some(segment)) = (last, segment) {
            let has = |group: &&Element| group.elements().iter().any(|element| element.has_segment(segment));
            return if named.iter().any(has) { Found::All } else { Found::Not(at + 1) };
        }
        elements = named.iter().flat_map(|group| below(group.elements())).collect();
    }
    Found::All
}

/// Whether a structure has groups of these names, one in the other.
pub(super) fn has<'n>(structure: &Structure, names: impl Iterator<Item = &'n str>) -> bool {
    let mut elements: Vec<&Element> = below(&structure.elements);
    let mut found = true;
    for name in names {
        let named = elements.into_iter().filter(|group| is_named(&group.name, &alias(group), name));
        let named: Vec<&Element> = named.collect();
        found = !named.is_empty();
        elements = named.iter().flat_map(|group| below(group.elements())).collect();
    }
    found
}

/// Whether the first step is a group of some structure.
pub(super) fn is_known(steps: &[Step<'_>], context: &PathContext) -> bool {
    let known = |structure: &Structure| !matches!(find(structure, &steps[..1], None), Found::Not(_));
    !steps.is_empty() && context.all().any(|schema| schema.structures().any(known))
}

/// Whether some structure has the groups one in the other, with the segment in the last.
pub(super) fn check(
    text: &str,
    steps: &[Step<'_>],
    segment: Option<&Step<'_>>,
    context: &PathContext,
) -> Result<(), PathError> {
    let id = segment.map(|segment| segment.word);
    let mut ambiguous = None;
    // The furthest that a structure came.
    let mut furthest = 0;
    for schema in context.all() {
        for structure in schema.structures() {
            match find(structure, steps, id) {
                Found::All => return Ok(()),
                Found::Not(at) => furthest = furthest.max(at),
                Found::Ambiguous(at, one, other) => {
                    ambiguous.get_or_insert_with(|| {
                        let step = &steps[at];
                        let doc_type = format!("{}:{}", schema.name(), structure.id);
                        let message = format!("\"{}\" can be {one} and {other} in {doc_type}", step.word);
                        let mut error = error(text, step.range(), message);
                        error.help = Some(format!("write {one} or {other}"));
                        error
                    });
                }
            }
        }
    }
    Err(ambiguous.unwrap_or_else(|| unknown(text, steps, segment, context, furthest)))
}

fn unknown(
    text: &str,
    steps: &[Step<'_>],
    segment: Option<&Step<'_>>,
    context: &PathContext,
    furthest: usize,
) -> PathError {
    let said = context.said();
    let Some(step) = steps.get(furthest) else {
        let (group, segment) = (steps.last(), segment.map_or("", |segment| segment.word));
        let group = group.map_or("", |group| group.word);
        let range = text.len()..text.len();
        let message = format!("no structure of {said} has a segment {segment} in group {group}");
        return error(text, range, message);
    };
    let within = match furthest.checked_sub(1).and_then(|before| steps.get(before)) {
        Some(outer) => format!(" in group {}", outer.word),
        None => String::new(),
    };
    let message = format!("no structure of {said} has a group \"{}\"{within}", step.word);
    let mut error = error(text, step.range(), message);
    let mut names: Vec<String> = Vec::new();
    for schema in context.all() {
        for structure in schema.structures() {
            names.extend(below(&structure.elements).iter().map(|group| group.name.to_string()));
        }
    }
    names.sort();
    names.dedup();
    let others = names.iter().map(String::as_str).filter(|name| *name != step.word);
    error.help = did_you_mean(step.word, others);
    error
}
