//! Reading a path, and guessing what was meant when it cannot be read.

use super::{Index, Path, PathError};

/// More fields, components or repetitions than this no message has: a slip of the finger.
const MOST: u32 = 9_999;

/// Reads the whole text as one path.
pub(super) fn path(text: &str) -> Result<Path, PathError> {
    read(text).map_err(|error| match error.help {
        Some(_) => error,
        None => PathError { help: guess(text), ..error },
    })
}

fn read(text: &str) -> Result<Path, PathError> {
    let mut reader = Reader { text, at: 0 };
    let mut path = Path {
        segment: reader.segment()?,
        occurrence: reader.index()?,
        field: 0,
        repetition: None,
        component: 0,
        subcomponent: 0,
    };
    if reader.take('-') {
        path.field = reader.number("field")?;
        path.repetition = reader.index()?;
        if reader.take('.') {
            path.component = reader.number("component")?;
            if reader.take('.') {
                path.subcomponent = reader.number("subcomponent")?;
            }
        }
    }
    if reader.rest().is_empty() {
        return Ok(path);
    }
    let wanted = match (path.field, path.component, path.subcomponent) {
        (0, ..) => "\"-\" and a field, or the end",
        (_, 0, _) => "\".\" and a component, or the end",
        (_, _, 0) => "\".\" and a subcomponent, or the end",
        _ => "the end",
    };
    Err(reader.unexpected(wanted))
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn take(&mut self, char: char) -> bool {
        let found = self.rest().starts_with(char);
        self.at += if found { char.len_utf8() } else { 0 };
        found
    }

    /// An error about the next `length` bytes.
    fn error(&self, length: usize, message: String) -> PathError {
        let end = (self.at + length).min(self.text.len());
        PathError { range: self.at..end, message: format!("path \"{}\": {message}", self.text), help: None }
    }

    fn unexpected(&self, wanted: &str) -> PathError {
        match self.rest().chars().next() {
            Some(found) => {
                self.error(found.len_utf8(), format!("found \"{}\", expected {wanted}", found.escape_debug()))
            }
            None => self.error(0, format!("ends too early, expected {wanted}")),
        }
    }

    fn segment(&mut self) -> Result<[u8; 3], PathError> {
        let length = self.rest().bytes().take_while(u8::is_ascii_alphanumeric).count();
        let id = &self.text[..length];
        let well_formed = |id: &[u8; 3]| {
            id[0].is_ascii_uppercase()
                && id.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        };
        match <[u8; 3]>::try_from(id.as_bytes()) {
            Ok(id) if well_formed(&id) => {
                self.at = length;
                Ok(id)
            }
            _ if length == 0 => Err(self.unexpected("a segment as in \"PID\"")),
            _ => {
                let message = format!("segment is \"{id}\", expected three capital letters or digits");
                Err(self.error(length, message))
            }
        }
    }

    fn index(&mut self) -> Result<Option<Index>, PathError> {
        if !self.take('[') {
            return Ok(None);
        }
        let index = if self.take('*') {
            Index::All
        } else if self.rest().starts_with("-1]") {
            self.at += 2;
            Index::Last
        } else if self.rest().starts_with(|char: char| char.is_ascii_digit()) {
            Index::Nth(self.number("index")?.into())
        } else {
            return Err(self.unexpected("a number, \"-1\" for the last or \"*\" for each"));
        };
        if self.take(']') { Ok(Some(index)) } else { Err(self.unexpected("\"]\"")) }
    }

    fn number(&mut self, what: &str) -> Result<u16, PathError> {
        let digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return Err(self.unexpected(&format!("the number of a {what}")));
        }
        let found = &self.rest()[..digits];
        match found.parse::<u32>() {
            Ok(0) => {
                let mut error = self.error(digits, format!("{what} is {found}"));
                error.help = Some(format!("the first {what} is 1"));
                Err(error)
            }
            // Always fits: it is at most MOST.
            Ok(number) if number <= MOST => {
                self.at += digits;
                Ok(number as u16)
            }
            _ => {
                let mut error = self.error(digits, format!("{what} is {found}"));
                error.help = Some(format!("the largest number is {MOST}"));
                Err(error)
            }
        }
    }
}

/// What was probably meant: the same words, with the right marks between them.
///
/// Knows the ways of other engines, `PID:3(2).1`, `PID.3.1`, `/PID-3(0)-1`, since people bring them along.
fn guess(text: &str) -> Option<String> {
    let mut words = words(text).into_iter().peekable();
    let Some(Word::Name(segment)) = words.next() else { return None };
    // `PID3` and `pid3.1`
    let (segment, field) = segment.split_at_checked(3)?;
    let mut candidate = segment.to_uppercase();
    let mut numbers = vec![];
    let mut indexes = [None, None];
    if !field.is_empty() {
        numbers.push(field.parse::<u32>().ok()?.to_string());
    }
    for word in words {
        match word {
            Word::Name(_) => {
                return Some("fields are written by their numbers, as in \"PID-5.1\"".to_owned());
            }
            Word::Number(number) => numbers.push(number),
            Word::Index(index) => indexes[usize::from(!numbers.is_empty())] = Some(index),
        }
    }
    for (level, number) in numbers.iter().enumerate() {
        if level == 0 {
            candidate.push_str(&indexes[0].take().unwrap_or_default());
            candidate.push_str(&format!("-{number}{}", indexes[1].take().unwrap_or_default()));
        } else {
            candidate.push_str(&format!(".{number}"));
        }
    }
    candidate.push_str(&indexes[0].take().unwrap_or_default());
    read(&candidate).is_ok().then(|| format!("did you mean \"{candidate}\"?"))
}

