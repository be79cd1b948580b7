//! Paths by names and groups: `PID.PatientName.FamilyName`, `ORDER_OBSERVATION[2].OBX[1]-5`, `OBX.count`.
//!
//! Names are looked up once, when a path is compiled; what is left is the [`Path`] of numbers, which is
//! followed as ever. Only a path with groups needs the schema of each message, and its map.
//!
//! | path | is |
//! |---|---|
//! | `PID.PatientName.FamilyName` | PID-5.1: names of HL7, without blanks and marks, in any case |
//! | `PID-5.FamilyName`, `PID.5.1` | names and numbers mixed |
//! | `ORDER_OBSERVATION[2].OBX[1]-5` | OBX in the second group of that name in the message |
//! | `PATIENT_RESULT[2].ORDER_OBSERVATION.OBR-4` | a group within a group; the first where none is chosen |
//! | `ORCgrp[2].OBR-4` | a group by the segment that it begins with |
//! | `OBX.count`, `ORDER.count`, `PID-3.count` | how many segments, groups or repetitions there are |
//!
//! A group or segment is looked for at any depth within the group before it.

mod context;
mod group_path;
mod groups;
mod names;
mod read;
mod rounds;

use std::borrow::Cow;
use std::sync::Arc;

use super::map::Plan;
use crate::{Index, Message, Path, PathError, Segment, escape};
pub use context::PathContext;
use context::TARGET;
pub use group_path::GroupPath;

/// A compiled path, by numbers alone or through groups. Cheap to clone.
#[derive(Debug, Clone)]
pub struct FieldPath(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Plain(Path),
    /// How many segments there are, or repetitions of a field.
    Count(Path),
    Grouped(Arc<Grouped>),
    /// A path through the message that is being built.
    Target(Arc<FieldPath>),
}

/// A path through groups.
#[derive(Debug)]
struct Grouped {
    context: PathContext,
    groups: Vec<GroupStep>,
    /// None for the groups themselves.
    path: Option<Path>,
    count: bool,
}

#[derive(Debug, Clone, PartialEq)]
struct GroupStep {
    name: String,
    index: Option<Index>,
}

/// A path, and what is doubtful about it, such as a field that no version has.
#[derive(Debug, Clone)]
pub struct CheckedPath {
    /// The path.
    pub path: FieldPath,
    /// What is doubtful.
    pub doubts: Vec<PathError>,
}

/// Compiles a path.
///
/// # Errors
/// When it cannot be read, or names what the schemas do not have.
pub fn compile_path(text: &str, context: &PathContext) -> Result<FieldPath, PathError> {
    match context.of(text) {
        None => read::path(text, context),
        Some((target, at)) => {
            let path = compile_path(&text[at..], target).map_err(|error| error.shifted(at))?;
            Ok(FieldPath(Kind::Target(Arc::new(path))))
        }
    }
}

/// Compiles a path, and looks at its numbers as well.
///
/// # Errors
/// As [`compile_path`], and numbers that are beyond the schema where that is known for all messages.
pub fn check_path(text: &str, context: &PathContext) -> Result<CheckedPath, PathError> {
    if let Some((target, at)) = context.of(text) {
        let checked = check_path(&text[at..], target).map_err(|error| error.shifted(at))?;
        let doubts = checked.doubts.into_iter().map(|doubt| doubt.shifted(at)).collect();
        return Ok(CheckedPath { path: FieldPath(Kind::Target(Arc::new(checked.path))), doubts });
    }
    let path = compile_path(text, context)?;
    let mut doubts = Vec::new();
    match path.numbers().and_then(|numbers| names::doubts(text, numbers, context)) {
        Some(doubt) if doubt.is_error => return Err(doubt.error),
        doubt => doubts.extend(doubt.map(|doubt| doubt.error)),
    }
    Ok(CheckedPath { path, doubts })
}

impl From<Path> for FieldPath {
    fn from(path: Path) -> FieldPath {
        FieldPath(Kind::Plain(path))
    }
}

impl FieldPath {
    /// The path by numbers, where it is one and leads to values.
    pub fn plain(&self) -> Option<&Path> {
        match &self.0 {
            Kind::Plain(path) => Some(path),
            _ => None,
        }
    }

