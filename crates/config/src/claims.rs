//! What two items cannot both have: a port, the files of a folder.

use model::Claim;

use crate::finding::{Findings, Level};
use crate::items::Item;
use crate::source::{Place, Sources};

/// One claim of one item.
struct Claimed<'a> {
    item: &'a Item<'a>,
    place: &'a Place,
    claim: &'a Claim,
}

/// Finds claims that exclude each other. Items that are not enabled want nothing.
pub(crate) fn check(items: &[Item<'_>], sources: &Sources, findings: &mut Findings) {
    let enabled = items.iter().filter(|item| item.keys.enabled);
    let all: Vec<Claimed<'_>> = enabled
        .flat_map(|item| item.claims.iter().map(move |(place, claim)| Claimed { item, place, claim }))
        .collect();
    for (index, second) in all.iter().enumerate() {
        for first in &all[..index] {
            if let Some((level, why)) = clash(first.claim, second.claim) {
                let (file, line, ..) = sources.locate(first.place);
                let message = format!("{why} as item \"{}\" does, in {file} line {line}", first.item.name);
                findings.add(level, second.place, Some(second.item.name), message);
                break;
            }
        }
        for writer in &all {
            written_and_taken(items, second, writer, findings);
        }
    }
}

/// Why two claims exclude each other: a sentence about the second that goes on with "as … does".
fn clash(first: &Claim, second: &Claim) -> Option<(Level, String)> {
    match (first, second) {
        (Claim::Listen(first, first_path), Claim::Listen(second, second_path)) => {
            let (one, other) = (address(first), address(second));
            if one.1 != other.1 || one.1 == "0" {
                return None;
            }
            if one.0 == other.0 {
                let alone = first_path.is_empty() || second_path.is_empty();
                let what = if alone {
                    format!("listens on {second}")
                } else {
                    format!("listens on {second} under \"{second_path}\"")
                };
                return (alone || path(first_path) == path(second_path)).then_some((Level::Error, what));
            }
            let any = |host: &str| host == "0.0.0.0" || host == "[::]";
            (any(&one.0) || any(&other.0))
                .then(|| (Level::Error, format!("listens on port {}, under another address,", one.1)))
        }
        (Claim::TakeFrom(first, first_files), Claim::TakeFrom(second, second_files)) => {
            let same = folder(first) == folder(second) && overlap(first_files, second_files);
            same.then(|| (Level::Error, format!("takes \"{second_files}\" from the folder \"{second}\"")))
        }
        _ => None,
    }
}

/// A folder that one item takes from and another, or the same, writes to.
fn written_and_taken(items: &[Item<'_>], taker: &Claimed<'_>, writer: &Claimed<'_>, findings: &mut Findings) {
    let (Claim::TakeFrom(from, files), Claim::WriteTo(to)) = (taker.claim, writer.claim) else { return };
    if folder(from) != folder(to) || !reaches(items, taker.item, writer.item.name) {
        return;
    }
    let itself = taker.item.name == writer.item.name;
    let level =
        if itself || ["*", "*.*", ""].contains(&files.as_str()) { Level::Error } else { Level::Warning };
    let message = match itself {
        true => format!(
            "writes into the folder \"{to}\" that it takes files from: they would come round for ever"
        ),
        false => format!(
            "writes into the folder \"{to}\", from which item \"{}\" takes \"{files}\" and sends here: files would come round for ever",
            taker.item.name,
        ),
    };
    findings.add(level, writer.place, Some(writer.item.name), message);
}

/// Whether messages of `from` may come to the item `to`.
fn reaches(items: &[Item<'_>], from: &Item<'_>, to: &str) -> bool {
    let mut found = vec![from.name];
    let mut next = 0;
    while let Some(name) = found.get(next).copied() {
        next += 1;
        let Some(item) = items.iter().find(|item| item.name == name) else { continue };
        for link in item.links.iter().filter(|link| link.component.is_none()) {
            let known = items.iter().find(|item| item.name == link.to);
            if let Some(target) = known.filter(|target| !found.contains(&target.name)) {
                found.push(target.name);
            }
        }
    }
    found.contains(&to)
}

/// Host and port of an address, with the names of this machine made one.
fn address(text: &str) -> (String, &str) {
    let (host, port) = text.rsplit_once(':').unwrap_or((text, ""));
    let host = host.to_ascii_lowercase();
    let host = if host == "localhost" || host == "[::1]" { "127.0.0.1".to_owned() } else { host };
    (host, port)
}

fn path(text: &str) -> &str {
    text.trim_end_matches('/')
}

/// A folder without the ways of writing it: `./in/` and `a/../in` are `in`.
fn folder(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    if text.starts_with('/') {
        parts.push("/");
    }
    for part in text.split('/').filter(|part| !part.is_empty() && *part != ".") {
        match (part, parts.last()) {
            ("..", Some(&last)) if last != ".." && last != "/" => drop(parts.pop()),
            ("..", Some(&"/")) => {}
            _ => parts.push(part),
        }
    }
    parts
}

/// Whether a file can match both patterns; each may be several, with `;` between them.
fn overlap(first: &str, second: &str) -> bool {
    let every = |text: &str| text.split(';').map(|one| tokens(one.trim())).collect::<Vec<_>>();
    every(first).iter().any(|one| every(second).iter().any(|other| meet(one, other)))
}

/// A part of a file pattern.
#[derive(Clone, Copy, PartialEq)]
enum Token {
    /// `*`: any letters.
    Many,
    /// `?`, or a class in brackets, which is taken as any letter.
    Any,
    One(char),
}

fn tokens(pattern: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = if pattern.is_empty() { "*" } else { pattern };
    while let Some(letter) = rest.chars().next() {
        let class = rest.strip_prefix('[').and_then(|inner| inner.find(']')).map(|end| end + 2);
        rest = &rest[class.unwrap_or(letter.len_utf8())..];
        tokens.push(match letter {
            '*' => Token::Many,
            '?' => Token::Any,
            _ if class.is_some() => Token::Any,
            _ => Token::One(letter),
        });
    }
    tokens
}

/// Whether some name matches both: for each pair of beginnings, whether one name can match them.
fn meet(first: &[Token], second: &[Token]) -> bool {
    let mut row = vec![false; second.len() + 1];
    for i in 0..=first.len() {
        let above = std::mem::replace(&mut row, vec![false; second.len() + 1]);
        for j in 0..=second.len() {
            let one = i.checked_sub(1).map(|i| first[i]);
            let other = j.checked_sub(1).map(|j| second[j]);
            row[j] = match (one, other) {
                (None, None) => true,
                (Some(Token::Many), _) if above[j] => true,
                (_, Some(Token::Many)) if row[j - 1] => true,
                (Some(Token::Many), Some(_)) => row[j - 1],
                (Some(_), Some(Token::Many)) => above[j],
                (Some(one), Some(other)) => {
                    above[j - 1] && (one == Token::Any || other == Token::Any || one == other)
                }
                _ => false,
            };
        }
    }
    row[second.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_compared_by_where_they_are() {
        for (one, other, same) in [
            ("in", "./in/", true),
            ("in", "a/../in", true),
            ("in", "in/sub", false),
            ("/data/in", "/data//./in", true),
            ("/in", "in", false),
            ("../in", "in", false),
        ] {
            assert_eq!(folder(one) == folder(other), same, "{one} {other}");
        }
    }

    #[test]
    fn patterns_overlap_when_a_name_fits_both() {
        for (one, other, both) in [
            ("*.hl7", "*.hl7", true),
            ("*.hl7", "*.txt", false),
            ("*.hl7;*.dat", "x*.dat", true),
            ("adt*.hl7", "*2026*", true),
            ("adt*", "oru*", false),
            ("*", "x.y", true),
            ("", "x", true),
            ("a?c", "abc", true),
            ("a?c", "ab", false),
            ("[ab]*.x", "a.x", true),
        ] {
            assert_eq!(overlap(one, other), both, "{one} {other}");
            assert_eq!(overlap(other, one), both, "{other} {one}");
        }
    }

    #[test]
    fn one_address_is_shared_under_several_paths_alone() {
        let listen = |address: &str, path: &str| Claim::Listen(address.to_owned(), path.to_owned());
        let clashes = |one: &Claim, other: &Claim| clash(one, other).is_some();
        let one = listen("127.0.0.1:1", "/a");
        for (other, wanted) in [
            (listen("localhost:1", "/a/"), true),
            (listen("127.0.0.1:1", "/b"), false),
            (listen("127.0.0.1:1", ""), true),
            (listen("127.0.0.1:2", "/a"), false),
            (listen("0.0.0.0:1", "/b"), true),
            (listen("10.0.0.1:1", "/a"), false),
        ] {
            assert_eq!(clashes(&one, &other), wanted, "{other:?}");
        }
        let any = listen("127.0.0.1:0", "/a");
        assert!(!clashes(&any, &any), "port 0 is any free one");
    }
}
