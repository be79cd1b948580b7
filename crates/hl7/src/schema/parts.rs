//! What a schema consists of: structures, segments, data types and tables.

use super::Text;

/// Which segments a message has, in which order and groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Structure {
    /// Its id, as in `ADT_A01`.
    pub id: Text,
    /// Its segments and groups in their order.
    pub elements: Vec<Element>,
    /// Whether its definition is in doubt: what does not fit is to be warned of, not refused.
    pub doubtful: bool,
}

/// A segment or a group within a structure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// The id of the segment, [`ANY_SEGMENT`], or the name of the group, which is empty for a group
    /// without a name.
    pub name: Text,
    /// How many there have to be.
    pub min: u16,
    /// How many there may be; none is any number.
    pub max: Option<u16>,
    /// What is in it, where it is a group.
    pub group: Option<Group>,
}

/// The id that stands for any segment in a structure.
pub const ANY_SEGMENT: &str = "ANYHL7SEGMENT";

/// What is in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its segments and groups in their order.
    pub elements: Vec<Element>,
    /// Whether only one of them stands there.
    pub choice: bool,
}

impl Structure {
    /// Whether a segment stands anywhere in it.
    pub fn has_segment(&self, id: &str) -> bool {
        self.elements.iter().any(|element| element.has_segment(id))
    }
}

impl Element {
    /// The elements of the group; none for a segment.
    pub fn elements(&self) -> &[Element] {
        self.group.as_ref().map_or(&[], |group| &group.elements)
    }

    /// Whether it is a group of which only one element stands there.
    pub fn is_choice(&self) -> bool {
        self.group.as_ref().is_some_and(|group| group.choice)
    }

    /// Whether it may stand more than once.
    pub fn repeats(&self) -> bool {
        self.max != Some(1)
    }

    pub(super) fn has_segment(&self, id: &str) -> bool {
        match &self.group {
            None => self.name == *id,
            Some(group) => group.elements.iter().any(|element| element.has_segment(id)),
        }
    }
}

/// What is in a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentDef {
    /// Its id, as in `PID`.
    pub id: Text,
    /// Its name, as in `Patient Identification`.
    pub name: Text,
    /// Its fields: the first is field 1. Empty where nothing is known of them.
    pub fields: Vec<FieldDef>,
}

impl SegmentDef {
    /// A field by its number, counted from 1.
    pub fn field(&self, number: usize) -> Option<&FieldDef> {
        self.fields.get(number.checked_sub(1)?)
    }
}

/// Whether a field or component has to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Usage {
    /// It may be there, `O`.
    #[default]
    Optional,
    /// It has to be there, `R`.
    Required,
    /// It has to be there under conditions that the schema does not hold, `C`.
    Conditional,
    /// It is no longer used, `X`.
    Withdrawn,
}

impl Usage {
    /// Its letter in HL7's tables.
    pub fn letter(self) -> char {
        match self {
            Usage::Optional => 'O',
            Usage::Required => 'R',
            Usage::Conditional => 'C',
            Usage::Withdrawn => 'X',
        }
    }
}

/// A field of a segment, or a component of a data type.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FieldDef {
    /// Its number, counted from 1.
    pub number: u16,
    /// Its name, as in `Patient Identifier List`.
    pub name: Text,
    /// The id of its data type, as in `CX`; `varies` where another field says which.
    pub datatype: Text,
    /// Whether it has to be there.
    pub usage: Usage,
    /// How many there have to be: 0 or 1.
    pub min: u16,
    /// How many repetitions there may be; none is any number, 0 a field without meaning.
    pub max: Option<u16>,
    /// The most characters, where they are known.
    pub length: Option<u32>,
    /// The id of the table of its values, as in `0001`.
    pub table: Option<Text>,
    /// Whether repetition or use are in doubt: what does not fit is to be warned of, not refused.
    pub doubtful: bool,
}

/// The type of a field or component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataType {
    /// Its id, as in `XPN`.
    pub id: Text,
    /// Its name, as in `Extended Person Name`.
    pub name: Text,
    /// Its components in their order, with gaps where one was withdrawn; empty for a primitive type.
    pub components: Vec<FieldDef>,
}

impl DataType {
    /// Whether it has no components.
    pub fn is_primitive(&self) -> bool {
        self.components.is_empty()
    }

    /// A component by its number, counted from 1.
    pub fn component(&self, number: usize) -> Option<&FieldDef> {
        let at = self.components.binary_search_by_key(&number, |component| component.number.into());
        at.ok().map(|at| &self.components[at])
    }
}

/// A table of codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its id, as in `0001`.
    pub id: Text,
    /// Its name, as in `Administrative Sex`.
    pub name: Text,
    /// Whether a site may define codes of its own (a table of type "user"), so that an unknown code
    /// is no mistake by itself.
    pub user_defined: bool,
    /// Codes with their meanings, ordered by code.
    pub codes: Vec<(Text, Text)>,
}

impl Table {
    /// What a code means; none where it is not in the table.
    pub fn meaning(&self, code: &str) -> Option<&str> {
        let at = self.codes.binary_search_by(|(known, _)| known.as_str().cmp(code));
        at.ok().map(|at| &*self.codes[at].1)
    }

    /// Whether all codes are listed: not where a site defines them, and not where a row such as `...`,
    /// `E1... E9`, `99zzz` or `ISOnnnn` stands for codes that are not listed.
    pub fn is_complete(&self) -> bool {
        !self.user_defined && !self.codes.is_empty() && !self.is_open()
    }

    /// Whether a row stands for codes that are not listed.
    pub(crate) fn is_open(&self) -> bool {
        let open = |code: &str| ["..", "…", "zzz", "nnn"].iter().any(|open| code.contains(open));
        self.codes.iter().any(|(code, _)| open(code))
    }
}
