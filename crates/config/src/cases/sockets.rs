//! The browsers of a case: who they are, what they do, and what they are told.

use hl7::schema::{CategoryChoice, PathContext};
use rules::{Expr, Schedules, Scope};
use serde_json::Value;

use super::keys::*;
use super::read::{Reader, has_setting, how_often, text_setting};
use super::{Given, SocketDef, Wanted};
use crate::ItemDef;
use crate::source::Place;
use crate::suggest::did_you_mean_or_all;
use crate::tree::{Kind, Node, Scalar};

/// The setting by which a service is known that keeps open sockets: what waits for each of them.
const KEEPS_SOCKETS: &str = "outbox_limit";

/// What a browser may do.
pub(super) const SOCKET_GIVEN: [&str; 4] = ["connect", "disconnect", "silent", "says"];

impl Reader<'_> {
    /// Adds the browser of that name, whose keys are at `node`.
    pub(super) fn socket(&mut self, name: &str, place: &Place, node: &Node) {
        // A browser with nothing said of it is one that wants everything.
        let is_empty = matches!(&node.kind, Kind::Scalar(Scalar { value: Value::Null, .. }));
        let keys = if is_empty { Some(SocketKeys::default()) } else { self.keys(node) };
        let keys: SocketKeys = keys.unwrap_or_default();
        let named = keys.server.as_deref().zip(node.get("server"));
        let server = match named {
            Some((name, node)) => self.server(name, &node.place),
            None => self.only_server(place),
        };
        if let Some(item) = &server {
            self.user(&keys, item, node);
        }
        let subscribe = keys.subscribe.unwrap_or_default();
        if let (Some(item), Some(node)) = (&server, node.get("subscribe")) {
            self.subscription(&subscribe, item, node);
        }
        self.sockets.push(SocketDef {
            name: name.to_owned(),
            server: server.map_or_else(String::new, |item| item.name.to_string()),
            user: keys.user,
            password: keys.password,
            origin: keys.origin,
            topics: subscribe.topics,
            condition: subscribe.condition,
            later: false,
        });
    }

    fn servers(&self) -> Vec<ItemDef> {
        let items = self.production.items.iter();
        items.filter(|item| has_setting(item, KEEPS_SOCKETS)).cloned().collect()
    }

    fn server(&mut self, name: &str, place: &Place) -> Option<ItemDef> {
        let servers = self.servers();
        let found = servers.iter().find(|item| &*item.name == name).cloned();
        if found.is_none() {
            let names: Vec<&str> = servers.iter().map(|item| &*item.name).collect();
            let help = did_you_mean_or_all(name, &names).filter(|_| !names.is_empty());
            let message = format!("there is no service \"{name}\" in the production that keeps open sockets");
            self.findings.error(place, None, message).help(help);
        }
        found
    }

    fn only_server(&mut self, place: &Place) -> Option<ItemDef> {
        let servers = self.servers();
        let message = match &servers[..] {
            [one] => return Some(one.clone()),
            [] => "no service of the production keeps open sockets to connect to".to_owned(),
            _ => {
                let names: Vec<String> = servers.iter().map(|item| format!("\"{}\"", item.name)).collect();
                format!("server is missing; expected one of {}", names.join(", "))
            }
        };
        self.findings.error(place, None, message);
        None
    }

    /// Holds who logs in against who is known.
    fn user(&mut self, keys: &SocketKeys, server: &ItemDef, node: &Node) {
        let place = |key: &str| node.get(key).map(|node| node.place.clone());
        let known = |key: &str| {
            let map = server.settings.get(key).and_then(Value::as_object);
            map.into_iter().flatten().map(|(name, _)| name.clone()).collect::<Vec<String>>()
        };
        if let (Some(user), None, Some(place)) = (&keys.user, &keys.password, place("user")) {
            let known = [known("users"), known("tokens")].concat();
            if !known.contains(user) {
                let message =
                    format!("\"{}\" knows no user \"{user}\"; expected one, or a password", server.name);
                let names: Vec<&str> = known.iter().map(String::as_str).collect();
                self.findings.error(&place, None, message).help(did_you_mean_or_all(user, &names));
            }
        }
        if let (None, Some(_), Some(place)) = (&keys.user, &keys.password, place("password")) {
            self.findings.error(&place, None, "password belongs to a user; expected user beside it");
        }
    }

    /// Holds what a browser asks for against what its server tells.
    fn subscription(&mut self, keys: &SubscribeKeys, server: &ItemDef, node: &Node) {
        if let (Some(condition), Some(node)) = (&keys.condition, node.get("where")) {
            let schemas = self.production.library.get();
            let paths = PathContext::new(&schemas, &CategoryChoice::default());
            let schedules = (*self.production.library.get::<Schedules>()).clone();
            let hint = Some("a subscription knows none of this name");
            let words = Scope { schedules, hint, ..Scope::from(&paths) };
            for error in Expr::condition(condition, &words).err().unwrap_or_default() {
                self.findings.error(&node.place, None, format!("where: {error}"));
            }
        }
        let items = self.production.items.iter();
        let speaks = items.filter(|item| text_setting(item, "server") == Some(&*server.name));
        let known: Vec<&str> =
            speaks.map(|item| text_setting(item, "topic").unwrap_or(&*item.name)).collect();
        let asked = keys.topics.iter().flatten();
        for (topic, node) in asked.zip(super::read::list(node, "topics")) {
            if !known.contains(&topic.as_str()) {
                let message = format!(
                    "no process that tells the sockets of \"{}\" has the topic \"{topic}\"",
                    server.name
                );
                self.findings.error(&node.place, None, message).help(did_you_mean_or_all(topic, &known));
            }
        }
    }

    /// Whether there is a browser of that name, which stands under `key`; none where there is not.
    fn known_socket(&mut self, name: &str, key: &str, node: &Node) -> Option<()> {
        if self.sockets.iter().any(|socket| socket.name == name) {
            return Some(());
        }
        let names: Vec<&str> = self.sockets.iter().map(|socket| socket.name.as_str()).collect();
        let help = match &names[..] {
            [] => Some("browsers are named under sockets:, at the top of the case".to_owned()),
            names => did_you_mean_or_all(name, names),
        };
        let message = format!("there is no \"{name}\" among the sockets of the case");
        self.findings.error(&node.get(key)?.place, None, message).help(help);
        None
    }

    /// What a browser does.
    pub(super) fn socket_given(&mut self, node: &Node) -> Option<Given> {
        if node.get("connect").is_some() {
            let ConnectKeys { connect, since } = self.keys(node)?;
            self.known_socket(&connect, "connect", node)?;
            return Some(Given::Connect { socket: connect, since });
        }
        if node.get("says").is_some() {
            let SaysKeys { says, text } = self.keys(node)?;
            self.known_socket(&says, "says", node)?;
            return Some(Given::Says { socket: says, text });
        }
        if node.get("silent").is_some() {
            let SilentKeys { silent } = self.keys(node)?;
            self.known_socket(&silent, "silent", node)?;
            return Some(Given::Silent { socket: silent });
        }
        let DisconnectKeys { disconnect } = self.keys(node)?;
        self.known_socket(&disconnect, "disconnect", node)?;
        Some(Given::Disconnect { socket: disconnect })
    }

    /// Those that connect in the course of the case are not there at its beginning.
    pub(super) fn who_comes_later(&mut self, given: &[Given]) {
        for socket in &mut self.sockets {
            let first = given.iter().find(|given| given.socket() == Some(&socket.name));
            socket.later = matches!(first, Some(Given::Connect { .. }));
        }
    }

    pub(super) fn told(&mut self, node: &Node) -> Option<Wanted> {
        let ToldKeys { told, text, contains, count, none } = self.keys(node)?;
        self.known_socket(&told, "told", node)?;
        let count = how_often(none, count);
        Some(Wanted::Told { socket: told, text, contains, count })
    }

    pub(super) fn socket_state(&mut self, node: &Node) -> Option<Wanted> {
        let SocketStateKeys { socket, is } = self.keys(node)?;
        self.known_socket(&socket, "socket", node)?;
        Some(Wanted::Socket { socket, open: is == SocketState::Open })
    }
}
