//! Names that scripts of other engines, of pages and of Node have, and scripts here have not: each with
//! what to write for it.

use std::ops::Range;

use rules::ExprError;

use crate::calls;
use crate::program::Purpose;

const LOG: &str = "write log.info(text), log.warning(text) or log.error(text)";
const ALONE: &str = "a script stands alone: write the function out in it";
const OUTSIDE: &str =
    "a script reaches nothing outside: send(\"Item\") to an operation, or use the steps of a flow";
const TIME: &str = "a script does not wait: use the step delay of a flow";
const PAGE: &str = "a script runs in no page";
const VARIABLES: &str =
    "in a flow, context keeps values for later steps; lookup(\"table\", key) asks a table";

/// What is no part of a script, with what to do about it.
const STRANGERS: [(&str, &str); 21] = [
    ("console", LOG),
    ("logger", LOG),
    ("require", ALONE),
    ("module", ALONE),
    ("exports", ALONE),
    ("fetch", OUTSIDE),
    ("XMLHttpRequest", OUTSIDE),
    ("Packages", OUTSIDE),
    ("java", OUTSIDE),
    ("setTimeout", TIME),
    ("setInterval", TIME),
    ("process", "a script sees no process; its message has facts in context, as in context.source"),
    ("Buffer", "texts are texts here: msg.text() is the message"),
    ("window", PAGE),
    ("document", PAGE),
    ("channelMap", VARIABLES),
    ("globalMap", VARIABLES),
    ("connectorMap", VARIABLES),
    ("sourceMap", VARIABLES),
    ("responseMap", VARIABLES),
    ("tmp", "change the message itself: msg.set(\"PID-5.1\", value); in a transform, target.set"),
];

/// Where the script uses such names, and segments as others do, as in `msg['PID']`.
pub(crate) fn found(source: &str, purpose: Purpose) -> impl Iterator<Item = ExprError> + '_ {
    let named = STRANGERS.into_iter().flat_map(move |(name, help)| {
        // Once each: what is wrong with the first is wrong with all.
        let range = calls::unknown_uses(source, name).into_iter().next()?;
        let message = format!("there is no \"{name}\" in a script");
        Some(ExprError { range, message, help: Some(help.to_owned()) })
    });
    named.chain(["msg", "source", "target"].into_iter().filter_map(move |name| {
        let (range, path) = calls::uses(source, name).into_iter().find_map(|at| segment(source, at))?;
        let object = if name == "msg" && purpose == Purpose::Transform { "source" } else { name };
        let message = format!("{name} holds no segments by name; its values are read by path");
        let help = format!("write {object}.get(\"{path}\"), or {object}.set(\"{path}\", value)");
        Some(ExprError { range, message, help: Some(help) })
    }))
}

/// The bytes of `msg['PID']['PID.5']['PID.5.1']`, whose beginning is at `at`, and the path that is meant.
fn segment(source: &str, at: Range<usize>) -> Option<(Range<usize>, String)> {
    let (mut end, mut last) = (at.end, None);
    while let Some((text, behind)) = index(source, end) {
        let id = text.split('.').next().unwrap_or_default();
        let is_segment = id.len() == 3 && id.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
        if !is_segment {
            break;
        }
        (end, last) = (behind, Some(text));
    }
    let path = last?.replacen('.', "-", 1);
    let path = if path.contains('-') { path } else { format!("{path}-1") };
    path.parse::<hl7::Path>().is_ok().then_some((at.start..end, path))
}

/// The text of `['PID']` at `from`, and what is behind it.
fn index(source: &str, from: usize) -> Option<(&str, usize)> {
    let inside = source[from..].strip_prefix('[')?;
    let quote = inside.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let end = inside[1..].find(quote)?;
    inside[end + 2..].starts_with(']').then(|| (&inside[1..=end], from + end + 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(source: &str) -> String {
        let found: Vec<_> = found(source, Purpose::Message).map(|error| &source[error.range]).collect();
        found.join(" ")
    }

    #[test]
    fn names_of_other_places_are_told_where_they_are_used() {
        for (source, expected) in [
            ("console.log(1); console.log(2)", "console"),
            ("logger.info('x'); fetch('http://x'); new XMLHttpRequest()", "logger fetch XMLHttpRequest"),
            ("const fs = require('fs'); module.exports = 1", "require module"),
            ("setTimeout(() => {}, 5); tmp['PID']; channelMap.put('a', 1)", "setTimeout channelMap tmp"),
            ("process?.env; Buffer.from(''); window.x; document.y", "process Buffer window document"),
        ] {
            assert_eq!(marked(source), expected, "{source}");
        }
    }

    #[test]
    fn what_a_script_declares_itself_is_its_own() {
        for source in [
            "const console = { log() {} }; console.log(1)",
            "let a, tmp; tmp = {}; tmp.a = 1",
            "const { process } = context; process.x",
            "msg.segments('OBX').map((tmp) => tmp.id)",
            "const f = document => document.x; f(1)",
            "function go(module, fetch) { return fetch(module.a) }",
            "class Client { fetch(url) { return url } }",
            "const o = { async require(a) { return (a) } }; o.require(1)",
            "if (typeof console !== 'undefined') console.log(1)",
            "for (const process of []) process.x",
            "try { x() } catch (window) { window.y }",
            "import_console.log; o.fetch(1); // console.log(1)\n'console.log(1)'",
        ] {
            assert_eq!(marked(source), "", "{source}");
        }
    }

    #[test]
    fn segments_by_name_are_told_with_the_path() {
        let told = |source: &str| {
            let one = found(source, Purpose::Message).next();
            one.map(|error| (source[error.range].to_owned(), error.help.unwrap_or_default()))
        };
        let (marked, help) = told("const a = msg['PID']['PID.5']['PID.5.1'].toString()").expect("a finding");
        assert_eq!(marked, "msg['PID']['PID.5']['PID.5.1']");
        assert_eq!(help, "write msg.get(\"PID-5.1\"), or msg.set(\"PID-5.1\", value)");
        assert!(told("msg[\"PV1\"]").expect("a finding").1.contains("msg.get(\"PV1-1\")"));
        for own in ["const msg = {}; msg['PID']", "msg['text']()", "msg[name]", "msg['get']('PID-3')"] {
            assert_eq!(told(own), None, "{own}");
        }
    }
}
