//! Reading the text form of a built-in version; `data/README.md` describes it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::parts::{DataType, FieldDef, SegmentDef, Structure, Table, Usage};
use super::{Text, syntax};

/// A version's definitions by their ids, all but the tables.
#[derive(Debug, Clone, Default)]
pub(super) struct Definitions {
    pub(super) structures: BTreeMap<Text, Arc<Structure>>,
    /// What event has which structure, ordered by event.
    pub(super) events: Vec<(Text, Text)>,
    pub(super) segments: BTreeMap<Text, Arc<SegmentDef>>,
    pub(super) datatypes: BTreeMap<Text, Arc<DataType>>,
}

/// Reads the definitions of a version. A line that is none is passed over: a test holds that there
/// are none.
pub(super) fn definitions(text: &'static str) -> Definitions {
    let mut read = Definitions::default();
    let mut rest = text;
    let mut section = "";
    while let Some((line, below)) = next(&mut rest) {
        match section {
            _ if line.starts_with('[') => section = line,
            "[structures]" => {
                if let Some(structure) = structure(line) {
                    read.structures.insert(structure.id.clone(), Arc::new(structure));
                }
            }
            "[events]" => {
                let mut ids = line.split(' ').map(Text::fixed);
                let structure = ids.next().unwrap_or_default();
                read.events.extend(ids.map(|event| (event, structure.clone())));
            }
            "[segments]" => {
                let (id, name) = named(line);
                let segment = SegmentDef { id: id.clone(), name, fields: parts(below) };
                read.segments.insert(id, Arc::new(segment));
            }
            _ => {
                let (id, name) = named(line);
                let datatype = DataType { id: id.clone(), name, components: parts(below) };
                read.datatypes.insert(id, Arc::new(datatype));
            }
        }
    }
    read.events.sort();
    read
}

/// Reads the tables of a version.
pub(super) fn tables(text: &'static str) -> BTreeMap<Text, Arc<Table>> {
    let mut read = BTreeMap::new();
    let mut rest = text;
    while let Some((line, below)) = next(&mut rest) {
        let (id, described) = line.split_once(' ').unwrap_or((line, ""));
        let (kind, name) = described.split_once(' ').unwrap_or((described, ""));
        let code = |line: &'static str| {
            let (code, meaning) = line.split_once('\t').unwrap_or((line, ""));
            (Text::fixed(code.trim_start()), Text::fixed(meaning))
        };
        let mut codes = Vec::with_capacity(below.lines().count());
        codes.extend(below.lines().map(code));
        codes.sort();
        let (id, name) = (Text::fixed(id), Text::fixed(name));
        let table = Table { id: id.clone(), name, user_defined: kind == "user", codes };
        read.insert(id, Arc::new(table));
    }
    read
}

/// The next line, and the indented ones below it.
fn next(rest: &mut &'static str) -> Option<(&'static str, &'static str)> {
    if rest.is_empty() {
        return None;
    }
    let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
    let mut end = 0;
    while after[end..].starts_with(' ') {
        end += memchr::memchr(b'\n', &after.as_bytes()[end..]).map_or(after.len() - end, |at| at + 1);
    }
    *rest = &after[end..];
    Some((line, &after[..end]))
}

fn named(line: &'static str) -> (Text, Text) {
    let (id, name) = line.split_once(' ').unwrap_or((line, ""));
    (Text::fixed(id), Text::fixed(name))
}

fn structure(line: &'static str) -> Option<Structure> {
    let (id, elements) = line.split_once(' ')?;
    let sure = id.strip_suffix('?');
    let elements = syntax::read(elements, &Text::fixed).ok()?;
    Some(Structure { id: Text::fixed(sure.unwrap_or(id)), elements, doubtful: sure.is_some() })
}

/// Fields or components, one in a line.
fn parts(lines: &'static str) -> Vec<FieldDef> {
    let mut parts = Vec::with_capacity(lines.lines().count());
    parts.extend(lines.lines().filter_map(part));
    parts
}

/// A field or component: its number, type, use, length, table and name.
fn part(line: &'static str) -> Option<FieldDef> {
    let mut words = line.trim_start().splitn(6, ' ');
    let mut word = || words.next();
    let (number, datatype, usage) = (word()?.parse().ok()?, Text::fixed(word()?), word()?);
    let (length, table) = (word()?.parse().ok(), word()?);
    let marks = usage.get(1..)?;
    let usage = match usage.as_bytes()[0] {
        b'R' => Usage::Required,
        b'C' => Usage::Conditional,
        b'X' => Usage::Withdrawn,
        _ => Usage::Optional,
    };
    let max = match marks.trim_end_matches('?') {
        "*" => None,
        "0" => Some(0),
        _ => Some(1),
    };
    Some(FieldDef {
        number,
        name: Text::fixed(word().unwrap_or_default()),
        datatype,
        usage,
        min: u16::from(usage == Usage::Required),
        max,
        length,
        table: (table != "-").then(|| Text::fixed(table)),
        doubtful: marks.ends_with('?'),
    })
}
