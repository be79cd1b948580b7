//! Paths: where a value stands in a message, as in `PID-3[2].1.2`. Compiled once, followed often.

mod parse;

use std::ops::Range;

/// Which one of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Index {
    /// That one, counted from 1.
    Nth(u32),
    /// The last one, `[-1]`.
    Last,
    /// Each one, `[*]`.
    All,
}

/// Where a value stands in a message.
///
/// | path | is |
/// |---|---|
/// | `PID` | the first segment PID as a whole |
/// | `OBX[3]-5` | field 5 of the third OBX, `OBX[-1]-5` of the last, `OBX[*]-5` of each |
/// | `PID-3` | the whole field, with all its repetitions |
/// | `PID-3[2]` | its second repetition; `[-1]` the last, `[*]` each |
/// | `PID-3.1` | component 1 of the first repetition |
/// | `PID-3[2].1.2` | subcomponent 2 of component 1 of the second repetition |
///
/// Where no segment is chosen, it is the first one of that id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Path {
    pub(crate) segment: [u8; 3],
    pub(crate) occurrence: Option<Index>,
    /// 0 for the whole segment.
    pub(crate) field: u16,
    pub(crate) repetition: Option<Index>,
    /// 0 for the whole repetition or field.
    pub(crate) component: u16,
    /// 0 for the whole component.
    pub(crate) subcomponent: u16,
}

impl Path {
    /// The path of a field; of the whole segment for 0.
    pub(crate) const fn of(segment: &[u8; 3], field: u16) -> Path {
        Path { segment: *segment, occurrence: None, field, repetition: None, component: 0, subcomponent: 0 }
    }

    /// The id of the segment, as in `PID`.
    pub fn segment(&self) -> &str {
        // Parsing let only ASCII through.
        std::str::from_utf8(&self.segment).unwrap_or_default()
    }

    /// The number of the field; none for the whole segment.
    pub fn field(&self) -> Option<u16> {
        Some(self.field).filter(|number| *number > 0)
    }

    /// Whether it may lead to more than one value.
    pub fn is_plural(&self) -> bool {
        self.occurrence == Some(Index::All) || self.repetition == Some(Index::All)
    }
}

impl std::fmt::Display for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Index::Nth(number) => write!(f, "[{number}]"),
            Index::Last => f.write_str("[-1]"),
            Index::All => f.write_str("[*]"),
        }
    }
}

impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let index = |index: Option<Index>| index.map(|index| index.to_string()).unwrap_or_default();
        write!(f, "{}{}", self.segment(), index(self.occurrence))?;
        if self.field > 0 {
            write!(f, "-{}{}", self.field, index(self.repetition))?;
        }
        for part in [self.component, self.subcomponent].into_iter().take_while(|number| *number > 0) {
            write!(f, ".{part}")?;
        }
        Ok(())
    }
}

impl std::str::FromStr for Path {
    type Err = PathError;
    fn from_str(text: &str) -> Result<Self, PathError> {
        parse::path(text)
    }
}

/// Why a text is no path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}{}", help.as_ref().map(|help| format!("; {help}")).unwrap_or_default())]
pub struct PathError {
    /// The bytes of the text that are wrong; empty at its end when something is missing.
    pub range: Range<usize>,
    /// What was found and what was wanted.
    pub message: String,
    /// What to write instead, as in `did you mean "PID-3"?`.
    pub help: Option<String>,
}

impl PathError {
    /// The same error in a text that this one's text is a part of, `by` bytes in.
    pub(crate) fn shifted(mut self, by: usize) -> PathError {
        self.range = self.range.start + by..self.range.end + by;
        self
    }
}

impl Path {
    /// The numbers of component and subcomponent; 0 where none is said.
    pub fn parts(&self) -> [u16; 2] {
        [self.component, self.subcomponent]
    }

    /// Whether it is a part of a repetition.
    pub fn is_part(&self) -> bool {
        self.component > 0
    }

    /// Whether it says which repetition, or all of them.
    pub fn has_repetition(&self) -> bool {
        self.repetition.is_some()
    }

    /// Which segment of its id it says.
    pub fn occurrence(&self) -> Option<Index> {
        self.occurrence
    }

    /// Which repetition it says.
    pub fn repetition(&self) -> Option<Index> {
        self.repetition
    }

    /// The same path in that repetition.
    #[must_use]
    pub fn at_repetition(self, number: u32) -> Path {
        Path { repetition: Some(Index::Nth(number)), ..self }
    }

    /// The same path in that segment of its id.
    #[must_use]
    pub fn at_occurrence(self, index: Index) -> Path {
        Path { occurrence: Some(index), ..self }
    }
}
