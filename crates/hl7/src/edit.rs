//! Changing a message: values set, removed and inserted at any path.
//!
//! A change is made in the text itself, at the bytes that it is about: every other byte stays as it was,
//! line ends and all. What lies further than a segment, field or repetition reaches is made by adding the
//! separators on the way.
//!
//! ```
//! # use orris_hl7 as hl7;
//! let message = hl7::Message::read("MSH|^~\\&|LAB\rPID|1||4711".into(), "")?;
//! let mut editor = hl7::edit::Editor::of(&message);
//! editor.set(&"PID-5.2".parse().unwrap(), "Ann & Bob")?;
//! editor.insert_after(&"PID".parse().unwrap(), "PV1|1|I")?;
//! assert_eq!(editor.finish().text(), "MSH|^~\\&|LAB\rPID|1||4711||^Ann \\T\\ Bob\rPV1|1|I");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod apply;
mod lines;
mod place;
mod segments;

use std::borrow::Cow;

use crate::message::LONGEST;
use crate::{Index, Message, Path, Separators, charset, escape};
use apply::Splice;
use place::{Kind, LAST, Level, Place};

/// A message that is being changed.
pub struct Editor {
    text: String,
    lines: Vec<(u32, u32)>,
    separators: Separators,
    original: Message,
    header_changed: bool,
    /// The one segment that changes are made in; none for all that a path means.
    line: Option<usize>,
    /// So many bytes it may have.
    most: usize,
}

/// Why a change cannot be made. Nothing has been changed then. Holds no content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("path \"{path}\": {why}")]
pub struct EditError {
    /// The path.
    pub path: Path,
    /// What was found and what was wanted.
    pub why: Cow<'static, str>,
}

type Done = Result<usize, EditError>;

/// What is to be done at a place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    /// Puts the value in the place of what is there.
    Set,
    /// Takes out what is there.
    Remove,
    /// Puts the value before what is there.
    Insert,
    /// Puts the value behind all that is there, as one more part.
    Append,
}

impl Editor {
    /// Begins to change a message. The message itself stays as it is.
    pub fn of(message: &Message) -> Editor {
        let mut text = String::with_capacity(message.text().len() + 256);
        text.push_str(message.text());
        Editor::begin(message, text, message.lines().to_vec())
    }

    fn begin(message: &Message, text: String, lines: Vec<(u32, u32)>) -> Editor {
        let (separators, original) = (message.separators(), message.clone());
        Editor { text, lines, separators, original, header_changed: false, line: None, most: LONGEST }
    }

    /// Refuses what makes the message longer than `bytes`; 1 GiB when that is not said.
    #[must_use]
    pub fn at_most(self, bytes: usize) -> Editor {
        Editor { most: bytes.min(LONGEST), ..self }
    }

    /// Whether there is room for so many bytes more.
    fn check_room(&self, path: &Path, longer: usize) -> Result<(), EditError> {
        if self.text.len() + longer <= self.most {
            return Ok(());
        }
        let most = self.most >> 20;
        Err(error(path, format!("makes the message too long; expected at most {most} MiB")))
    }

    /// The message as it is now. It is to be written in the charset that it was read in, or in the one
    /// that a changed MSH-18 names.
    pub fn finish(self) -> Message {
        let charset = self.original.charset();
        let message = Message::of_parts(self.text, self.lines, self.separators, charset);
        let names = Path { repetition: Some(Index::All), ..Path::of(b"MSH", 18) };
        if !self.header_changed || message.values(&names).eq(self.original.values(&names)) {
            return message;
        }
        let named = message.values(&names).find_map(charset::by_name);
        named.map_or(message.clone(), |charset| message.in_charset(charset))
    }

    /// Sets what is at the path to this text, which is escaped. Gives the number of places: with `[*]`
    /// it is set in each segment or repetition that is there, else in one.
    ///
    /// # Errors
    /// When the segment is not there, or the path is a whole segment, MSH-1 or MSH-2.
    pub fn set(&mut self, path: &Path, value: &str) -> Done {
        if path.field == 0 {
            return Err(error(path, "is a whole segment; expected a field, or a raw segment to be set"));
        }
        let raw = escape::encode(value, &self.separators);
        self.change(path, Change::Set, &raw)
    }

