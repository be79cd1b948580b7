//! The messages that a script holds, by handle: read by path, changed, and written when they are sent.
//!
//! A segment has a key that stays its own while others come and go, so that a script may remove or add
//! segments while it goes through them.

use std::borrow::Cow;
use std::collections::HashMap;

use bytes::Bytes;
use hl7::edit::{EditError, Editor};
use hl7::schema::{PathContext, compile_path};
use hl7::{FieldPath, Message, Path};
use rules::transform::Rebuilt;

use crate::{Content, Limits, SentBody};

/// So many messages a script may hold.
const MOST_MESSAGES: usize = 1_000;
/// The handles of what a step of a transform works on.
const SOURCE: u32 = 0;
const TARGET: u32 = 1;
/// So many paths are kept compiled.
const MOST_PATHS: usize = 4_096;

/// Why something cannot be done. Told in the reason of a failure where it is `safe` to: where it has
/// nothing in it that the script found in a message.
pub(crate) struct Refusal {
    pub(crate) text: String,
    pub(crate) safe: bool,
}

impl<T: Into<String>> From<T> for Refusal {
    fn from(text: T) -> Self {
        Refusal { text: text.into(), safe: true }
    }
}

pub(crate) type Done<T> = Result<T, Refusal>;

/// What a path leads to.
pub(crate) enum Found<'a> {
    Absent,
    Null,
    Text(Cow<'a, str>),
}

enum Held {
    Hl7(Message),
    Text(String),
}

struct Slot {
    held: Held,
    changed: bool,
    /// The keys of its segments, in order; made when a script first goes through them.
    keys: Option<Vec<u32>>,
    next_key: u32,
    /// The key of the first segment that was added after that.
    first_new: u32,
    /// Its bytes, while it stays as it is.
    written: Option<Bytes>,
    /// Whether it has to stay as it is.
    fixed: bool,
}

impl Slot {
    fn new(held: Held, changed: bool) -> Self {
        Slot { held, changed, keys: None, next_key: 0, first_new: 0, written: None, fixed: false }
    }
}

/// The messages of one script, while it works on one.
pub(crate) struct Messages {
    slots: Vec<Slot>,
    paths: HashMap<Box<str>, FieldPath>,
    context: PathContext,
    /// The script, to tell its own words from those of a message.
    source: String,
    /// Bytes that are held, and that may be.
    spent: usize,
    budget: usize,
}

impl Messages {
    pub(crate) fn new(source: &str, budget: usize) -> Self {
        let (slots, paths, context) = (Vec::new(), HashMap::new(), PathContext::default());
        Messages { slots, paths, context, source: source.to_owned(), spent: 0, budget }
    }

    /// Begins with a new message; it has handle 0. In a transform, that is the source, and the target
    /// has handle 1.
    pub(crate) fn begin(&mut self, content: &Content) {
        self.slots.clear();
        // What came is no fault of the script.
        self.spent = 0;
        let slot = |message: &Message| Slot::new(Held::Hl7(message.clone()), false);
        match content {
            Content::Hl7(message) => self.slots.push(slot(message)),
            Content::Text(text) => self.slots.push(Slot::new(Held::Text(text.clone()), false)),
            Content::Built { source, target, .. } => {
                self.slots.push(Slot { fixed: true, ..slot(source) });
                self.slots.push(slot(target));
                // From now on its segments are told apart, so that it can be said where they went. Those of
                // HL7 are always there to be counted.
                for handle in [SOURCE, TARGET] {
                    let _always_done = self.keys(handle);
                }
            }
        }
    }

    /// Lets go of all of them.
    pub(crate) fn end(&mut self) {
        self.slots.clear();
    }

    /// The message that came, where it was changed.
    pub(crate) fn changed(&self) -> Option<Message> {
        match self.slots.first()? {
            Slot { held: Held::Hl7(message), changed: true, .. } => Some(message.clone()),
            _ => None,
        }
    }

