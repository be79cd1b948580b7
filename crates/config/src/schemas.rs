//! The schemas that a production defines under `schemas:`, as they are written and as they are read.

use std::fmt;
use std::marker::PhantomData;

use hl7::schema::{
    Change, Custom, CustomDatatype, CustomField, CustomSegment, CustomStructure, CustomTable, Mistake,
    Schemas, Usage,
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use crate::finding::Findings;
use crate::items::covered;
use crate::keys::{SCHEMAS, schema_of};
use crate::scalar;
use crate::source::{Place, Sources};
use crate::tree::{Entry, Kind, Node};
use crate::walk::{Walk, shown};

/// A custom schema: a base, and only what is different.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SchemaKeys {
    /// The schema that is changed: a version of HL7, as in 2.5.1, or another one of the production.
    base: Name,
    /// Segments by id: new ones that begin with Z, and fields of others that are different.
    #[serde(default)]
    segments: Ordered<SegmentKeys>,
    /// Structures by id, as HL7 writes them, "MSH PID [{NTE}]", or as changes of what the base has.
    #[serde(default)]
    structures: Ordered<StructureKeys>,
    /// Tables by id: new ones, and codes that the base does not have.
    #[serde(default)]
    tables: Ordered<TableKeys>,
    /// Events with their structures, as in "ADT_Z01: ADT_A01".
    #[serde(default)]
    events: Ordered<String>,
    /// Data types by id: new ones, and components of others that are different.
    #[serde(default)]
    datatypes: Ordered<DatatypeKeys>,
}

/// A new segment, or what is different in one of the base.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SegmentKeys {
    /// Its name, as in "Patient Details".
    #[serde(default)]
    name: Option<String>,
    /// Its fields, or those that are different.
    #[serde(default)]
    fields: Vec<FieldKeys>,
}

/// A new data type, or what is different in one of the base.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DatatypeKeys {
    /// Its name, as in "Ward and Bed".
    #[serde(default)]
    name: Option<String>,
    /// Its components, or those that are different.
    #[serde(default)]
    components: Vec<FieldKeys>,
}

/// A field or component; what is not said is as in the base.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FieldKeys {
    /// Its number; without one it follows the field before, or the last of the base.
    #[serde(default)]
    #[schemars(range(min = 1, max = 999))]
    number: Option<u16>,
    /// Its name, which paths use; a new one needs it.
    #[serde(default)]
    name: Option<String>,
    /// Its data type, as in ST or CX; a new one needs it.
    #[serde(default, rename = "type")]
    datatype: Option<String>,
    /// Whether it has to be there.
    #[serde(default)]
    required: Option<bool>,
    /// Whether it may repeat.
    #[serde(default)]
    repeats: Option<bool>,
    /// The most repetitions, where it may repeat.
    #[serde(default)]
    #[schemars(range(min = 1, max = 9999))]
    most: Option<u16>,
    /// The most characters.
    #[serde(default)]
    #[schemars(range(min = 1))]
    length: Option<u32>,
    /// The table of its values, as in 0001.
    #[serde(default)]
    table: Option<String>,
}

/// A whole structure, one change, or several.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum StructureKeys {
    Whole(String),
    One(ChangeKeys),
    Several(Vec<ChangeKeys>),
}

/// One change of a structure. A place is a segment or group, as in PID, PATIENT.NTE or ROL[2].
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ChangeKeys {
    /// The structure that is changed, where it has another id.
    #[serde(default)]
    like: Option<String>,
    /// The place after which "add" is put.
    #[serde(default)]
    after: Option<String>,
    /// The place before which "add" is put.
    #[serde(default)]
    before: Option<String>,
    /// The place that is taken out.
    #[serde(default)]
    remove: Option<String>,
    /// The place that "with" takes.
    #[serde(default)]
    replace: Option<String>,
    /// What is added, as HL7 writes it: "[{ZPD}]".
    #[serde(default)]
    add: Option<String>,
    /// What takes the place of "replace", as HL7 writes it.
    #[serde(default)]
    with: Option<String>,
}

/// A new table, or codes for one of the base.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TableKeys {
    /// Its name, as in "Ward".
    #[serde(default)]
    name: Option<String>,
    /// Codes with their meanings.
    #[serde(default)]
    codes: Ordered<String>,
    /// Whether the codes of the base are left out.
    #[serde(default)]
    only: bool,
}

/// A name of a schema: `2.5` is a number in YAML and means the version all the same.
struct Name(String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Name(match Value::deserialize(deserializer)? {
            Value::String(text) => text,
            other => other.to_string(),
        }))
    }
}

impl JsonSchema for Name {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Name".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number"] })
    }
}

/// A map in the order written: a structure may be like one above it.
struct Ordered<T>(Vec<(String, T)>);

