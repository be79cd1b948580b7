//! Structures as HL7 writes them: `MSH [{SFT}] PID [{ORDER: ORC OBR}] <A | B>`.
//!
//! | written | is |
//! |---|---|
//! | `PID` | a segment that stands there once |
//! | `[PID]`, `{PID}`, `[{PID}]` | it may be missing; it may repeat; both |
//! | `{ORC [OBR]}` | a group that repeats, named `ORCgrp` by its first segment |
//! | `{ORDER: ORC [OBR]}` | the same with a name |
//! | `(VISIT: PV1 [PV2])` | a group that stands there once |
//! | `<OBR \| RQD \| {RXO}>` | one of several |

use super::parts::{ANY_SEGMENT, Element, Group};
use super::{Text, TextError};

/// Deeper than this no structure is nested.
const DEPTH: usize = 32;

/// Reads a whole text; `keep` makes a name that may be kept.
pub(super) fn read<'a>(text: &'a str, keep: &dyn Fn(&'a str) -> Text) -> Result<Vec<Element>, TextError> {
    let mut reader = Reader { text, at: 0, depth: 0, keep };
    let elements = reader.sequence("a segment, \"[\", \"{\", \"(\" or \"<\"")?;
    if reader.peek().is_some() {
        return Err(reader.unexpected("a segment, \"[\", \"{\", \"(\", \"<\" or the end"));
    }
    Ok(elements)
}

struct Reader<'a, 'k> {
    text: &'a str,
    at: usize,
    depth: usize,
    keep: &'k dyn Fn(&'a str) -> Text,
}

impl<'a> Reader<'a, '_> {
    fn peek(&mut self) -> Option<char> {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
        self.text[self.at..].chars().next()
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += if found { wanted.len_utf8() } else { 0 };
        found
    }

    fn unexpected(&mut self, wanted: &str) -> TextError {
        match self.peek() {
            Some(found) => {
                let message = format!("found \"{}\", expected {wanted}", found.escape_debug());
                TextError::new(self.at..self.at + found.len_utf8(), message)
            }
            None => {
                let end = self.text.trim_end().len();
                TextError::new(end..end, format!("ends too early, expected {wanted}"))
            }
        }
    }

    /// One or more elements, up to what closes them.
    fn sequence(&mut self, wanted: &str) -> Result<Vec<Element>, TextError> {
        let mut elements = Vec::new();
        while let Some(next) = self.peek() {
            match next {
                '[' | '{' | '(' | '<' => elements.push(self.bracketed(next)?),
                next if next.is_ascii_alphanumeric() || next == '_' => elements.push(self.segment()?),
                _ => break,
            }
        }
        if elements.is_empty() { Err(self.unexpected(wanted)) } else { Ok(elements) }
    }

    fn word(&mut self) -> &'a str {
        let start = self.at;
        let word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        self.at += self.text.as_bytes()[start..].iter().take_while(|byte| word(byte)).count();
        &self.text[start..self.at]
    }

    fn segment(&mut self) -> Result<Element, TextError> {
        let start = self.at;
        let id = self.word();
        if is_segment_id(id) || id == ANY_SEGMENT {
            return Ok(Element { name: (self.keep)(id), min: 1, max: Some(1), group: None });
        }
        let range = start..self.at;
        if self.peek() == Some(':') {
            let message = format!("the name \"{id}\" stands outside of a bracket");
            let help = format!("name a group within its bracket, as in \"{{{id}: …}}\"");
            return Err(TextError::new(range, message).help(help));
        }
        let error =
            TextError::new(range, format!("segment is \"{id}\", expected three capital letters or digits"));
        let upper = id.to_uppercase();
        Err(if is_segment_id(&upper) { error.help(format!("did you mean \"{upper}\"?")) } else { error })
    }

    /// What stands in a bracket, with it.
    fn bracketed(&mut self, open: char) -> Result<Element, TextError> {
        let start = self.at;
        self.at += 1;
        self.depth += 1;
        if self.depth > DEPTH {
            let message = format!("this is nested more than {DEPTH} deep");
            return Err(TextError::new(start..start + 1, message));
        }
        let name = self.group_name();
        let elements = if open == '<' { self.choice()? } else { self.sequence("a segment or group")? };
        let close = match open {
            '[' => ']',
            '{' => '}',
            '(' => ')',
            _ => '>',
        };
        if !self.take(close) {
            let wanted = if open == '<' { "\"|\" or \">\"".to_owned() } else { format!("\"{close}\"") };
            return Err(match self.peek() {
                Some(_) => self.unexpected(&wanted),
                None => {
                    TextError::new(start..start + 1, format!("\"{open}\" is not closed, expected {wanted}"))
                }
            });
        }
        self.depth -= 1;
        let mut element = self.element(name, elements, open == '<');
        match open {
            '[' => element.min = 0,
            '{' => element.max = None,
            _ => {}
        }
        Ok(element)
    }

    /// The name that a group begins with.
    fn group_name(&mut self) -> Option<Text> {
        self.peek();
        let start = self.at;
        let name = self.word();
        if !name.is_empty() && self.take(':') {
            return Some((self.keep)(name));
        }
        self.at = start;
        None
    }

    /// The parts of a choice; one of several elements is a group of its own.
    fn choice(&mut self) -> Result<Vec<Element>, TextError> {
        let mut parts = Vec::new();
        loop {
            let elements = self.sequence("a segment or group")?;
            parts.push(self.element(None, elements, false));
            if !self.take('|') {
                return Ok(parts);
            }
        }
    }

    /// A group, or its only element where brackets need none.
    fn element(&self, name: Option<Text>, mut elements: Vec<Element>, choice: bool) -> Element {
        if let (None, 1, false) = (&name, elements.len(), choice)
            && let Some(only) = elements.pop()
        {
            return only;
        }
        let name = name.unwrap_or_else(|| match elements.first() {
            Some(first) if first.group.is_none() => format!("{}grp", first.name).into(),
            Some(first) => first.name.clone(),
            None => Text::default(),
        });
        elements.shrink_to_fit();
        Element { name, min: 1, max: Some(1), group: Some(Group { elements, choice }) }
    }
}

