//! A rule as it is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One text, or a list of them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Texts {
    /// One.
    One(String),
    /// None, one or several.
    Many(Vec<String>),
}

impl Default for Texts {
    fn default() -> Self {
        Texts::Many(Vec::new())
    }
}

impl Texts {
    /// All of them.
    pub fn all(&self) -> &[String] {
        match self {
            Texts::One(text) => std::slice::from_ref(text),
            Texts::Many(texts) => texts,
        }
    }

    /// Where one of them stands, where all stand at `place`.
    pub fn place(&self, place: &str, at: usize) -> String {
        match self {
            Texts::One(_) => place.to_owned(),
            Texts::Many(_) => format!("{place}[{at}]"),
        }
    }
}

impl From<&str> for Texts {
    fn from(text: &str) -> Texts {
        Texts::One(text.to_owned())
    }
}

impl From<&[&str]> for Texts {
    fn from(texts: &[&str]) -> Texts {
        Texts::Many(texts.iter().map(|text| (*text).to_owned()).collect())
    }
}

/// When a rule is in force.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Effective {
    /// The first day or minute, as in `2026-01-31` or `2026-01-31T08:00`; from ever when left out.
    #[serde(default)]
    pub from: Option<String>,
    /// The last day or minute; for ever when left out.
    #[serde(default)]
    pub to: Option<String>,
}

/// One rule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What the rule is called in traces; `rule` and its number when left out.
    #[serde(default)]
    pub name: String,
    /// The items whose messages it is for, as in `FromLab` or `From*`; of all when left out.
    #[serde(default)]
    pub source: Texts,
    /// The types, structures or names of the documents it is for, as in `2.5:ADT_A01`, `ADT_A01` or `ADT_*`.
    #[serde(default)]
    pub doc_type: Texts,
    /// The schemas of the documents it is for, as in `2.5.1` or `2.*`.
    #[serde(default)]
    pub doc_category: Texts,
    /// The condition, as in `MSH-9.1 = "ADT" and PV1-2 in ("I", "E")`; of several all have to hold.
    #[serde(default)]
    pub when: Texts,
    /// Whether the rule is for what no rule before it wanted. It can only be the last one.
    #[serde(default)]
    pub otherwise: bool,
    /// A segment or group, as in `OBX`: the conditions have to hold together for one of them, and a path
    /// such as `OBX-5` is of that one.
    #[serde(default)]
    pub for_each: Option<String>,
    /// When the rule is in force.
    #[serde(default)]
    pub effective: Option<Effective>,
    /// The items that get the message; an empty list to set it aside knowingly.
    #[serde(default)]
    pub send: Option<Texts>,
    /// The transforms that make what is sent, one after the other.
    #[serde(default)]
    pub transform: Texts,
    /// The set of rules, by its name under `rules`, that goes on with the message here.
    #[serde(default)]
    pub delegate: Option<String>,
    /// Whether the message goes no further: it is discarded, and no rule behind this one is looked at.
    #[serde(default)]
    pub delete: bool,
    /// Whether no rule behind this one is looked at when it holds.
    #[serde(default)]
    pub stop: bool,
    /// The value that its set gives when it holds, as in `'"urgent"'` or `PV1-3.1`: no rule of the set behind
    /// this one is looked at. It is what the step `rule` of a flow comes to.
    #[serde(default, rename = "return")]
    pub returns: Option<String>,
    /// Whether the rule is left out.
    #[serde(default)]
    pub disabled: bool,
}
