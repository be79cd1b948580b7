//! The names that a script calls a function with, found in its text: `"Lab"` of `send("Lab")`.

use std::ops::Range;

/// The texts that `function` is called with first, where they are written out, and their bytes.
///
/// Comments, texts and regular expressions are passed over. What cannot be told from a distance, such as
/// a regular expression in an unusual place, may hide a call behind it; it never makes one up outside a
/// comment or a text, and the call is held against the targets when it is made.
pub(crate) fn names(source: &str, function: &str) -> Vec<(String, Range<usize>)> {
    words(source, function).into_iter().filter_map(|at| argument(source, at.end)).collect()
}

/// Where a word stands as a name of its own, and not as one of something else's.
pub(crate) fn words(source: &str, wanted: &str) -> Vec<Range<usize>> {
    let bytes = source.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    // The last byte that is no white space: it says whether a slash divides.
    let mut last = b';';
    while at < bytes.len() {
        let byte = bytes[at];
        let next = match byte {
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                at = source[at..].find('\n').map_or(bytes.len(), |end| at + end);
                continue;
            }
            b'/' if bytes.get(at + 1) == Some(&b'*') => {
                at = source[at + 2..].find("*/").map_or(bytes.len(), |end| at + end + 4);
                continue;
            }
            b'/' if b"(,=:[!&|?{};+-*%<>~^".contains(&last) => skip_regex(bytes, at),
            b'"' | b'\'' | b'`' => skip_text(bytes, at),
            _ if is_word(byte) => {
                let end = (at..bytes.len()).find(|end| !is_word(bytes[*end])).unwrap_or(bytes.len());
                if &source[at..end] == wanted && last != b'.' {
                    found.push(at..end);
                }
                end
            }
            _ => at + 1,
        };
        if !byte.is_ascii_whitespace() {
            last = byte;
        }
        at = next;
    }
    found
}

/// Where something of that name is used that the script does not declare itself: called, or asked for a
/// member.
pub(crate) fn uses(source: &str, name: &str) -> Vec<Range<usize>> {
    let found = words(source, name);
    if found.iter().any(|at| is_declared(source, at)) {
        return Vec::new();
    }
    let used = |at: &Range<usize>| source[at.end..].trim_start().starts_with(['(', '.', '?', '[']);
    found.into_iter().filter(used).collect()
}

/// Where something is used that nobody declares, as far as can be told from a distance: a name that stands
/// anywhere without being used, as arguments do and what is taken out of an object, is taken for the
/// script's own.
pub(crate) fn unknown_uses(source: &str, name: &str) -> Vec<Range<usize>> {
    let found = words(source, name);
    let own = |at: &Range<usize>| {
        let behind = source[at.end..].trim_start();
        let used = behind.starts_with(['(', '.', '[']) || behind.starts_with("?.");
        !used || is_declared(source, at) || is_method(behind)
    };
    if found.iter().any(own) { Vec::new() } else { found }
}

fn is_declared(source: &str, at: &Range<usize>) -> bool {
    let before = source[..at.start].trim_end();
    ["const", "let", "var", "function", "class"].iter().any(|word| before.ends_with(word))
}

/// Whether what stands behind a name makes it a method: arguments, and a block.
fn is_method(behind: &str) -> bool {
    let mut depth = 0;
    for (at, c) in behind.char_indices().take_while(|(at, c)| *at > 0 || *c == '(') {
        depth += i32::from(c == '(') - i32::from(c == ')');
        if depth == 0 {
            return behind[at + 1..].trim_start().starts_with('{');
        }
    }
    false
}

/// The members of an object that something is assigned to, as in `context.ward = 1`.
pub(crate) fn set_members(source: &str, object: &str) -> Vec<String> {
    let member = |at: Range<usize>| {
        let rest = source[at.end..].trim_start().strip_prefix('.')?.trim_start();
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '$').unwrap_or(rest.len());
        let behind = rest[end..].trim_start();
        // `=`, `+=`, `||=` and their like assign; `==` and `=>` do not.
        let operator = behind.trim_start_matches(['+', '-', '*', '/', '%', '|', '&', '?', '^']);
        let assigns = operator.starts_with('=') && !operator.starts_with("==") && !operator.starts_with("=>");
        (assigns && end > 0).then(|| rest[..end].to_owned())
    };
    words(source, object).into_iter().filter_map(member).collect()
}

