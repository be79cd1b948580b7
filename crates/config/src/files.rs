//! The files of a production: the one that is named, what it includes, and what is laid over it.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use globset::GlobBuilder;

use crate::finding::Findings;
use crate::interpolate::{Filler, why};
use crate::keys::{DEFINITIONS, SECTIONS, maps_by_name};
use crate::secret::Secrets;
use crate::source::{Place, Sources};
use crate::suggest::{did_you_mean, did_you_mean_or_all};
use crate::tree::{self, Entry, Kind, Node};

/// What reading adds to.
pub(crate) struct Files<'a> {
    pub(crate) env: &'a dyn Fn(&str) -> Option<String>,
    pub(crate) sources: Sources,
    pub(crate) findings: Findings,
    pub(crate) secrets: Secrets,
    /// Whether a file could not be read.
    pub(crate) unread: bool,
}

impl<'a> Files<'a> {
    pub(crate) fn new(env: &'a dyn Fn(&str) -> Option<String>) -> Self {
        let (sources, findings, secrets) = (Sources::default(), Findings::default(), Secrets::default());
        Files { env, sources, findings, secrets, unread: false }
    }

    /// The production with its included items, and the overlays laid over it in order. None where
    /// a file could not be read: what the others say would then be judged without it.
    pub(crate) fn read(&mut self, path: &Path, overlays: &[PathBuf]) -> Option<Node> {
        let mut root = self.read_map(path, None);
        if let Some(root) = &mut root {
            self.include(path, root);
        }
        let overlays: Vec<_> = overlays.iter().map(|overlay| self.read_map(overlay, None)).collect();
        if self.unread {
            return None;
        }
        for overlay in overlays.into_iter().flatten() {
            self.lay_over(root.as_mut()?, overlay);
        }
        root
    }

    /// As [`Files::read_map_at`], and remembers that a file could not be read.
    fn read_map(&mut self, path: &Path, named_at: Option<&Place>) -> Option<Node> {
        let node = self.read_map_at(path, named_at);
        self.unread |= node.is_none();
        node
    }

    /// One file that has to hold a map; `named_at` is where another file names it.
    fn read_map_at(&mut self, path: &Path, named_at: Option<&Place>) -> Option<Node> {
        let (text, wrong) = match std::fs::read(path) {
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) => (text, None),
                Err(error) => {
                    let at = error.utf8_error().valid_up_to();
                    let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
                    (text, Some((at, "the file is not UTF-8; save it as UTF-8".to_owned())))
                }
            },
            Err(error) => {
                let message = format!("cannot read \"{}\" ({})", path.display(), why(&error));
                if let Some(place) = named_at {
                    self.findings.error(place, None, message);
                    return None;
                }
                (String::new(), Some((0, message)))
            }
        };
        let bom = text.starts_with('\u{feff}');
        let file = self.sources.add(path, if bom { text[3..].to_owned() } else { text });
        if let Some((at, message)) = wrong {
            self.findings.error(&Place { file, range: at..at }, None, message);
            return None;
        }
        let node = tree::read(&self.sources, file, &mut self.findings)?;
        if !matches!(node.kind, Kind::Map(_)) {
            let message =
                "this is no map; expected keys such as production, services, processes and operations";
            self.findings.error(&node.place, None, message);
            return None;
        }
        Some(node)
    }

    /// Adds the items of the files that `include` names.
    fn include(&mut self, main: &Path, root: &mut Node) {
        let Kind::Map(entries) = &mut root.kind else { return };
        let Some(at) = entries.iter().position(|entry| entry.key == "include") else { return };
        let mut list = entries.remove(at).value;
        let (sources, findings, secrets) = (&self.sources, &mut self.findings, &mut self.secrets);
        Filler { env: self.env, sources, findings, secrets }.fill(&mut list, None);
        let patterns = match list.kind {
            Kind::List(patterns) => patterns,
            _ if list.is_null() => return,
            _ => vec![list],
        };
        let base = main.parent().unwrap_or(Path::new("")).to_owned();
        let mut seen: HashSet<PathBuf> = main.canonicalize().into_iter().collect();
        for pattern in patterns {
            let Some(text) = pattern.text() else {
                self.findings.error(
                    &pattern.place,
                    None,
                    "include names no file; expected a text as in items/*.yaml",
                );
                continue;
            };
            let globbed = text.contains(['*', '?', '[', '{']);
            let found = if globbed { expand(&base, text) } else { vec![base.join(text)] };
            if found.is_empty() {
                self.findings.warning(&pattern.place, None, format!("include \"{text}\" matches no file"));
            }
            for path in found {
                if seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())) {
                    self.include_file(&path, &pattern.place, root);
                } else if !globbed {
                    self.findings.error(&pattern.place, None, format!("\"{text}\" is included already"));
                }
            }
        }
    }

    fn include_file(&mut self, path: &Path, named_at: &Place, root: &mut Node) {
        let Some(node) = self.read_map(path, Some(named_at)) else { return };
        let Kind::Map(entries) = node.kind else { return };
        let words = maps_by_name();
        for entry in entries {
            if !words.contains(&entry.key.as_str()) {
                let message = format!("key \"{}\" has no place in an included file", entry.key);
                self.findings
                    .error(&entry.key_place, None, message)
                    .help(did_you_mean_or_all(&entry.key, &words));
                continue;
            }
            let Kind::Map(all) = &mut root.kind else { return };
            let known = all.iter_mut().find(|known| known.key == entry.key);
            match (known.map(|known| &mut known.value), entry.value) {
                (None, value) => all.push(Entry { value, ..entry }),
                (Some(known), value) if known.is_null() => *known = value,
                (Some(Node { kind: Kind::Map(known), .. }), Node { kind: Kind::Map(added), .. }) => {
                    known.extend(added)
                }
                (Some(known), value) => {
                    let wrong = if matches!(known.kind, Kind::Map(_)) { value } else { known.clone() };
                    if !wrong.is_null() {
                        let own = DEFINITIONS.into_iter().find(|key| entry.key == *key);
                        let things = own.unwrap_or("items");
                        let message = format!("{} is no map; expected {things} by name", entry.key);
                        self.findings.error(&wrong.place, None, message);
                    }
                }
            }
        }
    }

    /// Lays one overlay over the production: it changes what is there and adds no items.
    fn lay_over(&mut self, root: &mut Node, overlay: Node) {
        let Kind::Map(entries) = overlay.kind else { return };
        for entry in entries {
            if entry.key == "include" {
                self.findings.error(&entry.key_place, None, "include has no place in an overlay");
                continue;
            }
            let is_section = SECTIONS.iter().any(|section| section.key == entry.key);
            let kept = if is_section { self.known_items(root, entry) } else { entry };
            merge(root, kept);
        }
    }

    /// The entry of a section without the items that the production does not have.
    fn known_items(&mut self, root: &Node, mut section: Entry) -> Entry {
        let Kind::Map(items) = &mut section.value.kind else { return section };
        let has = |key: &str, name: &str| root.get(key).is_some_and(|items| items.get(name).is_some());
        let names: Vec<&str> = root
            .get(&section.key)
            .map(Node::entries)
            .unwrap_or_default()
            .iter()
            .map(|entry| entry.key.as_str())
            .collect();
        items.retain(|item| {
            if names.contains(&item.key.as_str()) {
                return true;
            }
            let elsewhere = SECTIONS.iter().find(|other| has(other.key, &item.key));
            let help = match elsewhere {
                Some(other) => Some(format!("it stands under \"{}\"", other.key)),
                None => did_you_mean(&item.key, names.iter().copied()),
            };
            let message = format!(
                "overlay names \"{}\", which is not under \"{}\" of this production",
                item.key, section.key
            );
            self.findings.error(&item.key_place, None, message).help(help);
            false
        });
        section
    }
}

