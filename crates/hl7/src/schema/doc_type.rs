//! Of what type a message is: the schema it is read by, and its structure there.

use std::str::FromStr;

use super::{Schema, Schemas, Text, TextError};
use crate::Message;
use crate::suggest::did_you_mean;

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

/// How the schema of a message is chosen: the setting `message_schema_category`.
///
/// | text | is |
/// |---|---|
/// | nothing | the version that MSH-12 names |
/// | `2.5.1`, `Hospital` | that schema for all messages |
/// | `ADT_A01=2.5:ADT_A01, ORU*=Hospital` | by type, the first that fits; others by MSH-12 |
/// | `ADT*=2.5, *=Hospital` | the same with a rule for all others |
///
/// A type is held against the structure of MSH-9.3 and against the event, as in `ADT_A04`; `*` stands
/// for any characters. What stands behind `:` is the structure to take whatever the message says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CategoryChoice {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    /// `*` for all.
    types: String,
    category: Text,
    structure: Option<Text>,
    /// Where category and structure stand in the text.
    at: (usize, usize),
}

impl CategoryChoice {
    /// What the choice names that is not among the schemas.
    pub fn check(&self, schemas: &Schemas) -> Vec<TextError> {
        let mut errors = Vec::new();
        for rule in &self.rules {
            let (category_at, structure_at) = rule.at;
            let Some(schema) = schemas.find(&rule.category) else {
                let message = format!("unknown schema \"{}\"", rule.category);
                let all = || format!("expected one of {}", schemas.names().collect::<Vec<_>>().join(", "));
                let help = did_you_mean(&rule.category, schemas.names()).unwrap_or_else(all);
                let range = category_at..category_at + rule.category.len();
                errors.push(TextError::new(range, message).help(help));
                continue;
            };
            let unknown = |id: &&Text| schema.structure(id).is_none();
            if let Some(id) = rule.structure.as_ref().filter(unknown) {
                let message = format!("schema \"{}\" has no structure \"{id}\"", rule.category);
                let mut error = TextError::new(structure_at..structure_at + id.len(), message);
                error.help = did_you_mean(id, schema.structures().map(|structure| structure.id.as_str()));
                errors.push(error);
            }
        }
        errors
    }

    /// The schemas that it names, in its order.
    pub(super) fn categories(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| rule.category.as_str())
    }

    /// Whether MSH-12 decides for no message.
    pub(super) fn covers_all(&self) -> bool {
        self.rules.iter().any(|rule| rule.types == "*")
    }

    /// Whether MSH-12 decides for all messages.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}

impl FromStr for CategoryChoice {
    type Err = TextError;
    fn from_str(text: &str) -> Result<CategoryChoice, TextError> {
        let mut rules = Vec::new();
        if text.trim().is_empty() {
            return Ok(CategoryChoice { rules });
        }
        let alone = !text.contains([',', '=']);
        let mut start = 0;
        for part in text.split(',') {
            rules.push(rule(part, start, alone)?);
            start += part.len() + 1;
        }
        Ok(CategoryChoice { rules })
    }
}

/// One rule, which begins at byte `start` of the text.
fn rule(part: &str, start: usize, alone: bool) -> Result<Rule, TextError> {
    // A word without the blanks around it, and where it begins.
    let word = |from: usize, to: usize| {
        let word = &part[from..to];
        (word.trim(), start + from + (word.len() - word.trim_start().len()))
    };
    let named = |(word, at): (&str, usize), what: &str| match word {
        "" => Err(TextError::new(at..at, format!("ends too early, expected {what}"))),
        word => match word.find(char::is_whitespace) {
            Some(blank) => {
                let message = format!("found a blank, expected {what}");
                Err(TextError::new(at + blank..at + blank + 1, message))
            }
            None => Ok(()),
        },
    };
    let end = part.len();
    let (types, from) = match part.find('=') {
        _ if alone => (("*", start), 0),
        Some(equals) => (word(0, equals), equals + 1),
        None => {
            let (found, at) = word(0, end);
            let message = match found {
                "" => "found no rule, expected one as in \"ADT_A01=2.5\"".to_owned(),
                _ => format!("\"{found}\" is no rule"),
            };
            let error = TextError::new(at..at + found.len(), message);
            return Err(match found {
                "" => error,
                _ => error.help(format!(
                    "write \"*={found}\" for all other types, or a type in front as in \"ADT_A01={found}\""
                )),
            });
        }
    };
    let colon = part[from..].find(':').map(|colon| from + colon);
    let category = word(from, colon.unwrap_or(end));
    named(types, "a type, as in \"ADT_A01\" or \"ORU*\"")?;
    named(category, "the name of a schema, as in \"2.5.1\"")?;
    let structure = match colon {
        Some(colon) => {
            let structure = word(colon + 1, end);
            named(structure, "the id of a structure, as in \"ADT_A01\"")?;
            Some(structure)
        }
        None => None,
    };
    Ok(Rule {
        types: types.0.to_owned(),
        category: category.0.into(),
        structure: structure.map(|(id, _)| id.into()),
        at: (category.1, structure.map_or(0, |(_, at)| at)),
    })
}

