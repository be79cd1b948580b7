//! Values that may be written in more than one way.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::adapters::file_name::{NameError, NameTemplate};

/// One pattern for names, or a list of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patterns(pub Vec<String>, bool);

impl Default for Patterns {
    fn default() -> Self {
        Patterns(vec!["*".into()], false)
    }
}

impl Patterns {
    /// The place of one of them below `settings`.
    pub(super) fn path(&self, index: usize) -> String {
        if self.1 { format!("file_spec[{index}]") } else { "file_spec".into() }
    }
}

impl<'de> Deserialize<'de> for Patterns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMore;
        impl<'de> Visitor<'de> for OneOrMore {
            type Value = Patterns;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a pattern or a list of patterns")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Patterns, E> {
                Ok(Patterns(vec![text.to_owned()], false))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Patterns, A::Error> {
                let mut patterns = Vec::new();
                while let Some(pattern) = list.next_element()? {
                    patterns.push(pattern);
                }
                Ok(Patterns(patterns, true))
            }
        }
        deserializer.deserialize_any(OneOrMore)
    }
}

impl Serialize for Patterns {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (&self.0[..], self.1) {
            ([one], false) => one.serialize(serializer),
            (list, _) => list.serialize(serializer),
        }
    }
}

impl JsonSchema for Patterns {
    fn schema_name() -> Cow<'static, str> {
        "Patterns".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] })
    }
}

/// What becomes of a file in which no message can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// It stays where it is and is not read again.
    #[default]
    Leave,
    /// It goes to `error_path`, with the reason in a file beside it.
    Move,
}

/// What is added to a name: nothing, the usual, or what a template says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum AppendTimestamp {
    /// Nothing.
    #[default]
    None,
    /// `%f_%Q`.
    Usual,
    /// A name made of codes.
    Template(String),
}

impl AppendTimestamp {
    /// The template; none when names stay as they are.
    pub(crate) fn template(&self) -> Result<Option<NameTemplate>, NameError> {
        match self {
            AppendTimestamp::None => Ok(None),
            AppendTimestamp::Usual => "%f_%Q".parse().map(Some),
            AppendTimestamp::Template(text) => text.parse().map(Some),
        }
    }
}

impl<'de> Deserialize<'de> for AppendTimestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FlagOrText;
        impl Visitor<'_> for FlagOrText {
            type Value = AppendTimestamp;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("none, true or a name made of codes, such as \"%f_%Q\"")
            }
            fn visit_bool<E: de::Error>(self, flag: bool) -> Result<AppendTimestamp, E> {
                Ok(if flag { AppendTimestamp::Usual } else { AppendTimestamp::None })
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<AppendTimestamp, E> {
                Ok(match text {
                    "none" | "false" => AppendTimestamp::None,
                    "true" => AppendTimestamp::Usual,
                    text => AppendTimestamp::Template(text.to_owned()),
                })
            }
        }
        deserializer.deserialize_any(FlagOrText)
    }
}

impl Serialize for AppendTimestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            AppendTimestamp::None => serializer.serialize_str("none"),
            AppendTimestamp::Usual => serializer.serialize_bool(true),
            AppendTimestamp::Template(text) => serializer.serialize_str(text),
        }
    }
}

impl JsonSchema for AppendTimestamp {
    fn schema_name() -> Cow<'static, str> {
        "AppendTimestamp".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "boolean"] })
    }
}
