//! Settings held against the types that the component reads: what a schema cannot say.
//!
//! Deserializing stops at the first wrong value. Here that value is told, mended, and the rest is
//! tried again, until all of them are told.

use model::ComponentSpec;
use serde_json::Value;

use crate::shape;

/// More wrong values than this in one item are not told.
const MOST: usize = 100;

/// Tells every value that does not fit, and mends it in `settings`. Whether all fit in the end.
pub(crate) fn fit(
    spec: &ComponentSpec,
    schema: &Value,
    settings: &mut Value,
    tell: &mut dyn FnMut(&str, &str),
) -> bool {
    for _ in 0..MOST {
        let Err(error) = spec.fits(settings.clone()) else { return true };
        tell(&error.path, &error.message);
        let Some(mended) = mend(spec, schema, settings, &error.path) else { return false };
        *settings = mended;
    }
    false
}

/// Settings in which what is wrong at `path` is left out, or a stand-in, or its parent is.
fn mend(spec: &ComponentSpec, schema: &Value, settings: &Value, path: &str) -> Option<Value> {
    let mut steps = steps(path);
    while !steps.is_empty() {
        let at = |settings: &mut Value, change: &dyn Fn(&mut Value, &str)| {
            let (last, parents) = steps.split_last()?;
            let parent = parents.iter().try_fold(settings, |value, step| below(value, step))?;
            change(parent, last);
            Some(())
        };
        let name: String = steps.concat();
        let stand_in = shape::at(schema, &name).map(shape::stand_in).unwrap_or_default();
        let leave_out = |parent: &mut Value, last: &str| {
            if let Value::Object(map) = parent {
                map.shift_remove(last.trim_start_matches('.'));
            }
        };
        let replace = |parent: &mut Value, last: &str| {
            if let Some(value) = below(parent, last) {
                *value = stand_in.clone();
            }
        };
        for change in [&leave_out as &dyn Fn(&mut Value, &str), &replace] {
            let mut mended = settings.clone();
            if at(&mut mended, change).is_some() && mended != *settings && helps(spec, &mended, path) {
                return Some(mended);
            }
        }
        steps.pop();
    }
    None
}

/// Whether the change got rid of the error, and made no other of it.
fn helps(spec: &ComponentSpec, settings: &Value, path: &str) -> bool {
    match spec.fits(settings.clone()) {
        Ok(()) => true,
        Err(error) => !error.path.starts_with(path) && !path.starts_with(&error.path),
    }
}

fn below<'a>(value: &'a mut Value, step: &str) -> Option<&'a mut Value> {
    match step.strip_prefix('[') {
        Some(index) => value.get_mut(index.trim_end_matches(']').parse::<usize>().ok()?),
        None => value.get_mut(step.trim_start_matches('.')),
    }
}

/// `rules[0].when` as `rules`, `[0]`, `.when`.
fn steps(path: &str) -> Vec<&str> {
    let mut steps = Vec::new();
    let mut start = 0;
    for (at, _) in path.match_indices(['.', '[']).filter(|(at, _)| *at > 0) {
        steps.push(&path[start..at]);
        start = at;
    }
    if start < path.len() {
        steps.push(&path[start..]);
    }
    steps
}
