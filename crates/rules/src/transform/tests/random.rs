//! Random messages and random transforms, each from a seed.

use hl7::schema::{Element, Structure};

use super::{ActionDef, CaseDef, Create, StepDef, TransformDef, ValueDef};

/// Random numbers. Says its seed where a test fails.
pub(super) struct Random {
    seed: u64,
    state: u64,
}

impl Random {
    pub(super) fn new(seed: u64) -> Random {
        Random { seed, state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) }
    }

    /// A number below `limit`.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        // SplitMix64.
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % limit.max(1) as u64) as usize
    }

    /// Whether something of that many in a hundred is.
    pub(super) fn is(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(super) fn of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len())]
    }

    fn several<T>(&mut self, most: usize, mut one: impl FnMut(&mut Random) -> T) -> Vec<T> {
        (0..self.below(most + 1)).map(|_| one(self)).collect()
    }
}

impl Drop for Random {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed {}", self.seed);
        }
    }
}

/// A message of a structure: of what is [`plain`] in it, and in its groups of segments that stand in none
/// else of it as well. Within its groups, segments of a site stand behind others.
pub(super) fn message(random: &mut Random, header: &str, structure: &Structure) -> String {
    let mut lines = vec![header.to_owned()];
    let top = structure.elements.iter().filter(|element| element.group.is_none());
    let top: Vec<&str> = top.map(|element| &*element.name).collect();
    plain(structure).for_each(|element| put(random, element, None, &mut lines, &top));
    lines.join("\r")
}

/// The groups of a structure, and the segments that stand nowhere else in it.
pub(super) fn plain(structure: &Structure) -> impl Iterator<Item = &Element> {
    let places = |id: &str| structure.elements.iter().map(|element| count(element, id)).sum::<usize>();
    let elements = structure.elements.iter();
    elements.filter(move |element| element.group.is_some() || places(&element.name) == 1)
}

/// How many places a segment has in an element.
fn count(element: &Element, id: &str) -> usize {
    match element.group {
        None => usize::from(*element.name == *id),
        Some(_) => element.elements().iter().map(|element| count(element, id)).sum(),
    }
}

/// What stands within a group is none of `top`.
fn put(
    random: &mut Random,
    element: &Element,
    group: Option<&Element>,
    lines: &mut Vec<String>,
    top: &[&str],
) {
    let is_elsewhere = group.is_some() && top.contains(&&*element.name);
    if *element.name == *"MSH" || is_elsewhere {
        return;
    }
    let most = element.max.map_or(3, usize::from).min(3);
    let least = usize::from(element.min).max(usize::from(random.is(40))).min(most);
    let count = least + if random.is(30) { random.below(most - least + 1) } else { 0 };
    for number in 1..=count {
        if element.group.is_none() {
            lines.push(format!("{}|{number}{}", element.name, fields(random)));
            if group.is_some() && random.is(12) {
                lines.push(format!("Z{}X|{number}{}", random.of(&["A", "B"]), fields(random)));
            }
        } else if element.is_choice() {
            let elements = element.elements();
            let chosen = random.below(elements.len());
            put(random, &elements[chosen], Some(element), lines, top);
        } else {
            let inner = element.elements().iter();
            inner.for_each(|inner| put(random, inner, Some(element), lines, top));
        }
    }
}

fn fields(random: &mut Random) -> String {
    const VALUES: [&str; 8] = ["", "", "a", "a^b", "x~y", "1&2^3~4", "\\T\\", "\"\""];
    random.several(6, |random| format!("|{}", random.of(&VALUES))).concat()
}

/// A message of segments in any order.
pub(super) fn jumble(random: &mut Random) -> String {
    let event = random.of(&["ORU^R01^ORU_R01", "ADT^A04", "ORM^O01", "", "ZZZ^Z99"]);
    let version = random.of(&["2.5.1", "2.3", "2.9", ""]);
    let line_end = random.of(&["\r", "\r", "\n", "\r\n"]);
    let mut lines = vec![format!("MSH|^~\\&|A|B|||2026||{event}|1|P|{version}")];
    lines.extend(random.several(12, |random| format!("{}{}", random.of(&IDS), fields(random))));
    lines.join(line_end) + random.of(&["", line_end])
}

const IDS: [&str; 9] = ["PID", "NK1", "PV1", "OBX", "OBX", "OBR", "NTE", "ORC", "ZAX"];
const GROUPS: [&str; 5] =
    ["ORDER_OBSERVATION", "PATIENT_RESULT", "PATIENT", "PATIENT_RESULT.ORDER_OBSERVATION", "OBXgrp"];
const INDEXES: [&str; 8] = ["", "", "", "[1]", "[2]", "[3]", "[-1]", "[*]"];

