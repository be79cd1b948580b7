//! YAML with places: every key and every value knows the bytes it was written at.
//!
//! `saphyr-parser` gives the structure and the places, `serde_yaml` says what a plain scalar means.
//! Both have to accept a text, so a production means the same to whatever else reads it.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};
use serde_json::Value;

use crate::finding::Findings;
use crate::source::{FileId, Place, Sources};
use crate::syntax;

/// How deep a file may be nested, and how many values it may have with its aliases written out.
const DEPTH: usize = 64;
const NODES: usize = 200_000;

/// A value with its place.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// One key of a map with its value.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_place: Place,
    pub(crate) value: Node,
}

/// A text, number, truth value, or nothing.
#[derive(Debug, Clone)]
pub(crate) struct Scalar {
    pub(crate) value: Value,
    /// How its text was written; none where it no longer is what stands in the file.
    pub(crate) style: Option<ScalarStyle>,
    /// Whether all of it came from one `${…}`: then it may also be read as a number or truth value.
    pub(crate) filled: bool,
    /// Whether it is never written out again.
    pub(crate) secret: bool,
    /// Whether a `${…}` of it could not be filled in, so that its text says nothing.
    pub(crate) unknown: bool,
}

impl Node {
    pub(crate) fn entries(&self) -> &[Entry] {
        if let Kind::Map(entries) = &self.kind { entries } else { &[] }
    }

    /// The value of a key, where this is a map that has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Scalar(Scalar { value: Value::Null, .. }))
    }

    pub(crate) fn text(&self) -> Option<&str> {
        if let Kind::Scalar(Scalar { value: Value::String(text), .. }) = &self.kind {
            Some(text)
        } else {
            None
        }
    }

    /// Whether it is a secret.
    pub(crate) fn is_secret(&self) -> bool {
        matches!(&self.kind, Kind::Scalar(Scalar { secret: true, .. }))
    }

    /// The node at a path like `rules[0].when`, or the deepest one on the way there; with it what of
    /// the path was left. A key may hold dots, so the longest key that fits is taken.
    pub(crate) fn at<'a, 'p>(&'a self, path: &'p str) -> (&'a Node, &'p str) {
        let path = path.strip_prefix('.').unwrap_or(path);
        if let Some(rest) = path.strip_prefix('[')
            && let Kind::List(nodes) = &self.kind
            && let Some((index, rest)) = rest.split_once(']')
            && let Some(node) = index.parse().ok().and_then(|index: usize| nodes.get(index))
        {
            return node.at(rest);
        }
        let fits = |entry: &&Entry| {
            path.strip_prefix(entry.key.as_str()).is_some_and(|rest| {
                !entry.key.is_empty() && (rest.is_empty() || rest.starts_with(['.', '[']))
            })
        };
        match self.entries().iter().filter(fits).max_by_key(|entry| entry.key.len()) {
            Some(entry) => entry.value.at(&path[entry.key.len()..]),
            None => (self, path),
        }
    }

    /// Whether its text says nothing, because it could not be filled in.
    pub(crate) fn is_unknown(&self) -> bool {
        matches!(&self.kind, Kind::Scalar(Scalar { unknown: true, .. }))
    }

    fn size(&self) -> usize {
        1 + match &self.kind {
            Kind::Scalar(_) => 0,
            Kind::List(nodes) => nodes.iter().map(Node::size).sum(),
            Kind::Map(entries) => entries.iter().map(|entry| entry.value.size()).sum(),
        }
    }
}

