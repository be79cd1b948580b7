//! Edits at any path, held against a model that takes the whole message apart and joins it again.

use orris_hl7::edit::Editor;
use orris_hl7::{Message, Path, Separators, escape};
use proptest::prelude::*;

use crate::{config, generate};

type Parts = Vec<Vec<Vec<Vec<String>>>>;

/// One line of the text: `lead` and `end` around the parts of a segment, or around nothing.
#[derive(Debug, Clone)]
struct Line {
    lead: String,
    /// Fields (the id is the first one), repetitions, components, subcomponents.
    parts: Option<Parts>,
    end: String,
}

struct Model {
    separators: Separators,
    lines: Vec<Line>,
}

/// What is done.
#[derive(Debug, Clone, Copy)]
enum Change {
    Set,
    Remove,
    Insert,
    Append,
    RemoveSegment,
    InsertBefore,
    InsertAfter,
    AppendSegment,
}

/// Where: -1 for the last one, -2 for each.
#[derive(Debug, Clone)]
struct Edit {
    change: Change,
    id: &'static str,
    occurrence: Option<i32>,
    field: usize,
    repetition: Option<i32>,
    component: usize,
    subcomponent: usize,
    value: String,
}

impl Edit {
    fn path(&self) -> Path {
        let index = |index: Option<i32>| match index {
            None => String::new(),
            Some(-2) => "[*]".to_owned(),
            Some(number) => format!("[{number}]"),
        };
        let mut text = format!("{}{}", self.id, index(self.occurrence));
        use Change::{InsertAfter, InsertBefore, RemoveSegment};
        if !matches!(self.change, RemoveSegment | InsertAfter | InsertBefore) {
            text += &format!("-{}{}", self.field, index(self.repetition));
            for part in [self.component, self.subcomponent].iter().take_while(|part| **part > 0) {
                text += &format!(".{part}");
            }
        }
        text.parse().unwrap()
    }

    fn apply(&self, editor: &mut Editor) -> bool {
        let path = self.path();
        let done = match self.change {
            Change::Set => editor.set(&path, &self.value).map(|_| ()),
            Change::Remove | Change::RemoveSegment => editor.remove(&path).map(|_| ()),
            Change::Insert => editor.insert(&path, &self.value).map(|_| ()),
            Change::Append => editor.append(&path, &self.value).map(|_| ()),
            Change::InsertBefore => editor.insert_before(&path, "ZZZ"),
            Change::InsertAfter => editor.insert_after(&path, "ZZZ"),
            Change::AppendSegment => editor.append_segment("ZZZ"),
        };
        done.is_ok()
    }
}

fn split(text: &str, separator: Option<u8>) -> Vec<&str> {
    match separator {
        Some(separator) => text.split(separator as char).collect(),
        None => vec![text],
    }
}

impl Model {
    fn read(text: &str, separators: Separators) -> Model {
        let mut lines = vec![];
        let mut rest = text;
        while !rest.is_empty() {
            let content = rest.find(['\r', '\n']).unwrap_or(rest.len());
            let after = &rest[content..];
            let end = if after.starts_with("\r\n") { 2 } else { after.len().min(1) };
            let blank = rest[..content].find(|char| char != ' ' && char != '\t').unwrap_or(content);
            let segment = &rest[blank..content];
            let parts = (!segment.is_empty()).then(|| Self::parts(segment, &separators));
            lines.push(Line { lead: rest[..blank].to_owned(), parts, end: after[..end].to_owned() });
            rest = &after[end..];
        }
        Model { separators, lines }
    }

    fn parts(segment: &str, separators: &Separators) -> Parts {
        let Separators { field, component, repetition, subcomponent, .. } = *separators;
        let leaves =
            |component: &str| split(component, subcomponent).into_iter().map(str::to_owned).collect();
        let components = |rep: &str| split(rep, Some(component)).into_iter().map(leaves).collect();
        let fields = split(segment, Some(field)).into_iter().enumerate();
        fields
            .map(|(at, text)| match at {
                1 if segment.starts_with("MSH") => vec![vec![vec![text.to_owned()]]],
                _ => split(text, repetition).into_iter().map(components).collect(),
            })
            .collect()
    }

    fn text(&self) -> String {
        let Separators { field, component, repetition, subcomponent, .. } = self.separators;
        let join = |parts: Vec<String>, separator: Option<u8>| {
            parts.join(&separator.map(|byte| (byte as char).to_string()).unwrap_or_default())
        };
        let one = |line: &Line| {
            let fields = line.parts.iter().flatten().map(|repetitions| {
                let repetitions = repetitions.iter().map(|components| {
                    let components = components.iter().map(|leaves| join(leaves.clone(), subcomponent));
                    join(components.collect(), Some(component))
                });
                join(repetitions.collect(), repetition)
            });
            format!("{}{}{}", line.lead, join(fields.collect(), Some(field)), line.end)
        };
        self.lines.iter().map(one).collect()
    }

