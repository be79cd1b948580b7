//! One item: its keys, its component, and its settings as the component checks them.

use std::ops::Range;
use std::time::Duration;

use model::{Catalogue, Checks, Claim, ComponentSpec, Library, NoteKind, Timeout};
use serde_json::Value;

use crate::OrderBy;
use crate::finding::{Findings, Level};
use crate::fit::fit;
use crate::keys::{ITEM_LATER, ItemKeys, SECTIONS, Section, schema_of};
use crate::source::{Place, Sources};
use crate::suggest::{did_you_mean, did_you_mean_or_all, nearest};
use crate::tree::{Entry, Kind, Node};
use crate::walk::{Walk, shown};

/// An item as far as it could be read.
pub(crate) struct Item<'a> {
    pub(crate) section: Section,
    pub(crate) name: &'a str,
    pub(crate) place: &'a Place,
    pub(crate) spec: Option<&'static ComponentSpec>,
    pub(crate) keys: ItemKeys,
    pub(crate) settings: Value,
    /// The items that it names.
    pub(crate) links: Vec<Link>,
    /// What it wants of the machine.
    pub(crate) claims: Vec<(Place, Claim)>,
    /// How long it waits for the answer of its first target, where it does.
    pub(crate) patience: Option<Duration>,
    /// Where it may wait for something before it answers, and how long.
    pub(crate) waits: Vec<(Place, Duration)>,
    /// Whom messages have to come from, as names or patterns.
    pub(crate) origins: Vec<(Place, String)>,
    /// Whether all of it could be read, so that the links are all there are.
    pub(crate) complete: bool,
}

/// One item named by another.
pub(crate) struct Link {
    pub(crate) to: String,
    pub(crate) place: Place,
    /// The setting that names it; none where it is a target.
    pub(crate) setting: Option<String>,
    /// The type it has to have; none where messages are sent to it.
    pub(crate) component: Option<&'static str>,
}

/// What reading items needs to know and to tell.
pub(crate) struct Reader<'a> {
    pub(crate) catalogue: Catalogue,
    pub(crate) library: &'a Library,
    pub(crate) sources: &'a Sources,
    pub(crate) findings: &'a mut Findings,
}

/// The component that an item names, where there is one of that name for its kind of host.
pub(crate) fn component(
    catalogue: Catalogue,
    section: Section,
    node: &Node,
) -> Option<&'static ComponentSpec> {
    catalogue.find(section.business_type, node.get("type")?.text()?)
}

