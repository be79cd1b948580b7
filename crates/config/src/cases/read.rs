//! Reads a case file, and holds it against its production.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use hl7::schema::{CategoryChoice, PathContext, Schemas, compile_path};
use model::{BusinessType, EventKind, MessageStatus};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::keys::*;
use super::{CaseDef, EdgeDef, Expectation, Given, GivenMessage, OutputDef, ValueDef, Wanted};
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
    Reader { production, sources, findings, folder }.case(&root)
}

struct Reader<'a> {
    production: &'a ProductionDef,
    sources: &'a Sources,
    findings: &'a mut Findings,
    /// Where files are named from.
    folder: PathBuf,
}

/// What can be expected: the key that says so, and what it is.
const KINDS: [&str; 6] = ["at", "status", "ack", "broadcast", "event", "alert"];

impl Reader<'_> {
    fn case(&mut self, root: &Node) -> Option<CaseDef> {
        let keys: Option<CaseKeys> = self.keys(root);
        for entry in root.get("edges").map(Node::entries).unwrap_or_default() {
            self.edge(&entry.key, &entry.key_place, &entry.value);
        }
        let mut messages: Vec<Option<GivenMessage>> = Vec::new();
        let mut given = Vec::new();
        for node in list(root, "given") {
            let one = self.given(node);
            match &one {
                Some(Given::Wait(_)) => {}
                Some(Given::Message(message)) => messages.push(Some(message.clone())),
                None if node.get("wait").is_some() => {}
                // It counts all the same.
                None => messages.push(None),
            }
            given.extend(one);
        }
        let expect: Vec<_> =
            list(root, "expect").iter().filter_map(|node| self.expectation(node, &messages)).collect();
        if root.get("expect").is_some_and(|node| matches!(&node.kind, Kind::List(all) if all.is_empty())) {
            let place = root.get("expect").map_or(&root.place, |node| &node.place);
            self.findings.error(place, None, "the case expects nothing; expected one thing at least");
        }
        let keys = keys?;
        let edges = keys.edges.into_iter().map(|(name, keys)| (name, edge(keys)));
        Some(CaseDef { name: keys.case, limit: keys.limit.0, given, edges: edges.collect(), expect })
    }

    /// A map of keys as they are wanted; none where anything is wrong with it.
    fn keys<T: DeserializeOwned + JsonSchema>(&mut self, node: &Node) -> Option<T> {
        let before = self.findings.errors();
        let elsewhere = |_: &str| None;
        let mut walk = Walk {
            findings: self.findings,
            item: None,
            noun: "key",
            elsewhere: &elsewhere,
            set_aside: Vec::new(),
        };
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
    fn item(&mut self, name: &str, node: &Node) -> Option<()> {
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
    fn operation(&mut self, name: &str, place: &Place) -> Option<ItemDef> {
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

    fn given(&mut self, node: &Node) -> Option<Given> {
        if node.get("wait").is_some() {
            return self.keys::<WaitKeys>(node).map(|keys| Given::Wait(keys.wait.0));
        }
        if node.get("to").is_none() {
            self.unclear(node, &[], "given", &["to", "wait"]);
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
    fn file(&mut self, name: &str, node: &Node) -> Option<Bytes> {
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

    fn expectation(&mut self, node: &Node, messages: &[Option<GivenMessage>]) -> Option<Expectation> {
        let kinds: Vec<_> = node.entries().iter().filter(|entry| KINDS.contains(&&*entry.key)).collect();
        let [kind] = kinds[..] else {
            let kinds: Vec<&str> = kinds.iter().map(|entry| entry.key.as_str()).collect();
            self.unclear(node, &kinds, "expected", &KINDS);
            return None;
        };
        let wanted = match kind.key.as_str() {
            "at" => self.output(node),
            "status" => self.status(node),
            "ack" => self.ack(node, messages),
            "broadcast" => self.broadcast(node),
            _ => self.event(node),
        }?;
        let (_, line, column, _) = self.sources.locate(&kind.key_place);
        Some(Expectation { line, column, wanted })
    }

    /// Says that what is given or expected (`done`) is none of what can be, or several.
    fn unclear(&mut self, node: &Node, kinds: &[&str], done: &str, known: &[&str]) {
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

    fn output(&mut self, node: &Node) -> Option<Wanted> {
        let keys: OutputKeys = self.keys(node)?;
        self.operation(&keys.at, &node.get("at")?.place)?;
        let others = ["count", "number", "rule", "values", "file"];
        if let Some(other) = others.iter().find_map(|key| node.get(key)).filter(|_| keys.none) {
            let message = "nothing comes out where none is true; expected no more to be said of it";
            self.findings.error(&other.place, None, message);
            return None;
        }
        let values = node.get("values").map(Node::entries).unwrap_or_default().iter();
        let values: Vec<_> =
            values.map(|entry| self.value(&entry.key, &entry.key_place, &entry.value)).collect();
        let content = match keys.file {
            None => None,
            Some(file) => Some((file.clone(), self.file(&file, node.get("file")?)?)),
        };
        Some(Wanted::Output(OutputDef {
            at: keys.at,
            count: if keys.none { Some(0) } else { keys.count.map(|count| count as usize) },
            number: keys.number.map(|number| number as usize),
            rule: keys.rule,
            values: values.into_iter().collect::<Option<_>>()?,
            content,
        }))
    }

    fn value(&mut self, path: &str, place: &Place, node: &Node) -> Option<ValueDef> {
        let schemas = self.production.library.get::<Schemas>();
        let context = PathContext::new(&schemas, &CategoryChoice::default());
        let compiled = match compile_path(path, &context) {
            Ok(compiled) => compiled,
            Err(error) => {
                self.findings.error(place, None, error.to_string());
                return None;
            }
        };
        let value = match &node.kind {
            Kind::Scalar(Scalar { value: Value::String(text), .. }) => text.clone(),
            Kind::Scalar(Scalar { value: Value::Null, .. }) => String::new(),
            // With the characters that it was written with: 007 is 007.
            Kind::Scalar(_) => self.sources.get(node.place.file).text[node.place.range.clone()].to_owned(),
            _ => {
                let message = format!("{path} is {}; expected a text", shown(node));
                self.findings.error(&node.place, None, message);
                return None;
            }
        };
        let (_, line, column, _) = self.sources.locate(place);
        Some(ValueDef { path: path.to_owned(), compiled, value, line, column })
    }

    fn status(&mut self, node: &Node) -> Option<Wanted> {
        let keys: StatusKeys = self.keys(node)?;
        let StatusOf { item, is, count } = keys.status;
        let below = node.get("status")?;
        self.item(&item, below.get("item")?)?;
        let Ok(status) = is.parse::<MessageStatus>() else {
            let names: Vec<_> = MessageStatus::ALL.iter().map(|status| status.name()).collect();
            let message = format!("\"{is}\" is no status of a message");
            let help = did_you_mean_or_all(&is, &names);
            self.findings.error(&below.get("is")?.place, None, message).help(help);
            return None;
        };
        Some(Wanted::Status { item, is: status, count: count.map(|count| count as usize) })
    }

    fn ack(&mut self, node: &Node, messages: &[Option<GivenMessage>]) -> Option<Wanted> {
        let keys: AckKeys = self.keys(node)?;
        let of = keys.of as usize;
        let place = &node.get("for")?.place;
        let Some(message) = messages.get(of - 1) else {
            let message = format!("for is {of}; expected a number of the {} messages given", messages.len());
            self.findings.error(place, None, message);
            return None;
        };
        // What is wrong with that message was told.
        let message = message.as_ref()?;
        let item = self.production.item(&message.to)?;
        if item.business_type() != BusinessType::BusinessService {
            let message = format!(
                "message {of} comes to \"{}\", which answers nobody; expected one to a service",
                item.name
            );
            self.findings.error(place, None, message);
            return None;
        }
        if !has_setting(item, "ack_mode") {
            let message = format!(
                "message {of} comes to \"{}\" of type {}, which acknowledges nothing",
                item.name, item.component.type_name
            );
            self.findings.error(place, None, message);
            return None;
        }
        Some(Wanted::Ack { code: format!("{:?}", keys.ack), of, text: keys.text })
    }

    fn broadcast(&mut self, node: &Node) -> Option<Wanted> {
        let keys: BroadcastKeys = self.keys(node)?;
        let place = node.get("broadcast")?;
        self.item(&keys.broadcast, place)?;
        let item = self.production.item(&keys.broadcast)?;
        let server_of =
            |item: &ItemDef| item.settings.get("server").and_then(Value::as_str).map(str::to_owned);
        let own = server_of(item);
        // A server is what others name as theirs.
        let is_server =
            self.production.items.iter().any(|other| server_of(other).as_deref() == Some(&*item.name));
        let server = own.or_else(|| is_server.then(|| item.name.to_string()));
        let Some(server) = server else {
            let message = format!(
                "\"{}\" is of type {}, which tells no sockets; expected a process with the setting server, or the service that one names there",
                item.name, item.component.type_name
            );
            self.findings.error(&place.place, None, message);
            return None;
        };
        let count = if keys.none { Some(0) } else { keys.count.map(|count| count as usize) };
        let BroadcastKeys { broadcast: by, text, contains, .. } = keys;
        Some(Wanted::Broadcast { server, by, text, contains, count })
    }

    fn event(&mut self, node: &Node) -> Option<Wanted> {
        let (text, kind, item, none) = match node.get("alert") {
            Some(_) => {
                let AlertKeys { alert, item, none } = self.keys(node)?;
                (alert, Some(EventKind::Alert.name().to_owned()), item, none)
            }
            None => {
                let EventKeys { event, kind, item, none } = self.keys(node)?;
                (event, kind, item, none)
            }
        };
        if let Some(name) = &item {
            self.item(name, node.get("item")?)?;
        }
        let known = |kind: &String| EventKind::ALL.into_iter().find(|known| known.name() == kind);
        let found = kind.as_ref().and_then(known);
        if let (Some(kind), None) = (&kind, found) {
            let names: Vec<_> = EventKind::ALL.iter().map(|kind| kind.name()).collect();
            let message = format!("\"{kind}\" is no kind of event");
            let help = did_you_mean_or_all(kind, &names);
            self.findings.error(&node.get("kind")?.place, None, message).help(help);
            return None;
        }
        Some(Wanted::Event { text, kind: found, item, none })
    }
}

fn list<'a>(root: &'a Node, key: &str) -> &'a [Node] {
    match root.get(key).map(|node| &node.kind) {
        Some(Kind::List(nodes)) => nodes,
        _ => &[],
    }
}

/// Whether somebody answers what the operation sends.
fn is_answered(item: &ItemDef) -> bool {
    has_setting(item, "reply_code_actions")
}

/// Whether the item's component knows a setting.
fn has_setting(item: &ItemDef, name: &str) -> bool {
    item.component.schema().to_value()["properties"].get(name).is_some()
}

fn edge(keys: EdgeKeys) -> EdgeDef {
    let code = |code: &AnswerCode| format!("{code:?}");
    EdgeDef {
        refuses_for: keys.refuses_for.map(|span| span.0),
        delay: keys.delay.map(|span| span.0),
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
