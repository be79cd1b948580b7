//! What a body is, as its sender says: the header `Content-Type`.

use hyper::HeaderMap;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use model::{BodyClass, Checks, MessageBody};

/// The type of an HL7 message.
pub(crate) const HL7: &str = "application/hl7-v2";
/// What senders of HL7 messages write besides.
const ALSO_HL7: [&str; 5] =
    ["application/hl7-v2+er7", "x-application/hl7-v2+er7", "application/edi-hl7", "text/hl7", "text/hl7v2"];

/// Whether that is the type of an HL7 message.
pub(crate) fn is_hl7(essence: &str) -> bool {
    essence == HL7 || ALSO_HL7.contains(&essence)
}

/// The type of what is known of a body.
pub(crate) fn body_type(body: &MessageBody) -> String {
    let (class, doc_type) = (body.class(), body.doc_type());
    let essence = match class {
        BodyClass::HL7 => HL7,
        // What came over HTTP has its type there.
        _ if doc_type.contains('/') => doc_type,
        BodyClass::TEXT => "text/plain",
        _ => "application/octet-stream",
    };
    match body.charset() {
        "" => essence.to_owned(),
        _ if class == BodyClass::BYTES => essence.to_owned(),
        label => {
            let charset = hl7::charset::by_name(label).map_or(label, |charset| charset.name());
            format!("{essence}; charset={charset}")
        }
    }
}

/// A media type with its charset.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct MediaType {
    /// As in `text/plain`, in small letters; empty when nothing is said.
    pub(crate) essence: String,
    /// The charset, as it is written; empty when nothing is said.
    pub(crate) charset: String,
}

impl MediaType {
    /// What the headers say; nothing where they cannot be read.
    pub(crate) fn of(headers: &HeaderMap) -> MediaType {
        let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        value.map(MediaType::read).unwrap_or_default()
    }

    /// Reads a value of the header.
    pub(crate) fn read(value: &str) -> MediaType {
        let mut parts = parts(value).into_iter();
        let essence = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
        let charset = parts.find_map(|part| parameter(part, "charset")).unwrap_or_default();
        MediaType { essence, charset }
    }

    /// Whether it is text, whatever it is for.
    pub(crate) fn is_text(&self) -> bool {
        const TEXTS: [&str; 4] = [
            "application/json",
            "application/xml",
            "application/x-www-form-urlencoded",
            "application/javascript",
        ];
        let essence = self.essence.as_str();
        let suffix = essence.rsplit_once('+').is_some_and(|(_, suffix)| matches!(suffix, "json" | "xml"));
        essence.starts_with("text/") || TEXTS.contains(&essence) || suffix
    }
}

/// Reports a setting that is no value of the header.
pub(crate) fn check_content_type(setting: &str, text: &str, checks: &mut Checks) {
    let essence = MediaType::read(text).essence;
    let is_one = essence.split('/').count() == 2 && essence.split('/').all(|part| !part.is_empty());
    if !is_one || essence.contains(char::is_whitespace) || HeaderValue::from_str(text).is_err() {
        let text =
            format!("{setting} is \"{text}\"; expected a type of content, as in text/plain; charset=utf-8");
        checks.error(setting, text);
    }
}

/// The value of a parameter of a header such as `Content-Disposition: attachment; filename="a.csv"`.
pub(crate) fn header_parameter(value: &str, name: &str) -> Option<String> {
    parts(value).into_iter().skip(1).find_map(|part| parameter(part, name))
}

/// The parts between semicolons, of which none stands in quotes.
fn parts(value: &str) -> Vec<&str> {
    let (mut parts, mut begin, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, byte) in value.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b';' if !quoted => {
                parts.push(&value[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&value[begin..]);
    parts
}

fn parameter(part: &str, wanted: &str) -> Option<String> {
    let (name, value) = part.split_once('=')?;
    if !name.trim().eq_ignore_ascii_case(wanted) {
        return None;
    }
    let value = value.trim();
    let Some(quoted) = value.strip_prefix('"') else { return Some(value.to_owned()) };
    let (mut text, mut chars) = (String::new(), quoted.chars());
    while let Some(char) = chars.next() {
        match char {
            '"' => break,
            '\\' => text.extend(chars.next()),
            char => text.push(char),
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_and_charset_are_read() {
        for (value, essence, charset) in [
            ("application/hl7-v2", "application/hl7-v2", ""),
            ("Application/HL7-v2; Charset=utf-8", "application/hl7-v2", "utf-8"),
            ("text/plain;charset=\"iso-8859-1\" ; x=y", "text/plain", "iso-8859-1"),
            ("text/plain; x=\";charset=no\"; charset=yes", "text/plain", "yes"),
            ("text/plain; charset=\"a\\\"b", "text/plain", "a\"b"),
            ("", "", ""),
            (";;;", "", ""),
        ] {
            let found = MediaType::read(value);
            assert_eq!((found.essence.as_str(), found.charset.as_str()), (essence, charset), "{value}");
        }
        let name = header_parameter("attachment; filename=\"a;b.csv\"", "filename");
        assert_eq!(name.as_deref(), Some("a;b.csv"));
        assert_eq!(header_parameter("filename=x", "filename"), None, "the first part is no parameter");
    }

    #[test]
    fn what_is_text_is_known() {
        for (essence, text) in [
            ("text/csv", true),
            ("application/fhir+json", true),
            ("application/json", true),
            ("image/svg+xml", true),
            ("application/pdf", false),
            ("application/octet-stream", false),
            ("", false),
        ] {
            assert_eq!(MediaType::read(essence).is_text(), text, "{essence}");
        }
    }
}
