//! Reading a path of names, numbers and groups.

use std::ops::Range;
use std::sync::Arc;

use super::{FieldPath, GroupStep, Grouped, Kind, PathContext, groups, names};
use crate::schema::syntax::is_segment_id;
use crate::{Index, Path, PathError};

/// A word of a path, with its index.
pub(super) struct Step<'a> {
    pub(super) word: &'a str,
    pub(super) at: usize,
    /// The index, and where it stands.
    index: Option<(Index, Range<usize>)>,
    /// What stands before the word.
    mark: Option<char>,
}

impl Step<'_> {
    pub(super) fn range(&self) -> Range<usize> {
        self.at..self.at + self.word.len()
    }
}

pub(super) fn error(text: &str, range: Range<usize>, message: impl std::fmt::Display) -> PathError {
    PathError { range, message: format!("path \"{text}\": {message}"), help: None }
}

/// Reads a whole text.
pub(super) fn path(text: &str, context: &PathContext) -> Result<FieldPath, PathError> {
    let numbers = match text.parse::<Path>() {
        Ok(path) => return Ok(path.into()),
        Err(error) => error,
    };
    // What has not even the form is best told by whoever reads numbers.
    let Some(steps) = steps(text) else { return Err(numbers) };
    let (count, steps) = match steps.split_last() {
        Some((last, steps)) if last.word == "count" && last.index.is_none() && !steps.is_empty() => {
            (last.mark == Some('.'), steps)
        }
        _ => (false, &steps[..]),
    };
    match steps.iter().position(|step| is_segment_id(step.word)) {
        Some(at) => with_segment(text, &steps[..at], &steps[at..], count, context),
        None if count || groups::is_known(steps, context) => only_groups(text, steps, count, context),
        None => Err(numbers),
    }
}

/// The words of a text; none if it has another form.
fn steps(text: &str) -> Option<Vec<Step<'_>>> {
    let mut steps = Vec::new();
    let mut at = 0;
    let mut mark = None;
    loop {
        let word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let length = text.as_bytes()[at..].iter().take_while(|byte| word(byte)).count();
        if length == 0 {
            return None;
        }
        let mut step = Step { word: &text[at..at + length], at, index: None, mark };
        at += length;
        if text[at..].starts_with('[') {
            let length = text[at..].find(']')? + 1;
            step.index = Some((index(&text[at + 1..at + length - 1])?, at..at + length));
            at += length;
        }
        steps.push(step);
        match text[at..].chars().next() {
            None => return Some(steps),
            Some(found @ ('.' | '-')) => mark = Some(found),
            Some(_) => return None,
        }
        at += 1;
    }
}

fn index(text: &str) -> Option<Index> {
    match text {
        "*" => Some(Index::All),
        "-1" => Some(Index::Last),
        _ => {
            let number = text.parse::<u32>().ok().filter(|number| (1..=9_999).contains(number))?;
            text.bytes().all(|byte| byte.is_ascii_digit()).then_some(Index::Nth(number))
        }
    }
}

fn group_steps(text: &str, steps: &[Step<'_>]) -> Result<Vec<GroupStep>, PathError> {
    if let Some(step) = steps.iter().find(|step| step.mark == Some('-')) {
        let message = format!("found \"-\" before \"{}\", expected \".\"", step.word);
        return Err(error(text, step.at - 1..step.at, message));
    }
    let step = |step: &Step<'_>| GroupStep {
        name: step.word.to_owned(),
        index: step.index.as_ref().map(|(index, _)| *index),
    };
    Ok(steps.iter().map(step).collect())
}

/// Reads a text that is groups alone, the last of which is chosen as it says, or the first.
pub(super) fn whole_groups(text: &str, context: &PathContext) -> Result<Grouped, PathError> {
    let form =
        || error(text, 0..text.len(), "is no group; expected the name of one, as in ORDER_OBSERVATION");
    let steps = steps(text).filter(|steps| !steps.iter().any(|step| is_segment_id(step.word)));
    let steps = steps.ok_or_else(form)?;
    let groups = group_steps(text, &steps)?;
    groups::check(text, &steps, None, context)?;
    Ok(Grouped { context: context.clone(), groups, path: None, count: false })
}

/// A path of groups alone, which can only be counted.
fn only_groups(
    text: &str,
    steps: &[Step<'_>],
    count: bool,
    context: &PathContext,
) -> Result<FieldPath, PathError> {
    let mut groups = group_steps(text, steps)?;
    groups::check(text, steps, None, context)?;
    if !count {
        let mut error = error(text, text.len()..text.len(), "a group has no value");
        error.help = Some(format!("write {text}.count, or a segment as in {text}.{}", "OBX-5"));
        return Err(error);
    }
    if let Some(last) = groups.last_mut() {
        last.index.get_or_insert(Index::All);
    }
    let grouped = Grouped { context: context.clone(), groups, path: None, count };
    Ok(FieldPath(Kind::Grouped(Arc::new(grouped))))
}

fn with_segment(
    text: &str,
    outer: &[Step<'_>],
    steps: &[Step<'_>],
    count: bool,
    context: &PathContext,
) -> Result<FieldPath, PathError> {
    let groups = group_steps(text, outer)?;
    let mut path = numbers(text, steps, context)?;
    if !groups.is_empty() {
        groups::check(text, outer, Some(&steps[0]), context)?;
    }
    if count {
        if path.component > 0 {
            let at = text.len() - "count".len();
            return Err(error(text, at..text.len(), "segments, groups and repetitions can be counted alone"));
        }
        if path.field == 0 {
            path.occurrence.get_or_insert(Index::All);
        }
        path.repetition = None;
    }
    if groups.is_empty() {
        return Ok(FieldPath(if count { Kind::Count(path) } else { Kind::Plain(path) }));
    }
    let grouped = Grouped { context: context.clone(), groups, path: Some(path), count };
    Ok(FieldPath(Kind::Grouped(Arc::new(grouped))))
}

/// The segment, and the numbers of what follows it.
fn numbers(text: &str, steps: &[Step<'_>], context: &PathContext) -> Result<Path, PathError> {
    let mut path =
        Path { segment: [0; 3], occurrence: None, field: 0, repetition: None, component: 0, subcomponent: 0 };
    path.segment.copy_from_slice(steps[0].word.as_bytes());
    for (level, step) in steps.iter().enumerate() {
        let index = step.index.as_ref().map(|(index, _)| *index);
        let what = match level {
            0 => {
                path.occurrence = index;
                if step.mark == Some('-') {
                    return Err(error(
                        text,
                        step.at - 1..step.at,
                        "found \"-\" before a segment, expected \".\"",
                    ));
                }
                continue;
            }
            1 => "field",
            2 => "component",
            3 => "subcomponent",
            _ => return Err(error(text, step.range(), "there is nothing below a subcomponent")),
        };
        if step.mark == Some('-') && level > 1 {
            let mut error = error(text, step.at - 1..step.at, "found \"-\", expected \".\"");
            error.help = Some("\"-\" stands between a segment and its field alone".to_owned());
            return Err(error);
        }
        if let (Some((_, range)), true) = (&step.index, level > 1) {
            return Err(error(text, range.clone(), format!("a {what} does not repeat")));
        }
        let number = names::number(text, step, what, &path, context)?;
        match level {
            1 => (path.field, path.repetition) = (number, index),
            2 => path.component = number,
            _ => path.subcomponent = number,
        }
    }
    Ok(path)
}
