//! What later versions know. HL7 grows by adding, so that a sender may be ahead of the version that it
//! names; receivers are to pass over what they do not know.

use crate::schema::{FieldDef, Schema, Schemas, Table};

/// The versions behind that of a schema, the newest first.
fn versions(schema: &Schema) -> impl Iterator<Item = std::sync::Arc<Schema>> {
    let schemas = Schemas::default();
    let names: Vec<String> = schemas.names().map(str::to_owned).collect();
    let own = names.iter().position(|name| name == schema.version()).map_or(names.len(), |at| at + 1);
    let later: Vec<String> = names.into_iter().skip(own).rev().collect();
    later.into_iter().filter_map(move |name| schemas.get(&name))
}

pub(super) fn has_segment(schema: &Schema, structure: &str, id: &str) -> bool {
    let newest = versions(schema).find_map(|later| later.structure(structure).map(|it| it.has_segment(id)));
    newest.unwrap_or(false)
}

/// Whether a later version has a field of which that is true.
pub(super) fn has_field(
    schema: &Schema,
    segment: &str,
    number: u16,
    mut holds: impl FnMut(&Schema, &FieldDef) -> bool,
) -> bool {
    let newest = versions(schema).find_map(|later| {
        let field = later.segment(segment)?.field(number.into())?;
        Some(holds(&later, field))
    });
    newest.unwrap_or(false)
}

pub(super) fn has_component(schema: &Schema, datatype: &str, number: u16) -> bool {
    has_component_of(schema, datatype, number, |_, _| true)
}

/// Whether a later version has a component of which that is true.
pub(super) fn has_component_of(
    schema: &Schema,
    datatype: &str,
    number: u16,
    mut holds: impl FnMut(&Schema, &FieldDef) -> bool,
) -> bool {
    let newest = versions(schema).find_map(|later| {
        let datatype = later.datatype(datatype)?;
        Some(datatype.component(number.into()).is_some_and(|component| holds(&later, component)))
    });
    newest.unwrap_or(false)
}

/// Whether a later version has the code, or leaves the table to sites.
pub(super) fn has_code(schema: &Schema, table: &str, code: &str) -> bool {
    let has = |table: &Table| table.user_defined || table.meaning(code).is_some();
    versions(schema).any(|later| later.table(table).is_some_and(has))
}
