//! Where in a file the parts of a scalar's text stand: a rule's wrong word is underlined, not the
//! whole rule, however the rule was quoted.

use std::ops::Range;

use rules::transform::CodePlace;
use saphyr_parser::ScalarStyle;
use serde_json::Value;

use crate::source::{Place, Sources};
use crate::tree::{Kind, Node, Scalar};

/// The place of the bytes `range` of a scalar's text; all of the scalar where that cannot be told.
pub(crate) fn place(sources: &Sources, node: &Node, range: &Range<usize>) -> Place {
    let Kind::Scalar(Scalar { value: Value::String(text), style: Some(style), .. }) = &node.kind else {
        return node.place.clone();
    };
    let (source, whole) = (sources.get(node.place.file), &node.place.range);
    let indent = source.line_column(whole.start).1 - 1;
    match locate(&source.text[whole.clone()], indent, *style, text, range) {
        Some(part) => {
            Place { file: node.place.file, range: whole.start + part.start..whole.start + part.end }
        }
        None => node.place.clone(),
    }
}

/// Where each line of the file begins within a scalar's text, so that a place in the text can be told as one
/// of the file; nothing where that cannot be told.
pub(crate) fn lines(sources: &Sources, node: &Node) -> Vec<CodePlace> {
    let Kind::Scalar(Scalar { value: Value::String(text), style: Some(style), .. }) = &node.kind else {
        return Vec::new();
    };
    let (source, whole) = (sources.get(node.place.file), &node.place.range);
    let indent = source.line_column(whole.start).1 - 1;
    let written = align(&source.text[whole.clone()], indent, *style, text).unwrap_or_default();
    let mut places: Vec<CodePlace> = Vec::new();
    for (offset, written) in written.iter().enumerate() {
        // Within what made one byte, such as a line break, the first counts.
        if !text.is_char_boundary(offset) {
            continue;
        }
        let (line, column) = source.line_column(whole.start + written.start);
        if places.last().is_none_or(|last| last.line != line) {
            places.push(CodePlace { offset, line, column });
        }
    }
    places
}

/// The bytes of `source` (the scalar as it was written, which began after `indent` characters of its
/// line) that made the bytes `range` of `value` (what was read from it). None where that cannot be
/// told.
fn locate(
    source: &str,
    indent: usize,
    style: ScalarStyle,
    value: &str,
    range: &Range<usize>,
) -> Option<Range<usize>> {
    let written = align(source, indent, style, value)?;
    let start = written.get(range.start)?.start;
    let end = if range.is_empty() { start } else { written.get(range.end - 1)?.end };
    Some(start..end)
}

/// For each byte of `value`, and its end, the bytes of `source` that made it.
fn align(source: &str, indent: usize, style: ScalarStyle, value: &str) -> Option<Vec<Range<usize>>> {
    let quoted = matches!(style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted);
    let mut written = Vec::with_capacity(value.len() + 1);
    let mut at = usize::from(quoted);
    let mut wanted = value.chars().peekable();
    while let Some(&next) = wanted.peek() {
        let rest = source.get(at..)?;
        if let Some(run) = break_run(rest, indent, style) {
            // A break is a blank, or as many breaks as there are empty lines; or all of them as
            // they are in a literal.
            let breaks = rest[..run].matches('\n').count();
            let mut taken = 0;
            while taken < breaks
                && (wanted.peek() == Some(&'\n') || (taken == 0 && wanted.peek() == Some(&' ')))
            {
                written.push(at..at + run);
                taken += 1;
                if wanted.next() == Some(' ') {
                    break;
                }
            }
            at += run;
            continue;
        }
        let length = match style {
            ScalarStyle::DoubleQuoted if rest.starts_with('\\') => match escape(rest, next)? {
                (length, false) => length,
                (length, true) => {
                    at += length;
                    continue;
                }
            },
            ScalarStyle::SingleQuoted if rest.starts_with("''") => 2,
            _ if rest.starts_with(next) => next.len_utf8(),
            _ => return None,
        };
        written.extend(std::iter::repeat_n(at..at + length, next.len_utf8()));
        at += length;
        wanted.next();
    }
    written.push(at..at);
    Some(written)
}