/// A path to a segment, field or part of one.
fn path(random: &mut Random) -> String {
    let group =
        if random.is(15) { format!("{}{}.", random.of(&GROUPS), random.of(&INDEXES)) } else { String::new() };
    let mut path = format!("{group}{}{}", random.of(&IDS), random.of(&INDEXES));
    if random.is(80) {
        path += &format!("-{}{}", 1 + random.below(7), random.of(&INDEXES));
        if random.is(40) {
            path += &format!(".{}", 1 + random.below(3));
            path += random.of(&["", "", ".1", ".2"]);
        }
    }
    path
}

fn expression(random: &mut Random) -> String {
    let path = path(random);
    match random.below(9) {
        0 => format!("target.{path}"),
        1 => format!("upper({path}) + \"x|^~&\\\\\""),
        2 => format!("lookup(\"codes\", {path}, \"none\")"),
        3 => "null".to_owned(),
        4 => format!("{}.count", random.of(&["OBX", "PID-3", "ORDER_OBSERVATION"])),
        5 => format!("\"{}\"", random.of(&["", "a", "NTE|1"])),
        _ => path,
    }
}

fn condition(random: &mut Random) -> String {
    match random.below(5) {
        0 => "true".to_owned(),
        1 => format!("exists({})", path(random)),
        _ => format!("{} = \"{}\"", expression(random), random.of(&["", "1", "a"])),
    }
}

fn put_step(random: &mut Random) -> ActionDef {
    let (path, value) = if random.is(20) {
        let group = |random: &mut Random| format!("{}{}", random.of(&GROUPS), random.of(&INDEXES));
        (group(random), ValueDef::From(group(random)))
    } else if random.is(15) {
        let (id, index) = (random.of(&IDS), random.of(&INDEXES));
        let value = ValueDef::From(format!("{id}{}", random.of(&INDEXES)));
        (format!("{id}{index}"), if random.is(50) { ValueDef::Text(format!("{id}|7|new")) } else { value })
    } else if random.is(50) {
        (path(random), ValueDef::From(expression(random)))
    } else {
        (path(random), ValueDef::Text(random.of(&["", "x", "x^y", "p~q", "\"\"", "NTE|1"]).to_owned()))
    };
    match random.below(4) {
        0 => ActionDef::Append { path, value },
        1 => ActionDef::Insert { path, value },
        _ => ActionDef::Set { path, value },
    }
}

fn step(random: &mut Random, depth: usize) -> StepDef {
    let steps = |random: &mut Random| random.several(3, |random| step(random, depth + 1));
    let action = match random.below(if depth < 3 { 14 } else { 8 }) {
        0 => ActionDef::Remove { path: path(random) },
        1 => ActionDef::Remove { path: format!("{}{}", random.of(&GROUPS), random.of(&INDEXES)) },
        2 => ActionDef::Clear { path: path(random) },
        3..=7 => put_step(random),
        8 => ActionDef::If { condition: condition(random), then: steps(random), otherwise: steps(random) },
        9 => {
            let cases = random.several(3, |random| (random.of(&["", "1", "a"]).to_owned(), steps(random)));
            ActionDef::Switch { value: expression(random), cases, default: steps(random) }
        }
        10 => {
            let case = |random: &mut Random| CaseDef { when: condition(random), steps: steps(random) };
            ActionDef::Choose { cases: random.several(3, case), default: steps(random) }
        }
        11 if depth == 0 => ActionDef::Use { name: "other".to_owned() },
        _ => {
            let each = match random.below(3) {
                0 => random.of(&IDS).to_owned(),
                1 => random.of(&GROUPS).to_owned(),
                _ => format!("{}-{}", random.of(&IDS), 1 + random.below(4)),
            };
            ActionDef::ForEach { each, steps: steps(random) }
        }
    };
    action.into()
}

/// A transform, and one that it may use.
pub(super) fn transforms(random: &mut Random) -> [TransformDef; 2] {
    let doc_type = |random: &mut Random| {
        let known = random.of(&[
            "",
            "2.5.1",
            "2.5.1:ORU_R01",
            "2.5.1",
            "2.5.1:ORU_R01",
            "2.3:ORU_R01",
            "2.5.1:ADT_A01",
        ]);
        (!known.is_empty()).then(|| known.to_owned())
    };
    let mut one = |name: &str, depth: usize| TransformDef {
        source: doc_type(random),
        target: doc_type(random),
        create: if random.is(70) { Create::Copy } else { Create::New },
        ignore_missing_source: random.is(80),
        // Steps that are wrong are left out, and the others are done.
        steps: random.several(6, |random| step(random, depth)),
        ..TransformDef::named(name)
    };
    [one("other", 1), one("t", 0)]
}
