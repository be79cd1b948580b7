//! Schemas: what the messages of a version of HL7, or of a site, look like.
//!
//! The versions 2.1 to 2.8.2 are part of the binary, packed; a version is unpacked when it is first
//! used, and stays. A production adds [`Custom`] schemas, which say only what they change.
//!
//! ```
//! # use orris_hl7 as hl7;
//! let schemas = hl7::schema::Schemas::default();
//! let schema = schemas.get("2.5.1").unwrap();
//! assert_eq!(schema.structure_for("ADT", "A04"), Some("ADT_A01"));
//! assert_eq!(schema.segment("PID").unwrap().field(5).unwrap().name, "Patient Name");
//! ```
//!
//! Where the sources of the data differ, the structure or field is marked as doubtful.

mod built_in;
mod category;
mod choice;
mod custom;
mod doc_type;
mod field_path;
pub mod map;
mod parts;
mod plans;
mod read;
mod syntax;
mod text;

use std::ops::Range;
use std::sync::Arc;

pub use category::Schema;
pub use choice::CategoryChoice;
pub use custom::{
    Change, Custom, CustomDatatype, CustomField, CustomSegment, CustomStructure, CustomTable, Mistake,
};
pub use doc_type::{DocType, looks_like_type};
pub use field_path::{CheckedPath, FieldPath, GroupPath, PathContext, check_path, compile_path};
pub use map::StructureMap;
pub use parts::{ANY_SEGMENT, DataType, Element, FieldDef, Group, SegmentDef, Structure, Table, Usage};
pub use text::Text;

/// All schemas of a production: the versions of HL7, and custom ones. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Schemas {
    custom: Vec<Arc<Schema>>,
}

impl Schemas {
    /// The schema of a category, as in `2.5.1` or `Hospital`.
    pub fn get(&self, category: &str) -> Option<Arc<Schema>> {
        self.find(category).cloned()
    }

    /// The names of all schemas: the versions of HL7, the oldest first, then the custom ones.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let custom = self.custom.iter().map(|schema| schema.name().as_str());
        built_in::names().map(|name| name as &str).chain(custom)
    }

    /// Whether a category is a version of HL7, and no custom schema.
    fn is_version(category: &str) -> bool {
        built_in::find(category).is_some()
    }

    fn find(&self, category: &str) -> Option<&Arc<Schema>> {
        let custom = || self.custom.iter().find(|schema| *schema.name() == *category);
        built_in::find(category).map(built_in::BuiltIn::schema).or_else(custom)
    }
}

/// Why a text such as a structure or a choice of categories cannot be read, or is not right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}{}", help.as_ref().map(|help| format!("; {help}")).unwrap_or_default())]
pub struct TextError {
    /// The bytes of the text that are wrong; empty at its end when something is missing.
    pub range: Range<usize>,
    /// What was found and what was wanted.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl TextError {
    fn new(range: Range<usize>, message: impl Into<String>) -> TextError {
        TextError { range, message: message.into(), help: None }
    }

    fn help(self, help: impl Into<String>) -> TextError {
        TextError { help: Some(help.into()), ..self }
    }
}

#[cfg(test)]
mod tests;
