//! Whole groups, as what is copied and taken out: `ORDER_OBSERVATION[2]`, `PATIENT_RESULT.ORDER_OBSERVATION[*]`.

use std::sync::Arc;

use super::read::whole_groups;
use super::{Grouped, PathContext, target};
use crate::schema::{Structure, Text};
use crate::{Index, Message, PathError};

/// A path to whole groups. Cheap to clone.
#[derive(Debug, Clone)]
pub struct GroupPath {
    grouped: Arc<Grouped>,
    target: bool,
}

impl GroupPath {
    /// Reads a path; with `target.` before it, it leads through the message that is being built.
    ///
    /// # Errors
    /// When it is no path of groups, or names some that no structure has.
    pub fn read(text: &str, context: &PathContext) -> Result<GroupPath, PathError> {
        let (target, own, at) = match context.of(text) {
            Some((own, at)) => (true, own, at),
            None => (false, context, 0),
        };
        let grouped = whole_groups(&text[at..], own).map_err(|error| error.shifted(at))?;
        Ok(GroupPath { grouped: Arc::new(grouped), target })
    }

    /// Whether it leads through the message that is being built.
    pub fn is_target(&self) -> bool {
        self.target
    }

    /// Whether it may lead to more than one group.
    pub fn is_plural(&self) -> bool {
        self.grouped.groups.iter().any(|step| step.index == Some(Index::All))
    }

    /// The names of the groups on the way, the outermost first, as they were written.
    pub fn names(&self) -> impl DoubleEndedIterator<Item = &str> + Clone {
        self.grouped.groups.iter().map(|step| step.name.as_str())
    }

    /// Which one of its name the last group is, where that is said.
    pub fn index(&self) -> Option<Index> {
        self.grouped.groups.last().and_then(|step| step.index)
    }

    /// Whether it is the group whose turn it is in a loop over groups of these names.
    pub fn is_turn(&self, names: &[Text; 2]) -> bool {
        match &self.grouped.groups[..] {
            [step] => {
                step.index.is_none() && (names[0].eq_ignore_ascii_case(&step.name) || *names[1] == *step.name)
            }
            _ => false,
        }
    }

    /// Whether a structure has these groups, one in the other.
    pub fn is_in(&self, structure: &Structure) -> bool {
        super::groups::has(structure, self.names())
    }

    /// The same with another number for the last group.
    #[must_use]
    pub fn at(&self, index: Option<Index>) -> GroupPath {
        let mut groups = self.grouped.groups.clone();
        if let Some(last) = groups.last_mut() {
            last.index = index;
        }
        self.with(groups)
    }

    /// The groups around the last one; none where none is named.
    pub fn around(&self) -> Option<GroupPath> {
        let groups = &self.grouped.groups;
        (groups.len() > 1).then(|| self.with(groups[..groups.len() - 1].to_vec()))
    }

    fn with(&self, groups: Vec<super::GroupStep>) -> GroupPath {
        let grouped = Grouped { context: self.grouped.context.clone(), groups, path: None, count: false };
        GroupPath { grouped: Arc::new(grouped), target: self.target }
    }

    /// The segments of each of the groups, in order, with their numbers in the message counted from 0: also
    /// those without a place that stand behind one of the group, such as segments of a site.
    pub fn groups<'m>(&self, message: &'m Message) -> Vec<Vec<(usize, &'m str)>> {
        let message = match self.target {
            true => match target(message) {
                Some(target) => target,
                None => return Vec::new(),
            },
            false => message,
        };
        let Some((map, groups)) = self.grouped.groups(message) else { return Vec::new() };
        let raw = |line: usize| Some((line, message.segment_at(line)?.raw()));
        map.lines_of(&groups).into_iter().map(|lines| lines.into_iter().filter_map(raw).collect()).collect()
    }
}
