//! Whatever the messages and the steps: nothing panics, what no step is about stays byte for byte, and what
//! is made can be read again.

use std::collections::BTreeSet;

use hl7::Message;
use hl7::schema::{ANY_SEGMENT, Element, Schemas, Structure};

use super::random::{Random, jumble, message, plain, transforms};
use super::*;
use crate::{LookupTable, LookupTables, Scope};

fn raw(message: &Message) -> Vec<String> {
    message.segments().map(|own| own.raw().to_owned()).collect()
}

/// All names of groups, at any depth, and ids of segments.
fn names<'e>(elements: &'e [Element], groups: &mut Vec<&'e str>) {
    for element in elements.iter().filter(|element| element.group.is_some()) {
        groups.push(&element.name);
        names(element.elements(), groups);
    }
}

/// Steps that take all of a structure over; none where its groups have no names of their own.
fn all_of(structure: &Structure) -> Option<Vec<StepDef>> {
    let mut groups = Vec::new();
    names(&structure.elements, &mut groups);
    let all: BTreeSet<&str> = groups.iter().copied().collect();
    if all.len() < groups.len() || all.contains("") || structure.has_segment(ANY_SEGMENT) {
        return None;
    }
    let step = |element: &Element| from(&format!("{}[*]", element.name), &format!("{}[*]", element.name));
    Some(plain(structure).filter(|element| *element.name != *"MSH").map(step).collect())
}

#[test]
fn copies_of_all_groups_give_the_source_back() {
    let schemas = Schemas::default();
    let all: Vec<_> = schemas.names().filter_map(|name| schemas.get(name)).collect();
    let mut done = 0;
    for seed in 0..600 {
        let mut random = Random::new(seed);
        let schema = &all[random.below(all.len())];
        let structures: Vec<&Structure> = schema.structures().collect();
        let structure = structures[random.below(structures.len())];
        let Some(steps) = all_of(structure).filter(|steps| !steps.is_empty()) else { continue };
        let (code, event) = structure.id.split_once('_').unwrap_or((&structure.id, ""));
        let doc_type = format!("{}:{}", schema.name(), structure.id);
        let header = format!("MSH|^~\\&|A|B|||2026||{code}^{event}^{}|1|P|{}", structure.id, schema.name());
        let source = read(&message(&mut random, &header, structure));
        let def = TransformDef {
            source: Some(doc_type.clone()),
            create: Create::New,
            steps,
            ..TransformDef::named("t")
        };
        let (compiled, findings) = Transforms::compile(&[def], &schemas, &Scope::default());
        let errors: Vec<_> = findings.iter().filter(|finding| finding.is_error).collect();
        assert!(errors.is_empty(), "{doc_type}: {errors:?}");
        let made = compiled.get("t").unwrap().apply(&source, &Facts::default()).unwrap();
        assert_eq!(raw(&made)[1..], raw(&source)[1..], "{doc_type}");
        done += 1;
    }
    assert!(done > 300, "only {done} of the structures had groups with names of their own");
}

/// The id of the segment that a path leads to; none for a group.
fn id_of(path: &str) -> Option<String> {
    let part = path.rsplit('.').find(|part| part.starts_with(|first: char| first.is_ascii_uppercase()))?;
    let id = part.split(['-', '[']).next()?;
    (id.len() == 3).then(|| id.to_owned())
}

/// The ids of the segments that steps may change; none where they may change any.
fn touched(steps: &[StepDef], into: &mut BTreeSet<String>) -> Option<()> {
    for step in steps {
        match &step.action {
            ActionDef::Set { path, .. }
            | ActionDef::Append { path, .. }
            | ActionDef::Insert { path, .. }
            | ActionDef::Remove { path }
            | ActionDef::Clear { path } => drop(into.insert(id_of(path)?)),
            ActionDef::If { then, otherwise, .. } => {
                touched(then, into)?;
                touched(otherwise, into)?;
            }
            ActionDef::Switch { cases, default, .. } => {
                cases.iter().try_for_each(|(_, steps)| touched(steps, into))?;
                touched(default, into)?;
            }
            ActionDef::Choose { cases, default } => {
                cases.iter().try_for_each(|case| touched(&case.steps, into))?;
                touched(default, into)?;
            }
            ActionDef::ForEach { steps, .. } => touched(steps, into)?,
            _ => return None,
        }
    }
    Some(())
}

/// Leaves out the steps that are wrong, so that the others can be done.
fn sound(defs: &[TransformDef], schemas: &Schemas, scope: &Scope) -> Vec<TransformDef> {
    let mut defs = defs.to_vec();
    loop {
        let (_, findings) = Transforms::compile(&defs, schemas, scope);
        let number = |place: &str| place.strip_prefix("steps[")?.split(']').next()?.parse::<usize>().ok();
        let errors = findings.iter().filter(|finding| finding.is_error);
        let wrong: BTreeSet<_> =
            errors.map(|error| (&error.transform, number(&error.place).unwrap())).collect();
        if wrong.is_empty() {
            return defs;
        }
        for (name, step) in wrong.into_iter().rev() {
            defs.iter_mut().find(|def| def.name == *name).unwrap().steps.remove(step);
        }
    }
}

#[test]
fn whatever_the_steps_messages_stay_messages() {
    let schemas = Schemas::default();
    let entries = [("a".to_owned(), "alpha".to_owned())].into();
    let tables = LookupTables::default().with("codes", LookupTable { entries, default: None, strict: true });
    let scope = Scope { tables, ..Scope::default() };
    let (mut made_all, mut untouched) = (0, 0);
    for seed in 0..250 {
        let mut random = Random::new(seed);
        let defs = sound(&transforms(&mut random), &schemas, &scope);
        let (compiled, _) = Transforms::compile(&defs, &schemas, &scope);
        let transform = compiled.get("t").unwrap();
        let source = read(&jumble(&mut random));
        let facts = Facts::default();
        let Ok(made) = transform.apply(&source, &facts) else { continue };
        made_all += 1;
        let again = read(made.text());
        assert_eq!(raw(&again), raw(&made), "the index fits the text");
        let mut traced = Vec::new();
        let told = transform.apply_traced(&source, &facts, &mut traced).unwrap();
        assert_eq!(told.text(), made.text(), "telling changes nothing");
        let mut changed = BTreeSet::new();
        if defs[1].create == Create::New || touched(&defs[1].steps, &mut changed).is_none() {
            continue;
        }
        untouched += 1;
        let of = |message: &Message| {
            let all = raw(message).into_iter();
            all.filter(|own| !changed.contains(&own[..3])).collect::<Vec<_>>()
        };
        assert_eq!(of(&made), of(&source), "only {changed:?} are changed");
        if changed.is_empty() {
            assert_eq!(made.text(), source.text());
        }
    }
    assert!(made_all > 120 && untouched > 30, "{made_all} were made, {untouched} of them compared");
}