    /// Sets what is at the path to this, in which separators separate and escape sequences are already
    /// made. A whole segment is set to a whole segment.
    ///
    /// # Errors
    /// As [`set`](Self::set), and when the value holds a separator of a level that is not within the
    /// path, or a line end.
    pub fn set_raw(&mut self, path: &Path, value: &str) -> Done {
        if path.field == 0 {
            return self.set_segment(path, value);
        }
        self.check_raw(path, value)?;
        self.change(path, Change::Set, value)
    }

    /// Removes what is at the path and gives the number of places where something was.
    ///
    /// Segments go with their line, and a repetition with its separator, so that the next one takes its
    /// place. A field, component or subcomponent becomes empty, since all others keep their number.
    ///
    /// # Errors
    /// When the path is the first segment, MSH-1 or MSH-2.
    pub fn remove(&mut self, path: &Path) -> Done {
        match path.field {
            0 => self.remove_segments(path),
            _ => self.change(path, Change::Remove, ""),
        }
    }

    /// Puts this text, escaped, in the place of the repetition, field, component or subcomponent, which
    /// moves up by one with all behind it.
    ///
    /// # Errors
    /// As [`set`](Self::set), and when the path leads to each of several repetitions.
    pub fn insert(&mut self, path: &Path, value: &str) -> Done {
        if path.field == 0 {
            return Err(error(path, "is a whole segment; expected a field or a part of one"));
        }
        if path.repetition == Some(Index::All) && path.component == 0 {
            return Err(error(path, "is each repetition; expected one, or the field to append to"));
        }
        let raw = escape::encode(value, &self.separators);
        self.change(path, Change::Insert, &raw)
    }

    /// Adds this text, escaped, behind the last part of what is at the path: a field to a segment, a
    /// repetition to a field, a component to a repetition, a subcomponent to a component. What is empty
    /// gets it as its first part.
    ///
    /// # Errors
    /// As [`set`](Self::set), and when the path is a subcomponent, which has no parts.
    pub fn append(&mut self, path: &Path, value: &str) -> Done {
        if path.subcomponent > 0 {
            return Err(error(path, "is a subcomponent, which has no parts; expected a component or more"));
        }
        let raw = escape::encode(value, &self.separators);
        self.change(path, Change::Append, &raw)
    }

    /// Plans the change at all places of the path, and makes it if all can be made.
    fn change(&mut self, path: &Path, change: Change, raw: &str) -> Done {
        let mut splices = vec![];
        for line in self.targets(path, change)? {
            self.plan(path, change, raw, line, &mut splices)?;
        }
        let longer: usize = splices.iter().map(|splice: &Splice| splice.new.len()).sum();
        self.check_room(path, longer)?;
        self.header_changed |= path.segment == *b"MSH" && !splices.is_empty();
        let count = splices.len();
        self.apply(splices);
        Ok(count)
    }

    /// The lines that the path is about.
    fn targets(&self, path: &Path, change: Change) -> Result<Vec<usize>, EditError> {
        if let Some(line) = self.line {
            return Ok(Vec::from_iter((line < self.lines.len()).then_some(line)));
        }
        let mut known = (0..self.lines.len()).filter(|line| self.has_id(*line, &path.segment));
        let found = match path.occurrence {
            Some(Index::All) => return Ok(known.collect()),
            None => known.next(),
            Some(Index::Nth(number)) => known.nth(number as usize - 1),
            Some(Index::Last) => known.next_back(),
        };
        match found {
            Some(line) => Ok(vec![line]),
            None if change == Change::Remove => Ok(vec![]),
            None => {
                let count = (0..self.lines.len()).filter(|line| self.has_id(*line, &path.segment)).count();
                Err(error(path, format!("message has {count} segments {}; insert it first", path.segment())))
            }
        }
    }

    /// Plans the change in one line.
    fn plan(
        &self,
        path: &Path,
        change: Change,
        raw: &str,
        line: usize,
        splices: &mut Vec<Splice>,
    ) -> Result<(), EditError> {
        let header = self.is_header(line);
        if header && (path.field == 1 || path.field == 2) {
            return Err(error(
                path,
                "holds the separators; expected them to be changed for the whole message",
            ));
        }
        let mut plan = |repetition: Option<usize>| {
            let levels = self.levels(path, repetition, header);
            let splice = self.splice(line, &levels, change, raw).map_err(|why| error(path, why))?;
            splices.extend(splice);
            Ok(())
        };
        match path.repetition {
            None => plan(None),
            Some(Index::Nth(number)) => plan(Some(number as usize)),
            Some(Index::Last) => plan(Some(LAST)),
            // All repetitions are removed by emptying the field.
            Some(Index::All) if path.component == 0 && change == Change::Remove => plan(None),
            Some(Index::All) => {
                (1..=self.repetitions(line, path.field, header)).try_for_each(|number| plan(Some(number)))
            }
        }
    }