/// The length of the line break that `rest` begins with, with the blanks that folding takes away.
fn break_run(rest: &str, indent: usize, style: ScalarStyle) -> Option<usize> {
    let blanks = [' ', '\t'];
    let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
    let first = if block { rest } else { rest.trim_start_matches(blanks) };
    let mut left = first.strip_prefix("\r\n").or_else(|| first.strip_prefix('\n'))?;
    loop {
        if block {
            let spaces = left.len() - left.trim_start_matches(' ').len();
            left = &left[spaces.min(indent)..];
        } else {
            left = left.trim_start_matches(blanks);
        }
        match left.strip_prefix("\r\n").or_else(|| left.strip_prefix('\n')) {
            Some(next) if style != ScalarStyle::Literal => left = next,
            _ => return Some(rest.len() - left.len()),
        }
    }
}

/// The length of the escape that `rest` begins with, and whether it is a break that leaves nothing.
fn escape(rest: &str, wanted: char) -> Option<(usize, bool)> {
    let hex = |digits: usize| {
        let code = u32::from_str_radix(rest.get(2..2 + digits)?, 16).ok()?;
        (char::from_u32(code) == Some(wanted)).then_some((2 + digits, false))
    };
    match rest.chars().nth(1)? {
        'x' => hex(2),
        'u' => hex(4),
        'U' => hex(8),
        '\n' | '\r' => {
            let after = rest[1..].trim_start_matches(['\r', '\n', ' ', '\t']);
            Some((rest.len() - after.len(), true))
        }
        escaped => Some((1 + escaped.len_utf8(), false)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_text_is_found_where_it_was_written() {
        use ScalarStyle::*;
        let cases = [
            ("one two", Plain, 0, "one two", "two", "two"),
            ("one\n    two\n\n  three", Plain, 0, "one two\nthree", "three", "three"),
            ("'it''s two'", SingleQuoted, 0, "it's two", "'s", "''s"),
            (r#""a \"two\" \u00e4 b""#, DoubleQuoted, 0, "a \"two\" ä b", "\"two\"", r#"\"two\""#),
            (r#""a \"two\" \u00e4 b""#, DoubleQuoted, 0, "a \"two\" ä b", "ä", r"\u00e4"),
            ("\"x\n  y\\\n   z w\"", DoubleQuoted, 0, "x yz w", "z", "z"),
            ("MSH-9.1\n    = \"A\"\n", Literal, 4, "MSH-9.1\n= \"A\"\n", "\"A\"", "\"A\""),
            ("a\n\n      b\n    c", Literal, 4, "a\n\n  b\nc", "c", "c"),
            ("p\n  q\r\n\r\n  r", Folded, 2, "p q\nr", "q", "q"),
            ("p\n  q\n\n  r", Folded, 2, "p q\nr", "r", "r"),
            ("p\n    q\n  r", Folded, 2, "p\n  q\nr", "r", "r"),
        ];
        for (source, style, indent, value, part, wanted) in cases {
            let start = value.find(part).unwrap();
            let found = locate(source, indent, style, value, &(start..start + part.len()))
                .unwrap_or_else(|| panic!("{source:?}: no place"));
            assert_eq!(&source[found.clone()], wanted, "{source:?}");
            assert_eq!(found.start, source.rfind(wanted).unwrap(), "{source:?}");
        }
        assert_eq!(locate("other", 0, Plain, "text", &(0..1)), None);
        assert_eq!(locate("text", 0, Plain, "text", &(4..4)), Some(4..4), "an end is a place");
        assert_eq!(locate("text", 0, Plain, "text", &(3..9)), None);
    }
}