/// Reads one file; none when it is no YAML or has nothing in it, which is then a finding.
pub(crate) fn read(sources: &Sources, file: FileId, findings: &mut Findings) -> Option<Node> {
    let text = &sources.get(file).text;
    let chars: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let mut builder =
        Builder { file, chars, stack: Vec::new(), anchors: HashMap::new(), nodes: 0, root: None };
    for event in Parser::new_from_str(text) {
        match event {
            Ok((Event::DocumentStart(_), span)) if builder.root.is_some() => {
                findings.error(
                    &builder.place(span),
                    None,
                    "a second document begins here; expected one in a file",
                );
                return None;
            }
            Ok((event, span)) => {
                if let Err((place, message)) = builder.event(event, span, sources, findings) {
                    let (message, help) = message.split_once("; ").unwrap_or((&message, ""));
                    let help = (!help.is_empty()).then(|| help.to_owned());
                    findings.error(&place, None, message).help(help);
                    return None;
                }
            }
            Err(error) => {
                let at = builder.chars[error.marker().index().min(builder.chars.len() - 1)];
                syntax::report(sources, file, at, error.info(), findings);
                return None;
            }
        }
    }
    if !second_opinion(sources, file, findings) {
        return None;
    }
    if builder.root.as_ref().is_none_or(Node::is_null) {
        findings.error(
            &Place { file, range: 0..0 },
            None,
            "the file is empty; expected a production, or a part of one",
        );
        return None;
    }
    builder.root
}

/// Whether `serde_yaml` takes the text as well. A key that stands twice is told by its place already.
fn second_opinion(sources: &Sources, file: FileId, findings: &mut Findings) -> bool {
    let text = &sources.get(file).text;
    let Err(error) = serde_yaml::from_str::<serde_yaml::Value>(text) else { return true };
    let told = error.to_string();
    if told.contains("duplicate entry") {
        return true;
    }
    let at = error.location().map_or(0, |location| location.index());
    syntax::report(sources, file, syntax::char_start(text, at), &told, findings);
    false
}

struct Builder {
    file: FileId,
    /// The byte at which each character begins.
    chars: Vec<usize>,
    stack: Vec<Frame>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    root: Option<Node>,
}

/// A list or map that is not closed yet.
struct Frame {
    start: usize,
    /// Whether brackets show where it begins.
    bracketed: bool,
    anchor: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map(Vec<Entry>, Option<(String, Place)>),
}

/// Where reading stopped, and why; behind a `;` what to do.
type Stop = (Place, String);

impl Builder {
    fn place(&self, span: Span) -> Place {
        let byte = |index: usize| self.chars[index.min(self.chars.len() - 1)];
        Place { file: self.file, range: byte(span.start.index())..byte(span.end.index()) }
    }

