//! Reads a case file, and holds it against its production.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use jiff::tz::TimeZone;
use model::{BusinessType, Timestamp};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::keys::*;
use super::sockets::SOCKET_GIVEN;
use super::{CaseDef, EdgeDef, Given, GivenMessage, SocketDef};
use crate::finding::Findings;
use crate::interpolate::why;
use crate::keys::schema_of;
use crate::source::{Place, Sources};
use crate::suggest::{did_you_mean, did_you_mean_or_all};
use crate::tree::{self, Kind, Node, Scalar};
use crate::walk::{Walk, shown};
use crate::{ItemDef, ProductionDef};

/// The case at `path`; none where it cannot be made out.
pub(super) fn case(
    path: &Path,
    production: &ProductionDef,
    sources: &mut Sources,
    findings: &mut Findings,
) -> Option<CaseDef> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            let file = sources.add(path, String::new());
            let message = format!("cannot read \"{}\" ({})", path.display(), why(&error));
            findings.error(&Place { file, range: 0..0 }, None, message);
            return None;
        }
    };
    let file = sources.add(path, text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned());
    let root = tree::read(sources, file, findings)?;
    if !matches!(root.kind, Kind::Map(_)) {
        let message = "this is no map; expected the keys case, given and expect";
        findings.error(&root.place, None, message);
        return None;
    }
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    Reader { production, sources, findings, folder, sockets: Vec::new() }.case(&root)
}

pub(super) struct Reader<'a> {
    pub(super) production: &'a ProductionDef,
    pub(super) sources: &'a Sources,
    pub(super) findings: &'a mut Findings,
    /// Where files are named from.
    folder: PathBuf,
    /// The browsers of the case.
    pub(super) sockets: Vec<SocketDef>,
}