enum Word {
    Name(String),
    Number(String),
    Index(String),
}

/// The words of a text; whatever stands between them is passed over.
fn words(text: &str) -> Vec<Word> {
    let mut words = vec![];
    let mut rest = text;
    while let Some(char) = rest.chars().next() {
        let length = if matches!(char, '[' | '(') {
            let end = rest.find([']', ')']).unwrap_or(rest.len());
            let inner = rest[1..end].trim();
            words.push(Word::Index(format!("[{}]", if inner.is_empty() { "*" } else { inner })));
            (end + 1).min(rest.len())
        } else {
            let length = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
            let word = rest[..length].to_owned();
            if word.bytes().all(|byte| byte.is_ascii_digit()) && length > 0 {
                words.push(Word::Number(word));
            } else if length > 0 {
                words.push(Word::Name(word));
            }
            length.max(if length == 0 { char.len_utf8() } else { 0 })
        };
        rest = &rest[length..];
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_and_written() {
        for text in [
            "PID",
            "PID[2]",
            "OBX[*]",
            "OBX[-1]",
            "PID-3",
            "ZZ1-1",
            "PID-3[2].1.2",
            "OBX[3]-5",
            "OBX[*]-5[*].1",
            "OBX[-1]-5[-1].1.1",
            "PID-3[*].1",
            "MSH-9.1",
            "PID-9999[9999].9999.9999",
        ] {
            assert_eq!(text.parse::<Path>().map(|path| path.to_string()).as_deref(), Ok(text));
        }
    }

    /// `wrong` is the text with the wrong bytes between `>` and `<`.
    fn check(wrong: &str, message: &str, help: &str) {
        let text = wrong.replace(['>', '<'], "");
        let start = wrong.find('>').unwrap();
        let error = text.parse::<Path>().unwrap_err();
        assert_eq!(error.range, start..wrong.find('<').unwrap() - 1, "{wrong}: {error}");
        assert_eq!(error.message, format!("path \"{text}\": {message}"));
        assert_eq!(error.help.unwrap_or_default(), help, "{wrong}");
    }

    #[test]
    fn an_error_says_where_and_what_was_meant() {
        let field = "expected \"-\" and a field, or the end";
        check("PID>.<3", &format!("found \".\", {field}"), "did you mean \"PID-3\"?");
        check("PID>.<3.1.2", &format!("found \".\", {field}"), "did you mean \"PID-3.1.2\"?");
        check("PID>:<3(2).1", &format!("found \":\", {field}"), "did you mean \"PID-3[2].1\"?");
        check("PID>:<3().1", &format!("found \":\", {field}"), "did you mean \"PID-3[*].1\"?");
        check("OBX>(<3)-5", &format!("found \"(\", {field}"), "did you mean \"OBX[3]-5\"?");
        check("PID> <-3", &format!("found \" \", {field}"), "did you mean \"PID-3\"?");
        check(
            "PID-3>-<1",
            "found \"-\", expected \".\" and a component, or the end",
            "did you mean \"PID-3.1\"?",
        );
        check(
            "PID-3>(<2)",
            "found \"(\", expected \".\" and a component, or the end",
            "did you mean \"PID-3[2]\"?",
        );
        check(
            "PID-3.1>[<2]",
            "found \"[\", expected \".\" and a subcomponent, or the end",
            "did you mean \"PID-3[2].1\"?",
        );
        check("PID-3.1.2>.<3", "found \".\", expected the end", "");
        check(
            ">PID3<",
            "segment is \"PID3\", expected three capital letters or digits",
            "did you mean \"PID-3\"?",
        );
        check(
            ">pid<-3",
            "segment is \"pid\", expected three capital letters or digits",
            "did you mean \"PID-3\"?",
        );
        check(">PI<-3", "segment is \"PI\", expected three capital letters or digits", "");
        check(
            "PID>:<PatientName.FamilyName",
            &format!("found \":\", {field}"),
            "fields are written by their numbers, as in \"PID-5.1\"",
        );
    }

    #[test]
    fn numbers_are_checked() {
        check("PID->0<", "field is 0", "the first field is 1");
        check("PID-3.>0<", "component is 0", "the first component is 1");
        check("PID-3[>0<]", "index is 0", "the first index is 1");
        check("PID->99999999999999999999<", "field is 99999999999999999999", "the largest number is 9999");
        check("PID->70000<", "field is 70000", "the largest number is 9999");
        check("PID-><", "ends too early, expected the number of a field", "did you mean \"PID\"?");
        check("PID-3.><", "ends too early, expected the number of a component", "did you mean \"PID-3\"?");
        check("PID->-<3", "found \"-\", expected the number of a field", "did you mean \"PID-3\"?");
        check(
            "PID-3[><",
            "ends too early, expected a number, \"-1\" for the last or \"*\" for each",
            "did you mean \"PID-3[*]\"?",
        );
        check("PID-3[>-<2]", "found \"-\", expected a number, \"-1\" for the last or \"*\" for each", "");
        check("PID-3[2><", "ends too early, expected \"]\"", "did you mean \"PID-3[2]\"?");
        check("><", "ends too early, expected a segment as in \"PID\"", "");
        check(">é<ID-3", "found \"é\", expected a segment as in \"PID\"", "");
        check(
            "PID-3>é<",
            "found \"é\", expected \".\" and a component, or the end",
            "did you mean \"PID-3\"?",
        );
    }
}
