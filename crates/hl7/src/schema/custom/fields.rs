//! Merging fields of a segment, or components of a data type, with those of the base.

use std::collections::HashSet;

use super::CustomField;
use super::merge::Mistakes;
use crate::schema::parts::{FieldDef, Usage};
use crate::schema::{Schema, Text};
use crate::suggest::did_you_mean;

/// A field with a larger number is a slip of the finger.
const MOST: u16 = 999;

/// Whose fields they are.
pub(super) struct Owner<'a> {
    /// Its place in the custom schema.
    pub(super) path: String,
    /// The key under which they stand.
    pub(super) list: &'static str,
    /// What one of them is called.
    pub(super) one: &'static str,
    /// Data types and tables of the custom schema that are not merged yet.
    pub(super) own: &'a HashSet<&'a str>,
    pub(super) tables: &'a HashSet<&'a str>,
}

/// The fields of the base with what is different. Without a schema nothing is said of unknown words.
pub(super) fn merged(
    before: &[FieldDef],
    fields: &[CustomField],
    owner: &Owner<'_>,
    schema: Option<&Schema>,
    mistakes: &mut Mistakes,
) -> Vec<FieldDef> {
    let mut merged = before.to_vec();
    let mut said = HashSet::new();
    let mut last = before.last().map_or(0, |field| field.number);
    for (index, field) in fields.iter().enumerate() {
        let path = format!("{}.{}[{index}]", owner.path, owner.list);
        let number = field.number.unwrap_or(last + 1);
        if !(1..=MOST).contains(&number) {
            let message = format!("number is {number}; expected 1 to {MOST}");
            mistakes.add(format!("{path}.number"), message, None);
            continue;
        }
        if !said.insert(number) {
            mistakes.add(path, format!("{} {number} stands there twice", owner.one), None);
            continue;
        }
        last = number;
        let at = merged.binary_search_by_key(&number, |known| known.number);
        let old = at.ok().map(|at| &merged[at]);
        check(field, old, number, &path, owner, schema, mistakes);
        let new = changed(field, old, number);
        match at {
            Ok(at) => merged[at] = new,
            Err(at) => merged.insert(at, new),
        }
    }
    merged
}

fn check(
    field: &CustomField,
    old: Option<&FieldDef>,
    number: u16,
    path: &str,
    owner: &Owner<'_>,
    schema: Option<&Schema>,
    mistakes: &mut Mistakes,
) {
    if let (Some(schema), None) = (schema, old) {
        for (key, missing) in [("name", field.name.is_none()), ("type", field.datatype.is_none())] {
            if missing {
                let base = schema.base().unwrap_or_default();
                let message = format!(
                    "{} {number} has no {key}; expected one, since \"{base}\" has no such {}",
                    owner.one, owner.one
                );
                mistakes.add(path.to_owned(), message, None);
            }
        }
    }
    if field.name.as_ref().is_some_and(|name| !name.contains(|c: char| c.is_alphanumeric())) {
        let message = "name is empty; expected a word that paths can name";
        mistakes.add(format!("{path}.name"), message, None);
    }
    let Some(schema) = schema else { return };
    if let Some(datatype) = &field.datatype
        && !is_datatype(schema, datatype)
        && !owner.own.contains(datatype.as_str())
    {
        let known = schema.datatypes().map(|datatype| datatype.id.as_str()).chain(owner.own.iter().copied());
        let help = did_you_mean(datatype, known.chain(["varies"]));
        let help = help.or_else(|| Some("write its components under \"datatypes\"".to_owned()));
        mistakes.add(format!("{path}.type"), format!("unknown data type \"{datatype}\""), help);
    }
    if let Some(table) = &field.table
        && schema.table(table).is_none()
        && !owner.tables.contains(table.as_str())
    {
        let known = schema.tables().map(|table| table.id.as_str());
        let padded = format!("{table:0>4}");
        let help = match schema.table(&padded) {
            Some(_) => Some(format!("did you mean \"{padded}\"?")),
            None => did_you_mean(table, known).filter(|_| !table.bytes().all(|byte| byte.is_ascii_digit())),
        };
        let help = help.or_else(|| Some("write its codes under \"tables\"".to_owned()));
        mistakes.add(format!("{path}.table"), format!("unknown table \"{table}\""), help);
    }
}

/// Whether a schema knows a data type. Some are named by fields and have no definition: what they are
/// is said by another field, or by nobody.
fn is_datatype(schema: &Schema, id: &str) -> bool {
    schema.datatype(id).is_some() || matches!(id, "varies" | "CM" | "NUL" | "WD")
}

fn changed(field: &CustomField, old: Option<&FieldDef>, number: u16) -> FieldDef {
    let mut new = old.cloned().unwrap_or(FieldDef { number, max: Some(1), ..FieldDef::default() });
    if let Some(name) = &field.name {
        new.name = name.as_str().into();
    }
    if let Some(datatype) = &field.datatype {
        new.datatype = datatype.as_str().into();
    }
    if let Some(usage) = field.usage {
        new.usage = usage;
        new.min = u16::from(usage == Usage::Required);
    }
    if let Some(max) = field.max {
        new.max = max;
    }
    new.length = field.length.or(new.length);
    new.table = field.table.as_deref().map(Text::from).or(new.table);
    // Who says how it is here takes the doubt away.
    new.doubtful &= field.usage.is_none() && field.max.is_none();
    new
}

/// The fields of a segment stand at their numbers: what is between them may hold anything.
pub(super) fn without_gaps(fields: Vec<FieldDef>) -> Vec<FieldDef> {
    let mut all: Vec<FieldDef> = Vec::with_capacity(fields.len());
    for field in fields {
        while all.len() + 1 < usize::from(field.number) {
            let number = all.len() as u16 + 1;
            all.push(FieldDef { number, datatype: Text::fixed("varies"), ..FieldDef::default() });
        }
        all.push(field);
    }
    all
}
