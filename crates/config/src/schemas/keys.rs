//! The keys of a custom schema, and what is made of them.

use std::fmt;
use std::marker::PhantomData;

use hl7::schema::{
    Change, Custom, CustomDatatype, CustomField, CustomSegment, CustomStructure, CustomTable, Usage,
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

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

impl SchemaKeys {
    pub(super) fn custom(self, name: &str) -> Custom {
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
