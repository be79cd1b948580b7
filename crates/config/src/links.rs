//! What items say about each other: who sends to whom, who uses whom, and loops.

use std::collections::{HashMap, HashSet};

use model::BusinessType;

use crate::finding::Findings;
use crate::items::{Item, Link};
use crate::source::Sources;
use crate::suggest::did_you_mean;

/// Finds what is wrong between items.
pub(crate) fn check(items: &[Item<'_>], sources: &Sources, findings: &mut Findings) {
    names(items, sources, findings);
    for item in items {
        for link in &item.links {
            match link.component {
                None => send(items, item, link, findings),
                Some(wanted) => uses(items, item, link, wanted, findings),
            }
        }
        twice(item, findings);
        disabled(items, item, findings);
    }
    unreached(items, findings);
    loops(items, findings);
}

fn named<'i, 'a>(items: &'i [Item<'a>], name: &str) -> Option<&'i Item<'a>> {
    items.iter().find(|item| item.name == name)
}

/// One name for two items, whatever their kind: messages are addressed by name alone.
fn names(items: &[Item<'_>], sources: &Sources, findings: &mut Findings) {
    let mut seen: HashMap<String, &Item<'_>> = HashMap::new();
    for item in items {
        // Names that differ in case alone would share a folder or queue on some systems, and are a trap.
        if let Some(first) = seen.get(&item.name.to_lowercase()) {
            let (file, line, ..) = sources.locate(first.place);
            let message = match first.name == item.name {
                true => format!(
                    "another item has this name, in {file} line {line}; expected one name for one item"
                ),
                false => format!(
                    "item \"{}\" in {file} line {line} differs in upper and lower case alone",
                    first.name
                ),
            };
            findings.error(item.place, Some(item.name), message);
        } else {
            seen.insert(item.name.to_lowercase(), item);
        }
    }
}

/// How a sentence about a link begins.
fn subject(link: &Link) -> String {
    match &link.setting {
        None => format!("target \"{}\"", link.to),
        Some(path) => format!("{path} names \"{}\", which", link.to),
    }
}

fn send(items: &[Item<'_>], item: &Item<'_>, link: &Link, findings: &mut Findings) {
    let receives = |item: &&Item<'_>| item.section.business_type != BusinessType::BusinessService;
    let (message, help) = match named(items, &link.to) {
        Some(target) if receives(&target) => return,
        Some(_) => (format!("{} is a service; expected a process or operation", subject(link)), None),
        None => {
            let names = items.iter().filter(receives).map(|item| item.name).filter(|name| *name != item.name);
            let help = did_you_mean(&link.to, names);
            (format!("{} is not an item of this production", subject(link)), help)
        }
    };
    findings.error(&link.place, Some(item.name), message).help(help);
}

fn uses(items: &[Item<'_>], item: &Item<'_>, link: &Link, wanted: &str, findings: &mut Findings) {
    let is = |item: &&Item<'_>| item.spec.is_some_and(|spec| spec.type_name == wanted);
    let fitting = || items.iter().filter(is).map(|item| item.name);
    let (message, help) = match named(items, &link.to) {
        // An item whose type is not known is a finding of its own.
        Some(other) if is(&other) || other.spec.is_none() => return,
        Some(other) => {
            let found = other.spec.map_or("", |spec| spec.type_name);
            let message =
                format!("{} is of type \"{found}\"; expected an item of type \"{wanted}\"", subject(link));
            (message, fitting().next().map(|name| format!("did you mean \"{name}\"?")))
        }
        None => {
            let near = did_you_mean(&link.to, fitting());
            let only = fitting().next().map(|name| format!("an item of type \"{wanted}\" is \"{name}\""));
            let none = format!("add a \"{wanted}\" item, and name it here");
            (format!("{} is not an item of this production", subject(link)), near.or(only).or(Some(none)))
        }
    };
    findings.error(&link.place, Some(item.name), message).help(help);
}

/// A target named twice would get every message twice.
fn twice(item: &Item<'_>, findings: &mut Findings) {
    let mut seen = HashSet::new();
    for link in item.links.iter().filter(|link| link.setting.is_none()) {
        if !seen.insert(link.to.as_str()) {
            let message = format!("target \"{}\" is named twice, and would get every message twice", link.to);
            findings.error(&link.place, Some(item.name), message);
        }
    }
}

fn disabled(items: &[Item<'_>], item: &Item<'_>, findings: &mut Findings) {
    for link in item.links.iter().filter(|_| item.keys.enabled) {
        if named(items, &link.to).is_some_and(|target| !target.keys.enabled) {
            let what = if link.component.is_none() { ": messages wait in its queue" } else { "" };
            let message = format!("{} is not enabled{what}", subject(link));
            findings.warning(&link.place, Some(item.name), message);
        }
    }
}

/// Items that get no messages, and services whose messages go nowhere.
fn unreached(items: &[Item<'_>], findings: &mut Findings) {
    let links = || items.iter().flat_map(|item| item.links.iter().map(move |link| (item.name, link)));
    for item in items {
        let is_service = item.section.business_type == BusinessType::BusinessService;
        // A service that another item uses, such as a socket server, serves without targets.
        let used = links().any(|(_, link)| link.to == item.name && link.component.is_some());
        if is_service && item.links.is_empty() && item.complete && !used {
            let message = "the service has no targets: what it takes in goes nowhere";
            findings
                .warning(item.place, Some(item.name), message)
                .help(Some("add \"targets: [...]\"".to_owned()));
        }
        let sent_to =
            links().any(|(from, link)| link.to == item.name && link.component.is_none() && from != item.name);
        // What an item with an error would send to is not known.
        if !is_service && !sent_to && items.iter().all(|item| item.complete) {
            findings.warning(item.place, Some(item.name), "nothing sends to this item");
        }
    }
}

/// Where messages would go round for ever.
fn loops(items: &[Item<'_>], findings: &mut Findings) {
    let mut search = Loops { items, done: HashSet::new(), way: Vec::new(), findings };
    for item in items {
        search.visit(item);
    }
}

struct Loops<'i, 'a> {
    items: &'i [Item<'a>],
    done: HashSet<&'a str>,
    /// The items that led here, each sending to the next.
    way: Vec<&'a str>,
    findings: &'i mut Findings,
}

impl<'i, 'a> Loops<'i, 'a> {
    fn visit(&mut self, item: &'i Item<'a>) {
        if !self.done.insert(item.name) {
            return;
        }
        self.way.push(item.name);
        let mut seen = HashSet::new();
        for link in item.links.iter().filter(|link| link.component.is_none() && seen.insert(&link.to)) {
            let Some(target) = named(self.items, &link.to) else { continue };
            match self.way.iter().position(|name| *name == target.name) {
                Some(start) => {
                    let names = self.way[start..].iter().chain([&target.name]);
                    let names: Vec<String> = names.map(|name| format!("\"{name}\"")).collect();
                    let message = match names.len() {
                        2 => "sends to itself: messages would go round for ever".to_owned(),
                        _ => format!("messages would go round for ever: {}", names.join(" -> ")),
                    };
                    self.findings.error(&link.place, Some(item.name), message);
                }
                None => self.visit(target),
            }
        }
        self.way.pop();
    }
}