    fn event(
        &mut self,
        event: Event<'_>,
        span: Span,
        sources: &Sources,
        findings: &mut Findings,
    ) -> Result<(), Stop> {
        let place = self.place(span);
        match event {
            Event::SequenceStart(anchor, tag) => {
                self.open(place, anchor, tag.as_deref(), Content::List(vec![]))
            }
            Event::MappingStart(anchor, tag) => {
                self.open(place, anchor, tag.as_deref(), Content::Map(vec![], None))
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(place, sources, findings),
            Event::Scalar(text, style, anchor, tag) => {
                let value =
                    typed(&text, style, tag.as_deref()).map_err(|message| (place.clone(), message))?;
                // A tag stands in front of the text, so that places within the text are not known.
                let style = tag.is_none().then_some(style);
                let kind =
                    Kind::Scalar(Scalar { value, style, filled: false, secret: false, unknown: false });
                let key = text.into_owned();
                self.value(Node { place, kind }, anchor, Some(key), sources, findings)
            }
            Event::Alias(anchor) => {
                let mut node = self.anchors.get(&anchor).cloned().ok_or_else(|| {
                    (
                        place.clone(),
                        "the alias stands within what it names; expected an anchor before it".to_owned(),
                    )
                })?;
                node.place = place;
                let key = node.text().map(str::to_owned);
                self.value(node, 0, key, sources, findings)
            }
            _ => Ok(()),
        }
    }

    fn open(&mut self, place: Place, anchor: usize, tag: Option<&Tag>, content: Content) -> Result<(), Stop> {
        if let Some(tag) = tag.filter(|tag| !tag.is_yaml_core_schema()) {
            return Err((place, format!("the tag \"{tag}\" has no meaning here; expected none")));
        }
        if self.stack.len() >= DEPTH {
            return Err((place, format!("this is nested more than {DEPTH} deep")));
        }
        let bracketed = !place.range.is_empty();
        self.stack.push(Frame { start: place.range.start, bracketed, anchor, content });
        Ok(())
    }

    fn close(&mut self, place: Place, sources: &Sources, findings: &mut Findings) -> Result<(), Stop> {
        let Some(frame) = self.stack.pop() else { return Ok(()) };
        let kind = match frame.content {
            Content::List(nodes) => Kind::List(nodes),
            Content::Map(entries, _) => {
                if let Some(stop) = split_by_comma(&entries, frame.bracketed) {
                    return Err(stop);
                }
                Kind::Map(merged(entries))
            }
        };
        let end = if frame.bracketed { place.range.end } else { frame.start };
        let node = Node { place: Place { file: self.file, range: frame.start..end }, kind };
        self.value(node, frame.anchor, None, sources, findings)
    }

    /// Puts a finished value where it belongs: as a key, a value, or the whole.
    fn value(
        &mut self,
        mut node: Node,
        anchor: usize,
        key: Option<String>,
        sources: &Sources,
        findings: &mut Findings,
    ) -> Result<(), Stop> {
        self.nodes += if anchor > 0 || key.is_none() { node.size() } else { 1 };
        if self.nodes > NODES {
            return Err((node.place, format!("with its aliases the file has more than {NODES} values")));
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.stack.last_mut().map(|frame| &mut frame.content) {
            None => self.root = Some(node),
            Some(Content::List(nodes)) => {
                // A map in a list begins with its first key, which shows best where it is.
                if let (true, [first, ..]) = (node.place.range.is_empty(), node.entries()) {
                    node.place = first.key_place.clone();
                }
                nodes.push(node);
            }
            Some(Content::Map(entries, waiting)) => match waiting.take() {
                None => {
                    let Some(key) = key else {
                        let message = "a list or map stands where a key should";
                        let help = "put a text with braces, such as a template, in quotes";
                        return Err((node.place, format!("{message}; {help}")));
                    };
                    *waiting = Some((key, node.place));
                }
                Some((key, key_place)) => {
                    if node.place.range.is_empty() {
                        node.place = key_place.clone();
                    }
                    add(entries, Entry { key, key_place, value: node }, sources, findings);
                }
            },
        }
        Ok(())
    }
}

/// A value without quotes such as `piece(PID-5, "^", 1)`, of which the commas made keys of the map in braces.
fn split_by_comma(entries: &[Entry], bracketed: bool) -> Option<Stop> {
    let opened = |text: &str| text.matches('(').count() > text.matches(')').count();
    let plain = |entry: &&Entry| matches!(&entry.value.kind, Kind::Scalar(Scalar { value: Value::String(text), style: Some(ScalarStyle::Plain), .. }) if opened(text));
    let broken = entries.iter().filter(|_| bracketed).find(plain)?;
    let start = broken.value.place.range.end;
    let ends = |entry: &&Entry| entry.key_place.range.start > start && entry.key.contains(')');
    entries.iter().find(ends).filter(|entry| entry.value.is_null())?;
    let message = "a comma ends the value here, within braces; put all of the value in single quotes, as in 'PV1-2 in (\"I\", \"E\")'; or write the keys on lines of their own";
    Some((Place { file: broken.value.place.file, range: start..start + 1 }, message.to_owned()))
}

/// Adds a key unless the map has it already, which is a finding.
fn add(entries: &mut Vec<Entry>, entry: Entry, sources: &Sources, findings: &mut Findings) {
    match entries.iter().find(|known| known.key == entry.key) {
        Some(first) => {
            let (_, line, ..) = sources.locate(&first.key_place);
            let message = format!("key \"{}\" stands twice in one map; first in line {line}", entry.key);
            findings.error(&entry.key_place, None, message);
        }
        None => entries.push(entry),
    }
}

/// The entries with those of a merge key `<<` among them; what a map says itself wins.
fn merged(mut entries: Vec<Entry>) -> Vec<Entry> {
    let Some(at) = entries.iter().position(|entry| entry.key == "<<") else { return entries };
    let taken = match &entries[at].value.kind {
        Kind::Map(taken) => taken.clone(),
        Kind::List(maps) if maps.iter().all(|map| matches!(map.kind, Kind::Map(_))) => {
            maps.iter().flat_map(|map| map.entries().to_vec()).collect()
        }
        _ => return entries,
    };
    entries.remove(at);
    for entry in taken {
        if entries.iter().all(|known| known.key != entry.key) {
            entries.push(entry);
        }
    }
    entries
}

/// What a scalar means: a plain one what `serde_yaml` says, a quoted one its text.
fn typed(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, String> {
    match tag {
        None if style == ScalarStyle::Plain => Ok(plain(text)),
        None => Ok(Value::String(text.to_owned())),
        Some(tag) if tag.is_yaml_core_schema() && tag.suffix == "str" => Ok(Value::String(text.to_owned())),
        Some(tag) if tag.is_yaml_core_schema() => Ok(plain(text)),
        Some(tag) => {
            Err(format!("the tag \"{tag}\" has no meaning here; expected none, or quotes around the text"))
        }
    }
}

/// What a text means when it stands without quotes.
pub(crate) fn plain(text: &str) -> Value {
    match serde_yaml::from_str(text) {
        Ok(value @ (Value::Null | Value::Bool(_) | Value::Number(_))) => value,
        _ => Value::String(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn tree(text: &str) -> Node {
        let mut sources = Sources::default();
        let file = sources.add(Path::new("t.yaml"), text.to_owned());
        let mut findings = Findings::default();
        let node = read(&sources, file, &mut findings);
        node.unwrap_or_else(|| panic!("{text}: {findings:?}"))
    }

    fn value(node: &Node) -> Value {
        match &node.kind {
            Kind::Scalar(scalar) => scalar.value.clone(),
            Kind::List(nodes) => nodes.iter().map(value).collect(),
            Kind::Map(entries) => {
                entries.iter().map(|entry| (entry.key.clone(), value(&entry.value))).collect()
            }
        }
    }

    #[test]
    fn values_are_those_of_serde_yaml() {
        for text in [
            "a: b\r\nc: 'd''e'\r\n",
            "a: [1, 2.5, -3, true, yes, no, null, ~, 0777, 0x1f, 1e3, .inf, '5', \"6\", 12:30, 2026-01-01]\n",
            "a: |\n  x\n  y\nb: >-\n  p\n  q\n\nc: \"x\\n\\u00e4y\"\n",
            "a:\nb: &x {q: 1}\nc: *x\nd: [*x, !!str 5]\n",
            "a: p\n  q\n\n  r\n\"b c\": \"x\n  y\\\n  z\"\n",
            "- x\n-\n- y: z\n  w: 5\n- [a, {b: c}]\n",
        ] {
            // JSON knows no infinity, which both readers then make null.
            let wanted: Value =
                serde_json::to_value(serde_yaml::from_str::<serde_yaml::Value>(text).unwrap()).unwrap();
            assert_eq!(
                value(&tree(text)).to_string().replace("\".inf\"", "null"),
                wanted.to_string(),
                "{text}"
            );
        }
    }

    #[test]
    fn merge_keys_fill_what_a_map_does_not_say_itself() {
        let node = tree("x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}\n");
        assert_eq!(value(node.get("y").unwrap()), serde_json::json!({"b": 3, "a": 1}));
    }

    #[test]
    fn paths_lead_to_the_deepest_value_there_is() {
        let node = tree("rules:\n  - when: x\nusers: {anna.b: 1, anna: 2}\n");
        let find = |path: &'static str| {
            let (found, rest) = node.at(path);
            (value(found).to_string(), rest)
        };
        assert_eq!(find("rules[0].when"), ("\"x\"".to_owned(), ""));
        assert_eq!(find("rules[0].send[1]"), ("{\"when\":\"x\"}".to_owned(), "send[1]"));
        assert_eq!(find("users.anna.b"), ("1".to_owned(), ""));
        assert_eq!(find("users.anna"), ("2".to_owned(), ""));
    }

    #[test]
    fn a_file_that_grows_without_end_is_refused() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..10 {
            let list = vec![format!("*a{}", level - 1); 8].join(", ");
            text += &format!("a{level}: &a{level} [{list}]\n");
        }
        let deep = "[".repeat(5000) + &"]".repeat(5000);
        for text in [text, deep] {
            let mut sources = Sources::default();
            let file = sources.add(Path::new("t.yaml"), text);
            let mut findings = Findings::default();
            assert!(read(&sources, file, &mut findings).is_none());
            assert!(findings.any_error());
        }
    }
}