/// The texts that functions of an object, which the script does not declare itself, are called with first.
pub(crate) fn member_texts(source: &str, object: &str, members: &[&str]) -> Vec<(String, Range<usize>)> {
    let text = |at: Range<usize>| {
        let behind = source[at.end..].trim_start().strip_prefix('.')?.trim_start();
        let end = behind.find(|c: char| !c.is_alphanumeric()).unwrap_or(behind.len());
        let called = members.contains(&&behind[..end]);
        if called { argument(source, source.len() - behind.len() + end) } else { None }
    };
    uses(source, object).into_iter().filter_map(text).collect()
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

/// The text that is the first argument of a call behind `from`.
fn argument(source: &str, from: usize) -> Option<(String, Range<usize>)> {
    let open = from + source[from..].find(|c: char| !c.is_whitespace())?;
    let inside = source[open..].strip_prefix('(')?;
    let start = open + 1 + inside.find(|c: char| !c.is_whitespace())?;
    let quote = *source.as_bytes().get(start)?;
    if !matches!(quote, b'"' | b'\'' | b'`') {
        return None;
    }
    let end = skip_text(source.as_bytes(), start);
    let text = source.get(start + 1..end.checked_sub(1)?)?;
    // What is more than a text, such as "Lab" + number, is not written out.
    let behind = source[end..].trim_start();
    let is_whole = behind.starts_with(',') || behind.starts_with(')');
    let computed = text.contains('\\') || quote == b'`' && text.contains("${");
    (is_whole && !computed).then(|| (text.to_owned(), start + 1..end - 1))
}

/// Behind the text that begins at `at`.
fn skip_text(bytes: &[u8], at: usize) -> usize {
    let quote = bytes[at];
    let mut at = at + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            byte if byte == quote => return at + 1,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// Behind the regular expression that begins at `at`; behind the slash where it is none.
fn skip_regex(bytes: &[u8], at: usize) -> usize {
    let begin = at;
    let (mut at, mut in_class) = (at + 1, false);
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'\n' => break,
            b'[' => in_class = true,
            b']' => in_class = false,
            b'/' if !in_class => return at + 1,
            _ => {}
        }
        at += 1;
    }
    begin + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_that_are_assigned_to_are_found() {
        for (source, expected) in [
            ("context.ward = 1; context . n += 1; context.last ||= ''", "ward n last"),
            ("if (context.a == 1 || context.b === 2) f(context.c)", ""),
            ("// context.a = 1\nmy.context.b = 1; context.c", ""),
            ("context", ""),
        ] {
            assert_eq!(set_members(source, "context").join(" "), expected, "{source}");
        }
    }

    #[test]
    fn uses_are_told_from_what_has_the_same_name() {
        for (source, expected) in [
            ("send('A'); send ('B')", 2),
            ("sockets.list()", 1),
            ("const send = (x) => x; send(1)", 0),
            ("function answer() {} answer()", 0),
            ("msg.send(1); // send(1)\n'send(1)'; const o = { send: 1 }", 0),
        ] {
            let found: usize =
                ["send", "sockets", "answer"].iter().map(|name| uses(source, name).len()).sum();
            assert_eq!(found, expected, "{source}");
        }
    }

    #[test]
    fn texts_that_members_are_called_with_are_found() {
        for (source, expected) in [
            ("msg.get('PID:5.1'); msg . set ( \"PV1-2\", 'x')", "PID:5.1 PV1-2"),
            ("const msg = new Map(); msg.get('a:b')", ""),
            ("msg.other('PID:3'); obx.get('3:1'); // msg.get('PID:3')", ""),
            ("msg.get('PID:' + n); msg.get", ""),
        ] {
            let found = member_texts(source, "msg", &["get", "set"]);
            let texts: Vec<_> = found.iter().map(|(text, _)| text.as_str()).collect();
            assert_eq!(texts.join(" "), expected, "{source}");
        }
    }

    #[test]
    fn names_that_are_written_out_are_found() {
        for (source, expected) in [
            ("send('Lab')", "Lab"),
            ("send(\"A\"); send ( `B` , msg )", "A B"),
            ("send('A' + n); send(`A${n}`); send(name); resend('X'); x.send('Y')", ""),
            ("// send('A')\n/* send('B') */ send('C')", "C"),
            ("const s = \"send('A')\"; send('B')", "B"),
            ("if (/[/']\"/.test(x)) send('A')", "A"),
            ("a = b / c; send('A'); d = e / f", "A"),
            ("send", ""),
            ("send('é日')", "é日"),
            ("send('", ""),
        ] {
            let found = names(source, "send");
            let texts: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(texts.join(" "), expected, "{source}");
            assert!(found.iter().all(|(name, range)| source[range.clone()] == **name));
        }
    }
}