impl<T> Default for Ordered<T> {
    fn default() -> Self {
        Ordered(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Ordered<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Ordered<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Ordered<T>, M::Error> {
                let mut all = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    all.push(entry);
                }
                Ok(Ordered(all))
            }
        }
        deserializer.deserialize_map(Entries(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Ordered<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Map_of_{}", T::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "additionalProperties": generator.subschema_for::<T>() })
    }
}

/// The JSON Schema of the whole map.
pub(crate) fn schema() -> Value {
    json!({ "type": "object", "additionalProperties": schema_of::<SchemaKeys>() })
}

/// The versions of HL7 and the schemas of the production; what is wrong with them is a finding.
pub(crate) fn read(node: Option<&Node>, sources: &Sources, findings: &mut Findings) -> Schemas {
    let mut schemas = Schemas::default();
    let Some(node) = node.filter(|node| !node.is_null()) else { return schemas };
    if !matches!(node.kind, Kind::Map(_)) {
        let message = format!("{} is {}; expected a map of schemas by name", SCHEMAS.0, shown(node));
        findings.error(&node.place, None, message);
        return schemas;
    }
    let schema = schema_of::<SchemaKeys>();
    let mut waiting: Vec<_> =
        node.entries().iter().filter_map(|entry| one(entry, &schema, findings)).collect();
    while !waiting.is_empty() {
        // A base is added before what is built upon it.
        let names: Vec<&str> = waiting.iter().map(|one| one.custom.name.as_str()).collect();
        let next = waiting.iter().position(|one| !names.contains(&one.custom.base.as_str()));
        let mut one = waiting.remove(next.unwrap_or(0));
        if next.is_none() {
            let place = node_place(&one, "base");
            let Custom { name, base, .. } = &mut one.custom;
            let message = format!("schema \"{name}\" comes round to itself by its base \"{base}\"");
            findings.error(&place, None, message);
            // Told; the rest is looked at without a base.
            base.clear();
            one.set_aside.push("base".to_owned());
        }
        for mistake in schemas.add(&one.custom) {
            if !covered(&one.set_aside, &mistake.path) || mistake.key {
                tell(&one, mistake, sources, findings);
            }
        }
    }
    schemas
}

fn node_place(one: &Written<'_>, path: &str) -> Place {
    one.entry.value.at(path).0.place.clone()
}

/// A schema as it was written.
struct Written<'a> {
    custom: Custom,
    entry: &'a Entry,
    /// Paths whose value is a stand-in.
    set_aside: Vec<String>,
}

fn one<'a>(entry: &'a Entry, schema: &Value, findings: &mut Findings) -> Option<Written<'a>> {
    let node = &entry.value;
    if !matches!(node.kind, Kind::Map(_)) {
        let found = if node.is_null() { "nothing".to_owned() } else { shown(node) };
        let message = format!("found {found} here; expected a map with base and what is different");
        findings.error(&node.place, None, message);
        return None;
    }
    let elsewhere = |_: &str| None;
    let mut walk = Walk { findings, item: None, noun: "key", elsewhere: &elsewhere, set_aside: Vec::new() };
    let value = walk.value(schema, node, "", true).unwrap_or_default();
    let set_aside = walk.set_aside;
    match serde_json::from_value::<SchemaKeys>(value) {
        Ok(keys) => Some(Written { custom: keys.custom(&entry.key), entry, set_aside }),
        // The walk takes nothing else; should it, the reason is told where the schema stands.
        Err(error) => {
            findings.error(&entry.key_place, None, error.to_string());
            None
        }
    }
}

fn tell(one: &Written<'_>, mistake: Mistake, sources: &Sources, findings: &mut Findings) {
    let node = &one.entry.value;
    let place = match (&mistake.range, node.at(&mistake.path)) {
        _ if mistake.path.is_empty() => one.entry.key_place.clone(),
        (Some(range), (found, "")) => scalar::place(sources, found, range),
        _ if mistake.key => key_place(node, &mistake.path),
        _ => node_place(one, &mistake.path),
    };
    findings.error(&place, None, mistake.message).help(mistake.help);
}

/// Where the last key of a path stands.
fn key_place(node: &Node, path: &str) -> Place {
    let (parent, key) = path.rsplit_once('.').unwrap_or(("", path));
    let parent = if parent.is_empty() { node } else { node.at(parent).0 };
    let entry = parent.entries().iter().find(|entry| entry.key == key);
    entry.map_or_else(|| node.at(path).0.place.clone(), |entry| entry.key_place.clone())
}

impl SchemaKeys {
    fn custom(self, name: &str) -> Custom {
        let segment = |(id, SegmentKeys { name, fields }): (String, SegmentKeys)| CustomSegment {
            id,
            name,
            fields: fields.into_iter().map(FieldKeys::custom).collect(),
        };
        let datatype = |(id, DatatypeKeys { name, components }): (String, DatatypeKeys)| CustomDatatype {
            id,
            name,
            components: components.into_iter().map(FieldKeys::custom).collect(),
        };
        let table = |(id, TableKeys { name, codes, only }): (String, TableKeys)| CustomTable {
            id,
            name,
            codes: codes.0,
            only,
        };
        Custom {
            name: name.to_owned(),
            base: self.base.0,
            segments: self.segments.0.into_iter().map(segment).collect(),
            structures: self.structures.0.into_iter().map(structure).collect(),
            tables: self.tables.0.into_iter().map(table).collect(),
            events: self.events.0,
            datatypes: self.datatypes.0.into_iter().map(datatype).collect(),
        }
    }
}

impl FieldKeys {
    fn custom(self) -> CustomField {
        let usage = self.required.map(|required| if required { Usage::Required } else { Usage::Optional });
        let max = match (self.most, self.repeats) {
            (Some(most), _) => Some(Some(most)),
            (None, Some(true)) => Some(None),
            (None, Some(false)) => Some(Some(1)),
            (None, None) => None,
        };
        let FieldKeys { number, name, datatype, length, table, .. } = self;
        CustomField { number, name, datatype, usage, max, length, table }
    }
}

fn structure((id, keys): (String, StructureKeys)) -> CustomStructure {
    let change = |keys: ChangeKeys| {
        let ChangeKeys { like, after, before, remove, replace, add, with } = keys;
        Change { like, after, before, remove, replace, add, with }
    };
    let (whole, changes, single) = match keys {
        StructureKeys::Whole(text) => (Some(text), Vec::new(), false),
        StructureKeys::One(keys) => (None, vec![change(keys)], true),
        StructureKeys::Several(all) => (None, all.into_iter().map(change).collect(), false),
    };
    CustomStructure { id, whole, changes, single }
}