/// Maps are merged by key, anything else is replaced.
fn merge(target: &mut Node, entry: Entry) {
    let Kind::Map(entries) = &mut target.kind else { return };
    match entries.iter_mut().find(|known| known.key == entry.key) {
        None => entries.push(entry),
        Some(known) => match (&mut known.value, entry.value) {
            (known @ Node { kind: Kind::Map(_), .. }, Node { kind: Kind::Map(added), .. }) => {
                added.into_iter().for_each(|entry| merge(known, entry));
            }
            // A map whose lines are all commented out in the overlay is left as it is.
            (Node { kind: Kind::Map(_), .. }, replacement) if replacement.is_null() => {}
            (value, replacement) => {
                *value = replacement;
                known.key_place = entry.key_place;
            }
        },
    }
}

/// The files that a pattern matches, in the order of their names; `**` is any number of folders.
fn expand(base: &Path, pattern: &str) -> Vec<PathBuf> {
    let start = if pattern.starts_with('/') { PathBuf::from("/") } else { base.to_owned() };
    let parts: Vec<&str> = pattern.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let mut found = Vec::new();
    walk(&start, &parts, &mut found);
    found.sort();
    found.dedup();
    found
}

fn walk(folder: &Path, parts: &[&str], found: &mut Vec<PathBuf>) {
    let [part, rest @ ..] = parts else { return };
    if !part.contains(['*', '?', '[', '{']) {
        let path = folder.join(part);
        match rest {
            [] if path.is_file() => found.push(path),
            _ => walk(&path, rest, found),
        }
        return;
    }
    if *part == "**" {
        walk(folder, rest, found);
    }
    let Ok(glob) = GlobBuilder::new(part).literal_separator(true).build() else { return };
    let matcher = glob.compile_matcher();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let hidden = name.to_string_lossy().starts_with('.');
        if hidden || !(*part == "**" || matcher.is_match(&name)) {
            continue;
        }
        match entry.file_type() {
            // A link is not followed below `**`: it may lead back.
            Ok(kind) if kind.is_dir() && *part == "**" => walk(&path, parts, found),
            _ if rest.is_empty() && path.is_file() => found.push(path),
            _ if !rest.is_empty() && *part != "**" => walk(&path, rest, found),
            _ => {}
        }
    }
}