impl Reader<'_> {
    fn case(&mut self, root: &Node) -> Option<CaseDef> {
        let keys: Option<CaseKeys> = self.keys(root);
        let now = root.get("now").and_then(|node| self.now(node));
        for entry in root.get("edges").map(Node::entries).unwrap_or_default() {
            self.edge(&entry.key, &entry.key_place, &entry.value);
        }
        for entry in root.get("sockets").map(Node::entries).unwrap_or_default() {
            self.socket(&entry.key, &entry.key_place, &entry.value);
        }
        let mut messages: Vec<Option<GivenMessage>> = Vec::new();
        let mut given = Vec::new();
        for node in list(root, "given") {
            let one = self.given(node);
            match &one {
                Some(Given::Message(message)) => messages.push(Some(message.clone())),
                // It counts all the same.
                None if node.get("to").is_some() => messages.push(None),
                _ => {}
            }
            given.extend(one);
        }
        self.who_comes_later(&given);
        let expect: Vec<_> =
            list(root, "expect").iter().filter_map(|node| self.expectation(node, &messages)).collect();
        if root.get("expect").is_some_and(|node| matches!(&node.kind, Kind::List(all) if all.is_empty())) {
            let place = root.get("expect").map_or(&root.place, |node| &node.place);
            self.findings.error(place, None, "the case expects nothing; expected one thing at least");
        }
        let keys = keys?;
        Some(CaseDef {
            name: keys.case,
            now,
            limit: keys.limit.0,
            given,
            edges: keys.edges.into_iter().map(|(name, keys)| (name, edge(keys))).collect(),
            sockets: std::mem::take(&mut self.sockets),
            expect,
        })
    }

    /// A map of keys as they are wanted; none where anything is wrong with it.
    pub(super) fn keys<T: DeserializeOwned + JsonSchema>(&mut self, node: &Node) -> Option<T> {
        let before = self.findings.errors();
        let mut walk = Walk::of_keys(self.findings);
        let value = walk.value(&schema_of::<T>(), node, "", true).unwrap_or_default();
        if self.findings.errors() > before {
            return None;
        }
        match serde_json::from_value(value) {
            Ok(keys) => Some(keys),
            Err(error) => {
                self.findings.error(&node.place, None, error.to_string());
                None
            }
        }
    }

    fn line(&self, place: &Place) -> usize {
        self.sources.get(place.file).line_column(place.range.start).0
    }

    /// Whether there is an item of that name, which stands at `node`; none where there is not.
    pub(super) fn item(&mut self, name: &str, node: &Node) -> Option<()> {
        if self.production.item(name).is_some() {
            return Some(());
        }
        let names = self.production.items.iter().map(|item| &*item.name);
        let help = did_you_mean(name, names);
        let message = format!("there is no item \"{name}\" in the production \"{}\"", self.production.name);
        self.findings.error(&node.place, None, message).help(help);
        None
    }

    /// The operation of that name, which stands at `place`.
    pub(super) fn operation(&mut self, name: &str, place: &Place) -> Option<ItemDef> {
        let is_operation = |item: &&ItemDef| item.business_type() == BusinessType::BusinessOperation;
        if let Some(item) = self.production.item(name) {
            if is_operation(&item) {
                return Some(item.clone());
            }
            let what = item.business_type().name();
            let message = format!("\"{name}\" is a {what}; expected an operation of the production");
            self.findings.error(place, None, message);
            return None;
        }
        let names: Vec<&str> =
            self.production.items.iter().filter(is_operation).map(|item| &*item.name).collect();
        let message = format!("there is no operation \"{name}\" in the production");
        self.findings.error(place, None, message).help(did_you_mean_or_all(name, &names));
        None
    }

    fn edge(&mut self, name: &str, place: &Place, node: &Node) {
        let Some(item) = self.operation(name, place) else { return };
        if let Some(answers) = node.get("answers").filter(|_| !is_answered(&item)) {
            let message = format!(
                "\"{name}\" is of type {}, which nobody answers; expected refuses_for or delay",
                item.component.type_name
            );
            self.findings.error(&answers.place, None, message);
        }
        if let Some(text) = node.get("text").filter(|_| node.get("answers").is_none()) {
            self.findings.error(&text.place, None, "text belongs to an answer; expected answers beside it");
        }
    }

    /// The time at which a case begins.
    fn now(&mut self, node: &Node) -> Option<Timestamp> {
        let Kind::Scalar(Scalar { value: Value::String(text), .. }) = &node.kind else { return None };
        let in_utc = || text.parse::<jiff::civil::DateTime>().ok()?.to_zoned(TimeZone::UTC).ok();
        let time = match text.parse::<jiff::Timestamp>() {
            Ok(time) => Some(time),
            Err(_) => in_utc().map(|time| time.timestamp()),
        };
        if time.is_none() {
            let message = format!("now is \"{text}\"; expected a time, as in 2026-12-24T07:55:00");
            let help = "it is UTC; with an offset behind it, as in +01:00, another zone's";
            self.findings.error(&node.place, None, message).help(Some(help.to_owned()));
        }
        time.map(|time| Timestamp(time.as_millisecond()))
    }

    fn given(&mut self, node: &Node) -> Option<Given> {
        if node.get("wait").is_some() {
            return self.keys::<WaitKeys>(node).map(|keys| Given::Wait(keys.wait.0));
        }
        if SOCKET_GIVEN.iter().any(|key| node.get(key).is_some()) {
            return self.socket_given(node);
        }
        if node.get("to").is_none() {
            self.unclear(node, &[], "given", &[&["to", "wait"], &SOCKET_GIVEN[..]].concat());
            return None;
        }
        let keys: MessageKeys = self.keys(node)?;
        let to = node.get("to")?;
        self.item(&keys.to, to)?;
        let item = self.production.item(&keys.to)?;
        if item.business_type() == BusinessType::BusinessService && item.targets.is_empty() {
            let message =
                format!("\"{}\" is a service without targets; expected an item that takes messages", keys.to);
            self.findings.error(&to.place, None, message);
            return None;
        }
        let line = self.line(&node.place);
        let (name, content) = match (keys.message, keys.file) {
            (Some(text), None) => (String::new(), inline(&text)),
            (None, Some(file)) => (file_name(&file), self.file(&file, node.get("file")?)?),
            (Some(_), Some(_)) => {
                let place = &node.get("file")?.place;
                self.findings.error(place, None, "a message stands here or in a file; expected one of both");
                return None;
            }
            (None, None) => {
                let help = "message: is the text itself, file: a file from the case's folder";
                let message = "the message is missing; expected message or file";
                self.findings.error(&node.place, None, message).help(Some(help.to_owned()));
                return None;
            }
        };
        Some(Given::Message(GivenMessage { to: keys.to, name, content, line }))
    }

    /// What is in a file, which is named at `node`.
    pub(super) fn file(&mut self, name: &str, node: &Node) -> Option<Bytes> {
        let path = self.folder.join(name);
        match std::fs::read(&path) {
            Ok(bytes) => Some(bytes.into()),
            Err(error) => {
                let message = format!("cannot read \"{}\" ({})", path.display(), why(&error));
                self.findings.error(&node.place, None, message);
                None
            }
        }
    }

    /// Says that what is given or expected (`done`) is none of what can be, or several.
    pub(super) fn unclear(&mut self, node: &Node, kinds: &[&str], done: &str, known: &[&str]) {
        if let [first, second, ..] = kinds {
            let message = format!("one thing is {done} at a time; found \"{first}\" and \"{second}\"");
            self.findings.error(&node.place, None, message).help(Some("make two of it".to_owned()));
            return;
        }
        let strange = node.entries().first();
        let message = match strange {
            Some(entry) => format!("\"{}\" is nothing that can be {done}", entry.key),
            None => format!("found {} here; expected a map", shown(node)),
        };
        let place = strange.map_or(&node.place, |entry| &entry.key_place);
        let help = did_you_mean_or_all(strange.map_or("", |entry| entry.key.as_str()), known);
        self.findings.error(place, None, message).help(help);
    }
}