    fn numbers(&self) -> Option<&Path> {
        match &self.0 {
            Kind::Plain(path) | Kind::Count(path) => Some(path),
            Kind::Grouped(grouped) => grouped.path.as_ref(),
            Kind::Target(path) => path.numbers(),
        }
    }

    /// Whether it leads through the message that is being built.
    pub fn is_target(&self) -> bool {
        matches!(self.0, Kind::Target(_))
    }

    /// The id of the segment; none for a number of groups.
    pub fn segment(&self) -> Option<&str> {
        self.numbers().map(Path::segment)
    }

    /// The number of the field; none for a whole segment, and where things are counted.
    pub fn field(&self) -> Option<u16> {
        self.numbers().filter(|_| !self.is_count()).and_then(Path::field)
    }

    /// Whether it is the number of something, as in `OBX.count`.
    pub fn is_count(&self) -> bool {
        match &self.0 {
            Kind::Plain(_) => false,
            Kind::Count(_) => true,
            Kind::Grouped(grouped) => grouped.count,
            Kind::Target(path) => path.is_count(),
        }
    }

    /// Whether it may lead to more than one value.
    pub fn is_plural(&self) -> bool {
        match &self.0 {
            Kind::Plain(path) => path.is_plural(),
            Kind::Count(_) => false,
            Kind::Grouped(grouped) => {
                let plural = |step: &GroupStep| step.index == Some(Index::All);
                !grouped.count
                    && (grouped.groups.iter().any(plural)
                        || grouped.path.is_some_and(|path| path.is_plural()))
            }
            Kind::Target(path) => path.is_plural(),
        }
    }

    /// The first value, raw; none if it is not there, and where things are counted.
    pub fn get<'m>(&self, message: &'m Message) -> Option<&'m str> {
        match &self.0 {
            Kind::Plain(path) => message.get(path),
            _ => self.values(message).first().copied(),
        }
    }

    /// All values, raw; none where things are counted.
    pub fn values<'m>(&self, message: &'m Message) -> Vec<&'m str> {
        match &self.0 {
            Kind::Plain(path) if path.is_plural() => message.values(path).collect(),
            Kind::Plain(path) => message.get(path).into_iter().collect(),
            Kind::Grouped(grouped) if !grouped.count => grouped.values(message),
            Kind::Target(path) => target(message).map_or_else(Vec::new, |target| path.values(target)),
            _ => Vec::new(),
        }
    }

    /// The first value, with its escape sequences replaced, or the number of what is counted.
    pub fn value<'m>(&self, message: &'m Message) -> Option<Cow<'m, str>> {
        match self.count(message) {
            Some(count) => Some(count.to_string().into()),
            None => Some(escape::decode(self.get(message)?, message.separators_ref())),
        }
    }

    /// How many there are, where things are counted.
    pub fn count(&self, message: &Message) -> Option<usize> {
        match &self.0 {
            Kind::Plain(_) => None,
            Kind::Count(path) => {
                Some(message.segments_at(path).map(|segment| repetitions(&segment, path)).sum())
            }
            Kind::Grouped(grouped) => grouped.count.then(|| grouped.count(message)),
            Kind::Target(path) => match target(message) {
                Some(target) => path.count(target),
                None => path.is_count().then_some(0),
            },
        }
    }
}

/// The message that is being built beside another one.
fn target(message: &Message) -> Option<&Message> {
    message.scope().and_then(|scope| scope.target.as_ref())
}

/// One for a whole segment, else how many repetitions the field has: an empty one has none.
fn repetitions(segment: &Segment<'_>, path: &Path) -> usize {
    let Some(field) = path.field() else { return 1 };
    match segment.field(field.into()) {
        None | Some("") => 0,
        Some(_) if segment.is_header() && field <= 2 => 1,
        Some(value) => match segment.separators.repetition {
            Some(separator) => memchr::memchr_iter(separator, value.as_bytes()).count() + 1,
            None => 1,
        },
    }
}

impl Grouped {
    /// What the structure of a message looks like.
    fn plan(&self, message: &Message) -> Option<Arc<Plan>> {
        let doc_type = self.context.schemas.doc_type(message, &self.context.choice);
        let schema = self.context.schemas.find(&doc_type.category)?;
        schema.plan(&doc_type.structure).cloned()
    }

