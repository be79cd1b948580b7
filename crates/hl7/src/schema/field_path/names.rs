//! Names of fields and components, and whether there are as many as a number says.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::PathContext;
use super::read::{Step, error};
use crate::schema::{Element, FieldDef, Schema};
use crate::suggest::{bare, did_you_mean};
use crate::{Path, PathError};

/// A name as it is written in a path.
fn written(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect()
}

/// What the schema has below the path: the fields of a segment, or the components of a type.
fn parts<'s>(schema: &'s Schema, path: &Path) -> Option<&'s [FieldDef]> {
    let segment = schema.segment(path.segment())?;
    let Some(field) = path.field() else { return Some(&segment.fields) };
    let field = schema.datatype(&segment.field(field.into())?.datatype)?;
    if path.component == 0 {
        return Some(&field.components);
    }
    let component = field.component(path.component.into())?;
    schema.datatype(&component.datatype).map(|datatype| &*datatype.components)
}

/// The number of the field or component below `path` that a step names or is.
pub(super) fn number(
    text: &str,
    step: &Step<'_>,
    what: &str,
    path: &Path,
    context: &PathContext,
) -> Result<u16, PathError> {
    if step.word.bytes().all(|byte| byte.is_ascii_digit()) {
        return match step.word.parse::<u16>() {
            Ok(number) if (1..=9_999).contains(&number) => Ok(number),
            _ => Err(error(text, step.range(), format!("{what} is {}, expected 1 to 9999", step.word))),
        };
    }
    let wanted = bare(step.word);
    // The number that each schema has for the name.
    let mut found: Vec<(u16, Arc<Schema>)> = Vec::new();
    for schema in context.all() {
        let named = parts(&schema, path).unwrap_or_default();
        let named: Vec<_> = named.iter().filter(|part| bare(&part.name) == wanted).collect();
        if let [first, second, ..] = named[..] {
            return Err(ambiguous(text, step, (what, path), &schema, [first.number, second.number]));
        }
        found.extend(named.first().map(|part| (part.number, schema.clone())));
    }
    match found.first() {
        None => Err(unknown(text, step, what, path, context)),
        Some((first, schema)) => match found.iter().find(|(number, _)| number != first) {
            None => Ok(*first),
            Some((other, another)) => {
                let message = format!(
                    "\"{}\" is {what} {first} in {} and {other} in {}",
                    step.word,
                    schema.name(),
                    another.name()
                );
                let mut error = error(text, step.range(), message);
                error.help = Some(format!(
                    "write the number, or set message_schema_category to the one that the messages have, as in \"{}\"",
                    another.name()
                ));
                Err(error)
            }
        },
    }
}

fn ambiguous(
    text: &str,
    step: &Step<'_>,
    (what, path): (&str, &Path),
    schema: &Schema,
    numbers: [u16; 2],
) -> PathError {
    let [first, second] = numbers;
    let message =
        format!("\"{}\" is the name of {what}s {first} and {second} in {}", step.word, schema.name());
    let mut error = error(text, step.range(), message);
    error.help = Some(format!("write the number, as in {}", below(path, first)));
    error
}

/// The path of a part below `path`.
fn below(path: &Path, number: u16) -> Path {
    match (path.field, path.component) {
        (0, _) => Path { field: number, ..*path },
        (_, 0) => Path { component: number, ..*path },
        _ => Path { subcomponent: number, ..*path },
    }
}

/// What is to be written for a segment that others find below another one, as in `OBX[*].NTE-3`: here the
/// group that holds both is named, the one of the most structures.
fn group_of_both(text: &str, step: &Step<'_>, path: &Path, schema: &Schema) -> Option<String> {
    if path.field > 0 || schema.segment(step.word).is_none() {
        return None;
    }
    let mut groups: BTreeMap<&str, usize> = BTreeMap::new();
    for structure in schema.structures() {
        holders(&structure.elements, [path.segment(), step.word], &mut groups);
    }
    let most = groups.iter().max_by_key(|(_, count)| **count);
    let index = path.occurrence.map(|index| index.to_string()).unwrap_or_default();
    let below = &text[step.at..];
    Some(match most {
        Some((group, _)) => format!("{} is a segment; write {group}{index}.{below}", step.word),
        None => format!("{} is a segment; write {below}", step.word),
    })
}

/// Counts the groups that hold both segments themselves.
fn holders<'s>(elements: &'s [Element], both: [&str; 2], groups: &mut BTreeMap<&'s str, usize>) {
    for element in elements.iter().filter(|element| element.group.is_some()) {
        let holds = |id: &str| element.elements().iter().any(|own| own.group.is_none() && *own.name == *id);
        if both.into_iter().all(holds) {
            *groups.entry(&element.name).or_default() += 1;
        }
        holders(element.elements(), both, groups);
    }
}