pub(super) fn list<'a>(root: &'a Node, key: &str) -> &'a [Node] {
    match root.get(key).map(|node| &node.kind) {
        Some(Kind::List(nodes)) => nodes,
        _ => &[],
    }
}

/// Whether somebody answers what the operation sends.
fn is_answered(item: &ItemDef) -> bool {
    let asks = item.settings.get("get_reply").and_then(Value::as_bool).unwrap_or(true);
    asks && has_setting(item, "reply_code_actions")
}

/// A setting of an item, where it is a text.
pub(super) fn text_setting<'a>(item: &'a ItemDef, name: &str) -> Option<&'a str> {
    item.settings.get(name).and_then(Value::as_str)
}

/// How often something is to come; none for once or more.
pub(super) fn how_often(none: bool, count: Option<u64>) -> Option<usize> {
    if none { Some(0) } else { count.map(|count| count as usize) }
}

/// Whether the item's component knows a setting.
pub(super) fn has_setting(item: &ItemDef, name: &str) -> bool {
    item.component.schema().to_value()["properties"].get(name).is_some()
}

fn edge(keys: EdgeKeys) -> EdgeDef {
    let code = |code: &AnswerCode| format!("{code:?}");
    EdgeDef {
        refuses_for: keys.refuses_for.map(|span| span.0),
        delay: match keys.delay {
            None => Vec::new(),
            Some(Delays::One(one)) => vec![one.0],
            Some(Delays::Several(several)) => several.into_iter().map(|span| span.0).collect(),
        },
        answers: match &keys.answers {
            None => Vec::new(),
            Some(Answers::One(one)) => vec![code(one)],
            Some(Answers::Several(several)) => several.iter().map(code).collect(),
        },
        text: keys.text,
    }
}

/// A message that stands in the case: each of its lines is a segment, as HL7 wants them.
fn inline(text: &str) -> Bytes {
    text.replace("\r\n", "\r").replace('\n', "\r").into_bytes().into()
}

fn file_name(path: &str) -> String {
    Path::new(path).file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}