    /// The lines of segments with that id that are meant; none where there is none.
    fn chosen(&self, edit: &Edit) -> Option<Vec<usize>> {
        let id = |line: &Line| line.parts.as_ref().map(|parts| parts[0][0][0][0].clone());
        let known: Vec<usize> =
            (0..self.lines.len()).filter(|at| id(&self.lines[*at]).as_deref() == Some(edit.id)).collect();
        match edit.occurrence {
            Some(-2) => Some(known),
            Some(-1) => known.last().map(|line| vec![*line]),
            number => known.get(number.unwrap_or(1) as usize - 1).map(|line| vec![*line]),
        }
    }

    /// Makes the change; false if it cannot be made.
    fn apply(&mut self, edit: &Edit) -> bool {
        let chosen = self.chosen(edit);
        match edit.change {
            Change::AppendSegment => {
                let last = (0..self.lines.len()).rfind(|line| self.lines[*line].parts.is_some()).unwrap();
                self.insert_after(last);
                true
            }
            Change::RemoveSegment => {
                let chosen = chosen.unwrap_or_default();
                if chosen.first() == Some(&0) {
                    return false;
                }
                for (gone, line) in chosen.into_iter().enumerate() {
                    let removed = self.lines.remove(line - gone);
                    if removed.end.is_empty() {
                        self.lines.last_mut().unwrap().end.clear();
                    }
                }
                true
            }
            Change::InsertBefore | Change::InsertAfter => {
                let Some([line]) = chosen.as_deref() else { return false };
                match edit.change {
                    Change::InsertAfter => self.insert_after(*line),
                    _ if *line == 0 => return false,
                    _ => {
                        let new = Line { lead: String::new(), parts: Some(zzz()), end: self.line_end() };
                        self.lines.insert(*line, new);
                    }
                }
                true
            }
            _ => self.change(edit, chosen),
        }
    }

    fn line_end(&self) -> String {
        let end = &self.lines[0].end;
        if end.is_empty() { "\r".to_owned() } else { end.clone() }
    }

    fn insert_after(&mut self, line: usize) {
        let end = self.line_end();
        let old = std::mem::replace(&mut self.lines[line].end, end);
        self.lines.insert(line + 1, Line { lead: String::new(), parts: Some(zzz()), end: old });
    }

    fn change(&mut self, edit: &Edit, chosen: Option<Vec<usize>>) -> bool {
        let each_repetition = edit.repetition == Some(-2) && edit.component == 0;
        let has_no_parts = matches!(edit.change, Change::Append) && edit.subcomponent > 0;
        if has_no_parts || (matches!(edit.change, Change::Insert) && each_repetition) {
            return false;
        }
        let Some(chosen) = chosen else { return matches!(edit.change, Change::Remove) };
        let raw = escape::encode(&edit.value, &self.separators).into_owned();
        for line in chosen {
            let Some(parts) = &mut self.lines[line].parts else { continue };
            let field = if edit.id == "MSH" { edit.field - 1 } else { edit.field };
            change_in_segment(parts, edit, field, &raw);
        }
        true
    }
}

fn zzz() -> Parts {
    vec![vec![vec![vec!["ZZZ".to_owned()]]]]
}

fn leaf(raw: &str) -> Vec<String> {
    vec![raw.to_owned()]
}

/// Makes the list long enough to have that part.
fn reach<T: Clone>(list: &mut Vec<T>, part: usize, empty: T) -> &mut T {
    while list.len() <= part {
        list.push(empty.clone());
    }
    &mut list[part]
}

fn change_in_segment(fields: &mut Parts, edit: &Edit, field: usize, raw: &str) {
    let empty = || vec![vec![leaf("")]];
    let whole = edit.repetition.is_none() && edit.component == 0;
    if matches!(edit.change, Change::Remove) {
        let Some(field) = fields.get_mut(field) else { return };
        return remove_in_field(field, edit, whole);
    }
    let is_empty = |field: &Vec<Vec<Vec<String>>>| field.len() == 1 && field[0] == [leaf("")];
    if whole {
        return match edit.change {
            Change::Insert if field < fields.len() => fields.insert(field, vec![vec![leaf(raw)]]),
            Change::Append => {
                let field = reach(fields, field, empty());
                if is_empty(field) { *field = vec![vec![leaf(raw)]] } else { field.push(vec![leaf(raw)]) }
            }
            _ => *reach(fields, field, empty()) = vec![vec![leaf(raw)]],
        };
    }
    if edit.repetition == Some(-2) {
        let Some(field) = fields.get_mut(field) else { return };
        field.iter_mut().for_each(|repetition| change_in_repetition(repetition, edit, raw));
        return;
    }
    let field = reach(fields, field, empty());
    let at = match edit.repetition {
        Some(-1) => field.len() - 1,
        number => number.unwrap_or(1) as usize - 1,
    };
    if matches!(edit.change, Change::Insert) && edit.component == 0 && at < field.len() && !is_empty(field) {
        field.insert(at, vec![leaf(raw)]);
    } else {
        change_in_repetition(reach(field, at, vec![leaf("")]), edit, raw);
    }
}

