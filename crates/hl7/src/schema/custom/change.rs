//! Changes of a structure: finding the place that one names, and putting something there.

use super::Change;
use crate::schema::parts::Element;
use crate::schema::{Text, TextError, syntax};
use crate::suggest::nearest;

/// What a change says is to be done, with the words of it that say so.
pub(super) enum Deed<'a> {
    /// No more than naming the structure that is changed.
    Nothing,
    Put {
        at: &'a str,
        key: &'static str,
        what: &'a str,
        before: bool,
    },
    Remove(&'a str),
    Replace {
        at: &'a str,
        with: &'a str,
    },
}

/// A key of the change with what is wrong there.
pub(super) type Wrong = (&'static str, TextError);

impl Change {
    /// What is to be done, where the change says one thing.
    pub(super) fn deed(&self) -> Result<Deed<'_>, String> {
        let Change { after, before, remove, replace, add, with, like } = self;
        let texts = [after, before, remove, replace, add, with].map(Option::as_deref);
        match texts {
            [Some(at), None, None, None, Some(what), None] => {
                Ok(Deed::Put { at, key: "after", what, before: false })
            }
            [None, Some(at), None, None, Some(what), None] => {
                Ok(Deed::Put { at, key: "before", what, before: true })
            }
            [None, None, Some(at), None, None, None] => Ok(Deed::Remove(at)),
            [None, None, None, Some(at), None, Some(with)] => Ok(Deed::Replace { at, with }),
            [None, None, None, None, None, None] if like.is_some() => Ok(Deed::Nothing),
            _ => {
                let names = ["after", "before", "remove", "replace", "add", "with"];
                let said = names.iter().zip(texts).filter(|(_, text)| text.is_some());
                let said: Vec<&str> = said.map(|(name, _)| *name).collect();
                Err(if said.is_empty() { "no key".to_owned() } else { said.join(" and ") })
            }
        }
    }
}

/// Changes the elements; what is put there is handed to `check` first.
pub(super) fn apply(
    elements: &mut Vec<Element>,
    deed: &Deed<'_>,
    check: &mut dyn FnMut(&'static str, &str, &[Element]),
) -> Result<(), Vec<Wrong>> {
    let (key, at, text) = match deed {
        Deed::Nothing => return Ok(()),
        Deed::Put { at, key, what, .. } => (*key, *at, Some(("add", *what))),
        Deed::Remove(at) => ("remove", *at, None),
        Deed::Replace { at, with } => ("replace", *at, Some(("with", *with))),
    };
    let mut wrong: Vec<Wrong> = Vec::new();
    let added = match text.map(|(key, text)| (key, text, syntax::read(text, &|name| name.into()))) {
        None => Vec::new(),
        Some((key, text, Ok(added))) => {
            check(key, text, &added);
            added
        }
        Some((key, _, Err(error))) => {
            wrong.push((key, error));
            Vec::new()
        }
    };
    let place = find(elements, at).map_err(|error| wrong.push((key, error)));
    let Ok(place) = place else { return Err(wrong) };
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let Some((index, groups)) = place.split_last() else { return Ok(()) };
    let Some(list) = list_at(elements, groups) else { return Ok(()) };
    let range = match deed {
        Deed::Put { before: true, .. } => *index..*index,
        Deed::Put { .. } => index + 1..index + 1,
        _ => *index..index + 1,
    };
    if list.len() == range.len() && added.is_empty() {
        let message = format!("\"{at}\" is the only one in its group");
        return Err(vec![(key, TextError::new(0..at.len(), message).help("remove the group"))]);
    }
    list.splice(range, added);
    Ok(())
}

/// The elements of the group that indexes lead to.
fn list_at<'a>(elements: &'a mut Vec<Element>, groups: &[usize]) -> Option<&'a mut Vec<Element>> {
    let [first, rest @ ..] = groups else { return Some(elements) };
    list_at(&mut elements.get_mut(*first)?.group.as_mut()?.elements, rest)
}

