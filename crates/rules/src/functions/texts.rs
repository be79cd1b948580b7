//! Functions of texts. Characters are counted, never bytes; what stays as it was is not copied.

use std::borrow::Cow;
use std::ops::Range;

use crate::Value;

/// The widest that `pad` makes a text.
const WIDEST: i64 = 10_000;

pub(super) fn lower(text: Cow<'_, str>) -> Cow<'_, str> {
    match text.bytes().any(|byte| byte.is_ascii_uppercase() || !byte.is_ascii()) {
        true => text.to_lowercase().into(),
        false => text,
    }
}

pub(super) fn upper(text: Cow<'_, str>) -> Cow<'_, str> {
    match text.bytes().any(|byte| byte.is_ascii_lowercase() || !byte.is_ascii()) {
        true => text.to_uppercase().into(),
        false => text,
    }
}

/// How many characters there are, or how many pieces.
pub(super) fn length(text: &str, separator: &str) -> usize {
    match separator {
        "" => text.chars().count(),
        _ if text.is_empty() => 0,
        separator => text.matches(separator).count() + 1,
    }
}

/// The part of `text` at `range`, without copying where that can be.
fn cut(text: Cow<'_, str>, range: Range<usize>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[range]),
        Cow::Owned(text) => Cow::Owned(text[range].to_owned()),
    }
}

/// The pieces `from` to `to`, counted from 1, with the separators between them. Below 1 they are counted
/// from the end: -1 is the last.
pub(super) fn piece<'a>(text: Cow<'a, str>, separator: &str, from: i64, to: i64) -> Cow<'a, str> {
    if separator.is_empty() {
        return text;
    }
    let count = length(&text, separator) as i64;
    let place = |at: i64| if at < 0 { count + at + 1 } else { at };
    let (from, to) = (place(from).max(1), place(to).min(count));
    if from > to {
        return Cow::Borrowed("");
    }
    let mut starts = std::iter::once(0).chain(text.match_indices(separator).map(|(at, it)| at + it.len()));
    let start = starts.nth(from as usize - 1).unwrap_or(text.len());
    let end = match to == count {
        true => text.len(),
        false => text.match_indices(separator).nth(to as usize - 1).map_or(text.len(), |(at, _)| at),
    };
    cut(text, start..end)
}

/// The characters `from` to `to`, counted from 1. Below 1 they are counted from the end: -1 is the last.
pub(super) fn substring(text: Cow<'_, str>, from: i64, to: i64) -> Cow<'_, str> {
    let count = if from < 0 || to < 0 { text.chars().count() as i64 } else { 0 };
    let place = |at: i64| if at < 0 { count + at + 1 } else { at };
    let (from, to) = (place(from).max(1), place(to));
    if from > to {
        return Cow::Borrowed("");
    }
    let byte = |character: i64| {
        let at = usize::try_from(character).unwrap_or(usize::MAX);
        text.char_indices().nth(at).map_or(text.len(), |(at, _)| at)
    };
    let range = byte(from - 1)..byte(to);
    cut(text, range)
}

/// Made as wide as `width` with `character`: behind it, before it where the width is below zero. What is wider stays.
pub(super) fn pad<'a>(value: Value<'a>, width: Option<i64>, character: &str) -> Value<'a> {
    let width = width.unwrap_or(0).clamp(-WIDEST, WIDEST);
    let missing = (width.unsigned_abs() as usize).saturating_sub(value.text().chars().count());
    if missing == 0 {
        return value;
    }
    let character = character.chars().next().unwrap_or(' ');
    let filling = std::iter::repeat_n(character, missing).collect::<String>();
    Value::of_text(match width < 0 {
        true => filling + value.text(),
        false => value.text().to_owned() + &filling,
    })
}

/// Without the characters of `remove` (blanks where there is none) at that side, but for those of `keep`.
pub(super) fn strip<'a>(
    text: Cow<'a, str>,
    side: &str,
    remove: Option<Value<'_>>,
    keep: &str,
) -> Cow<'a, str> {
    let goes = |character: char| {
        let listed = match &remove {
            Some(remove) => remove.text().contains(character),
            None => character.is_whitespace(),
        };
        listed && !keep.contains(character)
    };
    if side == "all" {
        return match text.contains(goes) {
            true => text.chars().filter(|character| !goes(*character)).collect::<String>().into(),
            false => text,
        };
    }
    let start = if side == "right" { 0 } else { text.len() - text.trim_start_matches(goes).len() };
    let end = if side == "left" { text.len() } else { text.trim_end_matches(goes).len() };
    cut(text, start..end.max(start))
}

pub(super) fn replace<'a>(text: Cow<'a, str>, old: &str, new: &str) -> Cow<'a, str> {
    match !old.is_empty() && text.contains(old) {
        true => text.replace(old, new).into(),
        false => text,
    }
}

/// Each character of `characters` replaced by the one at its place in `by`, or taken out where there is none.
pub(super) fn translate<'a>(text: Cow<'a, str>, characters: &str, by: &str) -> Cow<'a, str> {
    if !text.contains(|character| characters.contains(character)) {
        return text;
    }
    let translated = |character: char| match characters.chars().position(|known| known == character) {
        Some(at) => by.chars().nth(at),
        None => Some(character),
    };
    text.chars().filter_map(translated).collect::<String>().into()
}

/// The items of a list that is written as a text; blanks around an item do not count.
pub(super) fn items<'a>(list: &'a str, separator: &'a str) -> impl Iterator<Item = &'a str> {
    let separator = if separator.is_empty() { "," } else { separator };
    list.split(separator).map(str::trim)
}
