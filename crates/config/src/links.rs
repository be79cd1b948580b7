//! What items say about each other: who sends to whom, who uses whom, and loops.

use std::collections::{HashMap, HashSet};

use model::{BusinessType, Span};

use crate::finding::Findings;
use crate::items::{Item, Link};
use crate::source::{Place, Sources};
use crate::suggest::nearest;

/// Finds what is wrong between items. `whole` says whether these are all there are.
pub(crate) fn check(items: &[Item<'_>], whole: bool, sources: &Sources, findings: &mut Findings) {
    names(items, sources, findings);
    // Items that a wrong name was most likely meant for: they are not called unused as well.
    let mut meant = HashSet::new();
    for item in items {
        for link in &item.links {
            match link.component {
                None => meant.extend(send(items, item, link, findings)),
                Some(wanted) => meant.extend(uses(items, item, link, wanted, findings)),
            }
        }
        twice(item, findings);
        disabled(items, item, findings);
    }
    late(items, findings);
    origins(items, whole, findings);
    unreached(items, &meant, whole, findings);
    loops(items, findings);
}

fn named<'i, 'a>(items: &'i [Item<'a>], name: &str) -> Option<&'i Item<'a>> {
    items.iter().find(|item| item.name == name)
}

fn is_service(item: &Item<'_>) -> bool {
    item.section.business_type == BusinessType::BusinessService
}

/// One name for two items, whatever their kind: messages are addressed by name alone.
fn names(items: &[Item<'_>], sources: &Sources, findings: &mut Findings) {
    let mut seen: HashMap<String, &Item<'_>> = HashMap::new();
    for item in items {
        if let Some(first) = seen.get(&item.name.to_lowercase()) {
            let (file, line, ..) = sources.locate(first.place);
            if first.name == item.name {
                let message = format!(
                    "another item has this name, in {file} line {line}; expected one name for one item"
                );
                findings.error(item.place, Some(item.name), message);
            } else {
                let message = format!(
                    "item \"{}\" in {file} line {line} differs in upper and lower case alone",
                    first.name
                );
                findings.warning(item.place, Some(item.name), message);
            }
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

/// Checks a link that messages go along. Gives the item that was meant by a wrong one.
fn send<'a>(items: &[Item<'a>], item: &Item<'_>, link: &Link, findings: &mut Findings) -> Option<&'a str> {
    let receives = |item: &&Item<'_>| !is_service(item);
    let (what, meant) = match named(items, &link.to) {
        Some(target) if receives(&target) => return None,
        Some(_) => ("is a service; expected a process or operation", None),
        None => {
            let names = items.iter().filter(receives).map(|item| item.name).filter(|name| *name != item.name);
            ("is not an item of this production", nearest(&link.to, names))
        }
    };
    let message = format!("{} {what}", subject(link));
    let help = meant.map(|name| format!("did you mean \"{name}\"?"));
    findings.error(&link.place, Some(item.name), message).help(help);
    meant
}

/// Checks a link to an item that is used. Gives the item that was meant by a wrong one.
fn uses<'a>(
    items: &[Item<'a>],
    item: &Item<'_>,
    link: &Link,
    wanted: &str,
    findings: &mut Findings,
) -> Option<&'a str> {
    let is = |item: &&Item<'_>| item.spec.is_some_and(|spec| spec.type_name == wanted);
    let mut fitting = items.iter().filter(is).map(|item| item.name);
    let near = nearest(&link.to, fitting.clone());
    let any = near.or(fitting.next());
    let what = match named(items, &link.to) {
        // An item whose type is not known is a finding of its own.
        Some(other) if is(&other) || other.spec.is_none() => return None,
        Some(other) => {
            let found = other.spec.map_or("", |spec| spec.type_name);
            format!("is of type \"{found}\"; expected an item of type \"{wanted}\"")
        }
        None => "is not an item of this production".to_owned(),
    };
    let help = match (near, any) {
        (Some(name), _) => format!("did you mean \"{name}\"?"),
        (None, Some(name)) => format!("an item of type \"{wanted}\" is \"{name}\""),
        (None, None) => format!("add an item of type \"{wanted}\", and name it here"),
    };
    findings.error(&link.place, Some(item.name), format!("{} {what}", subject(link))).help(Some(help));
    any
}

/// Waits of whom a service asks that are over when it waits no more.
fn late(items: &[Item<'_>], findings: &mut Findings) {
    for service in items {
        let (Some(patience), Some(first)) = (service.patience, service.keys.targets.first()) else {
            continue;
        };
        let Some(asked) = named(items, first) else { continue };
        for (place, time) in asked.waits.iter().filter(|(_, time)| *time >= patience) {
            let (time, patience, name) = (Span(*time), Span(patience), service.name);
            let message = format!(
                "this waits {time}, but \"{name}\" waits {patience} for an answer: it would come too late"
            );
            let help = format!("answer before, wait shorter, or raise response_timeout of \"{name}\"");
            findings.warning(place, Some(asked.name), message).help(Some(help));
        }
    }
}

/// Items that messages have to come from, and that there are not.
fn origins(items: &[Item<'_>], whole: bool, findings: &mut Findings) {
    for item in items.iter().filter(|_| whole) {
        for (place, from) in &item.origins {
            origin(items, place, from, Some(item.name), findings);
        }
    }
}

/// Tells where a rule is for messages from whom there is not.
pub(crate) fn origin(
    items: &[Item<'_>],
    place: &Place,
    from: &str,
    by: Option<&str>,
    findings: &mut Findings,
) {
    let names = || items.iter().map(|item| item.name);
    if names().any(|name| rules::fits_pattern(from, name)) {
        return;
    }
    let list: Vec<&str> = from.split(',').map(str::trim).collect();
    let help = match list.len() {
        1 => nearest(from, names()).map(|name| format!("did you mean \"{name}\"?")),
        _ => Some(format!("write a list: [{}]", list.join(", "))),
    };
    let message = format!("\"{from}\" is no item of this production: no message comes from there");
    findings.warning(place, by, message).help(help);
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
fn unreached(items: &[Item<'_>], meant: &HashSet<&str>, whole: bool, findings: &mut Findings) {
    // What an item with an error would send to is not known.
    let whole = whole && items.iter().all(|item| item.complete);
    let named_by = |name: &str, sent: bool| {
        let names = |item: &&Item<'_>| {
            item.name != name
                && item.links.iter().any(|link| link.to == name && link.component.is_none() == sent)
        };
        items.iter().any(|item| names(&item)) || meant.contains(name)
    };
    for item in items {
        // A service that another item uses, such as a socket server, serves without targets.
        if is_service(item) {
            if item.links.is_empty() && item.complete && !named_by(item.name, false) {
                let message = "the service has no targets: what it takes in goes nowhere";
                findings
                    .warning(item.place, Some(item.name), message)
                    .help(Some("add \"targets: [...]\"".to_owned()));
            }
        } else if whole && !named_by(item.name, true) {
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
            let Some(target) = named(self.items, &link.to).filter(|target| !is_service(target)) else {
                continue;
            };
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