    /// What a step of a transform has built, where it was changed.
    pub(crate) fn rebuilt(&self) -> Option<Rebuilt> {
        match self.slots.get(TARGET as usize)? {
            Slot { held: Held::Hl7(message), changed: true, keys: Some(keys), first_new, .. } => {
                let line = |key: &u32| (key < first_new).then_some(*key as usize);
                Some(Rebuilt { message: message.clone(), lines: keys.iter().map(line).collect() })
            }
            _ => None,
        }
    }

    /// Whether the script itself has this text.
    pub(crate) fn is_written(&self, text: &str) -> bool {
        self.source.contains(text)
    }

    /// Takes so many bytes of what the script may hold.
    pub(crate) fn spend(&mut self, bytes: usize) -> Done<()> {
        self.spent += bytes;
        match self.spent > self.budget {
            true => {
                let limit = Limits { memory: self.budget, ..Limits::default() }.memory_text();
                Err(format!("messages hold more than {limit}, the memory limit").into())
            }
            false => Ok(()),
        }
    }

    fn add_slot(&mut self, slot: Slot, bytes: usize) -> Done<u32> {
        if self.slots.len() == MOST_MESSAGES {
            return Err(format!("there are {MOST_MESSAGES} messages already; expected no more").into());
        }
        self.spend(bytes)?;
        self.slots.push(slot);
        Ok(self.slots.len() as u32 - 1)
    }

    pub(crate) fn read(&mut self, text: &str) -> Done<u32> {
        let message = Message::read(Bytes::copy_from_slice(text.as_bytes()), "UTF-8");
        let message = message.map_err(|error| Refusal::from(error.to_string()))?;
        self.add_slot(Slot::new(Held::Hl7(message), true), text.len())
    }

    pub(crate) fn copy(&mut self, handle: u32) -> Done<u32> {
        let slot = self.slot(handle)?;
        let (held, bytes) = match &slot.held {
            Held::Hl7(message) => (Held::Hl7(message.clone()), message.text().len()),
            Held::Text(text) => (Held::Text(text.clone()), text.len()),
        };
        let changed = slot.changed || handle != 0;
        let mut copy = Slot::new(held, changed);
        copy.written = slot.written.clone();
        self.add_slot(copy, bytes)
    }

    fn slot(&self, handle: u32) -> Done<&Slot> {
        self.slots.get(handle as usize).ok_or_else(|| "the message is one of another time".into())
    }

    fn hl7(&self, handle: u32) -> Done<&Message> {
        match &self.slot(handle)?.held {
            Held::Hl7(message) => Ok(message),
            Held::Text(_) => {
                Err("the message is no HL7; expected text() to be asked for, and no path".into())
            }
        }
    }

    /// The path, compiled on first use.
    fn path(&mut self, text: &str) -> Done<FieldPath> {
        if let Some(known) = self.paths.get(text) {
            return Ok(known.clone());
        }
        let compiled = compile_path(text, &self.context).map_err(|error| {
            // The path of a segment is put together of its place and what the script wrote.
            let own = text.split_once("]-").map_or(text, |(_, own)| own);
            Refusal { text: error.to_string(), safe: self.source.contains(text) || self.source.contains(own) }
        })?;
        if self.paths.len() == MOST_PATHS {
            self.paths.clear();
        }
        self.paths.insert(text.into(), compiled.clone());
        Ok(compiled)
    }

    /// A path that something can be changed at.
    fn plain(&mut self, text: &str) -> Done<Path> {
        let path = self.path(text)?;
        path.plain().copied().ok_or_else(|| Refusal {
            text: format!("path \"{text}\" goes through groups or counts; expected a segment and numbers"),
            safe: self.source.contains(text),
        })
    }

