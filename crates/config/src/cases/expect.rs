//! What a case expects, held against its production.

use hl7::schema::{CategoryChoice, PathContext, Schemas, compile_path};
use model::{BusinessType, EventKind, MessageStatus};
use serde_json::Value;

use super::keys::*;
use super::read::{Reader, has_setting, how_often, text_setting};
use super::{Expectation, GivenMessage, OutputDef, ValueDef, Wanted};
use crate::source::Place;
use crate::suggest::did_you_mean_or_all;
use crate::tree::{Kind, Node, Scalar};
use crate::walk::shown;

/// What can be expected: the key that says so.
const KINDS: [&str; 8] = ["at", "status", "ack", "broadcast", "told", "socket", "event", "alert"];

impl Reader<'_> {
    pub(super) fn expectation(
        &mut self,
        node: &Node,
        messages: &[Option<GivenMessage>],
    ) -> Option<Expectation> {
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
            "told" => self.told(node),
            "socket" => self.socket_state(node),
            _ => self.event(node),
        }?;
        let (_, line, column, _) = self.sources.locate(&kind.key_place);
        Some(Expectation { line, column, wanted })
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
            count: how_often(keys.none, keys.count),
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
        let server_of = |item| text_setting(item, "server");
        // A server is what others name as theirs.
        let is_server = || self.production.items.iter().any(|other| server_of(other) == Some(&*item.name));
        let Some(server) = server_of(item).or_else(|| is_server().then_some(&*item.name)) else {
            let message = format!(
                "\"{}\" is of type {}, which tells no sockets; expected a process with the setting server, or the service that one names there",
                item.name, item.component.type_name
            );
            self.findings.error(&place.place, None, message);
            return None;
        };
        let count = how_often(keys.none, keys.count);
        let BroadcastKeys { broadcast: by, text, contains, .. } = keys;
        Some(Wanted::Broadcast { server: server.to_owned(), by, text, contains, count })
    }

    fn event(&mut self, node: &Node) -> Option<Wanted> {
        let (text, kind, item, count) = match node.get("alert") {
            Some(_) => {
                let AlertKeys { alert, item, count, none } = self.keys(node)?;
                (alert, Some(EventKind::Alert.name().to_owned()), item, how_often(none, count))
            }
            None => {
                let EventKeys { event, kind, item, count, none } = self.keys(node)?;
                (event, kind, item, how_often(none, count))
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
        Some(Wanted::Event { text, kind: found, item, count })
    }
}
