//! What is no YAML, said so that somebody who does not know YAML can mend it.

use crate::finding::Findings;
use crate::source::{FileId, Place, Sources};

/// Reports that the parser stopped at `at` because of `info`.
pub(crate) fn report(sources: &Sources, file: FileId, at: usize, info: &str, findings: &mut Findings) {
    let text = &sources.get(file).text;
    // A tab is behind most of what a parser says about the lines from there on.
    let tabs: Vec<usize> = tabs(text).collect();
    if tabs.first().is_some_and(|tab| *tab <= at || info.contains("tab")) {
        for tab in tabs {
            let message = "the line is indented with a tab; expected spaces";
            findings.error(&Place { file, range: tab..tab + 1 }, None, message);
        }
        return;
    }
    let (at, message, help) = explain(text, at, info);
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let first = text[at..].chars().next().filter(|c| *c != '\n').map_or(0, char::len_utf8);
    let word = text[at..].find(|c| !is_word(c)).unwrap_or(text.len() - at);
    let range = at..at + word.max(first);
    findings.error(&Place { file, range }, None, message).help(help);
}

/// The nearest place at or before `at` where a character begins.
pub(crate) fn char_start(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// The first tab in the indentation of each line that has one.
fn tabs(text: &str) -> impl Iterator<Item = usize> {
    let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1));
    starts.filter_map(|start| {
        let line = text[start..].lines().next().unwrap_or_default();
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        line[..indent].find('\t').filter(|_| indent < line.len()).map(|at| start + at)
    })
}

/// Where it is, what is wrong, and what to do.
type Explained = (usize, String, Option<String>);

/// The explanation of what the parser says.
fn explain(text: &str, at: usize, info: &str) -> Explained {
    let at = char_start(text, at);
    if let Some(comma) = comma_in_brackets(text, at, info) {
        return comma;
    }
    if let Some(unclosed) = unclosed(text, at, info) {
        return unclosed;
    }
    let (message, help) = if text[..at].ends_with('$') && text[at..].starts_with('{') {
        let message = "\"${\" stands without quotes within brackets or braces".to_owned();
        return (at - 1, message, Some("put the value in quotes, as in \"${NAME}\"".to_owned()));
    } else if info.contains("mapping values are not allowed") {
        return colon(text, at);
    } else if info.contains("simple key expect") || info.contains("could not find expected ':'") {
        let (at, line) = line_before(text, at);
        return (at, format!("the line \"{line}\" has no \":\"; expected a key, as in \"key: value\""), None);
    } else if info.starts_with("unexpected character") || info.contains("cannot start any token") {
        let found = text[at..].chars().next().unwrap_or(' ');
        (format!("a value cannot begin with \"{found}\""), "put the value in quotes")
    } else if info.contains("anchor or alias") || info.contains("unknown anchor") {
        let help = "put a value that begins with \"*\" or \"&\" in quotes, as in \"*.hl7\"";
        (
            "\"*\" and \"&\" at the beginning of a value name an anchor, and there is none of that name"
                .into(),
            help,
        )
    } else if info.contains("did not find expected key") && behind_brace(text, at) {
        let help = "a value that begins with \"{\" or \"[\" is a map or list: put all of it in quotes; in conditions paths have no braces, as in PID-5.1";
        ("the value goes on after its closing brace".into(), help)
    } else if info.contains("did not find expected key")
        || info.contains("did not find expected '-'")
        || info.contains("invalid indentation in flow")
    {
        (
            "this line is indented differently from those it belongs to".into(),
            "give keys of one map the same indentation",
        )
    } else if info.contains("trailing content after") {
        let help = "put all of the value in quotes, and double single quotes within it";
        ("the value goes on after its closing quote".into(), help)
    } else if info.contains("quoted scalar")
        && (info.contains("end of stream") || info.contains("indentation"))
    {
        ("the text that begins here has no closing quote".into(), "add the quote")
    } else if info.contains("unknown escape character") {
        let help = "write \"\\\\\" for a backslash, or use single quotes";
        ("a backslash in double quotes is followed by a letter that has no meaning there".into(), help)
    } else if info.contains("misplaced bracket") {
        ("a closing bracket has no opening one".into(), "remove it, or put the value in quotes")
    } else if info.contains("block sequence entries are not allowed") {
        ("a list item with \"-\" cannot begin here".into(), "begin it on a line of its own")
    } else {
        return (at, format!("this is not YAML: {info}"), None);
    };
    (at, message, Some(help.to_owned()))
}

