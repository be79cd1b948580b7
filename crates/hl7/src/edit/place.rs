//! Where in a segment a path leads, and what is missing on the way.

use std::borrow::Cow;
use std::ops::Range;

use super::Editor;

/// What a path can lead to within a segment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Field,
    Repetition,
    Component,
    Subcomponent,
}

impl Kind {
    /// What this is made of; a segment, if it is none.
    pub(super) fn within(kind: Option<Kind>) -> Kind {
        match kind {
            None => Kind::Field,
            Some(Kind::Field) => Kind::Repetition,
            Some(Kind::Repetition) => Kind::Component,
            Some(Kind::Component | Kind::Subcomponent) => Kind::Subcomponent,
        }
    }
}

/// One step down from a segment to a value: which part between which separators.
pub(super) struct Level {
    pub(super) kind: Kind,
    pub(super) separator: Option<u8>,
    /// Counted from 1, or [`LAST`].
    pub(super) number: usize,
}

/// The number of the last part, whichever that is.
pub(super) const LAST: usize = 0;

/// Says that a second part of this kind cannot be written.
pub(super) fn no_separator(kind: Option<Kind>) -> Cow<'static, str> {
    match kind {
        Some(Kind::Repetition) => "MSH-2 declares no separator between repetitions".into(),
        _ => "MSH-2 declares no separator between subcomponents".into(),
    }
}

/// Where a value stands or would stand.
pub(super) struct Place {
    /// Its bytes; empty at the end of the last part on the way, where it is not there.
    pub(super) range: Range<usize>,
    /// The separators that must be added before it.
    pub(super) missing: String,
    /// What it is a part of.
    pub(super) whole: Range<usize>,
}

impl Place {
    /// Goes down the levels.
    ///
    /// # Errors
    /// When MSH-2 lacks a separator that is needed.
    pub(super) fn find(
        text: &[u8],
        line: Range<usize>,
        levels: &[Level],
    ) -> Result<Place, Cow<'static, str>> {
        let mut place = Place { whole: line.clone(), range: line, missing: String::new() };
        for level in levels {
            place.whole = place.range.clone();
            let count =
                if place.missing.is_empty() { place.step(text, level) } else { level.number.max(1) - 1 };
            if count > 0 {
                let separator = level.separator.ok_or_else(|| no_separator(Some(level.kind)))?;
                place.missing.extend(std::iter::repeat_n(separator as char, count));
                place.range.start = place.range.end;
            }
        }
        Ok(place)
    }

    /// Goes to the part of that number and says how many separators are missing before it.
    fn step(&mut self, text: &[u8], level: &Level) -> usize {
        let wanted = level.number;
        let Some(separator) = level.separator else { return wanted.max(1) - 1 };
        let whole = self.range.clone();
        if wanted == LAST {
            let last = memchr::memrchr(separator, &text[whole.clone()]);
            self.range.start = last.map_or(whole.start, |at| whole.start + at + 1);
            return 0;
        }
        let mut start = whole.start;
        let mut number = 1;
        for at in memchr::memchr_iter(separator, &text[whole.clone()]) {
            if number == wanted {
                self.range = start..whole.start + at;
                return 0;
            }
            number += 1;
            start = whole.start + at + 1;
        }
        self.range = start..whole.end;
        wanted - number
    }

    /// What goes when it is removed: with a separator, if it is one of several repetitions; none if
    /// there is nothing.
    pub(super) fn to_remove(&self, kind: Option<Kind>) -> Option<Range<usize>> {
        let Range { start, end } = self.range;
        let one_of_many = kind == Some(Kind::Repetition) && self.whole != self.range;
        match one_of_many {
            _ if !self.missing.is_empty() => None,
            false => (start < end).then_some(start..end),
            true if start > self.whole.start => Some(start - 1..end),
            true => Some(start..end + 1),
        }
    }
}

impl Editor {
    /// How many repetitions a field has; none if it is not there.
    pub(super) fn repetitions(&self, line: usize, field: u16, header: bool) -> usize {
        let (start, end) = self.lines[line];
        let segment = &self.text.as_bytes()[start as usize..end as usize];
        let skipped = field as usize - usize::from(header);
        let Some(value) = segment.split(|byte| *byte == self.separators.field).nth(skipped) else { return 0 };
        let between = self.separators.repetition;
        1 + between.map_or(0, |between| memchr::memchr_iter(between, value).count())
    }
}
