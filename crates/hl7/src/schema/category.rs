//! One schema: a version of HL7 v2, or a custom one with its base.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Text;
use super::built_in::BuiltIn;
use super::parts::{DataType, SegmentDef, Structure, Table};
use super::plans::Plans;
use super::read::Definitions;

/// A schema category: what messages of a version, or of a site, look like.
#[derive(Debug, Clone)]
pub struct Schema {
    name: Text,
    base: Option<Text>,
    pub(super) definitions: Definitions,
    /// The version that it is, or is built upon.
    version: &'static BuiltIn,
    /// Tables that are not as in the version.
    pub(super) tables: BTreeMap<Text, Arc<Table>>,
    pub(super) plans: Plans,
}

impl Schema {
    pub(super) fn built_in(version: &'static BuiltIn, definitions: Definitions) -> Schema {
        let name = Text::fixed(version.name());
        Schema { name, base: None, definitions, version, tables: BTreeMap::new(), plans: Plans::default() }
    }

    /// The same under another name, to be changed. What is not changed is shared.
    pub(super) fn derive(&self, name: Text) -> Schema {
        Schema { name, base: Some(self.name.clone()), ..self.clone() }
    }

    /// Its name, as in `2.5.1` or `Hospital`.
    pub fn name(&self) -> &Text {
        &self.name
    }

    /// The schema that it changes; none for a version of HL7.
    pub fn base(&self) -> Option<&str> {
        self.base.as_deref()
    }

    /// The version of HL7 that it is, or is built upon.
    pub fn version(&self) -> &'static str {
        self.version.name()
    }

    /// A structure by its id, as in `ADT_A01`.
    pub fn structure(&self, id: &str) -> Option<&Structure> {
        self.definitions.structures.get(id).map(Arc::as_ref)
    }

    /// All structures, ordered by id.
    pub fn structures(&self) -> impl ExactSizeIterator<Item = &Structure> {
        self.definitions.structures.values().map(Arc::as_ref)
    }

    /// A segment by its id, as in `PID`.
    pub fn segment(&self, id: &str) -> Option<&SegmentDef> {
        self.definitions.segments.get(id).map(Arc::as_ref)
    }

    /// All segments, ordered by id.
    pub fn segments(&self) -> impl ExactSizeIterator<Item = &SegmentDef> {
        self.definitions.segments.values().map(Arc::as_ref)
    }

    /// A data type by its id, as in `XPN`.
    pub fn datatype(&self, id: &str) -> Option<&DataType> {
        self.definitions.datatypes.get(id).map(Arc::as_ref)
    }

    /// All data types, ordered by id.
    pub fn datatypes(&self) -> impl ExactSizeIterator<Item = &DataType> {
        self.definitions.datatypes.values().map(Arc::as_ref)
    }

    /// A table by its id, as in `0001`.
    pub fn table(&self, id: &str) -> Option<&Table> {
        self.tables.get(id).or_else(|| self.version.tables().get(id)).map(Arc::as_ref)
    }

    /// All tables, ordered by id.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        let mut all: BTreeMap<&str, &Table> = BTreeMap::new();
        all.extend(self.version.tables().iter().map(|(id, table)| (id.as_str(), &**table)));
        all.extend(self.tables.iter().map(|(id, table)| (id.as_str(), &**table)));
        all.into_values()
    }

    /// The structure of an event by the event map, as in `ADT_A01` for ADT and A04.
    pub fn structure_for(&self, code: &str, trigger: &str) -> Option<&str> {
        self.event(code, trigger).map(Text::as_str)
    }

    /// The event map: events such as `ADT_A04` with their structures, ordered by event.
    pub fn events(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.definitions.events.iter().map(|(event, structure)| (event.as_str(), structure.as_str()))
    }

    /// As [`Schema::structure_for`]; makes no text, since it is asked for each message.
    pub(super) fn event(&self, code: &str, trigger: &str) -> Option<&Text> {
        let wanted = || code.bytes().chain(*b"_").chain(trigger.bytes());
        let events = &self.definitions.events;
        let at = events.binary_search_by(|(event, _)| event.bytes().cmp(wanted())).ok()?;
        // A few events of the standard have no structure there.
        self.definitions.structures.get_key_value(&*events[at].1).map(|(id, _)| id)
    }

    /// The id of a structure, where it is one.
    pub(super) fn structure_id(&self, id: &str) -> Option<&Text> {
        self.definitions.structures.get_key_value(id).map(|(id, _)| id)
    }
}
