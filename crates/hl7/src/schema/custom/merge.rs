//! Merging a custom schema with its base.

use std::collections::HashSet;
use std::sync::Arc;

use super::fields::{self, Owner};
use super::{Custom, CustomTable, Mistake};
use crate::schema::parts::{DataType, SegmentDef, Table};
use crate::schema::{Schema, Schemas, Text, TextError, built_in, syntax};
use crate::suggest::did_you_mean;

/// The schema that a custom one makes of its base, none where it can have no name, and all that is wrong.
pub(super) fn merge(schemas: &Schemas, custom: &Custom) -> (Option<Schema>, Vec<Mistake>) {
    let mut mistakes = Mistakes::default();
    name(schemas, custom, &mut mistakes);
    let base = schemas.find(&custom.base);
    if base.is_none() {
        let help = did_you_mean(&custom.base, schemas.names())
            .unwrap_or_else(|| format!("expected one of {}", schemas.names().collect::<Vec<_>>().join(", ")));
        mistakes.add("base".to_owned(), format!("unknown schema \"{}\"", custom.base), Some(help));
    }
    let fallback = schemas.find("2.8.2");
    let Some(stand_in) = base.or(fallback) else { return (None, mistakes.found) };
    let taken = schemas.find(&custom.name).is_some();
    let schema = stand_in.derive(custom.name.as_str().into());
    let mut merging = Merging { schema, mistakes, known: base.is_some() };
    merging.datatypes(custom);
    merging.tables(custom);
    merging.segments(custom);
    for structure in &custom.structures {
        merging.structure(structure);
    }
    merging.events(custom);
    let Merging { schema, mistakes, .. } = merging;
    (Some(schema).filter(|_| !taken), mistakes.found)
}

/// What was found to be wrong so far.
#[derive(Default)]
pub(super) struct Mistakes {
    found: Vec<Mistake>,
}

impl Mistakes {
    pub(super) fn add(&mut self, path: String, message: impl Into<String>, help: Option<String>) {
        self.found.push(Mistake { path, key: false, range: None, message: message.into(), help });
    }

    pub(super) fn add_key(&mut self, path: String, message: impl Into<String>, help: Option<String>) {
        self.found.push(Mistake { path, key: true, range: None, message: message.into(), help });
    }

    pub(super) fn add_text(&mut self, path: String, TextError { range, message, help }: TextError) {
        self.found.push(Mistake { path, key: false, range: Some(range), message, help });
    }
}

/// The name has to be new, and a word that other settings can name.
fn name(schemas: &Schemas, custom: &Custom, mistakes: &mut Mistakes) {
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-');
    let name = &custom.name;
    let message = if built_in::find(name).is_some() {
        format!("\"{name}\" is a version of HL7 and stays as it is")
    } else if schemas.find(name).is_some() {
        format!("schema \"{name}\" is there already")
    } else if let Some(found) = name.chars().find(|c| !allowed(*c)) {
        format!("the name holds \"{found}\"; expected letters, digits, \".\", \"_\" and \"-\"")
    } else if name.is_empty() {
        "the name is empty".to_owned()
    } else {
        return;
    };
    let help = built_in::find(name)
        .map(|_| format!("take another name, as in \"{name}-hospital\", with \"base: {name}\""));
    mistakes.add_key(String::new(), message, help);
}

/// A schema on its way.
pub(super) struct Merging {
    pub(super) schema: Schema,
    pub(super) mistakes: Mistakes,
    /// Whether the base is known; where it is not, nothing can be said of what it lacks.
    pub(super) known: bool,
}

impl Merging {
    fn datatypes(&mut self, custom: &Custom) {
        let own: HashSet<&str> = custom.datatypes.iter().map(|datatype| datatype.id.as_str()).collect();
        let tables: HashSet<&str> = custom.tables.iter().map(|table| table.id.as_str()).collect();
        for datatype in &custom.datatypes {
            let path = format!("datatypes.{}", datatype.id);
            if !is_id(&datatype.id, &['_']) {
                let message = format!(
                    "data type is \"{}\", expected capital letters, digits and \"_\", as in \"ZXN\"",
                    datatype.id
                );
                self.mistakes.add_key(path.clone(), message, None);
            }
            let before = self.schema.datatype(&datatype.id);
            let owner = Owner { path, list: "components", one: "component", own: &own, tables: &tables };
            let old = before.map(|before| before.components.as_slice()).unwrap_or_default();
            let components = fields::merged(
                old,
                &datatype.components,
                &owner,
                self.known.then_some(&self.schema),
                &mut self.mistakes,
            );
            let name = datatype.name.as_deref().map(Text::from);
            let name = name.or(before.map(|before| before.name.clone())).unwrap_or_default();
            let id = Text::from(datatype.id.as_str());
            let merged = DataType { id: id.clone(), name, components };
            self.schema.definitions.datatypes.insert(id, Arc::new(merged));
        }
    }