fn unknown(text: &str, step: &Step<'_>, what: &str, path: &Path, context: &PathContext) -> PathError {
    let schema = context.all().find(|schema| schema.segment(path.segment()).is_some());
    let Some(schema) = schema else {
        let id = path.segment();
        let message = format!("{} has no segment {id}, so that its {what}s have no names", context.said());
        let mut error = error(text, step.range(), message);
        error.help = Some(match id.starts_with('Z') {
            true => "write the number, or define the segment in a schema of your own".to_owned(),
            false => "write the number".to_owned(),
        });
        return error;
    };
    let known = parts(&schema, path).unwrap_or_default();
    let place = place(&schema, path);
    let message = match known.len() {
        0 => format!("{place} has no {what}s with names in {}", schema.name()),
        1 => format!("{place} has 1 {what} in {}, and it is not \"{}\"", schema.name(), step.word),
        count => format!("{place} has {count} {what}s in {}, none of them \"{}\"", schema.name(), step.word),
    };
    let names: Vec<String> = known.iter().map(|part| written(&part.name)).collect();
    let near = did_you_mean(step.word, names.iter().map(String::as_str));
    // `Name` for `PatientName`.
    let wanted = bare(step.word);
    let part = || names.iter().find(|name| wanted.len() > 2 && bare(name).contains(&wanted));
    let mut error = error(text, step.range(), message);
    let segment = group_of_both(text, step, path, &schema);
    error.help = segment.or(near).or_else(|| part().map(|name| format!("did you mean \"{name}\"?")));
    error
}

/// What a path leads to, as in `PID` or `PID-5 (XPN)`.
fn place(schema: &Schema, path: &Path) -> String {
    let Some(number) = path.field() else { return path.segment().to_owned() };
    let field = schema.segment(path.segment()).and_then(|segment| segment.field(number.into()));
    let Some(field) = field else { return format!("{}-{number}", path.segment()) };
    let component = || schema.datatype(&field.datatype)?.component(path.component.into());
    match component() {
        Some(component) => {
            format!("{}-{number}.{} ({})", path.segment(), path.component, component.datatype)
        }
        None => format!("{}-{number} ({})", path.segment(), field.datatype),
    }
}

/// Something doubtful about a path, and whether it is plainly wrong.
pub(super) struct Doubt {
    pub(super) error: PathError,
    pub(super) is_error: bool,
}

/// What is doubtful about the numbers of a path.
pub(super) fn doubts(text: &str, path: &Path, context: &PathContext) -> Option<Doubt> {
    let start = text.find(path.segment()).unwrap_or_default();
    let end = text.len();
    let mut most: Option<(usize, Arc<Schema>)> = None;
    for schema in context.all() {
        let Some(segment) = schema.segment(path.segment()) else { continue };
        let count = segment.fields.len();
        if usize::from(path.field) <= count || count == 0 {
            return component_doubt(text, path, context, start..end);
        }
        if most.as_ref().is_none_or(|(known, _)| *known < count) {
            most = Some((count, schema.clone()));
        }
    }
    let is_error = context.is_set();
    let (id, range) = (path.segment(), start..end);
    match most {
        Some((count, schema)) => {
            let at_most = if is_error { "" } else { "at most " };
            let message = format!("{id} has {at_most}{count} fields in {}", schema.name());
            Some(Doubt { error: error(text, range, message), is_error })
        }
        // What sites define begins with Z.
        None if id.starts_with('Z') => None,
        None => {
            let mut error =
                error(text, start..start + id.len(), format!("{} has no segment {id}", context.said()));
            let ids: Vec<_> = context.all().next().into_iter().collect();
            let ids = ids.iter().flat_map(|schema| schema.segments()).map(|segment| segment.id.as_str());
            error.help = did_you_mean(id, ids);
            Some(Doubt { error, is_error })
        }
    }
}

/// What is doubtful about the component: no schema has so many. Never wrong, since senders have more.
fn component_doubt(
    text: &str,
    path: &Path,
    context: &PathContext,
    range: std::ops::Range<usize>,
) -> Option<Doubt> {
    if path.component < 2 {
        return None;
    }
    let mut most: Option<(usize, String)> = None;
    for schema in context.all() {
        let field = Path { component: 0, ..*path };
        let Some(field_def) = schema.segment(path.segment()).and_then(|it| it.field(path.field.into()))
        else {
            continue;
        };
        let last = parts(&schema, &field)?.last().map_or(1, |part| usize::from(part.number));
        // Of a varying type, and of one that only later versions take apart, nothing is known.
        let is_open = matches!(&*field_def.datatype, "varies" | "VARIES" | "CM" | "*");
        if is_open || usize::from(path.component) <= last {
            return None;
        }
        if most.as_ref().is_none_or(|(known, _)| *known < last) {
            let parts = if last == 1 { "component" } else { "components" };
            let said = format!("{} has {last} {parts} in {}", place(&schema, &field), schema.name());
            most = Some((last, said));
        }
    }
    let (_, said) = most?;
    Some(Doubt { error: error(text, range, said), is_error: false })
}
