//! Structures of a custom schema: written as a whole, or as changes of others.

use std::sync::Arc;

use super::merge::{Merging, Mistakes, is_id};
use super::{Change, CustomStructure, change};
use crate::schema::parts::{ANY_SEGMENT, Element, Structure};
use crate::schema::{Schema, Text, TextError, syntax};
use crate::suggest::did_you_mean;

impl Merging {
    pub(super) fn structure(&mut self, custom: &CustomStructure) {
        let path = format!("structures.{}", custom.id);
        if !is_id(&custom.id, &['_']) {
            let message = format!(
                "structure is \"{}\", expected capital letters, digits and \"_\", as in \"ADT_A01\"",
                custom.id
            );
            self.mistakes.add_key(path.clone(), message, None);
        }
        let merged = match &custom.whole {
            Some(text) => match syntax::read(text, &|name| name.into()) {
                Ok(elements) => {
                    self.mistakes.unknown_segments(&path, text, &elements, &self.schema, self.known);
                    Some((elements, false))
                }
                Err(error) => {
                    self.mistakes.add_text(path, error);
                    None
                }
            },
            None => self.changed(custom, &path),
        };
        // One that is wrong is there all the same: an event may name it.
        let (elements, doubtful) = merged.unwrap_or_default();
        let id = Text::from(custom.id.as_str());
        let structure = Structure { id: id.clone(), elements, doubtful };
        self.schema.definitions.structures.insert(id, Arc::new(structure));
    }

    /// The structure with its changes; none where it is not known which one is changed.
    fn changed(&mut self, custom: &CustomStructure, path: &str) -> Option<(Vec<Element>, bool)> {
        let like = custom.changes.first().and_then(|change| change.like.as_deref());
        let id = like.unwrap_or(&custom.id);
        let Some(before) = self.schema.structure(id) else {
            if self.known {
                self.no_such_structure(id, like.map(|_| format!("{}.like", at(path, custom, 0))), path);
            }
            return None;
        };
        let (mut elements, doubtful) = (before.elements.clone(), before.doubtful);
        for (index, change) in custom.changes.iter().enumerate() {
            let path = at(path, custom, index);
            if let (1.., Some(_)) = (index, &change.like) {
                let message = "like stands in a later change; expected it in the first";
                self.mistakes.add_key(format!("{path}.like"), message, None);
            }
            self.change(&mut elements, change, &path);
        }
        Some((elements, doubtful))
    }

    /// One change, at `path`.
    fn change(&mut self, elements: &mut Vec<Element>, change: &Change, path: &str) {
        let deed = match change.deed() {
            Ok(deed) => deed,
            Err(said) => {
                let wanted = "\"add\" with \"after\" or \"before\", \"remove\", or \"replace\" with \"with\"";
                self.mistakes.add(path.to_owned(), format!("found {said}; expected {wanted}"), None);
                return;
            }
        };
        let Merging { schema, mistakes, known } = self;
        let mut check = |key: &'static str, text: &str, added: &[Element]| {
            mistakes.unknown_segments(&format!("{path}.{key}"), text, added, schema, *known);
        };
        let wrong = change::apply(elements, &deed, &mut check).err().unwrap_or_default();
        for (key, error) in wrong {
            // Where the base is not known, nor are the places in it.
            if self.known || key == "add" || key == "with" {
                self.mistakes.add_text(format!("{path}.{key}"), error);
            }
        }
    }

    /// Tells that there is nothing to change; at the key `like`, where that names it.
    fn no_such_structure(&mut self, id: &str, like: Option<String>, path: &str) {
        let name = self.schema.base().unwrap_or_default();
        let message = format!("schema \"{name}\" has no structure \"{id}\" to be changed");
        let all = self.schema.structures().map(|structure| structure.id.as_str());
        let whole = || "write it as a whole, as in \"MSH PID [{ZPD}]\", or say what it is like".to_owned();
        let help = Some(did_you_mean(id, all).unwrap_or_else(whole));
        match like {
            Some(like) => self.mistakes.add(like, message, help),
            None => self.mistakes.add_key(path.to_owned(), message, help),
        }
    }
}

impl Mistakes {
    /// What of the elements is in no segment that is known; `text` is where they were read from.
    fn unknown_segments(
        &mut self,
        path: &str,
        text: &str,
        elements: &[Element],
        schema: &Schema,
        known: bool,
    ) {
        let mut unknown = Vec::new();
        segments(elements, &mut |id| {
            if (known || id.starts_with('Z')) && schema.segment(id).is_none() && !unknown.contains(id) {
                unknown.push(id.clone());
            }
        });
        for id in unknown {
            let define = || format!("write what is in it, under \"segments\", as \"{id}\"");
            let help = did_you_mean(&id, schema.segments().map(|segment| segment.id.as_str()));
            let help = if id.starts_with('Z') { define() } else { help.unwrap_or_else(define) };
            let start = place_of(&id, text);
            let error =
                TextError::new(start..start + id.len(), format!("unknown segment \"{id}\"")).help(help);
            self.add_text(path.to_owned(), error);
        }
    }
}

/// Where a segment stands in the text of a structure: it is no part of a longer word, nor a name.
fn place_of(id: &str, text: &str) -> usize {
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let alone = |at: usize| {
        let (before, after) = (&text.as_bytes()[..at], &text[at + id.len()..]);
        !before.last().is_some_and(word)
            && !after.as_bytes().first().is_some_and(word)
            && !after.trim_start().starts_with(':')
    };
    text.match_indices(id).map(|(at, _)| at).find(|at| alone(*at)).unwrap_or(0)
}

fn segments(elements: &[Element], tell: &mut dyn FnMut(&Text)) {
    for element in elements {
        match &element.group {
            Some(group) => segments(&group.elements, tell),
            None if element.name == *ANY_SEGMENT => {}
            None => tell(&element.name),
        }
    }
}

/// The path of a change.
fn at(path: &str, structure: &CustomStructure, index: usize) -> String {
    if structure.single { path.to_owned() } else { format!("{path}[{index}]") }
}