    pub(crate) fn get(&mut self, handle: u32, path: &str) -> Done<Found<'_>> {
        let path = self.path(path)?;
        let message = self.hl7(handle)?;
        // A Cow that borrows from the path's own count would not live long enough.
        if let Some(count) = path.count(message) {
            return Ok(Found::Text(count.to_string().into()));
        }
        Ok(match path.get(message) {
            None => Found::Absent,
            Some("\"\"") => Found::Null,
            Some(raw) => Found::Text(hl7::escape::decode(raw, &message.separators())),
        })
    }

    pub(crate) fn raw(&mut self, handle: u32, path: &str) -> Done<Option<&str>> {
        let path = self.path(path)?;
        Ok(path.get(self.hl7(handle)?))
    }

    pub(crate) fn values(&mut self, handle: u32, path: &str) -> Done<Vec<Option<String>>> {
        let path = self.path(path)?;
        let message = self.hl7(handle)?;
        let separators = message.separators();
        let values = path.values(message).into_iter();
        let decoded = |raw| (raw != "\"\"").then(|| hl7::escape::decode(raw, &separators).into_owned());
        Ok(values.map(decoded).collect())
    }

    pub(crate) fn count(&mut self, handle: u32, path: &str) -> Done<usize> {
        let path = self.path(&format!("{path}.count"))?;
        path.count(self.hl7(handle)?).ok_or_else(|| "path cannot be counted".into())
    }

    pub(crate) fn text(&self, handle: u32) -> Done<&str> {
        Ok(match &self.slot(handle)?.held {
            Held::Hl7(message) => message.text(),
            Held::Text(text) => text,
        })
    }

    /// As in `ADT_A01`; empty for what is no HL7.
    pub(crate) fn kind(&self, handle: u32) -> Done<String> {
        Ok(match &self.slot(handle)?.held {
            Held::Hl7(message) => message.doc_type(),
            Held::Text(_) => String::new(),
        })
    }

    pub(crate) fn set(&mut self, handle: u32, path: &str, value: Option<&str>) -> Done<()> {
        let path = self.plain(path)?;
        self.edit(handle, |editor| match value {
            Some(value) => editor.set(&path, value),
            None => editor.set_raw(&path, "\"\""),
        })?;
        Ok(())
    }

    pub(crate) fn set_raw(&mut self, handle: u32, path: &str, value: &str) -> Done<()> {
        let path = self.plain(path)?;
        // A segment that changes its id would be another one for who goes through them.
        if path.field().is_none() && !value.starts_with(path.segment()) {
            return Err("the new segment has another id; expected the same, or insertAfter".into());
        }
        self.edit(handle, |editor| editor.set_raw(&path, value))?;
        Ok(())
    }

    pub(crate) fn append(&mut self, handle: u32, path: &str, value: Option<&str>) -> Done<()> {
        let path = self.plain(path)?;
        let Some(value) = value else {
            return Err("append: value is null; expected a text, number or boolean".into());
        };
        self.edit(handle, |editor| editor.append(&path, value))?;
        Ok(())
    }

    pub(crate) fn remove(&mut self, handle: u32, path: &str) -> Done<usize> {
        let path = self.plain(path)?;
        let whole = path.field().is_none();
        let gone = if whole { self.segments_at(handle, &path)? } else { Vec::new() };
        let count = self.edit(handle, |editor| editor.remove(&path))?;
        self.with_keys(handle, |keys, _| {
            for at in gone.iter().rev().filter(|at| **at < keys.len()).copied().collect::<Vec<_>>() {
                keys.remove(at);
            }
        });
        Ok(count)
    }

    /// The numbers of the segments at the path, from 0.
    fn segments_at(&self, handle: u32, path: &Path) -> Done<Vec<usize>> {
        let message = self.hl7(handle)?;
        let begin = message.text().as_ptr() as usize;
        let offsets: Vec<usize> = message.values(path).map(|raw| raw.as_ptr() as usize - begin).collect();
        let all = message.segments().enumerate();
        Ok(all.filter(|(_, segment)| offsets.contains(&segment.offset())).map(|(at, _)| at).collect())
    }

    /// Adds a segment behind all others, and gives its key.
    pub(crate) fn add(&mut self, handle: u32, raw: &str) -> Done<u32> {
        let at = self.hl7(handle)?.segments().len();
        self.keys(handle)?;
        self.edit(handle, |editor| editor.append_segment(raw))?;
        self.insert_key(handle, at)
    }

    /// Adds a segment beside the one at the path, and gives its key.
    pub(crate) fn insert(&mut self, handle: u32, path: &str, raw: &str, after: bool) -> Done<u32> {
        let path = self.plain(path)?;
        let at = self.segments_at(handle, &path)?.first().copied();
        self.keys(handle)?;
        self.edit(handle, |editor| match after {
            true => editor.insert_after(&path, raw),
            false => editor.insert_before(&path, raw),
        })?;
        self.insert_key(handle, at.unwrap_or_default() + usize::from(after))
    }

    fn insert_key(&mut self, handle: u32, at: usize) -> Done<u32> {
        let mut key = 0;
        self.with_keys(handle, |keys, next| {
            key = *next;
            *next += 1;
            keys.insert(at.min(keys.len()), key);
        });
        Ok(key)
    }

    fn with_keys(&mut self, handle: u32, change: impl FnOnce(&mut Vec<u32>, &mut u32)) {
        if let Some(Slot { keys: Some(keys), next_key, .. }) = self.slots.get_mut(handle as usize) {
            change(keys, next_key);
        }
    }

    fn keys(&mut self, handle: u32) -> Done<&[u32]> {
        let count = self.hl7(handle)?.segments().len();
        let slot = &mut self.slots[handle as usize];
        if slot.keys.is_none() {
            slot.keys = Some((slot.next_key..slot.next_key + count as u32).collect());
            slot.next_key += count as u32;
            slot.first_new = slot.next_key;
        }
        Ok(slot.keys.as_deref().unwrap_or_default())
    }

    /// The keys of the segments of that id; of all segments where there is none.
    pub(crate) fn segments(&mut self, handle: u32, id: Option<&str>) -> Done<Vec<u32>> {
        self.spend(0)?;
        let keys = self.keys(handle)?.to_vec();
        let wanted = |own: &str| id.is_none_or(|id| id == own);
        let segments = self.hl7(handle)?.segments().zip(keys);
        let sound = segments.filter(|(segment, _)| segment.is_well_formed() && wanted(segment.id()));
        Ok(sound.map(|(_, key)| key).collect())
    }

    /// Where the segment with that key is now, as in `OBX[3]`.
    pub(crate) fn place(&mut self, handle: u32, key: u32) -> Done<String> {
        let keys = self.keys(handle)?;
        let Some(at) = keys.iter().position(|known| *known == key) else {
            return Err("the segment has been removed".into());
        };
        let message = self.hl7(handle)?;
        let id = message.segments().nth(at).map(|segment| segment.id()).unwrap_or_default();
        let before = message.segments().take(at).filter(|segment| segment.id() == id).count();
        Ok(format!("{id}[{}]", before + 1))
    }

    /// Changes a message; what comes out the same is not changed.
    fn edit<R>(&mut self, handle: u32, change: impl FnOnce(&mut Editor) -> Result<R, EditError>) -> Done<R> {
        if self.slot(handle)?.fixed {
            return Err("source stays as it came; expected target to be changed".into());
        }
        let before = self.hl7(handle)?;
        let mut editor = Editor::of(before);
        let result = change(&mut editor).map_err(|error| error.to_string())?;
        let after = editor.finish();
        if after.text() == before.text() {
            return Ok(result);
        }
        let longer = after.text().len().saturating_sub(before.text().len());
        let slot = &mut self.slots[handle as usize];
        (slot.held, slot.changed, slot.written) = (Held::Hl7(after), true, None);
        self.spend(longer)?;
        Ok(result)
    }

    /// The message as it is to be sent now.
    pub(crate) fn body(&mut self, handle: u32) -> Done<SentBody> {
        let slot = self.slot(handle)?;
        let message = match &slot.held {
            _ if !slot.changed => return Ok(SentBody::Same),
            Held::Text(text) => return Ok(SentBody::Text(text.clone())),
            Held::Hl7(message) => message.clone(),
        };
        if let Some(written) = &slot.written {
            return Ok(SentBody::Hl7(message, written.clone()));
        }
        let bytes = hl7::write::to_ended_bytes(&message).map_err(|error| Refusal::from(error.to_string()))?;
        // It is held while the script goes on and changes it.
        self.spend(bytes.len())?;
        self.slots[handle as usize].written = Some(bytes.clone());
        Ok(SentBody::Hl7(message, bytes))
    }
}