    /// The steps from the segment to the path's value.
    fn levels(&self, path: &Path, repetition: Option<usize>, header: bool) -> Vec<Level> {
        let mut levels = Vec::with_capacity(4);
        let mut step = |kind, number| levels.push(Level { kind, separator: self.separator(kind), number });
        if path.field > 0 {
            // The id comes first; in a header, the field separator is a field of its own.
            step(Kind::Field, path.field as usize + usize::from(!header));
        }
        if let Some(number) = repetition.or((path.component > 0).then_some(1)) {
            step(Kind::Repetition, number);
        }
        for (kind, number) in [(Kind::Component, path.component), (Kind::Subcomponent, path.subcomponent)] {
            if number > 0 {
                step(kind, number.into());
            }
        }
        levels
    }

    fn separator(&self, kind: Kind) -> Option<u8> {
        let Separators { field, component, repetition, subcomponent, .. } = self.separators;
        match kind {
            Kind::Field => Some(field),
            Kind::Repetition => repetition,
            Kind::Component => Some(component),
            Kind::Subcomponent => subcomponent,
        }
    }

    /// Plans the change at one place; none if there is nothing to do.
    fn splice(
        &self,
        line: usize,
        levels: &[Level],
        change: Change,
        raw: &str,
    ) -> Result<Option<Splice>, Cow<'static, str>> {
        let (start, end) = self.lines[line];
        let place = Place::find(self.text.as_bytes(), start as usize..end as usize, levels)?;
        let kind = levels.last().map(|level| level.kind);
        let is_there = place.missing.is_empty();
        let (range, new) = match change {
            Change::Remove => match place.to_remove(kind) {
                Some(range) => (range, String::new()),
                None => return Ok(None),
            },
            Change::Insert if is_there && (kind == Some(Kind::Field) || !place.whole.is_empty()) => {
                let separator =
                    kind.and_then(|kind| self.separator(kind)).ok_or_else(|| place::no_separator(kind))?;
                (place.range.start..place.range.start, format!("{raw}{}", separator as char))
            }
            Change::Append if !place.range.is_empty() => {
                let within = Kind::within(kind);
                let separator = self.separator(within).ok_or_else(|| place::no_separator(Some(within)))?;
                (place.range.end..place.range.end, format!("{}{raw}", separator as char))
            }
            Change::Set | Change::Insert | Change::Append => (place.range, place.missing + raw),
        };
        Ok(Some(Splice { line, range, new }))
    }

    /// Refuses what would take apart more than the path's value.
    fn check_raw(&self, path: &Path, raw: &str) -> Result<(), EditError> {
        let Separators { field, component, repetition, subcomponent, .. } = self.separators;
        let part = path.component > 0;
        let not_within = [
            Some(b'\r'),
            Some(b'\n'),
            Some(field),
            repetition.filter(|_| part || path.repetition.is_some()),
            Some(component).filter(|_| part),
            subcomponent.filter(|_| path.subcomponent > 0),
        ];
        match raw.bytes().position(|byte| not_within.contains(&Some(byte))) {
            None => Ok(()),
            Some(at) => {
                let why = format!(
                    "byte {at} of the value is a line end or a separator of what the path is a part of; \
                     expected none, or the value to be escaped"
                );
                Err(error(path, why))
            }
        }
    }

    fn has_id(&self, line: usize, id: &[u8; 3]) -> bool {
        let (start, end) = self.lines[line];
        let bytes = &self.text.as_bytes()[start as usize..end as usize];
        bytes.starts_with(id) && bytes.get(3).is_none_or(|byte| *byte == self.separators.field)
    }

    fn is_header(&self, line: usize) -> bool {
        let (start, end) = self.lines[line];
        end - start > 3 && self.has_id(line, b"MSH")
    }
}

impl std::fmt::Debug for Editor {
    /// Shows how long the message is, never what it says.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Editor").field("bytes", &self.text.len()).finish_non_exhaustive()
    }
}

fn error(path: &Path, why: impl Into<Cow<'static, str>>) -> EditError {
    EditError { path: *path, why: why.into() }
}

#[cfg(test)]
mod tests;
