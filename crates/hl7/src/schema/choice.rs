//! How the schema of a message is chosen, as a setting says it.

use std::str::FromStr;

use super::doc_type::Kind;
use super::{Schemas, Text, TextError};
use crate::suggest::did_you_mean;

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
    pub(super) rules: Vec<Rule>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    /// `*` for all.
    types: String,
    pub(super) category: Text,
    pub(super) structure: Option<Text>,
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

/// A word of the text without the blanks around it, and where it begins.
type Word<'a> = (&'a str, usize);

/// One rule, which begins at byte `start` of the text.
fn rule(part: &str, start: usize, alone: bool) -> Result<Rule, TextError> {
    let word = |from: usize, to: usize| {
        let word = &part[from..to];
        (word.trim(), start + from + (word.len() - word.trim_start().len()))
    };
    let (types, from) = match part.find('=') {
        _ if alone => (("*", start), 0),
        Some(equals) => (word(0, equals), equals + 1),
        None => return Err(no_rule(word(0, part.len()))),
    };
    let colon = part[from..].find(':').map(|colon| from + colon);
    let category = word(from, colon.unwrap_or(part.len()));
    let structure = colon.map(|colon| word(colon + 1, part.len()));
    one_word(types, "a type, as in \"ADT_A01\" or \"ORU*\"")?;
    one_word(category, "the name of a schema, as in \"2.5.1\"")?;
    if let Some(structure) = structure {
        one_word(structure, "the id of a structure, as in \"ADT_A01\"")?;
    }
    Ok(Rule {
        types: types.0.to_owned(),
        category: category.0.into(),
        structure: structure.map(|(id, _)| id.into()),
        at: (category.1, structure.map_or(0, |(_, at)| at)),
    })
}

fn one_word((word, at): Word<'_>, wanted: &str) -> Result<(), TextError> {
    if word.is_empty() {
        return Err(TextError::new(at..at, format!("ends too early, expected {wanted}")));
    }
    match word.char_indices().find(|(_, char)| char.is_whitespace()) {
        Some((blank, char)) => {
            let range = at + blank..at + blank + char.len_utf8();
            Err(TextError::new(range, format!("found a blank, expected {wanted}")))
        }
        None => Ok(()),
    }
}

/// The error about a part of a list that names no type.
fn no_rule((found, at): Word<'_>) -> TextError {
    let range = at..at + found.len();
    if found.is_empty() {
        return TextError::new(range, "found no rule, expected one as in \"ADT_A01=2.5\"");
    }
    let help =
        format!("write \"*={found}\" for all other types, or a type in front as in \"ADT_A01={found}\"");
    TextError::new(range, format!("\"{found}\" is no rule")).help(help)
}

impl Rule {
    pub(super) fn fits(&self, kind: &Kind<'_>) -> bool {
        let event = || kind.code.bytes().chain(kind.separator().bytes()).chain(kind.trigger.bytes());
        self.types == "*"
            || like(self.types.as_bytes(), kind.structure.bytes()) && !kind.structure.is_empty()
            || like(self.types.as_bytes(), event())
    }
}

/// Whether a text is like a pattern in which `*` stands for any characters. What stands in a message
/// may be long, so that the way back is never farther than to the last `*`.
fn like(pattern: &[u8], text: impl Iterator<Item = u8> + Clone) -> bool {
    let (mut at, mut text) = (0, text);
    // The pattern behind the last star, and the text from where it was tried.
    let mut back = None;
    loop {
        if pattern.get(at) == Some(&b'*') {
            at += 1;
            back = Some((at, text.clone()));
            continue;
        }
        match (text.next(), pattern.get(at)) {
            (None, None) => return true,
            (Some(found), Some(wanted)) if found == *wanted => at += 1,
            (None, Some(_)) => return false,
            _ => {
                let Some((behind, tried)) = &mut back else { return false };
                tried.next();
                (at, text) = (*behind, tried.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, text, wanted) in [
            ("ADT*", "ADT_A01", true),
            ("ADT*", "AD", false),
            ("*", "", true),
            ("", "", true),
            ("", "A", false),
            ("*A*A*", "xAyAz", true),
            ("*A*A", "AxA", true),
            ("*A*A", "A", false),
            ("**_A01", "ADT_A01", true),
            ("A*1", "A01x", false),
            ("ADT_A01", "ADT_A01", true),
        ] {
            assert_eq!(like(pattern.as_bytes(), text.bytes()), wanted, "{pattern} {text}");
        }
        let long = "A".repeat(100_000);
        assert!(!like(b"*A*A*A*A*B", long.bytes()), "and that soon");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_told_at_its_place(text in "[ A-Z0-9_.,=:*é\\u{2003}\\[\\]{}<>|()]{0,40}") {
            let errors = match text.parse::<CategoryChoice>() {
                Ok(choice) => choice.check(&Schemas::default()),
                Err(error) => vec![error],
            };
            let structure = super::super::syntax::read(&text, &|name| name.into());
            for error in errors.iter().chain(structure.as_ref().err()) {
                proptest::prop_assert!(text.get(error.range.clone()).is_some(), "{text:?}: {error:?}");
            }
        }
    }
}
