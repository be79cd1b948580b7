//! A message as rows: one for each field, repetition, component and subcomponent that says something.

use hl7::schema::map::{GroupInstance, StructureMap};
use hl7::{Message, Segment, Separators, escape};

use super::parts::{between, is_opaque};
use super::words::{Word, Words};

/// One segment with its rows.
pub(super) struct Branch {
    /// What it is called, as in `OBX[2]`.
    pub(super) label: String,
    /// Its name, as in `Patient Identification`.
    pub(super) name: String,
    /// The groups that it stands in, the outermost first.
    pub(super) groups: Vec<String>,
    /// Whether it stands where its message's structure has no place for it.
    pub(super) stray: bool,
    /// Its text, for a line that is no segment.
    pub(super) text: Option<String>,
    pub(super) rows: Vec<Row>,
}

/// One field or part of one.
#[derive(Debug, Default)]
pub(super) struct Row {
    /// Its place in the segment, as in `3[2].1`.
    pub(super) place: String,
    /// 0 for a field, 1 for a repetition or component, and so on.
    pub(super) depth: usize,
    pub(super) word: Word,
    /// What stands there; none where its parts follow.
    pub(super) value: Option<String>,
    /// What the code stands for.
    pub(super) meaning: Option<String>,
}

/// What to show.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct What {
    /// Empty fields, too.
    pub(super) empty: bool,
    /// Values as they stand in the message, also above their parts.
    pub(super) raw: bool,
}

/// The null of HL7: the receiver shall delete what it has.
pub(super) const NULL: &str = "\"\"";

/// The groups that a segment stands in, the outermost first: `ORDER_OBSERVATION[2]` where there are
/// several.
fn groups(map: &StructureMap, segment: usize) -> Vec<String> {
    let all = map.groups();
    let mut names = Vec::new();
    let mut group = map.place(segment).map_or(0, |place| place.group);
    while group > 0 {
        let GroupInstance { name, parent, number, .. } = &all[group];
        let of_that_name = |other: &&GroupInstance| other.name == *name && other.parent == *parent;
        let several = all.iter().skip(1).filter(of_that_name).nth(1).is_some();
        if !name.is_empty() {
            names.push(if several { format!("{name}[{number}]") } else { name.to_string() });
        }
        group = *parent;
    }
    names.reverse();
    names
}

/// Makes the rows of a message's segments.
pub(super) struct Grower<'a> {
    pub(super) words: &'a Words,
    pub(super) separators: Separators,
    pub(super) what: What,
}

impl Grower<'_> {
    /// All segments for which `wanted` holds, given the segment and its field.
    pub(super) fn grow(
        &self,
        message: &Message,
        wanted: &dyn Fn(&Segment<'_>, usize) -> bool,
    ) -> Vec<Branch> {
        let labels = super::parts::labels(message);
        let map = self.words.map(message);
        let mut branches = Vec::new();
        for (at, (segment, label)) in message.segments().zip(labels).enumerate() {
            let formed = segment.is_well_formed();
            let fields = match self.what.empty {
                true => segment.field_count().max(self.words.fields(segment.id())),
                false => segment.field_count(),
            };
            let chosen: Vec<_> = (1..=fields).filter(|field| wanted(&segment, *field)).collect();
            if chosen.is_empty() && !wanted(&segment, 0) {
                continue;
            }
            let mut rows = Vec::new();
            if formed {
                chosen.into_iter().for_each(|field| self.field(&segment, field, &mut rows));
            }
            branches.push(Branch {
                label,
                name: self.words.segment(segment.id()),
                groups: map.as_ref().map_or_else(Vec::new, |map| groups(map, at)),
                stray: map.as_ref().is_some_and(|map| map.place(at).is_none()),
                text: (!formed).then(|| segment.raw().to_owned()),
                rows,
            });
        }
        branches
    }

    fn field(&self, segment: &Segment<'_>, number: usize, rows: &mut Vec<Row>) {
        let raw = segment.field(number).unwrap_or_default();
        let word = self.words.field(segment, number);
        let place = number.to_string();
        if is_opaque(segment, number) {
            rows.push(Row { place, word, value: Some(raw.to_owned()), ..Row::default() });
            return;
        }
        let repeats: Vec<_> = between(raw, self.separators.repetition).collect();
        if let [only] = repeats[..] {
            return self.part(only, place, 0, word, rows);
        }
        let above = self.what.raw.then(|| raw.to_owned());
        let before = rows.len();
        rows.push(Row { place, word: word.clone(), value: above, ..Row::default() });
        for (at, repeat) in repeats.into_iter().enumerate() {
            let below = Word { name: format!("repetition {}", at + 1), ..word.clone() };
            self.part(repeat, format!("{number}[{}]", at + 1), 1, below, rows);
        }
        if rows.len() == before + 1 && !self.what.empty {
            rows.pop();
        }
    }

    /// A repetition, component or subcomponent with what is below it.
    fn part(&self, raw: &str, place: String, depth: usize, word: Word, rows: &mut Vec<Row>) {
        let is_component = place.contains('.');
        let separator =
            if is_component { self.separators.subcomponent } else { Some(self.separators.component) };
        let parts: Vec<_> = between(raw, separator).collect();
        // One component may have subcomponents all the same.
        let nested = !is_component && between(raw, self.separators.subcomponent).nth(1).is_some();
        let deepest = place.matches('.').count() == 2;
        if deepest || (parts.len() == 1 && !nested) {
            if !raw.is_empty() || self.what.empty {
                rows.push(self.leaf(raw, place, depth, word));
            }
            return;
        }
        let before = rows.len();
        let (datatype, table) = (word.datatype.clone(), word.table.clone());
        let value = self.what.raw.then(|| raw.to_owned());
        rows.push(Row { place: place.clone(), depth, word, value, meaning: None });
        for (at, part) in parts.into_iter().enumerate() {
            let mut below = self.words.component(&datatype, at + 1);
            if at == 0 && below.table.is_empty() {
                // A coded field names the table of its first component.
                below.table.clone_from(&table);
            }
            self.part(part, format!("{place}.{}", at + 1), depth + 1, below, rows);
        }
        if rows.len() == before + 1 && !self.what.empty && !self.what.raw {
            rows.pop();
        }
    }

    fn leaf(&self, raw: &str, place: String, depth: usize, word: Word) -> Row {
        let text = escape::decode(raw, &self.separators);
        let meaning = self.words.meaning(&self.words.table(&word), &text).filter(|_| !text.is_empty());
        let value = if self.what.raw { raw.to_owned() } else { text.into_owned() };
        Row { place, depth, word, value: Some(value), meaning }
    }
}