    fn tables(&mut self, custom: &Custom) {
        for table in &custom.tables {
            if !is_id(&table.id, &['_', '-', '.']) {
                let message = format!(
                    "table is \"{}\", expected digits and letters, as in \"0001\" or \"Z001\"",
                    table.id
                );
                self.mistakes.add_key(format!("tables.{}", table.id), message, None);
            }
            let id = Text::from(table.id.as_str());
            let merged = merged_table(table, &id, self.schema.table(&table.id));
            self.schema.tables.insert(id, Arc::new(merged));
        }
    }

    fn segments(&mut self, custom: &Custom) {
        let none = HashSet::new();
        for segment in &custom.segments {
            let path = format!("segments.{}", segment.id);
            let before = self.schema.segment(&segment.id);
            self.mistakes.segment_id(&segment.id, &path, &self.schema, self.known);
            let owner = Owner { path, list: "fields", one: "field", own: &none, tables: &none };
            let old = before.map(|before| before.fields.as_slice()).unwrap_or_default();
            let fields = fields::merged(
                old,
                &segment.fields,
                &owner,
                self.known.then_some(&self.schema),
                &mut self.mistakes,
            );
            let name = segment.name.as_deref().map(Text::from);
            let name = name.or(before.map(|before| before.name.clone())).unwrap_or_default();
            let id = Text::from(segment.id.as_str());
            let merged = SegmentDef { id: id.clone(), name, fields: fields::without_gaps(fields) };
            self.schema.definitions.segments.insert(id, Arc::new(merged));
        }
    }

    fn events(&mut self, custom: &Custom) {
        for (event, structure) in &custom.events {
            let path = format!("events.{event}");
            if !is_id(event, &['_']) || !event.contains('_') {
                let message =
                    format!("event is \"{event}\", expected a code and a trigger, as in \"ADT_A04\"");
                self.mistakes.add_key(path.clone(), message, None);
            }
            if self.known && self.schema.structure(structure).is_none() {
                let all = self.schema.structures().map(|structure| structure.id.as_str());
                let help = did_you_mean(structure, all);
                self.mistakes.add(path, format!("unknown structure \"{structure}\""), help);
            }
            let events = &mut self.schema.definitions.events;
            let found = events.binary_search_by(|(known, _)| known.as_str().cmp(event));
            let entry = (Text::from(event.as_str()), Text::from(structure.as_str()));
            match found {
                Ok(at) => events[at] = entry,
                Err(at) => events.insert(at, entry),
            }
        }
    }
}

impl Mistakes {
    /// The id of a segment: one of the base, or one that begins with Z.
    fn segment_id(&mut self, id: &str, path: &str, schema: &Schema, known: bool) {
        if !syntax::is_segment_id(id) {
            let message =
                format!("segment is \"{id}\", expected three capital letters or digits, as in \"ZPD\"");
            let upper = id.to_uppercase();
            let help = syntax::is_segment_id(&upper).then(|| format!("did you mean \"{upper}\"?"));
            self.add_key(path.to_owned(), message, help);
        } else if known && !id.starts_with('Z') && schema.segment(id).is_none() {
            let name = schema.base().unwrap_or_default();
            let message = format!("segment \"{id}\" is not in \"{name}\" and does not begin with Z");
            let help = did_you_mean(id, schema.segments().map(|segment| segment.id.as_str()));
            self.add_key(path.to_owned(), message, help);
        }
    }
}

fn merged_table(table: &CustomTable, id: &Text, before: Option<&Table>) -> Table {
    let kept = before.filter(|_| !table.only);
    let mut codes = kept.map(|before| before.codes.clone()).unwrap_or_default();
    for (code, meaning) in &table.codes {
        let entry = (Text::from(code.as_str()), Text::from(meaning.as_str()));
        match codes.binary_search_by(|(known, _)| known.as_str().cmp(code)) {
            Ok(at) => codes[at] = entry,
            Err(at) => codes.insert(at, entry),
        }
    }
    let name = table.name.as_deref().map(Text::from);
    let name = name.or(before.map(|before| before.name.clone())).unwrap_or_default();
    // A site that writes down all codes has no others.
    let user_defined = kept.is_some_and(|before| before.user_defined);
    Table { id: id.clone(), name, user_defined, codes }
}

/// Whether a text can be an id: letters and digits, in capitals, and what else is allowed.
pub(super) fn is_id(id: &str, others: &[char]) -> bool {
    let allowed = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || others.contains(&c);
    (1..=30).contains(&id.len())
        && id.chars().all(allowed)
        && id.starts_with(|c: char| c.is_ascii_alphanumeric())
}
