//! What a production defines and nothing of it uses. It is looked for in every text of the production, scripts
//! among them, so that what is told is so; what may be used in a way that cannot be seen is not told.

use crate::finding::Findings;
use crate::keys::{CONNECTIONS, RULES, SCHEDULES, SECTIONS, TABLES, TRANSFORMS};
use crate::source::FileId;
use crate::tree::{Entry, Kind, Node};

/// So many of one kind are told one by one.
const MOST: usize = 3;
/// Keys whose texts use nothing: they are for people.
const FOR_PEOPLE: [&str; 4] = ["comment", "description", "category", "name"];

/// Something that can be defined.
struct Defined {
    /// The key of the production that it stands under.
    key: &'static str,
    one: &'static str,
    several: &'static str,
    used: fn(&str, &str) -> bool,
}

/// Schemas are not among them: messages name them, in MSH-12.
const ALL: [Defined; 5] = [
    Defined { key: TABLES.0, one: "lookup table", several: "lookup tables", used: is_looked_up },
    Defined { key: SCHEDULES.0, one: "schedule", several: "schedules", used: is_scheduled },
    Defined { key: TRANSFORMS.0, one: "transform", several: "transforms", used: is_named },
    Defined { key: CONNECTIONS.0, one: "connection", several: "connections", used: is_named },
    Defined { key: RULES.0, one: "set of rules", several: "sets of rules", used: is_named },
];

/// A text of the production.
struct Text<'a> {
    /// The key of the production that it stands under, and the key there.
    owner: [&'a str; 2],
    text: &'a str,
}

/// Says what is used nowhere. A file that is included and holds no item is a library: what it defines may be
/// used by others.
pub(crate) fn check(root: &Node, findings: &mut Findings) {
    let mut texts = Vec::new();
    // What stands in tables is data.
    for entry in root.entries().iter().filter(|entry| entry.key != TABLES.0) {
        gather(&entry.value, [&entry.key, ""], "", &mut texts);
    }
    let items = || SECTIONS.iter().filter_map(|section| root.get(section.key)).flat_map(Node::entries);
    let is_library =
        |file: FileId| file != root.place.file && items().all(|item| item.key_place.file != file);
    for defined in &ALL {
        let entries = root.get(defined.key).map(Node::entries).unwrap_or_default();
        let unused: Vec<&Entry> = entries
            .iter()
            .filter(|entry| !is_library(entry.key_place.file))
            .filter(|entry| {
                let own = [defined.key, entry.key.as_str()];
                let elsewhere = texts.iter().filter(|text| text.owner != own);
                !elsewhere.map(|text| text.text).any(|text| (defined.used)(text, &entry.key))
            })
            .collect();
        tell(defined, &unused, findings);
    }
}

fn tell(defined: &Defined, unused: &[&Entry], findings: &mut Findings) {
    let help = "take it away; what is kept for other productions stands in an included file without items";
    let told = if unused.len() > MOST { 1 } else { unused.len() };
    for entry in &unused[..told] {
        let message = match unused.len() - told {
            0 => format!("{} \"{}\" is used nowhere in this production", defined.one, entry.key),
            more => format!(
                "{} \"{}\" and {more} other {} are used nowhere in this production",
                defined.one, entry.key, defined.several
            ),
        };
        findings.warning(&entry.key_place, None, message).help(Some(help.to_owned()));
    }
}

/// All texts below a node.
fn gather<'a>(node: &'a Node, owner: [&'a str; 2], key: &str, texts: &mut Vec<Text<'a>>) {
    match &node.kind {
        Kind::Map(entries) => {
            for entry in entries {
                let is_name = owner[1].is_empty();
                let owner = [owner[0], if is_name { &entry.key } else { owner[1] }];
                // What a key names is used as well.
                texts.extend((!is_name).then_some(Text { owner, text: &entry.key }));
                gather(&entry.value, owner, &entry.key, texts);
            }
        }
        Kind::List(nodes) => nodes.iter().for_each(|node| gather(node, owner, key, texts)),
        Kind::Scalar(_) if FOR_PEOPLE.contains(&key) => {}
        Kind::Scalar(_) => texts.extend(node.text().map(|text| Text { owner, text })),
    }
}

fn is_looked_up(text: &str, name: &str) -> bool {
    is_called(text, "lookup", name) || is_called(text, "exists", name) || is_selected(text, name)
}

/// Whether a statement in SQL may ask the table of that name.
fn is_selected(text: &str, name: &str) -> bool {
    let (text, name) = (text.to_lowercase(), name.to_lowercase());
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let stands = |(at, _): (usize, &str)| {
        !text[..at].ends_with(is_word) && !text[at + name.len()..].starts_with(is_word)
    };
    text.contains("select") && text.match_indices(name.as_str()).any(stands)
}

fn is_scheduled(text: &str, name: &str) -> bool {
    is_called(text, "schedule", name)
}

/// Whether a function is called with that name in quotes; or, as scripts can, with one that is not written out.
fn is_called(text: &str, function: &str, name: &str) -> bool {
    text.match_indices(function).any(|(at, _)| {
        let Some(first) = text[at + function.len()..].trim_start().strip_prefix('(') else { return false };
        let first = first.trim_start();
        let written_out = ['"', '\'', '`'].into_iter().find_map(|quote| {
            let (found, behind) = first.strip_prefix(quote)?.split_once(quote)?;
            let is_all = behind.trim_start().starts_with([',', ')']);
            (is_all && !(quote == '`' && found.contains("${"))).then_some(found)
        });
        written_out.is_none_or(|found| found == name)
    })
}

/// Whether the text is the name, one of a list of names, or code that has the name in quotes.
fn is_named(text: &str, name: &str) -> bool {
    let is_listed = || text.split(',').any(|part| part.trim() == name);
    let is_quoted = || ['"', '\'', '`'].iter().any(|quote| text.contains(&format!("{quote}{name}{quote}")));
    is_listed() || is_quoted()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_are_seen_as_they_are_written() {
        for (text, used) in [
            ("lookup(\"wards\", PV1-3) = \"x\"", true),
            ("not exists( 'wards', msg.get(\"PV1-3\"))", true),
            ("lookup (`wards`)", true),
            ("lookup(\"ward\", \"wards\")", false),
            ("lookup(\"wards2\", x)", false),
            ("wards", false),
            // Which one it is, the script knows.
            ("lookup(table, key)", true),
            ("lookup(`w${kind}`, key)", true),
            ("lookup(\"w\" + kind, key)", true),
            ("SELECT value FROM Wards WHERE key = :k", true),
            ("select value from my_wards", false),
        ] {
            assert_eq!(is_looked_up(text, "wards"), used, "{text}");
        }
        for (text, used) in
            [("A", true), ("B, A", true), ("apply('A')", true), ("AB", false), ("an A", false)]
        {
            assert_eq!(is_named(text, "A"), used, "{text}");
        }
    }
}