fn remove_in_field(field: &mut Vec<Vec<Vec<String>>>, edit: &Edit, whole: bool) {
    let range = match edit.repetition {
        Some(-2) => 0..field.len(),
        Some(-1) => field.len() - 1..field.len(),
        number => number.unwrap_or(1) as usize - 1..number.unwrap_or(1) as usize,
    };
    if whole || (edit.component == 0 && edit.repetition == Some(-2)) {
        *field = vec![vec![leaf("")]];
    } else if edit.component == 0 && range.end <= field.len() {
        field.drain(range);
        if field.is_empty() {
            field.push(vec![leaf("")]);
        }
    } else if edit.component > 0 {
        for repetition in field.iter_mut().take(range.end).skip(range.start) {
            let Some(component) = repetition.get_mut(edit.component - 1) else { continue };
            match edit.subcomponent {
                0 => *component = leaf(""),
                number => component.get_mut(number - 1).map(String::clear).unwrap_or_default(),
            }
        }
    }
}

fn change_in_repetition(repetition: &mut Vec<Vec<String>>, edit: &Edit, raw: &str) {
    let is_empty = *repetition == [leaf("")];
    let Edit { change, component, subcomponent, .. } = *edit;
    if component == 0 {
        match change {
            Change::Append if !is_empty => repetition.push(leaf(raw)),
            _ => *repetition = vec![leaf(raw)],
        }
        return;
    }
    let at = component - 1;
    if subcomponent == 0 && matches!(change, Change::Insert) && at < repetition.len() && !is_empty {
        return repetition.insert(at, leaf(raw));
    }
    let leaves = reach(repetition, at, leaf(""));
    let is_empty = *leaves == leaf("");
    match (subcomponent, change) {
        (0, Change::Append) if !is_empty => leaves.push(raw.to_owned()),
        (0, _) => *leaves = leaf(raw),
        (number, Change::Insert) if number <= leaves.len() && !is_empty => {
            leaves.insert(number - 1, raw.to_owned())
        }
        (number, _) => *reach(leaves, number - 1, String::new()) = raw.to_owned(),
    }
}

fn edit() -> impl Strategy<Value = Edit> {
    use Change::*;
    let change = proptest::sample::select(vec![
        Set,
        Set,
        Set,
        Remove,
        Remove,
        Insert,
        Append,
        RemoveSegment,
        InsertBefore,
        InsertAfter,
        AppendSegment,
    ]);
    let id = proptest::sample::select(vec!["PID", "PID", "OBX", "OBX", "MSH", "ZZZ", "NOT"]);
    let occurrence = proptest::sample::select(vec![None, Some(1), Some(2), Some(-1), Some(-2)]);
    let repetition =
        proptest::sample::select(vec![None, None, Some(1), Some(2), Some(4), Some(-1), Some(-2)]);
    let place = (change, id, occurrence, 1usize..10, repetition, 0usize..4, 0usize..4);
    (place, "[a-zé|^~\\\\&#!\r]{0,6}").prop_map(|(place, value)| {
        let (change, id, occurrence, field, repetition, component, subcomponent) = place;
        // The separators themselves are refused; tables show that.
        let field = if id == "MSH" { field.max(3) } else { field };
        let subcomponent = if component == 0 { 0 } else { subcomponent };
        Edit { change, id, occurrence, field, repetition, component, subcomponent, value }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..config() })]

    #[test]
    fn edits_do_what_taking_apart_and_joining_does(
        made in generate::message(),
        edits in proptest::collection::vec(edit(), 1..8),
    ) {
        let message = Message::read(made.text.into(), "").unwrap();
        let mut model = Model::read(message.text(), message.separators());
        prop_assert_eq!(&model.text(), message.text());
        let mut editor = Editor::of(&message);
        for edit in &edits {
            prop_assert_eq!(edit.apply(&mut editor), model.apply(edit), "{}", edit.path());
        }
        let edited = editor.finish();
        prop_assert_eq!(edited.text(), &model.text());
        let again = Message::read(edited.text().to_owned().into(), "").unwrap();
        let places = |message: &Message| -> Vec<usize> {
            message.segments().flat_map(|segment| [segment.offset(), segment.raw().len()]).collect()
        };
        prop_assert_eq!(places(&edited), places(&again));
    }
}
