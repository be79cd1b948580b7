//! `${…}` in texts, filled in after the YAML was read, so that a value can never become a key, an
//! item or a comment.

use std::path::Path;

use serde_json::Value;

use crate::finding::Findings;
use crate::secret::{Secrets, is_secret_name};
use crate::source::Sources;
use crate::tree::{Entry, Kind, Node, Scalar};

/// What filling in needs to know and to tell.
pub(crate) struct Filler<'a> {
    pub(crate) env: &'a dyn Fn(&str) -> Option<String>,
    pub(crate) sources: &'a Sources,
    pub(crate) findings: &'a mut Findings,
    pub(crate) secrets: &'a mut Secrets,
}

/// What stands for one `${…}`.
struct Filled {
    text: String,
    secret: bool,
    unknown: bool,
}

impl Filled {
    fn new(text: String, secret: bool) -> Self {
        Filled { text, secret, unknown: false }
    }
}

/// Whether the entry is a text of code, in which `${…}` is the code's own: it is left as it stands.
pub(crate) fn is_code(entry: &Entry) -> bool {
    entry.key == "code" && matches!(entry.value.kind, Kind::Scalar(_))
}

/// What is wrong with one `${…}`, and what to do.
type Wrong = (String, Option<String>);

impl Filler<'_> {
    /// Fills every text at or below `node`, which belongs to `item`.
    pub(crate) fn fill(&mut self, node: &mut Node, item: Option<&str>) {
        match &mut node.kind {
            Kind::List(nodes) => nodes.iter_mut().for_each(|node| self.fill(node, item)),
            Kind::Map(entries) => {
                let filled = entries.iter_mut().filter(|entry| !is_code(entry));
                filled.for_each(|entry| self.fill(&mut entry.value, item));
            }
            Kind::Scalar(Scalar { value: Value::String(text), .. }) if text.contains("${") => {
                let text = text.clone();
                let filled = self.fill_text(node, &text, item);
                if let Kind::Scalar(scalar) = &mut node.kind {
                    scalar.value = Value::String(filled.text);
                    scalar.secret = filled.secret;
                    scalar.unknown = filled.unknown;
                    scalar.style = None;
                    scalar.filled = text.starts_with("${") && text.find('}') == Some(text.len() - 1);
                }
            }
            Kind::Scalar(_) => {}
        }
    }

    fn fill_text(&mut self, node: &Node, text: &str, item: Option<&str>) -> Filled {
        let mut filled = Filled::new(String::new(), false);
        let mut at = 0;
        while let Some(found) = text[at..].find("${").map(|found| found + at) {
            if text[..found].ends_with('$') && found > at {
                filled.text += &text[at..found - 1];
                filled.text += "${";
                at = found + 2;
                continue;
            }
            filled.text += &text[at..found];
            let (range, inner) = match text[found..].find('}') {
                Some(length) => (found..found + length + 1, Some(&text[found + 2..found + length])),
                None => (found..text.len(), None),
            };
            at = range.end;
            match self.value_of(inner, node) {
                Ok(value) => {
                    filled.text += &value.text;
                    filled.secret |= value.secret;
                }
                Err((message, help)) => {
                    filled.unknown = true;
                    let place = crate::scalar::place(self.sources, node, &range);
                    self.findings.error(&place, item, message).help(help);
                }
            }
        }
        filled.text += &text[at..];
        if filled.secret {
            self.secrets.add(&filled.text);
        }
        filled
    }

    fn value_of(&mut self, inner: Option<&str>, node: &Node) -> Result<Filled, Wrong> {
        let Some(inner) = inner else {
            return Err((
                "\"${\" has no closing \"}\"".to_owned(),
                Some("write \"$${\" for the two characters".to_owned()),
            ));
        };
        if inner.contains("${") {
            return Err((format!("\"${{{inner}}}\" holds another \"${{\"; expected one name"), None));
        }
        if let Some(path) = inner.strip_prefix("file:") {
            return self.file(path, node);
        }
        let name_end = inner.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(inner.len());
        let (name, rest) = inner.split_at(name_end);
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(wrong_syntax(inner));
        }
        let value = (self.env)(name);
        let full = value.as_ref().filter(|value| !value.is_empty());
        let secret = is_secret_name(name);
        let text = match (rest.get(..2), rest) {
            (_, "") => value.ok_or_else(|| missing(name))?,
            (Some(":-"), _) => {
                return Ok(match full {
                    Some(value) => self.found(value.clone(), secret),
                    None => Filled::new(rest[2..].to_owned(), false),
                });
            }
            (Some(":?"), _) => full.cloned().ok_or_else(|| required(name, &rest[2..]))?,
            _ => return Err(wrong_syntax(inner)),
        };
        Ok(self.found(text, secret))
    }

    fn found(&mut self, text: String, secret: bool) -> Filled {
        if secret {
            self.secrets.add(&text);
        }
        Filled::new(text, secret)
    }

    /// The text of a file, such as a mounted secret; a relative path begins where the production is.
    fn file(&mut self, path: &str, node: &Node) -> Result<Filled, Wrong> {
        let from = Path::new(&self.sources.get(node.place.file).name).parent().unwrap_or(Path::new(""));
        let cannot =
            |error: std::io::Error| (format!("cannot read the file \"{path}\" ({})", why(&error)), None);
        let text = std::fs::read_to_string(from.join(path)).map_err(cannot)?;
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        Ok(self.found(text.to_owned(), true))
    }
}

/// Why a file could not be read, in this program's form.
pub(crate) fn why(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    text.chars().take(1).flat_map(char::to_lowercase).chain(text.chars().skip(1)).collect()
}

fn missing(name: &str) -> Wrong {
    let help = format!("set it, or give a default as in \"${{{name}:-default}}\"");
    (format!("environment variable \"{name}\" is not set"), Some(help))
}

