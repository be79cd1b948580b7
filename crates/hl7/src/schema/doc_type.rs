//! Of what type a message is: the schema it is read by, and its structure there.

use super::choice::CategoryChoice;
use super::{Schema, Schemas, Text};
use crate::Message;

/// The type of a message, as in `2.5.1:ADT_A01`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct DocType {
    /// The name of the schema; empty where none is known.
    pub category: Text,
    /// The id of the structure, which the schema need not have.
    pub structure: Text,
}

impl std::fmt::Display for DocType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.category.is_empty() {
            write!(f, "{}:", self.category)?;
        }
        f.write_str(&self.structure)
    }
}

/// The components of a field of the header, of its first repetition.
fn header(message: &Message, field: usize) -> impl Iterator<Item = &str> {
    let separators = message.separators();
    let field = message.segments().next().and_then(|header| header.field(field)).unwrap_or_default();
    let repetition = separators.repetition.map(char::from);
    let first = field.split(move |char| Some(char) == repetition).next().unwrap_or_default();
    first.split(char::from(separators.component))
}

/// What a message says about itself.
pub(super) struct Kind<'a> {
    pub(super) code: &'a str,
    pub(super) trigger: &'a str,
    pub(super) structure: &'a str,
}

impl<'a> Kind<'a> {
    fn of(message: &'a Message) -> Kind<'a> {
        let mut parts = header(message, 9);
        let mut part = || parts.next().unwrap_or_default();
        Kind { code: part(), trigger: part(), structure: part() }
    }

    pub(super) fn separator(&self) -> &'static str {
        if self.trigger.is_empty() { "" } else { "_" }
    }

    /// The structure of the message: the one it names, or the one of its event.
    fn structure(&self, schema: Option<&Schema>) -> Text {
        let known = schema.and_then(|schema| {
            let named = schema.structure_id(self.structure);
            let by_event = || schema.event(self.code, self.trigger);
            // An acknowledgement has one structure whatever the event: "ACK^A01".
            named.or_else(by_event).or_else(|| schema.structure_id(self.code))
        });
        match known {
            Some(id) => id.clone(),
            None if self.structure.is_empty() => {
                format!("{}{}{}", self.code, self.separator(), self.trigger).into()
            }
            None => self.structure.into(),
        }
    }
}

impl Schemas {
    /// Of what type a message is. Makes no texts where the schema knows the structure.
    pub fn doc_type(&self, message: &Message, choice: &CategoryChoice) -> DocType {
        let kind = Kind::of(message);
        let rule = choice.rules.iter().find(|rule| rule.fits(&kind));
        let schema = match rule {
            Some(rule) => self.find(&rule.category),
            None => header(message, 12).next().and_then(|version| self.find(version.trim())),
        };
        let category = schema.map(|schema| schema.name().clone());
        let fixed = rule.and_then(|rule| rule.structure.clone());
        DocType {
            category: category.unwrap_or_default(),
            structure: fixed.unwrap_or_else(|| kind.structure(schema.map(|schema| &**schema))),
        }
    }

    /// The type of a message as listings may show it: empty where MSH-9 holds what no type looks like,
    /// which may be anything, a patient's name as well.
    pub fn shown_type(&self, message: &Message, choice: &CategoryChoice) -> String {
        let found = self.doc_type(message, choice);
        let is_known =
            || self.get(&found.category).is_some_and(|it| it.structure(&found.structure).is_some());
        match looks_like_type(&found.structure) || is_known() {
            true => found.to_string(),
            false => String::new(),
        }
    }
}

/// Whether this may be the name of a type, such as `ADT_A01`: up to three parts of up to four letters and
/// digits.
pub fn looks_like_type(name: &str) -> bool {
    let is_part =
        |part: &str| (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    name.split('_').count() <= 3 && name.split('_').all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doc_type(kind: &str, version: &str, choice: &str) -> String {
        let text = format!("MSH|^~\\&|||||||{kind}|1|P|{version}");
        let message = Message::read(text.into(), "").unwrap();
        Schemas::default().doc_type(&message, &choice.parse().unwrap()).to_string()
    }

    #[test]
    fn the_message_says_its_type() {
        for (kind, version, wanted) in [
            ("ADT^A01^ADT_A01", "2.5.1", "2.5.1:ADT_A01"),
            ("ADT^A04", "2.5.1", "2.5.1:ADT_A01"),
            ("ADT^A04^ADT_A04", "2.5", "2.5:ADT_A01"),
            ("ADT^A01^ADT_A01", "2.3^DEU^2.3", "2.3:ADT_A01"),
            ("ACK^A01", "2.5.1", "2.5.1:ACK"),
            ("ACK", "2.3", "2.3:ACK"),
            ("ACK^A01^ACK", "2.5.1", "2.5.1:ACK"),
            ("ZZZ^Z01^ZZZ_Z01", "2.5.1", "2.5.1:ZZZ_Z01"),
            ("ZZZ^Z01", "2.5.1", "2.5.1:ZZZ_Z01"),
            ("ADT^A01", "2.9", "ADT_A01"),
            ("ADT^A04", "", "ADT_A04"),
            ("", "2.5.1", "2.5.1:"),
            ("", "", ""),
        ] {
            assert_eq!(doc_type(kind, version, ""), wanted, "{kind} {version}");
        }
    }

    #[test]
    fn a_setting_chooses_another() {
        let list = "ADT_A01=2.5:ADT_A02, ADT_A04=2.4,ORU*=2.3.1";
        for (kind, choice, wanted) in [
            ("ADT^A04", "2.5", "2.5:ADT_A01"),
            ("ADT^A04", " 2.5 ", "2.5:ADT_A01"),
            ("ADT^A01", list, "2.5:ADT_A02"),
            ("ADT^A04", list, "2.4:ADT_A01"),
            ("ADT^A05", list, "2.6:ADT_A05"),
            ("ORU^R01^ORU_R01", list, "2.3.1:ORU_R01"),
            ("ORM^O01", "O*1=2.2,*=2.1", "2.2:ORM_O01"),
            ("ADT^A08", "O*1=2.2,*=2.3", "2.3:ADT_A01"),
            ("ADT^A08", "*=Hospital", "ADT_A08"),
            ("QRY", "QRY=2.5", "2.5:QRY"),
        ] {
            assert_eq!(doc_type(kind, "2.6", choice), wanted, "{kind} {choice}");
        }
    }
}