/// Whether a text is three capital letters or digits, the first a letter.
pub(super) fn is_segment_id(id: &str) -> bool {
    let id = id.as_bytes();
    id.len() == 3
        && id[0].is_ascii_uppercase()
        && id.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// Writes elements the way they are read.
pub(super) fn write(elements: &[Element], f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    for (at, element) in elements.iter().enumerate() {
        write!(f, "{}{element}", if at > 0 { " " } else { "" })?;
    }
    Ok(())
}

impl std::fmt::Display for Element {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (open, close) = match (self.min, self.max) {
            (0, Some(_)) => ("[", "]"),
            (0, None) => ("[{", "}]"),
            (_, None) => ("{", "}"),
            _ if self.group.is_some() && !self.is_choice() => ("(", ")"),
            _ => ("", ""),
        };
        f.write_str(open)?;
        match &self.group {
            None => f.write_str(&self.name)?,
            Some(Group { elements, choice: false }) => {
                write!(f, "{}: ", self.name)?;
                write(elements, f)?;
            }
            Some(Group { elements, choice: true }) => {
                write!(f, "<{}: ", self.name)?;
                for (at, element) in elements.iter().enumerate() {
                    write!(f, "{}{element}", if at > 0 { " | " } else { "" })?;
                }
                f.write_str(">")?;
            }
        }
        f.write_str(close)
    }
}

impl std::fmt::Display for super::Structure {
    /// Its segments and groups in HL7's abstract message syntax.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write(&self.elements, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Result<String, TextError> {
        let elements = read(text, &|name| name.into())?;
        Ok(super::super::Structure { id: "T".into(), elements, doubtful: false }.to_string())
    }

    #[test]
    fn structures_are_read_and_written() {
        for (text, written) in [
            ("MSH [{SFT}] EVN  PID\n[PD1]", "MSH [{SFT}] EVN PID [PD1]"),
            ("[ { NK1 } ] {[OBX]} (PID) ((PV1))", "[{NK1}] [{OBX}] PID PV1"),
            ("[{ORDER: ORC OBR [{NTE}]}]", "[{ORDER: ORC OBR [{NTE}]}]"),
            ("{ORC OBR}", "{ORCgrp: ORC OBR}"),
            ("{[ORC OBR] PV1}", "{ORCgrp: [ORCgrp: ORC OBR] PV1}"),
            ("(VISIT: PV1 [PV2])", "(VISIT: PV1 [PV2])"),
            ("[VISIT: PV1]", "[VISIT: PV1]"),
            ("<OBR|RQD | {RXO}>", "<OBRgrp: OBR | RQD | {RXO}>"),
            ("[{<DETAIL: OBR [NTE]|RQD>}]", "[{<DETAIL: (OBRgrp: OBR [NTE]) | RQD>}]"),
            ("MSH {MF: MFE [ANYHL7SEGMENT]}", "MSH {MF: MFE [ANYHL7SEGMENT]}"),
        ] {
            assert_eq!(shown(text).as_deref(), Ok(written), "{text}");
            assert_eq!(shown(written).as_deref(), Ok(written));
        }
    }

    /// `wrong` is the text with the wrong bytes between `»` and `«`.
    fn check(wrong: &str, message: &str) {
        let text = wrong.replace(['»', '«'], "");
        let start = wrong.find('»').unwrap();
        let error = shown(&text).unwrap_err();
        assert_eq!(error.range, start..wrong.find('«').unwrap() - '»'.len_utf8(), "{wrong}: {error}");
        assert_eq!(error.to_string(), message, "{wrong}");
    }

    #[test]
    fn an_error_says_where() {
        check("»«", "ends too early, expected a segment, \"[\", \"{\", \"(\" or \"<\"");
        check("MSH »[«PID", "\"[\" is not closed, expected \"]\"");
        check("MSH [»«", "ends too early, expected a segment or group");
        check("MSH [{PID»]«}", "found \"]\", expected \"}\"");
        check("MSH PID»]«", "found \"]\", expected a segment, \"[\", \"{\", \"(\", \"<\" or the end");
        check("MSH [»]«", "found \"]\", expected a segment or group");
        check("<A01|»>«", "found \">\", expected a segment or group");
        check("<A01 »)«", "found \")\", expected \"|\" or \">\"");
        check(
            "MSH »pid«",
            "segment is \"pid\", expected three capital letters or digits; did you mean \"PID\"?",
        );
        check(
            "MSH »ORDER«: ORC",
            "the name \"ORDER\" stands outside of a bracket; name a group within its bracket, as in \"{ORDER: …}\"",
        );
        check("MSH »,« PID", "found \",\", expected a segment, \"[\", \"{\", \"(\", \"<\" or the end");
        let deep = format!("{}A01{}", "[".repeat(40), "]".repeat(40));
        assert_eq!(shown(&deep).unwrap_err().message, "this is nested more than 32 deep");
    }
}