/// An element with where it is.
struct Candidate {
    /// The index in each list on the way to it.
    place: Vec<usize>,
    /// The names of the groups that it is in, and its own.
    names: Vec<Text>,
}

/// The element that a place such as `PID`, `PATIENT.NTE` or `ROL[2]` names: the indexes that lead to it.
fn find(elements: &[Element], text: &str) -> Result<Vec<usize>, TextError> {
    let (names, number) = read_place(text)?;
    let mut all = Vec::new();
    collect(elements, &mut Vec::new(), &mut Vec::new(), &mut all);
    let fits = |candidate: &&Candidate| {
        candidate.names.len() >= names.len()
            && candidate.names.iter().rev().zip(names.iter().rev()).all(|(found, wanted)| *found == **wanted)
    };
    let found: Vec<&Candidate> = all.iter().filter(fits).collect();
    let whole = 0..text.len();
    match (found.as_slice(), number) {
        ([], _) => {
            let bare = names.join(".");
            let mut error = TextError::new(whole, format!("the structure has no \"{bare}\""));
            let known = all.iter().flat_map(|candidate| candidate.names.last()).map(Text::as_str);
            let last = names.last().copied().unwrap_or_default();
            error.help = nearest(last, known)
                .filter(|near| *near != last)
                .map(|near| format!("did you mean \"{near}\"?"));
            Err(error)
        }
        ([only], None) => Ok(only.place.clone()),
        (several, None) => {
            Err(TextError::new(whole, format!("\"{text}\" stands at {} places", several.len()))
                .help(format!("name one of them: {}", distinct(several).join(", "))))
        }
        (found, Some((number, range))) => match number.checked_sub(1).and_then(|at| found.get(at)) {
            Some(candidate) => Ok(candidate.place.clone()),
            None => {
                let message = format!("the number is {number}; expected 1 to {}", found.len());
                Err(TextError::new(range, message))
            }
        },
    }
}

/// A name for each of several elements that is its own.
fn distinct(several: &[&Candidate]) -> Vec<String> {
    let whole: Vec<String> = several.iter().map(|candidate| candidate.names.join(".")).collect();
    let name = |(at, name): (usize, &String)| {
        // A shorter name that others end with as well would stand for them too.
        let others =
            whole.iter().filter(|other| *other == name || other.ends_with(&format!(".{name}"))).count();
        let before =
            whole[..at].iter().filter(|other| *other == name || other.ends_with(&format!(".{name}")));
        if others > 1 { format!("{name}[{}]", before.count() + 1) } else { name.clone() }
    };
    whole.iter().enumerate().map(name).collect()
}

type Number = Option<(usize, std::ops::Range<usize>)>;

/// The names of a place and its number.
fn read_place(text: &str) -> Result<(Vec<&str>, Number), TextError> {
    let (names, number) = match text.split_once('[') {
        None => (text, None),
        Some((names, rest)) => {
            let number = rest.strip_suffix(']').unwrap_or(rest);
            let range = names.len() + 1..names.len() + 1 + number.len();
            let Ok(read) = number.parse() else {
                let message = format!("found \"{number}\", expected a number as in \"ROL[2]\"");
                return Err(TextError::new(range, message));
            };
            (names, Some((read, range)))
        }
    };
    if names.is_empty() {
        return Err(TextError::new(
            0..text.len(),
            "found no name, expected a segment or group as in \"PID\"",
        ));
    }
    Ok((names.split('.').collect(), number))
}

fn collect(elements: &[Element], place: &mut Vec<usize>, names: &mut Vec<Text>, all: &mut Vec<Candidate>) {
    for (at, element) in elements.iter().enumerate() {
        place.push(at);
        names.push(element.name.clone());
        all.push(Candidate { place: place.clone(), names: names.clone() });
        collect(element.elements(), place, names, all);
        place.pop();
        names.pop();
    }
}
