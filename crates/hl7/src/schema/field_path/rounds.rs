//! The rounds of a loop over what a path leads to, and the segments that it means.

use std::sync::Arc;

use super::{FieldPath, Grouped, Kind, repetitions};
use crate::schema::Text;
use crate::{Index, Message, Path, Round, Segment};

impl FieldPath {
    /// The path within the segment: its numbers, where it is not a number of groups.
    pub fn within_segment(&self) -> Option<&Path> {
        self.numbers()
    }

    /// The segments that it means, by their numbers in the message, counted from 0.
    pub fn lines(&self, message: &Message) -> Vec<usize> {
        let segments: Vec<Segment<'_>> = match &self.0 {
            Kind::Plain(path) | Kind::Count(path) => message.segments_at(path).collect(),
            Kind::Grouped(grouped) => {
                grouped.path.as_ref().map_or_else(Vec::new, |path| grouped.segments(message, path))
            }
            Kind::Target(_) => Vec::new(),
        };
        numbers_of(message, &segments)
    }

    /// The segments of the groups that it goes through, by their numbers in the message, counted from 0; none
    /// where it goes through none.
    pub fn group_lines(&self, message: &Message) -> Vec<usize> {
        let Kind::Grouped(grouped) = &self.0 else { return Vec::new() };
        let Some((map, groups)) = grouped.groups(message) else { return Vec::new() };
        let within = |line: &usize| {
            map.place(*line)
                .is_some_and(|place| groups.iter().any(|group| map.is_within(place.group, *group)))
        };
        (0..message.lines().len()).filter(within).collect()
    }

    /// The rounds of a loop over it: each segment, each repetition of a field, or, for a number of groups,
    /// each group.
    pub fn rounds(&self, message: &Message) -> Vec<Round> {
        match &self.0 {
            Kind::Plain(path) | Kind::Count(path) => {
                rounds(message, path, |path| message.segments_at(path).collect())
            }
            Kind::Grouped(grouped) => match &grouped.path {
                Some(path) => rounds(message, path, |path| grouped.segments(message, path)),
                None => grouped.group_rounds(message),
            },
            Kind::Target(_) => Vec::new(),
        }
    }
}

fn numbers_of(message: &Message, segments: &[Segment<'_>]) -> Vec<usize> {
    let lines = message.lines();
    let number =
        |segment: &Segment<'_>| lines.binary_search_by_key(&segment.offset(), |(start, _)| *start as usize);
    segments.iter().filter_map(|segment| number(segment).ok()).collect()
}

fn rounds<'m>(message: &'m Message, path: &Path, segments: impl Fn(&Path) -> Vec<Segment<'m>>) -> Vec<Round> {
    let id = path.segment;
    let Some(field) = path.field() else {
        let all = Path { occurrence: path.occurrence.or(Some(Index::All)), ..*path };
        let lines = numbers_of(message, &segments(&all));
        return lines.into_iter().map(|line| Round::Segment { id, line: Some(line) }).collect();
    };
    let mut rounds = Vec::new();
    for segment in segments(path) {
        let line = numbers_of(message, &[segment]).first().copied();
        let count = repetitions(&segment, path) as u32;
        rounds.extend((1..=count).map(|number| Round::Repetition { id, line, field, number }));
    }
    rounds
}

impl Grouped {
    fn group_rounds(&self, message: &Message) -> Vec<Round> {
        let Some((map, groups)) = self.groups(message) else { return Vec::new() };
        let Some(plan) = self.plan(message) else { return Vec::new() };
        let mut rounds = Vec::new();
        let mut known: Option<(Text, Arc<[Text]>, Text)> = None;
        for (group, lines) in groups.iter().zip(map.lines_of(&groups)) {
            let name = map.groups()[*group].name.clone();
            if known.as_ref().is_none_or(|(known, ..)| *known != name) {
                let (ids, alias) = map.describe(&plan, *group);
                known = Some((name.clone(), ids, alias));
            }
            let Some((_, ids, alias)) = &known else { continue };
            rounds.push(Round::Group { ids: ids.clone(), lines, names: [name, alias.clone()] });
        }
        rounds
    }
}