impl Reader<'_> {
    /// Reads one entry of a section.
    pub(crate) fn item<'a>(&mut self, section: Section, entry: &'a Entry) -> Item<'a> {
        let before = self.findings.errors();
        let (name, node) = (entry.key.as_str(), &entry.value);
        let spec = component(self.catalogue, section, node);
        let mut item = Item {
            section,
            name,
            place: &entry.key_place,
            spec,
            keys: ItemKeys::default(),
            settings: Value::Object(serde_json::Map::new()),
            links: Vec::new(),
            claims: Vec::new(),
            patience: None,
            waits: Vec::new(),
            origins: Vec::new(),
            complete: false,
        };
        self.name(entry);
        if !matches!(node.kind, Kind::Map(_)) {
            let found = if node.is_null() { "nothing".to_owned() } else { shown(node) };
            let message = format!("found {found} here; expected a map with type and settings");
            self.findings.error(&node.place, Some(name), message);
            return item;
        }
        self.type_of(&item, node);
        self.keys(&mut item, node);
        if let Some(spec) = spec {
            self.settings(&mut item, spec, node);
        }
        item.complete &= spec.is_some() && self.findings.errors() == before;
        item
    }

    fn name(&mut self, entry: &Entry) {
        let name = entry.key.as_str();
        let allowed = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | ' ');
        let wrong = if name.trim().is_empty() {
            "an item has an empty name; expected letters and digits".to_owned()
        } else if let Some(found) = name.chars().find(|c| !allowed(*c)) {
            format!("the name holds \"{found}\"; expected letters, digits, blanks, \".\", \"_\" and \"-\"")
        } else if name.trim() != name {
            "the name begins or ends with a blank; expected a letter or digit".to_owned()
        } else if !name.starts_with(char::is_alphanumeric) {
            "the name does not begin with a letter or digit".to_owned()
        } else if name.chars().count() > 128 {
            "the name has more than 128 characters".to_owned()
        } else {
            return;
        };
        let item = (!name.trim().is_empty()).then_some(name);
        self.findings.error(&entry.key_place, item, wrong);
    }

    fn type_of(&mut self, item: &Item<'_>, node: &Node) {
        let known = |section: Section| -> Vec<&'static str> {
            let all = self.catalogue.0.iter().filter(|spec| spec.business_type == section.business_type);
            all.map(|spec| spec.type_name).collect()
        };
        let (here, one) = (known(item.section), item.section.one);
        let Some(found) = node.get("type") else {
            let message = format!("required key \"type\" is missing; expected one of {}", here.join(", "));
            let misspelt = did_you_mean("type", node.entries().iter().map(|entry| entry.key.as_str()));
            if misspelt.is_none() {
                self.findings.error(item.place, Some(item.name), message);
            }
            return;
        };
        if found.is_unknown() {
            return;
        }
        let Some(type_name) = found.text() else {
            let is = if found.is_null() { "has no value".to_owned() } else { format!("is {}", shown(found)) };
            let message = format!("type {is}; expected one of {}", here.join(", "));
            self.findings.error(&found.place, Some(item.name), message);
            return;
        };
        if item.spec.is_some() {
            return;
        }
        let elsewhere = SECTIONS.into_iter().find(|section| known(*section).contains(&type_name));
        let (message, help) = match elsewhere {
            Some(section) => {
                let help = did_you_mean(type_name, here.iter().copied());
                let move_it = format!("move the item to \"{}\"", section.key);
                (
                    format!("type \"{type_name}\" is for {}, not for {one}", section.one),
                    help.or(Some(move_it)),
                )
            }
            None => {
                (format!("unknown type \"{type_name}\" for {one}"), did_you_mean_or_all(type_name, &here))
            }
        };
        self.findings.error(&found.place, Some(item.name), message).help(help);
    }

    fn keys(&mut self, item: &mut Item<'_>, node: &Node) {
        let mut common = node.clone();
        if let Kind::Map(entries) = &mut common.kind {
            // An empty list of targets is as good as none.
            entries.retain(|entry| {
                !(matches!(entry.key.as_str(), "type" | "settings")
                    || entry.key == "targets" && entry.value.is_null())
            });
            entries.retain(|entry| !later(self.findings, entry, &ITEM_LATER, Some(item.name)));
        }
        let settings = item.spec.map(|spec| spec.schema().to_value());
        let elsewhere = |key: &str| {
            let own = settings.as_ref()?.get("properties")?;
            own.get(key).map(|_| format!("\"{key}\" belongs under \"settings\""))
        };
        let schema = with_words(schema_of::<ItemKeys>(), &["type"], &["settings"]);
        let findings = &mut *self.findings;
        let mut walk = Walk {
            findings,
            item: Some(item.name),
            noun: "key",
            elsewhere: &elsewhere,
            set_aside: Vec::new(),
        };
        let value = walk.value(&schema, &common, "", true).unwrap_or_default();
        let set_aside = walk.set_aside;
        item.keys = serde_json::from_value(value).unwrap_or_default();
        let place = |path: &str| common.at(path).0.place.clone();
        for (index, target) in item.keys.targets.iter().enumerate() {
            let path = format!("targets[{index}]");
            if !set_aside.contains(&path) {
                let link = Link { to: target.clone(), place: place(&path), setting: None, component: None };
                item.links.push(link);
            }
        }
        item.complete = set_aside.is_empty();
        self.ranges(item, &set_aside, &place);
        if !covered(&set_aside, "order_by") {
            self.order(item, &common);
        }
    }

    fn order(&mut self, item: &Item<'_>, keys: &Node) {
        let (Some(path), (node, "")) = (&item.keys.order_by, keys.at("order_by")) else { return };
        let workers = item.keys.pool_size;
        if item.section.key == "services" {
            let message = "order_by is set, but a service takes no messages from a queue";
            let help = "set it where its messages go".to_owned();
            self.findings.error(&node.place, Some(item.name), message).help(Some(help));
        } else if let Err(error) = OrderBy::compile(path, &self.library.get()) {
            let place = crate::scalar::place(self.sources, node, &error.range);
            self.findings
                .error(&place, Some(item.name), format!("order_by: {}", error.message))
                .help(error.help);
        } else if workers <= 1 {
            let message =
                format!("order_by has no effect: pool_size is {workers}, which keeps the order of all");
            let help = "set pool_size to 2 or more".to_owned();
            self.findings.warning(&node.place, Some(item.name), message).help(Some(help));
        }
    }

    fn ranges(&mut self, item: &Item<'_>, set_aside: &[String], place: &dyn Fn(&str) -> Place) {
        let known = |key: &str| !covered(set_aside, key);
        if item.spec.is_some_and(|spec| spec.one_worker) && item.keys.pool_size > 1 {
            let message = format!(
                "pool_size is {}; expected 1 or 0: an item of this type has one worker",
                item.keys.pool_size
            );
            let help = "its messages hold the worker no longer than a step takes".to_owned();
            self.findings.error(&place("pool_size"), Some(item.name), message).help(Some(help));
        }
        let ItemKeys { retry_interval, failure_timeout, pool_size, .. } = &item.keys;
        if *pool_size == 0 && item.section.key != "processes" {
            let message = format!("pool_size is 0; expected 1 or more for {}", item.section.one);
            let help =
                "only processes share the actor pool; write \"enabled: false\" to keep an item from running";
            self.findings.error(&place("pool_size"), Some(item.name), message).help(Some(help.to_owned()));
        }
        if retry_interval.0.is_zero() {
            let message = "retry_interval is 0; expected a pause, as in 5s";
            self.findings.error(&place("retry_interval"), Some(item.name), message);
        }
        if let Timeout(Some(timeout)) = failure_timeout
            && retry_interval.0 > *timeout
            && known("retry_interval")
            && known("failure_timeout")
        {
            let message = format!(
                "failure_timeout is {}, which is over before the first try after retry_interval {retry_interval}",
                model::Span(*timeout),
            );
            let help = "make failure_timeout the longer one".to_owned();
            self.findings.error(&place("failure_timeout"), Some(item.name), message).help(Some(help));
        }
        if item.section.key == "operations" && !item.keys.targets.is_empty() {
            let message = "targets are set, but an operation sends nothing on";
            self.findings.warning(&place("targets"), Some(item.name), message);
        }
    }

    fn settings(&mut self, item: &mut Item<'_>, spec: &'static ComponentSpec, node: &Node) {
        let misspelt = |entry: &Entry| entry.key != "settings" && nearest(&entry.key, ["settings"]).is_some();
        if node.get("settings").is_none() && node.entries().iter().any(misspelt) {
            return;
        }
        let empty = Node { place: item.place.clone(), kind: Kind::Map(Vec::new()) };
        let settings = node.get("settings").filter(|settings| !settings.is_null()).unwrap_or(&empty);
        let place = |path: &str| settings.at(path).0.place.clone();
        let (value, set_aside, fits) = self.typed_settings(item.name, spec, settings);
        item.settings = value;
        item.complete &= set_aside.is_empty();
        if !fits {
            return;
        }
        let mut checks = Checks::beside(self.library);
        spec.check(item.settings.clone(), &mut checks);
        self.notes(item.name, settings, &set_aside, &checks);
        for found in checks.references.into_iter().filter(|found| !covered(&set_aside, &found.path)) {
            let place = self.place(settings, &found.path, found.range.as_ref());
            item.links.push(Link {
                to: found.name,
                place,
                setting: Some(found.path),
                component: found.component,
            });
        }
        item.patience = checks.patience;
        let waits = checks.waits.into_iter().filter(|(path, _)| !covered(&set_aside, path));
        item.waits = waits.map(|(path, time)| (place(&path), time)).collect();
        let origins = checks.origins.into_iter().filter(|(path, _)| !covered(&set_aside, path));
        item.origins = origins.map(|(path, pattern)| (place(&path), pattern)).collect();
        let claims = checks.claims.into_iter().filter(|(path, _)| !covered(&set_aside, path));
        item.claims = claims.map(|(path, claim)| (place(&path), claim)).collect();
    }

    /// The settings with stand-ins for what is wrong, where those are, and whether the component can
    /// read them now.
    fn typed_settings(
        &mut self,
        item: &str,
        spec: &ComponentSpec,
        settings: &Node,
    ) -> (Value, Vec<String>, bool) {
        let schema = spec.schema().to_value();
        let common = schema_of::<ItemKeys>();
        let elsewhere = |key: &str| {
            let known = key == "type" || ITEM_LATER.contains(&key) || common["properties"].get(key).is_some();
            known.then(|| format!("\"{key}\" belongs to the item, beside \"settings\""))
        };
        let findings = &mut *self.findings;
        let mut walk = Walk {
            findings,
            item: Some(item),
            noun: "setting",
            elsewhere: &elsewhere,
            set_aside: Vec::new(),
        };
        let mut value = walk.value(&schema, settings, "", true).unwrap_or_default();
        let mut set_aside = walk.set_aside;
        let fits = fit(spec, &schema, &mut value, &mut |path, message| {
            let of = if path.is_empty() { String::new() } else { format!("{path}: ") };
            if !covered(&set_aside, path) {
                self.findings.error(&settings.at(path).0.place, Some(item), format!("{of}{message}"));
            }
            set_aside.push(path.to_owned());
        });
        (value, set_aside, fits)
    }

    /// Where a setting is, or bytes of its text.
    fn place(&self, settings: &Node, path: &str, range: Option<&Range<usize>>) -> Place {
        match (settings.at(path), range) {
            ((node, ""), Some(range)) => crate::scalar::place(self.sources, node, range),
            ((node, _), _) => node.place.clone(),
        }
    }

    fn notes(&mut self, item: &str, settings: &Node, set_aside: &[String], checks: &Checks) {
        let told = |path: &str| covered(set_aside, path) || lacks(set_aside, path);
        for note in checks.notes.iter().filter(|note| !told(&note.path)) {
            let level = match note.kind {
                NoteKind::Error => Level::Error,
                NoteKind::Warning => Level::Warning,
            };
            let place = self.place(settings, &note.path, note.range.as_ref());
            self.findings.add(level, &place, Some(item), note.message.as_str()).help(note.help.clone());
        }
    }
}