impl Rule {
    fn fits(&self, kind: &Kind<'_>) -> bool {
        let event = || kind.code.bytes().chain(kind.separator().bytes()).chain(kind.trigger.bytes());
        self.types == "*"
            || like(self.types.as_bytes(), kind.structure.bytes()) && !kind.structure.is_empty()
            || like(self.types.as_bytes(), event())
    }
}

/// Whether a text is like a pattern in which `*` stands for any characters.
fn like(pattern: &[u8], text: impl Iterator<Item = u8> + Clone) -> bool {
    let Some((first, rest)) = pattern.split_first() else { return text.clone().next().is_none() };
    let mut text = text;
    if *first != b'*' {
        return text.next() == Some(*first) && like(rest, text);
    }
    loop {
        if like(rest, text.clone()) {
            return true;
        }
        if text.next().is_none() {
            return false;
        }
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
struct Kind<'a> {
    code: &'a str,
    trigger: &'a str,
    structure: &'a str,
}

impl<'a> Kind<'a> {
    fn of(message: &'a Message) -> Kind<'a> {
        let mut parts = header(message, 9);
        let mut part = || parts.next().unwrap_or_default();
        Kind { code: part(), trigger: part(), structure: part() }
    }

    fn separator(&self) -> &'static str {
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

    #[test]
    fn a_wrong_choice_is_told_at_its_place() {
        let told = |text: &str| {
            let choice = text.parse::<CategoryChoice>();
            let errors = choice.map_or_else(|error| vec![error], |choice| choice.check(&Schemas::default()));
            let one = |error: TextError| {
                (text[error.range.clone()].to_owned(), error.range.start, error.to_string())
            };
            errors.into_iter().map(one).collect::<Vec<_>>()
        };
        let told = |text: &str| {
            let all = told(text).into_iter();
            all.map(|(part, at, words)| format!("{part:?} at {at}: {words}")).collect::<Vec<_>>().join("\n")
        };
        assert_eq!(told("2.5.1"), "");
        assert_eq!(told("ADT_A01=2.5:ADT_A01,*=2.3"), "");
        assert_eq!(told(" 2.5.2"), "\"2.5.2\" at 1: unknown schema \"2.5.2\"; did you mean \"2.5.1\"?");
        assert_eq!(
            told("A*=2.5:ADT_A1, B=x1"),
            "\"ADT_A1\" at 7: schema \"2.5\" has no structure \"ADT_A1\"; did you mean \"ADT_A01\"?\n\
             \"x1\" at 17: unknown schema \"x1\"; expected one of 2.1, 2.2, 2.3, 2.3.1, 2.4, 2.5, 2.5.1, 2.6, \
             2.7, 2.7.1, 2.8, 2.8.1, 2.8.2"
        );
        assert_eq!(
            told("2.5,ADT=2.3"),
            "\"2.5\" at 0: \"2.5\" is no rule; write \"*=2.5\" for all other types, or a type in front as in \"ADT_A01=2.5\""
        );
        assert_eq!(told("ADT=2.3, "), "\"\" at 9: found no rule, expected one as in \"ADT_A01=2.5\"");
        assert_eq!(told("=2.3"), "\"\" at 0: ends too early, expected a type, as in \"ADT_A01\" or \"ORU*\"");
        assert_eq!(told("ADT="), "\"\" at 4: ends too early, expected the name of a schema, as in \"2.5.1\"");
        assert_eq!(
            told("A=2.3:"),
            "\"\" at 6: ends too early, expected the id of a structure, as in \"ADT_A01\""
        );
        assert_eq!(
            told("2.3 2.4"),
            "\" \" at 3: found a blank, expected the name of a schema, as in \"2.5.1\""
        );
    }
}