/// Whether a map or list in braces ends before `at` in its line.
fn behind_brace(text: &str, at: usize) -> bool {
    let before = text[..at].rsplit('\n').next().unwrap_or_default();
    before.trim_end().ends_with(['}', ']'])
}

/// A value such as `lookup("t", PID-8)` within braces, where its comma ends it.
fn comma_in_brackets(text: &str, at: usize, info: &str) -> Option<Explained> {
    if !info.contains("trailing content after") {
        return None;
    }
    let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let open = start + open_bracket(&text[start..at], at - start, '(', ')')?;
    let comma = open + text[open..at].find(',')?;
    let within = |open, close| open_bracket(text, comma, open, close).is_some();
    let help = "put all of the value in single quotes, as in 'PV1-2 in (\"I\", \"E\")', or write the keys on lines of their own";
    let message = "a comma ends the value here, within braces or brackets";
    (within('{', '}') || within('[', ']')).then(|| (comma, message.to_owned(), Some(help.to_owned())))
}

/// A bracket before `at` that is not closed, where that is what the parser says.
fn unclosed(text: &str, at: usize, info: &str) -> Option<Explained> {
    // A "${" without quotes opens a map that nobody meant.
    if text[..at].ends_with('$') {
        return None;
    }
    let lacks_content = info.contains("expected node content");
    let in_list = info.contains("flow sequence") || info.contains("illegal placement of ':'");
    let (begins, what, close) = match (open_bracket(text, at, '[', ']'), open_bracket(text, at, '{', '}')) {
        (list, _) if in_list => (list.unwrap_or(at), "list in brackets", ']'),
        (_, map) if info.contains("flow mapping") => (map.unwrap_or(at), "map in braces", '}'),
        (Some(list), _) if lacks_content => (list, "list in brackets", ']'),
        (_, Some(map)) if lacks_content => (map, "map in braces", '}'),
        _ => return None,
    };
    let help = format!("write \",\" between its parts, and \"{close}\" at its end");
    Some((begins, format!("the {what} that begins here is not closed"), Some(help)))
}

/// The last bracket before `at` that nothing closes.
fn open_bracket(text: &str, at: usize, open: char, close: char) -> Option<usize> {
    let mut closed = 0;
    for (place, letter) in text[..at].char_indices().rev() {
        match letter {
            _ if letter == close => closed += 1,
            _ if letter == open && closed == 0 => return Some(place),
            _ if letter == open => closed -= 1,
            _ => {}
        }
    }
    None
}

/// A `:` where none may stand: in a value without quotes, or below a line that already has a value.
fn colon(text: &str, at: usize) -> Explained {
    let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let line = &text[start..at];
    if line.contains(": ") {
        let help = "put the value in quotes";
        return (at, "a value without quotes cannot hold \": \"".to_owned(), Some(help.to_owned()));
    }
    let (before, found) = line_before(text, start);
    let message = format!("this key cannot stand below the line \"{found}\"");
    let help = match text[before..].lines().next() {
        Some(line) if line.contains(": ") => "give keys of one map the same indentation",
        Some(line) if line.contains(':') => "write a space after the \":\" of the line before",
        _ => "end the line before with \":\"",
    };
    (start + (line.len() - line.trim_start().len()), message, Some(help.to_owned()))
}

/// The last line before `at` that says anything, and where its text begins.
fn line_before(text: &str, at: usize) -> (usize, &str) {
    let mut end = at;
    while let Some(start) =
        text[..end].trim_end_matches(['\n', '\r', ' ']).rfind('\n').map(|at| at + 1).or(Some(0))
    {
        let line = text[start..end].trim();
        if start == 0 || !(line.is_empty() || line.starts_with('#')) {
            return (start + (text[start..end].len() - text[start..end].trim_start().len()), line);
        }
        end = start;
    }
    (0, "")
}
