//! Schemas of a production: a base and what is different, merged and checked.

mod change;
mod fields;
mod merge;
mod structures;

use std::ops::Range;
use std::sync::Arc;

use super::{Schemas, Usage};

/// A custom schema as it was written: only what differs from its base.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Custom {
    /// Its name, as in `Hospital`.
    pub name: String,
    /// The schema that it changes: a version of HL7, or a custom one added before.
    pub base: String,
    /// Segments of its own, and changed ones.
    pub segments: Vec<CustomSegment>,
    /// Structures of its own, and changed ones.
    pub structures: Vec<CustomStructure>,
    /// Tables of its own, and codes added to others.
    pub tables: Vec<CustomTable>,
    /// Events with their structures, as in `ADT_Z01` with `ADT_A01`.
    pub events: Vec<(String, String)>,
    /// Data types of its own, and changed ones.
    pub datatypes: Vec<CustomDatatype>,
}

/// A segment that begins with Z, or changes of one of the base.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CustomSegment {
    /// Its id, as in `ZPD`.
    pub id: String,
    /// Its name, as in `Patient Details`.
    pub name: Option<String>,
    /// Its fields, or those that are different.
    pub fields: Vec<CustomField>,
}

/// A data type, or changes of one of the base.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CustomDatatype {
    /// Its id, as in `ZXN`.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// Its components, or those that are different.
    pub components: Vec<CustomField>,
}

/// A field or component. What is not said is as in the base, where that has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CustomField {
    /// Its number; where it is not said, the one after the field before, or after the last of the base.
    pub number: Option<u16>,
    /// Its name; a new one needs it.
    pub name: Option<String>,
    /// Its data type; a new one needs it.
    pub datatype: Option<String>,
    /// Whether it has to be there.
    pub usage: Option<Usage>,
    /// How many repetitions there may be; an inner none is any number.
    pub max: Option<Option<u16>>,
    /// The most characters.
    pub length: Option<u32>,
    /// The table of its values.
    pub table: Option<String>,
}

/// A structure, as a whole or as changes of another.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CustomStructure {
    /// Its id, as in `ADT_A01`.
    pub id: String,
    /// The whole structure as HL7 writes it, as in `MSH PID [{NTE}]`.
    pub whole: Option<String>,
    /// What is changed, one after the other, where it is not written as a whole.
    pub changes: Vec<Change>,
    /// Whether the one change stands there by itself and not in a list; for the places of mistakes.
    pub single: bool,
}

/// One change of a structure: a place with what becomes of it.
///
/// A place is the id of a segment or the name of a group; where there are several, with the groups
/// that it is in, `PATIENT.NTE`, or its number, `ROL[2]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Change {
    /// The structure that is changed, where it is not the one of the same id.
    pub like: Option<String>,
    /// The place after which `add` is put.
    pub after: Option<String>,
    /// The place before which `add` is put.
    pub before: Option<String>,
    /// The place that is taken out.
    pub remove: Option<String>,
    /// The place that `with` is put in.
    pub replace: Option<String>,
    /// What is put there, as HL7 writes it: `[{ZPD}]`.
    pub add: Option<String>,
    /// What is put in the place of `replace`.
    pub with: Option<String>,
}

/// A table, or codes for one of the base.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CustomTable {
    /// Its id, as in `0001` or `Z001`.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// Codes with their meanings.
    pub codes: Vec<(String, String)>,
    /// Whether the codes of the base are left out.
    pub only: bool,
}

/// What is wrong with a custom schema, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The place in the schema, as in `segments.ZPD.fields[2].type`.
    pub path: String,
    /// Whether it is about the key at the end of the path and not about what stands there.
    pub key: bool,
    /// The bytes of the text there that are wrong; none for all of it.
    pub range: Option<Range<usize>>,
    /// What was found and what was wanted.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl Schemas {
    /// Adds a custom schema, and says all that is wrong with it.
    ///
    /// One with mistakes is there all the same, as far as it goes, so that what names it can be
    /// looked at; not one whose name is taken.
    pub fn add(&mut self, custom: &Custom) -> Vec<Mistake> {
        let (schema, mistakes) = merge::merge(self, custom);
        self.custom.extend(schema.map(Arc::new));
        mistakes
    }
}

#[cfg(test)]
mod tests;
