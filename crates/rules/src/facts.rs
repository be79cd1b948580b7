//! What an expression can ask about: a message, and what is known beside it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::date::Moment;
use crate::{Trouble, Value};

/// What is known about one message when an expression is run on it. Cheap to make and to copy.
#[derive(Clone, Copy, Default)]
pub struct Facts<'a> {
    /// The HL7 message, for paths; without one every path is missing.
    pub message: Option<&'a hl7::Message>,
    /// `source`, `header.source`: the item that sent the message.
    pub source: &'a str,
    /// `header.target`: the item that the message is for.
    pub target: &'a str,
    /// `doc.type`: the schema and the structure, as in `2.5.1:ADT_A01`; when empty, by what the message
    /// says.
    pub doc_type: &'a str,
    /// `doc.origin`: where the document came from, as in a file name.
    pub origin: &'a str,
    /// `session.id`.
    pub session: u64,
    /// `header.id`.
    pub id: u64,
    /// `header.class`: the class of the body, as in `HL7.Message`.
    pub class: &'a str,
    /// `header.description`: why it was sent here, as in the rule's name.
    pub description: &'a str,
    /// `header.resent`: empty for an original, `r` for a resent message.
    pub resent: &'a str,
    /// What `current_datetime` tells; without it nothing.
    pub now: Option<Moment>,
    /// How many minutes the clock on the machine's wall is ahead, so many milliseconds after
    /// 1970-01-01T00:00:00Z; without it as far as at `now`.
    pub zone: Option<fn(i64) -> i32>,
    /// `context.*`, where there is one.
    pub context: Option<&'a dyn Variables>,
    /// Where a lookup that must not fail says that it did.
    pub trouble: Option<&'a Trouble>,
}

/// What `context.NAME` stands for.
pub trait Variables: Sync {
    /// The value of that name; missing where there is none.
    fn value(&self, name: &str) -> Value<'_>;

    /// All of them by name, for code, which may put a name together.
    fn all(&self) -> Vec<(&str, Value<'_>)>;
}

impl Variables for BTreeMap<String, String> {
    fn value(&self, name: &str) -> Value<'_> {
        match self.get(name) {
            None => Value::Missing,
            Some(text) if text.is_empty() => Value::Empty,
            Some(text) => Value::Text(text.as_str().into()),
        }
    }

    fn all(&self) -> Vec<(&str, Value<'_>)> {
        self.keys().map(|name| (name.as_str(), self.value(name))).collect()
    }
}

/// A word of the language that stands for a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fact {
    Source,
    DocType,
    DocName,
    DocStructure,
    DocCategory,
    DocOrigin,
    SessionId,
    HeaderId,
    HeaderSource,
    HeaderTarget,
    HeaderClass,
    HeaderDescription,
    HeaderResent,
}

impl Fact {
    /// Every fact under its word.
    pub(crate) const ALL: [(&'static str, Fact); 13] = [
        ("source", Fact::Source),
        ("doc.type", Fact::DocType),
        ("doc.name", Fact::DocName),
        ("doc.structure", Fact::DocStructure),
        ("doc.category", Fact::DocCategory),
        ("doc.origin", Fact::DocOrigin),
        ("session.id", Fact::SessionId),
        ("header.id", Fact::HeaderId),
        ("header.source", Fact::HeaderSource),
        ("header.target", Fact::HeaderTarget),
        ("header.class", Fact::HeaderClass),
        ("header.description", Fact::HeaderDescription),
        ("header.resent", Fact::HeaderResent),
    ];

    pub(crate) fn named(word: &str) -> Option<Fact> {
        Self::ALL.iter().find(|(name, _)| *name == word).map(|(_, fact)| *fact)
    }

    pub(crate) fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, fact)| *fact == self).map_or("", |(name, _)| name)
    }

    /// The fact as text; empty when it is not known.
    pub(crate) fn of<'a>(self, facts: &Facts<'a>) -> Cow<'a, str> {
        match self {
            Fact::Source | Fact::HeaderSource => facts.source.into(),
            Fact::DocType => doc_type(facts),
            Fact::DocStructure => parts(&doc_type(facts)).1.to_owned().into(),
            Fact::DocCategory => parts(&doc_type(facts)).0.to_owned().into(),
            Fact::DocName => facts.message.map_or(Cow::Borrowed(""), doc_name),
            Fact::DocOrigin => facts.origin.into(),
            Fact::SessionId => facts.session.to_string().into(),
            Fact::HeaderId => facts.id.to_string().into(),
            Fact::HeaderTarget => facts.target.into(),
            Fact::HeaderClass => facts.class.into(),
            Fact::HeaderDescription => facts.description.into(),
            Fact::HeaderResent => facts.resent.into(),
        }
    }
}

/// The schema and the structure of the message, as in `2.5.1:ADT_A01`.
fn doc_type<'a>(facts: &Facts<'a>) -> Cow<'a, str> {
    match facts.message {
        Some(message) if facts.doc_type.is_empty() => {
            let choice = hl7::schema::CategoryChoice::default();
            hl7::schema::Schemas::default().doc_type(message, &choice).to_string().into()
        }
        _ => facts.doc_type.into(),
    }
}

/// The schema and the structure of a document type; one without a schema is a structure alone.
fn parts(doc_type: &str) -> (&str, &str) {
    doc_type.split_once(':').unwrap_or(("", doc_type))
}

/// What the message calls itself: MSH-9.1 and MSH-9.2, as in `ADT_A08`.
fn doc_name(message: &hl7::Message) -> Cow<'_, str> {
    static PARTS: OnceLock<Option<(hl7::Path, hl7::Path)>> = OnceLock::new();
    let parts = PARTS.get_or_init(|| "MSH-9.1".parse().ok().zip("MSH-9.2".parse().ok()));
    let get = |path| message.get(path).unwrap_or_default();
    match parts.as_ref().map(|(code, event)| (get(code), get(event))) {
        Some((code, "")) => code.into(),
        Some((code, event)) => format!("{code}_{event}").into(),
        None => Cow::Borrowed(""),
    }
}