/// Whether a path is, or is below, one whose value was set aside: what is said about a stand-in is
/// of no use to anybody.
pub(crate) fn covered(set_aside: &[String], path: &str) -> bool {
    set_aside.iter().any(|aside| {
        path.strip_prefix(aside.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    })
}

/// Whether something right in what stands at a path was set aside: that it is missing there was told
/// as a wrong value.
fn lacks(set_aside: &[String], path: &str) -> bool {
    let parent = |aside: &String| aside.rfind(['.', '[']).map(|end| aside[..end].to_owned());
    set_aside.iter().filter_map(parent).any(|parent| parent == path)
}

/// A schema of keys with words that are looked at elsewhere, so that a misspelt one is recognised.
pub(crate) fn with_words(mut schema: Value, before: &[&str], after: &[&str]) -> Value {
    let own = schema["properties"].as_object().cloned().unwrap_or_default();
    let word = |word: &&str| ((*word).to_owned(), Value::Bool(true));
    let all = before.iter().map(word).chain(own).chain(after.iter().map(word));
    schema["properties"] = Value::Object(all.collect());
    schema
}

/// Tells that a known word has no effect yet, and whether it was one.
pub(crate) fn later(findings: &mut Findings, entry: &Entry, words: &[&str], item: Option<&str>) -> bool {
    let is = words.contains(&entry.key.as_str());
    if is {
        let message = format!("key \"{}\" is not available in this version", entry.key);
        let help = (entry.key == "schedule")
            .then(|| "conditions can ask for it, as in when: schedule(\"office_hours\")".to_owned());
        findings.error(&entry.key_place, item, message).help(help);
    }
    is
}