    /// The groups that are meant, with the map that they are in.
    fn groups(&self, message: &Message) -> Option<(Arc<super::StructureMap>, Vec<usize>)> {
        let plan = &self.plan(message)?;
        let map = message.map(plan);
        let (mut groups, done) = match message.scope() {
            Some(scope) => scope.begin(plan, &map, self.groups.first().map(|step| (&*step.name, step.index))),
            None => (vec![0], 0),
        };
        for step in &self.groups[done..] {
            let within = |group: &usize| map.choose(plan, &step.name, *group, step.index);
            let mut chosen: Vec<usize> = groups.iter().flat_map(within).collect();
            chosen.dedup();
            groups = chosen;
        }
        Some((map, groups))
    }

    /// The segments that are meant.
    fn segments<'m>(&self, message: &'m Message, path: &Path) -> Vec<Segment<'m>> {
        let Some((map, groups)) = self.groups(message) else { return Vec::new() };
        let mut found = Vec::new();
        for group in groups {
            let within = |at: &usize| map.place(*at).is_some_and(|place| map.is_within(place.group, group));
            let all = message
                .segments()
                .enumerate()
                .filter(|(at, segment)| segment.has_id(&path.segment) && within(at));
            let mut all = all.map(|(_, segment)| segment);
            if let (None, Some(line)) =
                (path.occurrence, message.scope().and_then(|scope| scope.line(&path.segment)))
            {
                found.extend(message.segment_at(line));
                continue;
            }
            match path.occurrence {
                Some(Index::All) => found.extend(all),
                Some(Index::Last) => found.extend(all.next_back()),
                Some(Index::Nth(number)) => found.extend(all.nth(number as usize - 1)),
                None if self.count && path.field().is_none() => found.extend(all),
                None => found.extend(all.next()),
            }
        }
        found
    }

    fn values<'m>(&self, message: &'m Message) -> Vec<&'m str> {
        let Some(path) = &self.path else { return Vec::new() };
        let segments = self.segments(message, path);
        let narrowed = |segment: &Segment<'m>| message.narrowed(path, segment);
        segments
            .into_iter()
            .flat_map(|segment| crate::select::in_segment(segment, &narrowed(&segment)))
            .collect()
    }

    fn count(&self, message: &Message) -> usize {
        match &self.path {
            Some(path) => self.segments(message, path).iter().map(|segment| repetitions(segment, path)).sum(),
            None => self.groups(message).map_or(0, |(_, groups)| groups.len()),
        }
    }
}

impl std::fmt::Display for FieldPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Kind::Plain(path) => path.fmt(f),
            Kind::Target(path) => write!(f, "{TARGET}{path}"),
            Kind::Count(path) => write!(f, "{}.count", counted(*path)),
            Kind::Grouped(grouped) => {
                let Grouped { groups, path, count, .. } = &**grouped;
                for (at, GroupStep { name, index }) in groups.iter().enumerate() {
                    let dot = if at > 0 { "." } else { "" };
                    // The last of counted groups is counted, not chosen.
                    let index = index.filter(|index| {
                        !(*count && path.is_none() && at + 1 == groups.len() && *index == Index::All)
                    });
                    write!(f, "{dot}{name}{}", index.map(|index| index.to_string()).unwrap_or_default())?;
                }
                if let Some(path) = path {
                    write!(f, ".{}", if *count { counted(*path) } else { *path })?;
                }
                f.write_str(if *count { ".count" } else { "" })
            }
        }
    }
}

/// A path without the `[*]` of what is counted.
fn counted(path: Path) -> Path {
    match path.field() {
        None if path.occurrence == Some(Index::All) => Path { occurrence: None, ..path },
        _ => path,
    }
}

impl PartialEq for FieldPath {
    /// Whether both are written alike, and read by the same schemas where that matters.
    fn eq(&self, other: &FieldPath) -> bool {
        match (&self.0, &other.0) {
            (Kind::Plain(one), Kind::Plain(other)) | (Kind::Count(one), Kind::Count(other)) => one == other,
            (Kind::Grouped(one), Kind::Grouped(other)) => {
                (&one.groups, one.path, one.count) == (&other.groups, other.path, other.count)
                    && one.context.choice == other.context.choice
            }
            (Kind::Target(one), Kind::Target(other)) => one == other,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests;