fn required(name: &str, reason: &str) -> Wrong {
    let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
    (format!("environment variable \"{name}\" is not set{reason}"), None)
}

fn wrong_syntax(inner: &str) -> Wrong {
    let message = format!(
        "\"${{{inner}}}\" is no name to fill in; expected ${{NAME}}, ${{NAME:-default}}, ${{NAME:?why}} or ${{file:path}}"
    );
    let trimmed = inner.trim();
    let name_end = trimmed.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(trimmed.len());
    let (name, rest) = trimmed.split_at(name_end);
    let help = match rest.trim_start_matches([':', '-', '=', '|', ' ']) {
        _ if name.is_empty() => None,
        "" => Some(format!("did you mean \"${{{name}}}\"?")),
        _ if rest.starts_with([':', '-']) && !rest.contains(['+', '/']) => {
            Some(format!("did you mean \"${{{name}:-{}}}\"?", rest.trim_start_matches([':', '-', '='])))
        }
        _ => None,
    };
    (message, help.or_else(|| Some("write \"$${\" for the two characters".to_owned())))
}

/// The text as it has to be written so that reading gives it back.
pub(crate) fn escaped(text: &str) -> String {
    text.replace("${", "$${")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileId;

    fn fill(text: &str) -> Result<(String, bool), String> {
        let (mut findings, mut secrets) = (Findings::default(), Secrets::default());
        let mut sources = Sources::default();
        let yaml = format!("'{text}'");
        let file: FileId = sources.add(Path::new("t.yaml"), yaml);
        let mut node = crate::tree::read(&sources, file, &mut findings).expect("a scalar");
        let env = |name: &str| match name {
            "PORT" => Some("52774".to_owned()),
            "EMPTY" => Some(String::new()),
            "DB_PASSWORD" => Some("hunter2".to_owned()),
            _ => None,
        };
        let mut filler =
            Filler { env: &env, sources: &sources, findings: &mut findings, secrets: &mut secrets };
        filler.fill(&mut node, None);
        match findings.finish(&sources, &secrets).first() {
            Some(finding) => Err(finding.line()),
            None => Ok((node.text().unwrap_or_default().to_owned(), node.is_secret())),
        }
    }

    #[test]
    fn names_are_filled_in() {
        for (text, wanted) in [
            ("host:${PORT}/x", "host:52774/x"),
            ("${PORT:-1}", "52774"),
            ("${HOST:-a-b:c}", "a-b:c"),
            ("${EMPTY}|${EMPTY:-x}", "|x"),
            ("$${PORT} $5 $ ${PORT:?needed}", "${PORT} $5 $ 52774"),
            ("a $$${PORT}", "a $${PORT}"),
            ("{{ MSH-9.1 }}", "{{ MSH-9.1 }}"),
        ] {
            assert_eq!(fill(text), Ok((wanted.to_owned(), false)), "{text}");
        }
        assert_eq!(fill("u:${DB_PASSWORD}"), Ok(("u:hunter2".to_owned(), true)));
        assert_eq!(escaped("a ${b}"), "a $${b}");
    }

    #[test]
    fn code_is_left_as_it_stands() {
        let (mut findings, mut secrets, mut sources) =
            (Findings::default(), Secrets::default(), Sources::default());
        let yaml = "settings: { code: '`${name} ${PORT}`', port: '${PORT}' }\ncode: { x: '${PORT}' }";
        let file = sources.add(Path::new("t.yaml"), yaml.to_owned());
        let mut node = crate::tree::read(&sources, file, &mut findings).expect("a map");
        let env = |_: &str| Some("1".to_owned());
        Filler { env: &env, sources: &sources, findings: &mut findings, secrets: &mut secrets }
            .fill(&mut node, None);
        let text = |path: [&str; 2]| node.get(path[0]).and_then(|node| node.get(path[1])?.text());
        assert_eq!(text(["settings", "code"]), Some("`${name} ${PORT}`"));
        assert_eq!((text(["settings", "port"]), text(["code", "x"])), (Some("1"), Some("1")));
        assert!(findings.finish(&sources, &secrets).is_empty());
    }

    #[test]
    fn what_cannot_be_filled_in_is_told_with_its_place() {
        let syntax =
            "is no name to fill in; expected ${NAME}, ${NAME:-default}, ${NAME:?why} or ${file:path}";
        for (text, wanted) in [
            ("x${HOST}", "1:3: environment variable \"HOST\" is not set; set it, or give a default as in \"${HOST:-default}\"".to_owned()),
            ("${HOST:?which host}", "1:2: environment variable \"HOST\" is not set: which host".to_owned()),
            ("ab ${HOST", "1:5: \"${\" has no closing \"}\"; write \"$${\" for the two characters".to_owned()),
            ("${ PORT }", format!("1:2: \"${{ PORT }}\" {syntax}; did you mean \"${{PORT}}\"?")),
            ("${PORT-1}", format!("1:2: \"${{PORT-1}}\" {syntax}; did you mean \"${{PORT:-1}}\"?")),
            ("${PORT:1}", format!("1:2: \"${{PORT:1}}\" {syntax}; did you mean \"${{PORT:-1}}\"?")),
            ("${}", format!("1:2: \"${{}}\" {syntax}; write \"$${{\" for the two characters")),
            ("${A:-${B}}", "1:2: \"${A:-${B}\" holds another \"${\"; expected one name".to_owned()),
            ("${file:/no/such/file}", "1:2: cannot read the file \"/no/such/file\" (no such file or directory)".to_owned()),
        ] {
            assert_eq!(fill(text), Err(format!("t.yaml:{wanted}")), "{text}");
        }
    }
}
