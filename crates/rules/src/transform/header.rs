//! The header that a new message begins with.

use hl7::Message;
use hl7::edit::Editor;

use super::{Transform, paths};

/// MSH of the source, with the version and structure of the target: sender, receiver, time, control id and
/// charset are those of the source.
pub(super) fn of(source: &Message, transform: &Transform) -> Editor {
    let mut editor = Editor::of_header(source);
    let Some(schema) = paths::schema(&transform.target, &transform.schemas) else { return editor };
    let mut set = |path: &str, value: &str| {
        if let Ok(path) = path.parse() {
            // The header is there, and these are no separators.
            let _always_done = editor.set(&path, value);
        }
    };
    if transform.source.doc_type != transform.target.doc_type {
        set("MSH-12.1", schema.version());
    }
    let structure = transform.target.doc_type.as_ref().map_or("", |doc_type| &*doc_type.structure);
    let get = |path: &str| path.parse().ok().and_then(|path| source.get(&path)).unwrap_or_default();
    let (code, trigger) = (get("MSH-9.1"), get("MSH-9.2"));
    if structure.is_empty() {
        return editor;
    }
    if schema.structure_for(code, trigger) != Some(structure) {
        let (code, trigger) = structure.split_once('_').unwrap_or((structure, ""));
        set("MSH-9.1", code);
        set("MSH-9.2", trigger);
    }
    let kind = schema.segment("MSH").and_then(|header| header.field(9)).map(|field| field.datatype.clone());
    let third = kind.and_then(|kind| schema.datatype(&kind)?.component(3).map(|_| ()));
    match third {
        Some(()) => set("MSH-9.3", structure),
        None if !get("MSH-9.3").is_empty() => {
            if let Ok(path) = "MSH-9.3".parse() {
                // Emptying what is there cannot fail.
                let _always_done = editor.remove(&path);
            }
        }
        None => {}
    }
    editor
}
